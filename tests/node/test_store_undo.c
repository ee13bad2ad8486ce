#include "common/limits.h"
#include "tests/support/check_main.h"
#include "tests/support/store_fixture.h"

#define END_MS (FAKE_EPOCH_MS + TTL_MS)

static const struct subaccount_token token_one = {{ACCOUNT_PREFIX, SUBACCOUNT_READ, [35] = 1}},
                                     token_two = {{ACCOUNT_PREFIX, SUBACCOUNT_READ, [35] = 2}};

static bool is_revoked(const struct subaccount_token *token)
{
    return store_is_revoked(&world.store, &world.account, token);
}

static void expire(int16_t namespace, uint8_t number, int64_t expiry_ms)
{
    int64_t now_ms;

    ck_assert_int_eq(
        store_expire(&world.store, &world.account, hash_of(namespace, number), expiry_ms, EXPIRE_EITHER, &now_ms),
        CHANGE_UPDATED);
}

/* All up to now is lost, and who waits is told. */
static void lose(void)
{
    struct store_wait wait;
    unsigned before = world.done;

    world.fake.disk_err = ERR_IO;
    store_sync(&world.store, &wait, on_done);
    fake_env_run(&world.fake);
    ck_assert_uint_eq(world.done, before + 1);
    ck_assert_int_eq(wait.err, ERR_IO);
    world.fake.disk_err = OK;
}

/* Deleted one by one and all at once: all are back, where they were, and the disk has them. */
START_TEST(a_lost_deletion_is_undone)
{
    uint64_t bytes;

    start();
    for (uint8_t i = 1; i <= 5; i++)
        ck_assert_int_eq(put(0, i), OK);
    ck_assert_int_eq(put(7, 1), OK);
    bytes = world.store.counts.bytes;
    ck_assert(store_delete(&world.store, &world.account, hash_of(0, 3)));
    ck_assert(store_delete(&world.store, &world.account, hash_of(0, 5)));
    ck_assert_str_eq(all(0), "1 2 4");
    store_delete_all(&world.store, &world.account, NULL, INT64_MAX, on_changed, NULL);
    ck_assert_str_eq(all(0), "");
    lose();
    for (unsigned round = 0; round < 2; round++) {
        ck_assert_str_eq(all(0), "1 2 3 4 5");
        ck_assert_str_eq(era_view(), "1 2 3 4 5");
        ck_assert_str_eq(after(0, 3), "4 5");
        ck_assert_str_eq(all(7), "1");
        ck_assert_uint_eq(world.store.counts.records, 6);
        ck_assert_uint_eq(world.store.counts.bytes, bytes);
        settle();
        ck_assert_uint_eq(restart(), 6);
    }
    fake_env_advance_ms(&world.fake, TTL_MS + LIMIT_SWEEP_MS);
    ck_assert_ptr_null(world.store.content);
    end();
}
END_TEST

/* Twins come back as they stood: the first first, and a reader goes on behind it. */
START_TEST(lost_deletions_of_twins_are_undone)
{
    start();
    ck_assert_int_eq(put_era(1, 0, TTL_MS), OK);
    ck_assert_int_eq(put_era(2, 0, TTL_MS), OK);
    ck_assert_int_eq(put_era(1, 1, 2 * TTL_MS), OK);
    ck_assert_int_eq(put(0, 1), OK);
    ck_assert(store_delete(&world.store, &world.account, hash_of(0, 1)));
    ck_assert_str_eq(era_view(), "2");
    lose();
    ck_assert_str_eq(era_view(), "1 2 1 1");
    ck_assert_str_eq(all(0), "1 2");
    ck_assert_str_eq(after(0, 1), "2");
    ck_assert_int_eq(expiry_of(0, 1), FAKE_EPOCH_MS + 2 * TTL_MS);
    fake_env_advance_ms(&world.fake, TTL_MS + 1); /* the second of the era's stands for all */
    ck_assert_str_eq(all(0), "1");
    ck_assert_str_eq(after(0, 1), "1");
    ck_assert(store_delete(&world.store, &world.account, hash_of(0, 1)));
    lose();
    ck_assert_str_eq(after(0, 1), "1"); /* as before: it had moved */
    end();
}
END_TEST

