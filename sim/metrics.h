/* metrics.h: counters, in virtual time.
 *
 * Every shard has one and feeds it from the trace as it happens; they are summed when somebody asks. All members
 * commute, so the sum does not depend on threads. */
#ifndef SWARMBED_METRICS_H
#define SWARMBED_METRICS_H

#include "common/trace.h"

/* What travels, by the path of the call it belongs to. */
enum traffic {
    TRAFFIC_ONION_CLIENT, /* client to guard and back */
    TRAFFIC_ONION_PEER,   /* between nodes, on behalf of an onion request */
    TRAFFIC_REPLICATION,  /* batches between nodes: replication, bootstrap, salvage */
    TRAFFIC_DIRECT,       /* storage RPC without an onion: guard tests */
    TRAFFIC_NODE_LIST,    /* the seed's lists */
    TRAFFIC_OTHER,
    TRAFFIC_COUNT
};
const char *traffic_text(enum traffic traffic);

#define METRICS_FAILURES 16 /* client/onion_request.h: enum onion_failure */

struct metrics {
    uint64_t count[TRACE_KIND_COUNT];
    uint64_t wire_bytes[TRAFFIC_COUNT];        /* requests and answers, with their HTTP heads */
    uint64_t onion_failures[METRICS_FAILURES]; /* of whole onion requests, by kind */
    uint64_t push_bytes[CAUSE_COUNT];          /* batches sent, by cause */
    uint64_t stored[CAUSE_COUNT];              /* records stored, by cause */
    uint64_t acknowledged, acknowledged_late; /* synchronous messages; late: it had fallen back by then */
    uint64_t fell_back;                        /* messages that went on asynchronously */
    uint64_t pow_trials;                       /* charged */
};

void metrics_init(struct metrics *metrics);
void metrics_record(struct metrics *metrics, const struct trace_record *record);
void metrics_merge(struct metrics *into, const struct metrics *from);

#endif
