#include "node/store.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "tests/support/check_main.h"
#include "tests/support/fake_env.h"

#define TTL_MS 60000

/* A store with its env. Messages are numbers: their data. */
struct world {
    struct fake_env fake;
    struct body_pool bodies;
    struct store store;
    struct account_id account;
    struct store_wait wait;
    unsigned done;
    char changed[256]; /* "namespace:data " of what was told to have changed */
};

static struct world world;

static void on_stored(void *owner, struct stored_body *body)
{
    (void)owner, (void)body;
}

static void on_done(struct store_wait *wait)
{
    (void)wait;
    world.done++;
}

static void start(void)
{
    memset(&world, 0, sizeof(world));
    world.account = (struct account_id){{ACCOUNT_PREFIX, 7}};
    fake_env_init(&world.fake, 1);
    body_pool_init(&world.bodies);
    store_init(&world.store, &world.fake.env, LIMIT_STORE_BYTES, LIMIT_STORE_RECORDS, NULL, on_stored);
}

static void end(void)
{
    store_fini(&world.store);
    body_pool_fini(&world.bodies);
    fake_env_fini(&world.fake);
}

static size_t restart(void)
{
    fake_env_crash(&world.fake);
    store_fini(&world.store);
    store_init(&world.store, &world.fake.env, LIMIT_STORE_BYTES, LIMIT_STORE_RECORDS, NULL, on_stored);
    return store_start(&world.store, &world.bodies);
}

/* Everything up to now reaches the disk. */
static void settle(void)
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
    enum err err = store_put(&world.store, body, CAUSE_CLIENT, &world.wait, on_done);

    body_drop(body);
    return err;
}

static enum err put_at(int16_t namespace, uint8_t number, int64_t timestamp_ms, uint64_t ttl_ms)
{
    return put_body(body_pool_get_modern(&world.bodies, &world.account, namespace, ttl_ms, (uint64_t)timestamp_ms,
                                         (struct bytes){&number, 1}));
}

static enum err put(int16_t namespace, uint8_t number)
{
    enum err err = put_at(namespace, number, world.fake.now_ms, TTL_MS);

    fake_env_run(&world.fake);
    return err;
}

/* The same data from a client of the era: `which` tells such messages apart. */
static enum err put_era(uint8_t number, uint8_t which, uint64_t ttl_ms)
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

static const char *hash_of(int16_t namespace, uint8_t number)
{
    char *hash = arena_alloc(&world.fake.arena, MESSAGE_HASH_CHARS);

    message_hash(&world.account, namespace, (struct bytes){&number, 1}, hash);
    return hash;
}

static uint8_t number_of(const struct stored_body *body)
{
    uint8_t number;
    size_t len = 1;

    ck_assert_int_eq(base64_decode(&number, &len, body_data(body)), OK);
    return number;
}

/* "1 2 3": what a page holds, and "+" if there is more. */
static const char *page(int16_t namespace, const char *last_hash, size_t count_max, uint64_t bytes_max)
{
    const struct store_budget budget = {count_max, bytes_max};
    struct stored_body **bodies;
    const char *text = "";
    bool more;
    size_t count = store_page(&world.store, &world.account, namespace, last_hash, &budget, &bodies, &more);

    for (size_t i = 0; i < count; i++)
        text = arena_printf(&world.fake.arena, "%s%s%u", text, i == 0 ? "" : " ", number_of(bodies[i]));
    return more ? arena_printf(&world.fake.arena, "%s+", text) : text;
}

static const char *all(int16_t namespace)
{
    return page(namespace, NULL, 0, UINT64_MAX);
}

static const char *after(int16_t namespace, uint8_t number)
{
    return page(namespace, hash_of(namespace, number), 0, UINT64_MAX);
}

static const char *era_view(void)
{
    struct stored_body *bodies[64];
    size_t count = store_get(&world.store, &world.account, NULL, bodies, ARRAY_LEN(bodies));
    const char *text = "";

    for (size_t i = 0; i < count; i++)
        text = arena_printf(&world.fake.arena, "%s%s%u", text, i == 0 ? "" : " ", number_of(bodies[i]));
    return text;
}

