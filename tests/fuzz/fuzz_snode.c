/* A whole node: the input is the story of its life. Clients and peers call every path with what is nearly right, the
 * membership changes, calls of the node are answered with anything, its disk fails, it crashes and starts again.
 * Whatever happens, every request ends once, bounds hold, and in the end nothing is left. */
#include <stdio.h>
#include <stdlib.h>

#include "common/limits.h"
#include "common/onion.h"
#include "node/store_record.h"
#include "proto/storage_rpc.h"
#include "proto/subaccount.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_modern_calls.h"

#define STEPS_MAX       256
#define STORE_BYTES_MAX 20000 /* some dozens of messages, so that a story can fill it */
#define MESSAGES_KNOWN  16
#define HOUR_MS         3600000

/* Memberships that are published in turn: a node may look at the last one until it has the next. */
struct published {
    struct snode_entry entries[FIXTURE_NODES];
    struct swarm_entry swarms[3];
    uint32_t members[FIXTURE_NODES];
    struct membership membership;
};

struct life {
    struct bytes in;
    struct arena *arena;
    struct node_fixture fixture;
    struct snode *snode;
    struct published published[2];
    struct test_message known[MESSAGES_KNOWN];
    size_t known_count;
    uint64_t height;
    uint8_t seeds;    /* one-use secrets drawn */
    int64_t ahead_ms; /* how far the node's clock was set ahead, in all */
};

static const uint64_t swarm_ids[] = {0, UINT64_C(1) << 62, FIXTURE_OTHER_SWARM};

/* ---- requests ---- */

static struct account_id take_account(struct life *life)
{
    uint8_t n = take_u8(&life->in);

    return (n & 0xe0) == 0xe0 ? account_elsewhere(n & 3) : account_here(n & 3);
}

static struct test_message *take_message(struct life *life)
{
    static const uint64_t ttls_ms[] = {LIMIT_TTL_MS_MIN, 60000, HOUR_MS, LIMIT_TTL_MS_MAX, LIMIT_TTL_MS_MAX + 1, 0};
    struct test_message *message = &life->known[life->known_count++ % MESSAGES_KNOWN];
    struct account_id account = take_account(life);
    uint8_t how = take_u8(&life->in);
    int64_t timestamp_ms = life->fixture.fake.now_ms + ((int)(take_u8(&life->in)) - 128) * (how & 0x80 ? 60000 : 100);
    char data[200];

    snprintf(data, sizeof(data), "%0*d", 1 + take_u8(&life->in) % 190, how);
    make_message(message, &account, (uint64_t)timestamp_ms, ttls_ms[how % ARRAY_LEN(ttls_ms)], data);
    if ((how & 0x40) != 0)
        snprintf(message->nonce, sizeof(message->nonce), "AAAAAAAAAAA=");
    return message;
}

/* One of four waits, with a hold that may be too long. */
static struct bytes take_listen(struct life *life, const struct account_id *account)
{
    uint8_t how = take_u8(&life->in);
    char pubkey[ACCOUNT_HEX_LEN];

    account_to_hex(account, pubkey);
    return text_request(&life->fixture.fake,
                        "{\"method\":\"listen\",\"params\":{\"pubKey\":\"%.66s\",\"listenId\":\"000000000000000%d\","
                        "\"hold\":\"%d\"}}",
                        pubkey, how & 3, how * 80);
}

static struct bytes take_deliver(struct life *life, const struct account_id *account)
{
    char pubkey[ACCOUNT_HEX_LEN];

    account_to_hex(account, pubkey);
    return text_request(&life->fixture.fake,
                        "{\"method\":\"deliver\",\"params\":{\"pubKey\":\"%.66s\",\"data\":\"%0*d\"}}", pubkey,
                        4 * (1 + take_u8(&life->in)), 0);
}

static struct bytes take_rpc(struct life *life)
{
    struct fake_env *fake = &life->fixture.fake;
    const struct test_message *known = &life->known[take_u8(&life->in) % MESSAGES_KNOWN];
    struct account_id account;

    switch (take_u8(&life->in) % 10) {
    case 0:
    case 1:
        return store_request(fake, take_message(life));
    case 2:
        account = take_account(life);
        return retrieve_request(fake, &account, known->hash_hex);
    case 3:
        return text_request(fake, "{\"method\":\"get_snodes_for_pubkey\",\"params\":{\"pubKey\":\"%s\"}}",
                            known->pubkey);
    case 4:
        account = take_account(life);
        return take_listen(life, &account);
    case 5:
        account = take_account(life);
        return take_deliver(life, &account);
    case 6:
    case 7:
        account = take_account(life);
        return bytes_text(take_modern_call(&life->in, life->arena, fake->now_ms, &account));
    case 8:
        account = take_account(life);
        return bytes_text(take_modern_calls(&life->in, life->arena, fake->now_ms, &account));
    default:
        return take_bytes(&life->in);
    }
}

