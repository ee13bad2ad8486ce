#include "client/session.h"

#include <dlfcn.h>
#include <protobuf-c/protobuf-c.h>
#include <string.h>

#include "client/prekeys.h"
#include "common/limits.h"
#include "common/text.h"
#include "proto/session_message.h"
#include "tests/support/check_main.h"

static const struct session_suite *const suites[] = {&session_real, &session_modelled};

static struct rng_key world;

/* One of two people, with its own chance. */
struct person {
    struct rng rng;
    struct x25519_pair identity;
    struct account_id account;
    struct prekeys prekeys;
    struct one_time_prekey one_time; /* made for the other */
    struct blob *record;             /* with the other */
    struct session_work work;
};

/* A conversation in one suite. */
struct pair {
    const struct session_suite *suite;
    struct session_library *library;
    struct arena arena;
    struct person people[2];
};

static void draw(void *owner, void *out, size_t len)
{
    rng_bytes(owner, out, len);
}

static struct session_self as(struct pair *pair, int who)
{
    struct person *person = &pair->people[who];

    return (struct session_self){.library = pair->library,
                                 .identity = &person->identity,
                                 .prekeys = &person->prekeys,
                                 .draw = draw,
                                 .owner = &person->rng,
                                 .arena = &pair->arena,
                                 .work = person->work};
}

static void person_init(struct person *person, uint32_t source)
{
    memset(person, 0, sizeof(*person));
    rng_init(&person->rng, &world, RNG_PROTOCOL, source);
    rng_bytes(&person->rng, person->identity.secret.bytes, sizeof(person->identity.secret.bytes));
    x25519_public_of(&person->identity.secret, &person->identity.public);
    account_from_x25519(&person->identity.public, &person->account);
    prekeys_init(&person->prekeys, draw, &person->rng);
}

static void person_fini(struct person *person)
{
    blob_drop(person->record);
    prekeys_fini(&person->prekeys);
}

static void pair_init(struct pair *pair, const struct session_suite *suite)
{
    ck_assert_int_eq(crypto_start(), OK);
    rng_key_from_seed(&world, 7);
    pair->suite = suite;
    pair->library = session_library_new();
    arena_init(&pair->arena);
    person_init(&pair->people[0], 1);
    person_init(&pair->people[1], 2);
}

static void pair_fini(struct pair *pair)
{
    person_fini(&pair->people[0]);
    person_fini(&pair->people[1]);
    arena_fini(&pair->arena);
    session_library_free(pair->library);
}

/* What `who` offers the other. */
static struct prekey_bundle offer(struct pair *pair, int who, int64_t now_ms)
{
    struct person *person = &pair->people[who];
    struct session_self self = as(pair, who);
    struct prekey_bundle bundle;
    bool changed;

    prekeys_bundle(&person->prekeys, &self, pair->suite, now_ms, &person->one_time, &bundle, &changed);
    person->work = self.work;
    return bundle;
}

static enum err start(struct pair *pair, int who, const struct prekey_bundle *bundle)
{
    struct person *person = &pair->people[who];
    struct session_self self = as(pair, who);
    enum err err = pair->suite->start(&self, &pair->people[!who].account, bundle, &person->record);

    person->work = self.work;
    return err;
}

static enum err seal(struct pair *pair, int who, struct bytes plain, struct session_sealed *sealed)
{
    struct person *person = &pair->people[who];
    struct session_self self = as(pair, who);
    enum err err = pair->suite->encrypt(&self, &pair->people[!who].account, plain, &person->record, sealed);

    person->work = self.work;
    return err;
}

static enum err open(struct pair *pair, int who, const struct session_sealed *sealed, struct session_opened *opened)
{
    struct person *person = &pair->people[who];
    struct session_self self = as(pair, who);
    enum err err = pair->suite->decrypt(&self, &pair->people[!who].account, &person->one_time, sealed->type,
                                        sealed->wire, &person->record, opened);

    person->work = self.work;
    if (err == OK && opened->prekey_used)
        one_time_prekey_forget(&person->one_time);
    return err;
}

static struct session_sealed sealed_text(struct pair *pair, int who, const char *text)
{
    struct session_sealed sealed;

    ck_assert_int_eq(seal(pair, who, bytes_text(text), &sealed), OK);
    return sealed;
}

static struct session_opened opened_text(struct pair *pair, int who, const struct session_sealed *sealed,
                                         const char *text)
{
    struct session_opened opened;

    ck_assert_int_eq(open(pair, who, sealed, &opened), OK);
    ck_assert(bytes_equal_text(opened.plain, text));
    return opened;
}

