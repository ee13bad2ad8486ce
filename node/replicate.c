#include "node/replicate.h"

#include <stdlib.h>

#include "common/fsm.h"
#include "common/limits.h"
#include "common/text.h"
#include "node/membership.h"
#include "node/store_record.h"
#include "proto/storage_rpc.h"

/* PROTOCOL 3.9: the pause before attempt 2, 3, ... */
static const uint32_t PUSH_RETRY_S[] = {1, 5, 10, 20, 40, 80, 160, 320};
static_assert(ARRAY_LEN(PUSH_RETRY_S) == LIMIT_PUSH_ATTEMPTS - 1, "a pause between two attempts");
static_assert(LIMIT_BATCH_BYTES + PEER_MESSAGE_OVERHEAD + LIMIT_DATA_CHARS < LIMIT_BODY_BYTES, "a batch is a body");

/* What one target adds to the size of a batch in the queue. A constant rather than a sizeof, so that a full queue means
 * the same on every machine. */
#define PUSH_TARGET_BYTES 512

struct batch;

/* One batch on its way to one node.
 *
 *   READY --call--> CALLING --200--> ENDED
 *                   |   ^ `--target gone, or no attempts left--> ENDED
 *                failed '--pause--- WAITING --target gone, or queue full--> ENDED
 *   CALLING --queue full--> CANCELLED --call ended--> ENDED */
enum push_state { PUSH_READY, PUSH_CALLING, PUSH_WAITING, PUSH_CANCELLED, PUSH_ENDED };
static const struct fsm_state push_states[] = {
    [PUSH_READY] = {"ready", FSM_TO(PUSH_CALLING) | FSM_TO(PUSH_ENDED)},
    [PUSH_CALLING] = {"calling", FSM_TO(PUSH_WAITING) | FSM_TO(PUSH_CANCELLED) | FSM_TO(PUSH_ENDED)},
    [PUSH_WAITING] = {"waiting", FSM_TO(PUSH_CALLING) | FSM_TO(PUSH_ENDED)},
    [PUSH_CANCELLED] = {"cancelled", FSM_TO(PUSH_ENDED)},
    [PUSH_ENDED] = {"ended", 0},
};

struct push {
    struct batch *batch;
    struct ed25519_public target;
    struct call call; /* call.to: where the target was last */
    struct timer retry;
    uint8_t state; /* enum push_state */
    uint8_t attempts;
};
static_assert(sizeof(struct push) <= PUSH_TARGET_BYTES, "the queue's bound counts targets in full");

struct batch {
    struct list link; /* replicate.batches or replicate.given_up */
    struct replicate *replicate;
    enum trace_cause cause;
    bool given_up;
    enum push_form form;
    struct body_list bodies; /* none: revocations, which stay encoded */
    struct blob *encoded;    /* while a call carries it */
    uint32_t calls;          /* that carry it */
    uint32_t holders;        /* pushes that have not ended, and a function that walks over them */
    uint32_t push_count;
    struct push pushes[];
};

/* The number of an address in a trace. */
static uint64_t address_number(struct address address)
{
    return (uint64_t)address.ip << 16 | address.port;
}

static size_t encoded_bytes(enum push_form form, const struct stored_body *body)
{
    if (form == PUSH_PARTS)
        return PEER_PART_OVERHEAD + (size_t)store_record_bytes(body);
    return PEER_MESSAGE_OVERHEAD + (size_t)body->data_len;
}

/* The era's has no namespaces, and an expiry that follows from the ttl. */
static enum push_form form_of(const struct stored_body *body)
{
    bool is_plain =
        body->dialect == DIALECT_ERA && body_expiry_ms(body) == (int64_t)(body->timestamp_ms + body->ttl_ms);

    return is_plain ? PUSH_ERA : PUSH_PARTS;
}

static void body_list_add(struct body_list *list, enum push_form form, struct stored_body *body)
{
    if (list->count == list->cap) {
        list->cap = list->cap == 0 ? 8 : 2 * list->cap;
        list->bodies = xrealloc(list->bodies, list->cap * sizeof(list->bodies[0]));
    }
    list->bodies[list->count++] = body_keep(body);
    list->bytes += encoded_bytes(form, body);
}

static void body_list_fini(struct body_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        body_drop(list->bodies[i]);
    free(list->bodies);
    *list = (struct body_list){0};
}

static size_t queue_bytes(size_t body_bytes, uint32_t target_count)
{
    return body_bytes + (size_t)target_count * PUSH_TARGET_BYTES;
}

static void batch_free(struct batch *batch)
{
    list_remove(&batch->link);
    body_list_fini(&batch->bodies);
    blob_drop(batch->encoded);
    free(batch);
}

