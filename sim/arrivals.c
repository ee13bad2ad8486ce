/* What is due at a seat: it arrives, waits for the CPU if need be, and runs a handler. */
#include "sim/endpoint.h"

#include <stdlib.h>

#include "common/limits.h"
#include "sim/dispatch.h"

static uint32_t payload_index(const struct event *event)
{
    return (uint32_t)event->payload >> EVENT_KIND_BITS;
}

static uint32_t payload_generation(const struct event *event)
{
    return (uint32_t)(event->payload >> 32);
}

static enum event_kind payload_kind(const struct event *event)
{
    return (enum event_kind)(event->payload & ((1u << EVENT_KIND_BITS) - 1));
}

static void *payload_at(const struct event *event)
{
    return (void *)(uintptr_t)(event->payload >> EVENT_KIND_BITS << EVENT_KIND_BITS);
}

void endpoint_drop_event(struct shard *shard, const struct event *event)
{
    switch (payload_kind(event)) {
    case EVENT_REQUEST:
    case EVENT_ANSWER:
    case EVENT_PART:
        parcel_give(&shard->parcels, payload_at(event));
        break;
    case EVENT_INPUT:
        free(payload_at(event));
        break;
    case EVENT_GONE:
    case EVENT_TIMER:
    case EVENT_CALL_END:
    case EVENT_LANE:
    case EVENT_DISK:
    case EVENT_CPU:
        break;
    }
}

static void prefetch(const void *memory, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 64)
        __builtin_prefetch((const uint8_t *)memory + at);
}

void endpoint_prefetch_soon(const struct shard *shard, const struct event *event)
{
    prefetch(seat_at(shard->settings, event_destination(event)), sizeof(struct seat));
    switch (payload_kind(event)) {
    case EVENT_REQUEST:
    case EVENT_ANSWER:
    case EVENT_PART:
        prefetch(payload_at(event), sizeof(struct parcel));
        break;
    case EVENT_TIMER:
        prefetch(slots_at(&shard->timers, payload_index(event)), 1);
        break;
    case EVENT_CALL_END:
        prefetch(slots_at(&shard->calls.open, payload_index(event)), 1);
        break;
    case EVENT_GONE:
    case EVENT_INPUT:
    case EVENT_LANE:
    case EVENT_DISK:
    case EVENT_CPU:
        break;
    }
}

void endpoint_prefetch_next(const struct shard *shard, const struct event *event)
{
    if (payload_kind(event) == EVENT_TIMER)
        prefetch(((const struct timer_slot *)slots_at(&shard->timers, payload_index(event)))->timer, 64);
    else
        prefetch(seat_at(shard->settings, event_destination(event))->machine, 64);
}

/* A handler runs between these two. */

static void handler_begin(struct seat *seat)
{
    struct shard *shard = seat->shard;

    ASSERT(shard->running == NULL);
    shard->running = seat;
    shard->charged_ns = 0;
}

static void handler_end(struct seat *seat)
{
    struct shard *shard = seat->shard;

    dispatch_sends(seat, machine_work(&seat->cpu, shard->now_us, shard->charged_ns));
    shard->running = NULL;
    arena_reset(&shard->arena);
}

void endpoint_enter(struct seat *seat, seat_fn fn, void *owner)
{
    if (seat->machine == NULL)
        return;
    handler_begin(seat);
    fn(seat->machine, owner);
    handler_end(seat);
}

/* Handlers by what is due. Each has just been found to be still wanted. */

static void run_request(struct seat *seat, struct parcel *parcel)
{
    incomings_add(&seat->shard->incomings, &seat->incomings, parcel);
    handler_begin(seat);
    seat->handler->on_request(seat->machine, &parcel->incoming);
    handler_end(seat);
}

/* The parcel goes back before what the handler sent leaves: a body that was passed on has one keeper then, and crosses to
 * another shard uncopied. */
static void run_answer(struct seat *seat, struct parcel *parcel)
{
    handler_begin(seat);
    calls_end(seat, parcel->caller_slot, parcel->net, parcel->net == NET_OK ? &parcel->incoming.in : NULL);
    parcel_give(&seat->shard->parcels, parcel);
    handler_end(seat);
}

static void run_part(struct seat *seat, struct parcel *parcel)
{
    handler_begin(seat);
    calls_part(seat, parcel->caller_slot, &parcel->incoming.in);
    parcel_give(&seat->shard->parcels, parcel);
    handler_end(seat);
}

