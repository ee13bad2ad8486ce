#include "proto/monitor.h"

#include <inttypes.h>
#include <string.h>

#include "common/limits.h"

/* What a dictionary brings, before anything is looked at closely. */
struct fields {
    struct bytes account, ed25519, signature, token, token_signature, namespaces;
    bool has_account, has_ed25519, has_signature, has_token, has_token_signature, has_namespaces, has_time, has_data;
    int64_t time_s, data;
};

static bool take_string(struct bencode *in, struct bytes *out)
{
    *out = bencode_string(in);
    return true;
}

static bool take_integer(struct bencode *in, int64_t *out)
{
    *out = bencode_integer(in);
    return true;
}

/* A value as it stands, to be read later. */
static bool take_value(struct bencode *in, struct bytes *out)
{
    struct bytes before = in->rest;

    bencode_skip(in);
    *out = bytes_slice(before, 0, before.len - in->rest.len);
    return true;
}

static bool read_fields(struct bytes dict, struct fields *fields)
{
    struct bencode in;

    memset(fields, 0, sizeof(*fields));
    bencode_init(&in, dict);
    bencode_open(&in, 'd');
    for (struct bytes key = BYTES_NONE; bencode_key(&in, &key);) {
        if (bytes_equal_text(key, "P"))
            fields->has_ed25519 = take_string(&in, &fields->ed25519);
        else if (bytes_equal_text(key, "S"))
            fields->has_token_signature = take_string(&in, &fields->token_signature);
        else if (bytes_equal_text(key, "T"))
            fields->has_token = take_string(&in, &fields->token);
        else if (bytes_equal_text(key, "d"))
            fields->has_data = take_integer(&in, &fields->data);
        else if (bytes_equal_text(key, "n"))
            fields->has_namespaces = take_value(&in, &fields->namespaces);
        else if (bytes_equal_text(key, "p"))
            fields->has_account = take_string(&in, &fields->account);
        else if (bytes_equal_text(key, "s"))
            fields->has_signature = take_string(&in, &fields->signature);
        else if (bytes_equal_text(key, "t"))
            fields->has_time = take_integer(&in, &fields->time_s);
        else
            bencode_skip(&in);
    }
    return bencode_end(&in) && fields->data >= 0 && fields->data <= 1;
}

static const char *missing(const struct fields *fields)
{
    if (fields->has_account == fields->has_ed25519)
        return "exactly one of p and P is wanted";
    if (!fields->has_namespaces)
        return "n, the namespaces, is missing";
    if (!fields->has_time)
        return "t, the time, is missing";
    if (!fields->has_signature)
        return "s, the signature, is missing";
    return fields->has_token != fields->has_token_signature ? "S and T belong together" : NULL;
}

static bool read_key(const struct fields *fields, struct monitor_request *out)
{
    struct x25519_public converted;

    if (fields->has_account) {
        if (fields->account.len != sizeof(out->account.bytes))
            return false;
        memcpy(out->account.bytes, fields->account.data, sizeof(out->account.bytes));
        memcpy(out->key.bytes, out->account.bytes + 1, sizeof(out->key.bytes));
        return true;
    }
    if (fields->ed25519.len != sizeof(out->key.bytes))
        return false;
    memcpy(out->key.bytes, fields->ed25519.data, sizeof(out->key.bytes));
    if (x25519_from_ed25519_public(&out->key, &converted) != OK)
        return false;
    account_from_x25519(&converted, &out->account);
    return true;
}

static bool read_namespaces(struct arena *arena, struct bytes list, struct monitor_request *out)
{
    int16_t *namespaces = arena_alloc(arena, LIMIT_MONITOR_NAMESPACES * sizeof(*namespaces));
    struct bencode in;

    out->namespaces = namespaces;
    out->namespace_count = 0;
    bencode_init(&in, list);
    bencode_open(&in, 'l');
    while (bencode_element(&in)) {
        int64_t number = bencode_integer(&in);
        size_t count = out->namespace_count;

        if (number < INT16_MIN || number > INT16_MAX || count == LIMIT_MONITOR_NAMESPACES ||
            (count > 0 && number <= namespaces[count - 1]))
            return false;
        namespaces[count] = (int16_t)number;
        out->namespace_count++;
    }
    return bencode_end(&in) && out->namespace_count > 0;
}

