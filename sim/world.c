#include "sim/world.h"

#include <stdlib.h>

#include "sim/digest.h"
#include "sim/endpoint.h"
#include "sim/stopwatch.h"
#include "sim/windows.h"

#define SINKS_MAX 4

struct control {
    control_fn fn;
    void *owner;
};

struct world {
    struct settings settings;
    struct shard shards[WORLD_SHARDS];
    struct windows windows;
    struct event_queue controls; /* key 0; payload: struct control, malloc */
    uint64_t control_count, input_count;
    int64_t now_us;
    struct trace_sink sinks[SINKS_MAX];
    size_t sink_count;
    /* A run that ended early goes on with its questions where it stopped, so that slices can't be observed. */
    struct {
        world_done_fn done; /* NULL: nothing was interrupted */
        void *owner;
        int64_t until_us, next_us;
    } interrupted;
};

static struct bytes seat_key(const void *owner, uint32_t number)
{
    return address_key(&seat_at(owner, number)->address);
}

static void set_window(struct settings *settings, uint32_t access_us_min)
{
    settings->access_us_min = access_us_min;
    settings->window_us = network_least_us(&settings->network, access_us_min);
}

struct world *world_new(const struct world_config *config)
{
    struct world *world = xcalloc(1, sizeof(*world));

    ASSERT(config->threads >= 1 && config->threads <= 64);
    ASSERT(config->network->lookahead_us >= 100);
    rng_key_from_seed(&world->settings.key, config->seed);
    world->settings.network = *config->network;
    set_window(&world->settings, UINT32_MAX);
    world->settings.costs = config->costs;
    world->settings.epoch_ms = config->epoch_ms;
    world->settings.tap = config->tap;
    world->settings.tap_owner = config->tap_owner;
    number_index_init(&world->settings.by_address, seat_key, &world->settings);
    event_queue_init(&world->controls);
    for (size_t i = 0; i < WORLD_SHARDS; i++)
        shard_init(&world->shards[i], &world->settings, world->shards);
    windows_init(&world->windows, world->shards, config->threads);
    return world;
}

void world_free(struct world *world)
{
    struct event event;

    windows_fini(&world->windows);
    for (uint32_t i = 0; i < world->settings.seat_count; i++)
        seat_fini(seat_at(&world->settings, i));
    for (size_t i = 0; i < WORLD_SHARDS; i++)
        shard_fini(&world->shards[i]);
    while (event_queue_pop_before(&world->controls, EVENT_NEVER, &event))
        free((void *)(uintptr_t)event.payload);
    event_queue_fini(&world->controls);
    for (uint32_t i = 0; i < world->settings.seat_count; i += SEATS_PER_PAGE)
        free(world->settings.pages[i / SEATS_PER_PAGE]);
    free(world->settings.pages);
    number_index_fini(&world->settings.by_address);
    free(world);
}

const struct rng_key *world_rng_key(const struct world *world)
{
    return &world->settings.key;
}

void world_add_sink(struct world *world, const struct trace_sink *sink)
{
    ASSERT(world->sink_count < SINKS_MAX);
    world->sinks[world->sink_count++] = *sink;
    world->settings.sink_kinds |= sink->kinds;
}

/* Seats */

static struct seat *seat_numbered(const struct world *world, uint32_t number)
{
    ASSERT(number < world->settings.seat_count);
    return seat_at(&world->settings, number);
}

static void add_page(struct settings *settings)
{
    uint32_t pages = settings->seat_count / SEATS_PER_PAGE;

    settings->pages = xrealloc(settings->pages, (pages + 1) * sizeof(*settings->pages));
    settings->pages[pages] = aligned_alloc(_Alignof(struct seat), SEATS_PER_PAGE * sizeof(struct seat));
    if (settings->pages[pages] == NULL)
        out_of_memory();
}

uint32_t world_add_seat(struct world *world, const struct seat_config *config)
{
    struct settings *settings = &world->settings;
    uint32_t number = settings->seat_count;

    ASSERT(config->shard < WORLD_SHARDS && number < EVENT_SEATS_MAX);
    if (number % SEATS_PER_PAGE == 0)
        add_page(settings);
    settings->seat_count++;
    if (config->access.access_us < settings->access_us_min)
        set_window(settings, config->access.access_us);
    seat_init(seat_at(settings, number), &world->shards[config->shard], number, config);
    number_index_add(&settings->by_address);
    return number;
}

uint32_t world_seat_at(const struct world *world, struct address address)
{
    static_assert(NUMBER_NONE == SEAT_NONE, "no seat has that address");
    return number_index_find(&world->settings.by_address, address_key(&address));
}

uint32_t world_seat_count(const struct world *world)
{
    return world->settings.seat_count;
}

