/* Calls that all members of a swarm do. */
#include "node/recursive.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "proto/storage_rpc.h"
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

#define FIELDS "\"timestamp\":1567296000000,\"ttl\":3600000,\"data\":\"YWJjIDEyMw==\""

static struct fake_request *store(void)
{
    return call_unsigned(&fixture, "store", FIELDS);
}

static const char *member_hex(uint32_t i)
{
    static char hex[FIXTURE_SWARM_NODES][65];

    hex_encode(hex[i], BYTES_OF(fixture.net.keys[fixture.net.members[i]].ed25519.bytes));
    return hex[i];
}

/* The node under test is the second member. The entry of one, or the answer without it. */
static const struct json *entry(const struct json *document, uint32_t i)
{
    return json_get(json_get(document, "swarm"), member_hex(i));
}

static void expect_signature(const struct json *result, uint32_t member, const char *text)
{
    uint8_t signature[66];
    size_t len = sizeof(signature);

    ck_assert_int_eq(base64_decode(signature, &len, json_string(json_get(result, "signature"))), OK);
    ck_assert_uint_eq(len, 64);
    ck_assert(fixture.net.preset.suite->verify(&fixture.net.keys[fixture.net.members[member]].ed25519, bytes_text(text),
                                               signature));
}

/* Both others are asked at once; the answer waits for them, and each result is where it belongs. */
START_TEST(a_store_is_confirmed_by_all)
{
    struct fake_request *request;
    struct json *document;
    const struct json *own;
    char hash[MESSAGE_HASH_CHARS + 1] = "";
    int64_t number;

    start();
    message_hash(&fixture.account, 0, BYTES_LIT("abc 123"), hash);
    request = store();
    ck_assert_uint_eq(fake_env_open_calls(&fixture.net.fake), 2);
    ck_assert(bytes_equal_text(fake_call_path(fake_env_call(&fixture.net.fake, 0)), PATH_SN_STORAGE_CC));
    ck_assert_uint_eq(fake_env_call(&fixture.net.fake, 0)->timeout_ms, LIMIT_MEMBER_MS);
    ck_assert(!request->answered);
    answer_as_members(&fixture);
    document = answer_of(request, 200);
    ck_assert_uint_eq(json_count(document), 4);
    ck_assert_uint_eq(json_count(json_get(document, "swarm")), FIXTURE_SWARM_NODES);
    ck_assert(bytes_equal_text(json_string(json_get(document, "hash")), hash));
    ck_assert_int_eq(json_get_integer(document, "t", &number), OK);
    own = entry(document, 1);
    ck_assert_uint_eq(json_count(own), 4);
    ck_assert(bytes_equal_text(json_string(json_get(own, "hash")), hash));
    ck_assert_int_eq(json_get_integer(own, "expiry", &number), OK);
    ck_assert_int_eq(number, 1567299600000);
    ck_assert_int_eq(json_get_integer(own, "t", &number), OK);
    expect_signature(own, 1, hash);
    /* played by this node, which had it by then */
    ck_assert_uint_eq(json_count(entry(document, 0)), 4);
    ck_assert(json_true(json_get(entry(document, 0), "already")));
    json_free(document);
    end();
}
END_TEST

/* PROTOCOL 10.7: what stands for a member that did not do it. */
START_TEST(members_fail_in_many_ways)
{
    static const struct {
        enum net net;
        uint16_t status;
        const char *body, *entry;
    } cases[] = {
        {NET_TIMEOUT, 0, "", "{\"failed\":true,\"timeout\":true}"},
        {NET_REFUSED, 0, "", "{\"failed\":true,\"timeout\":true}"},
        {NET_RESET, 0, "", "{\"failed\":true,\"timeout\":true}"},
        {NET_OK, 401, "store signature verification failed",
         "{\"failed\":true,\"code\":\"401\",\"reason\":\"store signature verification failed\"}"},
        {NET_OK, 503, "\xff", "{\"failed\":true,\"bad_peer_response\":true}"},
        {NET_OK, 200, "{}", "{\"failed\":true,\"bad_peer_response\":true}"},
        {NET_OK, 200, "", "{\"failed\":true,\"bad_peer_response\":true}"},
        {NET_OK, 200,
         "d4:hash1:\xff"
         "e",
         "{\"failed\":true,\"bad_peer_response\":true}"},
        {NET_OK, 200, "d6:failedi1e13:query_failurei1ee", "{\"failed\":true,\"query_failure\":true}"},
        {NET_OK, 200, "d7:alreadyi1e4:hash3:abce", "{\"already\":true,\"hash\":\"abc\"}"},
    };

    start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fake_request *request = store();
        size_t index = fake_env_open_call(&fixture.net.fake, 0);
        char wanted[300];

        if (cases[i].net == NET_OK)
            fake_env_answer(&fixture.net.fake, index, cases[i].status, bytes_text(cases[i].body));
        else
            fake_env_fail(&fixture.net.fake, index, cases[i].net);
        ck_assert(!request->answered);
        answer_as_members(&fixture);
        ck_assert_uint_eq(request->status, 200);
        (void)snprintf(wanted, sizeof(wanted), "\"%s\":%s,", member_hex(0), cases[i].entry);
        ck_assert_msg(bytes_find(fake_request_answer(request), bytes_text(wanted)) != SIZE_MAX, "no %s in %.*s", wanted,
                      (int)fake_request_answer(request).len, (const char *)fake_request_answer(request).data);
    }
    end();
}
END_TEST

