#include "proto/protobuf.h"

#include <string.h>

/* Numbers of fields, from 1. protobuf-c takes others too, though not each way of writing them, so that it could not
 * read what it writes itself. */
#define FIELD_NUMBER_MAX ((1u << 29) - 1)

static void *arena_alloc_hook(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void arena_free_hook(void *arena, void *memory)
{
    (void)arena, (void)memory;
}

static bool take_varint(struct bytes *rest, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < rest->len && i < 10; i++) {
        *out |= (uint64_t)(rest->data[i] & 0x7f) << (7 * i);
        if ((rest->data[i] & 0x80) == 0) {
            *rest = bytes_slice(*rest, i + 1, rest->len - i - 1);
            return true;
        }
    }
    return false;
}

/* Whether fields have numbers, and all text in known fields is UTF-8 without zero bytes. protobuf-c would cut a text at
 * its first zero and take any bytes, so that two messages could differ and read the same. As deep as the schema, which
 * has no cycles. */
static bool texts_valid(const ProtobufCMessageDescriptor *descriptor, struct bytes wire)
{
    while (wire.len > 0) {
        const ProtobufCFieldDescriptor *field;
        uint64_t key, len;
        if (!take_varint(&wire, &key) || key >> 3 == 0 || key >> 3 > FIELD_NUMBER_MAX)
            return false;
        switch (key & 7) {
        case PROTOBUF_C_WIRE_TYPE_VARINT:
            if (!take_varint(&wire, &len))
                return false;
            continue;
        case PROTOBUF_C_WIRE_TYPE_64BIT:
            len = 8;
            break;
        case PROTOBUF_C_WIRE_TYPE_32BIT:
            len = 4;
            break;
        case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
            if (!take_varint(&wire, &len))
                return false;
            break;
        default: /* groups, which nobody uses, and what is not defined */
            return false;
        }
        if (len > wire.len)
            return false;
        field = protobuf_c_message_descriptor_get_field(descriptor, (unsigned)(key >> 3));
        if (field != NULL && (key & 7) == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
            struct bytes value = bytes_slice(wire, 0, (size_t)len);
            if (field->type == PROTOBUF_C_TYPE_STRING && !utf8_valid(value))
                return false;
            if (field->type == PROTOBUF_C_TYPE_MESSAGE && !texts_valid(field->descriptor, value))
                return false;
        }
        wire = bytes_slice(wire, (size_t)len, wire.len - (size_t)len);
    }
    return true;
}

void *protobuf_decode(const ProtobufCMessageDescriptor *descriptor, struct bytes wire, struct arena *arena)
{
    ProtobufCAllocator allocator = {arena_alloc_hook, arena_free_hook, arena};
    if (wire.len > PROTOBUF_BYTES_MAX || !texts_valid(descriptor, wire))
        return NULL;
    return protobuf_c_message_unpack(descriptor, &allocator, wire.len, wire.data);
}

struct bytes protobuf_encode(const ProtobufCMessage *message, struct arena *arena)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *out = arena_alloc(arena, len);
    size_t written = protobuf_c_message_pack(message, out);
    ASSERT(written == len);
    return (struct bytes){out, len};
}

enum err protobuf_account(ProtobufCBinaryData data, struct account_id *out)
{
    if (data.len != sizeof(out->bytes) || data.data[0] != ACCOUNT_PREFIX)
        return ERR_FORMAT;
    memcpy(out->bytes, data.data, sizeof(out->bytes));
    return OK;
}

enum err protobuf_key(ProtobufCBinaryData data, struct x25519_public *out)
{
    struct account_id prefixed;
    enum err err = protobuf_account(data, &prefixed);
    if (err == OK)
        *out = account_x25519(&prefixed);
    return err;
}

ProtobufCBinaryData protobuf_of_key(const struct x25519_public *key, struct arena *arena)
{
    struct account_id prefixed;
    account_from_x25519(key, &prefixed);
    return binary_of(arena_copy(arena, BYTES_OF(prefixed.bytes)));
}
