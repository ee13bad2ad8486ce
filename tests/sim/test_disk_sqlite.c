#include "sim/disk_sqlite.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check_main.h"

static char folder[] = "/tmp/test_disk_sqlite_XXXXXX";
static char path[64];

static void setup(void)
{
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/" DISK_SQLITE_FILE, folder);
}

static void teardown(void)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};

    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        char name[80];

        snprintf(name, sizeof(name), "%s%s", path, endings[i]);
        (void)unlink(name);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}

/* Commits and failures, as the writer's thread tells them. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told = PTHREAD_COND_INITIALIZER;
static unsigned news_count;

static void on_news(void *owner)
{
    (void)owner;
    pthread_mutex_lock(&mutex);
    news_count++;
    pthread_cond_signal(&told);
    pthread_mutex_unlock(&mutex);
}

static struct disk_sqlite *open_limited(uint64_t bytes_max)
{
    struct disk_sqlite *disk;
    struct buf why;

    buf_init(&why, 10000);
    disk = disk_sqlite_open(folder, bytes_max, &why);
    ck_assert_msg(disk != NULL, "%.*s", (int)why.len, (const char *)why.data);
    buf_fini(&why);
    return disk;
}

static void start(struct disk_sqlite *disk)
{
    struct buf why;

    news_count = 0;
    buf_init(&why, 10000);
    ck_assert_int_eq(disk_sqlite_start(disk, on_news, NULL, &why), OK);
    buf_fini(&why);
}

static struct disk_sqlite *open_started(void)
{
    struct disk_sqlite *disk = open_limited(0);

    start(disk);
    return disk;
}

static void close_well(struct disk_sqlite *disk)
{
    struct buf why;

    buf_init(&why, 10000);
    ck_assert_int_eq(disk_sqlite_close(disk, &why), OK);
    buf_fini(&why);
}

static const struct ed25519_public node_a = {{1, 2, 3}}, node_b = {{200, 2, 3}};

static uint64_t put(struct disk_sqlite *disk, const struct ed25519_public *node, struct bytes key, struct bytes value)
{
    uint64_t number;
    struct buf log;

    buf_init(&log, SIZE_MAX);
    disk_log_append(&log, disk_name(node), key, value);
    number = disk_sqlite_write(disk, &log, 1234567);
    ck_assert_uint_eq(log.len, 0);
    buf_fini(&log);
    return number;
}

static uint64_t put_text(struct disk_sqlite *disk, const struct ed25519_public *node, const char *key,
                         const char *value)
{
    return put(disk, node, bytes_text(key), bytes_text(value));
}

/* Until it is on the disk, or never will be. */
static bool wait_for(struct disk_sqlite *disk, uint64_t number)
{
    pthread_mutex_lock(&mutex);
    while (disk_sqlite_committed(disk) < number && !disk_sqlite_failed(disk, NULL))
        pthread_cond_wait(&told, &mutex);
    pthread_mutex_unlock(&mutex);
    return disk_sqlite_committed(disk) >= number;
}

static char text[200];

static void list_one(void *owner, struct bytes key, struct bytes value)
{
    size_t len = strlen(text);

    (void)owner;
    snprintf(text + len, sizeof(text) - len, "%.*s=%.*s ", (int)key.len, (const char *)key.data, (int)value.len,
             (const char *)value.data);
}

static void list_record(void *owner, const struct disk_log_record *record)
{
    list_one(owner, record->key, record->value);
}

static const char *content(struct disk_sqlite *disk, const struct ed25519_public *node)
{
    struct disk_source source = disk_sqlite_source(disk);

    text[0] = 0;
    source.each(source.owner, node, list_one, NULL);
    return text;
}

static const char *all(struct disk_sqlite *disk)
{
    text[0] = 0;
    disk_sqlite_each(disk, list_record, NULL);
    return text;
}

