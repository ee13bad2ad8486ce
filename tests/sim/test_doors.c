#include "sim/doors.h"

#include "sim/seed.h"
#include "tests/support/check_main.h"

START_TEST(an_open_address_is_read)
{
    static const char *const wrong[] = {"",
                                        "here",
                                        "1.2.3",
                                        "1.2.3.4.5",
                                        "256.1.1.1",
                                        "1.2.3.4:",
                                        "1.2.3.4:0",
                                        "1.2.3.4:65536",
                                        "1.2.3.4:x",
                                        "1.2.3.4:1:2",
                                        ":22100",
                                        "[::1]:22100",
                                        "111.111.111.1111111111"};
    struct address address;

    ck_assert(doors_read_open("192.0.2.1", &address));
    ck_assert(address_equal(address, (struct address){0xc0000201, DOORS_OPEN_PORT}));
    ck_assert(doors_read_open("0.0.0.0:7", &address));
    ck_assert(address_equal(address, (struct address){0, 7}));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        ck_assert_msg(!doors_read_open(wrong[i], &address), "%s", wrong[i]);
}
END_TEST

static void check_leads(const struct doors *doors, struct address local, struct address to)
{
    ck_assert(address_equal(doors_behind(doors, local), to));
}

/* Behind a port of the open address stands the seed or a node; elsewhere who has that address; the control interface
 * stands at its own address alone. */
START_TEST(doors_lead_to_whom_they_should)
{
    const struct address seed = {SEED_IP, SEED_PORT}, elsewhere = {0x7f010107, 22101};
    struct doors doors = {.config = {.seed_port = 1000, .control_port = 2000, .open = {0xc0000201, 22100}}};
    struct testbed_config config;
    struct address first, last;

    testbed_config_default(&config);
    config.nodes = 8;
    doors.testbed = testbed_new(&config);
    doors.nodes_open = 8;
    first = world_address(testbed_world(doors.testbed), testbed_node_seat(doors.testbed, 0));
    last = world_address(testbed_world(doors.testbed), testbed_node_seat(doors.testbed, 7));
    check_leads(&doors, (struct address){0x7f000001, 1000}, seed);
    check_leads(&doors, (struct address){0x7f000002, 1000}, (struct address){0x7f000002, 1000});
    check_leads(&doors, (struct address){0xc0000201, 22100}, seed);
    check_leads(&doors, (struct address){0xc0000201, 22101}, first);
    check_leads(&doors, (struct address){0xc0000201, 22108}, last);
    check_leads(&doors, (struct address){0xc0000201, 22109}, (struct address){0xc0000201, 22109});
    check_leads(&doors, (struct address){0xc0000201, 22099}, (struct address){0xc0000201, 22099});
    check_leads(&doors, elsewhere, elsewhere);
    check_leads(&doors, first, first);
    doors.config.open.ip = 0; /* all addresses */
    check_leads(&doors, elsewhere, first);
    ck_assert(doors_lead_to_control(&doors, (struct address){0x7f000001, 2000}));
    ck_assert(!doors_lead_to_control(&doors, (struct address){0xc0000201, 2000}));
    testbed_free(doors.testbed);
}
END_TEST

TEST_MAIN("doors", an_open_address_is_read, doors_lead_to_whom_they_should)
