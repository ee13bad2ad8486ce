#include "node/store_index.h"

#include <stdlib.h>

#define CHUNK_RECORDS UINT32_C(32)
#define BUCKETS_MIN   UINT32_C(8)

static struct bytes account_key(const void *value)
{
    return BYTES_OF(((const struct space *)value)->first->body->account.bytes);
}

void store_index_init(struct store_index *index, size_t records_max)
{
    *index = (struct store_index){0};
    table_init(&index->by_account, account_key, UINT64_C(0x73746f72655f6163));
    slab_init(&index->spaces, sizeof(struct space), records_max);
}

/* ---- records by number ---- */

struct record *store_index_at(const struct store_index *index, uint32_t id)
{
    return id == 0 ? NULL : &index->chunks[(id - 1) / CHUNK_RECORDS][(id - 1) % CHUNK_RECORDS];
}

static void add_chunk(struct store_index *index)
{
    uint32_t first_id = index->chunk_count * CHUNK_RECORDS + 1;
    struct record *chunk = xcalloc(CHUNK_RECORDS, sizeof(*chunk));

    if (index->chunk_count == index->chunk_cap) {
        index->chunk_cap = index->chunk_cap == 0 ? 4 : 2 * index->chunk_cap;
        index->chunks = xrealloc(index->chunks, index->chunk_cap * sizeof(index->chunks[0]));
    }
    index->chunks[index->chunk_count++] = chunk;
    for (uint32_t i = CHUNK_RECORDS; i-- > 0;) {
        chunk[i].next = index->free_id;
        index->free_id = first_id + i;
    }
}

static struct record *take_record(struct store_index *index)
{
    uint32_t id;
    struct record *record;

    if (index->free_id == 0)
        add_chunk(index);
    id = index->free_id;
    record = store_index_at(index, id);
    index->free_id = record->next;
    *record = (struct record){.id = id};
    index->count++;
    return record;
}

static void give_record(struct store_index *index, struct record *record)
{
    uint32_t id = record->id;

    *record = (struct record){.next = index->free_id};
    index->free_id = id;
    index->count--;
}

static int by_arrival(const void *a, const void *b)
{
    const struct record *const *left = a, *const *right = b;

    return ((*left)->arrival > (*right)->arrival) - ((*left)->arrival < (*right)->arrival);
}

struct record **store_index_sorted(const struct store_index *index)
{
    struct record **sorted = xmalloc((index->count + 1) * sizeof(sorted[0]));
    uint32_t count = 0;

    for (uint32_t i = 0; i < index->chunk_count * CHUNK_RECORDS; i++) {
        struct record *record = store_index_at(index, i + 1);

        if (record->body != NULL)
            sorted[count++] = record;
    }
    ASSERT(count == index->count);
    qsort(sorted, count, sizeof(sorted[0]), by_arrival);
    return sorted;
}

void store_index_fini(struct store_index *index)
{
    for (uint32_t i = 0; i < index->chunk_count * CHUNK_RECORDS; i++)
        if (store_index_at(index, i + 1)->body != NULL)
            body_drop(store_index_at(index, i + 1)->body);
    for (uint32_t i = 0; i < index->chunk_count; i++)
        free(index->chunks[i]);
    free(index->chunks);
    for (size_t i = 0; i < INDEX_KEYS; i++)
        free(index->buckets[i]);
    table_fini(&index->by_account);
    slab_fini(&index->spaces);
    free(index->heap);
}

/* ---- the chains of both hashes ---- */

/* Hashes are hashes already: their first bytes are mixed only for those of tests and the alphabet of base64. */
static uint32_t *bucket(const struct store_index *index, enum index_key key, const void *hash)
{
    uint64_t mixed = load_le64(hash) * UINT64_C(0x9e3779b97f4a7c15);

    return &index->buckets[key][(uint32_t)(mixed >> 32) & (index->bucket_count - 1)];
}

static const void *key_hash(const struct record *record, enum index_key key)
{
    return key == BY_ERA ? (const void *)record->body->hash : record->body->modern_hash;
}

static void chain_put(struct store_index *index, enum index_key key, struct record *record)
{
    uint32_t *first = bucket(index, key, key_hash(record, key));

    record->chain[key] = *first;
    *first = record->id;
}

static void chain_remove(struct store_index *index, enum index_key key, const struct record *record)
{
    uint32_t *at = bucket(index, key, key_hash(record, key));

    while (*at != record->id)
        at = &store_index_at(index, *at)->chain[key];
    *at = record->chain[key];
}

static void rehash(struct store_index *index, uint32_t bucket_count)
{
    uint32_t old_count = index->bucket_count;

    index->bucket_count = bucket_count;
    for (enum index_key key = 0; key < INDEX_KEYS; key++) {
        uint32_t *old = index->buckets[key];

        index->buckets[key] = xcalloc(bucket_count, sizeof(uint32_t));
        for (uint32_t i = 0; i < old_count; i++) {
            struct record *record = store_index_at(index, old[i]);

            while (record != NULL) {
                struct record *next = store_index_at(index, record->chain[key]);

                chain_put(index, key, record);
                record = next;
            }
        }
        free(old);
    }
}