/* Later, earlier, or over at once; several changes of one message are undone to what was before the first. */
START_TEST(a_lost_expiry_is_undone)
{
    start();
    for (uint8_t i = 1; i <= 3; i++)
        ck_assert_int_eq(put(3, i), OK);
    expire(3, 1, END_MS + 5);
    expire(3, 2, END_MS - 5);
    expire(3, 3, END_MS + 5);
    expire(3, 3, FAKE_EPOCH_MS - 1);
    ck_assert_str_eq(all(3), "1 2");
    ck_assert(store_delete(&world.store, &world.account, hash_of(3, 2)));
    lose();
    ck_assert_str_eq(all(3), "1 2 3");
    for (uint8_t i = 1; i <= 3; i++)
        ck_assert_int_eq(expiry_of(3, i), END_MS);
    settle();
    ck_assert_uint_eq(restart(), 3);
    ck_assert_int_eq(expiry_of(3, 3), END_MS);
    expire(3, 1, END_MS + 5);
    world.fake.disk_manual = true; /* undone once the old end has passed: over */
    world.fake.disk_err = ERR_IO;
    store_sync(&world.store, &world.wait, on_done);
    fake_env_advance_ms(&world.fake, TTL_MS + 1);
    ck_assert_str_eq(all(3), "1");
    fake_env_complete_sync(&world.fake);
    ck_assert_str_eq(all(3), "");
    end();
}
END_TEST

START_TEST(a_lost_revocation_is_undone)
{
    start();
    ck_assert_int_eq(store_revoke(&world.store, &world.account, &token_one, 1), OK);
    settle();
    ck_assert_int_eq(store_revoke(&world.store, &world.account, &token_two, 1), OK);
    ck_assert_uint_eq(store_unrevoke(&world.store, &world.account, &token_one, 1), 1);
    ck_assert(!is_revoked(&token_one) && is_revoked(&token_two));
    lose();
    ck_assert(is_revoked(&token_one) && !is_revoked(&token_two));
    ck_assert_uint_eq(world.store.counts.bytes, SUBACCOUNT_TOKEN_BYTES);
    settle();
    (void)restart();
    ck_assert(is_revoked(&token_one) && !is_revoked(&token_two));
    ck_assert_uint_eq(store_unrevoke(&world.store, &world.account, &token_one, 1), 1);
    lose();
    ck_assert(is_revoked(&token_one));
    end();
}
END_TEST

/* What another member knew is kept though nobody waits for it, also while another sync is in flight. */
START_TEST(revocations_of_others_reach_the_disk)
{
    start();
    world.fake.disk_manual = true;
    ck_assert_int_eq(put_at(0, 1, FAKE_EPOCH_MS, TTL_MS), OK);
    store_revoke_older(&world.store, &world.account, &token_one, 1);
    fake_env_complete_sync(&world.fake);
    fake_env_complete_sync(&world.fake);
    ck_assert_uint_eq(restart(), 1);
    ck_assert(is_revoked(&token_one));
    store_revoke_older(&world.store, &world.account, &token_two, 1);
    fake_env_complete_sync(&world.fake);
    (void)restart();
    ck_assert(is_revoked(&token_two));
    end();
}
END_TEST

/* A sync that fails takes with it what came after it: it may build on that. */
START_TEST(what_came_after_is_lost_too)
{
    struct store_wait first, second;

    start();
    ck_assert_int_eq(put(0, 1), OK);
    ck_assert_int_eq(put(0, 2), OK);
    world.fake.disk_manual = true;
    expire(0, 1, END_MS + 5);
    store_sync(&world.store, &first, on_done);
    ck_assert(store_delete(&world.store, &world.account, hash_of(0, 1)));
    store_sync(&world.store, &second, on_done);
    ck_assert_int_eq(put_at(0, 1, FAKE_EPOCH_MS, 2 * TTL_MS), OK); /* again, behind its deletion */
    world.nobody_waits = true;
    ck_assert_int_eq(put_at(0, 3, FAKE_EPOCH_MS, TTL_MS), OK);
    world.fake.disk_err = ERR_FULL;
    fake_env_complete_sync(&world.fake);
    ck_assert_int_eq(first.err, ERR_FULL);
    ck_assert_int_eq(second.err, ERR_FULL);
    ck_assert_int_eq(world.wait.err, ERR_FULL);
    ck_assert_uint_eq(world.fake.syncs_waiting, 0);
    ck_assert_str_eq(all(0), "1 2");
    ck_assert_int_eq(expiry_of(0, 1), END_MS);
    world.fake.disk_err = OK;
    world.fake.disk_manual = false;
    ck_assert_int_eq(put(0, 4), OK);
    ck_assert_uint_eq(restart(), 3);
    ck_assert_str_eq(all(0), "1 2 4");
    ck_assert_int_eq(expiry_of(0, 1), END_MS);
    end();
}
END_TEST

