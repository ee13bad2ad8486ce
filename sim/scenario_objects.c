/* Userdata for the world's things. The same thing is the same userdata (a registry table by number), so it can be
 * compared and be a table's key. Fields are read by name when asked, methods are functions of the class; an unknown
 * name is an error with the nearest one, since a silent nil hides a typing mistake. */
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "sim/options.h"
#include "sim/scenario_internal.h"

#define OBJECTS_KEY "swarmbed.objects"

static const struct object_class *class_of(enum object_kind kind)
{
    switch (kind) {
    case OBJECT_NET:
        return &net_class;
    case OBJECT_NODE:
        return &node_class;
    case OBJECT_CLIENT:
        return &client_class;
    case OBJECT_MESSAGE:
        return &message_class;
    case OBJECT_NONE:
        break;
    }
    return NULL;
}

void raise_unknown(lua_State *lua, const char *what, const char *wrong, const void *names, size_t count, size_t stride)
{
    const char *nearest = nearest_name(wrong, names, count, stride);

    if (nearest != NULL)
        luaL_error(lua, "no %s \"%s\"; did you mean \"%s\"?", what, wrong, nearest);
    luaL_error(lua, "no %s \"%s\"", what, wrong);
    abort(); /* luaL_error does not return, but its declaration does not say so */
}

void push_object(lua_State *lua, struct object object)
{
    lua_Integer key = ((lua_Integer)object.kind << 56) | ((lua_Integer)object.number << 28) | object.part;
    struct object *new_object;

    if (object.kind == OBJECT_NONE) {
        lua_pushnil(lua);
        return;
    }
    lua_getfield(lua, LUA_REGISTRYINDEX, OBJECTS_KEY);
    if (lua_rawgeti(lua, -1, key) == LUA_TNIL) {
        lua_pop(lua, 1);
        new_object = lua_newuserdatauv(lua, sizeof(*new_object), 0);
        *new_object = object;
        luaL_setmetatable(lua, class_of(object.kind)->name);
        lua_pushvalue(lua, -1);
        lua_rawseti(lua, -3, key);
    }
    lua_remove(lua, -2);
}

struct object check_object(lua_State *lua, int index, enum object_kind kind)
{
    return *(const struct object *)luaL_checkudata(lua, index, class_of(kind)->name);
}

void push_node(lua_State *lua, uint32_t node)
{
    push_object(lua, (struct object){OBJECT_NODE, node, 0});
}

void push_node_by_key(lua_State *lua, struct scenario *scenario, const struct ed25519_public *key)
{
    uint32_t node = testbed_node_by_key(scenario->testbed, key);

    if (node == UINT32_MAX)
        lua_pushnil(lua);
    else
        push_node(lua, node);
}

void push_hex(lua_State *lua, struct bytes bytes)
{
    luaL_Buffer buffer;

    hex_encode(luaL_buffinitsize(lua, &buffer, 2 * bytes.len), bytes);
    luaL_pushresultsize(&buffer, 2 * bytes.len);
}

struct account_id check_account(lua_State *lua, int index)
{
    struct account_id account;
    struct object object;
    size_t len;
    const char *hex;

    if (lua_type(lua, index) != LUA_TSTRING) {
        object = check_object(lua, index, OBJECT_CLIENT);
        return *testbed_client_account(scenario_of(lua)->testbed, object.number);
    }
    hex = lua_tolstring(lua, index, &len);
    if (account_from_hex(&account, (struct bytes){(const uint8_t *)hex, len}) != OK)
        luaL_argerror(lua, index, "an account id is 66 hex digits");
    return account;
}

