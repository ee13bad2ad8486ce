/* bench_http.c: a served network over real sockets: speed against the same server with nothing behind it, TLS, memory
 * of connections, the start, and what a store costs when it comes by HTTP. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/bench.h"
#include "tests/bench/http_load.h"
#include "tests/bench/stores.h"

#define NODES         60
#define CONNECTIONS   64
#define ROUNDS        7
#define EACH          20000 /* requests a round */
#define HANDSHAKES    400
#define IDLE          4000
#define MANY_NODES    1600
#define SWARM         7
#define STORES        4000
#define REPLICATED_US 1500000 /* a flush and what follows it, many times over */
#define STATS_PATH    "/get_stats/v1"
#define STATS_ANSWER  "{\"version\":\"2.0.7\"}"

static const char sixty_nodes[] = "world { nodes = 60 }\n";

/* ---- requests per second ---- */

struct side {
    struct server server;
    struct load load;
    struct buf request;
    uint64_t cpu_ns, requests;
};

static double ask(void *owner)
{
    struct side *side = owner;
    uint64_t cpu_ns = server_cpu_ns(&side->server), took_ns = load_run(&side->load, &side->request, 1, EACH);

    side->cpu_ns += server_cpu_ns(&side->server) - cpu_ns;
    side->requests += EACH;
    return (double)took_ns / EACH;
}

static double cpu_us(const struct side *side)
{
    return (double)side->cpu_ns / (double)side->requests / 1e3;
}

static void measure_requests(struct bench *bench, struct side *ours)
{
    struct side constant = {.request = http_get(STATS_PATH)};
    struct bench_pair pair;
    struct bench_row row = {.what = "get_stats over 64 connections that stay",
                            .against = "the same HTTP server answering a constant"};

    server_start_constant(&constant.server, STATS_ANSWER);
    load_open(&constant.load, &constant.server, CONNECTIONS, 0, NULL);
    load_open(&ours->load, &ours->server, CONNECTIONS, NODES, NULL);
    pair = bench_compare(ROUNDS, ask, ours, ask, &constant);
    snprintf(row.detail, sizeof(row.detail), "the constant: %.0f/s; the server's CPU: %.1f against %.1f us",
             1e9 / pair.theirs_ns, cpu_us(ours), cpu_us(&constant));
    row.ratio = bench_ratio(1 / pair.ratio, AIM_AT_LEAST, 0.7);
    row.absolute = (struct bench_figure){1e9 / pair.ours_ns, AIM_NONE, 0, "/s", 0};
    bench_add(bench, &row);
    load_close(&ours->load);
    load_close(&constant.load);
    server_stop(&constant.server);
    buf_fini(&constant.request);
}

/* ---- TLS ---- */

static void measure_tls_requests(struct bench *bench, struct side *ours, const struct tls_caller *tls)
{
    struct side plain = *ours;
    struct bench_pair pair;
    struct bench_row row = {.what = "the same over TLS", .against = "the same without"};

    ours->cpu_ns = ours->requests = 0;
    load_open(&plain.load, &ours->server, CONNECTIONS, NODES, NULL);
    load_open(&ours->load, &ours->server, CONNECTIONS, NODES, tls);
    pair = bench_compare(ROUNDS, ask, ours, ask, &plain);
    snprintf(row.detail, sizeof(row.detail), "the server's CPU: %.1f us", cpu_us(ours));
    row.ratio = bench_ratio(1 / pair.ratio, AIM_NONE, 0);
    row.absolute = (struct bench_figure){1e9 / pair.ours_ns, AIM_NONE, 0, "/s", 0};
    bench_add(bench, &row);
    load_close(&ours->load);
    load_close(&plain.load);
}

struct caller {
    struct side *side;
    struct tls_caller tls;
    uint64_t cpu_ns, connections, resumed;
};

/* A connection for each request. */
static double call_anew(void *owner)
{
    struct caller *caller = owner;
    const struct server *server = &caller->side->server;
    uint64_t began_ns = wall_ns(), cpu_ns = server_cpu_ns(server);

    for (size_t i = 0; i < HANDSHAKES; i++) {
        struct load load;

        load_open(&load, server, 1, 1, &caller->tls);
        (void)load_run(&load, &caller->side->request, 1, 1);
        caller->resumed += SSL_session_reused(load.connections[0].ssl) == 1;
        load_close(&load);
    }
    caller->cpu_ns += server_cpu_ns(server) - cpu_ns;
    caller->connections += HANDSHAKES;
    return (double)(wall_ns() - began_ns) / HANDSHAKES;
}

/* The ticket of a connection made for it: it comes with the first answer. */
static SSL_SESSION *get_session(struct side *side, const struct tls_caller *tls)
{
    struct load load;
    SSL_SESSION *session;

    load_open(&load, &side->server, 1, 1, tls);
    (void)load_run(&load, &side->request, 1, 1);
    session = SSL_get1_session(load.connections[0].ssl);
    load_close(&load);
    return session;
}

