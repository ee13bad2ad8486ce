/* What happened inside the client, told to the user once it is over. */
#include <string.h>

#include "common/trace.h"
#include "sim/chat_internal.h"

#define SENT_KEPT 256 /* messages of whose fate is still told */

void chat_on_trace(void *owner, const struct trace_record *record)
{
    struct chat *chat = owner;
    struct news *news;

    switch ((int)record->kind) { /* most of what happens is not for people */
    case TRACE_SEND:
    case TRACE_SEND_STATE:
    case TRACE_SEND_STORED:
    case TRACE_FRIEND:
    case TRACE_PRESENCE:
    case TRACE_LISTENING:
    case TRACE_NODE_LIST:
        break;
    default:
        return;
    }
    if (chat->news_count == chat->news_cap) {
        chat->news_cap = chat->news_cap == 0 ? 64 : 2 * chat->news_cap;
        chat->news = xrealloc(chat->news, chat->news_cap * sizeof(*chat->news));
    }
    news = &chat->news[chat->news_count++];
    *news = (struct news){.kind = record->kind};
    memcpy(news->n, record->n, sizeof(news->n));
    if (record->b[0].len == sizeof(news->account.bytes))
        memcpy(news->account.bytes, record->b[0].data, sizeof(news->account.bytes));
}

void chat_say_of(struct chat *chat, const struct account_id *account, const char *what)
{
    struct buf name;

    buf_init(&name, 256);
    chat_append_contact(&name, chat->client, account);
    chat_print(chat->colour, CHAT_FAINT, "%.*s %s", (int)name.len, (const char *)name.data, what);
    buf_fini(&name);
}

static void tell_friend(struct chat *chat, const struct news *news)
{
    bool friends = news->n[1] == FRIEND_FRIENDS;

    if (friends && (!chat->has_current || news->n[0] != FRIEND_FRIENDS)) {
        chat->current = news->account;
        chat->has_current = true;
    }
    if (friends && news->n[0] != FRIEND_FRIENDS)
        chat_say_of(chat, &news->account, "and you are friends: what you type goes there");
}

static void tell_sent(struct chat *chat, const struct news *news)
{
    uint32_t number = (uint32_t)news->n[0];
    const struct sent *sent = client_sent(chat->client, number);

    if (news->kind == TRACE_SEND) {
        chat_print_sent(chat->colour, chat->client, sent, SEND_QUEUED, OK, 0);
        if (number > SENT_KEPT)
            client_forget_sent(chat->client, number - SENT_KEPT);
        return;
    }
    if (news->kind == TRACE_SEND_STORED) {
        chat_print_sent(chat->colour, chat->client, sent, SEND_STORED, OK, (uint32_t)news->n[2]);
        return;
    }
    if (news->n[2] == SEND_STORED || news->n[2] == SEND_QUEUED)
        return; /* told with its count, and when it was accepted */
    chat->failed += news->n[2] == SEND_FAILED && sent != NULL;
    chat_print_sent(chat->colour, chat->client, sent, (enum send_state)news->n[2], (enum err)news->n[3], 0);
}

static void tell(struct chat *chat, const struct news *news)
{
    if (news->kind == TRACE_FRIEND)
        tell_friend(chat, news);
    else if (news->kind == TRACE_PRESENCE && news->n[1] == CONTACT_ONLINE)
        chat_say_of(chat, &news->account, "is online: texts go synchronously");
    else if (news->kind == TRACE_PRESENCE && news->n[0] == CONTACT_ONLINE)
        chat_say_of(chat, &news->account, "is offline: texts go by the swarm");
    else if (news->kind == TRACE_LISTENING && news->n[0] != 0)
        chat_print(chat->colour, CHAT_FAINT, "you are online");
    else if (news->kind == TRACE_NODE_LIST)
        chat_print(chat->colour, CHAT_FAINT, "the network has %llu nodes", (unsigned long long)news->n[0]);
    else if (news->kind == TRACE_SEND || news->kind == TRACE_SEND_STATE || news->kind == TRACE_SEND_STORED)
        tell_sent(chat, news);
}

void chat_tell_news(struct chat *chat)
{
    for (size_t i = 0; i < chat->news_count; i++)
        tell(chat, &chat->news[i]);
    chat->news_count = 0;
}