/* 1 starts with what 0 offered, and both have written. */
static void settle(struct pair *pair)
{
    struct prekey_bundle bundle = offer(pair, 0, 0);
    struct session_sealed sealed;

    ck_assert_int_eq(start(pair, 1, &bundle), OK);
    sealed = sealed_text(pair, 1, "first");
    (void)opened_text(pair, 0, &sealed, "first");
    sealed = sealed_text(pair, 0, "answer");
    (void)opened_text(pair, 1, &sealed, "answer");
}

/* Type 3 until an answer was read, and then type 1; the one-time prekey is used by the first message that comes,
 * whichever that is. */
START_TEST(a_session_begins)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct pair pair;
        struct session_sealed first, second, answer;
        struct session_opened opened;

        pair_init(&pair, suites[i]);
        struct prekey_bundle bundle = offer(&pair, 0, 0);
        ck_assert_int_eq(start(&pair, 1, &bundle), OK);
        first = sealed_text(&pair, 1, "one");
        second = sealed_text(&pair, 1, "");
        ck_assert_int_eq(first.type, ENVELOPE_PREKEY_BUNDLE);
        ck_assert_int_eq(second.type, ENVELOPE_PREKEY_BUNDLE);

        opened = opened_text(&pair, 0, &second, "");
        ck_assert(opened.began && opened.prekey_used && !opened.switched);
        ck_assert_uint_eq(pair.people[0].one_time.id, 0);
        opened = opened_text(&pair, 0, &first, "one");
        ck_assert(!opened.began && !opened.prekey_used && !opened.switched);

        answer = sealed_text(&pair, 0, "two");
        ck_assert_int_eq(answer.type, ENVELOPE_CIPHERTEXT);
        ck_assert_int_eq(sealed_text(&pair, 1, "x").type, ENVELOPE_PREKEY_BUNDLE);
        opened = opened_text(&pair, 1, &answer, "two");
        ck_assert(!opened.began && !opened.prekey_used && !opened.switched);
        ck_assert_int_eq(sealed_text(&pair, 1, "x").type, ENVELOPE_CIPHERTEXT);
        pair_fini(&pair);
    }
}
END_TEST

/* Both accept each other's request at once: two sessions, and the one read in last is written in, until both agree. */
START_TEST(both_start_at_once)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct pair pair;
        struct session_sealed from[2];
        struct session_opened opened;

        pair_init(&pair, suites[i]);
        struct prekey_bundle bundles[2] = {offer(&pair, 0, 0), offer(&pair, 1, 0)};
        ck_assert_int_eq(start(&pair, 0, &bundles[1]), OK);
        ck_assert_int_eq(start(&pair, 1, &bundles[0]), OK);
        from[0] = sealed_text(&pair, 0, "mine");
        from[1] = sealed_text(&pair, 1, "yours");
        opened = opened_text(&pair, 0, &from[1], "yours");
        ck_assert(opened.began && opened.switched && opened.prekey_used);
        opened = opened_text(&pair, 1, &from[0], "mine");
        ck_assert(opened.began && opened.switched && opened.prekey_used);

        /* Each now writes in the session that the other began, and the other goes back to it. */
        from[0] = sealed_text(&pair, 0, "a");
        ck_assert_int_eq(from[0].type, ENVELOPE_CIPHERTEXT);
        opened = opened_text(&pair, 1, &from[0], "a");
        ck_assert(!opened.began && opened.switched);
        from[1] = sealed_text(&pair, 1, "b");
        opened = opened_text(&pair, 0, &from[1], "b");
        ck_assert(!opened.began && !opened.switched);
        from[0] = sealed_text(&pair, 0, "c");
        opened = opened_text(&pair, 1, &from[0], "c");
        ck_assert(!opened.switched);
        pair_fini(&pair);
    }
}
END_TEST

/* A reset: messages of the old session are still read while the new one begins; then only the active one is kept. */
START_TEST(a_reset_ends_with_one_session)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct pair pair;
        struct session_sealed old, new;
        struct session_opened opened;
        struct session_self self;

        pair_init(&pair, suites[i]);
        self = as(&pair, 0);
        ck_assert_int_eq(pair.suite->keep_active(&self, &pair.people[0].record), ERR_MISSING);
        settle(&pair);
        old = sealed_text(&pair, 1, "late");
        struct prekey_bundle bundle = offer(&pair, 0, 0);
        ck_assert_int_eq(start(&pair, 1, &bundle), OK);
        new = sealed_text(&pair, 1, "again");
        opened = opened_text(&pair, 0, &new, "again");
        ck_assert(opened.began && opened.switched);
        opened = opened_text(&pair, 0, &old, "late");
        ck_assert(!opened.began && opened.switched);
        old = sealed_text(&pair, 1, "never read");
        new = sealed_text(&pair, 1, "kept");
        ck_assert(opened_text(&pair, 0, &new, "kept").switched);

        uint32_t before = pair.people[0].record->len;
        ck_assert_int_eq(pair.suite->keep_active(&self, &pair.people[0].record), OK);
        ck_assert_uint_lt(pair.people[0].record->len, before);
        (void)opened_text(&pair, 0, &old, "never read"); /* it is in the new session as well */
        old = sealed_text(&pair, 0, "x");
        (void)opened_text(&pair, 1, &old, "x");
        pair_fini(&pair);
    }
}
END_TEST

