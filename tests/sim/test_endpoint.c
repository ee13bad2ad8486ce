/* The promises of env.h, one by one: calls, crashes, chance; and what the digest covers. */
#include "sim/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "tests/support/check_main.h"
#include "tests/support/puppets.h"

/* ---- calls ---- */

/* There and back is twice the way; `done` runs once, and never inside env_call. */
START_TEST(a_call_is_answered)
{
    puppets_begin(serve_ok);
    world_enter(puppet_world, CALLER, make_call, NULL);
    run_to_ms(2 * WAY_MS);
    ck_assert_uint_eq(puppets[CALLER].done_count, 0);
    ck_assert_int_eq(puppets[CALLEE].request_ms, WAY_MS);
    run_to_ms(3000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_OK);
    ck_assert_uint_eq(puppets[CALLER].status, 200);
    ck_assert_str_eq(puppets[CALLER].answer, "yes");
    ck_assert_int_eq(puppets[CALLER].done_ms, 2 * WAY_MS);
    ck_assert_uint_eq(puppets[CALLER].call.slot, 0);
    puppets_end();
}
END_TEST

static void serve_look(struct puppet *puppet, struct incoming *incoming)
{
    static const char long_path[] = "/this/path/is/much/longer/than/what/a/parcel/holds/inside/and/goes/elsewhere";
    struct header header = {BYTES_LIT("X-Answer"), BYTES_LIT("42")};
    struct message message = {.status = 201, .content = CONTENT_BINARY, .headers = &header, .header_count = 1};

    ck_assert(address_equal(incoming->from, address_at(CALLER)));
    ck_assert_ptr_nonnull(incoming->peer_key);
    ck_assert_uint_eq(incoming->peer_key->bytes[0], 1);
    ck_assert_int_eq(incoming->in.verb, VERB_POST);
    ck_assert_int_eq(incoming->in.content, CONTENT_JSON);
    ck_assert(bytes_equal_text(incoming->in.path, long_path));
    ck_assert_uint_eq(incoming->in.header_count, 1);
    ck_assert(bytes_equal_text(incoming->in.headers[0].name, "X-Question"));
    ck_assert(bytes_equal_text(incoming->in.headers[0].value, "six by nine"));
    ck_assert(bytes_equal_text(blob_bytes(incoming->in.body), "body"));
    message.body = incoming->in.body;
    env_answer(puppet->env, incoming, &message);
}

static void on_look_done(struct call *call)
{
    ck_assert_uint_eq(call->in.status, 201);
    ck_assert_uint_eq(call->in.header_count, 1);
    ck_assert(bytes_equal_text(call->in.headers[0].name, "X-Answer"));
    ck_assert_int_eq(call->in.content, CONTENT_BINARY);
    puppet_done(call);
}

static void make_whole_call(void *machine, void *owner)
{
    struct puppet *puppet = machine;
    char path[] = "/this/path/is/much/longer/than/what/a/parcel/holds/inside/and/goes/elsewhere";
    char value[] = "six by nine";
    struct header header = {BYTES_LIT("X-Question"), bytes_text(value)};
    struct blob *body = blob_copy(BYTES_LIT("body"));

    puppet->call = (struct call){.to = address_at(CALLEE), .timeout_ms = 1000};
    puppet->call.out = (struct message){.verb = VERB_POST,
                                        .content = CONTENT_JSON,
                                        .path = bytes_text(path),
                                        .headers = &header,
                                        .header_count = 1,
                                        .body = body};
    env_call(puppet->env, &puppet->call, on_look_done);
    memset(path, 0, sizeof(path));
    memset(value, 0, sizeof(value));
    if (owner == NULL)
        blob_drop(body);
    else
        *(struct blob **)owner = body;
}

/* All of a message comes over, whatever the caller does with its own afterwards, and whether it keeps the body or not.
 */
START_TEST(whole_messages_come_over)
{
    struct blob *kept;

    puppets_begin(serve_look);
    world_enter(puppet_world, CALLER, make_whole_call, NULL);
    run_to_ms(100);
    ck_assert_str_eq(puppets[CALLER].answer, "body");
    world_enter(puppet_world, CALLER, make_whole_call, &kept);
    run_to_ms(200);
    ck_assert_uint_eq(puppets[CALLER].done_count, 2);
    ck_assert_str_eq(puppets[CALLER].answer, "body");
    ck_assert_uint_eq(kept->keepers, 1);
    blob_drop(kept);
    puppets_end();
}
END_TEST

