#include "tests/support/check_main.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/limits.h"
#include "sim/http/http_env.h"
#include "tests/support/http_fixture.h"

static struct http_fixture fixture;
static struct state_file *file;
static struct http_env *http;
static struct env *env;
static char folder[32], path[64];

static void begin(bool tls)
{
    struct buf why;

    buf_init(&why, 256);
    strcpy(folder, "/tmp/http_env_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/state", folder);
    http_fixture_init(&fixture, (struct http_config){.tls = true});
    file = state_file_open(path, &why);
    http = http_env_new(&(struct http_env_config){.loop = &fixture.loop, .file = file, .tls = tls}, &why);
    ck_assert_ptr_nonnull(http);
    env = http_env_env(http);
    buf_fini(&why);
}

static void end(void)
{
    static const char *const names[] = {"state", "state.lock"};
    char name[96];

    http_env_free(http);
    if (fixture.stopped)
        uv_run(&fixture.loop, UV_RUN_DEFAULT);
    http_fixture_fini(&fixture); /* the loop runs out, and closes: nothing is left open */
    state_file_close(file);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(name, sizeof(name), "%s/%s", folder, names[i]);
        unlink(name);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}

struct asked {
    struct call call;
    bool ended;
    struct blob *body;
};

static void on_done(struct call *call)
{
    struct asked *asked = CONTAINER_OF(call, struct asked, call);

    ck_assert(!asked->ended);
    asked->ended = true;
    asked->body = blob_keep(call->in.body);
}

static void ask(struct asked *asked, const char *where, struct blob *body, uint32_t timeout_ms)
{
    *asked = (struct asked){
        .call = {.to = fixture.at,
                 .out = {.verb = VERB_POST, .content = CONTENT_BINARY, .path = bytes_text(where), .body = body},
                 .timeout_ms = timeout_ms}};
    env_call(env, &asked->call, on_done);
    ck_assert(!asked->ended); /* never inside the call */
}

static void finish(struct asked *asked)
{
    blob_drop(asked->body);
}

static void echoes(void)
{
    struct blob *big = blob_new(LIMIT_BODY_BYTES);
    struct asked asked;

    memset(big->data, 'x', big->len);
    for (size_t i = 0; i < 3; i++) {
        ask(&asked, "/echo", big, 600000);
        TURN_UNTIL(&fixture, asked.ended);
        ck_assert_int_eq(asked.call.net, NET_OK);
        ck_assert_uint_eq(asked.call.in.status, 200);
        ck_assert_int_eq(asked.call.in.content, CONTENT_BINARY);
        ck_assert(bytes_equal(blob_bytes(asked.body), blob_bytes(big)));
        finish(&asked);
    }
    ck_assert_uint_eq(http_fixture_counts(&fixture).accepted, 1); /* one connection for all */
    blob_drop(big);
}

START_TEST(calls_by_http)
{
    begin(false);
    echoes();
    end();
}
END_TEST

START_TEST(calls_by_https)
{
    begin(true);
    echoes();
    ck_assert_uint_eq(http_fixture_counts(&fixture).tls_handshakes, 1);
    end();
}
END_TEST

/* Each way in which the caller ends a call. */
START_TEST(calls_end)
{
    struct asked late, cancelled;

    begin(false);
    ask(&late, "/hold", NULL, 1);
    ask(&cancelled, "/hold", NULL, 600000);
    TURN_UNTIL(&fixture, late.ended);
    ck_assert_int_eq(late.call.net, NET_TIMEOUT);
    env_cancel(env, &cancelled.call);
    ck_assert(!cancelled.ended);
    TURN_UNTIL(&fixture, cancelled.ended);
    ck_assert_int_eq(cancelled.call.net, NET_CANCELLED);
    end();
}
END_TEST

/* A server that goes while it holds a call, and one that is gone. */
START_TEST(calls_end_with_the_server)
{
    struct asked refused, reset;
    struct address nobody;

    begin(false);
    ask(&reset, "/hold", NULL, 600000);
    TURN_UNTIL(&fixture, fixture.held_count > 0 && fixture.held[fixture.held_count - 1] != NULL &&
                             fixture.served >= 1 && http_fixture_counts(&fixture).exchanges == 1);
    http_server_abort(fixture.server, http_fixture_stopped);
    TURN_UNTIL(&fixture, reset.ended);
    ck_assert_int_eq(reset.call.net, NET_RESET);
    TURN_UNTIL(&fixture, fixture.stopped);
    nobody = fixture.at; /* the server is gone */
    ck_assert_uint_gt(nobody.port, 0);
    ask(&refused, "/now", NULL, 600000);
    TURN_UNTIL(&fixture, refused.ended);
    ck_assert_int_eq(refused.call.net, NET_REFUSED);
    end();
}
END_TEST

/* A hundred at once; then an env that is freed with open calls and timers runs none of them. */
static struct timer never;
static void on_never(struct timer *timer)
{
    (void)timer;
    ck_abort_msg("a timer of a freed env ran");
}

