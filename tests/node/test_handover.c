/* test_handover.c: what the era's batches have no place for, from one node to another: PROTOCOL 3.15. */
#include <string.h>

#include "common/limits.h"
#include "node/membership.h"
#include "node/store_record.h"
#include "proto/storage_rpc.h"
#include "tests/support/check_main.h"
#include "tests/support/membership_builder.h"
#include "tests/support/node_fixture.h"

#define OWN 1

/* ---- giving ---- */

/* A node's view of the network, and what it holds. */
static struct fake_env fake;
static struct snode_preset preset = {.suite = &crypto_modelled, .flush_ms = LIMIT_FLUSH_MS, .push_retries = true};
static struct snode_keys keys;
static struct body_pool pool;
static struct replicate replicate;
static struct membership_view view;
static struct membership *now;
static struct stored_body *plain, *prolonged, *modern;
static struct account_id account;
static const struct subaccount_token tokens[] = {{{ACCOUNT_PREFIX, 1}}, {{ACCOUNT_PREFIX, 2}}};

static void each_body(void *owner, body_fn each, void *each_owner)
{
    (void)owner;
    each(each_owner, modern);
    each(each_owner, plain);
    each(each_owner, prolonged);
}

static void each_revoked(void *owner, revoked_fn each, void *each_owner)
{
    (void)owner;
    each(each_owner, &account, tokens, ARRAY_LEN(tokens));
}

static void block(uint64_t height, const char *text)
{
    struct membership *next = membership_build(height, text);

    membership_update(&view, next);
    if (now != NULL)
        membership_build_free(now);
    now = next;
}

static void start_giving(void)
{
    const struct snode_config config = {.env = &fake.env, .preset = &preset, .keys = &keys, .bodies = &pool};
    static const uint8_t hash[64] = {1}, nonce[8] = {2};

    ck_assert_int_eq(crypto_start(), OK);
    fake_env_init(&fake, 1);
    node_keys(OWN, &keys);
    body_pool_init(&pool);
    account = account_at(5);
    plain = body_pool_get(&pool, hash, &account, nonce, 60000, (uint64_t)FAKE_EPOCH_MS, BYTES_LIT("plain"));
    prolonged = body_with_expiry(plain, FAKE_EPOCH_MS + 90000);
    modern = body_pool_get_modern(&pool, &account, -7, 60000, (uint64_t)FAKE_EPOCH_MS, BYTES_LIT("modern"));
    replicate_init(&replicate, &config, &view);
    membership_init(&view, &config, &replicate, each_body, NULL);
    view.revoked_each = each_revoked;
    now = NULL;
}

static void end_giving(void)
{
    replicate_fini(&replicate);
    body_drop(plain);
    body_drop(prolonged);
    body_drop(modern);
    body_pool_fini(&pool);
    membership_build_free(now);
    fake_env_fini(&fake);
}

/* The next part is that message, exactly. */
static void expect_message(struct bytes *batch, struct stored_body *body)
{
    struct peer_part part;
    struct stored_body *got;

    ck_assert_int_eq(peer_part_decode(batch, &part), OK);
    ck_assert_uint_eq(part.kind, PEER_PART_MESSAGE);
    got = store_record_decode(part.content, &pool);
    ck_assert_ptr_eq(got, body);
    body_drop(got);
}

static void expect_revoked(struct bytes batch)
{
    struct peer_part part;

    ck_assert_int_eq(peer_part_decode(&batch, &part), OK);
    ck_assert_uint_eq(part.kind, PEER_PART_REVOKED);
    ck_assert_uint_eq(part.content.len, sizeof(account) + sizeof(tokens));
    ck_assert_int_eq(memcmp(part.content.data, account.bytes, sizeof(account)), 0);
    ck_assert_int_eq(memcmp(part.content.data + sizeof(account), tokens, sizeof(tokens)), 0);
    ck_assert_uint_eq(batch.len, 0);
}

