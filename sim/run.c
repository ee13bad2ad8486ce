#include "sim/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/assets.h"
#include "sim/costs.h"
#include "sim/options.h"
#include "sim/scenario.h"

#define RUN_FILE_BYTES_MAX (16u << 20) /* of a scenario or a cost table */
#define RUN_SETS_MAX       64

enum { RUN_SEED, RUN_THREADS, RUN_CRYPTO, RUN_SET, RUN_TRACE, RUN_JSON, RUN_QUIET, RUN_COSTS, RUN_HELP };
static const struct option_spec run_options[] = {
    [RUN_SEED] = {"--seed", "N", "one seed is one run, bit for bit; default: the scenario's own"},
    [RUN_THREADS] = {"--threads", "N", "1 to 64; results do not depend on it; default: the machine's cores"},
    [RUN_CRYPTO] = {"--crypto", "real|modelled", "modelled: same sizes, draws and failures, no curve arithmetic"},
    [RUN_SET] = {"--set", "NAME=VALUE", "a parameter of the scenario; SCENARIO --help lists them"},
    [RUN_TRACE] = {"--trace", "FILE.jsonl", "every state change, one record a line"},
    [RUN_JSON] = {"--json", NULL, "the summary as one JSON object, and no story"},
    [RUN_QUIET] = {"--quiet", NULL, "no story: the summary alone"},
    [RUN_COSTS] = {"--costs", "FILE", "what work costs a machine, instead of the built-in table"},
    [RUN_HELP] = {"--help", NULL, "this; with a scenario: its parameters"},
};

struct run {
    struct scenario_config config;
    const char *scenario; /* as given: a built-in name or a path */
    struct scenario_set sets[RUN_SETS_MAX];
    struct cost_table costs;
    struct buf source, costs_text, replay; /* owned */
    bool json, quiet, help;
};

/* ---- files ---- */

static int read_file(const char *path, struct buf *out)
{
    uint8_t chunk[65536];
    FILE *file = fopen(path, "rb");
    size_t got;

    if (file == NULL) {
        fprintf(stderr, "swarmbed: %s: %s\n", path, strerror(errno));
        return 2;
    }
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
        buf_append(out, (struct bytes){chunk, got});
    if (ferror(file) || out->err != OK) {
        fprintf(stderr, "swarmbed: %s: %s\n", path, out->err != OK ? "larger than 16 MiB" : strerror(errno));
        fclose(file);
        return 2;
    }
    fclose(file);
    return 0;
}

#define SCENARIO_PREFIX "scenarios/"

/* The built-in scenarios' names, without folder and ending, into `names`. */
static size_t builtin_names(char names[][64], const char *pointers[], size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < asset_count && count < max; i++) {
        const char *name = assets[i].name;
        size_t len = strlen(name);

        if (strncmp(name, SCENARIO_PREFIX, strlen(SCENARIO_PREFIX)) != 0 || len < 4 ||
            strcmp(name + len - 4, ".lua") != 0 || strchr(name + strlen(SCENARIO_PREFIX), '/') != NULL)
            continue; /* a library is no scenario */
        snprintf(names[count], 64, "%.*s", (int)(len - 4 - strlen(SCENARIO_PREFIX)), name + strlen(SCENARIO_PREFIX));
        pointers[count] = names[count];
        count++;
    }
    return count;
}

static void print_builtins(void)
{
    char names[64][64];
    const char *pointers[64];
    size_t count = builtin_names(names, pointers, 64);

    printf("Built-in scenarios:");
    for (size_t i = 0; i < count; i++)
        printf(" %s", names[i]);
    printf(" (run NAME --help tells about one)\n");
}

/* A name without a slash and ending is a built-in scenario; anything else a file. */
static int find_scenario(struct run *run)
{
    char asset[128], names[64][64];
    const char *pointers[64], *nearest;
    size_t count;

    if (strchr(run->scenario, '/') != NULL || strstr(run->scenario, ".lua") != NULL) {
        int status = read_file(run->scenario, &run->source);

        run->config.source = buf_bytes(&run->source);
        return status;
    }
    snprintf(asset, sizeof(asset), SCENARIO_PREFIX "%s.lua", run->scenario);
    run->config.source = assets_find(asset);
    if (run->config.source.data != NULL)
        return 0;
    count = builtin_names(names, pointers, 64);
    nearest = nearest_name(run->scenario, pointers, count, sizeof(pointers[0]));
    fprintf(stderr, "swarmbed: no built-in scenario \"%s\"", run->scenario);
    if (nearest != NULL)
        fprintf(stderr, "; did you mean \"%s\"?", nearest);
    fprintf(stderr, " (a file's name ends in .lua)\n");
    return 2;
}

static int read_costs(struct run *run, const char *path)
{
    struct buf why;
    int status = read_file(path, &run->costs_text);

    if (status != 0)
        return status;
    buf_init(&why, 1024);
    if (costs_parse(buf_bytes(&run->costs_text), &run->costs, &why) != OK) {
        fprintf(stderr, "swarmbed: %s: %.*s\n", path, (int)why.len, (const char *)why.data);
        status = 2;
    }
    buf_fini(&why);
    run->config.costs = &run->costs;
    return status;
}