static struct bytes take_batch(struct life *life)
{
    struct buf batch;
    struct bytes body;

    buf_init(&batch, LIMIT_BODY_BYTES);
    for (uint8_t n = take_u8(&life->in) % 4; n > 0; n--)
        append_to_batch(&batch, take_message(life));
    body = arena_copy(life->arena, buf_bytes(&batch));
    buf_fini(&batch);
    return body;
}

/* A message of either dialect, with the expiry of its ttl or another one. */
static struct stored_body *take_body_of_either(struct life *life)
{
    uint8_t how = take_u8(&life->in);
    struct account_id account;
    struct stored_body *body, *changed;

    if ((how & 1) != 0) {
        body = body_of(&life->fixture.bodies, take_message(life));
    } else {
        account = take_account(life);
        body = body_pool_get_modern(&life->fixture.bodies, &account, (int16_t)((how >> 4) - 8), HOUR_MS,
                                    (uint64_t)life->fixture.fake.now_ms, take_bytes(&life->in));
    }
    if ((how & 2) == 0)
        return body;
    changed = body_with_expiry(body, life->fixture.fake.now_ms + (how & 4) * HOUR_MS);
    body_drop(body);
    return changed;
}

static struct bytes take_parts(struct life *life)
{
    struct buf batch, record;
    struct bytes body;

    buf_init(&batch, LIMIT_BODY_BYTES);
    buf_init(&record, LIMIT_BODY_BYTES);
    for (uint8_t n = take_u8(&life->in) % 4; n > 0; n--) {
        struct stored_body *message = take_body_of_either(life);

        buf_clear(&record);
        store_record_encode(message, &record);
        peer_part_encode(&batch, PEER_PART_MESSAGE, buf_bytes(&record));
        body_drop(message);
    }
    body = take_bytes(&life->in);
    if (body.len > 0)
        peer_part_encode(&batch, PEER_PART_REVOKED, body);
    body = arena_copy(life->arena, buf_bytes(&batch));
    buf_fini(&record);
    buf_fini(&batch);
    return body;
}

/* For this node alone, or for this one and another behind it; or as another node passes it on. */
static struct bytes take_onion(struct life *life, enum onion_version version, bool from_peer)
{
    struct onion_hop hops[2];
    struct onion_seed seeds[2] = {0};
    struct onion_layer layer;
    struct reply_key key;
    struct bytes onion, headers = BYTES_LIT("{}"), passed_on;
    uint8_t how = take_u8(&life->in);
    size_t hop_count = 1 + (how & 1);
    struct blob *peer;
    const char *why;

    for (size_t i = 0; i < hop_count; i++) {
        uint32_t node = i == 0 ? life->fixture.own : (how >> 4) % FIXTURE_NODES;

        hops[i] = (struct onion_hop){life->fixture.keys[node].ed25519, life->fixture.keys[node].x25519.public,
                                     version == ONION_V1 || (how & 2) == 0 ? ENC_AES_GCM : ENC_XCHACHA20};
        seeds[i].secret.bytes[0] = ++life->seeds;
    }
    if ((how & 4) != 0)
        headers = BYTES_LIT("{\"X-Loki-Long-Poll\":\"true\"}");
    if (onion_wrap(&crypto_modelled, version, life->arena, hops, hop_count, take_rpc(life), headers, seeds, &onion,
                   &key) != OK)
        return BYTES_NONE;
    if (!from_peer)
        return onion;
    if (onion_read_outer(version, life->arena, onion, &layer, &why) != OK)
        return onion;
    layer.hop_no = take_u8(&life->in) % (LIMIT_ONION_HOPS + 2);
    peer = onion_write_peer(version, &layer);
    passed_on = arena_copy(life->arena, blob_bytes(peer));
    blob_drop(peer);
    return passed_on;
}

/* For an outside server behind this node. */
static struct bytes take_server_onion(struct life *life)
{
    static const char *const targets[] = {"/loki/v2/lsrpc", "/oxen/v4/lsrpc", "/loki/../lsrpc", "lsrpc?a"};
    const struct onion_server server = {
        .host = "example.org", .target = targets[take_u8(&life->in) % ARRAY_LEN(targets)], .method = "POST"};
    struct x25519_public key = life->fixture.keys[0].x25519.public;
    struct onion_hop hops[2] = {{life->fixture.keys[life->fixture.own].ed25519,
                                 life->fixture.keys[life->fixture.own].x25519.public, ENC_AES_GCM},
                                {.x25519 = key, .enc_type = ENC_XCHACHA20}};
    struct onion_seed seeds[2] = {{.secret.bytes = {++life->seeds}}, {.secret.bytes = {++life->seeds}}};
    struct reply_key reply;
    struct bytes onion;

