#include "proto/storage_rpc.h"

#include "common/limits.h"
#include "tests/support/check_main.h"

#define PUBKEY "0500112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HASH16 "0012a4c457ec44b2"
#define HASH   HASH16 HASH16 HASH16 HASH16 HASH16 HASH16 HASH16 HASH16

static void ck_text(const struct buf *buf, const char *expected)
{
    ck_assert_int_eq(buf->err, OK);
    ck_assert_msg(bytes_equal_text(buf_bytes(buf), expected), "%.*s", (int)buf->len, (const char *)buf->data);
}

/* Only `method` and `params` count; what else stands there is skipped. */
START_TEST(a_call_is_method_and_params)
{
    struct rpc_call call;
    const char *why = NULL;
    ck_assert_int_eq(
        rpc_call_decode(bytes_text("{\"id\":7,\"extra\":[{}],\"params\":{\"a\":\"b\"},\"method\":\"store\"}"), &call,
                        &why),
        OK);
    ck_assert(bytes_equal_text(call.method, "store"));
    ck_assert(bytes_equal_text(json_string(json_get(call.params, "a")), "b"));
    rpc_call_free(&call);
    rpc_call_free(&call); /* harmless */
}
END_TEST

/* Each way of being no call has its documented text; after it there is nothing to free. */
START_TEST(what_is_no_call_says_why)
{
    static const char *const cases[][2] = {
        {"", "invalid json"},
        {"{", "invalid json"},
        {"{\"method\":\"a\",\"params\":{}} x", "invalid json"},
        {"[]", "invalid json: no `method` field"},
        {"{}", "invalid json: no `method` field"},
        {"{\"method\":1,\"params\":{}}", "invalid json: no `method` field"},
        {"{\"Method\":\"a\",\"params\":{}}", "invalid json: no `method` field"},
        {"{\"method\":\"a\"}", "invalid json: no `params` field"},
        {"{\"method\":\"a\",\"params\":[]}", "invalid json: no `params` field"},
        {"{\"method\":\"a\",\"params\":null}", "invalid json: no `params` field"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rpc_call call;
        const char *why = NULL;
        ck_assert_int_eq(rpc_call_decode(bytes_text(cases[i][0]), &call, &why), ERR_FORMAT);
        ck_assert_str_eq(why, cases[i][1]);
        ck_assert_ptr_null(call.document);
    }
}
END_TEST

/* A store's body is canonical and compact, and reads back as the same texts. */
START_TEST(store_makes_the_round_trip)
{
    struct rpc_store store = {.pubkey = BYTES_LIT(PUBKEY),
                              .ttl = BYTES_LIT("86400000"),
                              .nonce = BYTES_LIT("AAAAAAAADVU="),
                              .timestamp = BYTES_LIT("1567296000000"),
                              .data = BYTES_LIT("aGVsbG8=")};
    struct rpc_store read;
    struct rpc_call call;
    const char *why, *field;
    struct buf out;
    buf_init(&out, 1000);
    rpc_store_encode(&out, &store);
    ck_text(&out, "{\"jsonrpc\":\"2.0\",\"id\":\"0\",\"method\":\"store\",\"params\":{\"pubKey\":\"" PUBKEY
                  "\",\"ttl\":\"86400000\",\"nonce\":\"AAAAAAAADVU=\",\"timestamp\":\"1567296000000\","
                  "\"data\":\"aGVsbG8=\"}}");
    ck_assert_int_eq(rpc_call_decode(buf_bytes(&out), &call, &why), OK);
    ck_assert_int_eq(rpc_store_decode(call.params, &read, &field), OK);
    ck_assert(bytes_equal(read.pubkey, store.pubkey));
    ck_assert(bytes_equal(read.ttl, store.ttl));
    ck_assert(bytes_equal(read.nonce, store.nonce));
    ck_assert(bytes_equal(read.timestamp, store.timestamp));
    ck_assert(bytes_equal(read.data, store.data));
    rpc_call_free(&call);
    buf_fini(&out);
}
END_TEST

static enum err store_decode(const char *params, const char **field)
{
    struct rpc_store store;
    enum err err;
    struct json *document = json_parse(bytes_text(params), &err);
    ck_assert_ptr_nonnull(document);
    err = rpc_store_decode(document, &store, field);
    json_free(document);
    return err;
}

/* The first absent field is named, in the documented order and before any of a wrong type; null counts as absent. */
START_TEST(store_names_the_field_that_fails)
{
    static const struct {
        const char *params;
        enum err err;
        const char *field;
    } cases[] = {
        {"{}", ERR_MISSING, "pubKey"},
        {"{\"pubKey\":\"\",\"data\":\"\"}", ERR_MISSING, "ttl"},
        {"{\"pubKey\":\"\",\"ttl\":\"\",\"timestamp\":\"\",\"data\":\"\"}", ERR_MISSING, "nonce"},
        {"{\"pubKey\":\"\",\"ttl\":\"\",\"nonce\":\"\",\"data\":\"\"}", ERR_MISSING, "timestamp"},
        {"{\"pubKey\":\"\",\"ttl\":\"\",\"nonce\":\"\",\"timestamp\":\"\"}", ERR_MISSING, "data"},
        {"{\"pubKey\":\"\",\"ttl\":\"\",\"nonce\":\"\",\"timestamp\":\"\",\"data\":null}", ERR_MISSING, "data"},
        {"{\"pubKey\":1,\"ttl\":2,\"nonce\":\"\",\"timestamp\":\"\"}", ERR_MISSING, "data"},
        {"{\"pubKey\":\"\",\"ttl\":86400000,\"nonce\":\"\",\"timestamp\":5,\"data\":\"\"}", ERR_FORMAT, "ttl"},
        {"{\"pubKey\":\"\",\"ttl\":\"\",\"nonce\":\"\",\"timestamp\":\"\",\"data\":[]}", ERR_FORMAT, "data"},
    };
    const char *field;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        field = NULL;
        ck_assert_int_eq(store_decode(cases[i].params, &field), cases[i].err);
        ck_assert_str_eq(field, cases[i].field);
    }
    ck_assert_int_eq(
        store_decode("{\"pubKey\":\"\",\"ttl\":\"\",\"nonce\":\"\",\"timestamp\":\"\",\"data\":\"\"}", &field), OK);
}
END_TEST

