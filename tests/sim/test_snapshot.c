#include "sim/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/suite.h"
#include "common/text.h"
#include "sim/assets.h"
#include "tests/support/check_main.h"

static struct buf why;

static void setup_why(void)
{
    buf_init(&why, 4096);
}

/* The text with a right `end` line behind it. */
static void seal(struct buf *text, const char *lines)
{
    uint8_t hash[32];
    char hex[64];

    buf_init(text, 1 << 20);
    buf_text(text, lines);
    hash_sha256(buf_bytes(text), hash);
    hex_encode(hex, BYTES_OF(hash));
    buf_text(text, "end ");
    buf_append(text, BYTES_OF(hex));
    buf_text(text, "\n");
}

static enum err parse_lines(const char *lines, struct snapshots **out)
{
    struct buf text;
    enum err err;

    seal(&text, lines);
    err = snapshots_parse(buf_bytes(&text), "test.txt", out, &why);
    buf_fini(&text);
    return err;
}

/* The text is refused at that line for that reason. */
static void expect_refused(const char *lines, enum err expected, const char *at, const char *reason)
{
    struct snapshots *snapshots = (struct snapshots *)&why;

    ck_assert_int_eq(parse_lines(lines, &snapshots), expected);
    ck_assert_ptr_null(snapshots);
    buf_byte(&why, 0);
    ck_assert_msg(strstr((const char *)why.data, at) != NULL, "%s", (const char *)why.data);
    ck_assert_msg(strstr((const char *)why.data, reason) != NULL, "%s", (const char *)why.data);
    ck_assert_msg(strstr((const char *)why.data, "restore the file") != NULL, "%s", (const char *)why.data);
}

#define HEAD "swarmbed membership 1\nnodes 4\n"
#define FIRST                                                                                                          \
    HEAD "snapshot 100 2026-01-02 3 2\n"                                                                               \
         "+ 0 0fffffffffffffff 7\n"                                                                                    \
         "+ 1 0fffffffffffffff 7\n"                                                                                    \
         "+ 3 8fffffffffffffff 8\n"

/* The second list is the first with its changes: one moved, one left, one came. */
START_TEST(snapshots_are_read)
{
    struct snapshots *snapshots;
    const struct chain_snapshot *snapshot;

    setup_why();
    ck_assert_int_eq(parse_lines(FIRST "snapshot 105 2026-01-03 3 1\n"
                                       "- 0\n"
                                       "+ 1 8fffffffffffffff 7\n"
                                       "+ 2 8fffffffffffffff 9\n",
                                 &snapshots),
                     OK);
    ck_assert_uint_eq(snapshots_node_total(snapshots), 4);
    ck_assert_uint_eq(snapshots_count(snapshots), 2);
    snapshot = snapshots_get(snapshots, 0);
    ck_assert_uint_eq(snapshot->height, 100);
    ck_assert_str_eq(snapshot->date, "2026-01-02");
    ck_assert_uint_eq(snapshot->node_count, 3);
    ck_assert_uint_eq(snapshot->node[2], 3);
    ck_assert_uint_eq(snapshot->swarm_id[2], UINT64_C(0x8fffffffffffffff));
    ck_assert_uint_eq(snapshot->host[2], 8);
    snapshot = snapshots_by_date(snapshots, BYTES_LIT("2026-01-03"));
    ck_assert_ptr_eq(snapshot, snapshots_get(snapshots, 1));
    ck_assert_uint_eq(snapshot->height, 105);
    ck_assert_uint_eq(snapshot->node_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(snapshot->node[i], i + 1);
        ck_assert_uint_eq(snapshot->swarm_id[i], UINT64_C(0x8fffffffffffffff));
    }
    ck_assert_ptr_null(snapshots_by_date(snapshots, BYTES_LIT("2026-01-04")));
    snapshots_free(snapshots);
    snapshots_free(NULL);
    buf_fini(&why);
}
END_TEST

