#include "proto/modern_request.h"

#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "proto/namespace.h"

/* ---- what the methods have in common ---- */

/* The texts of who asks; filled in alphabetical order among a method's own fields, as they are read and complained of.
 */
struct signer_texts {
    bool has_pubkey, has_ed25519, has_signature, has_subaccount, has_subaccount_signature;
    struct bytes pubkey, ed25519, signature, subaccount, subaccount_signature;
};

static void read_pubkey(struct rpc_params *params, struct signer_texts *texts)
{
    texts->has_pubkey = param_text(params, "pubkey", &texts->pubkey);
}

/* Either spelling; both is a complaint of its own that comes later: complain_of_pair(). */
struct pubkey_pair {
    bool has_old, has_new;
    struct bytes old_spelling, new_spelling;
};

static void read_pubkey_pair(struct rpc_params *params, struct pubkey_pair *pair)
{
    pair->has_old = param_text(params, "pubKey", &pair->old_spelling);
    pair->has_new = param_text(params, "pubkey", &pair->new_spelling);
}

static void take_pubkey_pair(struct rpc_params *params, const struct pubkey_pair *pair, struct signer_texts *texts)
{
    param_require_not_both(params, "pubkey", pair->has_new, "pubKey", pair->has_old);
    param_require(params, "pubkey", pair->has_new || pair->has_old);
    texts->has_pubkey = pair->has_new || pair->has_old;
    texts->pubkey = pair->has_new ? pair->new_spelling : pair->old_spelling;
}

static void read_ed25519(struct rpc_params *params, struct signer_texts *texts)
{
    texts->has_ed25519 = param_text(params, "pubkey_ed25519", &texts->ed25519);
}

static void read_signature(struct rpc_params *params, struct signer_texts *texts)
{
    texts->has_signature = param_text(params, "signature", &texts->signature);
}

static void read_subaccount(struct rpc_params *params, struct signer_texts *texts)
{
    texts->has_subaccount = param_text(params, "subaccount", &texts->subaccount);
    texts->has_subaccount_signature = param_text(params, "subaccount_sig", &texts->subaccount_signature);
}

static void read_signer(struct rpc_params *params, struct signer_texts *texts)
{
    read_ed25519(params, texts);
    read_signature(params, texts);
    read_subaccount(params, texts);
}

/* In either case; in bencoded params also raw. */
static enum err decode_account(const struct rpc_params *params, struct bytes text, struct account_id *account)
{
    if (!rpc_params_are_json(params) && text.len == sizeof(account->bytes)) {
        memcpy(account->bytes, text.data, text.len);
        return OK;
    }
    return account_from_hex(account, text);
}

static void take_pubkey(struct rpc_params *params, const struct signer_texts *texts, struct modern_request *out)
{
    param_require(params, "pubkey", texts->has_pubkey);
    if (params->error == NULL && decode_account(params, texts->pubkey, &out->account) != OK)
        param_complain(params, "Pubkey must be 66 hex digits (33 bytes) long");
}

static void take_ed25519(struct rpc_params *params, const struct signer_texts *texts, struct modern_request *out)
{
    struct bytes text = texts->ed25519;

    out->has_ed25519 = texts->has_ed25519;
    if (params->error != NULL || !texts->has_ed25519)
        return;
    if (out->account.bytes[0] != ACCOUNT_PREFIX)
        param_complain(params, "pubkey_ed25519 is only permitted for 05[...] pubkeys");
    else if (!rpc_params_are_json(params) && text.len == sizeof(out->ed25519.bytes))
        memcpy(out->ed25519.bytes, text.data, text.len);
    else if (text.len != 2 * sizeof(out->ed25519.bytes))
        param_complain(params, "Invalid pubkey_ed25519: expected 64 hex char or 32 byte pubkey");
    else if (hex_decode(out->ed25519.bytes, sizeof(out->ed25519.bytes), text) != OK)
        param_complain(params, "invalid pubkey_ed25519: value is not hex");
}

