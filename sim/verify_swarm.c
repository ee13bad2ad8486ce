/* verify_swarm.c: vectors of swarms: swarm_space.json and swarm_assignment.json. */
#include <string.h>

#include "common/swarm.h"
#include "common/text.h"
#include "sim/assignment.h"
#include "sim/verify_vector.h"

/* ---- swarm_space.json ---- */

static void verify_space(struct verify *v, const struct json *vector)
{
    struct account_id account = verify_account(v, vector, "pubkey");
    uint64_t space = verify_u64(v, vector, "swarm_space");
    uint8_t bytes[8];

    verify_hex_into(v, vector, "swarm_space_hex", bytes, sizeof(bytes));
    verify_number(v, "swarm_space", space, swarm_space(&account));
    verify_number(v, "swarm_space_hex", load_be64(bytes), swarm_space(&account));
}

/* Ids as decimal text, into the arena. */
static uint64_t *get_ids(struct verify *v, const struct json *object, const char *name, size_t *count)
{
    const struct json *array = verify_array(v, object, name);
    uint64_t *ids = arena_alloc(&v->arena, (json_count(array) + 1) * sizeof(*ids)); /* never none at all */

    *count = 0;
    for (const struct json *item = json_first(array); item != NULL; item = json_next(item)) {
        ids[*count] = verify_decimal(v, item);
        if (*count > 0 && ids[*count] <= ids[*count - 1])
            verify_unreadable(v, "the member '%s' must ascend", name);
        ++*count;
    }
    return ids;
}

static void verify_choice(struct verify *v, const struct json *vector, const uint64_t ids[], size_t count)
{
    struct account_id account = verify_account(v, vector, "pubkey");
    uint64_t space = verify_u64(v, vector, "swarm_space");
    uint64_t chosen = swarm_choose(ids, count, swarm_space(&account));

    verify_number(v, "swarm_space", space, swarm_space(&account));
    verify_number(v, "expected_swarm_id", verify_u64(v, vector, "expected_swarm_id"), chosen);
}

static void verify_selection(struct verify *v, const struct json *vector)
{
    size_t count, index = 0;
    const uint64_t *ids = get_ids(v, vector, "swarm_ids", &count);
    const struct json *cases = verify_array(v, vector, "cases");

    for (const struct json *item = json_first(cases); item != NULL; item = json_next(item)) {
        verify_enter(v, "cases", index++);
        verify_choice(v, item, ids, count);
        verify_leave(v);
    }
}

const struct verify_section verify_swarm_space_sections[] = {
    {"swarm_space", verify_space},
    {"selection", verify_selection},
    {NULL, NULL},
};

/* ---- swarm_assignment.json ---- */

static void verify_parameter(struct verify *v, const struct json *vector, const char *name, uint64_t own)
{
    verify_number(v, name, (uint64_t)verify_integer(v, vector, name), own);
}

static void verify_parameters(struct verify *v, const struct json *vector)
{
    verify_parameter(v, vector, "min_swarm_size", SWARM_SIZE_MIN);
    verify_parameter(v, vector, "ideal_margin", SWARM_MARGIN);
    verify_parameter(v, vector, "new_swarm_size", SWARM_SIZE_NEW);
    verify_parameter(v, vector, "excess_base", EXCESS_BASE);
    verify_parameter(v, vector, "fill_percentile", FILL_PERCENTILE);
    verify_parameter(v, vector, "redistribution_percentile", REDISTRIBUTE_PERCENTILE);
    verify_parameter(v, vector, "stealing_percentile", STEAL_PERCENTILE);
    verify_number(v, "unassigned_id", verify_u64(v, vector, "unassigned_id"), SWARM_NONE);
}

static void verify_new_id(struct verify *v, const struct json *vector)
{
    static const char old_name[] = "new_swarm_id_until_2021_04";
    size_t count;
    const uint64_t *ids = get_ids(v, vector, "existing", &count);
    uint64_t id = verify_u64(v, vector, "new_swarm_id");
    /* Given only where it differs. */
    uint64_t old_id = json_get(vector, old_name) != NULL ? verify_u64(v, vector, old_name) : id;

    if (!verify_readable(v))
        return;
    verify_number(v, "new_swarm_id", id, assignment_new_id(ids, count, false));
    verify_number(v, old_name, old_id, assignment_new_id(ids, count, true));
}

/* A scenario runs by the rules of the periods for which it holds: 0 is the present rule, 1 the older one. */
struct scenario {
    struct assignment networks[2];
    bool holds[2];
};

