#include "node/snode.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/onion.h"
#include "proto/storage_rpc.h"
#include "tests/support/check_main.h"
#include "tests/support/node_fixture.h"

#define NOT_IN_A_SWARM "Service node is not ready: not in any swarm; \n"

static struct node_fixture fixture;
static struct snode *snode;

static void start_without_membership(void)
{
    node_fixture_init(&fixture);
    snode = snode_new(&fixture.config);
    ck_assert_uint_eq(snode_start(snode), 0);
}

static void start(void)
{
    start_without_membership();
    snode_on_membership(snode, &fixture.membership);
}

static void end(void)
{
    snode_free(snode);
    node_fixture_fini(&fixture);
}

/* The machine dies, and starts again with its disk. */
static size_t restart(void)
{
    size_t kept;

    fake_env_crash(&fixture.fake);
    snode_free(snode);
    snode = snode_new(&fixture.config);
    kept = snode_start(snode);
    snode_on_membership(snode, &fixture.membership);
    return kept;
}

static void deliver(struct fake_request *request)
{
    snode_on_request(snode, &request->incoming);
    fake_env_run(&fixture.fake);
}

static struct fake_request *post(const char *path, struct bytes body)
{
    struct fake_request *request = fake_env_request(&fixture.fake, VERB_POST, path, body);

    deliver(request);
    return request;
}

static struct fake_request *get(const char *path)
{
    struct fake_request *request = fake_env_request(&fixture.fake, VERB_GET, path, BYTES_NONE);

    deliver(request);
    return request;
}

/* From another node of the own swarm. */
static struct fake_request *post_as_peer(const char *path, struct bytes body)
{
    struct fake_request *request =
        fake_env_peer_request(&fixture.fake, &fixture.keys[fixture.members[0]].ed25519, path, body);

    deliver(request);
    return request;
}

static void make(struct test_message *message, uint32_t account, const char *data)
{
    struct account_id id = account_here(account);

    make_message(message, &id, (uint64_t)fixture.fake.now_ms, 60000, data);
}

static struct fake_request *retrieve(uint32_t account)
{
    struct account_id id = account_here(account);

    return post(PATH_STORAGE_RPC, retrieve_request(&fixture.fake, &id, ""));
}

/* The same with the header of long polling. */
static struct fake_request *listen(uint32_t account, const char *header)
{
    struct account_id id = account_here(account);
    struct fake_request *request =
        fake_env_request(&fixture.fake, VERB_POST, PATH_STORAGE_RPC, retrieve_request(&fixture.fake, &id, ""));

    fake_request_add_header(request, "Host", "127.0.0.1");
    fake_request_add_header(request, header, "true");
    deliver(request);
    return request;
}

static void push(const struct test_message *const messages[], size_t count)
{
    struct buf batch;

    buf_init(&batch, SIZE_MAX);
    for (size_t i = 0; i < count; i++)
        append_to_batch(&batch, messages[i]);
    expect_answer(post_as_peer(PATH_PUSH_BATCH, buf_bytes(&batch)), 200, "");
    buf_fini(&batch);
}

static void push_one(const struct test_message *message)
{
    push(&message, 1);
}

/* ---- routing ---- */

START_TEST(snode_names_unknown_paths)
{
    start();
    expect_answer(post("/storage_rpc/v2", BYTES_NONE), 404, "unknown target for POST: /storage_rpc/v2");
    expect_answer(post(PATH_STATS, BYTES_NONE), 404, "unknown target for POST: /get_stats/v1");
    expect_answer(get(PATH_STORAGE_RPC), 404, "unknown target for GET: /storage_rpc/v1");
    expect_answer(get("/"), 404, "unknown target for GET: /");
    ck_assert_uint_eq(fixture.fake.charged[COST_REQUEST], 4);
    end();
}
END_TEST

START_TEST(snode_tells_its_version)
{
    struct fake_request *request;

    start_without_membership();
    request = get(PATH_STATS);
    expect_answer(request, 200, "{\"version\":\"2.0.7\"}");
    ck_assert_int_eq(request->content, CONTENT_JSON);
    end();
}
END_TEST

