/* Users in a testbed: who they are, a message between two, and that nobody can call them. */
#include "sim/testbed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check_main.h"
#include "tests/support/small_testbed.h"

/* Users are found by number and account; nobody shares an address or an identity. */
START_TEST(testbed_seats_users)
{
    struct testbed_config config = small_testbed_config(14);
    struct testbed *testbed = testbed_new(&config);
    char name[16], text[ADDRESS_TEXT_MAX];

    for (uint32_t i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "user %u", i);
        ck_assert_uint_eq(testbed_add_client(testbed, name), i);
    }
    ck_assert_uint_eq(testbed_client_count(testbed), 300);
    for (uint32_t i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "user %u", i);
        ck_assert_str_eq(testbed_client_name(testbed, i), name);
        ck_assert_uint_eq(testbed_client_by_account(testbed, client_account(testbed_client(testbed, i))), i);
        ck_assert_ptr_eq(world_machine(testbed_world(testbed), testbed_client_seat(testbed, i)),
                         testbed_client(testbed, i));
    }
    address_text(world_address(testbed_world(testbed), testbed_client_seat(testbed, 255)), text);
    ck_assert_str_eq(text, "10.0.1.0:40000");
    ck_assert_uint_eq(testbed_client_by_account(testbed, &(struct account_id){{0}}), UINT32_MAX);
    ck_assert_uint_eq(testbed_node_by_key(testbed, &(struct ed25519_public){{0}}), UINT32_MAX);
    testbed_free(testbed);
}
END_TEST

/* A message reaches the whole swarm, and the record survives a node's restart on its disk. */
START_TEST(testbed_carries_a_message)
{
    struct testbed_config config = small_testbed_config(30);
    struct testbed *testbed = testbed_new(&config);
    uint32_t alice = testbed_add_client(testbed, "Alice"), bob = testbed_add_client(testbed, "Bob");
    struct account_id account = *client_account(testbed_client(testbed, bob));
    uint32_t swarm[64], holders[64];
    const struct sent *sent;
    size_t count;

    world_enter(testbed_world(testbed), testbed_client_seat(testbed, alice), testbed_befriend, &account);
    testbed_run_for(testbed, 60 * SECOND_US);
    sent = client_sent(testbed_client(testbed, alice), 1);
    ck_assert_int_eq(sent->state, SEND_STORED);
    count = testbed_swarm_nodes(testbed, &account, swarm, 64);
    ck_assert_uint_ge(count, 5);
    ck_assert_uint_eq(testbed_swarm_nodes(testbed, &account, swarm, 2), 2);
    ck_assert_uint_eq(testbed_swarm_nodes(testbed, &account, swarm, 64), count);
    ck_assert_uint_eq(testbed_holders(testbed, sent->hash, holders, 64), count);
    ck_assert_uint_eq(testbed_holders(testbed, sent->hash, holders, 1), 1);

    for (size_t i = 0; i < count; i++)
        testbed_kill(testbed, swarm[i]);
    ck_assert_uint_eq(testbed_holders(testbed, sent->hash, holders, 64), 0);
    testbed_run_for(testbed, 10 * SECOND_US);
    for (size_t i = 0; i < count; i++)
        testbed_restart(testbed, swarm[i]);
    ck_assert_uint_eq(testbed_holders(testbed, sent->hash, holders, 64), count);
    testbed_free(testbed);
}
END_TEST

struct probe {
    struct env *env;
    struct call call;
    bool ended;
};

static void on_probed(struct call *call)
{
    CONTAINER_OF(call, struct probe, call)->ended = true;
}

static void call_device(void *machine, void *owner)
{
    struct probe *probe = owner;

    (void)machine;
    env_call(probe->env, &probe->call, on_probed);
}

/* A user's device answers nobody; and once its caller has given up, nothing is left of the request. */
START_TEST(testbed_users_take_no_calls)
{
    struct testbed_config config = small_testbed_config(14);
    struct testbed *testbed = testbed_new(&config);
    uint32_t seat = testbed_client_seat(testbed, testbed_add_client(testbed, "Alice"));
    struct blob *body = blob_copy(BYTES_LIT("anybody there?"));
    struct probe probe = {.env = world_env(testbed_world(testbed), seat),
                          .call = {.to = world_address(testbed_world(testbed), seat),
                                   .out = {.verb = VERB_POST, .path = BYTES_LIT("/"), .body = body},
                                   .timeout_ms = 1000}};

    world_enter(testbed_world(testbed), seat, call_device, &probe);
    ck_assert_uint_eq(body->keepers, 2); /* a call to oneself stays in the shard, so the body is shared */
    testbed_run_for(testbed, 5 * SECOND_US);
    ck_assert(probe.ended);
    ck_assert_int_eq(probe.call.net, NET_TIMEOUT);
    ck_assert_uint_eq(body->keepers, 1);
    blob_drop(body);
    testbed_free(testbed);
}
END_TEST

TEST_MAIN("testbed_users", testbed_seats_users, testbed_carries_a_message, testbed_users_take_no_calls)
