/* storage_rpc.h: client to snode: the era's store, retrieve and get_snodes_for_pubkey, and synchronous routing's listen
 * and deliver <-> JSON.
 *
 * Bytes to structs and back, and nothing else: which check comes when, and what it is answered, is node/methods.c.
 * Lists of nodes are proto/node_list.h. Source: PROTOCOL 3, 9.1. */
#ifndef SWARMBED_STORAGE_RPC_H
#define SWARMBED_STORAGE_RPC_H

#include "common/arena.h"
#include "common/json.h"
#include "proto/node_list.h"

#define PATH_STORAGE_RPC "/storage_rpc/v1"
#define PATH_ONION_V1 "/onion_req"
#define PATH_ONION_V2 "/onion_req/v2"
#define PATH_STATS "/get_stats/v1"
#define PATH_PUSH_BATCH "/swarms/push_batch/v1"
#define PATH_PUSH "/swarms/push/v1"
#define PATH_PUSH_PARTS "/swarms/push_batch/v2"
#define PATH_PING_TEST "/swarms/ping_test/v1"
#define PATH_PING "/ping_test/v1"            /* today's */
#define PATH_MONITOR "/monitor/v1"
#define PATH_SN_ONION_V1 "/sn.onion_req"     /* the bus calls, as paths */
#define PATH_SN_ONION_V2 "/sn.onion_request"
#define PATH_SN_STORAGE_CC "/sn.storage_cc"
#define PATH_SEED_RPC "/json_rpc"
#define HEADER_LONG_POLL "X-Loki-Long-Poll"

/* {"method": m, "params": {...}}: only these two members are looked at. `method` and `params` live until rpc_call_free. */
struct rpc_call {
    struct bytes method;
    const struct json *params;
    struct json *document; /* private */
};
/* OK, or ERR_FORMAT with the documented text of the 400 in `why`. */
MUST_CHECK enum err rpc_call_decode(struct bytes body, struct rpc_call *call, const char **why);
void rpc_call_free(struct rpc_call *call);

/* store's params: the texts as they stand in the request; views into the document. */
struct rpc_store {
    struct bytes pubkey, ttl, nonce, timestamp, data;
};
/* ERR_MISSING: *field names the first one absent, in the documented order (pubKey, ttl, nonce, timestamp, data);
 * ERR_FORMAT: *field is there, but no string. */
MUST_CHECK enum err rpc_store_decode(const struct json *params, struct rpc_store *store, const char **field);
void rpc_store_encode(struct buf *out, const struct rpc_store *store); /* the whole request body */

struct rpc_retrieve {
    struct bytes pubkey, last_hash; /* last_hash may be empty */
};
MUST_CHECK enum err rpc_retrieve_decode(const struct json *params, struct rpc_retrieve *retrieve, const char **field);
void rpc_retrieve_encode(struct buf *out, const struct rpc_retrieve *retrieve);

MUST_CHECK enum err rpc_get_snodes_decode(const struct json *params, struct bytes *pubkey, const char **field);
void rpc_get_snodes_encode(struct buf *out, struct bytes pubkey);

#define LISTEN_ID_BYTES 8
/* A client waits at its listening node. On the wire all of it is text: id in hex, numbers in decimal. */
struct rpc_listen {
    struct bytes pubkey;
    uint8_t listen_id[LISTEN_ID_BYTES]; /* random, one per listening period */
    uint32_t hold_ms;                   /* absent: LIMIT_LISTEN_HOLD_MS; at most LIMIT_LISTEN_HOLD_MS_MAX */
    uint64_t ack;                       /* messages got so far in this listening period; 0: absent, so it is encoded */
};
/* ERR_MISSING, ERR_FORMAT: as for store. ERR_RANGE: *field is text, but no such value. */
MUST_CHECK enum err rpc_listen_decode(const struct json *params, struct rpc_listen *listen, const char **field);
void rpc_listen_encode(struct buf *out, const struct rpc_listen *listen);

/* A message on its way to whoever listens. Nothing else in the params is looked at. */
struct rpc_deliver {
    struct bytes pubkey, data; /* data: base64 text */
};
MUST_CHECK enum err rpc_deliver_decode(const struct json *params, struct rpc_deliver *deliver, const char **field);
void rpc_deliver_encode(struct buf *out, const struct rpc_deliver *deliver);

/* Answers. */
void rpc_difficulty_encode(struct buf *out, uint64_t difficulty);                 /* {"difficulty": n}: 200 and 432 */
MUST_CHECK enum err rpc_difficulty_decode(struct bytes body, uint64_t *difficulty); /* 1 .. 2^53 */

struct rpc_message {
    struct bytes hash;      /* 128 lower-case hex digits */
    int64_t expiration_ms;
    struct bytes data;      /* base64 text */
};
void rpc_messages_open(struct buf *out);
void rpc_messages_add(struct buf *out, const struct rpc_message *message);
void rpc_messages_close(struct buf *out);
/* At most `max` messages into `out`, views into *document, which the caller frees (json_free), also on failure (then
 * NULL). More than `max`: ERR_TOO_BIG. */
MUST_CHECK enum err rpc_messages_decode(struct bytes body, struct rpc_message out[], size_t max, size_t *count,
                                        struct json **document);

/* listen, 200: {"messages": [{"data": d}...], "lease": ms} */
void rpc_heard_open(struct buf *out);
void rpc_heard_add(struct buf *out, struct bytes data);
void rpc_heard_close(struct buf *out, uint32_t lease_ms);
/* At most `max` texts into `out`, views into *document, with the same promises as rpc_messages_decode(). */
MUST_CHECK enum err rpc_heard_decode(struct bytes body, struct bytes out[], size_t max, size_t *count,
                                     uint32_t *lease_ms, struct json **document);

void rpc_delivered_encode(struct buf *out, uint32_t listeners);                   /* deliver, 200: {"delivered": n} */
/* deliver, 404 and 504: {"listening": b}. It says what the status says, so nobody reads it. */
void rpc_listening_encode(struct buf *out, bool listening);

/* The seed, POST /json_rpc: `params` may be NULL. ERR_FORMAT: no JSON, or no method. */
MUST_CHECK enum err rpc_seed_call_decode(struct bytes body, struct rpc_call *call);
/* The call's id as JSON, to be given back: a text or a whole number as it is, 0 for any other. */
void rpc_seed_id_encode(struct buf *out, const struct rpc_call *call);
void rpc_seed_unknown_method(struct buf *out, struct bytes id);

#endif
