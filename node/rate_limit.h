/* rate_limit.h: token buckets for direct clients, by address.
 *
 * A bucket holds LIMIT_RATE_BUCKET requests and refills at LIMIT_RATE_PER_S; an unknown address starts with a full one.
 * A full bucket says nothing, so full ones are dropped when the table wants to grow, and memory follows the clients of
 * the last two seconds. LIMIT_RATE_CLIENTS are tracked; if that many are not full, an unknown address is refused.
 * Source: PROTOCOL 3.4. */
#ifndef SWARMBED_RATE_LIMIT_H
#define SWARMBED_RATE_LIMIT_H

#include "common/slab.h"
#include "common/table.h"

struct rate_limit;
struct rate_limit *rate_limit_new(void);
void rate_limit_free(struct rate_limit *limit); /* NULL is fine */
/* Takes a token for a request of that address; false: it has none left. */
bool rate_limit_take(struct rate_limit *limit, uint32_t ip, int64_t now_ms);
size_t rate_limit_tracked(const struct rate_limit *limit);

#endif
