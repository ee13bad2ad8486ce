/* What a script can ask of what nodes saw: node:saw(), net:learned{nodes}. */
#include "sim/learned.h"
#include "sim/scenario_internal.h"

static void set_number(lua_State *lua, const char *name, uint64_t value)
{
    lua_pushinteger(lua, (lua_Integer)value);
    lua_setfield(lua, -2, name);
}

static void set_account(lua_State *lua, const char *name, const struct account_id *account)
{
    push_hex(lua, BYTES_OF(account->bytes));
    lua_setfield(lua, -2, name);
}

static void set_address(lua_State *lua, const char *name, struct address address)
{
    char text[ADDRESS_TEXT_MAX];

    address_text(address, text);
    lua_pushstring(lua, text);
    lua_setfield(lua, -2, name);
}

static void set_tally(lua_State *lua, const struct tally *tally)
{
    set_number(lua, "count", tally->count);
    set_number(lua, "bytes", tally->bytes);
    lua_pushnumber(lua, (lua_Number)tally->first_us / 1000);
    lua_setfield(lua, -2, "first_ms");
    lua_pushnumber(lua, (lua_Number)tally->last_us / 1000);
    lua_setfield(lua, -2, "last_ms");
}

static void push_callers(lua_State *lua, const struct learned *learned)
{
    lua_newtable(lua);
    for (size_t i = 0; i < learned->caller_count; i++) {
        lua_newtable(lua);
        set_address(lua, "address", learned->callers[i].address);
        set_tally(lua, &learned->callers[i].tally);
        lua_rawseti(lua, -2, (lua_Integer)i + 1);
    }
}

/* A number, "all", or nothing. */
static void set_namespace(lua_State *lua, int32_t namespace)
{
    if (namespace == FACTS_NO_NAMESPACE)
        return;
    if (namespace == FACTS_ALL_NAMESPACES)
        lua_pushliteral(lua, "all");
    else
        lua_pushinteger(lua, namespace);
    lua_setfield(lua, -2, "namespace");
}

static void push_mailboxes(lua_State *lua, const struct learned *learned)
{
    lua_newtable(lua);
    for (size_t i = 0; i < learned->mailbox_count; i++) {
        lua_newtable(lua);
        set_account(lua, "account", &learned->mailboxes[i].account);
        lua_pushstring(lua, learned->mailboxes[i].method);
        lua_setfield(lua, -2, "method");
        set_namespace(lua, learned->mailboxes[i].namespace);
        set_number(lua, "proofs", learned->mailboxes[i].proofs);
        set_tally(lua, &learned->mailboxes[i].tally);
        lua_rawseti(lua, -2, (lua_Integer)i + 1);
    }
}

static void push_pairs(lua_State *lua, const struct learned *learned)
{
    lua_newtable(lua);
    for (size_t i = 0; i < learned->pair_count; i++) {
        lua_newtable(lua);
        set_account(lua, "source", &learned->pairs[i].source);
        set_account(lua, "recipient", &learned->pairs[i].recipient);
        set_tally(lua, &learned->pairs[i].tally);
        lua_rawseti(lua, -2, (lua_Integer)i + 1);
    }
}

static void push_links(lua_State *lua, const struct learned *learned)
{
    lua_newtable(lua);
    for (size_t i = 0; i < learned->link_count; i++) {
        const struct link_learned *link = &learned->links[i];

        lua_newtable(lua);
        set_address(lua, "address", link->address);
        set_account(lua, "account", &link->account);
        lua_pushstring(lua, link->method);
        lua_setfield(lua, -2, "method");
        push_node(lua, link->seen_by);
        lua_setfield(lua, -2, "seen_by");
        push_node(lua, link->ended_at);
        lua_setfield(lua, -2, "read_by");
        set_tally(lua, &link->tally);
        lua_rawseti(lua, -2, (lua_Integer)i + 1);
    }
}

/* {requests = n, callers = {...}, mailboxes = {...}, pairs = {...}, links = {...}} */
static int push_learned(lua_State *lua, const uint32_t nodes[], size_t count)
{
    struct scenario *scenario = scenario_of(lua);
    struct learned learned;

    if (scenario->observer == NULL)
        return luaL_error(lua, "nobody reads along: world { observe = true } makes it so");
    learned_init(&learned, scenario->observer, nodes, count);
    lua_newtable(lua);
    set_number(lua, "requests", learned.sightings);
    push_callers(lua, &learned);
    lua_setfield(lua, -2, "callers");
    push_mailboxes(lua, &learned);
    lua_setfield(lua, -2, "mailboxes");
    push_pairs(lua, &learned);
    lua_setfield(lua, -2, "pairs");
    push_links(lua, &learned);
    lua_setfield(lua, -2, "links");
    learned_fini(&learned);
    return 1;
}

int node_saw(lua_State *lua)
{
    uint32_t node = check_object(lua, 1, OBJECT_NODE).number;

    return push_learned(lua, &node, 1);
}

int net_learned(lua_State *lua)
{
    uint32_t nodes[256];
    lua_Integer count = 0;

    check_object(lua, 1, OBJECT_NET);
    luaL_checktype(lua, 2, LUA_TTABLE);
    for (; lua_rawgeti(lua, 2, count + 1) != LUA_TNIL; count++) {
        if (count == (lua_Integer)ARRAY_LEN(nodes))
            return luaL_error(lua, "more than %d nodes at once", (int)ARRAY_LEN(nodes));
        nodes[count] = check_object(lua, -1, OBJECT_NODE).number;
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
    return push_learned(lua, nodes, (size_t)count);
}
