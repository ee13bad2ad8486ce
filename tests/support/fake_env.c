#include "tests/support/fake_env.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum event_kind { EVENT_TIMER, EVENT_CALL, EVENT_SYNC };

struct fake_event {
    int64_t due_ms; /* of clock_ms; INT64_MAX: waits for the test */
    uint32_t id;    /* order of asking; never 0 */
    enum event_kind kind;
    union {
        struct timer *timer;
        struct fake_call *call;
        struct {
            struct disk_op *op;
            size_t puts; /* how many unsynced records it makes durable */
        } sync;
    } of;
};

static struct fake_env *fake_of(struct env *env)
{
    return CONTAINER_OF(env, struct fake_env, env);
}

/* The list with room for one more. It doubles: under a sanitizer every move of a long list costs. */
static void *grown(void *list, size_t count, size_t size)
{
    return (count & (count - 1)) == 0 ? xrealloc(list, (count == 0 ? 1 : 2 * count) * size) : list;
}

/* ---- the queue ---- */

static struct fake_event *event_add(struct fake_env *fake, int64_t due_ms, enum event_kind kind)
{
    struct fake_event *event;

    fake->events = grown(fake->events, fake->event_count, sizeof(*fake->events));
    event = &fake->events[fake->event_count++];
    *event = (struct fake_event){.due_ms = due_ms, .id = ++fake->events_asked, .kind = kind};
    return event;
}

static struct fake_event *event_find(struct fake_env *fake, uint32_t id)
{
    for (size_t i = 0; i < fake->event_count; i++)
        if (fake->events[i].id == id)
            return &fake->events[i];
    return NULL;
}

static void event_remove(struct fake_env *fake, struct fake_event *event)
{
    size_t at = (size_t)(event - fake->events);

    memmove(event, event + 1, (--fake->event_count - at) * sizeof(*event));
}

/* ---- the disk ---- */

static void records_put_at(struct fake_disk_records *list, size_t at, struct blob *key, struct blob *value)
{
    list->records = grown(list->records, list->count, sizeof(*list->records));
    memmove(&list->records[at + 1], &list->records[at], (list->count - at) * sizeof(*list->records));
    list->records[at] = (struct fake_disk_record){key, value};
    list->count++;
}

static void records_remove_at(struct fake_disk_records *list, size_t at)
{
    blob_drop(list->records[at].key);
    blob_drop(list->records[at].value);
    memmove(&list->records[at], &list->records[at + 1], (--list->count - at) * sizeof(*list->records));
}

static void records_fini(struct fake_disk_records *list)
{
    while (list->count > 0)
        records_remove_at(list, list->count - 1);
    free(list->records);
    list->records = NULL;
}

/* Where in a list that ascends by key that key is, or would be. */
static size_t records_find(const struct fake_disk_records *list, struct bytes key)
{
    size_t from = 0, to = list->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (bytes_compare(blob_bytes(list->records[middle].key), key) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* Moves the oldest unsynced record to the durable ones. */
static void make_durable(struct fake_env *fake)
{
    const struct fake_disk_record *put = &fake->unsynced.records[0];
    struct bytes key = blob_bytes(put->key);
    size_t at = records_find(&fake->disk, key);
    bool there = at < fake->disk.count && bytes_equal(blob_bytes(fake->disk.records[at].key), key);

    if (there)
        records_remove_at(&fake->disk, at);
    if (put->value != NULL)
        records_put_at(&fake->disk, at, blob_keep(put->key), blob_keep(put->value));
    records_remove_at(&fake->unsynced, 0);
}

/* A failed sync leaves its records unsynced: a later one that works includes them, as with a real file. */
static void run_sync(struct fake_env *fake, struct disk_op *op, size_t puts)
{
    fake->syncs_waiting--;
    op->err = fake->disk_err;
    if (op->err == OK) {
        for (size_t i = 0; i < fake->event_count; i++) {
            struct fake_event *later = &fake->events[i];

            if (later->kind == EVENT_SYNC)
                later->of.sync.puts -= later->of.sync.puts < puts ? later->of.sync.puts : puts;
        }
        for (; puts > 0; puts--)
            make_durable(fake);
    }
    op->done(op);
}

static void fake_disk_put(struct env *env, struct bytes key, struct bytes value)
{
    struct fake_env *fake = fake_of(env);

    fake->disk_puts++;
    records_put_at(&fake->unsynced, fake->unsynced.count, blob_copy(key), value.len == 0 ? NULL : blob_copy(value));
}

static void fake_disk_sync(struct env *env, struct disk_op *op, disk_fn done)
{
    struct fake_env *fake = fake_of(env);
    struct fake_event *event = event_add(fake, fake->disk_manual ? INT64_MAX : fake->clock_ms, EVENT_SYNC);

    op->done = done;
    op->slot = event->id;
    event->of.sync.op = op;
    event->of.sync.puts = fake->unsynced.count;
    fake->syncs_waiting++;
}

static void fake_disk_each(struct env *env, disk_each_fn each, void *owner)
{
    struct fake_env *fake = fake_of(env);

    for (size_t i = 0; i < fake->disk.count; i++)
        each(owner, blob_bytes(fake->disk.records[i].key), blob_bytes(fake->disk.records[i].value));
}

/* ---- calls ---- */

static struct header *headers_copy(const struct header *headers, size_t count)
{
    struct header *copy = count == 0 ? NULL : xcalloc(count, sizeof(*copy));

    for (size_t i = 0; i < count; i++) {
        struct bytes parts[2] = {headers[i].name, headers[i].value};
        uint8_t *text = xmalloc(parts[0].len + parts[1].len + 1);

        if (parts[0].len > 0)
            memcpy(text, parts[0].data, parts[0].len);
        if (parts[1].len > 0)
            memcpy(text + parts[0].len, parts[1].data, parts[1].len);
        copy[i] = (struct header){{text, parts[0].len}, {text + parts[0].len, parts[1].len}};
    }
    return copy;
}

static void headers_free(struct header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)headers[i].name.data);
    free(headers);
}

