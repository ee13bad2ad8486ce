#include "sim/gateway/gateway.h"

#include <stdlib.h>

#include "common/table.h"
#include "sim/parcel.h"

#define OUTSIDE_IP   0x7f000001 /* on this machine; ports from 1 on tell the seats apart */
#define OUTSIDE_HOST (UINT32_MAX - 1)

/* What sits in a seat for callers from outside. */
struct outside {
    uint32_t seat;
    struct env *env;
    struct gateway_call *news; /* its shard's inside windows, the gateway's between them */
};

/* What has come of an answer in parts and was not handed over yet. */
struct part {
    struct part *next;
    struct message message; /* without headers; body kept */
};

struct gateway_call {
    struct call call;
    struct outside *outside;
    uint64_t number;
    gateway_part_fn part; /* may be NULL */
    gateway_done_fn done; /* NULL: the caller has hung up */
    void *owner;
    struct gateway_call *next; /* of outside->news, then of gateway->held */
    uint64_t commit;           /* held: for this one */
    struct part *parts, **parts_end;
    bool told, ended; /* told: stands in outside->news */
    struct parcel *parcel; /* the request, then the answer */
};

struct gateway {
    struct world *world;
    struct outside outside[WORLD_SHARDS];
    struct parcel_cache parcels;
    struct table open; /* of struct gateway_call */
    struct gateway_call *held, **held_end;
    uint64_t failed_count;    /* calls up to this number, if they are open, must not succeed */
    struct blob *failed_text; /* what they hear instead */
    uint64_t call_count;
};

/* A caller takes no calls. */
static void on_request(void *machine, struct incoming *incoming)
{
    (void)machine;
    (void)incoming;
}

/* The seat's machine is a part of the gateway. */
static void on_free(void *machine)
{
    (void)machine;
}

static const struct seat_handler outside_handler = {.on_request = on_request, .free = on_free};

static struct bytes call_key(const void *value)
{
    return (struct bytes){(const uint8_t *)&((const struct gateway_call *)value)->number, sizeof(uint64_t)};
}

struct gateway *gateway_new(struct world *world)
{
    struct gateway *gateway = xcalloc(1, sizeof(*gateway));

    gateway->world = world;
    gateway->held_end = &gateway->held;
    parcel_cache_init(&gateway->parcels);
    table_init(&gateway->open, call_key, 1); /* we make the numbers: nobody can choose colliding ones */
    for (uint32_t i = 0; i < WORLD_SHARDS; i++) {
        struct outside *outside = &gateway->outside[i];

        outside->seat = world_add_seat(world, &(struct seat_config){
                                                  .address = {OUTSIDE_IP, (uint16_t)(1 + i)},
                                                  .shard = i,
                                                  .host = OUTSIDE_HOST,
                                                  .cpu_percent = 100,
                                                  .direct = true,
                                              });
        outside->env = world_env(world, outside->seat);
        world_occupy(world, outside->seat, &outside_handler, outside);
    }
    return gateway;
}

static void free_call(struct gateway *gateway, struct gateway_call *call)
{
    while (call->parts != NULL) {
        struct part *part = call->parts;

        call->parts = part->next;
        blob_drop(part->message.body);
        free(part);
    }
    parcel_give(&gateway->parcels, call->parcel);
    free(call);
}

void gateway_free(struct gateway *gateway)
{
    struct gateway_call *call;
    uint32_t cursor = 0;

    if (gateway == NULL)
        return;
    while ((call = table_next(&gateway->open, &cursor)) != NULL)
        free_call(gateway, call);
    table_fini(&gateway->open);
    blob_drop(gateway->failed_text);
    parcel_cache_fini(&gateway->parcels);
    free(gateway);
}

/* At the seat, in its shard's thread: a call begins, ends, is cancelled. */

static void add_part(struct gateway_call *call, const struct message *message)
{
    struct part *part = xcalloc(1, sizeof(*part));

    part->message = (struct message){.status = message->status, .content = message->content};
    part->message.body = blob_keep(message->body);
    *call->parts_end = part;
    call->parts_end = &part->next;
}

static void on_news(struct call *news)
{
    struct gateway_call *call = CONTAINER_OF(news, struct gateway_call, call);

    if (news->more)
        add_part(call, &news->in);
    else if (news->net == NET_OK)
        parcel_fill(call->parcel, &news->in);
    call->ended = !news->more;
    if (call->told)
        return;
    call->told = true;
    call->next = call->outside->news;
    call->outside->news = call;
}

