/* Command line -> command. What the commands do is in files of their names. */
#include <stdio.h>
#include <string.h>

#include "common/suite.h"
#include "sim/chat.h"
#include "sim/options.h"
#include "sim/prove.h"
#include "sim/replay.h"
#include "sim/run.h"
#include "sim/serve.h"
#include "sim/verify.h"

#define VERIFY_FILES_MAX 256

struct verify_args {
    const char *files[VERIFY_FILES_MAX];
    size_t count;
    bool help;
};

static int read_verify_option(void *owner, const struct options *options)
{
    struct verify_args *args = owner;

    (void)options; /* --help is the only one */
    args->help = true;
    return 0;
}

static int read_verify_file(void *owner, const struct options *options)
{
    struct verify_args *args = owner;

    if (args->count == VERIFY_FILES_MAX) {
        fprintf(stderr, "swarmbed verify: more than %d files at once\n", VERIFY_FILES_MAX);
        return 2;
    }
    args->files[args->count++] = options->value;
    return 0;
}

static int verify_command(int argc, char **argv)
{
    static const struct option_spec specs[] = {{"--help", NULL, "this"}};
    struct verify_args args = {.count = 0};
    int status = options_read(argc, argv, specs, ARRAY_LEN(specs), &args, read_verify_option, read_verify_file);

    if (status != 0)
        return status;
    if (args.help) {
        printf("Usage: swarmbed verify FILE...\nRuns test vectors (JSON) against this implementation.\n");
        return 0;
    }
    if (args.count == 0) {
        fprintf(stderr, "swarmbed verify: no files; usage: swarmbed verify FILE...\n");
        return 2;
    }
    return verify_files(args.files, args.count, stdout, stderr);
}

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"run", run_command, "runs a scenario in virtual time: the tour, or [SCENARIO]"},
    {"serve", serve_command, "serves a network in real time: every node by HTTP and HTTPS on this machine"},
    {"chat", chat_command, "talks to others on a served network, from a terminal: --as NAME"},
    {"replay", replay_command, "runs a served world again from its journal (FILE), bit for bit"},
    {"pow", prove_command, "searches the proof of work for a store: PUBKEY DATA"},
    {"verify", verify_command, "runs test vectors (FILE...) against this implementation"},
};

static int print_help(FILE *out, int status)
{
    fprintf(out, "swarmbed: a whole Session service-node network in one program\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  swarmbed %-10s %s\n", commands[i].name, commands[i].help);
    fprintf(
        out,
        "\nEvery command knows --help. Exit status: 0 all holds; 1 an expectation or vector failed; 2 wrong usage or\n"
        "unreadable input; 3 the machine failed us.\n");
    return status;
}

int main(int argc, char **argv)
{
    const char *nearest;

    if (crypto_start() != OK) {
        fprintf(stderr, "swarmbed: the cryptographic library does not start on this machine\n");
        return 3;
    }
    if (argc < 2)
        return print_help(stderr, 2);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return print_help(stdout, 0);
    if (strcmp(argv[1], "--version") == 0) {
        printf("swarmbed %s\n", SWARMBED_VERSION);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, argv[1]) == 0)
            return commands[i].run(argc - 1, argv + 1);
    nearest = nearest_name(argv[1], commands, ARRAY_LEN(commands), sizeof(commands[0]));
    fprintf(stderr, "swarmbed: no command \"%s\"", argv[1]);
    if (nearest != NULL)
        fprintf(stderr, "; did you mean \"%s\"?", nearest);
    fprintf(stderr, " (--help lists them)\n");
    return 2;
}
