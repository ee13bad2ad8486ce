/* The library that scripts see: closed, the same on every run, bounded. */
#include <string.h>

#include "tests/support/check_main.h"
#include "tests/support/script.h"

#define WORLD "local net = world { nodes = 5 }\n"

/* Nothing of it reaches the machine, and nothing makes code or threads. */
START_TEST(sandbox_is_closed)
{
    static const char *const gone[] = {"io",     "os",          "package",        "debug",   "coroutine",
                                       "load",   "loadfile",    "dofile",         "require", "collectgarbage",
                                       "xpcall", "string.dump", "math.randomseed"};
    struct script script;
    char text[128];

    script_init(&script);
    for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
        snprintf(text, sizeof(text), WORLD "expect(%s == nil, 'no %s')", gone[i], gone[i]);
        script_holds(&script, text);
    }
    script_refused(&script, "require 'x'", "test.lua:1:");
    script_refused(&script, "\x1bLua", "binary chunk");
    script_refused(&script, "getmetatable('').__index.dump(print)", "test.lua:1:");
    script_fini(&script);
}
END_TEST

/* Numbers, then texts, then booleans, each ascending, then the world's objects by kind and number: however the table
 * came to be. */
START_TEST(sandbox_walks_tables_by_key)
{
    struct script script;

    script_init(&script);
    script_holds(
        &script, WORLD
        "local alice, bob = net:client 'Alice', net:client 'Bob'\n"
        "local t = { [net:node(3)] = 1, z = 1, [true] = 1, [2.5] = 1, [bob] = 1, [10] = 1, a = 1, [net:node(1)] = 1, "
        "[-1] = 1, [false] = 1, aa = 1, [net] = 1, [alice] = 1, [''] = 1 }\n"
        "local function keys(walk)\n"
        "  local list = {}\n"
        "  walk(function(k) list[#list + 1] = tostring(k) end)\n"
        "  return table.concat(list, ' ')\n"
        "end\n"
        "local wanted = '-1 2.5 10  a aa z false true net node 1 node 3 Alice Bob'\n"
        "local by_pairs = keys(function(see) for k in pairs(t) do see(k) end end)\n"
        "local by_next = keys(function(see) for k in next, t do see(k) end end)\n"
        "expect(by_pairs == wanted, by_pairs)\n"
        "expect(by_next == wanted, by_next)\n"
        "expect(next({}) == nil and next({}, 5) == nil, 'nothing in nothing')\n");
    script_holds(&script,
                 WORLD "local t, seen = { a = 1, b = 2, c = 3, d = 4 }, ''\n"
                       "for k, v in pairs(t) do seen = seen .. k .. v; t.b, t.c, t.e = nil, 30, 5 end\n"
                       "expect(seen == 'a1c30d4', 'removed keys are passed over, new ones not seen: ' .. seen)\n"
                       "local proxy = setmetatable({}, { __pairs = function() return ipairs({ 7, 8 }) end })\n"
                       "local sum = 0\n"
                       "for _, v in pairs(proxy) do sum = sum + v end\n"
                       "expect(sum == 15, 'a table may say how it is walked')\n");
    script_holds(&script,
                 WORLD "local step, t = pairs({ a = 1 })\n"
                       "local key, value = step(5)\n"
                       "expect(key == 'a' and value == 1 and step(nil) == nil, 'the step trusts no argument')\n");
    script_refused(&script, "for k in pairs({ [{}] = 1 }) do end", "test.lua:1:", "a table as key");
    script_refused(&script, "next({ [print] = 1 })", "test.lua:1:", "a function as key");
    script_refused(&script, "pairs(nil)", "test.lua:1:", "table expected");
    script_fini(&script);
}
END_TEST

