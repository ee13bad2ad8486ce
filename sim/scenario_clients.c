/* What a script can ask of a user, and let a user do; and what became of a message. */
#include "common/text.h"
#include "proto/envelope.h"
#include "sim/scenario_internal.h"

static struct client *live_client(lua_State *lua, const struct scenario *scenario, uint32_t number)
{
    struct client *client = testbed_client(scenario->testbed, number);

    if (client == NULL)
        luaL_error(lua, "%s is not running", testbed_client_name(scenario->testbed, number));
    return client;
}

static struct client *client_at(lua_State *lua, int index)
{
    return live_client(lua, scenario_of(lua), check_object(lua, index, OBJECT_CLIENT).number);
}

/* Runs a user's action as a callback of the user's own endpoint. */
static void as_user(lua_State *lua, uint32_t client, seat_fn fn, void *owner)
{
    struct scenario *scenario = scenario_of(lua);

    (void)live_client(lua, scenario, client);
    world_enter(scenario->world, testbed_client_seat(scenario->testbed, client), fn, owner);
}

static int client_name(lua_State *lua, struct scenario *scenario, struct object object)
{
    lua_pushstring(lua, testbed_client_name(scenario->testbed, object.number));
    return 1;
}

static int client_id(lua_State *lua, struct scenario *scenario, struct object object)
{
    push_hex(lua, BYTES_OF(testbed_client_account(scenario->testbed, object.number)->bytes));
    return 1;
}

static int client_number(lua_State *lua, struct scenario *scenario, struct object object)
{
    (void)scenario;
    lua_pushinteger(lua, object.number);
    return 1;
}

static int client_is_alive(lua_State *lua, struct scenario *scenario, struct object object)
{
    lua_pushboolean(lua, testbed_client(scenario->testbed, object.number) != NULL);
    return 1;
}

/* Whether a node of its swarm holds the line for it. */
static int client_is_listening(lua_State *lua, struct scenario *scenario, struct object object)
{
    lua_pushboolean(lua, client_listening(live_client(lua, scenario, object.number)));
    return 1;
}

static int client_is_busy(lua_State *lua, struct scenario *scenario, struct object object)
{
    lua_pushboolean(lua, client_busy(live_client(lua, scenario, object.number)));
    return 1;
}

static int client_is_polling(lua_State *lua, struct scenario *scenario, struct object object)
{
    lua_pushboolean(lua, client_polling(live_client(lua, scenario, object.number)));
    return 1;
}

