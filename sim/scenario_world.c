/* world{}: the options of a scenario's table -> a testbed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "sim/options.h"
#include "sim/scenario_internal.h"

/* 2019-10-01: the middle of the era that is played. */
#define SCENARIO_EPOCH_MS INT64_C(1569888000000)

#define LAN_US 100 /* one way, in one local network; the least that the engine allows */

/* ---- reading the table ---- */

enum value_type { VALUE_U32, VALUE_U64, VALUE_BOOL, VALUE_DURATION_MS, VALUE_DURATION_US, VALUE_SPECIAL };

struct world_option {
    const char *name;
    enum value_type type;
    size_t offset;     /* into struct testbed_config */
    uint64_t min, max; /* numbers, and durations in their unit */
};

#define AT(member) offsetof(struct testbed_config, member)
static const struct world_option world_options[] = {
    {"seed", VALUE_SPECIAL, 0, 0, 0},
    {"snapshot", VALUE_SPECIAL, 0, 0, 0},
    {"keep", VALUE_SPECIAL, 0, 0, 0},
    {"cipher", VALUE_SPECIAL, 0, 0, 0},
    {"onion", VALUE_SPECIAL, 0, 0, 0},
    {"dialect", VALUE_SPECIAL, 0, 0, 0},
    {"observe", VALUE_SPECIAL, 0, 0, 0},
    {"nodes", VALUE_U32, AT(nodes), 1, SCENARIO_NODES_MAX},
    {"nodes_per_host", VALUE_U32, AT(nodes_per_host), 1, 1000},
    {"blocks", VALUE_BOOL, AT(chain_runs), 0, 1},
    {"block_time", VALUE_DURATION_MS, AT(block_ms), 1000, 86400000},
    {"block_delay", VALUE_DURATION_MS, AT(block_delay_ms_max), 0, 3600000},
    {"difficulty", VALUE_U64, AT(difficulty), 1, SCENARIO_DIFFICULTY_MAX},
    {"difficulty_delay", VALUE_DURATION_MS, AT(difficulty_delay_ms_max), 0, 86400000},
    {"store_bytes", VALUE_U64, AT(snode.store_bytes_max), 1, LIMIT_STORE_BYTES},
    {"flush", VALUE_DURATION_MS, AT(snode.flush_ms), 0, 60000},
    {"push_retries", VALUE_BOOL, AT(snode.push_retries), 0, 1},
    {"bootstrap_only_owned", VALUE_BOOL, AT(snode.bootstrap_only_owned), 0, 1},
    {"rate_limit", VALUE_BOOL, AT(snode.rate_limit), 0, 1},
    {"server_relay_ok", VALUE_BOOL, AT(snode.server_relay_ok), 0, 1},
    {"path_failures", VALUE_U32, AT(client.path_failures), 1, 100},
    {"node_failures", VALUE_U32, AT(client.node_failures), 1, 100},
};

/* The options that struct network_config has. */
#define NET_AT(member) offsetof(struct network_config, member)
static const struct world_option network_options[] = {
    {"lookahead", VALUE_DURATION_US, NET_AT(lookahead_us), 100, 1000000},
    {"jitter", VALUE_DURATION_US, NET_AT(jitter_us_max), 0, 10000000},
    {"retransmit_ppm", VALUE_U32, NET_AT(retransmit_ppm), 0, 1000000},
    {"loss_ppm", VALUE_U32, NET_AT(loss_ppm), 0, 1000000},
};

static uint64_t read_duration_us(lua_State *lua, const struct world_option *option)
{
    int64_t us;

    if (!duration_at(lua, -1, &us))
        luaL_error(lua, "world: %s is a duration such as \"350ms\" or \"30s\", or milliseconds", option->name);
    return (uint64_t)us;
}

/* The value on top of the stack as the option's number. */
static uint64_t read_number(lua_State *lua, const struct world_option *option)
{
    uint64_t value = 0;
    int is_integer;

    switch (option->type) {
    case VALUE_BOOL:
        if (!lua_isboolean(lua, -1))
            luaL_error(lua, "world: %s is true or false", option->name);
        return (uint64_t)lua_toboolean(lua, -1);
    case VALUE_DURATION_MS:
        value = read_duration_us(lua, option) / 1000;
        break;
    case VALUE_DURATION_US:
        value = read_duration_us(lua, option);
        break;
    case VALUE_U32:
    case VALUE_U64:
    case VALUE_SPECIAL:
        value = (uint64_t)lua_tointegerx(lua, -1, &is_integer);
        if (!is_integer)
            luaL_error(lua, "world: %s is a whole number", option->name);
        break;
    }
    if (value < option->min || value > option->max)
        luaL_error(lua, "world: %s is from %I to %I", option->name, (LUAI_UACINT)option->min, (LUAI_UACINT)option->max);
    return value;
}

