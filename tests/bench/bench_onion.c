/* bench_onion.c: onion requests the whole way: client, guard, middle, last, target, and back through all of them.
 *
 * Real clients ask nodes of their own swarm for messages, without end, through the engine. The limit is what no program
 * can leave out: the curve's operations, and sealing and opening at the sizes that occur. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/onion_request.h"
#include "proto/storage_rpc.h"
#include "sim/testbed.h"
#include "tests/bench/bench.h"

#define NODES   50
#define CLIENTS 32
#define HOPS    (LIMIT_PATH_NODES + 1)

struct asking;
struct asker {
    struct asking *asking;
    struct client *client;
    struct onion_request request;
};

struct asking {
    struct testbed *testbed;
    struct asker askers[CLIENTS];
    uint64_t answered, wanted;
    uint32_t requests_per_round;
    bool stopping;
    size_t reply_len, body_len;
};

/* The sealed bytes in a base64 text. */
static size_t decoded_len(struct bytes text)
{
    size_t len = text.len / 4 * 3;

    for (size_t i = text.len; i > 0 && text.data[i - 1] == '='; i--)
        len--;
    return len;
}

static void on_asked(struct onion_request *request)
{
    struct asker *asker = CONTAINER_OF(request, struct asker, request);
    struct asking *asking = asker->asking;

    if (request->failure == ONION_ANSWERED && request->status == 200) {
        asking->answered++;
        asking->reply_len = decoded_len(blob_bytes(request->call.in.body));
    }
    if (!asking->stopping)
        onion_request_start(request, asker->client);
}

static void start_asking(void *machine, void *owner)
{
    struct asker *asker = owner;

    asker->client = machine;
    onion_request_start(&asker->request, asker->client);
}

static struct blob *retrieve_body(const struct account_id *account)
{
    char hex[ACCOUNT_HEX_LEN];
    struct rpc_retrieve retrieve = {.pubkey = BYTES_OF(hex)};
    struct blob *body;
    struct buf out;

    account_to_hex(account, hex);
    buf_init(&out, LIMIT_BODY_BYTES);
    rpc_retrieve_encode(&out, &retrieve);
    body = blob_from_buf(&out);
    buf_fini(&out);
    return body;
}

static void asker_init(struct asker *asker, struct asking *asking)
{
    struct testbed *testbed = asking->testbed;
    uint32_t client = testbed_add_client(testbed, "asker"), target;
    const struct account_id *account = client_account(testbed_client(testbed, client));
    const struct snode_keys *keys;

    ASSERT(testbed_swarm_nodes(testbed, account, &target, 1) == 1);
    keys = testbed_node_keys(testbed, target);
    asker->asking = asking;
    asker->request = (struct onion_request){
        .target = {.ed25519 = keys->ed25519,
                   .x25519 = keys->x25519.public,
                   .address = world_address(testbed_world(testbed), testbed_node_seat(testbed, target))},
        .method = "retrieve",
        .body = retrieve_body(account),
        .timeout_ms = LIMIT_ONION_TIMEOUT_MS,
        .attempts = 3,
        .done = on_asked,
    };
    asking->body_len = asker->request.body->len;
    world_enter(testbed_world(testbed), testbed_client_seat(testbed, client), start_asking, asker);
}

static bool answered_enough(void *owner)
{
    const struct asking *asking = owner;

    return asking->answered >= asking->wanted;
}

static double ask(void *owner)
{
    struct asking *asking = owner;
    uint64_t from = asking->answered, began_ns = bench_cpu_ns();

    asking->wanted = from + asking->requests_per_round;
    (void)world_run_until(testbed_world(asking->testbed), INT64_MAX - 1, 20000, answered_enough, asking, 0);
    return (double)(bench_cpu_ns() - began_ns) / (double)(asking->answered - from);
}

static void asking_init(struct asking *asking, const struct crypto_suite *suite, uint32_t requests_per_round)
{
    struct testbed_config config;

    testbed_config_default(&config);
    config.suite = suite;
    config.nodes = NODES;
    config.chain_runs = false;
    config.snode.rate_limit = false;
    *asking = (struct asking){.testbed = testbed_new(&config), .requests_per_round = requests_per_round};
    for (size_t i = 0; i < CLIENTS; i++)
        asker_init(&asking->askers[i], asking);
}

static void asking_fini(struct asking *asking)
{
    testbed_free(asking->testbed);
    for (size_t i = 0; i < CLIENTS; i++)
        blob_drop(asking->askers[i].request.body);
}

/* The limit: the operations of one request, with buffers of the sizes that a request of that size has. */
struct limit {
    const struct crypto_suite *suite;
    uint32_t requests_per_round;
    struct x25519_pair nodes[HOPS], one_use[HOPS];
    size_t plain_len[HOPS + 1]; /* by hop from the guard; the answer last */
    uint8_t *plain, *sealed, *opened;
};

