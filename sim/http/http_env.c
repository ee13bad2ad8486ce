#include "sim/http/http_env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <uv.h>

#include "common/arena.h"
#include "common/limits.h"
#include "common/suite.h"
#include "sim/http/http_client.h"

/* A timer of the client on one of libuv's, which is used again for others. */
struct timer_slot {
    struct http_env *http;
    uv_timer_t uv;
    struct timer *timer; /* NULL: free */
};

struct sync_list {
    struct disk_op **ops;
    size_t count, cap;
};

struct http_env {
    struct env env;
    struct arena arena;
    struct http_env_config config;
    struct http_client *calls;
    uv_prepare_t turn; /* between callbacks: scratch is released */
    struct timer_slot **timers;
    uint32_t timer_count;
    uint32_t handles; /* of libuv, not closed yet */
    bool freed;
    /* the disk */
    uv_work_t work;
    bool working, changed;
    struct sync_list waiting, writing;
    struct buf encoded;
    enum err write_err, disk_err;
};

static struct http_env *http_of(struct env *env)
{
    return CONTAINER_OF(env, struct http_env, env);
}

static void must(int status)
{
    if (status != 0)
        out_of_memory();
}

/* ---- life ---- */

static void end_if_over(struct http_env *http)
{
    if (!http->freed || http->handles > 0 || http->working)
        return;
    for (uint32_t i = 0; i < http->timer_count; i++)
        free(http->timers[i]);
    free(http->timers);
    free(http->waiting.ops);
    free(http->writing.ops);
    arena_fini(&http->arena);
    free(http);
}

static void on_closed(uv_handle_t *handle)
{
    struct http_env *http = handle->data;

    http->handles--;
    end_if_over(http);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct timer_slot *slot = handle->data;

    slot->http->handles--;
    end_if_over(slot->http);
}

void http_env_free(struct http_env *http)
{
    http->freed = true;
    http_client_free(http->calls);
    for (uint32_t i = 0; i < http->timer_count; i++)
        uv_close((uv_handle_t *)&http->timers[i]->uv, on_timer_closed);
    uv_close((uv_handle_t *)&http->turn, on_closed);
}

static void on_turn(uv_prepare_t *turn)
{
    struct http_env *http = turn->data;

    arena_reset(&http->arena);
}

struct env *http_env_env(struct http_env *http)
{
    return &http->env;
}

/* ---- clock, chance, timers ---- */

