/* The numbers that PROTOCOL 6.6 and 9 name, as they stand there: tests elsewhere say what happens at a limit, and take
 * the limit itself from limits.h. */
#include "common/limits.h"

#include "tests/support/check_main.h"

START_TEST(friend_requests_have_their_numbers)
{
    ck_assert_int_eq(LIMIT_INTRODUCTION_BYTES, 1000);
    ck_assert_int_eq(TTL_FRIEND_REQUEST_MS, 4 * 24 * 3600 * 1000);
    ck_assert_int_eq(LIMIT_REQUEST_LOCK_MS, 72 * 3600 * 1000);
}
END_TEST

START_TEST(listening_nodes_have_their_numbers)
{
    ck_assert_int_eq(LIMIT_LISTEN_HOLD_MS, 8000);
    ck_assert_int_eq(LIMIT_LISTEN_HOLD_MS_MAX, 20000);
    ck_assert_int_eq(LIMIT_LEASE_MS, 30000);
    ck_assert_int_eq(LIMIT_LEASES_PER_KEY, 8);
    ck_assert_int_eq(LIMIT_LEASES, 10000);
    ck_assert_int_eq(LIMIT_DATA_CHARS, 102400);
    ck_assert_int_eq(LIMIT_DELIVER_MS, 5000);
    ck_assert_int_eq(LIMIT_DELIVERIES_PER_KEY, 64);
    ck_assert_int_eq(LIMIT_DELIVERY_BYTES_PER_KEY, 1024 * 1024);
    ck_assert_int_eq(LIMIT_DELIVERIES, 10000);
}
END_TEST

START_TEST(contacts_have_their_numbers)
{
    ck_assert_int_eq(LIMIT_LISTEN_FAILURES, 3);
    ck_assert_int_eq(LIMIT_LISTEN_PAUSE_MS, 1000);
    ck_assert_int_eq(LIMIT_STATUS_VALID_S, 120);
    ck_assert_int_eq(LIMIT_STATUS_FRESH_MS, 120000);
    ck_assert_int_eq(LIMIT_PING_MS, 60000);
    ck_assert_int_eq(LIMIT_PING_OFFLINE_MS, 120000);
    ck_assert_int_eq(LIMIT_PING_GIVE_UP_MS, 600000);
    ck_assert_int_eq(LIMIT_ACK_MS, 10000);
    ck_assert_int_le(LIMIT_ACK_COMBINE_MS, 200);
    ck_assert_int_eq(LIMIT_DELIVER_RETRY_MS, 1000);
    ck_assert_int_eq(LIMIT_UNACKNOWLEDGED, 32);
}
END_TEST

TEST_MAIN("limits", friend_requests_have_their_numbers, listening_nodes_have_their_numbers, contacts_have_their_numbers)
