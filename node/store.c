#include "node/store.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/slab.h"
#include "node/store_record.h"

#define ARRIVAL_BITS 56
/* Keys on the disk from here on are not ours: half of the field, so that numbering goes on after whatever was read. */
#define ARRIVAL_MAX (UINT64_C(1) << (ARRIVAL_BITS - 1))

/* One replica. */
struct record {
    struct stored_body *body;
    struct record *next;             /* of its account by arrival; until durable: the next one of its group */
    struct record *prev;             /* of its account */
    uint64_t arrival : ARRIVAL_BITS; /* its key on the disk */
    uint64_t cause : 7;              /* enum trace_cause, for the trace when it becomes durable */
    uint64_t durable : 1;
};
static_assert(CAUSE_COUNT <= 1 << 7, "a cause fits its bits");

/* An account with at least one durable record, which lends its key. */
struct account_records {
    struct record *first, *last;
};

/* What one sync makes durable, and who waits for it; both in order of arrival. */
struct group {
    struct record *records, *last_record;
    struct store_wait *waits, *last_wait;
};

/* All that a store which is not empty needs. */
struct store_index {
    struct store *store;
    struct table by_hash;    /* records: in the order of arrival, too */
    struct table by_account; /* account_records */
    struct slab records, accounts;

    struct record **heap; /* durable records by (expiry, arrival), the earliest first */
    uint32_t heap_count, heap_cap;
    struct timer sweep;
    int64_t sweep_ms; /* when it will fire */

    struct disk_op sync;
    bool syncing;
    uint64_t sync_end; /* the sync in flight covers arrivals before this one */
    struct group in_flight, waiting;
};

static struct bytes record_key(const void *value)
{
    return BYTES_OF(((const struct record *)value)->body->hash);
}

static struct bytes account_key(const void *value)
{
    return BYTES_OF(((const struct account_records *)value)->first->body->account.bytes);
}

static struct record *find_record(const struct store *store, const uint8_t hash[64])
{
    return store->index == NULL ? NULL : table_get(&store->index->by_hash, (struct bytes){hash, 64});
}

static bool is_over(const struct stored_body *body, int64_t now_ms)
{
    return body_expiry_ms(body) < now_ms;
}

/* ---- the index as a whole ---- */

/* The memory of a store comes with its first message, and goes with its last. */
static struct store_index *ensure_index(struct store *store)
{
    struct store_index *index = store->index;

    if (index != NULL)
        return index;
    store->index = index = xcalloc(1, sizeof(*index));
    index->store = store;
    table_init(&index->by_hash, record_key, UINT64_C(0x73746f72655f6861));
    table_init(&index->by_account, account_key, UINT64_C(0x73746f72655f6163));
    slab_init(&index->records, sizeof(struct record), store->records_max);
    slab_init(&index->accounts, sizeof(struct account_records), store->records_max);
    return index;
}

static void index_free(struct store_index *index)
{
    table_fini(&index->by_hash);
    table_fini(&index->by_account);
    slab_fini(&index->records);
    slab_fini(&index->accounts);
    free(index->heap);
    free(index);
}

static void free_if_empty(struct store *store)
{
    struct store_index *index = store->index;

    if (index->by_hash.count > 0 || index->syncing)
        return;
    env_timer_stop(store->env, &index->sweep);
    store->index = NULL;
    index_free(index);
}

void store_init(struct store *store, struct env *env, uint64_t bytes_max, uint32_t records_max, void *owner,
                store_stored_fn stored)
{
    *store = (struct store){
        .env = env, .bytes_max = bytes_max, .records_max = records_max, .owner = owner, .stored = stored};
}

void store_fini(struct store *store)
{
    uint32_t cursor = 0;
    struct record *record;

    if (store->index == NULL)
        return;
    while ((record = table_next(&store->index->by_hash, &cursor)) != NULL)
        body_drop(record->body);
    index_free(store->index);
    store->index = NULL;
}

/* ---- the heap ---- */

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

static struct record *heap_pop(struct store_index *index)
{
    struct record *first = index->heap[0], *last = index->heap[--index->heap_count];
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
    return first;
}

/* ---- expiry ---- */

static void drop_expired(struct store *store);

static void on_sweep(struct timer *timer)
{
    struct store_index *index = CONTAINER_OF(timer, struct store_index, sweep);

    drop_expired(index->store);
}

/* Sweeps at most every LIMIT_SWEEP_MS, however many messages end in between. */
static void schedule_sweep(struct store_index *index)
{
    struct env *env = index->store->env;
    int64_t now_ms = env_now_ms(env), delay_ms;

    if (index->heap_count == 0)
        return;
    delay_ms = body_expiry_ms(index->heap[0]->body) + 1 - now_ms;
    delay_ms = delay_ms < LIMIT_SWEEP_MS ? LIMIT_SWEEP_MS : delay_ms;
    /* A timestamp may lie in the future, but not far: see the checks of a store. */
    delay_ms = delay_ms > LIMIT_TTL_MS_MAX ? LIMIT_TTL_MS_MAX : delay_ms;
    if (timer_running(&index->sweep) && index->sweep_ms <= now_ms + delay_ms)
        return;
    index->sweep_ms = now_ms + delay_ms;
    env_timer_start(env, &index->sweep, (uint32_t)delay_ms, on_sweep);
}