    return onion_wrap_server(&crypto_modelled, ONION_V2, life->arena, hops, 2, &server, take_bytes(&life->in),
                             BYTES_LIT("{}"), seeds, &onion, &reply) == OK
               ? onion
               : BYTES_NONE;
}

static struct bytes take_subscription_of(struct life *life)
{
    struct account_id account = take_account(life);

    return take_subscription(&life->in, life->arena, life->fixture.fake.now_ms, &account);
}

/* What this node has told another one, told back; or anything. */
static struct bytes take_passed_on(struct life *life)
{
    const struct fake_env *fake = &life->fixture.fake;

    return fake->call_count == 0 ? take_bytes(&life->in)
                                 : fake_call_body(fake->calls[take_u8(&life->in) % fake->call_count]);
}

static struct bytes take_body(struct life *life, const char **path)
{
    switch (take_u8(&life->in) % 16) {
    case 0:
        *path = PATH_ONION_V2;
        return take_onion(life, ONION_V2, false);
    case 1:
        *path = PATH_ONION_V1;
        return take_onion(life, ONION_V1, false);
    case 2:
        *path = PATH_SN_ONION_V2;
        return take_onion(life, ONION_V2, true);
    case 3:
        *path = PATH_SN_ONION_V1;
        return take_onion(life, ONION_V1, true);
    case 4:
        *path = PATH_PUSH_BATCH;
        return take_batch(life);
    case 5:
        *path = PATH_PUSH;
        return take_batch(life);
    case 6:
        *path = PATH_STATS;
        return BYTES_NONE;
    case 7:
        *path = PATH_PING_TEST;
        return BYTES_NONE;
    case 8: {
        struct bytes text = take_bytes(&life->in);

        *path = arena_printf(life->arena, "/%.*s", (int)text.len, (const char *)text.data);
        return take_bytes(&life->in);
    }
    case 9:
        *path = PATH_PUSH_PARTS;
        return take_parts(life);
    case 10:
        *path = PATH_PING;
        return BYTES_NONE;
    case 11:
        *path = PATH_MONITOR;
        return take_subscription_of(life);
    case 12:
        *path = PATH_SN_STORAGE_CC;
        return take_passed_on(life);
    case 13:
        *path = PATH_ONION_V2;
        return take_server_onion(life);
    default:
        *path = PATH_STORAGE_RPC;
        return take_rpc(life);
    }
}

static void request(struct life *life)
{
    uint8_t how = take_u8(&life->in);
    enum verb verb = (how & 0x70) == 0x70 ? VERB_GET : VERB_POST;
    const char *path;
    struct bytes body = take_body(life, &path);
    struct fake_request *request;

    body = take_mutated(&life->in, life->arena, body);
    if ((how & 1) != 0)
        request = fake_env_peer_request(&life->fixture.fake, &life->fixture.keys[how >> 1 & 3].ed25519, path, body);
    else
        request = fake_env_request(&life->fixture.fake, verb, path, body);
    if ((how & 8) != 0)
        fake_request_add_header(request, HEADER_LONG_POLL, "true");
    request->incoming.from.ip += how & 6;
    snode_on_request(life->snode, &request->incoming);
}

/* Some calls for one account, just as they should be: what needs several of them in a row is rare among the others. */
static void scene(struct life *life)
{
    static const int64_t spans_ms[] = {0, 0, 100, LIMIT_DELIVER_MS, LIMIT_LEASE_MS};
    struct account_id account = account_here(take_u8(&life->in) & 3);
    struct fake_env *fake = &life->fixture.fake;

    for (uint8_t n = take_u8(&life->in) % 8; n > 0; n--) {
        uint8_t what = take_u8(&life->in);
        struct bytes body = (what & 3) == 0 ? take_deliver(life, &account)
                            : (what & 3) == 1
                                ? take_listen(life, &account)
                                : bytes_text(take_modern_call(&life->in, life->arena, fake->now_ms, &account));

        snode_on_request(life->snode, &fake_env_request(fake, VERB_POST, PATH_STORAGE_RPC, body)->incoming);
        fake_env_advance_ms(fake, spans_ms[(what >> 2) % ARRAY_LEN(spans_ms)]);
    }
}