/* Today's nodes tell who they are, and push; those of the era know nothing of it. */
START_TEST(snode_of_the_era_knows_nothing_of_today)
{
    struct fake_request *request;

    start();
    request = post(PATH_PING, BYTES_NONE);
    expect_answer(request, 200, "");
    expect_answer(post(PATH_MONITOR, BYTES_LIT("x")), 400, "invalid body: expected bt_dict or list of them");
    fixture.preset.spoken = SPEAKS_ERA;
    expect_answer(post(PATH_PING, BYTES_NONE), 404, "unknown target for POST: /ping_test/v1");
    expect_answer(post(PATH_MONITOR, BYTES_LIT("de")), 404, "unknown target for POST: /monitor/v1");
    end();
}
END_TEST

/* The size comes first, whatever the path: 10 MiB are read, one byte more is not. */
START_TEST(snode_refuses_huge_bodies)
{
    struct bytes body = {calloc(1, LIMIT_BODY_BYTES + 1), LIMIT_BODY_BYTES + 1};

    start_without_membership();
    expect_answer(post(PATH_STORAGE_RPC, body), 413, "Request body too large");
    body.len--;
    expect_answer(post(PATH_STORAGE_RPC, body), 503,
                  "Service node is not ready: not in any swarm; not done syncing; \n");
    end();
    free((void *)(uintptr_t)body.data);
}
END_TEST

/* Before its first membership, and while it is in no swarm, a node answers every POST with 503, but the ping test. */
START_TEST(snode_is_ready_when_in_a_swarm)
{
    static const char *const paths[] = {PATH_STORAGE_RPC, PATH_PUSH_BATCH, PATH_PUSH, "/nothing"};
    struct membership decommissioned;

    start_without_membership();
    ck_assert_ptr_null(snode_membership(snode));
    ck_assert_uint_eq(snode_swarm_id(snode), SWARM_NONE);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        expect_answer(post(paths[i], BYTES_LIT("{}")), 503,
                      "Service node is not ready: not in any swarm; not done syncing; \n");
    expect_answer(post(PATH_PING_TEST, BYTES_LIT("{}")), 200, "");
    ck_assert_uint_eq(post(PATH_ONION_V2, BYTES_LIT("x"))->status, 400); /* onions have words of their own */

    snode_on_membership(snode, &fixture.membership);
    ck_assert_ptr_eq(snode_membership(snode), &fixture.membership);
    ck_assert_uint_eq(snode_swarm_id(snode), 0);
    expect_answer(retrieve(1), 200, "{\"messages\":[]}");

    decommissioned = fixture.membership;
    fixture.entries[fixture.own].swarm_id = SWARM_NONE;
    snode_on_membership(snode, &decommissioned);
    expect_answer(retrieve(1), 503, NOT_IN_A_SWARM);
    expect_answer(post(PATH_PING_TEST, BYTES_LIT("{}")), 200, "");
    end();
}
END_TEST

/* What only nodes may call is closed to others. */
START_TEST(snode_asks_who_pushes)
{
    static const char *const paths[] = {PATH_PUSH_BATCH, PATH_PUSH, PATH_SN_ONION_V1, PATH_SN_ONION_V2};
    struct test_message message;
    struct buf batch;

    start();
    make(&message, 1, "aGVsbG8=");
    buf_init(&batch, SIZE_MAX);
    append_to_batch(&batch, &message);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        expect_answer(post(paths[i], buf_bytes(&batch)), 401, "Unknown service node");
    ck_assert(!snode_holds(snode, message.hash));
    expect_answer(post_as_peer(PATH_PUSH, buf_bytes(&batch)), 200, "");
    ck_assert(snode_holds(snode, message.hash));
    buf_fini(&batch);
    end();
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

    start();
    make(&message, 1, "aGVsbG8=");
    expect_answer(post(PATH_STORAGE_RPC, store_request(&fixture.fake, &message)), 200, "{\"difficulty\":1}");
    expect_messages(retrieve(1), expected, 1);
    ck_assert(snode_holds(snode, message.hash));
    ck_assert_uint_eq(snode_held_for(snode, &account), 1);
    snode_counts(snode, &counts);
    ck_assert_uint_eq(counts.records, 1);
    ck_assert_uint_eq(counts.stored, 1);
    ck_assert_uint_gt(counts.bytes, 0);
    ck_assert_uint_gt(counts.pushes_waiting_bytes, 0);
    fake_env_advance_ms(&fixture.fake, LIMIT_FLUSH_MS);
    fake_env_answer(&fixture.fake, 0, 200, BYTES_NONE);
    fake_env_answer(&fixture.fake, 1, 200, BYTES_NONE);
    fake_env_advance_ms(&fixture.fake, 120000);
    snode_counts(snode, &counts);
    ck_assert_uint_eq(counts.records + counts.pushes_waiting_bytes, 0);
    ck_assert_uint_eq(counts.expired, 1);
    fake_env_check(&fixture.fake);
    end();
}
END_TEST

