#include "sim/change.h"

#include <string.h>

#include "client/client.h"
#include "common/limits.h"
#include "common/text.h"

#define NODES_MAX      20000
#define CLIENTS_MAX    100000 /* beyond those of the scenario none is added */
#define NAME_BYTES_MAX 63

#define CHANGE_INFO(id, name, members, min, max, about) [id] = {name, members, min, max, about},
const struct change_info change_infos[CHANGE_COUNT] = {CHANGES(CHANGE_INFO)};
#undef CHANGE_INFO

/* ---- JSON ---- */

static enum err decode_number(const struct json *object, const char *name, int64_t min, int64_t max, int64_t *out,
                              const char **why)
{
    enum err err = json_get_integer(object, name, out);

    *why = name;
    if (err == OK && (*out < min || *out > max))
        err = ERR_RANGE;
    return err;
}

static enum err decode_index(const struct json *object, const char *name, uint32_t *out, const char **why)
{
    int64_t number;
    enum err err = decode_number(object, name, 0, UINT32_MAX - 1, &number, why);

    if (err == OK)
        *out = (uint32_t)number;
    return err;
}

static enum err decode_text(const struct json *object, struct change *out, const char **why)
{
    enum err err = json_get_string(object, "text", &out->text);

    *why = "text";
    if (err == OK && !utf8_valid(out->text))
        err = ERR_FORMAT;
    if (err == OK && out->text.len > (out->kind == CHANGE_CLIENT ? NAME_BYTES_MAX : LIMIT_TEXT_BYTES))
        err = ERR_TOO_BIG;
    return err;
}

enum err change_decode(const struct json *object, struct change *out, const char **why)
{
    const struct change_info *info;
    struct bytes name;
    enum err err = json_get_string(object, "change", &name);

    *out = (struct change){0};
    *why = "change";
    if (err != OK)
        return err;
    while (out->kind < CHANGE_COUNT && !bytes_equal_text(name, change_infos[out->kind].name))
        out->kind++;
    if (out->kind == CHANGE_COUNT)
        return ERR_RANGE;
    info = &change_infos[out->kind];
    if (info->members & CHANGES_NODE)
        err = decode_index(object, "node", &out->node, why);
    if (err == OK && info->members & CHANGES_CLIENT)
        err = decode_index(object, "client", &out->client, why);
    if (err == OK && info->members & CHANGES_VALUE)
        err = decode_number(object, "value", info->min, info->max, &out->value, why);
    if (err == OK && info->members & CHANGES_TO)
        err = decode_index(object, "to", &out->to, why);
    if (err == OK && info->members & CHANGES_TEXT)
        err = decode_text(object, out, why);
    if (err == OK && info->members & CHANGES_ARRIVAL)
        err = decode_index(object, "identity", &out->identity, why);
    if (err == OK && info->members & CHANGES_ARRIVAL)
        err = decode_index(object, "host", &out->host, why);
    return err;
}

static void write_number(struct buf *out, const char *name, int64_t number)
{
    json_write_name(out, name);
    json_write_i64(out, number);
}

void change_encode(struct buf *out, const struct change *change)
{
    const struct change_info *info = &change_infos[change->kind];

    json_write_name(out, "change");
    json_write_text(out, bytes_text(info->name));
    if (info->members & CHANGES_NODE)
        write_number(out, "node", change->node);
    if (info->members & CHANGES_CLIENT)
        write_number(out, "client", change->client);
    if (info->members & CHANGES_VALUE)
        write_number(out, "value", change->value);
    if (info->members & CHANGES_TO)
        write_number(out, "to", change->to);
    if (info->members & CHANGES_TEXT) {
        json_write_name(out, "text");
        json_write_text(out, change->text);
    }
    if (info->members & CHANGES_ARRIVAL) {
        write_number(out, "identity", change->identity);
        write_number(out, "host", change->host);
    }
}

/* ---- clients ---- */

struct action {
    const struct change *change;
    struct account_id to;
    enum err err;
};

/* What a user does at the device, in it. */
static void act(void *machine, void *owner)
{
    struct action *action = owner;
    const struct sent *sent;

    switch ((int)action->change->kind) {
    case CHANGE_CLIENT_ONLINE:
        client_online(machine);
        break;
    case CHANGE_CLIENT_OFFLINE:
        client_offline(machine);
        break;
    case CHANGE_CLIENT_POLL:
        client_poll_once(machine);
        break;
    case CHANGE_CLIENT_LISTEN:
        client_listen_start(machine, action->change->value != 0);
        break;
    case CHANGE_CLIENT_STOP:
        client_listen_stop(machine);
        break;
    case CHANGE_CLIENT_BEFRIEND:
        action->err = client_befriend(machine, &action->to, action->change->text, &sent);
        break;
    case CHANGE_CLIENT_ACCEPT:
        action->err = client_accept(machine, &action->to);
        break;
    case CHANGE_CLIENT_DECLINE:
        action->err = client_decline(machine, &action->to);
        break;
    case CHANGE_CLIENT_SEND:
        action->err = client_send(machine, &action->to, action->change->text, &sent);
        break;
    default:
        ASSERT(!"no action of a user");
    }
}

static enum err act_as_user(const struct change *change, struct testbed *testbed)
{
    struct action action = {.change = change};

