#include "tests/support/modern_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "proto/storage_rpc.h"

/* The first seed whose account lies in the node's swarm. */
static void make_owner(struct modern_fixture *fixture)
{
    uint8_t seed[32] = {0};

    do {
        seed[0]++;
        ed25519_from_seed(seed, &fixture->owner, &fixture->owner_secret);
        fixture->account.bytes[0] = ACCOUNT_PREFIX;
        memcpy(fixture->account.bytes + 1, fixture->owner.bytes, 32);
    } while (swarm_of(&fixture->net.membership, &fixture->account)->id != 0);
    account_to_hex(&fixture->account, fixture->pubkey);
    seed[1] = 1;
    ed25519_from_seed(seed, &fixture->other, &fixture->other_secret);
}

void modern_fixture_init(struct modern_fixture *fixture, enum spoken spoken)
{
    memset(fixture, 0, sizeof(*fixture));
    node_fixture_init(&fixture->net);
    fixture->net.preset.spoken = spoken;
    make_owner(fixture);
    fixture->snode = snode_new(&fixture->net.config);
    (void)snode_start(fixture->snode);
    snode_on_membership(fixture->snode, &fixture->net.membership);
}

void modern_fixture_fini(struct modern_fixture *fixture)
{
    snode_free(fixture->snode);
    node_fixture_fini(&fixture->net);
}

static struct fake_request *send(struct modern_fixture *fixture)
{
    struct fake_request *request =
        fake_env_request(&fixture->net.fake, VERB_POST, PATH_STORAGE_RPC, bytes_text(fixture->body));

    snode_on_request(fixture->snode, &request->incoming);
    fake_env_run(&fixture->net.fake);
    return request;
}

static void write_body(char *body, size_t size, const char *pubkey, const char *method, const char *more,
                       const char *fields)
{
    int len = snprintf(body, size, "{\"method\":\"%s\",\"params\":{\"pubkey\":\"%s\"%s%s%s}}", method, pubkey, more,
                       fields[0] == '\0' ? "" : ",", fields);

    ASSERT(len > 0 && (size_t)len < size);
}

static char *format_fields(const char *fields, va_list args)
{
    char *text;

    ASSERT(vasprintf(&text, fields, args) >= 0);
    return text;
}

/* The signature that the request in `body` wants. */
static void sign_body(const char *body, struct arena *arena, const struct crypto_suite *suite,
                      const struct ed25519_secret *secret, char out[BASE64_LEN(64) + 1])
{
    struct modern_request request;
    struct rpc_params params;
    enum modern_method method;
    uint8_t signature[64];
    struct rpc_call call;
    const char *why;
    struct buf text;

    ASSERT(rpc_call_decode(bytes_text(body), &call, &why) == OK);
    ASSERT(modern_method_find(call.method, &method) == OK);
    rpc_params_json(&params, arena, call.params);
    why = modern_request_decode(method, &params, &request);
    ASSERT(why == NULL);
    buf_init(&text, SIZE_MAX);
    modern_request_signed_text(&text, &request);
    suite->sign(secret, buf_bytes(&text), signature);
    base64_encode(out, BYTES_OF(signature));
    out[BASE64_LEN(64)] = '\0';
    buf_fini(&text);
    rpc_call_free(&call);
}

void write_signed_body(char *body, size_t size, struct arena *arena, const struct crypto_suite *suite,
                       const struct ed25519_secret *secret, const char *pubkey, const char *method, const char *more,
                       const char *fields)
{
    char signature[BASE64_LEN(64) + 1], all[1024];

    memset(signature, 'A', 86);
    signature[86] = '\0';
    for (int pass = 0; pass < 2; pass++) {
        int len = snprintf(all, sizeof(all), ",\"signature\":\"%s\"%s", signature, more);

        ASSERT(len > 0 && (size_t)len < sizeof(all));
        write_body(body, size, pubkey, method, all, fields);
        if (pass == 0)
            sign_body(body, arena, suite, secret, signature);
    }
}

