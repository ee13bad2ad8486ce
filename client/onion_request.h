/* onion_request.h: one request over a path, retried within its budget.
 *
 * The owner says what, to whom, how often and with which pauses; the path is chosen anew for every attempt. What failed
 * on the way is counted here against paths and nodes (PROTOCOL 4.7, 4.9); what the target itself answered is handed up,
 * but for 5xx and 429, which say "not now" and are tried again too. */
#ifndef SWARMBED_ONION_REQUEST_H
#define SWARMBED_ONION_REQUEST_H

#include "client/path.h"

enum onion_failure {
    ONION_ANSWERED,           /* none: the target answered, `status` is its own */
    ONION_GUARD_UNREACHABLE,  /* refused or reset */
    ONION_TIMEOUT,            /* the guard said nothing in our time */
    ONION_RELAY_TIMEOUT,      /* 504: some node behind did not answer */
    ONION_NEXT_NOT_FOUND,     /* 502 `Next node not found`: a path node or the target is gone, and dropped now */
    ONION_NOT_READY,          /* 503 */
    ONION_INVALID_CIPHERTEXT, /* 400 `Invalid ciphertext` */
    ONION_OTHER_STATUS,
    ONION_UNDECODABLE, /* 200, but not an answer sealed for us */
    ONION_NO_PATH,     /* no path could be built, or all contain the target */
    ONION_TOO_BIG,     /* the request does not fit an onion, or the target's key is no key */
    ONION_CANCELLED,
    ONION_FAILURE_COUNT
};
static_assert(ONION_FAILURE_COUNT <= 16, "a number of TRACE_ONION_DONE that readers show in one digit");
const char *onion_failure_text(enum onion_failure failure);

struct onion_request { /* embed in your own struct: it must live until `done` */
    /* the owner's, set before the start */
    struct rpc_snode target;
    const char *method; /* of the RPC, for the trace */
    struct blob *body;  /* the RPC; the owner keeps it until `done` */
    bool long_poll;
    uint32_t path_avoided;    /* id of a path that failed before; 0: none */
    bool absence_is_no_fault; /* a 404 or 504 of the target speaks of somebody who does not listen there */
    uint32_t timeout_ms;      /* of one attempt */
    uint32_t attempts;        /* in all; at least 1 */
    uint32_t pause_ms;        /* attempt n (from 0) waits n times this */
    void (*done)(struct onion_request *request); /* last: it may free the request, or start it again */
    /* valid in `done` */
    enum onion_failure failure;
    enum err err;        /* ONION_NO_PATH: why path_wait() found none, or ERR_NOT_FOUND */
    uint16_t status;     /* the target's; of a failure: the outer one, or 0 */
    struct bytes answer; /* the target's body, gone after `done` */
    /* private to onion_request.c */
    struct client *client;
    uint8_t state;
    uint32_t attempt;
    uint32_t path_id;
    int64_t sent_ms;
    struct reply_key reply_key;
    struct path_waiter waiter;
    struct call call;
    struct timer timer;
};

/* Never calls `done` itself. */
void onion_request_start(struct onion_request *request, struct client *client);
/* `done` follows later, with ONION_CANCELLED unless the answer was quicker. Only between start and `done`. */
void onion_request_cancel(struct onion_request *request);

#endif