/* Everything that is refused leaves the record alone, and says why. */
START_TEST(what_is_refused_changes_nothing)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct pair pair;
        struct person *zero = &pair.people[0], *one = &pair.people[1];
        struct session_sealed sealed, changed;
        struct session_opened opened;

        pair_init(&pair, suites[i]);
        struct prekey_bundle bundle = offer(&pair, 0, 0), wrong = bundle;
        ck_assert_int_eq(seal(&pair, 1, BYTES_LIT("x"), &sealed), ERR_MISSING);
        wrong.identity = one->account;
        ck_assert_int_eq(start(&pair, 1, &wrong), ERR_REFUSED);
        wrong = bundle;
        wrong.signature[5] ^= 1;
        ck_assert_int_eq(start(&pair, 1, &wrong), ERR_CRYPTO);
        wrong = bundle;
        wrong.signed_key.bytes[5] ^= 1;
        ck_assert_int_eq(start(&pair, 1, &wrong), ERR_CRYPTO);
        ck_assert_ptr_null(one->record);

        ck_assert_int_eq(start(&pair, 1, &bundle), OK);
        sealed = sealed_text(&pair, 1, "text");
        changed = (struct session_sealed){ENVELOPE_CIPHERTEXT, sealed.wire};
        ck_assert_int_eq(open(&pair, 0, &changed, &opened), ERR_FORMAT);
        changed.wire = bytes_slice(sealed.wire, 0, sealed.wire.len - 1);
        changed.type = ENVELOPE_PREKEY_BUNDLE;
        ck_assert_int_eq(open(&pair, 0, &changed, &opened), ERR_FORMAT);
        changed.wire = BYTES_NONE;
        ck_assert_int_eq(open(&pair, 0, &changed, &opened), ERR_FORMAT);
        changed = (struct session_sealed){ENVELOPE_FRIEND_REQUEST, sealed.wire};
        ck_assert_int_eq(open(&pair, 0, &changed, &opened), ERR_FORMAT);

        /* Of type 1 inside, but there is no session yet. */
        struct session_wire read;
        ck_assert_int_eq(session_wire_decode(sealed.type, sealed.wire, &pair.arena, &read), OK);
        changed = (struct session_sealed){ENVELOPE_CIPHERTEXT, read.prekey.message};
        ck_assert_int_eq(open(&pair, 0, &changed, &opened), ERR_MISSING);

        /* Another's identity; prekeys that are not ours, or not of this contact, or none where there is one. */
        struct session_prekey_message other = read.prekey;
        other.identity.bytes[9] ^= 1;
        changed = (struct session_sealed){ENVELOPE_PREKEY_BUNDLE, session_prekey_message_encode(&other, &pair.arena)};
        ck_assert_int_eq(open(&pair, 0, &changed, &opened), ERR_REFUSED);
        other = read.prekey;
        other.signed_prekey_id++;
        changed.wire = session_prekey_message_encode(&other, &pair.arena);
        ck_assert_int_eq(open(&pair, 0, &changed, &opened), ERR_NOT_FOUND);
        other = read.prekey;
        other.prekey_id++;
        changed.wire = session_prekey_message_encode(&other, &pair.arena);
        ck_assert_int_eq(open(&pair, 0, &changed, &opened), ERR_NOT_FOUND);
        other = read.prekey;
        other.has_prekey_id = false;
        changed.wire = session_prekey_message_encode(&other, &pair.arena);
        ck_assert_int_eq(open(&pair, 0, &changed, &opened), ERR_NOT_FOUND);
        ck_assert_ptr_null(zero->record);
        ck_assert_uint_ne(zero->one_time.id, 0);

        struct session_self self = as(&pair, 0);
        ck_assert_int_eq(
            pair.suite->decrypt(&self, &one->account, NULL, sealed.type, sealed.wire, &zero->record, &opened),
            ERR_NOT_FOUND);

        (void)opened_text(&pair, 0, &sealed, "text");
        struct blob *before = blob_keep(zero->record);
        ck_assert_int_eq(open(&pair, 0, &sealed, &opened), ERR_DUPLICATE);
        sealed = sealed_text(&pair, 1, "more");
        uint8_t *bytes = (uint8_t *)(uintptr_t)sealed.wire.data;
        bytes[sealed.wire.len - 20] ^= 1; /* in the inner message's ciphertext or MAC */
        ck_assert_int_eq(open(&pair, 0, &sealed, &opened), ERR_CRYPTO);
        ck_assert_ptr_eq(before, zero->record);
        bytes[sealed.wire.len - 20] ^= 1;
        (void)opened_text(&pair, 0, &sealed, "more");
        blob_drop(before);
        pair_fini(&pair);
    }
}
END_TEST

