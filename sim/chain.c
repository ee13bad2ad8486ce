#include "sim/chain.h"

#include <stdlib.h>
#include <string.h>

#include "sim/assignment.h"

/* The chain's own stream among those of RNG_CHAIN, whose other sources are seats. */
#define RNG_SOURCE UINT32_MAX

/* A node as the next block will find it. */
struct record {
    struct chain_node node;
    uint64_t swarm_id; /* SWARM_NONE: not assigned yet, or decommissioned */
    bool active;       /* not decommissioned */
};

struct published {
    struct published *next; /* the one before it */
    struct membership membership;
    struct snode_entry *nodes;
    struct swarm_entry *swarms;
    uint32_t *members;
};

struct chain {
    struct rng rng;
    bool old_rule;
    uint64_t height;
    struct record *records; /* ascending ed25519 key */
    uint32_t count, cap;
    bool changed;   /* since the last block */
    bool needs_run; /* the change is one that the assignment answers to */
    struct published *newest;
};

struct chain *chain_new(const struct rng_key *key, uint64_t height, bool old_new_swarm_id)
{
    struct chain *chain = xcalloc(1, sizeof(*chain));

    rng_init(&chain->rng, key, RNG_CHAIN, RNG_SOURCE);
    chain->height = height;
    chain->old_rule = old_new_swarm_id;
    return chain;
}

static void published_free(struct published *published)
{
    free(published->nodes);
    free(published->swarms);
    free(published->members);
    free(published);
}

void chain_free(struct chain *chain)
{
    if (chain == NULL)
        return;
    while (chain->newest != NULL) {
        struct published *published = chain->newest;
        chain->newest = published->next;
        published_free(published);
    }
    free(chain->records);
    free(chain);
}

uint64_t chain_height(const struct chain *chain)
{
    return chain->height;
}

const struct membership *chain_membership(const struct chain *chain)
{
    return chain->newest == NULL ? NULL : &chain->newest->membership;
}

void chain_release(struct chain *chain, uint64_t below_height)
{
    struct published *keep = chain->newest;

    if (keep == NULL)
        return;
    while (keep->next != NULL && keep->next->membership.height >= below_height)
        keep = keep->next;
    while (keep->next != NULL) {
        struct published *old = keep->next;
        keep->next = old->next;
        published_free(old);
    }
}

