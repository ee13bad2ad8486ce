#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/onion.h"
#include "common/text.h"
#include "proto/storage_rpc.h"
#include "sim/seed.h"
#include "sim/testbed.h"
#include "tests/support/check_main.h"
#include "tests/support/node_fixture.h"

/* What those who mean harm send costs a bounded number of calls, records and relays, and everybody else goes on. */

#define SECOND_US INT64_C(1000000)
#define MALLORY   ((struct address){0x7fc80001, 4000})

static struct testbed_config hostile_config(void)
{
    struct testbed_config config;

    testbed_config_default(&config);
    config.suite = &crypto_modelled;
    config.nodes = 20;
    config.chain_runs = false;
    config.snode.rate_limit = true;
    return config;
}

static void run_for_s(struct testbed *testbed, int64_t s)
{
    struct world *world = testbed_world(testbed);

    world_run_until(world, world_now_us(world) + s * SECOND_US, 0, NULL, NULL, 0);
}

/* ---- users ---- */

static void befriend(void *machine, void *owner)
{
    const struct sent *sent;

    ck_assert_int_eq(client_befriend(machine, owner, BYTES_LIT("Hi"), &sent), OK);
}

static void poll(void *machine, void *owner)
{
    (void)owner;
    client_clear_inbox(machine);
    client_poll_once(machine);
}

static void send_to(struct testbed *testbed, uint32_t from, uint32_t to)
{
    struct account_id account = *testbed_client_account(testbed, to);

    world_enter(testbed_world(testbed), testbed_client_seat(testbed, from), befriend, &account);
}

/* A message goes all the way from one user to the other. */
static void expect_exchange(struct testbed *testbed, uint32_t from, uint32_t to)
{
    send_to(testbed, from, to);
    run_for_s(testbed, 90);
    world_enter(testbed_world(testbed), testbed_client_seat(testbed, to), poll, NULL);
    run_for_s(testbed, 60);
    ck_assert_ptr_nonnull(client_inbox(testbed_client(testbed, to)));
    ck_assert(!client_busy(testbed_client(testbed, from)) && !client_busy(testbed_client(testbed, to)));
}

/* ---- who means harm ---- */

struct mallory;
struct mallory_call {
    struct call call;
    struct mallory *mallory;
    struct blob *body;
};

struct mallory {
    struct env *env;
    const struct crypto_suite *suite;
    const struct snode_keys *keys; /* of the node whose place it took; NULL: of none */
    struct blob *answer;           /* to whatever is asked */
    uint64_t asked, peeled;
    struct mallory_call *calls;
    size_t call_count, ended;
    size_t calls_left;      /* that are made again, each as one ends */
    uint64_t statuses[600]; /* answers to its own calls; 0: none came */
    char last[80];          /* the last of them */
};

/* As the target of an onion it seals the answer as it should be, so that the client opens it. */
static bool answer_sealed(struct mallory *mallory, struct incoming *incoming)
{
    static const uint8_t nonce[SEAL_NONCE_MAX] = {1};
    struct onion_layer layer;
    struct onion_peeled peeled;
    struct blob *sealed;

    if (mallory->keys == NULL || !bytes_equal_text(incoming->in.path, PATH_SN_ONION_V2) ||
        onion_read_peer(ONION_V2, mallory->env->arena, blob_bytes(incoming->in.body), &layer) != OK ||
        onion_peel(mallory->suite, ONION_V2, mallory->env->arena, &mallory->keys->x25519, &layer, &peeled) != OK ||
        peeled.kind != ONION_FINAL)
        return false;
    sealed = onion_seal_reply(mallory->suite, &peeled.reply_key, nonce, 200, blob_bytes(mallory->answer), false, false,
                              false);
    env_answer(mallory->env, incoming, &(struct message){.status = 200, .content = CONTENT_TEXT, .body = sealed});
    blob_drop(sealed);
    mallory->peeled++;
    return true;
}

