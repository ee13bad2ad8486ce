/* Files that a user gives: membership data, cost tables, scenarios. The first byte chooses. */
#include <stdio.h>

#include "common/suite.h"
#include "sim/costs.h"
#include "sim/scenario.h"
#include "sim/snapshot.h"
#include "tests/fuzz/fuzz.h"

static void read_snapshots(struct bytes input)
{
    struct snapshots *snapshots;
    struct buf why;

    buf_init(&why, 4096);
    if (snapshots_parse(input, "input", &snapshots, &why) == OK)
        snapshots_free(snapshots);
    else
        ASSERT(snapshots == NULL && why.len > 0);
    buf_fini(&why);
}

static void read_costs(struct bytes input)
{
    struct cost_table costs;
    struct buf why;

    buf_init(&why, 4096);
    if (costs_parse(input, &costs, &why) != OK)
        ASSERT(why.len > 0);
    buf_fini(&why);
}

/* Loaded and run up to world{}. */
static void read_scenario(struct bytes input)
{
    static const struct scenario_set set = {"users", "5"};
    struct scenario_config config = {.name = "input.lua",
                                     .source = input,
                                     .threads = 1,
                                     .suite = &crypto_modelled,
                                     .costs = costs_default(),
                                     .sets = &set,
                                     .set_count = 1,
                                     .instructions_max = 1000000,
                                     .memory_bytes_max = 16 << 20,
                                     .replay_options = ""};
    FILE *nowhere = fopen("/dev/null", "w");

    ASSERT(nowhere != NULL);
    (void)scenario_describe(&config, nowhere);
    fclose(nowhere);
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    struct bytes rest;

    (void)arena;
    if (input.len == 0)
        return;
    rest = bytes_slice(input, 1, input.len - 1);
    switch (input.data[0] % 3) {
    case 0:
        read_snapshots(rest);
        break;
    case 1:
        read_costs(rest);
        break;
    default:
        read_scenario(rest);
    }
}
