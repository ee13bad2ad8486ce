/* Expectations, the end of a run, mistakes, the trace file. */
#include "sim/scenario.h"

#include <string.h>
#include <unistd.h>

#include "tests/support/check_main.h"
#include "tests/support/stories.h"

/* ---- expectations and the end ---- */

/* All are tried; the first line of each names its place, the next how to see it again. */
START_TEST(a_failed_expectation_is_told)
{
    struct script script;

    script_init(&script);
    script.config.replay_options = " --set x=1";
    script_run(&script, WORLD
               "net:run '90s'\nlocal held = expect(1 == 2, 'pigs fly')\nexpect(nil)\nexpect(held == false, 'told')");
    ck_assert_int_eq(script.status, 1);
    ck_assert_uint_eq(script.report.expectations, 3);
    ck_assert_uint_eq(script.report.expectations_failed, 2);
    ck_assert_str_eq(script.err,
                     "test.lua:3: expectation failed: pigs fly\n"
                     "  seed 1, virtual time 90.000 s; to see it again: swarmbed run test.lua --seed 1 --set x=1\n"
                     "test.lua:4: expectation failed: it holds\n"
                     "  seed 1, virtual time 90.000 s; to see it again: swarmbed run test.lua --seed 1 --set x=1\n");
    script_fini(&script);
}
END_TEST

/* The report is the world's at the script's end. */
START_TEST(a_run_is_reported)
{
    struct script script;

    script_init(&script);
    script.config.threads = 2;
    script_run(&script, "local net = world { nodes = 12, seed = 5 }\n"
                        "local a, b = net:client 'A', net:client 'B'\n"
                        "a:befriend(b, 'x')\nnet:run '1m'\nb:poll()\nnet:run '30s'\nexpect(true)");
    ck_assert_int_eq(script.status, 0);
    ck_assert_str_eq(script.report.scenario, "test.lua");
    ck_assert_str_eq(script.report.crypto, "modelled");
    ck_assert_uint_eq(script.report.seed, 5);
    ck_assert_uint_eq(script.report.threads, 2);
    ck_assert_int_eq(script.report.virtual_ms, 90000);
    ck_assert_uint_eq(script.report.nodes, 12);
    ck_assert_uint_eq(script.report.swarms, 1);
    ck_assert_uint_eq(script.report.clients, 2);
    ck_assert_uint_eq(script.report.expectations, 1);
    ck_assert_uint_eq(script.report.totals.sent, 1);
    ck_assert_uint_eq(script.report.totals.delivered, 1);
    ck_assert_uint_gt(script.report.stats.events, 50);
    ck_assert_uint_eq(script.report.metrics.count[TRACE_SHOWN], 1);
    ck_assert(!script.report.interrupted);
    script.config.seed_given = true;
    script.config.seed = 9;
    script_run(&script, "world { nodes = 5, seed = 5 }");
    ck_assert_uint_eq(script.report.seed, 9); /* the command line's counts */
    script_fini(&script);
}
END_TEST

/* say and print tell the story, unless nobody wants it. */
START_TEST(a_story_is_told)
{
    struct script script;

    script_init(&script);
    script_run(&script, WORLD "say('a', 1, 2.5, net)\nprint()");
    ck_assert_str_eq(script.out, "a 1 2.5 net\n\n");
    script.config.story = false;
    script_run(&script, WORLD "say 'a'");
    ck_assert_str_eq(script.out, "");
    script_fini(&script);
}
END_TEST

START_TEST(a_library_is_run)
{
    struct script script;

    script_init(&script);
    script_holds(&script, "local users = use 'users'\n" PEOPLE "users.plan(net, { alice, bob }, 1, 4, 2)\n"
                          "net:run '1d'\n"
                          "users.last_visit(net, { alice, bob })\n"
                          "expect(net.sent >= 2 and net.delivered == net.sent, net.delivered)\n");
    script_refused(&script, "use 'nothing'", "test.lua:1:", "no library \"nothing\"");
    script_refused(&script, "use '../tour'", "no library");
    script_refused(&script, "use(nil)", "test.lua:1:");
    script_fini(&script);
}
END_TEST

/* ---- mistakes ---- */