/* The message became durable while it was prolonged: that alone is undone. */
START_TEST(a_lost_prolonging_of_a_new_message_is_undone)
{
    start();
    world.nobody_waits = true;
    world.fake.disk_manual = true;
    ck_assert_int_eq(put_at(0, 1, FAKE_EPOCH_MS, TTL_MS), OK);
    ck_assert_int_eq(put_at(5, 9, FAKE_EPOCH_MS, TTL_MS), OK);
    ck_assert_int_eq(put_at(0, 1, FAKE_EPOCH_MS, 2 * TTL_MS), OK);
    fake_env_complete_sync(&world.fake);
    ck_assert_int_eq(expiry_of(0, 1), FAKE_EPOCH_MS + 2 * TTL_MS);
    world.fake.disk_err = ERR_IO;
    fake_env_complete_sync(&world.fake);
    ck_assert_int_eq(expiry_of(0, 1), END_MS);
    ck_assert_str_eq(all(5), "");
    end();
}
END_TEST

/* A store that changes nothing says what holds: once that is on the disk, in whatever sync it is. */
START_TEST(a_repeated_store_waits_for_what_it_tells)
{
    struct store_wait prolonged, deleted;

    start();
    ck_assert_int_eq(put(0, 1), OK);
    ck_assert_int_eq(put(0, 2), OK);
    for (unsigned in_flight = 0; in_flight < 2; in_flight++) {
        int64_t end_ms = END_MS + 1000 * (in_flight + 1);

        world.fake.disk_manual = true;
        world.done = 0;
        if (in_flight == 0) { /* else it is the first thing to sync */
            ck_assert(store_delete(&world.store, &world.account, hash_of(0, 2)));
            store_sync(&world.store, &deleted, on_done);
        }
        expire(0, 1, end_ms);
        store_sync(&world.store, &prolonged, on_done);
        ck_assert_int_eq(put_at(0, 1, FAKE_EPOCH_MS, TTL_MS), OK);
        ck_assert(world.wait.already);
        ck_assert_int_eq(world.wait.expiry_ms, end_ms);
        if (in_flight == 0) {
            fake_env_complete_sync(&world.fake);
            ck_assert_uint_eq(world.done, 1);
        }
        fake_env_complete_sync(&world.fake);
        ck_assert_uint_eq(world.done, in_flight == 0 ? 3 : 2);
        ck_assert_int_eq(world.wait.err, OK);
        ck_assert_int_eq(put_at(0, 1, FAKE_EPOCH_MS, TTL_MS), ERR_DUPLICATE);
        ck_assert_uint_eq(restart(), 1);
        ck_assert_int_eq(expiry_of(0, 1), end_ms);
    }
    end();
}
END_TEST

/* ---- outboxes ---- */

/* The new message is on the disk instead of the old one, never beside it: also of two that come with one sync, and
 * though the old one was changed meanwhile. So what has been replaced stays away after the new one's end. */
START_TEST(an_outbox_never_has_both_on_the_disk)
{
    start();
    world.nobody_waits = true;
    ck_assert_int_eq(put_at(-21, 1, FAKE_EPOCH_MS, 5 * TTL_MS), OK);
    fake_env_run(&world.fake);
    world.fake.disk_manual = true;
    ck_assert_int_eq(put_at(-21, 2, FAKE_EPOCH_MS, 5 * TTL_MS), OK); /* in flight */
    ck_assert_int_eq(put_at(-21, 3, FAKE_EPOCH_MS, 5 * TTL_MS), OK);
    ck_assert_int_eq(put_at(-20, 3, FAKE_EPOCH_MS, 5 * TTL_MS), OK);
    ck_assert_int_eq(put_at(-21, 4, FAKE_EPOCH_MS, TTL_MS), OK);
    expire(-21, 1, END_MS + 5);
    fake_env_complete_sync(&world.fake);
    ck_assert_str_eq(all(-21), "2");
    ck_assert_uint_eq(world.fake.disk.count, 1);
    fake_env_complete_sync(&world.fake);
    ck_assert_str_eq(all(-21), "4");
    ck_assert_uint_eq(world.fake.disk.count, 2);
    fake_env_crash(&world.fake);
    fake_env_advance_ms(&world.fake, TTL_MS + 1);
    ck_assert_uint_eq(restart(), 1);
    ck_assert_str_eq(all(-21), "");
    ck_assert_str_eq(all(-20), "3");
    end();
}
END_TEST

