#include "sim/endpoint.h"

#include "common/limits.h"
#include "sim/digest.h"
#include "sim/wire.h"

void endpoint_plan(struct seat *seat, int64_t at_us, uint64_t sequence, uint64_t payload)
{
    struct event event = {at_us, event_key(seat->number, CLASS_OWN, seat->number), sequence, payload};

    event_queue_push(&seat->shard->queue, &event);
}

void endpoint_trace(struct seat *seat, const struct trace_record *record, const struct message *message)
{
    struct shard *shard = seat->shard;

    seat->digest = digest_fold(seat->digest, shard->now_us, seat->trace_index, record, message);
    metrics_record(&shard->metrics, record);
    if (shard->settings->sink_kinds & TRACE_BIT(record->kind))
        trace_buffer_add(&shard->trace, shard->now_us, seat->number, seat->trace_index, record);
    seat->trace_index++;
}

void endpoint_tap(struct seat *seat, struct tapped tapped)
{
    const struct settings *settings = seat->shard->settings;

    if (settings->tap == NULL)
        return;
    tapped.at_us = seat->shard->now_us;
    settings->tap(settings->tap_owner, seat->number, &tapped);
}

struct disk_virtual *endpoint_disk(struct seat *seat)
{
    ASSERT(seat->has_disk);
    if (seat->disk == NULL)
        seat->disk = disk_virtual_new(&seat->shard->disk_values, LIMIT_DISK_BYTES);
    return seat->disk;
}

/* What a machine sees of the world. */

static struct seat *seat_of(struct env *env)
{
    return CONTAINER_OF(env, struct seat, env);
}

/* For what only a running handler may do: its sends are collected until it ends. */
static struct seat *running_seat(struct env *env)
{
    struct seat *seat = seat_of(env);

    ASSERT(seat->shard->running == seat);
    return seat;
}

static int64_t ops_now_ms(const struct env *env)
{
    const struct seat *seat = CONTAINER_OF(env, struct seat, env);

    return seat->shard->settings->epoch_ms + seat->shard->now_us / 1000 + seat->clock_skew_ms;
}

static void ops_random(struct env *env, void *out, size_t len_bytes)
{
    struct seat *seat = seat_of(env);
    struct rng rng;

    rng_init(&rng, &seat->shard->settings->key, RNG_PROTOCOL, seat->number);
    rng.position_bytes = seat->random_bytes;
    rng_bytes(&rng, out, len_bytes);
    seat->random_bytes = rng.position_bytes;
}

static void ops_timer_stop(struct env *env, struct timer *timer)
{
    struct seat *seat = running_seat(env);
    struct slots *timers = &seat->shard->timers;

    if (timer->slot == 0)
        return;
    ASSERT(((struct timer_slot *)slots_at(timers, timer->slot))->timer == timer);
    slots_give(timers, &seat->timers, timer->slot);
    timer->slot = 0;
}

static void ops_timer_start(struct env *env, struct timer *timer, uint32_t delay_ms, timer_fn fire)
{
    struct seat *seat = running_seat(env);
    struct timer_slot *slot;

    ops_timer_stop(env, timer);
    timer->fire = fire;
    timer->slot = slots_take(&seat->shard->timers, &seat->timers);
    slot = slots_at(&seat->shard->timers, timer->slot);
    slot->timer = timer;
    timer->slot_generation = slot->slot.generation;
    endpoint_plan(seat, seat->shard->now_us + (int64_t)delay_ms * 1000, seat->sequence++,
                  payload_slot(EVENT_TIMER, timer->slot, timer->slot_generation));
}

static void ops_call(struct env *env, struct call *call, call_fn done)
{
    calls_start(running_seat(env), call, done);
}

static void ops_cancel(struct env *env, struct call *call)
{
    calls_cancel(running_seat(env), call);
}

