#include "client/contact.h"

#include <stdlib.h>
#include <string.h>

#include "client/acknowledge.h"
#include "client/client_state.h"
#include "client/conversation.h"
#include "client/deliver.h"
#include "client/storage.h"

#define RECORD_VERSION 1

/* Bits of one byte of the record. */
enum { FLAG_RESET_IN_NEW = 1, FLAG_BLOCKED = 2 };

const char *contact_state_text(enum contact_state state)
{
    switch (state) {
    case CONTACT_OFFLINE:
        return "offline";
    case CONTACT_PROBING:
        return "probing";
    case CONTACT_ONLINE:
        return "online";
    }
    return "?";
}

static struct bytes account_key(const void *value)
{
    return BYTES_OF(((const struct contact *)value)->account.bytes);
}

static void draw(void *owner, void *out, size_t len)
{
    env_random(owner, out, len);
}

/* Without own prekeys, which are drawn or read. */
static struct contacts *contacts_of(struct client *client)
{
    if (client->contacts == NULL) {
        client->contacts = xcalloc(1, sizeof *client->contacts);
        table_init(&client->contacts->by_account, account_key, 0);
        list_init(&client->contacts->deliveries);
    }
    return client->contacts;
}

struct contact *contact_find(const struct client *client, const struct account_id *account)
{
    return client->contacts == NULL ? NULL : table_get(&client->contacts->by_account, BYTES_OF(account->bytes));
}

struct contact *contact_get(struct client *client, const struct account_id *account)
{
    struct contact *contact = contact_find(client, account);

    if (contact != NULL)
        return contact;
    struct contacts *contacts = contacts_of(client);
    if (contacts->by_account.count == LIMIT_CONTACTS)
        return NULL;
    contact = xcalloc(1, sizeof *contact);
    contact->client = client;
    contact->account = *account;
    list_init(&contact->unfinished);
    table_put(&contacts->by_account, contact);
    return contact;
}

struct contact *contact_next(const struct client *client, uint32_t *cursor)
{
    return client->contacts == NULL ? NULL : table_next(&client->contacts->by_account, cursor);
}

static void free_contact(struct contact *contact)
{
    acknowledge_free(contact);
    free(contact->display_name);
    blob_drop(contact->session);
    free(contact->bundle);
    crypto_wipe(&contact->one_time, sizeof contact->one_time);
    free(contact);
}

void contact_drop(struct contact *contact)
{
    struct client *client = contact->client;

    ASSERT(list_empty(&contact->unfinished) && contact->session == NULL && contact->ping == NULL);
    env_timer_stop(client->env, &contact->timer);
    storage_delete(client, STORAGE_CONTACT, account_key(contact));
    table_remove(&client->contacts->by_account, account_key(contact));
    free_contact(contact);
}

void contacts_free(struct client *client)
{
    struct contact *contact;
    uint32_t cursor = 0;

    if (client->contacts == NULL)
        return;
    deliver_free_all(&client->contacts->deliveries);
    while ((contact = contact_next(client, &cursor)) != NULL)
        free_contact(contact);
    table_fini(&client->contacts->by_account);
    prekeys_fini(&client->contacts->prekeys);
    free(client->contacts);
    client->contacts = NULL;
}

uint64_t contact_timestamp(struct contact *contact)
{
    uint64_t now_ms = (uint64_t)env_now_ms(contact->client->env);

    contact->timestamp_ms = now_ms > contact->timestamp_ms ? now_ms : contact->timestamp_ms + 1;
    return contact->timestamp_ms;
}

void contact_set_name(struct contact *contact, struct bytes name)
{
    free(contact->display_name);
    contact->display_name = NULL;
    if (name.len == 0 || name.len > LIMIT_DISPLAY_NAME_BYTES)
        return;
    contact->display_name = xmalloc(name.len + 1);
    memcpy(contact->display_name, name.data, name.len);
    contact->display_name[name.len] = '\0';
}

void contact_set_bundle(struct contact *contact, const struct prekey_bundle *bundle)
{
    free(contact->bundle);
    contact->bundle = NULL;
    if (bundle == NULL)
        return;
    contact->bundle = xmalloc(sizeof *bundle);
    *contact->bundle = *bundle;
}

void contact_own_bundle(struct contact *contact, struct prekey_bundle *bundle)
{
    struct client *client = contact->client;
    struct prekeys *prekeys = &client->contacts->prekeys;
    struct session_self self;
    struct x25519_pair identity = client_pair(client);
    struct buf value;
    bool changed;

    if (prekeys->registration_id == 0)
        prekeys_init(prekeys, draw, client->env);
    conversation_self(client, &identity, &self);
    prekeys_bundle(prekeys, &self, session_suite_for(client->preset->suite), env_now_ms(client->env),
                   &contact->one_time, bundle, &changed);
    crypto_wipe(&identity, sizeof identity);
    conversation_charge(client, &self.work);
    if (!changed)
        return;
    storage_value_init(&value);
    prekeys_encode(prekeys, &value);
    storage_put(client, STORAGE_PREKEYS, BYTES_NONE, &value);
    contact_save(contact);
}

