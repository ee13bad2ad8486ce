#include "sim/calls.h"

#include <string.h>

#include "common/limits.h"
#include "sim/dispatch.h"
#include "sim/wire.h"

void calls_init(struct calls *calls)
{
    memset(calls, 0, sizeof(*calls));
    slots_init(&calls->open, sizeof(struct open_call));
    for (size_t i = 0; i < CALL_LANES; i++)
        calls->lanes[i].event_us = EVENT_NEVER;
}

void calls_fini(struct calls *calls)
{
    slots_fini(&calls->open);
}

static struct open_call *call_at(const struct calls *calls, uint32_t slot)
{
    return slots_at(&calls->open, slot);
}

/* Plans the end of a call at its deadline: as an event of its own, or for its lane to look. */
static void arm(struct seat *seat, struct open_call *open, uint64_t payload)
{
    open->armed = true;
    endpoint_plan(seat, open->deadline_us, open->sequence, payload);
}

/* An event that comes before the first's deadline arms it then: where calls end as soon as they began, each would leave
 * an event of its own behind for as long as its time-out. */
static void arm_first(struct shard *shard, struct lane *lane)
{
    struct open_call *open = call_at(&shard->calls, lane->first);

    if (lane->first == 0 || open->armed || lane->event_us < open->deadline_us)
        return;
    lane->event_us = open->deadline_us;
    arm(seat_at(shard->settings, open->seat), open, payload_number(EVENT_LANE, lane - shard->calls.lanes));
}

static uint8_t lane_for(const struct calls *calls, uint32_t timeout_ms)
{
    uint8_t unused = LANE_NONE;

    for (uint8_t i = 0; i < CALL_LANES; i++) {
        if (calls->lanes[i].timeout_ms == timeout_ms)
            return i;
        if (calls->lanes[i].first == 0 && unused == LANE_NONE)
            unused = i;
    }
    return unused;
}

static bool due_before(const struct open_call *a, const struct open_call *b)
{
    if (a->deadline_us != b->deadline_us)
        return a->deadline_us < b->deadline_us;
    return a->seat < b->seat;
}

/* At the end, but for what began at the same time at a later seat: a lane is in the order of events. Whenever a call
 * comes to be its lane's first here, it is seen to that one in the heap is not later than its deadline. */
static void lane_insert(struct shard *shard, uint32_t slot)
{
    struct calls *calls = &shard->calls;
    struct open_call *open = call_at(calls, slot);
    struct lane *lane = &calls->lanes[open->lane];
    uint32_t before = lane->last;

    while (before != 0 && due_before(open, call_at(calls, before)))
        before = call_at(calls, before)->lane_prev;
    open->lane_prev = before;
    open->lane_next = before != 0 ? call_at(calls, before)->lane_next : lane->first;
    if (before != 0)
        call_at(calls, before)->lane_next = slot;
    else
        lane->first = slot;
    if (open->lane_next != 0)
        call_at(calls, open->lane_next)->lane_prev = slot;
    else
        lane->last = slot;
    arm_first(shard, lane);
}

static void lane_remove(struct calls *calls, struct open_call *open)
{
    struct lane *lane;

    if (open->lane == LANE_NONE)
        return;
    lane = &calls->lanes[open->lane];
    if (open->lane_prev != 0)
        call_at(calls, open->lane_prev)->lane_next = open->lane_next;
    else
        lane->first = open->lane_next;
    if (open->lane_next != 0)
        call_at(calls, open->lane_next)->lane_prev = open->lane_prev;
    else
        lane->last = open->lane_prev;
    open->lane = LANE_NONE;
}

uint32_t calls_lane_due(struct shard *shard, const struct event *event)
{
    struct lane *lane = &shard->calls.lanes[event->payload >> EVENT_KIND_BITS];
    struct open_call *open = call_at(&shard->calls, lane->first);
    uint32_t due = 0;

    if (event->time_us == lane->event_us)
        lane->event_us = EVENT_NEVER;
    if (lane->first != 0 && open->deadline_us == event->time_us && open->sequence == event->seq &&
        open->seat == event_destination(event)) {
        due = lane->first;
        lane_remove(&shard->calls, open);
    }
    arm_first(shard, lane);
    return due;
}

/* The call ends at `at_us` whatever comes: it has left its lane, and an answer no longer finds it. */
static void end_at(struct seat *seat, uint32_t slot, enum net net, int64_t at_us)
{
    struct open_call *open = call_at(&seat->shard->calls, slot);

    lane_remove(&seat->shard->calls, open);
    open->slot.generation++;
    open->net = (uint8_t)net;
    open->known = false;
    endpoint_plan(seat, at_us, seat->sequence++, payload_slot(EVENT_CALL_END, slot, open->slot.generation));
}

static void start_timeout(struct seat *seat, uint32_t slot, uint32_t timeout_ms)
{
    struct calls *calls = &seat->shard->calls;
    struct open_call *open = call_at(calls, slot);

    open->net = NET_TIMEOUT;
    open->deadline_us = seat->shard->now_us + (int64_t)timeout_ms * 1000;
    open->lane = lane_for(calls, timeout_ms);
    if (open->lane == LANE_NONE) {
        arm(seat, open, payload_slot(EVENT_CALL_END, slot, open->slot.generation));
        return;
    }
    calls->lanes[open->lane].timeout_ms = timeout_ms;
    lane_insert(seat->shard, slot);
}