static void ops_answer(struct env *env, struct incoming *incoming, const struct message *message)
{
    struct seat *seat = running_seat(env);
    struct shard *shard = seat->shard;
    struct parcel *parcel = CONTAINER_OF(incoming, struct parcel, incoming);
    uint64_t wire_bytes = wire_answer_bytes(message);
    struct trace_record record = {TRACE_ANSWER,
                                  {parcel->caller, message->status, wire_bytes, parcel->sequence},
                                  {parcel->incoming.in.path, BYTES_NONE}};

    ASSERT(parcel->callee == seat->number && parcel->link != NULL);
    incomings_remove(&shard->incomings, parcel);
    parcel->link = NULL;
    endpoint_trace(seat, &record, NULL); /* before the answer takes the place of the request and its path */
    endpoint_tap(seat, (struct tapped){TAPPED_ANSWER, .connection = parcel_connection(parcel), .message = message});
    parcel_fill(parcel, message);
    parcel->net = NET_OK;
    parcel->wire_bytes = wire_bytes;
    if (parcel->caller_gone)
        parcel_give(&shard->parcels, parcel);
    else
        shard_collect(shard, &(struct send){.kind = SEND_ANSWER, .parcel = parcel});
}

/* A parcel of its own travels; the request stays open here. */
static void ops_answer_part(struct env *env, struct incoming *incoming, const struct message *message)
{
    struct seat *seat = running_seat(env);
    struct shard *shard = seat->shard;
    struct parcel *open = CONTAINER_OF(incoming, struct parcel, incoming), *part;
    struct trace_record record = {TRACE_ANSWER,
                                  {open->caller, message->status, wire_answer_bytes(message), open->sequence},
                                  {open->incoming.in.path, BYTES_NONE}};

    ASSERT(open->callee == seat->number && open->link != NULL);
    endpoint_trace(seat, &record, NULL);
    if (open->caller_gone)
        return;
    part = parcel_take(&shard->parcels);
    parcel_fill(part, message);
    part->net = NET_OK;
    part->sequence = open->sequence;
    part->caller = open->caller;
    part->callee = open->callee;
    part->caller_slot = open->caller_slot;
    part->caller_generation = open->caller_generation;
    part->wire_bytes = record.n[2];
    shard_collect(shard, &(struct send){.kind = SEND_PART, .parcel = part, .open = open});
}

static void ops_charge(struct env *env, enum cost cost, uint32_t units)
{
    struct seat *seat = running_seat(env);

    seat->shard->charged_ns += costs_ns(seat->shard->settings->costs, cost, units, seat->cpu.cpu_percent);
}

static void ops_disk_put(struct env *env, struct bytes key, struct bytes value)
{
    disk_virtual_put(endpoint_disk(running_seat(env)), key, value);
}

static void ops_disk_sync(struct env *env, struct disk_op *op, disk_fn done)
{
    struct seat *seat = running_seat(env);

    op->done = done;
    disk_virtual_sync_ask(endpoint_disk(seat), op);
    shard_collect(seat->shard, &(struct send){.kind = SEND_SYNC});
}

static void ops_disk_each(struct env *env, disk_each_fn each, void *owner)
{
    const struct seat *seat = seat_of(env);

    ASSERT(seat->has_disk);
    if (seat->disk != NULL)
        disk_virtual_each(seat->disk, each, owner);
}

static void ops_trace(struct env *env, const struct trace_record *record)
{
    endpoint_trace(seat_of(env), record, NULL);
}

static const struct env_ops seat_ops = {
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

void seat_init(struct seat *seat, struct shard *shard, uint32_t number, const struct seat_config *config)
{
    ASSERT(config->cpu_percent > 0 && config->access.region < NETWORK_REGIONS);
    *seat = (struct seat){
        .env = {&seat_ops, &shard->arena},
        .shard = shard,
        .peer_key = config->peer_key,
        .address = config->address,
        .access = config->access,
        .number = number,
        .has_disk = config->has_disk,
        .direct = config->direct,
    };
    machine_init(&seat->cpu, config->cpu_percent);
}

void seat_fini(struct seat *seat)
{
    struct shard *shard = seat->shard;
    struct event event;

    if (seat->machine != NULL)
        seat->handler->free(seat->machine);
    while (seat->incomings != NULL) {
        struct parcel *parcel = seat->incomings;

        incomings_remove(&shard->incomings, parcel);
        parcel_give(&shard->parcels, parcel);
    }
    while (machine_next(&seat->cpu, &shard->waiting, &event))
        endpoint_drop_event(shard, &event);
    if (seat->disk != NULL)
        disk_virtual_free(seat->disk);
}
