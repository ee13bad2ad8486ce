#include "proto/session_message.h"

#include <string.h>

#include "proto/envelope.h"
#include "proto/protobuf.h"
#include "proto/session.pb-c.h"

/* Version of the message, and the newest that its sender knows. */
#define VERSION_BYTE 0x33

/* Version byte, protobuf, and `room` more bytes that do not count. */
static struct bytes encode(const ProtobufCMessage *message, size_t room, struct arena *arena)
{
    size_t len = 1 + protobuf_c_message_get_packed_size(message);
    uint8_t *out = arena_alloc(arena, len + room);
    out[0] = VERSION_BYTE;
    (void)protobuf_c_message_pack(message, out + 1);
    return (struct bytes){out, len};
}

static void *decode(const ProtobufCMessageDescriptor *descriptor, struct bytes wire, struct arena *arena)
{
    if (wire.len == 0 || wire.data[0] != VERSION_BYTE)
        return NULL;
    return protobuf_decode(descriptor, bytes_slice(wire, 1, wire.len - 1), arena);
}

struct bytes session_message_encode(const struct session_message *message, struct arena *arena)
{
    WhisperMessage whisper = WHISPER_MESSAGE__INIT;
    whisper.has_ephemeralkey = true;
    whisper.ephemeralkey = protobuf_of_key(&message->ratchet_key, arena);
    whisper.has_counter = true;
    whisper.counter = message->counter;
    whisper.has_previouscounter = true;
    whisper.previouscounter = message->previous_counter;
    whisper.has_ciphertext = true;
    whisper.ciphertext = binary_of(message->ciphertext);
    return encode(&whisper.base, SESSION_MAC_BYTES, arena);
}

enum err session_message_decode(struct bytes wire, struct arena *arena, struct session_message *out)
{
    const WhisperMessage *whisper;
    if (wire.len < SESSION_MAC_BYTES)
        return ERR_FORMAT;
    out->signed_part = bytes_slice(wire, 0, wire.len - SESSION_MAC_BYTES);
    memcpy(out->mac, wire.data + out->signed_part.len, SESSION_MAC_BYTES);
    whisper = decode(&whisper_message__descriptor, out->signed_part, arena);
    if (whisper == NULL || !whisper->has_counter || !whisper->has_ciphertext)
        return ERR_FORMAT;
    out->counter = whisper->counter;
    out->previous_counter = whisper->previouscounter;
    out->ciphertext = bytes_of(whisper->ciphertext);
    return protobuf_key(whisper->ephemeralkey, &out->ratchet_key);
}

struct bytes session_prekey_message_encode(const struct session_prekey_message *message, struct arena *arena)
{
    PreKeyWhisperMessage whisper = PRE_KEY_WHISPER_MESSAGE__INIT;
    whisper.has_prekeyid = message->has_prekey_id;
    whisper.prekeyid = message->prekey_id;
    whisper.has_basekey = true;
    whisper.basekey = protobuf_of_key(&message->base_key, arena);
    whisper.has_identitykey = true;
    whisper.identitykey = binary_of(BYTES_OF(message->identity.bytes));
    whisper.has_message = true;
    whisper.message = binary_of(message->message);
    whisper.has_registrationid = true;
    whisper.registrationid = message->registration_id;
    whisper.has_signedprekeyid = true;
    whisper.signedprekeyid = message->signed_prekey_id;
    return encode(&whisper.base, 0, arena);
}

enum err session_prekey_message_decode(struct bytes wire, struct arena *arena, struct session_prekey_message *out)
{
    const PreKeyWhisperMessage *whisper = decode(&pre_key_whisper_message__descriptor, wire, arena);
    if (whisper == NULL || !whisper->has_signedprekeyid || !whisper->has_message)
        return ERR_FORMAT;
    out->has_prekey_id = whisper->has_prekeyid;
    out->prekey_id = whisper->prekeyid;
    out->signed_prekey_id = whisper->signedprekeyid;
    out->registration_id = whisper->registrationid;
    out->message = bytes_of(whisper->message);
    if (protobuf_key(whisper->basekey, &out->base_key) != OK)
        return ERR_FORMAT;
    return protobuf_account(whisper->identitykey, &out->identity);
}

enum err session_wire_decode(uint32_t envelope_type, struct bytes wire, struct arena *arena, struct session_wire *out)
{
    *out = (struct session_wire){.begins = envelope_type == ENVELOPE_PREKEY_BUNDLE};
    if (!out->begins && envelope_type != ENVELOPE_CIPHERTEXT)
        return ERR_FORMAT;
    if (out->begins) {
        if (session_prekey_message_decode(wire, arena, &out->prekey) != OK)
            return ERR_FORMAT;
        wire = out->prekey.message;
    }
    return session_message_decode(wire, arena, &out->message);
}
