#include "tests/support/check_main.h"

#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "node/relay.h"
#include "proto/storage_rpc.h"
#include "tests/support/fake_env.h"
#include "tests/support/membership_builder.h"

/* Node 1 is under test; node 7 is decommissioned, 9 is unknown. */
#define OWN     1
#define NETWORK "0: 1 2 3 4 5; none: 7"

#define RPC       "{\"method\":\"info\",\"params\":{}}"
#define LONG_POLL "{\"X-Loki-Long-Poll\":\"true\"}"

struct world {
    struct fake_env fake;
    struct snode_preset preset;
    struct snode_keys keys;
    struct snode_config config;
    struct replicate replicate;
    struct membership_view view;
    struct membership *now;
    struct relay relay;
    uint64_t seeds; /* one-use secrets drawn so far */
    /* what the node under test was asked to execute */
    size_t executed;
    struct relay_request *request;
    char body[256];
    bool long_poll;
    bool answer_at_once;
    size_t gone;
};

static void no_bodies(void *owner, body_fn each, void *each_owner)
{
    (void)owner, (void)each, (void)each_owner;
}

static void on_request_gone(struct relay_request *request)
{
    struct world *world = request->owner;

    ck_assert_ptr_eq(request, world->request);
    world->gone++;
}

static void on_execute(void *owner, struct bytes rpc_body, bool long_poll, struct relay_request *request)
{
    struct world *world = owner;

    world->executed++;
    ck_assert_uint_lt(rpc_body.len, sizeof(world->body));
    memcpy(world->body, rpc_body.data, rpc_body.len);
    world->body[rpc_body.len] = '\0';
    world->long_poll = long_poll;
    if (world->answer_at_once) {
        relay_answer(request, 200, BYTES_LIT("at once"), false);
        return;
    }
    world->request = request;
    request->owner = world;
    request->gone = on_request_gone;
}

static void set_network(struct world *world, const char *text)
{
    struct membership *next = membership_build(100, text);

    membership_update(&world->view, next);
    membership_build_free(world->now);
    world->now = next;
}

static void world_init_with(struct world *world, const struct crypto_suite *suite)
{
    *world = (struct world){.preset = {.suite = suite, .flush_ms = LIMIT_FLUSH_MS, .server_relay_ok = true}};
    ck_assert_int_eq(crypto_start(), OK);
    fake_env_init(&world->fake, 1);
    node_keys(OWN, &world->keys);
    world->config = (struct snode_config){.env = &world->fake.env, .preset = &world->preset, .keys = &world->keys};
    replicate_init(&world->replicate, &world->config, &world->view);
    membership_init(&world->view, &world->config, &world->replicate, no_bodies, NULL);
    relay_init(&world->relay, &world->config, &world->view, world, on_execute);
    set_network(world, NETWORK);
}

static void world_init(struct world *world)
{
    world_init_with(world, &crypto_modelled);
}

static void world_fini(struct world *world)
{
    relay_fini(&world->relay);
    replicate_fini(&world->replicate);
    membership_build_free(world->now);
    fake_env_fini(&world->fake);
}

/* ---- onions ---- */

#define PATH_MAX_HOPS 4

struct onion {
    struct bytes outer; /* what a client sends to the first node; in the fake env's arena */
    struct reply_key reply_key;
};

static void make_hops(struct world *world, const uint32_t path[], size_t count, enum enc_type type,
                      struct onion_hop hops[], struct onion_seed seeds[])
{
    for (size_t i = 0; i < count; i++) {
        struct snode_keys keys;

        node_keys(path[i], &keys);
        hops[i] = (struct onion_hop){keys.ed25519, keys.x25519.public, type};
        memset(&seeds[i], 0x33, sizeof(seeds[i]));
        store_le64(seeds[i].secret.bytes, ++world->seeds);
    }
}

static struct onion wrap(struct world *world, enum onion_version version, enum enc_type type, const uint32_t path[],
                         size_t count, const char *headers)
{
    struct onion_hop hops[PATH_MAX_HOPS];
    struct onion_seed seeds[PATH_MAX_HOPS];
    struct onion onion;

    make_hops(world, path, count, type, hops, seeds);
    ck_assert_int_eq(onion_wrap(world->preset.suite, version, &world->fake.arena, hops, count, BYTES_LIT(RPC),
                                bytes_text(headers), seeds, &onion.outer, &onion.reply_key),
                     OK);
    return onion;
}

/* Version 2, for a path of node numbers that ends with 0. */
static struct onion wrap_path(struct world *world, const uint32_t path[])
{
    size_t count = 0;

