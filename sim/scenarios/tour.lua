describe [[The tour: a small network, told step by step: how two people become friends, write, chat, lose each other, and are forgotten.]]

local node_count = param("nodes", 30, "service nodes in the network")
local text = param("text", "Hi Bob, this is Alice from the workshop.", "what Alice writes to Bob")

local net = world {
    nodes = node_count,
    keep = { "stored", "pow", "onion_sent", "onion_done", "path", "guard", "swarm_learned", "node_list", "retrieved", "expired", "push",
             "send_stored", "acknowledged", "presence", "listening", "deliver" },
}

-- Story helpers.
local function tell(...) say(string.format("%12s  ", net.clock) .. string.format(...)) end
local function more(...) say(string.rep(" ", 14) .. string.format(...)) end
local function names(nodes)
    local list = {}
    for _, node in ipairs(nodes) do list[#list + 1] = tostring(node) end
    return table.concat(list, ", ")
end
local function seconds(ms) return string.format("%.3f s", ms / 1000) end
local function last(list) return list[#list] end
local function of(who) return function(record) return record.who == who end end

say("THE TOUR: two people in a network of service nodes (seed and every number below can be had again)\n")

-- 1. The network.
local alice, bob = net:client "Alice", net:client "Bob"
tell("%d service nodes form %d swarms. The blockchain decides who is in which swarm.", node_count, net.swarm_count)
more("Alice is %s...", alice.id:sub(1, 18))
more("Bob is   %s... : a user is a long-term public key, and nothing else.", bob.id:sub(1, 18))

-- 2. Whose swarm, and why.
local swarm = net:swarm_of(bob)
tell("Which swarm keeps Bob's messages? His key is folded to a position on a ring of 2^64:")
more("position %s lies between the swarms %s and %s.", swarm.position, swarm.left, swarm.right)
if swarm.left ~= swarm.right then
    more("The distance to the left one is %s, to the right one %s: the nearer one is his.", swarm.left_distance, swarm.right_distance)
end
more("So it is swarm %s: %s.", swarm.id, names(swarm.nodes))
expect(#swarm.nodes >= 5, "a swarm has at least 5 nodes")

-- 3. Alice sends.
tell("Alice writes to Bob: \"%s\"", text)
more("Bob is not her friend yet, so it is a friend request, encrypted with the key that her secret and his public key agree on.")
local started_ms = net.now_ms
local m = alice:befriend(bob, text)
net:wait_for("5m", function() return m.state == "stored" or m.state == "failed" end)
expect(m.state == "stored", "Alice's message is stored")
net:wait_for("2s", function() return #m.stored_at == 3 end)

local list = last(net:records("node_list", of(alice)))
more("+%s: she asks the seed for the list of service nodes, and gets %d.", seconds(list.at_ms - started_ms), list.nodes)
local guards = {}
for _, guard in ipairs(net:records("guard", function(r) return r.who == alice and r.good == 1 end)) do
    guards[#guards + 1] = guard.node:sub(1, 8)
end
more("She tests %d guards: the only nodes that will ever see her address. Behind each she lays a path:", #guards)
for i, path in ipairs(alice.paths) do
    more("  path %d: Alice -> %s", i, table.concat({ tostring(path[1]), tostring(path[2]), tostring(path[3]) }, " -> "))
end
local learned = last(net:records("swarm_learned", of(alice)))
more("+%s: through an onion she asks a random node for Bob's swarm, and learns of %d nodes.", seconds(learned.at_ms - started_ms), learned.nodes)
local pow = last(net:records("pow", of(alice)))
more("+%s: her phone has proved its work: %d trials of SHA-512 at difficulty %d, the price of being stored for 4 days.",
    seconds(pow.at_ms - started_ms), pow.trials, pow.difficulty)

-- 4. Three nodes, then all.
tell("Three random nodes of the swarm are asked to store it, each through an onion:")
for _, sent in ipairs(net:records("onion_sent", function(r) return r.who == alice and r.method_text == "store" end)) do
    more("+%s: path %d, %d bytes at the guard, for the node %s...", seconds(sent.at_ms - started_ms), sent.path, sent.bytes, sent.target:sub(1, 8))
end
more("%s answered that they have it. Not one node on the way knew both Alice and what she asked of whom.", names(m.stored_at))
net:wait_for("10s", function() return #m.holders == #swarm.nodes end)
tell("They pass it to the rest of their swarm in batches, every 350 ms. The replicas:")
local causes = { [0] = "from Alice, out of an onion", [1] = "from a swarm member" }
for _, stored in ipairs(net:records("stored", function(r) return r.hash == m.hash end)) do
    more("+%s: %s, %s", seconds(stored.at_ms - started_ms), stored.who, causes[stored.cause])
end
expect(#m.holders == #swarm.nodes, "the whole swarm holds it")

-- 5. One node dies, and comes back with its disk.
local victim = m.stored_at[1]
victim:kill()
tell("%s loses power. %d nodes still hold the message.", victim, #m.holders)
expect(#m.holders == #swarm.nodes - 1, "the others hold it")
net:run "1m"
victim:restart()
expect(victim:holds(m), "a restarted node has it from its disk")
tell("%s is back, and has it from its disk.", victim)

-- 6. Bob looks.
net:run "1h"
tell("An hour later Bob opens his phone. He asks three nodes of his swarm, through onions of his own:")
bob:poll()
net:wait_for("2m", function() return m.delivered and not bob.polling end)
expect(m.delivered, "Bob gets the message")
expect(m.shown_count == 1, "and is shown it once")
for _, retrieved in ipairs(net:records("retrieved", function(r) return r.messages > 0 end)) do
    more("%s gave him %d message", retrieved.who, retrieved.messages)
end
for _, received in ipairs(bob.inbox) do
    more("He sees it once, from \"%s\": \"%s\"", received.display_name, received.text)
    expect(received.text == text, "Bob reads what Alice wrote")
end
more("Delivery took %s of virtual time, most of it his.", seconds(m.delay_ms))

-- 7. Bob accepts, and they write.
bob:accept(alice)
tell("Bob accepts. From the keys that came with her request and his own he starts a session (X3DH), and stores his answer in her swarm.")
net:wait_for("2m", function() return not bob.busy end)
alice:poll()
expect(net:wait_for("2m", function() return alice:friend_state(bob) == "friends" end), "they are friends")
tell("Alice looks, and reads it with the session that it has started at her: they are friends. Had he declined, she would have heard nothing.")
net:wait_for("2m", function() return not alice.busy end)

local question = alice:send(bob, "Will you be at the workshop?")
net:wait_for("2m", function() return question.state == "stored" and #question.holders == #swarm.nodes end)
tell("\"Will you be at the workshop?\" Each text has a key of its own now (double ratchet), and is stored as before: %d nodes hold it.", #question.holders)
more("That is asynchronous routing: it works while the other one is away, and costs a proof of work (%d trials) each time.", question.trials)

-- 8. Both go online.
alice:online()
bob:online()
expect(net:wait_for("1m", function() return alice.listening and bob.listening and question.delivered end), "both listen")
tell("Both keep their phones in hand now. Each waits at one node of the own swarm, its listening node, through an onion:")
for _, listening in ipairs(net:records("listening", function(r) return r.listening == 1 end)) do
    more("%s listens at node %s...", listening.who.name, listening.node:sub(1, 8))
end
local answer = bob:send(alice, "Yes, with cake.")
local function online() return alice:contact_state(bob) == "online" and bob:contact_state(alice) == "online" end
expect(net:wait_for("2m", online), "each knows that the other is there")
tell("Bob answers, stored once more, and his text says where he listens. Alice's phone sends a sign of life to that node, and he to hers:")
more("now each knows that the other one is there. (That answer took %s.)", seconds(answer.delay_ms))

-- 9. Synchronously.
local cake = alice:send(bob, "Chocolate?")
expect(net:wait_for("30s", function() return cake.delivered and cake.state == "acknowledged" end), "it is acknowledged")
tell("\"Chocolate?\" goes straight to Bob's listening node, which hands it to his open request and keeps nothing:")
more("Bob reads it after %s. No proof of work, no store: %d nodes hold it. His phone has acknowledged it.", seconds(cake.delay_ms), #cake.holders)
expect(cake.routing == "synchronous" and cake.stored_count == 0 and cake.trials == 0, "synchronously, and stored nowhere")

-- 10. A phone dies in mid-sentence.
bob:kill()
local lost = alice:send(bob, "And please bring the big pl--")
tell("Bob's battery is empty, just as Alice writes \"And please bring the big pl--\". Her phone can't know yet.")
local sent_ms = net.now_ms
expect(net:wait_for("3m", function() return lost.state == "stored" end), "it is stored in the end")
expect(lost.routing == "fell back" and not lost.delivered, "after it fell back")
more("+%s: nobody has acknowledged it in time. She takes him for offline, and the same bytes are stored in his swarm.", seconds(net.now_ms - sent_ms))
net:wait_for("10s", function() return #lost.holders == #swarm.nodes end)
more("%d nodes hold it.", #lost.holders)

-- 11. He returns.
net:run "10m"
bob:restart()
bob:online()
expect(net:wait_for("2m", function() return lost.delivered and bob.listening end), "Bob gets it when he is back")
expect(lost.shown_count == 1, "once")
tell("Ten minutes later Bob has found a socket. His phone knows from its disk who his friends are, and what he has read:")
more("he gets what he missed, once, %s after Alice wrote it.", seconds(lost.delay_ms))
local back = bob:send(alice, "Plate. Got it.")
expect(net:wait_for("2m", function() return back.delivered and online() end), "they find each other again")
tell("\"Plate. Got it.\" With his own text they have found each other again.")
alice:offline()
bob:offline()
net:wait_for("1m", function() return not alice.busy and not bob.busy end)
tell("They say good night: each tells the other, and stops listening.")

-- 12. It is forgotten.
net:run "4d"
tell("Four days have passed: the time to live of all that was stored is over, of a text after one, of the request after four.")
local expired = net:records("expired", function(r) return r.hash == m.hash end)
if #expired > 0 then
    more("%d replicas of the request were erased, the last at %s.", #expired, last(expired).who)
end
expect(#m.holders == 0 and #question.holders == 0 and #lost.holders == 0, "no node holds any of it any more")
more("No node holds it any more. Nothing of it is left but at its two ends.")
