#include "common/onion.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "sim/verify.h"
#include "tests/support/check_main.h"

/* A path over three nodes to a fourth. */
#define HOPS 4
static struct arena arena;
static const struct crypto_suite *crypto;
static struct x25519_pair nodes[HOPS];
static struct onion_hop hops[HOPS];
static struct onion_seed seeds[HOPS];

static void start(const struct crypto_suite *chosen, enum enc_type type)
{
    ck_assert_int_eq(crypto_start(), OK);
    crypto = chosen;
    arena_init(&arena);
    for (uint8_t i = 0; i < HOPS; i++) {
        nodes[i].secret = (struct x25519_secret){{0, i}};
        x25519_public_of(&nodes[i].secret, &nodes[i].public);
        hops[i] = (struct onion_hop){.ed25519 = {{0xd0, i}}, .x25519 = nodes[i].public, .enc_type = type};
        seeds[i] = (struct onion_seed){.secret = {{9, i}}, .nonce = {i, 1}};
    }
}

static void stop(void)
{
    arena_fini(&arena);
}

/* Passes a layer as nodes do: written, read, and the written bytes gone. */
static void pass_on(enum onion_version version, struct onion_layer *layer)
{
    struct blob *written = onion_write_peer(version, layer);
    struct bytes received = arena_copy(&arena, blob_bytes(written));
    struct onion_layer read;

    blob_drop(written);
    ck_assert_int_eq(onion_read_peer(version, &arena, received, &read), OK);
    *layer = read;
}

/* Sends a request over the path and its answer back; what the target saw is in `target`. */
static void there_and_back(enum onion_version version, struct bytes body, struct bytes headers,
                           struct onion_peeled *target)
{
    struct bytes request, answer;
    struct reply_key reply_key;
    struct onion_layer layer;
    struct blob *reply;
    uint16_t status;
    const uint8_t nonce[SEAL_NONCE_MAX] = {5};
    const char *why;

    ck_assert_int_eq(onion_wrap(crypto, version, &arena, hops, HOPS, body, headers, seeds, &request, &reply_key), OK);
    ck_assert_int_eq(onion_read_outer(version, &arena, request, &layer, &why), OK);
    ck_assert_str_eq(why, "");
    ck_assert_int_eq(layer.hop_no, 0);
    for (size_t i = 0; i + 1 < HOPS; i++) {
        ck_assert_int_eq(onion_peel(crypto, version, &arena, &nodes[i], &layer, target), OK);
        ck_assert_int_eq(target->kind, ONION_RELAY_NODE);
        ck_assert_mem_eq(target->destination.bytes, hops[i + 1].ed25519.bytes, 32);
        layer = target->next;
        pass_on(version, &layer);
    }
    ck_assert_int_eq(onion_peel(crypto, version, &arena, &nodes[HOPS - 1], &layer, target), OK);
    ck_assert_int_eq(target->kind, ONION_FINAL);
    ck_assert(bytes_equal(target->body, body));
    reply = onion_seal_reply(crypto, &target->reply_key, nonce, 421, BYTES_LIT("{\"a\":\"\\n\"}"), true, false, false);
    ck_assert_int_eq(onion_open_reply(crypto, &reply_key, &arena, blob_bytes(reply), &status, &answer), OK);
    ck_assert_uint_eq(status, 421);
    ck_assert(bytes_equal_text(answer, "{\"a\":\"\\n\"}"));
    blob_drop(reply);
}

