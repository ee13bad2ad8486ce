#include "sim/chat_view.h"

#include <stdio.h>
#include <string.h>

#include "proto/envelope.h"
#include "sim/chat_line.h"

#define SHORT_ID_CHARS 8
#define LINE_BYTES_MAX (8 * LIMIT_TEXT_BYTES) /* folded, with all indents */

void chat_print(bool colour, enum chat_tone tone, const char *fmt, ...)
{
    static const char *const tones[] = {
        [CHAT_PLAIN] = "", [CHAT_FAINT] = "\x1b[2m", [CHAT_BOLD] = "\x1b[1m", [CHAT_ALARM] = "\x1b[31m"};
    bool coloured = colour && tone != CHAT_PLAIN;
    va_list args;

    if (coloured)
        fputs(tones[tone], stdout);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    fputs(coloured ? "\x1b[0m\n" : "\n", stdout);
}

/* ---- people ---- */

void chat_append_contact(struct buf *out, struct client *client, const struct account_id *account)
{
    struct client_contact contact;
    char hex[ACCOUNT_HEX_LEN];
    uint32_t cursor = 0;

    account_to_hex(account, hex);
    while (client_next_contact(client, &cursor, &contact)) {
        if (!account_equal(&contact.account, account) || contact.display_name[0] == '\0')
            continue;
        chat_printable_name(out, bytes_text(contact.display_name));
        buf_printf(out, " (%.*s)", SHORT_ID_CHARS, hex);
        return;
    }
    buf_append(out, (struct bytes){(const uint8_t *)hex, SHORT_ID_CHARS});
}

static bool named(const struct client_contact *contact, struct bytes who)
{
    char hex[ACCOUNT_HEX_LEN];

    account_to_hex(&contact->account, hex);
    return bytes_equal_text(who, contact->display_name) ||
           (who.len > 2 && bytes_start_with(BYTES_OF(hex), who)); /* "05" begins all of them */
}

enum err chat_find_contact(struct client *client, struct bytes who, enum friend_state state, struct account_id *out)
{
    struct client_contact contact;
    uint32_t cursor = 0, found = 0;

    while (client_next_contact(client, &cursor, &contact)) {
        if ((state != FRIEND_NONE && contact.friend_state != state) || (who.len > 0 && !named(&contact, who)))
            continue;
        *out = contact.account;
        found++;
    }
    return found == 1 ? OK : found == 0 ? ERR_NOT_FOUND : ERR_DUPLICATE;
}

static const char *friend_text(enum friend_state state)
{
    switch (state) {
    case FRIEND_NONE:
        return "no contact";
    case FRIEND_SENDING:
        return "your request is on its way";
    case FRIEND_ASKED:
        return "asked, no answer yet";
    case FRIEND_ASKING:
        return "asks you: /accept or /decline";
    case FRIEND_FRIENDS:
        return "friends";
    case FRIEND_EXPIRED:
        return "did not answer: /add once more";
    }
    return "?";
}

void chat_print_contacts(bool colour, struct client *client)
{
    struct client_contact contact;
    uint32_t cursor = 0;
    struct buf name;

    buf_init(&name, 256);
    while (client_next_contact(client, &cursor, &contact)) {
        char hex[ACCOUNT_HEX_LEN];

        account_to_hex(&contact.account, hex);
        buf_clear(&name);
        chat_printable_name(&name, bytes_text(contact.display_name));
        chat_print(colour, CHAT_PLAIN, "%.*s %.*s: %s%s", ACCOUNT_HEX_LEN, hex, (int)name.len, (const char *)name.data,
                   friend_text(contact.friend_state),
                   contact.friend_state != FRIEND_FRIENDS     ? ""
                   : contact.contact_state == CONTACT_ONLINE  ? ", online"
                   : contact.contact_state == CONTACT_PROBING ? ", perhaps online"
                                                              : ", offline");
    }
    if (cursor == 0)
        chat_print(colour, CHAT_FAINT, "nobody yet: /add ACCOUNT-ID TEXT");
    buf_fini(&name);
}

/* ---- messages ---- */

void chat_print_received(bool colour, struct client *client, const struct received *received, bool again)
{
    bool request = received->type == ENVELOPE_FRIEND_REQUEST;
    struct buf line;

    buf_init(&line, LINE_BYTES_MAX);
    chat_append_contact(&line, client, &received->source);
    buf_text(&line, request ? " asks to be your contact: " : ": ");
    chat_printable(&line, received->text);
    if (request)
        buf_text(&line, "   [/accept or /decline]");
    else
        buf_text(&line, received->synchronous ? "   [synchronous]" : "   [by the swarm]");
    if (again)
        buf_text(&line, " [perhaps shown before]");
    chat_print(colour, CHAT_BOLD, "%.*s", (int)line.len, (const char *)line.data);
    buf_fini(&line);
}

static void append_state(struct buf *out, const struct sent *sent, enum send_state state, enum err err, uint32_t stored)
{
    bool fell_back = sent != NULL && sent->fell_back;

    switch (state) {
    case SEND_QUEUED:
        buf_text(out, "queued");
        return;
    case SEND_PROVING:
        buf_text(out, "proving work");
        return;
    case SEND_STORING:
        buf_text(out, "on its way to the swarm");
        return;
    case SEND_STORED:
        buf_printf(out, "stored at %u of 3%s", stored, fell_back ? ", after it fell back" : "");
        return;
    case SEND_FAILED:
        buf_printf(out, "failed: %s", err_text(err));
        return;
    case SEND_DELIVERING:
        buf_text(out, "on its way, synchronously");
        return;
    case SEND_DELIVERED:
        buf_text(out, "delivered synchronously");
        return;
    case SEND_ACKNOWLEDGED:
        buf_text(out, fell_back ? "acknowledged, after it fell back" : "acknowledged");
        return;
    case SEND_FELL_BACK:
        buf_text(out, "fell back: not acknowledged, so it is stored");
        return;
    }
}

void chat_print_sent(bool colour, struct client *client, const struct sent *sent, enum send_state state, enum err err,
                     uint32_t stored)
{
    struct buf line;

    if (sent == NULL)
        return; /* what no user sent, or what is forgotten */
    buf_init(&line, 1024);
    buf_printf(&line, "  #%u to ", sent->number);
    chat_append_contact(&line, client, &sent->recipient);
    buf_text(&line, ": ");
    append_state(&line, sent, state, err, stored);
    chat_print(colour, state == SEND_FAILED ? CHAT_ALARM : CHAT_FAINT, "%.*s", (int)line.len, (const char *)line.data);
    buf_fini(&line);
}