static void measure_handshakes(struct bench *bench, struct side *ours, const struct tls_caller *tls)
{
    struct caller anew = {.side = ours, .tls = *tls}, resuming = anew;
    struct bench_pair pair;
    struct bench_row row = {.what = "a new TLS connection, resumed, and its request", .against = "a full handshake"};

    resuming.tls.session = get_session(ours, tls);
    pair = bench_compare(ROUNDS, call_anew, &resuming, call_anew, &anew);
    snprintf(row.detail, sizeof(row.detail),
             "%.0f/s against %.0f/s; the server's CPU: %.0f against %.0f us; %.0f %% resumed", 1e9 / pair.ours_ns,
             1e9 / pair.theirs_ns, (double)resuming.cpu_ns / (double)resuming.connections / 1e3,
             (double)anew.cpu_ns / (double)anew.connections / 1e3,
             100.0 * (double)resuming.resumed / (double)resuming.connections);
    row.ratio = bench_ratio(pair.ratio, AIM_NONE, 0);
    row.absolute = (struct bench_figure){pair.ours_ns / 1e3, AIM_NONE, 0, "us", 0};
    bench_add(bench, &row);
    SSL_SESSION_free(resuming.tls.session);
}

/* ---- memory ---- */

/* What the server's process has more for each connection that was served once and stays. */
static void measure_idle(struct bench *bench, struct side *ours, const struct tls_caller *tls)
{
    uint64_t before = server_memory_bytes(&ours->server), after;
    struct bench_row row = {.against = "-"};
    struct load load;

    load_open(&load, &ours->server, IDLE, NODES, tls);
    (void)load_run(&load, &ours->request, 1, IDLE);
    after = server_memory_bytes(&ours->server);
    snprintf(row.what, sizeof(row.what), "memory of an idle %s connection", tls == NULL ? "plain" : "TLS");
    snprintf(row.detail, sizeof(row.detail), "resident memory, after a request on each; of %d", IDLE);
    row.absolute =
        (struct bench_figure){(double)(after - before) / IDLE, tls == NULL ? AIM_AT_MOST : AIM_NONE, 8192, "B", 0};
    bench_add(bench, &row);
    load_close(&load);
}

/* ---- the start ---- */

static void measure_start(struct bench *bench)
{
    char scenario[64];
    struct buf request = http_get(STATS_PATH);
    uint64_t began_ns = wall_ns(), ready_ns, answered_ns;
    struct bench_row row = {.against = "-"};
    struct server server;
    struct load load;

    snprintf(scenario, sizeof(scenario), "world { nodes = %d }\n", MANY_NODES);
    server_start(&server, scenario, NULL);
    ready_ns = wall_ns();
    load_open(&load, &server, 1, 1, NULL);
    (void)load_run(&load, &request, 1, 1);
    answered_ns = wall_ns();
    snprintf(row.what, sizeof(row.what), "%d nodes: start to the first answer", MANY_NODES);
    snprintf(row.detail, sizeof(row.detail), "%.2f s until it says that it is ready",
             (double)(ready_ns - began_ns) / 1e9);
    row.absolute = (struct bench_figure){(double)(answered_ns - began_ns) / 1e9, AIM_AT_MOST, 2, "s", 2};
    bench_add(bench, &row);
    load_close(&load);
    server_stop(&server);
    buf_fini(&request);
}

/* ---- stores ---- */

static void measure_stores(struct bench *bench, bool modern)
{
    struct buf *requests = xcalloc(STORES, sizeof(*requests));
    struct timespec now;
    struct bench_row row = {.what = "a store to a whole swarm of seven, by HTTP", .against = "-"};
    struct server server;
    struct load load;
    uint64_t cpu_ns, took_ns;

    clock_gettime(CLOCK_REALTIME, &now);
    for (uint32_t i = 0; i < STORES; i++) {
        struct blob *body = (modern ? stores_request_modern : stores_request)(i, (uint64_t)now.tv_sec * 1000);

        requests[i] = http_post(PATH_STORAGE_RPC, blob_bytes(body));
        blob_drop(body);
    }
    server_start(&server, "world { nodes = 7 }\n", NULL);
    load_open(&load, &server, CONNECTIONS, SWARM, NULL);
    cpu_ns = server_cpu_ns(&server);
    took_ns = load_run(&load, requests, STORES, STORES);
    usleep(REPLICATED_US);
    cpu_ns = server_cpu_ns(&server) - cpu_ns;
    snprintf(row.detail, sizeof(row.detail), "the process's CPU, replication included; 1 KiB of data, %.0f stores/s",
             STORES * 1e9 / (double)took_ns);
    if (modern) /* six calls and answers, seven signatures: they have no aim */
        snprintf(row.what, sizeof(row.what), "the same in today's dialect: all seven sign");
    row.absolute = (struct bench_figure){(double)cpu_ns / STORES / 1e3, modern ? AIM_NONE : AIM_AT_MOST, 100, "us", 1};
    bench_add(bench, &row);
    load_close(&load);
    server_stop(&server);
    for (uint32_t i = 0; i < STORES; i++)
        buf_fini(&requests[i]);
    free(requests);
}

void bench_http(struct bench *bench)
{
    struct side ours = {.request = http_get(STATS_PATH)};
    struct tls_caller tls = {.context = SSL_CTX_new(TLS_client_method())};

    ASSERT(tls.context != NULL);
    SSL_CTX_set_verify(tls.context, SSL_VERIFY_NONE, NULL); /* a node's certificate is its own */
    server_start(&ours.server, sixty_nodes, NULL);
    measure_requests(bench, &ours);
    measure_tls_requests(bench, &ours, &tls);
    measure_handshakes(bench, &ours, &tls);
    server_stop(&ours.server);
    server_start(&ours.server, sixty_nodes, NULL); /* whose memory no earlier connection has stretched */
    measure_idle(bench, &ours, NULL);
    measure_idle(bench, &ours, &tls);
    server_stop(&ours.server);
    measure_start(bench);
    measure_stores(bench, false);
    measure_stores(bench, true);
    SSL_CTX_free(tls.context);
    buf_fini(&ours.request);
}
