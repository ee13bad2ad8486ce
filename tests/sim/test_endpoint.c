/* The promises of env.h, one by one, between a few puppets on a network where every delivery takes 5 ms. */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "tests/support/check_main.h"

#define WAY_MS 5
#define SEATS  3
#define NOBODY ((struct address){99, 99})
#define TIMERS 3

enum { CALLER, CALLEE, OTHER };

struct puppet;
typedef void (*serve_fn)(struct puppet *puppet, struct incoming *incoming);

struct puppet {
    struct env *env;
    serve_fn serve;
    bool inside; /* in a call of the env: no callback may run */
    /* as a caller */
    struct call call;
    unsigned done_count;
    enum net net;
    uint16_t status;
    int64_t done_ms;
    char answer[100];
    /* as a callee */
    unsigned request_count, gone_count;
    int64_t request_ms, gone_ms;
    struct incoming *held;
    /* timers and disk */
    struct timer timers[TIMERS];
    char fired[100];
    struct disk_op sync;
    enum err synced;
    int64_t synced_ms;
    char disk[100];
};

static struct world *world;
static struct puppet puppets[SEATS];
static unsigned freed;

static struct puppet *puppet_of_call(struct call *call)
{
    return CONTAINER_OF(call, struct puppet, call);
}

static int64_t now_ms(const struct puppet *puppet)
{
    return env_now_ms(puppet->env);
}

static void on_request(void *machine, struct incoming *incoming)
{
    struct puppet *puppet = machine;

    ck_assert(!puppet->inside);
    puppet->request_count++;
    puppet->request_ms = now_ms(puppet);
    puppet->serve(puppet, incoming);
}

static void puppet_free(void *machine)
{
    (void)machine;
    freed++;
}

static const struct seat_handler puppet_handler = {on_request, puppet_free};

static struct address address_at(uint32_t seat)
{
    return (struct address){0x7f010107 + seat, 22021};
}

/* What callees do. */

static void serve_ok(struct puppet *puppet, struct incoming *incoming)
{
    env_answer_text(puppet->env, incoming, 200, "yes");
}

static void note_gone(struct incoming *incoming)
{
    struct puppet *puppet = incoming->owner;

    ck_assert_ptr_eq(puppet->held, incoming);
    puppet->held = NULL;
    puppet->gone_count++;
    puppet->gone_ms = now_ms(puppet);
}

static void serve_hold(struct puppet *puppet, struct incoming *incoming)
{
    puppet->held = incoming;
    incoming->owner = puppet;
    incoming->on_gone = note_gone;
}

static void serve_hold_blindly(struct puppet *puppet, struct incoming *incoming)
{
    puppet->held = incoming;
}

