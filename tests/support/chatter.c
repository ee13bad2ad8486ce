#include "tests/support/chatter.h"

#include <stdlib.h>
#include <string.h>

#define CALLS     6
#define HELD      8
#define TICK_MS   20
#define FAULT_US  40000
#define FIRST_IP  0x7f010107u
#define EPOCH_MS  INT64_C(1567296000000)
#define VALUE_MAX 400

struct bot;
struct bot_call {
    struct call call;
    struct bot *bot;
    bool open, cancelled;
    bool inside; /* env_call or env_cancel has not yet returned */
    int64_t began_ms;
};

struct bot_held {
    struct bot *bot;
    struct incoming *incoming; /* NULL: free */
};

/* What outlives a machine. */
struct bot_seat {
    struct chatter *chatter;
    uint32_t seat;
    struct bot *bot;
    struct bot *dead;
    struct chatter_counts counts;
    bool cut_off;
};

struct bot {
    struct bot_seat *home;
    struct env *env;
    bool dead;
    bool asking; /* inside a call of the env: no callback may run */
    struct bot *next_dead;
    struct timer tick, side;
    struct bot_call calls[CALLS];
    struct bot_held held[HELD];
    struct disk_op sync;
    bool syncing;
};

struct chatter {
    struct chatter_config config;
    struct cost_table costs;
    struct world *world;
    struct bot_seat *seats;
    uint64_t faults;
};

static void check(const struct bot *bot)
{
    ASSERT(!bot->dead && !bot->asking);
}

static uint32_t below(struct bot *bot, uint32_t n)
{
    return (uint32_t)env_random_below(bot->env, n);
}

static bool quiet(const struct bot *bot)
{
    return env_now_ms(bot->env) * 1000 >= EPOCH_MS * 1000 + bot->home->chatter->config.quiet_us;
}

static void charge(struct bot *bot)
{
    uint32_t max = bot->home->chatter->config.charge_us_max;

    if (max > 0)
        env_charge(bot->env, COST_STORE, below(bot, max + 1));
}

static void on_done(struct call *call)
{
    struct bot_call *mine = CONTAINER_OF(call, struct bot_call, call);
    struct bot *bot = mine->bot;

    check(bot);
    ASSERT(mine->open && !mine->inside);
    ASSERT(!mine->cancelled || call->net == NET_CANCELLED);
    ASSERT(call->net != NET_TIMEOUT || env_now_ms(bot->env) - mine->began_ms >= (int64_t)call->timeout_ms);
    ASSERT(call->net != NET_OK || call->in.status >= 200);
    mine->open = false;
    bot->home->counts.ended[call->net]++;
    charge(bot);
}

static struct blob *random_body(struct bot *bot)
{
    struct blob *body = blob_new(8 + below(bot, 1500));

    memset(body->data, 'x', body->len);
    env_random(bot->env, body->data, 8);
    return body;
}

static void make_call(struct bot *bot, struct bot_call *mine)
{
    static const uint32_t timeouts_ms[] = {50, 300, 1000, 1000, 10000};
    static const struct header header = {{(const uint8_t *)"X-Loki-Long-Poll", 16}, {(const uint8_t *)"true", 4}};
    struct blob *body = below(bot, 8) == 0 ? NULL : random_body(bot);
    uint32_t to = below(bot, bot->home->chatter->config.seats + 1); /* one address has no seat */

    *mine = (struct bot_call){.bot = bot, .open = true, .inside = true, .began_ms = env_now_ms(bot->env)};
    mine->call.to = (struct address){FIRST_IP + to, 22021};
    mine->call.timeout_ms = below(bot, 4) == 0 ? below(bot, 2000) : timeouts_ms[below(bot, ARRAY_LEN(timeouts_ms))];
    mine->call.out = (struct message){
        .verb = VERB_POST, .path = BYTES_LIT("/storage_rpc/v1"), .content = CONTENT_JSON, .body = body};
    if (below(bot, 5) == 0) {
        mine->call.out.headers = &header;
        mine->call.out.header_count = 1;
    }
    bot->home->counts.calls++;
    bot->asking = true;
    env_call(bot->env, &mine->call, on_done);
    bot->asking = mine->inside = false;
    blob_drop(body);
}

