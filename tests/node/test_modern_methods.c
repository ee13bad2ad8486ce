/* The signed methods of today's dialect: every refusal, and what they do. */
#include "node/modern.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "tests/support/check_main.h"
#include "tests/support/modern_fixture.h"

static struct modern_fixture fixture;

static void start(void)
{
    modern_fixture_init(&fixture, SPEAKS_BOTH);
}

static void end(void)
{
    ck_assert_uint_eq(fake_env_open_calls(&fixture.net.fake), 0);
    modern_fixture_fini(&fixture);
}

#define NOW  INT64_C(1567296000000)
#define HASH "AhmHtbZRSgxUdgjaOrNhI68Hn5VBgzdvqPbMNeVSMsY"

/* This node's entry, as text without its signature's value, which is checked elsewhere. */
static void expect_own(const struct fake_request *request, uint16_t status, const char *wanted)
{
    struct json *document = answer_of(request, status);
    struct bytes answer = fake_request_answer(request);
    char key[65] = "", from[80];
    size_t at;

    hex_encode(key, BYTES_OF(fixture.net.config.keys->ed25519.bytes));
    (void)snprintf(from, sizeof(from), "\"%s\":", key);
    at = bytes_find(answer, bytes_text(from));
    ck_assert(at != SIZE_MAX);
    answer = bytes_slice(answer, at + strlen(from), answer.len - at - strlen(from));
    at = bytes_find(answer, BYTES_LIT("\"signature\":\""));
    ck_assert(at != SIZE_MAX);
    /* the signature's 88 characters are left out of the comparison */
    ck_assert_msg(bytes_start_with(answer, bytes_slice(bytes_text(wanted), 0, strstr(wanted, "SIG") - wanted)) &&
                      bytes_start_with(bytes_slice(answer, at + 13 + 88, answer.len - at - 13 - 88),
                                       bytes_text(strstr(wanted, "SIG") + 3)),
                  "%.*s is not %s", (int)answer.len, (const char *)answer.data, wanted);
    json_free(document);
}

/* ---- refusals ---- */

START_TEST(stores_are_refused)
{
    static const struct {
        bool is_signed;
        const char *fields;
        uint16_t status;
        const char *text;
    } cases[] = {
        {false, "\"timestamp\":1567296000000,\"ttl\":9999", 403, "Provided expiry/TTL is not valid."},
        {false, "\"timestamp\":1567296000000,\"ttl\":1209600001", 403, "Provided expiry/TTL is not valid."},
        {false, "\"timestamp\":1567296000000,\"expiry\":1567295999999", 403, "Provided expiry/TTL is not valid."},
        {true, "\"timestamp\":1567296000000,\"ttl\":2592000001,\"namespace\":1", 403,
         "Provided expiry/TTL is not valid."},
        {false, "\"timestamp\":1567296010001,\"ttl\":60000", 406, "Timestamp error: check your clock"},
        {false, "\"timestamp\":1567295929999,\"ttl\":60000", 406, "Timestamp error: check your clock"},
        {false, "\"timestamp\":1567296000000,\"ttl\":60000,\"namespace\":7", 401,
         "store: signature required to store to namespace 7"},
        {false, "\"timestamp\":1567296000000,\"ttl\":60000,\"namespace\":-1", 401,
         "store: signature required to store to namespace -1"},
        {true, "\"timestamp\":1567296000000,\"ttl\":60000,\"namespace\":7,\"sig_timestamp\":1567296060001", 406,
         "store signature timestamp too far from current time"},
        {true, "\"timestamp\":1567296000000,\"ttl\":60000,\"namespace\":7,\"sig_timestamp\":1567295939999", 406,
         "store signature timestamp too far from current time"},
    };
    char fields[300];

    start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)snprintf(fields, sizeof(fields), "%s,\"data\":\"\"", cases[i].fields);
        expect_answer(cases[i].is_signed ? call_signed(&fixture, "store", "%s", fields)
                                         : call_unsigned(&fixture, "store", "%s", fields),
                      cases[i].status, cases[i].text);
        ck_assert_uint_eq(fake_env_traces(&fixture.net.fake, TRACE_STORE_REFUSED), i + 1);
        ck_assert_uint_eq(fake_env_last_trace(&fixture.net.fake, TRACE_STORE_REFUSED)->n[0], cases[i].status);
    }
    end();
}
END_TEST

