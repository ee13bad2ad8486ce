#include "common/limits.h"
#include "tests/support/check_main.h"
#include "tests/support/store_fixture.h"

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

/* A public outbox holds its newest message. */
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
    ck_assert_int_eq(put(-21, 3), OK);
    ck_assert_uint_eq(world.fake.disk.count, 2); /* no call was needed to make the old one leave */
    end();
}
END_TEST

/* ---- twins ---- */

/* What the era stored twice is one message today, at the first place, over with the last of its records. */
START_TEST(twins_are_one_message)
{
    const struct store_budget budget = {1, UINT64_MAX};
    struct store_listed *listed;
    bool more;

    start();
    ck_assert_int_eq(put_era(1, 0, TTL_MS), OK);
    ck_assert_int_eq(put_era(2, 0, 2 * TTL_MS), OK);
    ck_assert_int_eq(put_era(1, 1, 2 * TTL_MS), OK);
    ck_assert_str_eq(all(0), "1 2");
    ck_assert_str_eq(era_view(), "1 2 1");
    ck_assert_int_eq(expiry_of(0, 1), FAKE_EPOCH_MS + 2 * TTL_MS);
    ck_assert_uint_eq(store_page(&world.store, &world.account, 0, NULL, &budget, &listed, &more), 1);
    ck_assert_int_eq(listed->expiry_ms, FAKE_EPOCH_MS + 2 * TTL_MS);
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
    ck_assert_uint_eq(world.store.counts.records, 0);
    world.changed[0] = '\0';
    store_delete_all(&world.store, &world.account, NULL, INT64_MAX, on_changed, NULL);
    ck_assert_str_eq(world.changed, "");
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
    settle();
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
          an_outbox_holds_one, twins_are_one_message, deleted_messages_are_gone, whole_namespaces_are_deleted,
          expiries_change_in_the_asked_direction, an_expiry_in_the_past_ends_a_message, whole_namespaces_expire)