/* --- the disk --- */

static void put_bundle(struct buf *value, const struct prekey_bundle *bundle)
{
    storage_u8(value, bundle != NULL);
    if (bundle == NULL)
        return;
    storage_u32(value, bundle->prekey_id);
    storage_u32(value, bundle->signed_key_id);
    buf_append(value, BYTES_OF(bundle->prekey.bytes));
    buf_append(value, BYTES_OF(bundle->signed_key.bytes));
    buf_append(value, BYTES_OF(bundle->signature));
}

static void read_bundle(struct storage_reader *reader, struct contact *contact)
{
    struct prekey_bundle bundle = {.identity = contact->account};

    if (storage_read_u8(reader) == 0)
        return;
    bundle.prekey_id = storage_read_u32(reader);
    bundle.signed_key_id = storage_read_u32(reader);
    storage_read_exactly(reader, bundle.prekey.bytes, sizeof bundle.prekey.bytes);
    storage_read_exactly(reader, bundle.signed_key.bytes, sizeof bundle.signed_key.bytes);
    storage_read_exactly(reader, bundle.signature, sizeof bundle.signature);
    contact_set_bundle(contact, &bundle);
}

void contact_save(struct contact *contact)
{
    uint8_t one_time[ONE_TIME_PREKEY_BYTES];
    struct buf value;

    storage_value_init(&value);
    storage_u8(&value, RECORD_VERSION);
    storage_u8(&value, contact->friend_state);
    storage_u8(&value, contact->reset);
    storage_u8(&value,
               (contact->reset_in_new ? FLAG_RESET_IN_NEW : 0) | (contact->blocked ? FLAG_BLOCKED : 0));
    storage_u64(&value, (uint64_t)contact->asked_ms);
    storage_u64(&value, (uint64_t)contact->asking_ms);
    storage_u64(&value, (uint64_t)contact->reset_ms);
    storage_u64(&value, contact->timestamp_ms);
    storage_u64(&value, contact->status_ms);
    storage_bytes(&value, contact->display_name == NULL ? BYTES_NONE : bytes_text(contact->display_name));
    put_bundle(&value, contact->bundle);
    one_time_prekey_encode(&contact->one_time, one_time);
    buf_append(&value, BYTES_OF(one_time));
    crypto_wipe(one_time, sizeof one_time);
    storage_bytes(&value, blob_bytes(contact->session));
    storage_put(contact->client, STORAGE_CONTACT, account_key(contact), &value);
}

bool contact_load(struct client *client, struct bytes key, struct bytes value)
{
    struct storage_reader reader = {value, false};
    uint8_t one_time[ONE_TIME_PREKEY_BYTES];
    struct account_id account;

    if (key.len != sizeof account.bytes || storage_read_u8(&reader) != RECORD_VERSION)
        return false;
    memcpy(account.bytes, key.data, key.len);
    struct contact *contact = contact_get(client, &account);
    if (contact == NULL)
        return false;
    contact->friend_state = storage_read_u8(&reader);
    contact->reset = storage_read_u8(&reader);
    uint8_t flags = storage_read_u8(&reader);
    contact->reset_in_new = (flags & FLAG_RESET_IN_NEW) != 0;
    contact->blocked = (flags & FLAG_BLOCKED) != 0;
    contact->asked_ms = (int64_t)storage_read_u64(&reader);
    contact->asking_ms = (int64_t)storage_read_u64(&reader);
    contact->reset_ms = (int64_t)storage_read_u64(&reader);
    contact->timestamp_ms = storage_read_u64(&reader);
    contact->status_ms = storage_read_u64(&reader);
    contact_set_name(contact, storage_read_bytes(&reader));
    read_bundle(&reader, contact);
    storage_read_exactly(&reader, one_time, sizeof one_time);
    one_time_prekey_decode(&contact->one_time, one_time);
    crypto_wipe(one_time, sizeof one_time);
    struct bytes session = storage_read_bytes(&reader);
    if (session.len > 0)
        contact->session = blob_copy(session);
    if (storage_read_end(&reader) && contact->friend_state <= FRIEND_EXPIRED && contact->reset <= RESET_REQUESTED)
        return true;
    table_remove(&client->contacts->by_account, account_key(contact));
    free_contact(contact);
    return false;
}

bool contact_load_prekeys(struct client *client, struct bytes value)
{
    return prekeys_decode(&contacts_of(client)->prekeys, value) == OK;
}
