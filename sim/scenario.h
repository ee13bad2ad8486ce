/* scenario.h: a Lua script builds a world, tells users what to do, advances time, and states what must hold.
 *
 * The script runs as a coroutine that yields wherever it waits; `net:at` starts more of them. Each step runs between
 * windows, at an exact virtual time. Lua is made deterministic (scenario_sandbox.c), bounded in instructions per step
 * and in memory. What scripts can call: the README's table. */
#ifndef SWARMBED_SCENARIO_H
#define SWARMBED_SCENARIO_H

#include <stdio.h>

#include "common/suite.h"
#include "sim/report.h"

struct scenario_set {
    const char *name, *value; /* --set NAME=VALUE */
};

struct scenario_config {
    const char *name;    /* for messages and the summary: "tour", "my.lua" */
    struct bytes source; /* Lua text */
    bool seed_given;
    uint64_t seed; /* if given: overrides the script's */
    unsigned threads;
    const struct crypto_suite *suite;
    const struct cost_table *costs;
    const struct scenario_set *sets;
    size_t set_count;
    const char *trace_path;     /* NULL: none */
    bool story;                 /* say() and print() go to standard output */
    bool progress;              /* a line on standard error while time passes */
    const char *replay_options; /* what to add to `swarmbed run NAME --seed N` to get the same run; "" */
};

/* Runs it to its end. Exit status: 0 all expectations hold; 1 one failed, or a signal ended the run early; 2 an error
 * in the script or its parameters; 3 the machine failed. Errors and failed expectations go to standard error. *report
 * is filled in unless the status is 2.
 */
int scenario_run(const struct scenario_config *config, struct report *report);
/* Prints what the scenario is and its parameters with their defaults. 0 or 2. */
int scenario_describe(const struct scenario_config *config, FILE *out);

#endif
