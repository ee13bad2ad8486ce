/* namespace.h: the classes of namespaces: who may store, who may read. Source: PROTOCOL 10.5. */
#ifndef SWARMBED_NAMESPACE_H
#define SWARMBED_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>

#define NAMESPACE_OLD_GROUPS (-10)

/* Anybody stores; the owner alone reads. */
static inline bool namespace_is_public_inbox(int16_t namespace) { return namespace % 10 == 0; }
/* One message at a time, which the owner stores and anybody reads. */
static inline bool namespace_is_public_outbox(int16_t namespace) { return namespace < 0 && -namespace % 20 == 1; }
/* A revoked subaccount still reads it: there it learns of its end. */
static inline bool namespace_is_unrevocable(int16_t namespace) { return namespace < 0 && -namespace % 100 == 11; }

static inline bool namespace_is_read_by_all(int16_t namespace)
{
    return namespace == NAMESPACE_OLD_GROUPS || namespace_is_public_outbox(namespace);
}

#endif
