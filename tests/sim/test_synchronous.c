/* What synchronous routing must not do (PROTOCOL 9.7), one scenario per rule, in a whole network. */
#include <string.h>

#include "tests/support/check_main.h"
#include "tests/support/script.h"

#define PEOPLE                                                                                                         \
    "local net = world { nodes = 21, observe = true,\n"                                                                \
    "  keep = { 'deliver', 'stored', 'push', 'call', 'pow', 'acknowledged' } }\n"                                      \
    "local alice, bob = net:client 'Alice', net:client 'Bob'\n"                                                        \
    "local function since(kind, from_ms, also)\n"                                                                      \
    "  return net:records(kind, function(r) return r.at_ms >= from_ms and (not also or also(r)) end)\n"                \
    "end\n"
/* Two friends, both online for each other; what was stored on the way is everywhere. */
#define ONLINE                                                                                                         \
    PEOPLE "alice:online() bob:online()\n"                                                                             \
           "alice:befriend(bob, 'It is me')\n"                                                                         \
           "net:wait_for('2m', function() return bob:has_request_from(alice) end)\n"                                   \
           "bob:accept(alice)\n"                                                                                       \
           "local function online()\n"                                                                                 \
           "  return alice:contact_state(bob) == 'online' and bob:contact_state(alice) == 'online'\n"                  \
           "end\n"                                                                                                     \
           "expect(net:wait_for('2m', online), 'online')\n"                                                            \
           "net:run '10s'\n"                                                                                           \
           "local began_ms = net.now_ms\n"
/* A text that goes synchronously. */
#define CHAT                                                                                                           \
    ONLINE "local m = alice:send(bob, 'synchronously')\n"                                                              \
           "expect(net:wait_for('10s', function() return m.state == 'acknowledged' end), 'acknowledged')\n"            \
           "expect(m.delivered and m.routing == 'synchronous', 'delivered')\n"

/* As the listening nodes read it: stores bring what pays for them, deliveries never do. */
START_TEST(no_delivery_brings_a_proof)
{
    story_holds(CHAT "local delivers, proofs, stores, paid = 0, 0, 0, 0\n"
                     "for _, mailbox in ipairs(net:learned(net.nodes).mailboxes) do\n"
                     "  if mailbox.method == 'deliver' then\n"
                     "    delivers, proofs = delivers + mailbox.count, proofs + mailbox.proofs\n"
                     "  elseif mailbox.method == 'store' then\n"
                     "    stores, paid = stores + mailbox.count, paid + mailbox.proofs\n"
                     "  end\n"
                     "end\n"
                     "expect(delivers >= 2 and proofs == 0, 'text and acknowledgement, without')\n"
                     "expect(stores >= 2 and paid == stores, 'request and acceptance, with')\n"
                     "expect(m.trials == 0 and #since('pow', began_ms) == 0, 'and nobody has made one')\n");
}
END_TEST

/* While the text and its acknowledgement go, nodes call nodes for one thing alone: to pass onions on. */
START_TEST(no_node_calls_a_node_because_of_a_delivery)
{
    story_holds(CHAT "net:run '5s'\n"
                     "local nodes = {}\n"
                     "for _, node in ipairs(net.nodes) do nodes[node] = true end\n"
                     "local calls = since('call', began_ms, function(r) return nodes[r.who] end)\n"
                     "expect(#calls > 0, 'onions are passed on')\n"
                     "for _, call in ipairs(calls) do\n"
                     "  expect(call.path_text == '/sn.onion_request', 'and nothing else: ' .. call.path_text)\n"
                     "end\n"
                     "expect(#since('push', began_ms) == 0, 'no batch')\n");
}
END_TEST

/* No record is written anywhere, and the listening node counts none. */
START_TEST(no_delivery_is_stored)
{
    story_holds(
        ONLINE
        "local before = {}\n"
        "for _, node in ipairs(net.nodes) do before[node] = node:counts().stored end\n"
        "local m = alice:send(bob, 'synchronously')\n"
        "expect(net:wait_for('10s', function() return m.state == 'acknowledged' end), 'acknowledged')\n"
        "net:run '5s'\n"
        "expect(#since('deliver', began_ms) >= 2, 'it went through a listening node')\n"
        "expect(#since('stored', began_ms) == 0 and m.stored_count == 0, 'nothing is stored')\n"
        "for _, node in ipairs(net.nodes) do expect(node:counts().stored == before[node], tostring(node)) end\n");
}
END_TEST

/* A delivery that finds a lease and nobody behind it waits for 5 seconds at most; then nothing of it is left, and a
 * restart of the node brings nothing back. */
