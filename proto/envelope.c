#include "proto/envelope.h"

#include <inttypes.h>
#include <string.h>

#include "common/json.h"
#include "common/text.h"
#include "proto/protobuf.h"
#include "proto/session.pb-c.h"

#define MESSAGE_VERB  "PUT"
#define MESSAGE_PATH  "/api/v1/message"
#define SOURCE_DEVICE 1
#define PADDING_BLOCK 160
#define PADDING_MARK  0x80

/* --- content --- */

static char *text_of(struct bytes text, struct arena *arena)
{
    char *out = arena_alloc(arena, text.len + 1);
    if (text.len > 0)
        memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return out;
}

static void fill_bundle(PreKeyBundleMessage *message, const struct prekey_bundle *bundle, struct arena *arena)
{
    message->has_identitykey = true;
    message->identitykey = binary_of(BYTES_OF(bundle->identity.bytes));
    message->has_deviceid = true;
    message->deviceid = SOURCE_DEVICE;
    message->has_prekeyid = true;
    message->prekeyid = bundle->prekey_id;
    message->has_signedkeyid = true;
    message->signedkeyid = bundle->signed_key_id;
    message->has_prekey = true;
    message->prekey = protobuf_of_key(&bundle->prekey, arena);
    message->has_signedkey = true;
    message->signedkey = protobuf_of_key(&bundle->signed_key, arena);
    message->has_signature = true;
    message->signature = binary_of(BYTES_OF(bundle->signature));
}

static void fill_status(LokiAddressMessage *message, const struct listen_status *status)
{
    message->has_type = true;
    message->type = LOKI_ADDRESS_MESSAGE__TYPE__HOST_UNREACHABLE;
    if (!status->reachable)
        return;
    message->type = LOKI_ADDRESS_MESSAGE__TYPE__HOST_REACHABLE;
    message->has_listeningnode = true;
    message->listeningnode = binary_of(BYTES_OF(status->node.bytes));
    message->has_validseconds = true;
    message->validseconds = status->valid_s;
}

static void fill_receipt(ReceiptMessage *message, const struct receipt *receipt)
{
    message->has_type = true;
    message->type = receipt->type == RECEIPT_DELIVERY ? RECEIPT_MESSAGE__TYPE__DELIVERY : RECEIPT_MESSAGE__TYPE__READ;
    message->n_timestamp = receipt->count;
    message->timestamp = (uint64_t *)(uintptr_t)receipt->timestamps_ms; /* only read */
}

static void fill_typing(TypingMessage *message, const struct typing *typing)
{
    message->has_timestamp = typing->timestamp_ms != 0;
    message->timestamp = typing->timestamp_ms;
    message->has_action = true;
    message->action = typing->started ? TYPING_MESSAGE__ACTION__STARTED : TYPING_MESSAGE__ACTION__STOPPED;
}

enum err content_encode(const struct content_parts *content, struct arena *arena, struct bytes *out)
{
    Content message = CONTENT__INIT;
    DataMessage data = DATA_MESSAGE__INIT;
    DataMessage__LokiProfile profile = DATA_MESSAGE__LOKI_PROFILE__INIT;
    PreKeyBundleMessage bundle = PRE_KEY_BUNDLE_MESSAGE__INIT;
    LokiAddressMessage status = LOKI_ADDRESS_MESSAGE__INIT;
    ReceiptMessage receipt = RECEIPT_MESSAGE__INIT;
    TypingMessage typing = TYPING_MESSAGE__INIT;
    if (content->has_receipt && content->receipt.count > LIMIT_RECEIPT_TIMESTAMPS)
        return ERR_TOO_BIG;
    if (content->has_data) {
        if (!utf8_valid(content->body) || (content->has_display_name && !utf8_valid(content->display_name)))
            return ERR_FORMAT;
        message.datamessage = &data;
        data.body = text_of(content->body, arena);
        data.has_flags = content->flags != 0;
        data.flags = content->flags;
        data.has_timestamp = content->timestamp_ms != 0;
        data.timestamp = content->timestamp_ms;
        if (content->has_display_name) {
            data.profile = &profile;
            profile.displayname = text_of(content->display_name, arena);
        }
    }
    if (content->has_bundle) {
        message.prekeybundlemessage = &bundle;
        fill_bundle(&bundle, &content->bundle, arena);
    }
    if (content->has_status) {
        message.lokiaddressmessage = &status;
        fill_status(&status, &content->status);
    }
    if (content->has_receipt) {
        message.receiptmessage = &receipt;
        fill_receipt(&receipt, &content->receipt);
    }
    if (content->has_typing) {
        message.typingmessage = &typing;
        fill_typing(&typing, &content->typing);
    }
    *out = protobuf_encode(&message.base, arena);
    return OK;
}

