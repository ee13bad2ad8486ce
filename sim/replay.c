#include "sim/replay.h"

#include <inttypes.h>

#include "sim/gateway/gateway.h"
#include "sim/scenario_args.h"
#include "sim/testbed.h"

#define WHY_BYTES_MAX 1024

struct replay {
    struct scenario *scenario;
    struct testbed *testbed;
    struct gateway *gateway;
};

/* Nobody waits for an answer: it was given when the journal was written. */
static void on_done(void *owner, enum net net, const struct message *in)
{
    (void)owner;
    (void)net;
    (void)in;
}

/* What could be done then can be done now, unless the journal was changed. */
static enum err apply(struct replay *replay, const struct entry *entry)
{
    struct gateway_call *call;
    const char *why;
    uint32_t node;
    enum err err;

    switch (entry->kind) {
    case ENTRY_CALL:
        gateway_call(replay->gateway, entry->to, &entry->message, NULL, on_done, NULL);
        break;
    case ENTRY_HANG_UP:
        call = gateway_find(replay->gateway, entry->number);
        if (call != NULL)
            gateway_hang_up(replay->gateway, call);
        break;
    case ENTRY_CHANGE:
        err = change_check(&entry->change, replay->testbed, &why);
        if (err == OK)
            change_apply(&entry->change, replay->testbed);
        return err;
    case ENTRY_UNDO:
        return testbed_undo(replay->testbed, &entry->undo, &node);
    case ENTRY_END:
        break;
    }
    return OK;
}

static bool advance(struct replay *replay, int64_t at_us)
{
    bool advanced = scenario_advance(replay->scenario, at_us, 0);

    gateway_flush(replay->gateway);
    return advanced;
}

/* 0 or 2. */
static int run_entries(struct replay *replay, struct journal_reader *reader, struct replayed *out, struct buf *why)
{
    struct entry entry;
    enum err err;

    while ((err = journal_read(reader, &entry, why)) == OK) {
        if (!advance(replay, entry.at_us))
            return 2;
        if (apply(replay, &entry) != OK) {
            buf_text(why, "the journal changes a node or client that there is not");
            return 2;
        }
        if (entry.kind == ENTRY_END) {
            out->has_end = true;
            out->digest = entry.digest;
            return 0;
        }
    }
    return err == ERR_NOT_FOUND ? 0 : 2;
}

int replay_journal(struct journal_reader *reader, const struct scenario_config *config, struct replayed *out,
                   struct buf *why)
{
    struct replay replay = {.scenario = scenario_open(config)};
    int status, closed;

    *out = (struct replayed){0};
    if (replay.scenario == NULL)
        return 2;
    replay.testbed = scenario_testbed(replay.scenario);
    replay.gateway = gateway_new(testbed_world(replay.testbed));
    status = run_entries(&replay, reader, out, why);
    gateway_free(replay.gateway);
    closed = scenario_close(replay.scenario, &out->report);
    return status != 0 ? status : closed;
}

/* ---- the command line ---- */

enum { REPLAY_THREADS, REPLAY_TRACE, REPLAY_JSON, REPLAY_HELP };
static const struct option_spec replay_options[] = {
    [REPLAY_THREADS] = {"--threads", "N", "1 to 64; results do not depend on it; default: 1"},
    [REPLAY_TRACE] = {"--trace", "FILE.jsonl", "every state change, one record a line"},
    [REPLAY_JSON] = {"--json", NULL, "the summary as one JSON object"},
    [REPLAY_HELP] = {"--help", NULL, "this"},
};

struct replay_args {
    const char *path, *trace_path;
    unsigned threads;
    bool json, help;
};

static int read_option(void *owner, const struct options *options)
{
    struct replay_args *args = owner;
    uint64_t number;

    switch (options->spec) {
    case REPLAY_THREADS:
        if (!option_number(options->value, 1, 64, &number))
            return wrong_value("--threads", options->value, "1 to 64 are possible");
        args->threads = (unsigned)number;
        return 0;
    case REPLAY_TRACE:
        args->trace_path = options->value;
        return 0;
    case REPLAY_JSON:
        args->json = true;
        return 0;
    case REPLAY_HELP:
        args->help = true;
        return 0;
    }
    return 2;
}

static int read_plain(void *owner, const struct options *options)
{
    struct replay_args *args = owner;

    if (args->path != NULL)
        return wrong_value("replay", options->value, "one journal at a time");
    args->path = options->value;
    return 0;
}

static int compare(const struct replay_args *args, const struct replayed *replayed, int status)
{
    if (!replayed->has_end) {
        fprintf(stderr, "swarmbed: %s: not written to its end: no digest to compare with\n", args->path);
        return status;
    }
    if (replayed->digest == replayed->report.digest)
        return status;
    fprintf(stderr, "swarmbed: %s: its digest is %016" PRIx64 ", this run's %016" PRIx64 "\n", args->path,
            replayed->digest, replayed->report.digest);
    return 1;
}

static int run(const struct replay_args *args, struct buf *why)
{
    struct journal_reader *reader = journal_open(args->path, why);
    struct scenario_args print = {.json = args->json};
    struct scenario_config config;
    struct replayed replayed;
    int status;

    if (reader == NULL)
        return 2;
    config = *journal_config(reader);
    config.threads = args->threads;
    config.trace_path = args->trace_path;
    status = replay_journal(reader, &config, &replayed, why);
    if (status != 2)
        status = scenario_args_print(&print, &replayed.report, compare(args, &replayed, status));
    journal_reader_free(reader);
    return status;
}

int replay_command(int argc, char **argv)
{
    struct replay_args args = {.threads = 1};
    struct buf why;
    int status = options_read(argc, argv, replay_options, ARRAY_LEN(replay_options), &args, read_option, read_plain);

    if (status != 0)
        return status;
    if (args.help) {
        printf("Usage: swarmbed replay FILE [OPTIONS]\nRuns a served world again from its journal, bit for bit.\n");
        options_print(replay_options, ARRAY_LEN(replay_options));
        return 0;
    }
    if (args.path == NULL) {
        fprintf(stderr, "swarmbed replay: no journal; usage: swarmbed replay FILE\n");
        return 2;
    }
    buf_init(&why, WHY_BYTES_MAX);
    status = run(&args, &why);
    if (why.len > 0)
        fprintf(stderr, "swarmbed: %.*s\n", (int)why.len, (const char *)why.data);
    buf_fini(&why);
    return status;
}