static void occupy(uint32_t seat, serve_fn serve)
{
    struct puppet *puppet = &puppets[seat];

    *puppet = (struct puppet){.env = world_env(world, seat), .serve = serve, .net = NET_OK, .synced = ERR_COUNT};
    world_occupy(world, seat, &puppet_handler, puppet);
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

/* The caller's shard is its own, the callee's another; the third seat shares the callee's. */
static void begin(serve_fn serve)
{
    static const uint32_t shards[SEATS] = {0, 1, 1};
    static const struct ed25519_public callers_key = {{1}};
    struct network_config network;

    network_config_default(&network);
    network.jitter_us_max = network.retransmit_ppm = 0;
    network.region_us[0][0] = WAY_MS * 1000;
    world = world_new(&(struct world_config){.seed = 1, .threads = 1, .costs = &unit_costs, .network = &network});
    freed = 0;
    for (uint32_t i = 0; i < SEATS; i++) {
        struct seat_config seat = {.address = address_at(i),
                                   .peer_key = i == CALLER ? &callers_key : NULL,
                                   .shard = shards[i],
                                   .has_disk = true,
                                   .cpu_percent = 100};

        ck_assert_uint_eq(world_add_seat(world, &seat), i);
        occupy(i, serve);
    }
}

static void end(void)
{
    world_free(world);
}

/* Everything before that time, and nothing at it or after. */
static void run_to_ms(int64_t ms)
{
    world_run_until(world, ms * 1000, 0, NULL, NULL, 0);
}

static void on_done(struct call *call)
{
    struct puppet *puppet = puppet_of_call(call);
    struct bytes body = blob_bytes(call->in.body);

    ck_assert(!puppet->inside);
    puppet->done_count++;
    puppet->net = call->net;
    puppet->status = call->in.status;
    puppet->done_ms = now_ms(puppet);
    snprintf(puppet->answer, sizeof(puppet->answer), "%.*s", (int)body.len,
             body.len > 0 ? (const char *)body.data : "");
}

static void call_address(struct puppet *puppet, struct address to, uint32_t timeout_ms)
{
    puppet->call = (struct call){.to = to, .timeout_ms = timeout_ms};
    puppet->call.out = (struct message){.verb = VERB_POST, .path = BYTES_LIT("/x")};
    puppet->inside = true;
    env_call(puppet->env, &puppet->call, on_done);
    puppet->inside = false;
}

static void make_call(void *machine, void *owner)
{
    (void)owner;
    call_address(machine, address_at(CALLEE), 1000);
}

static void cancel_call(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    (void)owner;
    puppet->inside = true;
    env_cancel(puppet->env, &puppet->call);
    puppet->inside = false;
}

static void answer_held(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    (void)owner;
    env_answer_text(puppet->env, puppet->held, 200, "late");
    puppet->held = NULL;
}

/* ---- calls ---- */

/* There and back is twice the way; `done` runs once, and never inside env_call. */
START_TEST(a_call_is_answered)
{
    begin(serve_ok);
    world_enter(world, CALLER, make_call, NULL);
    run_to_ms(2 * WAY_MS);
    ck_assert_uint_eq(puppets[CALLER].done_count, 0);
    ck_assert_int_eq(puppets[CALLEE].request_ms, WAY_MS);
    run_to_ms(3000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_OK);
    ck_assert_uint_eq(puppets[CALLER].status, 200);
    ck_assert_str_eq(puppets[CALLER].answer, "yes");
    ck_assert_int_eq(puppets[CALLER].done_ms, 2 * WAY_MS);
    ck_assert_uint_eq(puppets[CALLER].call.slot, 0);
    end();
}
END_TEST

static void serve_look(struct puppet *puppet, struct incoming *incoming)
{
    static const char long_path[] = "/this/path/is/much/longer/than/what/a/parcel/holds/inside/and/goes/elsewhere";
    struct header header = {BYTES_LIT("X-Answer"), BYTES_LIT("42")};
    struct message message = {.status = 201, .content = CONTENT_BINARY, .headers = &header, .header_count = 1};

    ck_assert(address_equal(incoming->from, address_at(CALLER)));
    ck_assert_ptr_nonnull(incoming->peer_key);
    ck_assert_uint_eq(incoming->peer_key->bytes[0], 1);
    ck_assert_int_eq(incoming->in.verb, VERB_POST);
    ck_assert_int_eq(incoming->in.content, CONTENT_JSON);
    ck_assert(bytes_equal_text(incoming->in.path, long_path));
    ck_assert_uint_eq(incoming->in.header_count, 1);
    ck_assert(bytes_equal_text(incoming->in.headers[0].name, "X-Question"));
    ck_assert(bytes_equal_text(incoming->in.headers[0].value, "six by nine"));
    ck_assert(bytes_equal_text(blob_bytes(incoming->in.body), "body"));
    message.body = incoming->in.body;
    env_answer(puppet->env, incoming, &message);
}

static void on_look_done(struct call *call)
{
    ck_assert_uint_eq(call->in.status, 201);
    ck_assert_uint_eq(call->in.header_count, 1);
    ck_assert(bytes_equal_text(call->in.headers[0].name, "X-Answer"));
    ck_assert_int_eq(call->in.content, CONTENT_BINARY);
    on_done(call);
}

static void make_whole_call(void *machine, void *owner)
{
    struct puppet *puppet = machine;
    char path[] = "/this/path/is/much/longer/than/what/a/parcel/holds/inside/and/goes/elsewhere";
    char value[] = "six by nine";
    struct header header = {BYTES_LIT("X-Question"), bytes_text(value)};
    struct blob *body = blob_copy(BYTES_LIT("body"));

    puppet->call = (struct call){.to = address_at(CALLEE), .timeout_ms = 1000};
    puppet->call.out = (struct message){.verb = VERB_POST,
                                        .content = CONTENT_JSON,
                                        .path = bytes_text(path),
                                        .headers = &header,
                                        .header_count = 1,
                                        .body = body};
    env_call(puppet->env, &puppet->call, on_look_done);
    memset(path, 0, sizeof(path));
    memset(value, 0, sizeof(value));
    if (owner == NULL)
        blob_drop(body);
    else
        *(struct blob **)owner = body;
}

/* All of a message comes over, whatever the caller does with its own afterwards, and whether it keeps the body or not.
 */
START_TEST(whole_messages_come_over)
{
    struct blob *kept;

    begin(serve_look);
    world_enter(world, CALLER, make_whole_call, NULL);
    run_to_ms(100);
    ck_assert_str_eq(puppets[CALLER].answer, "body");
    world_enter(world, CALLER, make_whole_call, &kept);
    run_to_ms(200);
    ck_assert_uint_eq(puppets[CALLER].done_count, 2);
    ck_assert_str_eq(puppets[CALLER].answer, "body");
    ck_assert_uint_eq(kept->keepers, 1);
    blob_drop(kept);
    end();
}
END_TEST

/* One who passes on what it is answered, as a relay does. The one it asks writes down where its body lies. */
static const uint8_t *body_at;

static void on_passed_on(struct call *call)
{
    struct puppet *puppet = puppet_of_call(call);

    env_answer(puppet->env, puppet->held, &call->in);
}

static void serve_pass_on(struct puppet *puppet, struct incoming *incoming)
{
    puppet->held = incoming;
    puppet->call = (struct call){.to = address_at(OTHER), .timeout_ms = 1000};
    puppet->call.out = (struct message){.verb = VERB_POST, .path = BYTES_LIT("/x")};
    env_call(puppet->env, &puppet->call, on_passed_on);
}

static void serve_body(struct puppet *puppet, struct incoming *incoming)
{
    struct blob *body = blob_copy(BYTES_LIT("passed on"));

    body_at = body->data;
    env_answer(puppet->env, incoming, &(struct message){.status = 200, .content = CONTENT_TEXT, .body = body});
    blob_drop(body);
}

static void on_same_body(struct call *call)
{
    ck_assert_ptr_eq(call->in.body->data, body_at);
    on_done(call);
}

static void ask_for_body(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    (void)owner;
    puppet->call = (struct call){.to = address_at(CALLEE), .timeout_ms = 1000};
    puppet->call.out = (struct message){.verb = VERB_POST, .path = BYTES_LIT("/x")};
    env_call(puppet->env, &puppet->call, on_same_body);
}

/* An answer that is passed on, from shard to shard too, is the same bytes at the same place: nobody copies it. */
START_TEST(an_answer_passed_on_is_not_copied)
{
    begin(serve_pass_on);
    puppets[OTHER].serve = serve_body;
    world_enter(world, CALLER, ask_for_body, NULL);
    run_to_ms(100);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_str_eq(puppets[CALLER].answer, "passed on");
    end();
}
END_TEST

static void call_nobody(void *machine, void *owner)
{
    (void)owner;
    call_address(machine, NOBODY, 1000);
}

/* Where nobody lives, or a machine is down, a call is refused; not at once, but long before its time-out. */
START_TEST(empty_seats_refuse)
{
    begin(serve_ok);
    world_enter(world, CALLER, call_nobody, NULL);
    ck_assert_uint_eq(puppets[CALLER].done_count, 0);
    run_to_ms(100);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_REFUSED);
    world_crash(world, CALLEE);
    world_enter(world, CALLER, make_call, NULL);
    run_to_ms(200);
    ck_assert_uint_eq(puppets[CALLER].done_count, 2);
    ck_assert_int_eq(puppets[CALLER].net, NET_REFUSED);
    ck_assert_int_eq(puppets[CALLER].done_ms, 100 + 2 * WAY_MS);
    end();
}
END_TEST

