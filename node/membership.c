#include "node/membership.h"

#include <string.h>

#include "common/arena.h"

static int key_compare(const struct snode_entry *a, const struct snode_entry *b)
{
    return memcmp(a->ed25519.bytes, b->ed25519.bytes, sizeof(a->ed25519.bytes));
}

/* Members of `now` that `before` does not have; both ascend by key. In the arena. */
static const struct ed25519_public *new_members(struct membership_view *view, const struct membership *old,
                                                const struct swarm_entry *before, uint32_t *count)
{
    const struct swarm_entry *swarm = view->swarm;
    struct ed25519_public *out = arena_alloc(view->env->arena, swarm->count * sizeof(out[0]));
    uint32_t was = 0;

    *count = 0;
    for (uint32_t i = 0; i < swarm->count; i++) {
        const struct snode_entry *member = swarm_member(view->now, swarm, i);

        while (was < before->count && key_compare(swarm_member(old, before, was), member) < 0)
            was++;
        if (was == before->count || key_compare(swarm_member(old, before, was), member) != 0)
            out[(*count)++] = member->ed25519;
    }
    return out;
}

static void trace_row(const struct membership_view *view, enum membership_row row, uint64_t previous)
{
    env_trace(view->env, &(struct trace_record){.kind = TRACE_SNODE_SWARM,
                                                .n = {view->now->height, view->swarm_id, previous, row}});
}

/* Row 5: what goes to new members of the own swarm. */
struct new_member_push {
    struct membership_view *view;
    struct push_stream stream;
};

/* The original pushes its whole database: also what was left over when it moved here from another swarm. */
static bool is_for_new_member(const struct membership_view *view, const struct account_id *account)
{
    return !view->preset->bootstrap_only_owned || membership_serves(view, account);
}

static void push_to_new_member(void *owner, struct stored_body *body)
{
    struct new_member_push *push = owner;

    if (is_for_new_member(push->view, &body->account))
        push_stream_add(&push->stream, body);
}

static void push_revoked_to_new_member(void *owner, const struct account_id *account,
                                       const struct subaccount_token tokens[], size_t count)
{
    struct new_member_push *push = owner;

    if (is_for_new_member(push->view, account))
        push_stream_add_revoked(&push->stream, account, tokens, count);
}

static void on_new_members(struct membership_view *view, const struct ed25519_public members[], uint32_t count)
{
    struct new_member_push push = {.view = view};

    push_stream_start(&push.stream, view->replicate, CAUSE_NEW_MEMBER, members, count);
    view->bodies_each(view->owner, push_to_new_member, &push);
    if (view->revoked_each != NULL)
        view->revoked_each(view->owner, push_revoked_to_new_member, &push);
    push_stream_end(&push.stream);
}

/* Rows 3 and 6: every message to the whole swarm that is responsible for it, if that is one of the chosen ones. */
struct swarm_push {
    struct membership_view *view;
    enum trace_cause cause;
    const bool *chosen;          /* by place in view->now->swarms */
    struct push_stream *streams; /* likewise; without `replicate`: not started, as nothing goes there yet */
};

static void start_stream_to(struct swarm_push *push, const struct swarm_entry *swarm, struct push_stream *stream)
{
    const struct membership_view *view = push->view;
    struct ed25519_public *members = arena_alloc(view->env->arena, swarm->count * sizeof(members[0]));
    uint32_t count = 0;

    for (uint32_t i = 0; i < swarm->count; i++) {
        const struct ed25519_public *key = &swarm_member(view->now, swarm, i)->ed25519;

        if (memcmp(key->bytes, view->own->bytes, sizeof(key->bytes)) != 0)
            members[count++] = *key;
    }
    push_stream_start(stream, view->replicate, push->cause, members, count);
}

/* NULL: its swarm gets nothing. */
static struct push_stream *stream_for(struct swarm_push *push, const struct account_id *account)
{
    const struct swarm_entry *swarm = swarm_of(push->view->now, account);
    size_t place = (size_t)(swarm - push->view->now->swarms);

    if (!push->chosen[place])
        return NULL;
    if (push->streams[place].replicate == NULL)
        start_stream_to(push, swarm, &push->streams[place]);
    return &push->streams[place];
}

static void push_to_its_swarm(void *owner, struct stored_body *body)
{
    struct push_stream *stream = stream_for(owner, &body->account);

    if (stream != NULL)
        push_stream_add(stream, body);
}

static void push_revoked_to_its_swarm(void *owner, const struct account_id *account,
                                      const struct subaccount_token tokens[], size_t count)
{
    struct push_stream *stream = stream_for(owner, account);

    if (stream != NULL)
        push_stream_add_revoked(stream, account, tokens, count);
}

