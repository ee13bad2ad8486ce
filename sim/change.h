/* change.h: what people do to a served world from outside, beside calling its nodes: one change at one virtual time.
 * All that a scenario can do to nodes, chain and users; what only reads (net:history and the like) is no change.
 *
 * The control interface makes changes, the journal keeps them, replay makes them again. */
#ifndef SWARMBED_CHANGE_H
#define SWARMBED_CHANGE_H

#include "common/json.h"
#include "sim/testbed.h"

/* What a change names, as bits: members of its JSON. */
enum change_members {
    CHANGES_NODE = 1,     /* "node": its number */
    CHANGES_CLIENT = 2,   /* "client": its number */
    CHANGES_VALUE = 4,    /* "value": a whole number in the row's range */
    CHANGES_TO = 8,       /* "to": the number of another client */
    CHANGES_TEXT = 16,    /* "text" */
    CHANGES_ARRIVAL = 32, /* "identity" and "host": as the snapshots of sim/data number them */
};

/* Row: enumerator, name, members, smallest and largest value, what it does */
#define CHANGES(ROW)                                                                                                   \
    ROW(CHANGE_KILL, "kill", CHANGES_NODE, 0, 0, "the node's machine dies at once; its disk stays")                    \
    ROW(CHANGE_RESTART, "restart", CHANGES_NODE, 0, 0, "a killed node starts again with its disk")                     \
    ROW(CHANGE_EXIT, "exit", CHANGES_NODE, 0, 0, "the node leaves the chain at the next block")                        \
    ROW(CHANGE_DECOMMISSION, "decommission", CHANGES_NODE, 0, 0, "the node leaves its swarm at the next block")        \
    ROW(CHANGE_RECOMMISSION, "recommission", CHANGES_NODE, 0, 0, "a decommissioned node comes back at the next block") \
    ROW(CHANGE_CUT_OFF, "cut_off", CHANGES_NODE | CHANGES_VALUE, 0, 1,                                                 \
        "1: calls to and from the node are lost; 0: no longer")                                                        \
    ROW(CHANGE_CLOCK_SKEW, "clock_skew", CHANGES_NODE | CHANGES_VALUE, -86400000, 86400000,                            \
        "the node's clock is so many ms ahead")                                                                        \
    ROW(CHANGE_DISKS, "disks", CHANGES_VALUE, 0, 2, "every node's disk: 0 works, 1 is full, 2 fails")                  \
    ROW(CHANGE_REGISTER, "register", 0, 0, 0, "a new node; in a swarm from the next block on")                         \
    ROW(CHANGE_ARRIVAL, "arrival", CHANGES_ARRIVAL, 0, 0,                                                              \
        "a node of a later snapshot registers, at its host: only in a world from a snapshot")                          \
    ROW(CHANGE_BLOCK, "block", 0, 0, 0, "a block now")                                                                 \
    ROW(CHANGE_DIFFICULTY, "difficulty", CHANGES_VALUE, 1, 1000000, "publishes this difficulty of proofs of work")     \
    ROW(CHANGE_CLIENT, "client", CHANGES_TEXT, 0, 0, "a new client, of that name")                                     \
    ROW(CHANGE_CLIENT_KILL, "client_kill", CHANGES_CLIENT, 0, 0, "the device dies at once; its disk stays")            \
    ROW(CHANGE_CLIENT_RESTART, "client_restart", CHANGES_CLIENT, 0, 0, "a killed client starts again with its disk")   \
    ROW(CHANGE_CLIENT_CUT_OFF, "client_cut_off", CHANGES_CLIENT | CHANGES_VALUE, 0, 1,                                 \
        "1: the client's calls are lost; 0: no longer")                                                                \
    ROW(CHANGE_CLIENT_CLOCK_SKEW, "client_clock_skew", CHANGES_CLIENT | CHANGES_VALUE, -86400000, 86400000,            \
        "the client's clock is so many ms ahead")                                                                      \
    ROW(CHANGE_CLIENT_DROP_CALLS, "client_drop_calls", CHANGES_CLIENT | CHANGES_VALUE, 0, UINT32_MAX,                  \
        "the client's next so many calls are lost")                                                                    \
    ROW(CHANGE_CLIENT_ONLINE, "client_online", CHANGES_CLIENT, 0, 0, "the client listens at its swarm")                \
    ROW(CHANGE_CLIENT_OFFLINE, "client_offline", CHANGES_CLIENT, 0, 0, "no longer")                                    \
    ROW(CHANGE_CLIENT_POLL, "client_poll", CHANGES_CLIENT, 0, 0, "the client asks its swarm once")                     \
    ROW(CHANGE_CLIENT_LISTEN, "client_listen", CHANGES_CLIENT | CHANGES_VALUE, 0, 1,                                   \
        "the client polls from now on; 1: with long polling")                                                          \
    ROW(CHANGE_CLIENT_STOP, "client_stop", CHANGES_CLIENT, 0, 0, "no longer")                                          \
    ROW(CHANGE_CLIENT_BEFRIEND, "client_befriend", CHANGES_CLIENT | CHANGES_TO | CHANGES_TEXT, 0, 0,                   \
        "sends a friend request")                                                                                      \
    ROW(CHANGE_CLIENT_ACCEPT, "client_accept", CHANGES_CLIENT | CHANGES_TO, 0, 0, "accepts the other's request")       \
    ROW(CHANGE_CLIENT_DECLINE, "client_decline", CHANGES_CLIENT | CHANGES_TO, 0, 0, "declines it")                     \
    ROW(CHANGE_CLIENT_SEND, "client_send", CHANGES_CLIENT | CHANGES_TO | CHANGES_TEXT, 0, 0, "sends a friend a text")
#define CHANGE_ENUM(id, name, members, min, max, about) id,
enum change_kind { CHANGES(CHANGE_ENUM) CHANGE_COUNT };
#undef CHANGE_ENUM

struct change_info {
    const char *name;
    unsigned members;
    int64_t min, max; /* of the value */
    const char *about;
};
extern const struct change_info change_infos[CHANGE_COUNT];

struct change {
    enum change_kind kind;
    uint32_t node;
    int64_t value;
    uint32_t client, to;
    struct bytes text; /* borrowed: of the object that it was decoded from */
    uint32_t identity, host;
};

/* {"change": "kill", "node": 3}; other members are ignored. ERR_MISSING, ERR_FORMAT, ERR_RANGE, ERR_TOO_BIG: `why`
 * names the member. */
MUST_CHECK enum err change_decode(const struct json *object, struct change *out, const char **why);
/* Appends the members to an open JSON object. */
void change_encode(struct buf *out, const struct change *change);
/* Whether it can be made now. ERR_NOT_FOUND: there is no such node or client, or the client is dead and can't do that;
 * ERR_FULL: there are as many as there can be, or as its host has ports; ERR_DUPLICATE: the node has arrived already.
 * `why` names the member. */
MUST_CHECK enum err change_check(const struct change *change, struct testbed *testbed, const char **why);
/* Between windows, and only what can be made. The client's answer, if it refuses what it was told to do: that is no
 * less a part of the run. */
enum err change_apply(const struct change *change, struct testbed *testbed);

#endif
