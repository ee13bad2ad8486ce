/* A scenario's parameters: `local users = param("users", 1000, "how many users there are")`; --set users=50 changes it.
 */
#include <inttypes.h>
#include <string.h>

#include "sim/options.h"
#include "sim/scenario_internal.h"

/* The value of the --set of that name, or NULL. */
static const char *set_value(struct scenario *scenario, const char *name)
{
    const char *value = NULL;

    for (size_t i = 0; i < scenario->config->set_count; i++) {
        if (strcmp(scenario->config->sets[i].name, name) != 0)
            continue;
        scenario->set_used[i] = true;
        value = scenario->config->sets[i].value; /* the last one counts */
    }
    return value;
}

/* Pushes `value` as the type that the default has. */
static void push_converted(lua_State *lua, const char *name, const char *value, int type)
{
    switch (type) {
    case LUA_TNUMBER:
        if (lua_stringtonumber(lua, value) == 0)
            luaL_error(lua, "--set %s=%s: a number is wanted", name, value);
        break;
    case LUA_TBOOLEAN:
        if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
            luaL_error(lua, "--set %s=%s: true or false is wanted", name, value);
        lua_pushboolean(lua, value[0] == 't');
        break;
    default:
        lua_pushstring(lua, value);
    }
}

static int param(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    const char *name = luaL_checkstring(lua, 1), *help = luaL_checkstring(lua, 3), *value;
    int type = lua_type(lua, 2);

    luaL_argcheck(lua, type == LUA_TNUMBER || type == LUA_TBOOLEAN || type == LUA_TSTRING, 2,
                  "a default is a number, a text or true or false");
    if (scenario->world != NULL)
        return luaL_error(lua, "param() after world{}: declare parameters first");
    if (scenario->param_count == SCENARIO_PARAMS_MAX)
        return luaL_error(lua, "more than %d parameters", SCENARIO_PARAMS_MAX);
    lua_pushvalue(lua, 1);
    luaL_ref(lua, LUA_REGISTRYINDEX);
    scenario->param_names[scenario->param_count++] = name;
    if (scenario->describing) {
        lua_pushfstring(lua, "%s=%s", name, luaL_tolstring(lua, 2, NULL));
        fprintf(scenario->describe_out, "  --set %-24s %s\n", lua_tostring(lua, -1), help);
    }
    value = set_value(scenario, name);
    if (value != NULL)
        push_converted(lua, name, value, type);
    else
        lua_pushvalue(lua, 2);
    return 1;
}

static int describe(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    const char *text = luaL_checkstring(lua, 1);

    if (scenario->describing)
        fprintf(scenario->describe_out, "%s\n", text);
    return 0;
}

void params_check_all_used(lua_State *lua, struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->config->set_count; i++)
        if (!scenario->set_used[i])
            raise_unknown(lua, "parameter", scenario->config->sets[i].name, scenario->param_names,
                          scenario->param_count, sizeof(scenario->param_names[0]));
}

void params_open(lua_State *lua)
{
    lua_register(lua, "param", param);
    lua_register(lua, "describe", describe);
}
