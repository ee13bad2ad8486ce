#include "proto/modern_request.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/suite.h"
#include "common/text.h"
#include "proto/namespace.h"
#include "tests/support/check_main.h"

static struct arena arena;

static void start(void)
{
    arena_init(&arena);
}

static void end(void)
{
    arena_fini(&arena);
}

/* Decodes; the document lives until the next call. */
static struct json *document;
static const char *decode_json(enum modern_method method, const char *text, struct modern_request *out)
{
    struct rpc_params params;
    enum err err;

    json_free(document);
    document = json_parse(bytes_text(text), &err);
    ck_assert_msg(document != NULL, "no JSON: %s", text);
    rpc_params_json(&params, &arena, document);
    return modern_request_decode(method, &params, out);
}

static const char *decode_bencoded(enum modern_method method, struct bytes text, struct modern_request *out)
{
    struct rpc_params params;

    ck_assert_msg(rpc_params_bencoded(&params, &arena, text) == OK, "not bencoded: %.*s", (int)text.len,
                  (const char *)text.data);
    return modern_request_decode(method, &params, out);
}

#define PUBKEY  "0500112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define GROUP   "0300112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ED25519 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SIG86   "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw"
#define TOKEN   "BQMAAAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
#define HASH    "AhmHtbZRSgxUdgjaOrNhI68Hn5VBgzdvqPbMNeVSMsY"
#define SIGNED  "\"pubkey\":\"" PUBKEY "\",\"signature\":\"" SIG86 "\""
#define NOW     "1700000000000"