START_TEST(times_are_refused)
{
    static const struct {
        const char *method, *fields;
        uint16_t status;
        const char *text;
    } cases[] = {
        {"retrieve", "\"timestamp\":1567296060001", 406, "retrieve timestamp too far from current time"},
        {"retrieve", "\"timestamp\":1567295939999", 406, "retrieve timestamp too far from current time"},
        {"get_expiries", "\"timestamp\":1567295939999,\"messages\":[\"a\"]", 406,
         "get_expiries timestamp too far from current time"},
        {"delete_all", "\"timestamp\":1567295939999", 406, "delete_all timestamp too far from current time"},
        {"delete_before", "\"before\":1567296060001", 401, "delete_before timestamp too far in the future"},
        {"expire_all", "\"expiry\":1567295939999", 406, "expire_all timestamp should be >= current time"},
        {"expire", "\"expiry\":1567295939999,\"messages\":[\"" HASH "\"]", 401,
         "expire: timestamp should be >= current time"},
        {"revoke_subaccount", "\"timestamp\":1567295939999,\"revoke\":[]", 406,
         "revoke_subaccount timestamp too far from current time"},
        {"unrevoke_subaccount", "\"timestamp\":1567296060001,\"unrevoke\":[]", 406,
         "unrevoke_subaccount timestamp too far from current time"},
    };

    start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_answer(call_signed(&fixture, cases[i].method, "%s", cases[i].fields), cases[i].status, cases[i].text);
    end();
}
END_TEST

static const struct {
    const char *method, *fields, *name;
    unsigned rights; /* that a token needs */
} signed_calls[] = {
    {"store", "\"timestamp\":1567296000000,\"ttl\":60000,\"data\":\"\",\"namespace\":5", "store", SUBACCOUNT_WRITE},
    {"store", "\"timestamp\":1567296000000,\"ttl\":60000,\"data\":\"\",\"namespace\":-1", "store",
     SUBACCOUNT_WRITE | SUBACCOUNT_DELETE},
    {"retrieve", "\"timestamp\":1567296000000", "retrieve", SUBACCOUNT_READ},
    {"get_expiries", "\"timestamp\":1567296000000,\"messages\":[\"a\"]", "get_expiries", SUBACCOUNT_READ},
    {"delete", "\"messages\":[\"" HASH "\"]", "delete_msgs", SUBACCOUNT_DELETE},
    {"delete_all", "\"timestamp\":1567296000000", "delete_all", SUBACCOUNT_DELETE},
    {"delete_before", "\"before\":1567296000000", "delete_before", SUBACCOUNT_DELETE},
    {"expire_all", "\"expiry\":1567296000000", "expire_all", SUBACCOUNT_DELETE},
    {"expire", "\"expiry\":1567296000000,\"messages\":[\"" HASH "\"]", "expire:", SUBACCOUNT_WRITE},
};

