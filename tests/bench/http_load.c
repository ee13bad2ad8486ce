#include "tests/bench/http_load.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "sim/http/http_server.h"

#define FIRST_NODE    UINT32_C(0x7f010107) /* 127.1.1.7; the next has one more in the third number */
#define PORTS_FIRST   20000
#define EVENTS        64
#define REQUEST_MAX   8192
#define SCENARIO_FILE "/tmp/swarmbed_bench_XXXXXX"

static void fail(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(3);
}

uint64_t wall_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* ---- servers ---- */

/* A port that nobody uses; each call looks behind the last one's. */
static uint16_t free_port(void)
{
    static uint16_t next; /* a benchmark is one process with one thread */

    if (next == 0)
        next = (uint16_t)(PORTS_FIRST + getpid() % 8000);
    for (;; next++) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(next)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool is_free = bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;

        close(fd);
        if (is_free)
            return next++;
    }
}

/* As many descriptors as the system lets us have: each connection takes one here and one there. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* The program, beside this one in the build's tree. */
static void program_path(char out[PATH_MAX])
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (len < 0)
        fail("/proc/self/exe");
    for (int i = 0; i < 3; i++) /* tests/bench/bench */
        while (len > 0 && self[--len] != '/')
            continue;
    snprintf(out, PATH_MAX, "%.*s/sim/swarmbed", (int)len, self);
}

static void become_program(const struct server *server, const char *scenario_path, const char *data)
{
    char program[PATH_MAX], ports[3][8];

    program_path(program);
    snprintf(ports[0], sizeof(ports[0]), "%u", server->port);
    snprintf(ports[1], sizeof(ports[1]), "%u", free_port());
    snprintf(ports[2], sizeof(ports[2]), "%u", server->control_port);
    execl(program, program, "serve", scenario_path, "--lan", "--json", "--node-port", ports[0], "--seed-port", ports[1],
          "--control-port", ports[2], data == NULL ? NULL : "--data", data, (char *)NULL);
    fail(program);
}

/* In the child true; its standard error is the pipe. */
static bool fork_server(struct server *server)
{
    int pair[2];

    raise_descriptors();
    if (pipe2(pair, O_CLOEXEC) != 0)
        fail("pipe");
    fflush(NULL);
    server->pid = fork();
    if (server->pid < 0)
        fail("fork");
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(pair[1], STDERR_FILENO);
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
        return true;
    }
    close(pair[1]);
    server->told = pair[0];
    return false;
}

static void wait_until_ready(struct server *server)
{
    char text[4096];
    size_t len = 0;

    while (len < sizeof(text) - 1) {
        ssize_t got = read(server->told, text + len, sizeof(text) - 1 - len);

        if (got <= 0)
            break;
        len += (size_t)got;
        text[len] = '\0';
        if (strstr(text, "ready") != NULL)
            return;
    }
    fprintf(stderr, "bench: the server ended: %.*s\n", (int)len, text);
    exit(3);
}

void server_start(struct server *server, const char *scenario, const char *data)
{
    char path[] = SCENARIO_FILE;
    int file = mkstemp(path);

    if (file < 0 || write(file, scenario, strlen(scenario)) != (ssize_t)strlen(scenario))
        fail(path);
    close(file);
    server->port = free_port();
    server->control_port = free_port();
    if (fork_server(server))
        become_program(server, path, data);
    wait_until_ready(server);
    unlink(path);
}

static void answer_constant(void *owner, struct http_exchange *exchange)
{
    http_answer(exchange, 200, "application/json", NULL, 0, owner);
}

static void serve_constant(uint16_t port, const char *answer)
{
    struct http_config config = {.owner = blob_copy(bytes_text(answer)), .on_request = answer_constant};
    struct http_server *server;
    struct buf why;
    uv_loop_t loop;

    buf_init(&why, 256);
    ASSERT(uv_loop_init(&loop) == 0);
    server = http_server_new(&loop, &config, &why);
    ASSERT(server != NULL);
    if (http_server_listen(server, (struct address){INADDR_LOOPBACK, port}, NULL, &why) != OK)
        fail("listen");
    fprintf(stderr, "ready\n");
    uv_run(&loop, UV_RUN_DEFAULT);
    exit(3); /* a signal ends it */
}

void server_start_constant(struct server *server, const char *answer)
{
    server->port = free_port();
    if (fork_server(server))
        serve_constant(server->port, answer);
    wait_until_ready(server);
}

void server_stop(struct server *server)
{
    kill(server->pid, SIGTERM);
    waitpid(server->pid, NULL, 0);
    close(server->told);
}

uint64_t server_cpu_ns(const struct server *server)
{
    struct timespec used;
    clockid_t clock;

    if (clock_getcpuclockid(server->pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        fail("the server's processor time");
    return (uint64_t)used.tv_sec * UINT64_C(1000000000) + (uint64_t)used.tv_nsec;
}

uint64_t server_memory_bytes(const struct server *server)
{
    char path[64];
    unsigned long long size, resident;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)server->pid);
    file = fopen(path, "r");
    if (file == NULL || fscanf(file, "%llu %llu", &size, &resident) != 2)
        fail(path);
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int connect_to(struct address to)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(to.port), .sin_addr.s_addr = htonl(to.ip)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
        fail("connect");
    return fd;
}