struct env *world_env(struct world *world, uint32_t seat)
{
    return &seat_numbered(world, seat)->env;
}

struct address world_address(const struct world *world, uint32_t seat)
{
    return seat_numbered(world, seat)->address;
}

uint32_t world_shard(const struct world *world, uint32_t seat)
{
    return (uint32_t)(seat_numbered(world, seat)->shard - world->shards);
}

struct body_pool *world_bodies(struct world *world, uint32_t seat)
{
    return &seat_numbered(world, seat)->shard->bodies;
}

struct session_library *world_sessions(struct world *world, uint32_t seat)
{
    return seat_numbered(world, seat)->shard->sessions;
}

struct snode_list_cache *world_lists(struct world *world, uint32_t seat)
{
    return &seat_numbered(world, seat)->shard->lists;
}

void world_occupy(struct world *world, uint32_t number, const struct seat_handler *handler, void *machine)
{
    struct seat *seat = seat_numbered(world, number);

    ASSERT(seat->machine == NULL && machine != NULL);
    seat->handler = handler;
    seat->machine = machine;
    seat->shard->stats.machines++;
}

bool world_occupied(const struct world *world, uint32_t seat)
{
    return world_machine(world, seat) != NULL;
}

void *world_machine(const struct world *world, uint32_t seat)
{
    return seat_numbered(world, seat)->machine;
}

void world_set_clock_skew(struct world *world, uint32_t seat, int64_t skew_ms)
{
    seat_numbered(world, seat)->clock_skew_ms = skew_ms;
}

void world_set_cut_off(struct world *world, uint32_t seat, bool cut_off)
{
    seat_numbered(world, seat)->cut_off = cut_off;
}

void world_drop_calls(struct world *world, uint32_t seat, uint32_t count)
{
    seat_numbered(world, seat)->drop_calls = count;
}

void world_log_disk(struct world *world, uint32_t number, uint64_t name)
{
    struct seat *seat = seat_numbered(world, number);

    ASSERT(seat->machine == NULL && seat->disk == NULL);
    disk_virtual_set_log(endpoint_disk(seat), &seat->shard->disk_log, name);
}

void world_restore_disk(struct world *world, uint32_t number, struct bytes key, struct bytes value)
{
    struct seat *seat = seat_numbered(world, number);

    ASSERT(seat->machine == NULL);
    disk_virtual_restore(endpoint_disk(seat), key, value);
}

void world_take_disk_log(struct world *world, struct buf *out)
{
    for (size_t i = 0; i < WORLD_SHARDS; i++) {
        buf_append(out, buf_bytes(&world->shards[i].disk_log));
        buf_clear(&world->shards[i].disk_log);
    }
}

void world_set_disk_failing(struct world *world, uint32_t seat, enum err err)
{
    disk_virtual_set_failing(endpoint_disk(seat_numbered(world, seat)), err);
}

/* Between windows */

static void set_now(struct world *world, int64_t now_us)
{
    world->now_us = now_us;
    for (size_t i = 0; i < WORLD_SHARDS; i++)
        world->shards[i].now_us = now_us;
}

static void tell_sinks(void *owner, const struct buffered *buffered)
{
    const struct world *world = owner;

    for (size_t i = 0; i < world->sink_count; i++)
        if (world->sinks[i].kinds & TRACE_BIT(buffered->record.kind))
            world->sinks[i].record(world->sinks[i].owner, buffered->at_us, buffered->seat, buffered->index,
                                   &buffered->record);
}

static void flush_trace(struct world *world)
{
    struct trace_buffer *buffers[WORLD_SHARDS];

    if (world->sink_count == 0)
        return;
    for (size_t i = 0; i < WORLD_SHARDS; i++)
        buffers[i] = &world->shards[i].trace;
    trace_buffers_drain(buffers, WORLD_SHARDS, tell_sinks, world);
}

void world_crash(struct world *world, uint32_t seat)
{
    endpoint_crash(seat_numbered(world, seat));
    flush_trace(world);
}

void world_enter(struct world *world, uint32_t seat, seat_fn fn, void *owner)
{
    endpoint_enter(seat_numbered(world, seat), fn, owner);
    flush_trace(world);
}

void world_input_at(struct world *world, uint32_t number, int64_t at_us, seat_fn fn, void *owner)
{
    struct seat *seat = seat_numbered(world, number);
    struct seat_input *input = xmalloc(sizeof(*input));
    struct event event = {at_us, event_key(number, CLASS_INPUT, 0), world->input_count++,
                          payload_pointer(EVENT_INPUT, input)};

    ASSERT(at_us >= world->now_us);
    *input = (struct seat_input){fn, owner};
    event_queue_push(&seat->shard->queue, &event);
}