/* Nobody else's signature, no token without the right, and no revoked one; the words are each call's own. */
START_TEST(signatures_are_refused)
{
    char text[100], token[BASE64_LEN(SUBACCOUNT_TOKEN_BYTES) + 1] = "";

    start();
    for (size_t i = 0; i < ARRAY_LEN(signed_calls); i++) {
        struct ed25519_secret owner = fixture.owner_secret;
        struct fake_request *request;

        (void)snprintf(text, sizeof(text), "%s signature verification failed", signed_calls[i].name);
        fixture.owner_secret = fixture.other_secret;
        request = call_signed(&fixture, signed_calls[i].method, "%s", signed_calls[i].fields);
        fixture.owner_secret = owner;
        expect_answer(request, 401, text);
        expect_answer(call_by_token(&fixture, 0, signed_calls[i].method, "%s", signed_calls[i].fields), 401, text);
        request = call_by_token(&fixture, signed_calls[i].rights, signed_calls[i].method, "%s", signed_calls[i].fields);
        answer_as_members(&fixture);
        ck_assert_msg(request->status == 200, "%s: %.*s", signed_calls[i].method, (int)fake_request_answer(request).len,
                      (const char *)fake_request_answer(request).data);
        base64_encode(token, BYTES_OF(fixture.token.bytes));
        request =
            call_signed(&fixture, "revoke_subaccount", "\"timestamp\":%lld,\"revoke\":[\"%s\"]", (long long)NOW, token);
        answer_as_members(&fixture);
        expect_own(request, 200, "{\"signature\":\"SIG\"}");
        expect_answer(
            call_by_token(&fixture, signed_calls[i].rights, signed_calls[i].method, "%s", signed_calls[i].fields), 401,
            text);
        request = call_signed(&fixture, "unrevoke_subaccount", "\"timestamp\":%lld,\"unrevoke\":\"%s\"", (long long)NOW,
                              token);
        answer_as_members(&fixture);
        expect_own(request, 200, "{\"count\":1,\"signature\":\"SIG\"}");
    }
    end();
}
END_TEST

/* Only the account itself revokes; and a revoked token still reads where it learns of that. */
START_TEST(revoked_tokens_read_of_their_end)
{
    char token[BASE64_LEN(SUBACCOUNT_TOKEN_BYTES) + 1] = "";
    struct fake_request *request;

    start();
    ck_assert_uint_eq(call_by_token(&fixture, SUBACCOUNT_READ, "retrieve", "\"timestamp\":1567296000000")->status, 200);
    expect_answer(call_by_token(&fixture, 0xff, "revoke_subaccount", "\"timestamp\":1567296000000,\"revoke\":[]"), 401,
                  "revoke_subaccount signature verification failed");
    (void)call_by_token(&fixture, SUBACCOUNT_READ, "retrieve", "\"timestamp\":1567296000000");
    base64_encode(token, BYTES_OF(fixture.token.bytes));
    request = call_signed(&fixture, "revoke_subaccount", "\"timestamp\":%lld,\"revoke\":\"%s\"", (long long)NOW, token);
    answer_as_members(&fixture);
    ck_assert_uint_eq(request->status, 200);
    ck_assert_uint_eq(
        call_by_token(&fixture, SUBACCOUNT_READ, "retrieve", "\"timestamp\":1567296000000,\"namespace\":11")->status,
        401);
    ck_assert_uint_eq(
        call_by_token(&fixture, SUBACCOUNT_READ, "retrieve", "\"timestamp\":1567296000000,\"namespace\":-11")->status,
        200);
    end();
}
END_TEST

/* 421 with get_swarm's body, before times and signatures. */
START_TEST(other_swarms_are_named)
{
    struct account_id elsewhere = account_elsewhere(1);

    start();
    account_to_hex(&elsewhere, fixture.pubkey);
    for (size_t i = 0; i < ARRAY_LEN(signed_calls); i++) {
        struct json *document =
            answer_of(call_signed(&fixture, signed_calls[i].method, "%s", signed_calls[i].fields), 421);

        ck_assert_uint_eq(json_count(document), 4);
        ck_assert_uint_eq(json_count(json_get(document, "snodes")), FIXTURE_SWARM_NODES);
        ck_assert(bytes_equal_text(json_string(json_get(document, "swarm")), "8000000000000000"));
        json_free(document);
    }
    end();
}
END_TEST

/* ---- what they do ---- */

static struct fake_request *retrieve(const char *fields)
{
    return call_signed(&fixture, "retrieve", "\"timestamp\":%lld%s", (long long)fixture.net.fake.now_ms, fields);
}

