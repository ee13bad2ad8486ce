/* env.h: the outside world of one node or client, and all of it.
 *
 * A node or a client is a pure state machine: it sees time, chance, other endpoints, timers, disk and trace only through
 * `struct env_ops`. Between endpoints only HTTP-shaped calls travel, with the bytes that a real client or node would
 * exchange. Implementations: sim/endpoint.c (virtual network), tests/support/fake_env.c (cranked by hand),
 * sim/http/http_env.c (real sockets).
 *
 * Promises:
 * - No callback runs inside the call that asked for it.
 * - Every call ends exactly once, by `done`; a cancelled one too (NET_CANCELLED), later.
 * - An answer may come in parts: any number of env_answer_part(), then the end by env_answer(). The caller sees them in
 *   order, if it asked for parts; then the first one ends its time limit. Otherwise it sees the end alone.
 * - Every incoming request is either answered once, or its `on_gone` is run once (then it must not be answered any more). With
 *   no `on_gone` set, answering a request whose caller has gone does nothing.
 * - After a crash nothing of the endpoint runs again: its timers, calls, incoming requests and unsynced records are gone; the
 *   machine's struct is then freed by its `_free`, which must not touch the env. */
#ifndef SWARMBED_ENV_H
#define SWARMBED_ENV_H

#include "common/blob.h"
#include "common/rng.h"
#include "common/swarm.h"
#include "common/trace.h"

enum net { NET_OK, NET_REFUSED, NET_RESET, NET_TIMEOUT, NET_CANCELLED };

enum verb { VERB_GET, VERB_POST };
enum content { CONTENT_NONE, CONTENT_TEXT, CONTENT_JSON, CONTENT_BINARY };

struct header {
    struct bytes name, value;
};

/* A request or an answer: borrowed for the call that passes it. A body is kept by count (blob_keep) where it must live on. */
struct message {
    enum verb verb;               /* requests */
    uint16_t status;              /* answers */
    enum content content;
    struct bytes path;            /* requests: "/storage_rpc/v1" */
    const struct header *headers; /* beyond the ordinary ones, which the transport makes */
    size_t header_count;
    struct blob *body;            /* may be NULL: empty */
};

struct call;
typedef void (*call_fn)(struct call *call);
/* The caller's own; it must live until `done`. */
struct call {
    struct address to;
    struct message out;           /* borrowed until env_call returns; the transport keeps what it needs */
    uint32_t timeout_ms;          /* until the whole answer is here */
    /* valid in `done`: */
    enum net net;
    struct message in;            /* if NET_OK; body valid during `done`: keep it to have it longer */
    /* private to the env: */
    call_fn done;
    uint32_t slot;
    /* the caller's own again: */
    bool in_parts;                /* `done` runs for every part of an answer, too */
    bool more;                    /* in `done`: this was a part, and the call goes on */
};

struct incoming;
typedef void (*incoming_fn)(struct incoming *incoming);
/* A request that reached this endpoint: owned by the env, valid until answered or gone. */
struct incoming {
    struct message in;
    struct address from;
    const struct ed25519_public *peer_key; /* the calling node, authenticated as by the original's bus; NULL: anybody */
    incoming_fn on_gone;          /* the caller hung up, timed out or crashed; set by the callee, may stay NULL */
    void *owner;                  /* the callee's, never read by the env */
};

struct timer;
typedef void (*timer_fn)(struct timer *timer);
struct timer {
    timer_fn fire;
    uint32_t slot;                /* private to the env; 0: not running. A zeroed timer is a stopped one */
    uint32_t slot_generation;
};

struct disk_op;
typedef void (*disk_fn)(struct disk_op *op);
/* The caller's own; it must live until `done`. */
struct disk_op {
    enum err err;                 /* in `done`: OK; ERR_FULL (no space); ERR_IO (the disk fails) */
    disk_fn done;                 /* private to the env from here */
    uint32_t slot;
};
typedef void (*disk_each_fn)(void *owner, struct bytes key, struct bytes value);

