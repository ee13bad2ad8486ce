/* The options of world{}: each is taken, and a wrong value is told with its name. */
#include <string.h>

#include "tests/support/check_main.h"
#include "tests/support/script.h"

START_TEST(every_option_is_taken)
{
    static const char *const right[] = {"nodes = 20",
                                        "nodes = 20, nodes_per_host = 4",
                                        "snapshot = 2084231",
                                        "snapshot = '2026-03-05'",
                                        "seed = 0",
                                        "seed = -1",
                                        "blocks = false",
                                        "block_time = '10m'",
                                        "block_delay = 0",
                                        "difficulty = 100",
                                        "difficulty_delay = '1h'",
                                        "cipher = 'xchacha20'",
                                        "cipher = 'aes-gcm'",
                                        "dialect = 'era'",
                                        "dialect = 'both'",
                                        "onion = 1",
                                        "onion = 2",
                                        "path_failures = 1",
                                        "node_failures = 100",
                                        "store_bytes = 1000000",
                                        "flush = 0",
                                        "push_retries = false",
                                        "bootstrap_only_owned = true",
                                        "rate_limit = false",
                                        "server_relay_ok = true",
                                        "lookahead = '100us'",
                                        "jitter = '50ms'",
                                        "retransmit_ppm = 1000000",
                                        "loss_ppm = 0",
                                        "keep = {}",
                                        "keep = { 'stored', 'call' }"};
    struct script script;
    char text[512];

    script_init(&script);
    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        snprintf(text, sizeof(text),
                 "local net = world { %s }\n"
                 "local alice, bob = net:client 'Alice', net:client 'Bob'\n"
                 "local m = alice:befriend(bob, 'hello')\n"
                 "net:wait_for('10m', function() return m.state == 'stored' end)\n"
                 "expect(m.state == 'stored', m.err)\n"
                 "bob:poll()\n"
                 "expect(net:wait_for('5m', function() return m.delivered end), 'it works')\n",
                 right[i]);
        script_holds(&script, text);
    }
    script_fini(&script);
}
END_TEST

/* What an option is for can be seen. */
START_TEST(options_have_their_effect)
{
    struct script script;

    script_init(&script);
    script_holds(&script, "local net = world { nodes = 10, nodes_per_host = 4 }\n"
                          "expect(net:node(3).address == '127.1.1.7:22024', 'the fourth of the first host')\n"
                          "expect(net:node(4).address == '127.1.2.7:22021', 'the first of the second')\n");
    script_holds(&script, "local net = world { nodes = 12, dialect = 'modern' }\n"
                          "local bob = net:client 'Bob'\n"
                          "local m = net:client 'Alice':befriend(bob, 'hello')\n"
                          "net:wait_for('10m', function() return m.state == 'stored' end)\n"
                          "bob:poll()\nnet:run '1m'\n"
                          "expect(m.state == 'stored' and not m.delivered, 'nobody reads without a signature')\n");
    script_holds(&script, "local net = world { nodes = 5, block_time = '1s' }\n"
                          "net:block()\nnet:node(0):exit()\nnet:run '2s'\n"
                          "expect(net.height == 3 or net.height == 4, net.height)\n");
    script_holds(&script, "local net = world { nodes = 12, loss_ppm = 1000000 }\n"
                          "local m = net:client 'A':befriend(net:client 'B', 'x')\n"
                          "net:run '1h'\n"
                          "expect(m.state == 'failed', 'everything is lost')\n");
    script_holds(&script,
                 "local net = world { nodes = 12, store_bytes = 1 }\n"
                 "local m = net:client 'A':befriend(net:client 'B', 'x')\n"
                 "net:run '1h'\n"
                 "expect(#m.holders == 0 and net:node(0):counts().refused_full >= 0, 'full from the start')\n");
    script_holds(&script, "local net = world { nodes = 12, difficulty = 50 }\n"
                          "local m = net:client 'A':befriend(net:client 'B', 'x')\n"
                          "net:run '20m'\n"
                          "expect(m.state == 'stored' and m.trials > 0, 'a difficult network')\n");
    script_fini(&script);
}
END_TEST

START_TEST(wrong_options_are_told)
{
    static const struct {
        const char *options;
        const char *word;
    } wrong[] = {
        {"node = 5", "did you mean \"nodes\"?"},
        {"xyzzy = 5", "no option of world \"xyzzy\""},
        {"5", "options have names"},
        {"[true] = 5", "options have names"},
        {"nodes = 0", "nodes is from 1 to 20000"},
        {"nodes = -1", "nodes is from 1 to 20000"},
        {"nodes = 20001", "nodes is from 1 to 20000"},
        {"nodes = (1 << 32) + 5", "nodes is from 1 to 20000"},
        {"nodes = 5.5", "nodes is a whole number"},
        {"nodes = 'many'", "nodes is a whole number"},
        {"nodes = {}", "nodes is a whole number"},
        {"nodes_per_host = 0", "nodes_per_host is from 1"},
        {"blocks = 1", "blocks is true or false"},
        {"block_time = 0", "block_time is from 1000"},
        {"block_time = 'soon'", "block_time is a duration"},
        {"block_time = -1", "block_time is a duration"},
        {"jitter = true", "jitter is a duration"},
        {"lookahead = '99us'", "lookahead is from 100 to"},
        {"lookahead = '2s'", "lookahead is from 100 to"},
        {"loss_ppm = 1000001", "loss_ppm is from 0 to 1000000"},
        {"difficulty = 0", "difficulty is from 1"},
        {"store_bytes = math.maxinteger", "store_bytes is from 1"},
        {"seed = 1.5", "seed is a whole number"},
        {"seed = 'x'", "seed is a whole number"},
        {"cipher = 'rot13'", "cipher is \"aes-gcm\" or \"xchacha20\""},
        {"cipher = 5", "cipher is"},
        {"dialect = 'old'", "dialect is \"era\", \"modern\" or \"both\""},
        {"dialect = 5", "dialect is"},
        {"onion = 3", "onion is 1 or 2"},
        {"onion = {}", "onion is 1 or 2"},
        {"keep = 'stored'", "keep is a list"},
        {"keep = { 5 }", "keep is a list"},
        {"keep = { 'stred' }", "did you mean \"stored\"?"},
        {"snapshot = 5", "no snapshot 5; there are: 2055136 (2026-02-27) 2059746"},
        {"snapshot = '1999-01-01'", "no snapshot 1999-01-01; there are: 2055136"},
        {"snapshot = {}", "no snapshot of that form; there are: 2055136"},
        {"snapshot = 1.5", "no snapshot 1.5;"},
    };
    struct script script;
    char text[256];

    script_init(&script);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        snprintf(text, sizeof(text), "\nworld { %s }", wrong[i].options);
        script_refused(&script, text, "test.lua:2:", wrong[i].word);
    }
    script_refused(&script, "world { cipher = 'xchacha20', onion = 1 }", "test.lua:1:", "onion 1 knows");
    script_refused(&script, "world(5)", "test.lua:1:", "table expected");
    script_refused(&script, "world()", "test.lua:1:");
    script_refused(&script, "world {}\nworld {}", "test.lua:2:", "one world");
    script_holds(&script, "local net = world({ nodes = 5 }, 'more', 'arguments')\nexpect(#net.nodes == 5)");
    script_fini(&script);
}
END_TEST

TEST_MAIN("scenario_world", every_option_is_taken, options_have_their_effect, wrong_options_are_told)