static void write_number(void *into, const struct world_option *option, uint64_t value)
{
    char *at = (char *)into + option->offset;

    switch (option->type) {
    case VALUE_BOOL:
        *(bool *)(void *)at = value != 0;
        break;
    case VALUE_U64:
        memcpy(at, &value, sizeof(value));
        break;
    case VALUE_U32:
    case VALUE_DURATION_MS:
    case VALUE_DURATION_US:
        memcpy(at, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
        break;
    case VALUE_SPECIAL:
        break;
    }
}

static uint64_t kinds_to_keep(lua_State *lua, int index)
{
    uint64_t kinds = 0;

    if (!lua_istable(lua, index))
        luaL_error(lua, "world: keep is a list of names of trace records");
    for (lua_Integer i = 1; lua_rawgeti(lua, index, i) != LUA_TNIL; i++) {
        if (lua_type(lua, -1) != LUA_TSTRING)
            luaL_error(lua, "world: keep is a list of names of trace records");
        kinds |= TRACE_BIT(check_trace_kind(lua, lua_tostring(lua, -1)));
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
    return kinds;
}

static void raise_no_snapshot(lua_State *lua, struct scenario *scenario, int index)
{
    const char *wanted = lua_tostring(lua, index);

    lua_pushliteral(lua, "");
    for (uint32_t i = 0; i < snapshots_count(scenario->snapshots); i++) {
        const struct chain_snapshot *known = snapshots_get(scenario->snapshots, i);

        lua_pushfstring(lua, "%s %I (%s)", lua_tostring(lua, -1), (LUAI_UACINT)known->height, known->date);
        lua_remove(lua, -2);
    }
    luaL_error(lua, "no snapshot %s; there are:%s", wanted != NULL ? wanted : "of that form", lua_tostring(lua, -1));
}

const struct chain_snapshot *check_snapshot(lua_State *lua, struct scenario *scenario, int index)
{
    const struct chain_snapshot *found = NULL;
    int is_height;
    lua_Integer height = lua_tointegerx(lua, index, &is_height);
    struct buf why;
    enum err err;

    if (scenario->snapshots == NULL) {
        buf_init(&why, 1024);
        err = snapshots_load(NULL, &scenario->snapshots, &why);
        if (err != OK) {
            lua_pushlstring(lua, (const char *)why.data, why.len);
            buf_fini(&why);
            luaL_error(lua, "%s", lua_tostring(lua, -1));
        }
        buf_fini(&why);
    }
    if (lua_type(lua, index) == LUA_TSTRING)
        found = snapshots_by_date(scenario->snapshots, bytes_text(lua_tostring(lua, index)));
    for (uint32_t i = 0; is_height && i < snapshots_count(scenario->snapshots); i++)
        if ((lua_Integer)snapshots_get(scenario->snapshots, i)->height == height)
            found = snapshots_get(scenario->snapshots, i);
    if (found == NULL)
        raise_no_snapshot(lua, scenario, index);
    return found;
}

static void read_special(lua_State *lua, struct scenario *scenario, const char *name, struct testbed_config *config,
                         uint64_t *keep)
{
    int top = lua_gettop(lua);

    if (strcmp(name, "seed") == 0) {
        if (!lua_isinteger(lua, top))
            luaL_error(lua, "world: seed is a whole number");
        if (!scenario->config->seed_given)
            scenario->seed = (uint64_t)lua_tointeger(lua, top);
    } else if (strcmp(name, "snapshot") == 0) {
        config->snapshot = scenario->snapshot = check_snapshot(lua, scenario, top);
    } else if (strcmp(name, "keep") == 0) {
        *keep = kinds_to_keep(lua, top);
    } else if (strcmp(name, "cipher") == 0) {
        if (lua_type(lua, top) != LUA_TSTRING ||
            enc_type_from_text(bytes_text(lua_tostring(lua, top)), &config->client.enc_type) != OK)
            luaL_error(lua, "world: cipher is \"aes-gcm\" or \"xchacha20\"");
    } else if (strcmp(name, "dialect") == 0) {
        if (lua_type(lua, top) != LUA_TSTRING || spoken_from_text(lua_tostring(lua, top), &config->snode.spoken) != OK)
            luaL_error(lua, "world: dialect is \"era\", \"modern\" or \"both\"");
    } else if (strcmp(name, "observe") == 0) {
        if (!lua_isboolean(lua, top))
            luaL_error(lua, "world: observe is true or false");
        if (lua_toboolean(lua, top) && scenario->config->observer == NULL)
            scenario->own_observer = observer_new();
    } else {
        lua_Integer version = lua_tointeger(lua, top);

        if (version != ONION_V1 && version != ONION_V2)
            luaL_error(lua, "world: onion is 1 or 2");
        config->client.onion_version = (enum onion_version)version;
    }
}

static const struct world_option *find_option(const struct world_option options[], size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

static void read_option(lua_State *lua, struct scenario *scenario, const char *name, struct testbed_config *config,
                        struct network_config *network, uint64_t *keep)
{
    const struct world_option *option = find_option(world_options, ARRAY_LEN(world_options), name);
    const char *names[ARRAY_LEN(world_options) + ARRAY_LEN(network_options)];
    size_t count = 0;

    if (option != NULL && option->type == VALUE_SPECIAL) {
        read_special(lua, scenario, name, config, keep);
        return;
    }
    if (option != NULL) {
        write_number(config, option, read_number(lua, option));
        return;
    }
    option = find_option(network_options, ARRAY_LEN(network_options), name);
    if (option != NULL) {
        write_number(network, option, read_number(lua, option));
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(world_options); i++)
        names[count++] = world_options[i].name;
    for (size_t i = 0; i < ARRAY_LEN(network_options); i++)
        names[count++] = network_options[i].name;
    raise_unknown(lua, "option of world", name, names, count, sizeof(names[0]));
}

/* ---- who sits where ---- */

struct object scenario_seat_object(struct scenario *scenario, uint32_t seat)
{
    uint32_t count = world_seat_count(scenario->world);
    uint32_t nodes = testbed_node_count(scenario->testbed), clients = testbed_client_count(scenario->testbed);

    if (scenario->seat_count < count) {
        scenario->seats = xrealloc(scenario->seats, count * sizeof(*scenario->seats));
        for (uint32_t i = scenario->seat_count; i < count; i++)
            scenario->seats[i] = (struct object){OBJECT_NONE, 0, 0};
        scenario->seat_count = count;
    }
    for (; scenario->seats_nodes < nodes; scenario->seats_nodes++)
        scenario->seats[testbed_node_seat(scenario->testbed, scenario->seats_nodes)] =
            (struct object){OBJECT_NODE, scenario->seats_nodes, 0};
    for (; scenario->seats_clients < clients; scenario->seats_clients++)
        scenario->seats[testbed_client_seat(scenario->testbed, scenario->seats_clients)] =
            (struct object){OBJECT_CLIENT, scenario->seats_clients, 0};
    return scenario->seats[seat];
}

void scenario_seat_name(void *owner, uint32_t seat, char *out, size_t size)
{
    struct scenario *scenario = owner;
    struct object object = scenario_seat_object(scenario, seat);

    switch (object.kind) {
    case OBJECT_NODE:
        snprintf(out, size, "node %u", object.number);
        break;
    case OBJECT_CLIENT:
        snprintf(out, size, "%s", testbed_client_name(scenario->testbed, object.number));
        break;
    case OBJECT_NET:
    case OBJECT_MESSAGE:
    case OBJECT_NONE:
        snprintf(out, size, "seed");
        break;
    }
}

static struct account_id account_of_seat(void *owner, uint32_t seat)
{
    struct scenario *scenario = owner;
    struct object object = scenario_seat_object(scenario, seat);

    if (object.kind != OBJECT_CLIENT)
        return (struct account_id){{0}};
    return *testbed_client_account(scenario->testbed, object.number);
}

/* ---- building ---- */

static void open_trace(lua_State *lua, struct scenario *scenario)
{
    const char *path = scenario->config->trace_path;
    struct trace_sink sink;
    enum err err;

    if (path == NULL)
        return;
    err = trace_file_open(&scenario->trace, path, scenario_seat_name, scenario);
    if (err == ERR_FORMAT)
        luaL_error(lua, "--trace %s: a trace file's name ends in .jsonl", path);
    if (err != OK)
        luaL_error(lua, "--trace %s: %s", path, strerror(errno));
    scenario->trace_open = true;
    sink = trace_file_sink(&scenario->trace);
    world_add_sink(scenario->world, &sink);
}

static void start_observer(lua_State *lua, struct scenario *scenario)
{
    uint32_t node;

    if (scenario->observer != NULL && observer_start(scenario->observer, scenario->testbed, &node) != OK)
        luaL_error(lua, "no node %d to observe: the world begins with %d, numbered from 0", (int)node,
                   (int)testbed_node_count(scenario->testbed));
}

/* The nodes of a host have one port each, from the first one on. */
static void check_ports(lua_State *lua, const struct testbed_config *config)
{
    const struct chain_snapshot *snapshot = config->snapshot;
    uint32_t most = config->nodes < config->nodes_per_host ? config->nodes : config->nodes_per_host;

    for (uint32_t i = 0; snapshot != NULL && i < snapshot->node_count; i++) {
        uint32_t count = 0;

        for (uint32_t j = 0; j < snapshot->node_count; j++)
            count += snapshot->host[j] == snapshot->host[i];
        most = count > most ? count : most;
    }
    if (most > 0 && most - 1 > (uint32_t)UINT16_MAX - config->node_port)
        luaL_error(lua, "world: a host has %d nodes, more than there are ports from %d on", (int)most,
                   (int)config->node_port);
}

/* `network` is what the config points to. */
static void build(lua_State *lua, struct scenario *scenario, struct testbed_config *config,
                  struct network_config *network, uint64_t keep)
{
    const struct scenario_serving *serving = scenario->config->serving;
    struct trace_sink sink;

    config->world.seed = scenario->seed;
    config->world.threads = scenario->config->threads;
    config->world.costs = scenario->config->costs;
    config->world.epoch_ms = SCENARIO_EPOCH_MS;
    config->suite = scenario->config->suite;
    if (serving != NULL) {
        config->world.epoch_ms = serving->epoch_ms;
        config->snode.loopback_unlimited = !serving->rate_limit;
        config->disks = serving->disks;
        if (serving->node_port != 0)
            config->node_port = serving->node_port;
        if (serving->lan) {
            network->local = true;
            network->lookahead_us = LAN_US;
        }
    }
    check_ports(lua, config);
    scenario->observer = scenario->config->observer != NULL ? scenario->config->observer : scenario->own_observer;
    if (scenario->observer != NULL) {
        config->world.tap = observer_tap;
        config->world.tap_owner = scenario->observer;
    }
    scenario->testbed = testbed_new(config);
    scenario->world = testbed_world(scenario->testbed);
    checker_init(&scenario->checker, account_of_seat, scenario_serves, scenario);
    sink = checker_sink(&scenario->checker);
    world_add_sink(scenario->world, &sink);
    if (keep != 0) {
        sink = scenario_keep_sink(scenario, keep);
        world_add_sink(scenario->world, &sink);
    }
    rng_init(&scenario->rng, world_rng_key(scenario->world), RNG_SCENARIO, 0);
    start_observer(lua, scenario);
    open_trace(lua, scenario);
}

int world_function(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    struct testbed_config config;
    struct network_config network;
    uint64_t keep = 0;

    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 1);
    if (scenario->world != NULL)
        return luaL_error(lua, "a scenario has one world");
    if (scenario->describing) {
        scenario->described = true;
        return luaL_error(lua, "described");
    }
    params_check_all_used(lua, scenario);
    testbed_config_default(&config);
    if (scenario->config->serving != NULL)
        config.snode.spoken = scenario->config->serving->spoken;
    config.snode.server_relay_ok = scenario->config->serving != NULL && !scenario->config->serving->refuse_hosts;
    network_config_default(&network);
    config.world.network = &network;
    lua_pushnil(lua);
    while (lua_next(lua, 1) != 0) {
        if (lua_type(lua, -2) != LUA_TSTRING)
            return luaL_error(lua, "world: options have names: world { nodes = 50 }");
        read_option(lua, scenario, lua_tostring(lua, -2), &config, &network, &keep);
        lua_settop(lua, 2); /* the key */
    }
    if (config.client.onion_version == ONION_V1 && config.client.enc_type != ENC_AES_GCM)
        return luaL_error(lua, "world: onion 1 knows the cipher \"aes-gcm\" only"); /* PROTOCOL 4.3 */
    build(lua, scenario, &config, &network, keep);
    push_object(lua, (struct object){OBJECT_NET, 0, 0});
    return 1;
}
