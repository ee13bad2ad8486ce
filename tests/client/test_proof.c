#include "tests/support/check_main.h"

#include <string.h>

#include "client/client_state.h"
#include "client/proof.h"
#include "common/pow.h"
#include "common/text.h"
#include "tests/support/fake_swarm.h"

static struct fake_swarm net;
static struct client *client;
static const struct account_id recipient = {.bytes = {ACCOUNT_PREFIX, 7}};

static void start(const struct crypto_suite *suite)
{
    fake_swarm_init(&net, 3, 1);
    net.preset.suite = suite;
    client = fake_swarm_client(&net, 1);
}

static void stop(void)
{
    client_free(client);
    fake_swarm_fini(&net);
}

static enum err make(struct proof *proof)
{
    return proof_start(client, &recipient, TTL_FRIEND_REQUEST_MS, BYTES_LIT("aGVsbG8="), proof);
}

/* The request has what a node needs to find the proof good, at the client's difficulty. */
START_TEST(nodes_accept_it)
{
    const struct crypto_suite *suites[] = {&crypto_real, &crypto_modelled};
    for (size_t i = 0; i < 2; i++) {
        struct proof proof = {0};
        struct rpc_call call;
        struct rpc_store store;
        const char *why;
        uint8_t payload_hash[64], nonce[8], hash[64];
        size_t len = sizeof nonce;
        uint64_t target;
        start(suites[i]);
        client->difficulty = 3;
        ck_assert_int_eq(make(&proof), OK);
        ck_assert_uint_eq(proof.difficulty, 3);
        ck_assert_int_eq(rpc_call_decode(blob_bytes(proof.body), &call, &why), OK);
        ck_assert(bytes_equal_text(call.method, "store"));
        ck_assert_int_eq(rpc_store_decode(call.params, &store, &why), OK);
        ck_assert(bytes_equal_text(store.ttl, "345600000"));
        ck_assert(bytes_equal_text(store.timestamp, "1567296000000"));
        ck_assert(bytes_equal_text(store.data, "aGVsbG8="));
        struct bytes parts[] = {store.timestamp, store.ttl, store.pubkey, store.data};
        pow_payload_hash(parts, 4, payload_hash);
        ck_assert_int_eq(pow_target(&target, 13 + 9 + 66 + 8, TTL_FRIEND_REQUEST_MS, 3), OK);
        ck_assert_int_eq(base64_decode(nonce, &len, store.nonce), OK);
        ck_assert(suites[i]->pow_check(payload_hash, target, nonce, hash));
        ck_assert(memcmp(hash, proof.hash, sizeof hash) == 0);
        rpc_call_free(&call);
        blob_drop(proof.body);
        stop();
    }
}
END_TEST

/* What is charged is drawn, and the same with both suites. */
START_TEST(charge_is_drawn)
{
    uint64_t trials[2];
    for (size_t i = 0; i < 2; i++) {
        struct proof proof = {0};
        start(i == 0 ? &crypto_real : &crypto_modelled);
        ck_assert_int_eq(make(&proof), OK);
        trials[i] = proof.trials;
        ck_assert_uint_eq(net.fake.charged[COST_POW_TRIAL], proof.trials);
        ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_POW)->n[0], proof.trials);
        blob_drop(proof.body);
        stop();
    }
    ck_assert_uint_eq(trials[0], trials[1]);
    ck_assert_uint_gt(trials[0], 0);
}
END_TEST

/* As many trials as fit 60 s are made, one more is not; nothing is charged then. */
START_TEST(sixty_seconds_at_most)
{
    struct proof proof = {0};
    start(&crypto_modelled);
    ck_assert_int_eq(make(&proof), OK);
    uint32_t per_s = (uint32_t)((proof.trials + 59) / 60);
    blob_drop(proof.body);
    stop();

    start(&crypto_modelled);
    net.preset.trials_per_s = per_s;
    ck_assert_int_eq(make(&proof), OK);
    blob_drop(proof.body);
    stop();

    start(&crypto_modelled);
    net.preset.trials_per_s = per_s - 1;
    ck_assert_int_eq(make(&proof), ERR_TIMEOUT);
    ck_assert_uint_eq(net.fake.charged[COST_POW_TRIAL], 0);
    stop();
}
END_TEST

/* A difficulty beyond all numbers is a timeout too. */
START_TEST(absurd_difficulty)
{
    struct proof proof = {0};
    start(&crypto_real);
    client->difficulty = UINT64_C(1) << 53;
    ck_assert_int_eq(make(&proof), ERR_TIMEOUT);
    client->difficulty = UINT64_MAX;
    ck_assert_int_eq(make(&proof), ERR_TIMEOUT);
    stop();
}
END_TEST

static enum err go_on(struct proof *proof)
{
    return proof_go_on(client, &recipient, TTL_FRIEND_REQUEST_MS, BYTES_LIT("aGVsbG8="), proof);
}

/* In slices the search finds what it finds at once, after as many trials as the nonce says; the time stays that of the
 * start. */
START_TEST(slices_find_the_same)
{
    struct proof at_once = {0}, sliced = {0};
    uint32_t slices = 1;
    start(&crypto_real);
    client->difficulty = 5;
    ck_assert_int_eq(make(&at_once), OK);
    net.preset.trials_per_slice = 10;
    ck_assert_int_eq(make(&sliced), OK);
    for (; sliced.body == NULL; slices++) {
        fake_env_advance_ms(&net.fake, 1);
        ck_assert_int_eq(go_on(&sliced), OK);
    }
    ck_assert_uint_gt(slices, 1);
    ck_assert_uint_eq((sliced.trials + 9) / 10, slices);
    ck_assert(memcmp(sliced.hash, at_once.hash, sizeof sliced.hash) == 0);
    ck_assert(bytes_equal(blob_bytes(sliced.body), blob_bytes(at_once.body)));
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_POW)->n[0], sliced.trials);
    blob_drop(sliced.body);
    blob_drop(at_once.body);
    stop();
}
END_TEST

/* As many trials as fit 60 s, then it ends. */
START_TEST(slices_end)
{
    struct proof proof = {0};
    enum err err;
    start(&crypto_real);
    client->difficulty = 1000000000; /* a search of hours */
    net.preset.trials_per_slice = 100;
    net.preset.trials_per_s = 10;
    err = make(&proof);
    while (err == OK && proof.body == NULL)
        err = go_on(&proof);
    ck_assert_int_eq(err, ERR_TIMEOUT);
    ck_assert_uint_eq(proof.trials, 600);
    stop();
}
END_TEST

TEST_MAIN("proof", nodes_accept_it, charge_is_drawn, sixty_seconds_at_most, absurd_difficulty, slices_find_the_same,
          slices_end)
