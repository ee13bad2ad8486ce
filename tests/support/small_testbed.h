/* small_testbed.h: a testbed of a few nodes with modelled cryptography, and its time. */
#ifndef SWARMBED_SMALL_TESTBED_H
#define SWARMBED_SMALL_TESTBED_H

#include "sim/testbed.h"

#define SECOND_US INT64_C(1000000)

struct testbed_config small_testbed_config(uint32_t nodes);
void testbed_run_until(struct testbed *testbed, int64_t until_us);
void testbed_run_for(struct testbed *testbed, int64_t us);

/* A seat_fn: the user in the seat asks the account that `owner` points to. */
void testbed_befriend(void *machine, void *owner);

#endif
