/* modern_result.h: what one member of a swarm did for a recursive call: bencoded, signed, and as JSON for the client.
 *
 * A member answers another one bencoded; the node that the client asked turns every member's result, its own too, into
 * JSON by the same function. Source: PROTOCOL 10.7, 10.9 to 10.12. */
#ifndef SWARMBED_MODERN_RESULT_H
#define SWARMBED_MODERN_RESULT_H

#include "proto/modern_request.h"

/* A message that was deleted, updated, or left alone. */
struct modern_affected {
    int16_t namespace;
    char hash[MESSAGE_HASH_CHARS];
    int64_t expiry_ms; /* expire: what it is now */
    uint32_t turn;     /* later than of others with the same hash: what was done to it last */
};
/* Ascending by hash; of one hash the latest turn first. */
void modern_affected_sort(struct modern_affected list[], size_t count);

struct modern_result {
    const struct modern_request *request;
    /* store */
    char hash[MESSAGE_HASH_CHARS];
    int64_t expiry_ms; /* the message's, which may have been later before. expire: the one that was asked, as applied */
    bool already;
    /* delete, delete_all, delete_before: deleted; expire, expire_all: updated. Ascending by hash */
    const struct modern_affected *changed;
    size_t changed_count;
    /* expire */
    bool has_unchanged; /* the request says shorten or extend */
    const struct modern_affected *unchanged;
    size_t unchanged_count;
    /* unrevoke_subaccount */
    uint64_t count;
};

/* What the member signs. */
void modern_result_signed_text(struct buf *out, const struct modern_result *result);
/* A bencoded dictionary. */
void modern_result_encode(struct buf *out, const struct modern_result *result, const uint8_t signature[64]);
/* The database has no place: store's only refusal that is a result. */
void modern_result_encode_failure(struct buf *out);

/* A member's dictionary as a JSON object, but without its closing brace, so that members may follow: signatures become
 * base64, and what says yes or no becomes true or false. *deleted_any is set to whether its list `deleted` is not
 * empty. ERR_FORMAT: no dictionary, or texts that JSON cannot hold; then `out` is as it was before. ERR_TOO_BIG:
 * likewise. */
MUST_CHECK enum err modern_result_to_json(struct buf *out, struct bytes dict, bool *deleted_any);

#endif