/* One who passes on what it is answered, as a relay does. The one it asks writes down where its body lies. */
static const uint8_t *body_at;

static void on_passed_on(struct call *call)
{
    struct puppet *puppet = puppet_of_call(call);

    env_answer(puppet->env, puppet->held, &call->in);
}

static void serve_pass_on(struct puppet *puppet, struct incoming *incoming)
{
    puppet->held = incoming;
    puppet->call = (struct call){.to = address_at(OTHER), .timeout_ms = 1000};
    puppet->call.out = (struct message){.verb = VERB_POST, .path = BYTES_LIT("/x")};
    env_call(puppet->env, &puppet->call, on_passed_on);
}

static void serve_body(struct puppet *puppet, struct incoming *incoming)
{
    struct blob *body = blob_copy(BYTES_LIT("passed on"));

    body_at = body->data;
    env_answer(puppet->env, incoming, &(struct message){.status = 200, .content = CONTENT_TEXT, .body = body});
    blob_drop(body);
}

static void on_same_body(struct call *call)
{
    ck_assert_ptr_eq(call->in.body->data, body_at);
    puppet_done(call);
}

static void ask_for_body(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    (void)owner;
    puppet->call = (struct call){.to = address_at(CALLEE), .timeout_ms = 1000};
    puppet->call.out = (struct message){.verb = VERB_POST, .path = BYTES_LIT("/x")};
    env_call(puppet->env, &puppet->call, on_same_body);
}

/* An answer that is passed on, from shard to shard too, is the same bytes at the same place: nobody copies it. */
START_TEST(an_answer_passed_on_is_not_copied)
{
    puppets_begin(serve_pass_on);
    puppets[OTHER].serve = serve_body;
    world_enter(puppet_world, CALLER, ask_for_body, NULL);
    run_to_ms(100);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_str_eq(puppets[CALLER].answer, "passed on");
    puppets_end();
}
END_TEST

static void call_nobody(void *machine, void *owner)
{
    (void)owner;
    call_address(machine, NOBODY, 1000);
}

/* Where nobody lives, or a machine is down, a call is refused; not at once, but long before its time-out. */
START_TEST(empty_seats_refuse)
{
    puppets_begin(serve_ok);
    world_enter(puppet_world, CALLER, call_nobody, NULL);
    ck_assert_uint_eq(puppets[CALLER].done_count, 0);
    run_to_ms(100);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_REFUSED);
    world_crash(puppet_world, CALLEE);
    world_enter(puppet_world, CALLER, make_call, NULL);
    run_to_ms(200);
    ck_assert_uint_eq(puppets[CALLER].done_count, 2);
    ck_assert_int_eq(puppets[CALLER].net, NET_REFUSED);
    ck_assert_int_eq(puppets[CALLER].done_ms, 100 + 2 * WAY_MS);
    puppets_end();
}
END_TEST

/* Time runs out at its millisecond and not before; then the callee is told, and what it says later is dropped. */
START_TEST(a_silent_callee_times_out)
{
    puppets_begin(serve_hold);
    world_enter(puppet_world, CALLER, make_call, NULL);
    run_to_ms(1000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 0);
    run_to_ms(1001);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_TIMEOUT);
    ck_assert_int_eq(puppets[CALLER].done_ms, 1000);
    ck_assert_uint_eq(puppets[CALLEE].gone_count, 0);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLEE].gone_count, 1);
    ck_assert_int_eq(puppets[CALLEE].gone_ms, 1000 + WAY_MS);
    puppets_end();
}
END_TEST

/* Without an on_gone the callee may answer a caller that has gone: nothing comes of it. */
START_TEST(an_answer_to_nobody_is_dropped)
{
    puppets_begin(serve_hold_blindly);
    world_enter(puppet_world, CALLER, make_call, NULL);
    run_to_ms(2000);
    ck_assert_ptr_nonnull(puppets[CALLEE].held);
    world_enter(puppet_world, CALLEE, answer_held, NULL);
    run_to_ms(3000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_TIMEOUT);
    puppets_end();
}
END_TEST