START_TEST(sandbox_sorts_stably)
{
    struct script script;

    script_init(&script);
    script_holds(&script, WORLD "local list = {}\n"
                                "for i = 1, 1000 do list[i] = { key = i * 7919 % 10, at = i } end\n"
                                "table.sort(list, function(a, b) return a.key < b.key end)\n"
                                "local ordered = true\n"
                                "for i = 2, #list do\n"
                                "  local a, b = list[i - 1], list[i]\n"
                                "  ordered = ordered and (a.key < b.key or a.key == b.key and a.at < b.at)\n"
                                "end\n"
                                "expect(ordered and #list == 1000, 'equals stay in their order')\n"
                                "local words = { 'b', 'a', 'C' }\n"
                                "table.sort(words)\n"
                                "expect(table.concat(words) == 'Cab', 'by < otherwise')\n"
                                "table.sort({})\n");
    script_refused(&script, "table.sort({ 1, 'x' })", "in test.lua:1", "compare");
    script_refused(&script, "table.sort({ 1 }, 5)", "test.lua:1:", "function expected");
    script_refused(&script, "table.sort(setmetatable({}, { __len = function() return 1 << 40 end }))", "too big");
    script_fini(&script);
}
END_TEST

/* Where something is in memory differs from run to run. */
START_TEST(sandbox_shows_no_addresses)
{
    struct script script;

    script_init(&script);
    script_holds(&script, WORLD
                 "expect(tostring({}) == 'table' and tostring(print) == 'function', 'plain')\n"
                 "expect(string.format('%s %s|%5s|%%p', {}, print, {}) == 'table function|table|%p', 'in texts')\n"
                 "expect(('%s'):format({}) == 'table', 'as a method')\n"
                 "expect(string.format('%d %5.1f %q %s', 3, 2.25, 'x', nil) == '3   2.2 \"x\" nil', 'the rest')\n"
                 "local named = setmetatable({}, { __tostring = function() return 'me' end })\n"
                 "expect(tostring(named) == 'me' and string.format('%s', named) == 'me', 'its own text')\n"
                 "expect(tostring(net) == 'net' and tostring(net:node(2)) == 'node 2', 'objects')\n"
                 "local many = {}\n"
                 "for i = 1, 200 do many[i] = named end\n"
                 "expect(string.format(string.rep('%s', 200), table.unpack(many)) == string.rep('me', 200), 'many')\n"
                 "local ok, message = pcall(function() return {} .. 'x' end)\n"
                 "expect(not ok and not message:find('0x'), message)\n");
    script_refused(&script, "string.format('%p', {})", "test.lua:1:", "%p");
    script_refused(&script, "string.format('%-20p', {})", "test.lua:1:", "%p");
    script_refused(&script, "string.format('\\0 %%%p', {})", "test.lua:1:", "%p");
    script_refused(&script, "string.format('%d', 'x')", "test.lua:1:", "'format'", "number expected");
    script_refused(&script, "error({})", "no text", "in test.lua:1");
    script_run(&script, WORLD "say({}, print, net, 1, nil, true)");
    ck_assert_str_eq(script.out, "table function net 1 nil true\n");
    script_fini(&script);
}
END_TEST

/* Nothing of a script runs when memory is collected. */
START_TEST(sandbox_refuses_finalizers)
{
    struct script script;

    script_init(&script);
    script_refused(&script, "setmetatable({}, { __gc = print })", "test.lua:1:", "__gc");
    script_refused(&script, "setmetatable({}, { __gc = true })", "__gc");
    script_refused(&script, "setmetatable({}, setmetatable({}, { __index = { __gc = print } }))", "__gc");
    script_holds(&script,
                 WORLD "local t = setmetatable({}, { __index = function(_, k) return k end })\n"
                       "expect(t.x == 'x' and getmetatable(setmetatable(t, nil)) == nil, 'all else is as ever')");
    script_refused(&script, "setmetatable(5, {})", "test.lua:1:", "'setmetatable'");
    script_refused(&script, "setmetatable({})", "test.lua:1:", "nil or table expected");
    script_fini(&script);
}
END_TEST

