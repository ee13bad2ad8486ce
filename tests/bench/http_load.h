/* http_load.h: servers in processes of their own, and a caller that keeps many connections busy.
 *
 * The served network is the program itself, `swarmbed serve`, as it was built beside this one; what a server costs is
 * its process's processor time and memory. What fails here ends the benchmark: nothing of it is a result. */
#ifndef SWARMBED_BENCH_HTTP_LOAD_H
#define SWARMBED_BENCH_HTTP_LOAD_H

#include <openssl/ssl.h>
#include <sys/types.h>

#include "common/bytes.h"
#include "common/swarm.h" /* struct address */

struct server {
    pid_t pid;
    int told;      /* its standard error */
    uint16_t port; /* of every node, or of the constant */
    uint16_t control_port;
};
/* `swarmbed serve --lan` with that scenario text, once it says that it is ready; with `--data` unless that is NULL. */
void server_start(struct server *server, const char *scenario, const char *data);
/* The same HTTP server with nothing behind it: every request gets the same answer. */
void server_start_constant(struct server *server, const char *answer);
void server_stop(struct server *server);
uint64_t server_cpu_ns(const struct server *server);
uint64_t server_memory_bytes(const struct server *server);
/* One of its counters, by the whole name that /metrics has; ends the benchmark if there is none. */
uint64_t server_metric(const struct server *server, const char *name);

/* The address of node `node`, the only one of its host. */
struct address node_address(const struct server *server, uint32_t node);
/* One whole request, with its head; the caller's to free. */
struct buf http_get(const char *path);
struct buf http_post(const char *path, struct bytes body);

/* How a caller does TLS. */
struct tls_caller {
    SSL_CTX *context;
    SSL_SESSION *session; /* to resume; NULL: a full handshake */
};

struct load_connection {
    int fd;
    SSL *ssl; /* NULL: plain */
    uint8_t answer[4096];
    size_t answer_len;
};
struct load {
    struct load_connection *connections;
    size_t count;
    int poll;
};
/* `count` connections to the first `nodes` nodes in turn (0: to the constant). `tls` NULL: plain. */
void load_open(struct load *load, const struct server *server, size_t count, uint32_t nodes,
               const struct tls_caller *tls);
void load_close(struct load *load);
/* Sends `requests[0]`, `requests[1]`, ... (again from the first when they end), one at a time on each connection, until
 * `total` are answered; each answer must be a 200 below a kilobyte. Nanoseconds that it took. */
uint64_t load_run(struct load *load, const struct buf requests[], size_t request_count, size_t total);

uint64_t wall_ns(void);

#endif
