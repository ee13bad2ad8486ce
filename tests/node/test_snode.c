#include "node/snode.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/onion.h"
#include "proto/storage_rpc.h"
#include "tests/support/check_main.h"
#include "tests/support/snode_fixture.h"

#define NOT_IN_A_SWARM "Service node is not ready: not in any swarm; \n"

/* ---- routing ---- */

START_TEST(snode_names_unknown_paths)
{
    snode_world_init();
    expect_answer(snode_post("/storage_rpc/v2", BYTES_NONE), 404, "unknown target for POST: /storage_rpc/v2");
    expect_answer(snode_post(PATH_STATS, BYTES_NONE), 404, "unknown target for POST: /get_stats/v1");
    expect_answer(snode_get(PATH_STORAGE_RPC), 404, "unknown target for GET: /storage_rpc/v1");
    expect_answer(snode_get("/"), 404, "unknown target for GET: /");
    ck_assert_uint_eq(snode_world.net.fake.charged[COST_REQUEST], 4);
    snode_world_fini();
}
END_TEST

START_TEST(snode_tells_its_version)
{
    struct fake_request *request;

    snode_world_init_alone();
    request = snode_get(PATH_STATS);
    expect_answer(request, 200, "{\"version\":\"2.0.7\"}");
    ck_assert_int_eq(request->content, CONTENT_JSON);
    snode_world_fini();
}
END_TEST

/* Today's nodes tell who they are, and push; those of the era know nothing of it. */
START_TEST(snode_of_the_era_knows_nothing_of_today)
{
    struct fake_request *request;

    snode_world_init();
    request = snode_post(PATH_PING, BYTES_NONE);
    expect_answer(request, 200, "");
    expect_answer(snode_post(PATH_MONITOR, BYTES_LIT("x")), 400, "invalid body: expected bt_dict or list of them");
    snode_world.net.preset.spoken = SPEAKS_ERA;
    expect_answer(snode_post(PATH_PING, BYTES_NONE), 404, "unknown target for POST: /ping_test/v1");
    expect_answer(snode_post(PATH_MONITOR, BYTES_LIT("de")), 404, "unknown target for POST: /monitor/v1");
    snode_world_fini();
}
END_TEST

/* The size comes first, whatever the path: 10 MiB are read, one byte more is not. */
START_TEST(snode_refuses_huge_bodies)
{
    struct bytes body = {calloc(1, LIMIT_BODY_BYTES + 1), LIMIT_BODY_BYTES + 1};

    snode_world_init_alone();
    expect_answer(snode_post(PATH_STORAGE_RPC, body), 413, "Request body too large");
    body.len--;
    expect_answer(snode_post(PATH_STORAGE_RPC, body), 503,
                  "Service node is not ready: not in any swarm; not done syncing; \n");
    snode_world_fini();
    free((void *)(uintptr_t)body.data);
}
END_TEST

/* Before its first membership, and while it is in no swarm, a node answers every POST with 503, but the ping test. */
START_TEST(snode_is_ready_when_in_a_swarm)
{
    static const char *const paths[] = {PATH_STORAGE_RPC, PATH_PUSH_BATCH, PATH_PUSH, "/nothing"};
    struct membership decommissioned;

    snode_world_init_alone();
    ck_assert_ptr_null(snode_membership(snode_world.snode));
    ck_assert_uint_eq(snode_swarm_id(snode_world.snode), SWARM_NONE);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        expect_answer(snode_post(paths[i], BYTES_LIT("{}")), 503,
                      "Service node is not ready: not in any swarm; not done syncing; \n");
    expect_answer(snode_post(PATH_PING_TEST, BYTES_LIT("{}")), 200, "");
    ck_assert_uint_eq(snode_post(PATH_ONION_V2, BYTES_LIT("x"))->status, 400); /* onions have words of their own */

    snode_on_membership(snode_world.snode, &snode_world.net.membership);
    ck_assert_ptr_eq(snode_membership(snode_world.snode), &snode_world.net.membership);
    ck_assert_uint_eq(snode_swarm_id(snode_world.snode), 0);
    expect_answer(snode_retrieve(1), 200, "{\"messages\":[]}");

    decommissioned = snode_world.net.membership;
    snode_world.net.entries[snode_world.net.own].swarm_id = SWARM_NONE;
    snode_on_membership(snode_world.snode, &decommissioned);
    expect_answer(snode_retrieve(1), 503, NOT_IN_A_SWARM);
    expect_answer(snode_post(PATH_PING_TEST, BYTES_LIT("{}")), 200, "");
    snode_world_fini();
}
END_TEST

