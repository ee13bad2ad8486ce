#include "sim/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/text.h"
#include "sim/control.h"
#include "sim/doors.h"
#include "sim/gateway/http_gateway.h"
#include "sim/loop.h"
#include "sim/pace.h"
#include "sim/scenario_args.h"
#include "sim/seed.h"
#include "sim/serve_data.h"
#include "sim/stopwatch.h"
#include "sim/testbed.h"

#define BATCH_NS      10000000 /* the world runs so long before the sockets are looked at */
#define CATCH_UP_NS   1000000  /* before a request that has come: it should enter at the time of the wall clock */
#define WHY_BYTES_MAX 1024

enum {
    SERVE_SPEED = ARG_COUNT,
    SERVE_LAN,
    SERVE_RATE_LIMIT,
    SERVE_RELAY_HOSTS,
    SERVE_DIALECT,
    SERVE_JOURNAL,
    SERVE_SEED_PORT,
    SERVE_NODE_PORT,
    SERVE_CONTROL_PORT,
    SERVE_LISTEN,
    SERVE_SOCKET_PER_NODE,
    SERVE_DATA,
    SERVE_DATA_LIMIT
};
static const struct option_spec serve_options[] = {
    SCENARIO_ARG_SPECS,
    [SERVE_SPEED] = {"--speed", "N", "virtual seconds per second, as 1, 0.5 or 60; default: 1"},
    [SERVE_LAN] = {"--lan", NULL, "0.1 ms between any two nodes, instead of the internet's delays"},
    [SERVE_RATE_LIMIT] = {"--rate-limit", NULL, "nodes count callers on this machine, too"},
    [SERVE_RELAY_HOSTS] = {"--relay-hosts", "HOW",
                           "an onion for an outside server: `empty` (200; the default) or `refuse` (502)"},
    [SERVE_DIALECT] = {"--dialect", "WHICH", "the nodes': `era` (2019), `modern` (today's) or `both` (the default)"},
    [SERVE_JOURNAL] = {"--journal", "FILE",
                       "everything that enters from outside; `swarmbed replay FILE` runs it again"},
    [SERVE_SEED_PORT] = {"--seed-port", "PORT", "of the seed, at 127.0.0.1; default: 22080"},
    [SERVE_CONTROL_PORT] = {"--control-port", "PORT", "of the control interface, at 127.0.0.1; default: 22079"},
    [SERVE_NODE_PORT] = {"--node-port", "PORT", "of the nodes, each at its own loopback address; default: 22021"},
    [SERVE_LISTEN] = {"--listen", "ADDRESS[:PORT]",
                      "opens the network to others: the seed at PORT (22100), the nodes at the ports behind it"},
    [SERVE_SOCKET_PER_NODE] = {"--socket-per-node", NULL, "also where one socket for all nodes at a port would do"},
    [SERVE_DATA] = {"--data", "DIR", "keeps what nodes store, also through a crash; default: all is in memory"},
    [SERVE_DATA_LIMIT] = {"--data-limit", "MIB", "how large its file may grow; default: as the machine allows"},
};

/* What is served if no scenario is named. */
static const char default_scenario[] = "world { nodes = 60 }\n";

struct serve {
    struct scenario_args args;
    struct scenario_serving serving;
    struct serve_data data;
    const char *journal_path; /* NULL: none */
    uint32_t speed_milli;

    struct scenario *scenario;
    struct testbed *testbed;
    struct world *world;
    struct gateway *gateway;
    struct http_gateway http;
    struct journal *journal;
    struct control *control;
    struct live_loop *loop;
    struct http_server *server;
    struct pace pace;
    struct doors doors;
    bool script_failed, stopping;
};

/* ---- while it runs ---- */

static void on_stopped(void *owner)
{
    struct serve *serve = owner;

    live_loop_end(serve->loop);
}

static void stop(struct serve *serve)
{
    serve->stopping = true;
    control_end_streams(serve->control);
    http_gateway_end_streams(&serve->http);
    http_server_stop(serve->server, on_stopped);
}

