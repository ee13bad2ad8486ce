/* puppets.h: three machines without a will in a world where every delivery takes 5 ms, and what tests make them do.
 *
 * The caller's shard is its own, the callee's another; the third seat shares the callee's. There is one such world at a
 * time: its parts are variables here. */
#ifndef SWARMBED_PUPPETS_H
#define SWARMBED_PUPPETS_H

#include "sim/world.h"

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

extern struct world *puppet_world;
extern struct puppet puppets[SEATS];
extern unsigned puppets_freed; /* machines that died */

void puppets_begin(serve_fn serve);
void puppets_end(void);
void puppet_occupy(uint32_t seat, serve_fn serve);
/* Everything before that time, and nothing at it or after. */
void run_to_ms(int64_t ms);

struct address address_at(uint32_t seat);
int64_t puppet_now_ms(const struct puppet *puppet);
struct puppet *puppet_of_call(struct call *call);
/* Notes how a call ended. */
void puppet_done(struct call *call);
void call_address(struct puppet *puppet, struct address to, uint32_t timeout_ms);

/* For world_enter(). */
void make_call(void *machine, void *owner);
void cancel_call(void *machine, void *owner);
void answer_held(void *machine, void *owner);

/* What callees do. */
void serve_ok(struct puppet *puppet, struct incoming *incoming);
void serve_hold(struct puppet *puppet, struct incoming *incoming);
void serve_hold_blindly(struct puppet *puppet, struct incoming *incoming); /* without an on_gone */

#endif
