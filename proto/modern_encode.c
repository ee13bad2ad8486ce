/* The other direction of modern_request.h: for members of the swarm, and for what is signed. */
#include <inttypes.h>
#include <string.h>

#include "common/bencode.h"
#include "common/text.h"
#include "proto/modern_request.h"

static void write_bytes(struct buf *out, const char *name, struct bytes bytes)
{
    bencode_write_text(out, name);
    bencode_write_string(out, bytes);
}

static void write_number(struct buf *out, const char *name, int64_t number)
{
    bencode_write_text(out, name);
    bencode_write_integer(out, number);
}

static void write_expiries(struct buf *out, const struct modern_request *request)
{
    bencode_write_text(out, "expiry");
    buf_byte(out, 'l');
    for (size_t i = 0; i < request->expiry_count; i++)
        bencode_write_integer(out, request->expiries[i]);
    buf_byte(out, 'e');
}

static void write_messages(struct buf *out, const struct modern_request *request)
{
    bencode_write_text(out, "messages");
    buf_byte(out, 'l');
    for (size_t i = 0; i < request->message_count; i++)
        bencode_write_string(out, request->messages[i]);
    buf_byte(out, 'e');
}

static void write_tokens(struct buf *out, const char *name, const struct modern_request *request)
{
    bencode_write_text(out, name);
    buf_byte(out, 'l');
    for (size_t i = 0; i < request->token_count; i++)
        bencode_write_string(out, BYTES_OF(request->tokens[i].bytes));
    buf_byte(out, 'e');
}

static void write_namespace(struct buf *out, const struct modern_request *request)
{
    if (request->all_namespaces)
        write_bytes(out, "namespace", BYTES_LIT("all"));
    else if (request->namespace != 0)
        write_number(out, "namespace", request->namespace);
}

/* Keys ascend, whatever the method. */
void modern_request_encode(struct buf *out, const struct modern_request *request)
{
    enum modern_method method = request->method;
    bool of_time = method == MODERN_DELETE_ALL || method == MODERN_REVOKE || method == MODERN_UNREVOKE;

    buf_byte(out, 'd');
    if (method == MODERN_DELETE_BEFORE)
        write_number(out, "before", request->signed_ms);
    if (method == MODERN_STORE)
        write_bytes(out, "data", request->data);
    if (method == MODERN_STORE)
        write_number(out, "expiry", request->expiry_ms);
    else if (method == MODERN_EXPIRE_ALL)
        write_number(out, "expiry", request->signed_ms);
    else if (method == MODERN_EXPIRE)
        write_expiries(out, request);
    if (request->extend)
        write_number(out, "extend", 1);
    if (request->message_count > 0)
        write_messages(out, request);
    write_namespace(out, request);
    write_bytes(out, "pubkey", BYTES_OF(request->account.bytes));
    if (request->has_ed25519)
        write_bytes(out, "pubkey_ed25519", BYTES_OF(request->ed25519.bytes));
    if (method == MODERN_REVOKE)
        write_tokens(out, "revoke", request);
    if (request->shorten)
        write_number(out, "shorten", 1);
    if (method == MODERN_STORE && request->has_signature)
        write_number(out, "sig_timestamp", request->signed_ms);
    if (request->has_signature)
        write_bytes(out, "signature", BYTES_OF(request->signature));
    if (request->has_subaccount) {
        write_bytes(out, "subaccount", BYTES_OF(request->subaccount.bytes));
        write_bytes(out, "subaccount_sig", BYTES_OF(request->subaccount_signature));
    }
    if (method == MODERN_STORE || of_time)
        write_number(out, "timestamp", method == MODERN_STORE ? request->timestamp_ms : request->signed_ms);
    if (method == MODERN_UNREVOKE)
        write_tokens(out, "unrevoke", request);
    buf_byte(out, 'e');
}

/* ---- what is signed ---- */

static void add_number(struct buf *out, int64_t number)
{
    buf_printf(out, "%" PRId64, number);
}

static void add_namespace(struct buf *out, const struct modern_request *request)
{
    if (request->all_namespaces)
        buf_text(out, "all");
    else if (request->namespace != 0)
        add_number(out, request->namespace);
}

static void add_messages(struct buf *out, const struct modern_request *request)
{
    for (size_t i = 0; i < request->message_count; i++)
        buf_append(out, request->messages[i]);
}

void modern_request_revoked_text(struct buf *out, const struct modern_request *request)
{
    add_number(out, request->signed_ms);
    for (size_t i = 0; i < request->token_count; i++)
        buf_append(out, BYTES_OF(request->tokens[i].bytes));
}

void modern_request_signed_text(struct buf *out, const struct modern_request *request)
{
    buf_text(out, modern_method_name(request->method));
    switch (request->method) {
    case MODERN_STORE:
    case MODERN_RETRIEVE:
    case MODERN_DELETE_ALL:
    case MODERN_DELETE_BEFORE:
    case MODERN_EXPIRE_ALL:
        add_namespace(out, request);
        add_number(out, request->signed_ms);
        break;
    case MODERN_DELETE:
        add_messages(out, request);
        break;
    case MODERN_EXPIRE:
        buf_text(out, request->shorten ? "shorten" : request->extend ? "extend" : "");
        for (size_t i = 0; i < request->expiry_count; i++)
            add_number(out, request->expiries[i]);
        add_messages(out, request);
        break;
    case MODERN_GET_EXPIRIES:
        add_number(out, request->signed_ms);
        add_messages(out, request);
        break;
    case MODERN_REVOKE:
    case MODERN_UNREVOKE:
        modern_request_revoked_text(out, request);
        break;
    case MODERN_GET_SWARM:
    case MODERN_INFO:
    case MODERN_OXEND:
    case MODERN_BATCH:
    case MODERN_SEQUENCE:
    case MODERN_IFELSE:
    case MODERN_METHOD_COUNT:
        break;
    }
}
