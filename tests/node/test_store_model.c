#include <string.h>

#include "common/limits.h"
#include "tests/support/check_main.h"
#include "tests/support/store_fixture.h"

/* Random stores of both dialects, deletions, expiries, failures and restarts against a list that is searched from front
 * to back.
 */
struct listed {
    bool held, is_era;
    uint8_t number, which;
    int16_t namespace;
    int64_t timestamp_ms, expiry_ms;
};

#define MODEL_MAX 1500
static struct listed model[MODEL_MAX];
static size_t model_count;
static struct store_wait waits[6];

static bool model_held(const struct listed *listed)
{
    return listed->held && listed->expiry_ms >= world.fake.now_ms;
}

static bool model_is_message(const struct listed *listed, int16_t namespace, uint8_t number)
{
    return model_held(listed) && listed->namespace == namespace && listed->number == number;
}

static int64_t model_expiry(int16_t namespace, uint8_t number)
{
    int64_t expiry_ms = -1;

    for (size_t i = 0; i < model_count; i++)
        if (model_is_message(&model[i], namespace, number) && model[i].expiry_ms > expiry_ms)
            expiry_ms = model[i].expiry_ms;
    return expiry_ms;
}

static const char *model_all(int16_t namespace)
{
    const char *text = "";

    for (size_t i = 0; i < model_count; i++) {
        bool is_first = model_held(&model[i]) && model[i].namespace == namespace;

        for (size_t j = 0; j < i && is_first; j++)
            is_first = !model_is_message(&model[j], namespace, model[i].number);
        if (is_first)
            text = arena_printf(&world.fake.arena, "%s%s%u", text, text[0] == '\0' ? "" : " ", model[i].number);
    }
    return text;
}

static const char *model_era_view(void)
{
    const char *text = "";

    for (size_t i = 0; i < model_count; i++)
        if (model_held(&model[i]) && model[i].namespace == 0)
            text = arena_printf(&world.fake.arena, "%s%s%u", text, text[0] == '\0' ? "" : " ", model[i].number);
    return text;
}

static uint32_t draw(uint32_t below)
{
    return (uint32_t)env_random_below(&world.fake.env, below);
}

static void model_put(bool is_era, int16_t namespace, uint8_t number, uint8_t which, int64_t ttl_ms)
{
    int64_t expiry_ms = world.fake.now_ms + ttl_ms;

    for (size_t i = 0; i < model_count; i++) {
        struct listed *listed = &model[i];

        if (!model_is_message(listed, namespace, number) || listed->is_era != is_era ||
            (is_era && listed->which != which))
            continue;
        if (!is_era && expiry_ms > listed->expiry_ms)
            listed->expiry_ms = expiry_ms;
        return;
    }
    for (size_t i = 0; i < model_count && namespace == -1; i++)
        model[i].held &= model[i].namespace != -1;
    model[model_count++] = (struct listed){true, is_era, number, which, namespace, world.fake.now_ms, expiry_ms};
}

static void random_put(void)
{
    static const int16_t namespaces[] = {0, 0, 0, 5, -1};
    uint8_t number = (uint8_t)draw(12), which = (uint8_t)draw(3);
    int64_t ttl_ms = LIMIT_TTL_MS_MIN + draw(40000);
    int16_t namespace = namespaces[draw(5)];

    if (draw(2) == 0) {
        model_put(true, 0, number, which, ttl_ms);
        (void)put_era(number, which, (uint64_t)ttl_ms);
        return;
    }
    model_put(false, namespace, number, 0, ttl_ms);
    (void)put_at(namespace, number, world.fake.now_ms, (uint64_t)ttl_ms);
    fake_env_run(&world.fake);
}

static void random_delete(void)
{
    uint8_t number = (uint8_t)draw(12);
    bool held = false;

    for (size_t i = 0; i < model_count; i++)
        if (model_is_message(&model[i], 0, number)) {
            model[i].held = false;
            held = true;
        }
    ck_assert_int_eq(store_delete(&world.store, &world.account, hash_of(0, number)), held);
}

static void random_expire(void)
{
    uint8_t number = (uint8_t)draw(12);
    enum store_direction direction = draw(3);
    int64_t before_ms = model_expiry(0, number), expiry_ms = world.fake.now_ms + draw(50000), after_ms;
    bool changes =
        direction == EXPIRE_EITHER || (direction == EXPIRE_EXTEND ? before_ms < expiry_ms : before_ms > expiry_ms);

    for (size_t i = 0; i < model_count && changes; i++)
        if (model_is_message(&model[i], 0, number) && (direction != EXPIRE_SHORTEN || model[i].expiry_ms > expiry_ms))
            model[i].expiry_ms = expiry_ms;
    ck_assert_int_eq(store_expire(&world.store, &world.account, hash_of(0, number), expiry_ms, direction, &after_ms),
                     before_ms < 0 ? CHANGE_NOT_HELD
                     : changes     ? CHANGE_UPDATED
                                   : CHANGE_UNCHANGED);
}

static void compare(void)
{
    ck_assert_str_eq(all(0), model_all(0));
    ck_assert_str_eq(all(-1), model_all(-1));
    ck_assert_str_eq(era_view(), model_era_view());
    for (uint8_t number = 0; number < 12; number++)
        ck_assert_int_eq(expiry_of(0, number), model_expiry(0, number));
}

/* Changes and then messages that no sync makes durable, for the disk fails or the machine dies: as if there had been
 * none. */
static void random_loss(void)
{
    static struct listed before[MODEL_MAX];
    size_t before_count = model_count;
    struct store_wait wait;

    settle();
    memcpy(before, model, sizeof(before));
    world.fake.disk_manual = true;
    for (uint32_t i = draw(6); i > 0; i--) {
        if (draw(2) == 0)
            random_delete();
        else
            random_expire();
        fake_env_advance_ms(&world.fake, draw(1000));
        if (draw(2) == 0)
            store_sync(&world.store, &waits[i], on_done);
        compare();
    }
    world.nobody_waits = true;
    for (uint32_t i = draw(3); i > 0; i--)
        random_put();
    world.nobody_waits = false;
    memcpy(model, before, sizeof(model));
    model_count = before_count;
    if (draw(2) == 0) {
        store_sync(&world.store, &wait, on_done);
        world.fake.disk_err = draw(2) == 0 ? ERR_IO : ERR_FULL;
        fake_env_complete_sync(&world.fake);
        ck_assert_int_eq(wait.err, world.fake.disk_err);
        world.fake.disk_err = OK;
        world.fake.disk_manual = false;
        compare();
        settle();
    }
    (void)restart();
    world.fake.disk_manual = false;
}

START_TEST(store_agrees_with_a_list)
{
    start();
    model_count = 0;
    while (model_count < MODEL_MAX) {
        uint32_t what = draw(100);

        if (what < 70)
            random_put();
        else if (what < 80)
            random_delete();
        else if (what < 95)
            random_expire();
        else if (what < 97)
            fake_env_advance_ms(&world.fake, draw(5000));
        else if (what < 99)
            random_loss();
        else {
            settle();
            (void)restart();
        }
        compare();
    }
    end();
}
END_TEST

TEST_MAIN("store_model", store_agrees_with_a_list)
