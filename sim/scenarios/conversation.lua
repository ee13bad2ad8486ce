describe [[Two users talk through everything that goes wrong: online and offline, lost calls, slow ones, phones that die. The oracle counts.]]

local texts = param("texts", 30, "texts that each of them sends")
local minutes = param("minutes", 60, "how long they talk, in virtual minutes")
local loss = param("loss", 20000, "calls lost for good, per million")

local net = world { nodes = 21, loss_ppm = loss, retransmit_ppm = 20000, jitter = "200ms" }
local alice, bob = net:client "Alice", net:client "Bob"
local pair = { { alice, bob }, { bob, alice } }
local length_ms = minutes * 60 * 1000

-- They become friends first; either may have to ask again.
alice:listen()
bob:listen()
local function friends() return alice:friend_state(bob) == "friends" and bob:friend_state(alice) == "friends" end
alice:befriend(bob, "Hello, it is me.")
net:wait_for("1h", function() return bob:has_request_from(alice) end)
bob:accept(alice)
expect(net:wait_for("2h", friends), "they become friends")

-- What happens to each, at moments of the seed's choice.
local start_ms = net.now_ms
local function some_time() return start_ms + math.random() * length_ms end
for _, couple in ipairs(pair) do
    local me, other = couple[1], couple[2]
    for number = 1, texts do
        local text = string.format("%s says number %d", me.name, number)
        net:at(some_time(), function()
            if me.alive then me:send(other, text) end
        end)
    end
    for _ = 1, math.random(1, 5) do
        net:at(some_time(), function()
            if me.alive then me:online() end
        end)
    end
    for _ = 1, math.random(0, 3) do
        local away_ms = math.random(1, 600) * 1000
        net:at(some_time(), function()
            if me.alive then me:offline() end
            net:run(away_ms)
            if me.alive then me:listen() end
        end)
    end
    for _ = 1, math.random(0, 3) do
        local away_ms = math.random(1, 300) * 1000
        net:at(some_time(), function()
            if not me.alive then return end
            me:kill()
            net:run(away_ms)
            me:restart()
            me:listen()
            if math.random(2) == 1 then me:online() end
        end)
    end
    for _ = 1, math.random(0, 2) do
        local away_ms = math.random(1, 120) * 1000
        net:at(some_time(), function()
            me:cut_off(true)
            net:run(away_ms)
            me:cut_off(false)
        end)
    end
end
net:run(length_ms + 10 * 60 * 1000)

-- In the end everybody is back and looks.
for _, me in ipairs { alice, bob } do me:listen() end
net:wait_for("3h", function() return net.lost == 0 end)
expect(net.lost == 0, "every text is shown")
expect(net.duplicates == 0, "and none twice")
