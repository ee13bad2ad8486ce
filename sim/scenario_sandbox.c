/* The standard library a scenario sees: Lua's own, closed and made deterministic.
 *
 * Out: io, os, package, debug, coroutine, load, dofile, require, collectgarbage, string.dump, math.randomseed, and
 * xpcall, since no limit of instructions holds for the handler that tells of the limit. Lua's tables hash strings with
 * a seed of the process and objects by address, so the order of its own `next` differs from run to run: here `pairs`
 * and `next` go by key: numbers, then texts, then booleans, each ascending; then the world's objects by kind and
 * number. (Insertion order can't be had for tables that a constructor fills.) A key of another type has no order: an
 * error. `tostring` and `%s` show no addresses, `%p` and `__gc` are refused. */
#include <limits.h>
#include <lualib.h>
#include <string.h>

#include "sim/scenario_internal.h"

static const char *const removed_globals[] = {"collectgarbage", "dofile", "load", "loadfile", "require", "xpcall"};

/* Rank of a key's type in the order of walking; -1: no order. */
static int key_rank(lua_State *lua, int index)
{
    switch (lua_type(lua, index)) {
    case LUA_TNUMBER:
        return 0;
    case LUA_TSTRING:
        return 1;
    case LUA_TBOOLEAN:
        return 2;
    case LUA_TUSERDATA:
        return 3;
    default:
        return -1;
    }
}

static int compare_objects(lua_State *lua, int a, int b)
{
    const struct object *x = lua_touserdata(lua, a), *y = lua_touserdata(lua, b);

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->part < y->part ? -1 : x->part > y->part;
}

static int compare_keys(lua_State *lua, int a, int b)
{
    int rank_a = key_rank(lua, a), rank_b = key_rank(lua, b);

    if (rank_a != rank_b)
        return rank_a < rank_b ? -1 : 1;
    if (rank_a == 3)
        return compare_objects(lua, a, b);
    if (rank_a == 2)
        return lua_toboolean(lua, a) - lua_toboolean(lua, b);
    if (lua_rawequal(lua, a, b))
        return 0;
    return lua_compare(lua, a, b, LUA_OPLT) ? -1 : 1;
}

static void check_key(lua_State *lua, int index)
{
    if (key_rank(lua, index) < 0)
        luaL_error(lua, "a table with a %s as key can't be walked in a fixed order", luaL_typename(lua, index));
}

/* Whether the value on top goes before or beside the one below it. */
typedef bool (*in_order_fn)(lua_State *lua);

static bool keys_in_order(lua_State *lua)
{
    return compare_keys(lua, -2, -1) <= 0;
}

/* Sorts array[from .. to]; stable, and n log n whatever the input. */
static void merge_sort(lua_State *lua, int array, int scratch, lua_Integer from, lua_Integer to, in_order_fn in_order)
{
    lua_Integer middle = (from + to) / 2, left = from, right = middle + 1, at = from;

    if (from >= to)
        return;
    luaL_checkstack(lua, 8, "too many keys");
    merge_sort(lua, array, scratch, from, middle, in_order);
    merge_sort(lua, array, scratch, middle + 1, to, in_order);
    while (left <= middle || right <= to) {
        bool take_left = right > to;

        if (left <= middle && right <= to) {
            lua_rawgeti(lua, array, left);
            lua_rawgeti(lua, array, right);
            take_left = in_order(lua);
            lua_pop(lua, 2);
        }
        lua_rawgeti(lua, array, take_left ? left++ : right++);
        lua_rawseti(lua, scratch, at++);
    }
    for (at = from; at <= to; at++) {
        lua_rawgeti(lua, scratch, at);
        lua_rawseti(lua, array, at);
    }
}

/* Pushes a sorted array of the table's keys. */
static void push_sorted_keys(lua_State *lua, int table)
{
    lua_Integer count = 0;
    int array;

    lua_newtable(lua);
    array = lua_gettop(lua);
    lua_pushnil(lua);
    while (lua_next(lua, table) != 0) {
        lua_pop(lua, 1);
        check_key(lua, -1);
        lua_pushvalue(lua, -1);
        lua_rawseti(lua, array, ++count);
    }
    lua_newtable(lua);
    merge_sort(lua, array, array + 1, 1, count, keys_in_order);
    lua_pop(lua, 1);
}