static void push_to_swarms(struct membership_view *view, enum trace_cause cause, const bool chosen[])
{
    uint32_t count = view->now->swarm_count;
    struct swarm_push push = {.view = view,
                              .cause = cause,
                              .chosen = chosen,
                              .streams = arena_zalloc(view->env->arena, count * sizeof(struct push_stream))};

    view->bodies_each(view->owner, push_to_its_swarm, &push);
    if (view->revoked_each != NULL)
        view->revoked_each(view->owner, push_revoked_to_its_swarm, &push);
    for (uint32_t i = 0; i < count; i++)
        if (push.streams[i].replicate != NULL)
            push_stream_end(&push.streams[i]);
}

/* One flag per swarm of `now`: whether its id is not in `old`; both ascend. In the arena; NULL if there is none. */
static const bool *new_swarms(const struct membership_view *view, const struct membership *old)
{
    const struct membership *now = view->now;
    bool *chosen = arena_zalloc(view->env->arena, now->swarm_count * sizeof(chosen[0]));
    bool any = false;
    uint32_t was = 0;

    for (uint32_t i = 0; i < now->swarm_count; i++) {
        while (was < old->swarm_count && old->swarms[was].id < now->swarms[i].id)
            was++;
        chosen[i] = was == old->swarm_count || old->swarms[was].id != now->swarms[i].id;
        any = any || chosen[i];
    }
    return any ? chosen : NULL;
}

static void on_dissolved(struct membership_view *view)
{
    uint32_t count = view->now->swarm_count;
    bool *all = arena_alloc(view->env->arena, count * sizeof(all[0]));

    for (uint32_t i = 0; i < count; i++)
        all[i] = true;
    push_to_swarms(view, CAUSE_DISSOLVED, all);
}

/* Rows 5 and 6, which may both apply. `before` is the own swarm in `old`. */
static void on_same_swarm(struct membership_view *view, const struct membership *old, const struct swarm_entry *before)
{
    uint32_t count;
    const struct ed25519_public *members = new_members(view, old, before, &count);
    const bool *chosen = new_swarms(view, old);

    if (count > 0) {
        trace_row(view, ROW_NEW_MEMBER, view->swarm_id);
        on_new_members(view, members, count);
    }
    if (chosen != NULL) {
        trace_row(view, ROW_NEW_SWARM, view->swarm_id);
        push_to_swarms(view, CAUSE_NEW_SWARM, chosen);
    }
}

/* PROTOCOL 2.6, the six rows in their order. */
void membership_update(struct membership_view *view, const struct membership *next)
{
    const struct membership *old = view->now;
    const struct swarm_entry *before = view->swarm;
    uint64_t previous = view->swarm_id;
    const struct snode_entry *own = snode_by_key(next, view->own);
    uint64_t swarm_id = own == NULL ? SWARM_NONE : own->swarm_id;

    /* What waits in the relay buffer was accepted for the swarm that this node is about to leave: its members get it.
     */
    if (swarm_id != previous)
        replicate_flush(view->replicate);
    view->now = next;
    view->swarm_id = swarm_id;
    view->swarm = swarm_id == SWARM_NONE ? NULL : swarm_by_id(next, swarm_id);
    ASSERT((view->swarm != NULL) == (swarm_id != SWARM_NONE));

    if (swarm_id == SWARM_NONE) {
        if (previous != SWARM_NONE)
            trace_row(view, ROW_NO_SWARM, previous);
    } else if (previous == SWARM_NONE) {
        trace_row(view, ROW_JOINED, previous);
    } else if (swarm_id == previous) {
        on_same_swarm(view, old, before);
    } else if (swarm_by_id(next, previous) == NULL) {
        trace_row(view, ROW_DISSOLVED, previous);
        on_dissolved(view);
    } else {
        trace_row(view, ROW_MOVED, previous);
    }
}

const char *membership_not_ready(const struct membership_view *view)
{
    if (view->now == NULL)
        return "Service node is not ready: not in any swarm; not done syncing; \n";
    return view->swarm == NULL ? "Service node is not ready: not in any swarm; \n" : NULL;
}

bool membership_serves(const struct membership_view *view, const struct account_id *account)
{
    return view->swarm != NULL && swarm_of(view->now, account) == view->swarm;
}

const struct snode_entry *membership_find(const struct membership_view *view, const struct ed25519_public *key)
{
    return view->now == NULL ? NULL : snode_by_key(view->now, key);
}

void membership_init(struct membership_view *view, const struct snode_config *config, struct replicate *replicate,
                     bodies_each_fn bodies_each, void *owner)
{
    *view = (struct membership_view){.swarm_id = SWARM_NONE,
                                     .env = config->env,
                                     .preset = config->preset,
                                     .own = &config->keys->ed25519,
                                     .replicate = replicate,
                                     .bodies_each = bodies_each,
                                     .owner = owner};
}