START_TEST(retrieve_and_lookup_make_the_round_trip)
{
    struct rpc_retrieve retrieve = {.pubkey = BYTES_LIT(PUBKEY), .last_hash = BYTES_NONE}, read;
    struct rpc_call call;
    struct bytes pubkey;
    const char *why, *field;
    struct buf out;
    buf_init(&out, 1000);
    rpc_retrieve_encode(&out, &retrieve);
    ck_text(&out, "{\"jsonrpc\":\"2.0\",\"id\":\"0\",\"method\":\"retrieve\",\"params\":{\"pubKey\":\"" PUBKEY
                  "\",\"lastHash\":\"\"}}");
    ck_assert_int_eq(rpc_call_decode(buf_bytes(&out), &call, &why), OK);
    ck_assert_int_eq(rpc_retrieve_decode(call.params, &read, &field), OK);
    ck_assert(bytes_equal(read.pubkey, retrieve.pubkey));
    ck_assert_uint_eq(read.last_hash.len, 0);
    rpc_call_free(&call);

    buf_clear(&out);
    rpc_get_snodes_encode(&out, BYTES_LIT(PUBKEY));
    ck_text(&out,
            "{\"jsonrpc\":\"2.0\",\"id\":\"0\",\"method\":\"get_snodes_for_pubkey\",\"params\":{\"pubKey\":\"" PUBKEY
            "\"}}");
    ck_assert_int_eq(rpc_call_decode(buf_bytes(&out), &call, &why), OK);
    ck_assert_int_eq(rpc_get_snodes_decode(call.params, &pubkey, &field), OK);
    ck_assert(bytes_equal(pubkey, BYTES_LIT(PUBKEY)));
    ck_assert_int_eq(rpc_retrieve_decode(call.params, &read, &field), ERR_MISSING);
    ck_assert_str_eq(field, "lastHash");
    rpc_call_free(&call);
    buf_fini(&out);
}
END_TEST

