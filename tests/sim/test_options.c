#include "sim/options.h"

#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "tests/support/check_main.h"

static const struct option_spec specs[] = {
    {"--seed", "N", "a number"}, {"--json", NULL, "a switch"}, {"--set", "X=Y", "a pair"}};

/* The command line of a test. */
#define PARSE(...)                                                                                                     \
    const char *const words[] = {__VA_ARGS__};                                                                         \
    struct options options = {                                                                                         \
        .argv = (char **)(uintptr_t)words, .argc = ARRAY_LEN(words), .specs = specs, .count = ARRAY_LEN(specs)}

static void expect_named(struct options *options, size_t spec, const char *value)
{
    ck_assert_int_eq(options_next(options), OPTION_NAMED);
    ck_assert_uint_eq(options->spec, spec);
    if (value == NULL)
        ck_assert_ptr_null(options->value);
    else
        ck_assert_str_eq(options->value, value);
}

static void expect_plain(struct options *options, const char *value)
{
    ck_assert_int_eq(options_next(options), OPTION_PLAIN);
    ck_assert_str_eq(options->value, value);
}

START_TEST(options_are_read_in_order)
{
    PARSE("tour", "--seed", "7", "--json", "--seed=8", "--set", "a=b=c", "--set=a=b", "--seed", "--json", "-", "");

    expect_plain(&options, "tour");
    expect_named(&options, 0, "7");
    expect_named(&options, 1, NULL);
    expect_named(&options, 0, "8");
    expect_named(&options, 2, "a=b=c");
    expect_named(&options, 2, "a=b");
    expect_named(&options, 0, "--json"); /* what follows is its value, whatever it looks like */
    expect_plain(&options, "-");
    expect_plain(&options, "");
    ck_assert_int_eq(options_next(&options), OPTION_END);
    ck_assert_int_eq(options_next(&options), OPTION_END);
}
END_TEST

START_TEST(after_two_dashes_all_is_plain)
{
    PARSE("--json", "--", "--seed", "--", "x");

    expect_named(&options, 1, NULL);
    expect_plain(&options, "--seed");
    expect_plain(&options, "--");
    expect_plain(&options, "x");
    ck_assert_int_eq(options_next(&options), OPTION_END);
}
END_TEST

/* An empty value is one; no value is not. */
START_TEST(values_must_be_there)
{
    PARSE("--seed=", "--seed", "", "--json=1");
    expect_named(&options, 0, "");
    expect_named(&options, 0, "");
    ck_assert_int_eq(options_next(&options), OPTION_WRONG);
}
END_TEST

START_TEST(unknown_options_are_wrong)
{
    static const char *const wrong[] = {
        "--sed",   "-s", "--see", "--seeds",
        "--sed=5", "--", "---",   "--xyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzy"};

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        PARSE(wrong[i]);

        ck_assert_int_eq(options_next(&options), strcmp(wrong[i], "--") == 0 ? OPTION_END : OPTION_WRONG);
    }
    {
        PARSE("--seed");
        ck_assert_int_eq(options_next(&options), OPTION_WRONG);
    }
}
END_TEST

struct told {
    char text[64];
    int status; /* of what is plain */
};

static int on_named(void *owner, const struct options *options)
{
    struct told *told = owner;

    snprintf(told->text + strlen(told->text), sizeof(told->text) - strlen(told->text), "%s;",
             specs[options->spec].name);
    return 0;
}

static int on_plain(void *owner, const struct options *options)
{
    struct told *told = owner;

    snprintf(told->text + strlen(told->text), sizeof(told->text) - strlen(told->text), "%s;", options->value);
    return told->status;
}

/* Everything is told in order, up to the first that is refused or wrong. */
START_TEST(a_command_line_is_read_until_something_is_wrong)
{
    static const struct {
        const char *words[4];
        int plain_status, status;
        const char *text;
    } cases[] = {
        {{"--json", "a", "--seed", "1"}, 0, 0, "--json;a;--seed;"},
        {{"--json", "a", "--seed", "1"}, 3, 3, "--json;a;"},
        {{"--json", "--jsn", "a", "b"}, 0, 2, "--json;"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *argv[5] = {"the command"};
        struct told told = {.status = cases[i].plain_status};

        memcpy(&argv[1], cases[i].words, sizeof(cases[i].words));
        ck_assert_int_eq(
            options_read(ARRAY_LEN(argv), (char **)(uintptr_t)argv, specs, ARRAY_LEN(specs), &told, on_named, on_plain),
            cases[i].status);
        ck_assert_str_eq(told.text, cases[i].text);
    }
}
END_TEST

/* Near is what a slip of the finger makes; the rest is no help. */
START_TEST(the_nearest_name_is_near)
{
    static const char *const names[] = {"befriend", "poll", "listen", "stop", "seed"};
    static const struct {
        const char *wrong, *nearest;
    } cases[] = {{"befiend", "befriend"}, {"pol", "poll"}, {"pooll", "poll"}, {"sotp", "stop"}, {"Listen", "listen"},
                 {"xyzzy", NULL},         {"p", NULL},     {"", NULL},        {"seed", "seed"}, {"lsiten", "listen"}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *nearest = nearest_name(cases[i].wrong, names, ARRAY_LEN(names), sizeof(names[0]));

        if (cases[i].nearest == NULL)
            ck_assert_msg(nearest == NULL, "%s: %s", cases[i].wrong, nearest);
        else
            ck_assert_str_eq(nearest, cases[i].nearest);
    }
    ck_assert_str_eq(nearest_name("--sed", specs, ARRAY_LEN(specs), sizeof(specs[0])), "--seed");
    ck_assert_ptr_null(nearest_name("x", NULL, 0, sizeof(names[0])));
}
END_TEST

START_TEST(numbers_are_whole_and_in_range)
{
    static const char *const wrong[] = {"", " 5", "5 ", "-1", "+5", "0x5", "5.0", "1e3", "05", "18446744073709551616",
                                        "x"};
    uint64_t number;

    ck_assert(option_number("5", 1, 64, &number));
    ck_assert_uint_eq(number, 5);
    ck_assert(option_number("1", 1, 64, &number));
    ck_assert(option_number("64", 1, 64, &number));
    ck_assert(!option_number("0", 1, 64, &number));
    ck_assert(!option_number("65", 1, 64, &number));
    ck_assert(option_number("18446744073709551615", 0, UINT64_MAX, &number));
    ck_assert_uint_eq(number, UINT64_MAX);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        ck_assert_msg(!option_number(wrong[i], 0, UINT64_MAX, &number), "%s", wrong[i]);
}
END_TEST

TEST_MAIN("options", options_are_read_in_order, after_two_dashes_all_is_plain, values_must_be_there,
          unknown_options_are_wrong, a_command_line_is_read_until_something_is_wrong, the_nearest_name_is_near,
          numbers_are_whole_and_in_range)
