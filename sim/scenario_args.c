#include "sim/scenario_args.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/assets.h"

#define FILE_BYTES_MAX (16u << 20) /* of a scenario or a cost table */

static unsigned machine_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores < 1 ? 1 : cores > 64 ? 64 : (unsigned)cores;
}

void scenario_args_init(struct scenario_args *args)
{
    *args =
        (struct scenario_args){.config = {.suite = &crypto_real, .costs = costs_default(), .threads = machine_cores()}};
    buf_init(&args->source, FILE_BYTES_MAX);
    buf_init(&args->costs_text, FILE_BYTES_MAX);
    buf_init(&args->replay, FILE_BYTES_MAX);
}

void scenario_args_fini(struct scenario_args *args)
{
    buf_fini(&args->source);
    buf_fini(&args->costs_text);
    buf_fini(&args->replay);
}

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

void print_builtin_scenarios(void)
{
    char names[64][64];
    const char *pointers[64];
    size_t count = builtin_names(names, pointers, 64);

    printf("Built-in scenarios:");
    for (size_t i = 0; i < count; i++)
        printf(" %s", names[i]);
    printf(" (NAME --help tells about one)\n");
}

/* A name without a slash and ending is a built-in scenario; anything else a file. */
static int find_source(struct scenario_args *args, struct bytes *source)
{
    char asset[128], names[64][64];
    const char *pointers[64], *nearest;
    size_t count;

    if (strchr(args->scenario, '/') != NULL || strstr(args->scenario, ".lua") != NULL) {
        int status = read_file(args->scenario, &args->source);

        *source = buf_bytes(&args->source);
        return status;
    }
    snprintf(asset, sizeof(asset), SCENARIO_PREFIX "%s.lua", args->scenario);
    *source = assets_find(asset);
    if (source->data != NULL)
        return 0;
    count = builtin_names(names, pointers, 64);
    nearest = nearest_name(args->scenario, pointers, count, sizeof(pointers[0]));
    fprintf(stderr, "swarmbed: no built-in scenario \"%s\"", args->scenario);
    if (nearest != NULL)
        fprintf(stderr, "; did you mean \"%s\"?", nearest);
    fprintf(stderr, " (a file's name ends in .lua)\n");
    return 2;
}

static int read_costs(struct scenario_args *args, const char *path)
{
    struct buf why;
    int status = read_file(path, &args->costs_text);

    if (status != 0)
        return status;
    buf_init(&why, 1024);
    if (costs_parse(buf_bytes(&args->costs_text), &args->costs, &why) != OK) {
        fprintf(stderr, "swarmbed: %s: %.*s\n", path, (int)why.len, (const char *)why.data);
        status = 2;
    }
    buf_fini(&why);
    args->config.costs = &args->costs;
    return status;
}

/* ---- options ---- */

static int read_set(struct scenario_args *args, char *text)
{
    char *equals = strchr(text, '=');

    if (equals == NULL || equals == text)
        return wrong_value("--set", text, "NAME=VALUE is wanted");
    if (args->config.set_count == SCENARIO_SETS_MAX)
        return wrong_value("--set", text, "too many of them");
    buf_printf(&args->replay, " --set %s", text);
    *equals = '\0';
    args->sets[args->config.set_count++] = (struct scenario_set){text, equals + 1};
    return 0;
}

int scenario_args_option(struct scenario_args *args, const struct options *options)
{
    const char *value = options->value;
    uint64_t number;

    switch (options->spec) {
    case ARG_SEED:
        if (!option_number(value, 0, UINT64_MAX, &args->config.seed))
            return wrong_value("--seed", value, "a whole number is wanted");
        args->config.seed_given = true;
        return 0;
    case ARG_THREADS:
        if (!option_number(value, 1, 64, &number))
            return wrong_value("--threads", value, "1 to 64 are possible");
        args->config.threads = (unsigned)number;
        return 0;
    case ARG_CRYPTO:
        if (strcmp(value, "real") != 0 && strcmp(value, "modelled") != 0)
            return wrong_value("--crypto", value, "it is real or modelled");
        args->config.suite = value[0] == 'r' ? &crypto_real : &crypto_modelled;
        if (value[0] == 'm')
            buf_text(&args->replay, " --crypto modelled");
        return 0;
    case ARG_SET:
        return read_set(args, (char *)(uintptr_t)value); /* argv is ours to change */
    case ARG_TRACE:
        args->config.trace_path = value;
        return 0;
    case ARG_JSON:
        args->json = true;
        return 0;
    case ARG_QUIET:
        args->quiet = true;
        return 0;
    case ARG_COSTS:
        buf_printf(&args->replay, " --costs %s", value);
        return read_costs(args, value);
    case ARG_HELP:
        args->help = true;
        return 0;
    }
    return 2;
}

int scenario_args_plain(struct scenario_args *args, const char *value)
{
    if (args->scenario != NULL)
        return wrong_value("SCENARIO", value, "one scenario at a time");
    args->scenario = value;
    return 0;
}

void scenario_args_take(struct scenario_args *args, const char *name, struct bytes source)
{
    buf_byte(&args->replay, '\0');
    args->config.name = name;
    args->config.source = source;
    args->config.replay_options = (const char *)args->replay.data;
    args->config.sets = args->sets;
    args->config.story = !args->json && !args->quiet;
}

int scenario_args_find(struct scenario_args *args)
{
    struct bytes source;
    int status = find_source(args, &source);

    if (status == 0)
        scenario_args_take(args, args->scenario, source);
    return status;
}

/* ---- the summary ---- */

int scenario_args_print(const struct scenario_args *args, const struct report *report, int status)
{
    if (args->json) {
        report_json(report, stdout);
    } else {
        if (args->config.story)
            putchar('\n');
        report_table(report, stdout);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "swarmbed: standard output: %s\n", strerror(errno));
        return 3;
    }
    return status;
}