static void on_mallory_request(void *machine, struct incoming *incoming)
{
    struct mallory *mallory = machine;

    mallory->asked++;
    if (!answer_sealed(mallory, incoming))
        env_answer(mallory->env, incoming,
                   &(struct message){.status = 200, .content = CONTENT_JSON, .body = mallory->answer});
}

static void free_mallory(void *machine)
{
    (void)machine; /* the test's own */
}

static const struct seat_handler mallory_handler = {.on_request = on_mallory_request, .free = free_mallory};

static void mallory_fini(struct mallory *mallory)
{
    blob_drop(mallory->answer);
    free(mallory->calls);
}

static void mallory_replaces(struct testbed *testbed, struct mallory *mallory, uint32_t seat)
{
    struct world *world = testbed_world(testbed);

    world_crash(world, seat);
    mallory->env = world_env(world, seat);
    mallory->suite = &crypto_modelled;
    world_occupy(world, seat, &mallory_handler, mallory);
}

static void mallory_joins(struct testbed *testbed, struct mallory *mallory, size_t call_count)
{
    struct world *world = testbed_world(testbed);
    uint32_t seat =
        world_add_seat(world, &(struct seat_config){.address = MALLORY, .host = UINT32_MAX - 1, .cpu_percent = 100});

    mallory->env = world_env(world, seat);
    mallory->calls = xcalloc(call_count, sizeof(*mallory->calls));
    mallory->call_count = call_count;
    world_occupy(world, seat, &mallory_handler, mallory);
}

static void on_mallory_answered(struct call *call);

static void mallory_calls(struct mallory *mallory, size_t i, struct address to, const char *path, struct bytes body)
{
    struct mallory_call *call = &mallory->calls[i];
    struct blob *copy = blob_copy(body);

    *call = (struct mallory_call){.call = {.to = to, .timeout_ms = 60000}, .mallory = mallory, .body = copy};
    call->call.out =
        (struct message){.verb = VERB_POST, .content = CONTENT_BINARY, .path = bytes_text(path), .body = copy};
    env_call(mallory->env, &call->call, on_mallory_answered);
}

static void on_mallory_answered(struct call *call)
{
    struct mallory_call *mine = CONTAINER_OF(call, struct mallory_call, call);
    struct mallory *mallory = mine->mallory;
    struct bytes body = blob_bytes(call->in.body);
    uint16_t status = call->net == NET_OK ? call->in.status : 0;

    ck_assert_uint_lt(status, ARRAY_LEN(mallory->statuses));
    mallory->statuses[status]++;
    mallory->ended++;
    snprintf(mallory->last, sizeof(mallory->last), "%.*s", (int)body.len, (const char *)body.data);
    if (mallory->calls_left > 0) {
        mallory->calls_left--;
        env_call(mallory->env, call, on_mallory_answered);
    } else {
        blob_drop(mine->body);
    }
}

/* ---- deep answers ---- */

/* Three nodes answer whatever they are asked with 7 and 10 MiB of brackets, in clear or sealed as it should be: users
 * lose those nodes, and no message. */
static void deep_answers(size_t len)
{
    struct testbed_config config = hostile_config();
    struct testbed *testbed = testbed_new(&config);
    struct mallory evil[3] = {0};
    struct world_stats before, after;
    uint64_t asked = 0, peeled = 0;

    for (uint32_t i = 0; i < ARRAY_LEN(evil); i++) {
        evil[i].answer = blob_new(len);
        memset(evil[i].answer->data, '[', len);
        evil[i].keys = testbed_node_keys(testbed, i);
        mallory_replaces(testbed, &evil[i], testbed_node_seat(testbed, i));
    }
    for (uint32_t i = 0; i < 8; i++)
        testbed_add_client(testbed, "user");
    world_stats(testbed_world(testbed), &before);
    for (uint32_t i = 0; i < 8; i += 2)
        expect_exchange(testbed, i, i + 1);
    world_stats(testbed_world(testbed), &after);
    for (size_t i = 0; i < ARRAY_LEN(evil); i++) {
        asked += evil[i].asked;
        peeled += evil[i].peeled;
        mallory_fini(&evil[i]);
    }
    ck_assert_uint_gt(asked, 0);
    ck_assert_uint_gt(peeled, 0);
    ck_assert_uint_lt(after.calls - before.calls, 8 * 200);
    testbed_free(testbed);
}

