/* verify_pow.c: vectors of proofs of work (pow.json). */
#include <string.h>

#include "common/limits.h"
#include "common/pow.h"
#include "common/suite.h"
#include "common/text.h"
#include "sim/verify_vector.h"

/* Five times what the hardest vector takes: no file, however wrong, searches for ever. */
#define TRIALS_MAX 1000000

/* No nonce before this one, which is good, meets the target. */
static void verify_first_nonce(struct verify *v, const uint8_t payload_hash[64], uint64_t target, struct bytes nonce)
{
    uint8_t found[POW_NONCE_BYTES] = {0};
    uint8_t hash[POW_HASH_BYTES];
    uint64_t number = load_be64(nonce.data);

    if (number >= TRIALS_MAX) {
        verify_unreadable(v, "'nonce_is_first' is checked for nonces below %d", TRIALS_MAX);
        return;
    }
    verify_that(v, crypto_real.pow_prove(payload_hash, target, number + 1, found, hash) == OK, "a nonce is found");
    verify_bytes(v, "nonce", nonce, BYTES_OF(found));
}

static void verify_proof(struct verify *v, const struct json *vector)
{
    struct bytes data = verify_hex(v, vector, "data_hex");
    struct bytes ttl = verify_text(v, vector, "ttl");
    const struct bytes parts[] = {verify_text(v, vector, "timestamp"), ttl, verify_text(v, vector, "pubkey"), data};
    uint64_t ttl_ms = verify_u64(v, vector, "ttl");
    int64_t difficulty = verify_integer(v, vector, "difficulty");
    struct bytes nonce = verify_base64(v, vector, "nonce");
    struct bytes expected_hash = verify_hex(v, vector, "message_hash");
    bool expected = verify_bool(v, vector, "expected");
    bool is_first = json_get(vector, "nonce_is_first") != NULL && verify_bool(v, vector, "nonce_is_first");
    uint8_t target_bytes[8], payload_hash[64], hash[POW_HASH_BYTES];
    uint64_t target = 0;
    size_t payload_bytes = 0;
    bool good;

    verify_hex_into(v, vector, "target", target_bytes, sizeof(target_bytes));
    if (json_get(vector, "data") != NULL)
        verify_bytes(v, "data", data, verify_text(v, vector, "data"));
    if (nonce.len != POW_NONCE_BYTES)
        verify_unreadable(v, "the member 'nonce' must have 8 bytes");
    if (!verify_readable(v))
        return;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        payload_bytes += parts[i].len;
    verify_that(v, pow_target(&target, payload_bytes, ttl_ms, (uint64_t)difficulty) == OK, "there is a target");
    verify_number(v, "target", load_be64(target_bytes), target);
    pow_payload_hash(parts, ARRAY_LEN(parts), payload_hash);
    good = crypto_real.pow_check(payload_hash, target, nonce.data, hash) && pow_ttl_valid(ttl_ms);
    verify_bytes(v, "message_hash", expected_hash, BYTES_OF(hash));
    verify_number(v, "expected", expected, good);
    if (is_first)
        verify_first_nonce(v, payload_hash, target, nonce);
}

static void verify_ttl(struct verify *v, const struct json *vector)
{
    uint64_t ttl_ms;
    bool accepted = decimal_decode(&ttl_ms, verify_text(v, vector, "ttl")) == OK && pow_ttl_valid(ttl_ms);

    verify_number(v, "accepted", verify_bool(v, vector, "accepted"), accepted);
}

/* Of [time, difficulty] one. */
static int64_t element(struct verify *v, const struct json *pair, const struct json *value)
{
    int64_t number = 0;

    if (json_count(pair) != 2 || json_integer(value, &number) != OK)
        verify_unreadable(v, "a record of 'history' must be two whole numbers");
    return number;
}

static void verify_history(struct verify *v, const struct json *vector)
{
    struct pow_record records[LIMIT_DIFFICULTY_RECORDS];
    const struct json *history = verify_array(v, vector, "history");
    uint64_t timestamp_ms = verify_u64(v, vector, "timestamp");
    uint64_t expected = (uint64_t)verify_integer(v, vector, "difficulty");
    size_t count = 0;

    if (json_count(history) > ARRAY_LEN(records) || timestamp_ms > INT64_MAX)
        verify_unreadable(v, "a timestamp below 2^63 and at most %zu records are wanted", ARRAY_LEN(records));
    for (const struct json *pair = json_first(history); verify_readable(v) && pair != NULL; pair = json_next(pair)) {
        const struct json *first = json_first(pair);

        records[count].from_ms = element(v, pair, first);
        if (verify_readable(v))
            records[count++].difficulty = (uint64_t)element(v, pair, json_next(first));
    }
    if (verify_readable(v))
        verify_number(v, "difficulty", expected, pow_relay_difficulty(records, count, (int64_t)timestamp_ms));
}

const struct verify_section verify_pow_sections[] = {
    {"valid", verify_proof},
    {"invalid", verify_proof},
    {"ttl_range", verify_ttl},
    {"difficulty_history", verify_history},
    {NULL, NULL},
};
