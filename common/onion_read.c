/* onion_read.c: layers on their way: from the client to the guard, and from node to node (common/onion.h). */
#include <stdio.h>
#include <string.h>

#include "common/bencode.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/onion.h"
#include "common/onion_keys.h"
#include "common/text.h"

/* Clients and peers may claim any number of hops. Beyond the limit they are refused alike, so one more than it stands
 * for all of them, and adding one at each hop never overflows. */
static int clamp_hop_no(int64_t hop_no, int least)
{
    if (hop_no < least)
        return least;
    return hop_no > LIMIT_ONION_HOPS ? LIMIT_ONION_HOPS + 1 : (int)hop_no;
}

#define OUTER_ERROR "Error parsing outer JSON in onion request: "

enum err onion_read_outer(enum onion_version version, struct arena *arena, struct bytes body, struct onion_layer *layer,
                          const char **why)
{
    struct bytes blob = BYTES_NONE;
    struct bytes text = body;
    struct json *document;
    int64_t hop_no = 0;
    enum err err;

    *why = OUTER_ERROR "bad framing";
    if (version == ONION_V2 && onion_unframe(body, &blob, &text) != OK)
        return ERR_FORMAT;
    *why = OUTER_ERROR "not JSON";
    document = json_parse(text, &err);
    if (document == NULL)
        return ERR_FORMAT;
    *why = OUTER_ERROR "hop_no is not a number";
    err = json_get_integer(document, "hop_no", &hop_no);
    if (err == OK || err == ERR_MISSING) {
        layer->hop_no = clamp_hop_no(hop_no, 0);
        *why = version == ONION_V2 ? OUTER_ERROR "bad ephemeral_key or enc_type"
                                   : OUTER_ERROR "bad ephemeral_key or ciphertext";
        err = onion_read_keys(version, arena, document, blob, layer);
    }
    json_free(document);
    if (err != OK)
        return ERR_FORMAT;
    *why = "";
    return OK;
}

static struct blob *blob_of(struct bytes head, struct bytes data, struct bytes tail)
{
    struct blob *blob = blob_new(head.len + data.len + tail.len);

    memcpy(blob->data, head.data, head.len);
    if (data.len > 0)
        memcpy(blob->data + head.len, data.data, data.len);
    memcpy(blob->data + head.len + data.len, tail.data, tail.len);
    return blob;
}

static struct blob *write_peer_v1(const struct onion_layer *layer)
{
    size_t base64_len = BASE64_LEN(layer->ciphertext.len);
    char hex[64];
    char head[sizeof("l64:") + 64 + 24];
    struct blob *blob;
    int head_len;

    hex_encode(hex, BYTES_OF(layer->ephemeral.bytes));
    head_len = snprintf(head, sizeof(head), "l64:%.64s%zu:", hex, base64_len);
    blob = blob_new((size_t)head_len + base64_len + 1);
    memcpy(blob->data, head, (size_t)head_len);
    base64_encode((char *)blob->data + head_len, layer->ciphertext);
    blob->data[blob->len - 1] = 'e';
    return blob;
}

/* Head and tail are written around the ciphertext, so that a relay copies it once. Keys ascend, as bencode asks. */
static struct blob *write_peer_v2(const struct onion_layer *layer)
{
    const char *type = enc_type_text(layer->enc_type);
    char head[32];
    struct buf tail;
    struct blob *blob;
    int head_len = snprintf(head, sizeof(head), "d4:data%zu:", layer->ciphertext.len);

    buf_init(&tail, 256);
    buf_printf(&tail, "8:enc_type%zu:%s13:ephemeral_key32:", strlen(type), type);
    buf_append(&tail, BYTES_OF(layer->ephemeral.bytes));
    buf_printf(&tail, "6:hop_noi%dee", layer->hop_no);
    ASSERT(tail.err == OK);
    blob = blob_of((struct bytes){(const uint8_t *)head, (size_t)head_len}, layer->ciphertext, buf_bytes(&tail));
    buf_fini(&tail);
    return blob;
}

struct blob *onion_write_peer(enum onion_version version, const struct onion_layer *layer)
{
    return version == ONION_V1 ? write_peer_v1(layer) : write_peer_v2(layer);
}

static enum err read_peer_v1(struct arena *arena, struct bytes body, struct onion_layer *layer)
{
    struct bencode in;
    struct bytes hex, base64;
    enum err err;

    bencode_init(&in, body);
    bencode_open(&in, 'l');
    hex = bencode_string(&in);
    base64 = bencode_string(&in);
    if (bencode_element(&in) || !bencode_end(&in))
        return ERR_FORMAT; /* `Incorrect number of messages` */
    err = hex_decode(layer->ephemeral.bytes, sizeof(layer->ephemeral.bytes), hex);
    if (err != OK)
        return err;
    err = onion_read_base64(arena, base64, &layer->ciphertext);
    if (err != OK)
        return err;
    layer->enc_type = ENC_AES_GCM;
    layer->hop_no = 1; /* this form does not count */
    return OK;
}

static enum err read_peer_v2(struct bytes body, struct onion_layer *layer)
{
    struct bencode in;
    struct bytes data = BYTES_NONE;
    struct bytes key_bytes = BYTES_NONE;
    struct bytes type = BYTES_LIT("aes-gcm");
    int64_t hop_no = 0;

    bencode_init(&in, body);
    bencode_open(&in, 'd');
    for (struct bytes key = BYTES_NONE; bencode_key(&in, &key);) {
        if (bytes_equal_text(key, "data"))
            data = bencode_string(&in);
        else if (bytes_equal_text(key, "enc_type"))
            type = bencode_string(&in);
        else if (bytes_equal_text(key, "ephemeral_key"))
            key_bytes = bencode_string(&in);
        else if (bytes_equal_text(key, "hop_no"))
            hop_no = bencode_integer(&in);
        else
            bencode_skip(&in);
    }
    if (!bencode_end(&in) || key_bytes.len != sizeof(layer->ephemeral.bytes))
        return ERR_FORMAT;
    if (data.data == NULL)
        return ERR_MISSING;
    layer->ciphertext = data;
    memcpy(layer->ephemeral.bytes, key_bytes.data, key_bytes.len);
    layer->hop_no = clamp_hop_no(hop_no, 1);
    return enc_type_from_text(type, &layer->enc_type);
}

enum err onion_read_peer(enum onion_version version, struct arena *arena, struct bytes body, struct onion_layer *layer)
{
    return version == ONION_V1 ? read_peer_v1(arena, body, layer) : read_peer_v2(body, layer);
}