    while (path[count] != 0)
        count++;
    return wrap(world, ONION_V2, ENC_AES_GCM, path, count, "{}");
}

#define ONION(world, ...) wrap_path(world, (const uint32_t[]){__VA_ARGS__, 0})

static struct onion wrap_server(struct world *world, const char *target)
{
    const struct onion_server server = {.host = "example.org", .target = target, .method = "POST"};
    struct onion_hop hops[2];
    struct onion_seed seeds[2];
    struct onion onion;

    make_hops(world, (const uint32_t[]){OWN, 9}, 2, ENC_AES_GCM, hops, seeds);
    ck_assert_int_eq(onion_wrap_server(world->preset.suite, ONION_V2, &world->fake.arena, hops, 2, &server,
                                       BYTES_LIT("{}"), BYTES_LIT("{}"), seeds, &onion.outer, &onion.reply_key),
                     OK);
    return onion;
}

/* What a node sends on if a client's `outer` were its own inner layer. */
static struct bytes as_peer_body(struct world *world, enum onion_version version, struct bytes outer, int hop_no)
{
    struct onion_layer layer;
    const char *why;
    struct blob *blob;
    struct bytes body;

    ck_assert_int_eq(onion_read_outer(version, &world->fake.arena, outer, &layer, &why), OK);
    layer.hop_no = hop_no;
    blob = onion_write_peer(version, &layer);
    body = arena_copy(&world->fake.arena, blob_bytes(blob));
    blob_drop(blob);
    return body;
}

static struct fake_request *from_client(struct world *world, struct bytes body)
{
    struct fake_request *request = fake_env_request(&world->fake, VERB_POST, PATH_ONION_V2, body);

    relay_on_client(&world->relay, &request->incoming, ONION_V2);
    return request;
}

static struct fake_request *from_peer(struct world *world, uint32_t peer, struct bytes body)
{
    struct ed25519_public key = node_key(peer);
    struct fake_request *request = fake_env_peer_request(&world->fake, &key, PATH_SN_ONION_V2, body);

    relay_on_peer(&world->relay, &request->incoming, ONION_V2);
    return request;
}

static const char *with_key(struct world *world, const char *text, uint32_t node)
{
    struct ed25519_public key = node_key(node);

    return arena_printf(&world->fake.arena, "%s%s", text,
                        (const char *)hex_text(&world->fake.arena, BYTES_OF(key.bytes)).data);
}

/* An answer in clear. */
static void expect_clear(const struct fake_request *request, uint16_t status, const char *text)
{
    struct bytes answer = fake_request_answer(request);

    ck_assert(request->answered);
    ck_assert_msg(request->status == status && bytes_equal_text(answer, text), "%u %.*s instead of %u %s",
                  request->status, (int)answer.len, (const char *)answer.data, status, text);
    ck_assert_int_eq(request->content, CONTENT_TEXT);
}

/* The same, and this node found the error itself. */
static void expect_error(const struct world *world, const struct fake_request *request, uint16_t status,
                         const char *text)
{
    const struct fake_trace *trace = fake_env_last_trace(&world->fake, TRACE_RELAY_ERROR);

    expect_clear(request, status, text);
    ck_assert_ptr_nonnull(trace);
    ck_assert_uint_eq(trace->n[0], status);
    ck_assert(bytes_equal_text(blob_bytes(trace->b[0]), text));
    ck_assert_uint_eq(relay_open_count(&world->relay), 0);
}

/* An answer that only the client can open. */
static void expect_sealed(struct world *world, const struct fake_request *request, const struct onion *onion,
                          uint16_t status, const char *text)
{
    uint16_t inner;
    struct bytes body;

    ck_assert(request->answered);
    ck_assert_uint_eq(request->status, 200);
    ck_assert_int_eq(request->content, CONTENT_TEXT);
    ck_assert_int_eq(onion_open_reply(world->preset.suite, &onion->reply_key, &world->fake.arena,
                                      fake_request_answer(request), &inner, &body),
                     OK);
    ck_assert_uint_eq(inner, status);
    ck_assert_msg(bytes_equal_text(body, text), "%.*s instead of %s", (int)body.len, (const char *)body.data, text);
}

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
        struct world world;
        struct onion onion;
        struct fake_request *request;

        world_init_with(&world, suites[i / ARRAY_LEN(forms) / 2]);
        onion = wrap(&world, version, forms[i % ARRAY_LEN(forms)].type, (const uint32_t[]){OWN}, 1, "{}");
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
        world_fini(&world);
    }
}
END_TEST

