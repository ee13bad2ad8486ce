#include "tests/support/check_main.h"

#include "client/client_state.h"
#include "client/path.h"
#include "client/swarm_cache.h"
#include "tests/support/fake_swarm.h"

static struct fake_swarm net;

static struct bytes text(const char *s)
{
    return bytes_text(s);
}

/* A client does nothing before its user does: no call, no timer, and little memory. */
START_TEST(idle_client_costs_nothing)
{
    fake_swarm_init(&net, 21, 3);
    struct client *client = fake_swarm_client(&net, 1);
    fake_swarm_run_ms(&net, 1000);
    ck_assert_uint_eq(net.fake.call_count, 0);
    ck_assert_uint_eq(fake_env_timers(&net.fake), 0);
    ck_assert(!client_busy(client));
    ck_assert_uint_le(sizeof(struct client), 300);
    client_free(client);
    fake_env_check(&net.fake);
    fake_swarm_fini(&net);
}
END_TEST

/* One user's introduction reaches another who polls, and is shown once, though three nodes give it. */
START_TEST(introduction_is_shown_once)
{
    fake_swarm_init(&net, 21, 3);
    struct client *alice = fake_swarm_client(&net, 1), *bob = fake_swarm_client(&net, 2);
    const struct sent *sent;

    ck_assert_int_eq(client_befriend(alice, client_account(bob), text("Hi, this is Alice"), &sent), OK);
    ck_assert_int_eq(sent->state, SEND_QUEUED);
    ck_assert(client_busy(alice));
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_STORED);
    ck_assert_uint_eq(sent->stored_count, 3);
    ck_assert_uint_eq(sent->number, 1);
    ck_assert(!client_busy(alice));
    for (size_t i = 0; i < 3; i++)
        ck_assert(fake_swarm_serves(&net, fake_swarm_by_key(&net, &sent->stored_at[i]), client_account(bob)));

    client_poll_once(bob);
    ck_assert(client_polling(bob));
    fake_swarm_run(&net);
    ck_assert(!client_polling(bob));
    /* Its three nodes need not be the three that have it. */
    for (int i = 0; i < 10 && client_inbox(bob) == NULL; i++) {
        client_poll_once(bob);
        fake_swarm_run(&net);
    }
    const struct received *first = client_inbox(bob);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(first->next);
    ck_assert(account_equal(&first->source, client_account(alice)));
    ck_assert(bytes_equal_text(first->text, "Hi, this is Alice"));
    ck_assert(bytes_equal_text(first->display_name, "Alice"));
    ck_assert_uint_eq(first->timestamp_ms, sent->timestamp_ms);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_SHOWN), 1);

    /* An idle client again: no timer, nothing in flight. */
    ck_assert_uint_eq(fake_env_timers(&net.fake), 0);
    client_clear_inbox(bob);
    ck_assert_ptr_null(client_inbox(bob));
    client_forget_sent(alice, 1);
    ck_assert_ptr_null(client_sent(alice, 1));
    fake_env_run(&net.fake);
    client_free(alice);
    client_free(bob);
    fake_env_check(&net.fake);
    fake_swarm_fini(&net);
}
END_TEST

/* The same with the modelled suite, with version 1 and with the later cipher. */
START_TEST(works_with_every_dialect)
{
    for (int i = 0; i < 3; i++) {
        fake_swarm_init(&net, 21, 3);
        if (i == 0)
            net.preset.suite = &crypto_modelled;
        if (i == 1)
            net.preset.onion_version = ONION_V1;
        if (i == 2)
            net.preset.enc_type = ENC_XCHACHA20;
        struct client *alice = fake_swarm_client(&net, 1), *bob = fake_swarm_client(&net, 2);
        const struct sent *sent;
        ck_assert_int_eq(client_befriend(alice, client_account(bob), text("Hello"), &sent), OK);
        fake_swarm_run(&net);
        ck_assert_int_eq(sent->state, SEND_STORED);
        for (int tries = 0; tries < 10 && client_inbox(bob) == NULL; tries++) {
            client_poll_once(bob);
            fake_swarm_run(&net);
        }
        ck_assert_ptr_nonnull(client_inbox(bob));
        client_free(alice);
        client_free(bob);
        fake_swarm_fini(&net);
    }
}
END_TEST