/* Held 20 s with the header, in any case of its letters. */
START_TEST(snode_holds_a_direct_poll)
{
    struct fake_request *request;
    struct snode_counts counts;

    start();
    request = listen(1, "x-loki-LONG-poll");
    (void)listen(1, "X-Loki-Long-Poll");
    snode_counts(snode, &counts);
    ck_assert_uint_eq(counts.listeners, 2);
    ck_assert(listen(1, "X-Loki-Long")->answered);
    fake_env_advance_ms(&fixture.fake, LIMIT_LONG_POLL_MS - 1);
    ck_assert(!request->answered);
    fake_env_advance_ms(&fixture.fake, 1);
    expect_answer(request, 200, "{\"messages\":[]}");
    fake_env_check(&fixture.fake);
    end();
}
END_TEST

/* ---- out of an onion ---- */

/* A client asks the node itself through one layer: the guard is the target. */
static struct fake_request *onion(struct bytes rpc_body, struct bytes headers, struct reply_key *reply_key)
{
    struct onion_hop hop = {.ed25519 = fixture.config.keys->ed25519, .x25519 = fixture.config.keys->x25519.public};
    struct onion_seed seed = {.secret = {{1, 2, 3}}};
    struct bytes body;

    ck_assert_int_eq(onion_wrap(&crypto_modelled, ONION_V2, &fixture.fake.arena, &hop, 1, rpc_body, headers, &seed,
                                &body, reply_key),
                     OK);
    return post(PATH_ONION_V2, body);
}

static void expect_onion_answer(const struct fake_request *request, const struct reply_key *key, uint16_t status,
                                const char *text)
{
    uint16_t inner;
    struct bytes body;

    ck_assert(request->answered);
    ck_assert_uint_eq(request->status, 200);
    ck_assert_int_eq(
        onion_open_reply(&crypto_modelled, key, &fixture.fake.arena, fake_request_answer(request), &inner, &body), OK);
    ck_assert_uint_eq(inner, status);
    ck_assert(bytes_equal_text(body, text));
}

/* The same methods, their status inside the encrypted answer. */
START_TEST(snode_executes_what_an_onion_brings)
{
    struct test_message message;
    struct fake_request *request;
    struct reply_key key;

    start();
    make(&message, 1, "aGVsbG8=");
    request = onion(store_request(&fixture.fake, &message), BYTES_LIT("{}"), &key);
    expect_onion_answer(request, &key, 200, "{\"difficulty\":1}");
    ck_assert(snode_holds(snode, message.hash));
    request = onion(BYTES_LIT("{}"), BYTES_LIT("{}"), &key);
    expect_onion_answer(request, &key, 400, "invalid json: no `method` field");
    end();
}
END_TEST

/* A poll out of an onion is held 8 s, since the relays wait 10. */
START_TEST(snode_holds_a_poll_out_of_an_onion)
{
    struct account_id account = account_here(1);
    struct fake_request *request;
    struct reply_key key;

    start();
    request = onion(retrieve_request(&fixture.fake, &account, ""), BYTES_LIT("{\"X-Loki-Long-Poll\":\"true\"}"), &key);
    fake_env_advance_ms(&fixture.fake, LIMIT_LONG_POLL_ONION_MS - 1);
    ck_assert(!request->answered);
    fake_env_advance_ms(&fixture.fake, 1);
    expect_onion_answer(request, &key, 200, "{\"messages\":[]}");
    fake_env_check(&fixture.fake);
    end();
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

    start();
    fixture.fake.disk_manual = true;
    poll = onion(retrieve_request(&fixture.fake, &account, ""), BYTES_LIT("{\"X-Loki-Long-Poll\":\"true\"}"), &key);
    make(&message, 2, "aGVsbG8=");
    store = onion(store_request(&fixture.fake, &message), BYTES_LIT("{}"), &key);
    snode_counts(snode, &counts);
    ck_assert_uint_eq(counts.onions_open, 2);
    fake_env_hang_up(&fixture.fake, poll);
    fake_env_hang_up(&fixture.fake, store);
    fake_env_complete_sync(&fixture.fake);
    ck_assert(snode_holds(snode, message.hash));
    snode_counts(snode, &counts);
    ck_assert_uint_eq(counts.onions_open, 0);
    ck_assert_uint_eq(counts.listeners, 0);
    end();
}
END_TEST

