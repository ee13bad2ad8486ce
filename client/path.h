/* path.h: guards and paths: chosen, failed, rebuilt.
 *
 * A guard is a node that answered a direct request; a path is a guard and two more nodes, in no other path. Paths are
 * built when somebody needs one, all together: the node list is fetched if there is none, guards are tested until there
 * are enough, then the rest is drawn. They are built again once fewer than LIMIT_PATHS_MIN are good (or fewer than
 * could be built last time, in a network too small), with the guards that are left. Source: PROTOCOL 4.9. */
#ifndef SWARMBED_PATH_H
#define SWARMBED_PATH_H

#include "client/client.h"
#include "common/list.h"

struct path {
    uint32_t id; /* 1, 2, ... per client: a changed path is another one */
    uint32_t failures;
    uint32_t nodes[LIMIT_PATH_NODES]; /* of the pool; the guard first */
};

/* Embed it; zeroed before the first use. */
struct path_waiter {
    struct list link;
    void (*ready)(struct path_waiter *waiter, enum err err);
};

/* OK: there are paths. ERR_NOT_READY: they are being built, and `ready` follows, with OK or with why there is no path
 * at all: ERR_NOT_FOUND (too few nodes), ERR_UNREACHABLE (no guard answers), or what seed_fetch says. */
MUST_CHECK enum err path_wait(struct client *client, struct path_waiter *waiter,
                              void (*ready)(struct path_waiter *waiter, enum err err));
/* Stops waiting: true if it did wait; then `ready` does not follow. */
bool path_wait_stop(struct path_waiter *waiter);
/* A random one of the good paths that do not contain the target, another than the one of that id if there is another;
 * 0: any. NULL: none. Valid until the next change. */
const struct path *path_pick(struct client *client, const struct ed25519_public *target, uint32_t id);
/* A random node that some path reaches and that is not in `skip`; NODE_NONE: there is none. */
uint32_t path_draw_target(struct client *client, const uint32_t skip[], size_t skip_count);

enum path_culprit {
    CULPRIT_GUARD, /* it did not answer: the others are innocent */
    CULPRIT_REST   /* the guard answered with a failure: every other node is counted */
};
/* One more failure of the path and of its culprits; a path that is no more is no matter. `status`: the answer's, 0 for
 * none. */
void path_failed(struct client *client, uint32_t id, uint16_t status, enum path_culprit culprit);
/* Whether that node is in the path behind its guard: only such a one can be "not found" by another. */
bool path_has_relay(const struct client *client, uint32_t id, const struct ed25519_public *key);
/* A node was dropped from the pool: a path that it guards goes, another gets a random node in its place. */
void path_forget_node(struct client *client, uint32_t node);

bool path_building(const struct client *client);
void path_free(struct client *client); /* never touches the env */
void path_list(const struct client *client, struct client_paths *out);

#endif
