/* client_state.h: what the parts of one client share; private to client/.
 *
 * The parts hang on pointers that are NULL until the user acts, so that an idle client is little more than its keys. */
#ifndef SWARMBED_CLIENT_STATE_H
#define SWARMBED_CLIENT_STATE_H

#include "client/client.h"
#include "client/snode_pool.h"

struct client {
    struct env *env;
    const struct client_preset *preset;
    struct snode_list_cache *lists;
    struct snode_pool pool;
    struct path_set *paths;
    struct swarm_cache *swarms;
    struct outbox *outbox;
    struct poll *poll;
    struct inbox *inbox;
    struct seen *seen;
    struct contacts *contacts;
    struct listening *listening;
    struct storage *storage;
    struct session_library *sessions;
    uint64_t difficulty; /* of the last answer that told one; the next proof meets it */
    uint32_t sent_count; /* messages ever sent: the last number given */
    struct account_id account;
    struct x25519_secret secret;
    char display_name[]; /* with its end; at most LIMIT_DISPLAY_NAME_BYTES */
};

/* Key pair of the account. The caller wipes it. */
struct x25519_pair client_pair(const struct client *client);

/* POSTs `body` and charges for it. The body stays the caller's. */
void client_post(struct client *client, struct call *call, struct address to, const char *path, enum content content,
                 struct blob *body, uint32_t timeout_ms, call_fn done);
/* Charges for work on so many bytes: COST_SEAL and COST_PARSE count started KiB. */
void client_charge_bytes(struct client *client, enum cost cost, size_t bytes);

/* A known node failed: counted, and at the preset's threshold dropped from the pool, all cached swarms and the paths.
 */
void client_node_failed(struct client *client, uint32_t node);
/* A node that is known to be gone is dropped from all three at once, whether it is in the pool or not. */
void client_node_gone(struct client *client, const struct ed25519_public *key, enum trace_cause cause);

#endif