/* ---- rate limit ---- */

static void spend_all_tokens(void)
{
    for (size_t i = 0; i < LIMIT_RATE_BUCKET; i++)
        ck_assert_uint_ne(post(PATH_STORAGE_RPC, BYTES_LIT("{}"))->status, 429);
}

/* Direct clients are counted by address, for storage RPCs and for onions, before anything is parsed. */
START_TEST(snode_limits_direct_clients)
{
    struct fake_request *request;

    start();
    fixture.preset.rate_limit = true;
    spend_all_tokens();
    fixture.fake.charged[COST_PARSE] = 0;
    expect_answer(post(PATH_STORAGE_RPC, BYTES_LIT("{}")), 429, "too many requests\n");
    expect_answer(post(PATH_ONION_V2, BYTES_LIT("{}")), 429, "too many requests\n");
    expect_answer(post(PATH_ONION_V1, BYTES_LIT("{}")), 429, "too many requests\n");
    ck_assert_uint_eq(fixture.fake.charged[COST_PARSE], 0);
    ck_assert_uint_eq(fake_env_traces(&fixture.fake, TRACE_RATE_LIMITED), 3);
    ck_assert_uint_eq(fake_env_last_trace(&fixture.fake, TRACE_RATE_LIMITED)->n[0], 0x7f000001);

    request = fake_env_request(&fixture.fake, VERB_POST, PATH_STORAGE_RPC, BYTES_LIT("{}"));
    request->incoming.from.ip++;
    deliver(request);
    ck_assert_uint_eq(request->status, 400); /* another address */
    expect_answer(post(PATH_PING_TEST, BYTES_LIT("{}")), 200, "");
    ck_assert_uint_eq(post_as_peer(PATH_PUSH_BATCH, BYTES_NONE)->status, 200);
    ck_assert_uint_eq(get(PATH_STATS)->status, 200);
    fake_env_advance_ms(&fixture.fake, 1000);
    ck_assert_uint_eq(post(PATH_STORAGE_RPC, BYTES_LIT("{}"))->status, 400);
    end();
}
END_TEST

START_TEST(snode_limits_nobody_when_switched_off)
{
    start();
    spend_all_tokens();
    ck_assert_uint_eq(post(PATH_STORAGE_RPC, BYTES_LIT("{}"))->status, 400);
    end();
}
END_TEST

/* ---- replicas ---- */

/* A pushed message is kept, whoever's it is, and not relayed further; once more is a duplicate. */
START_TEST(snode_keeps_a_replica)
{
    struct account_id elsewhere = account_elsewhere(1);
    static struct test_message here, there;
    const struct test_message *both[] = {&here, &there};
    struct snode_counts counts;

    start();
    make(&here, 1, "aGVsbG8=");
    make_message(&there, &elsewhere, (uint64_t)fixture.fake.now_ms, 60000, "aGVsbG8=");
    push(both, 2);
    push(both, 2);
    ck_assert(snode_holds(snode, here.hash));
    ck_assert(snode_holds(snode, there.hash));
    ck_assert_uint_eq(fake_env_last_trace(&fixture.fake, TRACE_STORED)->n[2], CAUSE_RELAY);
    snode_counts(snode, &counts);
    ck_assert_uint_eq(counts.stored, 2);
    ck_assert_uint_eq(counts.duplicates, 2);
    ck_assert_uint_eq(fake_env_traces(&fixture.fake, TRACE_REPLICA_REFUSED), 0);
    fake_env_advance_ms(&fixture.fake, LIMIT_FLUSH_MS);
    ck_assert_uint_eq(fixture.fake.call_count, 0);
    end();
}
END_TEST