static void run_call(struct fake_call *record)
{
    struct call *call = record->call;

    record->ended = true;
    record->call = NULL;
    call->net = record->net;
    call->in = (struct message){0};
    if (record->net == NET_OK) {
        call->in.status = record->answer_status;
        call->in.content = record->answer_content;
        call->in.body = record->answer;
    }
    call->done(call);
    blob_drop(record->answer);
    record->answer = NULL;
}

static void fake_call(struct env *env, struct call *call, call_fn done)
{
    struct fake_env *fake = fake_of(env);
    struct fake_call *record = xcalloc(1, sizeof(*record));
    struct fake_event *event;

    for (size_t i = 0; i < fake->call_count; i++)
        ASSERT(fake->calls[i]->call != call);
    record->to = call->to;
    record->verb = call->out.verb;
    record->content = call->out.content;
    record->timeout_ms = call->timeout_ms;
    record->at_ms = fake->now_ms;
    record->net = NET_TIMEOUT;
    record->path = blob_copy(call->out.path);
    record->body = blob_keep(call->out.body);
    record->headers = headers_copy(call->out.headers, call->out.header_count);
    record->header_count = call->out.header_count;
    record->call = call;
    event = event_add(fake, fake->clock_ms + call->timeout_ms, EVENT_CALL);
    event->of.call = record;
    record->event = event->id;
    call->done = done;
    fake->calls = grown(fake->calls, fake->call_count, sizeof(struct fake_call *));
    fake->calls[fake->call_count++] = record;
    call->slot = (uint32_t)fake->call_count;
}

/* Ends the call at once instead of at its time limit. */
static void end_call(struct fake_env *fake, struct fake_call *record, enum net net)
{
    struct fake_event *event = event_find(fake, record->event);

    ASSERT(event != NULL);
    event_remove(fake, event);
    event = event_add(fake, fake->clock_ms, EVENT_CALL);
    event->of.call = record;
    record->event = event->id;
    record->net = net;
}

static void fake_cancel(struct env *env, struct call *call)
{
    struct fake_env *fake = fake_of(env);

    ASSERT(call->slot != 0 && call->slot <= fake->call_count && fake->calls[call->slot - 1]->call == call);
    end_call(fake, fake->calls[call->slot - 1], NET_CANCELLED);
}

/* ---- the rest of the env ---- */

static int64_t fake_now_ms(const struct env *env)
{
    return CONTAINER_OF(env, const struct fake_env, env)->now_ms;
}

static void fake_random(struct env *env, void *out, size_t len_bytes)
{
    rng_bytes(&fake_of(env)->rng, out, len_bytes);
}

static void fake_timer_stop(struct env *env, struct timer *timer)
{
    if (timer->slot == 0)
        return;
    event_remove(fake_of(env), event_find(fake_of(env), timer->slot));
    timer->slot = 0;
}

static void fake_timer_start(struct env *env, struct timer *timer, uint32_t delay_ms, timer_fn fire)
{
    struct fake_env *fake = fake_of(env);
    struct fake_event *event;

    fake_timer_stop(env, timer);
    event = event_add(fake, fake->clock_ms + delay_ms, EVENT_TIMER);
    event->of.timer = timer;
    timer->slot = event->id;
    timer->fire = fire;
}

