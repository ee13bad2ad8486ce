describe [[Twenty days of the live network, 8 to 28 April 2026: 309 nodes leave, 18 arrive, swarms dissolve, and users go on writing.]]

local count = param("users", 1000, "how many users there are")
local visits = param("visits", 2, "visits of a user per day: each one poll of three nodes")
local messages = param("messages", 0.5, "messages that a user sends per day")
local from = param("from", 2084231, "the snapshot that the network begins with, by its height")
local to = param("to", 2098640, "the snapshot whose membership it ends with")

local users = use "users"
local net = world { snapshot = from, blocks = true, keep = { "snode_swarm", "push_given_up" } }
local history = net:history(to)
local block_ms, day_ms = 120 * 1000, 24 * 3600 * 1000
local length_ms = history.blocks * block_ms
local everybody = net:clients(count)

say(string.format("%d users; %d nodes in %d swarms; over %d blocks (%.1f days) %d nodes leave and %d arrive",
    count, #net.nodes, net.swarm_count, history.blocks, length_ms / day_ms, #history.departures, #history.arrivals))

-- Who leaves and who comes is known, when is not: the seed spreads it over all blocks.
local function some_block() return (math.random(history.blocks) - 0.5) * block_ms end
for _, node in ipairs(history.departures) do net:at(some_block(), function() node:exit() end) end
for _, arrival in ipairs(history.arrivals) do net:at(some_block(), function() net:register(arrival) end) end
users.plan(net, everybody, length_ms / day_ms, visits, messages)

-- The story, a line a day.
local swarms_before = net.swarm_count
for day = 1, math.floor(length_ms / day_ms) do
    net:at(day * day_ms, function()
        say(string.format("day %2d: height %d, %d swarms, %d messages sent, %d shown", day, net.height, net.swarm_count, net.sent, net.delivered))
    end)
end
net:run(length_ms)
users.last_visit(net, everybody)

-- What it came to.
local function sizes_text(sizes)
    local list = {}
    for size, swarms in pairs(sizes) do list[#list + 1] = string.format("%d of %d", swarms, size) end
    return table.concat(list, ", ")
end
say(string.format("swarms: %d before, %d after (%s); published: %d (%s)",
    swarms_before, net.swarm_count, sizes_text(net.swarm_sizes), history.swarms, sizes_text(history.sizes)))
local rows = { [3] = 0, [4] = 0, [5] = 0, [6] = 0 }
for _, change in ipairs(net:records("snode_swarm")) do rows[change.case] = (rows[change.case] or 0) + 1 end
say(string.format("nodes whose swarm dissolved: %d; moved by stealing or dissolution elsewhere: %d; times that a node met a new member: %d",
    rows[3], rows[4], rows[5]))
for cause, bytes in pairs(net.push_bytes) do
    if bytes > 0 then say(string.format("bytes pushed, %s: %d", cause, bytes)) end
end
say(string.format("pushes given up: %d", #net:records("push_given_up")))
for _, loss in ipairs(net.losses) do
    say(string.format("lost: sent by %s on day %.1f to %s...: %s", loss.sender, loss.sent_ms / day_ms, loss.recipient_id:sub(1, 12), loss.cause))
end

expect(net.swarm_count == history.swarms, "as many swarms as were published")
expect(net.duplicates == 0, "no message is shown twice")
-- After the last visit nothing that a swarm holds is left, and nothing was unsendable or unreadable. Who does not look in
-- time misses messages in any network: these are no concern of the nodes.
local expired, gone = 0, 0
for _, loss in ipairs(net.losses) do
    if loss.cause == "expired before the recipient asked" then expired = expired + 1 end
    if loss.cause == "no node of the swarm holds it any more" then gone = gone + 1 end
end
expect(expired + gone == net.lost, "what is lost expired before its recipient asked, or its whole swarm went")
expect(gone <= (net.sent - expired) * 0.001, "at least 99.9 % of the messages are there for who asks in time")
