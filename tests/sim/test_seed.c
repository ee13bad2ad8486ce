#include "sim/seed.h"

#include <stdlib.h>
#include <string.h>

#include "proto/storage_rpc.h"
#include "sim/chain.h"
#include "tests/support/check_main.h"
#include "tests/support/fake_env.h"

static struct fake_env fake;
static struct rng_key key;
static struct chain *chain;
static struct seed *seed;

static void setup(void)
{
    fake_env_init(&fake, 1);
    rng_key_from_seed(&key, 1);
    chain = chain_new(&key, 1000, false);
    seed = seed_new(&fake.env);
}

static void teardown(void)
{
    fake_env_run(&fake);
    fake_env_check(&fake);
    seed_free(seed);
    chain_free(chain);
    fake_env_fini(&fake);
}

static void enlist(uint32_t number)
{
    struct chain_node node = {.address = {0x7f010107, (uint16_t)(22021 + number)}};

    store_be32(node.ed25519.bytes + 28, number);
    store_be32(node.x25519.bytes + 28, number);
    ck_assert_int_eq(chain_register(chain, &node), OK);
}

static struct fake_request *ask(enum verb verb, const char *path, struct bytes body)
{
    struct fake_request *request = fake_env_request(&fake, verb, path, body);

    seed_on_request(seed, &request->incoming);
    fake_env_run(&fake);
    ck_assert(request->answered);
    return request;
}

static struct fake_request *ask_for_list(void)
{
    struct buf body;
    struct fake_request *request;

    buf_init(&body, 4096);
    rpc_node_list_request(&body);
    request = ask(VERB_POST, PATH_SEED_RPC, buf_bytes(&body));
    buf_fini(&body);
    return request;
}

/* A client gets the active nodes of the newest membership it was told. */
START_TEST(seed_lists_the_nodes)
{
    struct fake_request *request;
    struct rpc_snode *nodes;
    size_t count;
    uint64_t height;

    setup();
    for (uint32_t i = 1; i <= 6; i++)
        enlist(i);
    seed_on_membership(seed, chain_block(chain));
    request = ask_for_list();
    ck_assert_uint_eq(request->status, 200);
    ck_assert_int_eq(request->content, CONTENT_JSON);
    ck_assert_int_eq(rpc_node_list_decode(fake_request_answer(request), &nodes, &count, &height), OK);
    ck_assert_uint_eq(count, 6);
    ck_assert_uint_eq(height, 1001);
    free(nodes);
    teardown();
}
END_TEST

/* The text is made once for all who ask, and anew when the membership has changed. */
START_TEST(seed_shares_its_answer_until_the_membership_changes)
{
    struct fake_request *first, *second, *third;
    struct rpc_snode *nodes;
    size_t count;
    uint64_t height;

    setup();
    enlist(1);
    seed_on_membership(seed, chain_block(chain));
    first = ask_for_list();
    second = ask_for_list();
    ck_assert(bytes_equal(fake_request_answer(first), fake_request_answer(second)));
    enlist(2);
    seed_on_membership(seed, chain_block(chain));
    third = ask_for_list();
    ck_assert(!bytes_equal(fake_request_answer(first), fake_request_answer(third)));
    ck_assert_int_eq(rpc_node_list_decode(fake_request_answer(third), &nodes, &count, &height), OK);
    ck_assert_uint_eq(count, 2);
    free(nodes);
    teardown();
}
END_TEST

START_TEST(seed_answers_503_before_the_first_block)
{
    setup();
    ck_assert_uint_eq(ask_for_list()->status, 503);
    teardown();
}
END_TEST

START_TEST(seed_names_no_other_method)
{
    struct fake_request *request;

    setup();
    enlist(1);
    seed_on_membership(seed, chain_block(chain));
    request = ask(VERB_POST, PATH_SEED_RPC, BYTES_LIT("{\"jsonrpc\":\"2.0\",\"method\":\"get_info\"}"));
    ck_assert_uint_eq(request->status, 200);
    ck_assert_uint_ne(bytes_find(fake_request_answer(request), BYTES_LIT("-32601")), SIZE_MAX);
    teardown();
}
END_TEST

START_TEST(seed_refuses_bad_input)
{
    setup();
    enlist(1);
    seed_on_membership(seed, chain_block(chain));
    ck_assert_uint_eq(ask(VERB_POST, PATH_SEED_RPC, BYTES_NONE)->status, 400);
    ck_assert_uint_eq(ask(VERB_POST, PATH_SEED_RPC, BYTES_LIT("{\"method\":"))->status, 400);
    ck_assert_uint_eq(ask(VERB_POST, PATH_SEED_RPC, BYTES_LIT("{\"params\":{}}"))->status, 400);
    ck_assert_uint_eq(ask(VERB_POST, PATH_SEED_RPC, BYTES_LIT("{\"method\":7}"))->status, 400);
    ck_assert_uint_eq(ask(VERB_POST, "/json_rp", BYTES_LIT("{\"method\":\"get_n_service_nodes\"}"))->status, 404);
    ck_assert_uint_eq(ask(VERB_GET, PATH_SEED_RPC, BYTES_NONE)->status, 404);
    teardown();
}
END_TEST

static bool answer_has(const struct fake_request *request, const char *text)
{
    return bytes_find(fake_request_answer(request), bytes_text(text)) != SIZE_MAX;
}

/* Both names of the method, an id as text, a number or none, fields as an object or a list, unknown ones ignored. */
START_TEST(seed_gives_what_is_asked_for)
{
    struct fake_request *request;

    setup();
    for (uint32_t i = 1; i <= 6; i++)
        enlist(i);
    seed_on_membership(seed, chain_block(chain));
    request = ask(VERB_POST, PATH_SEED_RPC,
                  BYTES_LIT("{\"method\":\"get_service_nodes\",\"id\":\"a\\\"b\",\"params\":{\"limit\":2,\"fields\":"
                            "{\"public_ip\":true,\"swarm\":false,\"none\":true}}}"));
    ck_assert_uint_eq(request->status, 200);
    ck_assert(answer_has(request, "\"id\":\"a\\\"b\""));
    ck_assert(
        answer_has(request, "\"service_node_states\":[{\"public_ip\":\"127.1.1.7\"},{\"public_ip\":\"127.1.1.7\"}]"));
    request = ask(VERB_POST, PATH_SEED_RPC,
                  BYTES_LIT("{\"method\":\"get_n_service_nodes\",\"id\":7,\"params\":{\"limit\":1,\"fields\":"
                            "[\"storage_port\",\"none\"]}}"));
    ck_assert(answer_has(request, "\"id\":7,"));
    ck_assert(answer_has(request, "\"service_node_states\":[{\"storage_port\":22022}]"));
    request = ask(VERB_POST, PATH_SEED_RPC, BYTES_LIT("{\"method\":\"get_n_service_nodes\",\"id\":[],\"params\":7}"));
    ck_assert(answer_has(request, "\"id\":0,"));
    ck_assert(answer_has(request, "\"storage_server_version\":[2,8,0]"));
    request = ask(VERB_POST, PATH_SEED_RPC, BYTES_LIT("{\"method\":\"get_info\",\"id\":-3}"));
    ck_assert(answer_has(request, "\"id\":-3,\"error\""));
    teardown();
}
END_TEST

TEST_MAIN("seed", seed_lists_the_nodes, seed_shares_its_answer_until_the_membership_changes,
          seed_answers_503_before_the_first_block, seed_names_no_other_method, seed_refuses_bad_input,
          seed_gives_what_is_asked_for)
