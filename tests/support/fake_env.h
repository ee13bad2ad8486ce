/* fake_env.h: the world of one node or client, cranked by hand.
 *
 * Nothing happens by itself: timers, time limits of calls, ends of calls, and completed syncs wait in one queue,
 * ordered by (time, order of asking), and run inside fake_env_run(), fake_env_advance_ms() and the functions that say
 * so. Never inside the call that asked. Outgoing calls stay in a list for the whole test, so that an index names one
 * for good. Our own mistakes (answering twice, ending a call twice, a call that is reused while it runs) ASSERT. */
#ifndef SWARMBED_FAKE_ENV_H
#define SWARMBED_FAKE_ENV_H

#include "common/arena.h"
#include "common/env.h"

#define FAKE_EPOCH_MS INT64_C(1567296000000) /* where now_ms starts; the time of the proof-of-work vectors */

/* One outgoing call, as it left. */
struct fake_call {
    struct address to;
    enum verb verb;
    enum content content;
    uint32_t timeout_ms;
    int64_t at_ms;            /* when it was made */
    bool ended;               /* `done` has run */
    enum net net;             /* how, if so */
    struct blob *path, *body; /* path never NULL; body NULL: empty */
    struct header *headers;   /* copies; NULL if none */
    size_t header_count;
    /* private to fake_env.c */
    struct call *call;
    uint32_t event;
    uint16_t answer_status;
    struct blob *answer;
    enum content answer_content;
};

/* One incoming request and what became of it. Hand &request->incoming to the machine under test. */
struct fake_request {
    struct incoming incoming;
    bool answered, gone;
    uint16_t status; /* if answered */
    enum content content;
    struct blob *answer; /* NULL: empty body */
    int64_t answered_ms;
    struct blob **parts; /* of an answer in parts, before its end */
    size_t part_count;
    /* private to fake_env.c */
    struct header *headers;
    struct blob *path;
    struct ed25519_public peer_key;
};

struct fake_trace {
    enum trace_kind kind;
    uint64_t n[4];
    struct blob *b[2];
};

struct fake_disk_record {
    struct blob *key, *value; /* value NULL: a deletion that is not synced yet */
};
struct fake_disk_records {
    struct fake_disk_record *records;
    size_t count;
};

struct fake_event;
struct fake_env {
    struct env env; /* what the machine under test gets */
    int64_t now_ms; /* a test may set it (a clock that jumps); timers keep their own time */

    struct fake_call **calls;
    size_t call_count;
    struct fake_request **requests;
    size_t request_count;
    struct fake_trace *traces;
    size_t trace_count;
    uint64_t charged[COST_COUNT]; /* units */

    /* the virtual disk: switches for the test */
    bool disk_manual;  /* a sync waits for fake_env_complete_sync(); else it completes with the next event */
    enum err disk_err; /* what syncs end with from now on: OK, ERR_FULL, ERR_IO; a failed one makes nothing durable */
    struct fake_disk_records disk; /* what would survive a crash, ascending by key */
    size_t disk_puts;              /* asked for so far, synced or not */

    /* private to fake_env.c */
    struct arena arena;
    struct rng_key rng_key;
    struct rng rng;
    int64_t clock_ms; /* of the queue */
    struct fake_event *events;
    size_t event_count;
    uint32_t events_asked;
    struct fake_disk_records unsynced; /* in the order of disk_put */
    size_t syncs_waiting;
    bool running;
};

void fake_env_init(struct fake_env *fake, uint64_t seed);
void fake_env_fini(struct fake_env *fake); /* runs nothing */

/* Runs all that is due now, and what that makes due now. */
void fake_env_run(struct fake_env *fake);
/* Lets time pass: each event runs at its own time. */
void fake_env_advance_ms(struct fake_env *fake, int64_t ms);

/* Outgoing calls. An index counts from 0 over the whole test; asking for one that does not exist ASSERTs. */
const struct fake_call *fake_env_call(const struct fake_env *fake, size_t index);
struct bytes fake_call_path(const struct fake_call *call);
struct bytes fake_call_body(const struct fake_call *call);
size_t fake_env_open_calls(const struct fake_env *fake);
/* The index of the n-th call that has not ended (0: the oldest), SIZE_MAX: there are fewer. */
size_t fake_env_open_call(const struct fake_env *fake, size_t n);
/* Ends a call with an answer, and runs all that is due (unless asked from inside a callback: then that comes after it).
 * The content type is JSON if the body starts with a brace, text otherwise. */
void fake_env_answer(struct fake_env *fake, size_t index, uint16_t status, struct bytes body);
/* The same with NET_REFUSED, NET_RESET or NET_TIMEOUT. */
void fake_env_fail(struct fake_env *fake, size_t index, enum net net);

/* Incoming requests; freed by fake_env_fini(). */
struct fake_request *fake_env_request(struct fake_env *fake, enum verb verb, const char *path, struct bytes body);
/* The same from an authenticated node. */
struct fake_request *fake_env_peer_request(struct fake_env *fake, const struct ed25519_public *peer, const char *path,
                                           struct bytes body);
/* Before the request is handed over. */
void fake_request_add_header(struct fake_request *request, const char *name, const char *value);
struct bytes fake_request_answer(const struct fake_request *request);
/* The caller hangs up: `on_gone` runs if it is set. */
void fake_env_hang_up(struct fake_env *fake, struct fake_request *request);

/* Completes the oldest waiting sync, with disk_err as it stands now, and runs all that is due. ASSERTs that there is
 * one. */
void fake_env_complete_sync(struct fake_env *fake);
/* The machine dies: its timers, calls, requests and unsynced records are gone, and no callback runs. The disk stays. */
void fake_env_crash(struct fake_env *fake);

/* Traces. */
size_t fake_env_traces(const struct fake_env *fake, enum trace_kind kind); /* how many of that kind */
const struct fake_trace *fake_env_last_trace(const struct fake_env *fake, enum trace_kind kind); /* NULL: none */

/* Whether no call, timer, sync or unanswered request is left; else `left` says what is. */
#define FAKE_LEFT_MAX 160
bool fake_env_idle(const struct fake_env *fake, char left[FAKE_LEFT_MAX]);
/* Fails the test if it is not idle. */
void fake_env_check(const struct fake_env *fake);
/* How many timers run: an idle machine has none. */
size_t fake_env_timers(const struct fake_env *fake);

#endif
