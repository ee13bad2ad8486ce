#include "node/admission.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "node/body_pool.h"
#include "tests/support/check_main.h"
#include "tests/support/node_fixture.h"

static struct node_fixture fixture;
static struct difficulty difficulty;

static void start(void)
{
    node_fixture_init(&fixture);
    difficulty_init(&difficulty, &fixture.fake.env, 1);
}

static void end(void)
{
    difficulty_fini(&difficulty);
    node_fixture_fini(&fixture);
}

/* Alive from 10 s before its timestamp to its very last millisecond; no number wraps. */
START_TEST(admission_knows_a_messages_life)
{
    const int64_t t = FAKE_EPOCH_MS;
    const uint64_t stamp = (uint64_t)t;

    ck_assert(admission_time_ok(stamp, 60000, t));
    ck_assert(admission_time_ok(stamp, 60000, t - LIMIT_FUTURE_MS));
    ck_assert(!admission_time_ok(stamp, 60000, t - LIMIT_FUTURE_MS - 1));
    ck_assert(admission_time_ok(stamp, 60000, t + 60000));
    ck_assert(!admission_time_ok(stamp, 60000, t + 60001));
    ck_assert(!admission_time_ok(UINT64_MAX, 60000, t));
    ck_assert(admission_time_ok(LIMIT_FUTURE_MS, 60000, -1)); /* a clock before 1970 is at 1970 */
}
END_TEST

/* The documented proofs, by the real suite; the same proof fails at a difficulty that is higher by far. */
START_TEST(admission_checks_the_documented_proofs)
{
    static const struct {
        const char *ttl, *nonce, *hash_start;
        uint64_t ttl_ms, difficulty;
    } cases[] = {
        {"86400000", "AAAAAAAADVU=", "0012a4c457ec44b24484393bf5c25f6a", 86400000, 10},
        {"345600000", "AAAAAAAAAIo=", "0006d674ad17caf4ebe028c42ccf4e26", 345600000, 1},
        {"60000", "AAAAAAAAJyc=", "000550f60a194ab06b32707b2011a6bd", 60000, 100},
    };

    start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct proof proof = {.timestamp = BYTES_LIT("1567296000000"),
                                    .ttl = bytes_text(cases[i].ttl),
                                    .pubkey =
                                        BYTES_LIT("0500112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
                                    .data = BYTES_LIT("aGVsbG8="),
                                    .ttl_ms = cases[i].ttl_ms,
                                    .nonce = bytes_text(cases[i].nonce)};
        uint8_t nonce[8], hash[64], start_of_hash[16];

        ck_assert(admission_proof_ok(&fixture.fake.env, &crypto_real, &proof, cases[i].difficulty, nonce, hash));
        ck_assert_int_eq(hex_decode(start_of_hash, 16, bytes_text(cases[i].hash_start)), OK);
        ck_assert_mem_eq(hash, start_of_hash, 16);
        ck_assert(!admission_proof_ok(&fixture.fake.env, &crypto_real, &proof, 1000000, nonce, hash));
        ck_assert(!admission_proof_ok(&fixture.fake.env, &crypto_real, &proof, UINT64_MAX, nonce, hash)); /* overflow */
        ck_assert(!admission_proof_ok(&fixture.fake.env, &crypto_real, &proof, 0, nonce, hash));
    }
    ck_assert_uint_eq(fixture.fake.charged[COST_POW_CHECK], 2 * ARRAY_LEN(cases));
    end();
}
END_TEST

static struct peer_message as_peer_message(const struct test_message *message)
{
    return (struct peer_message){.pubkey = bytes_text(message->pubkey),
                                 .hash = bytes_text(message->hash_hex),
                                 .data = bytes_text(message->data),
                                 .ttl_ms = message->ttl_ms,
                                 .timestamp_ms = message->timestamp_ms,
                                 .nonce = bytes_text(message->nonce)};
}

static enum err admit(const struct peer_message *message)
{
    struct stored_body *body;
    enum err err =
        admission_of_replica(&fixture.fake.env, &crypto_modelled, &difficulty, message, &fixture.bodies, &body);

    if (err == OK)
        body_drop(body);
    return err;
}

/* A replica with everything wrong is repaired rule by rule: that is their order. */
START_TEST(admission_of_replicas_has_an_order)
{
    static char long_data[LIMIT_DATA_CHARS + 1];
    struct account_id account = account_here(1);
    struct test_message message;
    struct peer_message wrong;

    start();
    make_message(&message, &account, FAKE_EPOCH_MS, 60000, "aGVsbG8=");
    memset(long_data, 'A', sizeof(long_data));
    wrong = as_peer_message(&message);
    wrong.data = BYTES_OF(long_data);
    wrong.ttl_ms = UINT64_MAX;
    wrong.timestamp_ms = UINT64_MAX;
    wrong.nonce = BYTES_LIT("AAAAAAAA====");
    wrong.hash = BYTES_OF(long_data);
    wrong.hash.len = 128;
    ck_assert_int_eq(admit(&wrong), ERR_TOO_BIG);
    wrong.data = bytes_text(message.data);
    ck_assert_int_eq(admit(&wrong), ERR_RANGE);
    wrong.ttl_ms = message.ttl_ms;
    ck_assert_int_eq(admit(&wrong), ERR_CLOCK);
    wrong.timestamp_ms = message.timestamp_ms;
    ck_assert_int_eq(admit(&wrong), ERR_CRYPTO);
    wrong.nonce = bytes_text(message.nonce);
    ck_assert_int_eq(admit(&wrong), ERR_FORMAT);
    wrong.hash = bytes_text(message.hash_hex);
    ck_assert_int_eq(admit(&wrong), OK);
    end();
}
END_TEST

/* The proof covers the numbers as canonical decimals: any other text that a client may have hashed does not verify. */
START_TEST(admission_prints_numbers_canonically)
{
    struct account_id account = account_here(1);
    struct test_message message;
    struct peer_message replica;

    start();
    make_message(&message, &account, FAKE_EPOCH_MS, 60000, "aGVsbG8=");
    snprintf(message.ttl, sizeof(message.ttl), "060000");
    sign_message(&message, 1);
    replica = as_peer_message(&message);
    ck_assert_int_eq(admit(&replica), ERR_CRYPTO);
    end();
}
END_TEST

TEST_MAIN("admission", admission_knows_a_messages_life, admission_checks_the_documented_proofs,
          admission_of_replicas_has_an_order, admission_prints_numbers_canonically)