/* What only nodes may call is closed to others. */
START_TEST(snode_asks_who_pushes)
{
    static const char *const paths[] = {PATH_PUSH_BATCH, PATH_PUSH, PATH_SN_ONION_V1, PATH_SN_ONION_V2};
    struct test_message message;
    struct buf batch;

    snode_world_init();
    snode_make(&message, 1, "aGVsbG8=");
    buf_init(&batch, SIZE_MAX);
    append_to_batch(&batch, &message);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        expect_answer(snode_post(paths[i], buf_bytes(&batch)), 401, "Unknown service node");
    ck_assert(!snode_holds(snode_world.snode, message.hash));
    expect_answer(snode_post_as_peer(PATH_PUSH, buf_bytes(&batch)), 200, "");
    ck_assert(snode_holds(snode_world.snode, message.hash));
    buf_fini(&batch);
    snode_world_fini();
}
END_TEST

/* ---- clients ---- */

/* Store, then retrieve; and what can be read from outside. */
START_TEST(snode_stores_and_gives_back)
{
    static struct test_message message;
    const struct test_message *expected[] = {&message};
    struct account_id account = account_here(1);
    struct snode_counts counts;

    snode_world_init();
    snode_make(&message, 1, "aGVsbG8=");
    expect_answer(snode_post(PATH_STORAGE_RPC, store_request(&snode_world.net.fake, &message)), 200,
                  "{\"difficulty\":1}");
    expect_messages(snode_retrieve(1), expected, 1);
    ck_assert(snode_holds(snode_world.snode, message.hash));
    ck_assert_uint_eq(snode_held_for(snode_world.snode, &account), 1);
    snode_counts(snode_world.snode, &counts);
    ck_assert_uint_eq(counts.records, 1);
    ck_assert_uint_eq(counts.stored, 1);
    ck_assert_uint_gt(counts.bytes, 0);
    ck_assert_uint_gt(counts.pushes_waiting_bytes, 0);
    fake_env_advance_ms(&snode_world.net.fake, LIMIT_FLUSH_MS);
    fake_env_answer(&snode_world.net.fake, 0, 200, BYTES_NONE);
    fake_env_answer(&snode_world.net.fake, 1, 200, BYTES_NONE);
    fake_env_advance_ms(&snode_world.net.fake, 120000);
    snode_counts(snode_world.snode, &counts);
    ck_assert_uint_eq(counts.records + counts.pushes_waiting_bytes, 0);
    ck_assert_uint_eq(counts.expired, 1);
    fake_env_check(&snode_world.net.fake);
    snode_world_fini();
}
END_TEST

/* Held 20 s with the header, in any case of its letters. */
START_TEST(snode_holds_a_direct_poll)
{
    struct fake_request *request;
    struct snode_counts counts;

    snode_world_init();
    request = snode_poll(1, "x-loki-LONG-poll");
    (void)snode_poll(1, "X-Loki-Long-Poll");
    snode_counts(snode_world.snode, &counts);
    ck_assert_uint_eq(counts.listeners, 2);
    ck_assert(snode_poll(1, "X-Loki-Long")->answered);
    fake_env_advance_ms(&snode_world.net.fake, LIMIT_LONG_POLL_MS - 1);
    ck_assert(!request->answered);
    fake_env_advance_ms(&snode_world.net.fake, 1);
    expect_answer(request, 200, "{\"messages\":[]}");
    fake_env_check(&snode_world.net.fake);
    snode_world_fini();
}
END_TEST

/* ---- out of an onion ---- */

/* A client asks the node itself through one layer: the guard is the target. */
static struct fake_request *onion(struct bytes rpc_body, struct bytes headers, struct reply_key *reply_key)
{
    struct onion_hop hop = {.ed25519 = snode_world.net.config.keys->ed25519,
                            .x25519 = snode_world.net.config.keys->x25519.public};
    struct onion_seed seed = {.secret = {{1, 2, 3}}};
    struct bytes body;

    ck_assert_int_eq(onion_wrap(&crypto_modelled, ONION_V2, &snode_world.net.fake.arena, &hop, 1, rpc_body, headers,
                                &seed, &body, reply_key),
                     OK);
    return snode_post(PATH_ONION_V2, body);
}

