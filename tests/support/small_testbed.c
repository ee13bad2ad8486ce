#include "tests/support/small_testbed.h"

#include <check.h>

struct testbed_config small_testbed_config(uint32_t nodes)
{
    struct testbed_config config;

    testbed_config_default(&config);
    config.suite = &crypto_modelled;
    config.nodes = nodes;
    return config;
}

void testbed_run_until(struct testbed *testbed, int64_t until_us)
{
    world_run_until(testbed_world(testbed), until_us, 0, NULL, NULL, 0);
}

void testbed_run_for(struct testbed *testbed, int64_t us)
{
    testbed_run_until(testbed, world_now_us(testbed_world(testbed)) + us);
}

void testbed_befriend(void *machine, void *owner)
{
    const struct sent *sent;

    ck_assert_int_eq(client_befriend(machine, owner, BYTES_LIT("Hi"), &sent), OK);
}
