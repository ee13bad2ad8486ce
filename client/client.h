/* client.h: one user: owns the parts, and says what a user can do.
 *
 * A pure state machine over its env. Asynchronous routing (PROTOCOL 7): node list from the seed, swarm lookup, paths, proof of
 * work, store at three nodes, poll of three nodes. What users send each other is the friend request's introduction.
 * Source: PROTOCOL 6, 7. */
#ifndef SWARMBED_CLIENT_H
#define SWARMBED_CLIENT_H

#include "client/snode_list.h"
#include "common/env.h"
#include "common/limits.h"
#include "common/onion.h"

/* How clients behave: one for the whole world; it outlives them. */
struct client_preset {
    const struct crypto_suite *suite;
    enum onion_version onion_version;  /* ONION_V2 */
    enum enc_type enc_type;            /* ENC_AES_GCM, the era's; ENC_XCHACHA20 */
    uint32_t path_failures;            /* a path is dropped after so many: 3; the era: 1 */
    uint32_t node_failures;            /* 3 */
    uint32_t trials_per_s;             /* of a client's device: bounds the search to LIMIT_POW_MS */
    struct address seed;
};

struct client_config {
    struct env *env;
    const struct client_preset *preset;
    struct snode_list_cache *lists;    /* of the shard: parsed node lists, interned by content */
    const uint8_t *identity_seed;      /* 32 bytes: the ed25519 seed; copied */
    const char *display_name;          /* copied */
};

struct client;
struct client *client_new(const struct client_config *config);
void client_free(struct client *client);      /* never touches the env */
const struct account_id *client_account(const struct client *client);

/* A message on its way: valid until client_forget_sent() or the client's end. */
enum send_state {
    SEND_QUEUED,      /* waits for the node list, the recipient's swarm or a path */
    SEND_PROVING,     /* the proof of work is being computed */
    SEND_STORING,     /* stores are on their way; none has succeeded yet */
    SEND_STORED,      /* at least one node has it: the message counts as sent */
    SEND_FAILED
};
const char *send_state_text(enum send_state state);
struct sent {
    enum send_state state;
    enum err err;                     /* SEND_FAILED: why */
    uint32_t number;                  /* 1, 2, ... per client, in the order of the calls */
    struct account_id recipient;
    uint64_t timestamp_ms;            /* of the envelope */
    uint64_t ttl_ms;
    uint64_t trials;                  /* charged for the proof that was sent last */
    uint8_t hash[64];                 /* era message hash of the proof sent last; zeros before */
    uint8_t stored_count;             /* nodes that answered 200, at most 3 */
    struct ed25519_public stored_at[3];
};

/* Sends a friend request's introduction. ERR_TOO_BIG: text over LIMIT_INTRODUCTION_BYTES; ERR_FORMAT: not UTF-8 or empty;
 * ERR_REFUSED: to oneself; ERR_FULL: LIMIT_OUTBOX; ERR_CRYPTO: an id that is no key. Refused before anything is sent. */
MUST_CHECK enum err client_befriend(struct client *client, const struct account_id *recipient, struct bytes text,
                                    const struct sent **sent);
const struct sent *client_sent(const struct client *client, uint32_t number); /* NULL: forgotten, or never was */
void client_forget_sent(struct client *client, uint32_t number);              /* only if it is SEND_STORED (all three done) or FAILED */

/* One poll of three nodes, no hold: what a user who opens the app for a moment does. While one is under way: nothing. */
void client_poll_once(struct client *client);
bool client_polling(const struct client *client);          /* a poll (of either kind) is under way */
/* Polls without end: long polling if `hold`, else every LIMIT_POLL_PAUSE_MS. */
void client_listen_start(struct client *client, bool hold);
void client_listen_stop(struct client *client);

/* What was received: in the order of showing. */
struct received {
    struct received *next;
    struct account_id source;
    uint64_t timestamp_ms;            /* of the envelope */
    int64_t shown_ms;
    uint32_t type;                    /* enum envelope_type */
    struct bytes text, display_name;  /* owned by the record */
};
const struct received *client_inbox(const struct client *client);  /* the first; follow ->next */
void client_clear_inbox(struct client *client);

/* Reading, for scenarios and tests. */
struct client_paths {
    size_t count;
    struct ed25519_public nodes[LIMIT_GUARDS][LIMIT_PATH_NODES];
};
void client_paths(const struct client *client, struct client_paths *out);
/* Cached swarm of an account: up to `max` keys; how many there are. */
size_t client_cached_swarm(const struct client *client, const struct account_id *account, struct ed25519_public out[], size_t max);
bool client_busy(const struct client *client);             /* anything in flight */

#endif
