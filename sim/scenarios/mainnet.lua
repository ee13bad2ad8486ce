describe [[The live network as it stood on 8 April 2026: 1,553 nodes in 265 swarms, with users who write and visit.]]

local count = param("users", 1000, "how many users there are")
local days = param("days", 2, "virtual days")
local visits = param("visits", 2, "visits of a user per day: each one poll of three nodes")
local messages = param("messages", 0.5, "messages that a user sends per day")
local height = param("height", 2084231, "the snapshot's height")

local users = use "users"
local net = world { snapshot = height }
local everybody = net:clients(count)

say(string.format("%d users, %d nodes in %d swarms, %g days", count, #net.nodes, net.swarm_count, days))
users.plan(net, everybody, days, visits, messages)
net:run(days * 24 * 3600 * 1000)
users.last_visit(net, everybody)

expect(net.duplicates == 0, "no message is shown twice")
expect(net.delivered >= net.sent * 0.999, "at least 99.9 % of the messages are delivered")