static void cancel_call(struct bot *bot, struct bot_call *mine)
{
    mine->inside = bot->asking = true;
    env_cancel(bot->env, &mine->call);
    mine->inside = bot->asking = false;
    mine->cancelled = true;
}

static void answer(struct bot *bot, struct incoming *incoming)
{
    struct blob *body = below(bot, 2) == 0 ? blob_keep(incoming->in.body) : random_body(bot);
    struct message message = {.status = 200, .content = CONTENT_BINARY, .body = body};

    /* Borrows from the very request. */
    message.headers = incoming->in.headers;
    message.header_count = incoming->in.header_count;
    bot->asking = true;
    env_answer(bot->env, incoming, &message);
    bot->asking = false;
    blob_drop(body);
    bot->home->counts.answered++;
}

static void on_gone(struct incoming *incoming)
{
    struct bot_held *held = incoming->owner;

    check(held->bot);
    ASSERT(held->incoming == incoming);
    held->incoming = NULL;
    held->bot->home->counts.gone++;
}

static void on_request(void *machine, struct incoming *incoming)
{
    struct bot *bot = machine;

    check(bot);
    ASSERT(bytes_equal_text(incoming->in.path, "/storage_rpc/v1"));
    bot->home->counts.requests++;
    charge(bot);
    for (size_t i = 0; i < HELD && below(bot, 2) == 0; i++) {
        struct bot_held *held = &bot->held[i];

        if (held->incoming != NULL)
            continue;
        *held = (struct bot_held){bot, incoming};
        incoming->owner = held;
        if (below(bot, 2) == 0)
            incoming->on_gone = on_gone;
        return;
    }
    answer(bot, incoming);
}

static void on_synced(struct disk_op *op)
{
    struct bot *bot = CONTAINER_OF(op, struct bot, sync);

    check(bot);
    ASSERT(bot->syncing && op->err == OK);
    bot->syncing = false;
    bot->home->counts.syncs++;
}

static void write_disk(struct bot *bot)
{
    uint8_t key[4], value[VALUE_MAX] = {0};

    store_le32(key, below(bot, 50));
    env_disk_put(bot->env, BYTES_OF(key), (struct bytes){value, below(bot, VALUE_MAX)});
    bot->syncing = bot->asking = true;
    env_disk_sync(bot->env, &bot->sync, on_synced);
    bot->asking = false;
}

static void on_side(struct timer *timer)
{
    struct bot *bot = CONTAINER_OF(timer, struct bot, side);

    check(bot);
    ASSERT(!timer_running(timer));
    bot->home->counts.timers++;
    charge(bot);
}

static void play_timer(struct bot *bot)
{
    if (below(bot, 3) == 0)
        env_timer_stop(bot->env, &bot->side);
    else
        env_timer_start(bot->env, &bot->side, below(bot, 60), on_side);
}

static void answer_held(struct bot *bot, bool all)
{
    for (size_t i = 0; i < HELD; i++) {
        struct incoming *incoming = bot->held[i].incoming;

        if (incoming == NULL || (!all && below(bot, 10) != 0))
            continue;
        bot->held[i].incoming = NULL;
        answer(bot, incoming);
    }
}

static void on_tick(struct timer *timer)
{
    struct bot *bot = CONTAINER_OF(timer, struct bot, tick);

    check(bot);
    answer_held(bot, quiet(bot));
    if (!quiet(bot)) {
        for (size_t i = 0; i < CALLS; i++) {
            struct bot_call *mine = &bot->calls[i];

            if (!mine->open && below(bot, 2) == 0)
                make_call(bot, mine);
            if (mine->open && below(bot, 12) == 0)
                cancel_call(bot, mine);
        }
        play_timer(bot);
        if (!bot->syncing && below(bot, 4) == 0)
            write_disk(bot);
    }
    charge(bot);
    env_timer_start(bot->env, &bot->tick, 1 + below(bot, TICK_MS), on_tick);
}

static void bot_start(void *machine, void *owner)
{
    struct bot *bot = machine;

    (void)owner;
    env_timer_start(bot->env, &bot->tick, below(bot, TICK_MS), on_tick);
}

static void bot_free(void *machine)
{
    struct bot *bot = machine;
    struct bot_seat *home = bot->home;

    for (size_t i = 0; i < CALLS; i++)
        home->counts.calls_died += bot->calls[i].open;
    for (size_t i = 0; i < HELD; i++)
        home->counts.requests_died += bot->held[i].incoming != NULL;
    bot->dead = true;
    bot->next_dead = home->dead;
    home->dead = bot;
    home->bot = NULL;
}

