/* client.h: one user: owns the parts, and says what a user can do.
 *
 * A pure state machine over its env. Two users become friends by a request and its acceptance, which starts a session;
 * texts go asynchronously (PROTOCOL 7: node list from the seed, swarm lookup, paths, proof of work, store at three
 * nodes, poll of three nodes), or synchronously while both listen (PROTOCOL 9). What was accepted from the user or
 * shown to him is on the client's disk, so that a crash loses nothing and shows nothing twice. Source: PROTOCOL 6,
 * 7, 9. */
#ifndef SWARMBED_CLIENT_H
#define SWARMBED_CLIENT_H

#include "client/snode_list.h"
#include "common/env.h"
#include "common/limits.h"
#include "common/onion.h"

/* How clients behave: one for the whole world; it outlives them. */
struct client_preset {
    const struct crypto_suite *suite;
    enum onion_version onion_version; /* ONION_V2 */
    enum enc_type enc_type;           /* ENC_AES_GCM, the era's; ENC_XCHACHA20 */
    uint32_t path_failures;           /* a path is dropped after so many: 3; the era: 1 */
    uint32_t node_failures;           /* 3 */
    uint32_t trials_per_s;            /* of a client's device: bounds the search to LIMIT_POW_MS */
    uint32_t trials_per_slice;        /* 0: a proof is searched at once; else (real time) so many trials between two
                                         looks at the world: the real suite only */
    struct address seed;
};

struct client_config {
    struct env *env;
    const struct client_preset *preset;
    struct snode_list_cache *lists;   /* of the shard: parsed node lists, interned by content */
    const uint8_t *identity_seed;     /* 32 bytes: the ed25519 seed; copied */
    const char *display_name;         /* copied */
    struct session_library *sessions; /* of the shard */
};

struct client;
struct session_library;
struct client *client_new(const struct client_config *config);
void client_free(struct client *client); /* never touches the env */
/* After a restart, in the first callback: reads what the disk has, and goes on sending what was not done. The number of
 * records. */
size_t client_start(struct client *client);
const struct account_id *client_account(const struct client *client);

/* A message on its way: valid until client_forget_sent() or the client's end. */
enum send_state {
    SEND_QUEUED,  /* waits for the node list, the recipient's swarm or a path */
    SEND_PROVING, /* the proof of work is being computed */
    SEND_STORING, /* stores are on their way; none has succeeded yet */
    SEND_STORED,  /* at least one node has it: the message counts as sent */
    SEND_FAILED,
    SEND_DELIVERING,   /* synchronously: on its way to the contact's listening node */
    SEND_DELIVERED,    /* the listening node has handed it over; the contact has not acknowledged it yet */
    SEND_ACKNOWLEDGED, /* the contact has it: the end, also of a message that fell back before */
    SEND_FELL_BACK     /* no acknowledgement came: it is going to be stored */
};
const char *send_state_text(enum send_state state);
struct sent {
    enum send_state state;
    enum err err;    /* SEND_FAILED: why */
    uint32_t number; /* 1, 2, ... per client, in the order of the calls */
    struct account_id recipient;
    uint64_t timestamp_ms; /* of the envelope */
    uint64_t ttl_ms;
    uint64_t trials;      /* charged for the proof that was sent last */
    uint8_t hash[64];     /* era message hash of the proof sent last; zeros before */
    uint8_t stored_count; /* nodes that answered 200, at most 3 */
    struct ed25519_public stored_at[3];
    bool synchronous; /* it was tried synchronously */
    bool fell_back;   /* and is stored nevertheless */
};

/* How one stands with somebody (PROTOCOL 6.6). Numbers as on 2019's disks. */
enum friend_state {
    FRIEND_NONE,
    FRIEND_SENDING, /* the own request is being stored */
    FRIEND_ASKED,   /* it is stored; no answer yet */
    FRIEND_ASKING,  /* they asked: accept or decline */
    FRIEND_FRIENDS,
    FRIEND_EXPIRED /* the own request was not answered in LIMIT_REQUEST_LOCK_MS: one may ask again */
};
const char *friend_state_text(enum friend_state state);
enum friend_state client_friend_state(struct client *client, const struct account_id *contact);

