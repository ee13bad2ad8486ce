#include "tests/support/check_main.h"

#include <string.h>

#include "client/client_state.h"
#include "client/outbox.h"
#include "client/path.h"
#include "client/swarm_cache.h"
#include "common/text.h"
#include "tests/support/fake_swarm.h"

static struct fake_swarm net;
static struct client *alice, *bob;
static const struct sent *sent;

static void start(uint32_t nodes, uint32_t swarms)
{
    fake_swarm_init(&net, nodes, swarms);
    alice = fake_swarm_client(&net, 1);
    bob = fake_swarm_client(&net, 2);
}

static void stop(void)
{
    fake_env_run(&net.fake);
    client_free(alice);
    client_free(bob);
    fake_env_check(&net.fake);
    fake_swarm_fini(&net);
}

/* Whatever it says: what is sent here are bytes. */
static void befriend(void)
{
    struct contact *contact = contact_get(alice, client_account(bob));
    struct blob *data = blob_copy(BYTES_LIT("SGkgQm9iLCB0aGlzIGlzIEFsaWNl"));
    struct outgoing *outgoing;

    ck_assert_int_eq(
        outbox_add(contact, OUTGOING_REQUEST, ENVELOPE_FRIEND_REQUEST, contact_timestamp(contact), data, &outgoing),
        OK);
    sent = &outgoing->sent;
    blob_drop(data);
}

static size_t stores(void)
{
    return fake_swarm_logged(&net, "store");
}

static const struct fake_log *store(size_t n)
{
    return fake_swarm_log(&net, "store", n);
}

/* All of bob's swarm answer `store` like that, so many times each. */
static void force_swarm(uint16_t status, const char *body, uint32_t times)
{
    for (uint32_t i = 0; i < net.membership.node_count; i++) {
        if (!fake_swarm_serves(&net, i, client_account(bob)))
            continue;
        net.nodes[i].forced_method = "store";
        net.nodes[i].forced_status = status;
        net.nodes[i].forced_body = body;
        net.nodes[i].forced_times = times;
    }
}

static uint32_t cached(void)
{
    return (uint32_t)client_cached_swarm(alice, client_account(bob), NULL, 0);
}

/* How often a state was entered. */
static size_t states(enum send_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < net.fake.trace_count; i++)
        count += net.fake.traces[i].kind == TRACE_SEND_STATE && net.fake.traces[i].n[2] == state;
    return count;
}

/* Three different random nodes of the swarm get the same bytes under the same proof. */
START_TEST(three_nodes_store_it)
{
    uint32_t met = 0;
    start(21, 3);
    befriend();
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_STORED);
    ck_assert_int_eq(sent->err, OK);
    ck_assert_uint_eq(sent->stored_count, 3);
    ck_assert_uint_eq(stores(), 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(fake_swarm_serves(&net, store(i)->target, client_account(bob)));
        ck_assert_str_eq(store(i)->nonce, store(0)->nonce);
        ck_assert_uint_eq(store(i)->data_digest, store(0)->data_digest);
        for (size_t j = 0; j < i; j++)
            ck_assert_uint_ne(store(i)->target, store(j)->target);
        for (size_t h = 0; h < LIMIT_PATH_NODES; h++)
            ck_assert_uint_ne(store(i)->path[h], store(i)->target);
        struct bytes hex = hex_text(net.fake.env.arena, BYTES_OF(sent->hash));
        ck_assert(bytes_equal_text(hex, net.nodes[store(i)->target].stored[0].hash));
    }
    ck_assert_uint_gt(sent->trials, 0);
    ck_assert_uint_eq(states(SEND_PROVING), 1);
    ck_assert_uint_eq(states(SEND_STORING), 1);
    ck_assert_uint_eq(states(SEND_STORED), 1);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_SEND_STORED), 3);

    /* Shuffled for every message: in the long run the whole swarm is used. */
    for (int i = 0; i < 20; i++) {
        befriend();
        fake_swarm_run(&net);
    }
    for (size_t i = 0; i < stores(); i++)
        met |= 1u << store(i)->target;
    uint32_t swarm = 0;
    for (uint32_t i = 0; i < 21; i++)
        swarm |= (uint32_t)fake_swarm_serves(&net, i, client_account(bob)) << i;
    ck_assert_uint_eq(met, swarm);
    /* The swarm was asked for once. */
    size_t lookups = 0;
    for (size_t i = 0; i < fake_swarm_logged(&net, "get_snodes_for_pubkey"); i++)
        lookups += fake_swarm_log(&net, "get_snodes_for_pubkey", i)->path[0] != UINT32_MAX;
    ck_assert_uint_eq(lookups, 1);
    stop();
}
END_TEST

