#include "sim/disk_virtual.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check_main.h"

static struct disk_op op;

/* Every test is a process of its own, and has one disk. */
static struct disk_values values;

static struct disk_virtual *new_disk(uint64_t bytes_max)
{
    disk_values_init(&values);
    return disk_virtual_new(&values, bytes_max);
}

/* All that the disk held is given back. */
static void free_disk(struct disk_virtual *disk)
{
    disk_virtual_free(disk);
    disk_values_fini(&values);
}

static void put(struct disk_virtual *disk, const char *key, const char *value)
{
    disk_virtual_put(disk, bytes_text(key), bytes_text(value));
}

static int64_t sync_at(struct disk_virtual *disk, int64_t now_us, struct disk_op *asking)
{
    disk_virtual_sync_ask(disk, asking);
    return disk_virtual_sync_begin(disk, now_us);
}

static enum err sync_now(struct disk_virtual *disk)
{
    sync_at(disk, 0, &op);
    ck_assert_ptr_eq(disk_virtual_sync_end(disk), &op);
    return op.err;
}

static void list_one(void *owner, struct bytes key, struct bytes value)
{
    char *text = owner;
    size_t len = strlen(text);

    snprintf(text + len, 200 - len, "%.*s=%.*s ", (int)key.len, (const char *)key.data, (int)value.len,
             (const char *)value.data);
}

/* All durable records as text, in the order in which they are given. */
static const char *content(const struct disk_virtual *disk)
{
    static char text[200];

    text[0] = 0;
    disk_virtual_each(disk, list_one, text);
    return text;
}

/* A record is there once the sync after it has ended; keys come in ascending order, and the last value counts. */
START_TEST(synced_records_come_back_in_order)
{
    struct disk_virtual *disk = new_disk(1000);

    put(disk, "b", "1");
    put(disk, "ab", "2");
    put(disk, "a", "3");
    ck_assert_str_eq(content(disk), "");
    ck_assert_int_eq(sync_now(disk), OK);
    ck_assert_str_eq(content(disk), "a=3 ab=2 b=1 ");
    put(disk, "b", "4");
    put(disk, "a", "");
    put(disk, "never", "");
    ck_assert_int_eq(sync_now(disk), OK);
    ck_assert_str_eq(content(disk), "ab=2 b=4 ");
    free_disk(disk);
}
END_TEST

/* A crash loses what was not synced: also what was being synced, and nothing else. */
START_TEST(a_crash_loses_what_was_not_synced)
{
    struct disk_virtual *disk = new_disk(1000);

    put(disk, "a", "1");
    ck_assert_int_eq(sync_now(disk), OK);
    put(disk, "a", "2");
    sync_at(disk, 0, &op);
    put(disk, "b", "3");
    disk_virtual_crash(disk);
    ck_assert_str_eq(content(disk), "a=1 ");
    put(disk, "c", "4");
    ck_assert_int_eq(sync_now(disk), OK);
    ck_assert_str_eq(content(disk), "a=1 c=4 ");
    free_disk(disk);
}
END_TEST

/* A sync covers what was put before it began; the next begins when it has ended, and takes time for its bytes. */
START_TEST(syncs_follow_one_another)
{
    struct disk_virtual *disk = new_disk(100000);
    struct disk_op second;
    uint8_t value[19999] = {1};

    put(disk, "a", "1");
    ck_assert_int_eq(sync_at(disk, 5000, &op), 7000);
    disk_virtual_put(disk, BYTES_LIT("b"), BYTES_OF(value));
    ck_assert_int_eq(sync_at(disk, 5500, &second), 7000 + 2000 + 100);
    ck_assert_ptr_eq(disk_virtual_sync_end(disk), &op);
    ck_assert_str_eq(content(disk), "a=1 ");
    ck_assert_ptr_eq(disk_virtual_sync_end(disk), &second);
    disk_virtual_put(disk, BYTES_LIT("b"), BYTES_NONE);
    ck_assert_int_eq(sync_at(disk, 20000, &op), 22000);
    disk_virtual_sync_end(disk);
    ck_assert_str_eq(content(disk), "a=1 ");
    free_disk(disk);
}
END_TEST

/* A record that is put after a sync was asked for, and before it begins, is the next one's: written by it, and lost
 * with it alone. */