/* What a malicious member sends is bounded: the answer stays within its limit. */
START_TEST(a_huge_result_is_refused)
{
    struct fake_request *request;
    struct json *document;
    struct buf body;

    start();
    buf_init(&body, SIZE_MAX);
    buf_printf(&body, "d4:hash%d:", LIMIT_BODY_BYTES - 20);
    memset(buf_space(&body, LIMIT_BODY_BYTES - 20), 'a', LIMIT_BODY_BYTES - 20);
    buf_byte(&body, 'e');
    request = store();
    for (int i = 0; i < 2; i++)
        fake_env_answer(&fixture.net.fake, fake_env_open_call(&fixture.net.fake, 0), 200, buf_bytes(&body));
    document = answer_of(request, 200);
    ck_assert(json_true(json_get(entry(document, 0), "bad_peer_response")));
    ck_assert(json_true(json_get(entry(document, 2), "bad_peer_response")));
    json_free(document);
    buf_fini(&body);
    end();
}
END_TEST

/* So is what all open calls hold together. */
START_TEST(huge_results_are_bounded_together)
{
    struct fake_request *requests[8];
    size_t refused = 0, len = LIMIT_BODY_BYTES - 300000;
    struct json *document;
    struct buf body;

    start();
    buf_init(&body, SIZE_MAX);
    buf_printf(&body, "d4:hash%zu:", len);
    memset(buf_space(&body, len), 'a', len);
    buf_byte(&body, 'e');
    for (size_t i = 0; i < ARRAY_LEN(requests); i++)
        requests[i] = store();
    for (size_t i = 0; i < ARRAY_LEN(requests); i++)
        fake_env_answer(&fixture.net.fake, 2 * i, 200, buf_bytes(&body));
    answer_as_members(&fixture);
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        document = answer_of(requests[i], 200);
        refused += json_true(json_get(entry(document, 0), "bad_peer_response"));
        json_free(document);
    }
    ck_assert_uint_eq(refused, ARRAY_LEN(requests) - LIMIT_HELD_BYTES / len);
    buf_fini(&body);
    end();
}
END_TEST

START_TEST(a_failing_disk_is_said)
{
    struct fake_request *request;
    struct json *document;

    start();
    fixture.net.fake.disk_err = ERR_IO;
    request = store();
    answer_as_members(&fixture);
    document = answer_of(request, 200);
    ck_assert_uint_eq(json_count(entry(document, 1)), 3); /* and t */
    ck_assert(json_true(json_get(entry(document, 1), "failed")));
    ck_assert(json_true(json_get(entry(document, 1), "query_failure")));
    ck_assert_ptr_null(json_get(document, "hash"));
    json_free(document);
    end();
}
END_TEST

/* Not before the disk has it. */
START_TEST(the_answer_waits_for_the_disk)
{
    struct fake_request *request;

    start();
    fixture.net.fake.disk_manual = true;
    request = store();
    fake_env_fail(&fixture.net.fake, 0, NET_REFUSED);
    fake_env_fail(&fixture.net.fake, 1, NET_REFUSED);
    ck_assert(!request->answered);
    fake_env_complete_sync(&fixture.net.fake);
    ck_assert(request->answered);
    end();
}
END_TEST

/* Whoever hangs up changes nothing but the answer. */
START_TEST(it_goes_on_without_the_asker)
{
    struct fake_request *request;

    start();
    request = store();
    fake_env_hang_up(&fixture.net.fake, request);
    answer_as_members(&fixture);
    ck_assert(!request->answered);
    ck_assert_uint_eq(snode_held_for(fixture.snode, &fixture.account), 1);
    end();
}
END_TEST

START_TEST(a_node_may_end_meanwhile)
{
    start();
    fixture.net.fake.disk_manual = true;
    (void)store();
    fake_env_crash(&fixture.net.fake);
    modern_fixture_fini(&fixture);
}
END_TEST