/* A signature, with its padding or without; raw if bencoded. */
static bool decode_signature(const struct rpc_params *params, struct bytes text, uint8_t signature[64])
{
    uint8_t bytes[64 + 2]; /* base64_decode_unpadded() may want the room */
    size_t len = sizeof(bytes);

    if (!rpc_params_are_json(params)) {
        if (text.len != 64)
            return false;
        memcpy(signature, text.data, 64);
        return true;
    }
    if ((text.len != 86 && text.len != 88) || base64_decode_unpadded(bytes, &len, text) != OK || len != 64)
        return false;
    memcpy(signature, bytes, 64);
    return true;
}

static void take_signature(struct rpc_params *params, const struct signer_texts *texts, struct modern_request *out)
{
    if (params->error != NULL)
        return;
    out->has_signature = decode_signature(params, texts->signature, out->signature);
    if (!out->has_signature)
        param_complain(params, rpc_params_are_json(params)
                                   ? "invalid signature: expected base64 encoded Ed25519 signature"
                                   : "invalid signature: expected 64-byte Ed25519 signature");
}

static void take_subaccount(struct rpc_params *params, const struct signer_texts *texts, struct modern_request *out)
{
    struct bytes text = texts->subaccount;
    bool json = rpc_params_are_json(params), good;

    if (params->error != NULL || !texts->has_subaccount || text.len == 0)
        return;
    if (!texts->has_subaccount_signature) {
        param_complain(params, "invalid subaccount: subaccount_sig is required when using subaccount");
        return;
    }
    good = json ? subaccount_from_text(&out->subaccount, text) == OK : text.len == sizeof(out->subaccount.bytes);
    if (!good) {
        param_complain(params, json ? "invalid subaccount: expected base64 or hex-encoded subaccount token"
                                    : "invalid subaccount token: invalid token length");
        return;
    }
    if (!json)
        memcpy(out->subaccount.bytes, text.data, text.len);
    if (!decode_signature(params, texts->subaccount_signature, out->subaccount_signature))
        param_complain(params, json ? "invalid subaccount signature: expected base64 encoded Ed25519 signature"
                                    : "invalid signature: expected 64-byte Ed25519 signature");
    out->has_subaccount = true;
}

/* The order of complaints: PROTOCOL 10.3. */
static void take_signer(struct rpc_params *params, const struct signer_texts *texts, struct modern_request *out)
{
    take_pubkey(params, texts, out);
    param_require(params, "signature", texts->has_signature);
    take_ed25519(params, texts, out);
    take_signature(params, texts, out);
    take_subaccount(params, texts, out);
}

static bool is_base64_text(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' || c == '/';

        if (!digit)
            return false;
    }
    return true;
}

static void take_messages(struct rpc_params *params, bool has_messages, const struct modern_request *request)
{
    param_require(params, "messages", has_messages);
    if (request->message_count == 0)
        param_complain(params, "messages does not contain any message hashes");
}

static void check_hashes(struct rpc_params *params, const struct modern_request *request)
{
    for (size_t i = 0; i < request->message_count && params->error == NULL; i++) {
        struct bytes hash = request->messages[i];

        if (hash.len != MESSAGE_HASH_CHARS || !is_base64_text(hash))
            param_complain(params, "invalid message hash: %.*s", (int)hash.len, (const char *)hash.data);
    }
}

/* ---- one function per method: fields are read in alphabetical order, then taken ---- */

static void take_data(struct rpc_params *params, bool has_data, struct bytes data, struct modern_request *out)
{
    size_t len = data.len / 4 * 3 + 2;
    uint8_t *bytes;

    param_require(params, "data", has_data);
    if (params->error != NULL)
        return;
    out->data = data;
    if (rpc_params_are_json(params) && data.len <= 2 * LIMIT_DATA_CHARS) {
        bytes = arena_alloc(params->arena, len);
        if (base64_decode_unpadded(bytes, &len, data) != OK)
            param_complain(params, "Invalid 'data' value: not base64 encoded");
        out->data = (struct bytes){bytes, len};
    }
    if (params->error == NULL && out->data.len > LIMIT_DATA_BYTES)
        param_complain(params, "Message body exceeds maximum allowed length of 76800 bytes");
}