/* One holder fewer; the last one ends the batch. */
static void batch_release(struct batch *batch)
{
    if (--batch->holders > 0)
        return;
    if (!batch->given_up)
        batch->replicate->waiting_bytes -= queue_bytes(batch->bodies.bytes, batch->push_count);
    batch_free(batch);
}

static void encode_message(struct buf *out, const struct stored_body *body)
{
    char pubkey[ACCOUNT_HEX_LEN], hash[2 * sizeof(body->hash)], nonce[BASE64_LEN(sizeof(body->nonce))];

    account_to_hex(&body->account, pubkey);
    hex_encode(hash, BYTES_OF(body->hash));
    base64_encode(nonce, BYTES_OF(body->nonce));
    peer_message_encode(out, &(struct peer_message){.pubkey = {(const uint8_t *)pubkey, sizeof(pubkey)},
                                                    .hash = {(const uint8_t *)hash, sizeof(hash)},
                                                    .data = {body->data, body->data_len},
                                                    .ttl_ms = body->ttl_ms,
                                                    .timestamp_ms = body->timestamp_ms,
                                                    .nonce = {(const uint8_t *)nonce, sizeof(nonce)}});
}

static void encode_part(struct buf *out, const struct stored_body *body)
{
    struct buf record;

    buf_init(&record, SIZE_MAX);
    store_record_encode(body, &record);
    peer_part_encode(out, PEER_PART_MESSAGE, buf_bytes(&record));
    buf_fini(&record);
}

/* The list knows its encoded length, so the messages are written straight to their place. */
static struct blob *encode(enum push_form form, const struct body_list *list)
{
    struct blob *blob = blob_new(list->bytes);
    struct buf out;

    buf_init_over(&out, blob->data, list->bytes);
    for (uint32_t i = 0; i < list->count; i++) {
        if (form == PUSH_PARTS)
            encode_part(&out, list->bodies[i]);
        else
            encode_message(&out, list->bodies[i]);
    }
    ASSERT(out.err == OK && out.len == list->bytes);
    return blob;
}

/* Functions follow one another as a push goes on. */
static void on_pushed(struct call *call);
static void on_retry(struct timer *timer);
static void push_failed(struct push *push, enum net net, uint16_t status);
static void push_give_up(struct push *push);
static void push_end(struct push *push);

/* The target's address is looked up for every attempt: it may have moved, or left. */
static void push_attempt(struct push *push)
{
    struct batch *batch = push->batch;
    struct replicate *replicate = batch->replicate;
    const struct snode_entry *node = membership_find(replicate->view, &push->target);

    if (node == NULL) {
        push_give_up(push);
        push_end(push);
        return;
    }
    if (batch->encoded == NULL) {
        batch->encoded = encode(batch->form, &batch->bodies);
        env_charge_bytes(replicate->env, COST_PARSE, batch->bodies.bytes);
    }
    batch->calls++;
    push->attempts++;
    fsm_move(&push->state, PUSH_CALLING, push_states);
    push->call =
        (struct call){.to = node->address,
                      .out = {.verb = VERB_POST,
                              .content = CONTENT_BINARY,
                              .path = batch->form == PUSH_ERA ? BYTES_LIT(PATH_PUSH_BATCH) : BYTES_LIT(PATH_PUSH_PARTS),
                              .body = batch->encoded},
                      .timeout_ms = LIMIT_PUSH_TIMEOUT_MS};
    env_trace(replicate->env, &(struct trace_record){.kind = TRACE_PUSH,
                                                     .n = {address_number(node->address), batch->bodies.count,
                                                           batch->bodies.bytes, batch->cause}});
    env_call(replicate->env, &push->call, on_pushed);
}

static void on_pushed(struct call *call)
{
    struct push *push = CONTAINER_OF(call, struct push, call);
    struct batch *batch = push->batch;
    uint16_t status = call->net == NET_OK ? call->in.status : 0;

    if (--batch->calls == 0 && batch->bodies.count > 0) {
        blob_drop(batch->encoded);
        batch->encoded = NULL;
    }
    if (push->state == PUSH_CANCELLED || status == 200)
        push_end(push);
    else
        push_failed(push, call->net, status);
}

static void push_failed(struct push *push, enum net net, uint16_t status)
{
    struct replicate *replicate = push->batch->replicate;
    uint32_t attempts_max = replicate->preset->push_retries ? LIMIT_PUSH_ATTEMPTS : 1;

    env_trace(replicate->env,
              &(struct trace_record){.kind = TRACE_PUSH_FAILED,
                                     .n = {address_number(push->call.to), push->attempts, net, status}});
    if (push->attempts == attempts_max) {
        push_give_up(push);
        push_end(push);
        return;
    }
    fsm_move(&push->state, PUSH_WAITING, push_states);
    env_timer_start(replicate->env, &push->retry, PUSH_RETRY_S[push->attempts - 1] * 1000, on_retry);
}