/* Three calls to one node: what the era can say in its own form, the rest in parts. */
static void expect_everything(size_t first_call, uint32_t node)
{
    struct bytes batch;
    struct peer_message message;

    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(node_at(fake_env_call(&fake, first_call + i)->to), node);
    ck_assert(bytes_equal_text(fake_call_path(fake_env_call(&fake, first_call)), PATH_PUSH_BATCH));
    batch = fake_call_body(fake_env_call(&fake, first_call));
    ck_assert_int_eq(peer_message_decode(&batch, &message), OK);
    ck_assert(bytes_equal_text(message.data, "plain"));
    ck_assert_uint_eq(batch.len, 0);
    ck_assert(bytes_equal_text(fake_call_path(fake_env_call(&fake, first_call + 1)), PATH_PUSH_PARTS));
    batch = fake_call_body(fake_env_call(&fake, first_call + 1));
    expect_message(&batch, modern);
    expect_message(&batch, prolonged);
    ck_assert_uint_eq(batch.len, 0);
    ck_assert(bytes_equal_text(fake_call_path(fake_env_call(&fake, first_call + 2)), PATH_PUSH_PARTS));
    expect_revoked(fake_call_body(fake_env_call(&fake, first_call + 2)));
}

START_TEST(a_new_member_gets_everything)
{
    start_giving();
    block(1, "0: 1 2");
    block(2, "0: 1 2 3");
    ck_assert_uint_eq(fake.call_count, 3);
    expect_everything(0, 3);
    /* A failed push is repeated with the same bytes, revocations too. */
    fake_env_fail(&fake, 2, NET_REFUSED);
    fake_env_answer(&fake, 0, 200, BYTES_NONE);
    fake_env_answer(&fake, 1, 200, BYTES_NONE);
    fake_env_advance_ms(&fake, 1000);
    ck_assert_uint_eq(fake.call_count, 4);
    expect_revoked(fake_call_body(fake_env_call(&fake, 3)));
    fake_env_answer(&fake, 3, 200, BYTES_NONE);
    ck_assert_uint_eq(replicate.waiting_bytes, 0);
    fake_env_check(&fake);
    end_giving();
}
END_TEST

START_TEST(a_new_swarm_gets_what_is_its_own)
{
    start_giving();
    block(1, "8000000000000000: 1 2");
    block(2, "8000000000000000: 1 2; 0: 3; 4000000000000000: 4");
    ck_assert_uint_eq(fake.call_count, 3);
    expect_everything(0, 3);
    end_giving();
}
END_TEST

START_TEST(a_dissolved_swarm_is_salvaged)
{
    start_giving();
    block(1, "8000000000000000: 1; 0: 2");
    block(2, "0: 1 2");
    ck_assert_uint_eq(fake.call_count, 3);
    expect_everything(0, 2);
    end_giving();
}
END_TEST

/* ---- taking ---- */

static struct node_fixture fixture;
static struct snode *snode;
static struct buf batch;

static void start_taking(void)
{
    node_fixture_init(&fixture);
    snode = snode_new(&fixture.config);
    (void)snode_start(snode);
    snode_on_membership(snode, &fixture.membership);
    buf_init(&batch, SIZE_MAX);
}

static void end_taking(void)
{
    buf_fini(&batch);
    snode_free(snode);
    node_fixture_fini(&fixture);
}

/* Takes the body. */
static void add_message(struct stored_body *body)
{
    struct buf record;

    buf_init(&record, SIZE_MAX);
    store_record_encode(body, &record);
    peer_part_encode(&batch, PEER_PART_MESSAGE, buf_bytes(&record));
    buf_fini(&record);
    body_drop(body);
}

static struct stored_body *message_of_today(const char *data, int64_t timestamp_ms)
{
    struct account_id here = account_here(1);

    return body_pool_get_modern(&fixture.bodies, &here, 0, 60000, (uint64_t)timestamp_ms, bytes_text(data));
}

/* Takes it, and gives one with that expiry. */
static struct stored_body *until(struct stored_body *body, int64_t expiry_ms)
{
    struct stored_body *changed = body_with_expiry(body, expiry_ms);

    body_drop(body);
    return changed;
}

static void push_from(const struct ed25519_public *peer, uint16_t status)
{
    struct fake_request *request = fake_env_peer_request(&fixture.fake, peer, PATH_PUSH_PARTS, buf_bytes(&batch));

    snode_on_request(snode, &request->incoming);
    fake_env_run(&fixture.fake);
    ck_assert_uint_eq(request->status, status);
}

static void push(void)
{
    push_from(&fixture.keys[fixture.members[0]].ed25519, 200);
}

