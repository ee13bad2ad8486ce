#include "sim/learned.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/text.h"
#include "sim/report.h"

#define TABLE_ROWS_MAX 20 /* of one part, for people */

/* ---- all sightings of the nodes, in the order of time ---- */

struct heap_of_sightings {
    const struct sighting **all;
    size_t count;
};

/* Of two at one time, that of the lower node; a node's own stay in their order. */
static bool seen_before(const struct sighting *a, const struct sighting *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->node < b->node;
}

/* Merges two sorted runs; with the runs of all nodes taken in pairs, this is a stable merge sort. */
static void merge(const struct sighting **from, size_t middle, size_t end, const struct sighting **to)
{
    size_t left = 0, right = middle;

    for (size_t i = 0; i < end; i++)
        to[i] = left < middle && (right == end || !seen_before(from[right], from[left])) ? from[left++] : from[right++];
}

static void sort(const struct sighting **all, size_t count, const struct sighting **scratch)
{
    size_t middle = count / 2;

    if (count < 2)
        return;
    sort(all, middle, scratch);
    sort(all + middle, count - middle, scratch);
    merge(all, middle, count, scratch);
    memcpy(all, scratch, count * sizeof(*all));
}

static struct heap_of_sightings gather(struct learned *learned, const struct observer *observer)
{
    struct heap_of_sightings heap = {NULL, 0};
    const struct sighting **scratch;

    for (size_t i = 0; i < learned->node_count; i++) {
        size_t count;
        uint64_t lost;
        const struct sighting *const *own = observer_sightings(observer, learned->nodes[i], &count, &lost);

        if (count > 0) {
            heap.all = xrealloc(heap.all, (heap.count + count) * sizeof(*heap.all));
            memcpy(heap.all + heap.count, own, count * sizeof(*heap.all));
        }
        heap.count += count;
        learned->lost += lost;
    }
    learned->sightings = heap.count;
    if (heap.count > 0) {
        scratch = xmalloc(heap.count * sizeof(*scratch));
        sort(heap.all, heap.count, scratch);
        free(scratch);
    }
    return heap;
}

/* ---- rows that are the same thing count as one ---- */

/* An entry of an index: the row's key, made of whatever names it. */
struct row_key {
    size_t row;
    uint8_t len;
    uint8_t bytes[2 * 33 + OBSERVER_METHOD_BYTES + 8];
};

static struct bytes row_key_of(const void *value)
{
    const struct row_key *key = value;

    return (struct bytes){key->bytes, key->len};
}

static void key_add(struct row_key *key, const void *bytes, size_t len)
{
    memcpy(key->bytes + key->len, bytes, len);
    key->len = (uint8_t)(key->len + len);
}

static void key_add_address(struct row_key *key, struct address address)
{
    key_add(key, &address.ip, sizeof(address.ip));
    key_add(key, &address.port, sizeof(address.port));
}

/* The row of that key: an old one, or `*count`, a new one at the end. */
static size_t row_of(struct table *index, const struct row_key *key, size_t *count)
{
    struct row_key *found = table_get(index, row_key_of(key));

    if (found != NULL)
        return found->row;
    found = xmalloc(sizeof(*found));
    *found = *key;
    found->row = (*count)++;
    table_put(index, found);
    return found->row;
}

static void index_fini(struct table *index)
{
    uint32_t cursor = 0;

    for (void *key; (key = table_next(index, &cursor)) != NULL;)
        free(key);
    table_fini(index);
}

/* Room for one more row, zeroed. */
static void *grown(void *rows, size_t count, size_t size)
{
    if ((count & (count + 1)) == 0) /* 0, 1, 3, 7, ...: room for twice as many */
        rows = xrealloc(rows, (2 * count + 1) * size);
    memset((char *)rows + count * size, 0, size);
    return rows;
}

static void count_in(struct tally *tally, const struct sighting *sighting)
{
    if (tally->count++ == 0)
        tally->first_us = sighting->at_us;
    tally->last_us = sighting->at_us;
    tally->bytes += sighting->bytes;
}

/* ---- what each sighting says by itself ---- */

struct indices {
    struct table callers, mailboxes, pairs, links;
    struct table by_layer, by_answer; /* of struct trail */
};

static void learn_caller(struct learned *learned, struct table *index, const struct sighting *sighting)
{
    struct row_key key = {0};
    size_t row;

    if (!sighting->from_client)
        return;
    learned->callers = grown(learned->callers, learned->caller_count, sizeof(*learned->callers));
    key_add_address(&key, sighting->from);
    row = row_of(index, &key, &learned->caller_count);
    learned->callers[row].address = sighting->from;
    count_in(&learned->callers[row].tally, sighting);
}

