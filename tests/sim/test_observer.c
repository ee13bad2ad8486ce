/* What nodes can know, from their own packets: alone, and laid side by side. */
#include "sim/observer.h"

#include <string.h>

#include "sim/learned.h"
#include "tests/support/check_main.h"
#include "tests/support/script.h"

/* Two friends who write to each other by both routings, in a world where every node reads along. */
#define TALK(options)                                                                                                  \
    "local net = world { nodes = 21, observe = true" options " }\n"                                                    \
    "local alice, bob = net:client 'Alice', net:client 'Bob'\n"                                                        \
    "alice:listen() bob:listen()\n"                                                                                    \
    "alice:befriend(bob, 'It is me')\n"                                                                                \
    "net:wait_for('2m', function() return bob:has_request_from(alice) end)\n"                                          \
    "bob:accept(alice)\n"                                                                                              \
    "net:wait_for('2m', function() return alice:friend_state(bob) == 'friends' end)\n"                                 \
    "alice:online() bob:online()\n"                                                                                    \
    "net:run '10s'\n"                                                                                                  \
    "local first = alice:send(bob, 'asynchronously')\n"                                                                \
    "net:wait_for('2m', function() return alice:contact_state(bob) == 'online' end)\n"                                 \
    "local second = alice:send(bob, 'synchronously')\n"                                                                \
    "net:wait_for('1m', function() return second.state == 'acknowledged' end)\n"                                       \
    "expect(first.delivered and second.delivered and second.routing == 'synchronous', 'both routings')\n"              \
    "local address = { [alice.id] = '10.0.0.1:40000', [bob.id] = '10.0.0.2:40000' }\n"                                 \
    "local function strange(learned)\n" /* links of an address to somebody else's mailbox */                           \
    "  local found = {}\n"                                                                                             \
    "  for _, link in ipairs(learned.links) do\n"                                                                      \
    "    if link.address ~= address[link.account] then found[#found + 1] = link end\n"                                 \
    "  end\n"                                                                                                          \
    "  return found\n"                                                                                                 \
    "end\n"

/* Whichever node it is: it sees addresses, or what is asked of mailboxes, and never ties one who sends to one who gets.
 */
static const char nobody_alone[] = "local callers, mailboxes = 0, 0\n"
                                   "for _, node in ipairs(net.nodes) do\n"
                                   "  local saw = node:saw()\n"
                                   "  callers, mailboxes = callers + #saw.callers, mailboxes + #saw.mailboxes\n"
                                   "  expect(#strange(saw) == 0, tostring(node) .. ' links a sender to a recipient')\n"
                                   "end\n"
                                   "expect(callers > 0 and mailboxes > 0, 'but they see something')\n";

/* Each link takes exactly the two that it names: the one at which the sender entered, and the one that was asked. */
static const char two_together[] =
    "local methods = {}\n"
    "for _, link in ipairs(strange(net:learned(net.nodes))) do\n"
    "  methods[link.method] = true\n"
    "  expect(link.seen_by ~= link.read_by, 'two nodes')\n"
    "  expect(#strange(net:learned { link.seen_by }) == 0 and #strange(net:learned { link.read_by }) == 0, 'not one')\n"
    "  local found = false\n"
    "  for _, again in ipairs(strange(net:learned { link.read_by, link.seen_by })) do\n"
    "    found = found or again.address == link.address and again.account == link.account\n"
    "      and again.method == link.method\n"
    "  end\n"
    "  expect(found, 'both together')\n"
    "end\n"
    "expect(methods.store and methods.deliver, 'by both routings')\n";

START_TEST(one_node_links_no_sender_to_a_recipient_and_two_do)
{
    static const char *const options[] = {"", ", onion = 1", ", cipher = 'xchacha20'"};

    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        char text[8192];

        snprintf(text, sizeof(text), TALK("%s") "%s%s", options[i], nobody_alone, two_together);
        story_holds(text);
    }
}
END_TEST