/* Time runs out at its millisecond and not before; then the callee is told, and what it says later is dropped. */
START_TEST(a_silent_callee_times_out)
{
    begin(serve_hold);
    world_enter(world, CALLER, make_call, NULL);
    run_to_ms(1000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 0);
    run_to_ms(1001);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_TIMEOUT);
    ck_assert_int_eq(puppets[CALLER].done_ms, 1000);
    ck_assert_uint_eq(puppets[CALLEE].gone_count, 0);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLEE].gone_count, 1);
    ck_assert_int_eq(puppets[CALLEE].gone_ms, 1000 + WAY_MS);
    end();
}
END_TEST

/* Without an on_gone the callee may answer a caller that has gone: nothing comes of it. */
START_TEST(an_answer_to_nobody_is_dropped)
{
    begin(serve_hold_blindly);
    world_enter(world, CALLER, make_call, NULL);
    run_to_ms(2000);
    ck_assert_ptr_nonnull(puppets[CALLEE].held);
    world_enter(world, CALLEE, answer_held, NULL);
    run_to_ms(3000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_TIMEOUT);
    end();
}
END_TEST

/* An answer that crosses the notice on its way finds the call ended. */
START_TEST(a_late_answer_is_dropped)
{
    begin(serve_hold);
    world_enter(world, CALLER, make_call, NULL);
    run_to_ms(998);
    world_enter(world, CALLEE, answer_held, NULL);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_TIMEOUT);
    ck_assert_uint_eq(puppets[CALLEE].gone_count, 0);
    end();
}
END_TEST

/* A cancelled call ends as cancelled, once and later, even if the answer is on its way; the callee is told. */
START_TEST(a_cancelled_call_ends_once)
{
    begin(serve_hold);
    world_enter(world, CALLER, make_call, NULL);
    run_to_ms(50);
    world_enter(world, CALLER, cancel_call, NULL);
    world_enter(world, CALLER, cancel_call, NULL);
    ck_assert_uint_eq(puppets[CALLER].done_count, 0);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_CANCELLED);
    ck_assert_int_eq(puppets[CALLER].done_ms, 50);
    ck_assert_int_eq(puppets[CALLEE].gone_ms, 50 + WAY_MS);
    puppets[CALLEE].serve = serve_ok;
    world_enter(world, CALLER, make_call, NULL);
    run_to_ms(2000 + WAY_MS + 1);
    world_enter(world, CALLER, cancel_call, NULL);
    run_to_ms(4000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 2);
    ck_assert_int_eq(puppets[CALLER].net, NET_CANCELLED);
    world_enter(world, CALLER, cancel_call, NULL);
    run_to_ms(5000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 2);
    end();
}
END_TEST

static void call_and_cancel(void *machine, void *owner)
{
    make_call(machine, owner);
    cancel_call(machine, owner);
}

/* What a handler makes and takes back never leaves. */
START_TEST(a_call_taken_back_never_leaves)
{
    begin(serve_ok);
    world_enter(world, CALLER, call_and_cancel, NULL);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_CANCELLED);
    ck_assert_uint_eq(puppets[CALLEE].request_count, 0);
    end();
}
END_TEST

