/* What a script can ask of a service node, and do to it. */
#include "common/text.h"
#include "sim/scenario_internal.h"

static struct snode *live_node(lua_State *lua, struct object object)
{
    struct snode *snode = testbed_node(scenario_of(lua)->testbed, object.number);

    if (snode == NULL)
        luaL_error(lua, "node %d is not running", (int)object.number);
    return snode;
}

static int get_name(lua_State *lua, struct scenario *scenario, struct object object)
{
    (void)scenario;
    lua_pushfstring(lua, "node %d", (int)object.number);
    return 1;
}

static int get_number(lua_State *lua, struct scenario *scenario, struct object object)
{
    (void)scenario;
    lua_pushinteger(lua, object.number);
    return 1;
}

static int get_key(lua_State *lua, struct scenario *scenario, struct object object)
{
    push_hex(lua, BYTES_OF(testbed_node_keys(scenario->testbed, object.number)->ed25519.bytes));
    return 1;
}

static int get_address(lua_State *lua, struct scenario *scenario, struct object object)
{
    char text[ADDRESS_TEXT_MAX];

    address_text(world_address(scenario->world, testbed_node_seat(scenario->testbed, object.number)), text);
    lua_pushstring(lua, text);
    return 1;
}

static int get_alive(lua_State *lua, struct scenario *scenario, struct object object)
{
    lua_pushboolean(lua, testbed_node(scenario->testbed, object.number) != NULL);
    return 1;
}

/* The swarm it believes to be in, as 16 hex digits; nil: in none, or not running. */
static int get_swarm(lua_State *lua, struct scenario *scenario, struct object object)
{
    const struct snode *snode = testbed_node(scenario->testbed, object.number);
    uint64_t swarm = snode != NULL ? snode_swarm_id(snode) : SWARM_NONE;
    char text[17];

    if (swarm == SWARM_NONE) {
        lua_pushnil(lua);
        return 1;
    }
    snprintf(text, sizeof(text), "%016llx", (unsigned long long)swarm);
    lua_pushstring(lua, text);
    return 1;
}

static const struct object_field node_fields[] = {
    {"name", get_name},       {"number", get_number}, {"key", get_key},
    {"address", get_address}, {"alive", get_alive},   {"swarm", get_swarm},
};

static int node_kill(lua_State *lua)
{
    testbed_kill(scenario_of(lua)->testbed, check_object(lua, 1, OBJECT_NODE).number);
    return 0;
}

static int node_restart(lua_State *lua)
{
    testbed_restart(scenario_of(lua)->testbed, check_object(lua, 1, OBJECT_NODE).number);
    return 0;
}

static int node_exit(lua_State *lua)
{
    testbed_exit(scenario_of(lua)->testbed, check_object(lua, 1, OBJECT_NODE).number);
    return 0;
}

static int node_decommission(lua_State *lua)
{
    testbed_decommission(scenario_of(lua)->testbed, check_object(lua, 1, OBJECT_NODE).number);
    return 0;
}

static int node_recommission(lua_State *lua)
{
    testbed_recommission(scenario_of(lua)->testbed, check_object(lua, 1, OBJECT_NODE).number);
    return 0;
}

static int node_clock_skew(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    struct object object = check_object(lua, 1, OBJECT_NODE);

    world_set_clock_skew(scenario->world, testbed_node_seat(scenario->testbed, object.number), check_skew_ms(lua, 2));
    return 0;
}

static int node_cut_off(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    struct object object = check_object(lua, 1, OBJECT_NODE);

    luaL_checktype(lua, 2, LUA_TBOOLEAN);
    world_set_cut_off(scenario->world, testbed_node_seat(scenario->testbed, object.number), lua_toboolean(lua, 2));
    return 0;
}

static int node_holds(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    struct snode *snode = live_node(lua, check_object(lua, 1, OBJECT_NODE));
    struct object message = check_object(lua, 2, OBJECT_MESSAGE);
    const struct client *sender = testbed_client(scenario->testbed, message.number);
    const struct sent *sent = sender == NULL ? NULL : client_sent(sender, message.part);

    lua_pushboolean(lua, sent != NULL && snode_holds(snode, sent->hash));
    return 1;
}

static int node_held_for(lua_State *lua)
{
    struct account_id account = check_account(lua, 2);

    lua_pushinteger(lua, (lua_Integer)snode_held_for(live_node(lua, check_object(lua, 1, OBJECT_NODE)), &account));
    return 1;
}

static void set_count(lua_State *lua, const char *name, uint64_t value)
{
    lua_pushinteger(lua, (lua_Integer)value);
    lua_setfield(lua, -2, name);
}

static int node_counts(lua_State *lua)
{
    struct snode_counts counts;

    snode_counts(live_node(lua, check_object(lua, 1, OBJECT_NODE)), &counts);
    lua_newtable(lua);
    set_count(lua, "records", counts.records);
    set_count(lua, "bytes", counts.bytes);
    set_count(lua, "stored", counts.stored);
    set_count(lua, "duplicates", counts.duplicates);
    set_count(lua, "refused_full", counts.refused_full);
    set_count(lua, "expired", counts.expired);
    set_count(lua, "onions_open", counts.onions_open);
    set_count(lua, "listeners", counts.listeners);
    set_count(lua, "leases", counts.leases);
    set_count(lua, "listens_open", counts.listens_open);
    set_count(lua, "deliveries_waiting", counts.deliveries_waiting);
    set_count(lua, "pushes_waiting_bytes", counts.pushes_waiting_bytes);
    set_count(lua, "pushes_given_up", counts.pushes_given_up);
    return 1;
}

static const luaL_Reg node_methods[] = {
    {"kill", node_kill},
    {"restart", node_restart},
    {"exit", node_exit},
    {"decommission", node_decommission},
    {"recommission", node_recommission},
    {"clock_skew", node_clock_skew},
    {"cut_off", node_cut_off},
    {"holds", node_holds},
    {"held_for", node_held_for},
    {"counts", node_counts},
    {"saw", node_saw},
    {NULL, NULL},
};

const struct object_class node_class = {"node", node_methods, node_fields, ARRAY_LEN(node_fields)};
