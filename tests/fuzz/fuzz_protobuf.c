/* Protobuf: wrappers and content as a client reads them, and every message of the schema round and round. */
#include <string.h>

#include "common/limits.h"
#include "proto/envelope.h"
#include "proto/session_message.h"
#include "tests/fuzz/fuzz.h"

static const char *const messages[] = {
    "Content",        "DataMessage",         "Envelope",           "WebSocketMessage",
    "ReceiptMessage", "TypingMessage",       "LokiAddressMessage", "PreKeyBundleMessage",
    "WhisperMessage", "PreKeyWhisperMessage"};

/* What was written once is written the same again. */
static void round_trip(const char *name, struct bytes wire)
{
    struct buf first, second;

    buf_init(&first, LIMIT_BODY_BYTES);
    buf_init(&second, LIMIT_BODY_BYTES);
    if (protobuf_round_trip(name, wire, &first, &second) == OK) {
        buf_clear(&second);
        ASSERT(protobuf_round_trip(name, buf_bytes(&first), &second, NULL) == OK);
        ASSERT(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    }
    buf_fini(&first);
    buf_fini(&second);
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    struct envelope envelope;
    struct content_parts content;
    struct session_wire session;
    struct bytes unpadded;

    if (input.len == 0)
        return;
    round_trip(messages[input.data[0] % ARRAY_LEN(messages)], bytes_slice(input, 1, input.len - 1));
    if (envelope_unwrap(input, arena, &envelope) == OK)
        (void)!content_decode(envelope.content, arena, &content);
    if (content_unpad(input, &unpadded) == OK)
        (void)!content_decode(unpadded, arena, &content);
    (void)!content_decode(input, arena, &content);
    (void)!session_wire_decode(ENVELOPE_CIPHERTEXT, input, arena, &session);
    (void)!session_wire_decode(ENVELOPE_PREKEY_BUNDLE, input, arena, &session);
}