/* One complaint per row of PROTOCOL 10.3, for the methods that it belongs to. */
static const struct complaint {
    enum modern_method method;
    const char *params, *text;
} complaints[] = {
    /* types, in alphabetical order of the fields, before anything else */
    {MODERN_STORE, "{\"data\":1,\"expiry\":\"x\"}", "Invalid value given for 'data': expected string"},
    {MODERN_STORE, "{\"expiry\":\"x\",\"namespace\":\"x\"}",
     "Invalid value given for 'expiry': expected integer timestamp (in milliseconds)"},
    {MODERN_STORE, "{\"expiry\":-5}", "Invalid value given for 'expiry': expected integer timestamp (in milliseconds)"},
    {MODERN_STORE, "{\"expiry\":1.5}",
     "Invalid value given for 'expiry': expected integer timestamp (in milliseconds)"},
    {MODERN_STORE, "{\"expiry\":999999999}", "Invalid timestamp for 'expiry': timestamp must be in milliseconds"},
    {MODERN_STORE, "{\"namespace\":\"1\",\"pubKey\":1}",
     "Invalid value given for 'namespace': expected 16-bit integer"},
    {MODERN_STORE, "{\"namespace\":32768}", "Invalid value given for 'namespace': value out of range"},
    {MODERN_STORE, "{\"namespace\":-32769}", "Invalid value given for 'namespace': value out of range"},
    {MODERN_STORE, "{\"pubKey\":1,\"pubkey\":1}", "Invalid value given for 'pubKey': expected string"},
    {MODERN_STORE, "{\"pubkey\":[]}", "Invalid value given for 'pubkey': expected string"},
    {MODERN_STORE, "{\"pubkey_ed25519\":1}", "Invalid value given for 'pubkey_ed25519': expected string"},
    {MODERN_STORE, "{\"sig_timestamp\":\"1\"}",
     "Invalid value given for 'sig_timestamp': expected integer timestamp (in milliseconds)"},
    {MODERN_STORE, "{\"sig_timestamp\":5}", "Invalid timestamp for 'sig_timestamp': timestamp must be in milliseconds"},
    {MODERN_STORE, "{\"signature\":1}", "Invalid value given for 'signature': expected string"},
    {MODERN_STORE, "{\"subaccount\":1}", "Invalid value given for 'subaccount': expected string"},
    {MODERN_STORE, "{\"subaccount_sig\":1}", "Invalid value given for 'subaccount_sig': expected string"},
    {MODERN_STORE, "{\"timestamp\":\"a\\\"b\"}", "Invalid value given for 'timestamp': \"a\\\"b\""},
    {MODERN_STORE, "{\"timestamp\":\"\"}", "Invalid value given for 'timestamp': \"\""},
    {MODERN_STORE, "{\"timestamp\":true}", "Invalid value given for 'timestamp': expected integer"},
    {MODERN_STORE, "{\"timestamp\":1,\"ttl\":\"-5\"}", "Invalid value given for 'ttl': \"-5\""},
    {MODERN_STORE, "{\"timestamp\":1,\"ttl\":-5}", "Invalid value given for 'ttl': expected positive integer"},
    {MODERN_RETRIEVE, "{\"max_count\":\"1\"}", "Invalid value given for 'max_count': expected integer"},
    {MODERN_RETRIEVE, "{\"max_size\":1.5}", "Invalid value given for 'max_size': expected integer"},
    {MODERN_DELETE, "{\"messages\":5}", "Invalid value given for 'messages': expected string array"},
    {MODERN_DELETE, "{\"messages\":[\"a\",5]}", "Invalid value given for 'messages': expected string array"},
    {MODERN_DELETE, "{\"required\":1}", "Invalid value given for 'required': expected boolean"},
    {MODERN_EXPIRE, "{\"expiry\":[1,\"2\"]}", "Invalid value given for 'expiry': expected timestamp array"},
    {MODERN_EXPIRE, "{\"expiry\":-1}", "Invalid value given for 'expiry': expected timestamp array"},
    {MODERN_EXPIRE, "{\"extend\":\"yes\"}", "Invalid value given for 'extend': expected boolean"},
    {MODERN_EXPIRE, "{\"shorten\":0}", "Invalid value given for 'shorten': expected boolean"},
    {MODERN_DELETE_ALL, "{\"namespace\":\"every\"}",
     "Invalid value given for 'namespace': expected integer or \"all\""},
    {MODERN_DELETE_ALL, "{\"namespace\":true}", "Invalid value given for 'namespace': expected integer or \"all\""},
    {MODERN_DELETE_ALL, "{\"namespace\":40000}", "Invalid value given for 'namespace': value out of range"},
    {MODERN_DELETE_BEFORE, "{\"before\":5,\"namespace\":\"x\"}",
     "Invalid timestamp for 'before': timestamp must be in milliseconds"},
    {MODERN_REVOKE, "{\"revoke\":{}}", "Invalid value given for 'revoke': expected string array"},
    {MODERN_UNREVOKE, "{\"unrevoke\":1}", "Invalid value given for 'unrevoke': expected string array"},
    /* store: its own order */
    {MODERN_STORE, "{}", "Required field 'timestamp' missing"},
    {MODERN_STORE, "{\"timestamp\":null}", "Required field 'timestamp' missing"},
    {MODERN_STORE, "{\"timestamp\":1}", "Required field 'expiry' or 'ttl' missing"},
    {MODERN_STORE, "{\"timestamp\":1,\"ttl\":1,\"expiry\":" NOW "}", "Cannot specify both 'expiry' and 'ttl'"},
    {MODERN_STORE, "{\"timestamp\":1,\"ttl\":1}", "Required field 'pubkey' missing"},
    {MODERN_STORE, "{\"timestamp\":1,\"ttl\":1,\"pubkey\":\"a\",\"pubKey\":\"a\"}",
     "Cannot specify both 'pubkey' and 'pubKey'"},
    {MODERN_STORE, "{\"timestamp\":1,\"ttl\":1,\"pubkey\":\"a\"}", "Pubkey must be 66 hex digits (33 bytes) long"},
    {MODERN_STORE, "{\"timestamp\":1,\"ttl\":1,\"pubkey\":\"x" ED25519 "1\"}",
     "Pubkey must be 66 hex digits (33 bytes) long"},
    {MODERN_STORE, "{\"timestamp\":1,\"ttl\":1,\"pubkey\":\"" GROUP "\",\"pubkey_ed25519\":\"x\",\"signature\":\"x\"}",
     "pubkey_ed25519 is only permitted for 05[...] pubkeys"},
    {MODERN_STORE, "{\"timestamp\":1,\"ttl\":1,\"pubkey\":\"" PUBKEY "\",\"signature\":\"x\"}",
     "invalid signature: expected base64 encoded Ed25519 signature"},
    {MODERN_STORE,
     "{\"timestamp\":1,\"ttl\":1,\"pubkey\":\"" PUBKEY "\",\"pubkey_ed25519\":\"x\",\"subaccount\":\"x\"}",
     "Required field 'data' missing"},
    {MODERN_STORE, "{\"timestamp\":1,\"ttl\":1," SIGNED ",\"subaccount\":\"x\"}",
     "invalid subaccount: subaccount_sig is required when using subaccount"},
    {MODERN_STORE, "{\"timestamp\":1,\"ttl\":1,\"pubkey\":\"" PUBKEY "\"}", "Required field 'data' missing"},
    {MODERN_STORE, "{\"timestamp\":1,\"ttl\":1,\"pubkey\":\"" PUBKEY "\",\"data\":\"a b\"}",
     "Invalid 'data' value: not base64 encoded"},
    {MODERN_STORE, "{\"timestamp\":1,\"ttl\":1,\"pubkey\":\"" PUBKEY "\",\"data\":\"YWJjZ\"}",
     "Invalid 'data' value: not base64 encoded"},
    /* who asks, in the order of the other signed calls */
    {MODERN_DELETE, "{}", "Required field 'pubkey' missing"},
    {MODERN_DELETE, "{\"pubkey\":\"00\"}", "Pubkey must be 66 hex digits (33 bytes) long"},
    {MODERN_DELETE, "{\"pubkey\":\"" GROUP "\",\"pubkey_ed25519\":\"x\"}", "Required field 'signature' missing"},
    {MODERN_DELETE, "{\"pubkey\":\"" GROUP "\",\"pubkey_ed25519\":\"" ED25519 "\",\"signature\":\"x\"}",
     "pubkey_ed25519 is only permitted for 05[...] pubkeys"},
    {MODERN_DELETE, "{\"pubkey\":\"" PUBKEY "\",\"pubkey_ed25519\":\"12\",\"signature\":\"x\"}",
     "Invalid pubkey_ed25519: expected 64 hex char or 32 byte pubkey"},
    {MODERN_DELETE,
     "{\"pubkey\":\"" PUBKEY
     "\",\"pubkey_ed25519\":\"x0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\","
     "\"signature\":\"x\"}",
     "invalid pubkey_ed25519: value is not hex"},
    {MODERN_DELETE, "{\"pubkey\":\"" PUBKEY "\",\"signature\":\"" SIG86 "=\"}",
     "invalid signature: expected base64 encoded Ed25519 signature"},
    {MODERN_DELETE, "{" SIGNED ",\"subaccount\":\"x\"}",
     "invalid subaccount: subaccount_sig is required when using subaccount"},
    {MODERN_DELETE, "{" SIGNED ",\"subaccount\":\"x\",\"subaccount_sig\":\"x\"}",
     "invalid subaccount: expected base64 or hex-encoded subaccount token"},
    {MODERN_DELETE, "{" SIGNED ",\"subaccount\":\"" TOKEN "\",\"subaccount_sig\":\"x\"}",
     "invalid subaccount signature: expected base64 encoded Ed25519 signature"},
    /* the methods' own fields */
    {MODERN_DELETE, "{" SIGNED "}", "Required field 'messages' missing"},
    {MODERN_DELETE, "{" SIGNED ",\"messages\":[]}", "messages does not contain any message hashes"},
    {MODERN_DELETE, "{" SIGNED ",\"messages\":\"short\"}", "invalid message hash: short"},
    {MODERN_DELETE, "{" SIGNED ",\"messages\":[\"" HASH "\",\"" HASH "=\"]}", "invalid message hash: " HASH "="},
    {MODERN_DELETE, "{" SIGNED ",\"messages\":[\"_hmHtbZRSgxUdgjaOrNhI68Hn5VBgzdvqPbMNeVSMsY\"]}",
     "invalid message hash: _hmHtbZRSgxUdgjaOrNhI68Hn5VBgzdvqPbMNeVSMsY"},
    {MODERN_DELETE_ALL, "{" SIGNED "}", "Required field 'timestamp' missing"},
    {MODERN_DELETE_BEFORE, "{" SIGNED "}", "Required field 'before' missing"},
    {MODERN_EXPIRE_ALL, "{" SIGNED "}", "Required field 'expiry' missing"},
    {MODERN_EXPIRE, "{" SIGNED "}", "Required field 'expiry' missing"},
    {MODERN_EXPIRE, "{" SIGNED ",\"expiry\":[]}", "'expiry' does not contain any expiration timestamps"},
    {MODERN_EXPIRE, "{" SIGNED ",\"expiry\":" NOW ",\"shorten\":true,\"extend\":true}",
     "cannot specify both 'shorten' and 'extend'"},
    {MODERN_EXPIRE, "{" SIGNED ",\"expiry\":" NOW "}", "Required field 'messages' missing"},
    {MODERN_EXPIRE, "{" SIGNED ",\"expiry\":" NOW ",\"messages\":[]}", "messages does not contain any message hashes"},
    {MODERN_EXPIRE, "{" SIGNED ",\"expiry\":[1,2],\"messages\":\"x\"}",
     "'expiry' must be a single expiry, or the same length as 'messages'"},
    {MODERN_EXPIRE, "{" SIGNED ",\"expiry\":[1],\"messages\":\"x\"}", "invalid message hash: x"},
    {MODERN_GET_EXPIRIES, "{" SIGNED "}", "Required field 'timestamp' missing"},
    {MODERN_GET_EXPIRIES, "{" SIGNED ",\"timestamp\":" NOW "}", "Required field 'messages' missing"},
    {MODERN_GET_EXPIRIES, "{" SIGNED ",\"timestamp\":" NOW ",\"messages\":[]}",
     "messages does not contain any message hashes"},
    {MODERN_RETRIEVE, "{}", "Required field 'pubkey' missing"},
    {MODERN_RETRIEVE, "{\"pubkey\":\"a\",\"pubKey\":\"a\"}", "Cannot specify both 'pubkey' and 'pubKey'"},
    {MODERN_RETRIEVE, "{\"pubkey\":\"a\"}", "Pubkey must be 66 hex digits (33 bytes) long"},
    {MODERN_RETRIEVE, "{\"pubkey\":\"" PUBKEY "\",\"namespace\":0}", "Required field 'signature' missing"},
    {MODERN_RETRIEVE, "{\"pubkey\":\"" PUBKEY "\",\"timestamp\":" NOW "}", "Required field 'signature' missing"},
    {MODERN_RETRIEVE, "{\"pubkey\":\"" PUBKEY "\",\"pubkey_ed25519\":\"x\"}", "Required field 'signature' missing"},
    {MODERN_RETRIEVE, "{" SIGNED "}", "Required field 'timestamp' missing"},
    {MODERN_RETRIEVE, "{\"pubkey\":\"" PUBKEY "\",\"last_hash\":\"\",\"lastHash\":\"\"}",
     "Cannot specify both 'last_hash' and 'lastHash'"},
    {MODERN_RETRIEVE, "{\"pubkey\":\"" PUBKEY "\",\"last_hash\":\"abc\"}",
     "Invalid last_hash: expected base64 (43 chars)"},
    {MODERN_RETRIEVE, "{\"pubkey\":\"" PUBKEY "\",\"lastHash\":\"*hmHtbZRSgxUdgjaOrNhI68Hn5VBgzdvqPbMNeVSMsY\"}",
     "Invalid last_hash: not base64"},
    {MODERN_GET_SWARM, "{}", "Required field 'pubkey' missing"},
    {MODERN_GET_SWARM, "{\"pubKey\":\"a\"}", "Pubkey must be 66 hex digits/33 bytes long"},
    {MODERN_REVOKE, "{" SIGNED "}", "Required field 'revoke' missing"},
    {MODERN_REVOKE, "{" SIGNED ",\"revoke\":\"x\"}", "invalid revoke: expected base64 or hex-encoded subaccount tag"},
    {MODERN_REVOKE, "{" SIGNED ",\"revoke\":\"" TOKEN "\"}", "Required field 'timestamp' missing"},
    {MODERN_UNREVOKE, "{" SIGNED "}", "Required field 'timestamp' missing"},
    {MODERN_UNREVOKE, "{" SIGNED ",\"timestamp\":" NOW "}", "Required field 'unrevoke' missing"},
    {MODERN_UNREVOKE, "{" SIGNED ",\"timestamp\":" NOW ",\"unrevoke\":[\"\"]}",
     "invalid unrevoke: expected base64 or hex-encoded subaccount tag"},
    {MODERN_OXEND, "{}", "Required field 'endpoint' missing"},
    {MODERN_OXEND, "{\"endpoint\":\"get_info\"}", "Invalid oxend endpoint 'get_info'"},
};