START_TEST(retrieve_gives_what_was_stored)
{
    char first[MESSAGE_HASH_CHARS + 1], second[MESSAGE_HASH_CHARS + 1], wanted[600], fields[100];

    start();
    store_modern(&fixture, 0, "one", first);
    store_modern(&fixture, 0, "two!", second);
    (void)snprintf(
        wanted, sizeof(wanted),
        "{\"messages\":[{\"hash\":\"%s\",\"timestamp\":1567296000000,\"expiration\":1567299600000,\"data\":\"b25l\"},"
        "{\"hash\":\"%s\",\"timestamp\":1567296000000,\"expiration\":1567299600000,\"data\":\"dHdvIQ==\"}],"
        "\"more\":false,\"t\":1567296000000,\"hf\":[19,4]}",
        first, second);
    expect_answer(retrieve(""), 200, wanted);
    (void)snprintf(fields, sizeof(fields), ",\"last_hash\":\"%s\"", HASH);
    expect_answer(retrieve(fields), 200, wanted);
    (void)snprintf(
        wanted, sizeof(wanted),
        "{\"messages\":[{\"hash\":\"%s\",\"timestamp\":1567296000000,\"expiration\":1567299600000,\"data\":\"b25l\"}],"
        "\"more\":true,\"t\":1567296000000,\"hf\":[19,4]}",
        first);
    expect_answer(retrieve(",\"max_count\":1"), 200, wanted);
    expect_answer(retrieve(",\"max_size\":1"), 200, wanted);
    (void)snprintf(fields, sizeof(fields), ",\"lastHash\":\"%s\"", second);
    expect_answer(retrieve(fields), 200, "{\"messages\":[],\"more\":false,\"t\":1567296000000,\"hf\":[19,4]}");
    expect_answer(retrieve(",\"namespace\":1"), 200,
                  "{\"messages\":[],\"more\":false,\"t\":1567296000000,\"hf\":[19,4]}");
    expect_answer(call_unsigned(&fixture, "retrieve", "%s", ""), 401, "retrieve: request signature required");
    expect_answer(call_unsigned(&fixture, "retrieve", "\"namespace\":-10"), 200,
                  "{\"messages\":[],\"more\":false,\"t\":1567296000000,\"hf\":[19,4]}");
    end();
}
END_TEST

/* An outbox holds its last message, and anybody reads it. */
START_TEST(outboxes_hold_one_message)
{
    char hash[MESSAGE_HASH_CHARS + 1];
    struct json *document;

    start();
    store_modern(&fixture, -21, "old", hash);
    store_modern(&fixture, -21, "new", hash);
    document = answer_of(call_unsigned(&fixture, "retrieve", "\"namespace\":-21"), 200);
    ck_assert_uint_eq(json_count(json_get(document, "messages")), 1);
    ck_assert(bytes_equal_text(json_string(json_get(json_first(json_get(document, "messages")), "hash")), hash));
    json_free(document);
    end();
}
END_TEST

START_TEST(get_expiries_says_when)
{
    char hash[MESSAGE_HASH_CHARS + 1], wanted[200];

    start();
    store_modern(&fixture, 3, "one", hash);
    (void)snprintf(wanted, sizeof(wanted), "{\"expiries\":{\"%s\":1567299600000}}", hash);
    expect_answer(call_signed(&fixture, "get_expiries",
                              "\"timestamp\":%lld,\"messages\":[\"%s\",\"x\",\"%s\",\"" HASH "\"]", (long long)NOW,
                              hash, hash),
                  200, wanted);
    expect_answer(call_signed(&fixture, "get_expiries", "\"timestamp\":%lld,\"messages\":\"any\"", (long long)NOW), 200,
                  "{\"expiries\":{}}");
    end();
}
END_TEST

