/* What scripts can ask of the net and its nodes, and do to them. */
#include "tests/support/check_main.h"
#include "tests/support/stories.h"

/* ---- the net ---- */

/* Time passes only where a script waits, and exactly as far as it says. */
START_TEST(net_runs_by_texts_and_numbers)
{
    story_holds(
        WORLD "expect(net.now_ms == 0 and net.clock == '0:00:00.000' and net.unix_ms == 1569888000000, 'begins at 0')\n"
              "net:run '1m'\n"
              "expect(net.now_ms == 60000 and net.clock == '0:01:00.000', 'a text')\n"
              "net:run(0.25)\n"
              "expect(net.now_ms == 60000.25 and net.unix_ms == 1569888060000, 'a fraction of a millisecond')\n"
              "net:run '2d'\n"
              "expect(net.clock == '48:01:00.000', 'hours go on')\n");
}
END_TEST

/* It asks at once and then every 100 ms, the last time at the limit itself. */
START_TEST(net_waits_for_a_condition)
{
    story_holds(WORLD
                "local asked = {}\n"
                "local held = net:wait_for('350ms', function() asked[#asked + 1] = net.now_ms end)\n"
                "expect(held == false and table.concat(asked, ' ') == '0.0 100.0 200.0 300.0 350.0', "
                "table.concat(asked, ' '))\n"
                "expect(net:wait_for('1m', function() return true end) == true and net.now_ms == 350, 'at once')\n"
                "expect(net:wait_for('1m', function() return net.now_ms > 500 end), 'in time')\n"
                "expect(net.now_ms == 550, 'and no later: ' .. net.now_ms)\n"
                "expect(net:wait_for('100ms', function() return net.now_ms >= 650 end), 'at the limit')\n"
                "expect(net:wait_for(0, function() return nil end) == false, 'no time at all')\n");
}
END_TEST

/* Steps run at their times; of those due at once the one that began to wait first goes first. A step may wait, and
 * start others; what is past is now. */
START_TEST(net_runs_steps_at_their_times)
{
    story_holds(WORLD
                "local story = {}\n"
                "local function tell(what) story[#story + 1] = what .. '@' .. string.format('%g', net.now_ms) end\n"
                "net:at('2s', function() tell 'b' end)\n"
                "net:at('1s', function() tell 'a'; net:run '1s'; tell 'a' end)\n"
                "net:at('2s', function()\n"
                "  tell 'c'\n"
                "  net:at(0, function() tell 'past' end)\n"
                "  local became = net:wait_for('1s', function() return net.now_ms == 2500 end)\n"
                "  tell(became and 'c' or 'late')\n"
                "end)\n"
                "net:run '2s'\n"
                "tell 'main'\n"
                "net:run '1s'\n"
                "expect(table.concat(story, ' ') == 'a@1000 b@2000 c@2000 main@2000 a@2000 past@2000 c@2500', "
                "table.concat(story, ' '))\n"
                "net:at('1h', function() tell 'never' end)\n"); /* the script's own end is the run's */
}
END_TEST

START_TEST(net_knows_who_is_there)
{
    story_holds(PEOPLE
                "local three = net:clients(3)\n"
                "local more = net:clients(2, 'phone')\n"
                "expect(#net.nodes == 12 and net.nodes[1] == net:node(0) and net.nodes[12].number == 11, 'nodes')\n"
                "expect(alice.name == 'Alice' and tostring(bob) == 'Bob' and bob.number == 1, 'clients')\n"
                "expect(#three == 3 and three[3].name == 'user 3' and three[1].number == 2, 'by default: users')\n"
                "expect(#more == 2 and more[1].name == 'phone 1' and #net:clients(0) == 0, 'as it is said')\n"
                "expect(net.swarm_count == 1 and net.height == 1 and net.swarm_sizes[12] == 1, 'one swarm of all')\n"
                "local swarm = net:swarm_of(bob)\n"
                "expect(#swarm.nodes == 12 and swarm.left == swarm.id and swarm.right == swarm.id, 'that is the swarm "
                "of all')\n"
                "expect(#swarm.position == 16 and swarm.id == net:node(5).swarm, 'ids are 16 digits')\n"
                "expect(net:swarm_of(bob.id).position == swarm.position, 'an id will do')\n");
    story_holds(
        "local net = world { nodes = 40 }\n"
        "local alice = net:client 'Alice'\n"
        "local swarm, sizes = net:swarm_of(alice), 0\n"
        "for size, count in pairs(net.swarm_sizes) do sizes = sizes + size * count end\n"
        "expect(net.swarm_count > 1 and sizes == 40, 'everybody is in a swarm')\n"
        "local nearer = swarm.left_distance <= swarm.right_distance and swarm.left or swarm.right\n"
        "expect(swarm.id == nearer and swarm.left ~= swarm.right, 'the nearer side')\n"
        "for _, node in ipairs(swarm.nodes) do expect(node.swarm == swarm.id, 'its members think so, too') end\n");
}
END_TEST

START_TEST(net_changes)
{
    story_holds("local net = world { nodes = 12, difficulty_delay = 0, keep = { 'difficulty', 'block' } }\n"
                "net:block()\n"
                "expect(net.height == 2, 'a block on demand')\n"
                "local new = net:register()\n"
                "expect(new.number == 12 and new.alive and new.swarm == nil, 'it waits for a block')\n"
                "net:run '3m'\n"
                "expect(new.swarm ~= nil and #net.nodes == 13 and net.height == 3, 'blocks come by themselves')\n"
                "expect(net:records('block')[1].nodes == 13, 'the trace says it')\n"
                "net:set_difficulty(7)\n"
                "net:run '1s'\n"
                "local told = net:records('difficulty', function(r) return r.difficulty == 7 end)\n"
                "expect(#told == 13 and told[1].who == net:node(0), 'all nodes heard of it')\n");
    story_holds("local net = world { nodes = 5, blocks = false }\n"
                "net:register()\n"
                "net:run '1h'\n"
                "expect(net.height == 2, 'without blocks of their own: one for what has changed')\n");
}
END_TEST