/* What cannot be sent is refused before anything happens. */
START_TEST(bad_introductions_are_refused)
{
    char longest[LIMIT_INTRODUCTION_BYTES + 1];
    memset(longest, 'x', sizeof longest);
    fake_swarm_init(&net, 21, 3);
    struct client *alice = fake_swarm_client(&net, 1), *bob = fake_swarm_client(&net, 2);
    const struct account_id *to = client_account(bob);
    const struct sent *sent;

    ck_assert_int_eq(client_befriend(alice, to, (struct bytes){(uint8_t *)longest, sizeof longest}, &sent),
                     ERR_TOO_BIG);
    ck_assert_int_eq(client_befriend(alice, to, BYTES_NONE, &sent), ERR_FORMAT);
    ck_assert_int_eq(client_befriend(alice, to, text("\xff"), &sent), ERR_FORMAT);
    ck_assert_int_eq(client_befriend(alice, client_account(alice), text("me"), &sent), ERR_REFUSED);
    struct account_id no_key = {.bytes = {ACCOUNT_PREFIX}};
    ck_assert_int_eq(client_befriend(alice, &no_key, text("nobody"), &sent), ERR_CRYPTO);
    ck_assert_uint_eq(net.fake.call_count, 0);
    ck_assert(!client_busy(alice));
    ck_assert_int_eq(client_befriend(alice, to, (struct bytes){(uint8_t *)longest, sizeof longest - 1}, &sent), OK);
    ck_assert_uint_eq(sent->number, 1);
    client_free(alice);
    client_free(bob);
    fake_swarm_fini(&net);
}
END_TEST

/* One request per contact is pending; a message in flight is not forgotten. */
START_TEST(one_request_at_a_time)
{
    fake_swarm_init(&net, 21, 3);
    struct client *alice = fake_swarm_client(&net, 1), *bob = fake_swarm_client(&net, 2);
    const struct sent *sent;

    ck_assert_int_eq(client_befriend(alice, client_account(bob), text("hello"), &sent), OK);
    ck_assert_int_eq(client_befriend(alice, client_account(bob), text("again"), &sent), ERR_DUPLICATE);
    client_forget_sent(alice, 1);
    ck_assert_ptr_nonnull(client_sent(alice, 1));
    fake_swarm_run(&net);
    ck_assert_int_eq(client_befriend(alice, client_account(bob), text("again"), &sent), ERR_DUPLICATE);
    ck_assert_int_eq(client_send(alice, client_account(bob), text("friend?"), &sent), ERR_REFUSED);
    client_free(alice);
    client_free(bob);
    fake_swarm_fini(&net);
}
END_TEST

/* A node that fails three times leaves pool, swarms and paths; twice is not enough. */
START_TEST(failing_node_is_dropped_everywhere)
{
    struct client_paths paths;
    struct ed25519_public keys[LIMIT_SWARM_NODES];
    fake_swarm_init(&net, 21, 1);
    struct client *bob = fake_swarm_client(&net, 2);
    client_poll_once(bob);
    fake_swarm_run(&net);
    client_paths(bob, &paths);
    ck_assert_uint_eq(paths.count, 3);
    ck_assert_uint_eq(client_cached_swarm(bob, client_account(bob), keys, LIMIT_SWARM_NODES), 21);

    struct ed25519_public middle = paths.nodes[1][1];
    uint32_t node = snode_pool_find(&bob->pool, &middle);
    client_node_failed(bob, node);
    client_node_failed(bob, node);
    ck_assert_uint_eq(snode_pool_find(&bob->pool, &middle), node);
    ck_assert_uint_eq(client_cached_swarm(bob, client_account(bob), keys, LIMIT_SWARM_NODES), 21);
    client_node_failed(bob, node);
    ck_assert_uint_eq(snode_pool_find(&bob->pool, &middle), NODE_NONE);
    ck_assert_uint_eq(client_cached_swarm(bob, client_account(bob), keys, LIMIT_SWARM_NODES), 20);
    client_paths(bob, &paths);
    ck_assert_uint_eq(paths.count, 3);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < LIMIT_PATH_NODES; j++)
            ck_assert(memcmp(&paths.nodes[i][j], &middle, sizeof middle) != 0);
    client_free(bob);
    fake_swarm_fini(&net);
}
END_TEST

/* A name too long is cut between two characters; one that is no text is none. */
START_TEST(display_name_is_bounded)
{
    uint8_t seed[32] = {1};
    char name[LIMIT_DISPLAY_NAME_BYTES + 10];
    fake_swarm_init(&net, 3, 1);
    struct client_config config = {&net.fake.env, &net.preset, &net.lists, seed, name};
    for (size_t i = 0; i + 1 < sizeof name; i++)
        name[i] = i % 2 == 0 ? 'x' : 'y';
    name[LIMIT_DISPLAY_NAME_BYTES - 1] = '\xc3';
    name[LIMIT_DISPLAY_NAME_BYTES] = '\xa4';
    name[sizeof name - 1] = '\0';
    struct client *client = client_new(&config);
    ck_assert_uint_eq(strlen(client->display_name), LIMIT_DISPLAY_NAME_BYTES - 1);
    client_free(client);
    config.display_name = "\xff\xfe";
    client = client_new(&config);
    ck_assert_uint_eq(strlen(client->display_name), 0);
    client_free(client);
    fake_swarm_fini(&net);
}
END_TEST

TEST_MAIN("client", idle_client_costs_nothing, introduction_is_shown_once, works_with_every_dialect,
          bad_introductions_are_refused, one_request_at_a_time, failing_node_is_dropped_everywhere, display_name_is_bounded)
