#include "sim/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/suite.h"
#include "common/text.h"
#include "sim/assets.h"

#define BUILT_IN       "data/mainnet.txt"
#define FILE_BYTES_MAX (16u << 20)
#define NODES_MAX      20000 /* bounds what a header line can ask for; so many fit the ports of one host */
#define SNAPSHOTS_MAX  1000
#define HOST_MAX       62499 /* 127.(1 + host / 250).(1 + host mod 250) must be an address: testbed.c */
#define WORDS_MAX      5
#define DATE_LEN       10

struct snapshots {
    uint32_t node_total, count;
    struct owned {
        struct chain_snapshot view; /* into the rest */
        char date[DATE_LEN + 1];
        uint32_t *node, *host;
        uint64_t *swarm_id;
    } * list;
};

void snapshots_free(struct snapshots *snapshots)
{
    if (snapshots == NULL)
        return;
    for (uint32_t i = 0; i < snapshots->count; i++) {
        free(snapshots->list[i].node);
        free(snapshots->list[i].host);
        free(snapshots->list[i].swarm_id);
    }
    free(snapshots->list);
    free(snapshots);
}

uint32_t snapshots_node_total(const struct snapshots *snapshots)
{
    return snapshots->node_total;
}

uint32_t snapshots_count(const struct snapshots *snapshots)
{
    return snapshots->count;
}

const struct chain_snapshot *snapshots_get(const struct snapshots *snapshots, uint32_t number)
{
    ASSERT(number < snapshots->count);
    return &snapshots->list[number].view;
}

const struct chain_snapshot *snapshots_by_date(const struct snapshots *snapshots, struct bytes date)
{
    for (uint32_t i = 0; i < snapshots->count; i++)
        if (bytes_equal_text(date, snapshots->list[i].date))
            return &snapshots->list[i].view;
    return NULL;
}

/* Reading. */

struct reader {
    const char *name;
    struct buf *why;
    struct bytes text;
    size_t at;      /* where the next line begins */
    size_t line_at; /* where this line begins */
    uint32_t line;  /* its number, from 1 */
    struct bytes words[WORDS_MAX];
    size_t word_count;
    struct snapshots *out;
    /* The list as it stands, by node: */
    uint64_t *swarm_id; /* SWARM_NONE: not in it */
    uint32_t *host;
    /* The snapshot that is being read: */
    bool open;
    uint64_t height, nodes_said, swarms_said;
    char date[DATE_LEN + 1];
    int64_t last_node; /* of its lines; -1: none yet */
};

static enum err refuse(struct reader *reader, enum err err, const char *what)
{
    buf_clear(reader->why);
    buf_printf(reader->why, "%s, line %u: %s; restore the file from its source (sim/data/README.md tells the format)",
               reader->name, reader->line, what);
    return err;
}

/* Cuts the next line into words at single spaces. */
static enum err next_line(struct reader *reader)
{
    struct bytes rest = bytes_slice(reader->text, reader->at, reader->text.len - reader->at);
    size_t len = bytes_find(rest, BYTES_LIT("\n"));

    reader->line++;
    reader->line_at = reader->at;
    reader->word_count = 0;
    if (len == SIZE_MAX)
        return refuse(reader, ERR_FORMAT,
                      rest.len == 0 ? "the file ends before its `end` line" : "a newline is missing");
    reader->at += len + 1;
    rest.len = len;
    for (;;) {
        size_t space = bytes_find(rest, BYTES_LIT(" "));
        size_t word_len = space == SIZE_MAX ? rest.len : space;
        if (word_len == 0 || reader->word_count == WORDS_MAX)
            return refuse(reader, ERR_FORMAT, "words must be separated by one space");
        reader->words[reader->word_count++] = bytes_slice(rest, 0, word_len);
        if (space == SIZE_MAX)
            return OK;
        rest = bytes_slice(rest, space + 1, rest.len - space - 1);
    }
}

static bool line_is(const struct reader *reader, const char *first, size_t word_count)
{
    return reader->word_count == word_count && bytes_equal_text(reader->words[0], first);
}

static enum err number_of(struct reader *reader, size_t word, uint64_t max, uint64_t *out)
{
    if (decimal_decode(out, reader->words[word]) != OK)
        return refuse(reader, ERR_FORMAT, "a decimal number is expected");
    if (*out > max)
        return refuse(reader, ERR_RANGE, "a number is too large");
    return OK;
}

static enum err read_header(struct reader *reader)
{
    uint64_t total;
    enum err err = next_line(reader);

