#include "common/loki_key.h"

#include <string.h>

#include "common/suite.h"
#include "tests/support/check_main.h"

/* It is the HMAC that the protocol asks for, whatever the agreement. */
START_TEST(equals_the_general_hmac)
{
    uint8_t agreement[32] = {0}, expected[32], key[32];

    for (unsigned round = 0; round < 100; round++) {
        hash_hmac_sha256(BYTES_LIT("LOKI"), BYTES_OF(agreement), expected);
        loki_key(agreement, key);
        ck_assert_mem_eq(key, expected, sizeof(key));
        memcpy(agreement, key, sizeof(agreement));
    }
}
END_TEST

/* The key may take the agreement's place. */
START_TEST(works_in_place)
{
    uint8_t bytes[32] = {7}, key[32];

    loki_key(bytes, key);
    loki_key(bytes, bytes);
    ck_assert_mem_eq(bytes, key, sizeof(key));
}
END_TEST

TEST_MAIN("loki_key", equals_the_general_hmac, works_in_place)
