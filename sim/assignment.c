#include "sim/assignment.h"

#include <stdlib.h>
#include <string.h>

#include "sim/mt19937_64.h"

void assignment_init(struct assignment *assignment)
{
    memset(assignment, 0, sizeof(*assignment));
}

void assignment_fini(struct assignment *assignment)
{
    free(assignment->nodes);
    assignment_init(assignment);
}

static int key_compare(const struct ed25519_public *a, const struct ed25519_public *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* Where the key is, or would come. */
static uint32_t position_of(const struct assignment *assignment, const struct ed25519_public *key)
{
    uint32_t low = 0, high = assignment->count;

    /* Keys that come in ascending order are simply appended. */
    if (high > 0 && key_compare(&assignment->nodes[high - 1].key, key) < 0)
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (key_compare(&assignment->nodes[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct assignment_node *assignment_find(const struct assignment *assignment, const struct ed25519_public *key)
{
    uint32_t at = position_of(assignment, key);

    if (at == assignment->count || key_compare(&assignment->nodes[at].key, key) != 0)
        return NULL;
    return &assignment->nodes[at];
}

enum err assignment_join(struct assignment *assignment, const struct ed25519_public *key, uint64_t swarm_id)
{
    uint32_t at = position_of(assignment, key);

    if (at < assignment->count && key_compare(&assignment->nodes[at].key, key) == 0)
        return ERR_DUPLICATE;
    if (assignment->count == assignment->cap) {
        assignment->cap = assignment->cap == 0 ? 64 : 2 * assignment->cap;
        assignment->nodes = xrealloc(assignment->nodes, assignment->cap * sizeof(*assignment->nodes));
    }
    memmove(&assignment->nodes[at + 1], &assignment->nodes[at], (assignment->count - at) * sizeof(*assignment->nodes));
    assignment->nodes[at] = (struct assignment_node){.key = *key, .swarm_id = swarm_id};
    assignment->count++;
    return OK;
}

enum err assignment_leave(struct assignment *assignment, const struct ed25519_public *key)
{
    uint32_t at = position_of(assignment, key);

    if (at == assignment->count || key_compare(&assignment->nodes[at].key, key) != 0)
        return ERR_NOT_FOUND;
    assignment->count--;
    memmove(&assignment->nodes[at], &assignment->nodes[at + 1], (assignment->count - at) * sizeof(*assignment->nodes));
    return OK;
}

struct placed {
    uint64_t swarm_id;
    uint32_t node;
};

static int placed_compare(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;

    if (a->swarm_id != b->swarm_id)
        return a->swarm_id < b->swarm_id ? -1 : 1;
    return (a->node > b->node) - (a->node < b->node);
}

uint32_t assignment_order(const uint64_t swarm_ids[], uint32_t count, uint32_t order[])
{
    struct placed *placed = xmalloc(count * sizeof(*placed) + 1);
    uint32_t placed_count = 0;

    for (uint32_t i = 0; i < count; i++)
        placed[i] = (struct placed){swarm_ids[i], i};
    qsort(placed, count, sizeof(*placed), placed_compare);
    for (uint32_t i = 0; i < count; i++) {
        order[i] = placed[i].node;
        placed_count += placed[i].swarm_id != SWARM_NONE;
    }
    free(placed);
    return placed_count;
}

uint64_t assignment_new_id(const uint64_t ids[], size_t count, bool old_rule)
{
    uint64_t gap = 0, low = 0, half, room;

    if (count == 0)
        return 0;
    if (count == 1 && old_rule)
        return SWARM_ID_MAX / 2;
    for (size_t i = 0; i + 1 < count; i++) {
        if (ids[i + 1] - ids[i] > gap) {
            gap = ids[i + 1] - ids[i];
            low = ids[i];
        }
    }
    /* The gap over the end of the ring, in which SWARM_ID_MAX and 0 are neighbours. */
    if (SWARM_ID_MAX - ids[count - 1] + ids[0] + 1 > gap) {
        gap = SWARM_ID_MAX - ids[count - 1] + ids[0] + 1;
        low = ids[count - 1];
    }
    half = gap / 2;
    room = SWARM_ID_MAX - low;
    return half > room ? half - room - 1 : low + half;
}

/* One run. */

struct swarm {
    uint64_t id;
    uint32_t count, cap;
    uint32_t *members; /* indices into the assignment's nodes; their order decides who is picked */
};

struct run {
    struct assignment *assignment;
    bool old_rule;
    struct mt19937_64 mt;
    struct swarm **swarms;  /* ascending id; owned */
    struct swarm **by_size; /* the same ones; in order after sort_by_size() */
    uint32_t count, cap;
};

static void swarm_append(struct swarm *swarm, uint32_t node)
{
    if (swarm->count == swarm->cap) {
        swarm->cap = swarm->cap == 0 ? 16 : 2 * swarm->cap;
        swarm->members = xrealloc(swarm->members, swarm->cap * sizeof(*swarm->members));
    }
    swarm->members[swarm->count++] = node;
}

static void swarm_free(struct swarm *swarm)
{
    free(swarm->members);
    free(swarm);
}

/* NULL: there is one with that id already. */
static struct swarm *insert_swarm(struct run *run, uint64_t id)
{
    uint32_t at = run->count;
    struct swarm *swarm;

    while (at > 0 && run->swarms[at - 1]->id > id)
        at--;
    if (at > 0 && run->swarms[at - 1]->id == id)
        return NULL;
    if (run->count == run->cap) {
        run->cap = run->cap == 0 ? 64 : 2 * run->cap;
        run->swarms = xrealloc(run->swarms, run->cap * sizeof(struct swarm *));
        run->by_size = xrealloc(run->by_size, run->cap * sizeof(struct swarm *));
    }
    swarm = xcalloc(1, sizeof(*swarm));
    swarm->id = id;
    memmove(&run->swarms[at + 1], &run->swarms[at], (run->count - at) * sizeof(struct swarm *));
    run->swarms[at] = swarm;
    run->by_size[run->count] = swarm;
    run->count++;
    return swarm;
}

static void remove_pointer(struct swarm **swarms, uint32_t count, const struct swarm *swarm)
{
    uint32_t at = 0;

    while (swarms[at] != swarm)
        at++;
    memmove(&swarms[at], &swarms[at + 1], (count - at - 1) * sizeof(struct swarm *));
}

/* The swarm is the caller's then. */
static void remove_swarm(struct run *run, struct swarm *swarm)
{
    remove_pointer(run->swarms, run->count, swarm);
    remove_pointer(run->by_size, run->count, swarm);
    run->count--;
}

static bool comes_before(const struct swarm *a, const struct swarm *b)
{
    return a->count != b->count ? a->count < b->count : a->id < b->id;
}

/* By size, then id. Insertion sort: between two calls hardly any swarm has changed its place. */
static void sort_by_size(struct run *run)
{
    for (uint32_t i = 1; i < run->count; i++) {
        struct swarm *swarm = run->by_size[i];
        uint32_t at = i;
        for (; at > 0 && comes_before(swarm, run->by_size[at - 1]); at--)
            run->by_size[at] = run->by_size[at - 1];
        run->by_size[at] = swarm;
    }
}

/* The one with the lowest id; NULL: none starves. */
static struct swarm *first_starving(const struct run *run)
{
    for (uint32_t i = 0; i < run->count; i++)
        if (run->swarms[i]->count < SWARM_SIZE_MIN)
            return run->swarms[i];
    return NULL;
}

/* The excess pool above a size: every member of every larger swarm, in order of swarm and member. */
struct pool {
    uint32_t members;
    uint32_t excess; /* members above EXCESS_BASE */
};
static struct pool pool_above(const struct run *run, uint32_t size)
{
    struct pool pool = {0};

    for (uint32_t i = 0; i < run->count; i++) {
        if (run->swarms[i]->count > size) {
            pool.members += run->swarms[i]->count;
            pool.excess += run->swarms[i]->count - EXCESS_BASE;
        }
    }
    return pool;
}

/* Draws one of the pool above `size`, which is not empty, and takes it out of its swarm. */
static uint32_t draw_from_pool(struct run *run, struct pool pool, uint32_t size)
{
    uint32_t index = (uint32_t)mt19937_64_draw(&run->mt, pool.members);

    for (uint32_t i = 0;; i++) {
        struct swarm *swarm = run->swarms[i];
        uint32_t node;
        if (swarm->count <= size)
            continue;
        if (index >= swarm->count) {
            index -= swarm->count;
            continue;
        }
        node = swarm->members[index];
        swarm->count--;
        memmove(&swarm->members[index], &swarm->members[index + 1], (swarm->count - index) * sizeof(*swarm->members));
        return node;
    }
}

static uint64_t new_id(const struct run *run)
{
    uint64_t *ids = xmalloc(run->count * sizeof(*ids));
    uint64_t id;

    for (uint32_t i = 0; i < run->count; i++)
        ids[i] = run->swarms[i]->id;
    id = assignment_new_id(ids, run->count, run->old_rule);
    free(ids);
    return id;
}

static void create_from_excess(struct run *run)
{
    if (first_starving(run) != NULL)
        return;
    while (pool_above(run, EXCESS_BASE).excess >= SWARM_SIZE_NEW + SWARM_MARGIN * run->count) {
        uint32_t picked[SWARM_SIZE_NEW];
        struct swarm *swarm;
        for (size_t i = 0; i < SWARM_SIZE_NEW; i++)
            picked[i] = draw_from_pool(run, pool_above(run, EXCESS_BASE), EXCESS_BASE);
        swarm = insert_swarm(run, new_id(run));
        /* The old rule alone may name an id that is taken: then the seven are in no swarm for the rest of this run, and
         * keep the id they came with (newcomers: none), as nothing new is written down for them. */
        if (swarm == NULL)
            continue;
        for (size_t i = 0; i < SWARM_SIZE_NEW; i++)
            swarm_append(swarm, picked[i]);
    }
}

/* Puts each node into one of the swarms that are no larger than the one at that percentile. */
static void assign(struct run *run, const uint32_t nodes[], uint32_t count, uint32_t percentile)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t last;
        sort_by_size(run);
        last = percentile * (run->count - 1) / 100;
        while (last + 1 < run->count && run->by_size[last + 1]->count == run->by_size[last]->count)
            last++;
        swarm_append(run->by_size[mt19937_64_draw(&run->mt, last + 1)], nodes[i]);
        create_from_excess(run);
    }
}

/* "Robin Hood": starving swarms are filled up from large ones, while these can save them. */
static void steal(struct run *run)
{
    struct recorded {
        struct swarm *swarm;
        uint32_t size;
    } *recorded = xmalloc(run->count * sizeof(*recorded));
    uint32_t above;

    sort_by_size(run);
    for (uint32_t i = 0; i < run->count; i++)
        recorded[i] = (struct recorded){run->by_size[i], run->by_size[i]->count};
    above = recorded[STEAL_PERCENTILE * (run->count - 1) / 100].size;
    above = above > SWARM_SIZE_MIN + 1 ? above - 1 : SWARM_SIZE_MIN;

    for (uint32_t i = 0; i < run->count && recorded[i].size < SWARM_SIZE_MIN; i++) {
        struct swarm *poor = recorded[i].swarm;
        while (poor->count < SWARM_SIZE_MIN) {
            struct pool pool = pool_above(run, above);
            if (pool.excess < SWARM_SIZE_MIN - poor->count)
                goto done; /* too little for this one; the rule asks for no more, also for later ones */
            swarm_append(poor, draw_from_pool(run, pool, above));
        }
    }
done:
    free(recorded);
}

/* The last swarm stays, however small: a network of fewer than five nodes has one. */
static void dissolve(struct run *run)
{
    struct swarm *starving;

    while (run->count > 1 && (starving = first_starving(run)) != NULL) {
        remove_swarm(run, starving);
        assign(run, starving->members, starving->count, REDISTRIBUTE_PERCENTILE);
        swarm_free(starving);
    }
}

/* Fills the swarms in the order of keys. The nodes without one go to `unassigned`, in that order too; how many. */
static uint32_t gather(struct run *run, uint32_t unassigned[])
{
    const struct assignment *assignment = run->assignment;
    uint64_t *ids = xmalloc(assignment->count * sizeof(*ids));
    uint32_t *order = xmalloc(assignment->count * sizeof(*order));
    uint32_t placed_count;
    struct swarm *swarm = NULL;

    for (uint32_t i = 0; i < assignment->count; i++)
        ids[i] = assignment->nodes[i].swarm_id;
    placed_count = assignment_order(ids, assignment->count, order);
    for (uint32_t i = 0; i < placed_count; i++) {
        if (swarm == NULL || swarm->id != ids[order[i]])
            swarm = insert_swarm(run, ids[order[i]]);
        swarm_append(swarm, order[i]);
    }
    for (uint32_t i = placed_count; i < assignment->count; i++)
        unassigned[i - placed_count] = order[i];
    free(order);
    free(ids);
    return assignment->count - placed_count;
}

void assignment_run(struct assignment *assignment, uint64_t seed, bool old_rule)
{
    struct run run = {.assignment = assignment, .old_rule = old_rule};
    uint32_t *unassigned, unassigned_count;

    if (assignment->count == 0)
        return;
    mt19937_64_init(&run.mt, seed);
    unassigned = xmalloc(assignment->count * sizeof(*unassigned));
    unassigned_count = gather(&run, unassigned);
    if (run.count == 0)
        insert_swarm(&run, 0);
    assign(&run, unassigned, unassigned_count, FILL_PERCENTILE);
    steal(&run);
    create_from_excess(&run);
    dissolve(&run);

    for (uint32_t i = 0; i < run.count; i++) {
        for (uint32_t j = 0; j < run.swarms[i]->count; j++)
            assignment->nodes[run.swarms[i]->members[j]].swarm_id = run.swarms[i]->id;
        swarm_free(run.swarms[i]);
    }
    free(run.swarms);
    free(run.by_size);
    free(unassigned);
}