/* A curve does not look at the top bit of a key. Of a one-time prekey nothing else does either: it is not signed. */
START_TEST(the_top_bit_of_a_key_does_not_count)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct pair pair;
        struct session_sealed sealed;

        pair_init(&pair, suites[i]);
        struct prekey_bundle bundle = offer(&pair, 0, 0);
        bundle.prekey.bytes[31] ^= 0x80;
        ck_assert_int_eq(start(&pair, 1, &bundle), OK);
        sealed = sealed_text(&pair, 1, "text");
        ck_assert(opened_text(&pair, 0, &sealed, "text").began);
        pair_fini(&pair);

        struct session_opened opened;
        pair_init(&pair, suites[i]);
        bundle = offer(&pair, 0, 0);
        bundle.prekey.bytes[31] ^= 0x40;
        ck_assert_int_eq(start(&pair, 1, &bundle), OK);
        sealed = sealed_text(&pair, 1, "text");
        ck_assert_int_eq(open(&pair, 0, &sealed, &opened), ERR_CRYPTO);
        pair_fini(&pair);
    }
}
END_TEST

/* After the one-time prekey was used nobody begins a session with it again, nor without one. */
START_TEST(a_used_prekey_begins_nothing)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct pair pair;
        struct session_sealed sealed;
        struct session_opened opened;

        pair_init(&pair, suites[i]);
        struct prekey_bundle bundle = offer(&pair, 0, 0);
        settle(&pair);
        ck_assert_int_eq(start(&pair, 1, &bundle), OK);
        sealed = sealed_text(&pair, 1, "again");
        ck_assert_int_eq(open(&pair, 0, &sealed, &opened), ERR_NOT_FOUND);
        bundle.prekey_id = 0;
        ck_assert_int_eq(start(&pair, 1, &bundle), OK);
        sealed = sealed_text(&pair, 1, "again");
        ck_assert_int_eq(open(&pair, 0, &sealed, &opened), ERR_NOT_FOUND);

        /* Unless it was offered like that. */
        struct session_self self = as(&pair, 0);
        ck_assert_int_eq(pair.suite->decrypt(&self, &pair.people[1].account, NULL, sealed.type, sealed.wire,
                                             &pair.people[0].record, &opened),
                         OK);
        ck_assert(opened.began && !opened.prekey_used && opened.switched);
        pair_fini(&pair);
    }
}
END_TEST

/* 2,000 messages of a chain may be missing, if the record holds their keys; one more is refused. */
START_TEST(skipped_messages_are_bounded)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct pair pair;
        struct session_sealed sealed, kept[3];
        struct session_opened opened;

        pair_init(&pair, suites[i]);
        settle(&pair);
        for (int n = 0; n <= LIMIT_SESSION_SKIP + 1; n++) {
            sealed = sealed_text(&pair, 1, "x");
            if (n == 600)
                kept[0] = sealed;
            else if (n == 700)
                kept[1] = sealed;
            else if (n == LIMIT_SESSION_SKIP)
                kept[2] = sealed;
        }
        ck_assert_int_eq(open(&pair, 0, &sealed, &opened), ERR_CRYPTO);
        ck_assert_int_eq(open(&pair, 0, &kept[2], &opened), ERR_TOO_BIG);
        (void)opened_text(&pair, 0, &kept[0], "x");
        ck_assert_uint_gt(pair.people[0].record->len, 50000);
        ck_assert_int_eq(open(&pair, 0, &sealed, &opened), ERR_TOO_BIG);
        (void)opened_text(&pair, 0, &kept[1], "x");
        ck_assert_uint_le(pair.people[0].record->len, LIMIT_SESSION_BYTES);
        pair_fini(&pair);
    }
}
END_TEST

/* Of many sessions the active one and 40 more are remembered. */
START_TEST(archived_sessions_are_bounded)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct pair pair;
        struct session_sealed sealed[LIMIT_SESSION_ARCHIVED + 2];
        struct session_opened opened;
        uint32_t len = 0;

        pair_init(&pair, suites[i]);
        settle(&pair);
        for (size_t n = 0; n < ARRAY_LEN(sealed); n++) {
            struct prekey_bundle bundle = offer(&pair, 0, 0);
            ck_assert_int_eq(start(&pair, 1, &bundle), OK);
            sealed[n] = sealed_text(&pair, 1, "first");
            ck_assert(opened_text(&pair, 0, &sealed[n], "first").began);
            sealed[n] = sealed_text(&pair, 1, "second");
            if (n == LIMIT_SESSION_ARCHIVED)
                len = pair.people[0].record->len;
        }
        ck_assert_uint_le(pair.people[0].record->len, len + 100); /* ids and counters grow a byte here and there */
        for (size_t n = 1; n < ARRAY_LEN(sealed); n++)
            (void)opened_text(&pair, 0, &sealed[n], "second");
        /* This one went, with its base key: it would begin a session, with a prekey that is used up. */
        ck_assert_int_eq(open(&pair, 0, &sealed[0], &opened), ERR_NOT_FOUND);
        pair_fini(&pair);
    }
}
END_TEST

