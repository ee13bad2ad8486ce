/* proof.h: the store request of one message with its proof of work.
 *
 * The number of trials is drawn, and charged to virtual time, so that it does not depend on the crypto suite; the
 * search itself is the suite's (PROTOCOL 5.7). */
#ifndef SWARMBED_PROOF_H
#define SWARMBED_PROOF_H

#include "client/client.h"

struct proof {
    struct blob *body;   /* of the store request; the caller's */
    uint64_t difficulty; /* that it meets */
    uint64_t trials;
    uint8_t hash[64];
};

/* At the client's present time and difficulty. ERR_TIMEOUT: a client's device would search for more than LIMIT_POW_MS,
 * or the difficulty is beyond all numbers; then nothing was searched. */
MUST_CHECK enum err proof_make(struct client *client, const struct account_id *recipient, uint64_t ttl_ms,
                               struct bytes data, struct proof *proof);

#endif