    if (err != OK)
        return err;
    if (!line_is(reader, "swarmbed", 3) || !bytes_equal_text(reader->words[1], "membership") ||
        !bytes_equal_text(reader->words[2], "1"))
        return refuse(reader, ERR_FORMAT, "expected `swarmbed membership 1`");
    err = next_line(reader);
    if (err != OK)
        return err;
    if (!line_is(reader, "nodes", 2))
        return refuse(reader, ERR_FORMAT, "expected `nodes N`");
    err = number_of(reader, 1, NODES_MAX, &total);
    if (err != OK)
        return err;
    reader->out->node_total = (uint32_t)total;
    reader->swarm_id = xmalloc(total * sizeof(*reader->swarm_id) + 1);
    reader->host = xcalloc(total + 1, sizeof(*reader->host));
    for (uint64_t i = 0; i < total; i++)
        reader->swarm_id[i] = SWARM_NONE;
    return OK;
}

/* "2026-04-08": only the shape, which is what a scenario names it by. */
static bool is_date(struct bytes word)
{
    static const char shape[] = "0000-00-00";

    if (word.len != DATE_LEN)
        return false;
    for (size_t i = 0; i < DATE_LEN; i++)
        if (shape[i] == '-' ? word.data[i] != '-' : word.data[i] < '0' || word.data[i] > '9')
            return false;
    return true;
}

static enum err read_snapshot_line(struct reader *reader)
{
    uint64_t height;
    enum err err = number_of(reader, 1, UINT32_MAX, &height);

    if (err != OK)
        return err;
    if (reader->out->count > 0 && height <= reader->height)
        return refuse(reader, ERR_FORMAT, "heights must ascend");
    if (!is_date(reader->words[2]))
        return refuse(reader, ERR_FORMAT, "expected a date such as 2026-04-08");
    err = number_of(reader, 3, reader->out->node_total, &reader->nodes_said);
    if (err == OK)
        err = number_of(reader, 4, reader->nodes_said, &reader->swarms_said);
    if (err != OK)
        return err;
    reader->height = height;
    memcpy(reader->date, reader->words[2].data, DATE_LEN);
    reader->open = true;
    reader->last_node = -1;
    return OK;
}

/* "+ NODE SWARM HOST" and "- NODE". */
static enum err read_change(struct reader *reader, bool leaves)
{
    uint64_t node, swarm_id = SWARM_NONE, host = 0;
    uint8_t id[8];
    enum err err;

    if (!reader->open)
        return refuse(reader, ERR_FORMAT, "a `snapshot` line must come first");
    err = number_of(reader, 1, UINT32_MAX, &node);
    if (err != OK)
        return err;
    if (node >= reader->out->node_total)
        return refuse(reader, ERR_RANGE, "no such node (see the `nodes` line)");
    if ((int64_t)node <= reader->last_node)
        return refuse(reader, ERR_FORMAT, "node numbers must ascend");
    if (!leaves) {
        if (!hex_is_lower(reader->words[2]) || hex_decode(id, sizeof(id), reader->words[2]) != OK)
            return refuse(reader, ERR_FORMAT, "a swarm id is 16 lower-case hex digits");
        swarm_id = load_be64(id);
        if (swarm_id == SWARM_NONE)
            return refuse(reader, ERR_RANGE, "no swarm has that id");
        err = number_of(reader, 3, HOST_MAX, &host);
        if (err != OK)
            return err;
    }
    if (reader->swarm_id[node] == swarm_id && reader->host[node] == host)
        return refuse(reader, ERR_FORMAT, "the line changes nothing");
    reader->swarm_id[node] = swarm_id;
    reader->host[node] = (uint32_t)host;
    reader->last_node = (int64_t)node;
    return OK;
}

static int id_compare(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

static uint32_t count_different(const uint64_t ids[], uint32_t count)
{
    uint64_t *sorted = xmalloc(count * sizeof(*sorted) + 1);
    uint32_t different = 0;

    memcpy(sorted, ids, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), id_compare);
    for (uint32_t i = 0; i < count; i++)
        different += i == 0 || sorted[i] != sorted[i - 1];
    free(sorted);
    return different;
}

/* The open snapshot is complete: keeps it. */
static enum err close_snapshot(struct reader *reader)
{
    struct snapshots *out = reader->out;
    struct owned *snapshot;
    uint32_t count = 0;