static void learn_mailbox(struct learned *learned, struct table *index, const struct sighting *sighting)
{
    struct row_key key = {0};
    struct mailbox_learned *mailbox;

    if (!sighting->has_account)
        return;
    learned->mailboxes = grown(learned->mailboxes, learned->mailbox_count, sizeof(*learned->mailboxes));
    key_add(&key, sighting->account.bytes, sizeof(sighting->account.bytes));
    key_add(&key, sighting->method, sizeof(sighting->method));
    key_add(&key, &sighting->namespace, sizeof(sighting->namespace));
    mailbox = &learned->mailboxes[row_of(index, &key, &learned->mailbox_count)];
    mailbox->account = sighting->account;
    memcpy(mailbox->method, sighting->method, sizeof(mailbox->method));
    mailbox->namespace = sighting->namespace;
    mailbox->proofs += sighting->has_proof;
    count_in(&mailbox->tally, sighting);
}

static void learn_pair(struct learned *learned, struct table *index, const struct sighting *sighting)
{
    struct row_key key = {0};
    struct pair_learned *pair;

    if (!sighting->has_account || !sighting->has_source)
        return;
    learned->pairs = grown(learned->pairs, learned->pair_count, sizeof(*learned->pairs));
    key_add(&key, sighting->source.bytes, sizeof(sighting->source.bytes));
    key_add(&key, sighting->account.bytes, sizeof(sighting->account.bytes));
    pair = &learned->pairs[row_of(index, &key, &learned->pair_count)];
    pair->source = sighting->source;
    pair->recipient = sighting->account;
    count_in(&pair->tally, sighting);
}

/* ---- what two sightings say together ---- */

/* A layer or an answer, and the sighting it belongs to. */
struct trail {
    uint64_t print;
    const struct sighting *sighting;
};

static struct bytes trail_key(const void *value)
{
    const struct trail *trail = value;

    return (struct bytes){(const uint8_t *)&trail->print, sizeof(trail->print)};
}

static const struct sighting *follow(const struct table *trails, uint64_t print)
{
    struct trail key = {print, NULL};
    const struct trail *trail = print == 0 ? NULL : table_get(trails, trail_key(&key));

    return trail == NULL ? NULL : trail->sighting;
}

/* The first one to be seen stands: an onion that is sent again is the same to all. */
static void leave_trail(struct table *trails, uint64_t print, const struct sighting *sighting)
{
    struct trail *trail;

    if (print == 0 || follow(trails, print) != NULL)
        return;
    trail = xmalloc(sizeof(*trail));
    *trail = (struct trail){print, sighting};
    table_put(trails, trail);
}

/* Where a caller's request ended: behind the layers, as far as observed nodes hand them to each other; or where the
 * answer came from that passed here. NULL: nobody here knows. */
static const struct sighting *end_of(const struct indices *indices, const struct sighting *sighting)
{
    const struct sighting *at = sighting;

    for (int hops = 0; at != NULL && hops <= LIMIT_ONION_HOPS + 1; hops++) {
        if (at->has_account)
            return at;
        at = follow(&indices->by_layer, at->layer_out);
    }
    return follow(&indices->by_answer, sighting->answer);
}

static void learn_link(struct learned *learned, struct indices *indices, const struct sighting *sighting)
{
    const struct sighting *end = sighting->from_client ? end_of(indices, sighting) : NULL;
    struct row_key key = {0};
    struct link_learned *link;

    if (end == NULL)
        return;
    learned->links = grown(learned->links, learned->link_count, sizeof(*learned->links));
    key_add_address(&key, sighting->from);
    key_add(&key, end->account.bytes, sizeof(end->account.bytes));
    key_add(&key, end->method, sizeof(end->method));
    link = &learned->links[row_of(&indices->links, &key, &learned->link_count)];
    if (link->tally.count == 0) {
        link->address = sighting->from;
        link->account = end->account;
        memcpy(link->method, end->method, sizeof(link->method));
        link->seen_by = sighting->node;
        link->ended_at = end->node;
    }
    count_in(&link->tally, sighting);
}

