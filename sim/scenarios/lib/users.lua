-- Users who live their days: visits and messages at random moments, and a last look at the end.
local users = {}
local day_ms = 24 * 3600 * 1000

-- How often something happens that happens `rate` times a day: the fraction is left to chance.
local function times(rate, days)
    local whole = math.floor(rate * days)
    if math.random() < rate * days - whole then whole = whole + 1 end
    return whole
end

-- To a friend as a friend, to a stranger as a request; who has asked is a friend from now on, and who was asked has to answer first.
local function write(user, other, text)
    local state = user:friend_state(other)
    if state == "asking" then
        user:accept(other)
        state = "friends"
    end
    if state == "friends" then
        user:send(other, text)
    elseif state == "none" or state == "expired" then
        user:befriend(other, text)
    end
end

-- Plans `days` days of everybody, from now on: each visit is one poll of three nodes, each message goes to somebody else.
function users.plan(net, everybody, days, visits, messages)
    local now_ms = net.now_ms
    for i, user in ipairs(everybody) do
        for _ = 1, times(visits, days) do
            net:at(now_ms + math.random() * days * day_ms, function() user:poll() end)
        end
        for number = 1, times(messages, days) do
            local other = everybody[(i + math.random(#everybody - 1) - 1) % #everybody + 1]
            net:at(now_ms + math.random() * days * day_ms, function()
                write(user, other, "Message " .. number .. " from " .. user.name)
            end)
        end
    end
end

local function until_nobody(net, everybody, timeout, state)
    return net:wait_for(timeout, function()
        for _, user in ipairs(everybody) do
            if user[state] then return false end
        end
        return true
    end)
end

-- What was sent last may still be on its way; then everybody looks a last time.
function users.last_visit(net, everybody)
    until_nobody(net, everybody, "10m", "busy")
    for _, user in ipairs(everybody) do user:poll() end
    until_nobody(net, everybody, "30m", "polling")
end

return users
