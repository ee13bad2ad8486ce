/* What is refused, by whom, and where it can be read. */
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "node/relay.h"
#include "proto/storage_rpc.h"
#include "tests/support/check_main.h"
#include "tests/support/relay_fixture.h"

/* ---- errors ---- */

/* An unknown next node is named; a decommissioned one is known. */
START_TEST(unknown_next_node_is_named)
{
    struct relay_fixture world;
    struct fake_request *request;

    relay_fixture_init(&world);
    request = from_client(&world, ONION(&world, OWN, 9).outer);
    expect_error(&world, request, 502, with_key(&world, "Next node not found: ", 9));
    ck_assert_uint_eq(world.fake.call_count, 0);
    from_client(&world, ONION(&world, OWN, 7).outer);
    ck_assert_uint_eq(world.fake.call_count, 1);
    relay_fixture_fini(&world);
}
END_TEST

/* A node that is in no swarm relays nothing and says who it is; as a target it says so to the client alone. */
START_TEST(node_that_is_not_ready_says_so)
{
    struct relay_fixture world;
    struct onion onion;
    struct fake_request *request;

    relay_fixture_init(&world);
    set_network(&world, "0: 2 3 4; none: 1");
    request = from_peer(&world, 2, as_peer_body(&world, ONION_V2, ONION(&world, OWN, 4).outer, 1));
    expect_error(&world, request, 503, with_key(&world, "Snode not ready: ", OWN));
    request = from_client(&world, wrap_server(&world, "/loki/v2/lsrpc").outer);
    expect_error(&world, request, 503, with_key(&world, "Snode not ready: ", OWN));
    onion = ONION(&world, OWN);
    request = from_peer(&world, 2, as_peer_body(&world, ONION_V2, onion.outer, 1));
    expect_sealed(&world, request, &onion, 503, "Snode not ready");
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_RELAY_ERROR)->n[0], 503);
    ck_assert_uint_eq(world.executed, 0);
    ck_assert_uint_eq(world.fake.call_count, 0);
    ck_assert_uint_eq(relay_open_count(&world.relay), 0);
    relay_fixture_fini(&world);
}
END_TEST

/* What was not meant for this node, or was changed on its way, does not decrypt. */
START_TEST(wrong_ciphertext_is_refused)
{
    struct relay_fixture world;
    struct fake_request *request;
    struct bytes outer;
    uint8_t *changed;

    relay_fixture_init(&world);
    request = from_client(&world, ONION(&world, 2).outer);
    expect_error(&world, request, 400, "Invalid ciphertext");
    outer = arena_copy(&world.fake.arena, ONION(&world, OWN).outer);
    changed = (uint8_t *)(uintptr_t)outer.data;
    changed[20] ^= 1;
    request = from_client(&world, outer);
    expect_error(&world, request, 400, "Invalid ciphertext");
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_RELAY), 0);
    relay_fixture_fini(&world);
}
END_TEST

/* A client's body that is no onion. */
START_TEST(unreadable_request_is_refused)
{
    static const char *const bodies[] = {"", "abc", "\xff\xff\xff\x7f{}", "{\"ciphertext\":1}"};
    struct relay_fixture world;

    relay_fixture_init(&world);
    for (size_t i = 0; i < 2 * ARRAY_LEN(bodies); i++) {
        struct fake_request *request =
            fake_env_request(&world.fake, VERB_POST, "", bytes_text(bodies[i % ARRAY_LEN(bodies)]));

        relay_on_client(&world.relay, &request->incoming, i < ARRAY_LEN(bodies) ? ONION_V1 : ONION_V2);
        ck_assert(request->answered);
        ck_assert_uint_eq(request->status, 400);
        ck_assert(
            bytes_start_with(fake_request_answer(request), BYTES_LIT("Error parsing outer JSON in onion request: ")));
    }
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_RELAY_ERROR), 2 * ARRAY_LEN(bodies));
    ck_assert_uint_eq(world.fake.charged[COST_X25519], 0);
    relay_fixture_fini(&world);
}
END_TEST

