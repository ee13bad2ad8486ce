/* A whole node in today's dialect; other members are played by the test. */
#include "node/modern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "proto/storage_rpc.h"
#include "tests/support/check_main.h"
#include "tests/support/node_fixture.h"

static struct node_fixture fixture;
static struct snode *snode;

static void start_speaking(enum spoken spoken)
{
    node_fixture_init(&fixture);
    fixture.preset.spoken = spoken;
    snode = snode_new(&fixture.config);
    (void)snode_start(snode);
    snode_on_membership(snode, &fixture.membership);
}

static void start(void)
{
    start_speaking(SPEAKS_BOTH);
}

static void end(void)
{
    snode_free(snode);
    fake_env_check(&fixture.fake);
    node_fixture_fini(&fixture);
}

static struct fake_request *execute(const char *body)
{
    struct fake_request *request =
        fake_env_request(&fixture.fake, VERB_POST, PATH_STORAGE_RPC, text_request(&fixture.fake, "%s", body));

    snode_on_request(snode, &request->incoming);
    fake_env_run(&fixture.fake);
    return request;
}

#define INFO "{\"version\":[2,8,0],\"timestamp\":1567296000000,\"t\":1567296000000,\"hf\":[19,4]}"

/* PROTOCOL 10.1: who is answered in which dialect. */
START_TEST(calls_are_told_apart)
{
    static const struct {
        const char *body, *both, *era, *modern;
    } cases[] = {
        {"{\"method\":\"store\",\"params\":{\"nonce\":\"x\"}}", "invalid json: no `pubKey` field",
         "invalid json: no `pubKey` field", "invalid request: Required field 'timestamp' missing"},
        {"{\"method\":\"store\",\"params\":{}}", "invalid request: Required field 'timestamp' missing",
         "invalid json: no `pubKey` field", "invalid request: Required field 'timestamp' missing"},
        {"{\"method\":\"retrieve\",\"params\":{\"pubKey\":\"x\",\"lastHash\":\"\"}}",
         "Pubkey must be 66 characters long", "Pubkey must be 66 characters long",
         "invalid request: Pubkey must be 66 hex digits (33 bytes) long"},
        {"{\"method\":\"retrieve\",\"params\":{\"pubKey\":\"x\",\"lastHash\":\"\",\"namespace\":-10}}",
         "invalid request: Pubkey must be 66 hex digits (33 bytes) long", "Pubkey must be 66 characters long",
         "invalid request: Pubkey must be 66 hex digits (33 bytes) long"},
        {"{\"method\":\"get_snodes_for_pubkey\",\"params\":{}}", "invalid request: Required field 'pubkey' missing",
         "invalid json: no `pubKey` field", "invalid request: Required field 'pubkey' missing"},
        {"{\"method\":\"get_swarm\",\"params\":{}}", "invalid request: Required field 'pubkey' missing",
         "no method get_swarm", "invalid request: Required field 'pubkey' missing"},
        {"{\"method\":\"listen\",\"params\":{}}", "invalid json: no `pubKey` field", "invalid json: no `pubKey` field",
         "invalid json: no `pubKey` field"},
        {"{\"method\":\"nothing\",\"params\":{}}", "no method nothing", "no method nothing", "no method nothing"},
        {"{\"method\":\"info\",\"params\":[]}", "invalid json: no `params` field", "invalid json: no `params` field",
         "invalid json: no `params` field"},
    };

    for (enum spoken spoken = SPEAKS_BOTH; spoken <= SPEAKS_MODERN; spoken++) {
        start_speaking(spoken);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
            expect_answer(execute(cases[i].body), 400,
                          spoken == SPEAKS_BOTH  ? cases[i].both
                          : spoken == SPEAKS_ERA ? cases[i].era
                                                 : cases[i].modern);
        end();
    }
}
END_TEST