/* The live network's history: who left, who came. */
START_TEST(net_follows_history)
{
    story_holds(
        "local net = world { snapshot = '2026-04-08' }\n"
        "local history = net:history(2098640)\n"
        "expect(#net.nodes == 1553 and net.swarm_count == 265 and net.height == 2084231, 'the snapshot')\n"
        "expect(history.date == '2026-04-28' and history.blocks == 14409, 'the later one')\n"
        "expect(#net.nodes - #history.departures + #history.arrivals == 1262, 'its size')\n"
        "local swarms, nodes = 0, 0\n"
        "for size, count in pairs(history.sizes) do swarms, nodes = swarms + count, nodes + size * count end\n"
        "expect(swarms == history.swarms and swarms == 252 and nodes == 1262, 'its swarms')\n"
        "local new = net:register(history.arrivals[1])\n"
        "expect(new.number == 1553, 'one arrives')\n"
        "expect(not pcall(net.register, net, history.arrivals[1]), 'only once')\n"
        "for _, wrong in ipairs { {}, { identity = -1, host = 0 }, { identity = 1 << 40, host = 0 }, { identity = 1, "
        "host = -1 } } do\n"
        "  expect(not pcall(net.register, net, wrong), 'what is no arrival is refused')\n"
        "end\n"
        "expect(not pcall(net.history, net, 2055136), 'an earlier snapshot is no future')\n"
        "history.departures[1]:exit()\n");
}
END_TEST

/* ---- nodes ---- */

START_TEST(nodes_tell_of_themselves)
{
    story_holds(
        MESSAGE
        "local node = net:node(3)\n"
        "expect(node.name == 'node 3' and node.number == 3 and node.address == '127.1.4.7:22021', node.address)\n"
        "expect(#node.key == 64 and node.alive and #node.swarm == 16, 'who it is')\n"
        "expect(node:holds(m) and node:held_for(bob) == 1 and node:held_for(alice.id) == 0, 'what it holds')\n"
        "local counts = node:counts()\n"
        "expect(counts.records == 1 and counts.bytes > 500 and counts.stored == 1, 'what it counts')\n"
        "for _, name in ipairs { 'duplicates', 'refused_full', 'expired', 'onions_open', 'listeners', "
        "'pushes_given_up' } do\n"
        "  expect(math.type(counts[name]) == 'integer', name)\n"
        "end\n");
}
END_TEST

START_TEST(nodes_die_and_come_back)
{
    story_holds(MESSAGE "local node = net:node(3)\n"
                        "node:kill()\n"
                        "node:kill()\n"
                        "expect(not node.alive and node.swarm == nil and #m.holders == 11, 'dead')\n"
                        "expect(not pcall(node.counts, node) and not pcall(node.holds, node, m), 'tells nothing')\n"
                        "node:restart()\n"
                        "node:restart()\n"
                        "expect(node.alive and node:holds(m) and #m.holders == 12, 'back, with its disk')\n"
                        "expect(node:counts().stored == 0, 'as a new machine')\n");
}
END_TEST

START_TEST(nodes_leave_the_chain)
{
    story_holds(
        "local net = world { nodes = 20, keep = { 'block' } }\n"
        "net:node(0):exit()\n"
        "net:node(0):exit()\n"
        "net:node(1):decommission()\n"
        "net:run '3m'\n"
        "local blocks = net:records 'block'\n"
        "expect(blocks[#blocks].nodes == 19, 'one is gone, one is still listed')\n"
        "expect(net:node(0).alive and net:node(0).swarm == nil and net:node(1).swarm == nil, 'their machines go on')\n"
        "net:node(1):recommission()\n"
        "net:node(0):recommission()\n" /* it is not on the chain: nothing happens */
        "net:run '3m'\n"
        "expect(net:node(1).swarm ~= nil and net:node(0).swarm == nil, 'one comes back')\n");
}
END_TEST

/* A node that is cut off or whose clock is wrong is not asked a second time in vain: the message arrives all the same.
 */
START_TEST(nodes_suffer)
{
    story_holds(PEOPLE "for i = 0, 2 do net:node(i):cut_off(true) end\n"
                       "net:node(3):clock_skew(-3600000)\n"
                       "local m = alice:befriend(bob, 'hello')\n"
                       "expect(net:wait_for('30m', function() return m.state == 'stored' end), 'it gets through')\n"
                       "net:run '10m'\n"
                       "expect(not net:node(0):holds(m), 'but not to those')\n"
                       "for i = 0, 2 do net:node(i):cut_off(false) end\n"
                       "net:run '1h'\n"
                       "expect(net.push_bytes.relay > 0, 'the others pushed it')\n");
}
END_TEST

TEST_MAIN("scenario_net", net_runs_by_texts_and_numbers, net_waits_for_a_condition, net_runs_steps_at_their_times,
          net_knows_who_is_there, net_changes, net_follows_history, nodes_tell_of_themselves, nodes_die_and_come_back,
          nodes_leave_the_chain, nodes_suffer)