/* An answer that crosses the notice on its way finds the call ended. */
START_TEST(a_late_answer_is_dropped)
{
    puppets_begin(serve_hold);
    world_enter(puppet_world, CALLER, make_call, NULL);
    run_to_ms(998);
    world_enter(puppet_world, CALLEE, answer_held, NULL);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_TIMEOUT);
    ck_assert_uint_eq(puppets[CALLEE].gone_count, 0);
    puppets_end();
}
END_TEST

/* A cancelled call ends as cancelled, once and later, even if the answer is on its way; the callee is told. */
START_TEST(a_cancelled_call_ends_once)
{
    puppets_begin(serve_hold);
    world_enter(puppet_world, CALLER, make_call, NULL);
    run_to_ms(50);
    world_enter(puppet_world, CALLER, cancel_call, NULL);
    world_enter(puppet_world, CALLER, cancel_call, NULL);
    ck_assert_uint_eq(puppets[CALLER].done_count, 0);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_CANCELLED);
    ck_assert_int_eq(puppets[CALLER].done_ms, 50);
    ck_assert_int_eq(puppets[CALLEE].gone_ms, 50 + WAY_MS);
    puppets[CALLEE].serve = serve_ok;
    world_enter(puppet_world, CALLER, make_call, NULL);
    run_to_ms(2000 + WAY_MS + 1);
    world_enter(puppet_world, CALLER, cancel_call, NULL);
    run_to_ms(4000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 2);
    ck_assert_int_eq(puppets[CALLER].net, NET_CANCELLED);
    world_enter(puppet_world, CALLER, cancel_call, NULL);
    run_to_ms(5000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 2);
    puppets_end();
}
END_TEST

static void call_and_cancel(void *machine, void *owner)
{
    make_call(machine, owner);
    cancel_call(machine, owner);
}

/* What a handler makes and takes back never leaves. */
START_TEST(a_call_taken_back_never_leaves)
{
    puppets_begin(serve_ok);
    world_enter(puppet_world, CALLER, call_and_cancel, NULL);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_CANCELLED);
    ck_assert_uint_eq(puppets[CALLEE].request_count, 0);
    puppets_end();
}
END_TEST

/* A notice never overtakes its request: here the request leaves late, after its handler's charges, and the notice at
 * once. */
static void call_slowly(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    make_call(machine, owner);
    env_charge(puppet->env, COST_REQUEST, 40);
}

START_TEST(a_notice_does_not_overtake_its_request)
{
    puppets_begin(serve_hold);
    world_enter(puppet_world, CALLER, call_slowly, NULL);
    run_to_ms(1);
    world_crash(puppet_world, CALLER);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLEE].request_count, 1);
    ck_assert_int_eq(puppets[CALLEE].request_ms, 40 + WAY_MS);
    ck_assert_uint_eq(puppets[CALLEE].gone_count, 1);
    ck_assert_int_eq(puppets[CALLEE].gone_ms, 40 + WAY_MS);
    puppets_end();
}
END_TEST

/* Calls of many lengths run out in the order of their deadlines, each at its own. */
struct many {
    struct call call;
    struct puppet *puppet;
    int64_t done_ms;
};
#define MANY 40

static void on_many_done(struct call *call)
{
    struct many *many = CONTAINER_OF(call, struct many, call);

    ck_assert_int_eq(call->net, NET_TIMEOUT);
    many->done_ms = puppet_now_ms(many->puppet);
}

static void make_many_calls(void *machine, void *owner)
{
    struct many *many = owner;

    for (uint32_t i = 0; i < MANY; i++) {
        many[i] = (struct many){.puppet = machine, .call = {.to = address_at(CALLEE), .timeout_ms = 100 + i % 20 * 10}};
        many[i].call.out.path = BYTES_LIT("/");
        env_call(many[i].puppet->env, &many[i].call, on_many_done);
    }
}

START_TEST(each_call_has_its_own_time)
{
    static struct many many[2][MANY];

    puppets_begin(serve_hold_blindly);
    world_enter(puppet_world, CALLER, make_many_calls, many[0]);
    run_to_ms(7);
    world_enter(puppet_world, CALLER, make_many_calls, many[1]);
    run_to_ms(2000);
    for (uint32_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(many[0][i].done_ms, 100 + i % 20 * 10);
        ck_assert_int_eq(many[1][i].done_ms, 7 + 100 + i % 20 * 10);
    }
    puppets_end();
}
END_TEST

