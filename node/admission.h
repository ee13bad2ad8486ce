/* admission.h: whether a message may be kept: its time to live, its timestamp, its proof of work.
 *
 * One set of rules for what a client stores and what a peer pushes; a peer's message is measured by the lenient
 * difficulty of its own time. Source: PROTOCOL 3.5, 5.5, 5.6. */
#ifndef SWARMBED_ADMISSION_H
#define SWARMBED_ADMISSION_H

#include "common/env.h"
#include "common/suite.h"
#include "node/difficulty.h"
#include "proto/peer_rpc.h"

struct stored_body;
struct body_pool;

/* Whether now lies in the message's life, with LIMIT_FUTURE_MS for a clock ahead of ours. `ttl_ms` must be valid. */
bool admission_time_ok(uint64_t timestamp_ms, uint64_t ttl_ms, int64_t now_ms);

/* What a proof of work is about: the texts exactly as they stand in the request. */
struct proof {
    struct bytes timestamp, ttl, pubkey, data;
    uint64_t ttl_ms;
    struct bytes nonce; /* base64 */
};
/* Checks it and charges for that. True: `nonce` and `hash` are the message's. */
bool admission_proof_ok(struct env *env, const struct crypto_suite *suite, const struct proof *proof,
                        uint64_t difficulty, uint8_t nonce[8], uint8_t hash[64]);

/* A peer's message, checked in the order of PROTOCOL 5.6: time to live (ERR_RANGE), timestamp (ERR_CLOCK), proof
 * (ERR_CRYPTO), and whether the hash is the computed one (ERR_FORMAT). ERR_TOO_BIG before all: more data than a client
 * could have stored. OK: *body is the caller's to drop. */
MUST_CHECK enum err admission_of_replica(struct env *env, const struct crypto_suite *suite,
                                         const struct difficulty *difficulty, const struct peer_message *message,
                                         struct body_pool *bodies, struct stored_body **body);

/* The same for a message out of a batch of parts (PROTOCOL 3.15), whose expiry may have been changed: what is over, or
 * lasts longer than anybody may ask for, is ERR_CLOCK. Of today's dialect there is no proof; its hashes are our own. */
MUST_CHECK enum err admission_of_record(struct env *env, const struct crypto_suite *suite,
                                        const struct difficulty *difficulty, const struct stored_body *body);

#endif