/* A long poll is the era's, and nothing else may ask for one. */
START_TEST(long_polls_are_gone)
{
    static const char *const bodies[] = {"{\"method\":\"retrieve\",\"params\":{\"pubkey\":\"05\"}}",
                                         "{\"method\":\"info\",\"params\":{}}"};

    start();
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct fake_request *request =
            fake_env_request(&fixture.fake, VERB_POST, PATH_STORAGE_RPC, bytes_text(bodies[i]));

        fake_request_add_header(request, "x-loki-long-poll", "true");
        snode_on_request(snode, &request->incoming);
        fake_env_run(&fixture.fake);
        expect_answer(request, 410, "long polling is no longer supported, client upgrade required");
    }
    end();
}
END_TEST

/* A node that speaks only today's dialect is a server of today beside it, too. */
START_TEST(modern_nodes_are_modern_servers)
{
    static const struct {
        enum verb verb;
        const char *path;
        uint16_t status;
        const char *both, *modern;
    } cases[] = {
        {VERB_GET, "/get_stats/v1", 200, "{\"version\":\"2.0.7\"}", "{\"version\":\"2.8.0\"}"},
        {VERB_GET, "/nothing", 404, "unknown target for GET: /nothing", "get /nothing Not Found"},
        {VERB_POST, "/nothing", 404, "unknown target for POST: /nothing", "post /nothing Not Found"},
    };

    for (enum spoken spoken = SPEAKS_BOTH; spoken <= SPEAKS_MODERN; spoken++) {
        start_speaking(spoken);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
            struct fake_request *request =
                fake_env_request(&fixture.fake, cases[i].verb, cases[i].path, BYTES_LIT("{}"));

            snode_on_request(snode, &request->incoming);
            expect_answer(request, cases[i].status, spoken == SPEAKS_MODERN ? cases[i].modern : cases[i].both);
        }
        end();
    }
}
END_TEST

START_TEST(info_says_what_it_runs)
{
    struct fake_request *request;

    start();
    request = execute("{\"method\":\"info\",\"params\":{\"any\":1}}");
    expect_answer(request, 200, INFO);
    ck_assert_int_eq(request->content, CONTENT_JSON);
    end();
}
END_TEST

/* All keys of every node, and those beside them. */
START_TEST(get_swarm_names_the_members)
{
    static const char *const names[] = {"address",       "ip",         "port",     "pubkey_x25519", "pubkey_ed25519",
                                        "pubkey_legacy", "port_https", "port_omq", "port_quic"};
    struct json *document;
    const struct json *nodes, *hf;
    int64_t number;
    enum err err;

    start();
    for (size_t other = 0; other < 2; other++) {
        struct account_id account = other ? account_elsewhere(1) : account_here(1);
        char hex[ACCOUNT_HEX_LEN + 1] = "", body[200];
        struct fake_request *request;

        account_to_hex(&account, hex);
        (void)snprintf(body, sizeof(body), "{\"method\":\"get_swarm\",\"params\":{\"pubkey\":\"%s\"}}", hex);
        request = execute(body);
        ck_assert_uint_eq(request->status, 200);
        document = json_parse(fake_request_answer(request), &err);
        ck_assert_ptr_nonnull(document);
        ck_assert_uint_eq(json_count(document), 4);
        nodes = json_get(document, "snodes");
        ck_assert_uint_eq(json_count(nodes), FIXTURE_SWARM_NODES);
        for (const struct json *node = json_first(nodes); node != NULL; node = json_next(node)) {
            ck_assert_uint_eq(json_count(node), ARRAY_LEN(names));
            for (size_t i = 0; i < ARRAY_LEN(names); i++)
                ck_assert_ptr_nonnull(json_get(node, names[i]));
            ck_assert(bytes_equal_text(json_string(json_get(node, "port")), "22021"));
            ck_assert_int_eq(json_get_integer(node, "port_https", &number), OK);
            ck_assert_int_eq(number, 22021);
            ck_assert_int_eq(json_get_integer(node, "port_omq", &number), OK);
            ck_assert_int_eq(number, 22020);
        }
        ck_assert(bytes_equal_text(json_string(json_get(document, "swarm")), other ? "8000000000000000" : "0"));
        ck_assert_int_eq(json_get_integer(document, "t", &number), OK);
        ck_assert_int_eq(number, fixture.fake.now_ms);
        hf = json_get(document, "hf");
        ck_assert_uint_eq(json_count(hf), 2);
        json_free(document);
    }
    end();
}
END_TEST

