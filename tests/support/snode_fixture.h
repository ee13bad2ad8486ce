/* snode_fixture.h: a whole node of the era, and calls to it. */
#ifndef SWARMBED_SNODE_FIXTURE_H
#define SWARMBED_SNODE_FIXTURE_H

#include "node/snode.h"
#include "tests/support/node_fixture.h"

struct snode_world {
    struct node_fixture net;
    struct snode *snode;
};
extern struct snode_world snode_world;

void snode_world_init(void);
void snode_world_init_alone(void); /* it knows of no membership yet */
void snode_world_fini(void);
size_t snode_world_restart(void); /* the machine dies, and starts again with its disk: the messages that it read */

/* A call, and all that follows at once. */
void snode_world_deliver(struct fake_request *request);
struct fake_request *snode_post(const char *path, struct bytes body);
struct fake_request *snode_get(const char *path);
struct fake_request *snode_post_as_peer(const char *path, struct bytes body); /* from another node of the own swarm */
struct fake_request *snode_retrieve(uint32_t account);
struct fake_request *snode_poll(uint32_t account, const char *header); /* the same with that header */
void snode_push(const struct test_message *const messages[], size_t count);
void snode_push_one(const struct test_message *message);
/* A message of now to an account of the node's swarm. */
void snode_make(struct test_message *message, uint32_t account, const char *data);

#endif