START_TEST(every_complaint_has_its_words)
{
    struct modern_request request;

    start();
    for (size_t i = 0; i < ARRAY_LEN(complaints); i++) {
        const char *text = decode_json(complaints[i].method, complaints[i].params, &request);

        ck_assert_msg(text != NULL, "%s takes %s", modern_method_name(complaints[i].method), complaints[i].params);
        ck_assert_msg(strcmp(text, complaints[i].text) == 0, "%s %s: %s, not %s",
                      modern_method_name(complaints[i].method), complaints[i].params, text, complaints[i].text);
    }
    end();
}
END_TEST

START_TEST(bencoded_complaints_have_their_words)
{
    static const struct {
        enum modern_method method;
        const char *params, *text;
    } cases[] = {
        {MODERN_DELETE, "d6:pubkey66:" PUBKEY "9:signature2:xxe",
         "invalid signature: expected 64-byte Ed25519 signature"},
        {MODERN_DELETE, "d8:messagesi5ee", "Invalid value given for 'messages': expected string array"},
        {MODERN_DELETE, "d8:messagesli5eee", "Invalid value given for 'messages': expected string array"},
        {MODERN_DELETE, "d8:required1:1e", "Invalid value given for 'required': expected boolean"},
        {MODERN_STORE, "d9:timestamp1:1e", "Invalid value given for 'timestamp': expected integer"},
        {MODERN_DELETE_ALL, "d9:namespacedee", "Invalid value given for 'namespace': expected integer or \"all\""},
        {MODERN_EXPIRE, "d6:expiryd1:ai1eee", "Invalid value given for 'expiry': expected timestamp array"},
    };
    struct modern_request request;

    start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_str_eq(decode_bencoded(cases[i].method, bytes_text(cases[i].params), &request), cases[i].text);
    end();
}
END_TEST

