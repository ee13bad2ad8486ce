/* bench_session.c: what friend requests, session set-ups and ratchet messages cost beyond the library's own curve. */
#include <omemo/curve.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/contact.h"
#include "client/prekeys.h"
#include "client/session_library.h"
#include "tests/bench/bench.h"

#define ROUNDS      7
#define UNITS       20 /* per round */
#define PLAIN_BYTES 159
#define MADE_MS     INT64_C(1569888000000)

struct person {
    struct rng rng;
    struct x25519_pair identity;
    struct account_id account;
    struct prekeys prekeys;
    struct blob *record; /* with the other */
};

struct talk {
    struct session_library *library;
    struct arena arena;
    struct rng_key key;
    struct person people[2];
    struct session_work work; /* of the last round of ours */
};

static void draw(void *owner, void *out, size_t len)
{
    rng_bytes(owner, out, len);
}

static struct session_self as(struct talk *talk, int who)
{
    struct person *person = &talk->people[who];

    return (struct session_self){.library = talk->library,
                                 .identity = &person->identity,
                                 .prekeys = &person->prekeys,
                                 .draw = draw,
                                 .owner = &person->rng,
                                 .arena = &talk->arena};
}

static void talk_init(struct talk *talk)
{
    memset(talk, 0, sizeof(*talk));
    talk->library = session_library_new();
    arena_init(&talk->arena);
    rng_key_from_seed(&talk->key, 7);
    for (uint32_t i = 0; i < 2; i++) {
        struct person *person = &talk->people[i];

        rng_init(&person->rng, &talk->key, RNG_PROTOCOL, i);
        rng_bytes(&person->rng, person->identity.secret.bytes, sizeof(person->identity.secret.bytes));
        x25519_public_of(&person->identity.secret, &person->identity.public);
        account_from_x25519(&person->identity.public, &person->account);
        prekeys_init(&person->prekeys, draw, &person->rng);
    }
}

static void talk_fini(struct talk *talk)
{
    for (int i = 0; i < 2; i++) {
        blob_drop(talk->people[i].record);
        prekeys_fini(&talk->people[i].prekeys);
    }
    arena_fini(&talk->arena);
    session_library_free(talk->library);
}

static void add_work(struct talk *talk, const struct session_self *self)
{
    talk->work.x25519 += self->work.x25519;
    talk->work.signs += self->work.signs;
}

static void offer(struct talk *talk, struct one_time_prekey *one_time, struct prekey_bundle *bundle)
{
    struct session_self self = as(talk, 1);
    bool changed;

    *one_time = (struct one_time_prekey){0};
    prekeys_bundle(&talk->people[1].prekeys, &self, &session_real, MADE_MS, one_time, bundle, &changed);
    add_work(talk, &self);
}

/* A request: the one-time prekey of a new contact in a bundle, and the agreement that encrypts it; its reader agrees,
 * too. */
static double befriend(void *owner)
{
    struct talk *talk = owner;
    uint64_t began_ns = bench_cpu_ns();
    struct one_time_prekey one_time;
    struct prekey_bundle bundle;
    struct shared_key shared;

    talk->work = (struct session_work){0};
    for (int i = 0; i < UNITS; i++) {
        offer(talk, &one_time, &bundle);
        ASSERT(crypto_real.agree(&talk->people[1].identity, &talk->people[0].identity.public, &shared) == OK);
        ASSERT(crypto_real.agree(&talk->people[0].identity, &talk->people[1].identity.public, &shared) == OK);
        talk->work.x25519 += 2;
        arena_reset(&talk->arena);
    }
    return (double)(bench_cpu_ns() - began_ns) / UNITS;
}

static void say(struct talk *talk, int from, const struct one_time_prekey *one_time)
{
    static const uint8_t plain[PLAIN_BYTES] = {1};
    struct session_self writer = as(talk, from), reader = as(talk, 1 - from);
    struct person *people = talk->people;
    struct session_sealed sealed;
    struct session_opened opened;

    ASSERT(session_real.encrypt(&writer, &people[1 - from].account, BYTES_OF(plain), &people[from].record, &sealed) ==
           OK);
    ASSERT(session_real.decrypt(&reader, &people[from].account, one_time, sealed.type, sealed.wire,
                                &people[1 - from].record, &opened) == OK);
    add_work(talk, &writer);
    add_work(talk, &reader);
    arena_reset(&talk->arena);
}

