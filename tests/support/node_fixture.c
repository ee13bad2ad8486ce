#include "tests/support/node_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "proto/storage_rpc.h"

static void make_keys(struct snode_keys *keys, uint8_t number)
{
    uint8_t seed[32] = {number, 0x5e, 0xed};

    ed25519_from_seed(seed, &keys->ed25519, &keys->ed25519_secret);
    x25519_from_ed25519_secret(&keys->ed25519_secret, &keys->x25519.secret);
    ASSERT(x25519_from_ed25519_public(&keys->ed25519, &keys->x25519.public) == OK);
}

static int by_key(const void *a, const void *b)
{
    return memcmp(((const struct snode_keys *)a)->ed25519.bytes, ((const struct snode_keys *)b)->ed25519.bytes, 32);
}

void node_fixture_init(struct node_fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    ASSERT(crypto_start() == OK);
    fake_env_init(&fixture->fake, 7);
    body_pool_init(&fixture->bodies);
    fixture->preset = (struct snode_preset){.suite = &crypto_modelled,
                                            .store_bytes_max = LIMIT_STORE_BYTES,
                                            .difficulty_initial = 1,
                                            .flush_ms = LIMIT_FLUSH_MS,
                                            .push_retries = true};
    for (uint8_t i = 0; i < FIXTURE_NODES; i++)
        make_keys(&fixture->keys[i], i);
    qsort(fixture->keys, FIXTURE_NODES, sizeof(fixture->keys[0]), by_key);
    fixture->swarms[0] = (struct swarm_entry){0, 0, FIXTURE_SWARM_NODES};
    fixture->swarms[1] = (struct swarm_entry){FIXTURE_OTHER_SWARM, FIXTURE_SWARM_NODES, FIXTURE_SWARM_NODES};
    for (uint32_t i = 0; i < FIXTURE_NODES; i++) {
        struct snode_entry *entry = &fixture->entries[i];

        entry->ed25519 = fixture->keys[i].ed25519;
        entry->x25519 = fixture->keys[i].x25519.public;
        entry->legacy[0] = (uint8_t)i;
        entry->address = (struct address){0x7f010100 + i, 22021};
        entry->swarm_id = fixture->swarms[i % 2].id;
        entry->host = i;
        fixture->members[i % 2 * FIXTURE_SWARM_NODES + i / 2] = i;
    }
    fixture->membership = (struct membership){.height = 100,
                                              .nodes = fixture->entries,
                                              .node_count = FIXTURE_NODES,
                                              .swarms = fixture->swarms,
                                              .swarm_count = 2,
                                              .members = fixture->members};
    fixture->own = fixture->members[1];
    fixture->config = (struct snode_config){.env = &fixture->fake.env,
                                            .preset = &fixture->preset,
                                            .keys = &fixture->keys[fixture->own],
                                            .bodies = &fixture->bodies,
                                            .address = fixture->entries[fixture->own].address};
}

void node_fixture_fini(struct node_fixture *fixture)
{
    body_pool_fini(&fixture->bodies);
    fake_env_fini(&fixture->fake);
}

struct account_id account_here(uint32_t n)
{
    struct account_id account = {{ACCOUNT_PREFIX}};

    store_be64(account.bytes + 1, n);
    return account;
}

struct account_id account_elsewhere(uint32_t n)
{
    struct account_id account = {{ACCOUNT_PREFIX}};

    store_be64(account.bytes + 1, FIXTURE_OTHER_SWARM + n);
    return account;
}

void make_message(struct test_message *message, const struct account_id *account, uint64_t timestamp_ms,
                  uint64_t ttl_ms, const char *data)
{
    memset(message, 0, sizeof(*message));
    message->account = *account;
    message->ttl_ms = ttl_ms;
    message->timestamp_ms = timestamp_ms;
    account_to_hex(account, message->pubkey);
    snprintf(message->ttl, sizeof(message->ttl), "%llu", (unsigned long long)ttl_ms);
    snprintf(message->timestamp, sizeof(message->timestamp), "%llu", (unsigned long long)timestamp_ms);
    snprintf(message->data, sizeof(message->data), "%s", data);
    sign_message(message, 1);
}