/* What was committed is there after the process, for each node its own, in order of the keys. */
START_TEST(records_outlive_the_process)
{
    struct disk_sqlite *disk;
    struct buf out;

    setup();
    disk = open_limited(0);
    disk_sqlite_set(disk, "seed", BYTES_LIT("7"));
    ck_assert_int_eq(disk_sqlite_time_ms(disk), 0);
    start(disk);
    put_text(disk, &node_b, "b", "2");
    put_text(disk, &node_b, "a", "1");
    put_text(disk, &node_a, "a", "old");
    put_text(disk, &node_a, "x", "gone");
    put_text(disk, &node_a, "x", "");
    put_text(disk, &node_a, "never", "");
    put_text(disk, &node_a, "a", "new");
    close_well(disk);

    disk = open_limited(0);
    buf_init(&out, 100);
    ck_assert(disk_sqlite_get(disk, "seed", &out));
    ck_assert(bytes_equal_text(buf_bytes(&out), "7"));
    ck_assert(!disk_sqlite_get(disk, "none", &out));
    buf_fini(&out);
    ck_assert_int_eq(disk_sqlite_time_ms(disk), 1234567);
    ck_assert_uint_eq(disk_sqlite_count(disk), 3);
    ck_assert_str_eq(content(disk, &node_a), "a=new ");
    ck_assert_str_eq(content(disk, &node_b), "a=1 b=2 ");
    ck_assert_str_eq(all(disk), "a=new a=1 b=2 ");
    close_well(disk);
    teardown();
}
END_TEST

/* A number is committed once, and only once, the record can be read by whoever opens the file next; an empty log waits
 * for the one before it. */