/* The first success counts, while the others are still on their way. */
START_TEST(first_success_counts)
{
    start(21, 3);
    befriend();
    fake_swarm_run(&net);
    force_swarm(500, "", 1);
    for (uint32_t i = 0; i < 21; i++)
        if (fake_swarm_serves(&net, i, client_account(bob)))
            net.nodes[i].forced_times = i < 12 ? 2 : 0; /* some need three attempts: 1.5 s */
    befriend();
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_STORED);
    ck_assert_uint_lt(sent->stored_count, 3);
    ck_assert(client_busy(alice));
    client_forget_sent(alice, 2);
    ck_assert_ptr_nonnull(client_sent(alice, 2));
    fake_swarm_run_ms(&net, 1500);
    ck_assert_uint_eq(sent->stored_count, 3);
    ck_assert(!client_busy(alice));
    stop();
}
END_TEST

/* A node gets three attempts, n x 500 ms apart; then it leaves the cached swarm and the next one is tried. */
START_TEST(bad_node_is_left)
{
    start(21, 3);
    net.preset.node_failures = 100;
    befriend();
    fake_swarm_run(&net);
    uint32_t bad = store(0)->target;
    ck_assert_uint_eq(cached(), 7);
    net.nodes[bad].forced_method = "store";
    net.nodes[bad].forced_status = 503;
    net.nodes[bad].forced_times = UINT32_MAX;
    while (true) { /* until it is among the three */
        size_t before = stores();
        befriend();
        fake_swarm_run(&net);
        size_t asked = 0;
        for (size_t i = before; i < stores(); i++)
            asked += store(i)->target == bad;
        if (asked == 0)
            continue;
        ck_assert_uint_eq(asked, 1);
        ck_assert_uint_eq(sent->stored_count, 2);
        fake_swarm_run_ms(&net, 1499);
        ck_assert_uint_eq(sent->stored_count, 2);
        ck_assert_uint_eq(cached(), 7);
        fake_swarm_run_ms(&net, 1);
        ck_assert_uint_eq(sent->stored_count, 3);
        ck_assert_uint_eq(cached(), 6);
        ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_SWARM_DROPPED)->n[1], CAUSE_UNREACHABLE);
        break;
    }
    stop();
}
END_TEST

/* Nobody stores it: each node three times, one refresh, the list again; that three times a second apart, then failed.
 */
START_TEST(ran_out_of_swarm_nodes)
{
    start(21, 3);
    net.preset.node_failures = UINT32_MAX;
    net.preset.path_failures = UINT32_MAX;
    befriend();
    force_swarm(500, "", UINT32_MAX);
    fake_swarm_run_ms(&net, 60000);
    ck_assert_int_eq(sent->state, SEND_FAILED);
    ck_assert_int_eq(sent->err, ERR_NOT_FOUND);
    ck_assert_uint_eq(sent->stored_count, 0);
    /* Three attempts at each of seven nodes; at six more once the list was refreshed (the seventh was being asked
     * then); and at all seven in each of two more tries. */
    ck_assert_uint_eq(stores(), 3 * (7 + 6 + 7 + 7));
    ck_assert_uint_eq(states(SEND_QUEUED), 2);
    ck_assert_uint_eq(states(SEND_PROVING), 1); /* one proof is good for all of it */
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_POW), 1);
    ck_assert(!client_busy(alice));
    client_forget_sent(alice, 1);
    ck_assert_ptr_null(client_sent(alice, 1));
    stop();
}
END_TEST