static int64_t expiry_of(int16_t namespace, uint8_t number)
{
    int64_t expiry_ms = 0;

    return store_expiry(&world.store, &world.account, hash_of(namespace, number), &expiry_ms) ? expiry_ms : -1;
}

static void on_changed(void *owner, int16_t namespace, const char hash[MESSAGE_HASH_CHARS])
{
    size_t used = strlen(world.changed);

    (void)owner;
    for (unsigned number = 0; number < 256; number++)
        if (memcmp(hash_of(namespace, (uint8_t)number), hash, MESSAGE_HASH_CHARS) == 0)
            (void)snprintf(world.changed + used, sizeof(world.changed) - used, "%d:%u ", namespace, number);
}

/* ---- views ---- */

/* Namespaces do not see each other; the era sees namespace 0 alone, whoever stored it. */
START_TEST(views_are_of_one_namespace)
{
    struct stored_body *bodies[2];

    start();
    ck_assert_int_eq(put(0, 1), OK);
    ck_assert_int_eq(put(-10, 2), OK);
    ck_assert_int_eq(put_era(3, 0, TTL_MS), OK);
    ck_assert_int_eq(put(5, 1), OK);
    ck_assert_str_eq(all(0), "1 3");
    ck_assert_str_eq(all(-10), "2");
    ck_assert_str_eq(all(5), "1");
    ck_assert_str_eq(all(6), "");
    ck_assert_str_eq(era_view(), "1 3");
    /* The era goes on after a message of today by its hash of the era. */
    ck_assert_uint_eq(store_get(&world.store, &world.account, NULL, bodies, 1), 1);
    ck_assert(store_holds(&world.store, bodies[0]->hash));
    ck_assert_uint_eq(store_get(&world.store, &world.account, bodies[0]->hash, bodies, 2), 1);
    ck_assert_uint_eq(number_of(bodies[0]), 3);
    ck_assert_str_eq(after(0, 1), "3");
    ck_assert_str_eq(page(0, hash_of(5, 1), 0, UINT64_MAX), "1 3"); /* another namespace's */
    ck_assert_str_eq(restart() == 4 ? all(0) : "", "1 3");
    ck_assert_str_eq(era_view(), "1 3");
    end();
}
END_TEST

/* Pages end at the stricter of both bounds, and say whether there is more; one message always comes. */
START_TEST(pages_keep_their_budget)
{
    const uint64_t one = STORE_PAGE_OVERHEAD + 1;

    start();
    for (uint8_t i = 1; i <= 5; i++)
        ck_assert_int_eq(put(2, i), OK);
    ck_assert_str_eq(page(2, NULL, 2, UINT64_MAX), "1 2+");
    ck_assert_str_eq(page(2, hash_of(2, 2), 3, UINT64_MAX), "3 4 5");
    ck_assert_str_eq(page(2, NULL, 0, 3 * one), "1 2 3+");
    ck_assert_str_eq(page(2, NULL, 0, 3 * one - 1), "1 2+");
    ck_assert_str_eq(page(2, NULL, 2, 3 * one), "1 2+");
    ck_assert_str_eq(page(2, NULL, 0, 0), "1+");
    ck_assert_str_eq(page(2, hash_of(2, 5), 0, 0), "");
    ck_assert_str_eq(page(2, hash_of(2, 9), 0, 5 * one), "1 2 3 4 5");
    end();
}
END_TEST

/* ---- storing ---- */

