#include "sim/dispatch.h"

#include "sim/wire.h"

static struct delivery deliver(const struct seat *from, const struct seat *to, uint64_t sequence, uint64_t bytes)
{
    const struct settings *settings = from->shard->settings;

    if (from->direct || to->direct) {
        ASSERT(from->shard == to->shard); /* only there may an event come sooner than the lookahead */
        return (struct delivery){.lost = false, .delay_us = 0};
    }
    return network_deliver(&settings->network, &settings->key, &from->access, &to->access, from->number, sequence,
                           bytes);
}

static void post(struct seat *from, struct seat *to, int64_t arrives_us, enum event_class class, uint64_t sequence,
                 uint64_t payload)
{
    struct event event = {arrives_us, event_key(to->number, class, from->number), sequence, payload};

    shard_post(from->shard, to->shard, &event);
}

static void lose(struct seat *seat, struct parcel *parcel, uint32_t to)
{
    struct trace_record record = {TRACE_LOSS, {to, parcel->wire_bytes, parcel->sequence}, {BYTES_NONE, BYTES_NONE}};

    endpoint_trace(seat, &record, NULL);
    seat->shard->stats.calls_lost++;
    parcel_give(&seat->shard->parcels, parcel);
}

static void hand_over(struct seat *from, struct seat *to, struct parcel *parcel, int64_t arrives_us,
                      enum event_class class, uint64_t sequence, enum event_kind kind)
{
    if (to->shard != from->shard)
        parcel_own_body(parcel);
    post(from, to, arrives_us, class, sequence, payload_pointer(kind, parcel));
}

static void dispatch_request(struct seat *seat, struct parcel *parcel, int64_t departs_us)
{
    struct seat *callee = seat_at(seat->shard->settings, parcel->callee);
    struct delivery delivery = deliver(seat, callee, parcel->sequence, parcel->wire_bytes);

    if (seat->drop_calls > 0) {
        seat->drop_calls--;
        delivery.lost = true;
    }
    delivery.lost |= seat->cut_off;
    calls_left(seat, parcel->caller_slot, delivery.lost, departs_us + delivery.delay_us);
    if (delivery.lost)
        lose(seat, parcel, parcel->callee);
    else
        hand_over(seat, callee, parcel, departs_us + delivery.delay_us, CLASS_REQUEST, parcel->sequence, EVENT_REQUEST);
}

/* The parts of an answer and its end arrive as over one connection: in order, and nothing after a loss. `open` keeps
 * account of it. */
static void dispatch_back(struct seat *seat, struct parcel *parcel, struct parcel *open, int64_t departs_us,
                          enum event_kind kind)
{
    struct seat *caller = seat_at(seat->shard->settings, parcel->caller);
    uint64_t sequence = seat->sequence++;
    struct delivery delivery = deliver(seat, caller, sequence, parcel->wire_bytes);
    int64_t arrives_us = departs_us + delivery.delay_us;

    open->broken |= delivery.lost || seat->cut_off;
    if (open->broken) {
        lose(seat, parcel, parcel->caller);
        return;
    }
    if (arrives_us < open->not_before_us)
        arrives_us = open->not_before_us;
    open->not_before_us = arrives_us;
    hand_over(seat, caller, parcel, arrives_us, CLASS_ANSWER, sequence, kind);
}

void dispatch_answer(struct seat *seat, struct parcel *parcel, int64_t departs_us)
{
    dispatch_back(seat, parcel, parcel, departs_us, EVENT_ANSWER);
}

void dispatch_gone(struct seat *seat, uint32_t callee_number, uint64_t call_sequence, int64_t not_before_us,
                   int64_t departs_us)
{
    struct seat *callee = seat_at(seat->shard->settings, callee_number);
    uint64_t sequence = seat->sequence++;
    int64_t arrives_us = departs_us + deliver(seat, callee, sequence, WIRE_NOTICE_BYTES).delay_us;

    /* At the request's own time, class and source put it behind the request: its sequence is later. */
    if (arrives_us < not_before_us)
        arrives_us = not_before_us;
    post(seat, callee, arrives_us, CLASS_REQUEST, sequence, payload_number(EVENT_GONE, call_sequence));
}

static void begin_sync(struct seat *seat, int64_t departs_us)
{
    int64_t ends_us = disk_virtual_sync_begin(endpoint_disk(seat), departs_us);

    endpoint_plan(seat, ends_us, seat->sequence++, payload_number(EVENT_DISK, seat->life));
}

void dispatch_sends(struct seat *seat, int64_t departs_us)
{
    struct shard *shard = seat->shard;

    for (size_t i = 0; i < shard->send_count; i++) {
        const struct send *send = &shard->sends[i];

        switch (send->kind) {
        case SEND_REQUEST:
            dispatch_request(seat, send->parcel, departs_us);
            break;
        case SEND_ANSWER:
            dispatch_answer(seat, send->parcel, departs_us);
            break;
        case SEND_PART:
            dispatch_back(seat, send->parcel, send->open, departs_us, EVENT_PART);
            break;
        case SEND_GONE:
            dispatch_gone(seat, send->to, send->sequence, send->not_before_us, departs_us);
            break;
        case SEND_SYNC:
            begin_sync(seat, departs_us);
            break;
        }
    }
    shard->send_count = 0;
}