/* A notice never overtakes its request: here the request leaves late, after its handler's charges, and the notice at
 * once. */
static void call_slowly(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    make_call(machine, owner);
    env_charge(puppet->env, COST_REQUEST, 40);
}

START_TEST(a_notice_does_not_overtake_its_request)
{
    begin(serve_hold);
    world_enter(world, CALLER, call_slowly, NULL);
    run_to_ms(1);
    world_crash(world, CALLER);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLEE].request_count, 1);
    ck_assert_int_eq(puppets[CALLEE].request_ms, 40 + WAY_MS);
    ck_assert_uint_eq(puppets[CALLEE].gone_count, 1);
    ck_assert_int_eq(puppets[CALLEE].gone_ms, 40 + WAY_MS);
    end();
}
END_TEST

/* Calls of many lengths run out in the order of their deadlines, each at its own. */
struct many {
    struct call call;
    struct puppet *puppet;
    int64_t done_ms;
};
#define MANY 40

static void on_many_done(struct call *call)
{
    struct many *many = CONTAINER_OF(call, struct many, call);

    ck_assert_int_eq(call->net, NET_TIMEOUT);
    many->done_ms = now_ms(many->puppet);
}

static void make_many_calls(void *machine, void *owner)
{
    struct many *many = owner;

    for (uint32_t i = 0; i < MANY; i++) {
        many[i] = (struct many){.puppet = machine, .call = {.to = address_at(CALLEE), .timeout_ms = 100 + i % 20 * 10}};
        many[i].call.out.path = BYTES_LIT("/");
        env_call(many[i].puppet->env, &many[i].call, on_many_done);
    }
}

START_TEST(each_call_has_its_own_time)
{
    static struct many many[2][MANY];

    begin(serve_hold_blindly);
    world_enter(world, CALLER, make_many_calls, many[0]);
    run_to_ms(7);
    world_enter(world, CALLER, make_many_calls, many[1]);
    run_to_ms(2000);
    for (uint32_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(many[0][i].done_ms, 100 + i % 20 * 10);
        ck_assert_int_eq(many[1][i].done_ms, 7 + 100 + i % 20 * 10);
    }
    end();
}
END_TEST

static unsigned refused;

static void on_flood_done(struct call *call)
{
    refused += call->net == NET_REFUSED;
}

static void flood(void *machine, void *owner)
{
    struct puppet *puppet = machine;
    struct call *calls = owner;

    for (uint32_t i = 0; i < LIMIT_CALLS + 2; i++) {
        calls[i] = (struct call){.to = address_at(CALLEE), .timeout_ms = 100};
        env_call(puppet->env, &calls[i], on_flood_done);
    }
}

/* A machine has so many connections and no more. */
START_TEST(calls_are_bounded)
{
    struct call *calls = xcalloc(LIMIT_CALLS + 2, sizeof(*calls));

    begin(serve_hold_blindly);
    refused = 0;
    world_enter(world, CALLER, flood, calls);
    run_to_ms(99);
    ck_assert_uint_eq(refused, 2);
    run_to_ms(101);
    ck_assert_uint_eq(refused, 2);
    end();
    free(calls);
}
END_TEST

/* ---- losses ---- */

/* A lost call is a time-out, and its callee never hears of it. */
START_TEST(a_lost_call_times_out)
{
    begin(serve_ok);
    world_drop_calls(world, CALLER, 1);
    world_enter(world, CALLER, make_call, NULL);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLEE].request_count, 0);
    ck_assert_int_eq(puppets[CALLER].net, NET_TIMEOUT);
    world_enter(world, CALLER, make_call, NULL);
    run_to_ms(4000);
    ck_assert_int_eq(puppets[CALLER].net, NET_OK);
    end();
}
END_TEST

/* Who is cut off is reached by nobody and reaches nobody; what arrives later is as before. */
START_TEST(a_cut_off_seat_is_silent)
{
    begin(serve_ok);
    for (uint32_t cut = CALLER; cut <= CALLEE; cut++) {
        unsigned requests = puppets[CALLEE].request_count;
        int64_t from_ms = world_now_ms(world);

        world_set_cut_off(world, cut, true);
        world_enter(world, CALLER, make_call, NULL);
        run_to_ms(from_ms + 2000);
        ck_assert_uint_eq(puppets[CALLEE].request_count, requests);
        ck_assert_int_eq(puppets[CALLER].net, NET_TIMEOUT);
        world_set_cut_off(world, cut, false);
        world_enter(world, CALLER, make_call, NULL);
        run_to_ms(from_ms + 4000);
        ck_assert_int_eq(puppets[CALLER].net, NET_OK);
    }
    end();
}
END_TEST

/* The answer of a callee that is cut off meanwhile is lost. */
START_TEST(a_lost_answer_times_out)
{
    begin(serve_ok);
    world_enter(world, CALLER, make_call, NULL);
    run_to_ms(WAY_MS + 1);
    ck_assert_uint_eq(puppets[CALLEE].request_count, 1);
    world_set_cut_off(world, CALLER, true);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_TIMEOUT);
    end();
}
END_TEST

