#include "tests/support/check_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits.h"
#include "sim/state_file.h"

static char folder[32], path[64];
static struct buf why;

static void begin(void)
{
    strcpy(folder, "/tmp/state_file_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/alice", folder);
    buf_init(&why, 1024);
}

static void end(void)
{
    static const char *const names[] = {"alice", "alice.lock", "alice.new"};
    char name[96];

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(name, sizeof(name), "%s/%s", folder, names[i]);
        unlink(name);
    }
    ck_assert_int_eq(rmdir(folder), 0);
    buf_fini(&why);
}

static struct state_file *must_open(void)
{
    struct state_file *file = state_file_open(path, &why);

    ck_assert_msg(file != NULL, "%.*s", (int)why.len, (const char *)why.data);
    return file;
}

static void refused_with(const char *part)
{
    buf_clear(&why);
    ck_assert_ptr_null(state_file_open(path, &why));
    ck_assert_msg(bytes_find(buf_bytes(&why), bytes_text(part)) != SIZE_MAX, "%.*s", (int)why.len,
                  (const char *)why.data);
}

static void write_now(struct state_file *file)
{
    struct buf bytes;

    buf_init(&bytes, LIMIT_STATE_BYTES);
    ck_assert_int_eq(state_file_encode(file, &bytes), OK);
    ck_assert_int_eq(state_file_write(file, buf_bytes(&bytes)), OK);
    buf_fini(&bytes);
}

static void collect(void *owner, struct bytes key, struct bytes value)
{
    buf_append(owner, key);
    buf_byte(owner, '=');
    buf_append(owner, value);
    buf_byte(owner, ' ');
}

static void holds(const struct state_file *file, const char *records)
{
    struct buf all;

    buf_init(&all, 1024);
    state_file_each(file, collect, &all);
    ck_assert_msg(bytes_equal_text(buf_bytes(&all), records), "%.*s", (int)all.len, (const char *)all.data);
    buf_fini(&all);
}

/* What was written is there again, in the order of keys; what was only put is not. */
START_TEST(writes_and_reads)
{
    struct state_file *file;
    struct stat found;

    begin();
    file = must_open();
    ck_assert_int_ne(stat(path, &found), 0);
    state_file_put(file, BYTES_LIT("b"), BYTES_LIT("2"));
    state_file_put(file, BYTES_LIT("c"), BYTES_LIT("3"));
    state_file_put(file, BYTES_LIT("a"), BYTES_LIT("1"));
    state_file_put(file, BYTES_LIT("b"), BYTES_LIT("22"));
    state_file_put(file, BYTES_LIT("c"), BYTES_NONE);
    holds(file, "a=1 b=22 ");
    write_now(file);
    state_file_put(file, BYTES_LIT("a"), BYTES_LIT("lost"));
    state_file_close(file);
    ck_assert_int_eq(stat(path, &found), 0);
    ck_assert_uint_eq(found.st_mode & 0777, 0600);
    file = must_open();
    holds(file, "a=1 b=22 ");
    ck_assert(bytes_equal_text(state_file_get(file, BYTES_LIT("b")), "22"));
    ck_assert_uint_eq(state_file_get(file, BYTES_LIT("c")).len, 0);
    state_file_close(file);
    end();
}
END_TEST

/* While one has it, nobody else does; afterwards anybody. */
START_TEST(one_at_a_time)
{
    struct state_file *file;

    begin();
    file = must_open();
    write_now(file); /* replaces the file: the lock holds all the same */
    refused_with("in use by another process");
    state_file_close(file);
    state_file_close(must_open());
    end();
}
END_TEST

static void change_byte(long at, int by)
{
    FILE *file = fopen(path, "r+");
    int byte;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    byte = fgetc(file);
    ck_assert_int_eq(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    fputc(byte ^ by, file);
    fclose(file);
}

/* Any changed byte, a cut end, and what was never ours are refused, each with what to do; nothing is changed. */
START_TEST(refuses_what_it_did_not_write)
{
    struct state_file *file;
    struct stat found;

    begin();
    file = must_open();
    state_file_put(file, BYTES_LIT("key"), BYTES_LIT("value"));
    write_now(file);
    state_file_close(file);
    ck_assert_int_eq(stat(path, &found), 0);
    for (long at = 0; at < found.st_size; at++) {
        change_byte(at, 0x10);
        refused_with(at < 16 ? "is no state of swarmbed chat" : at < 20 ? "another version" : "is damaged");
        change_byte(at, 0x10);
    }
    for (long size = found.st_size - 1; size >= 0; size--) {
        ck_assert_int_eq(truncate(path, size), 0);
        refused_with(size < 16 ? "is no state of swarmbed chat" : "is damaged");
    }
    end();
}
END_TEST

/* A folder that can't be written to: said so. A failed write leaves the old file. */
START_TEST(says_what_fails)
{
    struct state_file *file;
    char blocked[96];
    struct buf bytes;

    begin();
    file = must_open();
    state_file_put(file, BYTES_LIT("key"), BYTES_LIT("value"));
    write_now(file);
    state_file_put(file, BYTES_LIT("key"), BYTES_LIT("other"));
    snprintf(blocked, sizeof(blocked), "%s.new", path);
    ck_assert_int_eq(mkdir(blocked, 0700), 0);
    buf_init(&bytes, LIMIT_STATE_BYTES);
    ck_assert_int_eq(state_file_encode(file, &bytes), OK);
    ck_assert_int_eq(state_file_write(file, buf_bytes(&bytes)), ERR_IO);
    buf_fini(&bytes);
    ck_assert_int_eq(rmdir(blocked), 0);
    state_file_close(file);
    file = must_open();
    holds(file, "key=value ");
    state_file_close(file);
    ck_assert_ptr_null(state_file_open("", &why));
    ck_assert_ptr_null(state_file_open("/nowhere/at/all", &why));
    ck_assert(bytes_find(buf_bytes(&why), BYTES_LIT("can't be made")) != SIZE_MAX);
    end();
}
END_TEST

TEST_MAIN("state_file", writes_and_reads, one_at_a_time, refuses_what_it_did_not_write, says_what_fails)
