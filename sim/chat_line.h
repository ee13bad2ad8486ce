/* chat_line.h: what a user of `swarmbed chat` types, and how foreign text is printed. */
#ifndef SWARMBED_CHAT_LINE_H
#define SWARMBED_CHAT_LINE_H

#include "common/bytes.h"

enum chat_verb {
    CHAT_NOTHING, /* an empty line */
    CHAT_TEXT,    /* for the current contact: whatever does not begin with '/'; "//" stands for a '/' that does */
    CHAT_HELP,
    CHAT_ID,
    CHAT_ADD,     /* who, text: may be empty */
    CHAT_ACCEPT,  /* who: may be empty */
    CHAT_DECLINE, /* likewise */
    CHAT_TO,      /* who */
    CHAT_CONTACTS,
    CHAT_ONLINE,
    CHAT_OFFLINE,
    CHAT_STATUS,
    CHAT_QUIT,
    CHAT_WRONG /* text: the command that is none, or wants something else behind it */
};
/* Views into the line. */
struct chat_line {
    enum chat_verb verb;
    struct bytes who, text;
};
/* `line` without its end. */
struct chat_line chat_line_read(struct bytes line);
const char *chat_line_help(void);

/* Appends text from outside so that it can do nothing but be read: control characters, those that turn the direction of
 * writing, and what is no UTF-8 become '?'. A line's end, and every CHAT_COLUMNS bytes, begin a new line that is
 * indented, so that no text looks like a line of the program. */
#define CHAT_COLUMNS 400
void chat_printable(struct buf *out, struct bytes text);
/* The same in one line, cut at CHAT_NAME_BYTES: for names. */
#define CHAT_NAME_BYTES 40
void chat_printable_name(struct buf *out, struct bytes name);

#endif