/* ---- crashes ---- */

/* Callers of a machine that dies hear of it one delivery later, whether their request was being held or still waiting.
 */
START_TEST(a_dead_callee_resets)
{
    begin(serve_hold);
    world_enter(world, CALLER, make_call, NULL);
    run_to_ms(100);
    world_crash(world, CALLEE);
    ck_assert_uint_eq(freed, 1);
    run_to_ms(100 + WAY_MS);
    ck_assert_uint_eq(puppets[CALLER].done_count, 0);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_RESET);
    ck_assert_int_eq(puppets[CALLER].done_ms, 100 + WAY_MS);
    end();
}
END_TEST

static void on_any_timer(struct timer *timer)
{
    (void)timer;
    ck_abort_msg("a dead machine's timer has run");
}

static void start_everything(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    make_call(machine, owner);
    env_timer_start(puppet->env, &puppet->timers[0], 100, on_any_timer);
    env_disk_put(puppet->env, BYTES_LIT("k"), BYTES_LIT("v"));
    env_disk_sync(puppet->env, &puppet->sync, (disk_fn)NULL);
}

/* Nothing of a dead machine runs again, not even once another sits in its seat; its callees are told. */
START_TEST(a_dead_caller_is_silent)
{
    begin(serve_hold);
    world_enter(world, CALLER, start_everything, NULL);
    run_to_ms(1);
    world_crash(world, CALLER);
    ck_assert_ptr_eq(world_machine(world, CALLER), NULL);
    occupy(CALLER, serve_ok);
    run_to_ms(3000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 0);
    ck_assert_uint_eq(puppets[CALLEE].gone_count, 1);
    ck_assert_int_eq(puppets[CALLEE].gone_ms, 1 + WAY_MS);
    world_enter(world, CALLER, make_call, NULL);
    puppets[CALLEE].serve = serve_ok;
    run_to_ms(4000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    end();
}
END_TEST

static void draw(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    env_random(puppet->env, owner, 8);
}

/* A seat's random stream goes on after a restart, and another seat's draws leave it alone. */
START_TEST(random_streams_survive_a_restart)
{
    uint64_t whole[2], parts[2], other;

    begin(serve_ok);
    world_enter(world, CALLER, draw, &whole[0]);
    world_enter(world, CALLER, draw, &whole[1]);
    end();
    begin(serve_ok);
    world_enter(world, CALLER, draw, &parts[0]);
    world_enter(world, OTHER, draw, &other);
    world_crash(world, CALLER);
    occupy(CALLER, serve_ok);
    world_enter(world, CALLER, draw, &parts[1]);
    end();
    ck_assert_mem_eq(whole, parts, sizeof(whole));
    ck_assert_uint_ne(whole[0], whole[1]);
    ck_assert_uint_ne(whole[0], other);
}
END_TEST

/* ---- timers ---- */

static void note_timer(struct puppet *puppet, const char *name)
{
    size_t len = strlen(puppet->fired);

    ck_assert(!puppet->inside);
    snprintf(puppet->fired + len, sizeof(puppet->fired) - len, "%s@%d ", name, (int)now_ms(puppet));
}

static void on_first(struct timer *timer)
{
    struct puppet *puppet = CONTAINER_OF(timer, struct puppet, timers[0]);

    ck_assert(!timer_running(timer));
    note_timer(puppet, "first");
    env_timer_stop(puppet->env, &puppet->timers[1]);
}

static void on_second(struct timer *timer)
{
    note_timer(CONTAINER_OF(timer, struct puppet, timers[1]), "second");
}

static void on_third(struct timer *timer)
{
    note_timer(CONTAINER_OF(timer, struct puppet, timers[2]), "third");
}

static void start_timers(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    (void)owner;
    puppet->inside = true;
    env_timer_stop(puppet->env, &puppet->timers[0]);
    env_timer_start(puppet->env, &puppet->timers[0], 10, on_first);
    env_timer_start(puppet->env, &puppet->timers[1], 10, on_second);
    env_timer_start(puppet->env, &puppet->timers[2], 0, on_second);
    env_timer_start(puppet->env, &puppet->timers[2], 20, on_third);
    puppet->inside = false;
    ck_assert(timer_running(&puppet->timers[2]));
}

/* A timer runs once at its time; one that was stopped does not, though it was due already; one that was restarted runs
 * at the new time only. */
START_TEST(timers_run_stop_and_restart)
{
    begin(serve_ok);
    run_to_ms(3);
    world_enter(world, CALLER, start_timers, NULL);
    run_to_ms(100);
    ck_assert_str_eq(puppets[CALLER].fired, "first@13 third@23 ");
    end();
}
END_TEST

static void start_zero(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    (void)owner;
    env_timer_start(puppet->env, &puppet->timers[2], 0, on_third);
    ck_assert_str_eq(puppet->fired, "");
}

/* A delay of nothing is still later than the handler that asked for it. */
START_TEST(a_timer_of_no_delay_runs_next)
{
    begin(serve_ok);
    world_enter(world, CALLER, start_zero, NULL);
    run_to_ms(1);
    ck_assert_str_eq(puppets[CALLER].fired, "third@0 ");
    end();
}
END_TEST

/* A clock that is wrong is wrong for its own machine only, and timers do not mind. */
START_TEST(a_skewed_clock_is_ones_own)
{
    begin(serve_ok);
    world_set_clock_skew(world, CALLER, -7000);
    ck_assert_int_eq(env_now_ms(world_env(world, CALLER)), -7000);
    ck_assert_int_eq(env_now_ms(world_env(world, CALLEE)), 0);
    world_enter(world, CALLER, start_timers, NULL);
    run_to_ms(11);
    ck_assert_str_eq(puppets[CALLER].fired, "first@-6990 ");
    end();
}
END_TEST

/* ---- the CPU ---- */

static void serve_slowly(struct puppet *puppet, struct incoming *incoming)
{
    int64_t at_ms = now_ms(puppet);

    env_answer_text(puppet->env, incoming, 200, "slow");
    env_charge(puppet->env, COST_REQUEST, 20);
    ck_assert_int_eq(now_ms(puppet), at_ms);
}

/* A handler sees the time at which it started; what it sends leaves when its charges are done; the next starts then. */
START_TEST(work_takes_its_time)
{
    begin(serve_slowly);
    world_enter(world, CALLER, make_call, NULL);
    world_enter(world, OTHER, make_call, NULL);
    run_to_ms(500);
    ck_assert_int_eq(puppets[CALLER].done_ms, WAY_MS + 20 + WAY_MS);
    ck_assert_int_eq(puppets[CALLEE].request_ms, WAY_MS + 20);
    ck_assert_int_eq(puppets[OTHER].done_ms, WAY_MS + 40 + WAY_MS);
    end();
}
END_TEST

static void timers_and_work(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    start_timers(machine, owner);
    env_charge(puppet->env, COST_REQUEST, 15);
}

/* Timers wait for the CPU as all else does; what they stop while they wait does not run. */
START_TEST(timers_wait_for_the_cpu)
{
    begin(serve_ok);
    world_enter(world, CALLER, timers_and_work, NULL);
    run_to_ms(100);
    ck_assert_str_eq(puppets[CALLER].fired, "first@15 third@20 ");
    end();
}
END_TEST

static unsigned answers[2];

static void count_status(struct call *call)
{
    ck_assert_int_eq(call->net, NET_OK);
    ck_assert(call->in.status == 200 || call->in.status == 503);
    answers[call->in.status == 503]++;
}

static void call_often(void *machine, void *owner)
{
    struct puppet *puppet = machine;
    struct call *calls = owner;

    for (uint32_t i = 0; i < LIMIT_RUN_QUEUE + 3; i++) {
        calls[i] = (struct call){.to = address_at(CALLEE), .timeout_ms = 1000000000};
        env_call(puppet->env, &calls[i], count_status);
    }
}

/* One runs, so many wait, and the rest is turned away at once. */
START_TEST(a_full_queue_answers_503)
{
    struct call *calls = xcalloc(LIMIT_RUN_QUEUE + 3, sizeof(*calls));
    struct world_stats stats;

    begin(serve_slowly);
    answers[0] = answers[1] = 0;
    world_enter(world, CALLER, call_often, calls);
    run_to_ms(WAY_MS + WAY_MS + 1);
    ck_assert_uint_eq(answers[1], 2);
    ck_assert_uint_eq(answers[0], 0);
    run_to_ms(20 * (LIMIT_RUN_QUEUE + 10));
    ck_assert_uint_eq(answers[1], 2);
    ck_assert_uint_eq(answers[0], LIMIT_RUN_QUEUE + 1);
    world_stats(world, &stats);
    ck_assert_uint_eq(stats.overloads, 2);
    end();
    free(calls);
}
END_TEST

/* A machine that dies while requests wait for it resets them all. */
START_TEST(waiting_requests_are_reset)
{
    begin(serve_slowly);
    world_enter(world, OTHER, make_call, NULL);
    world_enter(world, CALLER, make_call, NULL);
    run_to_ms(WAY_MS + 1);
    world_crash(world, CALLEE);
    run_to_ms(100);
    ck_assert_uint_eq(puppets[CALLEE].request_count, 1);
    ck_assert_int_eq(puppets[CALLER].net == NET_RESET, puppets[OTHER].net == NET_OK);
    ck_assert_int_ne(puppets[CALLER].net, puppets[OTHER].net);
    end();
}
END_TEST

/* ---- the disk ---- */

static void on_synced(struct disk_op *op)
{
    struct puppet *puppet = CONTAINER_OF(op, struct puppet, sync);

    ck_assert(!puppet->inside);
    puppet->synced = op->err;
    puppet->synced_ms = now_ms(puppet);
}

static void write_disk(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    puppet->inside = true;
    env_disk_put(puppet->env, bytes_text(owner), BYTES_LIT("v"));
    env_disk_sync(puppet->env, &puppet->sync, on_synced);
    puppet->inside = false;
}

static void list_key(void *owner, struct bytes key, struct bytes value)
{
    struct puppet *puppet = owner;
    size_t len = strlen(puppet->disk);

    ck_assert(bytes_equal_text(value, "v"));
    snprintf(puppet->disk + len, sizeof(puppet->disk) - len, "%.*s ", (int)key.len, (const char *)key.data);
}

static void read_disk(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    (void)owner;
    env_disk_each(puppet->env, list_key, puppet);
}

/* What was synced is there after a restart; what was put but not yet synced is not. */
START_TEST(synced_records_survive_a_crash)
{
    static char b[] = "b", a[] = "a", lost[] = "lost";

    begin(serve_ok);
    world_enter(world, CALLER, write_disk, b);
    run_to_ms(50);
    ck_assert_int_eq(puppets[CALLER].synced, OK);
    ck_assert_int_eq(puppets[CALLER].synced_ms, 2);
    world_enter(world, CALLER, write_disk, a);
    run_to_ms(60);
    world_enter(world, CALLER, write_disk, lost);
    run_to_ms(61);
    world_crash(world, CALLER);
    occupy(CALLER, serve_ok);
    run_to_ms(100);
    ck_assert_int_eq(puppets[CALLER].synced, ERR_COUNT);
    world_enter(world, CALLER, read_disk, NULL);
    ck_assert_str_eq(puppets[CALLER].disk, "a b ");
    end();
}
END_TEST

START_TEST(a_failing_disk_is_told)
{
    static char a[] = "a";

    begin(serve_ok);
    world_set_disk_failing(world, CALLER, ERR_IO);
    world_enter(world, CALLER, write_disk, a);
    run_to_ms(50);
    ck_assert_int_eq(puppets[CALLER].synced, ERR_IO);
    world_set_disk_failing(world, CALLER, OK);
    world_enter(world, CALLER, write_disk, a);
    run_to_ms(100);
    ck_assert_int_eq(puppets[CALLER].synced, OK);
    end();
}
END_TEST

static void write_on(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    write_disk(machine, owner);
    env_disk_put(puppet->env, BYTES_LIT("late"), BYTES_LIT("v"));
}

static void sync_disk(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    (void)owner;
    env_disk_sync(puppet->env, &puppet->sync, on_synced);
}

/* A sync that fails takes nothing with it that was put after it was asked for: the next sync says what became of that,
 * also if one handler did both. */
START_TEST(a_sync_tells_of_what_was_put_before_it)
{
    static char a[] = "a";

    begin(serve_ok);
    world_set_disk_failing(world, CALLER, ERR_IO);
    world_enter(world, CALLER, write_on, a);
    run_to_ms(50);
    ck_assert_int_eq(puppets[CALLER].synced, ERR_IO);
    world_set_disk_failing(world, CALLER, OK);
    world_enter(world, CALLER, sync_disk, NULL);
    run_to_ms(100);
    ck_assert_int_eq(puppets[CALLER].synced, OK);
    world_enter(world, CALLER, read_disk, NULL);
    ck_assert_str_eq(puppets[CALLER].disk, "late ");
    end();
}
END_TEST

/* ---- the digest ---- */

struct variation {
    int64_t later_us;
    const char *body;
};

static void call_with_body(void *machine, void *owner)
{
    struct puppet *puppet = machine;
    const struct variation *variation = owner;
    struct blob *body = blob_copy(bytes_text(variation->body));

    puppet->call = (struct call){.to = address_at(CALLEE), .timeout_ms = 1000};
    puppet->call.out = (struct message){.verb = VERB_POST, .path = BYTES_LIT("/x"), .body = body};
    env_call(puppet->env, &puppet->call, on_done);
    blob_drop(body);
}

static uint64_t digest_with(struct variation variation)
{
    uint64_t digest;

    begin(serve_ok);
    world_input_at(world, CALLER, 1000 + variation.later_us, call_with_body, &variation);
    run_to_ms(100);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    digest = world_digest(world);
    end();
    return digest;
}

/* One microsecond, or one bit of a body, is another digest. */
START_TEST(the_digest_covers_times_and_bytes)
{
    uint64_t digest = digest_with((struct variation){.body = "body"});

    ck_assert_uint_eq(digest_with((struct variation){.body = "body"}), digest);
    ck_assert_uint_ne(digest_with((struct variation){.later_us = 1, .body = "body"}), digest);
    ck_assert_uint_ne(digest_with((struct variation){.body = "bodz"}), digest);
}
END_TEST

/* Answers in parts. */

static void serve_parts(struct puppet *puppet, struct incoming *incoming)
{
    serve_hold(puppet, incoming);
    for (const char *text = "ab"; *text != '\0'; text++) {
        struct message message = {.status = 200, .body = blob_copy((struct bytes){(const uint8_t *)text, 1})};

        env_answer_part(puppet->env, incoming, &message);
        blob_drop(message.body);
    }
}

static void on_part_or_done(struct call *call)
{
    struct puppet *puppet = puppet_of_call(call);
    char before[sizeof(puppet->fired)];

    strcpy(before, puppet->fired);
    if (!call->more) {
        on_done(call);
        return;
    }
    ck_assert_int_eq(call->net, NET_OK);
    snprintf(puppet->fired, sizeof(puppet->fired), "%s%.*s", before, (int)blob_bytes(call->in.body).len,
             (const char *)blob_bytes(call->in.body).data);
}

static void make_call_in_parts(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    (void)owner;
    puppet->call = (struct call){.to = address_at(CALLEE), .timeout_ms = 1000, .in_parts = true};
    puppet->call.out = (struct message){.verb = VERB_POST, .path = BYTES_LIT("/x")};
    env_call(puppet->env, &puppet->call, on_part_or_done);
}

static void answer_part_held(void *machine, void *owner)
{
    struct puppet *puppet = machine;
    struct message message = {.status = 200, .body = blob_copy(bytes_text(owner))};

    env_answer_part(puppet->env, puppet->held, &message);
    blob_drop(message.body);
}

static char part_c[] = "c", part_d[] = "d";

/* Parts come in order, long after the time limit too, which the first one ended; then the end comes as any answer. */
START_TEST(parts_come_before_the_end)
{
    begin(serve_parts);
    world_enter(world, CALLER, make_call_in_parts, NULL);
    run_to_ms(2 * WAY_MS + 1);
    ck_assert_str_eq(puppets[CALLER].fired, "ab");
    run_to_ms(5000);
    world_enter(world, CALLEE, answer_part_held, part_c);
    run_to_ms(6000);
    ck_assert_str_eq(puppets[CALLER].fired, "abc");
    ck_assert_uint_eq(puppets[CALLER].done_count, 0);
    world_enter(world, CALLEE, answer_held, NULL);
    run_to_ms(7000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_OK);
    ck_assert_int_eq(puppets[CALLER].done_ms, 6000 + WAY_MS);
    ck_assert_uint_eq(puppets[CALLEE].gone_count, 0);
    end();
}
END_TEST

/* The time limit of who did not ask for parts goes on, and he sees none. */
START_TEST(parts_are_for_who_asked_for_them)
{
    begin(serve_parts);
    world_enter(world, CALLER, make_call, NULL);
    run_to_ms(2000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_TIMEOUT);
    ck_assert_uint_eq(puppets[CALLEE].gone_count, 1);
    end();
}
END_TEST

/* Who cancels gets no part more, and the callee is told. */
START_TEST(a_cancelled_call_gets_no_more_parts)
{
    begin(serve_parts);
    world_enter(world, CALLER, make_call_in_parts, NULL);
    run_to_ms(5000);
    world_enter(world, CALLEE, answer_part_held, part_c);
    world_enter(world, CALLER, cancel_call, NULL);
    run_to_ms(6000);
    ck_assert_str_eq(puppets[CALLER].fired, "ab");
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_CANCELLED);
    ck_assert_int_eq(puppets[CALLEE].gone_ms, 5000 + WAY_MS);
    end();
}
END_TEST

