#include "tests/support/store_fixture.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "tests/support/check_main.h"

struct store_world world;

static void on_stored(void *owner, struct stored_body *body)
{
    (void)owner, (void)body;
}

void on_done(struct store_wait *wait)
{
    (void)wait;
    world.done++;
}

void start(void)
{
    memset(&world, 0, sizeof(world));
    world.account = (struct account_id){{ACCOUNT_PREFIX, 7}};
    fake_env_init(&world.fake, 1);
    body_pool_init(&world.bodies);
    store_init(&world.store, &world.fake.env, LIMIT_STORE_BYTES, LIMIT_STORE_RECORDS, NULL, on_stored);
}

void end(void)
{
    store_fini(&world.store);
    body_pool_fini(&world.bodies);
    fake_env_fini(&world.fake);
}

size_t restart(void)
{
    fake_env_crash(&world.fake);
    store_fini(&world.store);
    store_init(&world.store, &world.fake.env, LIMIT_STORE_BYTES, LIMIT_STORE_RECORDS, NULL, on_stored);
    return store_start(&world.store, &world.bodies);
}

void settle(void)
{
    struct store_wait wait;
    unsigned before = world.done;

    store_sync(&world.store, &wait, on_done);
    fake_env_run(&world.fake);
    ck_assert_uint_eq(world.done, before + 1);
    ck_assert_int_eq(wait.err, OK);
}

static enum err put_body(struct stored_body *body)
{
    enum err err = store_put(&world.store, body, CAUSE_CLIENT, world.nobody_waits ? NULL : &world.wait, on_done);

    body_drop(body);
    return err;
}

enum err put_at(int16_t namespace, uint8_t number, int64_t timestamp_ms, uint64_t ttl_ms)
{
    return put_body(body_pool_get_modern(&world.bodies, &world.account, namespace, ttl_ms, (uint64_t)timestamp_ms,
                                         (struct bytes){&number, 1}));
}

enum err put(int16_t namespace, uint8_t number)
{
    enum err err = put_at(namespace, number, world.fake.now_ms, TTL_MS);

    fake_env_run(&world.fake);
    return err;
}

enum err put_era(uint8_t number, uint8_t which, uint64_t ttl_ms)
{
    uint8_t hash[64] = {number, which, 0xee}, nonce[8] = {which, 1};
    char base64[4];
    enum err err;

    base64_encode(base64, (struct bytes){&number, 1});
    err = put_body(body_pool_get(&world.bodies, hash, &world.account, nonce, ttl_ms, (uint64_t)world.fake.now_ms,
                                 BYTES_OF(base64)));
    fake_env_run(&world.fake);
    return err;
}

const char *hash_of(int16_t namespace, uint8_t number)
{
    char *hash = arena_alloc(&world.fake.arena, MESSAGE_HASH_CHARS);

    message_hash(&world.account, namespace, (struct bytes){&number, 1}, hash);
    return hash;
}

uint8_t number_of(const struct stored_body *body)
{
    uint8_t number;
    size_t len = 1;

    ck_assert_int_eq(base64_decode(&number, &len, body_data(body)), OK);
    return number;
}

const char *page(int16_t namespace, const char *last_hash, size_t count_max, uint64_t bytes_max)
{
    const struct store_budget budget = {count_max, bytes_max};
    struct store_listed *listed;
    const char *text = "";
    bool more;
    size_t count = store_page(&world.store, &world.account, namespace, last_hash, &budget, &listed, &more);

    for (size_t i = 0; i < count; i++)
        text = arena_printf(&world.fake.arena, "%s%s%u", text, i == 0 ? "" : " ", number_of(listed[i].body));
    return more ? arena_printf(&world.fake.arena, "%s+", text) : text;
}

const char *all(int16_t namespace)
{
    return page(namespace, NULL, 0, UINT64_MAX);
}

const char *after(int16_t namespace, uint8_t number)
{
    return page(namespace, hash_of(namespace, number), 0, UINT64_MAX);
}

const char *era_view(void)
{
    struct stored_body *bodies[64];
    size_t count = store_get(&world.store, &world.account, NULL, bodies, ARRAY_LEN(bodies));
    const char *text = "";

    for (size_t i = 0; i < count; i++)
        text = arena_printf(&world.fake.arena, "%s%s%u", text, i == 0 ? "" : " ", number_of(bodies[i]));
    return text;
}

int64_t expiry_of(int16_t namespace, uint8_t number)
{
    int64_t expiry_ms = 0;

    return store_expiry(&world.store, &world.account, hash_of(namespace, number), &expiry_ms) ? expiry_ms : -1;
}

void on_changed(void *owner, int16_t namespace, const char hash[MESSAGE_HASH_CHARS])
{
    size_t used = strlen(world.changed);

    (void)owner;
    for (unsigned number = 0; number < 256; number++)
        if (memcmp(hash_of(namespace, (uint8_t)number), hash, MESSAGE_HASH_CHARS) == 0)
            (void)snprintf(world.changed + used, sizeof(world.changed) - used, "%d:%u ", namespace, number);
}