/* Without an on_gone the callee will answer sooner or later, and the answer goes nowhere. */
static void run_gone(struct seat *seat, const struct event *event)
{
    struct shard *shard = seat->shard;
    struct parcel *parcel =
        incomings_find(&shard->incomings, seat->number, event_source(event), event->payload >> EVENT_KIND_BITS);

    if (parcel == NULL)
        return;
    parcel->caller_gone = true;
    if (parcel->incoming.on_gone == NULL)
        return;
    incomings_remove(&shard->incomings, parcel);
    parcel->link = NULL;
    handler_begin(seat);
    parcel->incoming.on_gone(&parcel->incoming);
    handler_end(seat);
    parcel_give(&shard->parcels, parcel);
}

static void run_input(struct seat *seat, struct seat_input *input)
{
    endpoint_enter(seat, input->fn, input->owner);
    free(input);
}

static void run_timer(struct seat *seat, uint32_t index)
{
    struct slots *timers = &seat->shard->timers;
    struct timer *timer = ((struct timer_slot *)slots_at(timers, index))->timer;

    slots_give(timers, &seat->timers, index);
    timer->slot = 0;
    handler_begin(seat);
    timer->fire(timer);
    handler_end(seat);
}

static void run_call_end(struct seat *seat, uint32_t index)
{
    struct open_call *open = slots_at(&seat->shard->calls.open, index);

    handler_begin(seat);
    calls_end(seat, index, (enum net)open->net, NULL);
    handler_end(seat);
}

static void run_disk(struct seat *seat)
{
    struct disk_op *op = disk_virtual_sync_end(seat->disk);

    handler_begin(seat);
    op->done(op);
    handler_end(seat);
}

static void run(struct seat *seat, const struct event *event)
{
    switch (payload_kind(event)) {
    case EVENT_REQUEST:
        run_request(seat, payload_at(event));
        break;
    case EVENT_ANSWER:
        run_answer(seat, payload_at(event));
        break;
    case EVENT_PART:
        run_part(seat, payload_at(event));
        break;
    case EVENT_GONE:
        run_gone(seat, event);
        break;
    case EVENT_INPUT:
        run_input(seat, payload_at(event));
        break;
    case EVENT_TIMER:
        run_timer(seat, payload_index(event));
        break;
    case EVENT_CALL_END:
        run_call_end(seat, payload_index(event));
        break;
    case EVENT_DISK:
        run_disk(seat);
        break;
    case EVENT_LANE:
    case EVENT_CPU:
        break;
    }
}

/* Arrivals. Each says whether a handler is to run for it; if not, it is dealt with. */

static void lost_here(struct seat *seat, struct parcel *parcel)
{
    struct trace_record record = {
        TRACE_LOSS, {seat->number, parcel->wire_bytes, parcel->sequence}, {BYTES_NONE, BYTES_NONE}};

    endpoint_trace(seat, &record, NULL);
    seat->shard->stats.calls_lost++;
    parcel_give(&seat->shard->parcels, parcel);
}

static bool request_arrives(struct seat *seat, struct parcel *parcel)
{
    struct shard *shard = seat->shard;
    struct trace_record record = {
        TRACE_REQUEST, {parcel->caller, parcel->wire_bytes, parcel->sequence}, {parcel->incoming.in.path, BYTES_NONE}};

    if (seat->cut_off) {
        lost_here(seat, parcel);
        return false;
    }
    if (seat->machine == NULL) {
        parcel_fill_plain(parcel, NET_REFUSED, 0);
        dispatch_answer(seat, parcel, shard->now_us);
        return false;
    }
    endpoint_trace(seat, &record, &parcel->incoming.in);
    endpoint_tap(seat, (struct tapped){TAPPED_REQUEST,
                                       .connection = parcel_connection(parcel),
                                       .message = &parcel->incoming.in,
                                       .from = parcel->incoming.from,
                                       .peer_key = parcel->incoming.peer_key});
    if (seat->cpu.requests_waiting < LIMIT_RUN_QUEUE)
        return true;
    record =
        (struct trace_record){TRACE_OVERLOAD, {parcel->caller, seat->cpu.requests_waiting}, {BYTES_NONE, BYTES_NONE}};
    endpoint_trace(seat, &record, NULL);
    shard->stats.overloads++;
    parcel_fill_plain(parcel, NET_OK, err_status(ERR_FULL));
    dispatch_answer(seat, parcel, shard->now_us);
    return false;
}

/* The slot knows whether the answer is late: the call has ended, or its caller has died. */
static bool answer_wanted(struct seat *seat, struct parcel *parcel)
{
    const struct open_call *open =
        slots_check(&seat->shard->calls.open, parcel->caller_slot, parcel->caller_generation);

    if (open != NULL && open->sequence == parcel->sequence)
        return true;
    parcel_give(&seat->shard->parcels, parcel);
    return false;
}

static bool input_wanted(struct seat *seat, struct seat_input *input)
{
    if (seat->machine != NULL)
        return true;
    free(input);
    return false;
}