START_TEST(a_request_reaches_its_target_and_the_answer_comes_back)
{
    const struct crypto_suite *const suites[] = {&crypto_real, &crypto_modelled};
    struct onion_peeled target;

    for (size_t s = 0; s < ARRAY_LEN(suites); s++) {
        for (int type = 0; type < ENC_TYPE_COUNT; type++) {
            start(suites[s], (enum enc_type)type);
            there_and_back(ONION_V2, BYTES_LIT("{\"method\":\"info\"}"), BYTES_LIT("{}"), &target);
            ck_assert(!target.long_poll && !target.reply_as_json && !target.reply_raw);
            there_and_back(ONION_V2, BYTES_NONE, BYTES_LIT("\"\""), &target);
            stop();
        }
        start(suites[s], ENC_AES_GCM);
        there_and_back(ONION_V1, BYTES_LIT("{\"method\":\"info\"}"), BYTES_LIT("\"\""), &target);
        there_and_back(ONION_V1, BYTES_NONE, BYTES_LIT("{}"), &target);
        stop();
    }
}
END_TEST

/* Both suites make requests of one size: 725 bytes around the body in v2 (PROTOCOL 4.4). */
START_TEST(the_size_is_the_protocols)
{
    const struct crypto_suite *const suites[] = {&crypto_real, &crypto_modelled};
    struct bytes request;
    struct reply_key key;

    for (size_t s = 0; s < ARRAY_LEN(suites); s++) {
        start(suites[s], ENC_AES_GCM);
        ck_assert_int_eq(onion_wrap(crypto, ONION_V2, &arena, hops, HOPS, BYTES_LIT("0123456789"), BYTES_LIT("{}"),
                                    seeds, &request, &key),
                         OK);
        ck_assert_uint_eq(request.len, 10 + 725);
        stop();
    }
}
END_TEST

/* Any case of the header asks for a long poll, another header does not. */
START_TEST(headers_ask_for_a_long_poll)
{
    struct onion_peeled target;

    start(&crypto_modelled, ENC_AES_GCM);
    there_and_back(ONION_V2, BYTES_LIT("x"), BYTES_LIT("{\"a\":1,\"x-loki-LONG-poll\":\"true\"}"), &target);
    ck_assert(target.long_poll);
    there_and_back(ONION_V1, BYTES_LIT("x"), BYTES_LIT("{\"X-Loki-Long-Poll\":\"true\"}"), &target);
    ck_assert(target.long_poll);
    there_and_back(ONION_V2, BYTES_LIT("x"), BYTES_LIT("{\"X-Loki-Long-Polls\":\"true\"}"), &target);
    ck_assert(!target.long_poll);
    stop();
}
END_TEST

/* A layer opens for its own node, unchanged, and for nobody else. */
START_TEST(a_layer_opens_for_its_node_alone)
{
    struct bytes request;
    struct reply_key key;
    struct onion_layer layer;
    struct onion_peeled peeled;
    const char *why;

    start(&crypto_real, ENC_XCHACHA20);
    ck_assert_int_eq(
        onion_wrap(crypto, ONION_V2, &arena, hops, HOPS, BYTES_LIT("x"), BYTES_LIT("{}"), seeds, &request, &key), OK);
    ck_assert_int_eq(onion_read_outer(ONION_V2, &arena, request, &layer, &why), OK);
    ck_assert_int_eq(onion_peel(crypto, ONION_V2, &arena, &nodes[1], &layer, &peeled), ERR_CRYPTO);
    layer.enc_type = ENC_AES_GCM;
    ck_assert_int_eq(onion_peel(crypto, ONION_V2, &arena, &nodes[0], &layer, &peeled), ERR_CRYPTO);
    layer.enc_type = ENC_XCHACHA20;
    ck_assert_int_eq(onion_peel(crypto, ONION_V2, &arena, &nodes[0], &layer, &peeled), OK);
    layer.ciphertext.len = 0;
    ck_assert_int_eq(onion_peel(crypto, ONION_V2, &arena, &nodes[0], &layer, &peeled), ERR_CRYPTO);
    memset(&layer.ephemeral, 0, sizeof(layer.ephemeral));
    ck_assert_int_eq(onion_peel(crypto, ONION_V2, &arena, &nodes[0], &layer, &peeled), ERR_CRYPTO);
    stop();
}
END_TEST

