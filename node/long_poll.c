#include "node/long_poll.h"

#include <stdlib.h>

#include "common/limits.h"
#include "common/list.h"
#include "common/text.h"
#include "proto/storage_rpc.h"

/* An account that somebody listens to. */
struct listened {
    struct account_id account;
    uint32_t count;
    struct list listeners;
};

struct listener {
    struct list link;
    struct long_poll *poll;
    struct listened *listened;
    struct rpc_reply reply;
    struct timer timer;
    int64_t since_ms;
};

static struct bytes listened_key(const void *value)
{
    return BYTES_OF(((const struct listened *)value)->account.bytes);
}

void long_poll_init(struct long_poll *poll, struct env *env)
{
    poll->env = env;
    poll->count = 0;
    table_init(&poll->by_account, listened_key, UINT64_C(0x6c6f6e675f706f6c));
}

void long_poll_fini(struct long_poll *poll)
{
    uint32_t cursor = 0;
    struct listened *listened;

    while ((listened = table_next(&poll->by_account, &cursor)) != NULL) {
        LIST_EACH_SAFE (link, &listened->listeners)
            free(CONTAINER_OF(link, struct listener, link));
        free(listened);
    }
    table_fini(&poll->by_account);
}

/*  held --message--> answered with it
 *   |`----time----> answered with nothing
 *   `---asker gone--> forgotten  */

static void forget(struct listener *listener)
{
    struct long_poll *poll = listener->poll;
    struct listened *listened = listener->listened;

    env_timer_stop(poll->env, &listener->timer);
    list_remove(&listener->link);
    free(listener);
    poll->count--;
    if (--listened->count > 0)
        return;
    (void)table_remove(&poll->by_account, listened_key(listened));
    free(listened);
}

static void on_time(struct timer *timer)
{
    struct listener *listener = CONTAINER_OF(timer, struct listener, timer);
    struct env *env = listener->poll->env;

    retrieve_answer(env, &listener->reply, &listener->listened->account, NULL, 0, env_now_ms(env) - listener->since_ms);
    forget(listener);
}

static void on_gone(struct rpc_reply *reply)
{
    forget(CONTAINER_OF(reply, struct listener, reply));
}

enum err long_poll_hold(struct long_poll *poll, const struct account_id *account, const struct rpc_reply *reply,
                        uint32_t hold_ms)
{
    struct listened *listened = table_get(&poll->by_account, BYTES_OF(account->bytes));
    struct listener *listener;

    if (poll->count >= LIMIT_LISTENERS || (listened != NULL && listened->count >= LIMIT_LISTENERS_PER_KEY))
        return ERR_FULL;
    if (listened == NULL) {
        listened = xcalloc(1, sizeof(*listened));
        listened->account = *account;
        list_init(&listened->listeners);
        table_put(&poll->by_account, listened);
    }
    listener = xcalloc(1, sizeof(*listener));
    listener->poll = poll;
    listener->listened = listened;
    listener->reply = *reply;
    listener->since_ms = env_now_ms(poll->env);
    list_append(&listened->listeners, &listener->link);
    listened->count++;
    poll->count++;
    rpc_reply_watch(&listener->reply, on_gone);
    env_timer_start(poll->env, &listener->timer, hold_ms, on_time);
    return OK;
}

void long_poll_notify(struct long_poll *poll, const struct stored_body *body)
{
    struct listened *listened = table_get(&poll->by_account, BYTES_OF(body->account.bytes));
    struct stored_body *const bodies[] = {(struct stored_body *)(uintptr_t)body};

    /* The last one to be forgotten takes `listened` with it. */
    for (uint32_t left = listened == NULL ? 0 : listened->count; left > 0; left--) {
        struct listener *listener = CONTAINER_OF(listened->listeners.next, struct listener, link);

        retrieve_answer(poll->env, &listener->reply, &body->account, bodies, 1,
                        env_now_ms(poll->env) - listener->since_ms);
        forget(listener);
    }
}

void retrieve_answer(struct env *env, struct rpc_reply *reply, const struct account_id *account,
                     struct stored_body *const bodies[], size_t count, int64_t held_ms)
{
    uint64_t data_bytes = 0;
    struct buf out;

    buf_init(&out, SIZE_MAX); /* at most LIMIT_RETRIEVE_MESSAGES bodies */
    rpc_messages_open(&out);
    for (size_t i = 0; i < count; i++) {
        const struct stored_body *body = bodies[i];

        rpc_messages_add(&out, &(struct rpc_message){.hash = hex_text(env->arena, BYTES_OF(body->hash)),
                                                     .expiration_ms = body_expiry_ms(body),
                                                     .data = {body->data, body->data_len}});
        data_bytes += body->data_len;
    }
    rpc_messages_close(&out);
    env_trace(env, &(struct trace_record){.kind = TRACE_RETRIEVED,
                                          .n = {count, data_bytes, (uint64_t)held_ms},
                                          .b = {BYTES_OF(account->bytes)}});
    rpc_reply_answer(reply, 200, buf_bytes(&out), true);
    buf_fini(&out);
}
