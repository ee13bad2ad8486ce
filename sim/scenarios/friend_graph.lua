describe [[Many users with a heavy-tailed graph of contacts, who come and go and chat: how fast are the two routings?]]

local count = param("users", 500, "how many users there are")
local hours = param("hours", 1, "virtual hours; from 24 on there are days and nights")
local chats = param("chats", 2, "chats that a user begins per waking hour: a few texts to one friend")
local reclusive = param("reclusive", 0.25, "the share of users who never wait at a listening node")

local minute_ms, hour_ms = 60 * 1000, 3600 * 1000
local length_ms = hours * hour_ms
local net = world { nodes = 60, keep = { "stored", "pow" } }
local everybody = net:clients(count)
local friends, sent = {}, {}
for i, user in ipairs(everybody) do friends[i] = {} end

-- Each asks two who were there before, the more likely the more contacts these have: many know few, and few know many.
local ends, pairs_of_friends = { 1 }, {}
for i = 2, count do
    local first = ends[math.random(#ends)]
    local second = ends[math.random(#ends)]
    for _, other in ipairs(first == second and { first } or { first, second }) do
        pairs_of_friends[#pairs_of_friends + 1] = { i, other }
        ends[#ends + 1] = other
        ends[#ends + 1] = i
    end
end

-- Awake from 7 to 23 o'clock of their own: thirds of them live eight hours apart.
local function awake(i)
    if hours < 24 then return true end
    local hour = (net.now_ms / hour_ms + i % 3 * 8) % 24
    return hour >= 7 and hour < 23
end

local is_on = {}
local function come(i)
    is_on[i] = true
    if i % 100 < reclusive * 100 then everybody[i]:listen() else everybody[i]:online() end
end
local function go(i)
    is_on[i] = false
    everybody[i]:offline()
end

-- A life: a while with the phone in hand, a while without.
local function live(i)
    net:run(math.random() * 10 * minute_ms)
    while net.now_ms < length_ms do
        if awake(i) then
            come(i)
            net:run((3 + math.random() * 6) * minute_ms)
            go(i)
        end
        net:run((6 + math.random() * 12) * minute_ms)
    end
end

-- Requests come in the first tenth, and are answered by whoever looks.
local function befriend(i, other)
    net:run(math.random() * length_ms / 10)
    everybody[i]:befriend(everybody[other], "It is me, user " .. i)
    while net.now_ms < length_ms and not everybody[other]:has_request_from(everybody[i]) do net:run(20 * 1000) end
    while net.now_ms < length_ms and not is_on[other] do net:run(20 * 1000) end
    if everybody[other]:friend_state(everybody[i]) ~= "asking" then return end
    everybody[other]:accept(everybody[i])
    friends[i][#friends[i] + 1] = other
    friends[other][#friends[other] + 1] = i
end

-- Some friend; every second time one who has the phone in hand, too, if there is one.
local function choose(i)
    local list = {}
    for _, other in ipairs(friends[i]) do
        if is_on[other] then list[#list + 1] = other end
    end
    if #list == 0 or math.random(2) == 1 then list = friends[i] end
    return list[math.random(math.max(1, #list))]
end

-- A chat goes back and forth between two, as long as the one who is to write has the phone in hand.
local function chat(i)
    local number = math.random(3, 6)
    local other = choose(i)
    if not other or not is_on[i] then return end
    local writer, reader = i, other
    for text = 1, number do
        if not is_on[writer] then return end
        if everybody[writer]:friend_state(everybody[reader]) == "friends" then
            sent[#sent + 1] = everybody[writer]:send(everybody[reader], string.format("text %d from %d", text, writer))
        end
        net:run((5 + math.random() * 20) * 1000)
        if math.random(2) == 1 then writer, reader = reader, writer end
    end
end

for i = 1, count do net:at(0, function() live(i) end) end
for _, couple in ipairs(pairs_of_friends) do net:at(0, function() befriend(couple[1], couple[2]) end) end
for i = 1, count do
    for _ = 1, math.floor(chats * hours) do
        net:at((0.1 + 0.85 * math.random()) * length_ms, function() chat(i) end)
    end
end
net:run(length_ms)

-- Everybody looks once more; what is under way comes to its end.
for i = 1, count do
    if not is_on[i] then everybody[i]:listen() end
end
net:wait_for("3h", function() return net.lost == 0 end)
for i = 1, count do everybody[i]:offline() end
net:run "30s"

-- What it came to: latencies by routing, from the writer's call to the reader's screen.
local delays = { synchronous = {}, ["fell back"] = {}, asynchronous = {} }
local traces = 0
for _, m in ipairs(sent) do
    if m.delay_ms then table.insert(delays[m.routing], m.delay_ms) end
    if m.routing == "synchronous" and (m.stored_count > 0 or m.trials > 0 or #m.holders > 0) then traces = traces + 1 end
end
local function at(list, share) return list[math.max(1, math.ceil(#list * share))] or 0 end
local degrees = {}
for i = 1, count do degrees[i] = #friends[i] end
table.sort(degrees)
say(string.format("%d users, %d friendships; contacts of a user: median %d, the most %d", count, #pairs_of_friends,
    at(degrees, 0.5), degrees[count]))
for _, routing in ipairs { "synchronous", "asynchronous", "fell back" } do
    table.sort(delays[routing])
    say(string.format("%-13s %6d texts shown, delay p50 %8.3f s, p99 %10.3f s", routing, #delays[routing],
        at(delays[routing], 0.5) / 1000, at(delays[routing], 0.99) / 1000))
end

-- Whatever a node stored has paid with a proof, and no synchronous message has made one.
local hashes, stored, waiting = {}, 0, 0
for _, record in ipairs(net:records("stored")) do
    if not hashes[record.hash] then
        hashes[record.hash] = true
        stored = stored + 1
    end
end
for _, node in ipairs(net.nodes) do waiting = waiting + node:counts().deliveries_waiting end
say(string.format("%d messages stored, %d proofs made", stored, #net:records("pow")))

expect(net.lost == 0 and net.duplicates == 0, "every text is shown exactly once")
expect(#delays.synchronous > 0 and #delays.asynchronous > 0, "both routings are used")
expect(at(delays.synchronous, 0.5) < at(delays.asynchronous, 0.5), "synchronous is faster at p50")
expect(at(delays.synchronous, 0.99) < at(delays.asynchronous, 0.99), "and at p99")
expect(traces == 0 and stored <= #net:records("pow"), "no synchronous message is in any store")
expect(waiting == 0, "and none waits anywhere")