START_TEST(deep_answers_cost_the_node_that_gives_them)
{
    deep_answers((size_t)7 << 20); /* sealed it is nearly 10 */
}
END_TEST

START_TEST(the_longest_deep_answer)
{
    deep_answers(LIMIT_BODY_BYTES);
}
END_TEST

/* ---- a flood of stores ---- */

#define FLOOD 100000

/* An account whose swarm has the node. */
static struct account_id account_of_node(struct testbed *testbed, uint32_t node)
{
    uint32_t members[64];

    for (uint32_t position = 0; position < 256; position++) {
        struct account_id account = {{ACCOUNT_PREFIX, (uint8_t)position}};
        size_t count = testbed_swarm_nodes(testbed, &account, members, ARRAY_LEN(members));

        for (size_t i = 0; i < count; i++)
            if (members[i] == node)
                return account;
    }
    ck_abort_msg("no account of node %u", node);
}

struct flood {
    struct testbed *testbed;
    uint32_t node;
};

static void start_flood(void *machine, void *owner)
{
    struct mallory *mallory = machine;
    const struct flood *flood = owner;
    struct world *world = testbed_world(flood->testbed);
    struct address to = world_address(world, testbed_node_seat(flood->testbed, flood->node));
    struct account_id account = account_of_node(flood->testbed, flood->node);
    struct test_message message;
    struct buf body;

    buf_init(&body, LIMIT_BODY_BYTES);
    for (size_t i = 0; i < mallory->call_count; i++) {
        char text[24];

        snprintf(text, sizeof(text), "%zu", i);
        make_message(&message, &account, (uint64_t)world_now_ms(world), 86400000, text);
        buf_clear(&body);
        rpc_store_encode(&body, &(struct rpc_store){bytes_text(message.pubkey), bytes_text(message.ttl),
                                                    bytes_text(message.nonce), bytes_text(message.timestamp),
                                                    bytes_text(message.data)});
        mallory_calls(mallory, i, to, PATH_STORAGE_RPC, buf_bytes(&body));
    }
    buf_fini(&body);
}

/* One address sends 100,000 valid stores to one node at once. Each is answered once; few more than a bucket of them are
 * taken, the rest is refused before anything is read, and users go on meanwhile. */
START_TEST(a_flood_of_stores_is_refused)
{
    struct testbed_config config = hostile_config();
    struct testbed *testbed = testbed_new(&config);
    struct flood flood = {testbed, 3};
    struct mallory mallory = {0};
    struct snode_counts counts;
    uint64_t refused;

    testbed_add_client(testbed, "Alice");
    testbed_add_client(testbed, "Bob");
    mallory_joins(testbed, &mallory, FLOOD);
    world_enter(testbed_world(testbed), world_seat_at(testbed_world(testbed), MALLORY), start_flood, &flood);
    expect_exchange(testbed, 0, 1);

    ck_assert_uint_eq(mallory.ended, FLOOD);
    refused = mallory.statuses[429] + mallory.statuses[503] + mallory.statuses[0];
    ck_assert_uint_eq(mallory.statuses[200] + refused, FLOOD);
    ck_assert_uint_ge(mallory.statuses[200], LIMIT_RATE_BUCKET);
    ck_assert_uint_le(mallory.statuses[200], LIMIT_RATE_BUCKET + LIMIT_RATE_PER_S); /* it is over within a second */
    snode_counts(testbed_node(testbed, flood.node), &counts);
    ck_assert_uint_ge(counts.stored, mallory.statuses[200]);
    ck_assert_uint_le(counts.stored, mallory.statuses[200] + 10); /* Alice's, perhaps */
    testbed_free(testbed);
    mallory_fini(&mallory);
}
END_TEST