START_TEST(a_sync_covers_what_was_put_before_it_was_asked_for)
{
    struct disk_virtual *disk = new_disk(1000);
    struct disk_op second;

    put(disk, "a", "1");
    disk_virtual_sync_ask(disk, &op);
    put(disk, "b", "2");
    disk_virtual_sync_begin(disk, 0);
    sync_at(disk, 0, &second);
    disk_virtual_set_failing(disk, ERR_IO);
    ck_assert_ptr_eq(disk_virtual_sync_end(disk), &op);
    ck_assert_int_eq(op.err, ERR_IO);
    disk_virtual_set_failing(disk, OK);
    ck_assert_ptr_eq(disk_virtual_sync_end(disk), &second);
    ck_assert_int_eq(second.err, OK);
    ck_assert_str_eq(content(disk), "b=2 ");
    free_disk(disk);
}
END_TEST

/* A full disk says so, keeps nothing of what does not fit as a whole, and has room again after a deletion. */
START_TEST(a_full_disk_says_so)
{
    struct disk_virtual *disk = new_disk(10);

    put(disk, "a", "1234");
    put(disk, "b", "1234");
    ck_assert_int_eq(sync_now(disk), OK);
    put(disk, "a", "");
    put(disk, "a", "1");
    put(disk, "b", "");
    put(disk, "c", "1234");
    put(disk, "a", "12345");
    put(disk, "d", "");
    ck_assert_int_eq(sync_now(disk), ERR_FULL);
    ck_assert_str_eq(content(disk), "a=1234 b=1234 ");
    put(disk, "a", "4321");
    ck_assert_int_eq(sync_now(disk), OK);
    ck_assert_str_eq(content(disk), "a=4321 b=1234 ");
    put(disk, "b", "");
    put(disk, "c", "1");
    ck_assert_int_eq(sync_now(disk), OK);
    ck_assert_str_eq(content(disk), "a=4321 c=1 ");
    free_disk(disk);
}
END_TEST

/* A failing disk writes nothing, and what it did not write does not come back when it works again. */
START_TEST(a_failing_disk_says_so)
{
    struct disk_virtual *disk = new_disk(1000);

    put(disk, "a", "1");
    ck_assert_int_eq(sync_now(disk), OK);
    disk_virtual_set_failing(disk, ERR_IO);
    put(disk, "a", "2");
    put(disk, "b", "2");
    ck_assert_int_eq(sync_now(disk), ERR_IO);
    disk_virtual_set_failing(disk, OK);
    ck_assert_int_eq(sync_now(disk), OK);
    ck_assert_str_eq(content(disk), "a=1 ");
    free_disk(disk);
}
END_TEST

/* A disk's log has what became durable, and nothing else: no pending record, none that was lost or did not fit. */
START_TEST(a_log_has_what_became_durable)
{
    struct disk_virtual *disk = new_disk(10);
    struct disk_log_record record;
    struct bytes rest;
    struct buf log;
    char got[200] = "";

    buf_init(&log, SIZE_MAX);
    disk_virtual_restore(disk, BYTES_LIT("l"), BYTES_LIT("0"));
    disk_virtual_set_log(disk, &log, 7);
    put(disk, "a", "1");
    ck_assert_uint_eq(log.len, 0);
    ck_assert_int_eq(sync_now(disk), OK);
    put(disk, "l", "");
    put(disk, "never", "");
    ck_assert_int_eq(sync_now(disk), OK);
    put(disk, "a", "");
    put(disk, "b", "too long for it");
    ck_assert_int_eq(sync_now(disk), ERR_FULL);
    put(disk, "c", "1");
    disk_virtual_crash(disk);
    disk_virtual_set_failing(disk, ERR_IO);
    put(disk, "d", "1");
    ck_assert_int_eq(sync_now(disk), ERR_IO);
    rest = buf_bytes(&log);
    while (disk_log_next(&rest, &record)) {
        ck_assert_uint_eq(record.disk, 7);
        list_one(got, record.key, record.value);
    }
    ck_assert_str_eq(got, "a=1 l= ");
    ck_assert_str_eq(content(disk), "a=1 ");
    buf_fini(&log);
    free_disk(disk);
}
END_TEST

TEST_MAIN("disk_virtual", synced_records_come_back_in_order, a_crash_loses_what_was_not_synced,
          syncs_follow_one_another, a_sync_covers_what_was_put_before_it_was_asked_for, a_full_disk_says_so,
          a_failing_disk_says_so, a_log_has_what_became_durable)