/* Again: known, with the later of both expiries, at the old place; what prolongs waits for the disk. */
START_TEST(a_duplicate_prolongs)
{
    int64_t first_ms;

    start();
    ck_assert_int_eq(put(0, 1), OK);
    ck_assert(!world.wait.already);
    first_ms = world.wait.expiry_ms;
    ck_assert_int_eq(first_ms, FAKE_EPOCH_MS + TTL_MS);
    ck_assert_int_eq(put(0, 2), OK);
    ck_assert_int_eq(put_at(0, 1, FAKE_EPOCH_MS, TTL_MS - 1), ERR_DUPLICATE);
    ck_assert(world.wait.already);
    ck_assert_int_eq(world.wait.expiry_ms, first_ms);
    world.done = 0;
    ck_assert_int_eq(put_at(0, 1, FAKE_EPOCH_MS, 2 * TTL_MS), OK);
    ck_assert(world.wait.already);
    ck_assert_int_eq(world.wait.expiry_ms, first_ms + TTL_MS);
    ck_assert_uint_eq(world.done, 0);
    fake_env_run(&world.fake);
    ck_assert_uint_eq(world.done, 1);
    ck_assert_int_eq(restart(), 2);
    ck_assert_int_eq(expiry_of(0, 1), first_ms + TTL_MS);
    ck_assert_str_eq(all(0), "1 2");
    fake_env_advance_ms(&world.fake, TTL_MS + 1);
    ck_assert_str_eq(all(0), "1");
    end();
}
END_TEST

/* Prolonging a message whose own sync then fails is of no use, though the next sync succeeds. */
START_TEST(a_duplicate_of_what_is_lost_is_lost)
{
    struct store_wait again;

    start();
    world.fake.disk_manual = true;
    ck_assert_int_eq(put_at(0, 1, FAKE_EPOCH_MS, TTL_MS), OK);
    {
        uint8_t number = 1;
        struct stored_body *body = body_pool_get_modern(&world.bodies, &world.account, 0, 2 * TTL_MS,
                                                        (uint64_t)FAKE_EPOCH_MS, (struct bytes){&number, 1});

        ck_assert_int_eq(store_put(&world.store, body, CAUSE_CLIENT, &again, on_done), OK);
        body_drop(body);
    }
    world.fake.disk_err = ERR_IO;
    fake_env_complete_sync(&world.fake);
    ck_assert_int_eq(world.wait.err, ERR_IO);
    world.fake.disk_err = OK;
    fake_env_complete_sync(&world.fake);
    ck_assert_int_eq(again.err, ERR_IO);
    ck_assert_str_eq(all(0), "");
    ck_assert_uint_eq(restart(), 0);
    end();
}
END_TEST

/* A public outbox holds its newest message, also after a crash before the old one left the disk. */
START_TEST(an_outbox_holds_one)
{
    start();
    ck_assert_int_eq(put(-21, 1), OK);
    ck_assert_int_eq(put(-20, 1), OK);
    ck_assert_int_eq(put_at(-21, 2, world.fake.now_ms, TTL_MS), OK);
    ck_assert_str_eq(all(-21), "1"); /* until the new one is durable */
    fake_env_run(&world.fake);
    ck_assert_str_eq(all(-21), "2");
    ck_assert_uint_eq(restart(), 2);
    ck_assert_str_eq(all(-21), "2");
    ck_assert_int_eq(put(-21, 2), ERR_DUPLICATE);
    ck_assert_str_eq(all(-21), "2");
    ck_assert_str_eq(all(-20), "1");
    settle();
    ck_assert_uint_eq(world.fake.disk.count, 2);
    end();
}
END_TEST

/* ---- twins ---- */

/* What the era stored twice is one message today, at the first place, over with the last of its records. */
START_TEST(twins_are_one_message)
{
    start();
    ck_assert_int_eq(put_era(1, 0, TTL_MS), OK);
    ck_assert_int_eq(put_era(2, 0, 2 * TTL_MS), OK);
    ck_assert_int_eq(put_era(1, 1, 2 * TTL_MS), OK);
    ck_assert_str_eq(all(0), "1 2");
    ck_assert_str_eq(era_view(), "1 2 1");
    ck_assert_int_eq(expiry_of(0, 1), FAKE_EPOCH_MS + 2 * TTL_MS);
    ck_assert_int_eq(put(0, 1), OK); /* its own record, but known */
    ck_assert(world.wait.already);
    ck_assert_int_eq(world.wait.expiry_ms, FAKE_EPOCH_MS + 2 * TTL_MS);
    ck_assert_str_eq(all(0), "1 2");
    ck_assert_str_eq(after(0, 1), "2");
    /* The first is over: the message stands elsewhere, so its hash no longer says what its reader has. */
    fake_env_advance_ms(&world.fake, TTL_MS + 1);
    ck_assert_str_eq(all(0), "2 1");
    ck_assert_str_eq(after(0, 1), "2 1");
    ck_assert_str_eq(after(0, 2), "1");
    ck_assert(store_delete(&world.store, &world.account, hash_of(0, 1)));
    ck_assert_str_eq(era_view(), "2");
    end();
}
END_TEST

