/* seed.h: the seed node: the public daemon that tells clients of the service nodes.
 *
 * An endpoint machine that answers POST /json_rpc. The last answer is shared by count until the membership changes, or
 * somebody asks for something else. A file server (file_store.h) answers beside it. Source: PROTOCOL 3.11. */
#ifndef SWARMBED_SEED_H
#define SWARMBED_SEED_H

#include "common/env.h"

#define SEED_IP   0x7f000001 /* 127.0.0.1 */
#define SEED_PORT 22080

struct seed;
struct seed *seed_new(struct env *env); /* answers 503 until it knows a membership */
void seed_free(struct seed *seed);      /* never touches the env */
void seed_on_request(struct seed *seed, struct incoming *incoming);
/* `membership` stays valid until the next such call. */
void seed_on_membership(struct seed *seed, const struct membership *membership);

#endif
