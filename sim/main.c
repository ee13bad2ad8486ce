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

static int verify_command(int argc, char **argv)
{
    static const struct option_spec specs[] = {{"--help", NULL, "this"}};
    struct options options = {argc, argv, 1, specs, 1, false, 0, NULL};
    const char *files[256];
    size_t count = 0;

    for (;;) {
        switch (options_next(&options)) {
        case OPTION_END:
            if (count == 0) {
                fprintf(stderr, "swarmbed verify: no files; usage: swarmbed verify FILE...\n");
                return 2;
            }
            return verify_files(files, count, stdout, stderr);
        case OPTION_WRONG:
            return 2;
        case OPTION_NAMED:
            printf("Usage: swarmbed verify FILE...\nRuns test vectors (JSON) against this implementation.\n");
            return 0;
        case OPTION_PLAIN:
            if (count == ARRAY_LEN(files)) {
                fprintf(stderr, "swarmbed verify: more than %zu files at once\n", ARRAY_LEN(files));
                return 2;
            }
            files[count++] = options.value;
            break;
        }
    }
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