/* upvalues: sorted keys, position, table. Keys that were removed meanwhile are passed over. */
static int pairs_step(lua_State *lua)
{
    lua_Integer at = lua_tointeger(lua, lua_upvalueindex(2));

    for (;;) {
        at++;
        if (lua_rawgeti(lua, lua_upvalueindex(1), at) == LUA_TNIL)
            return 1;
        lua_pushvalue(lua, -1);
        if (lua_rawget(lua, lua_upvalueindex(3)) != LUA_TNIL)
            break;
        lua_pop(lua, 2);
    }
    lua_pushinteger(lua, at);
    lua_replace(lua, lua_upvalueindex(2));
    return 2;
}

static int sorted_pairs(lua_State *lua)
{
    luaL_checkany(lua, 1);
    if (luaL_getmetafield(lua, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(lua, 1);
        lua_call(lua, 1, 3);
        return 3;
    }
    luaL_checktype(lua, 1, LUA_TTABLE);
    push_sorted_keys(lua, 1);
    lua_pushinteger(lua, 0);
    lua_pushvalue(lua, 1);
    lua_pushcclosure(lua, pairs_step, 3);
    lua_pushvalue(lua, 1);
    lua_pushnil(lua);
    return 3;
}

/* next(t [, key]): the smallest key above `key`. */
static int sorted_next(lua_State *lua)
{
    bool first;
    int best;

    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 2);
    first = lua_isnil(lua, 2);
    lua_pushnil(lua); /* 3: the best so far */
    best = 3;
    lua_pushnil(lua);
    while (lua_next(lua, 1) != 0) {
        lua_pop(lua, 1);
        check_key(lua, -1);
        if ((first || compare_keys(lua, -1, 2) > 0) && (lua_isnil(lua, best) || compare_keys(lua, -1, best) < 0)) {
            lua_pushvalue(lua, -1);
            lua_replace(lua, best);
        }
    }
    lua_settop(lua, best);
    if (lua_isnil(lua, best))
        return 1;
    lua_pushvalue(lua, best);
    lua_rawget(lua, 1);
    return 2;
}

/* The script's order: `less` at index 2, or `<`. A pair is in order unless the later element is less. */
static bool values_in_order(lua_State *lua)
{
    bool less;

    if (lua_isnil(lua, 2))
        return !lua_compare(lua, -1, -2, LUA_OPLT);
    lua_pushvalue(lua, 2);
    lua_pushvalue(lua, -2);
    lua_pushvalue(lua, -4);
    lua_call(lua, 2, 1);
    less = lua_toboolean(lua, -1);
    lua_pop(lua, 1);
    return !less;
}

/* table.sort, stable: Lua's own picks pivots by the clock, which shows in the order of equal elements. */
static int stable_sort(lua_State *lua)
{
    lua_Integer count;

    luaL_checktype(lua, 1, LUA_TTABLE);
    if (!lua_isnoneornil(lua, 2))
        luaL_checktype(lua, 2, LUA_TFUNCTION);
    lua_settop(lua, 2);
    count = luaL_len(lua, 1);
    luaL_argcheck(lua, count < INT_MAX, 1, "array too big");
    lua_newtable(lua);
    merge_sort(lua, 1, 3, 1, count, values_in_order);
    return 0;
}

/* Pushes the value as text without an address. */
static void push_text(lua_State *lua, int index)
{
    int type = lua_type(lua, index);

    if ((type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TTHREAD || type == LUA_TUSERDATA ||
         type == LUA_TLIGHTUSERDATA)) {
        if (luaL_getmetafield(lua, index, "__tostring") == LUA_TNIL) {
            lua_pushstring(lua, lua_typename(lua, type));
            return;
        }
        lua_pop(lua, 1);
    }
    luaL_tolstring(lua, index, NULL);
}

static int plain_tostring(lua_State *lua)
{
    luaL_checkany(lua, 1);
    push_text(lua, 1);
    return 1;
}

/* The function that ours stands in for runs in our place, so that its errors name it and the script's line. */
static int original(lua_State *lua)
{
    return lua_tocfunction(lua, lua_upvalueindex(1))(lua);
}