bool duration_at(lua_State *lua, int index, int64_t *us)
{
    lua_Number ms;
    size_t len;
    const char *text;

    if (lua_type(lua, index) == LUA_TNUMBER) {
        ms = lua_tonumber(lua, index);
        if (!(ms >= 0 && ms <= (lua_Number)SCENARIO_DURATION_US_MAX / 1000)) /* NaN is neither */
            return false;
        *us = (int64_t)(ms * 1000);
        return true;
    }
    if (lua_type(lua, index) != LUA_TSTRING)
        return false;
    text = lua_tolstring(lua, index, &len);
    return duration_decode(us, (struct bytes){(const uint8_t *)text, len}) == OK && *us <= SCENARIO_DURATION_US_MAX;
}

int64_t check_duration_us(lua_State *lua, int index)
{
    int64_t us = 0;

    if (!duration_at(lua, index, &us))
        luaL_argerror(lua, index,
                      "a duration is like \"350ms\", \"30s\", \"5m\", \"1h\", \"2d\", or milliseconds as a number");
    return us;
}

int64_t check_skew_ms(lua_State *lua, int index)
{
    lua_Integer ms = luaL_checkinteger(lua, index);

    luaL_argcheck(lua, ms >= -SCENARIO_SKEW_MS_MAX && ms <= SCENARIO_SKEW_MS_MAX, index,
                  "a clock is wrong by ten years at most, in milliseconds");
    return ms;
}

/* upvalue: the methods. */
static int index_function(lua_State *lua)
{
    const struct object *object = lua_touserdata(lua, 1);
    const struct object_class *class = class_of(object->kind);
    const char *name = luaL_checkstring(lua, 2), *names[128];
    size_t count = 0;

    lua_pushvalue(lua, 2);
    if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    for (size_t i = 0; i < class->field_count; i++)
        if (strcmp(class->fields[i].name, name) == 0)
            return class->fields[i].get(lua, scenario_of(lua), *object);
    for (size_t i = 0; i < class->field_count; i++)
        names[count++] = class->fields[i].name;
    for (const luaL_Reg *method = class->methods; method->name != NULL; method++)
        names[count++] = method->name;
    ASSERT(count <= ARRAY_LEN(names));
    lua_pushfstring(lua, "member of a %s", class->name);
    raise_unknown(lua, lua_tostring(lua, -1), name, names, count, sizeof(names[0]));
}

static int newindex_function(lua_State *lua)
{
    const struct object *object = lua_touserdata(lua, 1);

    return luaL_error(lua, "a %s can't be written to", class_of(object->kind)->name);
}

static int tostring_function(lua_State *lua)
{
    const struct object *object = lua_touserdata(lua, 1);

    switch (object->kind) {
    case OBJECT_NODE:
        lua_pushfstring(lua, "node %d", (int)object->number);
        break;
    case OBJECT_CLIENT:
        lua_pushstring(lua, testbed_client_name(scenario_of(lua)->testbed, object->number));
        break;
    case OBJECT_MESSAGE:
        lua_pushfstring(lua, "message %d of %s", (int)object->part,
                        testbed_client_name(scenario_of(lua)->testbed, object->number));
        break;
    case OBJECT_NET:
    case OBJECT_NONE:
        lua_pushstring(lua, class_of(object->kind)->name);
        break;
    }
    return 1;
}

static void open_class(lua_State *lua, const struct object_class *class)
{
    luaL_newmetatable(lua, class->name);
    lua_newtable(lua);
    luaL_setfuncs(lua, class->methods, 0);
    lua_pushcclosure(lua, index_function, 1);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, newindex_function);
    lua_setfield(lua, -2, "__newindex");
    lua_pushcfunction(lua, tostring_function);
    lua_setfield(lua, -2, "__tostring");
    lua_pushboolean(lua, false);
    lua_setfield(lua, -2, "__metatable"); /* scripts can't reach into it */
    lua_pop(lua, 1);
}

void objects_open(lua_State *lua)
{
    lua_newtable(lua);
    lua_setfield(lua, LUA_REGISTRYINDEX, OBJECTS_KEY);
    open_class(lua, &net_class);
    open_class(lua, &node_class);
    open_class(lua, &client_class);
    open_class(lua, &message_class);
}