/* The world follows the clock, as far as `budget_ns` of real time reaches. */
static void follow(struct serve *serve, uint64_t budget_ns)
{
    if (serve->script_failed)
        return; /* the world stands still; open calls end with the server */
    if (scenario_advance(serve->scenario, pace_target_us(&serve->pace, stopwatch_ns()), budget_ns))
        return;
    serve->script_failed = true;
    http_server_abort(serve->server, on_stopped);
}

/* In the disk's thread. */
static void on_disk_news(void *owner)
{
    const struct serve *serve = owner;

    live_loop_wake(serve->loop);
}

static uint64_t on_turn(void *owner)
{
    struct serve *serve = owner;
    struct buf why;

    follow(serve, BATCH_NS);
    serve_data_turn(&serve->data, serve->testbed, serve->gateway, serve->journal);
    if (serve->script_failed)
        return UINT64_MAX;
    if (!serve->stopping) {
        buf_init(&why, WHY_BYTES_MAX);
        if (doors_open_new(&serve->doors, &why) != OK)
            fprintf(stderr, "swarmbed: a new node is not reachable: %.*s\n", (int)why.len, (const char *)why.data);
        buf_fini(&why);
    }
    return pace_wait_ns(&serve->pace, stopwatch_ns(), scenario_next_us(serve->scenario));
}

static void on_request(void *owner, struct http_exchange *exchange)
{
    struct serve *serve = owner;

    follow(serve, CATCH_UP_NS);
    if (doors_lead_to_control(&serve->doors, exchange->local)) {
        struct http_counts counts;

        http_server_counts(serve->server, &counts);
        control_on_request(serve->control, exchange, &counts);
        return;
    }
    http_gateway_on_request(&serve->http, exchange, doors_behind(&serve->doors, exchange->local));
}

static void on_signal(void *owner)
{
    struct serve *serve = owner;

    if (serve->stopping) {
        http_server_abort(serve->server, on_stopped);
        return;
    }
    fprintf(stderr, "ending: open requests are still answered; a second signal drops them\n");
    stop(serve);
}

/* ---- starting and ending ---- */

static int start_server(struct serve *serve)
{
    struct http_config config = {.owner = serve, .on_request = on_request, .tls = true};
    struct buf why;
    int status = 0;

    buf_init(&why, WHY_BYTES_MAX);
    serve->server = http_server_new(live_loop_uv(serve->loop), &config, &why);
    serve->doors.server = serve->server;
    serve->doors.testbed = serve->testbed;
    if (serve->server == NULL || doors_open(&serve->doors, &why) != OK) {
        fprintf(stderr, "swarmbed: %.*s\n", (int)why.len, (const char *)why.data);
        status = 3;
    }
    buf_fini(&why);
    return status;
}

static int start_journal(struct serve *serve)
{
    const char *obstacle;

    if (serve->journal_path == NULL)
        return 0;
    obstacle = journal_obstacle(&serve->args.config);
    if (obstacle != NULL)
        return wrong_value("--journal", serve->journal_path, obstacle);
    serve->journal = serve_data_journal(&serve->data, serve->journal_path, &serve->args.config);
    if (serve->journal != NULL)
        return 0;
    fprintf(stderr, "swarmbed: --journal %s: %s\n", serve->journal_path, strerror(errno));
    return 2;
}

static int start_control(struct serve *serve)
{
    struct control_config config = {.testbed = serve->testbed,
                                    .journal = serve->journal,
                                    .pace = &serve->pace,
                                    .disk = serve->data.disk,
                                    .port = serve->doors.config.control_port};
    uint8_t secret[CONTROL_TOKEN_CHARS / 2];

    if (getrandom(secret, sizeof(secret), 0) != sizeof(secret)) {
        fprintf(stderr, "swarmbed: this machine gives no random bytes for the control interface's token\n");
        return 3;
    }
    hex_encode(config.token, BYTES_OF(secret));
    config.token[CONTROL_TOKEN_CHARS] = '\0';
    serve->control = control_new(&config);
    fprintf(stderr, "control: http://127.0.0.1:%u/control, token %s\n", serve->doors.config.control_port, config.token);
    return 0;
}

