/* What the user types: commands, and texts to a friend. */
#include <stdio.h>

#include "sim/chat_internal.h"
#include "sim/chat_line.h"

#define DEFAULT_INTRO "Hello"

static void refuse(struct chat *chat, const char *what, const char *why)
{
    chat_print(chat->colour, CHAT_ALARM, "%s: %s", what, why);
}

static void add(struct chat *chat, const struct chat_line *line)
{
    struct bytes text = line->text.len > 0 ? line->text : BYTES_LIT(DEFAULT_INTRO);
    struct account_id account;
    const struct sent *sent;
    enum err err;

    if (account_from_hex(&account, line->who) != OK || account.bytes[0] != ACCOUNT_PREFIX) {
        refuse(chat, "/add", "an account id is 66 hex digits and begins with 05");
        return;
    }
    err = client_befriend(chat->client, &account, text, &sent);
    if (err == ERR_REFUSED)
        refuse(chat, "/add", "this is your own account id");
    else if (err == ERR_DUPLICATE)
        refuse(chat, "/add", "there is a request already, or you are friends: /contacts");
    else if (err != OK)
        refuse(chat, "/add", err_text(err));
}

static void answer_request(struct chat *chat, const struct chat_line *line)
{
    const char *command = line->verb == CHAT_ACCEPT ? "/accept" : "/decline";
    struct account_id account;
    enum err err = chat_find_contact(chat->client, line->who, FRIEND_ASKING, &account);

    if (err != OK) {
        refuse(chat, command, err == ERR_DUPLICATE ? "several ask: name one of them, see /contacts" : "nobody asks");
        return;
    }
    err = line->verb == CHAT_ACCEPT ? client_accept(chat->client, &account) : client_decline(chat->client, &account);
    if (err != OK)
        refuse(chat, command, err_text(err));
}

static void turn_to(struct chat *chat, struct bytes who)
{
    struct account_id account;
    enum err err = chat_find_contact(chat->client, who, FRIEND_FRIENDS, &account);

    if (err != OK) {
        refuse(chat, "/to",
               err == ERR_DUPLICATE ? "several are called so: use the account id" : "no friend is called so");
        return;
    }
    chat->current = account;
    chat->has_current = true;
    chat_say_of(chat, &account, "gets what you type");
}

static void send_text(struct chat *chat, struct bytes text)
{
    const struct sent *sent;
    enum err err;

    if (!chat->has_current && chat_find_contact(chat->client, BYTES_NONE, FRIEND_FRIENDS, &chat->current) == OK)
        chat->has_current = true;
    if (!chat->has_current) {
        refuse(chat, "not sent", "to whom? /to WHO, or /add ACCOUNT-ID");
        return;
    }
    err = client_send(chat->client, &chat->current, text, &sent);
    if (err == ERR_NOT_READY)
        refuse(chat, "not sent", "the session with this contact is lost: /add it again");
    else if (err == ERR_FORMAT)
        refuse(chat, "not sent", "the text is no UTF-8");
    else if (err != OK)
        refuse(chat, "not sent", err_text(err));
    chat->failed += err != OK;
}

void chat_print_id(struct chat *chat)
{
    char hex[ACCOUNT_HEX_LEN];

    account_to_hex(client_account(chat->client), hex);
    chat_print(chat->colour, CHAT_PLAIN, "your account id: %.*s", ACCOUNT_HEX_LEN, hex);
}

static void print_status(struct chat *chat)
{
    bool saved = http_env_saved(chat->http);

    chat_print(chat->colour, CHAT_PLAIN, "%s; %u messages on their way; %s is %s",
               client_listening(chat->client) ? "online" : "offline", client_unfinished(chat->client), chat->state_path,
               saved                             ? "saved"
               : http_env_disk(chat->http) == OK ? "being written"
                                                 : "not written: see above");
}

static void go_offline(struct chat *chat)
{
    client_offline(chat->client);
    client_listen_start(chat->client, true);
    chat_print(chat->colour, CHAT_FAINT, "you are offline: texts still come, by the swarm");
}

static void leave(struct chat *chat)
{
    if (chat->leaving)
        return;
    chat->leaving = true;
    client_offline(chat->client);
    if (client_unfinished(chat->client) > 0)
        chat_print(chat->colour, CHAT_FAINT,
                   "leaving: %u messages are still sent; Ctrl-C keeps them for the next start",
                   client_unfinished(chat->client));
}

void chat_on_line(void *owner, struct bytes text)
{
    struct chat *chat = owner;
    struct chat_line line = chat_line_read(text);

    if (chat->leaving)
        return;
    switch (line.verb) {
    case CHAT_NOTHING:
        return;
    case CHAT_TEXT:
        send_text(chat, line.text);
        return;
    case CHAT_HELP:
        fputs(chat_line_help(), stdout);
        return;
    case CHAT_ID:
        chat_print_id(chat);
        return;
    case CHAT_ADD:
        add(chat, &line);
        return;
    case CHAT_ACCEPT:
    case CHAT_DECLINE:
        answer_request(chat, &line);
        return;
    case CHAT_TO:
        turn_to(chat, line.who);
        return;
    case CHAT_CONTACTS:
        chat_print_contacts(chat->colour, chat->client);
        return;
    case CHAT_ONLINE:
        client_online(chat->client);
        return;
    case CHAT_OFFLINE:
        go_offline(chat);
        return;
    case CHAT_STATUS:
        print_status(chat);
        return;
    case CHAT_QUIT:
        leave(chat);
        return;
    case CHAT_WRONG:
        refuse(chat, "no such command, or something is missing", "/help lists them; // begins a text with a slash");
        return;
    }
}

void chat_on_too_long(void *owner)
{
    refuse(owner, "not sent", "a text has at most 65536 bytes");
}

void chat_on_end(void *owner)
{
    leave(owner);
}