START_TEST(tokens_are_bounded)
{
    char text[60 * (sizeof(TOKEN) + 3) + 400];
    struct modern_request request;

    start();
    for (size_t count = LIMIT_REVOCATIONS; count <= LIMIT_REVOCATIONS + 1; count++) {
        size_t at = (size_t)sprintf(text, "{" SIGNED ",\"timestamp\":" NOW ",\"revoke\":[");
        const char *complaint;

        for (size_t i = 0; i < count; i++)
            at += (size_t)sprintf(text + at, "%s\"" TOKEN "\"", i > 0 ? "," : "");
        strcpy(text + at, "]}");
        complaint = decode_json(MODERN_REVOKE, text, &request);
        if (count == LIMIT_REVOCATIONS)
            ck_assert_ptr_null(complaint);
        else
            ck_assert_str_eq(complaint, "invalid revoke: cannot revoke more than 50 subaccounts at once");
    }
    end();
}
END_TEST

START_TEST(data_is_bounded)
{
    static char text[LIMIT_DATA_CHARS + 400];
    struct modern_request request;

    start();
    for (size_t chars = LIMIT_DATA_CHARS; chars <= LIMIT_DATA_CHARS + 4; chars += 4) {
        size_t at = (size_t)sprintf(text, "{\"timestamp\":1,\"ttl\":1,\"pubkey\":\"" PUBKEY "\",\"data\":\"");
        const char *complaint;

        memset(text + at, 'A', chars);
        strcpy(text + at + chars, "\"}");
        complaint = decode_json(MODERN_STORE, text, &request);
        if (chars == LIMIT_DATA_CHARS)
            ck_assert_uint_eq(request.data.len, LIMIT_DATA_BYTES);
        else
            ck_assert_str_eq(complaint, "Message body exceeds maximum allowed length of 76800 bytes");
    }
    end();
}
END_TEST

