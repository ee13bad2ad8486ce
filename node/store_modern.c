#include "node/store.h"

#include <stdlib.h>
#include <string.h>

#include "node/store_content.h"

/* The first of the account's records with that hash, which stands for them all; or NULL. Those on their way to the disk
 * came after those that are shown, so it is shown if any is. */
static struct record *find(struct store *store, const struct account_id *account, const char hash[MESSAGE_HASH_CHARS])
{
    struct record *first;

    store_drop_expired(store);
    if (store->content == NULL)
        return NULL;
    first = store_index_modern(&store->content->index, hash);
    return first != NULL && first->shown && account_equal(&first->body->account, account) ? first : NULL;
}

/* ---- reading ---- */

static const struct record *next_listed(const struct store_index *index, const struct record *record)
{
    while (record != NULL && !store_index_is_first(index, record))
        record = store_index_at(index, record->next);
    return record;
}

static const struct record *first_after(struct store *store, const struct account_id *account, int16_t namespace,
                                        const char *last_hash)
{
    const struct record *last = last_hash == NULL ? NULL : find(store, account, last_hash);
    const struct store_index *index = &store->content->index;
    const struct space *space;

    /* One that has moved stands behind messages that came after the one that its reader got: all is sent again. */
    if (last != NULL && last->body->namespace == namespace && !last->moved)
        return next_listed(index, store_index_at(index, last->next));
    space = store_index_space(index, account, namespace);
    return space == NULL ? NULL : space->first; /* the first of all has no twin before it */
}

/* How many from `record` on fit; *next: the first that does not, or NULL. */
static size_t count_page(const struct store_index *index, const struct record *record,
                         const struct store_budget *budget, const struct record **next)
{
    uint64_t bytes = 0;
    size_t count = 0;

    for (; record != NULL; record = next_listed(index, store_index_at(index, record->next))) {
        if (budget->count_max > 0 && count == budget->count_max)
            break;
        bytes += STORE_PAGE_OVERHEAD + (uint64_t)body_data_bytes(record->body) * 4 / 3;
        if (count > 0 && bytes > budget->bytes_max)
            break;
        count++;
    }
    *next = record;
    return count;
}

size_t store_page(struct store *store, const struct account_id *account, int16_t namespace, const char *last_hash,
                  const struct store_budget *budget, struct store_listed **listed, bool *more)
{
    const struct record *record, *next;
    size_t count;

    *listed = NULL;
    *more = false;
    store_drop_expired(store);
    if (store->content == NULL)
        return 0;
    record = first_after(store, account, namespace, last_hash);
    count = count_page(&store->content->index, record, budget, &next);
    *more = next != NULL;
    *listed = arena_alloc(store->env->arena, (count + 1) * sizeof((*listed)[0]));
    for (size_t i = 0; i < count; i++) {
        (*listed)[i] = (struct store_listed){record->body, store_twins_expiry(&store->content->index, record)};
        record = next_listed(&store->content->index, store_index_at(&store->content->index, record->next));
    }
    return count;
}

bool store_expiry(struct store *store, const struct account_id *account, const char hash[MESSAGE_HASH_CHARS],
                  int64_t *expiry_ms)
{
    const struct record *first = find(store, account, hash);

    if (first != NULL)
        *expiry_ms = store_twins_expiry(&store->content->index, first);
    return first != NULL;
}

/* ---- changing one message: all its records ---- */

/* Those on their way to the disk stay: they are not there yet. */
static void delete_twins(struct store *store, struct record *first)
{
    struct store_index *index = &store->content->index;
    struct record *last = store_index_at(index, first->twin_prev);

    while (last != first) {
        struct record *before = store_index_at(index, last->twin_prev);

        if (last->shown)
            store_delete_record(store, last);
        last = before;
    }
    store_delete_record(store, first);
}

static void set_twins_expiry(struct store *store, struct record *first, int64_t expiry_ms,
                             enum store_direction direction)
{
    struct store_index *index = &store->content->index;
    struct record *twin = first;

    do {
        if (twin->shown && (direction != EXPIRE_SHORTEN || body_expiry_ms(twin->body) > expiry_ms))
            store_change_expiry(store, twin, expiry_ms);
        twin = store_index_twin(index, twin);
    } while (twin != first);
}

bool store_delete(struct store *store, const struct account_id *account, const char hash[MESSAGE_HASH_CHARS])
{
    struct record *first = find(store, account, hash);

    if (first == NULL)
        return false;
    delete_twins(store, first);
    store_settle(store);
    return true;
}