    if (change_infos[change->kind].members & CHANGES_TO)
        action.to = *testbed_client_account(testbed, change->to);
    world_enter(testbed_world(testbed), testbed_client_seat(testbed, change->client), act, &action);
    return action.err;
}

static void add_client(const struct change *change, struct testbed *testbed)
{
    char name[NAME_BYTES_MAX + 1];

    memcpy(name, change->text.data, change->text.len);
    name[change->text.len] = '\0';
    testbed_add_client(testbed, name);
}

/* ---- all of them ---- */

static bool needs_life(enum change_kind kind)
{
    return kind >= CHANGE_CLIENT_ONLINE;
}

enum err change_check(const struct change *change, struct testbed *testbed, const char **why)
{
    unsigned members = change_infos[change->kind].members;

    *why = "node";
    if (members & CHANGES_NODE && change->node >= testbed_node_count(testbed))
        return ERR_NOT_FOUND;
    *why = "to";
    if (members & CHANGES_TO && change->to >= testbed_client_count(testbed))
        return ERR_NOT_FOUND;
    *why = "client";
    if (members & CHANGES_CLIENT && (change->client >= testbed_client_count(testbed) ||
                                     (needs_life(change->kind) && testbed_client(testbed, change->client) == NULL)))
        return ERR_NOT_FOUND;
    *why = "host";
    if (change->host > TESTBED_HOST_MAX)
        return ERR_RANGE;
    *why = "identity";
    if (members & CHANGES_ARRIVAL && !testbed_has_arrivals(testbed, change->identity))
        return ERR_NOT_FOUND;
    if (members & CHANGES_ARRIVAL && testbed_knows(testbed, change->identity))
        return ERR_DUPLICATE;
    *why = "change";
    if (((change->kind == CHANGE_REGISTER || change->kind == CHANGE_ARRIVAL) &&
         testbed_node_count(testbed) >= NODES_MAX) ||
        (change->kind == CHANGE_REGISTER && !testbed_host_has_port(testbed, testbed_next_host(testbed))) ||
        (change->kind == CHANGE_ARRIVAL && !testbed_host_has_port(testbed, change->host)) ||
        (change->kind == CHANGE_CLIENT && testbed_client_count(testbed) >= CLIENTS_MAX))
        return ERR_FULL;
    return OK;
}

static void set_disks(struct testbed *testbed, int64_t value)
{
    static const enum err errors[] = {OK, ERR_FULL, ERR_IO};

    for (uint32_t i = 0; i < testbed_node_count(testbed); i++)
        world_set_disk_failing(testbed_world(testbed), testbed_node_seat(testbed, i), errors[value]);
}

static uint32_t seat_of(const struct change *change, const struct testbed *testbed)
{
    return change_infos[change->kind].members & CHANGES_NODE ? testbed_node_seat(testbed, change->node)
                                                             : testbed_client_seat(testbed, change->client);
}

enum err change_apply(const struct change *change, struct testbed *testbed)
{
    struct world *world = testbed_world(testbed);

    switch (change->kind) {
    case CHANGE_KILL:
        testbed_kill(testbed, change->node);
        break;
    case CHANGE_RESTART:
        testbed_restart(testbed, change->node);
        break;
    case CHANGE_EXIT:
        testbed_exit(testbed, change->node);
        break;
    case CHANGE_DECOMMISSION:
        testbed_decommission(testbed, change->node);
        break;
    case CHANGE_RECOMMISSION:
        testbed_recommission(testbed, change->node);
        break;
    case CHANGE_CUT_OFF:
    case CHANGE_CLIENT_CUT_OFF:
        world_set_cut_off(world, seat_of(change, testbed), change->value != 0);
        break;
    case CHANGE_CLOCK_SKEW:
    case CHANGE_CLIENT_CLOCK_SKEW:
        world_set_clock_skew(world, seat_of(change, testbed), change->value);
        break;
    case CHANGE_DISKS:
        set_disks(testbed, change->value);
        break;
    case CHANGE_REGISTER:
        testbed_register(testbed);
        break;
    case CHANGE_ARRIVAL:
        testbed_register_known(testbed, change->identity, change->host);
        break;
    case CHANGE_BLOCK:
        testbed_block(testbed);
        break;
    case CHANGE_DIFFICULTY:
        testbed_set_difficulty(testbed, (uint64_t)change->value);
        break;
    case CHANGE_CLIENT:
        add_client(change, testbed);
        break;
    case CHANGE_CLIENT_KILL:
        testbed_client_kill(testbed, change->client);
        break;
    case CHANGE_CLIENT_RESTART:
        testbed_client_restart(testbed, change->client);
        break;
    case CHANGE_CLIENT_DROP_CALLS:
        world_drop_calls(world, seat_of(change, testbed), (uint32_t)change->value);
        break;
    case CHANGE_CLIENT_ONLINE:
    case CHANGE_CLIENT_OFFLINE:
    case CHANGE_CLIENT_POLL:
    case CHANGE_CLIENT_LISTEN:
    case CHANGE_CLIENT_STOP:
    case CHANGE_CLIENT_BEFRIEND:
    case CHANGE_CLIENT_ACCEPT:
    case CHANGE_CLIENT_DECLINE:
    case CHANGE_CLIENT_SEND:
        return act_as_user(change, testbed);
    case CHANGE_COUNT:
        break;
    }
    return OK;
}
