/* world.h: the engine: virtual time, seats, and the windows in which shards run.
 *
 * A world owns 16 shards, the seats (endpoints) in them and the network between. It knows nothing of nodes, users or
 * blocks: who sits in a seat is a pointer and a handler (sim/testbed.c fills the seats). A run is a function of
 * (scenario, seed, cost table, journal) alone, on one thread or many: DESIGN 3 says how order comes about.
 * Functions here are called between windows only (from control events or from outside), never from an endpoint. */
#ifndef SWARMBED_WORLD_H
#define SWARMBED_WORLD_H

#include <assert.h>

#include "client/session.h"
#include "client/snode_list.h"
#include "common/env.h"
#include "node/body_pool.h"
#include "sim/costs.h"
#include "sim/metrics.h"
#include "sim/network.h"

#define WORLD_SHARDS 16
#define SEAT_NONE UINT32_MAX

struct world;

/* Gets the trace in total order (time, seat, index), between windows. */
struct trace_sink {
    void *owner;
    uint64_t kinds; /* bit per enum trace_kind wanted */
    void (*record)(void *owner, int64_t at_us, uint32_t seat, uint64_t index, const struct trace_record *record);
};
static_assert(TRACE_KIND_COUNT <= 64, "a kind is a bit of trace_sink.kinds");
#define TRACE_BIT(kind) (UINT64_C(1) << (kind))

/* Sees every request that reaches a seat, every answer that leaves it, and every answer that ends a call there. */
enum tapped_kind { TAPPED_REQUEST, TAPPED_ANSWER, TAPPED_CALL_END };
struct tapped {
    enum tapped_kind kind;
    int64_t at_us;
    uint64_t connection;             /* a request's and its answer's, at the seat that answers; 0 for TAPPED_CALL_END */
    const struct message *message;
    struct address from;             /* of a request */
    const struct ed25519_public *peer_key; /* of a request: the calling node; NULL: anybody */
};
/* Called on whatever thread runs the seat: what two seats may touch needs a world with one thread. */
typedef void (*tap_fn)(void *owner, uint32_t seat, const struct tapped *tapped);

struct world_config {
    uint64_t seed;
    unsigned threads;                       /* 1 .. 64 */
    int64_t epoch_ms;                       /* Unix time of virtual time 0 */
    const struct cost_table *costs;         /* outlives the world */
    const struct network_config *network;   /* copied */
    tap_fn tap; /* NULL: none */
    void *tap_owner;
};
struct world *world_new(const struct world_config *config);
void world_free(struct world *world);       /* frees what sits in the seats, too */
const struct rng_key *world_rng_key(const struct world *world);
/* At most 4 sinks; before the first run. */
void world_add_sink(struct world *world, const struct trace_sink *sink);

/* What sits in a seat. */
struct seat_handler {
    void (*on_request)(void *machine, struct incoming *incoming);
    void (*free)(void *machine);            /* after a crash or at the end; must not touch the env */
};

struct seat_config {
    struct address address;
    const struct ed25519_public *peer_key;  /* calls from here arrive authenticated with it; NULL: as anybody's. Outlives the world */
    uint32_t shard;                         /* 0 .. WORLD_SHARDS - 1; for good */
    uint32_t host;                          /* seats with one number share a machine's fate */
    bool has_disk;
    struct network_access access;           /* region, access delay, bandwidth */
    uint32_t cpu_percent;                   /* speed of its machine against the cost table: 100; a phone less */
    bool direct;                            /* stands for callers from outside: calls between it and seats of its own shard take no
                                               time and are never lost; it calls no others */
};
/* A new seat, empty: calls to it are refused. Seats are numbered 0, 1, ... and never removed. ASSERTs that the address is free. */
uint32_t world_add_seat(struct world *world, const struct seat_config *config);
uint32_t world_seat_at(const struct world *world, struct address address); /* SEAT_NONE */
uint32_t world_seat_count(const struct world *world);
struct env *world_env(struct world *world, uint32_t seat);
struct address world_address(const struct world *world, uint32_t seat);
uint32_t world_shard(const struct world *world, uint32_t seat);
/* The shard's shared things for the machine in that seat. */
struct body_pool *world_bodies(struct world *world, uint32_t seat);
struct snode_list_cache *world_lists(struct world *world, uint32_t seat);
struct session_library *world_sessions(struct world *world, uint32_t seat);

