#include "node/store.h"

#include <stdlib.h>

#include "common/limits.h"
#include "node/store_content.h"
#include "node/store_record.h"
#include "proto/namespace.h"

/* Keys on the disk from here on are not ours: half of the field, so that numbering goes on after whatever was read. */
#define ARRIVAL_MAX (UINT64_C(1) << (ARRIVAL_BITS - 1))

static bool is_over(const struct stored_body *body, int64_t now_ms)
{
    return body_expiry_ms(body) < now_ms;
}

/* The memory of a store comes with its first message or change, and goes with its last. */
struct store_content *store_ensure_content(struct store *store)
{
    struct store_content *content = store->content;

    if (content != NULL)
        return content;
    store->content = content = xcalloc(1, sizeof(*content));
    content->store = store;
    store_index_init(&content->index, store->records_max);
    return content;
}

static void free_content(struct store *store)
{
    if (store->content == NULL)
        return;
    store_undo_drop(&store->content->in_flight);
    store_undo_drop(&store->content->waiting);
    store_index_fini(&store->content->index);
    free(store->content);
    store->content = NULL;
}

static void free_if_empty(struct store *store)
{
    struct store_content *content = store->content;

    if (store->counts.records > 0 || content->syncing || content->waiting.undo != NULL)
        return;
    env_timer_stop(store->env, &content->sweep);
    free_content(store);
}

void store_init(struct store *store, struct env *env, uint64_t bytes_max, uint32_t records_max, void *owner,
                store_stored_fn stored)
{
    *store = (struct store){
        .env = env, .bytes_max = bytes_max, .records_max = records_max, .owner = owner, .stored = stored};
}

void store_fini(struct store *store)
{
    free_content(store);
    store_revoked_fini(store);
}

/* ---- expiry ---- */

static void on_sweep(struct timer *timer)
{
    store_drop_expired(CONTAINER_OF(timer, struct store_content, sweep)->store);
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
    /* Further off for a longer life, or after our clock was set back: the sweep finds nothing, and starts the next. */
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

void store_forget(struct store *store, struct record *record)
{
    store->counts.records--;
    store->counts.bytes -= store_record_bytes(record->body);
    disk_delete(store, record->arrival);
    store_index_remove(&store->content->index, record);
}

void store_drop_expired(struct store *store)
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
        store_forget(store, record);
    }
    store_settle(store);
}

void store_settle(struct store *store)
{
    if (store->content == NULL)
        return;
    schedule_sweep(store->content);
    free_if_empty(store);
}

/* ---- deleting and changing ---- */

static void tell_and_forget(struct store *store, struct record *record)
{
    const struct stored_body *body = record->body;

    env_trace(store->env, &(struct trace_record){.kind = TRACE_DELETED,
                                                 .n = {(uint64_t)body_expiry_ms(body)},
                                                 .b = {BYTES_OF(body->account.bytes), BYTES_OF(body->hash)}});
    store_forget(store, record);
}

void store_delete_record(struct store *store, struct record *record)
{
    store_undo_note(store, record);
    tell_and_forget(store, record);
}

void store_write(struct store *store, const struct record *record)
{
    uint8_t key[STORE_KEY_BYTES];
    struct buf value;

    buf_init(&value, SIZE_MAX); /* LIMIT_DATA_CHARS bounds every body */
    store_key_encode(record->arrival, key);
    store_record_encode(record->body, &value);
    env_disk_put(store->env, BYTES_OF(key), buf_bytes(&value));
    buf_fini(&value);
}

void store_change_expiry(struct store *store, struct record *record, int64_t expiry_ms)
{
    struct stored_body *body;

    if (body_expiry_ms(record->body) == expiry_ms)
        return;
    store_undo_note(store, record);
    body = body_with_expiry(record->body, expiry_ms);
    store_replace_body(store, record, body);
    body_drop(body);
}