START_TEST(a_commit_is_on_the_disk)
{
    struct disk_sqlite *disk;
    struct buf empty;
    uint64_t first;
    int status;
    pid_t child;

    setup();
    child = fork();
    if (child == 0) {
        disk = open_started();
        first = put_text(disk, &node_a, "a", "1");
        if (!wait_for(disk, first))
            _exit(1);
        buf_init(&empty, 10);
        _exit(disk_sqlite_write(disk, &empty, 1) == first ? 0 : 2); /* as if killed: nothing is closed */
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    disk = open_limited(0);
    ck_assert_str_eq(content(disk, &node_a), "a=1 ");
    close_well(disk);
    teardown();
}
END_TEST

/* Nothing that was read or set before the start stays if there is none. */
START_TEST(without_a_start_nothing_is_written)
{
    struct disk_sqlite *disk;
    struct buf out;

    setup();
    disk = open_limited(0);
    disk_sqlite_set(disk, "seed", BYTES_LIT("7"));
    close_well(disk);
    disk = open_limited(0);
    buf_init(&out, 100);
    ck_assert(!disk_sqlite_get(disk, "seed", &out));
    buf_fini(&out);
    close_well(disk);
    teardown();
}
END_TEST

/* What was given and never written, by the keys, in order; and only once. */
static void check_lost(struct disk_sqlite *disk, const char *keys)
{
    struct disk_log_record record;
    struct bytes rest;
    struct buf lost;

    buf_init(&lost, SIZE_MAX);
    disk_sqlite_take_lost(disk, &lost);
    rest = buf_bytes(&lost);
    for (; disk_log_next(&rest, &record); keys++)
        ck_assert(bytes_equal(record.key, (struct bytes){(const uint8_t *)keys, 1}));
    ck_assert_int_eq(*keys, '\0');
    buf_clear(&lost);
    disk_sqlite_take_lost(disk, &lost);
    ck_assert_uint_eq(lost.len, 0);
    buf_fini(&lost);
}

/* The first failure is the last: what is given later is never committed, and all that was before is kept. */
START_TEST(a_full_disk_says_so_and_keeps_what_it_has)
{
    static uint8_t large[1 << 20];
    struct disk_sqlite *disk;
    struct buf why;
    uint64_t number;

    setup();
    disk = open_limited(1 << 19);
    start(disk);
    ck_assert(wait_for(disk, put_text(disk, &node_a, "a", "1")));
    number = put(disk, &node_a, BYTES_LIT("b"), BYTES_OF(large));
    ck_assert(!wait_for(disk, number));
    ck_assert_uint_eq(disk_sqlite_committed(disk), number - 1);
    ck_assert_uint_eq(put_text(disk, &node_a, "c", "1"), number + 1);
    check_lost(disk, "bc");
    buf_init(&why, 10000);
    disk_sqlite_read(disk, disk_name(&node_a), BYTES_LIT("a"), &why);
    disk_sqlite_read(disk, disk_name(&node_a), BYTES_LIT("b"), &why);
    ck_assert(bytes_equal_text(buf_bytes(&why), "1"));
    buf_clear(&why);
    ck_assert_int_eq(disk_sqlite_close(disk, &why), ERR_IO);
    ck_assert_uint_ne(bytes_find(buf_bytes(&why), BYTES_LIT("no room left")), SIZE_MAX);
    ck_assert_uint_ne(bytes_find(buf_bytes(&why), BYTES_LIT("--data-limit")), SIZE_MAX);
    buf_fini(&why);
    disk = open_limited(1 << 19);
    ck_assert_str_eq(content(disk, &node_a), "a=1 ");
    close_well(disk);
    teardown();
}
END_TEST

/* A deleted file would take every record, and give none back. */
START_TEST(a_file_that_is_deleted_is_missed)
{
    struct disk_sqlite *disk;
    struct buf why;

    setup();
    disk = open_started();
    ck_assert(wait_for(disk, put_text(disk, &node_a, "a", "1")));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert(!wait_for(disk, put_text(disk, &node_a, "b", "1")));
    buf_init(&why, 10000);
    ck_assert_int_eq(disk_sqlite_close(disk, &why), ERR_IO);
    ck_assert_uint_ne(bytes_find(buf_bytes(&why), BYTES_LIT("moved or deleted")), SIZE_MAX);
    buf_fini(&why);
    teardown();
}
END_TEST

static void expect_refused(const char *of, const char *reason)
{
    struct buf why;

    buf_init(&why, 10000);
    ck_assert_ptr_null(disk_sqlite_open(of, 0, &why));
    ck_assert_msg(bytes_find(buf_bytes(&why), bytes_text(reason)) != SIZE_MAX, "%.*s", (int)why.len,
                  (const char *)why.data);
    buf_fini(&why);
}

START_TEST(one_process_at_a_time)
{
    struct disk_sqlite *disk;
    int status;
    pid_t child;

    setup();
    disk = open_started();
    child = fork();
    if (child == 0) {
        expect_refused(folder, "another running process");
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    close_well(disk);
    close_well(open_limited(0));
    teardown();
}
END_TEST

static void write_at(long offset, const char *bytes, size_t len)
{
    int file = open(path, O_WRONLY | O_CREAT, 0600);

    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(pwrite(file, bytes, len, offset), (ssize_t)len);
    close(file);
}

START_TEST(what_is_no_such_file_is_refused)
{
    setup();
    expect_refused("/dev/null", "its folder is none");
    expect_refused("/none/none", "No such file");
    write_at(0, "this is no database at all", 26);
    expect_refused(folder, "no SQLite file");
    teardown();
}
END_TEST

/* In SQLite's header: the user's version at 60, the application at 68. */
START_TEST(another_format_or_program_is_refused)
{
    setup();
    close_well(open_started());
    write_at(60, "\0\0\0\2", 4);
    expect_refused(folder, "its format is 2");
    write_at(60, "\0\0\0\1", 4);
    write_at(68, "\0\0\0\1", 4);
    expect_refused(folder, "another program's file");
    teardown();
}
END_TEST

START_TEST(a_damaged_file_is_refused)
{
    static char noise[3000];
    struct disk_sqlite *disk;

    setup();
    disk = open_started();
    for (int i = 0; i < 200; i++) {
        char key[16];

        snprintf(key, sizeof(key), "%d", i);
        put(disk, &node_a, bytes_text(key), BYTES_OF(noise));
    }
    close_well(disk);
    memset(noise, 0x5a, sizeof(noise));
    for (long page = 2; page < 40; page++)
        write_at(page * 4096, noise, sizeof(noise));
    expect_refused(folder, "damaged");
    teardown();
}
END_TEST

TEST_MAIN("disk_sqlite", records_outlive_the_process, a_commit_is_on_the_disk, without_a_start_nothing_is_written,
          a_full_disk_says_so_and_keeps_what_it_has, a_file_that_is_deleted_is_missed, one_process_at_a_time,
          what_is_no_such_file_is_refused, another_format_or_program_is_refused, a_damaged_file_is_refused)
