/* trace.h: typed trace records: every state change is one.
 *
 * A record is a kind and up to four numbers and two byte strings, whose names stand in the table below. From the trace come
 * the digest, the metrics, the story and the trace files; nothing else may be told about what happened inside. The
 * engine adds time, endpoint and index. Records hold no message content in clear, only keys, hashes, sizes and codes. */
#ifndef SWARMBED_TRACE_H
#define SWARMBED_TRACE_H

#include <stdint.h>

#include "common/bytes.h"

/*  kind, its name, names of the numbers n[0..3], names of the byte strings b[0..1] (shown as hex; a name that ends in "text"
 *  is shown as text). NULL: unused. */
#define TRACES(ROW)                                                                                                    \
    /* the engine (sim/) */                                                                                            \
    ROW(TRACE_CALL, "call", "to", "bytes", "sequence", NULL, "path_text", NULL)                                        \
    ROW(TRACE_CALL_END, "call_end", "from", "status", "sequence", "net", NULL, NULL)                                   \
    ROW(TRACE_CALL_PART, "call_part", "from", "status", "sequence", NULL, NULL, NULL)                                  \
    ROW(TRACE_REQUEST, "request", "from", "bytes", "sequence", NULL, "path_text", NULL)                                \
    ROW(TRACE_ANSWER, "answer", "to", "status", "bytes", "sequence", "path_text", NULL)                                  \
    ROW(TRACE_LOSS, "loss", "to", "bytes", "sequence", NULL, NULL, NULL)                                               \
    ROW(TRACE_OVERLOAD, "overload", "from", "queued", NULL, NULL, NULL, NULL)                                          \
    ROW(TRACE_CRASH, "crash", NULL, NULL, NULL, NULL, NULL, NULL)                                                      \
    ROW(TRACE_RESTART, "restart", "records", NULL, NULL, NULL, NULL, NULL)                                             \
    ROW(TRACE_BLOCK, "block", "height", "nodes", "swarms", NULL, "block_hash", NULL)                                   \
    ROW(TRACE_FILE, "file", "file", "bytes", NULL, NULL, NULL, NULL)                                                   \
    /* a node */                                                                                                       \
    ROW(TRACE_SNODE_SWARM, "snode_swarm", "height", "swarm", "previous", "case", NULL, NULL)                           \
    ROW(TRACE_STORED, "stored", "bytes", "expiry_ms", "cause", NULL, "account", "hash")                                \
    ROW(TRACE_STORE_REFUSED, "store_refused", "status", "step", NULL, NULL, "account", NULL)                           \
    ROW(TRACE_REPLICA_REFUSED, "replica_refused", "reason", NULL, NULL, NULL, "account", "hash")                       \
    ROW(TRACE_EXPIRED, "expired", "expiry_ms", NULL, NULL, NULL, "account", "hash")                                    \
    ROW(TRACE_DELETED, "deleted", "expiry_ms", NULL, NULL, NULL, "account", "hash")                                    \
    ROW(TRACE_EXPIRY, "expiry", "expiry_ms", "previous_ms", NULL, NULL, "account", "hash")                             \
    ROW(TRACE_REVOKED, "revoked", "tokens", NULL, NULL, NULL, "account", NULL)                                         \
    ROW(TRACE_RETRIEVED, "retrieved", "messages", "bytes", "held_ms", NULL, "account", NULL)                           \
    ROW(TRACE_LEASE, "lease", "change", "leases", "ack", NULL, "account", "listen_id")                                 \
    ROW(TRACE_LISTEN, "listen", "status", "messages", "bytes", "held_ms", "account", "listen_id")                      \
    ROW(TRACE_DELIVER, "deliver", "status", "delivered", "bytes", "held_ms", "account", NULL)                          \
    ROW(TRACE_MONITOR, "monitor", "subscribed", "accounts", NULL, NULL, NULL, NULL)                                    \
    ROW(TRACE_PUSH, "push", "to", "messages", "bytes", "cause", NULL, NULL)                                            \
    ROW(TRACE_PUSH_FAILED, "push_failed", "to", "attempt", "net", "status", NULL, NULL)                                \
    ROW(TRACE_PUSH_GIVEN_UP, "push_given_up", "to", "messages", "bytes", NULL, NULL, NULL)                             \
    ROW(TRACE_RELAY, "relay", "version", "layer", "hop", "bytes", "destination", NULL)                                 \
    ROW(TRACE_RELAY_ERROR, "relay_error", "status", "hop", NULL, NULL, "reason_text", NULL)                            \
    ROW(TRACE_RATE_LIMITED, "rate_limited", "ip", NULL, NULL, NULL, NULL, NULL)                                        \
    ROW(TRACE_DIFFICULTY, "difficulty", "difficulty", "from_ms", NULL, NULL, NULL, NULL)                               \
    /* a client */                                                                                                     \
    ROW(TRACE_NODE_LIST, "node_list", "nodes", "height", "bytes", NULL, NULL, NULL)                                    \
    ROW(TRACE_SWARM_LEARNED, "swarm_learned", "nodes", "cause", NULL, NULL, "account", NULL)                           \
    ROW(TRACE_SWARM_DROPPED, "swarm_dropped", "left", "cause", NULL, NULL, "account", "node")                          \
    ROW(TRACE_GUARD, "guard", "tested_ms", "good", NULL, NULL, "node", NULL)                                           \
    ROW(TRACE_PATH, "path", "path", "nodes", NULL, NULL, "node_keys", NULL)                                            \
    ROW(TRACE_PATH_FAILED, "path_failed", "path", "failures", "status", "dropped", NULL, NULL)                         \
    ROW(TRACE_NODE_FAILED, "node_failed", "failures", "dropped", NULL, NULL, "node", NULL)                             \
    ROW(TRACE_ONION_SENT, "onion_sent", "path", "bytes", "attempt", NULL, "target", "method_text")                     \
    ROW(TRACE_ONION_DONE, "onion_done", "path", "status", "ms", "failure", "target", "method_text")                    \
    ROW(TRACE_POW, "pow", "trials", "difficulty", "payload_bytes", "ttl_ms", NULL, NULL)                               \
    ROW(TRACE_SEND, "send", "message", "timestamp_ms", "bytes", "type", "recipient", NULL)                             \
    ROW(TRACE_SEND_STORED, "send_stored", "message", "timestamp_ms", "stored", NULL, "recipient", "node")              \
    ROW(TRACE_SEND_STATE, "send_state", "message", "timestamp_ms", "state", "err", "recipient", NULL)                  \
    ROW(TRACE_ACKNOWLEDGED, "acknowledged", "message", "timestamp_ms", "late", "ms", "recipient", NULL)                \
    ROW(TRACE_FRIEND, "friend", "from", "to", NULL, NULL, "contact", NULL)                                             \
    ROW(TRACE_PRESENCE, "presence", "from", "to", "cause", NULL, "contact", "node")                                    \
    ROW(TRACE_LISTENING, "listening", "listening", NULL, NULL, NULL, "node", NULL)                                     \
    ROW(TRACE_RESET, "reset", "step", NULL, NULL, NULL, "contact", NULL)                                               \
    ROW(TRACE_POLL, "poll", "messages", "new", "status", NULL, "node", NULL)                                           \
    ROW(TRACE_SHOWN, "shown", "timestamp_ms", "bytes", "type", NULL, "source", "text_sha256")                          \
    ROW(TRACE_DUPLICATE, "duplicate", "timestamp_ms", NULL, NULL, NULL, "source", NULL)                                \
    ROW(TRACE_UNREADABLE, "unreadable", "reason", NULL, NULL, NULL, "hash", NULL)

