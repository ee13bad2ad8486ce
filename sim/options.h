/* options.h: command-line options, and the nearest name to a mistyped one. */
#ifndef SWARMBED_OPTIONS_H
#define SWARMBED_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct option_spec {
    const char *name;  /* "--seed" */
    const char *value; /* "N": takes a value, as `--seed N` or `--seed=N`; NULL: a switch */
    const char *help;
};

/* The next thing on the command line. */
enum option_kind { OPTION_END, OPTION_NAMED, OPTION_PLAIN, OPTION_WRONG };
struct options {
    int argc;
    char **argv;
    int at; /* starts at the first to read */
    const struct option_spec *specs;
    size_t count;
    bool plain_only; /* after `--` */
    /* of the last call: */
    size_t spec;       /* OPTION_NAMED: index into specs */
    const char *value; /* its value, or the plain argument */
};
/* OPTION_WRONG: has told standard error what is wrong, with the nearest valid option. */
enum option_kind options_next(struct options *options);
/* The whole command line behind the command's name: each option goes to `named`, whatever else to `plain`. Both return
 * 0, or the exit status that ends the reading and is returned; 2 as well if an option is wrong. */
typedef int (*option_fn)(void *owner, const struct options *options);
int options_read(int argc, char **argv, const struct option_spec specs[], size_t count, void *owner, option_fn named,
                 option_fn plain);
void options_print(const struct option_spec specs[], size_t count); /* help, on standard output */

/* The name closest to `wrong`, NULL if none is close; `names` are `count` texts `stride` bytes apart (the first member
 * of a struct, or an array of pointers with stride sizeof(char *)). */
const char *nearest_name(const char *wrong, const void *names, size_t count, size_t stride);
/* Tells standard error what is wrong with an option's value. 2: the exit status. */
int wrong_value(const char *option, const char *value, const char *wanted);
/* Whole decimal number in [min, max]. */
bool option_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);

#endif