/* From another member: done here, asked of nobody, answered flat. */
START_TEST(passed_on_calls_end_here)
{
    static const struct {
        const char *body;
        uint16_t status;
        const char *answer;
    } cases[] = {
        {"", 400, "invalid body: expected a list of a method and its bt_dict"},
        {"l5:store2:dee", 400, "invalid request: Required field 'timestamp' missing"},
        {"l5:store2:lee", 400, "invalid body: expected a list of a method and its bt_dict"},
        {"l5:store2:de1:xe", 400, "invalid body: expected a list of a method and its bt_dict"},
        {"l4:info2:dee", 400, "invalid request: received invalid forwarded non-forwardable request"},
        {"l8:retrieve2:dee", 400, "invalid request: received invalid forwarded non-forwardable request"},
        {"l5:batch2:dee", 400, "invalid request: received invalid forwarded non-forwardable request"},
    };
    const struct ed25519_public *peer;
    struct fake_request *request;
    struct bytes body;

    start();
    peer = &fixture.net.keys[fixture.net.members[0]].ed25519;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        request = fake_env_peer_request(&fixture.net.fake, peer, PATH_SN_STORAGE_CC, bytes_text(cases[i].body));
        snode_on_request(fixture.snode, &request->incoming);
        fake_env_run(&fixture.net.fake);
        expect_answer(request, cases[i].status, cases[i].answer);
    }
    request = fake_env_request(&fixture.net.fake, VERB_POST, PATH_SN_STORAGE_CC, BYTES_LIT("l5:store2:dee"));
    snode_on_request(fixture.snode, &request->incoming);
    expect_answer(request, 401, "Unknown service node");
    (void)store();
    body = fake_call_body(fake_env_call(&fixture.net.fake, 0));
    request = fake_env_peer_request(&fixture.net.fake, peer, PATH_SN_STORAGE_CC, body);
    snode_on_request(fixture.snode, &request->incoming);
    fake_env_run(&fixture.net.fake);
    ck_assert_uint_eq(request->status, 200);
    ck_assert_int_eq(request->content, CONTENT_BINARY);
    ck_assert(
        bytes_start_with(fake_request_answer(request), BYTES_LIT("d7:alreadyi1e6:expiryi1567299600000e4:hash43:")));
    ck_assert_uint_eq(fake_env_open_calls(&fixture.net.fake), 2);
    answer_as_members(&fixture);
    end();
}
END_TEST

/* A batch's parts run at once, a sequence's one after another and up to the first that fails. */
START_TEST(held_calls_wait_for_members)
{
    static const char form[] = "{\"method\":\"%s\",\"params\":{\"requests\":["
                               "{\"method\":\"store\",\"params\":{\"pubkey\":\"%s\"," FIELDS "}},"
                               "{\"method\":\"retrieve\",\"params\":{\"pubkey\":\"%s\"}},"
                               "{\"method\":\"info\",\"params\":{}}]}}";
    static const char *const methods[] = {"batch", "sequence"};

    start();
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct fake_request *request =
            fake_env_request(&fixture.net.fake, VERB_POST, PATH_STORAGE_RPC,
                             text_request(&fixture.net.fake, form, methods[i], fixture.pubkey, fixture.pubkey));
        struct json *document;
        const struct json *results;
        int64_t code;

        snode_on_request(fixture.snode, &request->incoming);
        fake_env_run(&fixture.net.fake);
        ck_assert(!request->answered);
        answer_as_members(&fixture);
        document = answer_of(request, 200);
        results = json_get(document, "results");
        ck_assert_uint_eq(json_count(results), i == 0 ? 3 : 2);
        ck_assert_ptr_nonnull(json_get(json_get(json_first(results), "body"), "swarm"));
        ck_assert_int_eq(json_get_integer(json_next(json_first(results)), "code", &code), OK);
        ck_assert_int_eq(code, 401);
        json_free(document);
    }
    end();
}
END_TEST

START_TEST(a_sequence_stops_when_the_asker_has_gone)
{
    static const char form[] = "{\"method\":\"sequence\",\"params\":{\"requests\":["
                               "{\"method\":\"store\",\"params\":{\"pubkey\":\"%s\"," FIELDS "}},"
                               "{\"method\":\"store\",\"params\":{\"pubkey\":\"%s\"," FIELDS "}}]}}";
    struct fake_request *request;

    start();
    request = fake_env_request(&fixture.net.fake, VERB_POST, PATH_STORAGE_RPC,
                               text_request(&fixture.net.fake, form, fixture.pubkey, fixture.pubkey));
    snode_on_request(fixture.snode, &request->incoming);
    fake_env_run(&fixture.net.fake);
    fake_env_hang_up(&fixture.net.fake, request);
    answer_as_members(&fixture);
    ck_assert_uint_eq(fixture.net.fake.call_count, 2);
    end();
}
END_TEST

TEST_MAIN("recursive", a_store_is_confirmed_by_all, members_fail_in_many_ways, a_huge_result_is_refused,
          huge_results_are_bounded_together, a_failing_disk_is_said, the_answer_waits_for_the_disk,
          it_goes_on_without_the_asker, a_node_may_end_meanwhile, passed_on_calls_end_here, held_calls_wait_for_members,
          a_sequence_stops_when_the_asker_has_gone)