START_TEST(store_takes_texts_and_numbers)
{
    struct modern_request request;

    start();
    ck_assert_ptr_null(decode_json(MODERN_STORE,
                                   "{\"pubKey\":\"" PUBKEY "\",\"timestamp\":\"" NOW "\",\"ttl\":\"0086400000\","
                                   "\"data\":\"YWJjIDEyMw\",\"namespace\":null,\"nobody\":\"knows\"}",
                                   &request));
    ck_assert_int_eq(request.timestamp_ms, 1700000000000);
    ck_assert_int_eq(request.expiry_ms, 1700086400000);
    ck_assert_int_eq(request.signed_ms, request.timestamp_ms);
    ck_assert(bytes_equal_text(request.data, "abc 123"));
    ck_assert(!request.has_signature);
    ck_assert_int_eq(request.namespace, 0);
    ck_assert_ptr_null(decode_json(MODERN_STORE,
                                   "{" SIGNED ",\"timestamp\":-5,\"expiry\":" NOW ",\"sig_timestamp\":1600000000000,"
                                   "\"data\":\"YWJjIDEyMw==\",\"namespace\":-32768,\"subaccount\":\"\"}",
                                   &request));
    ck_assert_int_eq(request.timestamp_ms, -5);
    ck_assert_int_eq(request.expiry_ms, 1700000000000);
    ck_assert_int_eq(request.signed_ms, 1600000000000);
    ck_assert_int_eq(request.namespace, -32768);
    ck_assert(request.has_signature && !request.has_subaccount);
    ck_assert_uint_eq(request.signature[63], 63);
    /* numbers beyond all reason stay numbers */
    ck_assert_ptr_null(decode_json(MODERN_STORE,
                                   "{\"pubkey\":\"" PUBKEY "\",\"timestamp\":\"-99999999999999999999\","
                                   "\"ttl\":\"99999999999999999999\",\"data\":\"\"}",
                                   &request));
    ck_assert_int_eq(request.timestamp_ms, -(INT64_C(1) << 53));
    ck_assert_int_eq(request.expiry_ms, 0);
    ck_assert_ptr_null(decode_bencoded(
        MODERN_STORE,
        BYTES_LIT("d4:data0:6:expiryi9223372036854775807e6:pubkey66:" PUBKEY "9:timestampi-9223372036854775807ee"),
        &request));
    ck_assert_int_eq(request.timestamp_ms, -(INT64_C(1) << 53));
    ck_assert_int_eq(request.expiry_ms, INT64_C(1) << 53);
    /* The expiry of a TTL is a time like others: what is passed on reads back the same. */
    ck_assert_ptr_null(decode_bencoded(
        MODERN_STORE,
        BYTES_LIT("d4:data0:6:pubkey66:" PUBKEY "9:timestampi9223372036854775807e3:ttli40ee"), &request));
    ck_assert_int_eq(request.expiry_ms, INT64_C(1) << 53);
    end();
}
END_TEST

