/* costs.h: what work costs a machine in virtual time: a checked-in table of integers (sim/data/costs.txt).
 *
 * A line is `name microseconds units`: that many units cost that many microseconds. Replaced only by --costs FILE. */
#ifndef SWARMBED_COSTS_H
#define SWARMBED_COSTS_H

#include "common/env.h"

struct cost_table {
    struct {
        uint32_t us, units;
    } row[COST_COUNT];
};

/* The built-in table. */
const struct cost_table *costs_default(void);
/* ERR_FORMAT, ERR_MISSING (a row is absent), ERR_RANGE: `why` gets a sentence with the line. */
MUST_CHECK enum err costs_parse(struct bytes text, struct cost_table *out, struct buf *why);
/* The same text again, without comments. */
void costs_print(const struct cost_table *costs, struct buf *out);
/* Nanoseconds for so many units on a machine of that speed (percent of the table's). */
int64_t costs_ns(const struct cost_table *costs, enum cost cost, uint32_t units, uint32_t cpu_percent);

#endif
