/* scenario_args.h: what the commands that run a scenario have in common: their options, and the files these name. */
#ifndef SWARMBED_SCENARIO_ARGS_H
#define SWARMBED_SCENARIO_ARGS_H

#include "sim/costs.h"
#include "sim/options.h"
#include "sim/scenario.h"

#define SCENARIO_SETS_MAX 64

/* The common options: the first rows of a command's table. */
enum { ARG_SEED, ARG_THREADS, ARG_CRYPTO, ARG_SET, ARG_TRACE, ARG_JSON, ARG_QUIET, ARG_COSTS, ARG_HELP, ARG_COUNT };
#define SCENARIO_ARG_SPECS                                                                                             \
    [ARG_SEED] = {"--seed", "N", "one seed is one run, bit for bit; default: the scenario's own"},                     \
    [ARG_THREADS] = {"--threads", "N", "1 to 64; results do not depend on it; default: the machine's cores"},          \
    [ARG_CRYPTO] = {"--crypto", "real|modelled", "modelled: same sizes, draws and failures, no curve arithmetic"},     \
    [ARG_SET] = {"--set", "NAME=VALUE", "a parameter of the scenario; SCENARIO --help lists them"},                    \
    [ARG_TRACE] = {"--trace", "FILE.jsonl", "every state change, one record a line"},                                  \
    [ARG_JSON] = {"--json", NULL, "the summary as one JSON object, and no story"},                                     \
    [ARG_QUIET] = {"--quiet", NULL, "no story: the summary alone"},                                                    \
    [ARG_COSTS] = {"--costs", "FILE", "what work costs a machine, instead of the built-in table"},                     \
    [ARG_HELP] = {"--help", NULL, "this; with a scenario: its parameters"}

struct scenario_args {
    struct scenario_config config;
    const char *scenario; /* as given: a built-in name or a path; NULL: none was */
    struct scenario_set sets[SCENARIO_SETS_MAX];
    struct cost_table costs;
    struct buf source, costs_text, replay; /* owned */
    bool json, quiet, help;
};

void scenario_args_init(struct scenario_args *args);
void scenario_args_fini(struct scenario_args *args);
/* Takes the option that `options` stands at, one of the common ones. 0, or 2: standard error says why. */
int scenario_args_option(struct scenario_args *args, const struct options *options);
/* Takes a plain argument: the scenario. 0 or 2. */
int scenario_args_plain(struct scenario_args *args, const char *value);
/* Makes that text the scenario, and the rest of the config what the options ask for. */
void scenario_args_take(struct scenario_args *args, const char *name, struct bytes source);
/* The same with the scenario that was named on the command line. 0 or 2. */
int scenario_args_find(struct scenario_args *args);
void print_builtin_scenarios(void);
/* The summary on standard output, as the options ask for it: `status`, or 3 if it could not be written. */
int scenario_args_print(const struct scenario_args *args, const struct report *report, int status);

#endif
