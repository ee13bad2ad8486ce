#include "tests/support/relay_fixture.h"

#include <check.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "proto/storage_rpc.h"
#include "tests/support/membership_builder.h"

#define PATH_MAX_HOPS 4

static void no_bodies(void *owner, body_fn each, void *each_owner)
{
    (void)owner, (void)each, (void)each_owner;
}

static void on_request_gone(struct relay_request *request)
{
    struct relay_fixture *world = request->owner;

    ck_assert_ptr_eq(request, world->request);
    world->gone++;
}

static void on_execute(void *owner, struct bytes rpc_body, bool long_poll, struct relay_request *request)
{
    struct relay_fixture *world = owner;

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

void set_network(struct relay_fixture *world, const char *text)
{
    struct membership *next = membership_build(100, text);

    membership_update(&world->view, next);
    membership_build_free(world->now);
    world->now = next;
}

void relay_fixture_init_with(struct relay_fixture *world, const struct crypto_suite *suite)
{
    *world = (struct relay_fixture){.preset = {.suite = suite, .flush_ms = LIMIT_FLUSH_MS, .server_relay_ok = true}};
    ck_assert_int_eq(crypto_start(), OK);
    fake_env_init(&world->fake, 1);
    node_keys(OWN, &world->keys);
    world->config = (struct snode_config){.env = &world->fake.env, .preset = &world->preset, .keys = &world->keys};
    replicate_init(&world->replicate, &world->config, &world->view);
    membership_init(&world->view, &world->config, &world->replicate, no_bodies, NULL);
    relay_init(&world->relay, &world->config, &world->view, world, on_execute);
    set_network(world, NETWORK);
}

void relay_fixture_init(struct relay_fixture *world)
{
    relay_fixture_init_with(world, &crypto_modelled);
}

void relay_fixture_fini(struct relay_fixture *world)
{
    relay_fini(&world->relay);
    replicate_fini(&world->replicate);
    membership_build_free(world->now);
    fake_env_fini(&world->fake);
}

/* ---- onions ---- */

static void make_hops(struct relay_fixture *world, const uint32_t path[], size_t count, enum enc_type type,
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

struct onion wrap_for(struct relay_fixture *world, enum onion_version version, enum enc_type type,
                      const uint32_t path[], size_t count, const char *headers)
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

struct onion wrap_path(struct relay_fixture *world, const uint32_t path[])
{
    size_t count = 0;

    while (path[count] != 0)
        count++;
    return wrap_for(world, ONION_V2, ENC_AES_GCM, path, count, "{}");
}

struct onion wrap_server(struct relay_fixture *world, const char *target)
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

struct bytes as_peer_body(struct relay_fixture *world, enum onion_version version, struct bytes outer, int hop_no)
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

struct fake_request *from_client(struct relay_fixture *world, struct bytes body)
{
    struct fake_request *request = fake_env_request(&world->fake, VERB_POST, PATH_ONION_V2, body);

    relay_on_client(&world->relay, &request->incoming, ONION_V2);
    return request;
}

struct fake_request *from_peer(struct relay_fixture *world, uint32_t peer, struct bytes body)
{
    struct ed25519_public key = node_key(peer);
    struct fake_request *request = fake_env_peer_request(&world->fake, &key, PATH_SN_ONION_V2, body);

    relay_on_peer(&world->relay, &request->incoming, ONION_V2);
    return request;
}

const char *with_key(struct relay_fixture *world, const char *text, uint32_t node)
{
    struct ed25519_public key = node_key(node);

    return arena_printf(&world->fake.arena, "%s%s", text,
                        (const char *)hex_text(&world->fake.arena, BYTES_OF(key.bytes)).data);
}

void expect_clear(const struct fake_request *request, uint16_t status, const char *text)
{
    struct bytes answer = fake_request_answer(request);

    ck_assert(request->answered);
    ck_assert_msg(request->status == status && bytes_equal_text(answer, text), "%u %.*s instead of %u %s",
                  request->status, (int)answer.len, (const char *)answer.data, status, text);
    ck_assert_int_eq(request->content, CONTENT_TEXT);
}

void expect_error(const struct relay_fixture *world, const struct fake_request *request, uint16_t status,
                  const char *text)
{
    const struct fake_trace *trace = fake_env_last_trace(&world->fake, TRACE_RELAY_ERROR);

    expect_clear(request, status, text);
    ck_assert_ptr_nonnull(trace);
    ck_assert_uint_eq(trace->n[0], status);
    ck_assert(bytes_equal_text(blob_bytes(trace->b[0]), text));
    ck_assert_uint_eq(relay_open_count(&world->relay), 0);
}

void expect_sealed(struct relay_fixture *world, const struct fake_request *request, const struct onion *onion,
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