/* Each is told with its place, and the nearest name. */
START_TEST(mistakes_are_told)
{
    struct script script;

    script_init(&script);
    script_refused(&script, "local x = 1\nlocal = 2", "test.lua:2:", "<name> expected");
    script_refused(&script, "local x = 1", "builds no world", "test.lua");
    script_refused(&script, "", "builds no world");
    script_refused(&script, "error 'enough'", "test.lua:1: enough");
    script_refused(&script, "expect(true)", "test.lua:1:", "before world{}");
    script_refused(&script, PEOPLE "\nalice:befiend(bob, 'x')", "test.lua:4:", "no member of a client \"befiend\"",
                   "\"befriend\"");
    script_refused(&script, WORLD "print(net.nods)", "test.lua:2:", "did you mean \"nodes\"");
    script_refused(&script, WORLD "print(net:node(0).swrm)", "\"swarm\"");
    script_refused(&script, WORLD "print(net[{}])", "test.lua:2:");
    script_refused(&script, WORLD "net.nodes = 5", "test.lua:2:", "a net can't be written to");
    script_refused(&script, WORLD "net.run '5s'", "test.lua:2:", "net expected");
    script_refused(&script, WORLD "net:node(0).kill(net)", "test.lua:2:", "node expected, got net");
    script_refused(&script, WORLD "net:node(12)", "test.lua:2:", "no node has that number");
    script_refused(&script, WORLD "net:node(-1)", "no node has that number");
    script_refused(&script, WORLD "net:records 'stred'", "test.lua:2:", "\"stored\"");
    script_refused(&script, WORLD "net:swarm_of 'me'", "66 hex digits");
    script_refused(&script, WORLD "net:swarm_of(5)", "test.lua:2:", "client expected");
    script_refused(&script, WORLD "net:history(2098640)", "with a snapshot");
    script_refused(&script, WORLD "net:register(5)", "test.lua:2:");
    script_refused(&script, WORLD "net:set_difficulty(0)", "test.lua:2:", "1 to 1000000");
    script_refused(&script, WORLD "net:set_difficulty(1 << 62)", "1 to 1000000");
    script_refused(&script, WORLD "net:client ''", "test.lua:2:", "UTF-8");
    script_refused(&script, WORLD "net:client '\\xff'", "UTF-8");
    script_refused(&script, WORLD "net:client(string.rep('x', 64))", "short");
    script_refused(&script, WORLD "net:clients(-1)", "test.lua:2:", "a number of clients");
    script_refused(&script, WORLD "net:clients(1 << 40)", "a number of clients");
    script_refused(&script, WORLD "net:node(0):clock_skew(math.maxinteger)", "ten years");
    script_refused(&script, WORLD "net:node(0):cut_off(1)", "test.lua:2:", "boolean");
    script_refused(&script, PEOPLE "bob:clock_skew(math.mininteger)", "ten years");
    script_refused(&script, PEOPLE "bob:cut_off()", "boolean");
    script_refused(&script, PEOPLE "bob:drop_calls(-1)", "a number of calls");
    script_refused(&script, PEOPLE "bob:drop_calls(1 << 32)", "a number of calls");
    script_refused(&script, PEOPLE "alice:befriend(alice, 'x')", "test.lua:3:", "refused");
    script_refused(&script, PEOPLE "alice:befriend(bob, '')", "the request is refused");
    script_refused(&script, PEOPLE "alice:befriend(bob, '\\xff')", "the request is refused");
    script_refused(&script, PEOPLE "alice:befriend(bob, string.rep('x', 100000))", "too big");
    script_refused(&script, PEOPLE "alice:befriend('05' .. string.rep('0', 64), 'x')", "test.lua:3:", "refused");
    script_refused(&script, PEOPLE "alice:befriend(bob)", "test.lua:3:", "string expected");
    script_refused(&script, PEOPLE "alice:send(bob, 'x')", "test.lua:3:", "the text is refused");
    script_refused(&script, PEOPLE "alice:accept(bob)", "test.lua:3:", "no request to answer");
    script_refused(&script, PEOPLE "alice:kill()\nalice:poll()", "test.lua:4:", "Alice is not running");
    script_fini(&script);
}
END_TEST

START_TEST(durations_are_checked)
{
    static const char *const wrong[] = {"-1",
                                        "0/0",
                                        "1/0",
                                        "1e300",
                                        "'5'",
                                        "'5 s'",
                                        "'-5s'",
                                        "'5y'",
                                        "''",
                                        "nil",
                                        "{}",
                                        "true",
                                        "'400000d'",
                                        "'99999999999999999999s'",
                                        "'9223372036854775807us'"};
    struct script script;
    char text[256];

    script_init(&script);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        snprintf(text, sizeof(text), WORLD "net:run(%s)", wrong[i]);
        script_refused(&script, text, "test.lua:2:", "a duration is like");
        snprintf(text, sizeof(text), WORLD "net:wait_for(%s, print)", wrong[i]);
        script_refused(&script, text, "test.lua:2:", "a duration is like");
        snprintf(text, sizeof(text), WORLD "net:at(%s, print)", wrong[i]);
        script_refused(&script, text, "test.lua:2:", "a duration is like");
    }
    script_refused(&script, WORLD "net:at('1s', 5)", "test.lua:2:", "function expected");
    script_refused(&script, WORLD "net:wait_for('1s')", "test.lua:2:", "function expected");
    script_fini(&script);
}
END_TEST