/* Where the key is, or would come. */
static uint32_t position_of(const struct chain *chain, const struct ed25519_public *key)
{
    uint32_t low = 0, high = chain->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(chain->records[middle].node.ed25519.bytes, key->bytes, sizeof(key->bytes)) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct record *record_of(const struct chain *chain, const struct ed25519_public *key)
{
    uint32_t at = position_of(chain, key);

    if (at == chain->count || memcmp(chain->records[at].node.ed25519.bytes, key->bytes, sizeof(key->bytes)) != 0)
        return NULL;
    return &chain->records[at];
}

static enum err add(struct chain *chain, const struct chain_node *node, uint64_t swarm_id)
{
    uint32_t at = position_of(chain, &node->ed25519);

    if (record_of(chain, &node->ed25519) != NULL)
        return ERR_DUPLICATE;
    if (chain->count == chain->cap) {
        chain->cap = chain->cap == 0 ? 64 : 2 * chain->cap;
        chain->records = xrealloc(chain->records, chain->cap * sizeof(*chain->records));
    }
    memmove(&chain->records[at + 1], &chain->records[at], (chain->count - at) * sizeof(*chain->records));
    chain->records[at] = (struct record){.node = *node, .swarm_id = swarm_id, .active = true};
    chain->count++;
    chain->changed = true;
    return OK;
}

enum err chain_register(struct chain *chain, const struct chain_node *node)
{
    enum err err = add(chain, node, SWARM_NONE);

    if (err == OK)
        chain->needs_run = true;
    return err;
}

enum err chain_register_placed(struct chain *chain, const struct chain_node *node, uint64_t swarm_id)
{
    ASSERT(chain->newest == NULL);
    ASSERT(swarm_id != SWARM_NONE);
    return add(chain, node, swarm_id);
}

enum err chain_exit(struct chain *chain, const struct ed25519_public *key)
{
    struct record *record = record_of(chain, key);
    uint32_t at;

    if (record == NULL)
        return ERR_NOT_FOUND;
    at = (uint32_t)(record - chain->records);
    chain->count--;
    memmove(record, record + 1, (chain->count - at) * sizeof(*record));
    chain->changed = chain->needs_run = true;
    return OK;
}

/* Either way the node has no swarm then: a decommission takes it, and one who comes back is assigned anew
 * (PROTOCOL 2.4). */
static enum err set_active(struct chain *chain, const struct ed25519_public *key, bool active)
{
    struct record *record = record_of(chain, key);

    if (record == NULL)
        return ERR_NOT_FOUND;
    if (record->active == active)
        return ERR_DUPLICATE;
    record->active = active;
    record->swarm_id = SWARM_NONE;
    chain->changed = chain->needs_run = true;
    return OK;
}

enum err chain_decommission(struct chain *chain, const struct ed25519_public *key)
{
    return set_active(chain, key, false);
}

enum err chain_recommission(struct chain *chain, const struct ed25519_public *key)
{
    return set_active(chain, key, true);
}

/* The active nodes go through the algorithm; what it says is written into the records. */
static void assign_swarms(struct chain *chain, const uint8_t block_hash[32])
{
    struct assignment assignment;
    uint32_t next = 0;

    assignment_init(&assignment);
    for (uint32_t i = 0; i < chain->count; i++) {
        const struct record *record = &chain->records[i];
        if (record->active)
            ASSERT(assignment_join(&assignment, &record->node.ed25519, record->swarm_id) == OK);
    }
    assignment_run(&assignment, load_le64(block_hash), chain->old_rule);
    for (uint32_t i = 0; i < chain->count; i++)
        if (chain->records[i].active)
            chain->records[i].swarm_id = assignment.nodes[next++].swarm_id;
    assignment_fini(&assignment);
}

/* Swarms by id and their members by key. */
static void fill_swarms(struct published *published)
{
    const uint32_t node_count = published->membership.node_count;
    uint64_t *ids = xmalloc(node_count * sizeof(*ids) + 1);
    uint32_t *members = xmalloc(node_count * sizeof(*members) + 1);
    struct swarm_entry *swarms = xcalloc(node_count + 1, sizeof(*swarms));
    uint32_t count, swarm_count = 0;

    for (uint32_t i = 0; i < node_count; i++)
        ids[i] = published->nodes[i].swarm_id;
    count = assignment_order(ids, node_count, members);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t id = ids[members[i]];
        if (swarm_count == 0 || swarms[swarm_count - 1].id != id)
            swarms[swarm_count++] = (struct swarm_entry){.id = id, .first = i};
        swarms[swarm_count - 1].count++;
    }
    free(ids);
    swarms = xrealloc(swarms, (swarm_count + 1) * sizeof(*swarms));
    published->members = members;
    published->swarms = swarms;
    published->membership.members = members;
    published->membership.swarms = swarms;
    published->membership.swarm_count = swarm_count;
}

static void publish(struct chain *chain, const uint8_t block_hash[32])
{
    struct published *published = xcalloc(1, sizeof(*published));

    published->nodes = xcalloc(chain->count + 1, sizeof(*published->nodes));
    for (uint32_t i = 0; i < chain->count; i++) {
        const struct record *record = &chain->records[i];
        struct snode_entry *entry = &published->nodes[i];
        entry->ed25519 = record->node.ed25519;
        entry->x25519 = record->node.x25519;
        memcpy(entry->legacy, record->node.legacy, sizeof(entry->legacy));
        entry->address = record->node.address;
        entry->swarm_id = record->swarm_id;
        entry->host = record->node.host;
    }
    published->membership.height = chain->height;
    memcpy(published->membership.block_hash, block_hash, 32);
    published->membership.nodes = published->nodes;
    published->membership.node_count = chain->count;
    fill_swarms(published);
    published->next = chain->newest;
    chain->newest = published;
    /* Blocks with changes are rare: until the next one the records keep no room to grow. */
    if (chain->cap > chain->count) {
        chain->cap = chain->count + 1;
        chain->records = xrealloc(chain->records, chain->cap * sizeof(*chain->records));
    }
}

const struct membership *chain_block(struct chain *chain)
{
    uint8_t block_hash[32];

    /* Drawn for every block, so that what happens in one leaves the later ones' hashes alone. */
    rng_bytes(&chain->rng, block_hash, sizeof(block_hash));
    chain->height++;
    if (!chain->changed && chain->newest != NULL)
        return NULL;
    if (chain->needs_run)
        assign_swarms(chain, block_hash);
    chain->changed = chain->needs_run = false;
    publish(chain, block_hash);
    return &chain->newest->membership;
}