/* The same methods, their status inside the encrypted answer. */
START_TEST(snode_executes_what_an_onion_brings)
{
    struct test_message message;
    struct fake_request *request;
    struct reply_key key;

    snode_world_init();
    snode_make(&message, 1, "aGVsbG8=");
    request = onion(store_request(&snode_world.net.fake, &message), BYTES_LIT("{}"), &key);
    expect_onion_answer(&snode_world.net.fake.arena, request, &key, 200, "{\"difficulty\":1}");
    ck_assert(snode_holds(snode_world.snode, message.hash));
    request = onion(BYTES_LIT("{}"), BYTES_LIT("{}"), &key);
    expect_onion_answer(&snode_world.net.fake.arena, request, &key, 400, "invalid json: no `method` field");
    snode_world_fini();
}
END_TEST

/* A poll out of an onion is held 8 s, since the relays wait 10. */
START_TEST(snode_holds_a_poll_out_of_an_onion)
{
    struct account_id account = account_here(1);
    struct fake_request *request;
    struct reply_key key;

    snode_world_init();
    request = onion(retrieve_request(&snode_world.net.fake, &account, ""), BYTES_LIT("{\"X-Loki-Long-Poll\":\"true\"}"),
                    &key);
    fake_env_advance_ms(&snode_world.net.fake, LIMIT_LONG_POLL_ONION_MS - 1);
    ck_assert(!request->answered);
    fake_env_advance_ms(&snode_world.net.fake, 1);
    expect_onion_answer(&snode_world.net.fake.arena, request, &key, 200, "{\"messages\":[]}");
    fake_env_check(&snode_world.net.fake);
    snode_world_fini();
}
END_TEST

/* Its asker may go, waiting for a message or for the disk. */
START_TEST(snode_lets_an_onion_asker_go)
{
    struct account_id account = account_here(1);
    struct test_message message;
    struct fake_request *poll, *store;
    struct snode_counts counts;
    struct reply_key key;

    snode_world_init();
    snode_world.net.fake.disk_manual = true;
    poll = onion(retrieve_request(&snode_world.net.fake, &account, ""), BYTES_LIT("{\"X-Loki-Long-Poll\":\"true\"}"),
                 &key);
    snode_make(&message, 2, "aGVsbG8=");
    store = onion(store_request(&snode_world.net.fake, &message), BYTES_LIT("{}"), &key);
    snode_counts(snode_world.snode, &counts);
    ck_assert_uint_eq(counts.onions_open, 2);
    fake_env_hang_up(&snode_world.net.fake, poll);
    fake_env_hang_up(&snode_world.net.fake, store);
    fake_env_complete_sync(&snode_world.net.fake);
    ck_assert(snode_holds(snode_world.snode, message.hash));
    snode_counts(snode_world.snode, &counts);
    ck_assert_uint_eq(counts.onions_open, 0);
    ck_assert_uint_eq(counts.listeners, 0);
    snode_world_fini();
}
END_TEST

/* ---- rate limit ---- */

static void spend_all_tokens(void)
{
    for (size_t i = 0; i < LIMIT_RATE_BUCKET; i++)
        ck_assert_uint_ne(snode_post(PATH_STORAGE_RPC, BYTES_LIT("{}"))->status, 429);
}

/* Direct clients are counted by address, for storage RPCs and for onions, before anything is parsed. */
START_TEST(snode_limits_direct_clients)
{
    struct fake_request *request;

    snode_world_init();
    snode_world.net.preset.rate_limit = true;
    spend_all_tokens();
    snode_world.net.fake.charged[COST_PARSE] = 0;
    expect_answer(snode_post(PATH_STORAGE_RPC, BYTES_LIT("{}")), 429, "too many requests\n");
    expect_answer(snode_post(PATH_ONION_V2, BYTES_LIT("{}")), 429, "too many requests\n");
    expect_answer(snode_post(PATH_ONION_V1, BYTES_LIT("{}")), 429, "too many requests\n");
    ck_assert_uint_eq(snode_world.net.fake.charged[COST_PARSE], 0);
    ck_assert_uint_eq(fake_env_traces(&snode_world.net.fake, TRACE_RATE_LIMITED), 3);
    ck_assert_uint_eq(fake_env_last_trace(&snode_world.net.fake, TRACE_RATE_LIMITED)->n[0], 0x7f000001);

    request = fake_env_request(&snode_world.net.fake, VERB_POST, PATH_STORAGE_RPC, BYTES_LIT("{}"));
    request->incoming.from.ip++;
    snode_world_deliver(request);
    ck_assert_uint_eq(request->status, 400); /* another address */
    expect_answer(snode_post(PATH_PING_TEST, BYTES_LIT("{}")), 200, "");
    ck_assert_uint_eq(snode_post_as_peer(PATH_PUSH_BATCH, BYTES_NONE)->status, 200);
    ck_assert_uint_eq(snode_get(PATH_STATS)->status, 200);
    fake_env_advance_ms(&snode_world.net.fake, 1000);
    ck_assert_uint_eq(snode_post(PATH_STORAGE_RPC, BYTES_LIT("{}"))->status, 400);
    snode_world_fini();
}
END_TEST