/* The owner may answer before `execute` returns. */
START_TEST(target_may_answer_at_once)
{
    struct world world;
    struct onion onion;

    world_init(&world);
    world.answer_at_once = true;
    onion = ONION(&world, OWN);
    expect_sealed(&world, from_client(&world, onion.outer), &onion, 200, "at once");
    ck_assert_uint_eq(relay_open_count(&world.relay), 0);
    world_fini(&world);
}
END_TEST

/* Two answers to the same bytes differ: each has a nonce of its own. */
START_TEST(every_answer_has_its_nonce)
{
    struct world world;
    struct onion onion;
    struct fake_request *first, *second;

    world_init(&world);
    world.answer_at_once = true;
    onion = ONION(&world, OWN);
    first = from_client(&world, onion.outer);
    second = from_client(&world, onion.outer);
    ck_assert(!bytes_equal(fake_request_answer(first), fake_request_answer(second)));
    world_fini(&world);
}
END_TEST

/* The target layer's JSON says how the client wants it: held, embedded, raw. */
START_TEST(target_layer_carries_wishes)
{
    struct world world;
    struct onion onion;
    struct fake_request *request;
    struct bytes answer;
    uint8_t plain[256];
    size_t len;

    world_init(&world);
    onion = wrap(&world, ONION_V2, ENC_AES_GCM, (const uint32_t[]){OWN}, 1, LONG_POLL);
    request = from_client(&world, onion.outer);
    ck_assert(world.long_poll);
    relay_answer(world.request, 200, BYTES_LIT("{}"), true);
    expect_sealed(&world, request, &onion, 200, "{}");

    onion = wrap(&world, ONION_V2, ENC_AES_GCM, (const uint32_t[]){OWN}, 1, "{},\"json\":true,\"base64\":false");
    request = from_client(&world, onion.outer);
    relay_answer(world.request, 200, BYTES_LIT("{\"t\":1}"), true);
    answer = fake_request_answer(request);
    ck_assert_uint_le(answer.len, sizeof(plain));
    ck_assert_int_eq(crypto_modelled.open(ENC_AES_GCM, &onion.reply_key.key, answer, plain, &len), OK);
    ck_assert(bytes_equal_text((struct bytes){plain, len}, "{\"body\":{\"t\":1},\"status\":200}"));
    ck_assert_int_eq(request->content, CONTENT_TEXT);
    world_fini(&world);
}
END_TEST

/* Who waits for an answer and hangs up is reported once; nothing is answered and the place is free again. */
START_TEST(owner_is_told_that_the_asker_has_gone)
{
    struct world world;
    struct fake_request *request;

    world_init(&world);
    request = from_client(&world, ONION(&world, OWN).outer);
    fake_env_hang_up(&world.fake, request);
    ck_assert_uint_eq(world.gone, 1);
    ck_assert(!request->answered);
    ck_assert_uint_eq(relay_open_count(&world.relay), 0);
    fake_env_check(&world.fake);
    world_fini(&world);
}
END_TEST

/* ---- passing on ---- */

/* A relay sends the inner layer to the node named, one hop further, and gives the answer back as it is. */
START_TEST(relay_passes_on_and_back)
{
    const enum onion_version versions[] = {ONION_V1, ONION_V2};

    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct world world;
        struct onion onion;
        struct fake_request *request;
        const struct fake_call *call;
        struct onion_layer layer;
        struct onion_peeled peeled;
        struct snode_keys next;
        struct ed25519_public key = node_key(2);
        const struct fake_trace *trace;

        world_init(&world);
        onion = wrap(&world, versions[i], ENC_AES_GCM, (const uint32_t[]){OWN, 4}, 2, "{}");
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
        world_fini(&world);
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
    struct world world;

    world_init(&world);
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
    world_fini(&world);
}
END_TEST

/* A status of the list is passed on, any other becomes 500; the text stays, and the error is not this node's. */
START_TEST(statuses_are_passed_on_by_the_list)
{
    static const uint16_t same[] = {200, 400, 403, 406, 421, 432, 500, 502, 503, 504};
    static const uint16_t other[] = {100, 201, 301, 401, 404, 413, 429, 431, 501, 505, 999};
    struct world world;

    world_init(&world);
    for (size_t i = 0; i < ARRAY_LEN(same) + ARRAY_LEN(other); i++) {
        bool passed = i < ARRAY_LEN(same);
        uint16_t status = passed ? same[i] : other[i - ARRAY_LEN(same)];
        struct fake_request *request = from_client(&world, ONION(&world, OWN, 4).outer);

        fake_env_answer(&world.fake, i, status, BYTES_LIT("Next node not found: 12"));
        expect_clear(request, passed ? status : 500, "Next node not found: 12");
    }
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_RELAY_ERROR), 0);
    world_fini(&world);
}
END_TEST