/* Absent fields are empty here, so their length is wrong too. */
static enum err read_bundle(const PreKeyBundleMessage *message, struct prekey_bundle *out)
{
    if (!message->has_prekeyid || message->prekeyid == 0 || !message->has_signedkeyid || message->signedkeyid == 0 ||
        message->signature.len != sizeof(out->signature))
        return ERR_FORMAT;
    if (protobuf_account(message->identitykey, &out->identity) != OK ||
        protobuf_key(message->prekey, &out->prekey) != OK || protobuf_key(message->signedkey, &out->signed_key) != OK)
        return ERR_FORMAT;
    out->prekey_id = message->prekeyid;
    out->signed_key_id = message->signedkeyid;
    memcpy(out->signature, message->signature.data, sizeof(out->signature));
    return OK;
}

static void read_data(const DataMessage *message, struct content_parts *out)
{
    out->has_data = true;
    if (message->body != NULL)
        out->body = bytes_text(message->body);
    if (message->profile != NULL && message->profile->displayname != NULL) {
        out->has_display_name = true;
        out->display_name = bytes_text(message->profile->displayname);
    }
    out->flags = message->has_flags ? message->flags : 0;
    out->timestamp_ms = message->has_timestamp ? message->timestamp : 0;
}

/* A client of 2019 that is reachable by its address, without a node, is not reachable here. */
static enum err read_status(const LokiAddressMessage *message, struct content_parts *out)
{
    struct listen_status *status = &out->status;
    bool reachable = message->type == LOKI_ADDRESS_MESSAGE__TYPE__HOST_REACHABLE;
    if (!message->has_type || (!reachable && message->type != LOKI_ADDRESS_MESSAGE__TYPE__HOST_UNREACHABLE))
        return OK;
    out->has_status = true;
    if (!reachable || !message->has_listeningnode)
        return OK;
    if (message->listeningnode.len != sizeof(status->node.bytes))
        return ERR_FORMAT;
    status->reachable = true;
    memcpy(status->node.bytes, message->listeningnode.data, sizeof(status->node.bytes));
    status->valid_s = message->has_validseconds ? message->validseconds : LIMIT_STATUS_VALID_S;
    return OK;
}

static enum err read_receipt(const ReceiptMessage *message, struct content_parts *out)
{
    bool delivery = message->type == RECEIPT_MESSAGE__TYPE__DELIVERY;
    if (!message->has_type || (!delivery && message->type != RECEIPT_MESSAGE__TYPE__READ))
        return OK;
    if (message->n_timestamp > LIMIT_RECEIPT_TIMESTAMPS)
        return ERR_TOO_BIG;
    out->has_receipt = true;
    out->receipt = (struct receipt){delivery ? RECEIPT_DELIVERY : RECEIPT_READ, message->timestamp,
                                    message->n_timestamp}; /* in the arena */
    return OK;
}

static void read_typing(const TypingMessage *message, struct content_parts *out)
{
    bool started = message->action == TYPING_MESSAGE__ACTION__STARTED;
    if (!message->has_action || (!started && message->action != TYPING_MESSAGE__ACTION__STOPPED))
        return;
    out->has_typing = true;
    out->typing = (struct typing){started, message->has_timestamp ? message->timestamp : 0};
}

enum err content_decode(struct bytes wire, struct arena *arena, struct content_parts *out)
{
    const Content *message = protobuf_decode(&content__descriptor, wire, arena);
    enum err err = OK;
    *out = (struct content_parts){0};
    if (message == NULL)
        return ERR_FORMAT;
    if (message->datamessage != NULL)
        read_data(message->datamessage, out);
    if (message->typingmessage != NULL)
        read_typing(message->typingmessage, out);
    if (message->prekeybundlemessage != NULL) {
        out->has_bundle = true;
        err = read_bundle(message->prekeybundlemessage, &out->bundle);
    }
    if (err == OK && message->lokiaddressmessage != NULL)
        err = read_status(message->lokiaddressmessage, out);
    if (err == OK && message->receiptmessage != NULL)
        err = read_receipt(message->receiptmessage, out);
    return err;
}