START_TEST(oxend_requests_are_answered)
{
    struct fake_request *request;
    struct json *document;
    const struct json *result;
    enum err err;

    start();
    expect_answer(execute("{\"method\":\"oxend_request\",\"params\":{\"endpoint\":\"ons_resolve\",\"params\":{}}}"),
                  200, "{\"result\":{},\"t\":1567296000000,\"hf\":[19,4]}");
    expect_answer(execute("{\"method\":\"oxend_request\",\"params\":{\"endpoint\":\"get_info\"}}"), 400,
                  "invalid request: Invalid oxend endpoint 'get_info'");
    request = execute("{\"method\":\"oxend_request\",\"params\":{\"endpoint\":\"get_service_nodes\",\"params\":"
                      "{\"active_only\":true,\"limit\":2,\"fields\":{\"public_ip\":true}}}}");
    ck_assert_uint_eq(request->status, 200);
    document = json_parse(fake_request_answer(request), &err);
    result = json_get(document, "result");
    ck_assert_uint_eq(json_count(json_get(result, "service_node_states")), 2);
    ck_assert_uint_eq(json_count(json_first(json_get(result, "service_node_states"))), 1);
    ck_assert_ptr_nonnull(json_get(result, "height"));
    json_free(document);
    end();
}
END_TEST

/* The list of a network that no answer holds is refused as a whole, not cut off. */
START_TEST(what_no_answer_holds_is_refused)
{
    static const char list[] = "{\"method\":\"oxend_request\",\"params\":{\"endpoint\":\"get_service_nodes\"}}";
    enum { COUNT = 30000 };
    struct snode_entry *nodes = xmalloc(COUNT * sizeof(nodes[0]));

    start();
    ck_assert_uint_eq(execute(list)->status, 200);
    for (uint32_t i = 0; i < COUNT; i++)
        nodes[i] = fixture.entries[i % FIXTURE_NODES];
    fixture.membership.nodes = nodes;
    fixture.membership.node_count = COUNT;
    expect_answer(execute(list), 413, "Response body too large");
    end();
    free(nodes);
}
END_TEST

/* ---- calls that hold others (PROTOCOL 10.13) ---- */

START_TEST(batches_are_checked_as_a_whole)
{
    static const struct {
        const char *params, *text;
    } cases[] = {
        {"{}", "Invalid batch request: no valid \"requests\" field"},
        {"{\"requests\":[]}", "Invalid batch request: no valid \"requests\" field"},
        {"{\"requests\":{}}", "Invalid batch request: no valid \"requests\" field"},
        {"{\"requests\":[5]}", "Invalid batch request: requests must be objects"},
        {"{\"requests\":[{\"method\":\"info\"}]}", "Invalid batch request: subrequests must have method/params keys"},
        {"{\"requests\":[{\"method\":\"info\",\"params\":[]}]}",
         "Invalid batch request: subrequests must have method/params keys"},
        {"{\"requests\":[{\"method\":\"nix\",\"params\":{}}]}", "Invalid batch subrequest: invalid method \"nix\""},
        {"{\"requests\":[{\"method\":\"batch\",\"params\":{}}]}",
         "Invalid batch subrequest: subrequests may not contain meta-requests"},
        {"{\"requests\":[{\"method\":\"ifelse\",\"params\":{}}]}",
         "Invalid batch subrequest: subrequests may not contain meta-requests"},
        {"{\"requests\":[{\"method\":\"info\",\"params\":{}},{\"method\":\"get_swarm\",\"params\":{}}]}",
         "Required field 'pubkey' missing"},
    };
    static const char *const methods[] = {"batch", "sequence"};
    char body[400], text[200];

    start();
    for (size_t m = 0; m < ARRAY_LEN(methods); m++) {
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
            (void)snprintf(body, sizeof(body), "{\"method\":\"%s\",\"params\":%s}", methods[m], cases[i].params);
            (void)snprintf(text, sizeof(text), "invalid request: %s", cases[i].text);
            expect_answer(execute(body), 400, text);
        }
    }
    end();
}
END_TEST