static void expect_refused_replica(const struct test_message *message, enum err reason)
{
    const struct fake_trace *trace;

    push_one(message);
    ck_assert(!snode_holds(snode, message->hash));
    trace = fake_env_last_trace(&fixture.fake, TRACE_REPLICA_REFUSED);
    ck_assert_ptr_nonnull(trace);
    ck_assert_uint_eq(trace->n[0], reason);
    ck_assert(bytes_equal(blob_bytes(trace->b[0]), BYTES_OF(message->account.bytes)));
    ck_assert(bytes_equal(blob_bytes(trace->b[1]), BYTES_OF(message->hash)));
}

/* Each rule alone: time to live, clock, proof, hash. The pusher is answered 200 all the same. */
START_TEST(snode_refuses_a_bad_replica)
{
    struct account_id account = account_here(1);
    uint64_t now_ms;
    struct test_message message;

    start();
    now_ms = (uint64_t)fixture.fake.now_ms;
    make_message(&message, &account, now_ms, LIMIT_TTL_MS_MIN - 1, "aGVsbG8=");
    expect_refused_replica(&message, ERR_RANGE);
    make_message(&message, &account, now_ms, LIMIT_TTL_MS_MAX + 1, "aGVsbG8=");
    expect_refused_replica(&message, ERR_RANGE);
    make_message(&message, &account, now_ms + LIMIT_FUTURE_MS + 1, 60000, "aGVsbG8=");
    expect_refused_replica(&message, ERR_CLOCK);
    make_message(&message, &account, now_ms - 60001, 60000, "aGVsbG8=");
    expect_refused_replica(&message, ERR_CLOCK);
    make(&message, 1, "aGVsbG8=");
    message.data[0] = 'b';
    expect_refused_replica(&message, ERR_CRYPTO);
    make(&message, 1, "aGVsbG8=");
    message.hash_hex[0] = message.hash_hex[0] == '0' ? '1' : '0';
    push_one(&message);
    ck_assert_uint_eq(fake_env_last_trace(&fixture.fake, TRACE_REPLICA_REFUSED)->n[0], ERR_FORMAT);
    ck_assert(!snode_holds(snode, message.hash));
    make(&message, 1, "aGVsbG8=");
    push_one(&message);
    ck_assert(snode_holds(snode, message.hash));
    end();
}
END_TEST

/* The bad ones of a batch are dropped, the others kept; a broken batch counts as nothing. */
START_TEST(snode_keeps_the_good_part_of_a_batch)
{
    static struct test_message good, bad, late;
    const struct test_message *messages[] = {&good, &bad, &late};
    struct buf batch;

    start();
    make(&good, 1, "Zmlyc3Q=");
    make(&bad, 1, "c2Vjb25k");
    bad.data[0] = 'd';
    make(&late, 1, "dGhpcmQ=");
    buf_init(&batch, SIZE_MAX);
    append_to_batch(&batch, &good);
    buf_byte(&batch, 0);
    expect_answer(post_as_peer(PATH_PUSH_BATCH, buf_bytes(&batch)), 200, "");
    buf_fini(&batch);
    ck_assert(!snode_holds(snode, good.hash));
    push(messages, 3);
    ck_assert(snode_holds(snode, good.hash));
    ck_assert(!snode_holds(snode, bad.hash));
    ck_assert(snode_holds(snode, late.hash));
    end();
}
END_TEST

/* A replica is measured by the difficulty of its own time: what was enough a moment ago still is, though not from a
 * client. */
START_TEST(snode_is_lenient_with_replicas)
{
    const struct pow_record records[] = {{0, 1}, {FAKE_EPOCH_MS, 100}};
    struct test_message message;

    start();
    snode_on_difficulty(snode, records, ARRAY_LEN(records));
    make(&message, 1, "aGVsbG8=");
    expect_answer(post(PATH_STORAGE_RPC, store_request(&fixture.fake, &message)), 432, "{\"difficulty\":100}");
    push_one(&message);
    ck_assert(snode_holds(snode, message.hash));

    fake_env_advance_ms(&fixture.fake, 1);
    make(&message, 1, "aGVsbG8=");
    expect_refused_replica(&message, ERR_CRYPTO);
    end();
}
END_TEST

/* A full node drops replicas, too, and says so in the trace. */
START_TEST(snode_refuses_replicas_when_full)
{
    struct test_message first, second;
    struct snode_counts counts;

    start_without_membership();
    snode_free(snode);
    fixture.preset.store_bytes_max = 200;
    snode = snode_new(&fixture.config);
    snode_on_membership(snode, &fixture.membership);
    make(&first, 1, "Zmlyc3Q=");
    make(&second, 1, "c2Vjb25k");
    push_one(&first);
    expect_refused_replica(&second, ERR_FULL);
    snode_counts(snode, &counts);
    ck_assert_uint_eq(counts.refused_full, 1);
    end();
}
END_TEST