/* ---- deleting ---- */

START_TEST(deleted_messages_are_gone)
{
    struct account_id other = {{ACCOUNT_PREFIX, 8}};

    start();
    ck_assert_int_eq(put(0, 1), OK);
    ck_assert_int_eq(put(7, 2), OK);
    ck_assert(!store_delete(&world.store, &other, hash_of(0, 1)));
    ck_assert(!store_delete(&world.store, &world.account, hash_of(0, 2)));
    ck_assert(store_delete(&world.store, &world.account, hash_of(7, 2)));
    ck_assert(!store_delete(&world.store, &world.account, hash_of(7, 2)));
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_DELETED), 1);
    settle();
    ck_assert_uint_eq(restart(), 1);
    ck_assert_str_eq(all(7), "");
    ck_assert(store_delete(&world.store, &world.account, hash_of(0, 1)));
    ck_assert_ptr_null(world.store.content);
    ck_assert_uint_eq(world.store.counts.bytes, 0);
    settle(); /* also of an empty store */
    ck_assert_ptr_null(world.store.content);
    ck_assert_uint_eq(restart(), 0);
    end();
}
END_TEST

/* By namespace, or all of them in ascending order; up to a timestamp. */
START_TEST(whole_namespaces_are_deleted)
{
    const int16_t seven = 7;

    start();
    for (uint8_t i = 1; i <= 3; i++) {
        ck_assert_int_eq(put_at(7, i, FAKE_EPOCH_MS + i, TTL_MS), OK);
        fake_env_run(&world.fake);
        ck_assert_int_eq(put_at(-7, i, FAKE_EPOCH_MS + i, TTL_MS), OK);
        fake_env_run(&world.fake);
    }
    store_delete_all(&world.store, &world.account, &seven, FAKE_EPOCH_MS + 2, on_changed, NULL);
    ck_assert_str_eq(world.changed, "7:1 7:2 ");
    ck_assert_str_eq(all(7), "3");
    world.changed[0] = '\0';
    store_delete_all(&world.store, &world.account, NULL, INT64_MAX, on_changed, NULL);
    ck_assert_str_eq(world.changed, "-7:1 -7:2 -7:3 7:3 ");
    ck_assert_ptr_null(world.store.content);
    world.changed[0] = '\0';
    store_delete_all(&world.store, &world.account, NULL, INT64_MAX, on_changed, NULL);
    ck_assert_str_eq(world.changed, "");
    end();
}
END_TEST

/* A failed disk: the deletion was not made to last, and whoever waits is told. */
START_TEST(a_deletion_that_the_disk_lost_is_told)
{
    struct store_wait wait;

    start();
    ck_assert_int_eq(put(0, 1), OK);
    ck_assert(store_delete(&world.store, &world.account, hash_of(0, 1)));
    world.fake.disk_err = ERR_IO;
    store_sync(&world.store, &wait, on_done);
    fake_env_run(&world.fake);
    ck_assert_int_eq(wait.err, ERR_IO);
    end();
}
END_TEST

/* ---- expiries ---- */

static enum store_change expire(uint8_t number, int64_t expiry_ms, enum store_direction direction, int64_t *now_ms)
{
    return store_expire(&world.store, &world.account, hash_of(3, number), expiry_ms, direction, now_ms);
}