START_TEST(delete_deletes)
{
    char hash[MESSAGE_HASH_CHARS + 1], wanted[200];
    struct fake_request *request;

    start();
    store_modern(&fixture, 3, "one", hash);
    request = call_signed(&fixture, "delete", "\"messages\":[\"" HASH "\",\"%s\",\"%s\"]", hash, hash);
    answer_as_members(&fixture);
    (void)snprintf(wanted, sizeof(wanted), "{\"deleted\":[\"%s\"],\"signature\":\"SIG\"}", hash);
    expect_own(request, 200, wanted);
    request = call_signed(&fixture, "delete", "\"messages\":[\"%s\"]", hash);
    answer_as_members(&fixture);
    expect_own(request, 200, "{\"deleted\":[],\"signature\":\"SIG\"}");
    request = call_signed(&fixture, "delete", "\"messages\":[\"%s\"],\"required\":true", hash);
    answer_as_members(&fixture);
    expect_own(request, 404, "{\"deleted\":[],\"signature\":\"SIG\"}");
    store_modern(&fixture, 3, "one", hash);
    request = call_signed(&fixture, "delete", "\"messages\":[\"%s\"],\"required\":true", hash);
    answer_as_members(&fixture);
    expect_own(request, 200, wanted);
    end();
}
END_TEST

START_TEST(delete_all_and_before_delete)
{
    char here[MESSAGE_HASH_CHARS + 1], there[MESSAGE_HASH_CHARS + 1], later[MESSAGE_HASH_CHARS + 1], wanted[300];
    struct fake_request *request;

    start();
    store_modern(&fixture, 0, "here", here);
    store_modern(&fixture, -2, "there", there);
    fake_env_advance_ms(&fixture.net.fake, 1000);
    store_modern(&fixture, 0, "later", later);
    request = call_signed(&fixture, "delete_before", "\"before\":%lld", (long long)NOW + 999);
    answer_as_members(&fixture);
    (void)snprintf(wanted, sizeof(wanted), "{\"deleted\":[\"%s\"],\"signature\":\"SIG\"}", here);
    expect_own(request, 200, wanted);
    request = call_signed(&fixture, "delete_all", "\"timestamp\":%lld,\"namespace\":\"all\"", (long long)NOW);
    answer_as_members(&fixture);
    (void)snprintf(wanted, sizeof(wanted), "{\"deleted\":{\"-2\":[\"%s\"],\"0\":[\"%s\"]},\"signature\":\"SIG\"}",
                   there, later);
    expect_own(request, 200, wanted);
    ck_assert_uint_eq(snode_held_for(fixture.snode, &fixture.account), 0);
    end();
}
END_TEST

