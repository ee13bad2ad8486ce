#include "node/store.h"

#include <stdlib.h>

#include "common/limits.h"
#include "node/store_index.h"
#include "node/store_record.h"

/* Keys on the disk from here on are not ours: half of the field, so that numbering goes on after whatever was read. */
#define ARRIVAL_MAX (UINT64_C(1) << (ARRIVAL_BITS - 1))

/* What one sync makes durable, and who waits for it; both in order of arrival. */
struct group {
    struct record *records, *last_record;
    struct store_wait *waits, *last_wait;
};

/* All that a store which is not empty needs. */
struct store_content {
    struct store *store;
    struct store_index index;
    struct timer sweep;
    int64_t sweep_ms; /* when it will fire */
    struct disk_op sync;
    bool syncing;
    uint64_t sync_end; /* the sync in flight covers arrivals before this one */
    struct group in_flight, waiting;
};

static struct record *find_record(const struct store *store, const uint8_t hash[64])
{
    return store->content == NULL ? NULL : store_index_find(&store->content->index, hash);
}

static bool is_over(const struct stored_body *body, int64_t now_ms)
{
    return body_expiry_ms(body) < now_ms;
}

/* The memory of a store comes with its first message, and goes with its last. */
static struct store_content *ensure_content(struct store *store)
{
    struct store_content *content = store->content;

    if (content != NULL)
        return content;
    store->content = content = xcalloc(1, sizeof(*content));
    content->store = store;
    store_index_init(&content->index, store->records_max);
    return content;
}

static void free_if_empty(struct store *store)
{
    struct store_content *content = store->content;

    if (store->counts.records > 0 || content->syncing)
        return;
    env_timer_stop(store->env, &content->sweep);
    store_fini(store);
}

void store_init(struct store *store, struct env *env, uint64_t bytes_max, uint32_t records_max, void *owner,
                store_stored_fn stored)
{
    *store = (struct store){
        .env = env, .bytes_max = bytes_max, .records_max = records_max, .owner = owner, .stored = stored};
}

void store_fini(struct store *store)
{
    if (store->content == NULL)
        return;
    store_index_fini(&store->content->index);
    free(store->content);
    store->content = NULL;
}

/* ---- expiry ---- */

static void drop_expired(struct store *store);

static void on_sweep(struct timer *timer)
{
    drop_expired(CONTAINER_OF(timer, struct store_content, sweep)->store);
}

/* Sweeps at most every LIMIT_SWEEP_MS, however many messages end in between. */
static void schedule_sweep(struct store_content *content)
{
    struct env *env = content->store->env;
    const struct record *earliest = store_index_earliest(&content->index);
    int64_t now_ms = env_now_ms(env), delay_ms;

    if (earliest == NULL)
        return;
    delay_ms = body_expiry_ms(earliest->body) + 1 - now_ms;
    delay_ms = delay_ms < LIMIT_SWEEP_MS ? LIMIT_SWEEP_MS : delay_ms;
    /* Further off for a timestamp in the future, or after our clock was set back: the sweep finds nothing, and starts
     * the next. */
    delay_ms = delay_ms > LIMIT_TTL_MS_MAX ? LIMIT_TTL_MS_MAX : delay_ms;
    if (timer_running(&content->sweep) && content->sweep_ms <= now_ms + delay_ms)
        return;
    content->sweep_ms = now_ms + delay_ms;
    env_timer_start(env, &content->sweep, (uint32_t)delay_ms, on_sweep);
}

static void disk_delete(struct store *store, uint64_t arrival)
{
    uint8_t key[STORE_KEY_BYTES];

    store_key_encode(arrival, key);
    env_disk_put(store->env, BYTES_OF(key), BYTES_NONE);
}

static void forget(struct store *store, struct record *record)
{
    store->counts.records--;
    store->counts.bytes -= store_record_bytes(record->body);
    disk_delete(store, record->arrival);
    store_index_remove(&store->content->index, record);
}

static void drop_expired(struct store *store)
{
    struct store_content *content = store->content;
    int64_t now_ms = env_now_ms(store->env);
    struct record *record;

    if (content == NULL)
        return;
    while ((record = store_index_earliest(&content->index)) != NULL && is_over(record->body, now_ms)) {
        const struct stored_body *body = record->body;

        env_trace(store->env, &(struct trace_record){.kind = TRACE_EXPIRED,
                                                     .n = {(uint64_t)body_expiry_ms(body)},
                                                     .b = {BYTES_OF(body->account.bytes), BYTES_OF(body->hash)}});
        store->counts.expired++;
        forget(store, record);
    }
    schedule_sweep(content);
    free_if_empty(store);
}

/* ---- becoming durable ---- */

