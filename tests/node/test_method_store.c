/* store: what it does, and what of it lasts. */
#include "node/methods.h"

#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "tests/support/check_main.h"
#include "tests/support/methods_fixture.h"

/* The documented vector, checked by the real suite: kept under its documented hash. */
START_TEST(store_takes_the_documented_message)
{
    const struct bytes body =
        BYTES_LIT("{\"jsonrpc\":\"2.0\",\"id\":\"0\",\"method\":\"store\",\"params\":{"
                  "\"pubKey\":\"0500112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\","
                  "\"ttl\":\"86400000\",\"nonce\":\"AAAAAAAADVU=\",\"timestamp\":\"1567296000000\","
                  "\"data\":\"aGVsbG8=\"}}");
    uint8_t hash[64];

    methods_world_init_with(&crypto_real, LIMIT_STORE_BYTES);
    publish(10);
    expect_answer(execute(body), 200, "{\"difficulty\":10}");
    ck_assert_int_eq(hex_decode(hash, sizeof(hash),
                                BYTES_LIT("0012a4c457ec44b24484393bf5c25f6ad8678f1043f298781f2d8d1576f53ef0"
                                          "d3d1d85ba73baf5d4890decc9495f16333b011ef8128c577872abd217d206c63")),
                     OK);
    ck_assert(store_holds(&methods_world.store, hash));
    ck_assert_uint_eq(methods_world.net.fake.charged[COST_POW_CHECK], 1);
    methods_world_fini();
}
END_TEST

/* Stored, answered, kept on the disk, and relayed to the two other members of the swarm. */
START_TEST(store_keeps_and_relays)
{
    struct test_message message;
    struct fake_request *request;

    methods_world_init();
    make(&message, 1, "aGVsbG8=");
    request = execute_store(&message);
    expect_answer(request, 200, "{\"difficulty\":1}");
    ck_assert_int_eq(request->content, CONTENT_JSON);
    ck_assert(store_holds(&methods_world.store, message.hash));
    ck_assert_uint_eq(methods_world.net.fake.disk.count, 1);
    ck_assert_uint_eq(fake_env_open_calls(&methods_world.net.fake), 0);
    fake_env_advance_ms(&methods_world.net.fake, LIMIT_FLUSH_MS);
    ck_assert_uint_eq(fake_env_open_calls(&methods_world.net.fake), 2);
    methods_world_fini();
}
END_TEST

/* The answer waits for the disk. */
START_TEST(store_answers_when_it_is_durable)
{
    struct test_message message;
    struct fake_request *request, *again;

    methods_world_init();
    methods_world.net.fake.disk_manual = true;
    make(&message, 1, "aGVsbG8=");
    request = execute_store(&message);
    again = execute_store(&message);
    ck_assert(!request->answered);
    fake_env_complete_sync(&methods_world.net.fake);
    expect_answer(request, 200, "{\"difficulty\":1}");
    expect_answer(again, 200, "{\"difficulty\":1}");
    methods_world_fini();
}
END_TEST

/* A full disk: 503, not kept. */
START_TEST(store_says_that_the_disk_is_full)
{
    struct test_message message;

    methods_world_init();
    methods_world.net.fake.disk_err = ERR_FULL;
    make(&message, 1, "aGVsbG8=");
    expect_answer(execute_store(&message), 503, "Disk full, nothing was stored");
    ck_assert(!store_holds(&methods_world.store, message.hash));
    ck_assert_uint_eq(fake_env_last_trace(&methods_world.net.fake, TRACE_STORE_REFUSED)->n[0], 503);
    methods_world_fini();
}
END_TEST

/* A failing disk: 500, not kept, not relayed. */
START_TEST(store_says_that_the_disk_failed)
{
    struct test_message message;

    methods_world_init();
    methods_world.net.fake.disk_err = ERR_IO;
    make(&message, 1, "aGVsbG8=");
    expect_answer(execute_store(&message), 500, "Database failure");
    ck_assert(!store_holds(&methods_world.store, message.hash));
    ck_assert_uint_eq(fake_env_last_trace(&methods_world.net.fake, TRACE_STORE_REFUSED)->n[0], 500);
    ck_assert_uint_eq(fake_env_last_trace(&methods_world.net.fake, TRACE_STORE_REFUSED)->n[1], STEP_DISK);
    fake_env_check(&methods_world.net.fake);
    methods_world_fini();
}
END_TEST

/* A duplicate gets the same answer, and is relayed all the same. */
START_TEST(store_answers_duplicates_alike)
{
    struct test_message message;

    methods_world_init();
    make(&message, 1, "aGVsbG8=");
    expect_answer(execute_store(&message), 200, "{\"difficulty\":1}");
    fake_env_advance_ms(&methods_world.net.fake, LIMIT_FLUSH_MS);
    expect_answer(execute_store(&message), 200, "{\"difficulty\":1}");
    fake_env_advance_ms(&methods_world.net.fake, LIMIT_FLUSH_MS);
    ck_assert_uint_eq(fake_env_open_calls(&methods_world.net.fake), 4);
    ck_assert_uint_eq(methods_world.store.counts.stored, 1);
    ck_assert_uint_eq(methods_world.store.counts.duplicates, 1);
    methods_world_fini();
}
END_TEST

/* The asker hangs up while the disk works: the message is kept and relayed. */
START_TEST(store_goes_on_without_the_asker)
{
    struct test_message message;
    struct fake_request *request;

    methods_world_init();
    methods_world.net.fake.disk_manual = true;
    make(&message, 1, "aGVsbG8=");
    request = execute_store(&message);
    fake_env_hang_up(&methods_world.net.fake, request);
    fake_env_complete_sync(&methods_world.net.fake);
    ck_assert(!request->answered);
    ck_assert(store_holds(&methods_world.store, message.hash));
    fake_env_advance_ms(&methods_world.net.fake, LIMIT_FLUSH_MS);
    ck_assert_uint_eq(fake_env_open_calls(&methods_world.net.fake), 2);
    methods_world_fini();
}
END_TEST

/* A crash with stores on their way to the disk leaves nothing behind. */
START_TEST(store_survives_a_crash_on_the_way)
{
    struct test_message message;

    methods_world_init();
    methods_world.net.fake.disk_manual = true;
    make(&message, 1, "aGVsbG8=");
    (void)execute_store(&message);
    (void)execute_store(&message);
    fake_env_crash(&methods_world.net.fake);
    methods_world_fini(); /* ASSERTs that no body is left */
}
END_TEST

TEST_MAIN("method_store", store_takes_the_documented_message, store_keeps_and_relays, store_answers_when_it_is_durable,
          store_says_that_the_disk_is_full, store_says_that_the_disk_failed, store_answers_duplicates_alike,
          store_goes_on_without_the_asker, store_survives_a_crash_on_the_way)
