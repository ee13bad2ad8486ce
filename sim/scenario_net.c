/* The net: what a script does with the whole network and with time. */
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "sim/options.h"
#include "sim/scenario_internal.h"

/* ---- time ---- */

static int nothing_more(lua_State *lua, int status, lua_KContext context)
{
    (void)lua;
    (void)status;
    (void)context;
    return 0;
}

static int net_run(lua_State *lua)
{
    int64_t duration_us;

    check_object(lua, 1, OBJECT_NET);
    duration_us = check_duration_us(lua, 2);
    return scenario_wait(lua, world_now_us(scenario_of(lua)->world) + duration_us, nothing_more, 0);
}

/* Stack: net, timeout, predicate, deadline. Asks, and waits for the next time to ask. */
static int wait_for_step(lua_State *lua, int status, lua_KContext deadline_us)
{
    int64_t now_us = world_now_us(scenario_of(lua)->world), next_us = now_us + SCENARIO_POLL_MS * 1000;
    bool holds;

    (void)status;
    lua_settop(lua, 3);
    lua_pushvalue(lua, 3);
    lua_call(lua, 0, 1);
    holds = lua_toboolean(lua, -1);
    if (holds || now_us >= deadline_us) {
        lua_pushboolean(lua, holds);
        return 1;
    }
    return scenario_wait(lua, next_us < deadline_us ? next_us : deadline_us, wait_for_step, deadline_us);
}

/* net:wait_for("30s", f): until f() is true, asked every 100 ms; whether it became true in time. */
static int net_wait_for(lua_State *lua)
{
    int64_t timeout_us;

    check_object(lua, 1, OBJECT_NET);
    timeout_us = check_duration_us(lua, 2);
    luaL_checktype(lua, 3, LUA_TFUNCTION);
    return wait_for_step(lua, LUA_OK, world_now_us(scenario_of(lua)->world) + timeout_us);
}

/* net:at("10m", f): f runs at that time since the start, as a step of its own that may wait; a past time means now. */
static int net_at(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    int64_t at_us, now_us = world_now_us(scenario->world);

    check_object(lua, 1, OBJECT_NET);
    at_us = check_duration_us(lua, 2);
    luaL_checktype(lua, 3, LUA_TFUNCTION);
    lua_settop(lua, 3);
    scenario_start_task(lua, at_us > now_us ? at_us : now_us);
    return 0;
}

static int get_now_ms(lua_State *lua, struct scenario *scenario, struct object object)
{
    (void)object;
    lua_pushnumber(lua, (lua_Number)world_now_us(scenario->world) / 1000);
    return 1;
}

static int get_unix_ms(lua_State *lua, struct scenario *scenario, struct object object)
{
    (void)object;
    lua_pushinteger(lua, world_now_ms(scenario->world));
    return 1;
}

/* "0:00:12.345": hours, minutes, seconds since the start. */
static int get_clock(lua_State *lua, struct scenario *scenario, struct object object)
{
    int64_t ms = world_now_us(scenario->world) / 1000;
    char text[32];

    (void)object;
    snprintf(text, sizeof(text), "%lld:%02d:%02d.%03d", (long long)(ms / 3600000), (int)(ms / 60000 % 60),
             (int)(ms / 1000 % 60), (int)(ms % 1000));
    lua_pushstring(lua, text);
    return 1;
}

/* ---- who is there ---- */

/* Names go into trace files and JSON. */
static const char *check_name(lua_State *lua, int index, const char *otherwise, size_t max)
{
    size_t len;
    const char *name = luaL_optlstring(lua, index, otherwise, &len);

    luaL_argcheck(lua, len > 0 && len <= max && utf8_valid((struct bytes){(const uint8_t *)name, len}), index,
                  "a name is a short text in UTF-8");
    return name;
}

static int net_client(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    const char *name;

    check_object(lua, 1, OBJECT_NET);
    name = check_name(lua, 2, "", SCENARIO_NAME_BYTES_MAX);
    push_object(lua, (struct object){OBJECT_CLIENT, testbed_add_client(scenario->testbed, name), 0});
    return 1;
}