/* --- padding --- */

size_t padded_bytes(size_t content_bytes)
{
    return (content_bytes + 2 + PADDING_BLOCK - 1) / PADDING_BLOCK * PADDING_BLOCK - 1;
}

struct bytes content_pad(struct bytes content, struct arena *arena)
{
    size_t len = padded_bytes(content.len);
    uint8_t *out = arena_zalloc(arena, len);
    if (content.len > 0)
        memcpy(out, content.data, content.len);
    out[content.len] = PADDING_MARK;
    return (struct bytes){out, len};
}

enum err content_unpad(struct bytes padded, struct bytes *content)
{
    size_t len = padded.len;
    while (len > 0 && padded.data[len - 1] == 0)
        len--;
    if (len == 0 || padded.data[len - 1] != PADDING_MARK)
        return ERR_FORMAT;
    *content = bytes_slice(padded, 0, len - 1);
    return OK;
}

/* --- envelope --- */

enum err envelope_wrap(const struct envelope *envelope, uint8_t request_id, struct arena *arena, struct bytes *out)
{
    Envelope inner = ENVELOPE__INIT;
    WebSocketRequestMessage request = WEB_SOCKET_REQUEST_MESSAGE__INIT;
    WebSocketMessage outer = WEB_SOCKET_MESSAGE__INIT;
    char source[ACCOUNT_HEX_LEN + 1];
    if (envelope->content.len > PROTOBUF_BYTES_MAX)
        return ERR_TOO_BIG;
    account_to_hex(&envelope->source, source);
    source[ACCOUNT_HEX_LEN] = '\0';
    inner.has_type = true;
    inner.type = (Envelope__Type)envelope->type;
    inner.source = source;
    inner.has_timestamp = true;
    inner.timestamp = envelope->timestamp_ms;
    inner.has_sourcedevice = true;
    inner.sourcedevice = SOURCE_DEVICE;
    inner.has_content = true;
    inner.content = binary_of(envelope->content);

    request.verb = text_of(bytes_text(MESSAGE_VERB), arena);
    request.path = text_of(bytes_text(MESSAGE_PATH), arena);
    request.has_body = true;
    request.body = binary_of(protobuf_encode(&inner.base, arena));
    request.has_id = true;
    request.id = request_id;

    outer.has_type = true;
    outer.type = WEB_SOCKET_MESSAGE__TYPE__REQUEST;
    outer.request = &request;
    *out = protobuf_encode(&outer.base, arena);
    return out->len > PROTOBUF_BYTES_MAX ? ERR_TOO_BIG : OK;
}

enum err envelope_unwrap(struct bytes wire, struct arena *arena, struct envelope *out)
{
    const WebSocketMessage *outer = protobuf_decode(&web_socket_message__descriptor, wire, arena);
    const WebSocketRequestMessage *request;
    const Envelope *inner;
    if (outer == NULL)
        return ERR_FORMAT;
    if (!outer->has_type || outer->type != WEB_SOCKET_MESSAGE__TYPE__REQUEST)
        return ERR_REFUSED;
    request = outer->request;
    if (request == NULL || request->path == NULL)
        return ERR_FORMAT;
    if (strcmp(request->path, MESSAGE_PATH) != 0)
        return ERR_REFUSED;
    if (!request->has_body)
        return ERR_FORMAT;
    inner = protobuf_decode(&envelope__descriptor, bytes_of(request->body), arena);
    if (inner == NULL || !inner->has_type || inner->source == NULL || !inner->has_timestamp || !inner->has_content)
        return ERR_FORMAT;
    if (account_from_hex(&out->source, bytes_text(inner->source)) != OK)
        return ERR_FORMAT;
    out->type = (uint32_t)inner->type;
    out->timestamp_ms = inner->timestamp;
    out->content = bytes_of(inner->content);
    return OK;
}

/* --- conformance: any message by name, through the generated descriptors --- */