START_TEST(expire_changes)
{
    char hash[MESSAGE_HASH_CHARS + 1], wanted[400];
    struct fake_request *request;

    start();
    store_modern(&fixture, 0, "one", hash);
#define EXPIRE(fields, ...)                                                                                            \
    request = call_signed(&fixture, "expire", "\"messages\":[\"%s\"]," fields, hash, __VA_ARGS__);                     \
    answer_as_members(&fixture)
    /* either way, and again: "also those already at that value" */
    for (int i = 0; i < 2; i++) {
        EXPIRE("\"expiry\":[%lld]", (long long)NOW + 50000);
        (void)snprintf(wanted, sizeof(wanted), "{\"expiry\":%lld,\"signature\":\"SIG\",\"updated\":[\"%s\"]}",
                       (long long)NOW + 50000, hash);
        expect_own(request, 200, wanted);
    }
    EXPIRE("\"expiry\":%lld,\"extend\":true", (long long)NOW + 40000);
    (void)snprintf(wanted, sizeof(wanted),
                   "{\"expiry\":%lld,\"signature\":\"SIG\",\"unchanged\":{\"%s\":%lld},\"updated\":[]}",
                   (long long)NOW + 40000, hash, (long long)NOW + 50000);
    expect_own(request, 200, wanted);
    EXPIRE("\"expiry\":%lld,\"shorten\":true", (long long)NOW + 40000);
    (void)snprintf(wanted, sizeof(wanted),
                   "{\"expiry\":%lld,\"signature\":\"SIG\",\"unchanged\":{},\"updated\":[\"%s\"]}",
                   (long long)NOW + 40000, hash);
    expect_own(request, 200, wanted);
    /* no longer than anybody keeps anything */
    EXPIRE("\"expiry\":%lld", (long long)NOW + 2 * LIMIT_TTL_PRIVATE_MS_MAX);
    (void)snprintf(wanted, sizeof(wanted), "{\"expiry\":%lld,\"signature\":\"SIG\",\"updated\":[\"%s\"]}",
                   (long long)(NOW + LIMIT_TTL_PRIVATE_MS_MAX), hash);
    expect_own(request, 200, wanted);
    /* of many, those of what was updated, which of a hash that is named twice is the last */
    request = call_signed(&fixture, "expire", "\"messages\":[\"%s\",\"" HASH "\",\"%s\"],\"expiry\":[%lld,%lld,%lld]",
                          hash, hash, (long long)NOW + 80000, (long long)NOW + 1, (long long)NOW + 70000);
    answer_as_members(&fixture);
    (void)snprintf(wanted, sizeof(wanted), "{\"expiry\":[%lld],\"signature\":\"SIG\",\"updated\":[\"%s\"]}",
                   (long long)NOW + 70000, hash);
    expect_own(request, 200, wanted);
#undef EXPIRE
    end();
}
END_TEST

/* Who may write and not delete lets messages live longer, and never shorter. */
START_TEST(writers_only_extend)
{
    char hash[MESSAGE_HASH_CHARS + 1], wanted[300];
    struct fake_request *request;

    start();
    store_modern(&fixture, 0, "one", hash);
    expect_answer(call_by_token(&fixture, SUBACCOUNT_WRITE, "expire",
                                "\"messages\":\"%s\",\"expiry\":%lld,\"shorten\":true", hash, (long long)NOW + 5),
                  400, "expire: shorten parameter cannot be used with this subaccount token (missing delete access)");
    request = call_by_token(&fixture, SUBACCOUNT_WRITE, "expire", "\"messages\":\"%s\",\"expiry\":%lld", hash,
                            (long long)NOW + 5);
    answer_as_members(&fixture);
    (void)snprintf(wanted, sizeof(wanted), "{\"expiry\":%lld,\"signature\":\"SIG\",\"updated\":[]}",
                   (long long)NOW + 5);
    expect_own(request, 200, wanted);
    request = call_by_token(&fixture, SUBACCOUNT_WRITE, "expire", "\"messages\":\"%s\",\"expiry\":%lld", hash,
                            (long long)NOW + 5000000);
    answer_as_members(&fixture);
    (void)snprintf(wanted, sizeof(wanted), "{\"expiry\":%lld,\"signature\":\"SIG\",\"updated\":[\"%s\"]}",
                   (long long)NOW + 5000000, hash);
    expect_own(request, 200, wanted);
    request = call_by_token(&fixture, SUBACCOUNT_WRITE | SUBACCOUNT_DELETE, "expire",
                            "\"messages\":\"%s\",\"expiry\":%lld,\"shorten\":true", hash, (long long)NOW + 50);
    answer_as_members(&fixture);
    (void)snprintf(wanted, sizeof(wanted),
                   "{\"expiry\":%lld,\"signature\":\"SIG\",\"unchanged\":{},\"updated\":[\"%s\"]}", (long long)NOW + 50,
                   hash);
    expect_own(request, 200, wanted);
    end();
}
END_TEST