/* One stream, from the seed. */
START_TEST(sandbox_draws_from_the_seed)
{
    static const char draws[] = "world { nodes = 5 }\n"
                                "local list = {}\n"
                                "for i = 1, 20 do list[i] = math.random(1000000) end\n"
                                "say(table.concat(list, ' '))";
    struct script script;
    char first[512];

    script_init(&script);
    script_run(&script, draws);
    snprintf(first, sizeof(first), "%s", script.out);
    ck_assert_uint_gt(strlen(first), 60);
    script_run(&script, draws);
    ck_assert_str_eq(script.out, first);
    script.config.seed_given = true;
    script.config.seed = 2;
    script_run(&script, draws);
    ck_assert_str_ne(script.out, first);
    script_holds(&script,
                 WORLD "local low, high, ends = 1, 0, {}\n"
                       "for _ = 1, 1000 do\n"
                       "  local x = math.random()\n"
                       "  low, high = math.min(low, x), math.max(high, x)\n"
                       "  ends[math.random(3)], ends[math.random(-1, 0)] = true, true\n"
                       "end\n"
                       "expect(low >= 0 and low < 0.05 and high < 1 and high > 0.95, 'in [0, 1)')\n"
                       "for i = -1, 3 do expect(ends[i], 'both ends are drawn') end\n"
                       "expect(ends[4] == nil and ends[-2] == nil, 'and nothing beyond')\n"
                       "expect(math.random(7, 7) == 7, 'no choice')\n"
                       "expect(math.type(math.random(math.mininteger, math.maxinteger - 1)) == 'integer', 'wide')\n");
    script_refused(&script, WORLD "math.random(0)", "test.lua:2:", "interval is empty");
    script_refused(&script, WORLD "math.random(2, 1)", "interval is empty");
    script_refused(&script, WORLD "math.random(1.5)", "test.lua:2:");
    script_refused(&script, WORLD "math.random(math.mininteger, math.maxinteger)", "too large");
    script_refused(&script, "math.random()", "test.lua:1:", "before world{}");
    script_fini(&script);
}
END_TEST

/* No pcall holds the limit up, and it counts from wait to wait. */
START_TEST(sandbox_bounds_instructions)
{
    struct script script;

    script_init(&script);
    script_refused(&script, "\nwhile true do end", "in test.lua:2", "instructions");
    script_refused(&script, "local s\nfor i = 1, 1e15, 4096 do s = string.rep('x', i % 1e8) end", "copied too much");
    script_refused(&script, "while true do pcall(function() while true do end end) end", "instructions");
    script_refused(
        &script,
        "local c <close> = setmetatable({}, { __close = function() while true do end end })\nwhile true do end",
        "instructions");
    script_refused(&script, WORLD "net:at(5, function() while true do end end)\nnet:run '1s'", "in test.lua:2",
                   "instructions", "virtual time 0.005 s", "seed 1");
    script_refused(&script, "local function f() return f() + 1 end f()", "test.lua:1:", "stack overflow");
    script_holds(&script, WORLD "for _ = 1, 4 do\n"
                                "  for _ = 1, 15000000 do end\n" /* half of the limit, and more between waits */
                                "  net:run(1)\n"
                                "end\n"
                                "expect(net.now_ms == 4, 'a wait begins a new step')");
    script_fini(&script);
}
END_TEST

/* A script that waits for nothing would stand still in time. */
START_TEST(sandbox_bounds_steps_without_time)
{
    struct script script;

    script_init(&script);
    script_refused(&script, WORLD "while true do net:run(0) end", "no time passed");
    script_refused(&script, WORLD "local function again() net:at(0, again) end\nagain()\nnet:run '1s'",
                   "no time passed");
    script_holds(&script, WORLD "for _ = 1, 1000 do net:run(0) end\nexpect(net.now_ms == 0, 'some are fine')");
    script_fini(&script);
}
END_TEST

START_TEST(sandbox_bounds_memory)
{
    struct script script;

    script_init(&script);
    script_refused(&script, "local t = string.rep('x', 2^31 - 1)", "not enough memory");
    script_refused(&script, "string.rep('x', 1 << 40)", "too large");
    script_holds(&script, WORLD "local ok = pcall(string.rep, 'x', (1 << 31) - 1)\n"
                                "expect(not ok and #string.rep('x', 1000000) == 1000000, 'and goes on')");
    script_fini(&script);
}
END_TEST

TEST_MAIN("scenario_sandbox", sandbox_is_closed, sandbox_walks_tables_by_key, sandbox_sorts_stably,
          sandbox_shows_no_addresses, sandbox_refuses_finalizers, sandbox_draws_from_the_seed,
          sandbox_bounds_instructions, sandbox_bounds_steps_without_time, sandbox_bounds_memory)
