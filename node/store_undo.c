/* What is put back when the disk fails: deleted messages, former expiries, former revocations (PROTOCOL 3.14). */
#include <stdlib.h>
#include <string.h>

#include "node/store_content.h"
#include "node/store_record.h"

struct undo {
    struct undo *older;
    struct stored_body *body; /* a record's, before the change; NULL: of revocations */
    uint64_t arrival;
    bool moved;
    bool on_its_way; /* the record was not durable itself: it may be lost by now */
    struct account_id account;
    uint32_t count;
    struct subaccount_token tokens[];
};

static void add(struct store *store, struct undo *undo)
{
    struct group *group = &store_ensure_content(store)->waiting;

    undo->older = group->undo;
    group->undo = undo;
}

void store_undo_note(struct store *store, const struct record *record)
{
    struct undo *undo = xcalloc(1, sizeof(*undo));

    undo->body = body_keep(record->body);
    undo->arrival = record->arrival;
    undo->moved = record->moved;
    undo->on_its_way = !record->shown;
    add(store, undo);
}

void store_undo_note_revoked(struct store *store, const struct account_id *account,
                             const struct subaccount_token tokens[], size_t count)
{
    struct undo *undo = xcalloc(1, sizeof(*undo) + count * sizeof(tokens[0]));

    undo->account = *account;
    undo->count = (uint32_t)count;
    if (count > 0)
        memcpy(undo->tokens, tokens, count * sizeof(tokens[0]));
    add(store, undo);
}

static struct undo *take(struct group *group)
{
    struct undo *undo = group->undo;

    if (undo != NULL)
        group->undo = undo->older;
    return undo;
}

static void undo_free(struct undo *undo)
{
    if (undo->body != NULL)
        body_drop(undo->body);
    free(undo);
}

void store_undo_drop(struct group *group)
{
    struct undo *undo;

    while ((undo = take(group)) != NULL)
        undo_free(undo);
}

/* A newer message of its outbox has become durable meanwhile. */
static bool is_replaced(const struct store_index *index, const struct undo *undo)
{
    const struct stored_body *body = undo->body;
    const struct space *space;

    if (!store_is_outbox(body))
        return false;
    space = store_index_space(index, &body->account, body->namespace);
    return space != NULL && space->last->arrival > undo->arrival;
}

/* It had its room: what came later and is held became durable before the change would have. */
static void put_back(struct store *store, const struct undo *undo)
{
    struct record *record = store_index_add(&store->content->index, undo->body, undo->arrival, CAUSE_DISK);

    record->moved = undo->moved;
    store->counts.records++;
    store->counts.bytes += store_record_bytes(undo->body);
    store_hold(store, record);
    store_write(store, record);
}

static void undo_record(struct store *store, const struct undo *undo)
{
    struct store_index *index = &store->content->index;
    struct record *record = store_index_same(index, undo->body);

    if (record != NULL) {
        ASSERT(record->arrival == undo->arrival);
        store_replace_body(store, record, undo->body);
    } else if (!undo->on_its_way && !is_replaced(index, undo)) {
        put_back(store, undo);
    }
}

void store_undo_run(struct store *store, struct group *group)
{
    struct undo *undo;

    while ((undo = take(group)) != NULL) {
        if (undo->body == NULL)
            store_revoked_set(store, &undo->account, undo->tokens, undo->count);
        else
            undo_record(store, undo);
        undo_free(undo);
    }
}