/* What cannot be wrapped leaves the outputs alone. */
START_TEST(failures_of_wrapping_write_nothing)
{
    struct bytes request = BYTES_LIT("untouched");
    struct reply_key key = {.enc_type = ENC_AES_CBC};
    static uint8_t body[LIMIT_BODY_BYTES + 1];
    const size_t too_big_v2[] = {sizeof(body), LIMIT_BODY_BYTES, LIMIT_BODY_BYTES - 724};

    start(&crypto_modelled, ENC_AES_GCM);
    memset(body, 'a', sizeof(body));
    for (size_t i = 0; i < ARRAY_LEN(too_big_v2); i++)
        ck_assert_int_eq(onion_wrap(crypto, ONION_V2, &arena, hops, HOPS, (struct bytes){body, too_big_v2[i]},
                                    BYTES_LIT("{}"), seeds, &request, &key),
                         ERR_TOO_BIG);
    /* v1 grows by a third in each of the four layers */
    ck_assert_int_eq(onion_wrap(crypto, ONION_V1, &arena, hops, HOPS, (struct bytes){body, LIMIT_BODY_BYTES / 3},
                                BYTES_LIT("{}"), seeds, &request, &key),
                     ERR_TOO_BIG);
    memset(&hops[2].x25519, 0, sizeof(hops[2].x25519));
    ck_assert_int_eq(
        onion_wrap(crypto, ONION_V2, &arena, hops, HOPS, BYTES_LIT("x"), BYTES_LIT("{}"), seeds, &request, &key),
        ERR_CRYPTO);
    ck_assert(bytes_equal_text(request, "untouched"));
    ck_assert_int_eq(key.enc_type, ENC_AES_CBC);
    hops[2].x25519 = nodes[2].public;
    ck_assert_int_eq(onion_wrap(crypto, ONION_V2, &arena, hops, HOPS, (struct bytes){body, LIMIT_BODY_BYTES - 725},
                                BYTES_LIT("{}"), seeds, &request, &key),
                     OK);
    ck_assert_uint_eq(request.len, LIMIT_BODY_BYTES);
    stop();
}
END_TEST

#define KEY_HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* The guard says what it cannot read. */
START_TEST(the_guard_refuses_what_it_cannot_read)
{
    static const struct {
        enum onion_version version;
        struct bytes body;
        const char *why;
    } cases[] = {
        {ONION_V2, BYTES_LIT(""), "bad framing"},
        {ONION_V2, BYTES_LIT("\5\0\0\0abc"), "bad framing"},
        {ONION_V2, BYTES_LIT("\xff\xff\xff\xff{}"), "bad framing"},
        {ONION_V2, BYTES_LIT("\1\0\0\0a"), "not JSON"},
        {ONION_V2, BYTES_LIT("\1\0\0\0a{\"ephemeral_key\":"), "not JSON"},
        {ONION_V2, BYTES_LIT("\1\0\0\0a[]"), "bad ephemeral_key or enc_type"},
        {ONION_V2, BYTES_LIT("\1\0\0\0a{}"), "bad ephemeral_key or enc_type"},
        {ONION_V2, BYTES_LIT("\1\0\0\0a{\"ephemeral_key\":5}"), "bad ephemeral_key or enc_type"},
        {ONION_V2, BYTES_LIT("\1\0\0\0a{\"ephemeral_key\":\"00\"}"), "bad ephemeral_key or enc_type"},
        {ONION_V2, BYTES_LIT("\1\0\0\0a{\"ephemeral_key\":\"" KEY_HEX "\",\"enc_type\":\"rot13\"}"),
         "bad ephemeral_key or enc_type"},
        {ONION_V2, BYTES_LIT("\1\0\0\0a{\"ephemeral_key\":\"" KEY_HEX "\",\"enc_type\":1}"),
         "bad ephemeral_key or enc_type"},
        {ONION_V2, BYTES_LIT("\1\0\0\0a{\"ephemeral_key\":\"" KEY_HEX "\",\"hop_no\":\"1\"}"),
         "hop_no is not a number"},
        {ONION_V1, BYTES_LIT(""), "not JSON"},
        {ONION_V1, BYTES_LIT("{\"ephemeral_key\":\"" KEY_HEX "\"}"), "bad ephemeral_key or ciphertext"},
        {ONION_V1, BYTES_LIT("{\"ephemeral_key\":\"" KEY_HEX "\",\"ciphertext\":\"a\"}"),
         "bad ephemeral_key or ciphertext"},
        {ONION_V1, BYTES_LIT("{\"ephemeral_key\":\"0\",\"ciphertext\":\"\"}"), "bad ephemeral_key or ciphertext"},
    };

    start(&crypto_real, ENC_AES_GCM);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct onion_layer layer;
        const char *why;
        char expected[128];

        snprintf(expected, sizeof(expected), "Error parsing outer JSON in onion request: %s", cases[i].why);
        ck_assert_int_eq(onion_read_outer(cases[i].version, &arena, cases[i].body, &layer, &why), ERR_FORMAT);
        ck_assert_str_eq(why, expected);
    }
    stop();
}
END_TEST

