/* Calls by HTTP to a server that does anything: the input is the story of both sides. The caller asks, cancels, and
 * does either again from within the end of a call; the server answers rightly or not, in pieces, too early or too
 * often, and ends connections with and without a word. Both are in one loop, over real sockets of this machine.
 * Whatever happens, every call ends once and never within itself, and in the end nothing is open. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include "common/limits.h"
#include "sim/http/http_client.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_reader.h"

#define STEPS_MAX   60
#define CALLS       8
#define PEERS_MAX   24
#define TURNS       4 /* of the loop, until what one side said has reached the other and its answer has come back */
#define LONG_MS     600000
#define NOBODY_PORT 1

struct story;

/* The server's end of a connection. */
struct peer {
    uv_tcp_t tcp;
    struct story *story;
    size_t index;
};

struct asked {
    struct call call;
    struct story *story;
    bool open;
};

struct story {
    struct bytes in;
    struct arena *arena;
    uv_loop_t loop;
    uv_tcp_t listener;
    struct address at;
    struct http_client *client;
    struct peer *peers[PEERS_MAX]; /* NULL: none */
    struct asked asked[CALLS];
    bool inside; /* a function of the client runs that must not end a call */
};

/* ---- the server ---- */

static void on_peer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void end_peer(struct peer *peer)
{
    if (peer->index < PEERS_MAX)
        peer->story->peers[peer->index] = NULL;
    uv_close((uv_handle_t *)&peer->tcp, on_peer_closed);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    static char heard[65536]; /* nobody looks at it */

    (void)handle, (void)suggested;
    *room = uv_buf_init(heard, sizeof(heard));
}

static void on_heard(uv_stream_t *stream, ssize_t len, const uv_buf_t *room)
{
    (void)room;
    if (len < 0)
        end_peer(stream->data);
}

/* Closed by a reset, always: of so many connections few may stay behind and keep their ports. */
static void on_caller(uv_stream_t *listener, int status)
{
    const struct linger none = {.l_onoff = 1};
    struct story *story = listener->data;
    struct peer *peer = xcalloc(1, sizeof(*peer));
    size_t i = 0;
    uv_os_fd_t fd;

    ASSERT(status == 0 && uv_tcp_init(&story->loop, &peer->tcp) == 0);
    peer->tcp.data = peer;
    peer->story = story;
    peer->index = PEERS_MAX;
    if (uv_accept(listener, (uv_stream_t *)&peer->tcp) != 0) {
        end_peer(peer);
        return;
    }
    ASSERT(uv_fileno((uv_handle_t *)&peer->tcp, &fd) == 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    while (i < PEERS_MAX && story->peers[i] != NULL)
        i++;
    if (i == PEERS_MAX) {
        end_peer(peer);
        return;
    }
    peer->index = i;
    story->peers[i] = peer;
    ASSERT(uv_read_start((uv_stream_t *)&peer->tcp, on_room, on_heard) == 0);
}

static struct peer *take_peer(struct story *story)
{
    size_t from = take_u8(&story->in);

    for (size_t i = 0; i < PEERS_MAX; i++)
        if (story->peers[(from + i) % PEERS_MAX] != NULL)
            return story->peers[(from + i) % PEERS_MAX];
    return NULL;
}

static void say(struct story *story)
{
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
                                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                                          "HTTP/1.1 500 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                                          "HTTP/1.1 100 Continue\r\n\r\n",
                                          "HTTP/1.0 200 OK\r\n\r\nto the end",
                                          "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
                                          "HTTP/1.1 200 OK\r\nContent-Le"};
    struct peer *peer = take_peer(story);
    uint8_t which = take_u8(&story->in) % (ARRAY_LEN(answers) + 1);
    struct bytes said = which == ARRAY_LEN(answers)
                            ? take_bytes(&story->in)
                            : take_mutated(&story->in, story->arena, bytes_text(answers[which]));
    uv_buf_t view = uv_buf_init((char *)(uintptr_t)said.data, (unsigned)said.len);

    if (peer != NULL && said.len > 0)
        (void)uv_try_write((uv_stream_t *)&peer->tcp, &view, 1);
}

static void hang_up(struct story *story)
{
    struct peer *peer = take_peer(story);
    uv_os_fd_t fd;

    if (peer == NULL)
        return;
    ASSERT(uv_fileno((uv_handle_t *)&peer->tcp, &fd) == 0);
    if ((take_u8(&story->in) & 1) != 0)
        (void)shutdown(fd, SHUT_WR); /* it goes on to listen */
    else
        end_peer(peer);
}

