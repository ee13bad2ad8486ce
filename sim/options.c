#include "sim/options.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"

#define NAME_MAX_LEN 63

/* Levenshtein distance of two short names. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_LEN + 1], a_len = strlen(a), b_len = strlen(b);

    if (a_len > NAME_MAX_LEN || b_len > NAME_MAX_LEN)
        return SIZE_MAX;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

            diagonal = row[j];
            row[j] = replaced < least ? replaced : least;
        }
    }
    return row[b_len];
}

const char *nearest_name(const char *wrong, const void *names, size_t count, size_t stride)
{
    const char *best = NULL;
    size_t best_distance = strlen(wrong) / 2 + 1; /* farther than that is no help */

    for (size_t i = 0; i < count; i++) {
        const char *name;

        memcpy(&name, (const char *)names + i * stride, sizeof(name));
        if (name != NULL && distance(wrong, name) < best_distance) {
            best_distance = distance(wrong, name);
            best = name;
        }
    }
    return best;
}

static enum option_kind wrong_option(const struct options *options, const char *name, size_t name_len)
{
    char shown[NAME_MAX_LEN + 1];
    const char *nearest;

    snprintf(shown, sizeof(shown), "%.*s", (int)name_len, name);
    nearest = nearest_name(shown, options->specs, options->count, sizeof(options->specs[0]));
    fprintf(stderr, "swarmbed: no option %s", shown);
    if (nearest != NULL)
        fprintf(stderr, "; did you mean %s?", nearest);
    fprintf(stderr, " (--help lists them)\n");
    return OPTION_WRONG;
}

enum option_kind options_next(struct options *options)
{
    const char *argument, *equals;
    size_t name_len;

    if (options->at >= options->argc)
        return OPTION_END;
    argument = options->argv[options->at++];
    if (!options->plain_only && strcmp(argument, "--") == 0) {
        options->plain_only = true;
        return options_next(options);
    }
    if (options->plain_only || argument[0] != '-' || argument[1] == '\0') {
        options->value = argument;
        return OPTION_PLAIN;
    }
    equals = strchr(argument, '=');
    name_len = equals != NULL ? (size_t)(equals - argument) : strlen(argument);
    for (size_t i = 0; i < options->count; i++) {
        const struct option_spec *spec = &options->specs[i];

        if (strlen(spec->name) != name_len || memcmp(spec->name, argument, name_len) != 0)
            continue;
        options->spec = i;
        options->value = equals != NULL ? equals + 1 : NULL;
        if (spec->value == NULL && equals != NULL) {
            fprintf(stderr, "swarmbed: %s takes no value\n", spec->name);
            return OPTION_WRONG;
        }
        if (spec->value != NULL && equals == NULL) {
            if (options->at >= options->argc) {
                fprintf(stderr, "swarmbed: %s wants a value: %s %s\n", spec->name, spec->name, spec->value);
                return OPTION_WRONG;
            }
            options->value = options->argv[options->at++];
        }
        return OPTION_NAMED;
    }
    return wrong_option(options, argument, name_len);
}

int options_read(int argc, char **argv, const struct option_spec specs[], size_t count, void *owner, option_fn named,
                 option_fn plain)
{
    struct options options = {.argc = argc, .argv = argv, .at = 1, .specs = specs, .count = count};
    int status = 0;

    while (status == 0) {
        switch (options_next(&options)) {
        case OPTION_END:
            return 0;
        case OPTION_WRONG:
            return 2;
        case OPTION_NAMED:
            status = named(owner, &options);
            break;
        case OPTION_PLAIN:
            status = plain(owner, &options);
            break;
        }
    }
    return status;
}

void options_print(const struct option_spec specs[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char left[NAME_MAX_LEN + 1];

        snprintf(left, sizeof(left), "%s%s%s", specs[i].name, specs[i].value != NULL ? " " : "",
                 specs[i].value != NULL ? specs[i].value : "");
        printf("  %-22s %s\n", left, specs[i].help);
    }
}

bool option_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    return decimal_decode(out, bytes_text(text)) == OK && *out >= min && *out <= max;
}

int wrong_value(const char *option, const char *value, const char *wanted)
{
    fprintf(stderr, "swarmbed: %s %s: %s\n", option, value, wanted);
    return 2;
}
