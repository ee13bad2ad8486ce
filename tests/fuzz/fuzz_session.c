/* Sessions: two people write to each other in the real suite and, the same, in the modelled one; messages come late,
 * twice, changed, or are anything. Both must always do the same. */
#include <string.h>

#include "client/prekeys.h"
#include "proto/session_message.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_reader.h"

#define STEPS_MAX 60
#define MAIL_MAX  16

struct person {
    struct rng rng;
    struct x25519_pair identity;
    struct account_id account;
    struct prekeys prekeys;
    struct one_time_prekey one_time;
    struct blob *record;
};

/* A conversation in one suite. */
struct talk {
    const struct session_suite *suite;
    struct person people[2];
    struct session_sealed mail[2][MAIL_MAX];
};

struct twins {
    struct session_library *library;
    struct arena *arena;
    struct rng_key world;
    struct talk talks[2];
    size_t mail_count[2];
};

static void draw(void *owner, void *out, size_t len)
{
    rng_bytes(owner, out, len);
}

static struct session_self as(struct twins *t, int talk, int who)
{
    struct person *person = &t->talks[talk].people[who];

    return (struct session_self){.library = t->library,
                                 .identity = &person->identity,
                                 .prekeys = &person->prekeys,
                                 .draw = draw,
                                 .owner = &person->rng,
                                 .arena = t->arena};
}

static void begin(struct twins *t, struct arena *arena)
{
    memset(t, 0, sizeof(*t));
    t->arena = arena;
    t->library = session_library_new();
    rng_key_from_seed(&t->world, 1);
    t->talks[0].suite = &session_real;
    t->talks[1].suite = &session_modelled;
    for (int i = 0; i < 4; i++) {
        struct person *person = &t->talks[i / 2].people[i % 2];

        rng_init(&person->rng, &t->world, RNG_PROTOCOL, (uint32_t)i % 2);
        rng_bytes(&person->rng, person->identity.secret.bytes, sizeof(person->identity.secret.bytes));
        x25519_public_of(&person->identity.secret, &person->identity.public);
        account_from_x25519(&person->identity.public, &person->account);
        prekeys_init(&person->prekeys, draw, &person->rng);
    }
}

static void end(struct twins *t)
{
    for (int i = 0; i < 4; i++) {
        blob_drop(t->talks[i / 2].people[i % 2].record);
        prekeys_fini(&t->talks[i / 2].people[i % 2].prekeys);
    }
    session_library_free(t->library);
}

static void start(struct twins *t, int who, uint8_t spoil)
{
    enum err errs[2];

    for (int i = 0; i < 2; i++) {
        struct talk *talk = &t->talks[i];
        struct session_self self = as(t, i, who), other = as(t, i, !who);
        struct prekey_bundle bundle;
        bool made;

        prekeys_bundle(&talk->people[!who].prekeys, &other, talk->suite, 0, &talk->people[!who].one_time, &bundle,
                       &made);
        bundle.signature[40] ^= spoil;
        errs[i] = talk->suite->start(&self, &talk->people[!who].account, &bundle, &talk->people[who].record);
    }
    ASSERT(errs[0] == errs[1]);
}

static void seal(struct twins *t, int who, struct bytes text)
{
    struct session_sealed sealed[2];
    enum err errs[2];

    for (int i = 0; i < 2; i++) {
        struct session_self self = as(t, i, who);

        errs[i] = t->talks[i].suite->encrypt(&self, &t->talks[i].people[!who].account, text,
                                             &t->talks[i].people[who].record, &sealed[i]);
    }
    ASSERT(errs[0] == errs[1]);
    if (errs[0] != OK || t->mail_count[!who] == MAIL_MAX)
        return;
    ASSERT(sealed[0].type == sealed[1].type && sealed[0].wire.len == sealed[1].wire.len);
    for (int i = 0; i < 2; i++)
        t->talks[i].mail[!who][t->mail_count[!who]] = sealed[i];
    t->mail_count[!who]++;
}

static void open(struct twins *t, int who, const struct session_sealed sealed[2])
{
    struct session_opened opened[2] = {{.began = false}, {.began = false}};
    enum err errs[2];

    for (int i = 0; i < 2; i++) {
        struct person *person = &t->talks[i].people[who];
        struct session_self self = as(t, i, who);

        errs[i] = t->talks[i].suite->decrypt(&self, &t->talks[i].people[!who].account, &person->one_time,
                                             sealed[i].type, sealed[i].wire, &person->record, &opened[i]);
        if (errs[i] == OK && opened[i].prekey_used)
            one_time_prekey_forget(&person->one_time);
    }
    ASSERT(errs[0] == errs[1]);
    ASSERT(errs[0] != OK || bytes_equal(opened[0].plain, opened[1].plain));
    ASSERT(opened[0].began == opened[1].began && opened[0].switched == opened[1].switched);
}

/* A copy with up to three bytes changed, and perhaps cut. Bits are turned, not set: what they are differs between
 * suites. */
static struct bytes changed(struct bytes *in, struct arena *arena, struct bytes wire)
{
    struct bytes copy = arena_copy(arena, wire);
    uint8_t how = take_u8(in);

    for (uint8_t n = how & 3; n > 0; n--) {
        size_t at = take_u16(in) % copy.len;

        ((uint8_t *)(uintptr_t)copy.data)[at] ^= take_u8(in);
    }
    return (how & 0xfc) == 0xfc ? bytes_slice(copy, 0, take_u16(in) % copy.len) : copy;
}

/* One that was sent, changed in the same places in both; or what the input is. */
static void deliver(struct twins *t, int who, struct bytes *in)
{
    uint8_t which = take_u8(in);
    struct session_sealed sealed[2];

    if (which >= t->mail_count[who]) {
        sealed[0] =
            (struct session_sealed){(which & 1) != 0 ? ENVELOPE_PREKEY_BUNDLE : ENVELOPE_CIPHERTEXT, take_bytes(in)};
        sealed[1] = sealed[0];
    } else {
        struct bytes story = *in;

        for (int i = 0; i < 2; i++) {
            *in = story;
            sealed[i] = t->talks[i].mail[who][which];
            sealed[i].wire = changed(in, t->arena, sealed[i].wire);
        }
    }
    open(t, who, sealed);
}

static void forget(struct twins *t, int who, bool all)
{
    for (int i = 0; i < 2; i++) {
        struct session_self self = as(t, i, who);
        struct blob **record = &t->talks[i].people[who].record;

        if (all) {
            blob_drop(*record);
            *record = NULL;
        } else {
            (void)!t->talks[i].suite->keep_active(&self, record);
        }
    }
}

static void check(const struct twins *t)
{
    for (int who = 0; who < 2; who++) {
        const struct person *real = &t->talks[0].people[who], *modelled = &t->talks[1].people[who];

        ASSERT(real->rng.position_bytes == modelled->rng.position_bytes);
        ASSERT(blob_bytes(real->record).len == blob_bytes(modelled->record).len);
    }
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    struct twins *t = arena_alloc(arena, sizeof(*t));

    begin(t, arena);
    start(t, 0, 0);
    for (int n = 0; n < STEPS_MAX && input.len > 0; n++) {
        uint8_t what = take_u8(&input);
        int who = what >> 7;

        switch (what & 7) {
        case 0:
            start(t, who, (what & 8) != 0);
            break;
        case 1:
            forget(t, who, (what & 8) != 0);
            break;
        case 2:
        case 3:
            seal(t, who, bytes_slice(input, 0, input.len < (what & 0x78) ? input.len : (what & 0x78)));
            break;
        default:
            deliver(t, who, &input);
        }
        check(t);
    }
    end(t);
}