/* An address is seen by the guards alone, which saw it when they were tested; all others see nodes. */
START_TEST(addresses_of_clients_are_known_to_guards_alone)
{
    story_holds(TALK(
        "") "local guards = {}\n"
            "for _, user in ipairs { alice, bob } do\n"
            "  for _, path in ipairs(user.paths) do guards[path[1]] = true end\n"
            "end\n"
            "for _, node in ipairs(net.nodes) do\n"
            "  local onions = 0\n"
            "  for _, link in ipairs(node:saw().links) do\n"
            "    expect(link.method == 'get_snodes_for_pubkey', 'a guard was asked for its own swarm, to test it')\n"
            "  end\n"
            "  for _, caller in ipairs(node:saw().callers) do onions = onions + caller.count - 1 end\n"
            "  expect(onions == 0 or guards[node], tostring(node) .. ' is no guard')\n"
            "end\n");
}
END_TEST

/* What a storing node reads: whose mailbox, when, how much, and the key that the envelope names. */
START_TEST(a_storing_node_reads_keys_times_and_sizes)
{
    story_holds(
        TALK("") "local saw = first.stored_at[1]:saw()\n"
                 "local store\n"
                 "for _, mailbox in ipairs(saw.mailboxes) do\n"
                 "  if mailbox.account == bob.id and (mailbox.method == 'store' or mailbox.method == 'replica') then\n"
                 "    store = mailbox\n"
                 "  end\n"
                 "end\n"
                 "expect(store and store.count >= 1 and store.bytes > 500 and store.first_ms > 0, 'the mailbox')\n"
                 "expect(store.last_ms >= store.first_ms and store.last_ms < net.now_ms, 'the times')\n"
                 "local pair = saw.pairs[1]\n"
                 "expect(pair.source == alice.id and pair.recipient == bob.id or\n"
                 "       pair.source == bob.id and pair.recipient == alice.id, 'who wrote, by key')\n");
}
END_TEST

/* Where nobody reads along a script is told how to make it so; sets of nodes are checked. */
START_TEST(scripts_are_told_how_to_observe)
{
    struct script script;

    script_init(&script);
    script_refused(&script, "local net = world { nodes = 12 }\nnet:node(0):saw()\n", "observe = true");
    script_refused(&script, "world { nodes = 12, observe = 3 }\n", "observe is true or false");
    script_refused(&script, "local net = world { nodes = 12, observe = true }\nnet:learned { 3 }\n", "node");
    script_holds(&script,
                 "local net = world { nodes = 12, observe = true }\n"
                 "expect(net:learned(net.nodes).requests == 0 and #net:learned({}).links == 0, 'nothing yet')\n"
                 "expect(net:node(3):saw().requests == 0, 'nor alone')\n");
    script_fini(&script);
}
END_TEST

/* Nodes that are asked for twice are one; one that does not exist is named; with none asked for it is all. */
START_TEST(an_observer_knows_its_nodes)
{
    static const uint32_t asked[] = {7, 3, 7, 5};
    struct observer *observer = observer_new(), *everybody = observer_new(), *wrong = observer_new();
    struct testbed_config config;
    struct testbed *testbed;
    const uint32_t *nodes;
    uint32_t node = 0;
    uint64_t lost;
    size_t count;

    testbed_config_default(&config);
    config.nodes = 12;
    testbed = testbed_new(&config);
    for (size_t i = 0; i < ARRAY_LEN(asked); i++)
        observer_ask(observer, asked[i]);
    ck_assert_int_eq(observer_start(observer, testbed, &node), OK);
    nodes = observer_nodes(observer, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert_mem_eq(nodes, ((const uint32_t[]){3, 5, 7}), 3 * sizeof(uint32_t));
    ck_assert_ptr_null(observer_sightings(observer, 4, &count, &lost));
    ck_assert_uint_eq(count + lost, 0);
    ck_assert_int_eq(observer_start(everybody, testbed, &node), OK);
    (void)observer_nodes(everybody, &count);
    ck_assert_uint_eq(count, 12);
    observer_ask(wrong, 2);
    observer_ask(wrong, 12);
    ck_assert_int_eq(observer_start(wrong, testbed, &node), ERR_NOT_FOUND);
    ck_assert_uint_eq(node, 12);
    observer_free(observer);
    observer_free(everybody);
    observer_free(wrong);
    observer_free(NULL);
    testbed_free(testbed);
}
END_TEST

TEST_MAIN("observer", one_node_links_no_sender_to_a_recipient_and_two_do,
          addresses_of_clients_are_known_to_guards_alone, a_storing_node_reads_keys_times_and_sizes,
          scripts_are_told_how_to_observe, an_observer_knows_its_nodes)
