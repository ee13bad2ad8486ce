/* listen_fixture.h: a whole node, those who listen at it and those who deliver to it.
 *
 * Built on node_fixture.h. There is one node at a time: its parts are variables here. */
#ifndef SWARMBED_LISTEN_FIXTURE_H
#define SWARMBED_LISTEN_FIXTURE_H

#include "node/snode.h"
#include "tests/support/node_fixture.h"

#define HELLO     "aGVsbG8="
#define EMPTY     "{\"messages\":[],\"lease\":30000}"
#define ONE_HELLO "{\"messages\":[{\"data\":\"" HELLO "\"}],\"lease\":30000}"
#define NOBODY    "{\"listening\":false}"
#define KEY_OF_1  "050000000000000001000000000000000000000000000000000000000000000000"

extern struct node_fixture fixture;
extern struct snode *snode;

void fixture_start(void);
void fixture_end(void);
void fixture_advance_ms(int64_t ms);

struct fake_request *post_to_node(const char *path, struct bytes body);
struct fake_request *rpc_to_node(struct bytes body);
/* Request bodies: in the fake env's arena, hence good until the next event. */
struct bytes listen_body(const struct account_id *account, uint8_t who, uint32_t hold_ms);
struct bytes deliver_body(const struct account_id *account, struct bytes data);
/* That listener, of one account of this swarm. */
struct fake_request *listens(uint32_t account, uint8_t who, uint32_t hold_ms);
struct fake_request *delivers(uint32_t account, const char *data);
/* That many characters. */
struct fake_request *delivers_bytes(uint32_t account, size_t len);

struct snode_counts node_counts(void);
void expect_counts(uint64_t leases, uint64_t open, uint64_t waiting, uint64_t waiting_bytes);
/* Whatever was delivered: nobody was called, nothing was written or stored, no timer is left. */
void expect_no_trace_left(void);
/* The last trace of that kind has these numbers. */
void expect_trace(enum trace_kind kind, uint64_t n0, uint64_t n1, uint64_t n2, uint64_t n3);
/* A 421 for that account, with its nodes. */
void expect_snodes(const struct fake_request *request, const struct membership *membership,
                   const struct account_id *account);

#endif
