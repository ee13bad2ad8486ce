/* contact.h: one record per contact: who it is, how one stands with it, and what is needed to talk to it.
 *
 * A contact begins with a request, in either direction, and lives as long as the client. What must survive a restart is
 * written by contact_save(): all above `private to` in the struct. Clients without contacts have none of this. At most
 * LIMIT_CONTACTS. Source: PROTOCOL 6.6, 9.4, 9.7. */
#ifndef SWARMBED_CONTACT_H
#define SWARMBED_CONTACT_H

#include "client/client.h"
#include "client/prekeys.h"
#include "common/list.h"

struct acknowledgement;
struct delivery;

enum reset_state {
    RESET_NONE,
    RESET_INITIATED, /* told the contact to end the session; its answer in another one is awaited */
    RESET_REQUESTED  /* the contact told us: a new session is begun, its confirmation is awaited */
};

struct contact {
    struct client *client;
    struct account_id account;
    /* saved */
    uint8_t friend_state; /* enum friend_state as of the last event: friend_state_now() minds the clock */
    uint8_t reset;        /* enum reset_state */
    bool reset_in_new;    /* RESET_REQUESTED: the new session is the active one */
    bool blocked;         /* whatever comes from it is dropped unopened */
    int64_t asked_ms;     /* own request: when it was stored */
    int64_t asking_ms;    /* their request: its envelope's time */
    int64_t reset_ms;
    uint64_t timestamp_ms;           /* the last one given to an own envelope: no two share one */
    uint64_t status_ms;              /* envelope time of the newest status that was heeded */
    char *display_name;              /* NULL: none */
    struct blob *session;            /* record of session.h; NULL: no session */
    struct prekey_bundle *bundle;    /* theirs, until a session is begun from it; NULL: none */
    struct one_time_prekey one_time; /* made for them; id 0: none */
    /* private to presence.c, and lost in a restart */
    uint8_t presence; /* enum contact_state */
    bool has_node;
    struct ed25519_public node; /* their listening node */
    int64_t heard_ms;           /* the last sign of them */
    struct timer timer;
    struct delivery *ping; /* not acknowledged yet */
    /* private to route.c: their messages that are not done, in the order of sending */
    struct list unfinished;
    uint32_t unfinished_count, delivering_count;
    /* private to acknowledge.c */
    struct acknowledgement *acknowledgement;
};

struct contacts {
    struct table by_account;
    struct prekeys prekeys;
    struct list deliveries; /* deliver.c: all that is under way */
};

struct contact *contact_find(const struct client *client, const struct account_id *account); /* NULL: none */
struct contact *contact_get(struct client *client, const struct account_id *account); /* a new one too; NULL: full */
/* The next one, in the order of getting to know them; start with *cursor = 0; NULL: no more. */
struct contact *contact_next(const struct client *client, uint32_t *cursor);
/* Forgets a contact without unfinished messages and without session, on the disk too. */
void contact_drop(struct contact *contact);
void contact_save(struct contact *contact);
void contacts_free(struct client *client); /* never touches the env */

/* Time for the next envelope to this contact: now, or a little later if that one is taken. */
uint64_t contact_timestamp(struct contact *contact);
/* Replaces what is known; empty: unknown. */
void contact_set_name(struct contact *contact, struct bytes name);
/* Their bundle, kept; NULL: dropped. */
void contact_set_bundle(struct contact *contact, const struct prekey_bundle *bundle);
/* The bundle for them; it may be sent once what is written is durable. */
void contact_own_bundle(struct contact *contact, struct prekey_bundle *bundle);

bool contact_load(struct client *client, struct bytes key, struct bytes value);
bool contact_load_prekeys(struct client *client, struct bytes value);

#endif