static void tell_ready(const struct serve *serve)
{
    char node[ADDRESS_TEXT_MAX];

    address_text(world_address(serve->world, testbed_node_seat(serve->testbed, 0)), node);
    fprintf(stderr, "ready: %u nodes; seed http://127.0.0.1:%u/json_rpc; first node http://%s and https://%s\n",
            testbed_node_count(serve->testbed), serve->doors.config.seed_port, node, node);
}

static void warn_of_open_door(const struct serve *serve)
{
    struct address open = serve->doors.config.open;
    char first[ADDRESS_TEXT_MAX];

    if (open.port == 0)
        return;
    address_text(open, first);
    fprintf(
        stderr,
        "warning: --listen: whoever reaches %s reaches the seed, and behind it, at ports %u to %u, all %u nodes: what "
        "is\nstored, and by whom, and no caller is held back unless --rate-limit is given. Not open: the control "
        "interface\n",
        first, open.port + 1u, open.port + serve->doors.nodes_open, serve->doors.nodes_open);
}

static void finish_server(struct serve *serve, bool ran)
{
    if (serve->server == NULL)
        return;
    if (!ran) { /* it began to listen, then something failed */
        http_server_abort(serve->server, on_stopped);
        live_loop_run(serve->loop);
    }
    http_server_free(serve->server);
}

/* Follows the clock until a signal. The exit status. */
static int run(struct serve *serve)
{
    struct live_loop_config config = {.owner = serve, .on_turn = on_turn, .on_signal = on_signal};
    int status;

    serve->loop = live_loop_new(&config);
    pace_init(&serve->pace, stopwatch_ns(), world_now_us(serve->world), serve->speed_milli);
    status = start_control(serve);
    if (status == 0)
        status = serve_data_start(&serve->data, on_disk_news, serve);
    if (status == 0)
        status = start_server(serve);
    if (status == 0) {
        warn_of_open_door(serve);
        tell_ready(serve);
        live_loop_run(serve->loop);
    }
    finish_server(serve, status == 0);
    status = serve_data_close(&serve->data, serve->world, status);
    live_loop_free(serve->loop);
    return serve->script_failed ? 2 : status;
}

static int close_journal(struct serve *serve, int status)
{
    if (journal_close(serve->journal, world_now_us(serve->world), world_digest(serve->world)) == OK)
        return status;
    fprintf(stderr, "swarmbed: --journal %s: %s\n", serve->journal_path, strerror(errno));
    return 3;
}

static int serve_scenario(struct serve *serve)
{
    struct report report;
    int status, closed;

    status = serve_data_open(&serve->data, &serve->args);
    if (status == 0) {
        serve_data_fill(&serve->data, &serve->serving);
        serve->args.config.serving = &serve->serving;
        serve->scenario = scenario_open(&serve->args.config);
        status = serve->scenario == NULL ? 2 : 0;
    }
    if (status != 0)
        return serve_data_close(&serve->data, NULL, status);
    serve->testbed = scenario_testbed(serve->scenario);
    serve->world = testbed_world(serve->testbed);
    serve->gateway = gateway_new(serve->world);
    status = start_journal(serve);
    if (status == 0) {
        serve->http =
            (struct http_gateway){.gateway = serve->gateway, .world = serve->world, .journal = serve->journal};
        http_gateway_init(&serve->http);
        status = close_journal(serve, run(serve));
    } else {
        status = serve_data_close(&serve->data, NULL, status);
    }
    gateway_free(serve->gateway);
    control_free(serve->control);
    closed = scenario_close(serve->scenario, &report);
    return status != 0 ? status : scenario_args_print(&serve->args, &report, closed);
}

/* ---- the command line ---- */

/* "1", "0.25", "60" in thousandths. */
static bool read_speed(const char *text, uint32_t *out)
{
    char *end;
    double speed;

    if (strspn(text, "0123456789.") != strlen(text))
        return false;
    speed = strtod(text, &end);
    if (*end != '\0' || speed < 0.001 || speed > PACE_SPEED_MILLI_MAX / 1000)
        return false;
    *out = (uint32_t)(speed * 1000);
    return true;
}

static int read_port(const struct options *options, uint16_t *out)
{
    uint64_t port;

    if (!option_number(options->value, 1, UINT16_MAX, &port))
        return wrong_value(serve_options[options->spec].name, options->value, "a port is from 1 to 65535");
    *out = (uint16_t)port;
    return 0;
}