static int hop_no_of(const char *text)
{
    struct onion_layer layer;
    const char *why;
    struct buf body;
    int hop_no;

    buf_init(&body, 1000);
    buf_append(&body, BYTES_LIT("\0\0\0\0"));
    buf_printf(&body, "{\"ephemeral_key\":\"%s\"%s}", KEY_HEX, text);
    ck_assert_int_eq(onion_read_outer(ONION_V2, &arena, buf_bytes(&body), &layer, &why), OK);
    hop_no = layer.hop_no;
    buf_fini(&body);
    return hop_no;
}

/* The client may start anywhere; numbers past the limit are all the same, and never overflow. */
START_TEST(the_client_chooses_the_first_hop_number)
{
    start(&crypto_real, ENC_AES_GCM);
    ck_assert_int_eq(hop_no_of(""), 0);
    ck_assert_int_eq(hop_no_of(",\"hop_no\":null"), 0);
    ck_assert_int_eq(hop_no_of(",\"hop_no\":-3"), 0);
    ck_assert_int_eq(hop_no_of(",\"hop_no\":7"), 7);
    ck_assert_int_eq(hop_no_of(",\"hop_no\":15"), LIMIT_ONION_HOPS);
    ck_assert_int_eq(hop_no_of(",\"hop_no\":9007199254740991"), LIMIT_ONION_HOPS + 1);
    stop();
}
END_TEST