/* upvalue: string.format */
static int plain_format(lua_State *lua)
{
    size_t len;
    const char *at = luaL_checklstring(lua, 1, &len), *end = at + len;

    while ((at = memchr(at, '%', (size_t)(end - at))) != NULL) {
        at += 1 + strspn(at + 1, "-+ #0123456789.");
        luaL_argcheck(lua, *at != 'p', 1, "%p would show an address");
        if (at < end)
            at++;
    }
    for (int i = lua_gettop(lua); i > 1; i--) {
        int type = lua_type(lua, i);

        if (type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TBOOLEAN || type == LUA_TNIL)
            continue;
        push_text(lua, i);
        lua_replace(lua, i);
    }
    return original(lua);
}

/* upvalue: setmetatable */
static int safe_setmetatable(lua_State *lua)
{
    if (lua_istable(lua, 2)) {
        lua_getfield(lua, 2, "__gc");
        luaL_argcheck(lua, lua_isnil(lua, -1), 2, "__gc runs whenever memory is collected: not in a fixed order");
        lua_pop(lua, 1);
    }
    return original(lua);
}

static uint64_t draw_below(lua_State *lua, uint64_t n)
{
    struct scenario *scenario = scenario_of(lua);

    if (scenario->world == NULL)
        luaL_error(lua, "math.random() before world{}: there is no seed yet");
    return rng_below(&scenario->rng, n);
}

/* math.random() -> [0, 1); (m) -> 1..m; (m, n) -> m..n: from the scenario's stream. */
static int seeded_random(lua_State *lua)
{
    lua_Integer low = 1, high;

    switch (lua_gettop(lua)) {
    case 0:
        lua_pushnumber(lua, (lua_Number)draw_below(lua, UINT64_C(1) << 53) / (lua_Number)(UINT64_C(1) << 53));
        return 1;
    case 1:
        high = luaL_checkinteger(lua, 1);
        break;
    default:
        low = luaL_checkinteger(lua, 1);
        high = luaL_checkinteger(lua, 2);
    }
    luaL_argcheck(lua, low <= high, lua_gettop(lua), "interval is empty");
    luaL_argcheck(lua, (lua_Unsigned)high - (lua_Unsigned)low < UINT64_MAX, 1, "interval is too large");
    lua_pushinteger(lua,
                    (lua_Integer)((lua_Unsigned)low + draw_below(lua, (lua_Unsigned)high - (lua_Unsigned)low + 1)));
    return 1;
}

static void replace_with(lua_State *lua, const char *library, const char *name, lua_CFunction function)
{
    lua_getglobal(lua, library);
    lua_getfield(lua, -1, name);
    lua_pushcclosure(lua, function, 1);
    lua_setfield(lua, -2, name);
    lua_pop(lua, 1);
}

static void remove_from(lua_State *lua, const char *library, const char *name)
{
    lua_getglobal(lua, library);
    lua_pushnil(lua);
    lua_setfield(lua, -2, name);
    lua_pop(lua, 1);
}

void sandbox_open(lua_State *lua)
{
    static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},
                                         {LUA_TABLIBNAME, luaopen_table},
                                         {LUA_STRLIBNAME, luaopen_string},
                                         {LUA_MATHLIBNAME, luaopen_math},
                                         {LUA_UTF8LIBNAME, luaopen_utf8}};

    for (size_t i = 0; i < ARRAY_LEN(libraries); i++) {
        luaL_requiref(lua, libraries[i].name, libraries[i].func, 1);
        lua_pop(lua, 1);
    }
    for (size_t i = 0; i < ARRAY_LEN(removed_globals); i++) {
        lua_pushnil(lua);
        lua_setglobal(lua, removed_globals[i]);
    }
    remove_from(lua, "string", "dump");
    remove_from(lua, "math", "randomseed");
    replace_with(lua, LUA_GNAME, "pairs", sorted_pairs);
    replace_with(lua, LUA_GNAME, "next", sorted_next);
    replace_with(lua, LUA_GNAME, "tostring", plain_tostring);
    replace_with(lua, LUA_GNAME, "setmetatable", safe_setmetatable);
    replace_with(lua, "string", "format", plain_format);
    replace_with(lua, "table", "sort", stable_sort);
    replace_with(lua, "math", "random", seeded_random);
}
