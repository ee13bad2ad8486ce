/* chat_internal.h: what the files of `swarmbed chat` share.
 *
 * What happens inside the client comes as trace records and is told at the end of the loop's turn (chat_news.c); what
 * the user types is done at once (chat_commands.c); starting, saving and ending are chat.c's. */
#ifndef SWARMBED_CHAT_INTERNAL_H
#define SWARMBED_CHAT_INTERNAL_H

#include "client/client.h"
#include "client/session.h"
#include "sim/chat_view.h"
#include "sim/http/http_env.h"
#include "sim/loop.h"
#include "sim/state_file.h"
#include "sim/terminal.h"

/* Something that happened inside the client, to be told once it is over. */
struct news {
    enum trace_kind kind;
    uint64_t n[4];
    struct account_id account;
};

struct chat {
    const char *name, *seed_url, *state_path;
    bool start_online, help, tls;
    struct client_preset preset;

    struct state_file *file;
    struct live_loop *loop;
    struct http_env *http;
    struct terminal *terminal;
    struct snode_list_cache lists;
    struct session_library *sessions;
    struct client *client;
    struct disk_op shown; /* the inbox is empty on the disk, too */
    bool showing;

    struct news *news;
    size_t news_count, news_cap;
    struct account_id current;
    bool has_current;
    uint32_t failed; /* messages that could not be sent */
    bool colour, leaving, ended, disk_told;
};

/* chat_news.c */
void chat_on_trace(void *chat, const struct trace_record *record); /* the http_env's; keeps what is for people */
void chat_tell_news(struct chat *chat);                            /* all of it since the last call */
void chat_say_of(struct chat *chat, const struct account_id *account, const char *what); /* "Bob (0523ab12) WHAT" */

/* chat_commands.c: the terminal's callbacks; the owner is the chat. */
void chat_on_line(void *chat, struct bytes text);
void chat_on_too_long(void *chat);
void chat_on_end(void *chat);
void chat_print_id(struct chat *chat);

#endif