/* ---- relay loops ---- */

/* Puts one more layer around an onion: for `node`, which passes it on to `next`. */
static struct bytes wrap_again(struct arena *arena, struct bytes onion, const struct snode_keys *node,
                               const struct snode_keys *next, uint8_t number)
{
    struct x25519_pair pair = {.secret = {{number, 0x77}}};
    struct bytes ciphertext, json, plain, whole;
    struct shared_key key;
    uint8_t nonce[SEAL_NONCE_MAX] = {0}, *at;

    ck_assert_int_eq(onion_unframe(onion, &ciphertext, &json), OK);
    json = bytes_text(arena_printf(arena, "{\"destination\":\"%s\",%.*s",
                                   (const char *)hex_text(arena, BYTES_OF(next->ed25519.bytes)).data, (int)json.len - 1,
                                   (const char *)json.data + 1));
    ck_assert_int_eq(onion_frame(arena, ciphertext.len, json, &at, &plain), OK);
    memcpy(at, ciphertext.data, ciphertext.len);

    crypto_modelled.ephemeral_public(&pair.secret, &pair.public);
    ck_assert_int_eq(onion_layer_key(&crypto_modelled, ENC_AES_GCM, &pair, &node->x25519.public, true, &key), OK);
    json = bytes_text(arena_printf(arena, "{\"ephemeral_key\":\"%s\"}",
                                   (const char *)hex_text(arena, BYTES_OF(pair.public.bytes)).data));
    ck_assert_int_eq(onion_frame(arena, seal_bytes(ENC_AES_GCM, plain.len), json, &at, &whole), OK);
    crypto_modelled.seal(ENC_AES_GCM, &key, nonce, plain, at);
    return whole;
}

struct loop {
    struct testbed *testbed;
    const uint32_t *nodes; /* taken in turn */
    uint32_t node_count, layers;
};

/* As many times as there are calls, all at once. */
static void start_loop(void *machine, void *owner)
{
    const struct loop *loop = owner;
    struct testbed *testbed = loop->testbed;
    struct mallory *mallory = machine;
    struct address guard = world_address(testbed_world(testbed), testbed_node_seat(testbed, loop->nodes[0]));
    struct arena arena;
    struct reply_key key;
    struct bytes onion;

    arena_init(&arena);
    for (uint32_t layer = loop->layers; layer-- > 0;) {
        const struct snode_keys *node = testbed_node_keys(testbed, loop->nodes[layer % loop->node_count]);
        const struct snode_keys *next = testbed_node_keys(testbed, loop->nodes[(layer + 1) % loop->node_count]);
        struct onion_hop hop = {node->ed25519, node->x25519.public, ENC_AES_GCM};
        struct onion_seed seed = {.secret = {{0x66}}};

        if (layer == loop->layers - 1)
            ck_assert_int_eq(onion_wrap(&crypto_modelled, ONION_V2, &arena, &hop, 1, BYTES_LIT("{\"method\":\"info\"}"),
                                        BYTES_LIT("{}"), &seed, &onion, &key),
                             OK);
        else
            onion = wrap_again(&arena, onion, node, next, (uint8_t)layer);
    }
    for (size_t i = 0; i < mallory->call_count; i++)
        mallory_calls(mallory, i, guard, PATH_ONION_V2, onion);
    arena_fini(&arena);
}

static uint64_t peer_onions;

static void count_peer_onions(void *owner, uint32_t seat, const struct tapped *tapped)
{
    (void)owner, (void)seat;
    peer_onions += bytes_equal_text(tapped->message->path, PATH_SN_ONION_V2);
}

