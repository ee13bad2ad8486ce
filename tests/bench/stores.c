#include "tests/bench/stores.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/pow.h"
#include "common/text.h"

#define TTL_MS UINT64_C(7200000)

/* Both are told by the number alone. */
static void account_and_data(uint32_t number, char pubkey[ACCOUNT_HEX_LEN], char data[STORES_DATA_BYTES])
{
    struct account_id account = {{ACCOUNT_PREFIX}};
    uint8_t raw[STORES_DATA_BYTES / 4 * 3];

    store_le32(account.bytes + 1, number / STORES_PER_ACCOUNT + 1);
    account_to_hex(&account, pubkey);
    for (size_t i = 0; i < sizeof(raw); i++)
        raw[i] = (uint8_t)(number * 31 + i * 7);
    store_le32(raw, number);
    base64_encode(data, BYTES_OF(raw));
}

struct blob *stores_request_modern(uint32_t number, uint64_t timestamp_ms)
{
    char pubkey[ACCOUNT_HEX_LEN], data[STORES_DATA_BYTES];
    struct buf out;
    struct blob *body;

    account_and_data(number, pubkey, data);
    buf_init(&out, LIMIT_BODY_BYTES);
    buf_printf(&out,
               "{\"method\":\"store\",\"params\":{\"pubkey\":\"%.*s\",\"ttl\":%llu,\"timestamp\":%llu,"
               "\"data\":\"%.*s\"}}",
               (int)sizeof(pubkey), pubkey, (unsigned long long)TTL_MS, (unsigned long long)timestamp_ms,
               (int)sizeof(data), data);
    body = blob_from_buf(&out);
    buf_fini(&out);
    return body;
}

struct blob *stores_request(uint32_t number, uint64_t timestamp_ms)
{
    char pubkey[ACCOUNT_HEX_LEN], ttl[24], timestamp[24], nonce_text[BASE64_LEN(POW_NONCE_BYTES)];
    uint8_t nonce[POW_NONCE_BYTES], hash[POW_HASH_BYTES], payload_hash[64];
    char data[STORES_DATA_BYTES];
    uint64_t target;
    struct buf out;
    struct blob *body;
    enum err err;

    account_and_data(number, pubkey, data);
    snprintf(ttl, sizeof(ttl), "%llu", (unsigned long long)TTL_MS);
    snprintf(timestamp, sizeof(timestamp), "%llu", (unsigned long long)timestamp_ms);
    const struct bytes payload[] = {bytes_text(timestamp), bytes_text(ttl), BYTES_OF(pubkey), BYTES_OF(data)};
    size_t payload_bytes = payload[0].len + payload[1].len + payload[2].len + payload[3].len;

    err = pow_target(&target, payload_bytes, TTL_MS, 1);
    ASSERT(err == OK);
    pow_payload_hash(payload, ARRAY_LEN(payload), payload_hash);
    err = crypto_real.pow_prove(payload_hash, target, UINT64_MAX, nonce, hash);
    ASSERT(err == OK);
    base64_encode(nonce_text, BYTES_OF(nonce));
    buf_init(&out, LIMIT_BODY_BYTES);
    rpc_store_encode(&out, &(struct rpc_store){.pubkey = payload[2],
                                               .ttl = payload[1],
                                               .nonce = BYTES_OF(nonce_text),
                                               .timestamp = payload[0],
                                               .data = payload[3]});
    body = blob_from_buf(&out);
    buf_fini(&out);
    return body;
}

static void no_request(void *machine, struct incoming *incoming)
{
    (void)machine;
    (void)incoming;
}

static void no_free(void *machine)
{
    (void)machine;
}

static const struct seat_handler sender_handler = {no_request, no_free};

void stores_init(struct stores *stores, uint32_t nodes, uint32_t count)
{
    struct testbed_config config;
    struct world *world;

    testbed_config_default(&config);
    config.nodes = nodes;
    config.chain_runs = false;
    config.snode.rate_limit = false;
    *stores = (struct stores){.testbed = testbed_new(&config), .count = count};
    world = testbed_world(stores->testbed);
    stores->seat = world_add_seat(world, &(struct seat_config){.address = {1, 1}, .cpu_percent = 100});
    world_occupy(world, stores->seat, &sender_handler, stores);
    stores->bodies = xcalloc(count, sizeof(*stores->bodies));
    for (uint32_t i = 0; i < count; i++)
        stores->bodies[i] = stores_request(i, (uint64_t)world_now_ms(world));
}

void stores_fini(struct stores *stores)
{
    testbed_free(stores->testbed);
    for (uint32_t i = 0; i < stores->count; i++)
        blob_drop(stores->bodies[i]);
    free(stores->bodies);
}

static void on_stored(struct call *call);

static void send_next(struct sending *sending)
{
    struct stores *stores = sending->stores;
    struct world *world = testbed_world(stores->testbed);
    uint32_t node = stores->next % testbed_node_count(stores->testbed);

    if (stores->next == stores->until)
        return;
    sending->call = (struct call){.to = world_address(world, testbed_node_seat(stores->testbed, node)),
                                  .out = {.verb = VERB_POST,
                                          .content = CONTENT_JSON,
                                          .path = BYTES_LIT(PATH_STORAGE_RPC),
                                          .body = stores->bodies[stores->next++]},
                                  .timeout_ms = LIMIT_DIRECT_TIMEOUT_MS};
    env_call(world_env(world, stores->seat), &sending->call, on_stored);
}

static void start_sending(void *machine, void *owner)
{
    struct stores *stores = machine;

    (void)owner;
    for (size_t i = 0; i < ARRAY_LEN(stores->sendings); i++) {
        stores->sendings[i].stores = stores;
        send_next(&stores->sendings[i]);
    }
}

static void on_stored(struct call *call)
{
    struct sending *sending = CONTAINER_OF(call, struct sending, call);

    sending->stores->done++;
    sending->stores->ok += call->net == NET_OK && call->in.status == 200;
    send_next(sending);
}

static bool all_done(void *owner)
{
    const struct stores *stores = owner;

    return stores->done == stores->until;
}

void stores_send(struct stores *stores, uint32_t count)
{
    struct world *world = testbed_world(stores->testbed);

    ASSERT(stores->count - stores->next >= count);
    stores->until = stores->next + count;
    world_enter(world, stores->seat, start_sending, NULL);
    (void)world_run_until(world, world_now_us(world) + INT64_C(3600000000), 10000, all_done, stores, 0);
    (void)world_run_until(world, world_now_us(world) + INT64_C(3000000), 10000, NULL, NULL, 0);
    ASSERT(stores->ok == stores->until);
}