static void fake_answer(struct env *env, struct incoming *incoming, const struct message *message)
{
    struct fake_request *request = CONTAINER_OF(incoming, struct fake_request, incoming);

    if (request->gone) {
        ASSERT(incoming->on_gone == NULL);
        return;
    }
    ASSERT(!request->answered);
    request->answered = true;
    request->status = message->status;
    request->content = message->content;
    request->answer = blob_keep(message->body);
    request->answered_ms = fake_of(env)->now_ms;
}

static void fake_answer_part(struct env *env, struct incoming *incoming, const struct message *message)
{
    struct fake_request *request = CONTAINER_OF(incoming, struct fake_request, incoming);

    (void)env;
    ASSERT(!request->answered && !request->gone);
    request->status = message->status;
    request->content = message->content;
    request->parts = grown(request->parts, request->part_count, sizeof(*request->parts));
    request->parts[request->part_count++] = blob_keep(message->body);
}

static void fake_charge(struct env *env, enum cost cost, uint32_t units)
{
    fake_of(env)->charged[cost] += units;
}

static void fake_trace(struct env *env, const struct trace_record *record)
{
    struct fake_env *fake = fake_of(env);
    struct fake_trace *trace;

    fake->traces = grown(fake->traces, fake->trace_count, sizeof(*fake->traces));
    trace = &fake->traces[fake->trace_count++];
    trace->kind = record->kind;
    memcpy(trace->n, record->n, sizeof(trace->n));
    for (size_t i = 0; i < ARRAY_LEN(trace->b); i++)
        trace->b[i] = blob_copy(record->b[i]);
}

static const struct env_ops fake_ops = {
    .now_ms = fake_now_ms,
    .random = fake_random,
    .timer_start = fake_timer_start,
    .timer_stop = fake_timer_stop,
    .call = fake_call,
    .cancel = fake_cancel,
    .answer = fake_answer,
    .answer_part = fake_answer_part,
    .charge = fake_charge,
    .disk_put = fake_disk_put,
    .disk_sync = fake_disk_sync,
    .disk_each = fake_disk_each,
    .trace = fake_trace,
};

/* ---- what the test does ---- */

void fake_env_init(struct fake_env *fake, uint64_t seed)
{
    *fake = (struct fake_env){.now_ms = FAKE_EPOCH_MS};
    arena_init(&fake->arena);
    fake->env = (struct env){&fake_ops, &fake->arena};
    rng_key_from_seed(&fake->rng_key, seed);
    rng_init(&fake->rng, &fake->rng_key, RNG_PROTOCOL, 0);
}

void fake_env_fini(struct fake_env *fake)
{
    for (size_t i = 0; i < fake->call_count; i++) {
        struct fake_call *call = fake->calls[i];

        blob_drop(call->path);
        blob_drop(call->body);
        blob_drop(call->answer);
        headers_free(call->headers, call->header_count);
        free(call);
    }
    free(fake->calls);
    for (size_t i = 0; i < fake->request_count; i++) {
        struct fake_request *request = fake->requests[i];

        blob_drop(request->path);
        blob_drop(request->incoming.in.body);
        blob_drop(request->answer);
        for (size_t part = 0; part < request->part_count; part++)
            blob_drop(request->parts[part]);
        free(request->parts);
        headers_free(request->headers, request->incoming.in.header_count);
        free(request);
    }
    free(fake->requests);
    for (size_t i = 0; i < fake->trace_count; i++) {
        blob_drop(fake->traces[i].b[0]);
        blob_drop(fake->traces[i].b[1]);
    }
    free(fake->traces);
    free(fake->events);
    records_fini(&fake->disk);
    records_fini(&fake->unsynced);
    arena_fini(&fake->arena);
}

/* The earliest event not after `until_ms`; NULL: none. */
static struct fake_event *event_first(struct fake_env *fake, int64_t until_ms)
{
    struct fake_event *first = NULL;

    for (size_t i = 0; i < fake->event_count; i++) {
        struct fake_event *event = &fake->events[i];

        if (event->due_ms <= until_ms && (first == NULL || event->due_ms < first->due_ms ||
                                          (event->due_ms == first->due_ms && event->id < first->id)))
            first = event;
    }
    return first;
}

static void run_event(struct fake_env *fake, struct fake_event event)
{
    switch (event.kind) {
    case EVENT_TIMER:
        event.of.timer->slot = 0;
        event.of.timer->fire(event.of.timer);
        break;
    case EVENT_CALL:
        run_call(event.of.call);
        break;
    case EVENT_SYNC:
        run_sync(fake, event.of.sync.op, event.of.sync.puts);
        break;
    }
    arena_reset(&fake->arena);
}

