/* pow.h: proof of work: payload, target, search, check.
 *
 * H = SHA-512(nonce || SHA-512(timestamp || ttl || pubKey || data)); the first 8 bytes of H, big-endian, must be below the
 * target. H in hex is the era's message hash. The search is real in the real suite, in slices of its caller's choice; what
 * it costs in virtual time is charged by the caller. Source: PROTOCOL 5. Vectors: pow.json. */
#ifndef SWARMBED_POW_H
#define SWARMBED_POW_H

#include "common/bytes.h"

#define POW_NONCE_BYTES 8
#define POW_HASH_BYTES 64

/* The target. ERR_RANGE: a product passes 64 bits, or difficulty is 0: treat the proof as invalid.
 *   payload_bytes  length of timestamp || ttl || pubKey || data as text */
MUST_CHECK enum err pow_target(uint64_t *target, size_t payload_bytes, uint64_t ttl_ms, uint64_t difficulty);
/* SHA-512 of the payload; the texts exactly as they stand in the request. */
void pow_payload_hash(const struct bytes parts[], size_t part_count, uint8_t out[64]);
/* One trial: hash out, the trial value returned. */
uint64_t pow_trial(const uint8_t payload_hash[64], const uint8_t nonce[8], uint8_t hash[64]);
/* Tries nonces *counter, *counter + 1, ... (8 bytes, big-endian), at most `trials`; true: *counter is a valid nonce and
 * `hash` its hash; false: *counter is the next to try. */
bool pow_search(const uint8_t payload_hash[64], uint64_t target, uint64_t *counter, uint64_t trials, uint8_t hash[64]);

/* How many trials a search takes, drawn from the geometric distribution of the target by one uniform number: what virtual
 * time is charged, in both suites, so that results do not depend on the suite (PROTOCOL 5.7). At least 1; integers only. */
uint64_t pow_draw_trials(uint64_t uniform, uint64_t target);

/* A published difficulty and since when it holds. */
struct pow_record {
    int64_t from_ms;
    uint64_t difficulty;
};
/* What a relayed message of time t must meet (PROTOCOL 5.6): the smaller of the last entry strictly before t and every one
 * within 15 minutes of it; UINT64_MAX: nothing does. The records may stand in any order. */
uint64_t pow_relay_difficulty(const struct pow_record records[], size_t count, int64_t t_ms);
bool pow_ttl_valid(uint64_t ttl_ms);

#endif