START_TEST(many_and_none)
{
    struct asked many[100], open;

    begin(true);
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        ask(&many[i], "/now", NULL, 600000);
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        TURN_UNTIL(&fixture, many[i].ended);
        ck_assert_int_eq(many[i].call.net, NET_OK);
        ck_assert(bytes_equal_text(blob_bytes(many[i].body), "now"));
        finish(&many[i]);
    }
    ask(&open, "/hold", NULL, 600000);
    never = (struct timer){0};
    env_timer_start(env, &never, 0, on_never);
    end();
    ck_assert(!open.ended);
}
END_TEST

/* A call that still waits for a connection when its time is up does not take the one that a cancelled call leaves in the
 * same moment. */
START_TEST(a_late_call_takes_no_connection)
{
    struct asked many[LIMIT_HTTP_OUT_CONNECTIONS], late;

    begin(false);
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        ask(&many[i], "/now", NULL, 600000);
    ask(&late, "/now", NULL, 0);
    env_cancel(env, &many[0].call);
    TURN_UNTIL(&fixture, late.ended && many[0].ended);
    ck_assert_int_eq(late.call.net, NET_TIMEOUT);
    ck_assert_int_eq(many[0].call.net, NET_CANCELLED);
    for (size_t i = 1; i < ARRAY_LEN(many); i++) {
        TURN_UNTIL(&fixture, many[i].ended);
        ck_assert_int_eq(many[i].call.net, NET_OK);
        finish(&many[i]);
    }
    end();
}
END_TEST

/* A server that closes a kept connection just before the next call: the call is repeated, on another connection. */
START_TEST(stale_connection_is_left)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t at_len = sizeof(at);
    struct asked asked;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), peer;

    begin(false);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_eq(listen(listener, 4), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &at_len), 0);
    fixture.at.port = ntohs(at.sin_port);
    peer = -1;
    for (size_t i = 0; i < 3; i++) {
        ask(&asked, "/now", NULL, 600000);
        if (i > 0) {
            close(peer); /* its end is not noticed yet, and the call is on its way there already */
            uv_run(&fixture.loop, UV_RUN_NOWAIT);
        }
        TURN_UNTIL(&fixture, (peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0 || errno != EAGAIN);
        ck_assert_int_eq(send(peer, answer, sizeof(answer) - 1, MSG_NOSIGNAL), sizeof(answer) - 1);
        TURN_UNTIL(&fixture, asked.ended);
        ck_assert_int_eq(asked.call.net, NET_OK);
        ck_assert(bytes_equal_text(blob_bytes(asked.body), "ok"));
        finish(&asked);
    }
    close(peer);
    close(listener);
    end();
}
END_TEST

static struct timer timers[3];
static char order[8];
static void on_timer(struct timer *timer)
{
    ck_assert(!timer_running(timer));
    order[strlen(order)] = (char)('a' + (timer - timers));
}

START_TEST(timers_run_in_order)
{
    begin(false);
    memset(timers, 0, sizeof(timers));
    memset(order, 0, sizeof(order));
    env_timer_start(env, &timers[0], 30, on_timer);
    env_timer_start(env, &timers[1], 5, on_timer);
    env_timer_start(env, &timers[2], 1, on_timer);
    ck_assert(timer_running(&timers[1]));
    env_timer_start(env, &timers[1], 10, on_timer); /* anew */
    env_timer_stop(env, &timers[2]);
    TURN_UNTIL(&fixture, strlen(order) == 2);
    ck_assert_str_eq(order, "ba");
    end();
}
END_TEST

static size_t synced;
static struct disk_op ops[3];
static void on_synced(struct disk_op *op)
{
    ck_assert_int_eq(op->err, OK);
    synced++;
}

static void count_record(void *owner, struct bytes key, struct bytes value)
{
    (void)key, (void)value;
    ++*(size_t *)owner;
}

/* A sync ends when the file has all that was put before. */
START_TEST(disk_is_honest)
{
    struct state_file *copy;
    struct buf why;
    size_t count = 0;

    begin(false);
    synced = 0;
    buf_init(&why, 256);
    env_disk_put(env, BYTES_LIT("a"), BYTES_LIT("1"));
    env_disk_sync(env, &ops[0], on_synced);
    env_disk_put(env, BYTES_LIT("b"), BYTES_LIT("2"));
    env_disk_sync(env, &ops[1], on_synced);
    env_disk_sync(env, &ops[2], on_synced);
    ck_assert_uint_eq(synced, 0);
    ck_assert(!http_env_saved(http));
    TURN_UNTIL(&fixture, synced == 3);
    ck_assert(http_env_saved(http));
    ck_assert_int_eq(http_env_disk(http), OK);
    env_disk_each(env, count_record, &count);
    ck_assert_uint_eq(count, 2);
    state_file_close(file);
    copy = state_file_open(path, &why);
    ck_assert_ptr_nonnull(copy);
    ck_assert(bytes_equal_text(state_file_get(copy, BYTES_LIT("b")), "2"));
    file = copy;
    buf_fini(&why);
    end();
}
END_TEST

TEST_MAIN("http_env", calls_by_http, calls_by_https, calls_end, calls_end_with_the_server, many_and_none, a_late_call_takes_no_connection, stale_connection_is_left,
          timers_run_in_order, disk_is_honest)
