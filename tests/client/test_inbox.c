#include "tests/support/check_main.h"

#include <string.h>

#include "client/client_state.h"
#include "client/inbox.h"
#include "client/message.h"
#include "client/receive.h"
#include "common/text.h"
#include "tests/support/friends.h"

static struct fake_swarm net;
static struct client *alice, *bob;

static void start(void)
{
    fake_swarm_init(&net, 3, 1);
    net.preset.suite = &crypto_modelled;
    alice = fake_swarm_client(&net, 1);
    bob = fake_swarm_client(&net, 2);
}

static void stop(void)
{
    client_free(alice);
    client_free(bob);
    fake_swarm_fini(&net);
}

/* A message from alice of that time, under a hash made of `number`. */
static bool take(uint64_t timestamp_ms, const char *text, uint32_t number)
{
    char hex[128];
    uint8_t hash[64] = {0};
    store_le32(hash, number);
    hex_encode(hex, BYTES_OF(hash));
    struct blob *data = friends_request(alice, client_account(bob), timestamp_ms, text);
    bool shown = receive_stored(bob, &(struct rpc_message){BYTES_OF(hex), FAKE_EPOCH_MS + 100000, blob_bytes(data)});
    blob_drop(data);
    fake_env_run(&net.fake);
    arena_reset(net.fake.env.arena);
    return shown;
}

/* Shown in the order of arrival, with a trace of the text's hash and not of the text. */
START_TEST(messages_are_shown_in_order)
{
    uint8_t sha256[32];
    start();
    ck_assert(take(1, "first", 1));
    ck_assert(take(2, "second", 2));
    const struct received *first = inbox_first(bob);
    ck_assert(bytes_equal_text(first->text, "first"));
    ck_assert(bytes_equal_text(first->next->text, "second"));
    ck_assert_ptr_null(first->next->next);
    ck_assert_int_eq(first->shown_ms, FAKE_EPOCH_MS);
    const struct fake_trace *shown = fake_env_last_trace(&net.fake, TRACE_SHOWN);
    hash_sha256(BYTES_LIT("second"), sha256);
    ck_assert(bytes_equal(blob_bytes(shown->b[1]), BYTES_OF(sha256)));
    ck_assert(bytes_equal(blob_bytes(shown->b[0]), BYTES_OF(client_account(alice)->bytes)));
    ck_assert_uint_eq(shown->n[0], 2);
    ck_assert_uint_eq(shown->n[1], 6);
    stop();
}
END_TEST

/* The same hash, or the same sender and time under another hash, is a duplicate; another time is not. */
START_TEST(duplicates_are_dropped)
{
    start();
    ck_assert(take(1, "hello", 1));
    ck_assert(!take(1, "hello", 1));
    ck_assert(!take(1, "hello", 2));
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_DUPLICATE), 2);
    ck_assert(take(2, "hello", 3));
    ck_assert_ptr_null(inbox_first(bob)->next->next);
    stop();
}
END_TEST

/* What cannot be read leaves a trace with its reason, once. */
START_TEST(unreadable_is_traced)
{
    char hex[128];
    memset(hex, 'a', sizeof hex);
    struct rpc_message junk = {BYTES_OF(hex), FAKE_EPOCH_MS + 1000, BYTES_LIT("AAAA")};
    start();
    ck_assert(!receive_stored(bob, &junk));
    ck_assert(!receive_stored(bob, &junk));
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_UNREADABLE), 1);
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_UNREADABLE)->n[0], MESSAGE_NOT_WRAPPED);
    ck_assert_ptr_null(inbox_first(bob));
    stop();
}
END_TEST

/* A text as it comes out of some conversation. */
static void add(uint64_t timestamp_ms)
{
    const struct envelope envelope = {.type = 1, .source = *client_account(alice), .timestamp_ms = timestamp_ms};
    inbox_add(bob, &envelope, BYTES_LIT("x"), BYTES_NONE, false);
    arena_reset(net.fake.env.arena);
}

/* A full inbox loses its oldest. */
START_TEST(inbox_is_bounded)
{
    start();
    for (uint32_t i = 0; i < LIMIT_INBOX; i++) {
        add(i);
        if (i % 1000 == 999)
            fake_env_run(&net.fake);
    }
    fake_env_run(&net.fake);
    ck_assert_uint_eq(inbox_first(bob)->timestamp_ms, 0);
    add(LIMIT_INBOX);
    fake_env_run(&net.fake);
    ck_assert_uint_eq(inbox_first(bob)->timestamp_ms, 1);
    stop();
}
END_TEST

/* A cleared inbox starts anew, and what was shown stays seen. */
START_TEST(cleared_is_not_forgotten)
{
    start();
    ck_assert(take(1, "x", 1));
    ck_assert_ptr_nonnull(inbox_first(bob));
    inbox_clear(bob);
    ck_assert_ptr_null(inbox_first(bob));
    ck_assert(!take(1, "x", 2));
    ck_assert(take(2, "x", 3));
    stop();
}
END_TEST

/* What was written earlier stands earlier, whenever it comes. */
START_TEST(shown_by_envelope_time)
{
    start();
    const uint64_t times[] = {5, 9, 7, 1, 9};
    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        add(times[i]);
    ck_assert_ptr_null(inbox_first(bob)); /* not before it is on the disk */
    fake_env_run(&net.fake);
    const uint64_t shown[] = {1, 5, 7, 9, 9};
    const struct received *received = inbox_first(bob);
    for (size_t i = 0; i < ARRAY_LEN(shown); i++, received = received->next)
        ck_assert_uint_eq(received->timestamp_ms, shown[i]);
    ck_assert_ptr_null(received);
    stop();
}
END_TEST

TEST_MAIN("inbox", messages_are_shown_in_order, duplicates_are_dropped, unreadable_is_traced, inbox_is_bounded,
          cleared_is_not_forgotten, shown_by_envelope_time)