/* A node's call needs a node, and must be of its form. */
START_TEST(unreadable_call_of_a_node_is_refused)
{
    struct relay_fixture world;
    struct fake_request *request;
    struct bytes body;

    relay_fixture_init(&world);
    body = as_peer_body(&world, ONION_V2, ONION(&world, OWN).outer, 1);
    request = fake_env_request(&world.fake, VERB_POST, PATH_SN_ONION_V2, body);
    relay_on_peer(&world.relay, &request->incoming, ONION_V2);
    expect_error(&world, request, 401, "Unknown service node");
    request = from_peer(&world, 2, BYTES_NONE);
    expect_error(&world, request, 400, "Incorrect number of messages");
    for (size_t len = 1; len < body.len; len += 7) {
        request = from_peer(&world, 2, bytes_slice(body, 0, len));
        expect_error(&world, request, 400, "Incorrect number of messages");
    }
    ck_assert_uint_eq(world.fake.charged[COST_X25519], 0);
    relay_fixture_fini(&world);
}
END_TEST

/* The fifteenth hop is taken, the sixteenth refused before anything is decrypted. */
START_TEST(long_paths_are_refused)
{
    struct relay_fixture world;
    struct onion onion;
    struct fake_request *request;

    relay_fixture_init(&world);
    onion = ONION(&world, OWN);
    request = from_peer(&world, 2, as_peer_body(&world, ONION_V2, onion.outer, LIMIT_ONION_HOPS + 1));
    expect_error(&world, request, 400, "onion request max path length exceeded");
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_RELAY_ERROR)->n[1], LIMIT_ONION_HOPS + 1);
    ck_assert_uint_eq(world.fake.charged[COST_X25519], 0);
    from_peer(&world, 2, as_peer_body(&world, ONION_V2, onion.outer, LIMIT_ONION_HOPS));
    ck_assert_uint_eq(world.executed, 1);
    relay_answer(world.request, 200, BYTES_NONE, false);
    relay_fixture_fini(&world);
}
END_TEST

/* What decrypts to nothing of use is answered behind the encryption. */
START_TEST(useless_plaintext_is_answered_sealed)
{
    struct relay_fixture world;
    struct onion onion;
    struct onion_layer layer;
    const char *why;
    struct blob *blob;
    struct fake_request *request;
    uint8_t nonce[SEAL_NONCE_MAX] = {0}, sealed[64];

    relay_fixture_init(&world);
    onion = ONION(&world, OWN);
    ck_assert_int_eq(onion_read_outer(ONION_V2, &world.fake.arena, onion.outer, &layer, &why), OK);
    crypto_modelled.seal(ENC_AES_GCM, &onion.reply_key.key, nonce, BYTES_LIT("no framing"), sealed);
    layer.ciphertext = (struct bytes){sealed, seal_bytes(ENC_AES_GCM, 10)};
    layer.hop_no = 1;
    blob = onion_write_peer(ONION_V2, &layer);
    request = from_peer(&world, 2, blob_bytes(blob));
    blob_drop(blob);
    expect_sealed(&world, request, &onion, 400, "Invalid json");
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_RELAY_ERROR)->n[0], 400);
    ck_assert_uint_eq(relay_open_count(&world.relay), 0);
    relay_fixture_fini(&world);
}
END_TEST

/* ---- outside servers ---- */

/* A request for an outside server is never sent out: it is answered at once, kindly or honestly. */
START_TEST(server_relay_is_answered_by_switch)
{
    static const char *const allowed[] = {"/loki/v1/lsrpc", "/loki/v2/lsrpc", "/loki/v3/lsrpc", "/oxen/v4/lsrpc"};
    struct relay_fixture world;

    relay_fixture_init(&world);
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
        world.preset.server_relay_ok = true;
        expect_clear(from_client(&world, wrap_server(&world, allowed[i]).outer), 200, "");
        ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_RELAY)->n[1], ONION_RELAY_SERVER);
        ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_RELAY_ERROR), i);
        world.preset.server_relay_ok = false;
        expect_error(&world, from_client(&world, wrap_server(&world, allowed[i]).outer), 502, "Loki Server error");
    }
    ck_assert_uint_eq(world.fake.call_count, 0);
    relay_fixture_fini(&world);
}
END_TEST

/* A path that is none of a server's is refused to the client alone. The client of such a request has no key of this
 * layer, so the test makes it from the one-use secret of the guard's layer. */