static void disk_delete(struct store *store, uint64_t arrival)
{
    uint8_t key[STORE_KEY_BYTES];

    store_key_encode(arrival, key);
    env_disk_put(store->env, BYTES_OF(key), BYTES_NONE);
}

/* Takes a record out of by_hash and gives it back; it is in no list any more. */
static void forget(struct store *store, struct record *record)
{
    struct store_index *index = store->index;

    (void)table_remove(&index->by_hash, record_key(record));
    store->counts.records--;
    store->counts.bytes -= store_record_bytes(record->body);
    disk_delete(store, record->arrival);
    body_drop(record->body);
    slab_give(&index->records, record);
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

static void drop_expired(struct store *store)
{
    struct store_index *index = store->index;
    int64_t now_ms = env_now_ms(store->env);

    if (index == NULL)
        return;
    while (index->heap_count > 0 && is_over(index->heap[0]->body, now_ms)) {
        struct record *record = heap_pop(index);
        const struct stored_body *body = record->body;

        env_trace(store->env, &(struct trace_record){.kind = TRACE_EXPIRED,
                                                     .n = {(uint64_t)body_expiry_ms(body)},
                                                     .b = {BYTES_OF(body->account.bytes), BYTES_OF(body->hash)}});
        store->counts.expired++;
        leave_account(index, record);
        forget(store, record);
    }
    schedule_sweep(index);
    free_if_empty(store);
}

/* ---- becoming durable ---- */

/*  store_put --disk_put--> pending --sync OK--> held --time--> expired
 *                             `------sync failed--> gone, as if it had never come  */

static void hold(struct store *store, struct record *record)
{
    struct store_index *index = store->index;
    const struct stored_body *body = record->body;
    struct account_records *account = table_get(&index->by_account, BYTES_OF(body->account.bytes));

    record->durable = 1;
    record->next = NULL;
    if (account == NULL) {
        account = slab_take(&index->accounts);
        ASSERT(account != NULL); /* as many as records */
        record->prev = NULL;
        account->first = account->last = record;
        table_put(&index->by_account, account);
    } else {
        record->prev = account->last;
        account->last->next = record;
        account->last = record;
    }
    heap_push(index, record);
    env_trace(store->env, &(struct trace_record){.kind = TRACE_STORED,
                                                 .n = {body->data_len, (uint64_t)body_expiry_ms(body), record->cause},
                                                 .b = {BYTES_OF(body->account.bytes), BYTES_OF(body->hash)}});
}

static void start_sync(struct store_index *index);

/* Failed: what the sync covered must not come back from the disk later, hence the deletion in forget(). */
static void on_sync(struct disk_op *op)
{
    struct store_index *index = CONTAINER_OF(op, struct store_index, sync);
    struct store *store = index->store;
    struct group *group = &index->in_flight;
    enum err err = op->err;

    while (group->records != NULL) {
        struct record *record = group->records;

        group->records = record->next;
        if (err != OK) {
            forget(store, record);
            continue;
        }
        store->counts.stored++;
        hold(store, record);
        store->stored(store->owner, record->body);
    }
    while (group->waits != NULL) {
        struct store_wait *wait = group->waits;

        group->waits = wait->next;
        wait->err = err;
        wait->done(wait); /* may free wait */
    }
    index->syncing = false;
    if (index->waiting.records != NULL)
        start_sync(index);
    drop_expired(store); /* last: it may free the index */
}

static void start_sync(struct store_index *index)
{
    ASSERT(!index->syncing);
    index->in_flight = index->waiting;
    index->waiting = (struct group){0};
    index->syncing = true;
    index->sync_end = index->store->arrivals;
    env_disk_sync(index->store->env, &index->sync, on_sync);
}

static void group_add_record(struct group *group, struct record *record)
{
    if (group->records == NULL)
        group->records = record;
    else
        group->last_record->next = record;
    group->last_record = record;
}

static void group_add_wait(struct group *group, struct store_wait *wait, store_wait_fn done)
{
    if (wait == NULL)
        return;
    wait->done = done;
    wait->next = NULL;
    if (group->waits == NULL)
        group->waits = wait;
    else
        group->last_wait->next = wait;
    group->last_wait = wait;
}

static enum err put_duplicate(struct store *store, const struct record *record, struct store_wait *wait,
                              store_wait_fn done)
{
    struct store_index *index = store->index;

    store->counts.duplicates++;
    if (record->durable)
        return ERR_DUPLICATE;
    group_add_wait(record->arrival < index->sync_end ? &index->in_flight : &index->waiting, wait, done);
    return OK;
}

static bool is_full(const struct store *store, const struct stored_body *body)
{
    return store->counts.records >= store->records_max ||
           store->bytes_max - store->counts.bytes < store_record_bytes(body);
}

/* A new record in by_hash and in the counts. */
static struct record *add_record(struct store *store, struct stored_body *body, uint64_t arrival,
                                 enum trace_cause cause)
{
    struct store_index *index = ensure_index(store);
    struct record *record = slab_take(&index->records);

    ASSERT(record != NULL); /* is_full() counts the same */
    record->body = body_keep(body);
    record->arrival = arrival;
    record->cause = cause;
    table_put(&index->by_hash, record);
    store->counts.records++;
    store->counts.bytes += store_record_bytes(body);
    return record;
}

enum err store_put(struct store *store, struct stored_body *body, enum trace_cause cause, struct store_wait *wait,
                   store_wait_fn done)
{
    struct store_index *index;
    struct record *record;
    uint8_t key[STORE_KEY_BYTES];

    drop_expired(store);
    record = find_record(store, body->hash);
    if (record != NULL)
        return put_duplicate(store, record, wait, done);
    if (is_full(store, body)) {
        store->counts.refused_full++;
        return ERR_FULL;
    }
    record = add_record(store, body, store->arrivals++, cause);
    index = store->index;
    group_add_record(&index->waiting, record);
    group_add_wait(&index->waiting, wait, done);
    env_charge(store->env, COST_STORE, 1);
    store_key_encode(record->arrival, key);
    env_disk_put(store->env, BYTES_OF(key), store_record_encode(body, store->env->arena));
    if (!index->syncing)
        start_sync(index);
    return OK;
}

/* ---- reading the disk ---- */

struct reading {
    struct store *store;
    struct body_pool *bodies;
    struct buf expired; /* keys to delete once the walk is over */
};

static void read_record(void *owner, struct bytes key, struct bytes value)
{
    struct reading *reading = owner;
    struct store *store = reading->store;
    struct stored_body *body;
    uint64_t arrival;

    if (store_key_decode(key, &arrival) != OK || arrival >= ARRIVAL_MAX)
        return;
    if (arrival >= store->arrivals)
        store->arrivals = arrival + 1;
    body = store_record_decode(value, reading->bodies);
    if (body == NULL)
        return;
    if (is_over(body, env_now_ms(store->env)))
        buf_append(&reading->expired, key);
    else if (!is_full(store, body) && find_record(store, body->hash) == NULL)
        hold(store, add_record(store, body, arrival, CAUSE_DISK));
    body_drop(body);
}

size_t store_start(struct store *store, struct body_pool *bodies)
{
    struct reading reading = {.store = store, .bodies = bodies};

    ASSERT(store->index == NULL);
    buf_init(&reading.expired, SIZE_MAX);
    env_disk_each(store->env, read_record, &reading);
    for (size_t at = 0; at < reading.expired.len; at += STORE_KEY_BYTES)
        env_disk_put(store->env, bytes_slice(buf_bytes(&reading.expired), at, STORE_KEY_BYTES), BYTES_NONE);
    buf_fini(&reading.expired);
    if (store->index != NULL)
        schedule_sweep(store->index);
    return store->counts.records;
}

/* ---- reading ---- */

/* The first record of the account after `last_hash`. */
static const struct record *first_after(const struct store *store, const struct account_id *account,
                                        const uint8_t *last_hash)
{
    const struct account_records *records;
    const struct record *last = last_hash == NULL ? NULL : find_record(store, last_hash);

    if (last != NULL && last->durable && account_equal(&last->body->account, account))
        return last->next;
    records = table_get(&store->index->by_account, BYTES_OF(account->bytes));
    return records == NULL ? NULL : records->first;
}

size_t store_get(struct store *store, const struct account_id *account, const uint8_t *last_hash,
                 struct stored_body *bodies[], size_t max)
{
    size_t count = 0;

    drop_expired(store);
    if (store->index == NULL)
        return 0;
    for (const struct record *record = first_after(store, account, last_hash); record != NULL && count < max;
         record = record->next)
        bodies[count++] = record->body;
    return count;
}

void store_each(struct store *store, store_each_fn each, void *each_owner)
{
    uint32_t cursor = 0;
    const struct record *record;

    drop_expired(store);
    if (store->index == NULL)
        return;
    while ((record = table_next(&store->index->by_hash, &cursor)) != NULL)
        each(each_owner, record->body);
}

bool store_holds(const struct store *store, const uint8_t hash[64])
{
    const struct record *record = find_record(store, hash);

    return record != NULL && record->durable && !is_over(record->body, env_now_ms(store->env));
}

size_t store_held_for(const struct store *store, const struct account_id *account)
{
    int64_t now_ms = env_now_ms(store->env);
    size_t count = 0;

    if (store->index == NULL)
        return 0;
    for (const struct record *record = first_after(store, account, NULL); record != NULL; record = record->next)
        count += !is_over(record->body, now_ms);
    return count;
}