/* From the bundle, which is there already, to the first message read. */
static double set_up(void *owner)
{
    struct talk *talk = owner;
    struct one_time_prekey one_time[UNITS];
    struct prekey_bundle bundles[UNITS];
    uint64_t began_ns;

    for (int i = 0; i < UNITS; i++)
        offer(talk, &one_time[i], &bundles[i]);
    talk->work = (struct session_work){0};
    began_ns = bench_cpu_ns();
    for (int i = 0; i < UNITS; i++) {
        struct session_self self = as(talk, 0);

        for (int who = 0; who < 2; who++) {
            blob_drop(talk->people[who].record);
            talk->people[who].record = NULL;
        }
        ASSERT(session_real.start(&self, &talk->people[1].account, &bundles[i], &talk->people[0].record) == OK);
        add_work(talk, &self);
        say(talk, 0, &one_time[i]);
    }
    return (double)(bench_cpu_ns() - began_ns) / UNITS;
}

/* A text and its reading, with a ratchet step each time: the two take turns. */
static double chat(void *owner)
{
    struct talk *talk = owner;
    uint64_t began_ns = bench_cpu_ns();

    talk->work = (struct session_work){0};
    for (int i = 0; i < UNITS; i++)
        say(talk, 1 - i % 2, NULL);
    return (double)(bench_cpu_ns() - began_ns) / UNITS;
}

/* As many agreements and signatures as ours has counted in its last round, by the library's curve alone. */
static double curve_alone(void *owner)
{
    struct talk *talk = owner;
    struct session_self self = as(talk, 0);
    struct session_library *library = library_begin(&self, NULL);
    ec_private_key *secret = library_private_key(library, &talk->people[0].identity.secret);
    ec_public_key *public = library_public_key(library, &talk->people[1].identity.public);
    struct blob *record = NULL;
    uint64_t began_ns = bench_cpu_ns(), used_ns;

    for (uint32_t i = 0; i < talk->work.x25519; i++) {
        uint8_t *shared = NULL;

        ASSERT(curve_calculate_agreement(&shared, public, secret) >= 0);
        free(shared);
    }
    for (uint32_t i = 0; i < talk->work.signs; i++) {
        signal_buffer *signature = NULL;

        ASSERT(curve_calculate_signature(library->context, &signature, secret, talk->people[0].account.bytes,
                                         sizeof(talk->people[0].account.bytes)) >= 0);
        signal_buffer_free(signature);
    }
    used_ns = bench_cpu_ns() - began_ns;
    SIGNAL_UNREF(secret);
    SIGNAL_UNREF(public);
    ASSERT(library_end(library, 0, &record) == OK && record == NULL);
    return (double)used_ns / UNITS;
}

static void add_row(struct bench *bench, struct talk *talk, const char *what, bench_side_fn ours)
{
    struct bench_pair pair = bench_compare(ROUNDS, ours, talk, curve_alone, talk);
    struct bench_row row = {.against = "libomemo-c's curve operations in it",
                            .ratio = bench_ratio(pair.ratio, AIM_NONE, 0),
                            .absolute = {pair.ours_ns / 1000, AIM_NONE, 0, "us", 0}};

    snprintf(row.what, sizeof(row.what), "%s", what);
    snprintf(row.detail, sizeof(row.detail),
             "%.1f agreements and public keys, %.1f signatures: %.0f us by the curve alone",
             (double)talk->work.x25519 / UNITS, (double)talk->work.signs / UNITS, pair.theirs_ns / 1000);
    bench_add(bench, &row);
}

void bench_session(struct bench *bench)
{
    struct talk talk;
    struct bench_row row = {.what = "a contact with its session", .against = "-"};

    talk_init(&talk);
    (void)befriend(&talk); /* the sides of each row need work to compare with */
    add_row(bench, &talk, "a friend request", befriend);
    (void)set_up(&talk);
    add_row(bench, &talk, "X3DH: bundle to first message read", set_up);
    (void)chat(&talk);
    add_row(bench, &talk, "a ratchet message, written and read", chat);
    row.absolute = (struct bench_figure){(double)(sizeof(struct contact) + blob_bytes(talk.people[0].record).len),
                                         AIM_NONE, 0, "bytes", 0};
    snprintf(row.detail, sizeof(row.detail), "%zu of them the session's record, %zu the contact",
             blob_bytes(talk.people[0].record).len, sizeof(struct contact));
    bench_add(bench, &row);
    talk_fini(&talk);
}