/* net:clients(1000 [, "user"]) -> list of clients "user 1", "user 2", ... */
static int net_clients(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    lua_Integer count;
    const char *prefix;

    check_object(lua, 1, OBJECT_NET);
    count = luaL_checkinteger(lua, 2);
    prefix = check_name(lua, 3, "user", SCENARIO_NAME_BYTES_MAX - 9); /* room for the number */
    luaL_argcheck(lua, count >= 0 && count <= 10000000, 2, "a number of clients");
    lua_createtable(lua, (int)count, 0);
    for (lua_Integer i = 1; i <= count; i++) {
        uint32_t client = testbed_add_client(scenario->testbed, lua_pushfstring(lua, "%s %I", prefix, (LUAI_UACINT)i));

        lua_pop(lua, 1);
        push_object(lua, (struct object){OBJECT_CLIENT, client, 0});
        lua_rawseti(lua, -2, i);
    }
    return 1;
}

static int net_node(lua_State *lua)
{
    lua_Integer number;

    check_object(lua, 1, OBJECT_NET);
    number = luaL_checkinteger(lua, 2);
    luaL_argcheck(lua, number >= 0 && number < testbed_node_count(scenario_of(lua)->testbed), 2,
                  "no node has that number");
    push_node(lua, (uint32_t)number);
    return 1;
}

static int get_nodes(lua_State *lua, struct scenario *scenario, struct object object)
{
    uint32_t count = testbed_node_count(scenario->testbed);

    (void)object;
    lua_createtable(lua, (int)count, 0);
    for (uint32_t i = 0; i < count; i++) {
        push_node(lua, i);
        lua_rawseti(lua, -2, i + 1);
    }
    return 1;
}

static void set_hex64(lua_State *lua, const char *name, uint64_t value)
{
    char text[17];

    snprintf(text, sizeof(text), "%016llx", (unsigned long long)value);
    lua_pushstring(lua, text);
    lua_setfield(lua, -2, name);
}

/* net:swarm_of(client) -> {id, position, nodes, left, right, left_distance, right_distance}: by the newest block.
 * `left` and `right` are the swarms on either side of the account's position on the ring. */
static int net_swarm_of(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    const struct membership *membership = chain_membership(testbed_chain(scenario->testbed));
    const struct swarm_entry *swarm;
    struct account_id account;
    uint32_t nodes[LIMIT_SWARM_NODES], right = 0;
    uint64_t position, left_id, right_id;
    size_t count;

    check_object(lua, 1, OBJECT_NET);
    account = check_account(lua, 2);
    swarm = membership != NULL ? swarm_of(membership, &account) : NULL;
    if (swarm == NULL) {
        lua_pushnil(lua);
        return 1;
    }
    position = swarm_space(&account);
    while (right < membership->swarm_count && membership->swarms[right].id < position)
        right++;
    right_id = membership->swarms[right % membership->swarm_count].id;
    left_id = membership->swarms[(right + membership->swarm_count - 1) % membership->swarm_count].id;
    lua_newtable(lua);
    set_hex64(lua, "id", swarm->id);
    set_hex64(lua, "position", position);
    set_hex64(lua, "left", left_id);
    set_hex64(lua, "right", right_id);
    set_hex64(lua, "left_distance", position - left_id);
    set_hex64(lua, "right_distance", right_id - position);
    count = testbed_swarm_nodes(scenario->testbed, &account, nodes, ARRAY_LEN(nodes));
    lua_newtable(lua);
    for (size_t i = 0; i < count && i < ARRAY_LEN(nodes); i++) {
        push_node(lua, nodes[i]);
        lua_rawseti(lua, -2, (lua_Integer)i + 1);
    }
    lua_setfield(lua, -2, "nodes");
    return 1;
}

static int get_swarm_count(lua_State *lua, struct scenario *scenario, struct object object)
{
    const struct membership *membership = chain_membership(testbed_chain(scenario->testbed));

    (void)object;
    lua_pushinteger(lua, membership != NULL ? membership->swarm_count : 0);
    return 1;
}

static int get_height(lua_State *lua, struct scenario *scenario, struct object object)
{
    (void)object;
    lua_pushinteger(lua, (lua_Integer)chain_height(testbed_chain(scenario->testbed)));
    return 1;
}

/* ---- what happens to the network ---- */

static void check_port(lua_State *lua, const struct testbed *testbed, uint32_t host)
{
    if (!testbed_host_has_port(testbed, host))
        luaL_error(lua, "host %d has as many nodes as there are ports", (int)host);
}