/* Sends an onion of so many layers through the nodes, round and round. How often nodes called nodes for it. */
static uint64_t relays_of(const uint32_t nodes[], uint32_t node_count, uint32_t layers, uint16_t expected_status,
                          const char *expected_text)
{
    struct testbed_config config = hostile_config();
    struct mallory mallory = {0};
    struct testbed *testbed;
    struct loop loop = {NULL, nodes, node_count, layers};

    config.world.tap = count_peer_onions;
    loop.testbed = testbed = testbed_new(&config);
    peer_onions = 0;
    mallory_joins(testbed, &mallory, 1);
    world_enter(testbed_world(testbed), world_seat_at(testbed_world(testbed), MALLORY), start_loop, &loop);
    run_for_s(testbed, 60);
    ck_assert_uint_eq(mallory.ended, 1);
    ck_assert_uint_eq(mallory.statuses[expected_status], 1);
    if (expected_text != NULL)
        ck_assert_str_eq(mallory.last, expected_text);
    for (uint32_t i = 0; i < node_count; i++) {
        struct snode_counts counts;

        snode_counts(testbed_node(testbed, nodes[i]), &counts);
        ck_assert_uint_eq(counts.onions_open, 0);
    }
    testbed_free(testbed);
    mallory_fini(&mallory);
    return peer_onions;
}

/* A path may come back to a node, and even stay at one; every hop is a call, and nothing is left open. */
START_TEST(a_path_may_contain_itself)
{
    ck_assert_uint_eq(relays_of((const uint32_t[]){4, 9}, 2, 4, 200, NULL), 3);
    ck_assert_uint_eq(relays_of((const uint32_t[]){4}, 1, 3, 200, NULL), 2);
}
END_TEST

/* One of sixty layers ends at the sixteenth relay: hop 15 is the last that is taken. */
START_TEST(a_loop_ends_at_the_hop_limit)
{
    static const char too_long[] = "onion request max path length exceeded";

    ck_assert_uint_eq(relays_of((const uint32_t[]){4, 9}, 2, LIMIT_ONION_HOPS + 1, 200, NULL), LIMIT_ONION_HOPS);
    ck_assert_uint_eq(relays_of((const uint32_t[]){4, 9}, 2, LIMIT_ONION_HOPS + 2, 400, too_long),
                      LIMIT_ONION_HOPS + 1);
    ck_assert_uint_eq(relays_of((const uint32_t[]){4, 9}, 2, 60, 400, too_long), LIMIT_ONION_HOPS + 1);
    ck_assert_uint_eq(relays_of((const uint32_t[]){4}, 1, 60, 400, too_long), LIMIT_ONION_HOPS + 1);
}
END_TEST

/* All the while twenty onions go round between two nodes that were told to pass them on for ever, and a new one comes
 * for each that ends. Each ends at the hop limit, so that the whole is a known number of calls, and leaves nothing
 * open; and a message goes from one user to another as if nothing were the matter. */
START_TEST(loops_do_not_keep_users_from_writing)
{
    static const uint32_t nodes[] = {4, 9};
    struct testbed_config config = hostile_config();
    struct mallory mallory = {.calls_left = SIZE_MAX};
    struct testbed *testbed;
    struct loop loop = {NULL, nodes, ARRAY_LEN(nodes), 60};
    struct snode_counts counts;
    uint64_t quiet;

    config.world.tap = count_peer_onions;
    loop.testbed = testbed = testbed_new(&config);
    for (uint32_t i = 0; i < 4; i++)
        testbed_add_client(testbed, "user");
    peer_onions = 0;
    expect_exchange(testbed, 0, 1);
    quiet = peer_onions;

    mallory_joins(testbed, &mallory, 20);
    world_enter(testbed_world(testbed), world_seat_at(testbed_world(testbed), MALLORY), start_loop, &loop);
    peer_onions = 0;
    expect_exchange(testbed, 2, 3);
    mallory.calls_left = 0;
    run_for_s(testbed, 60);
    ck_assert_uint_gt(mallory.ended, 20 * 20);
    ck_assert_uint_eq(mallory.statuses[400], mallory.ended);
    ck_assert_uint_ge(peer_onions, mallory.ended * (LIMIT_ONION_HOPS + 1));
    ck_assert_uint_le(peer_onions, mallory.ended * (LIMIT_ONION_HOPS + 1) + 3 * quiet);
    for (uint32_t i = 0; i < config.nodes; i++) {
        snode_counts(testbed_node(testbed, i), &counts);
        ck_assert_uint_eq(counts.onions_open, 0);
    }
    testbed_free(testbed);
    mallory_fini(&mallory);
}
END_TEST