static void begin(void *machine, void *owner)
{
    struct outside *outside = machine;
    struct gateway_call *call = owner;

    call->call.out = call->parcel->incoming.in;
    env_call(outside->env, &call->call, on_news);
}

static void cancel(void *machine, void *owner)
{
    struct outside *outside = machine;
    struct gateway_call *call = owner;

    if (!call->ended)
        env_cancel(outside->env, &call->call);
}

/* Between windows. */

struct gateway_call *gateway_call(struct gateway *gateway, struct address to, const struct message *message,
                                  gateway_part_fn part, gateway_done_fn done, void *owner)
{
    uint32_t callee = world_seat_at(gateway->world, to);
    struct gateway_call *call;

    if (callee == SEAT_NONE)
        return NULL;
    call = xcalloc(1, sizeof(*call));
    call->outside = &gateway->outside[world_shard(gateway->world, callee)];
    call->number = ++gateway->call_count;
    call->part = part;
    call->done = done;
    call->owner = owner;
    call->parts_end = &call->parts;
    call->call.in_parts = true;
    call->call.to = to;
    call->call.timeout_ms = GATEWAY_TIMEOUT_MS;
    call->parcel = parcel_take(&gateway->parcels);
    parcel_fill(call->parcel, message);
    table_put(&gateway->open, call);
    world_input_at(gateway->world, call->outside->seat, world_now_us(gateway->world), begin, call);
    return call;
}

uint64_t gateway_call_number(const struct gateway_call *call)
{
    return call->number;
}

struct gateway_call *gateway_find(const struct gateway *gateway, uint64_t number)
{
    return table_get(&gateway->open, (struct bytes){(const uint8_t *)&number, sizeof(number)});
}

bool gateway_hang_up(struct gateway *gateway, struct gateway_call *call)
{
    call->done = NULL;
    if (call->ended)
        return false;
    world_input_at(gateway->world, call->outside->seat, world_now_us(gateway->world), cancel, call);
    return true;
}

/* Parts promise nothing that a disk keeps: they are handed over at once. */
static void hand_over_parts(struct gateway_call *call)
{
    while (call->parts != NULL) {
        struct part *part = call->parts;

        call->parts = part->next;
        if (call->parts == NULL)
            call->parts_end = &call->parts;
        if (call->part != NULL && call->done != NULL)
            call->part(call->owner, &part->message);
        blob_drop(part->message.body);
        free(part);
    }
}

/*  open --ended--> held --committed--> done
 *     `----------failed: gateway_fail_open()----------> done, with another answer  */

void gateway_hold(struct gateway *gateway, uint64_t commit)
{
    for (size_t i = 0; i < WORLD_SHARDS; i++)
        while (gateway->outside[i].news != NULL) {
            struct gateway_call *call = gateway->outside[i].news;

            gateway->outside[i].news = call->next;
            call->told = false;
            call->next = NULL;
            hand_over_parts(call);
            if (!call->ended)
                continue;
            call->commit = commit;
            *gateway->held_end = call;
            gateway->held_end = &call->next;
        }
}

static void tell_end(const struct gateway *gateway, const struct gateway_call *call)
{
    const struct message failed = {.status = 503, .content = CONTENT_TEXT, .body = gateway->failed_text};

    if (call->done == NULL)
        return;
    if (call->number <= gateway->failed_count)
        call->done(call->owner, NET_OK, &failed);
    else
        call->done(call->owner, call->call.net, &call->parcel->incoming.in);
}

void gateway_release(struct gateway *gateway, uint64_t committed)
{
    while (gateway->held != NULL && gateway->held->commit <= committed) {
        struct gateway_call *call = gateway->held;

        gateway->held = call->next;
        if (gateway->held == NULL)
            gateway->held_end = &gateway->held;
        table_remove(&gateway->open, call_key(call));
        tell_end(gateway, call);
        free_call(gateway, call);
    }
}

void gateway_fail_open(struct gateway *gateway, struct bytes text)
{
    blob_drop(gateway->failed_text);
    gateway->failed_text = blob_copy(text);
    gateway->failed_count = gateway->call_count;
    gateway_release(gateway, UINT64_MAX);
}

void gateway_flush(struct gateway *gateway)
{
    gateway_hold(gateway, 0);
    gateway_release(gateway, UINT64_MAX);
}

uint32_t gateway_open_count(const struct gateway *gateway)
{
    return gateway->open.count;
}