START_TEST(batches_have_a_limit)
{
    static const char part[] = "{\"method\":\"info\",\"params\":{}}";
    char body[(LIMIT_BATCH_REQUESTS + 1) * sizeof(part) + 100];

    start();
    for (size_t count = LIMIT_BATCH_REQUESTS; count <= LIMIT_BATCH_REQUESTS + 1; count++) {
        int at = sprintf(body, "{\"method\":\"batch\",\"params\":{\"requests\":[");
        struct fake_request *request;

        for (size_t i = 0; i < count; i++)
            at += sprintf(body + at, "%s%s", i > 0 ? "," : "", part);
        (void)sprintf(body + at, "]}}");
        request = execute(body);
        if (count == LIMIT_BATCH_REQUESTS)
            ck_assert_uint_eq(request->status, 200);
        else
            expect_answer(request, 400, "invalid request: Invalid batch request: subrequest limit exceeded");
    }
    end();
}
END_TEST

#define RETRIEVE_UNSIGNED "{\"method\":\"oxend_request\",\"params\":{\"endpoint\":\"ons_resolve\"}}"
#define RESOLVED          "{\"code\":200,\"body\":{\"result\":{},\"t\":1567296000000,\"hf\":[19,4]}}"
#define INFO_PART         "{\"method\":\"info\",\"params\":{}}"

START_TEST(batches_answer_in_order)
{
    start();
    expect_answer(execute("{\"method\":\"batch\",\"params\":{\"requests\":[" RETRIEVE_UNSIGNED "," INFO_PART "]}}"),
                  200, "{\"results\":[" RESOLVED ",{\"code\":200,\"body\":" INFO "}]}");
    expect_answer(execute("{\"method\":\"sequence\",\"params\":{\"requests\":[" INFO_PART "," RETRIEVE_UNSIGNED "]}}"),
                  200, "{\"results\":[{\"code\":200,\"body\":" INFO "}," RESOLVED "]}");
    end();
}
END_TEST

START_TEST(ifelse_is_checked_as_a_whole)
{
    static const struct {
        const char *params, *text;
    } cases[] = {
        {"{}", ": no valid \"if\" field"},
        {"{\"if\":[]}", ": no valid \"if\" field"},
        {"{\"if\":{},\"then\":5}", ": must specify at least one \"if\" condition"},
        {"{\"if\":{\"hf_at_least\":[]}}", ": must specify at least one \"if\" condition"},
        {"{\"if\":{\"hf_at_least\":19},\"then\":5}", ": then must be an object"},
        {"{\"if\":{\"hf_at_least\":19},\"else\":[]}", ": else must be an object"},
        {"{\"if\":{\"hf_at_least\":19},\"then\":{}}", ": then must have method/params keys"},
        {"{\"if\":{\"hf_at_least\":19},\"else\":{\"method\":\"info\"}}", ": else must have method/params keys"},
        {"{\"if\":{\"hf_at_least\":19},\"then\":{\"method\":\"nix\",\"params\":{}}}", " method \"then\""},
        {"{\"if\":{\"hf_at_least\":19},\"else\":{\"method\":\"nix\",\"params\":{}}}", " method \"else\""},
        {"{\"if\":{\"hf_at_least\":19}}", ": at least one of \"then\"/\"else\" required"},
    };
    char body[300], text[200];

    start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)snprintf(body, sizeof(body), "{\"method\":\"ifelse\",\"params\":%s}", cases[i].params);
        (void)snprintf(text, sizeof(text), "invalid request: Invalid ifelse request%s", cases[i].text);
        expect_answer(execute(body), 400, text);
    }
    expect_answer(execute("{\"method\":\"ifelse\",\"params\":{\"if\":{\"hf_at_least\":\"x\"}}}"), 400,
                  "invalid request: Invalid value given for 'hf_at_least': expected integer array");
    /* also the branch that is not taken */
    expect_answer(execute("{\"method\":\"ifelse\",\"params\":{\"if\":{\"hf_at_least\":19},\"then\":" INFO_PART
                          ",\"else\":{\"method\":\"get_swarm\",\"params\":{}}}}"),
                  400, "invalid request: Required field 'pubkey' missing");
    end();
}
END_TEST

