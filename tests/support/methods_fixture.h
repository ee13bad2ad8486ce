/* methods_fixture.h: the parts of a node that methods work on, without the node, in the era's dialect. */
#ifndef SWARMBED_METHODS_FIXTURE_H
#define SWARMBED_METHODS_FIXTURE_H

#include "node/methods.h"
#include "tests/support/node_fixture.h"

struct methods_world {
    struct node_fixture net;
    struct membership_view view;
    struct difficulty difficulty;
    struct store store;
    struct long_poll long_poll;
    struct replicate replicate;
    struct methods methods;
};
extern struct methods_world methods_world;

void methods_world_init(void); /* modelled cryptography, room for everything */
void methods_world_init_with(const struct crypto_suite *suite, uint64_t bytes_max);
void methods_world_fini(void);

/* Executes the body as a direct request, and all that follows at once. */
struct fake_request *execute(struct bytes body);
struct fake_request *execute_held(struct bytes body, uint32_t hold_ms);
struct fake_request *execute_store(const struct test_message *message);
struct fake_request *execute_retrieve(uint32_t account, const char *last_hash);

/* A message of now to an account of the node's swarm. */
void make(struct test_message *message, uint32_t account, const char *data);
void publish(uint64_t difficulty);

#endif