/* A batch wakes those whose account got a message, and nobody else. */
START_TEST(snode_wakes_listeners_for_replicas)
{
    static struct test_message message;
    const struct test_message *expected[] = {&message};
    struct fake_request *first, *second;

    start();
    first = listen(1, HEADER_LONG_POLL);
    second = listen(2, HEADER_LONG_POLL);
    make(&message, 1, "aGVsbG8=");
    push_one(&message);
    expect_messages(first, expected, 1);
    ck_assert(!second->answered);
    fake_env_crash(&fixture.fake);
    end();
}
END_TEST

/* ---- life ---- */

/* After a crash the disk brings back what was answered, in its order; requests under way are gone. */
START_TEST(snode_survives_a_crash)
{
    static struct test_message first, second, third;
    const struct test_message *expected[] = {&first, &second};
    struct fake_request *lost;

    start();
    make(&first, 1, "Zmlyc3Q=");
    make(&second, 1, "c2Vjb25k");
    make(&third, 1, "dGhpcmQ=");
    (void)post(PATH_STORAGE_RPC, store_request(&fixture.fake, &first));
    push_one(&second);
    fixture.fake.disk_manual = true;
    (void)listen(2, HEADER_LONG_POLL);
    lost = post(PATH_STORAGE_RPC, store_request(&fixture.fake, &third));
    ck_assert(!lost->answered);
    ck_assert_uint_eq(restart(), 2);
    expect_messages(retrieve(1), expected, 2);
    end();
}
END_TEST

/* A new member of the swarm gets what the node holds. */
START_TEST(snode_pushes_to_a_new_member)
{
    struct membership before;
    struct swarm_entry swarms[2];
    struct test_message message;

    start_without_membership();
    before = fixture.membership;
    memcpy(swarms, fixture.swarms, sizeof(swarms));
    swarms[0].count--; /* the last member is not there yet */
    before.swarms = swarms;
    snode_on_membership(snode, &before);
    make(&message, 1, "aGVsbG8=");
    push_one(&message);
    snode_on_membership(snode, &fixture.membership);
    ck_assert_uint_eq(fake_env_open_calls(&fixture.fake), 1);
    ck_assert(address_equal(fake_env_call(&fixture.fake, 0)->to, fixture.entries[fixture.members[2]].address));
    fake_env_answer(&fixture.fake, 0, 200, BYTES_NONE);
    end();
}
END_TEST

/* An idle node: no timer, no call, and little memory. (The sanitizer's malloc counts nothing.) */
START_TEST(snode_is_small_when_idle)
{
    const struct pow_record record = {0, 1};
    struct snode *another;
    size_t before, after;

    start();
    before = mallinfo2().uordblks;
    another = snode_new(&fixture.config);
    (void)snode_start(another);
    snode_on_difficulty(another, &record, 1);
    after = mallinfo2().uordblks; /* before the fake env keeps a trace of the next line */
    snode_on_membership(another, &fixture.membership);
    fake_env_check(&fixture.fake);
    ck_assert_msg(after - before <= 1024, "%zu bytes", after - before);
    snode_free(another);
    end();
}
END_TEST

TEST_MAIN("snode", snode_names_unknown_paths, snode_tells_its_version, snode_of_the_era_knows_nothing_of_today, snode_refuses_huge_bodies,
          snode_is_ready_when_in_a_swarm, snode_asks_who_pushes, snode_stores_and_gives_back, snode_holds_a_direct_poll,
          snode_executes_what_an_onion_brings, snode_holds_a_poll_out_of_an_onion, snode_lets_an_onion_asker_go,
          snode_limits_direct_clients, snode_limits_nobody_when_switched_off, snode_keeps_a_replica,
          snode_refuses_a_bad_replica, snode_keeps_the_good_part_of_a_batch, snode_is_lenient_with_replicas,
          snode_refuses_replicas_when_full, snode_wakes_listeners_for_replicas, snode_survives_a_crash,
          snode_pushes_to_a_new_member, snode_is_small_when_idle)