/* The second or third try of the whole message may succeed, and with the first proof. */
START_TEST(later_try_succeeds)
{
    start(21, 3);
    net.preset.node_failures = UINT32_MAX;
    befriend();
    force_swarm(403, "Provided TTL is not valid.", 2); /* no second attempt at a node; twice over the list */
    fake_swarm_run_ms(&net, 999);
    ck_assert_int_eq(sent->state, SEND_QUEUED);
    ck_assert_uint_eq(stores(), 14);
    fake_swarm_run_ms(&net, 1);
    ck_assert_int_eq(sent->state, SEND_STORED);
    ck_assert_uint_eq(sent->stored_count, 3);
    ck_assert_str_eq(store(0)->nonce, store(stores() - 1)->nonce);
    stop();
}
END_TEST

/* 421 with another list: the cache is the new one, and the message goes there. */
START_TEST(moved_swarm_is_followed)
{
    start(21, 3);
    befriend();
    fake_swarm_run(&net);
    size_t lookups = fake_swarm_logged(&net, "get_snodes_for_pubkey"), before = stores();
    fake_swarm_assign(&net, 3, 1); /* all nodes have changed swarms */
    befriend();
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_STORED);
    ck_assert_uint_eq(sent->stored_count, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert(fake_swarm_serves(&net, fake_swarm_by_key(&net, &sent->stored_at[i]), client_account(bob)));
    ck_assert_uint_eq(stores() - before, 6); /* three refusals */
    ck_assert_uint_eq(fake_swarm_logged(&net, "get_snodes_for_pubkey"), lookups);
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_SWARM_LEARNED)->n[1], CAUSE_WRONG_SWARM);
    stop();
}
END_TEST

/* 421 that says nothing new: that node goes, and the swarm is asked for once, not for every such answer. */
START_TEST(useless_421_refreshes_once)
{
    start(21, 3);
    befriend();
    fake_swarm_run(&net);
    size_t lookups = fake_swarm_logged(&net, "get_snodes_for_pubkey");
    force_swarm(421, "{\"snodes\":[]}", 1);
    befriend();
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_STORED);
    ck_assert_uint_eq(fake_swarm_logged(&net, "get_snodes_for_pubkey") - lookups, 1);
    stop();
}
END_TEST

/* Two parties that name each other's nodes do not make us go round for ever. */
START_TEST(contradicting_lists_end)
{
    struct buf odd, even;
    start(20, 2);
    net.preset.node_failures = UINT32_MAX;
    befriend();
    buf_init(&odd, LIMIT_BODY_BYTES);
    buf_init(&even, LIMIT_BODY_BYTES);
    rpc_snodes_encode(&even, &net.membership, &net.swarms[0]);
    rpc_snodes_encode(&odd, &net.membership, &net.swarms[1]);
    buf_byte(&odd, 0);
    buf_byte(&even, 0);
    for (uint32_t i = 0; i < 20; i++) {
        net.nodes[i].forced_method = "store";
        net.nodes[i].forced_status = 421;
        net.nodes[i].forced_body = (const char *)(i % 2 == 0 ? odd.data : even.data);
        net.nodes[i].forced_times = UINT32_MAX;
    }
    fake_swarm_run_ms(&net, 10000);
    ck_assert_int_eq(sent->state, SEND_FAILED);
    ck_assert_int_eq(sent->err, ERR_NOT_FOUND);
    ck_assert_uint_lt(stores(), 200);
    buf_fini(&odd);
    buf_fini(&even);
    stop();
}
END_TEST

