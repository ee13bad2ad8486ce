/* facts.h: what today's calls say to a node that handles them (PROTOCOL 10): for observers.
 *
 * Read as nodes read them, by the same decoders; what a node would refuse as malformed says nothing. */
#ifndef SWARMBED_FACTS_H
#define SWARMBED_FACTS_H

#include "common/json.h"
#include "common/keys.h"
#include "proto/modern_request.h"

#define FACTS_NO_NAMESPACE   INT32_MAX /* none is named: messages by their hashes, or no messages at all */
#define FACTS_ALL_NAMESPACES (INT32_MAX - 1)

struct facts {
    const char *method;
    struct account_id account;
    int32_t namespace;
    bool stores;       /* it brings a message */
    struct bytes data; /* of that: the bytes themselves */
};
typedef void (*facts_fn)(void *owner, const struct facts *facts);

/* Of a call in JSON, if it is today's; else false. Of a batch, sequence or ifelse: of each call in it that names an
 * account; *holds_others is set. */
bool facts_of_call(struct arena *arena, struct bytes method, const struct json *params, bool *holds_others,
                   facts_fn each, void *owner);
/* Of what members pass on to each other: bodies of PATH_SN_STORAGE_CC and of PATH_PUSH_PARTS. */
void facts_of_forwarded(struct arena *arena, struct bytes body, facts_fn each, void *owner);
void facts_of_parts(struct bytes batch, facts_fn each, void *owner);
/* Of a body of PATH_MONITOR: each namespace that is subscribed to. */
void facts_of_monitor(struct arena *arena, struct bytes body, facts_fn each, void *owner);

#endif
