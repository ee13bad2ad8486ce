/* onion_keys.h: what the readers of onions share. Private to common/onion*.c. */
#ifndef SWARMBED_ONION_KEYS_H
#define SWARMBED_ONION_KEYS_H

#include "common/json.h"
#include "common/onion.h"

/* What a JSON object says about the layer that comes with it: `ephemeral_key`, and `enc_type` (absent: AES-GCM; v1 has
 * only that) or `ciphertext` (v1, decoded into the arena; v2 carries it in front of the JSON). */
MUST_CHECK enum err onion_read_keys(enum onion_version version, struct arena *arena, const struct json *object,
                                    struct bytes blob, struct onion_layer *layer);
/* Decoded into the arena. */
MUST_CHECK enum err onion_read_base64(struct arena *arena, struct bytes base64, struct bytes *out);
/* 64 hex digits, in either case. */
MUST_CHECK enum err onion_read_key(const struct json *object, const char *name, uint8_t out[32]);

#endif
