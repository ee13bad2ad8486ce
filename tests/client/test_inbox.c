#include "tests/support/check_main.h"

#include <string.h>

#include "client/client_state.h"
#include "client/inbox.h"
#include "client/message.h"
#include "common/text.h"
#include "tests/support/fake_swarm.h"

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
    struct blob *data;
    store_le32(hash, number);
    hex_encode(hex, BYTES_OF(hash));
    ck_assert_int_eq(message_seal(alice, client_account(bob), timestamp_ms, bytes_text(text), &data), OK);
    bool shown = inbox_take(bob, &(struct rpc_message){BYTES_OF(hex), FAKE_EPOCH_MS + 100000, blob_bytes(data)});
    blob_drop(data);
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
    ck_assert(!inbox_take(bob, &junk));
    ck_assert(!inbox_take(bob, &junk));
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_UNREADABLE), 1);
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_UNREADABLE)->n[0], MESSAGE_NOT_WRAPPED);
    ck_assert_ptr_null(inbox_first(bob));
    stop();
}
END_TEST

static void no_trace(struct env *env, const struct trace_record *record)
{
    (void)env;
    (void)record;
}

/* A full inbox loses its oldest; a cleared one starts anew, and what was shown stays seen. */
START_TEST(inbox_is_bounded)
{
    start();
    struct env_ops quiet = *net.fake.env.ops; /* the fake keeps every record */
    quiet.trace = no_trace;
    net.fake.env.ops = &quiet;
    for (uint32_t i = 0; i < LIMIT_INBOX; i++)
        ck_assert(take(i, "x", i));
    ck_assert_uint_eq(inbox_first(bob)->timestamp_ms, 0);
    ck_assert(take(LIMIT_INBOX, "x", LIMIT_INBOX));
    ck_assert_uint_eq(inbox_first(bob)->timestamp_ms, 1);
    inbox_free(bob);
    ck_assert_ptr_null(inbox_first(bob));
    ck_assert(!take(LIMIT_INBOX, "x", LIMIT_INBOX));
    ck_assert(take(LIMIT_INBOX + 1, "x", LIMIT_INBOX + 1));
    stop();
}
END_TEST

TEST_MAIN("inbox", messages_are_shown_in_order, duplicates_are_dropped, unreadable_is_traced, inbox_is_bounded)