static const ProtobufCMessageDescriptor *descriptor_by_name(const char *name)
{
    static const ProtobufCMessageDescriptor *const all[] = {
        &web_socket_message__descriptor,
        &web_socket_request_message__descriptor,
        &web_socket_response_message__descriptor,
        &envelope__descriptor,
        &content__descriptor,
        &data_message__descriptor,
        &attachment_pointer__descriptor,
        &group_context__descriptor,
        &null_message__descriptor,
        &receipt_message__descriptor,
        &typing_message__descriptor,
        &pre_key_bundle_message__descriptor,
        &loki_address_message__descriptor,
        &pairing_authorisation_message__descriptor,
        &sync_message__descriptor,
        &whisper_message__descriptor,
        &pre_key_whisper_message__descriptor,
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    }
    return NULL;
}

static void write_message(struct buf *out, const ProtobufCMessage *message, struct arena *arena);

/* 64 bits as text: many readers of JSON lose digits. */
static void write_long(struct buf *out, uint64_t value, struct arena *arena)
{
    json_write_raw(out, bytes_text(arena_printf(arena, "\"%" PRIu64 "\"", value)));
}

static void write_enum(struct buf *out, const ProtobufCEnumDescriptor *descriptor, int value, struct arena *arena)
{
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(descriptor, value);
    if (known != NULL && !(descriptor == &envelope__type__descriptor && value == ENVELOPE_FRIEND_REQUEST))
        json_write_text(out, bytes_text(known->name));
    else
        write_long(out, (uint32_t)value, arena);
}

/* Writes one value; how many bytes it takes in the struct, which is the step in an array of them. */
static size_t write_value(struct buf *out, const ProtobufCFieldDescriptor *field, const void *value,
                          struct arena *arena)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT32:
        json_write_u64(out, *(const uint32_t *)value);
        return sizeof(uint32_t);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        write_long(out, *(const uint64_t *)value, arena);
        return sizeof(uint64_t);
    case PROTOBUF_C_TYPE_ENUM:
        write_enum(out, field->descriptor, *(const int *)value, arena);
        return sizeof(int);
    case PROTOBUF_C_TYPE_STRING:
        json_write_text(out, bytes_text(*(const char *const *)value));
        return sizeof(char *);
    case PROTOBUF_C_TYPE_BYTES:
        json_write_text(out, hex_text(arena, bytes_of(*(const ProtobufCBinaryData *)value)));
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_MESSAGE:
        write_message(out, *(const ProtobufCMessage *const *)value, arena);
        return sizeof(ProtobufCMessage *);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_BOOL:
        break;
    }
    ASSERT(!"a type that session.proto does not use");
    return 0;
}

static bool field_present(const ProtobufCFieldDescriptor *field, const uint8_t *message)
{
    if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(const void *const *)(message + field->offset) != NULL;
    return *(const protobuf_c_boolean *)(message + field->quantifier_offset);
}

static void write_field(struct buf *out, const ProtobufCFieldDescriptor *field, const uint8_t *message,
                        struct arena *arena)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(const size_t *)(message + field->quantifier_offset);
        const uint8_t *value = *(const uint8_t *const *)(message + field->offset);
        if (count == 0)
            return;
        json_write_name(out, field->name);
        json_open(out, '[');
        for (size_t i = 0; i < count; i++)
            value += write_value(out, field, value, arena);
        json_close(out, ']');
    } else if (field_present(field, message)) {
        json_write_name(out, field->name);
        write_value(out, field, message + field->offset, arena);
    }
}

static void write_message(struct buf *out, const ProtobufCMessage *message, struct arena *arena)
{
    json_open(out, '{');
    for (unsigned i = 0; i < message->descriptor->n_fields; i++)
        write_field(out, &message->descriptor->fields[i], (const uint8_t *)message, arena);
    json_close(out, '}');
}

enum err protobuf_round_trip(const char *message_name, struct bytes wire, struct buf *out, struct buf *to_json)
{
    const ProtobufCMessageDescriptor *descriptor = descriptor_by_name(message_name);
    const ProtobufCMessage *message;
    struct arena arena;
    if (descriptor == NULL)
        return ERR_NOT_FOUND;
    arena_init(&arena);
    message = protobuf_decode(descriptor, wire, &arena);
    if (message != NULL && out != NULL)
        buf_append(out, protobuf_encode(message, &arena));
    if (message != NULL && to_json != NULL)
        write_message(to_json, message, &arena);
    arena_fini(&arena);
    return message == NULL ? ERR_FORMAT : OK;
}