/* A silent next hop is reported once, at the limit and not before. One that can't be reached is reported at once. */
START_TEST(silent_next_hop_is_reported_once)
{
    const enum net ends[] = {NET_REFUSED, NET_RESET};
    struct world world;
    struct fake_request *request;

    world_init(&world);
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
    world_fini(&world);
}
END_TEST

/* Who hangs up while the next node is asked: that call is cancelled, and the place is free once it has ended. */
START_TEST(call_onward_is_cancelled_if_the_asker_has_gone)
{
    struct world world;
    struct fake_request *request;

    world_init(&world);
    request = from_client(&world, ONION(&world, OWN, 4).outer);
    fake_env_hang_up(&world.fake, request);
    ck_assert_uint_eq(relay_open_count(&world.relay), 1);
    fake_env_run(&world.fake);
    ck_assert_int_eq(fake_env_call(&world.fake, 0)->net, NET_CANCELLED);
    ck_assert(!request->answered);
    ck_assert_uint_eq(relay_open_count(&world.relay), 0);
    ck_assert_uint_eq(world.gone, 0);
    fake_env_check(&world.fake);
    world_fini(&world);
}
END_TEST

/* A node may be guard, relay and target of one request: it calls itself like any other. */
START_TEST(node_may_be_every_hop)
{
    struct world world;
    struct onion onion;
    struct fake_request *guard, *target;

    world_init(&world);
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
    world_fini(&world);
}
END_TEST

/* ---- errors ---- */

/* An unknown next node is named; a decommissioned one is known. */
START_TEST(unknown_next_node_is_named)
{
    struct world world;
    struct fake_request *request;

    world_init(&world);
    request = from_client(&world, ONION(&world, OWN, 9).outer);
    expect_error(&world, request, 502, with_key(&world, "Next node not found: ", 9));
    ck_assert_uint_eq(world.fake.call_count, 0);
    from_client(&world, ONION(&world, OWN, 7).outer);
    ck_assert_uint_eq(world.fake.call_count, 1);
    world_fini(&world);
}
END_TEST

/* A node that is in no swarm relays nothing and says who it is; as a target it says so to the client alone. */
START_TEST(node_that_is_not_ready_says_so)
{
    struct world world;
    struct onion onion;
    struct fake_request *request;

    world_init(&world);
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
    world_fini(&world);
}
END_TEST

/* What was not meant for this node, or was changed on its way, does not decrypt. */
START_TEST(wrong_ciphertext_is_refused)
{
    struct world world;
    struct fake_request *request;
    struct bytes outer;
    uint8_t *changed;

    world_init(&world);
    request = from_client(&world, ONION(&world, 2).outer);
    expect_error(&world, request, 400, "Invalid ciphertext");
    outer = arena_copy(&world.fake.arena, ONION(&world, OWN).outer);
    changed = (uint8_t *)(uintptr_t)outer.data;
    changed[20] ^= 1;
    request = from_client(&world, outer);
    expect_error(&world, request, 400, "Invalid ciphertext");
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_RELAY), 0);
    world_fini(&world);
}
END_TEST

/* A client's body that is no onion. */
START_TEST(unreadable_request_is_refused)
{
    static const char *const bodies[] = {"", "abc", "\xff\xff\xff\x7f{}", "{\"ciphertext\":1}"};
    struct world world;

    world_init(&world);
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
    world_fini(&world);
}
END_TEST

/* A node's call needs a node, and must be of its form. */
START_TEST(unreadable_call_of_a_node_is_refused)
{
    struct world world;
    struct fake_request *request;
    struct bytes body;

    world_init(&world);
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
    world_fini(&world);
}
END_TEST

/* The fifteenth hop is taken, the sixteenth refused before anything is decrypted. */
START_TEST(long_paths_are_refused)
{
    struct world world;
    struct onion onion;
    struct fake_request *request;

    world_init(&world);
    onion = ONION(&world, OWN);
    request = from_peer(&world, 2, as_peer_body(&world, ONION_V2, onion.outer, LIMIT_ONION_HOPS + 1));
    expect_error(&world, request, 400, "onion request max path length exceeded");
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_RELAY_ERROR)->n[1], LIMIT_ONION_HOPS + 1);
    ck_assert_uint_eq(world.fake.charged[COST_X25519], 0);
    from_peer(&world, 2, as_peer_body(&world, ONION_V2, onion.outer, LIMIT_ONION_HOPS));
    ck_assert_uint_eq(world.executed, 1);
    relay_answer(world.request, 200, BYTES_NONE, false);
    world_fini(&world);
}
END_TEST