/* Node to node: the exact bytes, and every way to spoil them. */
START_TEST(nodes_pass_layers_as_bencode)
{
    struct onion_layer layer = {.ciphertext = BYTES_LIT("abc"),
                                .ephemeral = {"0123456789abcdef0123456789abcdef"},
                                .enc_type = ENC_XCHACHA20,
                                .hop_no = 3};
    static const struct bytes bad_v2[] = {
        BYTES_LIT(""),
        BYTES_LIT("de"),
        BYTES_LIT("d4:data3:abce"),
        BYTES_LIT("d13:ephemeral_key32:0123456789abcdef0123456789abcdefe"),
        BYTES_LIT("d4:data3:abc13:ephemeral_key31:0123456789abcdef0123456789abcdee"),
        BYTES_LIT("d4:data3:abc8:enc_type5:rot1313:ephemeral_key32:0123456789abcdef0123456789abcdefe"),
        BYTES_LIT("d4:data3:abc13:ephemeral_key32:0123456789abcdef0123456789abcdef6:hop_no1:1e"),
        BYTES_LIT("d4:data3:abc13:ephemeral_key32:0123456789abcdef0123456789abcdefex"),
        BYTES_LIT("d4:data99999999999:abc13:ephemeral_key32:0123456789abcdef0123456789abcdefe"),
    };
    static const struct bytes bad_v1[] = {
        BYTES_LIT("le"),
        BYTES_LIT("l64:" KEY_HEX "e"),
        BYTES_LIT("l64:" KEY_HEX "4:YWJj1:xe"),
        BYTES_LIT("l64:" KEY_HEX "3:YWJe"),
        BYTES_LIT("l2:004:YWJje"),
        BYTES_LIT("l64:" KEY_HEX "4:YWJj"),
    };
    struct onion_layer read;
    struct blob *blob;

    start(&crypto_real, ENC_AES_GCM);
    blob = onion_write_peer(ONION_V2, &layer);
    ck_assert(bytes_equal_text(blob_bytes(blob), "d4:data3:abc8:enc_type9:xchacha2013:ephemeral_key32:"
                                                 "0123456789abcdef0123456789abcdef6:hop_noi3ee"));
    ck_assert_int_eq(onion_read_peer(ONION_V2, &arena, blob_bytes(blob), &read), OK);
    ck_assert(bytes_equal(read.ciphertext, layer.ciphertext));
    ck_assert_mem_eq(read.ephemeral.bytes, layer.ephemeral.bytes, 32);
    ck_assert_int_eq(read.enc_type, ENC_XCHACHA20);
    ck_assert_int_eq(read.hop_no, 3);
    blob_drop(blob);
    /* without type and number, and with a key of tomorrow */
    ck_assert_int_eq(onion_read_peer(ONION_V2, &arena,
                                     BYTES_LIT("d1:ali1ee4:data0:13:ephemeral_key32:0123456789abcdef0123456789abcdefe"),
                                     &read),
                     OK);
    ck_assert_uint_eq(read.ciphertext.len, 0);
    ck_assert_int_eq(read.enc_type, ENC_AES_GCM);
    ck_assert_int_eq(read.hop_no, 1);
    for (size_t i = 0; i < ARRAY_LEN(bad_v2); i++)
        ck_assert_int_ne(onion_read_peer(ONION_V2, &arena, bad_v2[i], &read), OK);

    memset(layer.ephemeral.bytes, 0xab, 32);
    layer.enc_type = ENC_AES_GCM;
    blob = onion_write_peer(ONION_V1, &layer);
    ck_assert(bytes_equal_text(blob_bytes(blob),
                               "l64:abababababababababababababababababababababababababababababababab4:YWJje"));
    ck_assert_int_eq(onion_read_peer(ONION_V1, &arena, blob_bytes(blob), &read), OK);
    ck_assert(bytes_equal_text(read.ciphertext, "abc"));
    ck_assert_uint_eq(read.ephemeral.bytes[31], 0xab);
    blob_drop(blob);
    for (size_t i = 0; i < ARRAY_LEN(bad_v1); i++)
        ck_assert_int_ne(onion_read_peer(ONION_V1, &arena, bad_v1[i], &read), OK);
    stop();
}
END_TEST

/* Seals any payload for a node, as a client of bad will could. */
static enum onion_kind kind_of(enum onion_version version, struct bytes payload, struct onion_peeled *peeled)
{
    struct x25519_pair client = {.secret = {{0, 77}}};
    struct shared_key key;
    size_t len = seal_bytes(ENC_AES_GCM, payload.len);
    uint8_t *sealed = arena_alloc(&arena, len);
    struct onion_layer layer = {.ciphertext = {sealed, len}, .enc_type = ENC_AES_GCM, .hop_no = LIMIT_ONION_HOPS + 1};

    crypto->ephemeral_public(&client.secret, &client.public);
    layer.ephemeral = client.public;
    ck_assert_int_eq(onion_layer_key(crypto, ENC_AES_GCM, &client, &nodes[0].public, true, &key), OK);
    crypto->seal(ENC_AES_GCM, &key, seeds[0].nonce, payload, sealed);
    ck_assert_int_eq(onion_peel(crypto, version, &arena, &nodes[0], &layer, peeled), OK);
    ck_assert_mem_eq(peeled->reply_key.key.bytes, key.bytes, 32); /* errors are answered with it too */
    return peeled->kind;
}

