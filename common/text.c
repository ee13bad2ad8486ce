#include "common/text.h"

#include <string.h>

/* The tables of values hold the value plus one, so what is not named is no digit: 0, less one, sets every bit. A loop
 * collects the bits of all values and looks once, behind it, whether a high one is set: no branch per character. */
static const uint8_t hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

void hex_encode(char *out, struct bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        out[2 * i] = digits[bytes.data[i] >> 4];
        out[2 * i + 1] = digits[bytes.data[i] & 15];
    }
}

enum err hex_decode(uint8_t *out, size_t out_len, struct bytes text)
{
    unsigned seen = 0;
    if (text.len % 2 != 0 || text.len / 2 != out_len)
        return ERR_FORMAT;
    for (size_t i = 0; i < out_len; i++) {
        unsigned high = hex_values[text.data[2 * i]] - 1u, low = hex_values[text.data[2 * i + 1]] - 1u;
        seen |= high | low;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return seen > 15 ? ERR_FORMAT : OK;
}

bool hex_is_lower(struct bytes text)
{
    unsigned other = 0;
    for (size_t i = 0; i < text.len; i++)
        other |= (unsigned)text.data[i] - '0' > 9 && (unsigned)text.data[i] - 'a' > 5;
    return other == 0;
}

struct bytes hex_text(struct arena *arena, struct bytes bytes)
{
    char *text = arena_alloc(arena, 2 * bytes.len + 1);
    hex_encode(text, bytes);
    text[2 * bytes.len] = 0;
    return (struct bytes){(const uint8_t *)text, 2 * bytes.len};
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static const uint8_t base64_values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

void base64_encode(char *out, struct bytes bytes)
{
    const uint8_t *at = bytes.data;
    size_t left = bytes.len;
    for (; left >= 3; left -= 3, at += 3) {
        uint32_t bits = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
        *out++ = base64_digits[bits >> 18];
        *out++ = base64_digits[bits >> 12 & 63];
        *out++ = base64_digits[bits >> 6 & 63];
        *out++ = base64_digits[bits & 63];
    }
    if (left > 0) {
        uint32_t bits = (uint32_t)at[0] << 16 | (left == 2 ? (uint32_t)at[1] << 8 : 0);
        *out++ = base64_digits[bits >> 18];
        *out++ = base64_digits[bits >> 12 & 63];
        *out++ = left == 2 ? base64_digits[bits >> 6 & 63] : '=';
        *out++ = '=';
    }
}

/* The last four characters, which alone may be padded: 1 to 3 bytes. 0: malformed, also if unused bits are set. */
static size_t base64_last(uint8_t out[3], const uint8_t group[4])
{
    size_t len = group[3] != '=' ? 3 : group[2] != '=' ? 2 : 1;
    unsigned a = base64_values[group[0]] - 1u, b = base64_values[group[1]] - 1u;
    unsigned c = len > 1 ? base64_values[group[2]] - 1u : 0, d = len > 2 ? base64_values[group[3]] - 1u : 0;
    uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    if ((a | b | c | d) > 63 || (bits & (UINT32_C(0xffffff) >> 8 * len)) != 0)
        return 0;
    for (size_t i = 0; i < 3; i++)
        out[i] = (uint8_t)(bits >> (16 - 8 * i));
    return len;
}

enum err base64_decode(uint8_t *out, size_t *len, struct bytes text)
{
    uint8_t last[3];
    size_t last_len = 0, groups, room = *len;
    unsigned seen = 0;
    if (text.len % 4 != 0)
        return ERR_FORMAT;
    *len = 0;
    if (text.len == 0)
        return OK;
    groups = text.len / 4 - 1;
    last_len = base64_last(last, text.data + 4 * groups);
    if (last_len == 0)
        return ERR_FORMAT;
    if (3 * groups + last_len > room)
        return ERR_TOO_BIG;
    for (size_t i = 0; i < groups; i++) {
        const uint8_t *group = text.data + 4 * i;
        unsigned a = base64_values[group[0]] - 1u, b = base64_values[group[1]] - 1u;
        unsigned c = base64_values[group[2]] - 1u, d = base64_values[group[3]] - 1u;
        uint32_t bits = a << 18 | b << 12 | c << 6 | d;
        seen |= a | b | c | d;
        out[3 * i] = (uint8_t)(bits >> 16);
        out[3 * i + 1] = (uint8_t)(bits >> 8);
        out[3 * i + 2] = (uint8_t)bits;
    }
    memcpy(out + 3 * groups, last, last_len);
    *len = 3 * groups + last_len;
    return seen > 63 ? ERR_FORMAT : OK;
}

bool base64_valid(struct bytes text)
{
    uint8_t last[3];
    unsigned seen = 0;
    if (text.len % 4 != 0)
        return false;
    if (text.len == 0)
        return true;
    for (size_t i = 0; i < text.len - 4; i++)
        seen |= base64_values[text.data[i]] - 1u;
    return seen <= 63 && base64_last(last, text.data + text.len - 4) > 0;
}

enum err base64_decode_unpadded(uint8_t *out, size_t *len, struct bytes text)
{
    size_t whole = text.len / 4 * 4, left = text.len - whole, room = *len;
    size_t tail_len = 3;
    uint8_t tail[4], bytes[3];
    enum err err = base64_decode(out, len, bytes_slice(text, 0, whole));