static unsigned refused;

static void on_flood_done(struct call *call)
{
    refused += call->net == NET_REFUSED;
}

static void flood(void *machine, void *owner)
{
    struct puppet *puppet = machine;
    struct call *calls = owner;

    for (uint32_t i = 0; i < LIMIT_CALLS + 2; i++) {
        calls[i] = (struct call){.to = address_at(CALLEE), .timeout_ms = 100};
        env_call(puppet->env, &calls[i], on_flood_done);
    }
}

/* A machine has so many connections and no more. */
START_TEST(calls_are_bounded)
{
    struct call *calls = xcalloc(LIMIT_CALLS + 2, sizeof(*calls));

    puppets_begin(serve_hold_blindly);
    refused = 0;
    world_enter(puppet_world, CALLER, flood, calls);
    run_to_ms(99);
    ck_assert_uint_eq(refused, 2);
    run_to_ms(101);
    ck_assert_uint_eq(refused, 2);
    puppets_end();
    free(calls);
}
END_TEST

/* ---- losses ---- */

/* A lost call is a time-out, and its callee never hears of it. */
START_TEST(a_lost_call_times_out)
{
    puppets_begin(serve_ok);
    world_drop_calls(puppet_world, CALLER, 1);
    world_enter(puppet_world, CALLER, make_call, NULL);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLEE].request_count, 0);
    ck_assert_int_eq(puppets[CALLER].net, NET_TIMEOUT);
    world_enter(puppet_world, CALLER, make_call, NULL);
    run_to_ms(4000);
    ck_assert_int_eq(puppets[CALLER].net, NET_OK);
    puppets_end();
}
END_TEST

/* Who is cut off is reached by nobody and reaches nobody; what arrives later is as before. */
START_TEST(a_cut_off_seat_is_silent)
{
    puppets_begin(serve_ok);
    for (uint32_t cut = CALLER; cut <= CALLEE; cut++) {
        unsigned requests = puppets[CALLEE].request_count;
        int64_t from_ms = world_now_ms(puppet_world);

        world_set_cut_off(puppet_world, cut, true);
        world_enter(puppet_world, CALLER, make_call, NULL);
        run_to_ms(from_ms + 2000);
        ck_assert_uint_eq(puppets[CALLEE].request_count, requests);
        ck_assert_int_eq(puppets[CALLER].net, NET_TIMEOUT);
        world_set_cut_off(puppet_world, cut, false);
        world_enter(puppet_world, CALLER, make_call, NULL);
        run_to_ms(from_ms + 4000);
        ck_assert_int_eq(puppets[CALLER].net, NET_OK);
    }
    puppets_end();
}
END_TEST

/* The answer of a callee that is cut off meanwhile is lost. */
START_TEST(a_lost_answer_times_out)
{
    puppets_begin(serve_ok);
    world_enter(puppet_world, CALLER, make_call, NULL);
    run_to_ms(WAY_MS + 1);
    ck_assert_uint_eq(puppets[CALLEE].request_count, 1);
    world_set_cut_off(puppet_world, CALLER, true);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_TIMEOUT);
    puppets_end();
}
END_TEST

/* ---- crashes ---- */

/* Callers of a machine that dies hear of it one delivery later, whether their request was being held or still waiting.
 */
START_TEST(a_dead_callee_resets)
{
    puppets_begin(serve_hold);
    world_enter(puppet_world, CALLER, make_call, NULL);
    run_to_ms(100);
    world_crash(puppet_world, CALLEE);
    ck_assert_uint_eq(puppets_freed, 1);
    run_to_ms(100 + WAY_MS);
    ck_assert_uint_eq(puppets[CALLER].done_count, 0);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_RESET);
    ck_assert_int_eq(puppets[CALLER].done_ms, 100 + WAY_MS);
    puppets_end();
}
END_TEST

static void on_any_timer(struct timer *timer)
{
    (void)timer;
    ck_abort_msg("a dead machine's timer has run");
}

