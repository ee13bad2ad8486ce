#include "tests/support/check_main.h"

#include <string.h>

#include "sim/chat_line.h"

static void reads(const char *line, enum chat_verb verb, const char *who, const char *text)
{
    struct chat_line read = chat_line_read(bytes_text(line));

    ck_assert_msg(read.verb == verb, "%s: %d", line, read.verb);
    ck_assert_msg(bytes_equal_text(read.who, who), "%s", line);
    ck_assert_msg(bytes_equal_text(read.text, text), "%s", line);
}

START_TEST(commands_and_texts)
{
    reads("", CHAT_NOTHING, "", "");
    reads(" \t\r", CHAT_NOTHING, "", "");
    reads("hello  there ", CHAT_TEXT, "", "hello  there");
    reads("//help is a text", CHAT_TEXT, "", "/help is a text");
    reads("/help", CHAT_HELP, "", "");
    reads(" /id\r", CHAT_ID, "", "");
    reads("/add 05aa", CHAT_ADD, "05aa", "");
    reads("/add  05aa  Hi, it's me ", CHAT_ADD, "05aa", "Hi, it's me");
    reads("/accept", CHAT_ACCEPT, "", "");
    reads("/accept Al Ice", CHAT_ACCEPT, "Al Ice", "");
    reads("/decline 05", CHAT_DECLINE, "05", "");
    reads("/to bob", CHAT_TO, "bob", "");
    reads("/contacts", CHAT_CONTACTS, "", "");
    reads("/online", CHAT_ONLINE, "", "");
    reads("/offline", CHAT_OFFLINE, "", "");
    reads("/status", CHAT_STATUS, "", "");
    reads("/quit", CHAT_QUIT, "", "");
    reads("/", CHAT_WRONG, "", "/");
    reads("/nothing", CHAT_WRONG, "", "/nothing");
    reads("/add", CHAT_WRONG, "", "/add");
    reads("/to", CHAT_WRONG, "", "/to");
    reads("/quit now", CHAT_WRONG, "", "/quit");
}
END_TEST

static void prints(const char *text, const char *printed)
{
    struct buf out;

    buf_init(&out, 4096);
    chat_printable(&out, bytes_text(text));
    ck_assert_msg(bytes_equal_text(buf_bytes(&out), printed), "%.*s", (int)out.len, (const char *)out.data);
    buf_fini(&out);
}

/* Nothing that a terminal obeys comes through. */
START_TEST(foreign_text_is_only_read)
{
    prints("plain, gr\xc3\xbc\xc3\x9f, \xe2\x82\xac, \xf0\x9f\x98\x80",
           "plain, gr\xc3\xbc\xc3\x9f, \xe2\x82\xac, \xf0\x9f\x98\x80");
    prints("\x1b[2J\a\x7f\r", "?[2J???");
    prints("\xc2\x9b"
           "31m",
           "?31m");
    prints("\xe2\x80\xae"
           "evil \xe2\x81\xa6x \xe2\x80\xa8",
           "?evil ?x ?");
    prints("cut \xe2\x82", "cut ??");
    prints("two\nlines", "two\n    lines");
}
END_TEST

/* However long a text is, its lines are not. */
START_TEST(lines_are_bounded)
{
    char text[3 * CHAT_COLUMNS + 1];
    struct buf out;
    size_t column = 0;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    buf_init(&out, 4096);
    chat_printable(&out, bytes_text(text));
    for (size_t i = 0; i < out.len; i++) {
        column = out.data[i] == '\n' ? 0 : column + 1;
        ck_assert_uint_le(column, CHAT_COLUMNS + 4);
    }
    buf_clear(&out);
    chat_printable_name(&out, bytes_text("a\nb\x1b"
                                         "0123456789012345678901234567890123456789"));
    ck_assert(bytes_start_with(buf_bytes(&out), BYTES_LIT("a?b?0123")));
    ck_assert_uint_eq(out.len, CHAT_NAME_BYTES);
    buf_fini(&out);
}
END_TEST

TEST_MAIN("chat_line", commands_and_texts, foreign_text_is_only_read, lines_are_bounded)
