/* node_fixture.h: a small network around one node under test: keys, two swarms, accounts, and messages with a proof.
 *
 * Six nodes; the node under test and two others are swarm 0, the other three are swarm 2^63. Nothing but the node under
 * test exists: calls to the others end in the fake env. The suite is the modelled one, so that proofs of any difficulty
 * are cheap. */
#ifndef SWARMBED_NODE_FIXTURE_H
#define SWARMBED_NODE_FIXTURE_H

#include "common/onion.h"
#include "node/snode.h"
#include "proto/peer_rpc.h"
#include "tests/support/fake_env.h"

#define FIXTURE_NODES       6
#define FIXTURE_SWARM_NODES 3 /* of each swarm */
#define FIXTURE_OTHER_SWARM (UINT64_C(1) << 63)

struct node_fixture {
    struct fake_env fake;
    struct snode_preset preset; /* may be changed before snode_new() */
    struct body_pool bodies;
    struct snode_keys keys[FIXTURE_NODES]; /* of the entries, in their order */
    struct snode_entry entries[FIXTURE_NODES];
    struct swarm_entry swarms[2];
    uint32_t members[FIXTURE_NODES];
    struct membership membership; /* both swarms */
    uint32_t own;                 /* the node under test, in entries */
    struct snode_config config;
};

void node_fixture_init(struct node_fixture *fixture);
void node_fixture_fini(struct node_fixture *fixture); /* ASSERTs that no body is left */

/* The n-th account of the own swarm (position n on the ring), or of the other one. */
struct account_id account_here(uint32_t n);
struct account_id account_elsewhere(uint32_t n);

/* A message, with all the texts of its store request. The fields may be changed before sign_message(). */
struct test_message {
    struct account_id account;
    uint64_t ttl_ms, timestamp_ms;
    char pubkey[ACCOUNT_HEX_LEN + 1], ttl[24], timestamp[24], nonce[16], hash_hex[129];
    char data[256];
    uint8_t nonce_bytes[8], hash[64];
};
/* For the account, alive for `ttl_ms` from `timestamp_ms`, with a proof of difficulty 1. */
void make_message(struct test_message *message, const struct account_id *account, uint64_t timestamp_ms,
                  uint64_t ttl_ms, const char *data);
/* Finds nonce and hash for the texts as they stand. */
void sign_message(struct test_message *message, uint64_t difficulty);

/* Request bodies: in the fake env's arena, hence good until the next event. */
struct bytes store_request(struct fake_env *fake, const struct test_message *message);
struct bytes retrieve_request(struct fake_env *fake, const struct account_id *account, const char *last_hash);
struct bytes text_request(struct fake_env *fake, const char *format, ...) PRINTF_LIKE(2, 3);
/* As a peer pushes it. */
void append_to_batch(struct buf *batch, const struct test_message *message);
struct stored_body *body_of(struct body_pool *pool, const struct test_message *message);

/* Fails the test unless the request was answered so. */
void expect_answer(const struct fake_request *request, uint16_t status, const char *body);
/* The same for what an onion of one layer brought back, opened with its key (modelled cryptography). */
void expect_onion_answer(struct arena *arena, const struct fake_request *request, const struct reply_key *key,
                         uint16_t status, const char *body);
/* Fails the test unless the answer is a list of exactly these messages, in order. */
void expect_messages(const struct fake_request *request, const struct test_message *const messages[], size_t count);

#endif
