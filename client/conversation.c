#include "client/conversation.h"

#include "client/client_state.h"
#include "client/friend.h"
#include "client/listening.h"
#include "client/message.h"

/* Old sessions are given up only when their records have grown so much: messages that were sent in them may still come,
 * and nothing but them can read those. */
#define RECORD_BYTES_LARGE (LIMIT_SESSION_BYTES / 2)

static const struct session_suite *suite_of(const struct client *client)
{
    return session_suite_for(client->preset->suite);
}

static void draw(void *owner, void *out, size_t len)
{
    env_random(owner, out, len);
}

void conversation_self(struct client *client, const struct x25519_pair *identity, struct session_self *self)
{
    *self = (struct session_self){
        .library = client->sessions,
        .identity = identity,
        .prekeys = &client->contacts->prekeys,
        .draw = draw,
        .owner = client->env,
        .arena = client->env->arena,
    };
}

void conversation_charge(struct client *client, const struct session_work *work)
{
    env_charge(client->env, COST_X25519, work->x25519);
    env_charge(client->env, COST_SIGN, work->signs);
    client_charge_bytes(client, COST_SEAL, work->sealed_bytes);
}

static void trace_reset(struct contact *contact, enum reset_state step)
{
    env_trace(contact->client->env,
              &(struct trace_record){.kind = TRACE_RESET, .n = {step}, .b = {BYTES_OF(contact->account.bytes)}});
}

enum err conversation_start(struct contact *contact)
{
    struct client *client = contact->client;
    struct x25519_pair identity = client_pair(client);
    struct session_self self;

    if (contact->bundle == NULL)
        return ERR_MISSING;
    conversation_self(client, &identity, &self);
    enum err err = suite_of(client)->start(&self, &contact->account, contact->bundle, &contact->session);
    if (err == ERR_TOO_BIG) { /* the archived sessions have grown: without them */
        blob_drop(contact->session);
        contact->session = NULL;
        err = suite_of(client)->start(&self, &contact->account, contact->bundle, &contact->session);
    }
    crypto_wipe(&identity, sizeof identity);
    conversation_charge(client, &self.work);
    contact_set_bundle(contact, NULL);
    contact_save(contact);
    return err;
}

/* --- sealing --- */

enum err conversation_seal(struct contact *contact, uint64_t timestamp_ms, struct content_parts *content,
                           struct blob **data, uint32_t *type)
{
    struct client *client = contact->client;
    struct x25519_pair identity = client_pair(client);
    struct session_self self;
    struct session_sealed sealed;
    struct bytes plain;

    content->has_status = true;
    listening_status(client, &content->status);
    enum err err = content_encode(content, client->env->arena, &plain);
    if (err != OK)
        return err;
    conversation_self(client, &identity, &self);
    err = suite_of(client)->encrypt(&self, &contact->account, content_pad(plain, client->env->arena), &contact->session,
                                    &sealed);
    crypto_wipe(&identity, sizeof identity);
    conversation_charge(client, &self.work);
    if (err != OK)
        return err;
    contact_save(contact);
    *type = sealed.type;
    return message_wrap(client, &(struct envelope){sealed.type, client->account, timestamp_ms, sealed.wire}, data);
}

/* --- resetting --- */

static bool reset_under_way(const struct contact *contact)
{
    return contact->reset != RESET_NONE && env_now_ms(contact->client->env) - contact->reset_ms < LIMIT_RESET_MS;
}

static void set_reset(struct contact *contact, enum reset_state state)
{
    contact->reset = (uint8_t)state;
    contact->reset_ms = env_now_ms(contact->client->env);
    contact_save(contact);
    trace_reset(contact, state);
}

/* Something came that no session here can read. The old session says so, while it still can. */
static void reset_begin(struct contact *contact)
{
    if (contact->friend_state != FRIEND_FRIENDS || contact->session == NULL || reset_under_way(contact))
        return;
    set_reset(contact, RESET_INITIATED);
    friend_send_end_session(contact);
}

void conversation_on_end_session(struct contact *contact)
{
    const struct client *client = contact->client;
    bool we_yield = bytes_compare(BYTES_OF(client->account.bytes), BYTES_OF(contact->account.bytes)) < 0;

    if (reset_under_way(contact) && !(contact->reset == RESET_INITIATED && we_yield))
        return; /* both ended it at once: the smaller account follows the other */
    if (conversation_start(contact) != OK)
        return;
    contact->reset_in_new = true;
    set_reset(contact, RESET_REQUESTED);
    friend_send_background(contact);
}

static void end_reset(struct contact *contact)
{
    struct client *client = contact->client;
    struct x25519_pair identity = client_pair(client);
    struct session_self self;

    if (contact->session->len > RECORD_BYTES_LARGE) {
        conversation_self(client, &identity, &self);
        enum err err = suite_of(client)->keep_active(&self, &contact->session);
        ASSERT(err == OK);
        conversation_charge(client, &self.work);
    }
    crypto_wipe(&identity, sizeof identity);
    set_reset(contact, RESET_NONE);
}

static void follow_reset(struct contact *contact, const struct session_opened *opened)
{
    switch ((enum reset_state)contact->reset) {
    case RESET_NONE:
        return;
    case RESET_INITIATED:
        if (!opened->switched)
            return;
        end_reset(contact);
        friend_send_background(contact); /* so that the contact knows */
        return;
    case RESET_REQUESTED:
        if (opened->began) /* theirs is newer still: both had ended the old one */
            contact->reset_in_new = true;
        else if (opened->switched)
            contact->reset_in_new = !contact->reset_in_new;
        if (contact->reset_in_new)
            end_reset(contact);
        return;
    }
}

/* --- opening --- */

enum err conversation_open(struct contact *contact, const struct envelope *envelope, struct bytes *content)
{
    struct client *client = contact->client;
    struct x25519_pair identity = client_pair(client);
    struct session_self self;
    struct session_opened opened;

    conversation_self(client, &identity, &self);
    enum err err = suite_of(client)->decrypt(&self, &contact->account, &contact->one_time, envelope->type,
                                             envelope->content, &contact->session, &opened);
    crypto_wipe(&identity, sizeof identity);
    conversation_charge(client, &self.work);
    if (err == ERR_CRYPTO || err == ERR_TOO_BIG)
        reset_begin(contact);
    if (err != OK)
        return err;
    if (opened.prekey_used)
        one_time_prekey_forget(&contact->one_time);
    follow_reset(contact, &opened);
    contact_save(contact);
    return content_unpad(opened.plain, content);
}
