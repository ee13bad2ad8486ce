#include "common/env.h"

#include <string.h>

#include "tests/support/check_main.h"

/* Only what the helpers of env.h use: a stream, and the answer as it was given. */
struct seat {
    struct env env;
    struct rng_key key;
    struct rng rng;
    struct incoming *answered;
    uint16_t status;
    enum content content;
    struct blob *body;
};

static void seat_random(struct env *env, void *out, size_t len)
{
    rng_bytes(&CONTAINER_OF(env, struct seat, env)->rng, out, len);
}

static void seat_answer(struct env *env, struct incoming *incoming, const struct message *message)
{
    struct seat *seat = CONTAINER_OF(env, struct seat, env);
    seat->answered = incoming;
    seat->status = message->status;
    seat->content = message->content;
    seat->body = blob_keep(message->body);
}

static const struct env_ops seat_ops = {.random = seat_random, .answer = seat_answer};

static void seat_init(struct seat *seat)
{
    *seat = (struct seat){.env = {.ops = &seat_ops}};
    rng_key_from_seed(&seat->key, 11);
    rng_init(&seat->rng, &seat->key, RNG_PROTOCOL, 1);
}

START_TEST(a_bounded_draw_comes_from_the_seat)
{
    struct seat seat;
    struct rng same;
    seat_init(&seat);
    same = seat.rng;
    for (uint64_t n = 1; n < 200; n++)
        ck_assert_uint_eq(env_random_below(&seat.env, n), rng_below(&same, n));
}
END_TEST

/* Nothing lost, nothing doubled; and each of the six orders of three comes about 1000 times of 6000. */
START_TEST(a_shuffle_keeps_all_and_is_fair)
{
    struct seat seat;
    unsigned orders[3][3] = {{0}};
    uint32_t many[100];
    bool seen[100] = {false};
    seat_init(&seat);
    for (uint32_t i = 0; i < 100; i++)
        many[i] = i;
    env_shuffle(&seat.env, many, 100);
    for (uint32_t i = 0; i < 100; i++)
        seen[many[i]] = true;
    for (uint32_t i = 0; i < 100; i++)
        ck_assert(seen[i]);
    for (int i = 0; i < 6000; i++) {
        uint32_t three[] = {0, 1, 2};
        env_shuffle(&seat.env, three, 3);
        orders[three[0]][three[1]]++;
    }
    for (uint32_t a = 0; a < 3; a++)
        for (uint32_t b = 0; b < 3; b++) {
            ck_assert_uint_ge(orders[a][b], a == b ? 0 : 850);
            ck_assert_uint_le(orders[a][b], a == b ? 0 : 1150);
        }
}
END_TEST

/* Nothing to choose, so nothing is drawn. */
START_TEST(a_shuffle_of_one_draws_nothing)
{
    struct seat seat;
    uint32_t one[] = {7};
    seat_init(&seat);
    env_shuffle(&seat.env, one, 1);
    env_shuffle(&seat.env, NULL, 0);
    ck_assert_uint_eq(one[0], 7);
    ck_assert_uint_eq(seat.rng.position_bytes, 0);
}
END_TEST

/* The transport keeps the body for as long as it needs: the helper's own hold is gone. */
START_TEST(answers_carry_a_copy)
{
    struct seat seat;
    struct incoming incoming;
    char text[] = "not ready";
    seat_init(&seat);
    env_answer_text(&seat.env, &incoming, 503, text);
    memset(text, 'x', sizeof(text) - 1);
    ck_assert_ptr_eq(seat.answered, &incoming);
    ck_assert_uint_eq(seat.status, 503);
    ck_assert_int_eq(seat.content, CONTENT_TEXT);
    ck_assert(bytes_equal_text(blob_bytes(seat.body), "not ready"));
    ck_assert_uint_eq(seat.body->keepers, 1);
    blob_drop(seat.body);
    env_answer_json(&seat.env, &incoming, 432, BYTES_LIT("{\"difficulty\":5}"));
    ck_assert_uint_eq(seat.status, 432);
    ck_assert_int_eq(seat.content, CONTENT_JSON);
    ck_assert(bytes_equal_text(blob_bytes(seat.body), "{\"difficulty\":5}"));
    ck_assert_uint_eq(seat.body->keepers, 1);
    blob_drop(seat.body);
}
END_TEST

TEST_MAIN("env", a_bounded_draw_comes_from_the_seat, a_shuffle_keeps_all_and_is_fair, a_shuffle_of_one_draws_nothing,
          answers_carry_a_copy)