void sign_message(struct test_message *message, uint64_t difficulty)
{
    const struct bytes payload[] = {bytes_text(message->timestamp), bytes_text(message->ttl),
                                    bytes_text(message->pubkey), bytes_text(message->data)};
    size_t payload_bytes = 0;
    uint8_t payload_hash[64];
    uint64_t target;

    for (size_t i = 0; i < ARRAY_LEN(payload); i++)
        payload_bytes += payload[i].len;
    pow_payload_hash(payload, ARRAY_LEN(payload), payload_hash);
    ASSERT(pow_target(&target, payload_bytes, message->ttl_ms, difficulty) == OK);
    ASSERT(crypto_modelled.pow_prove(payload_hash, target, UINT64_MAX, message->nonce_bytes, message->hash) == OK);
    base64_encode(message->nonce, BYTES_OF(message->nonce_bytes));
    hex_encode(message->hash_hex, BYTES_OF(message->hash));
}

static struct bytes finish(struct fake_env *fake, struct buf *out)
{
    struct bytes body = arena_copy(&fake->arena, buf_bytes(out));

    buf_fini(out);
    return body;
}

struct bytes store_request(struct fake_env *fake, const struct test_message *message)
{
    struct rpc_store store = {bytes_text(message->pubkey), bytes_text(message->ttl), bytes_text(message->nonce),
                              bytes_text(message->timestamp), bytes_text(message->data)};
    struct buf out;

    buf_init(&out, SIZE_MAX);
    rpc_store_encode(&out, &store);
    return finish(fake, &out);
}

struct bytes retrieve_request(struct fake_env *fake, const struct account_id *account, const char *last_hash)
{
    char hex[ACCOUNT_HEX_LEN];
    struct rpc_retrieve retrieve = {BYTES_OF(hex), bytes_text(last_hash)};
    struct buf out;

    account_to_hex(account, hex);
    buf_init(&out, SIZE_MAX);
    rpc_retrieve_encode(&out, &retrieve);
    return finish(fake, &out);
}

struct bytes text_request(struct fake_env *fake, const char *format, ...)
{
    char *text;
    int len;
    struct bytes body;
    va_list args;

    va_start(args, format);
    len = vasprintf(&text, format, args);
    va_end(args);
    ASSERT(len >= 0);
    body = arena_copy(&fake->arena, (struct bytes){(const uint8_t *)text, (size_t)len});
    free(text);
    return body;
}

void append_to_batch(struct buf *batch, const struct test_message *message)
{
    peer_message_encode(batch, &(struct peer_message){.pubkey = bytes_text(message->pubkey),
                                                      .hash = bytes_text(message->hash_hex),
                                                      .data = bytes_text(message->data),
                                                      .ttl_ms = message->ttl_ms,
                                                      .timestamp_ms = message->timestamp_ms,
                                                      .nonce = bytes_text(message->nonce)});
}

struct stored_body *body_of(struct body_pool *pool, const struct test_message *message)
{
    return body_pool_get(pool, message->hash, &message->account, message->nonce_bytes, message->ttl_ms,
                         message->timestamp_ms, bytes_text(message->data));
}

void expect_answer(const struct fake_request *request, uint16_t status, const char *body)
{
    struct bytes answer = fake_request_answer(request);

    ck_assert_msg(request->answered, "no answer yet; expected %u %s", status, body);
    ck_assert_msg(request->status == status && bytes_equal_text(answer, body), "answered %u %.*s, expected %u %s",
                  request->status, (int)answer.len, (const char *)answer.data, status, body);
}

void expect_onion_answer(struct arena *arena, const struct fake_request *request, const struct reply_key *key,
                         uint16_t status, const char *body)
{
    uint16_t inner;
    struct bytes opened;

    ck_assert(request->answered);
    ck_assert_uint_eq(request->status, 200);
    ck_assert_int_eq(onion_open_reply(&crypto_modelled, key, arena, fake_request_answer(request), &inner, &opened), OK);
    ck_assert_uint_eq(inner, status);
    ck_assert(bytes_equal_text(opened, body));
}

void expect_messages(const struct fake_request *request, const struct test_message *const messages[], size_t count)
{
    struct rpc_message got[LIMIT_RETRIEVE_MESSAGES];
    size_t got_count;
    struct json *document;

    ck_assert(request->answered);
    ck_assert_uint_eq(request->status, 200);
    ck_assert_int_eq(request->content, CONTENT_JSON);
    ck_assert_int_eq(rpc_messages_decode(fake_request_answer(request), got, ARRAY_LEN(got), &got_count, &document), OK);
    ck_assert_uint_eq(got_count, count);
    for (size_t i = 0; i < count; i++) {
        ck_assert(bytes_equal_text(got[i].hash, messages[i]->hash_hex));
        ck_assert(bytes_equal_text(got[i].data, messages[i]->data));
        ck_assert_int_eq(got[i].expiration_ms, (int64_t)(messages[i]->timestamp_ms + messages[i]->ttl_ms));
    }
    json_free(document);
}