static const struct seat_handler bot_handler = {on_request, bot_free};

static void occupy(struct bot_seat *home)
{
    struct bot *bot = xcalloc(1, sizeof(*bot));

    bot->home = home;
    bot->env = world_env(home->chatter->world, home->seat);
    home->bot = bot;
    world_occupy(home->chatter->world, home->seat, &bot_handler, bot);
    world_enter(home->chatter->world, home->seat, bot_start, NULL);
}

static void on_fault(struct world *world, void *owner)
{
    struct chatter *chatter = owner;
    uint64_t number = rng_number(world_rng_key(world), RNG_FAULTS, 0, chatter->faults++);
    struct bot_seat *home = &chatter->seats[number % chatter->config.seats];

    if (number >> 32 & 1) {
        home->cut_off = !home->cut_off;
        world_set_cut_off(world, home->seat, home->cut_off);
    } else if (home->bot == NULL) {
        occupy(home);
    } else {
        home->counts.crashes++;
        world_crash(world, home->seat);
    }
    if (world_now_us(world) < chatter->config.quiet_us)
        world_control_at(world, world_now_us(world) + FAULT_US, on_fault, chatter);
}

struct chatter *chatter_new(const struct chatter_config *config)
{
    struct chatter *chatter = xcalloc(1, sizeof(*chatter));
    struct network_config network;

    network_config_default(&network);
    network.loss_ppm = config->faults ? 10000 : 0;
    chatter->config = *config;
    for (size_t i = 0; i < COST_COUNT; i++) {
        chatter->costs.row[i].us = 1;
        chatter->costs.row[i].units = 1;
    }
    chatter->world = world_new(&(struct world_config){.seed = config->seed,
                                                      .threads = config->threads,
                                                      .epoch_ms = EPOCH_MS,
                                                      .costs = &chatter->costs,
                                                      .network = &network});
    chatter->seats = xcalloc(config->seats, sizeof(*chatter->seats));
    for (uint32_t i = 0; i < config->seats; i++) {
        struct seat_config seat = {.address = {FIRST_IP + i, 22021},
                                   .shard = i % WORLD_SHARDS,
                                   .host = i,
                                   .has_disk = true,
                                   .cpu_percent = 100,
                                   .access = network_place_node(world_rng_key(chatter->world), i)};

        chatter->seats[i] = (struct bot_seat){.chatter = chatter, .seat = world_add_seat(chatter->world, &seat)};
        occupy(&chatter->seats[i]);
    }
    if (config->faults)
        world_control_at(chatter->world, FAULT_US, on_fault, chatter);
    return chatter;
}

void chatter_free(struct chatter *chatter)
{
    world_free(chatter->world);
    for (uint32_t i = 0; i < chatter->config.seats; i++)
        while (chatter->seats[i].dead != NULL) {
            struct bot *bot = chatter->seats[i].dead;

            chatter->seats[i].dead = bot->next_dead;
            free(bot);
        }
    free(chatter->seats);
    free(chatter);
}

struct world *chatter_world(struct chatter *chatter)
{
    return chatter->world;
}

static void add_counts(struct chatter_counts *out, const struct bot_seat *home)
{
    const struct chatter_counts *counts = &home->counts;

    out->calls += counts->calls;
    for (size_t i = 0; i < ARRAY_LEN(out->ended); i++)
        out->ended[i] += counts->ended[i];
    out->requests += counts->requests;
    out->answered += counts->answered;
    out->gone += counts->gone;
    out->crashes += counts->crashes;
    out->calls_died += counts->calls_died;
    out->requests_died += counts->requests_died;
    out->timers += counts->timers;
    out->syncs += counts->syncs;
    for (size_t i = 0; home->bot != NULL && i < CALLS; i++)
        out->calls_open += home->bot->calls[i].open;
    for (size_t i = 0; home->bot != NULL && i < HELD; i++)
        out->requests_open += home->bot->held[i].incoming != NULL;
}

void chatter_counts(struct chatter *chatter, struct chatter_counts *out)
{
    *out = (struct chatter_counts){0};
    for (uint32_t i = 0; i < chatter->config.seats; i++)
        add_counts(out, &chatter->seats[i]);
}