static uint64_t records(void)
{
    struct snode_counts counts;

    snode_counts(snode, &counts);
    return counts.records;
}

/* Messages of both dialects are kept, with their changed expiries; so are revocations. What is repeated is known. */
START_TEST(parts_are_kept)
{
    struct test_message old;
    struct account_id here = account_here(1);
    uint8_t revoked[sizeof(struct account_id) + SUBACCOUNT_TOKEN_BYTES] = {ACCOUNT_PREFIX};

    start_taking();
    make_message(&old, &here, (uint64_t)fixture.fake.now_ms, 60000, "aGVsbG8=");
    add_message(until(body_of(&fixture.bodies, &old), fixture.fake.now_ms + 90000));
    add_message(message_of_today("today", fixture.fake.now_ms));
    peer_part_encode(&batch, 99, BYTES_LIT("of a later version"));
    peer_part_encode(&batch, PEER_PART_REVOKED, BYTES_OF(revoked));
    push();
    ck_assert_uint_eq(records(), 2);
    ck_assert(snode_holds(snode, old.hash));
    ck_assert_uint_eq(snode_held_for(snode, &here), 2);
    ck_assert_uint_eq(fake_env_traces(&fixture.fake, TRACE_REVOKED), 1);
    push();
    ck_assert_uint_eq(records(), 2);
    ck_assert_uint_eq(fake_env_traces(&fixture.fake, TRACE_REVOKED), 1);
    ck_assert_uint_eq(fake_env_traces(&fixture.fake, TRACE_REPLICA_REFUSED), 0);
    fake_env_advance_ms(&fixture.fake, 60001);
    ck_assert(snode_holds(snode, old.hash));
    ck_assert_uint_eq(snode_held_for(snode, &here), 1);
    end_taking();
}
END_TEST

/* Only a node that is known is believed; broken framing makes the whole batch nothing. */
START_TEST(strangers_and_broken_batches_count_as_nothing)
{
    static const struct ed25519_public stranger = {{1, 2, 3}};

    start_taking();
    add_message(message_of_today("today", fixture.fake.now_ms));
    push_from(&stranger, 401);
    ck_assert_uint_eq(records(), 0);
    buf_byte(&batch, PEER_PART_MESSAGE);
    push();
    ck_assert_uint_eq(records(), 0);
    end_taking();
}
END_TEST

/* Times and proofs are checked; what does not decode is passed over, and the rest kept. */
START_TEST(bad_parts_are_passed_over)
{
    struct test_message old;
    struct account_id here = account_here(1);
    uint8_t revoked[sizeof(struct account_id) + SUBACCOUNT_TOKEN_BYTES + 1] = {ACCOUNT_PREFIX};
    int64_t now_ms;

    start_taking();
    now_ms = fixture.fake.now_ms;
    add_message(message_of_today("future", now_ms + LIMIT_FUTURE_MS + 1));
    add_message(message_of_today("over", now_ms - 60001));
    add_message(until(message_of_today("eternal", now_ms), now_ms + LIMIT_TTL_PRIVATE_MS_MAX + LIMIT_FUTURE_MS + 1));
    make_message(&old, &here, (uint64_t)now_ms, 60000, "aGVsbG8=");
    old.hash[5] ^= 1;
    add_message(body_of(&fixture.bodies, &old));
    peer_part_encode(&batch, PEER_PART_MESSAGE, BYTES_LIT("short"));
    peer_part_encode(&batch, PEER_PART_REVOKED, BYTES_OF(revoked));
    peer_part_encode(&batch, PEER_PART_REVOKED, BYTES_LIT("short"));
    add_message(message_of_today("good", now_ms));
    push();
    ck_assert_uint_eq(records(), 1);
    ck_assert_uint_eq(fake_env_traces(&fixture.fake, TRACE_REPLICA_REFUSED), 4);
    ck_assert_uint_eq(fake_env_traces(&fixture.fake, TRACE_REVOKED), 0);
    end_taking();
}
END_TEST

TEST_MAIN("handover", a_new_member_gets_everything, a_new_swarm_gets_what_is_its_own, a_dissolved_swarm_is_salvaged,
          parts_are_kept, strangers_and_broken_batches_count_as_nothing, bad_parts_are_passed_over)