void store_replace_body(struct store *store, struct record *record, struct stored_body *body)
{
    int64_t previous_ms = body_expiry_ms(record->body);

    store_index_replace(&store->content->index, record, body);
    store_write(store, record);
    env_trace(store->env, &(struct trace_record){.kind = TRACE_EXPIRY,
                                                 .n = {(uint64_t)body_expiry_ms(body), (uint64_t)previous_ms},
                                                 .b = {BYTES_OF(body->account.bytes), BYTES_OF(body->hash)}});
}

int64_t store_twins_expiry(const struct store_index *index, const struct record *first)
{
    int64_t expiry_ms = body_expiry_ms(first->body);

    for (const struct record *twin = store_index_twin(index, first); twin != first;
         twin = store_index_twin(index, twin))
        if (body_expiry_ms(twin->body) > expiry_ms)
            expiry_ms = body_expiry_ms(twin->body);
    return expiry_ms;
}

/* ---- becoming durable ---- */

/*  store_put --disk_put--> pending --sync OK--> held --time--> expired
 *                             `------sync failed--> gone, as if it had never come
 *  change ---> seen, pending --sync OK--> done
 *                   `------sync failed--> undone  */

void store_hold(struct store *store, struct record *record)
{
    const struct stored_body *body = record->body;

    store_index_show(&store->content->index, record);
    env_trace(store->env, &(struct trace_record){.kind = TRACE_STORED,
                                                 .n = {body->data_len, (uint64_t)body_expiry_ms(body), record->cause},
                                                 .b = {BYTES_OF(body->account.bytes), BYTES_OF(body->hash)}});
}

bool store_is_outbox(const struct stored_body *body)
{
    return body->dialect == DIALECT_MODERN && namespace_is_public_outbox(body->namespace);
}

/* Of a public outbox only the newest message stays (PROTOCOL 10.5). The disk knows it already, but for what changed
 * since its sync began. */
static void replace_older(struct store *store, struct record *record)
{
    struct record *older;

    if (!store_is_outbox(record->body))
        return;
    while ((older = store_index_at(&store->content->index, record->prev)) != NULL)
        tell_and_forget(store, older);
}

/* Of what is held, the first that a message on its way to the disk will replace; the others follow it. */
static const struct record *first_replaced(const struct store_index *index, const struct stored_body *body)
{
    const struct space *space =
        store_is_outbox(body) ? store_index_space(index, &body->account, body->namespace) : NULL;

    return space == NULL ? NULL : space->first;
}

/* What an outbox's new message replaces leaves the disk with the sync that brings the new one: whatever becomes of that
 * one later, the old one is not back after a crash. */
static void put_replaced(struct store *store, const struct group *group, const struct record *record)
{
    const struct store_index *index = &store->content->index;
    const struct stored_body *body = record->body;

    if (!store_is_outbox(body))
        return;
    for (const struct record *older = first_replaced(index, body); older != NULL;
         older = store_index_at(index, older->next))
        disk_delete(store, older->arrival);
    for (const struct record *older = group->records; older != record; older = store_index_at(index, older->next))
        if (older->body->namespace == body->namespace && account_equal(&older->body->account, &body->account))
            disk_delete(store, older->arrival);
}

static void on_sync(struct disk_op *op);

static void start_sync(struct store_content *content)
{
    struct group *group = &content->in_flight;

    ASSERT(!content->syncing);
    *group = content->waiting;
    content->waiting = (struct group){0};
    content->syncing = true;
    content->sync_end = content->store->arrivals;
    for (const struct record *record = group->records; record != NULL;
         record = store_index_at(&content->index, record->next))
        put_replaced(content->store, group, record);
    env_disk_sync(content->store->env, &content->sync, on_sync);
}

static void hold_all(struct store_content *content)
{
    struct store *store = content->store;
    struct group *group = &content->in_flight;

    store_undo_drop(group);
    while (group->records != NULL) {
        struct record *record = group->records;

        group->records = store_index_at(&content->index, record->next);
        store->counts.stored++;
        store_hold(store, record);
        replace_older(store, record);
        if (!is_over(record->body, env_now_ms(store->env))) /* else store_drop_expired() in on_sync() is next */
            store->stored(store->owner, record->body);
    }
}