static void decode_store(struct rpc_params *params, struct modern_request *out)
{
    struct signer_texts texts = {0};
    struct pubkey_pair pubkey;
    struct bytes data = BYTES_NONE;
    int64_t ttl_ms = 0;
    bool has_data = param_text(params, "data", &data);
    bool has_expiry = param_timestamp(params, "expiry", &out->expiry_ms);
    bool has_sig_timestamp, has_timestamp, has_ttl;

    (void)param_namespace(params, "namespace", &out->namespace);
    read_pubkey_pair(params, &pubkey);
    read_ed25519(params, &texts);
    has_sig_timestamp = param_timestamp(params, "sig_timestamp", &out->signed_ms);
    read_signature(params, &texts);
    read_subaccount(params, &texts);
    has_timestamp = param_number_or_text(params, "timestamp", true, &out->timestamp_ms);
    has_ttl = param_number_or_text(params, "ttl", false, &ttl_ms);

    param_require(params, "timestamp", has_timestamp);
    param_require_not_both(params, "expiry", has_expiry, "ttl", has_ttl);
    if (!has_expiry && !has_ttl)
        param_complain(params, "Required field 'expiry' or 'ttl' missing");
    if (!has_expiry)
        out->expiry_ms = out->timestamp_ms + ttl_ms < PARAM_NUMBER_MAX ? out->timestamp_ms + ttl_ms : PARAM_NUMBER_MAX;
    if (!has_sig_timestamp)
        out->signed_ms = out->timestamp_ms;
    take_pubkey_pair(params, &pubkey, &texts);
    if (texts.has_signature)
        take_signer(params, &texts, out);
    else
        take_pubkey(params, &texts, out);
    take_data(params, has_data, data, out);
}

static void take_last_hash(struct rpc_params *params, struct bytes hash, struct modern_request *out)
{
    if (params->error != NULL || hash.len == 0)
        return;
    if (hash.len != sizeof(out->last_hash)) {
        param_complain(params, "Invalid last_hash: expected base64 (43 chars)");
    } else if (!is_base64_text(hash)) {
        param_complain(params, "Invalid last_hash: not base64");
    } else {
        memcpy(out->last_hash, hash.data, hash.len);
        out->has_last_hash = true;
    }
}

static void decode_retrieve(struct rpc_params *params, struct modern_request *out)
{
    struct signer_texts texts = {0};
    struct pubkey_pair pubkey;
    struct bytes old_last_hash = BYTES_NONE, last_hash = BYTES_NONE;
    bool has_old_last_hash = param_text(params, "lastHash", &old_last_hash);
    bool has_last_hash = param_text(params, "last_hash", &last_hash);
    bool has_namespace, has_timestamp;

    (void)param_integer(params, "max_count", &out->max_count);
    (void)param_integer(params, "max_size", &out->max_size);
    has_namespace = param_namespace(params, "namespace", &out->namespace);
    read_pubkey_pair(params, &pubkey);
    read_signer(params, &texts);
    has_timestamp = param_timestamp(params, "timestamp", &out->signed_ms);

    take_pubkey_pair(params, &pubkey, &texts);
    if (texts.has_ed25519 || texts.has_signature || has_timestamp ||
        (has_namespace && !namespace_is_read_by_all(out->namespace))) {
        take_signer(params, &texts, out);
        param_require(params, "timestamp", has_timestamp);
    } else {
        take_pubkey(params, &texts, out);
    }
    param_require_not_both(params, "last_hash", has_last_hash, "lastHash", has_old_last_hash);
    take_last_hash(params, has_last_hash ? last_hash : old_last_hash, out);
}

static void decode_delete(struct rpc_params *params, struct modern_request *out)
{
    struct signer_texts texts = {0};
    bool has_messages = param_texts(params, "messages", &out->messages, &out->message_count);

    read_pubkey(params, &texts);
    read_ed25519(params, &texts);
    (void)param_bool(params, "required", &out->required);
    read_signature(params, &texts);
    read_subaccount(params, &texts);

    take_signer(params, &texts, out);
    take_messages(params, has_messages, out);
    check_hashes(params, out);
}

/* delete_all, delete_before, expire_all: a namespace or all of them, and a time of that name, which is read first or
 * last, but complained of last either way. */
static void decode_of_namespace(struct rpc_params *params, const char *time_name, struct modern_request *out)
{
    struct signer_texts texts = {0};
    bool time_first = strcmp(time_name, "namespace") < 0;
    bool has_time = time_first && param_timestamp(params, time_name, &out->signed_ms);

    (void)param_namespace_or_all(params, "namespace", &out->namespace, &out->all_namespaces);
    read_pubkey(params, &texts);
    read_signer(params, &texts);
    if (!time_first)
        has_time = param_timestamp(params, time_name, &out->signed_ms);

    take_signer(params, &texts, out);
    param_require(params, time_name, has_time);
}

