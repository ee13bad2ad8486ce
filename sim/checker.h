/* checker.h: the oracle: every message sent is shown exactly once, or its loss has a cause with a name.
 *
 * It listens to the trace alone: what a client says it sends (TRACE_SEND), what is shown at the other end
 * (TRACE_SHOWN), what became of a send, what a swarm held until its end (TRACE_EXPIRED). It shares no code with nodes
 * or clients. Why something is missing is asked only at the end, from that and from what the testbed reads out. */
#ifndef SWARMBED_CHECKER_H
#define SWARMBED_CHECKER_H

#include "common/table.h"
#include "sim/world.h"

/* Why a message was not shown by the end of the run. */
enum loss {
    LOSS_NOT_SENT,    /* the sender gave up: its error says why */
    LOSS_UNFINISHED,  /* the run ended while it was being sent */
    LOSS_EXPIRED,     /* its swarm held it until its time to live was over, and the recipient had not asked */
    LOSS_NOT_FETCHED, /* nodes of the recipient's swarm hold it; the recipient has not asked since */
    LOSS_NO_HOLDER,   /* before its time was over all that had it died, left or were moved; none has it now */
    LOSS_UNREADABLE,  /* it reached the recipient, who could not read it */
    LOSS_SAME_TIME,   /* the recipient took it for another one of that sender and millisecond (PROTOCOL 7.5) */
    LOSS_COUNT
};
const char *loss_text(enum loss loss);

struct checked {
    uint32_t sender_seat, recipient_seat; /* recipient_seat: SEAT_NONE until shown, or unknown to the world */
    uint32_t number;                      /* of the sender */
    struct account_id source, recipient;
    uint64_t timestamp_ms;
    int64_t sent_us, shown_us; /* shown_us: -1 until shown */
    uint32_t shown_count;
    bool failed; /* as the sender said last */
    enum err err;
    uint32_t twin;         /* 0; 1, 2, ...: sent in the same millisecond to the same recipient as an earlier one */
    uint8_t number_key[8]; /* sender's seat, number */
    uint8_t key[33 + 33 + 8 + 4]; /* source, recipient, timestamp: what identifies it to a recipient; twin */
};

typedef struct account_id (*checker_account_fn)(void *owner, uint32_t seat);
/* Whether the node in that seat belongs to the swarm of that account now. */
typedef bool (*checker_serves_fn)(void *owner, uint32_t seat, const struct account_id *account);
struct checker {
    struct table messages;         /* struct checked by key, in the order of sending */
    struct table by_number;        /* the same by number_key */
    struct table unreadable;       /* struct noted by hash: what recipients could not read */
    struct table expired;          /* the same: what a node of the recipient's swarm held until its end */
    checker_account_fn account_of; /* whose seat that is */
    checker_serves_fn serves;
    void *owner;
    uint64_t shown_unknown; /* shown, but never sent: must stay 0 */
};

void checker_init(struct checker *checker, checker_account_fn account_of, checker_serves_fn serves, void *owner);
void checker_fini(struct checker *checker);
struct trace_sink checker_sink(struct checker *checker);
/* Whether a recipient got a message of that hash and could not read it. */
bool checker_unreadable(const struct checker *checker, const uint8_t hash[64]);
/* Whether a node that was in its recipient's swarm then has dropped a message of that hash because its time was over.
 */
bool checker_expired(const struct checker *checker, const uint8_t hash[64]);

/* By the sender's seat and number for it. NULL: nothing of the kind. Of twins, which differ in nothing else, it can't
 * be told which were shown; the first ones count. */
const struct checked *checker_find_number(const struct checker *checker, uint32_t sender_seat, uint32_t number);

struct checker_totals {
    uint64_t sent, delivered, lost, duplicates;
    uint64_t losses[LOSS_COUNT];
    int64_t delay_us_p50, delay_us_p99, delay_us_max; /* from the user's call to the showing; -1: nothing was shown */
};
/* `why` judges one that was not shown. */
typedef enum loss (*checker_why_fn)(void *owner, const struct checked *message);
void checker_totals(const struct checker *checker, checker_why_fn why, void *owner, struct checker_totals *out);

#endif