/* Only a step itself can wait, not what others call back. */
START_TEST(waiting_where_it_can_not_be_is_an_error)
{
    struct script script;

    script_init(&script);
    script_refused(&script, WORLD "net:wait_for('1s', function() net:run '1s' end)", "test.lua:2:", "can't wait here");
    script_refused(&script, WORLD "table.sort({ 2, 1 }, function() net:run(1) end)", "can't wait here");
    script_refused(&script,
                   "local net = world { nodes = 5, keep = { 'crash' } }\n"
                   "net:node(0):kill()\n"
                   "net:records('crash', function() net:run(1) end)",
                   "test.lua:3:", "can't wait here");
    script_holds(&script, WORLD "local ok = pcall(function() net:run '1s'; error 'x' end)\n"
                                "expect(not ok and net.now_ms == 1000, 'inside a pcall it can')\n");
    script_fini(&script);
}
END_TEST

/* An error in any step ends the run. */
START_TEST(an_error_in_a_step_ends_the_run)
{
    struct script script;

    script_init(&script);
    script_refused(&script, WORLD "net:at('2s', function()\nerror 'in a step' end)\nnet:run '1m'",
                   "test.lua:3: in a step", "virtual time 2.000 s");
    script_refused(&script, PEOPLE "net:wait_for('1m', function() return net.now_ms > 500 and nothing.x end)",
                   "test.lua:3:", "nothing", "virtual time 0.600 s");
    script_fini(&script);
}
END_TEST

/* ---- the trace file ---- */

static char path[64];

static size_t lines_of(const char *name)
{
    FILE *file = fopen(name, "r");
    size_t lines = 0;

    ck_assert_ptr_nonnull(file);
    for (int c; (c = getc(file)) != EOF;)
        lines += c == '\n';
    fclose(file);
    return lines;
}

START_TEST(a_trace_is_written_whole)
{
    struct script script;

    snprintf(path, sizeof(path), "/tmp/swarmbed-test-%d.jsonl", (int)getpid());
    script_init(&script);
    script.config.trace_path = path;
    script_holds(&script, MESSAGE "expect(true)");
    ck_assert_uint_gt(lines_of(path), 100);
    script_run(&script, MESSAGE "error 'x'"); /* what had happened is there even then */
    ck_assert_int_eq(script.status, 2);
    ck_assert_uint_gt(lines_of(path), 100);
    script_refused(&script, "local x = 5", "builds no world");
    unlink(path);
    script_fini(&script);
}
END_TEST

/* A full disk is the machine's failure, whatever the script expects. */
START_TEST(a_trace_that_can_not_be_written_fails_the_run)
{
    struct script script;

    snprintf(path, sizeof(path), "/tmp/swarmbed-test-%d.jsonl", (int)getpid());
    ck_assert_int_eq(symlink("/dev/full", path), 0);
    script_init(&script);
    script.config.trace_path = path;
    script_run(&script, WORLD "net:node(0):kill()\nexpect(true)");
    ck_assert_int_eq(script.status, 3);
    ck_assert_ptr_nonnull(strstr(script.err, path));
    ck_assert_uint_eq(script.report.expectations, 1); /* the report is there */
    script_refused(&script, MESSAGE "error 'enough'", "enough", path);
    unlink(path);
    script.config.trace_path = "/nowhere/x.jsonl";
    script_refused(&script, WORLD, "--trace /nowhere/x.jsonl", "No such file");
    script.config.trace_path = "/tmp/x.txt";
    script_refused(&script, WORLD, "--trace /tmp/x.txt", ".jsonl");
    script_fini(&script);
}
END_TEST

TEST_MAIN("scenario", a_failed_expectation_is_told, a_run_is_reported, a_story_is_told, a_library_is_run,
          mistakes_are_told, durations_are_checked, waiting_where_it_can_not_be_is_an_error,
          an_error_in_a_step_ends_the_run, a_trace_is_written_whole, a_trace_that_can_not_be_written_fails_the_run)
