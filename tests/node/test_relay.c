/* What is executed, and what is passed on. */
#include "node/relay.h"

#include <string.h>

#include "common/limits.h"
#include "proto/storage_rpc.h"
#include "tests/support/check_main.h"
#include "tests/support/relay_fixture.h"

/* ---- the target ---- */

/* A final layer is executed and its answer sealed, in both versions, with every cipher, from a client and from a node,
 * with real and with modelled cryptography. */
START_TEST(target_executes_and_seals_the_answer)
{
    static const struct {
        enum onion_version version;
        enum enc_type type;
    } forms[] = {{ONION_V1, ENC_AES_GCM}, {ONION_V2, ENC_AES_GCM}, {ONION_V2, ENC_AES_CBC}, {ONION_V2, ENC_XCHACHA20}};
    const struct crypto_suite *suites[] = {&crypto_real, &crypto_modelled};

    for (size_t i = 0; i < 2 * ARRAY_LEN(forms) * ARRAY_LEN(suites); i++) {
        enum onion_version version = forms[i % ARRAY_LEN(forms)].version;
        bool peer = i / ARRAY_LEN(forms) % 2 == 1;
        struct relay_fixture world;
        struct onion onion;
        struct fake_request *request;

        relay_fixture_init_with(&world, suites[i / ARRAY_LEN(forms) / 2]);
        onion = wrap_for(&world, version, forms[i % ARRAY_LEN(forms)].type, (const uint32_t[]){OWN}, 1, "{}");
        if (peer) {
            struct ed25519_public key = node_key(2);

            request = fake_env_peer_request(&world.fake, &key, "", as_peer_body(&world, version, onion.outer, 3));
            relay_on_peer(&world.relay, &request->incoming, version);
        } else {
            request = fake_env_request(&world.fake, VERB_POST, "", onion.outer);
            relay_on_client(&world.relay, &request->incoming, version);
        }
        ck_assert_uint_eq(world.executed, 1);
        ck_assert_str_eq(world.body, RPC);
        ck_assert(!world.long_poll);
        ck_assert(!request->answered);
        ck_assert_uint_eq(relay_open_count(&world.relay), 1);
        relay_answer(world.request, 421, BYTES_LIT("{\"snodes\":[]}"), true);
        expect_sealed(&world, request, &onion, 421, "{\"snodes\":[]}");
        ck_assert_uint_eq(relay_open_count(&world.relay), 0);
        ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_RELAY), 1);
        ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_RELAY)->n[0], version);
        ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_RELAY)->n[1], ONION_FINAL);
        ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_RELAY_ERROR), 0);
        fake_env_check(&world.fake);
        relay_fixture_fini(&world);
    }
}
END_TEST

/* The owner may answer before `execute` returns. */
START_TEST(target_may_answer_at_once)
{
    struct relay_fixture world;
    struct onion onion;

    relay_fixture_init(&world);
    world.answer_at_once = true;
    onion = ONION(&world, OWN);
    expect_sealed(&world, from_client(&world, onion.outer), &onion, 200, "at once");
    ck_assert_uint_eq(relay_open_count(&world.relay), 0);
    relay_fixture_fini(&world);
}
END_TEST

/* Two answers to the same bytes differ: each has a nonce of its own. */
START_TEST(every_answer_has_its_nonce)
{
    struct relay_fixture world;
    struct onion onion;
    struct fake_request *first, *second;

    relay_fixture_init(&world);
    world.answer_at_once = true;
    onion = ONION(&world, OWN);
    first = from_client(&world, onion.outer);
    second = from_client(&world, onion.outer);
    ck_assert(!bytes_equal(fake_request_answer(first), fake_request_answer(second)));
    relay_fixture_fini(&world);
}
END_TEST

/* The target layer's JSON says how the client wants it: held, embedded, raw. */
START_TEST(target_layer_carries_wishes)
{
    struct relay_fixture world;
    struct onion onion;
    struct fake_request *request;
    struct bytes answer;
    uint8_t plain[256];
    size_t len;

    relay_fixture_init(&world);
    onion = wrap_for(&world, ONION_V2, ENC_AES_GCM, (const uint32_t[]){OWN}, 1, LONG_POLL);
    request = from_client(&world, onion.outer);
    ck_assert(world.long_poll);
    relay_answer(world.request, 200, BYTES_LIT("{}"), true);
    expect_sealed(&world, request, &onion, 200, "{}");

    onion = wrap_for(&world, ONION_V2, ENC_AES_GCM, (const uint32_t[]){OWN}, 1, "{},\"json\":true,\"base64\":false");
    request = from_client(&world, onion.outer);
    relay_answer(world.request, 200, BYTES_LIT("{\"t\":1}"), true);
    answer = fake_request_answer(request);
    ck_assert_uint_le(answer.len, sizeof(plain));
    ck_assert_int_eq(crypto_modelled.open(ENC_AES_GCM, &onion.reply_key.key, answer, plain, &len), OK);
    ck_assert(bytes_equal_text((struct bytes){plain, len}, "{\"body\":{\"t\":1},\"status\":200}"));
    ck_assert_int_eq(request->content, CONTENT_TEXT);
    relay_fixture_fini(&world);
}
END_TEST