START_TEST(nothing_of_a_delivery_is_left)
{
    story_holds(ONLINE
                "bob:kill()\n"
                "local function waiting()\n"
                "  local count, node = 0, nil\n"
                "  for _, each in ipairs(net.nodes) do\n"
                "    count = count + each:counts().deliveries_waiting\n"
                "    if each:counts().deliveries_waiting > 0 then node = each end\n"
                "  end\n"
                "  return count, node\n"
                "end\n"
                "net:run '12s'\n" /* the node has noticed that nobody listens; the lease lives */
                "alice:send(bob, 'into the void')\n"
                "expect(net:wait_for('3s', function() return waiting() > 0 end), 'it waits')\n"
                "local _, node = waiting()\n"
                "expect(net:wait_for('8s', function() return waiting() == 0 end), 'not for long')\n"
                "node:kill()\n"
                "node:restart()\n"
                "expect(node:counts().deliveries_waiting == 0 and node:counts().leases == 0, 'a restart forgets')\n");
}
END_TEST

/* In a long chat without trouble no message is both acknowledged and stored. */
START_TEST(no_message_is_acknowledged_and_stored)
{
    story_holds(ONLINE
                "local all = {}\n"
                "for i = 1, 20 do\n"
                "  local from, to = alice, bob\n"
                "  if i % 2 == 0 then from, to = bob, alice end\n"
                "  all[i] = from:send(to, 'text ' .. i)\n"
                "  net:run(i * 300)\n"
                "end\n"
                "net:run '15s'\n"
                "for i, m in ipairs(all) do\n"
                "  expect(m.state == 'acknowledged' and m.stored_count == 0 and m.shown_count == 1, 'text ' .. i)\n"
                "end\n"
                "expect(#since('pow', began_ms) == 0, 'no proof')\n");
}
END_TEST

/* But where the acknowledgement is lost: then it is stored as well, and shown once all the same. */
START_TEST(a_lost_acknowledgement_stores_and_shows_once)
{
    story_holds(ONLINE "local m = alice:send(bob, 'synchronously')\n"
                       "net:wait_for('5s', function() return m.delivered end)\n"
                       "expect(m.state ~= 'acknowledged', 'his answer is not here yet')\n"
                       "bob:cut_off(true)\n"
                       "expect(net:wait_for('2m', function() return m.state == 'stored' end), 'stored')\n"
                       "expect(m.routing == 'fell back' and #m.holders > 0, 'it fell back')\n"
                       "bob:cut_off(false)\n"
                       "net:run '2m'\n"
                       "expect(m.shown_count == 1 and net.duplicates == 0, 'once')\n");
}
END_TEST

/* Whenever the phone dies, a text is shown exactly once in the end. */
START_TEST(no_message_is_lost)
{
    story_holds(ONLINE "local all = {}\n"
                       "for i = 1, 6 do\n"
                       "  all[i] = alice:send(bob, 'text ' .. i)\n"
                       "  net:run(i * 70)\n" /* before, while and after it is shown and acknowledged */
                       "  bob:kill()\n"
                       "  net:run '20s'\n"
                       "  bob:restart()\n"
                       "  bob:online()\n"
                       "  net:run '1m'\n"
                       "  bob:send(alice, 'back ' .. i)\n"
                       "  net:wait_for('2m', online)\n"
                       "end\n"
                       "expect(net:wait_for('10m', function() return net.lost == 0 end), 'none is lost')\n"
                       "for i, m in ipairs(all) do expect(m.shown_count == 1, 'text ' .. i) end\n"
                       "expect(net.duplicates == 0, 'none comes twice')\n");
}
END_TEST

/* To one who listens a request goes through the swarm as ever; until it is accepted nobody delivers anything, so
 * neither of them learns that the other is there. */
START_TEST(strangers_get_neither_deliveries_nor_status)
{
    story_holds(
        PEOPLE "alice:online() bob:online()\n"
               "expect(net:wait_for('1m', function() return alice.listening and bob.listening end), 'both listen')\n"
               "local m = alice:befriend(bob, 'It is me')\n"
               "expect(net:wait_for('2m', function() return bob:has_request_from(alice) end), 'asked')\n"
               "net:run '3m'\n"
               "expect(m.routing == 'asynchronous' and m.stored_count == 3, 'stored')\n"
               "expect(#net:records('deliver') == 0, 'nothing is delivered')\n"
               "expect(alice:contact_state(bob) == 'offline' and bob:contact_state(alice) == 'offline', 'nor known')\n"
               "bob:decline(alice)\n"
               "net:run '3m'\n"
               "expect(#net:records('deliver') == 0 and alice:friend_state(bob) == 'asked', 'and no sends nothing')\n");
}
END_TEST

TEST_MAIN("synchronous", no_delivery_brings_a_proof, no_node_calls_a_node_because_of_a_delivery, no_delivery_is_stored,
          nothing_of_a_delivery_is_left, no_message_is_acknowledged_and_stored,
          a_lost_acknowledgement_stores_and_shows_once, no_message_is_lost, strangers_get_neither_deliveries_nor_status)
