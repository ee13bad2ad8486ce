describe [[The live network as it stood on 8 April 2026: 1,553 nodes in 265 swarms, with users who write and visit.]]

local users = param("users", 1000, "how many users there are")
local days = param("days", 2, "virtual days")
local visits = param("visits", 2, "visits of a user per day: each one poll of three nodes")
local messages = param("messages", 0.5, "messages that a user sends per day")
local height = param("height", 2084231, "the snapshot's height")

local net = world { snapshot = height }
local day_ms = 24 * 3600 * 1000
local everybody = net:clients(users)

-- Everybody acts at random moments; who sends, sends to somebody else.
local function times(per_day)
    local count = per_day * days
    local whole = math.floor(count)
    if math.random() < count - whole then whole = whole + 1 end
    return whole
end
for i, user in ipairs(everybody) do
    for _ = 1, times(visits) do
        net:at(math.random() * days * day_ms, function() user:poll() end)
    end
    for number = 1, times(messages) do
        local other = everybody[(i + math.random(users - 1) - 1) % users + 1]
        net:at(math.random() * days * day_ms, function()
            user:befriend(other, "Message " .. number .. " from " .. user.name)
        end)
    end
end

say(string.format("%d users, %d nodes in %d swarms, %g days", users, #net.nodes, net.swarm_count, days))
net:run(days * day_ms)

-- What was sent last may still be on its way; then everybody looks a last time.
net:wait_for("10m", function()
    for _, user in ipairs(everybody) do
        if user.busy then return false end
    end
    return true
end)
for _, user in ipairs(everybody) do user:poll() end
net:wait_for("30m", function()
    for _, user in ipairs(everybody) do
        if user.polling then return false end
    end
    return true
end)

expect(net.duplicates == 0, "no message is shown twice")
expect(net.delivered >= net.sent * 0.999, "at least 99.9 % of the messages are delivered")