/* What decrypts to nothing of use is answered behind the encryption. */
START_TEST(useless_plaintext_is_answered_sealed)
{
    struct world world;
    struct onion onion;
    struct onion_layer layer;
    const char *why;
    struct blob *blob;
    struct fake_request *request;
    uint8_t nonce[SEAL_NONCE_MAX] = {0}, sealed[64];

    world_init(&world);
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
    world_fini(&world);
}
END_TEST

/* ---- outside servers ---- */

/* A request for an outside server is never sent out: it is answered at once, kindly or honestly. */
START_TEST(server_relay_is_answered_by_switch)
{
    static const char *const allowed[] = {"/loki/v1/lsrpc", "/loki/v2/lsrpc", "/loki/v3/lsrpc", "/oxen/v4/lsrpc"};
    struct world world;

    world_init(&world);
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
        world.preset.server_relay_ok = true;
        expect_clear(from_client(&world, wrap_server(&world, allowed[i]).outer), 200, "");
        ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_RELAY)->n[1], ONION_RELAY_SERVER);
        ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_RELAY_ERROR), i);
        world.preset.server_relay_ok = false;
        expect_error(&world, from_client(&world, wrap_server(&world, allowed[i]).outer), 502, "Loki Server error");
    }
    ck_assert_uint_eq(world.fake.call_count, 0);
    world_fini(&world);
}
END_TEST

/* A path that is none of a server's is refused to the client alone. The client of such a request has no key of this
 * layer, so the test makes it from the one-use secret of the guard's layer. */
START_TEST(server_relay_checks_the_path)
{
    static const char *const wrong[] = {
        "/loki/v2/lsrpc?x=1", "/loki/v2/x?y=/lsrpc", "/loki/v2/lsrpc/", "/lsrpc", "lsrpc", "",
        "/other/v2/lsrpc",    "/loki/v2/files",      "loki/v2/lsrpc"};
    struct world world;

    world_init(&world);
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
    world_fini(&world);
}
END_TEST

/* ---- bounds and costs ---- */

/* As many requests as the bound allows are held, one more is refused unopened, and the next end makes room again. */
START_TEST(full_relay_refuses)
{
    struct world world;
    struct bytes outer;
    struct fake_request *first, *last;

    world_init(&world);
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
    world_fini(&world);
}
END_TEST

/* One agreement per layer; reading, opening and sealing by the KiB that were started. */
START_TEST(work_is_charged)
{
    struct world world;

    world_init(&world);
    world.answer_at_once = true;
    from_client(&world, ONION(&world, OWN).outer);
    ck_assert_uint_eq(world.fake.charged[COST_X25519], 1);
    ck_assert_uint_eq(world.fake.charged[COST_PARSE], 1);
    ck_assert_uint_eq(world.fake.charged[COST_SEAL], 2); /* opened one, sealed one */
    from_client(&world, ONION(&world, OWN, 4).outer);
    ck_assert_uint_eq(world.fake.charged[COST_X25519], 2);
    ck_assert_uint_eq(world.fake.charged[COST_PARSE], 3); /* read one, wrote one */
    ck_assert_uint_eq(world.fake.charged[COST_SEAL], 3);
    world_fini(&world);
}
END_TEST

/* After a crash the relay goes without a word, whatever was open. */
START_TEST(crash_drops_everything)
{
    struct world world;

    world_init(&world);
    from_client(&world, ONION(&world, OWN).outer);
    from_client(&world, ONION(&world, OWN, 4).outer);
    fake_env_crash(&world.fake);
    ck_assert_uint_eq(relay_open_count(&world.relay), 2);
    world_fini(&world);
}
END_TEST

TEST_MAIN("relay", target_executes_and_seals_the_answer, target_may_answer_at_once, every_answer_has_its_nonce,
          target_layer_carries_wishes, owner_is_told_that_the_asker_has_gone, relay_passes_on_and_back,
          guard_takes_the_clients_hop_number, statuses_are_passed_on_by_the_list, silent_next_hop_is_reported_once,
          call_onward_is_cancelled_if_the_asker_has_gone, node_may_be_every_hop, unknown_next_node_is_named,
          node_that_is_not_ready_says_so, wrong_ciphertext_is_refused, unreadable_request_is_refused,
          unreadable_call_of_a_node_is_refused, long_paths_are_refused, useless_plaintext_is_answered_sealed,
          server_relay_is_answered_by_switch, server_relay_checks_the_path, full_relay_refuses, work_is_charged,
          crash_drops_everything)
