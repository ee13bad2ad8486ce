/* long_poll.h: retrieves that found nothing and wait for a message.
 *
 * A held retrieve is answered with exactly the message that comes first for its account, or with none when its time is
 * over; if the asker goes, it is forgotten. A node holds LIMIT_LISTENERS, LIMIT_LISTENERS_PER_KEY for one account. Only
 * those whose account got a message are told, also for a batch of a peer. Source: PROTOCOL 3.6. */
#ifndef SWARMBED_LONG_POLL_H
#define SWARMBED_LONG_POLL_H

#include "common/table.h"
#include "node/body_pool.h"
#include "node/rpc_reply.h"

struct long_poll {
    struct env *env;
    struct table by_account; /* struct listened: accounts with at least one listener */
    uint32_t count;          /* listeners */
};

void long_poll_init(struct long_poll *poll, struct env *env);
void long_poll_fini(struct long_poll *poll); /* never touches the env */
/* Holds the retrieve for that long. ERR_FULL: a bound is reached; the reply is still the caller's. */
MUST_CHECK enum err long_poll_hold(struct long_poll *poll, const struct account_id *account,
                                   const struct rpc_reply *reply, uint32_t hold_ms);
/* That message can be retrieved now: answers all who wait for its account, in the order they came. */
void long_poll_notify(struct long_poll *poll, const struct stored_body *body);

/* The answer of a retrieve with these messages (none: an empty list), its trace included. */
void retrieve_answer(struct env *env, struct rpc_reply *reply, const struct account_id *account,
                     struct stored_body *const bodies[], size_t count, int64_t held_ms);

#endif
