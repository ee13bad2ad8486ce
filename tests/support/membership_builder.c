#include "tests/support/membership_builder.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define NODES_MAX  256
#define SWARMS_MAX 64

struct built {
    struct membership membership; /* first: what the caller holds */
    struct snode_entry nodes[NODES_MAX];
    struct swarm_entry swarms[SWARMS_MAX];
    uint32_t members[NODES_MAX];
};

void node_keys(uint32_t number, struct snode_keys *keys)
{
    uint8_t seed[32] = {0x6e, 0x6f, 0x64, 0x65};

    store_le32(seed + 28, number);
    ed25519_from_seed(seed, &keys->ed25519, &keys->ed25519_secret);
    x25519_from_ed25519_secret(&keys->ed25519_secret, &keys->x25519.secret);
    ck_assert_int_eq(x25519_from_ed25519_public(&keys->ed25519, &keys->x25519.public), OK);
}

struct ed25519_public node_key(uint32_t number)
{
    struct snode_keys keys;

    node_keys(number, &keys);
    return keys.ed25519;
}

struct address node_address(uint32_t number)
{
    return (struct address){0x7f000007u | (1 + number / 250) << 16 | (1 + number % 250) << 8, 22021};
}

uint32_t node_at(struct address address)
{
    return ((address.ip >> 16 & 0xff) - 1) * 250 + (address.ip >> 8 & 0xff) - 1;
}

struct account_id account_at(uint64_t position)
{
    struct account_id account = {{ACCOUNT_PREFIX}};

    store_be64(account.bytes + 1, position);
    return account;
}

static void add_node(struct built *built, uint32_t number, uint64_t swarm_id)
{
    struct snode_entry *entry = &built->nodes[built->membership.node_count++];
    struct snode_keys keys;

    ck_assert_uint_le(built->membership.node_count, NODES_MAX);
    node_keys(number, &keys);
    entry->ed25519 = keys.ed25519;
    entry->x25519 = keys.x25519.public;
    memcpy(entry->legacy, keys.ed25519.bytes, sizeof(entry->legacy));
    entry->address = node_address(number);
    entry->swarm_id = swarm_id;
    entry->host = number;
}

/* "0: 1 2 3": what stands between two semicolons. */
static void add_swarm(struct built *built, const char *text)
{
    const char *colon = strchr(text, ':');
    uint64_t id = SWARM_NONE;
    char *end;

    ck_assert_msg(colon != NULL, "no colon in \"%s\"", text);
    text += strspn(text, " ");
    if (strncmp(text, "none", 4) != 0) {
        id = strtoull(text, &end, 16);
        ck_assert_msg(end == colon && id != SWARM_NONE, "no swarm id in \"%s\"", text);
        ck_assert_uint_lt(built->membership.swarm_count, SWARMS_MAX);
        built->swarms[built->membership.swarm_count++].id = id;
    }
    for (text = colon + 1; text[strspn(text, " ")] != '\0'; text = end) {
        uint32_t number = (uint32_t)strtoul(text, &end, 10);

        ck_assert_msg(end != text, "no node number in \"%s\"", text);
        add_node(built, number, id);
    }
}

static int by_key(const void *a, const void *b)
{
    return memcmp(((const struct snode_entry *)a)->ed25519.bytes, ((const struct snode_entry *)b)->ed25519.bytes, 32);
}

static int by_id(const void *a, const void *b)
{
    uint64_t ids[] = {((const struct swarm_entry *)a)->id, ((const struct swarm_entry *)b)->id};

    return (ids[0] > ids[1]) - (ids[0] < ids[1]);
}

/* Nodes ascend by key, so members do too. */
static void list_members(struct built *built)
{
    uint32_t used = 0;

    for (uint32_t i = 0; i < built->membership.swarm_count; i++) {
        struct swarm_entry *swarm = &built->swarms[i];

        swarm->first = used;
        for (uint32_t node = 0; node < built->membership.node_count; node++)
            if (built->nodes[node].swarm_id == swarm->id)
                built->members[used++] = node;
        swarm->count = used - swarm->first;
    }
}

struct membership *membership_build(uint64_t height, const char *text)
{
    struct built *built = xcalloc(1, sizeof(*built));
    char *copy = strdup(text);
    char *rest = copy;
    char *part;

    while ((part = strsep(&rest, ";")) != NULL)
        add_swarm(built, part);
    free(copy);
    qsort(built->nodes, built->membership.node_count, sizeof(built->nodes[0]), by_key);
    qsort(built->swarms, built->membership.swarm_count, sizeof(built->swarms[0]), by_id);
    list_members(built);
    built->membership.height = height;
    built->membership.nodes = built->nodes;
    built->membership.swarms = built->swarms;
    built->membership.members = built->members;
    return &built->membership;
}

void membership_build_free(struct membership *membership)
{
    free(membership);
}