uint64_t server_metric(const struct server *server, const char *name)
{
    int fd = connect_to((struct address){INADDR_LOOPBACK, server->control_port});
    char line[128];
    const char *found;
    struct buf text;
    uint64_t value;
    ssize_t got = 1;

    buf_init(&text, 1 << 20);
    buf_printf(&text, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n\r\n", server->control_port);
    if (write(fd, text.data, text.len) != (ssize_t)text.len)
        fail("/metrics");
    for (buf_clear(&text); got > 0; text.len -= got < 0 ? 4096 : 4096 - (size_t)got)
        got = read(fd, buf_space(&text, 4096), 4096);
    close(fd);
    buf_byte(&text, '\0');
    snprintf(line, sizeof(line), "\n%s ", name);
    found = strstr((const char *)text.data, line);
    if (found == NULL)
        fail(name);
    value = strtoull(found + strlen(line), NULL, 10);
    buf_fini(&text);
    return value;
}

/* ---- requests ---- */

struct address node_address(const struct server *server, uint32_t node)
{
    return (struct address){FIRST_NODE + node / 250 * 65536 + node % 250 * 256, server->port};
}

struct buf http_get(const char *path)
{
    struct buf out;

    buf_init(&out, REQUEST_MAX);
    buf_printf(&out, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
    return out;
}

struct buf http_post(const char *path, struct bytes body)
{
    struct buf out;

    buf_init(&out, REQUEST_MAX);
    buf_printf(&out, "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Length: %zu\r\n\r\n", path, body.len);
    buf_append(&out, body);
    ASSERT(out.err == OK);
    return out;
}

/* ---- the caller ---- */

static void open_connection(struct load_connection *connection, struct address to, const struct tls_caller *tls)
{
    int on = 1;

    connection->fd = connect_to(to);
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (tls == NULL)
        return;
    connection->ssl = SSL_new(tls->context);
    if (tls->session != NULL)
        SSL_set_session(connection->ssl, tls->session);
    if (SSL_set_fd(connection->ssl, connection->fd) != 1 || SSL_connect(connection->ssl) != 1)
        fail("TLS");
}

void load_open(struct load *load, const struct server *server, size_t count, uint32_t nodes,
               const struct tls_caller *tls)
{
    *load = (struct load){.connections = xcalloc(count, sizeof(*load->connections)), .count = count};
    load->poll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < count; i++) {
        struct load_connection *connection = &load->connections[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

        open_connection(connection,
                        nodes == 0 ? (struct address){INADDR_LOOPBACK, server->port}
                                   : node_address(server, (uint32_t)i % nodes),
                        tls);
        if (epoll_ctl(load->poll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
            fail("epoll");
    }
}

void load_close(struct load *load)
{
    for (size_t i = 0; i < load->count; i++) {
        if (load->connections[i].ssl != NULL)
            SSL_shutdown(load->connections[i].ssl); /* without it OpenSSL gives the session up */
        SSL_free(load->connections[i].ssl);
        close(load->connections[i].fd);
    }
    close(load->poll);
    free(load->connections);
}

static void send_request(struct load_connection *connection, const struct buf *request)
{
    ssize_t sent = connection->ssl != NULL ? SSL_write(connection->ssl, request->data, (int)request->len)
                                           : send(connection->fd, request->data, request->len, MSG_NOSIGNAL);

    connection->answer_len = 0;
    if (sent != (ssize_t)request->len)
        fail("send");
}

/* Whether the answer is whole now. What waits in OpenSSL would not wake the poll, so all of it is taken. */
static bool receive(struct load_connection *connection)
{
    char *answer = (char *)connection->answer, *body, *length;
    size_t room = sizeof(connection->answer) - 1 - connection->answer_len;
    ssize_t got;

    if (connection->ssl != NULL)
        got = SSL_read(connection->ssl, answer + connection->answer_len, (int)room);
    else
        got = recv(connection->fd, answer + connection->answer_len, room, 0);
    if (got <= 0)
        fail("an answer");
    connection->answer_len += (size_t)got;
    answer[connection->answer_len] = '\0';
    body = strstr(answer, "\r\n\r\n");
    length = strstr(answer, "Content-Length: ");
    if (body == NULL || length == NULL)
        return false;
    if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0) {
        fprintf(stderr, "bench: answered %s\n", answer);
        exit(3);
    }
    return connection->answer_len == (size_t)(body + 4 - answer) + strtoul(length + 16, NULL, 10);
}

uint64_t load_run(struct load *load, const struct buf requests[], size_t request_count, size_t total)
{
    uint64_t began_ns = wall_ns();
    size_t sent = 0, answered = 0;

    while (sent < load->count && sent < total) {
        send_request(&load->connections[sent], &requests[sent % request_count]);
        sent++;
    }
    while (answered < total) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(load->poll, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            struct load_connection *connection = events[i].data.ptr;

            if (!receive(connection))
                continue;
            answered++;
            if (sent < total)
                send_request(connection, &requests[sent++ % request_count]);
        }
    }
    return wall_ns() - began_ns;
}
