/* Files that a user gives: membership data, cost tables, scenarios, journals, the state of a chat. The first byte
 * chooses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/suite.h"
#include "sim/costs.h"
#include "sim/journal.h"
#include "sim/scenario.h"
#include "sim/snapshot.h"
#include "sim/state_file.h"
#include "tests/fuzz/fuzz.h"

static void read_snapshots(struct bytes input)
{
    struct snapshots *snapshots;
    struct buf why;

    buf_init(&why, 4096);
    if (snapshots_parse(input, "input", &snapshots, &why) == OK)
        snapshots_free(snapshots);
    else
        ASSERT(snapshots == NULL && why.len > 0);
    buf_fini(&why);
}

static void read_costs(struct bytes input)
{
    struct cost_table costs;
    struct buf why;

    buf_init(&why, 4096);
    if (costs_parse(input, &costs, &why) != OK)
        ASSERT(why.len > 0);
    buf_fini(&why);
}

/* Loaded and run up to world{}. */
static void read_scenario(struct bytes input)
{
    static const struct scenario_set set = {"users", "5"};
    struct scenario_config config = {.name = "input.lua",
                                     .source = input,
                                     .threads = 1,
                                     .suite = &crypto_modelled,
                                     .costs = costs_default(),
                                     .sets = &set,
                                     .set_count = 1,
                                     .instructions_max = 1000000,
                                     .memory_bytes_max = 16 << 20,
                                     .replay_options = ""};
    FILE *nowhere = fopen("/dev/null", "w");

    ASSERT(nowhere != NULL);
    (void)scenario_describe(&config, nowhere);
    fclose(nowhere);
}

static void write_file(int fd, struct bytes bytes)
{
    ASSERT(fd >= 0 && write(fd, bytes.data, bytes.len) == (ssize_t)bytes.len);
}

/* To its end, or to what is wrong. */
static void read_journal(struct bytes input)
{
    int fd = memfd_create("journal", MFD_CLOEXEC);
    struct journal_reader *reader;
    struct entry entry;
    int64_t last_us = 0;
    char path[64];
    struct buf why;

    write_file(fd, input);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    buf_init(&why, 4096);
    reader = journal_open(path, &why);
    ASSERT((reader == NULL) == (why.len > 0));
    if (reader != NULL) {
        enum err err = OK;

        ASSERT(journal_config(reader)->serving != NULL);
        while (err == OK) {
            err = journal_read(reader, &entry, &why);
            ASSERT(err != OK || entry.at_us >= last_us);
            last_us = entry.at_us;
        }
        ASSERT(err == ERR_NOT_FOUND || why.len > 0);
        journal_reader_free(reader);
    }
    buf_fini(&why);
    close(fd);
}

static void count_record(void *owner, struct bytes key, struct bytes value)
{
    (void)key;
    ASSERT(value.len > 0);
    ++*(size_t *)owner;
}

/* The check at its end is made to hold, or nothing behind it would ever be met. What was read is written as it was, but
 * for the order. */
static void read_state(struct bytes input)
{
    char folder[] = "/tmp/fuzz_files_XXXXXX", path[64], lock[64];
    struct state_file *file;
    uint8_t check[32];
    size_t count = 0;
    struct buf text;
    FILE *out;

    ASSERT(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/state", folder);
    snprintf(lock, sizeof(lock), "%s/state.lock", folder);
    hash_sha256(input, check);
    out = fopen(path, "wb");
    ASSERT(out != NULL && fwrite(input.data, 1, input.len, out) == input.len);
    ASSERT(fwrite(check, 1, sizeof(check), out) == sizeof(check) && fclose(out) == 0);
    buf_init(&text, 1 << 24);
    file = state_file_open(path, &text);
    ASSERT((file == NULL) == (text.len > 0));
    if (file != NULL) {
        state_file_each(file, count_record, &count);
        ASSERT(state_file_encode(file, &text) == OK && text.len <= input.len + sizeof(check));
        state_file_close(file);
    }
    buf_fini(&text);
    (void)unlink(path);
    (void)unlink(lock);
    ASSERT(rmdir(folder) == 0);
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    struct bytes rest;

    (void)arena;
    if (input.len == 0)
        return;
    rest = bytes_slice(input, 1, input.len - 1);
    switch (input.data[0] % 5) {
    case 0:
        read_snapshots(rest);
        break;
    case 1:
        read_costs(rest);
        break;
    case 2:
        read_scenario(rest);
        break;
    case 3:
        read_journal(rest);
        break;
    default:
        read_state(rest);
    }
}
