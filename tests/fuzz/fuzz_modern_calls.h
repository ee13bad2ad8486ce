/* fuzz_modern_calls.h: calls of today's dialect as a story tells them: any method, with a signature that holds in the
 * modelled suite, by the account's key or a token's. */
#ifndef SWARMBED_FUZZ_MODERN_CALLS_H
#define SWARMBED_FUZZ_MODERN_CALLS_H

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "proto/monitor.h"
#include "tests/fuzz/fuzz_reader.h"
#include "tests/support/modern_fixture.h"

#define MODERN_CALL_BYTES 4096

/* Who may sign in the modelled suite is whoever knows the public key. */
static inline struct ed25519_secret modelled_secret(const uint8_t public[32])
{
    struct ed25519_secret secret = {0};

    memcpy(secret.bytes + 32, public, 32);
    return secret;
}

static inline int take_namespace(struct bytes *in)
{
    static const int namespaces[] = {0, 5, -1, -11, -10, 7};

    return namespaces[take_u8(in) % ARRAY_LEN(namespaces)];
}

/* Data of one character: the same messages come again and again. */
static inline const char *take_hash(struct bytes *in, struct arena *arena, const struct account_id *account)
{
    char *hash = arena_alloc(arena, MESSAGE_HASH_CHARS + 1);
    int namespace = take_namespace(in);
    uint8_t letter = 'A' + take_u8(in) % 4;

    message_hash(account, (int16_t) namespace, (struct bytes){&letter, 1}, hash);
    hash[MESSAGE_HASH_CHARS] = '\0';
    return hash;
}

static inline long long take_time(struct bytes *in, int64_t now_ms)
{
    static const int spans_ms[] = {0, 1000, 59000, 61000, 3600000, -3000, 20000000};

    return (long long)now_ms + spans_ms[take_u8(in) % ARRAY_LEN(spans_ms)];
}

/* The members of the parameters; the method's name is told by the way. */
static inline const char *take_fields(struct bytes *in, struct arena *arena, int64_t now_ms,
                                      const struct account_id *account, const char **method)
{
    static const char *const flags[] = {"", ",\"shorten\":true", ",\"extend\":true"};
    static const char *const data[] = {"QQ", "Qg", "Qw", "RA"};
    static const char token[] = "BQMAAAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    switch (take_u8(in) % 12) {
    case 0:
    case 1: {
        long long expiry_ms = take_time(in, now_ms) + 11000;

        *method = "store";
        return arena_printf(arena, "\"timestamp\":%lld,\"expiry\":%lld,\"namespace\":%d,\"data\":\"%s\"",
                            (long long)now_ms, expiry_ms, take_namespace(in), data[take_u8(in) % ARRAY_LEN(data)]);
    }
    case 2:
        *method = "retrieve";
        return arena_printf(arena, "\"timestamp\":%lld,\"namespace\":%d,\"last_hash\":\"%s\"", (long long)now_ms,
                            take_namespace(in), take_hash(in, arena, account));
    case 3:
        *method = "delete";
        return arena_printf(arena, "\"messages\":[\"%s\"],\"required\":true", take_hash(in, arena, account));
    case 4:
        *method = "delete_before";
        return arena_printf(arena, "\"before\":%lld,\"namespace\":\"all\"", take_time(in, now_ms));
    case 5: {
        const char *hash = take_hash(in, arena, account);

        *method = "expire";
        return arena_printf(arena, "\"messages\":[\"%s\"],\"expiry\":%lld%s", hash, take_time(in, now_ms),
                            flags[take_u8(in) % ARRAY_LEN(flags)]);
    }
    case 6: {
        long long expiry_ms = take_time(in, now_ms);

        *method = "expire_all";
        return arena_printf(arena, "\"expiry\":%lld,\"namespace\":%d", expiry_ms, take_namespace(in));
    }
    case 7:
        *method = "get_expiries";
        return arena_printf(arena, "\"timestamp\":%lld,\"messages\":[\"%s\"]", (long long)now_ms,
                            take_hash(in, arena, account));
    case 8:
        *method = "revoke_subaccount";
        return arena_printf(arena, "\"timestamp\":%lld,\"revoke\":\"%s\"", take_time(in, now_ms), token);
    case 9:
        *method = "unrevoke_subaccount";
        return arena_printf(arena, "\"timestamp\":%lld,\"unrevoke\":\"%s\"", take_time(in, now_ms), token);
    case 10:
        *method = "get_swarm";
        return "";
    default:
        *method = "delete_all";
        return arena_printf(arena, "\"timestamp\":%lld", take_time(in, now_ms));
    }
}