/* net:register() -> a new node; net:register(arrival) -> the node of net:history(h).arrivals. */
static int net_register(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    lua_Integer identity, host;

    check_object(lua, 1, OBJECT_NET);
    if (testbed_node_count(scenario->testbed) >= SCENARIO_NODES_MAX)
        return luaL_error(lua, "a network has at most %d nodes", SCENARIO_NODES_MAX);
    if (lua_isnoneornil(lua, 2)) {
        check_port(lua, scenario->testbed, testbed_next_host(scenario->testbed));
        push_node(lua, testbed_register(scenario->testbed));
        return 1;
    }
    luaL_checktype(lua, 2, LUA_TTABLE);
    lua_getfield(lua, 2, "identity");
    lua_getfield(lua, 2, "host");
    identity = luaL_checkinteger(lua, -2);
    host = luaL_checkinteger(lua, -1);
    if (scenario->snapshot == NULL || identity < 0 || identity >= snapshots_node_total(scenario->snapshots) ||
        host < 0 || host > TESTBED_HOST_MAX || testbed_knows(scenario->testbed, (uint32_t)identity))
        return luaL_argerror(lua, 2, "an arrival of net:history(height), that has not arrived yet");
    check_port(lua, scenario->testbed, (uint32_t)host);
    push_node(lua, testbed_register_known(scenario->testbed, (uint32_t)identity, (uint32_t)host));
    return 1;
}

