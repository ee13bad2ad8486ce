#include "node/store_index.h"

#include <stdlib.h>

/* An account with at least one shown record, which lends its key. */
struct account_records {
    struct record *first, *last;
};

static struct bytes record_key(const void *value)
{
    return BYTES_OF(((const struct record *)value)->body->hash);
}

static struct bytes account_key(const void *value)
{
    return BYTES_OF(((const struct account_records *)value)->first->body->account.bytes);
}

void store_index_init(struct store_index *index, size_t records_max)
{
    *index = (struct store_index){0};
    table_init(&index->by_hash, record_key, UINT64_C(0x73746f72655f6861));
    table_init(&index->by_account, account_key, UINT64_C(0x73746f72655f6163));
    slab_init(&index->records, sizeof(struct record), records_max);
    slab_init(&index->accounts, sizeof(struct account_records), records_max);
}

void store_index_fini(struct store_index *index)
{
    uint32_t cursor = 0;
    struct record *record;

    while ((record = table_next(&index->by_hash, &cursor)) != NULL)
        body_drop(record->body);
    table_fini(&index->by_hash);
    table_fini(&index->by_account);
    slab_fini(&index->records);
    slab_fini(&index->accounts);
    free(index->heap);
}

struct record *store_index_find(const struct store_index *index, const uint8_t hash[64])
{
    return table_get(&index->by_hash, (struct bytes){hash, 64});
}

struct record *store_index_earliest(const struct store_index *index)
{
    return index->heap_count == 0 ? NULL : index->heap[0];
}

const struct record *store_index_first(const struct store_index *index, const struct account_id *account)
{
    const struct account_records *records = table_get(&index->by_account, BYTES_OF(account->bytes));

    return records == NULL ? NULL : records->first;
}

struct record *store_index_add(struct store_index *index, struct stored_body *body, uint64_t arrival,
                               enum trace_cause cause)
{
    struct record *record = slab_take(&index->records);

    ASSERT(record != NULL); /* the store counts its records */
    record->body = body_keep(body);
    record->arrival = arrival;
    record->cause = cause;
    table_put(&index->by_hash, record);
    return record;
}

/* ---- the heap of ends ---- */

static bool ends_before(const struct record *a, const struct record *b)
{
    int64_t a_ms = body_expiry_ms(a->body), b_ms = body_expiry_ms(b->body);

    return a_ms != b_ms ? a_ms < b_ms : a->arrival < b->arrival;
}

static void heap_push(struct store_index *index, struct record *record)
{
    uint32_t at = index->heap_count++;

    if (index->heap_count > index->heap_cap) {
        index->heap_cap = index->heap_cap == 0 ? 8 : 2 * index->heap_cap;
        index->heap = xrealloc(index->heap, index->heap_cap * sizeof(struct record *));
    }
    while (at > 0 && ends_before(record, index->heap[(at - 1) / 2])) {
        index->heap[at] = index->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    index->heap[at] = record;
}

static void heap_pop(struct store_index *index)
{
    struct record *last = index->heap[--index->heap_count];
    uint32_t at = 0;

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= index->heap_count)
            break;
        if (child + 1 < index->heap_count && ends_before(index->heap[child + 1], index->heap[child]))
            child++;
        if (!ends_before(index->heap[child], last))
            break;
        index->heap[at] = index->heap[child];
        at = child;
    }
    index->heap[at] = last;
}

/* ---- accounts ---- */

static void join_account(struct store_index *index, struct record *record)
{
    struct account_records *account = table_get(&index->by_account, BYTES_OF(record->body->account.bytes));

    record->next = NULL;
    if (account != NULL) {
        record->prev = account->last;
        account->last->next = record;
        account->last = record;
        return;
    }
    record->prev = NULL;
    account = slab_take(&index->accounts);
    ASSERT(account != NULL); /* no more than records */
    account->first = account->last = record;
    table_put(&index->by_account, account);
}

static void leave_account(struct store_index *index, struct record *record)
{
    struct bytes key = BYTES_OF(record->body->account.bytes);
    struct account_records *account = table_get(&index->by_account, key);

    if (account->first == record && account->last == record) {
        (void)table_remove(&index->by_account, key);
        slab_give(&index->accounts, account);
        return;
    }
    if (record->prev != NULL)
        record->prev->next = record->next;
    else
        account->first = record->next;
    if (record->next != NULL)
        record->next->prev = record->prev;
    else
        account->last = record->prev;
}

void store_index_show(struct store_index *index, struct record *record)
{
    record->shown = 1;
    join_account(index, record);
    heap_push(index, record);
}

void store_index_remove(struct store_index *index, struct record *record)
{
    if (record->shown) {
        ASSERT(store_index_earliest(index) == record);
        heap_pop(index);
        leave_account(index, record);
    }
    (void)table_remove(&index->by_hash, record_key(record));
    body_drop(record->body);
    slab_give(&index->records, record);
}
