#include "node/store.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "node/store_content.h"

/* On the disk: under 'r' and the account, the tokens one after another, the oldest first. */
#define KEY_BYTES (1 + sizeof(struct account_id))

struct revoked {
    struct account_id account;
    uint32_t count, cap;
    struct subaccount_token *tokens; /* the oldest first; most accounts have few */
};

struct revocations {
    struct table by_account; /* struct revoked; none is empty */
    uint64_t count;          /* tokens */
};

static struct bytes key_of(const void *value)
{
    return BYTES_OF(((const struct revoked *)value)->account.bytes);
}

static struct revoked *find(const struct store *store, const struct account_id *account)
{
    return store->revocations == NULL ? NULL : table_get(&store->revocations->by_account, BYTES_OF(account->bytes));
}

static bool token_equal(const struct subaccount_token *a, const struct subaccount_token *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static uint32_t position(const struct revoked *revoked, const struct subaccount_token *token)
{
    uint32_t at = 0;

    while (at < revoked->count && !token_equal(&revoked->tokens[at], token))
        at++;
    return at;
}

uint64_t store_revoked_count(const struct store *store)
{
    return store->revocations == NULL ? 0 : store->revocations->count;
}

/* ---- in memory ---- */

static struct revoked *ensure(struct store *store, const struct account_id *account)
{
    struct revoked *revoked = find(store, account);

    if (revoked != NULL)
        return revoked;
    if (store->revocations == NULL) {
        store->revocations = xcalloc(1, sizeof(*store->revocations));
        table_init(&store->revocations->by_account, key_of, UINT64_C(0x7265766f6b656473));
    }
    revoked = xcalloc(1, sizeof(*revoked));
    revoked->account = *account;
    table_put(&store->revocations->by_account, revoked);
    return revoked;
}

static void insert(struct store *store, struct revoked *revoked, uint32_t at, const struct subaccount_token *token)
{
    if (revoked->count == revoked->cap) {
        revoked->cap = revoked->cap == 0 ? 1 : 2 * revoked->cap;
        revoked->tokens = xrealloc(revoked->tokens, revoked->cap * sizeof(*token));
    }
    memmove(&revoked->tokens[at + 1], &revoked->tokens[at], (revoked->count - at) * sizeof(*token));
    revoked->tokens[at] = *token;
    revoked->count++;
    store->revocations->count++;
    store->counts.bytes += sizeof(*token);
}

static void take_out(struct store *store, struct revoked *revoked, uint32_t at)
{
    revoked->count--;
    memmove(&revoked->tokens[at], &revoked->tokens[at + 1], (revoked->count - at) * sizeof(revoked->tokens[0]));
    store->revocations->count--;
    store->counts.bytes -= sizeof(revoked->tokens[0]);
}

static void revoked_free(struct revoked *revoked)
{
    free(revoked->tokens);
    free(revoked);
}

void store_revoked_fini(struct store *store)
{
    uint32_t cursor = 0;
    struct revoked *revoked;

    if (store->revocations == NULL)
        return;
    while ((revoked = table_next(&store->revocations->by_account, &cursor)) != NULL)
        revoked_free(revoked);
    table_fini(&store->revocations->by_account);
    free(store->revocations);
    store->revocations = NULL;
}

/* ---- on the disk ---- */

/* Told and put; an account without tokens leaves memory and disk. */
static void changed(struct store *store, struct revoked *revoked)
{
    uint8_t key[KEY_BYTES] = {'r'};

    memcpy(key + 1, revoked->account.bytes, sizeof(revoked->account.bytes));
    env_disk_put(store->env, BYTES_OF(key),
                 (struct bytes){(const uint8_t *)revoked->tokens, revoked->count * sizeof(revoked->tokens[0])});
    env_trace(store->env, &(struct trace_record){
                              .kind = TRACE_REVOKED, .n = {revoked->count}, .b = {BYTES_OF(revoked->account.bytes)}});
    if (revoked->count > 0)
        return;
    (void)table_remove(&store->revocations->by_account, key_of(revoked));
    revoked_free(revoked);
    if (store->revocations->by_account.count == 0)
        store_revoked_fini(store);
}

void store_revoked_read(struct store *store, struct bytes key, struct bytes value)
{
    struct account_id account;
    struct revoked *revoked;
    struct subaccount_token token;
    size_t count = value.len / sizeof(token);

    if (key.len != KEY_BYTES || key.data[0] != 'r' || count == 0 || count > LIMIT_REVOCATIONS ||
        value.len % sizeof(token) != 0 || !store_has_room(store, count, value.len))
        return;
    memcpy(account.bytes, key.data + 1, sizeof(account.bytes));
    revoked = ensure(store, &account);
    for (size_t i = 0; i < count; i++) {
        memcpy(token.bytes, value.data + i * sizeof(token), sizeof(token));
        if (position(revoked, &token) == revoked->count)
            insert(store, revoked, revoked->count, &token);
    }
}

void store_revoked_set(struct store *store, const struct account_id *account, const struct subaccount_token tokens[],
                       size_t count)
{
    struct revoked *revoked = ensure(store, account);

    while (revoked->count > 0)
        take_out(store, revoked, revoked->count - 1);
    for (size_t i = 0; i < count; i++)
        insert(store, revoked, revoked->count, &tokens[i]);
    changed(store, revoked);
}

/* ---- what the methods do ---- */

static void note(struct store *store, const struct revoked *revoked)
{
    store_undo_note_revoked(store, &revoked->account, revoked->tokens, revoked->count);
}

enum err store_revoke(struct store *store, const struct account_id *account, const struct subaccount_token tokens[],
                      size_t count)
{
    struct revoked *revoked;

    store_drop_expired(store);
    if (!store_has_room(store, count, count * sizeof(tokens[0])))
        return ERR_FULL;
    if (count == 0)
        return OK;
    revoked = ensure(store, account);
    note(store, revoked);
    for (size_t i = 0; i < count; i++) {
        uint32_t at = position(revoked, &tokens[i]);

        if (at < revoked->count)
            take_out(store, revoked, at);
        else if (revoked->count == LIMIT_REVOCATIONS)
            take_out(store, revoked, 0);
        insert(store, revoked, revoked->count, &tokens[i]);
    }
    changed(store, revoked);
    return OK;
}

size_t store_unrevoke(struct store *store, const struct account_id *account, const struct subaccount_token tokens[],
                      size_t count)
{
    struct revoked *revoked = find(store, account);
    size_t removed = 0;

    for (size_t i = 0; i < count && revoked != NULL; i++) {
        uint32_t at = position(revoked, &tokens[i]);

        if (at == revoked->count)
            continue;
        if (removed++ == 0)
            note(store, revoked);
        take_out(store, revoked, at);
    }
    if (removed > 0)
        changed(store, revoked);
    return removed;
}

void store_revoke_older(struct store *store, const struct account_id *account, const struct subaccount_token tokens[],
                        size_t count)
{
    struct revoked *revoked;
    bool any = false;

    store_drop_expired(store);
    if (count == 0 || !store_has_room(store, count, count * sizeof(tokens[0])))
        return;
    revoked = ensure(store, account);
    for (size_t i = count; i-- > 0 && revoked->count < LIMIT_REVOCATIONS;)
        if (position(revoked, &tokens[i]) == revoked->count) {
            if (!any)
                note(store, revoked);
            insert(store, revoked, 0, &tokens[i]);
            any = true;
        }
    if (!any)
        return;
    changed(store, revoked);
    store_sync_changes(store);
}

bool store_is_revoked(const struct store *store, const struct account_id *account, const struct subaccount_token *token)
{
    const struct revoked *revoked = find(store, account);

    return revoked != NULL && position(revoked, token) < revoked->count;
}

void store_each_revoked(const struct store *store, store_revoked_fn each, void *each_owner)
{
    uint32_t cursor = 0;
    const struct revoked *revoked;

    if (store->revocations == NULL)
        return;
    while ((revoked = table_next(&store->revocations->by_account, &cursor)) != NULL)
        each(each_owner, &revoked->account, revoked->tokens, revoked->count);
}