void world_control_at(struct world *world, int64_t at_us, control_fn fn, void *owner)
{
    struct control *control = xmalloc(sizeof(*control));
    struct event event = {at_us, 0, world->control_count++, (uintptr_t)control};

    ASSERT(at_us >= world->now_us);
    *control = (struct control){fn, owner};
    event_queue_push(&world->controls, &event);
}

int64_t world_now_us(const struct world *world)
{
    return world->now_us;
}

int64_t world_now_ms(const struct world *world)
{
    return world->settings.epoch_ms + world->now_us / 1000;
}

int64_t world_next_us(const struct world *world)
{
    int64_t events_us = windows_next_us(&world->windows), controls_us = event_queue_next_us(&world->controls);

    return events_us < controls_us ? events_us : controls_us;
}

/* Running */

static void run_controls(struct world *world, int64_t at_us)
{
    struct event event;

    while (event_queue_pop_before(&world->controls, at_us + 1, &event)) {
        struct control control = *(struct control *)(uintptr_t)event.payload;

        free((void *)(uintptr_t)event.payload);
        control.fn(world, control.owner);
        flush_trace(world);
    }
}

static int64_t min_us(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct budget {
    uint64_t ends_ns; /* 0: none */
    unsigned windows;
};

/* The clock is asked every few windows; it decides only where a slice ends, which can't be observed. */
#define BUDGET_WINDOWS 4
static bool budget_spent(struct budget *budget)
{
    if (budget->ends_ns == 0 || ++budget->windows % BUDGET_WINDOWS != 0)
        return false;
    return stopwatch_ns() >= budget->ends_ns;
}

/* Runs all events before `until_us`; false: the budget is spent before that. Once nothing is left, the budget no longer
 * matters: control events of that very time must have run before the caller finds the world there. */
static bool run_before(struct world *world, int64_t until_us, struct budget *budget)
{
    int64_t from_us;

    while ((from_us = windows_next_us(&world->windows)) < until_us) {
        world->now_us = min_us(from_us + world->settings.window_us, until_us);
        windows_run(&world->windows, world->now_us);
        flush_trace(world);
        if (world->now_us < until_us && budget_spent(budget))
            return false;
    }
    return true;
}

/* When `done` is asked next: at once, unless this goes on with a run that was interrupted. */
static int64_t first_question_us(const struct world *world, int64_t until_us, world_done_fn done, void *owner)
{
    if (done == NULL)
        return EVENT_NEVER;
    if (world->interrupted.done == done && world->interrupted.owner == owner && world->interrupted.until_us == until_us)
        return world->interrupted.next_us;
    return world->now_us;
}

bool world_run_until(struct world *world, int64_t until_us, int64_t every_us, world_done_fn done, void *owner,
                     uint64_t budget_ns)
{
    struct budget budget = {.ends_ns = budget_ns == 0 ? 0 : stopwatch_ns() + budget_ns};
    int64_t question_us = first_question_us(world, until_us, done, owner);
    bool is_done = false;

    ASSERT(done == NULL || every_us > 0);
    world->interrupted.done = NULL;
    for (;;) {
        int64_t stop_us = min_us(min_us(until_us, question_us), event_queue_next_us(&world->controls));

        if (!run_before(world, stop_us, &budget)) {
            world->interrupted.done = done;
            world->interrupted.owner = owner;
            world->interrupted.until_us = until_us;
            world->interrupted.next_us = question_us;
            break;
        }
        if (world->now_us < stop_us)
            world->now_us = stop_us;
        set_now(world, world->now_us);
        run_controls(world, world->now_us);
        if (question_us == world->now_us) {
            is_done = done(owner);
            question_us += every_us;
        }
        if (is_done || world->now_us >= until_us)
            break;
    }
    set_now(world, world->now_us);
    return is_done;
}

/* Reading */

void world_stats(const struct world *world, struct world_stats *out)
{
    *out = (struct world_stats){
        .windows = world->windows.count,
        .parallel_windows = world->windows.parallel_count,
        .seats = world->settings.seat_count,
    };
    for (size_t i = 0; i < WORLD_SHARDS; i++) {
        out->machines += world->shards[i].stats.machines;
        out->events += world->shards[i].stats.events;
        out->calls += world->shards[i].stats.calls;
        out->calls_lost += world->shards[i].stats.calls_lost;
        out->overloads += world->shards[i].stats.overloads;
    }
}

void world_metrics(const struct world *world, struct metrics *out)
{
    for (size_t i = 0; i < WORLD_SHARDS; i++)
        metrics_merge(out, &world->shards[i].metrics);
}

uint64_t world_digest(const struct world *world)
{
    uint64_t digest = 0;

    for (uint32_t i = 0; i < world->settings.seat_count; i++)
        digest = digest_join(digest, seat_at(&world->settings, i)->digest);
    return digest;
}