/* The node is at hard fork 19.4, version 2.8.0, height 100. */
START_TEST(conditions_compare)
{
    static const struct {
        const char *condition;
        bool holds;
    } cases[] = {
        {"\"hf_at_least\":[19,4]", true},
        {"\"hf_at_least\":[19,5]", false},
        {"\"hf_at_least\":19", true},
        {"\"hf_at_least\":[19]", true},
        {"\"hf_at_least\":20", false},
        {"\"hf_before\":[19]", false},
        {"\"hf_before\":[19,5]", true},
        {"\"hf_before\":[19,4]", false},
        {"\"hf_before\":[19,5,0,7]", true},
        {"\"v_at_least\":[2,2]", true},
        {"\"v_at_least\":[2,8,1]", false},
        {"\"v_before\":[2,8,1]", true},
        {"\"v_before\":[2,8,0]", false},
        {"\"v_before\":3", true},
        {"\"height_at_least\":100", true},
        {"\"height_at_least\":101", false},
        {"\"height_before\":101", true},
        {"\"height_before\":100", false},
        {"\"hf_at_least\":[19],\"v_before\":[2]", false},
        {"\"hf_before\":[],\"height_at_least\":1", true},
    };
    char body[300], answer[400];

    start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)snprintf(body, sizeof(body), "{\"method\":\"ifelse\",\"params\":{\"if\":{%s},\"then\":" INFO_PART "}}",
                       cases[i].condition);
        (void)snprintf(answer, sizeof(answer), "{\"hf\":[19,4],\"v\":[2,8,0],\"height\":100,\"condition\":%s%s}",
                       cases[i].holds ? "true" : "false",
                       cases[i].holds ? ",\"result\":{\"code\":200,\"body\":" INFO "}" : "");
        expect_answer(execute(body), 200, answer);
    }
    end();
}
END_TEST

/* A branch may hold what it likes: here a sequence, in an ifelse in an ifelse. */
START_TEST(branches_nest)
{
    static const char head[] = "{\"hf\":[19,4],\"v\":[2,8,0],\"height\":100,\"condition\":";
    char answer[800];

    start();
    (void)snprintf(answer, sizeof(answer),
                   "%sfalse,\"result\":{\"code\":200,\"body\":%strue,\"result\":{\"code\":200,\"body\":{\"results\":["
                   "{\"code\":200,\"body\":" INFO "}," RESOLVED "]}}}}}",
                   head, head);
    expect_answer(
        execute("{\"method\":\"ifelse\",\"params\":{\"if\":{\"height_before\":5},\"else\":{\"method\":\"ifelse\","
                "\"params\":{\"if\":{\"height_at_least\":5},\"then\":{\"method\":\"sequence\",\"params\":"
                "{\"requests\":[" INFO_PART "," RETRIEVE_UNSIGNED "]}}}}}}"),
        200, answer);
    end();
}
END_TEST

TEST_MAIN("modern", calls_are_told_apart, long_polls_are_gone, modern_nodes_are_modern_servers, info_says_what_it_runs,
          get_swarm_names_the_members, oxend_requests_are_answered, what_no_answer_holds_is_refused,
          batches_are_checked_as_a_whole, batches_have_a_limit, batches_answer_in_order, ifelse_is_checked_as_a_whole,
          conditions_compare, branches_nest)