/* What decrypts and is of no use is answered, not refused; the vectors have the kinds of v2. */
START_TEST(useless_payloads_are_invalid)
{
    static const struct bytes bad_v1[] = {
        BYTES_LIT(""),
        BYTES_LIT("{"),
        BYTES_LIT("[]"),
        BYTES_LIT("{}"),
        BYTES_LIT("{\"headers\":\"\"}"),
        BYTES_LIT("{\"body\":5,\"headers\":\"\"}"),
        BYTES_LIT("{\"host\":\"h\",\"ciphertext\":\"\"}"),
        BYTES_LIT("{\"host\":7,\"target\":\"t\"}"),
        BYTES_LIT("{\"destination\":\"" KEY_HEX "\",\"ephemeral_key\":\"" KEY_HEX "\"}"),
        BYTES_LIT("{\"destination\":\"" KEY_HEX "\",\"ephemeral_key\":\"" KEY_HEX "\",\"ciphertext\":\"*\"}"),
        BYTES_LIT("{\"destination\":\"" KEY_HEX "\",\"ephemeral_key\":\"0\",\"ciphertext\":\"\"}"),
        BYTES_LIT("{\"body\":\"x\"}\0"),
    };
    struct onion_peeled peeled;

    start(&crypto_modelled, ENC_AES_GCM);
    for (size_t i = 0; i < ARRAY_LEN(bad_v1); i++)
        ck_assert_int_eq(kind_of(ONION_V1, bad_v1[i], &peeled), ONION_INVALID);
    ck_assert_int_eq(kind_of(ONION_V1, BYTES_LIT("{\"body\":\"x\",\"host\":\"h\"}"), &peeled), ONION_FINAL);
    ck_assert_int_eq(kind_of(ONION_V1, BYTES_LIT("{\"host\":\"h\",\"target\":\"t\"}"), &peeled), ONION_RELAY_SERVER);
    ck_assert(bytes_equal_text(peeled.host, "h"));
    ck_assert(bytes_equal_text(peeled.target, "t"));
    ck_assert_int_eq(kind_of(ONION_V1,
                             BYTES_LIT("{\"destination\":\"" KEY_HEX "\",\"ephemeral_key\":\"" KEY_HEX
                                       "\",\"ciphertext\":\"YWJj\"}"),
                             &peeled),
                     ONION_RELAY_NODE);
    ck_assert(bytes_equal_text(peeled.next.ciphertext, "abc"));
    ck_assert_int_eq(peeled.next.hop_no, LIMIT_ONION_HOPS + 2);
    ck_assert_int_eq(kind_of(ONION_V2, BYTES_LIT("\1\0\0\0x{\"headers\":{},\"json\":true,\"base64\":false}"), &peeled),
                     ONION_FINAL);
    ck_assert(peeled.reply_as_json && peeled.reply_raw);
    ck_assert_int_eq(kind_of(ONION_V2, BYTES_LIT("\1\0\0\0x{\"headers\":null,\"json\":1,\"base64\":0}"), &peeled),
                     ONION_FINAL);
    ck_assert(!peeled.reply_as_json && !peeled.reply_raw);
    stop();
}
END_TEST

/* The forms that later clients ask for. */
START_TEST(answers_have_four_forms)
{
    const struct reply_key key = {.key = {{1}}, .enc_type = ENC_XCHACHA20};
    const uint8_t nonce[SEAL_NONCE_MAX] = {2};
    const struct bytes body = BYTES_LIT("{\"a\":1}");
    static const char as_text[] = "{\"body\":\"{\\\"a\\\":1}\",\"status\":200}";
    static const char as_json[] = "{\"body\":{\"a\":1},\"status\":200}";

    start(&crypto_real, ENC_XCHACHA20);
    for (int form = 0; form < 8; form++) {
        bool body_is_json = (form & 1) != 0, embed = (form & 2) != 0, raw = (form & 4) != 0;
        struct blob *reply = onion_seal_reply(crypto, &key, nonce, 200, body, body_is_json, embed, raw);
        uint8_t sealed[200], opened[200];
        size_t sealed_len = sizeof(sealed), len;

        if (raw) {
            sealed_len = reply->len;
            memcpy(sealed, reply->data, reply->len);
        } else {
            ck_assert_int_eq(base64_decode(sealed, &sealed_len, blob_bytes(reply)), OK);
        }
        ck_assert_int_eq(crypto->open(key.enc_type, &key.key, (struct bytes){sealed, sealed_len}, opened, &len), OK);
        ck_assert(bytes_equal_text((struct bytes){opened, len}, body_is_json && embed ? as_json : as_text));
        blob_drop(reply);
    }
    stop();
}
END_TEST

