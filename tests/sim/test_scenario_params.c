/* Parameters of a scenario: their defaults, --set, and what --help tells. */
#include <string.h>

#include "tests/support/check_main.h"
#include "tests/support/script.h"

#define PARAMS                                                                                                         \
    "describe 'A test.'\n"                                                                                             \
    "local n = param('nodes', 5, 'how many')\n"                                                                        \
    "local share = param('share', 0.5, 'how much')\n"                                                                  \
    "local fast = param('fast', false, 'whether')\n"                                                                   \
    "local name = param('name', 'Alice', 'who')\n"                                                                     \
    "local net = world { nodes = n }\n"                                                                                \
    "say(#net.nodes, share, fast, name)\n"

static void expect_out(struct script *script, const char *wanted)
{
    ck_assert_int_eq(script_run(script, PARAMS), 0);
    ck_assert_str_eq(script->out, wanted);
}

/* A value has the type of its default; the last of a name counts. */
START_TEST(values_have_their_defaults_types)
{
    static const struct scenario_set sets[] = {
        {"nodes", "7"}, {"share", "2"}, {"fast", "true"}, {"name", "5"}, {"nodes", "6"}};
    struct script script;

    script_init(&script);
    expect_out(&script, "5 0.5 false Alice\n");
    script.config.sets = sets;
    script.config.set_count = ARRAY_LEN(sets);
    expect_out(&script, "6 2 true 5\n");
    script_fini(&script);
}
END_TEST

START_TEST(wrong_sets_are_told)
{
    static const struct {
        struct scenario_set set;
        const char *word;
    } wrong[] = {
        {{"node", "5"}, "no parameter \"node\"; did you mean \"nodes\"?"}, {{"xyzzy", "5"}, "no parameter \"xyzzy\""},
        {{"nodes", "many"}, "--set nodes=many: a number is wanted"},       {{"nodes", ""}, "a number is wanted"},
        {{"fast", "yes"}, "--set fast=yes: true or false is wanted"},      {{"nodes", "0"}, "nodes is from 1"}};
    struct script script;

    script_init(&script);
    script.config.set_count = 1;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        script.config.sets = &wrong[i].set;
        script_refused(&script, PARAMS, "test.lua:", wrong[i].word);
    }
    script_fini(&script);
}
END_TEST

START_TEST(wrong_params_are_told)
{
    struct script script;

    script_init(&script);
    script_refused(&script, "param('x', nil, 'y')", "test.lua:1:", "a default is a number");
    script_refused(&script, "param('x', {}, 'y')", "a default is a number");
    script_refused(&script, "param('x', 5)", "test.lua:1:");
    script_refused(&script, "world { nodes = 5 }\nparam('x', 5, 'y')", "test.lua:2:", "after world{}");
    script_refused(&script, "for i = 1, 65 do param('p' .. i, i, 'y') end", "more than 64 parameters");
    script_refused(&script, "describe(nil)", "test.lua:1:");
    script_fini(&script);
}
END_TEST

/* It stops at world{}: nothing is built, and nothing told. */
START_TEST(a_scenario_is_described)
{
    static const struct scenario_set set = {"nodes", "9"};
    struct script script;

    script_init(&script);
    script.config.sets = &set;
    script.config.set_count = 1;
    ck_assert_int_eq(script_describe(&script, PARAMS "while true do end"), 0);
    ck_assert_str_eq(script.out, "A test.\n"
                                 "  --set nodes=5                  how many\n"
                                 "  --set share=0.5                how much\n"
                                 "  --set fast=false               whether\n"
                                 "  --set name=Alice               who\n");
    ck_assert_str_eq(script.err, "");
    script.config.set_count = 0;
    ck_assert_int_eq(script_describe(&script, "say 'x'\npcall(world, {})"), 0);
    ck_assert_str_eq(script.out, "");
    ck_assert_int_eq(script_describe(&script, "local x = 5"), 0);
    ck_assert_int_eq(script_describe(&script, "local = 5"), 2);
    ck_assert_ptr_nonnull(strstr(script.err, "test.lua:1:"));
    script_fini(&script);
}
END_TEST

TEST_MAIN("scenario_params", values_have_their_defaults_types, wrong_sets_are_told, wrong_params_are_told,
          a_scenario_is_described)