/* What work costs on this endpoint's machine: the rows of sim/data/costs.txt. */
#define COSTS(ROW)                                                                                                   \
    ROW(COST_REQUEST, "request", "reading one request and answering it, without what is below")                      \
    ROW(COST_CALL, "call", "sending one request and reading its answer")                                             \
    ROW(COST_X25519, "x25519", "one agreement or one-use public key")                                                \
    ROW(COST_SIGN, "sign", "one ed25519 signature or its verification")                                              \
    ROW(COST_SEAL, "seal", "sealing or opening, per started KiB")                                                    \
    ROW(COST_PARSE, "parse", "reading or writing JSON, protobuf or batches, per started KiB")                        \
    ROW(COST_POW_TRIAL, "pow_trial", "one trial of a proof of work")                                                 \
    ROW(COST_POW_CHECK, "pow_check", "checking one proof of work")                                                   \
    ROW(COST_STORE, "store", "one record put into the store")
#define COST_ENUM(id, name, about) id,
enum cost { COSTS(COST_ENUM) COST_COUNT };

struct env;
struct env_ops {
    int64_t (*now_ms)(const struct env *env);                 /* virtual Unix time, with this seat's clock skew */
    void (*random)(struct env *env, void *out, size_t len_bytes); /* this seat's own stream */
    void (*timer_start)(struct env *env, struct timer *timer, uint32_t delay_ms, timer_fn fire); /* restarts a running one */
    void (*timer_stop)(struct env *env, struct timer *timer); /* also one that is due but not yet run */
    void (*call)(struct env *env, struct call *call, call_fn done);
    void (*cancel)(struct env *env, struct call *call);       /* `done` follows, later */
    void (*answer)(struct env *env, struct incoming *incoming, const struct message *message);
    void (*answer_part)(struct env *env, struct incoming *incoming, const struct message *message);
    void (*charge)(struct env *env, enum cost cost, uint32_t units); /* this machine's CPU */
    void (*disk_put)(struct env *env, struct bytes key, struct bytes value); /* an empty value deletes */
    void (*disk_sync)(struct env *env, struct disk_op *op, disk_fn done);    /* all records put before are durable */
    void (*disk_each)(struct env *env, disk_each_fn each, void *owner);      /* at start; in ascending order of keys */
    void (*trace)(struct env *env, const struct trace_record *record);
};
struct env {
    const struct env_ops *ops;
    struct arena *arena; /* scratch for the running callback; reset after it */
};

static inline int64_t env_now_ms(const struct env *env) { return env->ops->now_ms(env); }
static inline void env_random(struct env *env, void *out, size_t len) { env->ops->random(env, out, len); }
uint64_t env_random_below(struct env *env, uint64_t n);      /* exact; n > 0 */
/* Fisher-Yates with this seat's stream. */
void env_shuffle(struct env *env, uint32_t *items, size_t count);
static inline void env_timer_start(struct env *env, struct timer *timer, uint32_t delay_ms, timer_fn fire)
{
    env->ops->timer_start(env, timer, delay_ms, fire);
}
static inline void env_timer_stop(struct env *env, struct timer *timer) { env->ops->timer_stop(env, timer); }
static inline bool timer_running(const struct timer *timer) { return timer->slot != 0; }
static inline void env_call(struct env *env, struct call *call, call_fn done) { env->ops->call(env, call, done); }
static inline void env_cancel(struct env *env, struct call *call) { env->ops->cancel(env, call); }
static inline void env_answer(struct env *env, struct incoming *incoming, const struct message *message)
{
    env->ops->answer(env, incoming, message);
}
static inline void env_answer_part(struct env *env, struct incoming *incoming, const struct message *message)
{
    env->ops->answer_part(env, incoming, message);
}
static inline void env_charge(struct env *env, enum cost cost, uint32_t units) { env->ops->charge(env, cost, units); }
static inline void env_disk_put(struct env *env, struct bytes key, struct bytes value) { env->ops->disk_put(env, key, value); }
static inline void env_disk_sync(struct env *env, struct disk_op *op, disk_fn done) { env->ops->disk_sync(env, op, done); }
static inline void env_disk_each(struct env *env, disk_each_fn each, void *owner) { env->ops->disk_each(env, each, owner); }
/* Work that is counted per started KiB: COST_SEAL, COST_PARSE. */
static inline void env_charge_bytes(struct env *env, enum cost cost, size_t len_bytes)
{
    env_charge(env, cost, (uint32_t)((len_bytes + 1023) / 1024));
}
static inline void env_trace(struct env *env, const struct trace_record *record) { env->ops->trace(env, record); }

/* Answers with a status and a copy of some text or JSON. */
void env_answer_text(struct env *env, struct incoming *incoming, uint16_t status, const char *text);
void env_answer_json(struct env *env, struct incoming *incoming, uint16_t status, struct bytes json);

#endif