static void hang_up(struct life *life)
{
    struct fake_env *fake = &life->fixture.fake;
    size_t at = take_u8(&life->in);

    for (size_t i = 0; i < fake->request_count; i++) {
        struct fake_request *request = fake->requests[(i + at) % fake->request_count];

        if (!request->answered && !request->gone) {
            fake_env_hang_up(fake, request);
            return;
        }
    }
}

/* ---- what the world does ---- */

/* A number for every node: 0 to 2 a swarm, 3 decommissioned, 4 not registered. */
static void publish(struct life *life, const uint8_t places[FIXTURE_NODES])
{
    struct published *published = &life->published[life->height++ & 1];
    struct membership *membership = &published->membership;

    *membership = (struct membership){.height = life->height,
                                      .nodes = published->entries,
                                      .swarms = published->swarms,
                                      .members = published->members};
    for (uint32_t i = 0; i < FIXTURE_NODES; i++) {
        if (places[i] > 3)
            continue;
        published->entries[membership->node_count] = life->fixture.entries[i];
        published->entries[membership->node_count++].swarm_id = places[i] == 3 ? SWARM_NONE : swarm_ids[places[i]];
    }
    for (uint32_t s = 0, placed = 0; s < ARRAY_LEN(swarm_ids); s++) {
        struct swarm_entry *swarm = &published->swarms[membership->swarm_count];

        *swarm = (struct swarm_entry){.id = swarm_ids[s], .first = placed};
        for (uint32_t i = 0; i < membership->node_count; i++)
            if (published->entries[i].swarm_id == swarm->id)
                published->members[placed++] = i;
        swarm->count = placed - swarm->first;
        membership->swarm_count += swarm->count > 0;
    }
    snode_on_membership(life->snode, membership);
}

static void publish_usual(struct life *life)
{
    publish(life, (const uint8_t[]){0, 2, 0, 2, 0, 2});
}

static void publish_any(struct life *life)
{
    uint8_t places[FIXTURE_NODES];

    for (size_t i = 0; i < FIXTURE_NODES; i++)
        places[i] = take_u8(&life->in) % 5;
    publish(life, places);
}

static void publish_difficulty(struct life *life)
{
    struct pow_record records[3];
    size_t count = take_u8(&life->in) % (ARRAY_LEN(records) + 1);

    for (size_t i = 0; i < count; i++)
        records[i] =
            (struct pow_record){life->fixture.fake.now_ms - HOUR_MS + (int64_t)i * 1000, 1 + take_u8(&life->in)};
    snode_on_difficulty(life->snode, records, count);
}

static void answer_call(struct life *life)
{
    static const uint16_t statuses[] = {200, 400, 401, 421, 500, 502, 503, 504};
    struct fake_env *fake = &life->fixture.fake;
    size_t open = fake_env_open_calls(fake), index;
    uint8_t how = take_u8(&life->in);

    if (open == 0)
        return;
    index = fake_env_open_call(fake, take_u8(&life->in) % open);
    if (how < 0x30)
        fake_env_fail(fake, index, how < 0x10 ? NET_REFUSED : how < 0x20 ? NET_RESET : NET_TIMEOUT);
    else
        fake_env_answer(fake, index, statuses[how % ARRAY_LEN(statuses)], take_bytes(&life->in));
}

static void change_disk(struct life *life)
{
    static const enum err errs[] = {OK, OK, ERR_FULL, ERR_IO};
    struct fake_env *fake = &life->fixture.fake;
    uint8_t how = take_u8(&life->in);

    fake->disk_manual = (how & 4) != 0;
    fake->disk_err = errs[how & 3];
    if ((how & 8) != 0 && fake->syncs_waiting > 0)
        fake_env_complete_sync(fake);
}

static void crash_and_restart(struct life *life)
{
    struct snode_counts counts;
    size_t kept;

    fake_env_crash(&life->fixture.fake);
    snode_free(life->snode);
    life->snode = snode_new(&life->fixture.config);
    kept = snode_start(life->snode);
    snode_counts(life->snode, &counts);
    ASSERT(counts.records == kept);
    if ((take_u8(&life->in) & 1) == 0)
        publish_usual(life);
}

static void pass_time(struct life *life)
{
    static const int64_t spans_ms[] = {0, 1, 349, 1000, 8000, 10001, 60000, HOUR_MS, 30 * HOUR_MS};

    fake_env_advance_ms(&life->fixture.fake, spans_ms[take_u8(&life->in) % ARRAY_LEN(spans_ms)]);
}