static void decode_delete_all(struct rpc_params *params, struct modern_request *out)
{
    decode_of_namespace(params, "timestamp", out);
}

static void decode_delete_before(struct rpc_params *params, struct modern_request *out)
{
    decode_of_namespace(params, "before", out);
}

static void decode_expire_all(struct rpc_params *params, struct modern_request *out)
{
    decode_of_namespace(params, "expiry", out);
}

static void decode_expire(struct rpc_params *params, struct modern_request *out)
{
    struct signer_texts texts = {0};
    bool has_expiry = param_timestamps(params, "expiry", &out->expiries, &out->expiry_count);
    bool has_messages;

    (void)param_bool(params, "extend", &out->extend);
    has_messages = param_texts(params, "messages", &out->messages, &out->message_count);
    read_pubkey(params, &texts);
    read_ed25519(params, &texts);
    (void)param_bool(params, "shorten", &out->shorten);
    read_signature(params, &texts);
    read_subaccount(params, &texts);

    take_signer(params, &texts, out);
    param_require(params, "expiry", has_expiry);
    if (out->expiry_count == 0)
        param_complain(params, "'expiry' does not contain any expiration timestamps");
    if (out->shorten && out->extend)
        param_complain(params, "cannot specify both 'shorten' and 'extend'");
    take_messages(params, has_messages, out);
    if (out->expiry_count > 1 && out->expiry_count != out->message_count)
        param_complain(params, "'expiry' must be a single expiry, or the same length as 'messages'");
    check_hashes(params, out);
}

static void decode_get_expiries(struct rpc_params *params, struct modern_request *out)
{
    struct signer_texts texts = {0};
    bool has_messages = param_texts(params, "messages", &out->messages, &out->message_count), has_timestamp;

    read_pubkey(params, &texts);
    read_signer(params, &texts);
    has_timestamp = param_timestamp(params, "timestamp", &out->signed_ms);

    take_signer(params, &texts, out);
    param_require(params, "timestamp", has_timestamp);
    take_messages(params, has_messages, out);
}

static void decode_get_swarm(struct rpc_params *params, struct modern_request *out)
{
    struct signer_texts texts = {0};
    struct pubkey_pair pubkey;

    read_pubkey_pair(params, &pubkey);
    take_pubkey_pair(params, &pubkey, &texts);
    if (params->error == NULL && decode_account(params, texts.pubkey, &out->account) != OK)
        param_complain(params, "Pubkey must be 66 hex digits/33 bytes long");
}

static void decode_info(struct rpc_params *params, struct modern_request *out)
{
    (void)params, (void)out;
}

static void take_tokens(struct rpc_params *params, const char *name, const struct bytes texts[], size_t count,
                        struct modern_request *out)
{
    struct subaccount_token *tokens;

    if (params->error != NULL)
        return;
    tokens = arena_alloc(params->arena, (count + 1) * sizeof(tokens[0]));
    for (size_t i = 0; i < count; i++) {
        if (rpc_params_are_json(params)) {
            if (subaccount_from_text(&tokens[i], texts[i]) != OK)
                param_complain(params, "invalid %s: expected base64 or hex-encoded subaccount tag", name);
        } else if (texts[i].len == sizeof(tokens[i].bytes)) {
            memcpy(tokens[i].bytes, texts[i].data, texts[i].len);
        } else {
            param_complain(params, "invalid %s subaccount: invalid subaccount tag length", name);
        }
    }
    out->tokens = tokens;
    out->token_count = count;
}

static void decode_revoke(struct rpc_params *params, struct modern_request *out)
{
    struct signer_texts texts = {0};
    const struct bytes *tokens = NULL;
    size_t count = 0;
    bool has_tokens, has_timestamp;

    read_pubkey(params, &texts);
    read_ed25519(params, &texts);
    has_tokens = param_texts(params, "revoke", &tokens, &count);
    read_signature(params, &texts);
    has_timestamp = param_timestamp(params, "timestamp", &out->signed_ms);

    take_signer(params, &texts, out);
    param_require(params, "revoke", has_tokens);
    if (count > LIMIT_REVOCATIONS)
        param_complain(params, "invalid revoke: cannot revoke more than %d subaccounts at once", LIMIT_REVOCATIONS);
    take_tokens(params, "revoke", tokens, count, out);
    param_require(params, "timestamp", has_timestamp);
}