/* Who waits for an answer and hangs up is reported once; nothing is answered and the place is free again. */
START_TEST(owner_is_told_that_the_asker_has_gone)
{
    struct relay_fixture world;
    struct fake_request *request;

    relay_fixture_init(&world);
    request = from_client(&world, ONION(&world, OWN).outer);
    fake_env_hang_up(&world.fake, request);
    ck_assert_uint_eq(world.gone, 1);
    ck_assert(!request->answered);
    ck_assert_uint_eq(relay_open_count(&world.relay), 0);
    fake_env_check(&world.fake);
    relay_fixture_fini(&world);
}
END_TEST

/* ---- passing on ---- */

/* A relay sends the inner layer to the node named, one hop further, and gives the answer back as it is. */
START_TEST(relay_passes_on_and_back)
{
    const enum onion_version versions[] = {ONION_V1, ONION_V2};

    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct relay_fixture world;
        struct onion onion;
        struct fake_request *request;
        const struct fake_call *call;
        struct onion_layer layer;
        struct onion_peeled peeled;
        struct snode_keys next;
        struct ed25519_public key = node_key(2);
        const struct fake_trace *trace;

        relay_fixture_init(&world);
        onion = wrap_for(&world, versions[i], ENC_AES_GCM, (const uint32_t[]){OWN, 4}, 2, "{}");
        request = fake_env_peer_request(&world.fake, &key, "", as_peer_body(&world, versions[i], onion.outer, 5));
        relay_on_peer(&world.relay, &request->incoming, versions[i]);
        ck_assert_uint_eq(world.fake.call_count, 1);
        call = fake_env_call(&world.fake, 0);
        ck_assert_uint_eq(node_at(call->to), 4);
        ck_assert_int_eq(call->verb, VERB_POST);
        ck_assert(bytes_equal_text(fake_call_path(call), i == 0 ? "/sn.onion_req" : "/sn.onion_request"));
        ck_assert_uint_eq(call->timeout_ms, LIMIT_RELAY_TIMEOUT_MS);
        ck_assert_uint_eq(call->body->keepers, 1); /* the fake env alone */

        ck_assert_int_eq(onion_read_peer(versions[i], &world.fake.arena, fake_call_body(call), &layer), OK);
        if (versions[i] == ONION_V2)
            ck_assert_int_eq(layer.hop_no, 6);
        node_keys(4, &next);
        ck_assert_int_eq(onion_peel(&crypto_modelled, versions[i], &world.fake.arena, &next.x25519, &layer, &peeled),
                         OK);
        ck_assert_int_eq(peeled.kind, ONION_FINAL);
        ck_assert(bytes_equal_text(peeled.body, RPC));

        trace = fake_env_last_trace(&world.fake, TRACE_RELAY);
        ck_assert_uint_eq(trace->n[1], ONION_RELAY_NODE);
        ck_assert(bytes_equal(blob_bytes(trace->b[0]), BYTES_OF(next.ed25519.bytes)));
        ck_assert_uint_eq(relay_open_count(&world.relay), 1);
        fake_env_answer(&world.fake, 0, 200, BYTES_LIT("c2VhbGVk"));
        expect_clear(request, 200, "c2VhbGVk");
        ck_assert_uint_eq(world.executed, 0);
        ck_assert_uint_eq(relay_open_count(&world.relay), 0);
        ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_RELAY_ERROR), 0);
        fake_env_check(&world.fake);
        relay_fixture_fini(&world);
    }
}
END_TEST

/* The guard begins at 0, or where the client says, and checks nothing: the next node sees one more. */
START_TEST(guard_takes_the_clients_hop_number)
{
    static const struct {
        const char *member;
        int onward;
    } cases[] = {{"", 1}, {",\"hop_no\":0", 1}, {",\"hop_no\":7", 8}, {",\"hop_no\":-3", 1}, {",\"hop_no\":15", 16}};
    struct relay_fixture world;

    relay_fixture_init(&world);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes outer = ONION(&world, OWN, 4).outer;
        struct buf text;
        struct onion_layer layer;

        buf_init(&text, SIZE_MAX);
        buf_append(&text, bytes_slice(outer, 0, outer.len - 1)); /* without the closing brace */
        buf_text(&text, cases[i].member);
        buf_byte(&text, '}');
        from_client(&world, buf_bytes(&text));
        buf_fini(&text);
        ck_assert_int_eq(
            onion_read_peer(ONION_V2, &world.fake.arena, fake_call_body(fake_env_call(&world.fake, i)), &layer), OK);
        ck_assert_int_eq(layer.hop_no, cases[i].onward);
    }
    relay_fixture_fini(&world);
}
END_TEST