/* What synchronous routing asks: all of it text, and no `ack` when there is none. */
START_TEST(listen_and_deliver_make_the_round_trip)
{
    struct rpc_listen listen = {
        .pubkey = BYTES_LIT(PUBKEY), .listen_id = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}, .hold_ms = 8000};
    struct rpc_deliver deliver = {BYTES_LIT(PUBKEY), BYTES_LIT("aGVsbG8=")}, got;
    struct rpc_listen read;
    struct rpc_call call;
    const char *why, *field;
    struct buf out;
    buf_init(&out, 1000);
    rpc_listen_encode(&out, &listen);
    ck_text(&out, "{\"jsonrpc\":\"2.0\",\"id\":\"0\",\"method\":\"listen\",\"params\":{\"pubKey\":\"" PUBKEY
                  "\",\"listenId\":\"0123456789abcdef\",\"hold\":\"8000\"}}");
    listen.hold_ms = LIMIT_LISTEN_HOLD_MS_MAX;
    listen.ack = UINT64_MAX;
    buf_clear(&out);
    rpc_listen_encode(&out, &listen);
    ck_assert_int_eq(rpc_call_decode(buf_bytes(&out), &call, &why), OK);
    ck_assert_int_eq(rpc_listen_decode(call.params, &read, &field), OK);
    ck_assert(bytes_equal(read.pubkey, listen.pubkey));
    ck_assert_mem_eq(read.listen_id, listen.listen_id, LISTEN_ID_BYTES);
    ck_assert_uint_eq(read.hold_ms, LIMIT_LISTEN_HOLD_MS_MAX);
    ck_assert_uint_eq(read.ack, UINT64_MAX);
    rpc_call_free(&call);

    buf_clear(&out);
    rpc_deliver_encode(&out, &deliver);
    ck_text(&out, "{\"jsonrpc\":\"2.0\",\"id\":\"0\",\"method\":\"deliver\",\"params\":{\"pubKey\":\"" PUBKEY
                  "\",\"data\":\"aGVsbG8=\"}}");
    ck_assert_int_eq(rpc_call_decode(buf_bytes(&out), &call, &why), OK);
    ck_assert_int_eq(rpc_deliver_decode(call.params, &got, &field), OK);
    ck_assert(bytes_equal(got.pubkey, deliver.pubkey));
    ck_assert(bytes_equal(got.data, deliver.data));
    ck_assert_int_eq(rpc_listen_decode(call.params, &read, &field), ERR_MISSING);
    ck_assert_str_eq(field, "listenId");
    rpc_call_free(&call);
    buf_fini(&out);
}
END_TEST

/* What is missing may be only hold and ack; what is there must be a value. */
START_TEST(listen_names_the_field_that_fails)
{
    static const struct {
        const char *params;
        enum err err;
        const char *field;
    } cases[] = {
        {"{\"listenId\":\"0123456789abcdef\"}", ERR_MISSING, "pubKey"},
        {"{\"pubKey\":\"\",\"listenId\":null}", ERR_MISSING, "listenId"},
        {"{\"pubKey\":\"\",\"listenId\":7}", ERR_FORMAT, "listenId"},
        {"{\"pubKey\":\"\",\"listenId\":\"0123456789abcde\"}", ERR_RANGE, "listenId"},
        {"{\"pubKey\":\"\",\"listenId\":\"0123456789abcdex\"}", ERR_RANGE, "listenId"},
        {"{\"pubKey\":\"\",\"listenId\":\"0123456789abcdef\",\"hold\":8000}", ERR_FORMAT, "hold"},
        {"{\"pubKey\":\"\",\"listenId\":\"0123456789abcdef\",\"hold\":\"20001\"}", ERR_RANGE, "hold"},
        {"{\"pubKey\":\"\",\"listenId\":\"0123456789abcdef\",\"hold\":\"1e3\"}", ERR_RANGE, "hold"},
        {"{\"pubKey\":\"\",\"listenId\":\"0123456789abcdef\",\"ack\":\"18446744073709551616\"}", ERR_RANGE, "ack"},
    };
    struct rpc_listen read;
    const char *field;
    enum err err;
    struct json *document;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        document = json_parse(bytes_text(cases[i].params), &err);
        ck_assert_ptr_nonnull(document);
        field = NULL;
        ck_assert_int_eq(rpc_listen_decode(document, &read, &field), cases[i].err);
        ck_assert_str_eq(field, cases[i].field);
        json_free(document);
    }
    document = json_parse(BYTES_LIT("{\"pubKey\":\"\",\"listenId\":\"0123456789ABCDEF\",\"hold\":null}"), &err);
    ck_assert_ptr_nonnull(document);
    ck_assert_int_eq(rpc_listen_decode(document, &read, &field), OK);
    ck_assert_uint_eq(read.hold_ms, LIMIT_LISTEN_HOLD_MS);
    ck_assert_uint_eq(read.ack, 0);
    ck_assert_uint_eq(read.listen_id[7], 0xef);
    json_free(document);
}
END_TEST