    if (!reader->open)
        return OK;
    reader->open = false;
    if (out->count == SNAPSHOTS_MAX)
        return refuse(reader, ERR_TOO_BIG, "too many snapshots");
    out->list = xrealloc(out->list, (out->count + 1) * sizeof(*out->list));
    snapshot = &out->list[out->count++];
    snapshot->node = xmalloc(out->node_total * sizeof(uint32_t) + 1);
    snapshot->host = xmalloc(out->node_total * sizeof(uint32_t) + 1);
    snapshot->swarm_id = xmalloc(out->node_total * sizeof(uint64_t) + 1);
    for (uint32_t i = 0; i < out->node_total; i++) {
        if (reader->swarm_id[i] == SWARM_NONE)
            continue;
        snapshot->node[count] = i;
        snapshot->host[count] = reader->host[i];
        snapshot->swarm_id[count] = reader->swarm_id[i];
        count++;
    }
    memcpy(snapshot->date, reader->date, sizeof(snapshot->date));
    snapshot->view = (struct chain_snapshot){
        .height = reader->height,
        .node_count = count,
        .node = snapshot->node,
        .swarm_id = snapshot->swarm_id,
        .host = snapshot->host,
    };
    if (count != reader->nodes_said)
        return refuse(reader, ERR_FORMAT, "the snapshot before this line has another number of nodes than it says");
    if (count_different(snapshot->swarm_id, count) != reader->swarms_said)
        return refuse(reader, ERR_FORMAT, "the snapshot before this line has another number of swarms than it says");
    return OK;
}

static enum err read_end(struct reader *reader)
{
    uint8_t said[32], is[32];

    hash_sha256(bytes_slice(reader->text, 0, reader->line_at), is);
    if (!hex_is_lower(reader->words[1]) || hex_decode(said, sizeof(said), reader->words[1]) != OK)
        return refuse(reader, ERR_FORMAT, "expected 64 lower-case hex digits");
    if (memcmp(said, is, sizeof(is)) != 0)
        return refuse(reader, ERR_FORMAT, "the checksum does not fit the lines above");
    if (reader->at != reader->text.len)
        return refuse(reader, ERR_FORMAT, "the `end` line must be the last");
    if (reader->out->count == 0)
        return refuse(reader, ERR_FORMAT, "there is no snapshot in it");
    return OK;
}

static enum err read_all(struct reader *reader)
{
    enum err err = read_header(reader);

    while (err == OK) {
        err = next_line(reader);
        if (err != OK)
            break;
        if (line_is(reader, "+", 4)) {
            err = read_change(reader, false);
        } else if (line_is(reader, "-", 2)) {
            err = read_change(reader, true);
        } else if (line_is(reader, "snapshot", 5)) {
            err = close_snapshot(reader);
            if (err == OK)
                err = read_snapshot_line(reader);
        } else if (line_is(reader, "end", 2)) {
            err = close_snapshot(reader);
            return err == OK ? read_end(reader) : err;
        } else {
            err = refuse(reader, ERR_FORMAT, "no such kind of line, or the wrong number of words");
        }
    }
    return err;
}

enum err snapshots_parse(struct bytes text, const char *name, struct snapshots **out, struct buf *why)
{
    struct reader reader = {.name = name, .why = why, .text = text, .out = xcalloc(1, sizeof(struct snapshots))};
    enum err err = read_all(&reader);

    free(reader.swarm_id);
    free(reader.host);
    *out = NULL;
    if (err != OK) {
        snapshots_free(reader.out);
        return err;
    }
    /* Only now: the list moved while it grew. */
    for (uint32_t i = 0; i < reader.out->count; i++)
        reader.out->list[i].view.date = reader.out->list[i].date;
    *out = reader.out;
    return OK;
}

static enum err read_file(const char *path, struct buf *text, struct buf *why)
{
    FILE *file = fopen(path, "rb");
    enum err err = OK;

    if (file == NULL)
        goto failed;
    while (!feof(file)) {
        uint8_t part[16384];
        size_t len = fread(part, 1, sizeof(part), file);
        buf_append(text, (struct bytes){part, len});
        if (ferror(file))
            goto failed;
        if (text->err != OK) {
            buf_printf(why, "%s: larger than %u bytes; is it a membership file?", path, FILE_BYTES_MAX);
            err = text->err;
            break;
        }
    }
    fclose(file);
    return err;
failed:
    buf_printf(why, "%s: cannot be read: %s; check the path and its permissions", path, strerror(errno));
    if (file != NULL)
        fclose(file);
    return ERR_IO;
}

enum err snapshots_load(const char *path, struct snapshots **out, struct buf *why)
{
    struct buf text;
    enum err err;

    buf_clear(why);
    if (path == NULL)
        return snapshots_parse(assets_find(BUILT_IN), BUILT_IN, out, why);
    *out = NULL;
    buf_init(&text, FILE_BYTES_MAX);
    err = read_file(path, &text, why);
    if (err == OK)
        err = snapshots_parse(buf_bytes(&text), path, out, why);
    buf_fini(&text);
    return err;
}