START_TEST(expiries_change_in_the_asked_direction)
{
    const int64_t end_ms = FAKE_EPOCH_MS + TTL_MS;
    int64_t now_ms = 0;

    start();
    ck_assert_int_eq(put(3, 1), OK);
    ck_assert_int_eq(expire(2, end_ms, EXPIRE_EITHER, &now_ms), CHANGE_NOT_HELD);
    ck_assert_int_eq(expire(1, end_ms + 1, EXPIRE_SHORTEN, &now_ms), CHANGE_UNCHANGED);
    ck_assert_int_eq(now_ms, end_ms);
    ck_assert_int_eq(expire(1, end_ms, EXPIRE_EXTEND, &now_ms), CHANGE_UNCHANGED);
    ck_assert_int_eq(expire(1, end_ms, EXPIRE_EITHER, &now_ms), CHANGE_UPDATED); /* though it is that already */
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_EXPIRY), 0);
    ck_assert_int_eq(expire(1, end_ms + 5, EXPIRE_EXTEND, &now_ms), CHANGE_UPDATED);
    ck_assert_int_eq(now_ms, end_ms + 5);
    settle();
    ck_assert_uint_eq(restart(), 1);
    ck_assert_int_eq(expiry_of(3, 1), end_ms + 5);
    ck_assert_int_eq(expire(1, end_ms - 5, EXPIRE_SHORTEN, &now_ms), CHANGE_UPDATED);
    fake_env_advance_ms(&world.fake, TTL_MS - 5);
    ck_assert_int_eq(expiry_of(3, 1), end_ms - 5);
    fake_env_advance_ms(&world.fake, 1);
    ck_assert_int_eq(expiry_of(3, 1), -1);
    end();
}
END_TEST

/* A message whose expiry is set into the past is over at once; the timer of the store follows a change. */
START_TEST(an_expiry_in_the_past_ends_a_message)
{
    int64_t now_ms;

    start();
    ck_assert_int_eq(put(3, 1), OK);
    ck_assert_int_eq(put(3, 2), OK);
    ck_assert_int_eq(expire(1, world.fake.now_ms - 1, EXPIRE_EITHER, &now_ms), CHANGE_UPDATED);
    ck_assert_str_eq(all(3), "2");
    ck_assert_int_eq(expire(2, world.fake.now_ms + 1, EXPIRE_EITHER, &now_ms), CHANGE_UPDATED);
    fake_env_advance_ms(&world.fake, LIMIT_SWEEP_MS);
    ck_assert_ptr_null(world.store.content);
    end();
}
END_TEST

START_TEST(whole_namespaces_expire)
{
    const int16_t three = 3;

    start();
    ck_assert_int_eq(put(3, 1), OK);
    ck_assert_int_eq(put_at(3, 2, FAKE_EPOCH_MS, 3 * TTL_MS), OK);
    fake_env_run(&world.fake);
    ck_assert_int_eq(put_at(4, 2, FAKE_EPOCH_MS, 3 * TTL_MS), OK);
    fake_env_run(&world.fake);
    store_expire_all(&world.store, &world.account, &three, FAKE_EPOCH_MS + 2 * TTL_MS, on_changed, NULL);
    ck_assert_str_eq(world.changed, "3:2 ");
    world.changed[0] = '\0';
    store_expire_all(&world.store, &world.account, NULL, FAKE_EPOCH_MS + TTL_MS, on_changed, NULL);
    ck_assert_str_eq(world.changed, "3:2 4:2 ");
    settle();
    ck_assert_uint_eq(restart(), 3);
    ck_assert_int_eq(expiry_of(4, 2), FAKE_EPOCH_MS + TTL_MS);
    end();
}
END_TEST

TEST_MAIN("store_modern", views_are_of_one_namespace, pages_keep_their_budget, a_duplicate_prolongs,
          a_duplicate_of_what_is_lost_is_lost, an_outbox_holds_one, twins_are_one_message, deleted_messages_are_gone,
          whole_namespaces_are_deleted, a_deletion_that_the_disk_lost_is_told, expiries_change_in_the_asked_direction,
          an_expiry_in_the_past_ends_a_message, whole_namespaces_expire)