static void on_retry(struct timer *timer)
{
    push_attempt(CONTAINER_OF(timer, struct push, retry));
}

static void push_give_up(struct push *push)
{
    struct replicate *replicate = push->batch->replicate;
    const struct body_list *bodies = &push->batch->bodies;

    replicate->given_up_count++;
    env_trace(replicate->env,
              &(struct trace_record){.kind = TRACE_PUSH_GIVEN_UP,
                                     .n = {address_number(push->call.to), bodies->count, bodies->bytes}});
}

static void push_end(struct push *push)
{
    fsm_move(&push->state, PUSH_ENDED, push_states);
    batch_release(push->batch); /* last: the batch owns the push */
}

/* The queue is full. Calls on their way are cancelled and end later; until then the batch waits apart, without its
 * bytes, and no longer counts. */
static void batch_give_up(struct batch *batch)
{
    struct replicate *replicate = batch->replicate;

    batch->given_up = true;
    list_remove(&batch->link);
    list_append(&replicate->given_up, &batch->link);
    replicate->waiting_bytes -= queue_bytes(batch->bodies.bytes, batch->push_count);
    batch->holders++;
    for (uint32_t i = 0; i < batch->push_count; i++) {
        struct push *push = &batch->pushes[i];

        switch ((enum push_state)push->state) {
        case PUSH_CALLING:
            push_give_up(push);
            fsm_move(&push->state, PUSH_CANCELLED, push_states);
            env_cancel(replicate->env, &push->call);
            break;
        case PUSH_WAITING:
            push_give_up(push);
            env_timer_stop(replicate->env, &push->retry);
            push_end(push);
            break;
        case PUSH_ENDED:
            break;
        case PUSH_READY:
        case PUSH_CANCELLED:
            ASSERT(!"a batch is sent as a whole, and given up once");
            break;
        }
    }
    body_list_fini(&batch->bodies);
    blob_drop(batch->encoded);
    batch->encoded = NULL;
    batch_release(batch);
}

static void make_room(struct replicate *replicate, size_t bytes)
{
    while (replicate->waiting_bytes + bytes > LIMIT_PUSH_QUEUE_BYTES && !list_empty(&replicate->batches))
        batch_give_up(CONTAINER_OF(replicate->batches.next, struct batch, link));
}

/* Takes the bodies over and sends them; or, without any, what is encoded already. */
static void batch_send(struct push_stream *stream, enum push_form form, struct body_list *bodies, struct blob *encoded)
{
    struct replicate *replicate = stream->replicate;
    const struct ed25519_public *targets = stream->targets;
    uint32_t target_count = stream->target_count;
    struct batch *batch = xcalloc(1, sizeof(*batch) + target_count * sizeof(batch->pushes[0]));

    make_room(replicate, queue_bytes(bodies->bytes, target_count));
    replicate->waiting_bytes += queue_bytes(bodies->bytes, target_count);
    list_append(&replicate->batches, &batch->link);
    batch->replicate = replicate;
    batch->cause = stream->cause;
    batch->form = form;
    batch->encoded = encoded;
    batch->bodies = *bodies;
    *bodies = (struct body_list){0};
    batch->push_count = target_count;
    batch->holders = target_count + 1;
    for (uint32_t i = 0; i < target_count; i++) {
        batch->pushes[i].batch = batch;
        batch->pushes[i].target = targets[i];
        push_attempt(&batch->pushes[i]);
    }
    batch_release(batch);
}

void push_stream_start(struct push_stream *stream, struct replicate *replicate, enum trace_cause cause,
                       const struct ed25519_public targets[], uint32_t target_count)
{
    *stream =
        (struct push_stream){.replicate = replicate, .cause = cause, .targets = targets, .target_count = target_count};
    buf_init(&stream->revoked, SIZE_MAX); /* sent once it exceeds LIMIT_BATCH_BYTES */
}

void push_stream_add(struct push_stream *stream, struct stored_body *body)
{
    enum push_form form = form_of(body);

    if (stream->target_count == 0)
        return;
    body_list_add(&stream->open[form], form, body);
    if (stream->open[form].bytes > LIMIT_BATCH_BYTES) /* PROTOCOL 3.8: closed once it has exceeded that */
        batch_send(stream, form, &stream->open[form], NULL);
}

static void send_revoked(struct push_stream *stream)
{
    struct body_list none = {.bytes = stream->revoked.len};

    batch_send(stream, PUSH_PARTS, &none, blob_from_buf(&stream->revoked));
    buf_clear(&stream->revoked);
}