enum store_change store_expire(struct store *store, const struct account_id *account,
                               const char hash[MESSAGE_HASH_CHARS], int64_t expiry_ms, enum store_direction direction,
                               int64_t *now_expiry_ms)
{
    struct record *first = find(store, account, hash);

    if (first == NULL)
        return CHANGE_NOT_HELD;
    *now_expiry_ms = store_twins_expiry(&store->content->index, first);
    if ((direction == EXPIRE_SHORTEN && *now_expiry_ms <= expiry_ms) ||
        (direction == EXPIRE_EXTEND && *now_expiry_ms >= expiry_ms))
        return CHANGE_UNCHANGED;
    *now_expiry_ms = expiry_ms;
    set_twins_expiry(store, first, expiry_ms, direction);
    store_settle(store);
    return CHANGE_UPDATED;
}

/* ---- changing whole namespaces ---- */

/* Runs `change` for every listed message of the spaces; it may remove the message with its twins. */
typedef void (*listed_fn)(struct store *store, struct record *first, int64_t limit_ms, store_changed_fn changed,
                          void *owner);

/* The listed messages of one space, collected first: what happens to one moves its twins. */
static void change_space(struct store *store, const struct account_id *account, int16_t namespace, int64_t limit_ms,
                         listed_fn change, store_changed_fn changed, void *owner)
{
    const struct store_index *index = &store->content->index;
    const struct space *space = store_index_space(index, account, namespace);
    const struct record *record = space == NULL ? NULL : space->first;
    struct record **listed;
    size_t count = 0, at = 0;

    for (const struct record *each = record; each != NULL; each = next_listed(index, store_index_at(index, each->next)))
        count++;
    listed = xmalloc((count + 1) * sizeof(listed[0]));
    for (; record != NULL; record = next_listed(index, store_index_at(index, record->next)))
        listed[at++] = store_index_at(index, record->id);
    for (size_t i = 0; i < count; i++)
        change(store, listed[i], limit_ms, changed, owner);
    free(listed);
}

static int by_number(const void *a, const void *b)
{
    return *(const int16_t *)a - *(const int16_t *)b;
}

/* In ascending order of namespaces. */
static void change_all(struct store *store, const struct account_id *account, const int16_t *namespace,
                       int64_t limit_ms, listed_fn change, store_changed_fn changed, void *owner)
{
    const struct space *space;
    int16_t *namespaces;
    size_t count = 0, at = 0;

    store_drop_expired(store);
    if (store->content == NULL)
        return;
    if (namespace != NULL) {
        change_space(store, account, *namespace, limit_ms, change, changed, owner);
    } else {
        for (space = store_index_spaces(&store->content->index, account); space != NULL; space = space->next)
            count++;
        namespaces = xmalloc((count + 1) * sizeof(namespaces[0]));
        for (space = store_index_spaces(&store->content->index, account); space != NULL; space = space->next)
            namespaces[at++] = space->namespace;
        qsort(namespaces, count, sizeof(namespaces[0]), by_number);
        for (size_t i = 0; i < count; i++)
            change_space(store, account, namespaces[i], limit_ms, change, changed, owner);
        free(namespaces);
    }
    store_settle(store);
}

static void delete_listed(struct store *store, struct record *first, int64_t limit_ms, store_changed_fn changed,
                          void *owner)
{
    if ((int64_t)first->body->timestamp_ms > limit_ms)
        return;
    changed(owner, first->body->namespace, first->body->modern_hash);
    delete_twins(store, first);
}

void store_delete_all(struct store *store, const struct account_id *account, const int16_t *namespace,
                      int64_t before_ms, store_changed_fn changed, void *owner)
{
    change_all(store, account, namespace, before_ms, delete_listed, changed, owner);
}

static void shorten_listed(struct store *store, struct record *first, int64_t limit_ms, store_changed_fn changed,
                           void *owner)
{
    if (store_twins_expiry(&store->content->index, first) <= limit_ms)
        return;
    changed(owner, first->body->namespace, first->body->modern_hash);
    set_twins_expiry(store, first, limit_ms, EXPIRE_SHORTEN);
}

void store_expire_all(struct store *store, const struct account_id *account, const int16_t *namespace,
                      int64_t expiry_ms, store_changed_fn changed, void *owner)
{
    change_all(store, account, namespace, expiry_ms, shorten_listed, changed, owner);
}