/* Also what they did not replace is put again. */
static void forget_all(struct store_content *content, struct group *group)
{
    while (group->records != NULL) {
        struct record *record = group->records;

        group->records = store_index_at(&content->index, record->next);
        for (const struct record *older = first_replaced(&content->index, record->body); older != NULL;
             older = store_index_at(&content->index, older->next))
            store_write(content->store, older);
        store_forget(content->store, record);
    }
}

/* What was put since that sync began may build on what is lost: it is lost with it. A sync that failed may have written
 * nothing, or leave it to the next one: so the next one gets everything as it is now. */
static void lose_all(struct store_content *content)
{
    struct group *group = &content->in_flight, *later = &content->waiting;

    forget_all(content, group);
    forget_all(content, later);
    store_undo_run(content->store, later);
    store_undo_run(content->store, group);
    if (group->waits == NULL)
        group->waits = later->waits;
    else
        group->last_wait->next = later->waits;
    *later = (struct group){0};
}

static void on_sync(struct disk_op *op)
{
    struct store_content *content = CONTAINER_OF(op, struct store_content, sync);
    struct store *store = content->store;
    struct group *group = &content->in_flight;
    enum err err = op->err;

    if (err == OK)
        hold_all(content);
    else
        lose_all(content);
    while (group->waits != NULL) {
        struct store_wait *wait = group->waits;

        group->waits = wait->next;
        wait->err = err;
        wait->done(wait); /* may free wait */
    }
    content->syncing = false;
    if (content->waiting.records != NULL || content->waiting.waits != NULL || content->waiting.undo != NULL)
        start_sync(content);
    store_drop_expired(store); /* last: it may free the content */
}

