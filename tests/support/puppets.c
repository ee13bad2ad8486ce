#include "tests/support/puppets.h"

#include <check.h>
#include <stdio.h>

struct world *puppet_world;
struct puppet puppets[SEATS];
unsigned puppets_freed;

struct puppet *puppet_of_call(struct call *call)
{
    return CONTAINER_OF(call, struct puppet, call);
}

int64_t puppet_now_ms(const struct puppet *puppet)
{
    return env_now_ms(puppet->env);
}

static void on_request(void *machine, struct incoming *incoming)
{
    struct puppet *puppet = machine;

    ck_assert(!puppet->inside);
    puppet->request_count++;
    puppet->request_ms = puppet_now_ms(puppet);
    puppet->serve(puppet, incoming);
}

static void puppet_free(void *machine)
{
    (void)machine;
    puppets_freed++;
}

static const struct seat_handler puppet_handler = {on_request, puppet_free};

struct address address_at(uint32_t seat)
{
    return (struct address){0x7f010107 + seat, 22021};
}

void serve_ok(struct puppet *puppet, struct incoming *incoming)
{
    env_answer_text(puppet->env, incoming, 200, "yes");
}

static void note_gone(struct incoming *incoming)
{
    struct puppet *puppet = incoming->owner;

    ck_assert_ptr_eq(puppet->held, incoming);
    puppet->held = NULL;
    puppet->gone_count++;
    puppet->gone_ms = puppet_now_ms(puppet);
}

void serve_hold(struct puppet *puppet, struct incoming *incoming)
{
    puppet->held = incoming;
    incoming->owner = puppet;
    incoming->on_gone = note_gone;
}

void serve_hold_blindly(struct puppet *puppet, struct incoming *incoming)
{
    puppet->held = incoming;
}

void puppet_occupy(uint32_t seat, serve_fn serve)
{
    struct puppet *puppet = &puppets[seat];

    *puppet = (struct puppet){.env = world_env(puppet_world, seat), .serve = serve, .net = NET_OK, .synced = ERR_COUNT};
    world_occupy(puppet_world, seat, &puppet_handler, puppet);
}

static const struct cost_table unit_costs = {.row = {
                                                 [COST_REQUEST] = {1000, 1}, /* one unit is one millisecond */
                                                 [COST_CALL] = {1, 1},
                                                 [COST_X25519] = {1, 1},
                                                 [COST_SIGN] = {1, 1},
                                                 [COST_SEAL] = {1, 1},
                                                 [COST_PARSE] = {1, 1},
                                                 [COST_POW_TRIAL] = {1, 1},
                                                 [COST_POW_CHECK] = {1, 1},
                                                 [COST_STORE] = {1, 1},
                                             }};

void puppets_begin(serve_fn serve)
{
    static const uint32_t shards[SEATS] = {0, 1, 1};
    static const struct ed25519_public callers_key = {{1}};
    struct network_config network;

    network_config_default(&network);
    network.jitter_us_max = network.retransmit_ppm = 0;
    network.region_us[0][0] = WAY_MS * 1000;
    puppet_world =
        world_new(&(struct world_config){.seed = 1, .threads = 1, .costs = &unit_costs, .network = &network});
    puppets_freed = 0;
    for (uint32_t i = 0; i < SEATS; i++) {
        struct seat_config seat = {.address = address_at(i),
                                   .peer_key = i == CALLER ? &callers_key : NULL,
                                   .shard = shards[i],
                                   .has_disk = true,
                                   .cpu_percent = 100};

        ck_assert_uint_eq(world_add_seat(puppet_world, &seat), i);
        puppet_occupy(i, serve);
    }
}

void puppets_end(void)
{
    world_free(puppet_world);
}

void run_to_ms(int64_t ms)
{
    world_run_until(puppet_world, ms * 1000, 0, NULL, NULL, 0);
}

void puppet_done(struct call *call)
{
    struct puppet *puppet = puppet_of_call(call);
    struct bytes body = blob_bytes(call->in.body);

    ck_assert(!puppet->inside);
    puppet->done_count++;
    puppet->net = call->net;
    puppet->status = call->in.status;
    puppet->done_ms = puppet_now_ms(puppet);
    snprintf(puppet->answer, sizeof(puppet->answer), "%.*s", (int)body.len,
             body.len > 0 ? (const char *)body.data : "");
}

void call_address(struct puppet *puppet, struct address to, uint32_t timeout_ms)
{
    puppet->call = (struct call){.to = to, .timeout_ms = timeout_ms};
    puppet->call.out = (struct message){.verb = VERB_POST, .path = BYTES_LIT("/x")};
    puppet->inside = true;
    env_call(puppet->env, &puppet->call, puppet_done);
    puppet->inside = false;
}

void make_call(void *machine, void *owner)
{
    (void)owner;
    call_address(machine, address_at(CALLEE), 1000);
}

void cancel_call(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    (void)owner;
    puppet->inside = true;
    env_cancel(puppet->env, &puppet->call);
    puppet->inside = false;
}

void answer_held(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    (void)owner;
    env_answer_text(puppet->env, puppet->held, 200, "late");
    puppet->held = NULL;
}