void push_stream_add_revoked(struct push_stream *stream, const struct account_id *account,
                             const struct subaccount_token tokens[], size_t count)
{
    struct buf content;

    if (stream->target_count == 0)
        return;
    buf_init(&content, SIZE_MAX);
    buf_append(&content, BYTES_OF(account->bytes));
    for (size_t i = 0; i < count; i++)
        buf_append(&content, BYTES_OF(tokens[i].bytes));
    peer_part_encode(&stream->revoked, PEER_PART_REVOKED, buf_bytes(&content));
    buf_fini(&content);
    if (stream->revoked.len > LIMIT_BATCH_BYTES)
        send_revoked(stream);
}

void push_stream_end(struct push_stream *stream)
{
    for (enum push_form form = 0; form < PUSH_FORMS; form++) {
        if (stream->open[form].count > 0)
            batch_send(stream, form, &stream->open[form], NULL);
        body_list_fini(&stream->open[form]);
    }
    if (stream->revoked.len > 0)
        send_revoked(stream);
    buf_fini(&stream->revoked);
}

/* In the arena. */
static struct ed25519_public *other_members(const struct replicate *replicate, uint32_t *count)
{
    const struct membership_view *view = replicate->view;
    struct ed25519_public *others;

    *count = 0;
    if (view->swarm == NULL)
        return NULL;
    others = arena_alloc(replicate->env->arena, view->swarm->count * sizeof(others[0]));
    for (uint32_t i = 0; i < view->swarm->count; i++) {
        const struct snode_entry *member = swarm_member(view->now, view->swarm, i);

        if (!bytes_equal(BYTES_OF(member->ed25519.bytes), BYTES_OF(replicate->keys->ed25519.bytes)))
            others[(*count)++] = member->ed25519;
    }
    return others;
}

void replicate_flush(struct replicate *replicate)
{
    struct body_list buffer = replicate->buffer;
    struct push_stream stream;
    uint32_t count;
    const struct ed25519_public *others;

    if (buffer.count == 0)
        return;
    env_timer_stop(replicate->env, &replicate->flush);
    replicate->buffer = (struct body_list){0};
    replicate->waiting_bytes -= buffer.bytes;
    others = other_members(replicate, &count);
    push_stream_start(&stream, replicate, CAUSE_RELAY, others, count);
    for (uint32_t i = 0; i < buffer.count; i++)
        push_stream_add(&stream, buffer.bodies[i]);
    push_stream_end(&stream);
    body_list_fini(&buffer);
}

static void on_flush(struct timer *timer)
{
    replicate_flush(CONTAINER_OF(timer, struct replicate, flush));
}

void replicate_message(struct replicate *replicate, struct stored_body *body)
{
    size_t bytes = encoded_bytes(PUSH_ERA, body);

    make_room(replicate, bytes);
    if (replicate->waiting_bytes + bytes > LIMIT_PUSH_QUEUE_BYTES) {
        replicate_flush(replicate); /* the buffer alone fills the queue: its oldest batches go */
        make_room(replicate, bytes);
    }
    body_list_add(&replicate->buffer, PUSH_ERA, body);
    replicate->waiting_bytes += bytes;
    if (!timer_running(&replicate->flush))
        env_timer_start(replicate->env, &replicate->flush, replicate->preset->flush_ms, on_flush);
}

void replicate_init(struct replicate *replicate, const struct snode_config *config, const struct membership_view *view)
{
    *replicate = (struct replicate){.env = config->env, .preset = config->preset, .keys = config->keys, .view = view};
    list_init(&replicate->batches);
    list_init(&replicate->given_up);
}

void replicate_fini(struct replicate *replicate)
{
    LIST_EACH_SAFE (link, &replicate->batches)
        batch_free(CONTAINER_OF(link, struct batch, link));
    LIST_EACH_SAFE (link, &replicate->given_up)
        batch_free(CONTAINER_OF(link, struct batch, link));
    body_list_fini(&replicate->buffer);
}

size_t replicate_receive(struct replicate *replicate, struct bytes batch, peer_message_fn each, void *owner)
{
    size_t count;

    env_charge_bytes(replicate->env, COST_PARSE, batch.len);
    if (peer_batch_check(batch, &count) != OK)
        return 0;
    for (size_t i = 0; i < count; i++) {
        struct peer_message message;
        enum err err = peer_message_decode(&batch, &message);

        ASSERT(err == OK); /* the whole batch has been checked */
        each(owner, &message);
    }
    return count;
}

void replicate_receive_parts(struct replicate *replicate, struct bytes batch, peer_part_fn each, void *owner)
{
    env_charge_bytes(replicate->env, COST_PARSE, batch.len);
    if (peer_parts_check(batch) != OK)
        return;
    while (batch.len > 0) {
        struct peer_part part;
        enum err err = peer_part_decode(&batch, &part);

        ASSERT(err == OK); /* the whole batch has been checked */
        each(owner, &part);
    }
}