/* Members that name a token of the account's, of the rights that the story wants, and who holds it. */
static inline const char *take_token(struct bytes *in, struct arena *arena, const struct account_id *account,
                                     struct ed25519_secret *signer)
{
    char token[BASE64_LEN(SUBACCOUNT_TOKEN_BYTES) + 1] = "", token_signature[BASE64_LEN(64) + 1] = "";
    struct ed25519_secret owner = *signer;
    struct subaccount_token made = {{account->bytes[0], take_u8(in)}};
    uint8_t signature[64];

    made.bytes[35] = 1;
    crypto_modelled.sign(&owner, BYTES_OF(made.bytes), signature);
    base64_encode(token, BYTES_OF(made.bytes));
    base64_encode(token_signature, BYTES_OF(signature));
    *signer = modelled_secret(made.bytes + 4);
    return arena_printf(arena, ",\"subaccount\":\"%s\",\"subaccount_sig\":\"%s\"", token, token_signature);
}

/* One call: text in the arena. */
static inline const char *take_modern_call(struct bytes *in, struct arena *arena, int64_t now_ms,
                                           const struct account_id *account)
{
    struct ed25519_secret signer = modelled_secret(account->bytes + 1);
    char pubkey[ACCOUNT_HEX_LEN + 1], *body = arena_alloc(arena, MODERN_CALL_BYTES);
    const char *method, *more, *fields;

    account_to_hex(account, pubkey);
    pubkey[ACCOUNT_HEX_LEN] = '\0';
    more = (take_u8(in) & 7) == 7 ? take_token(in, arena, account, &signer) : "";
    fields = take_fields(in, arena, now_ms, account, &method);
    write_signed_body(body, MODERN_CALL_BYTES, arena, &crypto_modelled, &signer, pubkey, method, more, fields);
    return body;
}

/* Some calls in one. */
static inline const char *take_modern_calls(struct bytes *in, struct arena *arena, int64_t now_ms,
                                            const struct account_id *account)
{
    static const char *const formats[] = {
        "{\"method\":\"batch\",\"params\":{\"requests\":[%s,%s]}}",
        "{\"method\":\"sequence\",\"params\":{\"requests\":[%s,%s]}}",
        "{\"method\":\"ifelse\",\"params\":{\"if\":{\"height_before\":3},\"then\":%s,\"else\":%s}}"};
    const char *format = formats[take_u8(in) % ARRAY_LEN(formats)];
    const char *first = take_modern_call(in, arena, now_ms, account);

    return arena_printf(arena, format, first, take_modern_call(in, arena, now_ms, account));
}

/* The body of a subscription to the account's messages. */
static inline struct bytes take_subscription(struct bytes *in, struct arena *arena, int64_t now_ms,
                                             const struct account_id *account)
{
    struct ed25519_secret signer = modelled_secret(account->bytes + 1);
    int16_t namespace = (int16_t)take_namespace(in);
    struct monitor_request request = {.account = *account,
                                      .namespaces = &namespace,
                                      .namespace_count = 1,
                                      .data = (take_u8(in) & 1) != 0,
                                      .signed_s = now_ms / 1000};
    struct buf text;
    struct bytes body;

    buf_init(&text, SIZE_MAX);
    monitor_request_signed_text(&text, &request);
    crypto_modelled.sign(&signer, buf_bytes(&text), request.signature);
    buf_clear(&text);
    buf_text(&text, "d1:d");
    bencode_write_integer(&text, request.data);
    buf_text(&text, "1:nl");
    bencode_write_integer(&text, namespace);
    buf_text(&text, "e1:p");
    bencode_write_string(&text, BYTES_OF(account->bytes));
    buf_text(&text, "1:s");
    bencode_write_string(&text, BYTES_OF(request.signature));
    buf_text(&text, "1:t");
    bencode_write_integer(&text, request.signed_s);
    buf_byte(&text, 'e');
    body = arena_copy(arena, buf_bytes(&text));
    buf_fini(&text);
    return body;
}

#endif