static enum err open_inner(struct bytes inner, const struct reply_key *with)
{
    const struct reply_key key = {.key = {{1}}, .enc_type = ENC_AES_GCM};
    const uint8_t nonce[SEAL_NONCE_MAX] = {2};
    size_t len = seal_bytes(key.enc_type, inner.len);
    uint8_t *sealed = arena_alloc(&arena, len);
    char *base64 = arena_alloc(&arena, BASE64_LEN(len));
    uint16_t status;
    struct bytes body;

    crypto->seal(key.enc_type, &key.key, nonce, inner, sealed);
    base64_encode(base64, (struct bytes){sealed, len});
    return onion_open_reply(crypto, with != NULL ? with : &key, &arena,
                            (struct bytes){(uint8_t *)base64, BASE64_LEN(len)}, &status, &body);
}

START_TEST(the_client_refuses_bad_answers)
{
    const struct reply_key other = {.key = {{2}}, .enc_type = ENC_AES_GCM};
    const struct bytes good = BYTES_LIT("{\"status\":200,\"body\":\"\"}");
    uint16_t status;
    struct bytes body;

    start(&crypto_real, ENC_AES_GCM);
    ck_assert_int_eq(open_inner(good, NULL), OK);
    ck_assert_int_eq(open_inner(good, &other), ERR_CRYPTO);
    ck_assert_int_eq(open_inner(BYTES_LIT(""), NULL), ERR_FORMAT);
    ck_assert_int_eq(open_inner(BYTES_LIT("{\"status\":200}"), NULL), ERR_FORMAT);
    ck_assert_int_eq(open_inner(BYTES_LIT("{\"body\":\"\"}"), NULL), ERR_FORMAT);
    ck_assert_int_eq(open_inner(BYTES_LIT("{\"status\":\"200\",\"body\":\"\"}"), NULL), ERR_FORMAT);
    ck_assert_int_eq(open_inner(BYTES_LIT("{\"status\":99,\"body\":\"\"}"), NULL), ERR_FORMAT);
    ck_assert_int_eq(open_inner(BYTES_LIT("{\"status\":1000,\"body\":\"\"}"), NULL), ERR_FORMAT);
    ck_assert_int_eq(open_inner(BYTES_LIT("{\"status\":200,\"body\":{}}"), NULL), ERR_FORMAT);
    ck_assert_int_eq(onion_open_reply(crypto, &other, &arena, BYTES_NONE, &status, &body), ERR_CRYPTO);
    ck_assert_int_eq(onion_open_reply(crypto, &other, &arena, BYTES_LIT("no base64"), &status, &body), ERR_CRYPTO);
    ck_assert_int_eq(onion_open_reply(crypto, &other, &arena, BYTES_LIT("AAAA"), &status, &body), ERR_CRYPTO);
    stop();
}
END_TEST