/* Five ratchet keys of theirs are remembered; older ones are not. */
START_TEST(old_ratchets_are_bounded)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct pair pair;
        struct session_sealed late[6], sealed;
        struct session_opened opened;

        pair_init(&pair, suites[i]);
        settle(&pair);
        for (size_t n = 0; n < ARRAY_LEN(late); n++) {
            late[n] = sealed_text(&pair, 1, "late");
            sealed = sealed_text(&pair, 1, "in time");
            (void)opened_text(&pair, 0, &sealed, "in time");
            sealed = sealed_text(&pair, 0, "answer");
            (void)opened_text(&pair, 1, &sealed, "answer");
        }
        ck_assert_int_eq(open(&pair, 0, &late[0], &opened), ERR_CRYPTO);
        for (size_t n = 1; n < ARRAY_LEN(late); n++)
            (void)opened_text(&pair, 0, &late[n], "late");
        pair_fini(&pair);
    }
}
END_TEST

/* No byte of a message can be changed, and no end cut off, without that it is refused; and nothing worse happens. */
START_TEST(spoilt_messages_are_refused)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct pair pair;
        struct session_sealed sealed, spoilt;
        struct session_opened opened;

        pair_init(&pair, suites[i]);
        settle(&pair);
        sealed = sealed_text(&pair, 1, "text");
        for (size_t at = 0; at < sealed.wire.len; at++) {
            spoilt = (struct session_sealed){sealed.type, arena_copy(&pair.arena, sealed.wire)};
            ((uint8_t *)(uintptr_t)spoilt.wire.data)[at] ^= 0x11;
            ck_assert_int_ne(open(&pair, 0, &spoilt, &opened), OK);
            spoilt.wire = bytes_slice(sealed.wire, 0, at);
            ck_assert_int_ne(open(&pair, 0, &spoilt, &opened), OK);
        }
        (void)opened_text(&pair, 0, &sealed, "text");
        pair_fini(&pair);
    }
}
END_TEST

/* What a disk gives back spoilt is an error, never more. */
START_TEST(spoilt_records_are_refused)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct pair pair;
        struct session_sealed sealed;

        pair_init(&pair, suites[i]);
        settle(&pair);
        struct blob *good = pair.people[0].record;
        for (size_t len = 0; len < good->len; len += 7) {
            pair.people[0].record = blob_copy((struct bytes){good->data, len});
            ck_assert_int_ne(seal(&pair, 0, BYTES_LIT("x"), &sealed), OK);
            blob_drop(pair.people[0].record);
        }
        pair.people[0].record = good;
        pair_fini(&pair);
    }
}
END_TEST

/* --- both suites in step --- */

#define MAIL_MAX 64

/* The same message in both suites; its text is in the arena. */
struct mail {
    struct session_sealed in[2];
    struct bytes text;
};

struct twins {
    struct pair pairs[2];
    struct rng script;
    int64_t now_ms;
    struct mail mail[2][MAIL_MAX]; /* to whom; kept when it was read, for duplicates */
    size_t mail_count[2];
    unsigned done[ERR_COUNT]; /* how often reading ended so */
};

/* After each step: the same of everything but the bytes of keys. */
static void check_twins(struct twins *t)
{
    for (int who = 0; who < 2; who++) {
        struct person *real = &t->pairs[0].people[who], *modelled = &t->pairs[1].people[who];

        ck_assert_uint_eq(real->rng.position_bytes, modelled->rng.position_bytes);
        ck_assert_uint_eq(real->work.x25519, modelled->work.x25519);
        ck_assert_uint_eq(real->work.signs, modelled->work.signs);
        ck_assert_uint_eq(real->work.sealed_bytes, modelled->work.sealed_bytes);
        ck_assert_uint_eq(real->one_time.id, modelled->one_time.id);
        ck_assert_int_eq(real->record == NULL, modelled->record == NULL);
        if (real->record != NULL)
            ck_assert_uint_eq(real->record->len, modelled->record->len);
    }
}

static uint32_t pick(struct twins *t, uint32_t n)
{
    return (uint32_t)rng_below(&t->script, n);
}