void learned_init(struct learned *learned, const struct observer *observer, const uint32_t nodes[], size_t node_count)
{
    struct heap_of_sightings heap;
    struct indices indices;

    *learned = (struct learned){.nodes = xmalloc((node_count + 1) * sizeof(uint32_t)), .node_count = node_count};
    if (node_count > 0)
        memcpy(learned->nodes, nodes, node_count * sizeof(uint32_t));
    heap = gather(learned, observer);
    table_init(&indices.callers, row_key_of, 1);
    table_init(&indices.mailboxes, row_key_of, 1);
    table_init(&indices.pairs, row_key_of, 1);
    table_init(&indices.links, row_key_of, 1);
    table_init(&indices.by_layer, trail_key, 1);
    table_init(&indices.by_answer, trail_key, 1);
    for (size_t i = 0; i < heap.count; i++) {
        learn_caller(learned, &indices.callers, heap.all[i]);
        learn_mailbox(learned, &indices.mailboxes, heap.all[i]);
        learn_pair(learned, &indices.pairs, heap.all[i]);
        leave_trail(&indices.by_layer, heap.all[i]->layer_in, heap.all[i]);
        if (heap.all[i]->has_account) /* the path's end: the others only passed it on */
            leave_trail(&indices.by_answer, heap.all[i]->answer, heap.all[i]);
    }
    for (size_t i = 0; i < heap.count; i++)
        learn_link(learned, &indices, heap.all[i]);
    index_fini(&indices.callers);
    index_fini(&indices.mailboxes);
    index_fini(&indices.pairs);
    index_fini(&indices.links);
    index_fini(&indices.by_layer);
    index_fini(&indices.by_answer);
    free(heap.all);
}

void learned_fini(struct learned *learned)
{
    free(learned->nodes);
    free(learned->callers);
    free(learned->mailboxes);
    free(learned->pairs);
    free(learned->links);
}

/* ---- for people ---- */

static void title(FILE *out, const char *name, size_t count)
{
    char number[32];

    fprintf(out, "  %-38s %15s\n", name, grouped(number, count));
}

static void print_account(FILE *out, const struct account_id *account)
{
    char hex[ACCOUNT_HEX_LEN];

    account_to_hex(account, hex);
    fprintf(out, "%.16s...", hex);
}

static void print_tally(FILE *out, const struct tally *tally)
{
    char bytes[32];

    fprintf(out, "%" PRIu64 " x, %s bytes, at %.1f s", tally->count, grouped(bytes, tally->bytes),
            (double)tally->first_us / 1e6);
    if (tally->count > 1)
        fprintf(out, " to %.1f s", (double)tally->last_us / 1e6);
    fputc('\n', out);
}

static size_t shown(size_t count)
{
    return count < TABLE_ROWS_MAX ? count : TABLE_ROWS_MAX;
}

static void rest(FILE *out, size_t count)
{
    if (count > TABLE_ROWS_MAX)
        fprintf(out, "    ... and %zu more (--json has all)\n", count - TABLE_ROWS_MAX);
}

static void print_links(const struct learned *learned, FILE *out)
{
    char address[ADDRESS_TEXT_MAX];

    title(out, "links of an address to a mailbox", learned->link_count);
    for (size_t i = 0; i < shown(learned->link_count); i++) {
        const struct link_learned *link = &learned->links[i];

        address_text(link->address, address);
        fprintf(out, "    %s: %s at ", address, link->method);
        print_account(out, &link->account);
        fprintf(out, " (seen by node %u, read by node %u): ", link->seen_by, link->ended_at);
        print_tally(out, &link->tally);
    }
    rest(out, learned->link_count);
}

void learned_table(const struct learned *learned, FILE *out)
{
    char address[ADDRESS_TEXT_MAX];

    fprintf(out, "learned by node");
    for (size_t i = 0; i < learned->node_count; i++)
        fprintf(out, "%s%u", i == 0 ? " " : ", ", learned->nodes[i]);
    fputc('\n', out);
    title(out, "requests handled", learned->sightings);
    if (learned->lost > 0)
        title(out, "  more, not written down", learned->lost);
    title(out, "addresses that called", learned->caller_count);
    for (size_t i = 0; i < shown(learned->caller_count); i++) {
        address_text(learned->callers[i].address, address);
        fprintf(out, "    %s: ", address);
        print_tally(out, &learned->callers[i].tally);
    }
    rest(out, learned->caller_count);
    title(out, "mailboxes, by method", learned->mailbox_count);
    for (size_t i = 0; i < shown(learned->mailbox_count); i++) {
        fprintf(out, "    %s ", learned->mailboxes[i].method);
        print_account(out, &learned->mailboxes[i].account);
        if (learned->mailboxes[i].namespace == FACTS_ALL_NAMESPACES)
            fprintf(out, ", all namespaces");
        else if (learned->mailboxes[i].namespace != FACTS_NO_NAMESPACE)
            fprintf(out, ", namespace %" PRIi32, learned->mailboxes[i].namespace);
        fprintf(out, ": ");
        print_tally(out, &learned->mailboxes[i].tally);
    }
    rest(out, learned->mailbox_count);
    title(out, "keys that write to keys", learned->pair_count);
    for (size_t i = 0; i < shown(learned->pair_count); i++) {
        fprintf(out, "    ");
        print_account(out, &learned->pairs[i].source);
        fprintf(out, " to ");
        print_account(out, &learned->pairs[i].recipient);
        fprintf(out, ": ");
        print_tally(out, &learned->pairs[i].tally);
    }
    rest(out, learned->pair_count);
    print_links(learned, out);
}

