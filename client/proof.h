/* proof.h: the store request of one message with its proof of work.
 *
 * In virtual time the number of trials is drawn, and charged, so that it does not depend on the crypto suite; the
 * search itself is the suite's, and over when proof_start returns (PROTOCOL 5.7). In real time (a preset with
 * `trials_per_slice`) the search takes as long as it takes, in slices between which its owner looks at the world. */
#ifndef SWARMBED_PROOF_H
#define SWARMBED_PROOF_H

#include "client/client.h"

struct proof {
    struct blob *body;   /* of the store request; the caller's. NULL: the search goes on */
    uint64_t difficulty; /* that it meets */
    uint64_t trials;
    uint8_t hash[64];
    /* private: what is searched */
    int64_t timestamp_ms;
    uint64_t target;
    uint8_t payload_hash[64];
};

/* At the client's present time and difficulty. ERR_TIMEOUT: a client's device would search for more than LIMIT_POW_MS,
 * or the difficulty is beyond all numbers; then nothing was searched. */
MUST_CHECK enum err proof_start(struct client *client, const struct account_id *recipient, uint64_t ttl_ms,
                                struct bytes data, struct proof *proof);
/* One more slice, for the same message. ERR_TIMEOUT: as many trials as a device makes in LIMIT_POW_MS were in vain. */
MUST_CHECK enum err proof_go_on(struct client *client, const struct account_id *recipient, uint64_t ttl_ms,
                                struct bytes data, struct proof *proof);

#endif