void fake_env_advance_ms(struct fake_env *fake, int64_t ms)
{
    int64_t until_ms = fake->clock_ms + ms;
    struct fake_event *event;

    ASSERT(!fake->running);
    fake->running = true;
    while ((event = event_first(fake, until_ms)) != NULL) {
        struct fake_event now = *event;

        if (now.due_ms > fake->clock_ms) {
            fake->now_ms += now.due_ms - fake->clock_ms;
            fake->clock_ms = now.due_ms;
        }
        event_remove(fake, event);
        run_event(fake, now);
    }
    fake->now_ms += until_ms - fake->clock_ms;
    fake->clock_ms = until_ms;
    fake->running = false;
}

void fake_env_run(struct fake_env *fake)
{
    fake_env_advance_ms(fake, 0);
}

/* Inside a callback the queue is running already. */
static void run_unless_running(struct fake_env *fake)
{
    if (!fake->running)
        fake_env_run(fake);
}

void fake_env_answer(struct fake_env *fake, size_t index, uint16_t status, struct bytes body)
{
    struct fake_call *record;

    ASSERT(index < fake->call_count);
    record = fake->calls[index];
    ASSERT(record->call != NULL && record->answer == NULL);
    record->answer_status = status;
    record->answer = body.len == 0 ? NULL : blob_copy(body);
    record->answer_content = body.len == 0 ? CONTENT_NONE : body.data[0] == '{' ? CONTENT_JSON : CONTENT_TEXT;
    end_call(fake, record, NET_OK);
    run_unless_running(fake);
}

void fake_env_fail(struct fake_env *fake, size_t index, enum net net)
{
    ASSERT(index < fake->call_count && fake->calls[index]->call != NULL && net != NET_OK);
    end_call(fake, fake->calls[index], net);
    run_unless_running(fake);
}

struct fake_request *fake_env_request(struct fake_env *fake, enum verb verb, const char *path, struct bytes body)
{
    struct fake_request *request = xcalloc(1, sizeof(*request));

    request->path = blob_copy(bytes_text(path));
    request->incoming.in.verb = verb;
    request->incoming.in.path = blob_bytes(request->path);
    request->incoming.in.body = body.len == 0 ? NULL : blob_copy(body);
    request->incoming.in.content = body.len == 0 ? CONTENT_NONE : CONTENT_BINARY;
    request->incoming.from = (struct address){0x7f000001, 40000};
    fake->requests = grown(fake->requests, fake->request_count, sizeof(struct fake_request *));
    fake->requests[fake->request_count++] = request;
    return request;
}

struct fake_request *fake_env_peer_request(struct fake_env *fake, const struct ed25519_public *peer, const char *path,
                                           struct bytes body)
{
    struct fake_request *request = fake_env_request(fake, VERB_POST, path, body);

    request->peer_key = *peer;
    request->incoming.peer_key = &request->peer_key;
    return request;
}

void fake_request_add_header(struct fake_request *request, const char *name, const char *value)
{
    struct header header = {bytes_text(name), bytes_text(value)};
    size_t count = request->incoming.in.header_count;
    struct header *copy = headers_copy(&header, 1);

    request->headers = xrealloc(request->headers, (count + 1) * sizeof(header));
    request->headers[count] = copy[0];
    free(copy);
    request->incoming.in.headers = request->headers;
    request->incoming.in.header_count = count + 1;
}

void fake_env_hang_up(struct fake_env *fake, struct fake_request *request)
{
    ASSERT(!request->answered && !request->gone);
    request->gone = true;
    if (request->incoming.on_gone != NULL)
        request->incoming.on_gone(&request->incoming);
    if (!fake->running)
        arena_reset(&fake->arena);
}

void fake_env_complete_sync(struct fake_env *fake)
{
    struct fake_event *event = NULL;

    for (size_t i = 0; i < fake->event_count && event == NULL; i++)
        if (fake->events[i].kind == EVENT_SYNC)
            event = &fake->events[i];
    ASSERT(event != NULL);
    event->due_ms = fake->clock_ms;
    run_unless_running(fake);
}

void fake_env_crash(struct fake_env *fake)
{
    fake->event_count = 0;
    fake->syncs_waiting = 0;
    for (size_t i = 0; i < fake->call_count; i++)
        fake->calls[i]->call = NULL;
    for (size_t i = 0; i < fake->request_count; i++) {
        fake->requests[i]->gone = !fake->requests[i]->answered;
        fake->requests[i]->incoming.on_gone = NULL;
    }
    records_fini(&fake->unsynced);
}

size_t fake_env_timers(const struct fake_env *fake)
{
    size_t timers = 0;

    for (size_t i = 0; i < fake->event_count; i++)
        timers += fake->events[i].kind == EVENT_TIMER;
    return timers;
}