static void collect_request(struct seat *seat, const struct open_call *open, uint64_t wire_bytes)
{
    struct parcel *parcel = parcel_take(&seat->shard->parcels);

    parcel_fill(parcel, &open->call->out);
    parcel->incoming.from = seat->address;
    parcel->incoming.peer_key = seat->peer_key;
    parcel->sequence = open->sequence;
    parcel->caller = seat->number;
    parcel->callee = open->callee;
    parcel->caller_slot = open->call->slot;
    parcel->caller_generation = open->slot.generation;
    parcel->wire_bytes = wire_bytes;
    shard_collect(seat->shard, &(struct send){.kind = SEND_REQUEST, .parcel = parcel});
}

void calls_start(struct seat *seat, struct call *call, call_fn done)
{
    struct shard *shard = seat->shard;
    uint32_t callee = number_index_find(&shard->settings->by_address, address_key(&call->to));
    uint64_t wire_bytes = wire_request_bytes(&call->out, call->to);
    uint32_t slot = slots_take(&shard->calls.open, &seat->calls);
    struct open_call *open = call_at(&shard->calls, slot);
    struct trace_record record = {TRACE_CALL, {0, wire_bytes, seat->sequence}, {call->out.path, BYTES_NONE}};

    call->done = done;
    call->slot = slot;
    open->seat = seat->number;
    open->call = call;
    open->sequence = seat->sequence++;
    open->callee = callee;
    open->lane = LANE_NONE;
    seat->call_count++;
    shard->stats.calls++;
    record.n[0] = callee;
    endpoint_trace(seat, &record, NULL);
    if (callee == SEAT_NONE || seat->call_count > LIMIT_CALLS) {
        /* After the shortest way there and back: nobody lives there, or this machine has no more connections. */
        end_at(seat, slot, NET_REFUSED, shard->now_us + 2 * (int64_t)shard->settings->network.lookahead_us);
        return;
    }
    start_timeout(seat, slot, call->timeout_ms);
    collect_request(seat, call_at(&shard->calls, slot), wire_bytes);
}

void calls_left(struct seat *seat, uint32_t slot, bool lost, int64_t arrives_us)
{
    struct open_call *open = call_at(&seat->shard->calls, slot);

    open->arrives_us = arrives_us;
    open->known = !lost;
}

/* A request that the running handler made and takes back: it never leaves. */
static bool take_back(struct shard *shard, uint32_t slot, uint64_t sequence)
{
    for (size_t i = 0; i < shard->send_count; i++) {
        struct send *send = &shard->sends[i];

        if (send->kind != SEND_REQUEST || send->parcel->caller_slot != slot || send->parcel->sequence != sequence)
            continue;
        parcel_give(&shard->parcels, send->parcel);
        shard->send_count--;
        memmove(send, send + 1, (shard->send_count - i) * sizeof(*send));
        return true;
    }
    return false;
}

static void collect_gone(struct shard *shard, const struct open_call *open)
{
    if (open->known)
        shard_collect(shard, &(struct send){.kind = SEND_GONE,
                                            .to = open->callee,
                                            .sequence = open->sequence,
                                            .not_before_us = open->arrives_us});
}

void calls_cancel(struct seat *seat, struct call *call)
{
    struct shard *shard = seat->shard;
    struct open_call *open;

    if (call->slot == 0)
        return;
    open = call_at(&shard->calls, call->slot);
    ASSERT(open->call == call && open->seat == seat->number);
    if (open->net == NET_CANCELLED)
        return;
    if (!take_back(shard, call->slot, open->sequence))
        collect_gone(shard, open);
    end_at(seat, call->slot, NET_CANCELLED, shard->now_us);
}

static void give_back(struct seat *seat, uint32_t slot)
{
    struct calls *calls = &seat->shard->calls;

    lane_remove(calls, call_at(calls, slot));
    slots_give(&calls->open, &seat->calls, slot);
    seat->call_count--;
}

void calls_end(struct seat *seat, uint32_t slot, enum net net, const struct message *answer)
{
    struct open_call *open = call_at(&seat->shard->calls, slot);
    struct call *call = open->call;
    struct trace_record record = {TRACE_CALL_END,
                                  {open->callee, answer == NULL ? 0 : answer->status, open->sequence, net},
                                  {BYTES_NONE, BYTES_NONE}};

    endpoint_trace(seat, &record, answer);
    if (answer != NULL)
        endpoint_tap(seat, (struct tapped){TAPPED_CALL_END, .message = answer});
    if (net == NET_TIMEOUT)
        collect_gone(seat->shard, open);
    give_back(seat, slot);
    call->slot = 0;
    call->more = false;
    call->net = net;
    call->in = answer == NULL ? (struct message){0} : *answer;
    call->done(call);
}

bool calls_end_due(const struct calls *calls, uint32_t slot, uint32_t generation)
{
    const struct open_call *open = slots_check(&calls->open, slot, generation);

    return open != NULL && !(open->flowing && open->net == NET_TIMEOUT);
}

void calls_part(struct seat *seat, uint32_t slot, const struct message *part)
{
    struct calls *calls = &seat->shard->calls;
    struct open_call *open = call_at(calls, slot);
    struct call *call = open->call;
    struct trace_record record = {
        TRACE_CALL_PART, {open->callee, part->status, open->sequence}, {BYTES_NONE, BYTES_NONE}};

    if (!call->in_parts)
        return;
    endpoint_trace(seat, &record, part);
    lane_remove(calls, open);
    open->flowing = true;
    call->more = true;
    call->net = NET_OK;
    call->in = *part;
    call->done(call); /* last: it may cancel the call */
}

void calls_crash(struct seat *seat)
{
    while (seat->calls != 0) {
        struct open_call open = *call_at(&seat->shard->calls, seat->calls);

        give_back(seat, seat->calls);
        if (open.known)
            dispatch_gone(seat, open.callee, open.sequence, open.arrives_us, seat->shard->now_us);
    }
}
