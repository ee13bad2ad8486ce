#include "common/swarm.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"

#define IP_BYTES(ip) (ip) >> 24, (ip) >> 16 & 0xff, (ip) >> 8 & 0xff, (ip)&0xff

void address_text(struct address address, char out[ADDRESS_TEXT_MAX])
{
    snprintf(out, ADDRESS_TEXT_MAX, "%u.%u.%u.%u:%u", IP_BYTES(address.ip), address.port);
}

void ip_text(uint32_t ip, char out[ADDRESS_TEXT_MAX])
{
    snprintf(out, ADDRESS_TEXT_MAX, "%u.%u.%u.%u", IP_BYTES(ip));
}

enum err ip_from_text(struct bytes text, uint32_t *out)
{
    uint32_t ip = 0;
    for (int part = 0; part < 4; part++) {
        size_t dot = bytes_find(text, BYTES_LIT("."));
        uint64_t number;
        if ((dot == SIZE_MAX) != (part == 3))
            return ERR_FORMAT;
        if (part == 3)
            dot = text.len;
        if (decimal_decode(&number, bytes_slice(text, 0, dot)) != OK || number > 255)
            return ERR_FORMAT;
        ip = ip << 8 | (uint32_t)number;
        if (part < 3)
            text = bytes_slice(text, dot + 1, text.len - dot - 1);
    }
    *out = ip;
    return OK;
}

bool address_equal(struct address a, struct address b)
{
    return a.ip == b.ip && a.port == b.port;
}

uint64_t swarm_space(const struct account_id *account)
{
    const uint8_t *key = account->bytes + 1; /* behind the prefix */
    return load_be64(key) ^ load_be64(key + 8) ^ load_be64(key + 16) ^ load_be64(key + 24);
}

/* Ids in ascending order, alone or each at the start of a larger struct. */
struct id_list {
    const void *first;
    size_t stride, count;
};

static uint64_t id_at(const struct id_list *list, size_t i)
{
    uint64_t id;
    memcpy(&id, (const uint8_t *)list->first + i * list->stride, sizeof(id));
    return id;
}

/* How many ids are below `position`: where it stands, or would stand. */
static size_t ids_below(const struct id_list *list, uint64_t position)
{
    size_t from = 0, to = list->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (id_at(list, middle) < position)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* PROTOCOL 2.2. With one id it is its own left and right neighbour. The list is not empty. */
static size_t nearest(const struct id_list *list, uint64_t position)
{
    size_t below = ids_below(list, position);
    size_t right = below == list->count ? 0 : below;
    size_t left = (below == 0 ? list->count : below) - 1;
    uint64_t to_right = id_at(list, right) - position, to_left = position - id_at(list, left);
    return to_right < to_left ? right : left;
}

uint64_t swarm_choose(const uint64_t ids[], size_t count, uint64_t position)
{
    struct id_list list = {ids, sizeof(ids[0]), count};
    return count == 0 ? SWARM_NONE : ids[nearest(&list, position)];
}

_Static_assert(offsetof(struct swarm_entry, id) == 0, "an id_list reads the id at the start of an entry");

static struct id_list membership_ids(const struct membership *membership)
{
    return (struct id_list){membership->swarms, sizeof(membership->swarms[0]), membership->swarm_count};
}

const struct swarm_entry *swarm_of(const struct membership *membership, const struct account_id *account)
{
    struct id_list list = membership_ids(membership);
    return list.count == 0 ? NULL : &membership->swarms[nearest(&list, swarm_space(account))];
}

const struct swarm_entry *swarm_by_id(const struct membership *membership, uint64_t id)
{
    struct id_list list = membership_ids(membership);
    size_t at = ids_below(&list, id);
    return at < list.count && id_at(&list, at) == id ? &membership->swarms[at] : NULL;
}

const struct snode_entry *snode_by_key(const struct membership *membership, const struct ed25519_public *key)
{
    size_t from = 0, to = membership->node_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = memcmp(membership->nodes[middle].ed25519.bytes, key->bytes, sizeof(key->bytes));
        if (order == 0)
            return &membership->nodes[middle];
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

const struct snode_entry *swarm_member(const struct membership *membership, const struct swarm_entry *swarm, uint32_t i)
{
    ASSERT(i < swarm->count);
    return &membership->nodes[membership->members[swarm->first + i]];
}
