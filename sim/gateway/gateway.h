/* gateway.h: calls from outside: what enters at a virtual node's address, and the answer that comes back.
 *
 * A caller from outside sits in a seat of its own, one per shard, at 127.0.0.1 and without any delay: a call is input
 * at an exact virtual time, travels as any other, and its end is handed over between windows. What was given here, and
 * when, decides everything: so a journal of it (sim/journal.h) is enough to run it again. HTTP is not known here:
 * http_gateway.h translates. Everything is called between windows. */
#ifndef SWARMBED_GATEWAY_H
#define SWARMBED_GATEWAY_H

#include "sim/world.h"

#define GATEWAY_TIMEOUT_MS 120000 /* longer than anything that a node holds open */

struct gateway;
struct gateway_call;
/* The call has ended: `net` and, if NET_OK, `in` are valid until it returns. Never inside a call to the gateway but
 * gateway_flush(), gateway_release() and gateway_fail_open(). */
typedef void (*gateway_done_fn)(void *owner, enum net net, const struct message *in);

/* A part of an answer in parts has come; others follow, then the end by gateway_done_fn. Likewise only inside
 * gateway_flush(); it may hang up. */
typedef void (*gateway_part_fn)(void *owner, const struct message *part);

/* Takes its seats: always at the same point of building a world, since seats are numbered. */
struct gateway *gateway_new(struct world *world);
void gateway_free(struct gateway *gateway); /* before the world; open calls end without a word */
/* A call to a node or the seed, now. NULL: nobody has that address. `message` is copied, its body kept.
 *   part  NULL: parts are dropped, the end still comes */
struct gateway_call *gateway_call(struct gateway *gateway, struct address to, const struct message *message,
                                  gateway_part_fn part, gateway_done_fn done, void *owner);
/* Calls are numbered 1, 2, ... */
uint64_t gateway_call_number(const struct gateway_call *call);
/* NULL: it has ended, or never was. */
struct gateway_call *gateway_find(const struct gateway *gateway, uint64_t number);
/* The caller hangs up, now: the callee gets on_gone, and `done` is not run. False: the answer is under way to it
 * already, so nothing was to be done in the world. */
bool gateway_hang_up(struct gateway *gateway, struct gateway_call *call);
/* Runs `part` and `done` of all calls of which there is news: after each run of the world. */
void gateway_flush(struct gateway *gateway);
/* The same in two steps, for a world whose records must reach a real disk before anybody hears of them. First: the
 * calls that have ended since are held for that commit (numbers never go down); then: those held for commits up to that
 * one are done, in the order in which they were held. */
void gateway_hold(struct gateway *gateway, uint64_t commit);
void gateway_release(struct gateway *gateway, uint64_t committed);
/* The disk has failed: what is held, and every other call that is open now, ends with 503 and that text: the ones at
 * once, the others when they end. An answer may be under way that a node gave while it still trusted its disk. */
void gateway_fail_open(struct gateway *gateway, struct bytes text);
uint32_t gateway_open_count(const struct gateway *gateway);

#endif