/* ---- the caller ---- */

static void act(struct story *story, uint8_t what);

static void on_done(struct call *call)
{
    struct asked *asked = CONTAINER_OF(call, struct asked, call);
    struct story *story = asked->story;

    ASSERT(asked->open && !story->inside && call->slot == 0);
    ASSERT(call->net == NET_OK ? call->in.status >= 101 : call->in.body == NULL);
    ASSERT(blob_bytes(call->in.body).len <= LIMIT_BODY_BYTES);
    asked->open = false;
    act(story, take_u8(&story->in));
}

static void ask(struct story *story)
{
    uint8_t how = take_u8(&story->in);
    struct asked *asked = &story->asked[how % CALLS];

    if (asked->open)
        return;
    *asked = (struct asked){.call = {.to = {story->at.ip, (how & 0x70) == 0x70 ? NOBODY_PORT : story->at.port},
                                     .out = {.verb = VERB_POST, .path = BYTES_LIT("/a")},
                                     .timeout_ms = (how & 0x88) == 0x88 ? 0 : LONG_MS},
                            .story = story,
                            .open = true};
    story->inside = true;
    http_client_call(story->client, &asked->call, on_done);
    story->inside = false;
}

static void cancel(struct story *story, struct asked *asked)
{
    if (!asked->open)
        return;
    story->inside = true;
    http_client_cancel(story->client, &asked->call);
    story->inside = false;
}

/* Inside the end of a call or not. */
static void act(struct story *story, uint8_t what)
{
    switch (what % 8) {
    case 1:
    case 2:
        ask(story);
        break;
    case 3:
        cancel(story, &story->asked[take_u8(&story->in) % CALLS]);
        break;
    default:
        break;
    }
}

/* ---- both ---- */

static void turn(struct story *story)
{
    for (int i = 0; i < TURNS; i++)
        uv_run(&story->loop, UV_RUN_NOWAIT);
}

static size_t open_calls(const struct story *story)
{
    size_t open = 0;

    for (size_t i = 0; i < CALLS; i++)
        open += story->asked[i].open;
    return open;
}

static void step(struct story *story)
{
    uint8_t what = take_u8(&story->in);
    struct http_client_counts counts;

    switch (what >> 4 & 3) {
    case 0:
        act(story, what);
        break;
    case 1:
    case 2:
        say(story);
        break;
    default:
        hang_up(story);
    }
    if ((what & 0x40) == 0)
        turn(story);
    http_client_counts(story->client, &counts);
    ASSERT(counts.calls == open_calls(story) && counts.idle <= counts.connections);
    ASSERT(counts.connections <= LIMIT_HTTP_OUT_CONNECTIONS);
}

static void start(struct story *story)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int len = sizeof(at);

    ASSERT(uv_loop_init(&story->loop) == 0 && uv_tcp_init(&story->loop, &story->listener) == 0);
    story->listener.data = story;
    ASSERT(uv_tcp_bind(&story->listener, (const struct sockaddr *)&at, 0) == 0);
    ASSERT(uv_listen((uv_stream_t *)&story->listener, 64, on_caller) == 0);
    ASSERT(uv_tcp_getsockname(&story->listener, (struct sockaddr *)&at, &len) == 0);
    story->at = (struct address){INADDR_LOOPBACK, ntohs(at.sin_port)};
    story->client = http_client_new(&story->loop, false, NULL);
}

/* Calls are cancelled, or dropped with the client; then the loop runs out. */
static void end(struct story *story, bool drop)
{
    story->in = BYTES_NONE;
    for (size_t i = 0; i < CALLS && !drop; i++)
        cancel(story, &story->asked[i]);
    while (!drop && open_calls(story) > 0)
        uv_run(&story->loop, UV_RUN_ONCE);
    http_client_free(story->client);
    for (size_t i = 0; i < PEERS_MAX; i++)
        if (story->peers[i] != NULL)
            end_peer(story->peers[i]);
    uv_close((uv_handle_t *)&story->listener, NULL);
    uv_run(&story->loop, UV_RUN_DEFAULT);
    ASSERT(uv_loop_close(&story->loop) == 0);
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    struct story *story = xcalloc(1, sizeof(*story));
    bool drop;

    story->in = input;
    story->arena = arena;
    drop = (take_u8(&story->in) & 1) != 0;
    start(story);
    for (int i = 0; i < STEPS_MAX && story->in.len > 0; i++)
        step(story);
    end(story, drop);
    free(story);
}