static bool snapshot_has(const struct chain_snapshot *snapshot, uint32_t identity)
{
    for (uint32_t i = 0; i < snapshot->node_count; i++)
        if (snapshot->node[i] == identity)
            return true;
    return false;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Pushes {[size] = how many swarms}, and sets *count to the number of swarms. */
static void push_sizes(lua_State *lua, const uint64_t swarm_ids[], uint32_t node_count, lua_Integer *count)
{
    uint64_t *sorted = lua_newuserdatauv(lua, (node_count + 1) * sizeof(*sorted), 0);

    *count = 0;
    memcpy(sorted, swarm_ids, node_count * sizeof(*sorted));
    qsort(sorted, node_count, sizeof(*sorted), compare_ids);
    lua_newtable(lua);
    for (uint32_t i = 0, next; i < node_count && sorted[i] != SWARM_NONE; i = next) {
        for (next = i + 1; next < node_count && sorted[next] == sorted[i];)
            next++;
        ++*count;
        lua_rawgeti(lua, -1, next - i);
        lua_pushinteger(lua, lua_tointeger(lua, -1) + 1);
        lua_rawseti(lua, -3, next - i);
        lua_pop(lua, 1);
    }
    lua_remove(lua, -2);
}

/* net:history(height) -> what led from the world's snapshot to that one: {date, blocks, departures = nodes, arrivals,
 * swarms, sizes}: the number and the sizes of swarms as published. */
static int net_history(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    const struct chain_snapshot *from = scenario->snapshot, *to;
    lua_Integer count = 0;

    check_object(lua, 1, OBJECT_NET);
    if (from == NULL)
        return luaL_error(lua, "net:history() is for a world with a snapshot");
    to = check_snapshot(lua, scenario, 2);
    luaL_argcheck(lua, to->height > from->height, 2, "a later snapshot than the world's is wanted");
    lua_newtable(lua);
    lua_pushstring(lua, to->date);
    lua_setfield(lua, -2, "date");
    lua_pushinteger(lua, (lua_Integer)(to->height - from->height));
    lua_setfield(lua, -2, "blocks");
    lua_newtable(lua);
    for (uint32_t i = 0; i < from->node_count; i++) {
        if (snapshot_has(to, from->node[i]))
            continue;
        push_node(lua, i); /* nodes are numbered in the snapshot's order */
        lua_rawseti(lua, -2, ++count);
    }
    lua_setfield(lua, -2, "departures");
    lua_newtable(lua);
    count = 0;
    for (uint32_t i = 0; i < to->node_count; i++) {
        if (snapshot_has(from, to->node[i]))
            continue;
        lua_newtable(lua);
        lua_pushinteger(lua, to->node[i]);
        lua_setfield(lua, -2, "identity");
        lua_pushinteger(lua, to->host[i]);
        lua_setfield(lua, -2, "host");
        lua_rawseti(lua, -2, ++count);
    }
    lua_setfield(lua, -2, "arrivals");
    push_sizes(lua, to->swarm_id, to->node_count, &count);
    lua_setfield(lua, -2, "sizes");
    lua_pushinteger(lua, count);
    lua_setfield(lua, -2, "swarms");
    return 1;
}

/* {[size] = how many swarms}, by the newest block. */
static int get_swarm_sizes(lua_State *lua, struct scenario *scenario, struct object object)
{
    const struct membership *membership = chain_membership(testbed_chain(scenario->testbed));

    (void)object;
    lua_newtable(lua);
    for (uint32_t i = 0; membership != NULL && i < membership->swarm_count; i++) {
        lua_rawgeti(lua, -1, membership->swarms[i].count);
        lua_pushinteger(lua, lua_tointeger(lua, -1) + 1);
        lua_rawseti(lua, -3, membership->swarms[i].count);
        lua_pop(lua, 1);
    }
    return 1;
}

static int net_block(lua_State *lua)
{
    check_object(lua, 1, OBJECT_NET);
    testbed_block(scenario_of(lua)->testbed);
    return 0;
}

static int net_set_difficulty(lua_State *lua)
{
    lua_Integer difficulty;

    check_object(lua, 1, OBJECT_NET);
    difficulty = luaL_checkinteger(lua, 2);
    luaL_argcheck(lua, difficulty >= 1 && difficulty <= SCENARIO_DIFFICULTY_MAX, 2, "a difficulty is 1 to 1000000");
    testbed_set_difficulty(scenario_of(lua)->testbed, (uint64_t)difficulty);
    return 0;
}

/* ---- what the oracle and the trace say ---- */

/* Only the counts are wanted here, not the causes. */
static enum loss any_loss(void *owner, const struct checked *message)
{
    (void)owner;
    (void)message;
    return LOSS_UNFINISHED;
}

static int push_total(lua_State *lua, struct scenario *scenario, size_t offset)
{
    struct checker_totals totals;
    uint64_t value;

    checker_totals(&scenario->checker, any_loss, NULL, &totals);
    memcpy(&value, (const char *)&totals + offset, sizeof(value));
    lua_pushinteger(lua, (lua_Integer)value);
    return 1;
}

static int get_sent(lua_State *lua, struct scenario *scenario, struct object object)
{
    (void)object;
    return push_total(lua, scenario, offsetof(struct checker_totals, sent));
}

static int get_delivered(lua_State *lua, struct scenario *scenario, struct object object)
{
    (void)object;
    return push_total(lua, scenario, offsetof(struct checker_totals, delivered));
}

static int get_lost(lua_State *lua, struct scenario *scenario, struct object object)
{
    (void)object;
    return push_total(lua, scenario, offsetof(struct checker_totals, lost));
}

static int get_duplicates(lua_State *lua, struct scenario *scenario, struct object object)
{
    (void)object;
    return push_total(lua, scenario, offsetof(struct checker_totals, duplicates));
}

/* Bytes pushed between nodes so far, by cause. */
static int get_push_bytes(lua_State *lua, struct scenario *scenario, struct object object)
{
    struct metrics metrics;

    (void)object;
    metrics_init(&metrics);
    world_metrics(scenario->world, &metrics);
    lua_newtable(lua);
    for (size_t i = 0; i < CAUSE_COUNT; i++) {
        lua_pushinteger(lua, (lua_Integer)metrics.push_bytes[i]);
        lua_setfield(lua, -2, trace_cause_text((enum trace_cause)i));
    }
    return 1;
}

/* Every message that has not been shown, as things stand now: {sender, recipient_id, sent_ms, cause}. */
static int get_losses(lua_State *lua, struct scenario *scenario, struct object object)
{
    const struct table *messages = &scenario->checker.messages;
    uint32_t cursor = 0;
    lua_Integer count = 0;

    (void)object;
    lua_newtable(lua);
    for (const struct checked *message; (message = table_next(messages, &cursor)) != NULL;) {
        if (message->shown_count > 0)
            continue;
        lua_newtable(lua);
        push_object(lua, scenario_seat_object(scenario, message->sender_seat));
        lua_setfield(lua, -2, "sender");
        push_hex(lua, BYTES_OF(message->recipient.bytes));
        lua_setfield(lua, -2, "recipient_id");
        lua_pushnumber(lua, (lua_Number)message->sent_us / 1000);
        lua_setfield(lua, -2, "sent_ms");
        lua_pushstring(lua, loss_text(scenario_why_lost(scenario, message)));
        lua_setfield(lua, -2, "cause");
        lua_rawseti(lua, -2, ++count);
    }
    return 1;
}

enum trace_kind check_trace_kind(lua_State *lua, const char *name)
{
    const char *names[TRACE_KIND_COUNT];

    for (size_t i = 0; i < TRACE_KIND_COUNT; i++) {
        names[i] = trace_kinds[i].name;
        if (strcmp(names[i], name) == 0)
            return (enum trace_kind)i;
    }
    raise_unknown(lua, "trace record", name, names, TRACE_KIND_COUNT, sizeof(names[0]));
}

static void push_record(lua_State *lua, struct scenario *scenario, const struct kept_record *kept)
{
    const struct trace_kind_info *info = &trace_kinds[kept->record.kind];

    lua_newtable(lua);
    lua_pushnumber(lua, (lua_Number)kept->at_us / 1000);
    lua_setfield(lua, -2, "at_ms");
    push_object(lua, scenario_seat_object(scenario, kept->seat));
    lua_setfield(lua, -2, "who");
    for (size_t i = 0; i < ARRAY_LEN(info->n); i++) {
        if (info->n[i] == NULL)
            continue;
        if (trace_is_swarm_id(info->n[i])) {
            set_hex64(lua, info->n[i], kept->record.n[i]);
        } else {
            lua_pushinteger(lua, (lua_Integer)kept->record.n[i]);
            lua_setfield(lua, -2, info->n[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(info->b); i++) {
        struct bytes bytes = kept->record.b[i];

        if (info->b[i] == NULL)
            continue;
        if (trace_is_text(info->b[i]))
            lua_pushlstring(lua, (const char *)bytes.data, bytes.len);
        else
            push_hex(lua, bytes);
        lua_setfield(lua, -2, info->b[i]);
    }
}

/* net:records("stored" [, f]) -> the kept records of that kind for which f(record) is true, in the order of their
 * times. Kept is what `world { keep = {"stored", ...} }` asks for. */
static int net_records(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    enum trace_kind kind;
    lua_Integer count = 0;

    check_object(lua, 1, OBJECT_NET);
    kind = check_trace_kind(lua, luaL_checkstring(lua, 2));
    lua_settop(lua, 3);
    lua_newtable(lua);
    for (size_t i = 0; i < scenario->kept_count; i++) {
        if (scenario->kept[i].record.kind != kind)
            continue;
        push_record(lua, scenario, &scenario->kept[i]);
        if (!lua_isnil(lua, 3)) {
            lua_pushvalue(lua, 3);
            lua_pushvalue(lua, -2);
            lua_call(lua, 1, 1);
            if (!lua_toboolean(lua, -1)) {
                lua_pop(lua, 2);
                continue;
            }
            lua_pop(lua, 1);
        }
        lua_rawseti(lua, 4, ++count);
    }
    if (scenario->kept_lost > 0)
        return luaL_error(lua, "more than %d trace records were kept: keep fewer kinds", SCENARIO_KEPT_MAX);
    return 1;
}

static const struct object_field net_fields[] = {
    {"now_ms", get_now_ms},
    {"unix_ms", get_unix_ms},
    {"clock", get_clock},
    {"nodes", get_nodes},
    {"swarm_count", get_swarm_count},
    {"height", get_height},
    {"sent", get_sent},
    {"delivered", get_delivered},
    {"lost", get_lost},
    {"duplicates", get_duplicates},
    {"losses", get_losses},
    {"push_bytes", get_push_bytes},
    {"swarm_sizes", get_swarm_sizes},
};

static const luaL_Reg net_methods[] = {
    {"run", net_run},
    {"wait_for", net_wait_for},
    {"at", net_at},
    {"client", net_client},
    {"clients", net_clients},
    {"node", net_node},
    {"swarm_of", net_swarm_of},
    {"register", net_register},
    {"history", net_history},
    {"block", net_block},
    {"set_difficulty", net_set_difficulty},
    {"records", net_records},
    {"learned", net_learned},
    {NULL, NULL},
};

const struct object_class net_class = {"net", net_methods, net_fields, ARRAY_LEN(net_fields)};
