#include "sim/change.h"

#define NODES_MAX 20000

#define CHANGE_INFO(id, name, node, value, min, max, about) [id] = {name, node, value, min, max, about},
const struct change_info change_infos[CHANGE_COUNT] = {CHANGES(CHANGE_INFO)};
#undef CHANGE_INFO

static enum err decode_number(const struct json *object, const char *name, int64_t min, int64_t max, int64_t *out,
                              const char **why)
{
    enum err err = json_get_integer(object, name, out);

    *why = name;
    if (err == OK && (*out < min || *out > max))
        err = ERR_RANGE;
    return err;
}

enum err change_decode(const struct json *object, struct change *out, const char **why)
{
    const struct change_info *info;
    struct bytes name;
    enum err err = json_get_string(object, "change", &name);
    int64_t node = 0;

    *out = (struct change){0};
    *why = "change";
    if (err != OK)
        return err;
    while (out->kind < CHANGE_COUNT && !bytes_equal_text(name, change_infos[out->kind].name))
        out->kind++;
    if (out->kind == CHANGE_COUNT)
        return ERR_RANGE;
    info = &change_infos[out->kind];
    if (info->has_node)
        err = decode_number(object, "node", 0, NODES_MAX, &node, why);
    if (err == OK && info->value != NULL)
        err = decode_number(object, info->value, info->min, info->max, &out->value, why);
    out->node = (uint32_t)node;
    return err;
}

void change_encode(struct buf *out, const struct change *change)
{
    const struct change_info *info = &change_infos[change->kind];

    json_write_name(out, "change");
    json_write_text(out, bytes_text(info->name));
    if (info->has_node) {
        json_write_name(out, "node");
        json_write_u64(out, change->node);
    }
    if (info->value != NULL) {
        json_write_name(out, info->value);
        json_write_i64(out, change->value);
    }
}

static void set_disks(struct testbed *testbed, int64_t value)
{
    static const enum err errors[] = {OK, ERR_FULL, ERR_IO};

    for (uint32_t i = 0; i < testbed_node_count(testbed); i++)
        world_set_disk_failing(testbed_world(testbed), testbed_node_seat(testbed, i), errors[value]);
}

enum err change_apply(const struct change *change, struct testbed *testbed)
{
    struct world *world = testbed_world(testbed);

    if (change_infos[change->kind].has_node && change->node >= testbed_node_count(testbed))
        return ERR_NOT_FOUND;
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
        world_set_cut_off(world, testbed_node_seat(testbed, change->node), change->value != 0);
        break;
    case CHANGE_CLOCK_SKEW:
        world_set_clock_skew(world, testbed_node_seat(testbed, change->node), change->value);
        break;
    case CHANGE_DISKS:
        set_disks(testbed, change->value);
        break;
    case CHANGE_REGISTER:
        if (testbed_node_count(testbed) >= NODES_MAX)
            return ERR_FULL;
        testbed_register(testbed);
        break;
    case CHANGE_BLOCK:
        testbed_block(testbed);
        break;
    case CHANGE_DIFFICULTY:
        testbed_set_difficulty(testbed, (uint64_t)change->value);
        break;
    case CHANGE_COUNT:
        break;
    }
    return OK;
}