/* What a listener heard: as many as asked for, and not one more. */
START_TEST(heard_messages_make_the_round_trip)
{
    struct bytes read[2];
    struct json *document;
    uint32_t lease_ms;
    struct buf out;
    size_t count;
    buf_init(&out, 1000);
    rpc_heard_open(&out);
    rpc_heard_close(&out, 30000);
    ck_text(&out, "{\"messages\":[],\"lease\":30000}");
    ck_assert_int_eq(rpc_heard_decode(buf_bytes(&out), read, 0, &count, &lease_ms, &document), OK);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(lease_ms, 30000);
    json_free(document);

    buf_clear(&out);
    rpc_heard_open(&out);
    rpc_heard_add(&out, BYTES_LIT("aGVsbG8="));
    rpc_heard_add(&out, BYTES_LIT("odd \" \xc3\xa9"));
    rpc_heard_close(&out, UINT32_MAX);
    ck_text(&out, "{\"messages\":[{\"data\":\"aGVsbG8=\"},{\"data\":\"odd \\\" \xc3\xa9\"}],\"lease\":4294967295}");
    ck_assert_int_eq(rpc_heard_decode(buf_bytes(&out), read, 2, &count, &lease_ms, &document), OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(lease_ms, UINT32_MAX);
    ck_assert(bytes_equal(read[0], BYTES_LIT("aGVsbG8=")));
    ck_assert(bytes_equal(read[1], BYTES_LIT("odd \" \xc3\xa9")));
    json_free(document);
    ck_assert_int_eq(rpc_heard_decode(buf_bytes(&out), read, 1, &count, &lease_ms, &document), ERR_TOO_BIG);
    ck_assert_ptr_null(document);
    buf_fini(&out);
}
END_TEST

START_TEST(bad_messages_spoil_what_was_heard)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{\"lease\":30000}",
        "{\"messages\":{},\"lease\":30000}",
        "{\"messages\":[]}",
        "{\"messages\":[],\"lease\":\"30000\"}",
        "{\"messages\":[],\"lease\":-1}",
        "{\"messages\":[],\"lease\":4294967296}",
        "{\"messages\":[1],\"lease\":30000}",
        "{\"messages\":[{}],\"lease\":30000}",
        "{\"messages\":[{\"data\":\"\"},{\"data\":1}],\"lease\":30000}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct bytes read[3];
        struct json *document;
        uint32_t lease_ms;
        size_t count;
        ck_assert_int_eq(rpc_heard_decode(bytes_text(bad[i]), read, 3, &count, &lease_ms, &document), ERR_FORMAT);
        ck_assert_ptr_null(document);
        ck_assert_uint_eq(count, 0);
    }
}
END_TEST

/* How many listeners got it. */
START_TEST(a_delivery_is_answered)
{
    struct buf out;
    buf_init(&out, 100);
    rpc_delivered_encode(&out, 2);
    ck_text(&out, "{\"delivered\":2}");
    buf_clear(&out);
    rpc_listening_encode(&out, false);
    ck_text(&out, "{\"listening\":false}");
    buf_clear(&out);
    rpc_listening_encode(&out, true);
    ck_text(&out, "{\"listening\":true}");
    buf_fini(&out);
}
END_TEST

START_TEST(difficulty_is_a_positive_number)
{
    static const struct {
        const char *body;
        enum err err;
    } bad[] = {
        {"", ERR_FORMAT},
        {"{}", ERR_MISSING},
        {"{\"difficulty\":\"10\"}", ERR_FORMAT},
        {"{\"difficulty\":0}", ERR_RANGE},
        {"{\"difficulty\":-1}", ERR_RANGE},
        {"{\"difficulty\":1.5}", ERR_RANGE},
        {"{\"difficulty\":1e300}", ERR_RANGE},
    };
    uint64_t difficulty;
    struct buf out;
    buf_init(&out, 100);
    rpc_difficulty_encode(&out, 10);
    ck_text(&out, "{\"difficulty\":10}");
    ck_assert_int_eq(rpc_difficulty_decode(buf_bytes(&out), &difficulty), OK);
    ck_assert_uint_eq(difficulty, 10);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_int_eq(rpc_difficulty_decode(bytes_text(bad[i].body), &difficulty), bad[i].err);
    ck_assert_uint_eq(difficulty, 10); /* untouched */
    buf_fini(&out);
}
END_TEST