START_TEST(a_dead_callee_resets_an_answer_in_parts)
{
    begin(serve_parts);
    world_enter(world, CALLER, make_call_in_parts, NULL);
    run_to_ms(5000);
    world_crash(world, CALLEE);
    run_to_ms(6000);
    ck_assert_uint_eq(puppets[CALLER].done_count, 1);
    ck_assert_int_eq(puppets[CALLER].net, NET_RESET);
    end();
}
END_TEST

/* Nothing that follows a lost part arrives, its end neither: what came is always a beginning of what was sent. */
START_TEST(nothing_follows_a_lost_part)
{
    begin(serve_parts);
    world_enter(world, CALLER, make_call_in_parts, NULL);
    run_to_ms(5000);
    world_set_cut_off(world, CALLEE, true);
    world_enter(world, CALLEE, answer_part_held, part_c);
    world_set_cut_off(world, CALLEE, false);
    world_enter(world, CALLEE, answer_part_held, part_d);
    world_enter(world, CALLEE, answer_held, NULL);
    run_to_ms(6000);
    ck_assert_str_eq(puppets[CALLER].fired, "ab");
    ck_assert_uint_eq(puppets[CALLER].done_count, 0);
    end();
}
END_TEST

TEST_MAIN("endpoint", a_call_is_answered, whole_messages_come_over, an_answer_passed_on_is_not_copied,
          empty_seats_refuse, a_silent_callee_times_out, an_answer_to_nobody_is_dropped, a_late_answer_is_dropped,
          a_cancelled_call_ends_once, a_call_taken_back_never_leaves, a_notice_does_not_overtake_its_request,
          each_call_has_its_own_time, calls_are_bounded, a_lost_call_times_out, a_cut_off_seat_is_silent,
          a_lost_answer_times_out, a_dead_callee_resets, a_dead_caller_is_silent, random_streams_survive_a_restart,
          timers_run_stop_and_restart, a_timer_of_no_delay_runs_next, a_skewed_clock_is_ones_own, work_takes_its_time,
          timers_wait_for_the_cpu, a_full_queue_answers_503, waiting_requests_are_reset, synced_records_survive_a_crash,
          a_failing_disk_is_told, a_sync_tells_of_what_was_put_before_it, the_digest_covers_times_and_bytes,
          parts_come_before_the_end, parts_are_for_who_asked_for_them, a_cancelled_call_gets_no_more_parts,
          a_dead_callee_resets_an_answer_in_parts, nothing_follows_a_lost_part)
