#include "sim/run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/text.h"
#include "sim/scenario_args.h"

enum { RUN_OBSERVE = ARG_COUNT };
static const struct option_spec run_options[] = {
    SCENARIO_ARG_SPECS,
    [RUN_OBSERVE] = {"--observe", "NODE[,NODE...]", "what these nodes together learn from what passes them"},
};

/* "3,17" -> an observer of these nodes, in the config. */
static int read_observe(struct scenario_args *args, const char *value)
{
    for (const char *at = value;; at++) {
        size_t len = strcspn(at, ",");
        uint64_t node;

        if (decimal_decode(&node, (struct bytes){(const uint8_t *)at, len}) != OK || node > UINT32_MAX)
            return wrong_value("--observe", value, "numbers of nodes are wanted, such as 3,17");
        if (args->config.observer == NULL)
            args->config.observer = observer_new();
        observer_ask(args->config.observer, (uint32_t)node);
        at += len;
        if (*at == '\0')
            return 0;
    }
}

static int read_option(void *owner, const struct options *options)
{
    return options->spec == RUN_OBSERVE ? read_observe(owner, options->value) : scenario_args_option(owner, options);
}

static int read_plain(void *owner, const struct options *options)
{
    return scenario_args_plain(owner, options->value);
}

static int help(struct scenario_args *args)
{
    if (args->scenario == NULL) {
        printf("Usage: swarmbed run [SCENARIO] [OPTIONS]\n"
               "Runs a scenario in virtual time: a built-in one by its name, or a file that ends in .lua. Default: "
               "tour\n");
        options_print(run_options, ARRAY_LEN(run_options));
        print_builtin_scenarios();
        return 0;
    }
    printf("Usage: swarmbed run %s [--set NAME=VALUE]... [OPTIONS]\n", args->scenario);
    return scenario_describe(&args->config, stdout);
}

static int run_scenario(struct scenario_args *args)
{
    struct report report;
    int status;

    args->config.progress = isatty(STDERR_FILENO) != 0 && !args->config.story;
    status = scenario_run(&args->config, &report);
    return status == 2 ? 2 : scenario_args_print(args, &report, status);
}

int run_command(int argc, char **argv)
{
    struct scenario_args args;
    int status;

    scenario_args_init(&args);
    status = options_read(argc, argv, run_options, ARRAY_LEN(run_options), &args, read_option, read_plain);
    if (status == 0 && (args.scenario != NULL || !args.help)) {
        if (args.scenario == NULL)
            args.scenario = "tour";
        status = scenario_args_find(&args);
    }
    if (status == 0)
        status = args.help ? help(&args) : run_scenario(&args);
    observer_free(args.config.observer);
    scenario_args_fini(&args);
    return status;
}