/* A new message that is lost has replaced nothing; one that is held has, though a change of the old one is undone. */
START_TEST(a_lost_outbox_message_replaces_nothing)
{
    start();
    ck_assert_int_eq(put(-21, 1), OK);
    world.fake.disk_err = ERR_IO;
    ck_assert_int_eq(put_at(-21, 2, FAKE_EPOCH_MS, TTL_MS), OK);
    fake_env_run(&world.fake);
    ck_assert_int_eq(world.wait.err, ERR_IO);
    ck_assert_str_eq(all(-21), "1");
    world.fake.disk_err = OK;
    settle();
    ck_assert_uint_eq(restart(), 1);
    ck_assert_str_eq(all(-21), "1");
    world.fake.disk_manual = true;
    ck_assert_int_eq(put_at(-21, 3, FAKE_EPOCH_MS, TTL_MS), OK);
    expire(-21, 1, END_MS + 5);
    ck_assert(store_delete(&world.store, &world.account, hash_of(-21, 1)));
    store_sync(&world.store, &world.wait, on_done);
    fake_env_complete_sync(&world.fake);
    world.fake.disk_err = ERR_IO;
    fake_env_complete_sync(&world.fake);
    ck_assert_str_eq(all(-21), "3");
    world.fake.disk_err = OK;
    world.fake.disk_manual = false;
    settle();
    ck_assert_uint_eq(restart(), 1);
    ck_assert_str_eq(all(-21), "3");
    end();
}
END_TEST

/* ---- a crash at each moment ---- */

static void story(unsigned step)
{
    switch (step) {
    case 0:
        ck_assert_int_eq(put_at(0, 1, FAKE_EPOCH_MS, TTL_MS), OK);
        return;
    case 1:
        ck_assert_int_eq(put_at(0, 2, FAKE_EPOCH_MS, TTL_MS), OK);
        return;
    case 2:
        expire(0, 1, END_MS + 7);
        break;
    case 3:
        ck_assert_int_eq(store_revoke(&world.store, &world.account, &token_one, 1), OK);
        break;
    case 4:
        ck_assert(store_delete(&world.store, &world.account, hash_of(0, 2)));
        break;
    case 5:
        ck_assert_uint_eq(store_unrevoke(&world.store, &world.account, &token_one, 1), 1);
        break;
    case 6:
        store_delete_all(&world.store, &world.account, NULL, INT64_MAX, on_changed, NULL);
        break;
    }
    store_sync(&world.store, &world.wait, on_done);
}

#define STORY_STEPS 7

static void check_story(unsigned done)
{
    static const char *const views[] = {"", "1", "1 2", "1 2", "1 2", "1", "1", ""};

    ck_assert_str_eq(all(0), views[done]);
    ck_assert_int_eq(expiry_of(0, 1), done == 0 || done == STORY_STEPS ? -1 : done < 3 ? END_MS : END_MS + 7);
    ck_assert_int_eq(is_revoked(&token_one), done == 4 || done == 5);
}

/* The machine dies, or its disk fails for once, while a step is on its way or when it was answered: what was answered
 * holds, and nothing else. */
START_TEST(what_was_answered_holds)
{
    for (unsigned last = 0; last < STORY_STEPS; last++)
        for (unsigned how = 0; how < 4; how++) {
            bool answered = (how & 1) != 0, crash = (how & 2) != 0;

            start();
            world.fake.disk_manual = true;
            for (unsigned step = 0; step <= last; step++) {
                story(step);
                world.fake.disk_err = step < last || answered || crash ? OK : ERR_IO;
                if (step < last || answered || !crash)
                    fake_env_complete_sync(&world.fake);
                ck_assert_uint_eq(world.done, step < last || answered || !crash ? step + 1 : step);
            }
            if (crash)
                (void)restart();
            check_story(last + answered);
            world.fake.disk_manual = false;
            world.fake.disk_err = OK;
            settle();
            (void)restart();
            check_story(last + answered);
            end();
        }
}
END_TEST

TEST_MAIN("store_undo", a_lost_deletion_is_undone, lost_deletions_of_twins_are_undone, a_lost_expiry_is_undone,
          a_lost_revocation_is_undone, revocations_of_others_reach_the_disk, what_came_after_is_lost_too,
          a_lost_prolonging_of_a_new_message_is_undone, a_repeated_store_waits_for_what_it_tells,
          an_outbox_never_has_both_on_the_disk, a_lost_outbox_message_replaces_nothing, what_was_answered_holds)