/* ---- the command line ---- */

static int wrong_value(const char *option, const char *value, const char *wanted)
{
    fprintf(stderr, "swarmbed: %s %s: %s\n", option, value, wanted);
    return 2;
}

static int read_set(struct run *run, char *text)
{
    char *equals = strchr(text, '=');

    if (equals == NULL || equals == text)
        return wrong_value("--set", text, "NAME=VALUE is wanted");
    if (run->config.set_count == RUN_SETS_MAX)
        return wrong_value("--set", text, "too many of them");
    buf_printf(&run->replay, " --set %s", text);
    *equals = '\0';
    run->sets[run->config.set_count++] = (struct scenario_set){text, equals + 1};
    return 0;
}

static int read_option(struct run *run, const struct options *options)
{
    const char *value = options->value;
    uint64_t number;

    switch (options->spec) {
    case RUN_SEED:
        if (!option_number(value, 0, UINT64_MAX, &run->config.seed))
            return wrong_value("--seed", value, "a whole number is wanted");
        run->config.seed_given = true;
        return 0;
    case RUN_THREADS:
        if (!option_number(value, 1, 64, &number))
            return wrong_value("--threads", value, "1 to 64 are possible");
        run->config.threads = (unsigned)number;
        return 0;
    case RUN_CRYPTO:
        if (strcmp(value, "real") != 0 && strcmp(value, "modelled") != 0)
            return wrong_value("--crypto", value, "it is real or modelled");
        run->config.suite = value[0] == 'r' ? &crypto_real : &crypto_modelled;
        if (value[0] == 'm')
            buf_text(&run->replay, " --crypto modelled");
        return 0;
    case RUN_SET:
        return read_set(run, (char *)(uintptr_t)value); /* argv is ours to change */
    case RUN_TRACE:
        run->config.trace_path = value;
        return 0;
    case RUN_JSON:
        run->json = true;
        return 0;
    case RUN_QUIET:
        run->quiet = true;
        return 0;
    case RUN_COSTS:
        buf_printf(&run->replay, " --costs %s", value);
        return read_costs(run, value);
    case RUN_HELP:
        run->help = true;
        return 0;
    }
    return 2;
}

static int read_command_line(struct run *run, int argc, char **argv)
{
    struct options options = {argc, argv, 1, run_options, ARRAY_LEN(run_options), false, 0, NULL};

    for (;;) {
        int status = 0;

        switch (options_next(&options)) {
        case OPTION_END:
            return 0;
        case OPTION_WRONG:
            return 2;
        case OPTION_NAMED:
            status = read_option(run, &options);
            break;
        case OPTION_PLAIN:
            if (run->scenario != NULL)
                return wrong_value("run", options.value, "one scenario at a time");
            run->scenario = options.value;
            break;
        }
        if (status != 0)
            return status;
    }
}

static unsigned machine_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores < 1 ? 1 : cores > 64 ? 64 : (unsigned)cores;
}

static int help(struct run *run)
{
    if (run->scenario == NULL) {
        printf("Usage: swarmbed run [SCENARIO] [OPTIONS]\n"
               "Runs a scenario in virtual time: a built-in one by its name, or a file that ends in .lua. Default: "
               "tour\n");
        options_print(run_options, ARRAY_LEN(run_options));
        print_builtins();
        return 0;
    }
    printf("Usage: swarmbed run %s [--set NAME=VALUE]... [OPTIONS]\n", run->scenario);
    run->config.name = run->scenario;
    return scenario_describe(&run->config, stdout);
}

static int run_scenario(struct run *run)
{
    struct report report;
    int status;

    buf_byte(&run->replay, '\0');
    run->config.name = run->scenario;
    run->config.replay_options = (const char *)run->replay.data;
    run->config.sets = run->sets;
    run->config.story = !run->json && !run->quiet;
    run->config.progress = isatty(STDERR_FILENO) != 0 && !run->config.story;
    status = scenario_run(&run->config, &report);
    if (status == 2)
        return status;
    if (run->json) {
        report_json(&report, stdout);
    } else {
        if (run->config.story)
            putchar('\n');
        report_table(&report, stdout);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "swarmbed: standard output: %s\n", strerror(errno));
        return 3;
    }
    return status;
}

int run_command(int argc, char **argv)
{
    struct run run = {.config = {.suite = &crypto_real, .costs = costs_default(), .threads = machine_cores()}};
    int status;

    buf_init(&run.source, RUN_FILE_BYTES_MAX);
    buf_init(&run.costs_text, RUN_FILE_BYTES_MAX);
    buf_init(&run.replay, RUN_FILE_BYTES_MAX);
    status = read_command_line(&run, argc, argv);
    if (status == 0 && (run.scenario != NULL || !run.help)) {
        if (run.scenario == NULL)
            run.scenario = "tour";
        status = find_scenario(&run);
    }
    if (status == 0)
        status = run.help ? help(&run) : run_scenario(&run);
    buf_fini(&run.source);
    buf_fini(&run.costs_text);
    buf_fini(&run.replay);
    return status;
}
