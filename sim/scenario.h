/* scenario.h: a Lua script builds a world, tells users what to do, advances time, and states what must hold.
 *
 * The script runs as a coroutine that yields wherever it waits; `net:at` starts more of them. Each step runs between
 * windows, at an exact virtual time. Lua is made deterministic (scenario_sandbox.c), bounded in instructions per step
 * and in memory. What scripts can call: the README's table. */
#ifndef SWARMBED_SCENARIO_H
#define SWARMBED_SCENARIO_H

#include <stdio.h>

#include "common/suite.h"
#include "node/snode.h"
#include "sim/disk_log.h"
#include "sim/observer.h"
#include "sim/report.h"

struct scenario_set {
    const char *name, *value; /* --set NAME=VALUE */
};

/* How a world is built that real time drives: serve and replay. */
struct scenario_serving {
    int64_t epoch_ms;   /* Unix time of virtual time 0 */
    uint16_t node_port; /* 0: as ever */
    bool lan;           /* 0.1 ms from anywhere to anywhere, instead of the internet's delays */
    bool rate_limit;    /* nodes count callers on this machine, too */
    enum spoken spoken; /* the nodes' dialects, unless the script says */
    bool refuse_hosts;  /* a relay to an outside server gets 502 instead of an empty 200, unless the script says */
    const struct disk_source *disks; /* what nodes' disks begin with; NULL: nothing */
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
    const struct scenario_serving *serving; /* NULL: the script's own time, and as fast as the machine allows */
    int instructions_max;       /* of a step; 0: SCENARIO_STEP_INSTRUCTIONS */
    uint64_t memory_bytes_max;  /* of the script; 0: SCENARIO_MEMORY_BYTES */
    struct observer *observer;  /* NULL: nobody reads along; outlives the scenario, and the nodes are asked for */
    const char *replay_options; /* what to add to `swarmbed run NAME --seed N` to get the same run; "" */
};

/* Runs it to its end. Exit status: 0 all expectations hold; 1 one failed, or a signal ended the run early; 2 an error
 * in the script or its parameters; 3 the machine failed. Errors and failed expectations go to standard error. *report
 * is filled in unless the status is 2.
 */
int scenario_run(const struct scenario_config *config, struct report *report);

/* The same for a world in which others act too, and whose time they let pass. `config` must live as long. */
struct scenario;
struct testbed;
/* Runs the script until it waits for the first time; it must have built its world by then. NULL: status 2, standard
 * error says why. */
struct scenario *scenario_open(const struct scenario_config *config);
struct testbed *scenario_testbed(struct scenario *scenario);
/* Runs the script's steps and the world up to `until_us`, or less: until about so much real time is used (if not 0).
 * Whenever it returns, the steps due by then have run. After the script's end the world goes on. False: the script
 * raised an error, which standard error tells. */
bool scenario_advance(struct scenario *scenario, int64_t until_us, uint64_t budget_ns);
/* When something happens by itself; INT64_MAX: never. */
int64_t scenario_next_us(const struct scenario *scenario);
/* Frees it, and fills in the report. The exit status, as of scenario_run(). */
int scenario_close(struct scenario *scenario, struct report *report);

/* Prints what the scenario is and its parameters with their defaults. 0 or 2. */
int scenario_describe(const struct scenario_config *config, FILE *out);

#endif
