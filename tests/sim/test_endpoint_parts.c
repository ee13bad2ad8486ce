/* The promises of env.h about answers in parts. */
#include <stdio.h>
#include <string.h>

#include "tests/support/check_main.h"
#include "tests/support/puppets.h"

static void serve_parts(struct puppet *puppet, struct incoming *incoming)
{
    serve_hold(puppet, incoming);
    for (const char *text = "ab"; *text != '\0'; text++) {
        struct message message = {.status = 200, .body = blob_copy((struct bytes){(const uint8_t *)text, 1})};

        env_answer_part(puppet->env, incoming, &message);
        blob_drop(message.body);
    }
}

static void on_part_or_done(struct call *call)
{
    struct puppet *puppet = puppet_of_call(call);
    char before[sizeof(puppet->fired)];

    strcpy(before, puppet->fired);
    if (!call->more) {
        puppet_done(call);
        return;
    }
    ck_assert_int_eq(call->net, NET_OK);
    snprintf(puppet->fired, sizeof(puppet->fired), "%s%.*s", before, (int)blob_bytes(call->in.body).len,
             (const char *)blob_bytes(call->in.body).data);
}

static void make_call_in_parts(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    (void)owner;
    puppet->call = (struct call){.to = address_at(CALLEE), .timeout_ms = 1000, .in_parts = true};
    puppet->call.out = (struct message){.verb = VERB_POST, .path = BYTES_LIT("/x")};
    env_call(puppet->env, &puppet->call, on_part_or_done);
}

static void answer_part_held(void *machine, void *owner)
{
    struct puppet *puppet = machine;
    struct message message = {.status = 200, .body = blob_copy(bytes_text(owner))};

    env_answer_part(puppet->env, puppet->held, &message);
    blob_drop(message.body);
}

static char part_c[] = "c", part_d[] = "d";

/* Parts come in order, long after the time limit too, which the first one ended; then the end comes as any answer. */
START_TEST(parts_come_before_the_end)
{
    puppets_begin(serve_parts);
    world_enter(puppet_world, CALLER, make_call_in_parts, NULL);
    run_to_ms(2 * WAY_MS + 1);
    ck_assert_str_eq(puppets[CALLER].fired, "ab");
    run_to_ms(5000);
    world_enter(puppet_world, CALLEE, answer_part_held, part_c);
    run_to_ms(6000);
    ck_assert_str_eq(puppets[CALLER].fired, "abc");
    ck_assert_uint_eq(puppets[CALLER].done_count, 0);
    world_enter(puppet_world, CALLEE, answer_held, NULL);
    run_to_ms(7000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_OK);
    ck_assert_int_eq(puppets[CALLER].done_ms, 6000 + WAY_MS);
    ck_assert_uint_eq(puppets[CALLEE].gone_count, 0);
    puppets_end();
}
END_TEST

/* The time limit of who did not ask for parts goes on, and he sees none. */
START_TEST(parts_are_for_who_asked_for_them)
{
    puppets_begin(serve_parts);
    world_enter(puppet_world, CALLER, make_call, NULL);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_TIMEOUT);
    ck_assert_uint_eq(puppets[CALLEE].gone_count, 1);
    puppets_end();
}
END_TEST

/* Who cancels gets no part more, and the callee is told. */
START_TEST(a_cancelled_call_gets_no_more_parts)
{
    puppets_begin(serve_parts);
    world_enter(puppet_world, CALLER, make_call_in_parts, NULL);
    run_to_ms(5000);
    world_enter(puppet_world, CALLEE, answer_part_held, part_c);
    world_enter(puppet_world, CALLER, cancel_call, NULL);
    run_to_ms(6000);
    ck_assert_str_eq(puppets[CALLER].fired, "ab");
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_CANCELLED);
    ck_assert_int_eq(puppets[CALLEE].gone_ms, 5000 + WAY_MS);
    puppets_end();
}
END_TEST

START_TEST(a_dead_callee_resets_an_answer_in_parts)
{
    puppets_begin(serve_parts);
    world_enter(puppet_world, CALLER, make_call_in_parts, NULL);
    run_to_ms(5000);
    world_crash(puppet_world, CALLEE);
    run_to_ms(6000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_RESET);
    puppets_end();
}
END_TEST

/* Nothing that follows a lost part arrives, its end neither: what came is always a beginning of what was sent. */
START_TEST(nothing_follows_a_lost_part)
{
    puppets_begin(serve_parts);
    world_enter(puppet_world, CALLER, make_call_in_parts, NULL);
    run_to_ms(5000);
    world_set_cut_off(puppet_world, CALLEE, true);
    world_enter(puppet_world, CALLEE, answer_part_held, part_c);
    world_set_cut_off(puppet_world, CALLEE, false);
    world_enter(puppet_world, CALLEE, answer_part_held, part_d);
    world_enter(puppet_world, CALLEE, answer_held, NULL);
    run_to_ms(6000);
    ck_assert_str_eq(puppets[CALLER].fired, "ab");
    ck_assert_uint_eq(puppets[CALLER].done_count, 0);
    puppets_end();
}
END_TEST

TEST_MAIN("endpoint_parts", parts_come_before_the_end, parts_are_for_who_asked_for_them,
          a_cancelled_call_gets_no_more_parts, a_dead_callee_resets_an_answer_in_parts, nothing_follows_a_lost_part)