/* ---- node lists ---- */

static struct blob *long_list(uint32_t entries)
{
    struct buf text;
    struct blob *list;

    buf_init(&text, SIZE_MAX);
    buf_text(&text, "{\"result\":{\"height\":1,\"service_node_states\":[");
    for (uint32_t i = 0; i < entries; i++)
        buf_printf(&text,
                   "%s{\"public_ip\":\"127.%u.%u.9\",\"storage_port\":1,\"pubkey_x25519\":\"%064x\",\"pubkey_ed25519\":"
                   "\"%064x\"}",
                   i == 0 ? "" : ",", 100 + (i >> 8 & 0x7f), i & 0xff, i + 2, i + 2);
    buf_text(&text, "]}}");
    ck_assert_int_eq(text.err, OK);
    list = blob_copy(buf_bytes(&text));
    buf_fini(&text);
    return list;
}

static void see_node_list(void *owner, int64_t at_us, uint32_t seat, uint64_t index, const struct trace_record *record)
{
    uint64_t *longest = owner;

    (void)at_us, (void)seat, (void)index;
    *longest = record->n[0] > *longest ? record->n[0] : *longest;
}

/* The seed lists so many nodes that do not exist. Who knew the network before goes on; who asks now fails after a
 * bounded number of calls, and so many nodes of the list are kept. */
static void long_lists(uint32_t entries, uint64_t kept)
{
    struct testbed_config config = hostile_config();
    struct testbed *testbed = testbed_new(&config);
    struct world *world = testbed_world(testbed);
    struct mallory mallory = {.answer = long_list(entries)};
    struct world_stats before, after;
    const struct sent *sent;
    uint64_t longest = 0;
    struct trace_sink sink = {&longest, TRACE_BIT(TRACE_NODE_LIST), see_node_list};

    world_add_sink(world, &sink);
    for (uint32_t i = 0; i < 4; i++)
        testbed_add_client(testbed, "user");
    expect_exchange(testbed, 0, 1);
    expect_exchange(testbed, 0, 2);
    ck_assert_uint_eq(longest, config.nodes);
    longest = 0;
    mallory_replaces(testbed, &mallory, world_seat_at(world, (struct address){SEED_IP, SEED_PORT}));

    world_stats(world, &before);
    send_to(testbed, 3, 0);
    run_for_s(testbed, 1800);
    world_stats(world, &after);
    sent = client_sent(testbed_client(testbed, 3), 1);
    ck_assert_int_eq(sent->state, SEND_FAILED);
    ck_assert_uint_gt(mallory.asked, 0);
    ck_assert_uint_le(mallory.asked, 20);
    ck_assert_uint_le(after.calls - before.calls, 300);
    ck_assert_uint_eq(longest, kept);
    ck_assert(!client_busy(testbed_client(testbed, 3)));

    expect_exchange(testbed, 1, 2);
    testbed_free(testbed);
    mallory_fini(&mallory);
}

START_TEST(a_node_list_of_100000_is_refused)
{
    long_lists(100000, 0);
}
END_TEST

START_TEST(a_long_node_list_is_cut)
{
    long_lists(LIMIT_NODE_LIST + 10000, LIMIT_NODE_LIST);
}
END_TEST

TEST_MAIN("hostile", deep_answers_cost_the_node_that_gives_them, the_longest_deep_answer, a_flood_of_stores_is_refused,
          a_path_may_contain_itself, a_loop_ends_at_the_hop_limit, loops_do_not_keep_users_from_writing,
          a_node_list_of_100000_is_refused, a_long_node_list_is_cut)