struct record *store_index_era(const struct store_index *index, const uint8_t hash[64])
{
    struct record *latest = NULL;

    if (index->bucket_count == 0)
        return NULL;
    for (struct record *record = store_index_at(index, *bucket(index, BY_ERA, hash)); record != NULL;
         record = store_index_at(index, record->chain[BY_ERA]))
        if (bytes_equal(BYTES_OF(record->body->hash), (struct bytes){hash, 64}) &&
            (latest == NULL || record->arrival > latest->arrival))
            latest = record;
    return latest;
}

struct record *store_index_modern(const struct store_index *index, const char hash[MESSAGE_HASH_CHARS])
{
    const struct bytes wanted = {(const uint8_t *)hash, MESSAGE_HASH_CHARS};
    struct record *record = NULL;

    if (index->bucket_count > 0)
        record = store_index_at(index, *bucket(index, BY_MODERN, hash));
    while (record != NULL && !bytes_equal(BYTES_OF(record->body->modern_hash), wanted))
        record = store_index_at(index, record->chain[BY_MODERN]);
    return record;
}

/* In namespace 0 a modern record may stand beside one of the era with the same era hash. */
static struct record *same_of_era(const struct store_index *index, const struct stored_body *body)
{
    struct record *record = NULL;

    if (index->bucket_count > 0)
        record = store_index_at(index, *bucket(index, BY_ERA, body->hash));
    while (record != NULL &&
           (record->body->dialect != DIALECT_ERA || !bytes_equal(BYTES_OF(record->body->hash), BYTES_OF(body->hash))))
        record = store_index_at(index, record->chain[BY_ERA]);
    return record;
}

static struct record *same_of_modern(const struct store_index *index, const struct stored_body *body)
{
    struct record *first = store_index_modern(index, body->modern_hash), *record = first;

    if (first == NULL)
        return NULL;
    do {
        if (record->body->dialect == DIALECT_MODERN)
            return record;
        record = store_index_twin(index, record);
    } while (record != first);
    return NULL;
}

struct record *store_index_same(const struct store_index *index, const struct stored_body *body)
{
    return body->dialect == DIALECT_MODERN ? same_of_modern(index, body) : same_of_era(index, body);
}

/* ---- twins ---- */

bool store_index_is_first(const struct store_index *index, const struct record *record)
{
    return store_index_at(index, record->twin_prev)->arrival >= record->arrival;
}

static void join_twins(struct store_index *index, struct record *record)
{
    struct record *first = store_index_modern(index, record->body->modern_hash), *before, *after = first;

    if (first == NULL) {
        record->twin_next = record->twin_prev = record->id;
        chain_put(index, BY_MODERN, record);
        return;
    }
    before = store_index_at(index, first->twin_prev);
    while (before->arrival > record->arrival) {
        after = before;
        before = store_index_at(index, before->twin_prev);
        if (after == first)
            break;
    }
    record->twin_next = after->id;
    record->twin_prev = before->id;
    before->twin_next = after->twin_prev = record->id;
    if (after != first || before->arrival < record->arrival)
        return;
    chain_remove(index, BY_MODERN, first);
    chain_put(index, BY_MODERN, record);
}

static void leave_twins(struct store_index *index, struct record *record)
{
    struct record *next = store_index_twin(index, record), *prev = store_index_at(index, record->twin_prev);
    bool was_first = store_index_is_first(index, record);

    if (was_first)
        chain_remove(index, BY_MODERN, record);
    if (next == record)
        return;
    next->twin_prev = prev->id;
    prev->twin_next = next->id;
    if (was_first) {
        next->moved = 1;
        chain_put(index, BY_MODERN, next);
    }
}

/* ---- the heap of ends ---- */

static bool ends_before(const struct record *a, const struct record *b)
{
    int64_t a_ms = body_expiry_ms(a->body), b_ms = body_expiry_ms(b->body);

    return a_ms != b_ms ? a_ms < b_ms : a->arrival < b->arrival;
}

static void heap_set(struct store_index *index, uint32_t at, struct record *record)
{
    index->heap[at] = record->id;
    record->heap_at = at;
}

/* The place `at` is free, or the record's own: up or down to where it belongs. */
static void heap_settle(struct store_index *index, uint32_t at, struct record *record)
{
    while (at > 0 && ends_before(record, store_index_at(index, index->heap[(at - 1) / 2]))) {
        heap_set(index, at, store_index_at(index, index->heap[(at - 1) / 2]));
        at = (at - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= index->heap_count)
            break;
        if (child + 1 < index->heap_count &&
            ends_before(store_index_at(index, index->heap[child + 1]), store_index_at(index, index->heap[child])))
            child++;
        if (!ends_before(store_index_at(index, index->heap[child]), record))
            break;
        heap_set(index, at, store_index_at(index, index->heap[child]));
        at = child;
    }
    heap_set(index, at, record);
}