static bool read_signatures(const struct fields *fields, struct monitor_request *out)
{
    if (fields->signature.len != sizeof(out->signature))
        return false;
    memcpy(out->signature, fields->signature.data, sizeof(out->signature));
    out->has_subaccount = fields->has_token;
    if (!out->has_subaccount)
        return true;
    if (fields->token.len != SUBACCOUNT_TOKEN_BYTES || fields->token_signature.len != sizeof(out->subaccount_signature))
        return false;
    memcpy(out->subaccount.bytes, fields->token.data, SUBACCOUNT_TOKEN_BYTES);
    memcpy(out->subaccount_signature, fields->token_signature.data, sizeof(out->subaccount_signature));
    return true;
}

enum monitor_error monitor_request_decode(struct arena *arena, struct bytes dict, struct monitor_request *out,
                                          const char **why)
{
    struct fields fields;

    *out = (struct monitor_request){0};
    *why = "no dictionary of p or P, n, d, t, s";
    if (!read_fields(dict, &fields))
        return MONITOR_BAD_ARGUMENTS;
    *why = missing(&fields);
    if (*why != NULL)
        return MONITOR_BAD_ARGUMENTS;
    *why = "p is an account id of 33 bytes, P an ed25519 key of 32";
    if (!read_key(&fields, out))
        return MONITOR_BAD_KEY;
    *why = "n is a list of ascending namespaces";
    if (!read_namespaces(arena, fields.namespaces, out))
        return MONITOR_BAD_NAMESPACES;
    *why = "signatures have 64 bytes, a token 36";
    if (!read_signatures(&fields, out))
        return MONITOR_BAD_SIGNATURE;
    out->data = fields.data == 1;
    out->signed_s = fields.time_s;
    return MONITOR_OK;
}

void monitor_request_signed_text(struct buf *out, const struct monitor_request *request)
{
    char hex[ACCOUNT_HEX_LEN];

    account_to_hex(&request->account, hex);
    buf_text(out, "MONITOR");
    buf_append(out, (struct bytes){(const uint8_t *)hex, sizeof(hex)});
    buf_printf(out, "%" PRId64 "%d", request->signed_s, request->data);
    for (size_t i = 0; i < request->namespace_count; i++)
        buf_printf(out, "%s%d", i == 0 ? "" : ",", request->namespaces[i]);
}

void monitor_result_encode(struct buf *out, enum monitor_error error, const char *why)
{
    buf_byte(out, 'd');
    if (error == MONITOR_OK) {
        bencode_write_text(out, "success");
        bencode_write_integer(out, 1);
    } else {
        bencode_write_text(out, "errcode");
        bencode_write_integer(out, error);
        bencode_write_text(out, "error");
        bencode_write_text(out, why);
    }
    buf_byte(out, 'e');
}

void monitor_notice_encode(struct buf *out, const struct monitor_notice *notice, bool with_data)
{
    buf_byte(out, 'd');
    bencode_write_text(out, "@");
    bencode_write_string(out, BYTES_OF(notice->account->bytes));
    bencode_write_text(out, "h");
    bencode_write_string(out, notice->hash);
    bencode_write_text(out, "n");
    bencode_write_integer(out, notice->namespace);
    bencode_write_text(out, "t");
    bencode_write_integer(out, notice->timestamp_ms);
    bencode_write_text(out, "z");
    bencode_write_integer(out, notice->expiry_ms);
    if (with_data) {
        bencode_write_text(out, "~");
        bencode_write_string(out, notice->data);
    }
    buf_byte(out, 'e');
}

size_t monitor_frame_open(struct buf *out)
{
    size_t at = out->len;

    buf_append(out, BYTES_LIT("\0\0\0\0"));
    return at;
}

void monitor_frame_close(struct buf *out, size_t at)
{
    if (out->err == OK)
        store_be32(out->data + at, (uint32_t)(out->len - at - 4));
}