/* Puts a machine into an empty seat. */
void world_occupy(struct world *world, uint32_t seat, const struct seat_handler *handler, void *machine);
bool world_occupied(const struct world *world, uint32_t seat);
void *world_machine(const struct world *world, uint32_t seat); /* NULL: empty */
/* The machine dies at once: callers get NET_RESET and callees on_gone one network delay later; what was not synced is lost; the
 * disk stays. The machine is freed. */
void world_crash(struct world *world, uint32_t seat);
void world_set_clock_skew(struct world *world, uint32_t seat, int64_t skew_ms);
/* Calls to and from the seat are lost (time out) while it is cut off. */
void world_set_cut_off(struct world *world, uint32_t seat, bool cut_off);
/* The next `count` calls that leave the seat are lost: for tests of the digest and of failures. */
void world_drop_calls(struct world *world, uint32_t seat, uint32_t count);
/* What becomes durable in the seat's disk from now on is wanted, under that name: before a machine sits there. */
void world_log_disk(struct world *world, uint32_t seat, uint64_t name);
/* A durable record of the seat's disk becomes that, as of disk_virtual_restore(), while no machine sits there. */
void world_restore_disk(struct world *world, uint32_t seat, struct bytes key, struct bytes value);
/* Appends what has become durable since the last time, as of sim/disk_log.h, in the order of each disk. */
void world_take_disk_log(struct world *world, struct buf *out);
void world_set_disk_failing(struct world *world, uint32_t seat, enum err err /* OK: works again */);

/* Runs `fn` as a callback of that endpoint, now: what a user does, or a step of a scenario. Skipped if the seat is empty. */
typedef void (*seat_fn)(void *machine, void *owner);
void world_enter(struct world *world, uint32_t seat, seat_fn fn, void *owner);
/* Class 0 input: `fn` runs at the endpoint at that time, inside a window; skipped if the seat is empty then. `owner` must be
 * immutable or the seat's own. */
void world_input_at(struct world *world, uint32_t seat, int64_t at_us, seat_fn fn, void *owner);
/* A control event: runs between windows at its exact time, in the order (time, call of this function). */
typedef void (*control_fn)(struct world *world, void *owner);
void world_control_at(struct world *world, int64_t at_us, control_fn fn, void *owner);

int64_t world_now_us(const struct world *world);
int64_t world_now_ms(const struct world *world);        /* Unix time */
/* The time of the earliest event or control event; INT64_MAX: nothing will happen by itself. */
int64_t world_next_us(const struct world *world);
/* Runs all events before and control events at or before `until_us`; now is `until_us` after it. If `done` is given it is asked
 * every `every_us` (of virtual time, first at once): true ends the run there, and the result is true. `budget_ns`, if not 0: returns
 * early (with now < until_us) once about so much real time is used: for the loop. */
typedef bool (*world_done_fn)(void *owner);
bool world_run_until(struct world *world, int64_t until_us, int64_t every_us, world_done_fn done, void *owner, uint64_t budget_ns);

struct world_stats {
    uint64_t events, windows, parallel_windows;
    uint64_t calls, calls_lost, overloads;
    uint64_t seats, machines;
};
void world_stats(const struct world *world, struct world_stats *out);
void world_metrics(const struct world *world, struct metrics *out); /* summed over the shards into an initialised one */
/* Every call's and answer's bytes and times and every trace record so far: folded per seat, then over the seats in order. */
uint64_t world_digest(const struct world *world);

/* How the run reaches real threads and sockets is not observable; the loop asks this to stop a run early. */

#endif