/* Each rule of the format, broken once. */
START_TEST(snapshots_refuse_what_breaks_the_format)
{
    setup_why();
    expect_refused("swarmbed membership 2\nnodes 4\n", ERR_FORMAT, "test.txt, line 1:", "swarmbed membership 1");
    expect_refused("swarmbed membership 1\nnode 4\n", ERR_FORMAT, "line 2:", "nodes N");
    expect_refused("swarmbed membership 1\nnodes 04\n", ERR_FORMAT, "line 2:", "decimal");
    expect_refused("swarmbed membership 1\nnodes 20001\n", ERR_RANGE, "line 2:", "too large");
    expect_refused(HEAD, ERR_FORMAT, "line 3:", "no snapshot");
    expect_refused(HEAD "+ 0 0fffffffffffffff 7\n", ERR_FORMAT, "line 3:", "`snapshot` line must come first");
    expect_refused(HEAD "snapshot x 2026-01-02 0 0\n", ERR_FORMAT, "line 3:", "decimal");
    expect_refused(HEAD "snapshot 1 2026-1-02 0 0\n", ERR_FORMAT, "line 3:", "date");
    expect_refused(HEAD "snapshot 1 2026-01x02 0 0\n", ERR_FORMAT, "line 3:", "date");
    expect_refused(HEAD "snapshot 1 2026-01-02 5 1\n", ERR_RANGE, "line 3:", "too large");
    expect_refused(HEAD "snapshot 1 2026-01-02 0\n", ERR_FORMAT, "line 3:", "no such kind of line");
    expect_refused(FIRST "snapshot 100 2026-01-03 3 2\n", ERR_FORMAT, "line 7:", "heights must ascend");
    expect_refused(FIRST "+ 4 0fffffffffffffff 7\n", ERR_RANGE, "line 7:", "no such node");
    expect_refused(FIRST "+ 3 0fffffffffffffff 7\n", ERR_FORMAT, "line 7:", "must ascend");
    expect_refused(HEAD "snapshot 1 2026-01-02 1 1\n+ 0 0fff 7\n", ERR_FORMAT, "line 4:", "16 lower-case");
    expect_refused(HEAD "snapshot 1 2026-01-02 1 1\n+ 0 0FFFFFFFFFFFFFFF 7\n", ERR_FORMAT, "line 4:", "16 lower-case");
    expect_refused(HEAD "snapshot 1 2026-01-02 1 1\n+ 0 ffffffffffffffff 7\n", ERR_RANGE, "line 4:", "no swarm");
    expect_refused(HEAD "snapshot 1 2026-01-02 1 1\n+ 0 0fffffffffffffff 62500\n", ERR_RANGE, "line 4:", "too large");
    expect_refused(HEAD "snapshot 1 2026-01-02 1 1\n- 0\n", ERR_FORMAT, "line 4:", "changes nothing");
    expect_refused(FIRST "snapshot 101 2026-01-03 3 2\n+ 0 0fffffffffffffff 7\n", ERR_FORMAT,
                   "line 8:", "changes nothing");
    expect_refused(HEAD "snapshot 1 2026-01-02 2 1\n+ 0 0fffffffffffffff 7\n", ERR_FORMAT,
                   "line 5:", "another number of nodes");
    expect_refused(HEAD "snapshot 1 2026-01-02 2 2\n+ 0 0fffffffffffffff 7\n+ 1 0fffffffffffffff 7\n", ERR_FORMAT,
                   "line 6:", "another number of swarms");
    expect_refused(FIRST "snapshot  101 2026-01-03 3 2\n", ERR_FORMAT, "line 7:", "one space");
    expect_refused(FIRST "\n", ERR_FORMAT, "line 7:", "one space");
    expect_refused(FIRST "- 0 \n", ERR_FORMAT, "line 7:", "one space");
    expect_refused(FIRST "a b c d e f\n", ERR_FORMAT, "line 7:", "one space");
    expect_refused(FIRST "# a comment\n", ERR_FORMAT, "line 7:", "no such kind of line");
    expect_refused(FIRST "end 00\n", ERR_FORMAT, "line 7:", "64 lower-case");
    expect_refused(FIRST "end 0000000000000000000000000000000000000000000000000000000000000000\n", ERR_FORMAT,
                   "line 7:", "checksum");
    buf_fini(&why);
}
END_TEST

/* Every single byte of a file matters, and so does where it stops. */
START_TEST(snapshots_notice_any_damage)
{
    struct snapshots *snapshots;
    struct buf text;

    setup_why();
    seal(&text, FIRST);
    for (size_t i = 0; i < text.len; i++) {
        ck_assert_int_ne(snapshots_parse((struct bytes){text.data, i}, "cut", &snapshots, &why), OK);
        text.data[i] ^= 1;
        ck_assert_int_ne(snapshots_parse(buf_bytes(&text), "changed", &snapshots, &why), OK);
        text.data[i] ^= 1;
    }
    ck_assert_int_eq(snapshots_parse(buf_bytes(&text), "whole", &snapshots, &why), OK);
    snapshots_free(snapshots);
    buf_text(&text, "\n");
    ck_assert_int_eq(snapshots_parse(buf_bytes(&text), "longer", &snapshots, &why), ERR_FORMAT);
    buf_fini(&text);
    buf_fini(&why);
}
END_TEST