static struct ed25519_public get_key(struct verify *v, const struct json *hex)
{
    struct ed25519_public key = {{0}};

    if (hex_decode(key.bytes, sizeof(key.bytes), json_string(hex)) != OK)
        verify_unreadable(v, "a node must be 32 bytes in hex");
    return key;
}

static void change_members(struct verify *v, const struct json *step, struct assignment *network)
{
    const struct json *leave = verify_array(v, step, "leave");
    const struct json *join = verify_array(v, step, "join");

    for (const struct json *node = json_first(leave); node != NULL; node = json_next(node)) {
        struct ed25519_public key = get_key(v, node);

        if (assignment_leave(network, &key) != OK)
            verify_unreadable(v, "a node leaves that is not there");
    }
    for (const struct json *node = json_first(join); node != NULL; node = json_next(node)) {
        struct ed25519_public key = get_key(v, node);

        if (assignment_join(network, &key, SWARM_NONE) != OK)
            verify_unreadable(v, "a node joins that is there already");
    }
}

/* One swarm of the result; how many nodes it has. */
static size_t verify_swarm(struct verify *v, const struct json *expected, const struct assignment *network)
{
    uint64_t id = verify_u64(v, expected, "swarm_id");
    const struct json *nodes = verify_array(v, expected, "nodes");

    for (const struct json *item = json_first(nodes); item != NULL; item = json_next(item)) {
        struct ed25519_public key = get_key(v, item);
        const struct assignment_node *node = assignment_find(network, &key);

        verify_that(v, node != NULL, "a node of 'swarms' is in the network");
        if (node != NULL)
            verify_number(v, arena_printf(&v->arena, "swarm of the node %s", json_string(item).data), id,
                          node->swarm_id);
    }
    return json_count(nodes);
}

static void verify_swarms(struct verify *v, const struct json *step, const struct assignment *network)
{
    const struct json *swarms = verify_array(v, step, "swarms");
    size_t placed = 0, expected = 0;

    for (const struct json *swarm = json_first(swarms); swarm != NULL; swarm = json_next(swarm))
        expected += verify_swarm(v, swarm, network);
    for (size_t i = 0; i < network->count; i++)
        placed += network->nodes[i].swarm_id != SWARM_NONE;
    verify_number(v, "nodes in swarms", expected, placed);
}

static void verify_step(struct verify *v, const struct json *step, struct scenario *scenario)
{
    uint64_t seed = verify_u64(v, step, "seed");
    uint8_t block_hash[32];

    verify_hex_into(v, step, "block_hash", block_hash, sizeof(block_hash));
    verify_number(v, "seed", seed, load_le64(block_hash));
    for (int old_rule = 0; old_rule < 2; old_rule++) {
        if (!scenario->holds[old_rule])
            continue;
        change_members(v, step, &scenario->networks[old_rule]);
        assignment_run(&scenario->networks[old_rule], seed, old_rule == 1);
        verify_swarms(v, step, &scenario->networks[old_rule]);
    }
}

static void get_rule(struct verify *v, const struct json *vector, struct scenario *scenario)
{
    struct bytes rule;

    if (json_get(vector, "rule") == NULL) {
        scenario->holds[0] = scenario->holds[1] = true;
        return;
    }
    rule = verify_text(v, vector, "rule");
    scenario->holds[0] = bytes_equal_text(rule, "since 2021-04");
    scenario->holds[1] = bytes_equal_text(rule, "2019-04 to 2021-04");
    if (!scenario->holds[0] && !scenario->holds[1])
        verify_unreadable(v, "the member 'rule' must be 'since 2021-04' or '2019-04 to 2021-04'");
}

static void verify_scenario(struct verify *v, const struct json *vector)
{
    struct scenario scenario;
    const struct json *steps = verify_array(v, vector, "steps");
    size_t index = 0;
    bool readable;

    get_rule(v, vector, &scenario);
    assignment_init(&scenario.networks[0]);
    assignment_init(&scenario.networks[1]);
    readable = verify_readable(v);
    for (const struct json *step = json_first(steps); readable && step != NULL; step = json_next(step)) {
        verify_enter(v, "steps", index++);
        verify_step(v, step, &scenario);
        readable = verify_readable(v); /* without it, what follows has no ground */
        verify_leave(v);
    }
    assignment_fini(&scenario.networks[1]);
    assignment_fini(&scenario.networks[0]);
}

const struct verify_section verify_assignment_sections[] = {
    {"parameters", verify_parameters},
    {"new_swarm_ids", verify_new_id},
    {"scenarios", verify_scenario},
    {NULL, NULL},
};