/*  store_put --disk_put--> pending --sync OK--> held --time--> expired
 *                             `------sync failed--> gone, as if it had never come  */

static void hold(struct store *store, struct record *record)
{
    const struct stored_body *body = record->body;

    store_index_show(&store->content->index, record);
    env_trace(store->env, &(struct trace_record){.kind = TRACE_STORED,
                                                 .n = {body->data_len, (uint64_t)body_expiry_ms(body), record->cause},
                                                 .b = {BYTES_OF(body->account.bytes), BYTES_OF(body->hash)}});
}

static void start_sync(struct store_content *content);

/* Failed: what the sync covered must not come back from the disk later, hence the deletion in forget(). */
static void on_sync(struct disk_op *op)
{
    struct store_content *content = CONTAINER_OF(op, struct store_content, sync);
    struct store *store = content->store;
    struct group *group = &content->in_flight;
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
        if (!is_over(record->body, env_now_ms(store->env))) /* else drop_expired() below is next */
            store->stored(store->owner, record->body);
    }
    while (group->waits != NULL) {
        struct store_wait *wait = group->waits;

        group->waits = wait->next;
        wait->err = err;
        wait->done(wait); /* may free wait */
    }
    content->syncing = false;
    if (content->waiting.records != NULL)
        start_sync(content);
    drop_expired(store); /* last: it may free the content */
}

static void start_sync(struct store_content *content)
{
    ASSERT(!content->syncing);
    content->in_flight = content->waiting;
    content->waiting = (struct group){0};
    content->syncing = true;
    content->sync_end = content->store->arrivals;
    env_disk_sync(content->store->env, &content->sync, on_sync);
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
    struct store_content *content = store->content;

    store->counts.duplicates++;
    if (record->shown)
        return ERR_DUPLICATE;
    group_add_wait(record->arrival < content->sync_end ? &content->in_flight : &content->waiting, wait, done);
    return OK;
}

static bool is_full(const struct store *store, const struct stored_body *body)
{
    return store->counts.records >= store->records_max ||
           store->bytes_max - store->counts.bytes < store_record_bytes(body);
}

static struct record *add_record(struct store *store, struct stored_body *body, uint64_t arrival,
                                 enum trace_cause cause)
{
    store->counts.records++;
    store->counts.bytes += store_record_bytes(body);
    return store_index_add(&ensure_content(store)->index, body, arrival, cause);
}

enum err store_put(struct store *store, struct stored_body *body, enum trace_cause cause, struct store_wait *wait,
                   store_wait_fn done)
{
    struct store_content *content;
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
    content = store->content;
    group_add_record(&content->waiting, record);
    group_add_wait(&content->waiting, wait, done);
    env_charge(store->env, COST_STORE, 1);
    store_key_encode(record->arrival, key);
    env_disk_put(store->env, BYTES_OF(key), store_record_encode(body, store->env->arena));
    if (!content->syncing)
        start_sync(content);
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

    ASSERT(store->content == NULL);
    buf_init(&reading.expired, SIZE_MAX);
    env_disk_each(store->env, read_record, &reading);
    for (size_t at = 0; at < reading.expired.len; at += STORE_KEY_BYTES)
        env_disk_put(store->env, bytes_slice(buf_bytes(&reading.expired), at, STORE_KEY_BYTES), BYTES_NONE);
    buf_fini(&reading.expired);
    if (store->content != NULL)
        schedule_sweep(store->content);
    return store->counts.records;
}

/* ---- reading ---- */

/* The first record of the account after `last_hash`. */
static const struct record *first_after(const struct store *store, const struct account_id *account,
                                        const uint8_t *last_hash)
{
    const struct record *last = last_hash == NULL ? NULL : find_record(store, last_hash);

    if (last != NULL && last->shown && account_equal(&last->body->account, account))
        return last->next;
    return store_index_first(&store->content->index, account);
}

size_t store_get(struct store *store, const struct account_id *account, const uint8_t *last_hash,
                 struct stored_body *bodies[], size_t max)
{
    size_t count = 0;

    drop_expired(store);
    if (store->content == NULL)
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
    if (store->content == NULL)
        return;
    while ((record = table_next(&store->content->index.by_hash, &cursor)) != NULL)
        each(each_owner, record->body);
}

bool store_holds(const struct store *store, const uint8_t hash[64])
{
    const struct record *record = find_record(store, hash);

    return record != NULL && record->shown && !is_over(record->body, env_now_ms(store->env));
}

size_t store_held_for(const struct store *store, const struct account_id *account)
{
    int64_t now_ms = env_now_ms(store->env);
    size_t count = 0;

    if (store->content == NULL)
        return 0;
    for (const struct record *record = first_after(store, account, NULL); record != NULL; record = record->next)
        count += !is_over(record->body, now_ms);
    return count;
}