static void step_start(struct twins *t, int who)
{
    bool spoil = pick(t, 10) == 0;
    enum err errs[2];

    for (int i = 0; i < 2; i++) {
        struct prekey_bundle bundle = offer(&t->pairs[i], !who, t->now_ms);

        bundle.signature[20] ^= spoil;
        errs[i] = start(&t->pairs[i], who, &bundle);
    }
    ck_assert_int_eq(errs[0], errs[1]);
    ck_assert(errs[0] == (spoil ? ERR_CRYPTO : OK) || errs[0] == ERR_TOO_BIG);
}

static void step_seal(struct twins *t, int who)
{
    struct mail *mail;
    uint8_t text[100];
    enum err errs[2];

    if (t->mail_count[!who] == MAIL_MAX)
        t->mail[!who][pick(t, MAIL_MAX)] = t->mail[!who][--t->mail_count[!who]];
    mail = &t->mail[!who][t->mail_count[!who]++];
    rng_bytes(&t->script, text, sizeof(text));
    mail->text = arena_copy(&t->pairs[0].arena, (struct bytes){text, pick(t, sizeof(text))});
    for (int i = 0; i < 2; i++)
        errs[i] = seal(&t->pairs[i], who, mail->text, &mail->in[i]);
    ck_assert_int_eq(errs[0], errs[1]);
    if (errs[0] != OK) {
        ck_assert(errs[0] == ERR_MISSING || errs[0] == ERR_TOO_BIG);
        t->mail_count[!who]--;
        return;
    }
    ck_assert_int_eq(mail->in[0].type, mail->in[1].type);
    ck_assert_uint_eq(mail->in[0].wire.len, mail->in[1].wire.len);
}

/* Any message, new or old, as it is or changed in one byte. */
static void step_open(struct twins *t, int who)
{
    struct session_opened opened[2] = {{.began = false}, {.began = false}};
    struct mail *mail;
    size_t spoilt_at = SIZE_MAX;
    enum err errs[2];

    if (t->mail_count[who] == 0)
        return;
    mail = &t->mail[who][pick(t, 2) == 0 ? t->mail_count[who] - 1 : pick(t, (uint32_t)t->mail_count[who])];
    if (pick(t, 8) == 0)
        spoilt_at = pick(t, (uint32_t)mail->in[0].wire.len);
    for (int i = 0; i < 2; i++) {
        struct session_sealed sealed = mail->in[i];

        if (spoilt_at != SIZE_MAX) {
            sealed.wire = arena_copy(&t->pairs[i].arena, sealed.wire);
            ((uint8_t *)(uintptr_t)sealed.wire.data)[spoilt_at] ^= 0x04;
        }
        errs[i] = open(&t->pairs[i], who, &sealed, &opened[i]);
    }
    ck_assert_msg(errs[0] == errs[1], "real: %s, modelled: %s", err_text(errs[0]), err_text(errs[1]));
    t->done[errs[0]]++;
    if (errs[0] != OK)
        return;
    for (int i = 0; i < 2; i++)
        ck_assert(bytes_equal(opened[i].plain, mail->text));
    ck_assert_int_eq(opened[0].began, opened[1].began);
    ck_assert_int_eq(opened[0].switched, opened[1].switched);
    ck_assert_int_eq(opened[0].prekey_used, opened[1].prekey_used);
}

/* Many messages that nobody reads. */
static void step_skip(struct twins *t, int who)
{
    for (uint32_t n = pick(t, 3) == 0 ? pick(t, 1000) : pick(t, 20); n > 0; n--)
        for (int i = 0; i < 2; i++) {
            struct session_sealed sealed;

            (void)!seal(&t->pairs[i], who, BYTES_LIT("lost"), &sealed);
        }
}

static void step_forget(struct twins *t, int who)
{
    for (int i = 0; i < 2; i++) {
        blob_drop(t->pairs[i].people[who].record);
        t->pairs[i].people[who].record = NULL;
    }
}

static void step_keep_active(struct twins *t, int who)
{
    enum err errs[2];

    for (int i = 0; i < 2; i++) {
        struct session_self self = as(&t->pairs[i], who);

        errs[i] = t->pairs[i].suite->keep_active(&self, &t->pairs[i].people[who].record);
    }
    ck_assert_int_eq(errs[0], errs[1]);
}

static void step(struct twins *t)
{
    int who = (int)pick(t, 2);

    switch (pick(t, 40)) {
    case 0:
        step_forget(t, who);
        break;
    case 1:
        step_keep_active(t, who);
        break;
    case 2:
    case 3:
    case 4:
        step_start(t, who);
        break;
    case 5:
        step_skip(t, who);
        break;
    case 6:
        t->now_ms += pick(t, 4) * INT64_C(86400000);
        break;
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
    case 16:
    case 17:
    case 18:
        step_seal(t, who);
        break;
    default:
        step_open(t, who);
    }
    check_twins(t);
}