static int client_paths_now(lua_State *lua, struct scenario *scenario, struct object object)
{
    struct client_paths paths;

    client_paths(live_client(lua, scenario, object.number), &paths);
    lua_newtable(lua);
    for (size_t i = 0; i < paths.count; i++) {
        lua_newtable(lua);
        for (size_t j = 0; j < LIMIT_PATH_NODES; j++) {
            push_node_by_key(lua, scenario, &paths.nodes[i][j]);
            lua_rawseti(lua, -2, (lua_Integer)j + 1);
        }
        lua_rawseti(lua, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static void push_received(lua_State *lua, struct scenario *scenario, const struct received *received)
{
    uint32_t sender = testbed_client_by_account(scenario->testbed, &received->source);

    lua_newtable(lua);
    if (sender != UINT32_MAX) {
        push_object(lua, (struct object){OBJECT_CLIENT, sender, 0});
        lua_setfield(lua, -2, "from");
    }
    push_hex(lua, BYTES_OF(received->source.bytes));
    lua_setfield(lua, -2, "from_id");
    lua_pushlstring(lua, (const char *)received->text.data, received->text.len);
    lua_setfield(lua, -2, "text");
    lua_pushlstring(lua, (const char *)received->display_name.data, received->display_name.len);
    lua_setfield(lua, -2, "display_name");
    lua_pushinteger(lua, (lua_Integer)received->timestamp_ms);
    lua_setfield(lua, -2, "timestamp_ms");
    lua_pushinteger(lua, (lua_Integer)received->shown_ms);
    lua_setfield(lua, -2, "shown_ms");
    lua_pushboolean(lua, received->type == ENVELOPE_FRIEND_REQUEST);
    lua_setfield(lua, -2, "request");
    lua_pushboolean(lua, received->synchronous);
    lua_setfield(lua, -2, "synchronous");
}

static int client_inbox_now(lua_State *lua, struct scenario *scenario, struct object object)
{
    lua_Integer count = 0;

    lua_newtable(lua);
    for (const struct received *received = client_inbox(live_client(lua, scenario, object.number)); received != NULL;
         received = received->next) {
        push_received(lua, scenario, received);
        lua_rawseti(lua, -2, ++count);
    }
    return 1;
}

static const struct object_field client_fields[] = {
    {"name", client_name},
    {"id", client_id},
    {"number", client_number},
    {"busy", client_is_busy},
    {"polling", client_is_polling},
    {"paths", client_paths_now},
    {"inbox", client_inbox_now},
    {"alive", client_is_alive},
    {"listening", client_is_listening},
};

/* What a user writes to somebody. */
struct writing {
    struct account_id recipient;
    struct bytes text;
    const struct sent *sent;
    bool blocks;
    enum err err;
};

static void befriend_fn(void *machine, void *owner)
{
    struct writing *writing = owner;

    writing->err = client_befriend(machine, &writing->recipient, writing->text, &writing->sent);
}

static void send_fn(void *machine, void *owner)
{
    struct writing *writing = owner;

    writing->err = client_send(machine, &writing->recipient, writing->text, &writing->sent);
}

/* A refusal is an error of the script. */
static int write_to(lua_State *lua, seat_fn fn, const char *what)
{
    struct object object = check_object(lua, 1, OBJECT_CLIENT);
    struct writing writing = {.recipient = check_account(lua, 2)};
    size_t len;
    const char *text = luaL_checklstring(lua, 3, &len);

    writing.text = (struct bytes){(const uint8_t *)text, len};
    as_user(lua, object.number, fn, &writing);
    if (writing.err != OK)
        return luaL_error(lua, "the %s is refused: %s", what, err_text(writing.err));
    push_object(lua, (struct object){OBJECT_MESSAGE, object.number, writing.sent->number});
    return 1;
}

/* alice:befriend(bob, "text") -> message */
static int client_befriends(lua_State *lua)
{
    return write_to(lua, befriend_fn, "request");
}

/* alice:send(bob, "text") -> message */
static int client_sends(lua_State *lua)
{
    return write_to(lua, send_fn, "text");
}

static void accept_fn(void *machine, void *owner)
{
    struct writing *writing = owner;

    writing->err = client_accept(machine, &writing->recipient);
}

static void decline_fn(void *machine, void *owner)
{
    struct writing *writing = owner;

    writing->err = client_decline(machine, &writing->recipient);
}

static int answer_request(lua_State *lua, seat_fn fn)
{
    struct object object = check_object(lua, 1, OBJECT_CLIENT);
    struct writing writing = {.recipient = check_account(lua, 2)};

    as_user(lua, object.number, fn, &writing);
    return writing.err == OK ? 0 : luaL_error(lua, "there is no request to answer: %s", err_text(writing.err));
}

static int client_accepts(lua_State *lua)
{
    return answer_request(lua, accept_fn);
}

static int client_declines(lua_State *lua)
{
    return answer_request(lua, decline_fn);
}

static void block_fn(void *machine, void *owner)
{
    struct writing *writing = owner;

    writing->err = client_block(machine, &writing->recipient, writing->blocks);
}

/* alice:block(bob); alice:block(bob, false) */
static int client_blocks(lua_State *lua)
{
    struct object object = check_object(lua, 1, OBJECT_CLIENT);
    struct writing writing = {.recipient = check_account(lua, 2), .blocks = lua_isnone(lua, 3) || lua_toboolean(lua, 3)};

    as_user(lua, object.number, block_fn, &writing);
    return writing.err == OK ? 0 : luaL_error(lua, "cannot be blocked: %s", err_text(writing.err));
}

static void online_fn(void *machine, void *owner)
{
    (void)owner;
    client_online(machine);
}

static void offline_fn(void *machine, void *owner)
{
    (void)owner;
    client_offline(machine);
}

static int client_goes_online(lua_State *lua)
{
    as_user(lua, check_object(lua, 1, OBJECT_CLIENT).number, online_fn, NULL);
    return 0;
}

static int client_goes_offline(lua_State *lua)
{
    as_user(lua, check_object(lua, 1, OBJECT_CLIENT).number, offline_fn, NULL);
    return 0;
}

/* client:contact_state(other) -> "offline", "probing", "online" */
static int client_contact_state_of(lua_State *lua)
{
    struct account_id account = check_account(lua, 2);

    lua_pushstring(lua, contact_state_text(client_contact_state(client_at(lua, 1), &account)));
    return 1;
}

struct asking {
    struct account_id account;
    enum friend_state state;
};

static void friend_state_fn(void *machine, void *owner)
{
    struct asking *asking = owner;

    asking->state = client_friend_state(machine, &asking->account); /* it asks the device's clock */
}

/* client:friend_state(other) -> "none", "sending", "asked", "asking", "friends", "expired" */
static int client_friend_state_of(lua_State *lua)
{
    struct object object = check_object(lua, 1, OBJECT_CLIENT);
    struct asking asking = {.account = check_account(lua, 2)};

    as_user(lua, object.number, friend_state_fn, &asking);
    lua_pushstring(lua, friend_state_text(asking.state));
    return 1;
}

/* The device dies; its disk stays. */
static int client_dies(lua_State *lua)
{
    testbed_client_kill(scenario_of(lua)->testbed, check_object(lua, 1, OBJECT_CLIENT).number);
    return 0;
}

static int client_restarts(lua_State *lua)
{
    testbed_client_restart(scenario_of(lua)->testbed, check_object(lua, 1, OBJECT_CLIENT).number);
    return 0;
}

static void poll_fn(void *machine, void *owner)
{
    (void)owner;
    client_poll_once(machine);
}

static int client_polls(lua_State *lua)
{
    as_user(lua, check_object(lua, 1, OBJECT_CLIENT).number, poll_fn, NULL);
    return 0;
}

static void listen_fn(void *machine, void *owner)
{
    client_listen_start(machine, *(const bool *)owner);
}

/* client:listen([hold]): polls until client:stop(); with long polling unless `hold` is false. */
static int client_listens(lua_State *lua)
{
    bool hold = lua_isnoneornil(lua, 2) || lua_toboolean(lua, 2);

    as_user(lua, check_object(lua, 1, OBJECT_CLIENT).number, listen_fn, &hold);
    return 0;
}

static void stop_fn(void *machine, void *owner)
{
    (void)owner;
    client_listen_stop(machine);
}

static int client_stops(lua_State *lua)
{
    as_user(lua, check_object(lua, 1, OBJECT_CLIENT).number, stop_fn, NULL);
    return 0;
}

static int client_has_request_from(lua_State *lua)
{
    struct client *client = client_at(lua, 1);
    struct account_id source = check_account(lua, 2);
    const struct received *received = client_inbox(client);

    while (received != NULL &&
           (received->type != ENVELOPE_FRIEND_REQUEST || !account_equal(&received->source, &source)))
        received = received->next;
    lua_pushboolean(lua, received != NULL);
    return 1;
}

/* client:cached_swarm(other) -> the nodes it believes to be the swarm of that account. */
static int client_cached_swarm_of(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    struct account_id account = check_account(lua, 2);
    struct ed25519_public keys[LIMIT_SWARM_NODES];
    size_t count = client_cached_swarm(client_at(lua, 1), &account, keys, ARRAY_LEN(keys));

    lua_newtable(lua);
    for (size_t i = 0; i < count && i < ARRAY_LEN(keys); i++) {
        push_node_by_key(lua, scenario, &keys[i]);
        lua_rawseti(lua, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int client_clock_skew(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    struct object object = check_object(lua, 1, OBJECT_CLIENT);

    world_set_clock_skew(scenario->world, testbed_client_seat(scenario->testbed, object.number), check_skew_ms(lua, 2));
    return 0;
}

static int client_cut_off(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    struct object object = check_object(lua, 1, OBJECT_CLIENT);

    luaL_checktype(lua, 2, LUA_TBOOLEAN);
    world_set_cut_off(scenario->world, testbed_client_seat(scenario->testbed, object.number), lua_toboolean(lua, 2));
    return 0;
}

static int client_drop_calls(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    struct object object = check_object(lua, 1, OBJECT_CLIENT);
    lua_Integer count = luaL_checkinteger(lua, 2);

    luaL_argcheck(lua, count >= 0 && count <= UINT32_MAX, 2, "a number of calls");
    world_drop_calls(scenario->world, testbed_client_seat(scenario->testbed, object.number), (uint32_t)count);
    return 0;
}

static const luaL_Reg client_methods[] = {
    {"befriend", client_befriends},
    {"accept", client_accepts},
    {"decline", client_declines},
    {"block", client_blocks},
    {"send", client_sends},
    {"online", client_goes_online},
    {"offline", client_goes_offline},
    {"contact_state", client_contact_state_of},
    {"friend_state", client_friend_state_of},
    {"kill", client_dies},
    {"restart", client_restarts},
    {"poll", client_polls},
    {"listen", client_listens},
    {"stop", client_stops},
    {"has_request_from", client_has_request_from},
    {"cached_swarm", client_cached_swarm_of},
    {"clock_skew", client_clock_skew},
    {"cut_off", client_cut_off},
    {"drop_calls", client_drop_calls},
    {NULL, NULL},
};

const struct object_class client_class = {"client", client_methods, client_fields, ARRAY_LEN(client_fields)};

/* ---- a message: what its sender knows of it, and what the oracle saw ---- */

static const struct sent *sent_of(lua_State *lua, struct scenario *scenario, struct object object)
{
    const struct sent *sent = client_sent(live_client(lua, scenario, object.number), object.part);

    if (sent == NULL)
        luaL_error(lua, "the sender has forgotten this message");
    return sent;
}

/* NULL: not yet accepted for sending. */
static const struct checked *checked_of(struct scenario *scenario, struct object object)
{
    return checker_find_number(&scenario->checker, testbed_client_seat(scenario->testbed, object.number), object.part);
}

static int message_sender(lua_State *lua, struct scenario *scenario, struct object object)
{
    (void)scenario;
    push_object(lua, (struct object){OBJECT_CLIENT, object.number, 0});
    return 1;
}

static int message_recipient(lua_State *lua, struct scenario *scenario, struct object object)
{
    const struct sent *sent = sent_of(lua, scenario, object);
    uint32_t client = testbed_client_by_account(scenario->testbed, &sent->recipient);

    if (client != UINT32_MAX)
        push_object(lua, (struct object){OBJECT_CLIENT, client, 0});
    else
        push_hex(lua, BYTES_OF(sent->recipient.bytes));
    return 1;
}

static int message_state(lua_State *lua, struct scenario *scenario, struct object object)
{
    lua_pushstring(lua, send_state_text(sent_of(lua, scenario, object)->state));
    return 1;
}

/* nil, or why sending failed. */
static int message_error(lua_State *lua, struct scenario *scenario, struct object object)
{
    const struct sent *sent = sent_of(lua, scenario, object);

    if (sent->state == SEND_FAILED)
        lua_pushstring(lua, err_text(sent->err));
    else
        lua_pushnil(lua);
    return 1;
}

/* "synchronous", "fell back", or "asynchronous" (which a text waiting to be delivered is taken for). */
static int message_routing(lua_State *lua, struct scenario *scenario, struct object object)
{
    const struct sent *sent = sent_of(lua, scenario, object);

    lua_pushstring(lua, sent->fell_back ? "fell back" : sent->synchronous ? "synchronous" : "asynchronous");
    return 1;
}

static int message_stored_count(lua_State *lua, struct scenario *scenario, struct object object)
{
    lua_pushinteger(lua, sent_of(lua, scenario, object)->stored_count);
    return 1;
}

static int message_hash_hex(lua_State *lua, struct scenario *scenario, struct object object)
{
    push_hex(lua, BYTES_OF(sent_of(lua, scenario, object)->hash));
    return 1;
}

static int message_trials(lua_State *lua, struct scenario *scenario, struct object object)
{
    lua_pushinteger(lua, (lua_Integer)sent_of(lua, scenario, object)->trials);
    return 1;
}

static int message_ttl_ms(lua_State *lua, struct scenario *scenario, struct object object)
{
    lua_pushinteger(lua, (lua_Integer)sent_of(lua, scenario, object)->ttl_ms);
    return 1;
}

/* The nodes that answered the sender's stores with 200. */
static int message_stored_at(lua_State *lua, struct scenario *scenario, struct object object)
{
    const struct sent *sent = sent_of(lua, scenario, object);

    lua_newtable(lua);
    for (uint8_t i = 0; i < sent->stored_count; i++) {
        push_node_by_key(lua, scenario, &sent->stored_at[i]);
        lua_rawseti(lua, -2, i + 1);
    }
    return 1;
}

/* The nodes that hold it now. */
static int message_holders(lua_State *lua, struct scenario *scenario, struct object object)
{
    const struct sent *sent = sent_of(lua, scenario, object);
    uint32_t nodes[LIMIT_SWARM_NODES];
    size_t count = testbed_holders(scenario->testbed, sent->hash, nodes, ARRAY_LEN(nodes));

    lua_newtable(lua);
    for (size_t i = 0; i < count && i < ARRAY_LEN(nodes); i++) {
        push_node(lua, nodes[i]);
        lua_rawseti(lua, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int message_delivered(lua_State *lua, struct scenario *scenario, struct object object)
{
    const struct checked *checked = checked_of(scenario, object);

    lua_pushboolean(lua, checked != NULL && checked->shown_count > 0);
    return 1;
}

static int message_shown_count(lua_State *lua, struct scenario *scenario, struct object object)
{
    const struct checked *checked = checked_of(scenario, object);

    lua_pushinteger(lua, checked != NULL ? checked->shown_count : 0);
    return 1;
}

/* From the user's call to the showing, in milliseconds of virtual time; nil until then. */
static int message_delay_ms(lua_State *lua, struct scenario *scenario, struct object object)
{
    const struct checked *checked = checked_of(scenario, object);

    if (checked == NULL || checked->shown_count == 0)
        lua_pushnil(lua);
    else
        lua_pushnumber(lua, (lua_Number)(checked->shown_us - checked->sent_us) / 1000);
    return 1;
}

static const struct object_field message_fields[] = {
    {"sender", message_sender},
    {"recipient", message_recipient},
    {"state", message_state},
    {"err", message_error},
    {"routing", message_routing},
    {"stored_count", message_stored_count},
    {"hash", message_hash_hex},
    {"trials", message_trials},
    {"ttl_ms", message_ttl_ms},
    {"stored_at", message_stored_at},
    {"holders", message_holders},
    {"delivered", message_delivered},
    {"shown_count", message_shown_count},
    {"delay_ms", message_delay_ms},
};

static const luaL_Reg message_methods[] = {{NULL, NULL}};

const struct object_class message_class = {"message", message_methods, message_fields, ARRAY_LEN(message_fields)};