static int read_relay_hosts(struct serve *serve, const char *how)
{
    serve->serving.refuse_hosts = strcmp(how, "refuse") == 0;
    if (serve->serving.refuse_hosts || strcmp(how, "empty") == 0)
        return 0;
    return wrong_value("--relay-hosts", how, "`empty` or `refuse` is wanted");
}

static int read_data_limit(struct serve *serve, const char *text)
{
    uint64_t mib;

    if (!option_number(text, 1, 1 << 20, &mib))
        return wrong_value("--data-limit", text, "a whole number of MiB is wanted, from 1 to 1048576");
    serve->data.bytes_max = mib << 20;
    return 0;
}

static int read_option(void *owner, const struct options *options)
{
    struct serve *serve = owner;

    switch (options->spec) {
    case SERVE_SPEED:
        if (!read_speed(options->value, &serve->speed_milli))
            return wrong_value("--speed", options->value, "a number from 0.001 to 1000000 is wanted");
        return 0;
    case SERVE_LAN:
        serve->serving.lan = true;
        return 0;
    case SERVE_RATE_LIMIT:
        serve->serving.rate_limit = true;
        return 0;
    case SERVE_RELAY_HOSTS:
        return read_relay_hosts(serve, options->value);
    case SERVE_DIALECT:
        if (spoken_from_text(options->value, &serve->serving.spoken) != OK)
            return wrong_value("--dialect", options->value, "`era`, `modern` or `both` is wanted");
        return 0;
    case SERVE_JOURNAL:
        serve->journal_path = options->value;
        return 0;
    case SERVE_DATA:
        serve->data.folder = options->value;
        return 0;
    case SERVE_DATA_LIMIT:
        return read_data_limit(serve, options->value);
    case SERVE_SEED_PORT:
        return read_port(options, &serve->doors.config.seed_port);
    case SERVE_CONTROL_PORT:
        return read_port(options, &serve->doors.config.control_port);
    case SERVE_NODE_PORT:
        return read_port(options, &serve->serving.node_port);
    case SERVE_LISTEN:
        if (!doors_read_open(options->value, &serve->doors.config.open))
            return wrong_value("--listen", options->value, "an IPv4 address, and perhaps :PORT, is wanted");
        return 0;
    case SERVE_SOCKET_PER_NODE:
        serve->doors.config.socket_per_node = true;
        return 0;
    }
    return scenario_args_option(&serve->args, options);
}

static int read_plain(void *owner, const struct options *options)
{
    struct serve *serve = owner;

    return scenario_args_plain(&serve->args, options->value);
}

static int help(struct serve *serve)
{
    if (serve->args.scenario != NULL)
        return scenario_describe(&serve->args.config, stdout);
    printf("Usage: swarmbed serve [SCENARIO] [OPTIONS]\n"
           "Serves a network in real time: every node by HTTP and HTTPS at its own loopback address. Default: 60 nodes "
           "and\nnobody else\n");
    options_print(serve_options, ARRAY_LEN(serve_options));
    print_builtin_scenarios();
    return 0;
}

int serve_command(int argc, char **argv)
{
    struct serve *serve = xcalloc(1, sizeof(*serve));
    int status;

    serve->speed_milli = 1000;
    serve->doors.config.seed_port = SEED_PORT;
    serve->doors.config.control_port = CONTROL_PORT;
    scenario_args_init(&serve->args);
    status = options_read(argc, argv, serve_options, ARRAY_LEN(serve_options), serve, read_option, read_plain);
    if (status == 0 && serve->data.bytes_max != 0 && serve->data.folder == NULL)
        status = wrong_value("--data-limit", "", "of what? --data DIR is missing");
    if (status == 0 && serve->args.scenario != NULL)
        status = scenario_args_find(&serve->args);
    else if (status == 0)
        scenario_args_take(&serve->args, "60 nodes", bytes_text(default_scenario));
    if (status == 0)
        status = serve->args.help ? help(serve) : serve_scenario(serve);
    scenario_args_fini(&serve->args);
    serve_data_fini(&serve->data);
    free(serve);
    return status;
}