/* 432: the difficulty is remembered, and the whole send starts over: another time, another nonce, the same envelope. */
START_TEST(difficulty_is_met)
{
    start(21, 3);
    net.difficulty = 20;
    befriend();
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_STORED);
    ck_assert_uint_eq(sent->stored_count, 3);
    ck_assert_uint_eq(alice->difficulty, 20);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_POW), 2);
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_POW)->n[1], 20);
    ck_assert_uint_eq(states(SEND_PROVING), 2);
    const struct fake_log *last = store(stores() - 1);
    ck_assert_uint_eq(store(0)->status, 432);
    ck_assert_str_ne(store(0)->nonce, last->nonce);
    ck_assert_uint_eq(store(0)->data_digest, last->data_digest);

    net.difficulty = 2; /* a 200 tells of it as well, for the next message */
    befriend();
    fake_swarm_run(&net);
    ck_assert_uint_eq(alice->difficulty, 2);
    stop();
}
END_TEST

/* A new proof has a new time. */
START_TEST(new_proof_new_time)
{
    start(21, 3);
    befriend();
    fake_swarm_run(&net);
    net.difficulty = 20;
    size_t before = stores();
    befriend();
    fake_env_advance_ms(&net.fake, 5); /* proven and sent, but not answered yet */
    fake_swarm_run(&net);
    const struct fake_log *first = store(before), *last = store(stores() - 1);
    ck_assert_uint_eq(first->status, 432);
    ck_assert_uint_eq(last->status, 200);
    ck_assert_str_ne(first->timestamp, last->timestamp);
    ck_assert_uint_eq(sent->timestamp_ms, FAKE_EPOCH_MS + 1); /* of the envelope: it stays */
    stop();
}
END_TEST

/* A difficulty that takes over a minute ends the message before any search, and does not spoil the next one. */
START_TEST(absurd_difficulty_fails)
{
    start(21, 3);
    befriend();
    force_swarm(432, "{\"difficulty\":1000000000}", 1);
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_FAILED);
    ck_assert_int_eq(sent->err, ERR_TIMEOUT);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_POW), 1);
    force_swarm(0, NULL, 0);
    befriend();
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_STORED);
    stop();
}
END_TEST

/* A node that refuses a good proof, or raises the price for ever, is left like any other bad node. */
START_TEST(endless_432_ends)
{
    start(21, 3);
    net.preset.node_failures = UINT32_MAX;
    befriend();
    force_swarm(432, "{\"difficulty\":1}", 1);
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_STORED);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_POW), 1);
    stop();

    start(21, 3);
    net.preset.suite = &crypto_modelled;
    befriend();
    static const char *prices[] = {"{\"difficulty\":2}", "{\"difficulty\":3}", "{\"difficulty\":4}",
                                   "{\"difficulty\":5}", "{\"difficulty\":6}", "{\"difficulty\":7}"};
    fake_env_run(&net.fake);
    for (size_t i = 0; i < 60 && sent->state != SEND_FAILED; i++) {
        force_swarm(432, prices[i < 6 ? i : 5], UINT32_MAX);
        size_t proofs = fake_env_traces(&net.fake, TRACE_POW);
        for (size_t step = 0; step < 100000 && fake_env_traces(&net.fake, TRACE_POW) == proofs; step++) {
            if (sent->state == SEND_FAILED)
                break;
            fake_swarm_run_ms(&net, 1);
        }
    }
    ck_assert_int_eq(sent->state, SEND_FAILED);
    ck_assert_uint_le(fake_env_traces(&net.fake, TRACE_POW), 1 + LIMIT_PROOF_RESTARTS);
    stop();
}
END_TEST

/* 406: our clock is wrong, and no other node will say otherwise. */
START_TEST(wrong_clock_stops)
{
    start(21, 3);
    befriend();
    force_swarm(406, "Timestamp error: check your clock", UINT32_MAX);
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_FAILED);
    ck_assert_int_eq(sent->err, ERR_CLOCK);
    ck_assert_uint_le(stores(), 3);
    ck_assert(!client_busy(alice));
    stop();
}
END_TEST