/* The same scripts in both suites: starts, resets and time, messages out of order, lost, twice and changed. */
START_TEST(both_suites_do_the_same)
{
    static struct twins t;
    unsigned done[ERR_COUNT] = {0};

    for (uint32_t seed = 0; seed < 30; seed++) {
        memset(&t, 0, sizeof(t));
        pair_init(&t.pairs[0], &session_real);
        pair_init(&t.pairs[1], &session_modelled);
        rng_init(&t.script, &world, RNG_SCENARIO, seed);
        for (int n = 0; n < 300; n++)
            step(&t);
        for (int i = 0; i < 2; i++)
            pair_fini(&t.pairs[i]);
        for (int i = 0; i < ERR_COUNT; i++)
            done[i] += t.done[i];
    }
    /* The script reaches what it is for. */
    ck_assert_uint_gt(done[OK], 500);
    ck_assert_uint_gt(done[ERR_DUPLICATE], 100);
    ck_assert_uint_gt(done[ERR_CRYPTO], 100);
    ck_assert_uint_gt(done[ERR_NOT_FOUND], 10);
    ck_assert_uint_gt(done[ERR_MISSING], 10);
    ck_assert_uint_gt(done[ERR_FORMAT], 10);
    ck_assert_uint_gt(done[ERR_REFUSED], 10);
    ck_assert_uint_gt(done[ERR_TOO_BIG], 10);
}
END_TEST

/* --- what others computed --- */

/* Chance that was said before. */
static void draw_said(void *owner, void *out, size_t len)
{
    struct bytes *rest = owner;

    ck_assert_uint_ge(rest->len, len);
    memcpy(out, rest->data, len);
    *rest = bytes_slice(*rest, len, rest->len - len);
}

static struct x25519_pair numbered_pair(uint8_t number)
{
    struct x25519_pair pair;

    for (size_t i = 0; i < 32; i++)
        pair.secret.bytes[i] = (uint8_t)(1 + 0x20 * number + i);
    x25519_public_of(&pair.secret, &pair.public);
    return pair;
}

/* The example of PROTOCOL 6.7: keys 0 to 5 are IKa, IKb, EKa, SPKb, OPKb and the first ratchet key. */
START_TEST(the_worked_example)
{
    struct x25519_pair a = numbered_pair(0), b = numbered_pair(1), signed_pair = numbered_pair(3);
    struct x25519_pair one_time_pair = numbered_pair(4);
    uint8_t said[64], text[159] = {0x0a, 0x04, 0x0a, 0x02, 'h', 'i', 0x80}, hash[32], expected[32];
    struct bytes draws = BYTES_OF(said);
    struct pair pair;
    struct session_sealed sealed;
    struct session_wire read;
    struct blob *record = NULL;

    pair_init(&pair, &session_real);
    memcpy(said, numbered_pair(2).secret.bytes, 32);
    memcpy(said + 32, numbered_pair(5).secret.bytes, 32);
    struct prekey_bundle bundle = {
        .prekey_id = 7, .signed_key_id = 1, .prekey = one_time_pair.public, .signed_key = signed_pair.public};
    struct account_id signed_key;
    struct session_self self = as(&pair, 1);
    account_from_x25519(&b.public, &bundle.identity);
    account_from_x25519(&signed_pair.public, &signed_key);
    self.identity = &b;
    pair.suite->sign(&self, BYTES_OF(signed_key.bytes), bundle.signature);

    struct prekeys own = {.registration_id = 1234};
    self = (struct session_self){.library = pair.library,
                                 .identity = &a,
                                 .prekeys = &own,
                                 .draw = draw_said,
                                 .owner = &draws,
                                 .arena = &pair.arena};
    ck_assert_int_eq(pair.suite->start(&self, &bundle.identity, &bundle, &record), OK);
    ck_assert_int_eq(pair.suite->encrypt(&self, &bundle.identity, BYTES_OF(text), &record, &sealed), OK);
    ck_assert_uint_eq(sealed.wire.len, 292);
    hash_sha256(sealed.wire, hash);
    ck_assert_int_eq(
        hex_decode(expected, 32, BYTES_LIT("d8c1892b0a8418cfca657fe190175b2d3a303fac19d9732995dea4346f320d28")), OK);
    ck_assert_mem_eq(hash, expected, 32);
    ck_assert_int_eq(session_wire_decode(sealed.type, sealed.wire, &pair.arena, &read), OK);
    ck_assert_uint_eq(read.prekey.message.len, 211);
    hash_sha256(read.prekey.message, hash);
    ck_assert_int_eq(
        hex_decode(expected, 32, BYTES_LIT("5b10df469f68ae42611bc632878a8d20ffdb697e2edd2bb63c1e133a243b190a")), OK);
    ck_assert_mem_eq(hash, expected, 32);
    blob_drop(record);
    pair_fini(&pair);
}
END_TEST

