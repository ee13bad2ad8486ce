/* monitor.h: who waits for new messages over an open answer: POST /monitor/v1.
 *
 * One request subscribes to one account, or to several. The answer stays open: its first frame says what became of each
 * subscription, and every message that is stored from then on for one of them sends another. It ends when the caller
 * goes, or after LIMIT_MONITOR_MS; one that has nothing to wait for ends at once. The swarm is not looked at: a node
 * tells of what it stores. A node that nobody asks has none of this. Source: PROTOCOL 10.14. */
#ifndef SWARMBED_NODE_MONITOR_H
#define SWARMBED_NODE_MONITOR_H

#include "common/list.h"
#include "common/suite.h"
#include "common/table.h"
#include "node/store.h"

struct monitor {
    struct env *env;
    const struct crypto_suite *suite;
    const struct store *store; /* knows the revoked subaccounts */
    struct table by_account;   /* struct watched: accounts with at least one subscription */
    struct list connections;
    uint32_t connection_count, subscription_count;
};

struct monitor *monitor_new(struct env *env, const struct crypto_suite *suite, const struct store *store);
void monitor_free(struct monitor *monitor); /* never touches the env; NULL is fine */
void monitor_on_request(struct monitor *monitor, struct incoming *incoming);
/* That message can be retrieved now. */
void monitor_notify(struct monitor *monitor, const struct stored_body *body);

#endif
