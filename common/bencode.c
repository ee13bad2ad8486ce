#include "common/bencode.h"

#include <inttypes.h>

#include "common/limits.h"
#include "common/text.h"

void bencode_init(struct bencode *in, struct bytes text)
{
    in->rest = text;
    in->failed = false;
}

static void fail(struct bencode *in)
{
    in->failed = true;
    in->rest = BYTES_NONE;
}

static void advance(struct bencode *in, size_t len)
{
    in->rest = bytes_slice(in->rest, len, in->rest.len - len);
}

/* Reads that one character if it comes next. */
static bool take(struct bencode *in, char c)
{
    if (in->rest.len == 0 || in->rest.data[0] != (uint8_t)c)
        return false;
    advance(in, 1);
    return true;
}

/* Digits and the character that ends them; 64 bits have at most 20 digits, so the search is short whatever comes. */
static uint64_t digits(struct bencode *in, char end)
{
    size_t len = 0;
    uint64_t value = 0;

    while (len < in->rest.len && len < 20 && in->rest.data[len] != (uint8_t)end)
        len++;
    if (decimal_decode(&value, bytes_slice(in->rest, 0, len)) != OK) {
        fail(in);
        return 0;
    }
    advance(in, len);
    if (!take(in, end)) {
        fail(in);
        return 0;
    }
    return value;
}

void bencode_open(struct bencode *in, char kind)
{
    if (!take(in, kind))
        fail(in);
}

bool bencode_key(struct bencode *in, struct bytes *key)
{
    struct bytes before = *key;

    if (take(in, 'e'))
        return false;
    *key = bencode_string(in);
    if (!in->failed && before.data != NULL && bytes_compare(before, *key) >= 0)
        fail(in);
    return !in->failed;
}

bool bencode_element(struct bencode *in)
{
    if (take(in, 'e'))
        return false;
    if (in->rest.len == 0)
        fail(in);
    return !in->failed;
}

char bencode_kind(const struct bencode *in)
{
    uint8_t first = in->rest.len == 0 ? 0 : in->rest.data[0];

    if (first == 'd' || first == 'l' || first == 'i')
        return (char)first;
    return first >= '0' && first <= '9' ? 's' : 0;
}

struct bytes bencode_string(struct bencode *in)
{
    uint64_t len = digits(in, ':');
    struct bytes string;

    if (in->failed || len > in->rest.len) {
        fail(in);
        return BYTES_NONE;
    }
    string = bytes_slice(in->rest, 0, (size_t)len);
    advance(in, string.len);
    return string;
}

int64_t bencode_integer(struct bencode *in)
{
    uint64_t limit = INT64_MAX;
    bool negative;
    uint64_t value;

    if (!take(in, 'i')) {
        fail(in);
        return 0;
    }
    negative = take(in, '-');
    value = digits(in, 'e');
    if (negative)
        limit++; /* two's complement has one more below zero than above */
    if (value > limit || (negative && value == 0)) {
        fail(in);
        return 0;
    }
    return negative ? (int64_t)(0 - value) : (int64_t)value;
}

static void skip(struct bencode *in, int depth_left)
{
    if (depth_left == 0) {
        fail(in);
    } else if (take(in, 'l')) {
        while (bencode_element(in))
            skip(in, depth_left - 1);
    } else if (take(in, 'd')) {
        for (struct bytes key = BYTES_NONE; bencode_key(in, &key);)
            skip(in, depth_left - 1);
    } else if (in->rest.len > 0 && in->rest.data[0] == 'i') {
        (void)bencode_integer(in);
    } else {
        (void)bencode_string(in);
    }
}

void bencode_skip(struct bencode *in)
{
    skip(in, LIMIT_BENCODE_DEPTH);
}

bool bencode_end(struct bencode *in)
{
    if (in->rest.len > 0)
        fail(in);
    return !in->failed;
}

void bencode_write_string(struct buf *out, struct bytes string)
{
    buf_printf(out, "%zu:", string.len);
    buf_append(out, string);
}

void bencode_write_text(struct buf *out, const char *text)
{
    bencode_write_string(out, bytes_text(text));
}

void bencode_write_integer(struct buf *out, int64_t value)
{
    buf_printf(out, "i%" PRId64 "e", value);
}