/* A status of the list is passed on, any other becomes 500; the text stays, and the error is not this node's. */
START_TEST(statuses_are_passed_on_by_the_list)
{
    static const uint16_t same[] = {200, 400, 403, 406, 421, 432, 500, 502, 503, 504};
    static const uint16_t other[] = {100, 201, 301, 401, 404, 413, 429, 431, 501, 505, 999};
    struct relay_fixture world;

    relay_fixture_init(&world);
    for (size_t i = 0; i < ARRAY_LEN(same) + ARRAY_LEN(other); i++) {
        bool passed = i < ARRAY_LEN(same);
        uint16_t status = passed ? same[i] : other[i - ARRAY_LEN(same)];
        struct fake_request *request = from_client(&world, ONION(&world, OWN, 4).outer);

        fake_env_answer(&world.fake, i, status, BYTES_LIT("Next node not found: 12"));
        expect_clear(request, passed ? status : 500, "Next node not found: 12");
    }
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_RELAY_ERROR), 0);
    relay_fixture_fini(&world);
}
END_TEST

/* A silent next hop is reported once, at the limit and not before. One that can't be reached is reported at once. */
START_TEST(silent_next_hop_is_reported_once)
{
    const enum net ends[] = {NET_REFUSED, NET_RESET};
    struct relay_fixture world;
    struct fake_request *request;

    relay_fixture_init(&world);
    request = from_client(&world, ONION(&world, OWN, 4).outer);
    fake_env_advance_ms(&world.fake, LIMIT_RELAY_TIMEOUT_MS - 1);
    ck_assert(!request->answered);
    fake_env_advance_ms(&world.fake, 1);
    expect_error(&world, request, 504, "Request time out");
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        request = from_client(&world, ONION(&world, OWN, 4).outer);
        fake_env_fail(&world.fake, i + 1, ends[i]);
        expect_error(&world, request, 504, "Request time out");
    }
    fake_env_check(&world.fake);
    relay_fixture_fini(&world);
}
END_TEST

/* Who hangs up while the next node is asked: that call is cancelled, and the place is free once it has ended. */
START_TEST(call_onward_is_cancelled_if_the_asker_has_gone)
{
    struct relay_fixture world;
    struct fake_request *request;

    relay_fixture_init(&world);
    request = from_client(&world, ONION(&world, OWN, 4).outer);
    fake_env_hang_up(&world.fake, request);
    ck_assert_uint_eq(relay_open_count(&world.relay), 1);
    fake_env_run(&world.fake);
    ck_assert_int_eq(fake_env_call(&world.fake, 0)->net, NET_CANCELLED);
    ck_assert(!request->answered);
    ck_assert_uint_eq(relay_open_count(&world.relay), 0);
    ck_assert_uint_eq(world.gone, 0);
    fake_env_check(&world.fake);
    relay_fixture_fini(&world);
}
END_TEST

/* A node may be guard, relay and target of one request: it calls itself like any other. */
START_TEST(node_may_be_every_hop)
{
    struct relay_fixture world;
    struct onion onion;
    struct fake_request *guard, *target;

    relay_fixture_init(&world);
    onion = ONION(&world, OWN, OWN);
    guard = from_client(&world, onion.outer);
    ck_assert_uint_eq(node_at(fake_env_call(&world.fake, 0)->to), OWN);
    target = from_peer(&world, OWN, fake_call_body(fake_env_call(&world.fake, 0)));
    ck_assert_uint_eq(relay_open_count(&world.relay), 2);
    ck_assert_str_eq(world.body, RPC);
    relay_answer(world.request, 200, BYTES_LIT("myself"), false);
    fake_env_answer(&world.fake, 0, target->status, fake_request_answer(target));
    expect_sealed(&world, guard, &onion, 200, "myself");
    ck_assert_uint_eq(relay_open_count(&world.relay), 0);
    relay_fixture_fini(&world);
}
END_TEST

TEST_MAIN("relay", target_executes_and_seals_the_answer, target_may_answer_at_once, every_answer_has_its_nonce,
          target_layer_carries_wishes, owner_is_told_that_the_asker_has_gone, relay_passes_on_and_back,
          guard_takes_the_clients_hop_number, statuses_are_passed_on_by_the_list, silent_next_hop_is_reported_once,
          call_onward_is_cancelled_if_the_asker_has_gone, node_may_be_every_hop)
