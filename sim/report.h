/* report.h: what a run came to: the summary table, or the same as one JSON object. */
#ifndef SWARMBED_REPORT_H
#define SWARMBED_REPORT_H

#include <stdio.h>

#include "sim/checker.h"
#include "sim/observer.h"
#include "sim/world.h"

struct report {
    const char *scenario; /* its name */
    const char *crypto;   /* "real", "modelled" */
    uint64_t seed;
    unsigned threads;
    uint64_t digest;
    int64_t virtual_ms, wall_ms;
    uint32_t nodes, swarms, clients;
    uint32_t expectations, expectations_failed;
    bool interrupted;
    struct checker_totals totals;
    struct world_stats stats;
    struct metrics metrics;
    const struct observer *observer; /* whose nodes' knowledge belongs to it; NULL: nobody's */
};

void report_table(const struct report *report, FILE *out);
void report_json(const struct report *report, FILE *out); /* one line */
/* How often each real or virtual second counted: "12,345 x". For the progress line too. */
void report_speed(char *out, size_t size, int64_t virtual_ms, int64_t wall_ms);
/* 1234567 -> "1,234,567". */
const char *grouped(char out[32], uint64_t number);

#endif
