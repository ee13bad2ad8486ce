/* What scripts can ask of the world and do to it, each member at least once; tasks, expectations, the end of a run. */
#include "sim/scenario.h"

#include <string.h>
#include <unistd.h>

#include "tests/support/check_main.h"
#include "tests/support/script.h"

#define WORLD  "local net = world { nodes = 12 }\n"
#define PEOPLE WORLD "local alice, bob = net:client 'Alice', net:client 'Bob'\n"
#define MESSAGE                                                                                                        \
    PEOPLE "local m = alice:befriend(bob, 'hello')\n"                                                                  \
           "net:wait_for('2m', function() return m.state == 'stored' end)\n"                                           \
           "net:run '5s'\n"

#define FRIENDS                                                                                                        \
    PEOPLE "alice:befriend(bob, 'I am Alice')\n"                                                                       \
           "net:run '10s'\nbob:poll()\nnet:run '10s'\nbob:accept(alice)\n"                                             \
           "net:run '10s'\nalice:poll()\nnet:run '10s'\n"

static void holds(const char *text)
{
    struct script script;

    script_init(&script);
    script_holds(&script, text);
    script_fini(&script);
}

/* ---- the net ---- */

/* Time passes only where a script waits, and exactly as far as it says. */
START_TEST(net_runs_by_texts_and_numbers)
{
    holds(WORLD
          "expect(net.now_ms == 0 and net.clock == '0:00:00.000' and net.unix_ms == 1569888000000, 'begins at 0')\n"
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
    holds(WORLD "local asked = {}\n"
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
    holds(WORLD "local story = {}\n"
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
    holds(PEOPLE "local three = net:clients(3)\n"
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
    holds("local net = world { nodes = 40 }\n"
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
    holds("local net = world { nodes = 12, difficulty_delay = 0, keep = { 'difficulty', 'block' } }\n"
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
    holds("local net = world { nodes = 5, blocks = false }\n"
          "net:register()\n"
          "net:run '1h'\n"
          "expect(net.height == 2, 'without blocks of their own: one for what has changed')\n");
}
END_TEST

/* The live network's history: who left, who came. */
START_TEST(net_follows_history)
{
    holds("local net = world { snapshot = '2026-04-08' }\n"
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
    holds(MESSAGE
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
    holds(MESSAGE "local node = net:node(3)\n"
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
    holds(
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
    holds(PEOPLE "for i = 0, 2 do net:node(i):cut_off(true) end\n"
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

/* ---- clients and messages ---- */

START_TEST(a_message_travels)
{
    holds(
        MESSAGE
        "expect(m.sender == alice and m.recipient == bob and m.state == 'stored' and m.err == nil, 'sent')\n"
        "expect(#m.hash == 128 and m.trials > 0 and m.ttl_ms == 4 * 86400000, 'with its proof')\n"
        "expect(m.routing == 'asynchronous' and m.stored_count == 3, 'through the swarm')\n"
        "expect(#m.stored_at == 3 and #m.holders == 12 and tostring(m) == 'message 1 of Alice', 'kept')\n"
        "expect(not m.delivered and m.shown_count == 0 and m.delay_ms == nil, 'not yet fetched')\n"
        "expect(net.sent == 1 and net.delivered == 0 and net.lost == 1, 'counted')\n"
        "local loss = net.losses[1]\n"
        "expect(#net.losses == 1 and loss.sender == alice and loss.recipient_id == bob.id and loss.sent_ms < 100, 'as "
        "missing')\n"
        "expect(loss.cause == 'stored, not fetched by the end', loss.cause)\n"
        "expect(not bob:has_request_from(alice) and #bob.inbox == 0 and not bob.polling, 'Bob sleeps')\n"
        "bob:poll()\n"
        "expect(bob.polling, 'Bob looks')\n"
        "net:wait_for('2m', function() return not bob.polling end)\n"
        "expect(m.delivered and m.shown_count == 1 and m.delay_ms > 5000, 'delivered')\n"
        "expect(bob:has_request_from(alice) and bob:has_request_from(alice.id), 'from her')\n"
        "expect(not alice:has_request_from(bob), 'not from him')\n"
        "local got = bob.inbox[1]\n"
        "expect(#bob.inbox == 1 and got.from == alice and got.from_id == alice.id and got.text == 'hello', 'what')\n"
        "expect(got.display_name == 'Alice' and got.timestamp_ms == 1569888000000 and got.shown_ms > "
        "got.timestamp_ms, 'when')\n"
        "expect(net.delivered == 1 and net.lost == 0 and net.duplicates == 0 and #net.losses == 0, 'all is well')\n"
        "net:run '5d'\n"
        "expect(#m.holders == 0, 'forgotten')\n");
}
END_TEST

START_TEST(clients_tell_of_themselves)
{
    holds(MESSAGE
          "expect(#alice.id == 66 and alice.id:sub(1, 2) == '05' and not alice.busy, 'who')\n"
          "expect(#alice.paths >= 2 and #alice.paths[1] == 3 and alice.paths[1][1].alive, 'her paths')\n"
          "local seen = {}\n"
          "for _, path in ipairs(alice.paths) do for _, node in ipairs(path) do\n"
          "  expect(not seen[node], 'no node twice')\n"
          "  seen[node] = true\n"
          "end end\n"
          "expect(#alice:cached_swarm(bob) == 12 and #alice:cached_swarm(alice) == 0, 'whose swarm she knows')\n"
          "alice:befriend(net:client('Carol').id, 'by an id')\n"
          "expect(alice.busy, 'at work')\n"
          "local nobody = alice:befriend('05' .. string.rep('9', 64), 'to nobody here')\n"
          "expect(nobody.recipient == '05' .. string.rep('9', 64), 'an id that nobody has')\n");
}
END_TEST

START_TEST(clients_listen_until_they_stop)
{
    holds(FRIENDS "bob:listen()\n"
                  "net:run '1m'\n"
                  "local m = alice:send(bob, 'hello')\n"
                  "expect(net:wait_for('2m', function() return m.delivered end), 'a held poll answers')\n"
                  "bob:stop()\n"
                  "net:run '2m'\n"
                  "local n = alice:send(bob, 'are you there?')\n"
                  "net:run '10m'\n"
                  "expect(not n.delivered and not bob.polling and not bob.listening, 'he has stopped')\n"
                  "bob:listen(false)\n"
                  "expect(net:wait_for('2m', function() return n.delivered end), 'without holding')\n"
                  "bob:stop()\n");
}
END_TEST

START_TEST(clients_suffer)
{
    holds(PEOPLE "alice:cut_off(true)\n"
                 "local m = alice:befriend(bob, 'hello')\n"
                 "net:run '30m'\n"
                 "expect(m.state == 'failed' and m.err ~= nil and #m.stored_at == 0, 'no way out')\n"
                 "expect(net.losses[1].cause == 'not sent', net.losses[1].cause)\n"
                 "alice:cut_off(false)\n"
                 "alice:drop_calls(1)\n"
                 "local n = alice:befriend(bob, 'again')\n"
                 "expect(net:wait_for('5m', function() return n.state == 'stored' end), 'one lost call is no harm')\n"
                 "alice:drop_calls(0)\n");
    holds(PEOPLE "alice:clock_skew(5000)\n"
                 "alice:befriend(bob, 'hello')\n"
                 "net:run '1m'\n"
                 "bob:poll()\n"
                 "net:run '1m'\n"
                 "expect(bob.inbox[1].timestamp_ms == 1569888005000, 'her clock is ahead')\n");
}
END_TEST

/* From a stranger to a friend, or not. */
START_TEST(clients_become_friends)
{
    holds(PEOPLE
          "expect(alice:friend_state(bob) == 'none', 'strangers')\n"
          "expect(not pcall(alice.send, alice, bob, 'x') and not pcall(bob.accept, bob, alice), 'nothing to say yet')\n"
          "alice:befriend(bob, 'I am Alice')\n"
          "expect(alice:friend_state(bob) == 'sending', 'on its way')\n"
          "net:run '10s'\n"
          "expect(alice:friend_state(bob) == 'asked', 'stored')\n"
          "bob:poll()\n"
          "net:run '10s'\n"
          "expect(bob:friend_state(alice) == 'asking' and bob.inbox[1].request, 'he is asked')\n"
          "bob:accept(alice)\n"
          "local m = bob:send(alice, 'so we are friends')\n"
          "expect(bob:friend_state(alice) == 'friends', 'he says yes')\n"
          "net:run '10s'\n"
          "alice:poll()\n"
          "expect(net:wait_for('1m', function() return m.delivered end), 'she reads it')\n"
          "expect(alice:friend_state(bob.id) == 'friends' and not alice.inbox[1].request, 'she knows')\n");
    holds(PEOPLE "alice:befriend(bob, 'I am Alice')\n"
                 "net:run '10s'\nbob:poll()\nnet:run '10s'\n"
                 "bob:decline(alice)\n"
                 "expect(bob:friend_state(alice) == 'none' and not pcall(bob.decline, bob, alice), 'he says no')\n"
                 "net:run '10s'\nalice:poll()\nnet:run '10s'\n"
                 "expect(alice:friend_state(bob) == 'asked', 'she is told nothing')\n"
                 "expect(not pcall(alice.befriend, alice, bob, 'please'), 'and can not insist')\n"
                 "net:run '4d'\n"
                 "expect(alice:friend_state(bob) == 'expired', 'until it has expired')\n"
                 "expect(not pcall(bob.block, bob, bob), 'nobody blocks himself')\n"
                 "bob:block(alice)\n"
                 "alice:befriend(bob, 'please')\n"
                 "net:run '10s'\nbob:poll()\nnet:run '10s'\n"
                 "expect(bob:friend_state(alice) == 'none' and #bob.inbox == 1, 'then he sees no more of it')\n"
                 "bob:block(alice, false)\n"
                 "bob:befriend(alice, 'Sorry')\n"
                 "net:run '10s'\nalice:poll()\nnet:run '10s'\n"
                 "expect(alice:friend_state(bob) == 'friends', 'but may change his mind: both have asked')\n");
}
END_TEST

/* Two friends who are online meet at a listening node. */
START_TEST(clients_meet_online)
{
    holds(
        FRIENDS
        "alice:online()\n"
        "bob:online()\n"
        "expect(net:wait_for('5m', function() return alice.listening and bob.listening end), 'both have a line')\n"
        "alice:send(bob, 'I am online')\n"
        "expect(net:wait_for('5m', function()\n"
        "  return alice:contact_state(bob) == 'online' and bob:contact_state(alice) == 'online'\n"
        "end), 'and find each other')\n"
        "local m = alice:send(bob, 'hello')\n"
        "expect(net:wait_for('10s', function() return m.state == 'acknowledged' end), m.state)\n"
        "expect(m.routing == 'synchronous' and m.delivered and #m.holders == 0 and bob.inbox[#bob.inbox].synchronous, "
        "'nobody kept it')\n"
        "bob:offline()\n"
        "expect(net:wait_for('5m', function() return alice:contact_state(bob) == 'offline' end), 'he says good-bye')\n"
        "expect(not bob.listening, 'and hangs up')\n");
}
END_TEST

/* A device that dies keeps its disk: what was shown is not shown again, who is a friend is still one. */
START_TEST(clients_die_and_come_back)
{
    holds(FRIENDS "local m = alice:send(bob, 'hello')\n"
                  "net:run '10s'\nbob:poll()\nnet:run '10s'\n"
                  "expect(m.delivered, 'shown')\n"
                  "bob:kill()\n"
                  "bob:kill()\n"
                  "expect(not bob.alive and bob.name == 'Bob' and #bob.id == 66 and bob.number == 1, 'who he was')\n"
                  "for _, act in ipairs { 'poll', 'listen', 'stop', 'online', 'offline' } do\n"
                  "  expect(not pcall(bob[act], bob), 'a dead device does nothing')\n"
                  "end\n"
                  "for _, act in ipairs { 'befriend', 'send', 'accept', 'decline', 'block', 'friend_state', "
                  "'contact_state', 'has_request_from', 'cached_swarm' } do\n"
                  "  expect(not pcall(bob[act], bob, alice, 'x'), 'nor does it write or know')\n"
                  "end\n"
                  "for _, field in ipairs { 'busy', 'polling', 'paths', 'inbox', 'listening' } do\n"
                  "  expect(not pcall(function() return bob[field] end), field)\n"
                  "end\n"
                  "bob:restart()\n"
                  "bob:restart()\n"
                  "expect(bob.alive and bob:friend_state(alice) == 'friends', 'as before')\n"
                  "bob:poll()\n"
                  "net:run '10s'\n"
                  "expect(m.shown_count == 1 and net.duplicates == 0, 'nothing twice')\n"
                  "alice:kill()\n"
                  "expect(m.delivered and not pcall(function() return m.state end), 'the oracle still knows')\n"
                  "expect(net.lost == 0 and #net.losses == 0, 'all is well')\n");
}
END_TEST

/* ---- what the oracle says ---- */

START_TEST(losses_have_causes)
{
    holds(PEOPLE "local m = alice:befriend(bob, 'hello')\n"
                 "net:run '50ms'\n"
                 "expect(net.losses[1].cause == 'still being sent at the end', net.losses[1].cause)\n"
                 "net:run '1m'\n"
                 "expect(net.losses[1].cause == 'stored, not fetched by the end', net.losses[1].cause)\n"
                 "net:run(m.ttl_ms - 61000)\n"
                 "expect(net.losses[1].cause == 'stored, not fetched by the end', net.losses[1].cause)\n"
                 "net:run '2s'\n"
                 "expect(net.losses[1].cause == 'expired before the recipient asked', net.losses[1].cause)\n"
                 "net:run '1h'\n"
                 "expect(net.losses[1].cause == 'expired before the recipient asked', net.losses[1].cause)\n");
}
END_TEST

/* Whose holders died before its time was over did not expire, however long that is over; one that comes back with its
 * disk in time does hold it until the end. */
START_TEST(what_ended_a_message_first_is_its_cause)
{
    holds(PEOPLE "local m = alice:befriend(bob, 'hello')\n"
                 "net:run '1m'\n"
                 "for _, node in ipairs(net.nodes) do node:kill() end\n"
                 "expect(net.losses[1].cause == 'no node of the swarm holds it any more', net.losses[1].cause)\n"
                 "net:run '3d'\n"
                 "net.nodes[1]:restart()\n"
                 "expect(net.losses[1].cause == 'stored, not fetched by the end', net.losses[1].cause)\n"
                 "net.nodes[1]:kill()\n"
                 "net:run '10d'\n"
                 "expect(net.losses[1].cause == 'no node of the swarm holds it any more', net.losses[1].cause)\n"
                 "for _, node in ipairs(net.nodes) do node:restart() end\n"
                 "net:run '1d'\n"
                 "expect(net.losses[1].cause == 'no node of the swarm holds it any more', net.losses[1].cause)\n");
    holds(PEOPLE "local m = alice:befriend(bob, 'hello')\n"
                 "net:run '1m'\n"
                 "for _, node in ipairs(net.nodes) do node:kill() end\n"
                 "net:run '3d'\n"
                 "net.nodes[1]:restart()\n"
                 "net:run '10d'\n"
                 "net.nodes[1]:kill()\n"
                 "expect(net.losses[1].cause == 'expired before the recipient asked', net.losses[1].cause)\n");
}
END_TEST

/* A node that left the chain goes on holding what it has, for nobody: the recipient does not ask it. */
START_TEST(a_node_that_left_holds_nothing_for_its_swarm)
{
    holds("local net = world { nodes = 16 }\n"
          "local alice, bob = net:client 'Alice', net:client 'Bob'\n"
          "local m = alice:befriend(bob, 'hello')\n"
          "net:run '1m'\n"
          "expect(#m.holders > 1 and net.losses[1].cause == 'stored, not fetched by the end', net.losses[1].cause)\n"
          "local keeper = m.holders[1]\n"
          "for _, node in ipairs(m.holders) do if node ~= keeper then node:kill() end end\n"
          "keeper:cut_off(true)\n" /* so that it hands nothing over */
          "keeper:exit()\n"
          "net:run '10m'\n"
          "expect(#m.holders == 1 and m.holders[1] == keeper, 'it has it still')\n"
          "expect(net.losses[1].cause == 'no node of the swarm holds it any more', net.losses[1].cause)\n"
          "net:run '5d'\n"
          "expect(#m.holders == 0, 'it is over')\n"
          "expect(net.losses[1].cause == 'no node of the swarm holds it any more', net.losses[1].cause)\n");
}
END_TEST

START_TEST(records_are_kept_as_asked)
{
    holds("local net = world { nodes = 12, keep = { 'stored', 'snode_swarm', 'onion_sent' }, blocks = false }\n"
          "local alice, bob = net:client 'Alice', net:client 'Bob'\n"
          "local m = alice:befriend(bob, 'hello')\n"
          "net:run '1m'\n"
          "local stored = net:records 'stored'\n"
          "expect(#stored == 12 and stored[1].account == bob.id and stored[1].hash == m.hash, 'byte strings are hex')\n"
          "expect(stored[1].cause == 0 and stored[12].cause == 1 and stored[1].at_ms < stored[12].at_ms and "
          "stored[1].bytes > 300, "
          "'the rest')\n"
          "local few = net:records('stored', function(r) return r.cause == 0 end)\n"
          "expect(#few == 3, 'as the function chooses')\n"
          "local sent = net:records 'onion_sent'\n"
          "expect(sent[1].method_text == 'get_snodes_for_pubkey' and sent[1].who == alice, sent[1].method_text)\n"
          "expect(#net:records 'snode_swarm' == 0, 'while nothing changes')\n"
          "local new = net:register()\n"
          "net:run '3m'\n"
          "local joined = net:records('snode_swarm', function(r) return r.who == new end)[1]\n"
          "expect(joined.swarm == new.swarm and joined.previous == 'ffffffffffffffff', 'swarms are 16 digits')\n"
          "expect(#net:records 'expired' == 0, 'what was not kept is not there')\n");
}
END_TEST

/* ---- expectations and the end ---- */

/* All are tried; the first line of each names its place, the next how to see it again. */
START_TEST(a_failed_expectation_is_told)
{
    struct script script;

    script_init(&script);
    script.config.replay_options = " --set x=1";
    script_run(&script, WORLD
               "net:run '90s'\nlocal held = expect(1 == 2, 'pigs fly')\nexpect(nil)\nexpect(held == false, 'told')");
    ck_assert_int_eq(script.status, 1);
    ck_assert_uint_eq(script.report.expectations, 3);
    ck_assert_uint_eq(script.report.expectations_failed, 2);
    ck_assert_str_eq(script.err,
                     "test.lua:3: expectation failed: pigs fly\n"
                     "  seed 1, virtual time 90.000 s; to see it again: swarmbed run test.lua --seed 1 --set x=1\n"
                     "test.lua:4: expectation failed: it holds\n"
                     "  seed 1, virtual time 90.000 s; to see it again: swarmbed run test.lua --seed 1 --set x=1\n");
    script_fini(&script);
}
END_TEST

/* The report is the world's at the script's end. */
START_TEST(a_run_is_reported)
{
    struct script script;

    script_init(&script);
    script.config.threads = 2;
    script_run(&script, "local net = world { nodes = 12, seed = 5 }\n"
                        "local a, b = net:client 'A', net:client 'B'\n"
                        "a:befriend(b, 'x')\nnet:run '1m'\nb:poll()\nnet:run '30s'\nexpect(true)");
    ck_assert_int_eq(script.status, 0);
    ck_assert_str_eq(script.report.scenario, "test.lua");
    ck_assert_str_eq(script.report.crypto, "modelled");
    ck_assert_uint_eq(script.report.seed, 5);
    ck_assert_uint_eq(script.report.threads, 2);
    ck_assert_int_eq(script.report.virtual_ms, 90000);
    ck_assert_uint_eq(script.report.nodes, 12);
    ck_assert_uint_eq(script.report.swarms, 1);
    ck_assert_uint_eq(script.report.clients, 2);
    ck_assert_uint_eq(script.report.expectations, 1);
    ck_assert_uint_eq(script.report.totals.sent, 1);
    ck_assert_uint_eq(script.report.totals.delivered, 1);
    ck_assert_uint_gt(script.report.stats.events, 50);
    ck_assert_uint_eq(script.report.metrics.count[TRACE_SHOWN], 1);
    ck_assert(!script.report.interrupted);
    script.config.seed_given = true;
    script.config.seed = 9;
    script_run(&script, "world { nodes = 5, seed = 5 }");
    ck_assert_uint_eq(script.report.seed, 9); /* the command line's counts */
    script_fini(&script);
}
END_TEST

/* say and print tell the story, unless nobody wants it. */
START_TEST(a_story_is_told)
{
    struct script script;

    script_init(&script);
    script_run(&script, WORLD "say('a', 1, 2.5, net)\nprint()");
    ck_assert_str_eq(script.out, "a 1 2.5 net\n\n");
    script.config.story = false;
    script_run(&script, WORLD "say 'a'");
    ck_assert_str_eq(script.out, "");
    script_fini(&script);
}
END_TEST

START_TEST(a_library_is_run)
{
    struct script script;

    script_init(&script);
    script_holds(&script, "local users = use 'users'\n" PEOPLE "users.plan(net, { alice, bob }, 1, 4, 2)\n"
                          "net:run '1d'\n"
                          "users.last_visit(net, { alice, bob })\n"
                          "expect(net.sent >= 2 and net.delivered == net.sent, net.delivered)\n");
    script_refused(&script, "use 'nothing'", "test.lua:1:", "no library \"nothing\"");
    script_refused(&script, "use '../tour'", "no library");
    script_refused(&script, "use(nil)", "test.lua:1:");
    script_fini(&script);
}
END_TEST

/* ---- mistakes ---- */

/* Each is told with its place, and the nearest name. */
START_TEST(mistakes_are_told)
{
    struct script script;

    script_init(&script);
    script_refused(&script, "local x = 1\nlocal = 2", "test.lua:2:", "<name> expected");
    script_refused(&script, "local x = 1", "builds no world", "test.lua");
    script_refused(&script, "", "builds no world");
    script_refused(&script, "error 'enough'", "test.lua:1: enough");
    script_refused(&script, "expect(true)", "test.lua:1:", "before world{}");
    script_refused(&script, PEOPLE "\nalice:befiend(bob, 'x')", "test.lua:4:", "no member of a client \"befiend\"",
                   "\"befriend\"");
    script_refused(&script, WORLD "print(net.nods)", "test.lua:2:", "did you mean \"nodes\"");
    script_refused(&script, WORLD "print(net:node(0).swrm)", "\"swarm\"");
    script_refused(&script, WORLD "print(net[{}])", "test.lua:2:");
    script_refused(&script, WORLD "net.nodes = 5", "test.lua:2:", "a net can't be written to");
    script_refused(&script, WORLD "net.run '5s'", "test.lua:2:", "net expected");
    script_refused(&script, WORLD "net:node(0).kill(net)", "test.lua:2:", "node expected, got net");
    script_refused(&script, WORLD "net:node(12)", "test.lua:2:", "no node has that number");
    script_refused(&script, WORLD "net:node(-1)", "no node has that number");
    script_refused(&script, WORLD "net:records 'stred'", "test.lua:2:", "\"stored\"");
    script_refused(&script, WORLD "net:swarm_of 'me'", "66 hex digits");
    script_refused(&script, WORLD "net:swarm_of(5)", "test.lua:2:", "client expected");
    script_refused(&script, WORLD "net:history(2098640)", "with a snapshot");
    script_refused(&script, WORLD "net:register(5)", "test.lua:2:");
    script_refused(&script, WORLD "net:set_difficulty(0)", "test.lua:2:", "1 to 1000000");
    script_refused(&script, WORLD "net:set_difficulty(1 << 62)", "1 to 1000000");
    script_refused(&script, WORLD "net:client ''", "test.lua:2:", "UTF-8");
    script_refused(&script, WORLD "net:client '\\xff'", "UTF-8");
    script_refused(&script, WORLD "net:client(string.rep('x', 64))", "short");
    script_refused(&script, WORLD "net:clients(-1)", "test.lua:2:", "a number of clients");
    script_refused(&script, WORLD "net:clients(1 << 40)", "a number of clients");
    script_refused(&script, WORLD "net:node(0):clock_skew(math.maxinteger)", "ten years");
    script_refused(&script, WORLD "net:node(0):cut_off(1)", "test.lua:2:", "boolean");
    script_refused(&script, PEOPLE "bob:clock_skew(math.mininteger)", "ten years");
    script_refused(&script, PEOPLE "bob:cut_off()", "boolean");
    script_refused(&script, PEOPLE "bob:drop_calls(-1)", "a number of calls");
    script_refused(&script, PEOPLE "bob:drop_calls(1 << 32)", "a number of calls");
    script_refused(&script, PEOPLE "alice:befriend(alice, 'x')", "test.lua:3:", "refused");
    script_refused(&script, PEOPLE "alice:befriend(bob, '')", "the request is refused");
    script_refused(&script, PEOPLE "alice:befriend(bob, '\\xff')", "the request is refused");
    script_refused(&script, PEOPLE "alice:befriend(bob, string.rep('x', 100000))", "too big");
    script_refused(&script, PEOPLE "alice:befriend('05' .. string.rep('0', 64), 'x')", "test.lua:3:", "refused");
    script_refused(&script, PEOPLE "alice:befriend(bob)", "test.lua:3:", "string expected");
    script_refused(&script, PEOPLE "alice:send(bob, 'x')", "test.lua:3:", "the text is refused");
    script_refused(&script, PEOPLE "alice:accept(bob)", "test.lua:3:", "no request to answer");
    script_refused(&script, PEOPLE "alice:kill()\nalice:poll()", "test.lua:4:", "Alice is not running");
    script_fini(&script);
}
END_TEST

START_TEST(durations_are_checked)
{
    static const char *const wrong[] = {"-1",
                                        "0/0",
                                        "1/0",
                                        "1e300",
                                        "'5'",
                                        "'5 s'",
                                        "'-5s'",
                                        "'5y'",
                                        "''",
                                        "nil",
                                        "{}",
                                        "true",
                                        "'400000d'",
                                        "'99999999999999999999s'",
                                        "'9223372036854775807us'"};
    struct script script;
    char text[256];

    script_init(&script);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        snprintf(text, sizeof(text), WORLD "net:run(%s)", wrong[i]);
        script_refused(&script, text, "test.lua:2:", "a duration is like");
        snprintf(text, sizeof(text), WORLD "net:wait_for(%s, print)", wrong[i]);
        script_refused(&script, text, "test.lua:2:", "a duration is like");
        snprintf(text, sizeof(text), WORLD "net:at(%s, print)", wrong[i]);
        script_refused(&script, text, "test.lua:2:", "a duration is like");
    }
    script_refused(&script, WORLD "net:at('1s', 5)", "test.lua:2:", "function expected");
    script_refused(&script, WORLD "net:wait_for('1s')", "test.lua:2:", "function expected");
    script_fini(&script);
}
END_TEST

/* Only a step itself can wait, not what others call back. */
START_TEST(waiting_where_it_can_not_be_is_an_error)
{
    struct script script;

    script_init(&script);
    script_refused(&script, WORLD "net:wait_for('1s', function() net:run '1s' end)", "test.lua:2:", "can't wait here");
    script_refused(&script, WORLD "table.sort({ 2, 1 }, function() net:run(1) end)", "can't wait here");
    script_refused(&script,
                   "local net = world { nodes = 5, keep = { 'crash' } }\n"
                   "net:node(0):kill()\n"
                   "net:records('crash', function() net:run(1) end)",
                   "test.lua:3:", "can't wait here");
    script_holds(&script, WORLD "local ok = pcall(function() net:run '1s'; error 'x' end)\n"
                                "expect(not ok and net.now_ms == 1000, 'inside a pcall it can')\n");
    script_fini(&script);
}
END_TEST

/* An error in any step ends the run. */
START_TEST(an_error_in_a_step_ends_the_run)
{
    struct script script;

    script_init(&script);
    script_refused(&script, WORLD "net:at('2s', function()\nerror 'in a step' end)\nnet:run '1m'",
                   "test.lua:3: in a step", "virtual time 2.000 s");
    script_refused(&script, PEOPLE "net:wait_for('1m', function() return net.now_ms > 500 and nothing.x end)",
                   "test.lua:3:", "nothing", "virtual time 0.600 s");
    script_fini(&script);
}
END_TEST

/* ---- the trace file ---- */

static char path[64];

static size_t lines_of(const char *name)
{
    FILE *file = fopen(name, "r");
    size_t lines = 0;

    ck_assert_ptr_nonnull(file);
    for (int c; (c = getc(file)) != EOF;)
        lines += c == '\n';
    fclose(file);
    return lines;
}

START_TEST(a_trace_is_written_whole)
{
    struct script script;

    snprintf(path, sizeof(path), "/tmp/swarmbed-test-%d.jsonl", (int)getpid());
    script_init(&script);
    script.config.trace_path = path;
    script_holds(&script, MESSAGE "expect(true)");
    ck_assert_uint_gt(lines_of(path), 100);
    script_run(&script, MESSAGE "error 'x'"); /* what had happened is there even then */
    ck_assert_int_eq(script.status, 2);
    ck_assert_uint_gt(lines_of(path), 100);
    script_refused(&script, "local x = 5", "builds no world");
    unlink(path);
    script_fini(&script);
}
END_TEST

/* A full disk is the machine's failure, whatever the script expects. */
START_TEST(a_trace_that_can_not_be_written_fails_the_run)
{
    struct script script;

    snprintf(path, sizeof(path), "/tmp/swarmbed-test-%d.jsonl", (int)getpid());
    ck_assert_int_eq(symlink("/dev/full", path), 0);
    script_init(&script);
    script.config.trace_path = path;
    script_run(&script, WORLD "net:node(0):kill()\nexpect(true)");
    ck_assert_int_eq(script.status, 3);
    ck_assert_ptr_nonnull(strstr(script.err, path));
    ck_assert_uint_eq(script.report.expectations, 1); /* the report is there */
    script_refused(&script, MESSAGE "error 'enough'", "enough", path);
    unlink(path);
    script.config.trace_path = "/nowhere/x.jsonl";
    script_refused(&script, WORLD, "--trace /nowhere/x.jsonl", "No such file");
    script.config.trace_path = "/tmp/x.txt";
    script_refused(&script, WORLD, "--trace /tmp/x.txt", ".jsonl");
    script_fini(&script);
}
END_TEST

TEST_MAIN("scenario", net_runs_by_texts_and_numbers, net_waits_for_a_condition, net_runs_steps_at_their_times,
          net_knows_who_is_there, net_changes, net_follows_history, nodes_tell_of_themselves, nodes_die_and_come_back,
          nodes_leave_the_chain, nodes_suffer, a_message_travels, clients_tell_of_themselves,
          clients_listen_until_they_stop, clients_suffer, clients_become_friends, clients_meet_online,
          clients_die_and_come_back, losses_have_causes, what_ended_a_message_first_is_its_cause, a_node_that_left_holds_nothing_for_its_swarm, records_are_kept_as_asked, a_failed_expectation_is_told,
          a_run_is_reported, a_story_is_told, a_library_is_run, mistakes_are_told, durations_are_checked,
          waiting_where_it_can_not_be_is_an_error, an_error_in_a_step_ends_the_run, a_trace_is_written_whole,
          a_trace_that_can_not_be_written_fails_the_run)