static bool arrives(struct seat *seat, const struct event *event)
{
    switch (payload_kind(event)) {
    case EVENT_REQUEST:
        return request_arrives(seat, payload_at(event));
    case EVENT_ANSWER:
    case EVENT_PART:
        if (!seat->cut_off)
            return answer_wanted(seat, payload_at(event));
        lost_here(seat, payload_at(event));
        return false;
    case EVENT_GONE:
        return seat->machine != NULL;
    case EVENT_INPUT:
        return input_wanted(seat, payload_at(event));
    case EVENT_TIMER:
        return slots_check(&seat->shard->timers, payload_index(event), payload_generation(event)) != NULL;
    case EVENT_CALL_END:
        return calls_end_due(&seat->shard->calls, payload_index(event), payload_generation(event));
    case EVENT_DISK:
    case EVENT_CPU:
        return event->payload == payload_number(payload_kind(event), seat->life);
    case EVENT_LANE:
        break;
    }
    return false;
}

/* After its wait: what was wanted on arrival may have been ended by a handler that ran meanwhile. */
static bool still_wanted(struct seat *seat, const struct event *event)
{
    switch (payload_kind(event)) {
    case EVENT_ANSWER:
    case EVENT_PART:
        return answer_wanted(seat, payload_at(event));
    case EVENT_TIMER:
    case EVENT_CALL_END:
        return arrives(seat, event);
    case EVENT_REQUEST:
    case EVENT_GONE:
    case EVENT_INPUT:
    case EVENT_DISK:
        return true;
    case EVENT_LANE:
    case EVENT_CPU:
        break;
    }
    return false;
}

static void plan_cpu(struct seat *seat)
{
    endpoint_plan(seat, seat->cpu.free_us, seat->sequence++, payload_number(EVENT_CPU, seat->life));
}

static void run_waiting(struct seat *seat)
{
    struct shard *shard = seat->shard;
    struct event event;

    while (seat->cpu.free_us <= shard->now_us && machine_next(&seat->cpu, &shard->waiting, &event))
        if (still_wanted(seat, &event))
            run(seat, &event);
    if (seat->cpu.first != NULL)
        plan_cpu(seat);
}

static void wait_for_cpu(struct seat *seat, const struct event *event)
{
    bool first = seat->cpu.first == NULL;

    machine_wait(&seat->cpu, &seat->shard->waiting, event, payload_kind(event) == EVENT_REQUEST);
    if (first)
        plan_cpu(seat);
}

void endpoint_on_event(struct seat *seat, const struct event *event)
{
    struct event due = *event;

    if (payload_kind(event) == EVENT_LANE) {
        uint32_t slot = calls_lane_due(seat->shard, event);

        if (slot == 0)
            return;
        due.payload =
            payload_slot(EVENT_CALL_END, slot, ((struct slot *)slots_at(&seat->shard->calls.open, slot))->generation);
    }
    if (!arrives(seat, &due))
        return;
    if (payload_kind(&due) == EVENT_CPU)
        run_waiting(seat);
    else if (machine_busy(&seat->cpu, due.time_us))
        wait_for_cpu(seat, &due);
    else
        run(seat, &due);
}

static void reset_caller(struct seat *seat, struct parcel *parcel)
{
    parcel_fill_plain(parcel, NET_RESET, 0);
    dispatch_answer(seat, parcel, seat->shard->now_us);
}

/* The machine died: its open requests, and those that still waited for the CPU, end at their callers. */
static void reset_callers(struct seat *seat)
{
    struct shard *shard = seat->shard;
    struct event event;

    while (seat->incomings != NULL) {
        struct parcel *parcel = seat->incomings;

        incomings_remove(&shard->incomings, parcel);
        if (parcel->caller_gone) {
            parcel_give(&shard->parcels, parcel);
            continue;
        }
        reset_caller(seat, parcel);
    }
    while (machine_next(&seat->cpu, &shard->waiting, &event))
        if (payload_kind(&event) == EVENT_REQUEST)
            reset_caller(seat, payload_at(&event));
        else
            endpoint_drop_event(shard, &event);
}

void endpoint_crash(struct seat *seat)
{
    struct shard *shard = seat->shard;
    struct trace_record record = {TRACE_CRASH, {0}, {BYTES_NONE, BYTES_NONE}};

    ASSERT(shard->running == NULL && seat->machine != NULL);
    endpoint_trace(seat, &record, NULL);
    calls_crash(seat);
    reset_callers(seat);
    while (seat->timers != 0)
        slots_give(&shard->timers, &seat->timers, seat->timers);
    if (seat->disk != NULL)
        disk_virtual_crash(seat->disk);
    seat->cpu.free_us = 0;
    seat->life++;
    seat->handler->free(seat->machine);
    seat->machine = NULL;
    seat->handler = NULL;
    shard->stats.machines--;
}