static void decode_unrevoke(struct rpc_params *params, struct modern_request *out)
{
    struct signer_texts texts = {0};
    const struct bytes *tokens = NULL;
    size_t count = 0;
    bool has_tokens, has_timestamp;

    read_pubkey(params, &texts);
    read_ed25519(params, &texts);
    read_signature(params, &texts);
    has_timestamp = param_timestamp(params, "timestamp", &out->signed_ms);
    has_tokens = param_texts(params, "unrevoke", &tokens, &count);

    take_signer(params, &texts, out);
    param_require(params, "timestamp", has_timestamp);
    param_require(params, "unrevoke", has_tokens);
    take_tokens(params, "unrevoke", tokens, count, out);
}

static void decode_oxend(struct rpc_params *params, struct modern_request *out)
{
    bool has_endpoint = param_text(params, "endpoint", &out->endpoint);

    param_require(params, "endpoint", has_endpoint);
    if (params->error != NULL)
        return;
    if (!bytes_equal_text(out->endpoint, "get_service_nodes") && !bytes_equal_text(out->endpoint, "ons_resolve"))
        param_complain(params, "Invalid oxend endpoint '%.*s'", (int)out->endpoint.len,
                       (const char *)out->endpoint.data);
    out->endpoint_params = json_get(params->json, "params");
}

/* ---- all of them ---- */

static const struct {
    const char *name;
    bool recursive;
    void (*decode)(struct rpc_params *params, struct modern_request *out); /* NULL: holds other calls */
} methods_table[MODERN_METHOD_COUNT] = {
    [MODERN_STORE] = {"store", true, decode_store},
    [MODERN_RETRIEVE] = {"retrieve", false, decode_retrieve},
    [MODERN_DELETE] = {"delete", true, decode_delete},
    [MODERN_DELETE_ALL] = {"delete_all", true, decode_delete_all},
    [MODERN_DELETE_BEFORE] = {"delete_before", true, decode_delete_before},
    [MODERN_EXPIRE] = {"expire", true, decode_expire},
    [MODERN_EXPIRE_ALL] = {"expire_all", true, decode_expire_all},
    [MODERN_GET_EXPIRIES] = {"get_expiries", false, decode_get_expiries},
    [MODERN_GET_SWARM] = {"get_swarm", false, decode_get_swarm},
    [MODERN_INFO] = {"info", false, decode_info},
    [MODERN_REVOKE] = {"revoke_subaccount", true, decode_revoke},
    [MODERN_UNREVOKE] = {"unrevoke_subaccount", true, decode_unrevoke},
    [MODERN_OXEND] = {"oxend_request", false, decode_oxend},
    [MODERN_BATCH] = {"batch", false, NULL},
    [MODERN_SEQUENCE] = {"sequence", false, NULL},
    [MODERN_IFELSE] = {"ifelse", false, NULL},
};

enum err modern_method_find(struct bytes name, enum modern_method *method)
{
    *method = MODERN_GET_SWARM;
    if (bytes_equal_text(name, "get_snodes_for_pubkey"))
        return OK;
    for (size_t i = 0; i < ARRAY_LEN(methods_table); i++) {
        *method = (enum modern_method)i;
        if (bytes_equal_text(name, methods_table[i].name))
            return OK;
    }
    return ERR_NOT_FOUND;
}

const char *modern_method_name(enum modern_method method)
{
    ASSERT((unsigned)method < MODERN_METHOD_COUNT);
    return methods_table[method].name;
}

bool modern_method_is_recursive(enum modern_method method)
{
    ASSERT((unsigned)method < MODERN_METHOD_COUNT);
    return methods_table[method].recursive;
}

const char *modern_request_decode(enum modern_method method, struct rpc_params *params, struct modern_request *out)
{
    ASSERT((unsigned)method < MODERN_METHOD_COUNT && methods_table[method].decode != NULL);
    *out = (struct modern_request){.method = method};
    methods_table[method].decode(params, out);
    return params->error;
}