static void limit_init(struct limit *limit, const struct asking *asking, const struct crypto_suite *suite)
{
    struct onion_hop hops[HOPS];
    struct onion_seed seeds[HOPS];
    struct onion_peeled peeled;
    struct onion_layer layer;
    struct reply_key reply_key;
    struct bytes onion;
    struct arena arena;
    const char *why;
    enum err err;

    arena_init(&arena);
    *limit = (struct limit){.suite = suite, .requests_per_round = asking->requests_per_round};
    for (size_t i = 0; i < HOPS; i++) {
        memset(limit->nodes[i].secret.bytes, (int)(i + 1), 32);
        memset(&seeds[i], (int)(i + 11), sizeof(seeds[i]));
        x25519_public_of(&limit->nodes[i].secret, &limit->nodes[i].public);
        limit->one_use[i].secret = seeds[i].secret;
        hops[i] = (struct onion_hop){.x25519 = limit->nodes[i].public, .enc_type = ENC_AES_GCM};
    }
    err = onion_wrap(suite, ONION_V2, &arena, hops, HOPS, blob_bytes(asking->askers[0].request.body), BYTES_LIT("{}"),
                     seeds, &onion, &reply_key);
    ASSERT(err == OK);
    limit->plain = xcalloc(3, onion.len + asking->reply_len);
    limit->sealed = limit->plain + onion.len + asking->reply_len;
    limit->opened = limit->sealed + onion.len + asking->reply_len;
    err = onion_read_outer(ONION_V2, &arena, onion, &layer, &why);
    for (size_t i = 0; i < HOPS; i++) {
        ASSERT(err == OK);
        limit->plain_len[i] = layer.ciphertext.len - seal_bytes(ENC_AES_GCM, 0);
        err = onion_peel(suite, ONION_V2, &arena, &limit->nodes[i], &layer, &peeled);
        layer = peeled.next;
    }
    limit->plain_len[HOPS] = asking->reply_len - seal_bytes(ENC_AES_GCM, 0);
    arena_fini(&arena);
}

static double do_limit(void *owner)
{
    struct limit *limit = owner;
    const struct crypto_suite *suite = limit->suite;
    uint8_t nonce[SEAL_NONCE_MAX] = {1};
    uint64_t began_ns = bench_cpu_ns();
    struct shared_key key;
    enum err err = OK;
    size_t len;

    for (uint32_t round = 0; round < limit->requests_per_round; round++) {
        for (size_t i = 0; i < HOPS; i++) {
            suite->ephemeral_public(&limit->one_use[i].secret, &limit->one_use[i].public);
            err |= suite->agree(&limit->one_use[i], &limit->nodes[i].public, &key);
            err |= suite->agree(&limit->nodes[i], &limit->one_use[i].public, &key);
        }
        for (size_t i = 0; i <= HOPS; i++) {
            suite->seal(ENC_AES_GCM, &key, nonce, (struct bytes){limit->plain, limit->plain_len[i]}, limit->sealed);
            err |= suite->open(ENC_AES_GCM, &key,
                               (struct bytes){limit->sealed, seal_bytes(ENC_AES_GCM, limit->plain_len[i])},
                               limit->opened, &len);
        }
    }
    ASSERT(err == OK);
    return (double)(bench_cpu_ns() - began_ns) / limit->requests_per_round;
}

static void bench_suite(struct bench *bench, const struct crypto_suite *suite, uint32_t requests_per_round)
{
    bool real = suite == &crypto_real;
    static struct asking asking;
    struct limit limit;
    struct bench_pair pair;
    struct bench_row row = {.against = "its 12 key operations, 5 seals, 5 opens"};

    asking_init(&asking, suite, requests_per_round);
    ask(&asking); /* builds paths, and tells the size of an answer */
    limit_init(&limit, &asking, suite);
    pair = bench_compare(31, ask, &asking, do_limit, &limit);
    snprintf(row.what, sizeof(row.what), "onion requests, %s cryptography, one thread", suite->name);
    snprintf(row.detail, sizeof(row.detail), "%.1f us, of which %.1f us are those; %zu bytes asked, %zu sealed back",
             pair.ours_ns / 1e3, pair.theirs_ns / 1e3, asking.body_len, asking.reply_len);
    row.ratio = bench_ratio(1 / pair.ratio, real ? AIM_AT_LEAST : AIM_NONE, 0.95);
    row.absolute = (struct bench_figure){1e9 / pair.ours_ns, real ? AIM_NONE : AIM_AT_LEAST, 50000, "/s", 0};
    bench_add(bench, &row);
    free(limit.plain);
    asking_fini(&asking);
}

void bench_onion(struct bench *bench)
{
    bench_suite(bench, &crypto_real, 150);
}

void bench_modelled(struct bench *bench)
{
    bench_suite(bench, &crypto_modelled, 3000);
}
