/* change.h: what people do to a served world from outside, beside calling its nodes: one change at one virtual time.
 *
 * The control interface makes changes, the journal keeps them, replay makes them again. */
#ifndef SWARMBED_CHANGE_H
#define SWARMBED_CHANGE_H

#include "common/json.h"
#include "sim/testbed.h"

/* Row: enumerator, name, whether it needs a node, the value's name or NULL, smallest, largest value, what it does */
#define CHANGES(ROW)                                                                                                   \
    ROW(CHANGE_KILL, "kill", true, NULL, 0, 0, "the node's machine dies at once; its disk stays")                      \
    ROW(CHANGE_RESTART, "restart", true, NULL, 0, 0, "a killed node starts again with its disk")                       \
    ROW(CHANGE_EXIT, "exit", true, NULL, 0, 0, "the node leaves the chain at the next block")                          \
    ROW(CHANGE_DECOMMISSION, "decommission", true, NULL, 0, 0, "the node leaves its swarm at the next block")          \
    ROW(CHANGE_RECOMMISSION, "recommission", true, NULL, 0, 0, "a decommissioned node comes back at the next block")   \
    ROW(CHANGE_CUT_OFF, "cut_off", true, "value", 0, 1, "1: calls to and from the node are lost; 0: no longer")        \
    ROW(CHANGE_CLOCK_SKEW, "clock_skew", true, "value", -86400000, 86400000, "the node's clock is so many ms ahead")   \
    ROW(CHANGE_DISKS, "disks", false, "value", 0, 2, "every node's disk: 0 works, 1 is full, 2 fails")                 \
    ROW(CHANGE_REGISTER, "register", false, NULL, 0, 0, "a new node; in a swarm from the next block on")               \
    ROW(CHANGE_BLOCK, "block", false, NULL, 0, 0, "a block now")                                                       \
    ROW(CHANGE_DIFFICULTY, "difficulty", false, "value", 1, 1000000, "publishes this difficulty of proofs of work")
#define CHANGE_ENUM(id, name, node, value, min, max, about) id,
enum change_kind { CHANGES(CHANGE_ENUM) CHANGE_COUNT };
#undef CHANGE_ENUM

struct change_info {
    const char *name;
    bool has_node;
    const char *value; /* NULL: has none */
    int64_t min, max;
    const char *about;
};
extern const struct change_info change_infos[CHANGE_COUNT];

struct change {
    enum change_kind kind;
    uint32_t node;
    int64_t value;
};

/* {"change": "kill", "node": 3}; other members are ignored. ERR_MISSING, ERR_FORMAT, ERR_RANGE: `why` names the
 * member. */
MUST_CHECK enum err change_decode(const struct json *object, struct change *out, const char **why);
/* Appends the members to an open JSON object. */
void change_encode(struct buf *out, const struct change *change);
/* Between windows. ERR_NOT_FOUND: there is no such node; ERR_FULL: there are as many nodes as there can be. */
MUST_CHECK enum err change_apply(const struct change *change, struct testbed *testbed);

#endif