START_TEST(snode_limits_nobody_when_switched_off)
{
    snode_world_init();
    spend_all_tokens();
    ck_assert_uint_eq(snode_post(PATH_STORAGE_RPC, BYTES_LIT("{}"))->status, 400);
    snode_world_fini();
}
END_TEST

/* ---- life ---- */

/* After a crash the disk brings back what was answered, in its order; requests under way are gone. */
START_TEST(snode_survives_a_crash)
{
    static struct test_message first, second, third;
    const struct test_message *expected[] = {&first, &second};
    struct fake_request *lost;

    snode_world_init();
    snode_make(&first, 1, "Zmlyc3Q=");
    snode_make(&second, 1, "c2Vjb25k");
    snode_make(&third, 1, "dGhpcmQ=");
    (void)snode_post(PATH_STORAGE_RPC, store_request(&snode_world.net.fake, &first));
    snode_push_one(&second);
    snode_world.net.fake.disk_manual = true;
    (void)snode_poll(2, HEADER_LONG_POLL);
    lost = snode_post(PATH_STORAGE_RPC, store_request(&snode_world.net.fake, &third));
    ck_assert(!lost->answered);
    ck_assert_uint_eq(snode_world_restart(), 2);
    expect_messages(snode_retrieve(1), expected, 2);
    snode_world_fini();
}
END_TEST

/* A new member of the swarm gets what the node holds. */
START_TEST(snode_pushes_to_a_new_member)
{
    struct membership before;
    struct swarm_entry swarms[2];
    struct test_message message;

    snode_world_init_alone();
    before = snode_world.net.membership;
    memcpy(swarms, snode_world.net.swarms, sizeof(swarms));
    swarms[0].count--; /* the last member is not there yet */
    before.swarms = swarms;
    snode_on_membership(snode_world.snode, &before);
    snode_make(&message, 1, "aGVsbG8=");
    snode_push_one(&message);
    snode_on_membership(snode_world.snode, &snode_world.net.membership);
    ck_assert_uint_eq(fake_env_open_calls(&snode_world.net.fake), 1);
    ck_assert(address_equal(fake_env_call(&snode_world.net.fake, 0)->to,
                            snode_world.net.entries[snode_world.net.members[2]].address));
    fake_env_answer(&snode_world.net.fake, 0, 200, BYTES_NONE);
    snode_world_fini();
}
END_TEST

/* An idle node: no timer, no call, and little memory. (The sanitizer's malloc counts nothing.) */
START_TEST(snode_is_small_when_idle)
{
    const struct pow_record record = {0, 1};
    struct snode *another;
    size_t before, after;

    snode_world_init();
    before = mallinfo2().uordblks;
    another = snode_new(&snode_world.net.config);
    (void)snode_start(another);
    snode_on_difficulty(another, &record, 1);
    after = mallinfo2().uordblks; /* before the fake env keeps a trace of the next line */
    snode_on_membership(another, &snode_world.net.membership);
    fake_env_check(&snode_world.net.fake);
    ck_assert_msg(after - before <= 1024, "%zu bytes", after - before);
    snode_free(another);
    snode_world_fini();
}
END_TEST

TEST_MAIN("snode", snode_names_unknown_paths, snode_tells_its_version, snode_of_the_era_knows_nothing_of_today,
          snode_refuses_huge_bodies, snode_is_ready_when_in_a_swarm, snode_asks_who_pushes, snode_stores_and_gives_back,
          snode_holds_a_direct_poll, snode_executes_what_an_onion_brings, snode_holds_a_poll_out_of_an_onion,
          snode_lets_an_onion_asker_go, snode_limits_direct_clients, snode_limits_nobody_when_switched_off,
          snode_survives_a_crash, snode_pushes_to_a_new_member, snode_is_small_when_idle)