static int id_compare(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

/* The smallest and the largest swarm, and how many there are. */
static uint32_t swarm_sizes(const struct chain_snapshot *snapshot, uint32_t *min, uint32_t *max)
{
    uint64_t *ids = xmalloc(snapshot->node_count * sizeof(*ids));
    uint32_t count = 0, size = 0;

    memcpy(ids, snapshot->swarm_id, snapshot->node_count * sizeof(*ids));
    qsort(ids, snapshot->node_count, sizeof(*ids), id_compare);
    *min = UINT32_MAX;
    *max = 0;
    for (uint32_t i = 0; i < snapshot->node_count; i++) {
        size++;
        if (i + 1 < snapshot->node_count && ids[i + 1] == ids[i])
            continue;
        *min = size < *min ? size : *min;
        *max = size > *max ? size : *max;
        size = 0;
        count++;
    }
    free(ids);
    return count;
}

/* The built-in data is what its description says. */
START_TEST(snapshots_built_in_are_the_live_network)
{
    static const struct {
        uint64_t height;
        const char *date;
        uint32_t nodes, swarms;
    } expected[] = {
        {2055136, "2026-02-27", 1558, 265}, {2059746, "2026-03-05", 1554, 265}, {2069115, "2026-03-18", 1583, 265},
        {2074869, "2026-03-26", 1599, 265}, {2078470, "2026-03-31", 1610, 265}, {2079190, "2026-04-01", 1607, 265},
        {2084231, "2026-04-08", 1553, 265}, {2098640, "2026-04-28", 1262, 252},
    };
    struct snapshots *snapshots;
    uint32_t per_host[1078] = {0}, host_max = 0;

    setup_why();
    ck_assert_int_eq(snapshots_load(NULL, &snapshots, &why), OK);
    ck_assert_uint_eq(why.len, 0);
    ck_assert_uint_eq(snapshots_node_total(snapshots), 1754);
    ck_assert_uint_eq(snapshots_count(snapshots), ARRAY_LEN(expected));
    for (uint32_t i = 0; i < ARRAY_LEN(expected); i++) {
        const struct chain_snapshot *snapshot = snapshots_get(snapshots, i);
        uint32_t min, max;
        ck_assert_uint_eq(snapshot->height, expected[i].height);
        ck_assert_str_eq(snapshot->date, expected[i].date);
        ck_assert_uint_eq(snapshot->node_count, expected[i].nodes);
        ck_assert_uint_eq(swarm_sizes(snapshot, &min, &max), expected[i].swarms);
        ck_assert_uint_ge(min, 5);
        ck_assert_uint_le(max, 7);
    }
    for (uint32_t i = 0; i < expected[0].nodes; i++) {
        uint32_t host = snapshots_get(snapshots, 0)->host[i];
        ck_assert_uint_lt(host, ARRAY_LEN(per_host));
        per_host[host]++;
        host_max = per_host[host] > host_max ? per_host[host] : host_max;
    }
    ck_assert_uint_eq(host_max, 38);
    snapshots_free(snapshots);
    buf_fini(&why);
}
END_TEST

static void write_file(const char *path, struct bytes content)
{
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(content.data, 1, content.len, file), content.len);
    ck_assert_int_eq(fclose(file), 0);
}

/* A file of one's own is read the same way; one that cannot be read says why. */
START_TEST(snapshots_are_loaded_from_a_file)
{
    struct snapshots *snapshots;
    char path[] = "/tmp/swarmbed-snapshot-XXXXXX";
    int descriptor = mkstemp(path);
    struct buf text;

    setup_why();
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
    seal(&text, FIRST);
    write_file(path, buf_bytes(&text));
    ck_assert_int_eq(snapshots_load(path, &snapshots, &why), OK);
    ck_assert_uint_eq(snapshots_count(snapshots), 1);
    snapshots_free(snapshots);

    write_file(path, (struct bytes){text.data, text.len - 1});
    ck_assert_int_eq(snapshots_load(path, &snapshots, &why), ERR_FORMAT);
    ck_assert_uint_ne(bytes_find(buf_bytes(&why), bytes_text(path)), SIZE_MAX);
    ck_assert_uint_ne(bytes_find(buf_bytes(&why), BYTES_LIT("line 7")), SIZE_MAX);
    ck_assert_int_eq(truncate(path, (16 << 20) + 1), 0);
    ck_assert_int_eq(snapshots_load(path, &snapshots, &why), ERR_TOO_BIG);
    ck_assert_ptr_null(snapshots);

    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(snapshots_load(path, &snapshots, &why), ERR_IO);
    ck_assert_uint_ne(bytes_find(buf_bytes(&why), bytes_text(path)), SIZE_MAX);
    ck_assert_int_eq(snapshots_load("/", &snapshots, &why), ERR_IO);
    buf_fini(&text);
    buf_fini(&why);
}
END_TEST

TEST_MAIN("snapshot", snapshots_are_read, snapshots_refuse_what_breaks_the_format, snapshots_notice_any_damage,
          snapshots_built_in_are_the_live_network, snapshots_are_loaded_from_a_file)