static int64_t ops_now_ms(const struct env *env)
{
    struct timespec now;

    (void)env;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void ops_random(struct env *env, void *out, size_t len_bytes)
{
    uint8_t *at = out;

    (void)env;
    while (len_bytes > 0) {
        ssize_t len = getrandom(at, len_bytes, 0);

        if (len < 0 && errno != EINTR) {
            fprintf(stderr, "swarmbed: this machine gives no random bytes: %s\n", strerror(errno));
            exit(3);
        }
        at += len < 0 ? 0 : len;
        len_bytes -= len < 0 ? 0 : (size_t)len;
    }
}

static void on_timer(uv_timer_t *uv)
{
    struct timer_slot *slot = uv->data;
    struct timer *timer = slot->timer;

    slot->timer = NULL;
    timer->slot = 0;
    timer->fire(timer);
}

static void ops_timer_stop(struct env *env, struct timer *timer)
{
    struct timer_slot *slot;

    if (timer->slot == 0)
        return;
    slot = http_of(env)->timers[timer->slot - 1];
    ASSERT(slot->timer == timer);
    uv_timer_stop(&slot->uv);
    slot->timer = NULL;
    timer->slot = 0;
}

static struct timer_slot *take_timer(struct http_env *http, uint32_t *index)
{
    struct timer_slot *slot;

    for (*index = 0; *index < http->timer_count; ++*index)
        if (http->timers[*index]->timer == NULL)
            return http->timers[*index];
    slot = xcalloc(1, sizeof(*slot));
    slot->http = http;
    must(uv_timer_init(http->config.loop, &slot->uv));
    slot->uv.data = slot;
    http->handles++;
    http->timers = xrealloc(http->timers, (http->timer_count + 1) * sizeof(struct timer_slot *));
    http->timers[http->timer_count++] = slot;
    return slot;
}

/* At least a millisecond: a timer that starts itself anew must let the sockets in between. */
static void ops_timer_start(struct env *env, struct timer *timer, uint32_t delay_ms, timer_fn fire)
{
    struct http_env *http = http_of(env);
    struct timer_slot *slot;
    uint32_t index;

    ops_timer_stop(env, timer);
    slot = take_timer(http, &index);
    slot->timer = timer;
    timer->slot = index + 1;
    timer->fire = fire;
    uv_update_time(http->config.loop);
    must(uv_timer_start(&slot->uv, on_timer, delay_ms > 0 ? delay_ms : 1, 0));
}

/* ---- calls ---- */

static void ops_call(struct env *env, struct call *call, call_fn done)
{
    http_client_call(http_of(env)->calls, call, done);
}

static void ops_cancel(struct env *env, struct call *call)
{
    http_client_cancel(http_of(env)->calls, call);
}

static void ops_answer(struct env *env, struct incoming *incoming, const struct message *message)
{
    (void)env, (void)incoming, (void)message;
    ASSERT(!"nobody can call a client");
}

static void ops_answer_part(struct env *env, struct incoming *incoming, const struct message *message)
{
    ops_answer(env, incoming, message);
}

static void ops_charge(struct env *env, enum cost cost, uint32_t units)
{
    (void)env, (void)cost, (void)units;
}

static void ops_trace(struct env *env, const struct trace_record *record)
{
    const struct http_env_config *config = &http_of(env)->config;

    if (config->on_trace != NULL)
        config->on_trace(config->owner, record);
}

/* ---- the disk ---- */

static void ops_disk_put(struct env *env, struct bytes key, struct bytes value)
{
    struct http_env *http = http_of(env);

    state_file_put(http->config.file, key, value);
    http->changed = true;
}

static void ops_disk_each(struct env *env, disk_each_fn each, void *owner)
{
    state_file_each(http_of(env)->config.file, each, owner);
}

/* On another thread: the bytes are this write's alone. */
static void on_work(uv_work_t *work)
{
    struct http_env *http = work->data;

    if (http->write_err == OK)
        http->write_err = state_file_write(http->config.file, buf_bytes(&http->encoded));
}

static void on_worked(uv_work_t *work, int status);

/* One write serves all syncs that were asked for until now; those that come meanwhile wait for the next. */
static void start_write(struct http_env *http)
{
    struct sync_list ops = http->writing;

    http->writing = http->waiting;
    http->waiting = ops;
    http->waiting.count = 0;
    http->working = true;
    http->changed = false;
    buf_init(&http->encoded, LIMIT_STATE_BYTES);
    http->write_err = state_file_encode(http->config.file, &http->encoded) == OK ? OK : ERR_FULL;
    http->work.data = http;
    must(uv_queue_work(http->config.loop, &http->work, on_work, on_worked));
}

static void on_worked(uv_work_t *work, int status)
{
    struct http_env *http = work->data;

    (void)status;
    crypto_wipe(http->encoded.data, http->encoded.len);
    buf_fini(&http->encoded);
    http->disk_err = http->write_err;
    http->changed = http->changed || http->disk_err != OK;
    for (size_t i = 0; i < http->writing.count && !http->freed; i++) {
        struct disk_op *op = http->writing.ops[i];

        op->err = http->disk_err;
        op->done(op);
    }
    http->working = false;
    if (http->freed)
        end_if_over(http);
    else if (http->waiting.count > 0)
        start_write(http);
}

static void ops_disk_sync(struct env *env, struct disk_op *op, disk_fn done)
{
    struct http_env *http = http_of(env);
    struct sync_list *waiting = &http->waiting;

    op->done = done;
    if (waiting->count == waiting->cap) {
        waiting->cap = waiting->cap == 0 ? 16 : 2 * waiting->cap;
        waiting->ops = xrealloc(waiting->ops, waiting->cap * sizeof(struct disk_op *));
    }
    waiting->ops[waiting->count++] = op;
    if (!http->working)
        start_write(http);
}

bool http_env_unwritten(const struct http_env *http)
{
    return http->changed && !http->working;
}

bool http_env_saved(const struct http_env *http)
{
    return !http->working && !http->changed;
}

enum err http_env_disk(const struct http_env *http)
{
    return http->disk_err;
}

static const struct env_ops http_ops = {
    .now_ms = ops_now_ms,
    .random = ops_random,
    .timer_start = ops_timer_start,
    .timer_stop = ops_timer_stop,
    .call = ops_call,
    .cancel = ops_cancel,
    .answer = ops_answer,
    .answer_part = ops_answer_part,
    .charge = ops_charge,
    .disk_put = ops_disk_put,
    .disk_sync = ops_disk_sync,
    .disk_each = ops_disk_each,
    .trace = ops_trace,
};

struct http_env *http_env_new(const struct http_env_config *config, struct buf *why)
{
    struct http_client *calls = http_client_new(config->loop, config->tls, why);
    struct http_env *http;

    if (calls == NULL)
        return NULL;
    http = xcalloc(1, sizeof(*http));
    http->config = *config;
    http->calls = calls;
    arena_init(&http->arena);
    http->env = (struct env){&http_ops, &http->arena};
    must(uv_prepare_init(config->loop, &http->turn));
    http->turn.data = http;
    http->handles = 1;
    must(uv_prepare_start(&http->turn, on_turn));
    uv_unref((uv_handle_t *)&http->turn);
    return http;
}