#define TRACE_ENUM(id, name, n0, n1, n2, n3, b0, b1) id,
enum trace_kind { TRACES(TRACE_ENUM) TRACE_KIND_COUNT };

struct trace_record {
    enum trace_kind kind;
    uint64_t n[4];
    struct bytes b[2];
};

struct trace_kind_info {
    const char *name;
    const char *n[4];
    const char *b[2];
};
extern const struct trace_kind_info trace_kinds[TRACE_KIND_COUNT];

/* causes of a stored record, of a push, and of a learned or dropped swarm: the numbers in the records above */
enum trace_cause {
    CAUSE_CLIENT,        /* stored: a client's store */
    CAUSE_RELAY,         /* stored, push: replication of a client's store */
    CAUSE_NEW_MEMBER,    /* push: bootstrap of a new swarm member */
    CAUSE_NEW_SWARM,     /* push: bootstrap of a new swarm */
    CAUSE_DISSOLVED,     /* push: salvage after our swarm dissolved */
    CAUSE_DISK,          /* stored: read back at start */
    CAUSE_LOOKUP,        /* swarm learned: asked a random node */
    CAUSE_WRONG_SWARM,   /* swarm learned or dropped: a 421 answer */
    CAUSE_UNREACHABLE,   /* swarm dropped: the node did not answer */
    CAUSE_NOT_FOUND,     /* swarm dropped: "Next node not found" */
    CAUSE_COUNT
};
const char *trace_cause_text(enum trace_cause cause);

#endif
