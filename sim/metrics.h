/* metrics.h: counters and latency histograms, in virtual time.
 *
 * Every shard has one and feeds it from the trace as it happens; they are summed when somebody asks. All members commute, so
 * the sum does not depend on threads. */
#ifndef SWARMBED_METRICS_H
#define SWARMBED_METRICS_H

#include "common/trace.h"

struct metrics {
    uint64_t count[TRACE_KIND_COUNT];
    uint64_t sum[TRACE_KIND_COUNT];   /* of the record's size (see metrics.c): bytes, trials */
    uint64_t onion_failures[16];      /* by enum onion_failure */
    uint64_t push_bytes[8];           /* by enum trace_cause */
};

void metrics_init(struct metrics *metrics);
void metrics_record(struct metrics *metrics, const struct trace_record *record);
void metrics_merge(struct metrics *into, const struct metrics *from);

#endif
