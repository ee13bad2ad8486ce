#include "sim/disk_log.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check_main.h"

static char text[200];

static void list_one(void *owner, struct bytes key, struct bytes value)
{
    size_t len = strlen(text);

    (void)owner;
    snprintf(text + len, sizeof(text) - len, "%.*s=%.*s ", (int)key.len, (const char *)key.data, (int)value.len,
             (const char *)value.data);
}

static bool add(struct kept_records *kept, uint64_t disk, const char *key, const char *value)
{
    return kept_records_add(kept, &(struct disk_log_record){disk, bytes_text(key), bytes_text(value)});
}

/* The records of the node whose key begins with that byte and zeros. */
static const char *content(struct kept_records *kept, uint8_t first)
{
    struct disk_source source = kept_records_source(kept);
    struct ed25519_public node = {{first}};

    text[0] = 0;
    source.each(source.owner, &node, list_one, NULL);
    return text;
}

#define DISK(first) ((uint64_t)(first) << 56)

START_TEST(a_log_gives_back_what_was_appended)
{
    struct disk_log_record record;
    struct bytes rest;
    struct buf log;

    buf_init(&log, SIZE_MAX);
    disk_log_append(&log, 7, BYTES_LIT("key"), BYTES_LIT("value"));
    disk_log_append(&log, UINT64_MAX, BYTES_NONE, BYTES_NONE);
    rest = buf_bytes(&log);
    ck_assert(disk_log_next(&rest, &record));
    ck_assert_uint_eq(record.disk, 7);
    ck_assert(bytes_equal_text(record.key, "key"));
    ck_assert(bytes_equal_text(record.value, "value"));
    ck_assert(disk_log_next(&rest, &record));
    ck_assert_uint_eq(record.disk, UINT64_MAX);
    ck_assert_uint_eq(record.key.len + record.value.len, 0);
    ck_assert(!disk_log_next(&rest, &record));
    buf_fini(&log);
}
END_TEST

START_TEST(every_node_gets_its_own)
{
    struct kept_records kept;

    kept_records_init(&kept);
    ck_assert(add(&kept, DISK(1), "a", "1"));
    ck_assert(add(&kept, DISK(1), "b", "2"));
    ck_assert(add(&kept, DISK(200), "a", "3"));
    ck_assert_str_eq(content(&kept, 1), "a=1 b=2 ");
    ck_assert_str_eq(content(&kept, 200), "a=3 ");
    ck_assert_str_eq(content(&kept, 2), "");
    kept_records_fini(&kept);
}
END_TEST

/* They come from files: what could stand twice, or for a deletion, is told. */
START_TEST(disorder_is_refused)
{
    struct kept_records kept;

    kept_records_init(&kept);
    ck_assert(add(&kept, DISK(2), "b", "1"));
    ck_assert(!add(&kept, DISK(2), "b", "1"));
    ck_assert(!add(&kept, DISK(2), "a", "1"));
    ck_assert(!add(&kept, DISK(1), "c", "1"));
    ck_assert(!add(&kept, DISK(2), "c", ""));
    ck_assert(add(&kept, DISK(2), "c", "1"));
    ck_assert_str_eq(content(&kept, 2), "b=1 c=1 ");
    kept_records_fini(&kept);
}
END_TEST

TEST_MAIN("disk_log", a_log_gives_back_what_was_appended, every_node_gets_its_own, disorder_is_refused)
