#include "sim/prove.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/keys.h"
#include "common/limits.h"
#include "common/pow.h"
#include "common/text.h"
#include "sim/options.h"

#define TRIALS_PER_SLICE (UINT64_C(1) << 40) /* more than any search that ends */
#define DIFFICULTY_MAX   1000000
#define DEFAULT_TTL_TEXT "86400000"

enum { PROVE_TTL, PROVE_TIMESTAMP, PROVE_DIFFICULTY, PROVE_HELP };
static const struct option_spec prove_options[] = {
    [PROVE_TTL] = {"--ttl", "MS", "life of the message, as it will stand in the request; default: " DEFAULT_TTL_TEXT},
    [PROVE_TIMESTAMP] = {"--timestamp", "MS", "the same of its time; needed"},
    [PROVE_DIFFICULTY] = {"--difficulty", "N", "as a node's answer names it; default: 1"},
    [PROVE_HELP] = {"--help", NULL, "this"},
};

struct prove {
    const char *ttl, *timestamp;
    uint64_t ttl_ms, timestamp_ms, difficulty;
    const char *plain[2]; /* PUBKEY DATA */
    size_t plain_count;
    bool help;
};

static int read_option(void *owner, const struct options *options)
{
    struct prove *prove = owner;

    switch (options->spec) {
    case PROVE_TTL:
        prove->ttl = options->value;
        return option_number(options->value, LIMIT_TTL_MS_MIN, LIMIT_TTL_MS_MAX, &prove->ttl_ms)
                   ? 0
                   : wrong_value("--ttl", options->value, "10000 to 345600000 milliseconds are possible");
    case PROVE_TIMESTAMP:
        prove->timestamp = options->value;
        return option_number(options->value, 0, INT64_MAX, &prove->timestamp_ms)
                   ? 0
                   : wrong_value("--timestamp", options->value, "milliseconds since 1970 are wanted");
    case PROVE_DIFFICULTY:
        return option_number(options->value, 1, DIFFICULTY_MAX, &prove->difficulty)
                   ? 0
                   : wrong_value("--difficulty", options->value, "1 to 1000000 are possible");
    case PROVE_HELP:
        prove->help = true;
        return 0;
    }
    return 2;
}

static int read_plain(void *owner, const struct options *options)
{
    struct prove *prove = owner;

    if (prove->plain_count == ARRAY_LEN(prove->plain))
        return wrong_value("pow", options->value, "PUBKEY and DATA are all that is wanted");
    prove->plain[prove->plain_count++] = options->value;
    return 0;
}

static int search(const struct prove *prove)
{
    struct bytes parts[] = {bytes_text(prove->timestamp), bytes_text(prove->ttl), bytes_text(prove->plain[0]),
                            bytes_text(prove->plain[1])};
    uint8_t payload[POW_HASH_BYTES], hash[POW_HASH_BYTES], nonce[POW_NONCE_BYTES];
    char text[BASE64_LEN(POW_NONCE_BYTES) + 1], hash_text[2 * POW_HASH_BYTES + 1];
    size_t payload_bytes = 0;
    uint64_t target, counter = 0;

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        payload_bytes += parts[i].len;
    if (pow_target(&target, payload_bytes, prove->ttl_ms, prove->difficulty) != OK)
        return wrong_value("pow", prove->plain[0], "no proof is possible for so much, so long, at that difficulty");
    pow_payload_hash(parts, ARRAY_LEN(parts), payload);
    while (!pow_search(payload, target, &counter, TRIALS_PER_SLICE, hash))
        continue;
    store_be64(nonce, counter);
    base64_encode(text, BYTES_OF(nonce));
    text[sizeof(text) - 1] = '\0';
    hex_encode(hash_text, BYTES_OF(hash));
    hash_text[sizeof(hash_text) - 1] = '\0';
    printf("%s\n", text);
    fprintf(stderr, "message hash %s\n", hash_text);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "swarmbed: standard output: %s\n", strerror(errno));
    return 3;
}

int prove_command(int argc, char **argv)
{
    struct prove prove = {.ttl = DEFAULT_TTL_TEXT, .ttl_ms = 86400000, .difficulty = 1};
    int status = options_read(argc, argv, prove_options, ARRAY_LEN(prove_options), &prove, read_option, read_plain);

    if (status != 0)
        return status;
    if (prove.help) {
        printf("Usage: swarmbed pow --timestamp MS [OPTIONS] PUBKEY DATA\n"
               "Searches the proof of work for storing DATA (base64) for PUBKEY (66 hex digits), and prints the nonce\n"
               "for `store`. All texts count as they will stand in the request.\n");
        options_print(prove_options, ARRAY_LEN(prove_options));
        return 0;
    }
    if (prove.plain_count != ARRAY_LEN(prove.plain) || prove.timestamp == NULL) {
        fprintf(stderr, "swarmbed pow: usage: swarmbed pow --timestamp MS [--ttl MS] [--difficulty N] PUBKEY DATA\n");
        return 2;
    }
    return search(&prove);
}