START_TEST(server_relay_checks_the_path)
{
    static const char *const wrong[] = {
        "/loki/v2/lsrpc?x=1", "/loki/v2/x?y=/lsrpc", "/loki/v2/lsrpc/", "/lsrpc", "lsrpc", "",
        "/other/v2/lsrpc",    "/loki/v2/files",      "loki/v2/lsrpc"};
    struct relay_fixture world;

    relay_fixture_init(&world);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct onion onion = wrap_server(&world, wrong[i]);
        struct fake_request *request = from_client(&world, onion.outer);
        struct onion_layer layer;
        const char *why;

        ck_assert_int_eq(onion_read_outer(ONION_V2, &world.fake.arena, onion.outer, &layer, &why), OK);
        ck_assert_int_eq(onion_layer_key(&crypto_modelled, ENC_AES_GCM, &world.keys.x25519, &layer.ephemeral, false,
                                         &onion.reply_key.key),
                         OK);
        onion.reply_key.enc_type = ENC_AES_GCM;
        expect_sealed(&world, request, &onion, 400, "Invalid url");
    }
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_RELAY_ERROR), ARRAY_LEN(wrong));
    ck_assert_uint_eq(relay_open_count(&world.relay), 0);
    relay_fixture_fini(&world);
}
END_TEST

/* ---- bounds and costs ---- */

/* As many requests as the bound allows are held, one more is refused unopened, and the next end makes room again. */
START_TEST(full_relay_refuses)
{
    struct relay_fixture world;
    struct bytes outer;
    struct fake_request *first, *last;

    relay_fixture_init(&world);
    outer = arena_copy(&world.fake.arena, ONION(&world, OWN).outer);
    first = from_client(&world, outer);
    for (size_t i = 1; i < LIMIT_ONIONS_OPEN; i++)
        from_client(&world, outer);
    ck_assert_uint_eq(world.executed, LIMIT_ONIONS_OPEN);
    ck_assert_uint_eq(world.fake.charged[COST_X25519], LIMIT_ONIONS_OPEN);
    last = from_client(&world, outer);
    expect_clear(last, 503, "Too many open onion requests");
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_RELAY_ERROR)->n[0], 503);
    ck_assert_uint_eq(world.fake.charged[COST_X25519], LIMIT_ONIONS_OPEN);
    world.request = first->incoming.owner;
    fake_env_hang_up(&world.fake, first);
    outer = ONION(&world, OWN).outer;
    from_client(&world, outer);
    ck_assert_uint_eq(world.executed, LIMIT_ONIONS_OPEN + 1);
    relay_fixture_fini(&world);
}
END_TEST

/* One agreement per layer; reading, opening and sealing by the KiB that were started. */
START_TEST(work_is_charged)
{
    struct relay_fixture world;

    relay_fixture_init(&world);
    world.answer_at_once = true;
    from_client(&world, ONION(&world, OWN).outer);
    ck_assert_uint_eq(world.fake.charged[COST_X25519], 1);
    ck_assert_uint_eq(world.fake.charged[COST_PARSE], 1);
    ck_assert_uint_eq(world.fake.charged[COST_SEAL], 2); /* opened one, sealed one */
    from_client(&world, ONION(&world, OWN, 4).outer);
    ck_assert_uint_eq(world.fake.charged[COST_X25519], 2);
    ck_assert_uint_eq(world.fake.charged[COST_PARSE], 3); /* read one, wrote one */
    ck_assert_uint_eq(world.fake.charged[COST_SEAL], 3);
    relay_fixture_fini(&world);
}
END_TEST

/* After a crash the relay goes without a word, whatever was open. */
START_TEST(crash_drops_everything)
{
    struct relay_fixture world;

    relay_fixture_init(&world);
    from_client(&world, ONION(&world, OWN).outer);
    from_client(&world, ONION(&world, OWN, 4).outer);
    fake_env_crash(&world.fake);
    ck_assert_uint_eq(relay_open_count(&world.relay), 2);
    relay_fixture_fini(&world);
}
END_TEST

TEST_MAIN("relay_errors", unknown_next_node_is_named, node_that_is_not_ready_says_so, wrong_ciphertext_is_refused,
          unreadable_request_is_refused, unreadable_call_of_a_node_is_refused, long_paths_are_refused,
          useless_plaintext_is_answered_sealed, server_relay_is_answered_by_switch, server_relay_checks_the_path,
          full_relay_refuses, work_is_charged, crash_drops_everything)
