/* friends.h: two clients of a fake swarm who become friends, and what they could have written to one another. */
#ifndef SWARMBED_FRIENDS_H
#define SWARMBED_FRIENDS_H

#include "tests/support/fake_swarm.h"

/* `data` of a friend request, as `from` would send it at that time; the caller's. */
struct blob *friends_request(struct client *from, const struct account_id *to, uint64_t timestamp_ms, const char *text);
/* Polls until nothing new comes from any of the nodes. */
void friends_poll(struct fake_swarm *net, struct client *client);
/* `a` asks, `b` accepts, `a` answers: both have read something in the session. */
void friends_make(struct fake_swarm *net, struct client *a, struct client *b);
/* Both listen, and know it of one another. */
void friends_meet(struct fake_swarm *net, struct client *a, struct client *b);

#endif