static void start_everything(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    make_call(machine, owner);
    env_timer_start(puppet->env, &puppet->timers[0], 100, on_any_timer);
    env_disk_put(puppet->env, BYTES_LIT("k"), BYTES_LIT("v"));
    env_disk_sync(puppet->env, &puppet->sync, (disk_fn)NULL);
}

/* Nothing of a dead machine runs again, not even once another sits in its seat; its callees are told. */
START_TEST(a_dead_caller_is_silent)
{
    puppets_begin(serve_hold);
    world_enter(puppet_world, CALLER, start_everything, NULL);
    run_to_ms(1);
    world_crash(puppet_world, CALLER);
    ck_assert_ptr_eq(world_machine(puppet_world, CALLER), NULL);
    puppet_occupy(CALLER, serve_ok);
    run_to_ms(3000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 0);
    ck_assert_uint_eq(puppets[CALLEE].gone_count, 1);
    ck_assert_int_eq(puppets[CALLEE].gone_ms, 1 + WAY_MS);
    world_enter(puppet_world, CALLER, make_call, NULL);
    puppets[CALLEE].serve = serve_ok;
    run_to_ms(4000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    puppets_end();
}
END_TEST

static void draw(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    env_random(puppet->env, owner, 8);
}

/* A seat's random stream goes on after a restart, and another seat's draws leave it alone. */
START_TEST(random_streams_survive_a_restart)
{
    uint64_t whole[2], parts[2], other;

    puppets_begin(serve_ok);
    world_enter(puppet_world, CALLER, draw, &whole[0]);
    world_enter(puppet_world, CALLER, draw, &whole[1]);
    puppets_end();
    puppets_begin(serve_ok);
    world_enter(puppet_world, CALLER, draw, &parts[0]);
    world_enter(puppet_world, OTHER, draw, &other);
    world_crash(puppet_world, CALLER);
    puppet_occupy(CALLER, serve_ok);
    world_enter(puppet_world, CALLER, draw, &parts[1]);
    puppets_end();
    ck_assert_mem_eq(whole, parts, sizeof(whole));
    ck_assert_uint_ne(whole[0], whole[1]);
    ck_assert_uint_ne(whole[0], other);
}
END_TEST

/* ---- the digest ---- */

struct variation {
    int64_t later_us;
    const char *body;
};

static void call_with_body(void *machine, void *owner)
{
    struct puppet *puppet = machine;
    const struct variation *variation = owner;
    struct blob *body = blob_copy(bytes_text(variation->body));

    puppet->call = (struct call){.to = address_at(CALLEE), .timeout_ms = 1000};
    puppet->call.out = (struct message){.verb = VERB_POST, .path = BYTES_LIT("/x"), .body = body};
    env_call(puppet->env, &puppet->call, puppet_done);
    blob_drop(body);
}

static uint64_t digest_with(struct variation variation)
{
    uint64_t digest;

    puppets_begin(serve_ok);
    world_input_at(puppet_world, CALLER, 1000 + variation.later_us, call_with_body, &variation);
    run_to_ms(100);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    digest = world_digest(puppet_world);
    puppets_end();
    return digest;
}

/* One microsecond, or one bit of a body, is another digest. */
START_TEST(the_digest_covers_times_and_bytes)
{
    uint64_t digest = digest_with((struct variation){.body = "body"});

    ck_assert_uint_eq(digest_with((struct variation){.body = "body"}), digest);
    ck_assert_uint_ne(digest_with((struct variation){.later_us = 1, .body = "body"}), digest);
    ck_assert_uint_ne(digest_with((struct variation){.body = "bodz"}), digest);
}
END_TEST

TEST_MAIN("endpoint", a_call_is_answered, whole_messages_come_over, an_answer_passed_on_is_not_copied,
          empty_seats_refuse, a_silent_callee_times_out, an_answer_to_nobody_is_dropped, a_late_answer_is_dropped,
          a_cancelled_call_ends_once, a_call_taken_back_never_leaves, a_notice_does_not_overtake_its_request,
          each_call_has_its_own_time, calls_are_bounded, a_lost_call_times_out, a_cut_off_seat_is_silent,
          a_lost_answer_times_out, a_dead_callee_resets, a_dead_caller_is_silent, random_streams_survive_a_restart,
          the_digest_covers_times_and_bytes)