/* ---- for programs ---- */

static void write_address(struct buf *out, const char *name, struct address address)
{
    char text[ADDRESS_TEXT_MAX];

    address_text(address, text);
    json_write_name(out, name);
    json_write_text(out, bytes_text(text));
}

static void write_account(struct buf *out, const char *name, const struct account_id *account)
{
    char hex[ACCOUNT_HEX_LEN];

    account_to_hex(account, hex);
    json_write_name(out, name);
    json_write_text(out, BYTES_OF(hex));
}

static void write_text(struct buf *out, const char *name, const char *text)
{
    json_write_name(out, name);
    json_write_text(out, bytes_text(text));
}

static void write_number(struct buf *out, const char *name, uint64_t number)
{
    json_write_name(out, name);
    json_write_u64(out, number);
}

static void write_namespace(struct buf *out, int32_t namespace)
{
    if (namespace == FACTS_NO_NAMESPACE)
        return;
    json_write_name(out, "namespace");
    if (namespace == FACTS_ALL_NAMESPACES)
        json_write_text(out, BYTES_LIT("all"));
    else
        json_write_i64(out, namespace);
}

static void write_tally(struct buf *out, const struct tally *tally)
{
    write_number(out, "count", tally->count);
    write_number(out, "bytes", tally->bytes);
    write_number(out, "first_us", (uint64_t)tally->first_us);
    write_number(out, "last_us", (uint64_t)tally->last_us);
    json_close(out, '}');
}

static void open_list(struct buf *out, const char *name)
{
    json_write_name(out, name);
    json_open(out, '[');
}

void learned_json(const struct learned *learned, struct buf *out)
{
    json_open(out, '{');
    open_list(out, "nodes");
    for (size_t i = 0; i < learned->node_count; i++)
        json_write_u64(out, learned->nodes[i]);
    json_close(out, ']');
    write_number(out, "requests", learned->sightings);
    write_number(out, "not_written_down", learned->lost);
    open_list(out, "callers");
    for (size_t i = 0; i < learned->caller_count; i++) {
        json_open(out, '{');
        write_address(out, "address", learned->callers[i].address);
        write_tally(out, &learned->callers[i].tally);
    }
    json_close(out, ']');
    open_list(out, "mailboxes");
    for (size_t i = 0; i < learned->mailbox_count; i++) {
        json_open(out, '{');
        write_account(out, "account", &learned->mailboxes[i].account);
        write_text(out, "method", learned->mailboxes[i].method);
        write_namespace(out, learned->mailboxes[i].namespace);
        write_number(out, "proofs", learned->mailboxes[i].proofs);
        write_tally(out, &learned->mailboxes[i].tally);
    }
    json_close(out, ']');
    open_list(out, "pairs");
    for (size_t i = 0; i < learned->pair_count; i++) {
        json_open(out, '{');
        write_account(out, "source", &learned->pairs[i].source);
        write_account(out, "recipient", &learned->pairs[i].recipient);
        write_tally(out, &learned->pairs[i].tally);
    }
    json_close(out, ']');
    open_list(out, "links");
    for (size_t i = 0; i < learned->link_count; i++) {
        const struct link_learned *link = &learned->links[i];

        json_open(out, '{');
        write_address(out, "address", link->address);
        write_account(out, "account", &link->account);
        write_text(out, "method", link->method);
        write_number(out, "seen_by", link->seen_by);
        write_number(out, "read_by", link->ended_at);
        write_tally(out, &link->tally);
    }
    json_close(out, ']');
    json_close(out, '}');
}
