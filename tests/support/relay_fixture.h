/* relay_fixture.h: the relay of one node, and onions for it.
 *
 * Node 1 is under test; node 7 is decommissioned, 9 is unknown. What the relay is to execute is noted, and answered by
 * the test. */
#ifndef SWARMBED_RELAY_FIXTURE_H
#define SWARMBED_RELAY_FIXTURE_H

#include "node/relay.h"
#include "tests/support/fake_env.h"
#include "tests/support/membership_builder.h"

#define OWN     1
#define NETWORK "0: 1 2 3 4 5; none: 7"

#define RPC       "{\"method\":\"info\",\"params\":{}}"
#define LONG_POLL "{\"X-Loki-Long-Poll\":\"true\"}"

struct relay_fixture {
    struct fake_env fake;
    struct snode_preset preset;
    struct snode_keys keys;
    struct snode_config config;
    struct replicate replicate;
    struct membership_view view;
    struct membership *now;
    struct relay relay;
    uint64_t seeds; /* one-use secrets drawn so far */
    /* what the node under test was asked to execute */
    size_t executed;
    struct relay_request *request;
    char body[256];
    bool long_poll;
    bool answer_at_once;
    size_t gone;
};

void relay_fixture_init(struct relay_fixture *world); /* with modelled cryptography */
void relay_fixture_init_with(struct relay_fixture *world, const struct crypto_suite *suite);
void relay_fixture_fini(struct relay_fixture *world);
void set_network(struct relay_fixture *world, const char *text);

struct onion {
    struct bytes outer; /* what a client sends to the first node; in the fake env's arena */
    struct reply_key reply_key;
};

struct onion wrap_for(struct relay_fixture *world, enum onion_version version, enum enc_type type,
                      const uint32_t path[], size_t count, const char *headers);
/* Version 2, for a path of node numbers that ends with 0. */
struct onion wrap_path(struct relay_fixture *world, const uint32_t path[]);
#define ONION(world, ...) wrap_path(world, (const uint32_t[]){__VA_ARGS__, 0})
struct onion wrap_server(struct relay_fixture *world, const char *target);
/* What a node sends on if a client's `outer` were its own inner layer. */
struct bytes as_peer_body(struct relay_fixture *world, enum onion_version version, struct bytes outer, int hop_no);

struct fake_request *from_client(struct relay_fixture *world, struct bytes body);
struct fake_request *from_peer(struct relay_fixture *world, uint32_t peer, struct bytes body);
const char *with_key(struct relay_fixture *world, const char *text, uint32_t node);

/* An answer in clear. */
void expect_clear(const struct fake_request *request, uint16_t status, const char *text);
/* The same, and this node found the error itself. */
void expect_error(const struct relay_fixture *world, const struct fake_request *request, uint16_t status,
                  const char *text);
/* An answer that only the client can open. */
void expect_sealed(struct relay_fixture *world, const struct fake_request *request, const struct onion *onion,
                   uint16_t status, const char *text);

#endif