/* A server on the outside: the last node is told host and target, v2 and v1 alike. */
START_TEST(the_last_node_is_told_of_a_server)
{
    const struct onion_server server = {
        .host = "h.example", .target = "/oxen/v4/lsrpc", .method = "POST", .protocol = "http", .port = 80};
    struct bytes request;
    struct reply_key key;
    struct onion_layer layer;
    struct onion_peeled peeled;
    const char *why;

    for (int version = ONION_V1; version <= ONION_V2; version++) {
        start(&crypto_modelled, ENC_AES_GCM);
        ck_assert_int_eq(onion_wrap_server(crypto, (enum onion_version)version, &arena, hops, 2, &server,
                                           BYTES_LIT("x"), BYTES_LIT("{}"), seeds, &request, &key),
                         OK);
        ck_assert_int_eq(onion_read_outer((enum onion_version)version, &arena, request, &layer, &why), OK);
        ck_assert_int_eq(onion_peel(crypto, (enum onion_version)version, &arena, &nodes[0], &layer, &peeled), OK);
        ck_assert_int_eq(peeled.kind, ONION_RELAY_SERVER);
        ck_assert(bytes_equal_text(peeled.host, server.host));
        ck_assert(bytes_equal_text(peeled.target, server.target));
        stop();
    }
}
END_TEST

START_TEST(types_have_names)
{
    enum enc_type type;

    for (int i = 0; i < ENC_TYPE_COUNT; i++) {
        ck_assert_int_eq(enc_type_from_text(bytes_text(enc_type_text((enum enc_type)i)), &type), OK);
        ck_assert_int_eq(type, i);
    }
    ck_assert_int_eq(enc_type_from_text(BYTES_LIT("gcm"), &type), OK);
    ck_assert_int_eq(type, ENC_AES_GCM);
    ck_assert_int_eq(enc_type_from_text(BYTES_LIT("cbc"), &type), OK);
    ck_assert_int_eq(type, ENC_AES_CBC);
    ck_assert_int_eq(enc_type_from_text(BYTES_LIT("xchacha20-poly1305"), &type), OK);
    ck_assert_int_eq(type, ENC_XCHACHA20);
    ck_assert_int_eq(enc_type_from_text(BYTES_LIT("AES-GCM"), &type), ERR_FORMAT);
    ck_assert_int_eq(enc_type_from_text(BYTES_NONE, &type), ERR_FORMAT);
}
END_TEST

START_TEST(frames_hold_up_to_the_bound)
{
    struct bytes framed, blob, json;
    uint8_t *place;

    start(&crypto_real, ENC_AES_GCM);
    ck_assert_int_eq(onion_frame(&arena, LIMIT_BODY_BYTES - 6, BYTES_LIT("{}"), &place, &framed), OK);
    ck_assert_uint_eq(framed.len, LIMIT_BODY_BYTES);
    ck_assert_int_eq(onion_unframe(framed, &blob, &json), OK);
    ck_assert_ptr_eq(blob.data, place);
    ck_assert_uint_eq(blob.len, LIMIT_BODY_BYTES - 6);
    ck_assert(bytes_equal_text(json, "{}"));
    ck_assert_int_eq(onion_frame(&arena, LIMIT_BODY_BYTES - 5, BYTES_LIT("{}"), &place, &framed), ERR_TOO_BIG);
    ck_assert_int_eq(onion_frame(&arena, SIZE_MAX, BYTES_LIT("{}"), &place, &framed), ERR_TOO_BIG);
    stop();
}
END_TEST

START_TEST(all_vectors_pass)
{
    const char *const files[] = {VECTORS "/onion.json"};

    ck_assert_int_eq(verify_files(files, 1, stdout, stderr), 0);
}
END_TEST

TEST_MAIN("onion", a_request_reaches_its_target_and_the_answer_comes_back, the_size_is_the_protocols,
          headers_ask_for_a_long_poll, a_layer_opens_for_its_node_alone, failures_of_wrapping_write_nothing,
          the_guard_refuses_what_it_cannot_read, the_client_chooses_the_first_hop_number, nodes_pass_layers_as_bencode,
          useless_payloads_are_invalid, answers_have_four_forms, the_client_refuses_bad_answers,
          the_last_node_is_told_of_a_server, types_have_names, frames_hold_up_to_the_bound, all_vectors_pass)
