/* membership_builder.h: memberships out of one line of text, with keys that depend on the node's number alone.
 *
 *     membership_build(100, "0: 1 2 3; 8000000000000000: 4 5; none: 6")
 *
 * Swarm ids are hexadecimal and may come in any order, nodes are decimal numbers; those of `none` are decommissioned.
 * The same number is the same node in every membership. */
#ifndef SWARMBED_MEMBERSHIP_BUILDER_H
#define SWARMBED_MEMBERSHIP_BUILDER_H

#include "common/swarm.h"
#include "node/snode.h"

/* The test ends if the text is none of the above. membership_build_free() frees it. */
struct membership *membership_build(uint64_t height, const char *text);
void membership_build_free(struct membership *membership);

void node_keys(uint32_t number, struct snode_keys *keys);
struct ed25519_public node_key(uint32_t number);
struct address node_address(uint32_t number); /* 127.(1 + n / 250).(1 + n mod 250).7:22021 */
uint32_t node_at(struct address address);     /* and back */

/* An account at that position of the ring. */
struct account_id account_at(uint64_t position);

#endif