static void set_clock(struct life *life)
{
    int64_t jump_ms = ((int64_t)take_u8(&life->in) - 128) * 1000;

    life->fixture.fake.now_ms += jump_ms;
    life->ahead_ms += jump_ms;
}

/* ---- the life ---- */

static void check_bounds(const struct life *life)
{
    const struct fake_env *fake = &life->fixture.fake;
    struct snode_counts counts;
    size_t open = 0;

    for (size_t i = 0; i < fake->request_count; i++)
        open += !fake->requests[i]->answered && !fake->requests[i]->gone;
    snode_counts(life->snode, &counts);
    ASSERT(counts.bytes <= STORE_BYTES_MAX && counts.pushes_waiting_bytes <= LIMIT_PUSH_QUEUE_BYTES);
    ASSERT(counts.listeners <= open && counts.listens_open + counts.deliveries_waiting <= open);
    ASSERT(counts.leases <= LIMIT_LEASES && counts.deliveries_waiting <= LIMIT_DELIVERIES);
    ASSERT(counts.onions_open <=
           open + fake_env_open_calls(fake)); /* a relay lives until its cancelled call has ended */
    for (size_t i = 0; i < life->known_count && i < MESSAGES_KNOWN; i++)
        if (snode_holds(life->snode, life->known[i].hash))
            ASSERT(snode_held_for(life->snode, &life->known[i].account) > 0);
}

static void step(struct life *life)
{
    switch (take_u8(&life->in) % 14) {
    case 0:
        pass_time(life);
        break;
    case 1:
        publish_any(life);
        break;
    case 2:
        publish_usual(life);
        break;
    case 3:
        publish_difficulty(life);
        break;
    case 4:
        answer_call(life);
        break;
    case 5:
        change_disk(life);
        break;
    case 6:
        crash_and_restart(life);
        break;
    case 7:
        hang_up(life);
        break;
    case 8:
        set_clock(life);
        break;
    case 9:
    case 10:
        scene(life);
        break;
    default:
        request(life);
    }
    arena_reset(&life->fixture.fake.arena);
    check_bounds(life);
}

/* A deletion becomes durable with the next store's sync. */
static bool deletion_waits(const struct fake_env *fake, struct bytes key)
{
    for (size_t i = fake->unsynced.count; i-- > 0;)
        if (bytes_equal(blob_bytes(fake->unsynced.records[i].key), key))
            return fake->unsynced.records[i].value == NULL;
    return false;
}

/* The disk works again, and then nothing happens until all that was stored is over and all pushes are given up. */
static void end(struct life *life)
{
    struct fake_env *fake = &life->fixture.fake;
    struct snode_counts counts;
    char left[FAKE_LEFT_MAX];

    fake->disk_manual = false;
    fake->disk_err = OK;
    fake->now_ms -= life->ahead_ms;
    while (fake->syncs_waiting > 0)
        fake_env_complete_sync(fake);
    fake_env_advance_ms(fake, LIMIT_TTL_PRIVATE_MS_MAX + 10 * HOUR_MS);
    snode_counts(life->snode, &counts);
    ASSERT(counts.bytes % SUBACCOUNT_TOKEN_BYTES == 0); /* revocations never expire */
    ASSERT(counts.records == 0 && counts.onions_open == 0 && counts.listeners == 0 && counts.pushes_waiting_bytes == 0);
    if (!fake_env_idle(fake, left))
        fprintf(stderr, "left: %s\n", left);
    ASSERT(fake_env_idle(fake, left));
    for (size_t i = 0; i < fake->disk.count; i++)
        ASSERT(fake->disk.records[i].key->len != STORE_KEY_BYTES ||
               deletion_waits(fake, blob_bytes(fake->disk.records[i].key)));
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    struct life *life = xcalloc(1, sizeof(*life));
    uint8_t switches;

    life->in = input;
    life->arena = arena;
    node_fixture_init(&life->fixture);
    switches = take_u8(&life->in);
    life->fixture.preset.store_bytes_max = STORE_BYTES_MAX;
    life->fixture.preset.push_retries = (switches & 1) != 0;
    life->fixture.preset.bootstrap_only_owned = (switches & 2) != 0;
    life->fixture.preset.rate_limit = (switches & 4) != 0;
    life->fixture.preset.server_relay_ok = (switches & 8) != 0;
    life->snode = snode_new(&life->fixture.config);
    (void)snode_start(life->snode);
    if ((switches & 16) == 0)
        publish_usual(life);
    for (int i = 0; i < STEPS_MAX && life->in.len > 0; i++)
        step(life);
    end(life);
    snode_free(life->snode);
    node_fixture_fini(&life->fixture);
    free(life);
}