/* One node that has it outweighs another's 406 or 432. */
START_TEST(success_outweighs_refusals)
{
    const uint16_t statuses[] = {406, 432};
    for (size_t s = 0; s < 2; s++) {
        start(21, 3);
        befriend();
        fake_swarm_run(&net);
        size_t before = net.fake.call_count;
        befriend();
        fake_env_run(&net.fake);
        ck_assert_uint_eq(net.fake.call_count, before + 3);
        /* Let one succeed, then all others refuse. */
        force_swarm(0, NULL, 0);
        ck_assert(fake_swarm_run_one(&net));
        ck_assert_uint_eq(sent->stored_count, 1);
        force_swarm(statuses[s], "{\"difficulty\":50}", UINT32_MAX);
        fake_swarm_run(&net);
        ck_assert_int_eq(sent->state, SEND_STORED);
        ck_assert_uint_eq(sent->stored_count, 1);
        ck_assert(!client_busy(alice));
        ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_POW), 2);
        stop();
    }
}
END_TEST

/* A swarm of two: both get it; the third connection asks once more and gives up. */
START_TEST(small_swarm_is_enough)
{
    start(20, 10);
    befriend();
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_STORED);
    ck_assert_uint_eq(sent->stored_count, 2);
    ck_assert_uint_eq(stores(), 2);
    ck_assert(!client_busy(alice));
    stop();
}
END_TEST

/* No seed: three tries of the whole message, each of which asks it three times; then the reason. */
START_TEST(no_network)
{
    start(21, 3);
    net.seed_down = true;
    befriend();
    fake_swarm_run_ms(&net, 76999);
    ck_assert_int_eq(sent->state, SEND_QUEUED);
    fake_swarm_run_ms(&net, 1);
    ck_assert_int_eq(sent->state, SEND_FAILED);
    ck_assert_int_eq(sent->err, ERR_UNREACHABLE);
    ck_assert_uint_eq(net.fake.call_count, 9);
    ck_assert(!client_busy(alice));
    stop();
}
END_TEST

/* A client may end at any moment of a send; what it held is freed, and the env is left alone. */
START_TEST(crash_at_any_moment)
{
    for (size_t answers = 0; answers < 12; answers++) {
        start(21, 3);
        befriend();
        for (size_t i = 0; i < answers; i++)
            fake_swarm_run_one(&net);
        fake_env_crash(&net.fake);
        stop();
    }
}
END_TEST

/* A search in slices goes through the loop between them, and ends with what it found. */
START_TEST(searched_in_slices)
{
    start(21, 3);
    net.preset.trials_per_slice = 1;
    befriend();
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_STORED);
    ck_assert_uint_eq(sent->stored_count, 3);
    ck_assert_uint_gt(sent->trials, 1);
    ck_assert_uint_eq(states(SEND_PROVING), 1);
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_POW)->n[0], sent->trials);
    stop();
}
END_TEST

/* One that takes longer than 60 s of a device fails, and the next message is proved for less. */
START_TEST(slices_give_up)
{
    start(21, 3);
    net.preset.trials_per_slice = 1;
    net.preset.trials_per_s = 1;
    alice->difficulty = 1000000;
    befriend();
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_FAILED);
    ck_assert_int_eq(sent->err, ERR_TIMEOUT);
    ck_assert_uint_eq(alice->difficulty, 1);
    stop();
}
END_TEST

TEST_MAIN("send", three_nodes_store_it, first_success_counts, bad_node_is_left, ran_out_of_swarm_nodes,
          later_try_succeeds, moved_swarm_is_followed, useless_421_refreshes_once, contradicting_lists_end,
          difficulty_is_met, new_proof_new_time, absurd_difficulty_fails, endless_432_ends, wrong_clock_stops,
          success_outweighs_refusals, small_swarm_is_enough, no_network, crash_at_any_moment, searched_in_slices,
          slices_give_up)
