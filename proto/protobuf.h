/* protobuf.h: what the codecs of session.proto share; private to proto/.
 *
 * Decoding is wholly into an arena and stricter than protobuf-c: text must be UTF-8 without zero bytes, groups and
 * broken varints are refused, also in unknown fields. */
#ifndef SWARMBED_PROTOBUF_H
#define SWARMBED_PROTOBUF_H

#include <protobuf-c/protobuf-c.h>

#include "common/arena.h"
#include "common/keys.h"
#include "common/limits.h"
#include "common/text.h"

/* No message that a node takes is longer, decoded. Submessages of two bytes each become structs of some 200, so this
 * also bounds what one hostile message can make of the arena. */
#define PROTOBUF_BYTES_MAX BASE64_MAX_DECODED(LIMIT_DATA_CHARS)

/* The message, wholly in the arena; NULL: it does not decode. */
void *protobuf_decode(const ProtobufCMessageDescriptor *descriptor, struct bytes wire, struct arena *arena);
/* Fields ascending. */
struct bytes protobuf_encode(const ProtobufCMessage *message, struct arena *arena);

/* Keys as messages carry them: 33 bytes, 05 in front. ERR_FORMAT: not that, or absent (which is empty). */
MUST_CHECK enum err protobuf_account(ProtobufCBinaryData data, struct account_id *out);
MUST_CHECK enum err protobuf_key(ProtobufCBinaryData data, struct x25519_public *out);
ProtobufCBinaryData protobuf_of_key(const struct x25519_public *key, struct arena *arena);

static inline struct bytes bytes_of(ProtobufCBinaryData data)
{
    return (struct bytes){data.data, data.len};
}

/* protobuf-c takes what it only reads without const. */
static inline ProtobufCBinaryData binary_of(struct bytes bytes)
{
    return (ProtobufCBinaryData){bytes.len, (uint8_t *)(uintptr_t)bytes.data};
}

#endif