START_TEST(retrieve_knows_whether_it_must_be_signed)
{
    struct modern_request request;

    start();
    ck_assert_ptr_null(decode_json(MODERN_RETRIEVE, "{\"pubkey\":\"" PUBKEY "\"}", &request));
    ck_assert(!request.has_signature && !request.has_last_hash);
    ck_assert_ptr_null(
        decode_json(MODERN_RETRIEVE, "{\"pubkey\":\"" PUBKEY "\",\"namespace\":-21,\"last_hash\":null}", &request));
    ck_assert(!request.has_signature);
    ck_assert_ptr_null(decode_json(MODERN_RETRIEVE,
                                   "{" SIGNED ",\"timestamp\":" NOW ",\"lastHash\":\"" HASH "\",\"max_count\":-3,"
                                   "\"max_size\":-2}",
                                   &request));
    ck_assert(request.has_signature && request.has_last_hash);
    ck_assert_mem_eq(request.last_hash, HASH, MESSAGE_HASH_CHARS);
    ck_assert_int_eq(request.max_count, -3);
    ck_assert_int_eq(request.max_size, -2);
    end();
}
END_TEST

START_TEST(methods_have_their_names)
{
    enum modern_method method;

    for (enum modern_method all = 0; all < MODERN_METHOD_COUNT; all++) {
        ck_assert_int_eq(modern_method_find(bytes_text(modern_method_name(all)), &method), OK);
        ck_assert_int_eq(method, all);
    }
    ck_assert_int_eq(modern_method_find(BYTES_LIT("get_snodes_for_pubkey"), &method), OK);
    ck_assert_int_eq(method, MODERN_GET_SWARM);
    ck_assert_int_eq(modern_method_find(BYTES_LIT("Store"), &method), ERR_NOT_FOUND);
    ck_assert_int_eq(modern_method_find(BYTES_LIT(""), &method), ERR_NOT_FOUND);
}
END_TEST

