/* What scripts can ask of users and messages, and let users do; what the oracle says of it. */
#include "tests/support/check_main.h"
#include "tests/support/stories.h"

/* ---- clients and messages ---- */

START_TEST(a_message_travels)
{
    story_holds(
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
    story_holds(MESSAGE
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
    story_holds(FRIENDS "bob:listen()\n"
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
    story_holds(PEOPLE
                "alice:cut_off(true)\n"
                "local m = alice:befriend(bob, 'hello')\n"
                "net:run '30m'\n"
                "expect(m.state == 'failed' and m.err ~= nil and #m.stored_at == 0, 'no way out')\n"
                "expect(net.losses[1].cause == 'not sent', net.losses[1].cause)\n"
                "alice:cut_off(false)\n"
                "alice:drop_calls(1)\n"
                "local n = alice:befriend(bob, 'again')\n"
                "expect(net:wait_for('5m', function() return n.state == 'stored' end), 'one lost call is no harm')\n"
                "alice:drop_calls(0)\n");
    story_holds(PEOPLE "alice:clock_skew(5000)\n"
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
    story_holds(
        PEOPLE
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
    story_holds(PEOPLE
                "alice:befriend(bob, 'I am Alice')\n"
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
    story_holds(
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
    story_holds(FRIENDS
                "local m = alice:send(bob, 'hello')\n"
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
    story_holds(PEOPLE "local m = alice:befriend(bob, 'hello')\n"
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
    story_holds(PEOPLE
                "local m = alice:befriend(bob, 'hello')\n"
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
    story_holds(PEOPLE "local m = alice:befriend(bob, 'hello')\n"
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
    story_holds(
        "local net = world { nodes = 16 }\n"
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
    story_holds(
        "local net = world { nodes = 12, keep = { 'stored', 'snode_swarm', 'onion_sent' }, blocks = false }\n"
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

TEST_MAIN("scenario_clients", a_message_travels, clients_tell_of_themselves, clients_listen_until_they_stop,
          clients_suffer, clients_become_friends, clients_meet_online, clients_die_and_come_back, losses_have_causes,
          what_ended_a_message_first_is_its_cause, a_node_that_left_holds_nothing_for_its_swarm,
          records_are_kept_as_asked)