static void group_add_record(struct group *group, struct record *record)
{
    if (group->records == NULL)
        group->records = record;
    else
        group->last_record->next = record->id;
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

static void join_next_sync(struct store_content *content, struct store_wait *wait, store_wait_fn done)
{
    group_add_wait(&content->waiting, wait, done);
    if (!content->syncing)
        start_sync(content);
}

void store_sync_changes(struct store *store)
{
    join_next_sync(store_ensure_content(store), NULL, NULL);
}

void store_sync(struct store *store, struct store_wait *wait, store_wait_fn done)
{
    join_next_sync(store_ensure_content(store), wait, done);
}

/* A duplicate prolongs a modern message, and never shortens it (PROTOCOL 10.9). What it finds may be a change that is
 * not durable yet: it is told once that is. */
static enum err put_duplicate(struct store *store, struct record *record, const struct stored_body *body,
                              struct store_wait *wait, store_wait_fn done)
{
    struct store_content *content = store->content;

    store->counts.duplicates++;
    if (body->dialect == DIALECT_MODERN && body_expiry_ms(body) > body_expiry_ms(record->body)) {
        store_change_expiry(store, record, body_expiry_ms(body));
        schedule_sweep(content);
        join_next_sync(content, wait, done);
        return OK;
    }
    if (!record->shown)
        group_add_wait(record->arrival < content->sync_end ? &content->in_flight : &content->waiting, wait, done);
    else if (content->waiting.undo != NULL)
        join_next_sync(content, wait, done);
    else if (content->in_flight.undo != NULL)
        group_add_wait(&content->in_flight, wait, done);
    else
        return ERR_DUPLICATE;
    return OK;
}

bool store_has_room(const struct store *store, uint64_t records, uint64_t bytes)
{
    return store->counts.records + store_revoked_count(store) + records <= store->records_max &&
           store->bytes_max - store->counts.bytes >= bytes;
}

static struct record *add_record(struct store *store, struct stored_body *body, uint64_t arrival,
                                 enum trace_cause cause)
{
    store->counts.records++;
    store->counts.bytes += store_record_bytes(body);
    return store_index_add(&store_ensure_content(store)->index, body, arrival, cause);
}

/* What the store knows of the message before it is put: to today's views it is known also if only the era stored it. */
static void describe(const struct store *store, const struct stored_body *body, const struct record *same,
                     struct store_wait *wait)
{
    const struct record *known = same;

    wait->expiry_ms = body_expiry_ms(body);
    if (body->dialect == DIALECT_MODERN && store->content != NULL)
        known = store_index_modern(&store->content->index, body->modern_hash);
    wait->already = known != NULL;
    if (known == NULL)
        return;
    if (body->dialect == DIALECT_ERA)
        wait->expiry_ms = body_expiry_ms(known->body);
    else if (store_twins_expiry(&store->content->index, known) > wait->expiry_ms)
        wait->expiry_ms = store_twins_expiry(&store->content->index, known);
}

enum err store_put(struct store *store, struct stored_body *body, enum trace_cause cause, struct store_wait *wait,
                   store_wait_fn done)
{
    struct store_content *content;
    struct record *record;

    store_drop_expired(store);
    record = store->content == NULL ? NULL : store_index_same(&store->content->index, body);
    if (wait != NULL)
        describe(store, body, record, wait);
    if (record != NULL)
        return put_duplicate(store, record, body, wait, done);
    if (!store_has_room(store, 1, store_record_bytes(body))) {
        store->counts.refused_full++;
        return ERR_FULL;
    }
    record = add_record(store, body, store->arrivals++, cause);
    content = store->content;
    group_add_record(&content->waiting, record);
    env_charge(store->env, COST_STORE, 1);
    store_write(store, record);
    join_next_sync(content, wait, done);
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

    if (store_key_decode(key, &arrival) != OK) {
        store_revoked_read(store, key, value);
        return;
    }
    if (arrival >= ARRIVAL_MAX)
        return;
    if (arrival >= store->arrivals)
        store->arrivals = arrival + 1;
    body = store_record_decode(value, reading->bodies);
    if (body == NULL)
        return;
    if (is_over(body, env_now_ms(store->env)))
        buf_append(&reading->expired, key);
    else if (store_has_room(store, 1, store_record_bytes(body)) &&
             (store->content == NULL || store_index_same(&store->content->index, body) == NULL))
        store_hold(store, add_record(store, body, arrival, CAUSE_DISK));
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
    store_settle(store);
    return store->counts.records;
}

/* ---- reading ---- */

/* The first record of the account's namespace 0 after `last_hash`. */
static const struct record *first_after(const struct store *store, const struct account_id *account,
                                        const uint8_t *last_hash)
{
    const struct store_index *index = &store->content->index;
    const struct record *last = last_hash == NULL ? NULL : store_index_era(index, last_hash);
    const struct space *space;

    if (last != NULL && last->shown && account_equal(&last->body->account, account))
        return store_index_at(index, last->next);
    space = store_index_space(index, account, 0);
    return space == NULL ? NULL : space->first;
}

size_t store_get(struct store *store, const struct account_id *account, const uint8_t *last_hash,
                 struct stored_body *bodies[], size_t max)
{
    size_t count = 0;

    store_drop_expired(store);
    if (store->content == NULL)
        return 0;
    for (const struct record *record = first_after(store, account, last_hash); record != NULL && count < max;
         record = store_index_at(&store->content->index, record->next))
        bodies[count++] = record->body;
    return count;
}

void store_each(struct store *store, store_each_fn each, void *each_owner)
{
    struct record **sorted;

    store_drop_expired(store);
    if (store->content == NULL)
        return;
    sorted = store_index_sorted(&store->content->index);
    for (uint32_t i = 0; i < store->content->index.count; i++)
        each(each_owner, sorted[i]->body);
    free(sorted);
}

bool store_holds(const struct store *store, const uint8_t hash[64])
{
    const struct record *record = store->content == NULL ? NULL : store_index_era(&store->content->index, hash);

    return record != NULL && record->shown && !is_over(record->body, env_now_ms(store->env));
}

size_t store_held_for(const struct store *store, const struct account_id *account)
{
    int64_t now_ms = env_now_ms(store->env);
    size_t count = 0;

    if (store->content == NULL)
        return 0;
    for (const struct record *record = first_after(store, account, NULL); record != NULL;
         record = store_index_at(&store->content->index, record->next))
        count += !is_over(record->body, now_ms);
    return count;
}