/* Sends a friend request. ERR_TOO_BIG: text over LIMIT_INTRODUCTION_BYTES; ERR_FORMAT: not UTF-8 or empty; ERR_REFUSED:
 * to oneself; ERR_DUPLICATE: a request is pending, either way, or they are friends; ERR_FULL: LIMIT_OUTBOX,
 * LIMIT_CONTACTS; ERR_CRYPTO: an id that is no key. Refused before any work is done. */
MUST_CHECK enum err client_befriend(struct client *client, const struct account_id *recipient, struct bytes text,
                                    const struct sent **sent);
/* Answers a request. ERR_NOT_FOUND: there is none; ERR_CRYPTO: its prekeys are not what they claim to be: it is
 * dropped. */
MUST_CHECK enum err client_accept(struct client *client, const struct account_id *contact);
/* Nothing is sent: the other side sees a request that nobody answers. */
MUST_CHECK enum err client_decline(struct client *client, const struct account_id *contact);
/* From now on whatever comes from that account is dropped, or no longer; how one stands with it stays. ERR_REFUSED:
 * oneself; ERR_FULL: LIMIT_CONTACTS. */
MUST_CHECK enum err client_block(struct client *client, const struct account_id *contact, bool blocked);

/* Sends a text to a friend: synchronously to one who is online, else asynchronously. ERR_REFUSED: no friend;
 * ERR_TOO_BIG: over LIMIT_TEXT_BYTES; ERR_FORMAT: not UTF-8 or empty; ERR_FULL: LIMIT_OUTBOX, LIMIT_OUTBOX_CONTACT;
 * ERR_NOT_READY: the session with the friend is lost, befriend again. */
MUST_CHECK enum err client_send(struct client *client, const struct account_id *contact, struct bytes text,
                                const struct sent **sent);
const struct sent *client_sent(const struct client *client, uint32_t number); /* NULL: forgotten, or never was */
void client_forget_sent(struct client *client,
                        uint32_t number); /* only if it is SEND_STORED (all three done) or FAILED */

/* One poll of three nodes, no hold: what a user who opens the app for a moment does. While one is under way: nothing;
 * after one that is being stopped: another. */
void client_poll_once(struct client *client);
bool client_polling(const struct client *client); /* a poll (of either kind) is under way */
/* Polls without end: long polling if `hold`, else every LIMIT_POLL_PAUSE_MS. */
void client_listen_start(struct client *client, bool hold);
void client_listen_stop(struct client *client);

/* Polls without end, and waits at a listening node: friends who do the same are found, and sent to synchronously.
 * Offline: tells them, and stops both. */
void client_online(struct client *client);
void client_offline(struct client *client);
bool client_listening(const struct client *client); /* a node of the own swarm holds the line */

/* What one knows about a contact's being online (PROTOCOL 9.4). */
enum contact_state { CONTACT_OFFLINE, CONTACT_PROBING, CONTACT_ONLINE };
const char *contact_state_text(enum contact_state state);
enum contact_state client_contact_state(const struct client *client, const struct account_id *contact);

/* Everybody one knows, in the order of getting to know them: start with *cursor = 0; false: no more. */
struct client_contact {
    struct account_id account;
    const char *display_name; /* the contact's own; "" if unknown; valid until the client hears of it again */
    enum friend_state friend_state;
    enum contact_state contact_state;
};
bool client_next_contact(const struct client *client, uint32_t *cursor, struct client_contact *out);
uint32_t client_unfinished(const struct client *client); /* messages on their way, acceptances and such included */

/* What was received: in the order of showing. */
struct received {
    struct received *next;
    struct account_id source;
    uint64_t timestamp_ms; /* of the envelope */
    int64_t shown_ms;
    uint32_t type;                   /* enum envelope_type */
    bool synchronous;                /* it came by the listening node */
    struct bytes text, display_name; /* owned by the record */
};
const struct received *client_inbox(const struct client *client); /* the first; follow ->next */
void client_clear_inbox(struct client *client);

/* Reading, for scenarios and tests. */
struct client_paths {
    size_t count;
    struct ed25519_public nodes[LIMIT_GUARDS][LIMIT_PATH_NODES];
};
void client_paths(const struct client *client, struct client_paths *out);
/* Cached swarm of an account: up to `max` keys; how many there are. */
size_t client_cached_swarm(const struct client *client, const struct account_id *account, struct ed25519_public out[],
                           size_t max);
bool client_busy(const struct client *client); /* anything in flight */

#endif
