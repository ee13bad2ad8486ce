#include "client/session.h"

#include <string.h>

#include "client/prekeys.h"
#include "common/limits.h"
#include "proto/session_message.h"
#include "tests/support/check_main.h"
#include "tests/support/session_fixture.h"

/* Type 3 until an answer was read, and then type 1; the one-time prekey is used by the first message that comes,
 * whichever that is. */
START_TEST(a_session_begins)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct pair pair;
        struct session_sealed first, second, answer;
        struct session_opened opened;

        pair_init(&pair, suites[i]);
        struct prekey_bundle bundle = pair_offer(&pair, 0, 0);
        ck_assert_int_eq(pair_start(&pair, 1, &bundle), OK);
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
        struct prekey_bundle bundles[2] = {pair_offer(&pair, 0, 0), pair_offer(&pair, 1, 0)};
        ck_assert_int_eq(pair_start(&pair, 0, &bundles[1]), OK);
        ck_assert_int_eq(pair_start(&pair, 1, &bundles[0]), OK);
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
        self = pair_self(&pair, 0);
        ck_assert_int_eq(pair.suite->keep_active(&self, &pair.people[0].record), ERR_MISSING);
        pair_settle(&pair);
        old = sealed_text(&pair, 1, "late");
        struct prekey_bundle bundle = pair_offer(&pair, 0, 0);
        ck_assert_int_eq(pair_start(&pair, 1, &bundle), OK);
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
        struct prekey_bundle bundle = pair_offer(&pair, 0, 0), wrong = bundle;
        ck_assert_int_eq(pair_seal(&pair, 1, BYTES_LIT("x"), &sealed), ERR_MISSING);
        wrong.identity = one->account;
        ck_assert_int_eq(pair_start(&pair, 1, &wrong), ERR_REFUSED);
        wrong = bundle;
        wrong.signature[5] ^= 1;
        ck_assert_int_eq(pair_start(&pair, 1, &wrong), ERR_CRYPTO);
        wrong = bundle;
        wrong.signed_key.bytes[5] ^= 1;
        ck_assert_int_eq(pair_start(&pair, 1, &wrong), ERR_CRYPTO);
        ck_assert_ptr_null(one->record);

        ck_assert_int_eq(pair_start(&pair, 1, &bundle), OK);
        sealed = sealed_text(&pair, 1, "text");
        changed = (struct session_sealed){ENVELOPE_CIPHERTEXT, sealed.wire};
        ck_assert_int_eq(pair_open(&pair, 0, &changed, &opened), ERR_FORMAT);
        changed.wire = bytes_slice(sealed.wire, 0, sealed.wire.len - 1);
        changed.type = ENVELOPE_PREKEY_BUNDLE;
        ck_assert_int_eq(pair_open(&pair, 0, &changed, &opened), ERR_FORMAT);
        changed.wire = BYTES_NONE;
        ck_assert_int_eq(pair_open(&pair, 0, &changed, &opened), ERR_FORMAT);
        changed = (struct session_sealed){ENVELOPE_FRIEND_REQUEST, sealed.wire};
        ck_assert_int_eq(pair_open(&pair, 0, &changed, &opened), ERR_FORMAT);

        /* Of type 1 inside, but there is no session yet. */
        struct session_wire read;
        ck_assert_int_eq(session_wire_decode(sealed.type, sealed.wire, &pair.arena, &read), OK);
        changed = (struct session_sealed){ENVELOPE_CIPHERTEXT, read.prekey.message};
        ck_assert_int_eq(pair_open(&pair, 0, &changed, &opened), ERR_MISSING);

        /* Another's identity; prekeys that are not ours, or not of this contact, or none where there is one. */
        struct session_prekey_message other = read.prekey;
        other.identity.bytes[9] ^= 1;
        changed = (struct session_sealed){ENVELOPE_PREKEY_BUNDLE, session_prekey_message_encode(&other, &pair.arena)};
        ck_assert_int_eq(pair_open(&pair, 0, &changed, &opened), ERR_REFUSED);
        other = read.prekey;
        other.signed_prekey_id++;
        changed.wire = session_prekey_message_encode(&other, &pair.arena);
        ck_assert_int_eq(pair_open(&pair, 0, &changed, &opened), ERR_NOT_FOUND);
        other = read.prekey;
        other.prekey_id++;
        changed.wire = session_prekey_message_encode(&other, &pair.arena);
        ck_assert_int_eq(pair_open(&pair, 0, &changed, &opened), ERR_NOT_FOUND);
        other = read.prekey;
        other.has_prekey_id = false;
        changed.wire = session_prekey_message_encode(&other, &pair.arena);
        ck_assert_int_eq(pair_open(&pair, 0, &changed, &opened), ERR_NOT_FOUND);
        ck_assert_ptr_null(zero->record);
        ck_assert_uint_ne(zero->one_time.id, 0);

        struct session_self self = pair_self(&pair, 0);
        ck_assert_int_eq(
            pair.suite->decrypt(&self, &one->account, NULL, sealed.type, sealed.wire, &zero->record, &opened),
            ERR_NOT_FOUND);

        (void)opened_text(&pair, 0, &sealed, "text");
        struct blob *before = blob_keep(zero->record);
        ck_assert_int_eq(pair_open(&pair, 0, &sealed, &opened), ERR_DUPLICATE);
        sealed = sealed_text(&pair, 1, "more");
        uint8_t *bytes = (uint8_t *)(uintptr_t)sealed.wire.data;
        bytes[sealed.wire.len - 20] ^= 1; /* in the inner message's ciphertext or MAC */
        ck_assert_int_eq(pair_open(&pair, 0, &sealed, &opened), ERR_CRYPTO);
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
        struct prekey_bundle bundle = pair_offer(&pair, 0, 0);
        bundle.prekey.bytes[31] ^= 0x80;
        ck_assert_int_eq(pair_start(&pair, 1, &bundle), OK);
        sealed = sealed_text(&pair, 1, "text");
        ck_assert(opened_text(&pair, 0, &sealed, "text").began);
        pair_fini(&pair);

        struct session_opened opened;
        pair_init(&pair, suites[i]);
        bundle = pair_offer(&pair, 0, 0);
        bundle.prekey.bytes[31] ^= 0x40;
        ck_assert_int_eq(pair_start(&pair, 1, &bundle), OK);
        sealed = sealed_text(&pair, 1, "text");
        ck_assert_int_eq(pair_open(&pair, 0, &sealed, &opened), ERR_CRYPTO);
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
        struct prekey_bundle bundle = pair_offer(&pair, 0, 0);
        pair_settle(&pair);
        ck_assert_int_eq(pair_start(&pair, 1, &bundle), OK);
        sealed = sealed_text(&pair, 1, "again");
        ck_assert_int_eq(pair_open(&pair, 0, &sealed, &opened), ERR_NOT_FOUND);
        bundle.prekey_id = 0;
        ck_assert_int_eq(pair_start(&pair, 1, &bundle), OK);
        sealed = sealed_text(&pair, 1, "again");
        ck_assert_int_eq(pair_open(&pair, 0, &sealed, &opened), ERR_NOT_FOUND);

        /* Unless it was offered like that. */
        struct session_self self = pair_self(&pair, 0);
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
        pair_settle(&pair);
        for (int n = 0; n <= LIMIT_SESSION_SKIP + 1; n++) {
            sealed = sealed_text(&pair, 1, "x");
            if (n == 600)
                kept[0] = sealed;
            else if (n == 700)
                kept[1] = sealed;
            else if (n == LIMIT_SESSION_SKIP)
                kept[2] = sealed;
        }
        ck_assert_int_eq(pair_open(&pair, 0, &sealed, &opened), ERR_CRYPTO);
        ck_assert_int_eq(pair_open(&pair, 0, &kept[2], &opened), ERR_TOO_BIG);
        (void)opened_text(&pair, 0, &kept[0], "x");
        ck_assert_uint_gt(pair.people[0].record->len, 50000);
        ck_assert_int_eq(pair_open(&pair, 0, &sealed, &opened), ERR_TOO_BIG);
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
        pair_settle(&pair);
        for (size_t n = 0; n < ARRAY_LEN(sealed); n++) {
            struct prekey_bundle bundle = pair_offer(&pair, 0, 0);
            ck_assert_int_eq(pair_start(&pair, 1, &bundle), OK);
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
        ck_assert_int_eq(pair_open(&pair, 0, &sealed[0], &opened), ERR_NOT_FOUND);
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
        pair_settle(&pair);
        for (size_t n = 0; n < ARRAY_LEN(late); n++) {
            late[n] = sealed_text(&pair, 1, "late");
            sealed = sealed_text(&pair, 1, "in time");
            (void)opened_text(&pair, 0, &sealed, "in time");
            sealed = sealed_text(&pair, 0, "answer");
            (void)opened_text(&pair, 1, &sealed, "answer");
        }
        ck_assert_int_eq(pair_open(&pair, 0, &late[0], &opened), ERR_CRYPTO);
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
        pair_settle(&pair);
        sealed = sealed_text(&pair, 1, "text");
        for (size_t at = 0; at < sealed.wire.len; at++) {
            spoilt = (struct session_sealed){sealed.type, arena_copy(&pair.arena, sealed.wire)};
            ((uint8_t *)(uintptr_t)spoilt.wire.data)[at] ^= 0x11;
            ck_assert_int_ne(pair_open(&pair, 0, &spoilt, &opened), OK);
            spoilt.wire = bytes_slice(sealed.wire, 0, at);
            ck_assert_int_ne(pair_open(&pair, 0, &spoilt, &opened), OK);
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
        pair_settle(&pair);
        struct blob *good = pair.people[0].record;
        for (size_t len = 0; len < good->len; len += 7) {
            pair.people[0].record = blob_copy((struct bytes){good->data, len});
            ck_assert_int_ne(pair_seal(&pair, 0, BYTES_LIT("x"), &sealed), OK);
            blob_drop(pair.people[0].record);
        }
        pair.people[0].record = good;
        pair_fini(&pair);
    }
}
END_TEST

TEST_MAIN("session", a_session_begins, both_start_at_once, a_reset_ends_with_one_session,
          what_is_refused_changes_nothing, the_top_bit_of_a_key_does_not_count, a_used_prekey_begins_nothing,
          skipped_messages_are_bounded, archived_sessions_are_bounded, old_ratchets_are_bounded,
          spoilt_messages_are_refused, spoilt_records_are_refused)