/* Ours have sign bit 0. The form before XEdDSA, which is an Ed25519 signature and the sign of its key, is taken too; so
 * is no other. */
START_TEST(signatures_old_and_new)
{
    uint8_t seed[32] = {0}, signature[64];
    unsigned signs[2] = {0, 0};
    struct pair pair;

    pair_init(&pair, &session_real);
    for (uint8_t n = 0; n < 16; n++) {
        struct ed25519_public ed;
        struct ed25519_secret secret;
        struct x25519_pair identity;
        struct session_self self = as(&pair, 0);
        uint8_t sign;

        seed[0] = n;
        ed25519_from_seed(seed, &ed, &secret);
        x25519_from_ed25519_secret(&secret, &identity.secret);
        x25519_public_of(&identity.secret, &identity.public);
        self.identity = &identity;
        pair.suite->sign(&self, BYTES_LIT("text"), signature);
        ck_assert_uint_eq(signature[63] & 0x80, 0);
        ck_assert(pair.suite->verify(&self, &identity.public, BYTES_LIT("text"), signature));
        ck_assert(!pair.suite->verify(&self, &identity.public, BYTES_LIT("test"), signature));

        sign = ed.bytes[31] & 0x80;
        signs[sign != 0]++;
        ed25519_sign(&secret, BYTES_LIT("text"), signature);
        signature[63] |= sign;
        ck_assert(pair.suite->verify(&self, &identity.public, BYTES_LIT("text"), signature));
        signature[63] ^= 0x80;
        ck_assert(!pair.suite->verify(&self, &identity.public, BYTES_LIT("text"), signature));
        ck_assert_uint_eq(self.work.signs, 5);
    }
    ck_assert(signs[0] > 0 && signs[1] > 0);
    pair_fini(&pair);
}
END_TEST

/* A modelled signature is bound to signer, text and itself as well. */
START_TEST(modelled_signatures)
{
    struct pair pair;
    uint8_t signature[64];

    pair_init(&pair, &session_modelled);
    struct session_self self = as(&pair, 0);
    const struct x25519_public *own = &pair.people[0].identity.public;
    uint64_t before = pair.people[0].rng.position_bytes;
    pair.suite->sign(&self, BYTES_LIT("text"), signature);
    ck_assert_uint_eq(pair.people[0].rng.position_bytes, before + 64);
    ck_assert(pair.suite->verify(&self, own, BYTES_LIT("text"), signature));
    ck_assert(!pair.suite->verify(&self, own, BYTES_LIT("test"), signature));
    ck_assert(!pair.suite->verify(&self, &pair.people[1].identity.public, BYTES_LIT("text"), signature));
    for (size_t i = 0; i < sizeof(signature); i++) {
        signature[i] ^= 1;
        ck_assert(!pair.suite->verify(&self, own, BYTES_LIT("text"), signature));
        signature[i] ^= 1;
    }
    pair_fini(&pair);
}
END_TEST

START_TEST(each_crypto_suite_has_its_sessions)
{
    ck_assert_ptr_eq(session_suite_for(&crypto_real), &session_real);
    ck_assert_ptr_eq(session_suite_for(&crypto_modelled), &session_modelled);
    for (size_t i = 0; i < ARRAY_LEN(suites); i++)
        ck_assert_str_eq(suites[i]->name, suites[i]->crypto->name);
    session_library_free(NULL);
}
END_TEST

/* libomemo-c brings an old protobuf-c of its own, under the same names: ours must be the one that is linked. */
START_TEST(protobuf_is_the_one_of_our_header)
{
    ck_assert_uint_eq(protobuf_c_version_number(), PROTOBUF_C_VERSION_NUMBER);
}
END_TEST

/* Both we and libomemo-c have a function of that name, with other arguments: it must call its own. */
START_TEST(the_library_calls_its_own_functions)
{
    void *seen = dlsym(RTLD_DEFAULT, "ed25519_verify");

    ck_assert_ptr_nonnull(seen);
    ck_assert_ptr_ne(seen, (void *)(uintptr_t)ed25519_verify);
}
END_TEST

TEST_MAIN("session", a_session_begins, both_start_at_once, a_reset_ends_with_one_session,
          what_is_refused_changes_nothing, the_top_bit_of_a_key_does_not_count, a_used_prekey_begins_nothing,
          skipped_messages_are_bounded, archived_sessions_are_bounded, old_ratchets_are_bounded,
          spoilt_messages_are_refused, spoilt_records_are_refused, both_suites_do_the_same, the_worked_example,
          signatures_old_and_new, modelled_signatures, each_crypto_suite_has_its_sessions,
          protobuf_is_the_one_of_our_header, the_library_calls_its_own_functions)