    if (err != OK || left == 0)
        return err;
    if (left == 1 || memchr(text.data, '=', text.len) != NULL)
        return ERR_FORMAT; /* a padding that is not complete, or not at the end */
    memset(tail, '=', sizeof(tail));
    memcpy(tail, text.data + whole, left);
    err = base64_decode(bytes, &tail_len, BYTES_OF(tail));
    if (err == OK && *len + tail_len > room)
        err = ERR_TOO_BIG;
    if (err != OK)
        return err;
    memcpy(out + *len, bytes, tail_len);
    *len += tail_len;
    return OK;
}

void base32z_encode(char *out, struct bytes bytes)
{
    static const char digits[] = "ybndrfg8ejkmcpqxot1uwisza345h769";
    unsigned bits = 0, bit_count = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        bits = bits << 8 | bytes.data[i];
        for (bit_count += 8; bit_count >= 5; bit_count -= 5)
            *out++ = digits[bits >> (bit_count - 5) & 31];
        bits &= 31; /* at most 4 are left */
    }
    if (bit_count > 0)
        *out++ = digits[bits << (5 - bit_count) & 31];
}

enum err decimal_decode(uint64_t *out, struct bytes text)
{
    uint64_t value = 0;
    if (text.len == 0 || (text.len > 1 && text.data[0] == '0'))
        return ERR_FORMAT;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return ERR_FORMAT;
    for (size_t i = 0; i < text.len; i++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, text.data[i] - '0', &value))
            return ERR_RANGE;
    *out = value;
    return OK;
}

enum err duration_decode(int64_t *out_us, struct bytes text)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", 3600000000}, {"d", 86400000000}};
    uint64_t count;
    int64_t us;
    size_t digits = 0;
    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    if (decimal_decode(&count, bytes_slice(text, 0, digits)) != OK)
        return ERR_FORMAT;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (!bytes_equal_text(bytes_slice(text, digits, text.len - digits), units[i].name))
            continue;
        if (__builtin_mul_overflow(count, units[i].us, &us))
            return ERR_FORMAT;
        *out_us = us;
        return OK;
    }
    return ERR_FORMAT;
}

/* `value` / `scale` (a power of ten) without zeros at the end. */
static void write_decimal(struct buf *out, uint64_t value, uint64_t scale)
{
    uint64_t rest = value % scale;
    buf_u64(out, value / scale);
    if (rest > 0)
        buf_byte(out, '.');
    for (; rest > 0; rest = rest * 10 % scale)
        buf_byte(out, (uint8_t)('0' + rest * 10 / scale));
}

const char *duration_text(struct arena *arena, int64_t us)
{
    static const struct {
        const char *name;
        uint64_t us;
    } wholes[] = {{" d ", 86400000000}, {" h ", 3600000000}, {" m ", 60000000}};
    uint64_t left = us < 0 ? -(uint64_t)us : (uint64_t)us;
    uint8_t room[64]; /* longest: -106751991 d 4 h 0 m 54.775808 s */
    struct buf text = {.data = room, .cap = sizeof(room), .max = sizeof(room)};
    if (us < 0)
        buf_byte(&text, '-');
    if (left > 0 && left < 1000) {
        buf_u64(&text, left);
        buf_text(&text, " us");
    } else if (left > 0 && left < 1000000) {
        write_decimal(&text, left, 1000);
        buf_text(&text, " ms");
    } else {
        bool started = false;
        for (size_t i = 0; i < ARRAY_LEN(wholes); i++) {
            if (left >= wholes[i].us) {
                buf_u64(&text, left / wholes[i].us);
                buf_text(&text, wholes[i].name);
                left %= wholes[i].us;
                started = true;
            }
        }
        if (left > 0 || !started) {
            write_decimal(&text, left, 1000000);
            buf_text(&text, " s");
        } else {
            text.len--; /* the space behind the last unit */
        }
    }
    return arena_printf(arena, "%.*s", (int)text.len, (const char *)room);
}

/* Length of the sequence that starts here, shortest forms of scalar values only (RFC 3629); 0: malformed. */
static size_t utf8_sequence(const uint8_t *at, size_t left)
{
    /* The first byte gives the length and what the second may be. */
    size_t len = at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
    uint8_t low = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
    if (len == 0 || len > left || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool utf8_valid(struct bytes text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    size_t at = 0;
    while (at < text.len) {
        size_t step;
        if (text.len - at >= 8) { /* eight ASCII characters at once: no top bit, and no zero, which would borrow one */
            uint64_t word = load_le64(text.data + at);
            if (((word | (word - ones)) & tops) == 0) {
                at += 8;
                continue;
            }
        }
        if (text.data[at] < 0x80)
            step = text.data[at] != 0;
        else
            step = utf8_sequence(text.data + at, text.len - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}