static struct fake_request *send_signed(struct modern_fixture *fixture, const struct ed25519_secret *secret,
                                        const char *method, const char *more, const char *fields)
{
    write_signed_body(fixture->body, sizeof(fixture->body), &fixture->net.fake.arena, fixture->net.preset.suite, secret,
                      fixture->pubkey, method, more, fields);
    return send(fixture);
}

struct fake_request *call_unsigned(struct modern_fixture *fixture, const char *method, const char *fields, ...)
{
    va_list args;
    char *text;

    va_start(args, fields);
    text = format_fields(fields, args);
    va_end(args);
    write_body(fixture->body, sizeof(fixture->body), fixture->pubkey, method, "", text);
    free(text);
    return send(fixture);
}

struct fake_request *call_signed(struct modern_fixture *fixture, const char *method, const char *fields, ...)
{
    struct fake_request *request;
    va_list args;
    char *text;

    va_start(args, fields);
    text = format_fields(fields, args);
    va_end(args);
    request = send_signed(fixture, &fixture->owner_secret, method, "", text);
    free(text);
    return request;
}

struct fake_request *call_by_token(struct modern_fixture *fixture, unsigned rights, const char *method,
                                   const char *fields, ...)
{
    char token[BASE64_LEN(SUBACCOUNT_TOKEN_BYTES) + 1] = "", token_signature[BASE64_LEN(64) + 1] = "", more[400];
    struct fake_request *request;
    uint8_t signature[64];
    va_list args;
    char *text;

    va_start(args, fields);
    text = format_fields(fields, args);
    va_end(args);
    fixture->token.bytes[0] = ACCOUNT_PREFIX;
    fixture->token.bytes[1] = (uint8_t)rights;
    memcpy(fixture->token.bytes + 4, fixture->other.bytes, 32);
    fixture->net.preset.suite->sign(&fixture->owner_secret, BYTES_OF(fixture->token.bytes), signature);
    base64_encode(token, BYTES_OF(fixture->token.bytes));
    base64_encode(token_signature, BYTES_OF(signature));
    (void)snprintf(more, sizeof(more), ",\"subaccount\":\"%s\",\"subaccount_sig\":\"%s\"", token, token_signature);
    request = send_signed(fixture, &fixture->other_secret, method, more, text);
    free(text);
    return request;
}

void answer_as_members(struct modern_fixture *fixture)
{
    struct fake_env *fake = &fixture->net.fake;
    size_t index;

    while ((index = fake_env_open_call(fake, 0)) != SIZE_MAX) {
        const struct fake_call *call = fake_env_call(fake, index);
        struct fake_request *request = fake_env_peer_request(fake, &fixture->net.keys[fixture->net.members[0]].ed25519,
                                                             PATH_SN_STORAGE_CC, fake_call_body(call));

        snode_on_request(fixture->snode, &request->incoming);
        fake_env_run(fake);
        ck_assert(request->answered);
        fake_env_answer(fake, index, request->status, fake_request_answer(request));
    }
}

void store_modern(struct modern_fixture *fixture, int16_t namespace, const char *data,
                  char hash[MESSAGE_HASH_CHARS + 1])
{
    char base64[BASE64_LEN(512) + 1] = "";
    struct fake_request *request;

    ASSERT(strlen(data) <= 512);
    base64_encode(base64, bytes_text(data));
    request = call_signed(fixture, "store", "\"timestamp\":%lld,\"ttl\":3600000,\"namespace\":%d,\"data\":\"%s\"",
                          (long long)fixture->net.fake.now_ms, namespace, base64);
    answer_as_members(fixture);
    ck_assert(request->answered);
    ck_assert_uint_eq(request->status, 200);
    message_hash(&fixture->account, namespace, bytes_text(data), hash);
    hash[MESSAGE_HASH_CHARS] = '\0';
}

struct json *answer_of(const struct fake_request *request, uint16_t status)
{
    enum err err;
    struct json *document;

    ck_assert(request->answered);
    ck_assert_msg(request->status == status, "%u: %.*s", request->status, (int)fake_request_answer(request).len,
                  (const char *)fake_request_answer(request).data);
    document = json_parse(fake_request_answer(request), &err);
    ck_assert_ptr_nonnull(document);
    return document;
}
