/* replicate.h: stored messages on their way to other nodes, and batches from them.
 *
 * A message that a client stored waits in the relay buffer; the first one starts a timer of `flush_ms`, and then the
 * buffer goes out as batches to every other member of the own swarm. Membership changes push through streams. A failed
 * push is repeated after 1, 5, 10, 20, 40, 80, 160 and 320 s, then given up; so is one whose target has left the
 * network. A batch holds references to bodies; its bytes exist only while a call carries them, and once for all its
 * targets. What waits is bounded by LIMIT_PUSH_QUEUE_BYTES, every message counted in full: beyond, the oldest batch is
 * given up. Source: PROTOCOL 3.8, 3.9. */
#ifndef SWARMBED_REPLICATE_H
#define SWARMBED_REPLICATE_H

#include "common/env.h"
#include "common/list.h"
#include "node/snode.h"
#include "proto/peer_rpc.h"
#include "proto/subaccount.h"

struct membership_view;

typedef void (*body_fn)(void *owner, struct stored_body *body);

/* How a batch is written: PROTOCOL 3.8 and 3.15. */
enum push_form { PUSH_ERA, PUSH_PARTS, PUSH_FORMS };

/* Bodies in order, each kept once; an empty one owns no memory. */
struct body_list {
    struct stored_body **bodies;
    uint32_t count, cap;
    size_t bytes; /* as a batch */
};

struct replicate {
    struct env *env;
    const struct snode_preset *preset;
    const struct snode_keys *keys;
    const struct membership_view *view;
    struct body_list buffer; /* the relay buffer */
    struct timer flush;      /* runs while the buffer holds something */
    struct list batches;     /* struct batch, oldest first, without those given up */
    struct list given_up;    /* struct batch whose cancelled calls have yet to end */
    uint64_t waiting_bytes;  /* buffer and batches */
    uint64_t given_up_count; /* pushes (one batch to one node) given up since the start */
};

/* `config` is read now; preset and keys live longer. `view` may still be uninitialised. */
void replicate_init(struct replicate *replicate, const struct snode_config *config, const struct membership_view *view);
/* Drops everything without touching the env: after a crash it is gone already. */
void replicate_fini(struct replicate *replicate);

/* A client's message, newly stored or stored again (PROTOCOL 3.9: relayed "in any case"): into the relay buffer. */
void replicate_message(struct replicate *replicate, struct stored_body *body);
/* Sends the relay buffer now, if it holds anything. */
void replicate_flush(struct replicate *replicate);

/* Messages and revocations for one set of nodes, cut into batches as they are added: in the era's form whatever that
 * has a place for. Lives on the caller's stack or arena between start
 * and end. */
struct push_stream {
    struct replicate *replicate;
    enum trace_cause cause;
    const struct ed25519_public *targets; /* the caller's, until push_stream_end */
    uint32_t target_count;
    struct body_list open[PUSH_FORMS];
    struct buf revoked; /* parts */
};
/* Without targets, nothing is ever sent. The own key must not be among them. */
void push_stream_start(struct push_stream *stream, struct replicate *replicate, enum trace_cause cause,
                       const struct ed25519_public targets[], uint32_t target_count);
void push_stream_add(struct push_stream *stream, struct stored_body *body);
void push_stream_add_revoked(struct push_stream *stream, const struct account_id *account,
                             const struct subaccount_token tokens[], size_t count);
void push_stream_end(struct push_stream *stream);

/* Reads a batch that another node pushed: `each` once per message, in order. All framing is checked first: if any of it
 * is broken, none of the messages counts. Either way the pusher is answered 200 without a body, by the caller; so is an
 * empty batch. Charges COST_PARSE. The messages are views into `batch`; their proofs are not checked. The number of
 * messages; 0 for a broken batch. */
typedef void (*peer_message_fn)(void *owner, const struct peer_message *message);
size_t replicate_receive(struct replicate *replicate, struct bytes batch, peer_message_fn each, void *owner);
/* The same for a batch of parts. */
typedef void (*peer_part_fn)(void *owner, const struct peer_part *part);
void replicate_receive_parts(struct replicate *replicate, struct bytes batch, peer_part_fn each, void *owner);

#endif