/* PROTOCOL 10.5 */
START_TEST(namespaces_have_classes)
{
    static const struct {
        int16_t namespace;
        bool inbox, outbox, unrevocable, read_by_all;
    } cases[] = {
        {0, true, false, false, false},     {10, true, false, false, false},      {-10, true, false, false, true},
        {-20, true, false, false, false},   {1, false, false, false, false},      {21, false, false, false, false},
        {-1, false, true, false, true},     {-21, false, true, false, true},      {-11, false, false, true, false},
        {-111, false, false, true, false},  {11, false, false, false, false},     {-2, false, false, false, false},
        {-32761, false, true, false, true}, {-32768, false, false, false, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_int_eq(namespace_is_public_inbox(cases[i].namespace), cases[i].inbox);
        ck_assert_int_eq(namespace_is_public_outbox(cases[i].namespace), cases[i].outbox);
        ck_assert_int_eq(namespace_is_unrevocable(cases[i].namespace), cases[i].unrevocable);
        ck_assert_int_eq(namespace_is_read_by_all(cases[i].namespace), cases[i].read_by_all);
    }
}
END_TEST

/* What is signed (PROTOCOL 10.4), and that another member reads the same out of what is passed on. */
START_TEST(requests_are_passed_on_and_signed)
{
    static const struct {
        enum modern_method method;
        const char *params, *text;
    } cases[] = {
        {MODERN_STORE, "{" SIGNED ",\"timestamp\":" NOW ",\"ttl\":5,\"data\":\"YQ==\"}", "store" NOW},
        {MODERN_STORE,
         "{" SIGNED ",\"timestamp\":" NOW
         ",\"ttl\":5,\"data\":\"YQ==\",\"namespace\":-7,\"sig_timestamp\":1600000000000,"
         "\"subaccount\":\"" TOKEN "\",\"subaccount_sig\":\"" SIG86 "==\"}",
         "store-71600000000000"},
        {MODERN_DELETE, "{" SIGNED ",\"messages\":[\"" HASH "\",\"" HASH "\"],\"pubkey_ed25519\":\"" ED25519 "\"}",
         "delete" HASH HASH},
        {MODERN_DELETE_ALL, "{" SIGNED ",\"timestamp\":" NOW ",\"namespace\":\"all\"}", "delete_allall" NOW},
        {MODERN_DELETE_ALL, "{" SIGNED ",\"timestamp\":" NOW ",\"namespace\":3}", "delete_all3" NOW},
        {MODERN_DELETE_BEFORE, "{" SIGNED ",\"before\":" NOW "}", "delete_before" NOW},
        {MODERN_EXPIRE_ALL, "{" SIGNED ",\"expiry\":" NOW ",\"namespace\":-11}", "expire_all-11" NOW},
        {MODERN_EXPIRE, "{" SIGNED ",\"expiry\":5,\"messages\":\"" HASH "\"}", "expire5" HASH},
        {MODERN_EXPIRE, "{" SIGNED ",\"expiry\":[5],\"messages\":\"" HASH "\",\"shorten\":true}",
         "expireshorten5" HASH},
        {MODERN_EXPIRE, "{" SIGNED ",\"expiry\":[5,6],\"messages\":[\"" HASH "\",\"" HASH "\"],\"extend\":true}",
         "expireextend56" HASH HASH},
        {MODERN_REVOKE, "{" SIGNED ",\"timestamp\":" NOW ",\"revoke\":[]}", "revoke_subaccount" NOW},
        {MODERN_UNREVOKE, "{" SIGNED ",\"timestamp\":" NOW ",\"unrevoke\":[]}", "unrevoke_subaccount" NOW},
    };

    start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct modern_request request, copy;
        struct buf dict, again, text;

        buf_init(&dict, SIZE_MAX);
        buf_init(&again, SIZE_MAX);
        buf_init(&text, SIZE_MAX);
        ck_assert_ptr_null(decode_json(cases[i].method, cases[i].params, &request));
        ck_assert(modern_method_is_recursive(cases[i].method));
        modern_request_encode(&dict, &request);
        ck_assert_ptr_null(decode_bencoded(cases[i].method, buf_bytes(&dict), &copy));
        modern_request_encode(&again, &copy);
        ck_assert(bytes_equal(buf_bytes(&dict), buf_bytes(&again)));
        modern_request_signed_text(&text, &copy);
        ck_assert_msg(bytes_equal_text(buf_bytes(&text), cases[i].text), "signed %.*s, not %s", (int)text.len,
                      (const char *)text.data, cases[i].text);
        buf_fini(&dict);
        buf_fini(&again);
        buf_fini(&text);
    }
    end();
}
END_TEST