static void heap_push(struct store_index *index, struct record *record)
{
    if (index->heap_count == index->heap_cap) {
        index->heap_cap = index->heap_cap == 0 ? 8 : 2 * index->heap_cap;
        index->heap = xrealloc(index->heap, index->heap_cap * sizeof(index->heap[0]));
    }
    index->heap_count++;
    heap_settle(index, index->heap_count - 1, record);
}

static void heap_remove(struct store_index *index, const struct record *record)
{
    struct record *last = store_index_at(index, index->heap[--index->heap_count]);

    if (last != record)
        heap_settle(index, record->heap_at, last);
}

struct record *store_index_earliest(const struct store_index *index)
{
    return index->heap_count == 0 ? NULL : store_index_at(index, index->heap[0]);
}

/* ---- spaces ---- */

struct space *store_index_spaces(const struct store_index *index, const struct account_id *account)
{
    return table_get(&index->by_account, BYTES_OF(account->bytes));
}

struct space *store_index_space(const struct store_index *index, const struct account_id *account, int16_t namespace)
{
    struct space *space = store_index_spaces(index, account);

    while (space != NULL && space->namespace != namespace)
        space = space->next;
    return space;
}

/* Mostly the last; one that is put back mostly comes before all. */
static void join_records(const struct store_index *index, struct space *space, struct record *record)
{
    struct record *before = space->first->arrival > record->arrival ? NULL : space->last, *after;

    while (before != NULL && before->arrival > record->arrival)
        before = store_index_at(index, before->prev);
    after = before == NULL ? space->first : store_index_at(index, before->next);
    record->prev = before == NULL ? 0 : before->id;
    record->next = after == NULL ? 0 : after->id;
    if (before == NULL)
        space->first = record;
    else
        before->next = record->id;
    if (after == NULL)
        space->last = record;
    else
        after->prev = record->id;
}

static void join_space(struct store_index *index, struct record *record)
{
    const struct stored_body *body = record->body;
    struct space *space = store_index_space(index, &body->account, body->namespace), *head;

    if (space != NULL) {
        join_records(index, space, record);
        return;
    }
    record->next = record->prev = 0;
    head = store_index_spaces(index, &body->account);
    space = slab_take(&index->spaces);
    ASSERT(space != NULL); /* no more than records */
    space->namespace = body->namespace;
    space->first = space->last = record;
    if (head == NULL) {
        table_put(&index->by_account, space);
    } else {
        space->next = head->next;
        head->next = space;
    }
}

static void remove_space(struct store_index *index, struct space *space)
{
    struct bytes account = account_key(space);
    struct space *head = table_get(&index->by_account, account);

    if (head != space) {
        while (head->next != space)
            head = head->next;
        head->next = space->next;
    } else {
        (void)table_remove(&index->by_account, account);
        if (space->next != NULL)
            table_put(&index->by_account, space->next);
    }
    slab_give(&index->spaces, space);
}

static void leave_space(struct store_index *index, struct record *record)
{
    struct space *space = store_index_space(index, &record->body->account, record->body->namespace);
    struct record *next = store_index_at(index, record->next), *prev = store_index_at(index, record->prev);

    if (next == NULL && prev == NULL) {
        remove_space(index, space);
        return;
    }
    if (prev != NULL)
        prev->next = record->next;
    else
        space->first = next;
    if (next != NULL)
        next->prev = record->prev;
    else
        space->last = prev;
}

/* ---- a record's life ---- */

struct record *store_index_add(struct store_index *index, struct stored_body *body, uint64_t arrival,
                               enum trace_cause cause)
{
    struct record *record = take_record(index);

    record->body = body_keep(body);
    record->arrival = arrival;
    record->cause = cause;
    if (index->count > index->bucket_count)
        rehash(index, index->bucket_count == 0 ? BUCKETS_MIN : 2 * index->bucket_count);
    if (body->namespace == 0)
        chain_put(index, BY_ERA, record);
    join_twins(index, record);
    return record;
}

void store_index_show(struct store_index *index, struct record *record)
{
    record->shown = 1;
    join_space(index, record);
    heap_push(index, record);
}

void store_index_replace(struct store_index *index, struct record *record, struct stored_body *body)
{
    struct stored_body *old = record->body;

    record->body = body_keep(body);
    body_drop(old);
    if (record->shown)
        heap_settle(index, record->heap_at, record);
}

void store_index_remove(struct store_index *index, struct record *record)
{
    struct stored_body *body = record->body;

    if (record->shown) {
        heap_remove(index, record);
        leave_space(index, record);
    }
    if (body->namespace == 0)
        chain_remove(index, BY_ERA, record);
    leave_twins(index, record);
    give_record(index, record);
    body_drop(body);
}