START_TEST(expire_all_shortens)
{
    char hash[MESSAGE_HASH_CHARS + 1], wanted[300];
    struct fake_request *request;

    start();
    store_modern(&fixture, 4, "one", hash);
    request = call_signed(&fixture, "expire_all", "\"expiry\":%lld,\"namespace\":\"all\"", (long long)NOW + 5000000);
    answer_as_members(&fixture);
    expect_own(request, 200, "{\"signature\":\"SIG\",\"updated\":{}}");
    request = call_signed(&fixture, "expire_all", "\"expiry\":%lld,\"namespace\":4", (long long)NOW + 500);
    answer_as_members(&fixture);
    (void)snprintf(wanted, sizeof(wanted), "{\"signature\":\"SIG\",\"updated\":[\"%s\"]}", hash);
    expect_own(request, 200, wanted);
    end();
}
END_TEST

/* Seven megabytes of messages, twice in one answer: refused as a whole, and not cut. */
START_TEST(batches_are_bounded)
{
    static char data[LIMIT_DATA_CHARS + 1], body[LIMIT_DATA_CHARS + 400];
    struct fake_env *fake = &fixture.net.fake;
    char signature[400];
    const char *from;

    start();
    memset(data, 'A', LIMIT_DATA_CHARS);
    for (int i = 0; i < 72; i++) {
        struct fake_request *request;

        (void)snprintf(data, 6, "%05d", i);
        data[5] = 'A';
        (void)snprintf(
            body, sizeof(body),
            "{\"method\":\"store\",\"params\":{\"pubkey\":\"%s\",\"timestamp\":%lld,\"ttl\":60000,\"data\":\"%s\"}}",
            fixture.pubkey, (long long)NOW, data);
        request = fake_env_request(fake, VERB_POST, "/storage_rpc/v1", bytes_text(body));
        snode_on_request(fixture.snode, &request->incoming);
        fake_env_run(fake);
        fake_env_fail(fake, fake_env_open_call(fake, 0), NET_REFUSED);
        fake_env_fail(fake, fake_env_open_call(fake, 0), NET_REFUSED);
        ck_assert_uint_eq(request->status, 200);
    }
    ck_assert_uint_gt(fake_request_answer(retrieve(",\"max_size\":-1")).len, 7000000);
    from = strstr(fixture.body, "\"params\":");
    (void)snprintf(signature, sizeof(signature), "%.*s", (int)(strlen(from) - 1), from);
    for (int parts = 1; parts <= 2; parts++) {
        struct fake_request *request;

        (void)snprintf(body, sizeof(body),
                       "{\"method\":\"batch\",\"params\":{\"requests\":[{\"method\":\"retrieve\",%s}%s%s%s]}}",
                       signature, parts == 2 ? ",{\"method\":\"retrieve\"," : "", parts == 2 ? signature : "",
                       parts == 2 ? "}" : "");
        request = fake_env_request(fake, VERB_POST, "/storage_rpc/v1", bytes_text(body));
        snode_on_request(fixture.snode, &request->incoming);
        fake_env_run(fake);
        if (parts == 1)
            ck_assert_uint_eq(request->status, 200);
        else
            expect_answer(request, 413, "Response body too large");
    }
    end();
}
END_TEST

/* Each member's signature costs, and each check of one. */
START_TEST(signatures_cost)
{
    uint64_t before;

    start();
    before = fixture.net.fake.charged[COST_SIGN];
    (void)retrieve("");
    ck_assert_uint_eq(fixture.net.fake.charged[COST_SIGN] - before, 1);
    before = fixture.net.fake.charged[COST_SIGN];
    (void)call_signed(&fixture, "delete_all", "\"timestamp\":%lld", (long long)NOW);
    ck_assert_uint_eq(fixture.net.fake.charged[COST_SIGN] - before, 2);
    answer_as_members(&fixture);
    end();
}
END_TEST

TEST_MAIN("modern_methods", stores_are_refused, times_are_refused, signatures_are_refused,
          revoked_tokens_read_of_their_end, other_swarms_are_named, retrieve_gives_what_was_stored,
          outboxes_hold_one_message, get_expiries_says_when, delete_deletes, delete_all_and_before_delete,
          expire_changes, writers_only_extend, expire_all_shortens, batches_are_bounded, signatures_cost)