/* The calls that no other member gets are signed too; tokens are signed as bytes. */
START_TEST(the_other_signed_texts)
{
    struct modern_request request;
    struct buf text;
    uint8_t token[SUBACCOUNT_TOKEN_BYTES];
    size_t len = sizeof(token);

    start();
    buf_init(&text, SIZE_MAX);
    ck_assert_ptr_null(decode_json(MODERN_RETRIEVE, "{" SIGNED ",\"timestamp\":" NOW ",\"namespace\":0}", &request));
    modern_request_signed_text(&text, &request);
    ck_assert(bytes_equal_text(buf_bytes(&text), "retrieve" NOW));
    buf_clear(&text);
    ck_assert_ptr_null(
        decode_json(MODERN_GET_EXPIRIES, "{" SIGNED ",\"timestamp\":" NOW ",\"messages\":[\"a\",\"b\"]}", &request));
    modern_request_signed_text(&text, &request);
    ck_assert(bytes_equal_text(buf_bytes(&text), "get_expiries" NOW "ab"));
    buf_clear(&text);
    ck_assert_ptr_null(
        decode_json(MODERN_REVOKE, "{" SIGNED ",\"timestamp\":" NOW ",\"revoke\":\"" TOKEN "\"}", &request));
    modern_request_signed_text(&text, &request);
    ck_assert_int_eq(base64_decode(token, &len, BYTES_LIT(TOKEN)), OK);
    ck_assert_uint_eq(text.len, strlen("revoke_subaccount" NOW) + sizeof(token));
    ck_assert_mem_eq(text.data + text.len - sizeof(token), token, sizeof(token));
    buf_fini(&text);
    json_free(document);
    document = NULL;
    end();
}
END_TEST

/* Rights are bits, and a prefix binds unless the token says that it does not. */
START_TEST(tokens_permit)
{
    struct subaccount_token token, from_hex;
    struct account_id account = {{0x05}}, group = {{0x03}};
    char hex[2 * SUBACCOUNT_TOKEN_BYTES];

    ck_assert_int_eq(subaccount_from_text(&token, BYTES_LIT(TOKEN)), OK);
    hex_encode(hex, BYTES_OF(token.bytes));
    ck_assert_int_eq(subaccount_from_text(&from_hex, BYTES_OF(hex)), OK);
    ck_assert_mem_eq(token.bytes, from_hex.bytes, sizeof(token.bytes));
    ck_assert_int_eq(subaccount_from_text(&token, BYTES_LIT("short")), ERR_FORMAT);
    ck_assert_uint_eq(subaccount_key(&from_hex).bytes[31], 31);
    ck_assert(subaccount_permits(&from_hex, &account, SUBACCOUNT_READ | SUBACCOUNT_WRITE));
    ck_assert(!subaccount_permits(&from_hex, &account, SUBACCOUNT_DELETE));
    ck_assert(!subaccount_permits(&from_hex, &account, SUBACCOUNT_WRITE | SUBACCOUNT_DELETE));
    ck_assert(!subaccount_permits(&from_hex, &group, SUBACCOUNT_READ));
    from_hex.bytes[1] |= SUBACCOUNT_ANY_PREFIX;
    ck_assert(subaccount_permits(&from_hex, &group, SUBACCOUNT_READ));
}
END_TEST

TEST_MAIN("modern_request", every_complaint_has_its_words, bencoded_complaints_have_their_words, tokens_are_bounded,
          data_is_bounded, store_takes_texts_and_numbers, retrieve_knows_whether_it_must_be_signed,
          methods_have_their_names, namespaces_have_classes, requests_are_passed_on_and_signed, the_other_signed_texts,
          tokens_permit)