START_TEST(messages_make_the_round_trip)
{
    struct rpc_message message = {
        .hash = BYTES_LIT(HASH), .expiration_ms = INT64_C(1567382400000), .data = BYTES_LIT("aGVsbG8=")};
    struct rpc_message read[3];
    struct json *document;
    struct buf out;
    size_t count;
    buf_init(&out, 2000);
    rpc_messages_open(&out);
    rpc_messages_close(&out);
    ck_text(&out, "{\"messages\":[]}");
    ck_assert_int_eq(rpc_messages_decode(buf_bytes(&out), read, 3, &count, &document), OK);
    ck_assert_uint_eq(count, 0);
    json_free(document);

    buf_clear(&out);
    rpc_messages_open(&out);
    rpc_messages_add(&out, &message);
    message.data = BYTES_LIT("odd \" \xc3\xa9");
    rpc_messages_add(&out, &message);
    rpc_messages_close(&out);
    ck_text(&out, "{\"messages\":[{\"hash\":\"" HASH "\",\"expiration\":1567382400000,\"data\":\"aGVsbG8=\"},"
                  "{\"hash\":\"" HASH "\",\"expiration\":1567382400000,\"data\":\"odd \\\" \xc3\xa9\"}]}");
    ck_assert_int_eq(rpc_messages_decode(buf_bytes(&out), read, 3, &count, &document), OK);
    ck_assert_uint_eq(count, 2);
    ck_assert(bytes_equal_text(read[0].hash, HASH));
    ck_assert_int_eq(read[0].expiration_ms, INT64_C(1567382400000));
    ck_assert(bytes_equal_text(read[0].data, "aGVsbG8="));
    ck_assert(bytes_equal(read[1].data, message.data));
    json_free(document);

    /* As many as asked for, and one more than that. */
    ck_assert_int_eq(rpc_messages_decode(buf_bytes(&out), read, 2, &count, &document), OK);
    json_free(document);
    ck_assert_int_eq(rpc_messages_decode(buf_bytes(&out), read, 1, &count, &document), ERR_TOO_BIG);
    ck_assert_ptr_null(document);
    ck_assert_uint_eq(count, 0);
    buf_fini(&out);
}
END_TEST

/* A list with one bad message is refused as a whole: an honest node does not write one. */
START_TEST(bad_messages_spoil_the_answer)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"messages\":{}}",
        "{\"messages\":[1]}",
        "{\"messages\":[{\"hash\":\"" HASH "\",\"expiration\":1}]}",
        "{\"messages\":[{\"hash\":\"" HASH "\",\"expiration\":\"1\",\"data\":\"\"}]}",
        "{\"messages\":[{\"hash\":\"" HASH "\",\"expiration\":-1,\"data\":\"\"}]}",
        "{\"messages\":[{\"hash\":\"" HASH "00\",\"expiration\":1,\"data\":\"\"}]}",
        "{\"messages\":[{\"hash\":\"" HASH16 "\",\"expiration\":1,\"data\":\"\"}]}",
        "{\"messages\":[{\"hash\":\"" HASH16 HASH16 HASH16 HASH16 HASH16 HASH16 HASH16
        "0012A4c457ec44b2\",\"expiration\":1,\"data\":\"\"}]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct rpc_message read[3];
        struct json *document;
        size_t count;
        ck_assert_int_eq(rpc_messages_decode(bytes_text(bad[i]), read, 3, &count, &document), ERR_FORMAT);
        ck_assert_ptr_null(document);
        ck_assert_uint_eq(count, 0);
    }
}
END_TEST

/* The seed demands a method, and nothing else. */
START_TEST(the_seed_reads_the_method)
{
    struct rpc_call call;
    struct buf out;
    ck_assert_int_eq(rpc_seed_call_decode(bytes_text("{\"method\":\"get_n_service_nodes\"}"), &call), OK);
    ck_assert(bytes_equal_text(call.method, "get_n_service_nodes"));
    ck_assert_ptr_null(call.params);
    rpc_call_free(&call);
    ck_assert_int_eq(rpc_seed_call_decode(bytes_text("{\"params\":{}}"), &call), ERR_FORMAT);
    ck_assert_ptr_null(call.document);
    ck_assert_int_eq(rpc_seed_call_decode(bytes_text("none"), &call), ERR_FORMAT);
    ck_assert_ptr_null(call.document);

    buf_init(&out, 200);
    rpc_seed_unknown_method(&out, BYTES_LIT("0"));
    ck_text(&out, "{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}");
    buf_fini(&out);
}
END_TEST

TEST_MAIN("storage_rpc", a_call_is_method_and_params, what_is_no_call_says_why, store_makes_the_round_trip,
          store_names_the_field_that_fails, retrieve_and_lookup_make_the_round_trip,
          listen_and_deliver_make_the_round_trip, listen_names_the_field_that_fails, heard_messages_make_the_round_trip,
          bad_messages_spoil_what_was_heard, a_delivery_is_answered, difficulty_is_a_positive_number,
          messages_make_the_round_trip, bad_messages_spoil_the_answer, the_seed_reads_the_method)
