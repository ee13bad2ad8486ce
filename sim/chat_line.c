#include "sim/chat_line.h"

#include "common/text.h"

#define INDENT "\n    "

struct command {
    const char *name;
    enum chat_verb verb;
    bool takes_who, needs_who, takes_text;
};
static const struct command commands[] = {
    {"/help", CHAT_HELP, false, false, false},
    {"/id", CHAT_ID, false, false, false},
    {"/add", CHAT_ADD, true, true, true},
    {"/accept", CHAT_ACCEPT, true, false, false},
    {"/decline", CHAT_DECLINE, true, false, false},
    {"/to", CHAT_TO, true, true, false},
    {"/contacts", CHAT_CONTACTS, false, false, false},
    {"/online", CHAT_ONLINE, false, false, false},
    {"/offline", CHAT_OFFLINE, false, false, false},
    {"/status", CHAT_STATUS, false, false, false},
    {"/quit", CHAT_QUIT, false, false, false},
};

const char *chat_line_help(void)
{
    return "/id                  your account id, for others to add you\n"
           "/add ACCOUNT-ID TEXT asks somebody to be your contact; TEXT introduces you\n"
           "/accept [WHO]        answers a request; WHO: a name, or the beginning of an account id\n"
           "/decline [WHO]       drops a request; nobody is told\n"
           "/to WHO              whom the texts you type go to\n"
           "/contacts            everybody you know, and how you stand with them\n"
           "/online              waits for friends at a listening node: texts go synchronously while both do\n"
           "/offline             stops that; texts still come, by the swarm\n"
           "/status              network, messages on their way, state file\n"
           "/quit                sends what is on its way, and leaves; Ctrl-C leaves at once: it goes on at the next "
           "start\n"
           "Anything else is a text for the current contact; // begins one with a slash.\n";
}

static bool blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static struct bytes trimmed(struct bytes text)
{
    while (text.len > 0 && blank(text.data[0]))
        text = bytes_slice(text, 1, text.len - 1);
    while (text.len > 0 && blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

static struct bytes take_word(struct bytes *rest)
{
    struct bytes word = *rest;

    word.len = 0;
    while (word.len < rest->len && !blank(rest->data[word.len]))
        word.len++;
    *rest = trimmed(bytes_slice(*rest, word.len, rest->len - word.len));
    return word;
}

struct chat_line chat_line_read(struct bytes line)
{
    struct bytes rest = trimmed(line), name;
    struct chat_line out = {.verb = CHAT_WRONG};

    if (rest.len == 0)
        return (struct chat_line){.verb = CHAT_NOTHING};
    if (rest.data[0] != '/')
        return (struct chat_line){.verb = CHAT_TEXT, .text = rest};
    if (rest.len > 1 && rest.data[1] == '/')
        return (struct chat_line){.verb = CHAT_TEXT, .text = bytes_slice(rest, 1, rest.len - 1)};
    name = take_word(&rest);
    out.text = name;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        const struct command *command = &commands[i];

        if (!bytes_equal_text(name, command->name))
            continue;
        if (command->takes_text)
            out.who = take_word(&rest);
        else if (command->takes_who)
            out.who = rest;
        if ((command->needs_who && out.who.len == 0) || (!command->takes_who && rest.len > 0))
            return out;
        out.verb = command->verb;
        out.text = command->takes_text ? rest : BYTES_NONE;
        return out;
    }
    return out;
}

/* ---- printing ---- */

/* Bytes of the character at the front; 0: it is none. */
static size_t character_len(struct bytes text)
{
    uint8_t first = text.data[0];
    size_t len = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

    return len <= text.len && utf8_valid(bytes_slice(text, 0, len)) ? len : 0;
}

/* C0, DEL, C1; line and paragraph separators, marks, embeddings, overrides and isolates of direction. */
static bool harmful(const uint8_t *c, size_t len)
{
    if (len == 1)
        return c[0] < 0x20 || c[0] == 0x7f;
    if (len == 2)
        return c[0] == 0xc2 && c[1] < 0xa0;
    if (len == 3 && c[0] == 0xe2 && c[1] == 0x80)
        return c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xa8 && c[2] <= 0xae);
    return len == 3 && c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9;
}

static void append_character(struct buf *out, struct bytes *text)
{
    size_t len = character_len(*text);

    if (len == 0 || harmful(text->data, len))
        buf_byte(out, '?');
    else
        buf_append(out, bytes_slice(*text, 0, len));
    len = len == 0 ? 1 : len;
    *text = bytes_slice(*text, len, text->len - len);
}

void chat_printable(struct buf *out, struct bytes text)
{
    size_t line_start = out->len;

    while (text.len > 0) {
        bool ends = text.data[0] == '\n';

        if (ends || out->len - line_start >= CHAT_COLUMNS) {
            buf_text(out, INDENT);
            line_start = out->len;
        }
        if (ends)
            text = bytes_slice(text, 1, text.len - 1);
        else
            append_character(out, &text);
    }
}

void chat_printable_name(struct buf *out, struct bytes name)
{
    size_t start = out->len;

    while (name.len > 0 && out->len - start < CHAT_NAME_BYTES)
        append_character(out, &name);
}
