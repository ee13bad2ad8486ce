/* observer.h: what service nodes can know: whoever runs them reads along.
 *
 * An observer sits at the seats of some nodes and sees the packets that these handle: who calls, the bytes, when, and
 * what they answer. It opens what the node's own keys open, and nothing else; nothing of the world is asked. Each node
 * has its own notebook, so what any set of nodes learned, alone or together, can be read afterwards.
 *
 * Two ways tie what one node saw to what another saw: the layer that one passed on is the layer that the next one got;
 * and an answer travels back through all nodes of a path unchanged (PROTOCOL 4.6), so all of them see the same bytes.
 */
#ifndef SWARMBED_OBSERVER_H
#define SWARMBED_OBSERVER_H

#include "common/list.h"
#include "sim/facts.h"
#include "sim/testbed.h"

#define OBSERVER_SIGHTINGS_MAX 1000000 /* per node; later ones are only counted */
#define OBSERVER_METHOD_BYTES  24

/* One request that a node handled; or one of today's calls that it brought with others, which then has no bytes of its
 * own and is from nobody. */
struct sighting {
    int64_t at_us;
    uint32_t node;
    uint32_t bytes, answer_bytes; /* of the bodies */
    bool from_client;             /* no node by its authentication: `from` is somebody's address */
    bool onion;
    struct address from;
    uint64_t layer_in, layer_out;       /* an onion's layer as it came, and what was passed on; 0: none */
    uint64_t answer;                    /* a sealed answer's bytes as they left; 0: none */
    char method[OBSERVER_METHOD_BYTES]; /* read at the end of an onion, or from a direct call; "": none */
    bool has_account, has_source;
    bool has_proof;            /* it brings what a store needs: of the era a nonce, a time to live or a timestamp */
    struct account_id account; /* whose mailbox it is about */
    int32_t namespace;         /* or FACTS_NO_NAMESPACE, as in all calls of the era; or FACTS_ALL_NAMESPACES */
    struct account_id source;  /* who wrote what is put there: envelopes say it in clear (PROTOCOL 6.2) */
};

struct observer;
struct observer *observer_new(void);
void observer_free(struct observer *observer);
/* Before the world is built: these nodes, by their numbers; none asked for: all that the world begins with. */
void observer_ask(struct observer *observer, uint32_t node);
/* The tap of a world; the observer is its owner. */
void observer_tap(void *owner, uint32_t seat, const struct tapped *tapped);
/* The world is built, and nothing has run yet. ERR_NOT_FOUND: *node is asked for, and is none. */
MUST_CHECK enum err observer_start(struct observer *observer, struct testbed *testbed, uint32_t *node);

/* The nodes that are observed, ascending. */
const uint32_t *observer_nodes(const struct observer *observer, size_t *count);
/* A node's sightings in the order of time; none for one that is not observed. `lost`: those beyond the bound. */
const struct sighting *const *observer_sightings(const struct observer *observer, uint32_t node, size_t *count,
                                                 uint64_t *lost);

#endif
