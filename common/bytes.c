#include "common/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_CAP_FIRST 64

struct bytes bytes_text(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

/* The guards on a length of 0: memcmp and memcpy must not see NULL, even for nothing. */
bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool bytes_equal_text(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_text(text));
}

bool bytes_start_with(struct bytes a, struct bytes prefix)
{
    return a.len >= prefix.len && bytes_equal(bytes_slice(a, 0, prefix.len), prefix);
}

struct bytes bytes_slice(struct bytes a, size_t from, size_t len)
{
    ASSERT(from <= a.len && len <= a.len - from);
    return (struct bytes){a.data == NULL ? NULL : a.data + from, len};
}

size_t bytes_find(struct bytes hay, struct bytes needle)
{
    const uint8_t *found;
    if (needle.len == 0)
        return 0;
    if (hay.len == 0)
        return SIZE_MAX;
    found = memmem(hay.data, hay.len, needle.data, needle.len);
    return found == NULL ? SIZE_MAX : (size_t)(found - hay.data);
}

uint32_t load_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t load_le64(const uint8_t *p)
{
    return load_le32(p) | (uint64_t)load_le32(p + 4) << 32;
}

uint64_t load_be64(const uint8_t *p)
{
    return __builtin_bswap64(load_le64(p));
}

void store_le32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

void store_le64(uint8_t *p, uint64_t v)
{
    store_le32(p, (uint32_t)v);
    store_le32(p + 4, (uint32_t)(v >> 32));
}

void store_be32(uint8_t *p, uint32_t v)
{
    store_le32(p, __builtin_bswap32(v));
}

void store_be64(uint8_t *p, uint64_t v)
{
    store_le64(p, __builtin_bswap64(v));
}

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max};
}

void buf_init_over(struct buf *buf, uint8_t *memory, size_t len)
{
    *buf = (struct buf){.data = memory, .cap = len, .max = len};
}

void buf_fini(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->err = OK;
}

/* Once an append did not fit, none is taken any more: what stands in the buffer is a prefix, never one with a gap. */
uint8_t *buf_space(struct buf *buf, size_t len)
{
    uint8_t *space;
    if (buf->err != OK)
        return NULL;
    if (len > buf->max - buf->len) {
        buf->err = ERR_TOO_BIG;
        return NULL;
    }
    if (buf->data == NULL || len > buf->cap - buf->len) {
        size_t need = buf->len + len;
        size_t cap = buf->cap < BUF_CAP_FIRST ? BUF_CAP_FIRST : buf->cap;
        while (cap < need)
            cap = cap > buf->max / 2 ? buf->max : cap * 2;
        buf->cap = cap < buf->max ? cap : buf->max;
        buf->data = xrealloc(buf->data, buf->cap);
    }
    space = buf->data + buf->len;
    buf->len += len;
    return space;
}

void buf_append(struct buf *buf, struct bytes bytes)
{
    uint8_t *space = buf_space(buf, bytes.len);
    if (space != NULL && bytes.len > 0)
        memcpy(space, bytes.data, bytes.len);
}

void buf_text(struct buf *buf, const char *text)
{
    buf_append(buf, bytes_text(text));
}

void buf_byte(struct buf *buf, uint8_t byte)
{
    uint8_t *space = buf_space(buf, 1);
    if (space != NULL)
        *space = byte;
}

void buf_u64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buf_append(buf, (struct bytes){(const uint8_t *)digits + at, sizeof(digits) - at});
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    char *text;
    int len;
    va_list args;
    va_start(args, fmt);
    len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0)
        out_of_memory();
    buf_append(buf, (struct bytes){(const uint8_t *)text, (size_t)len});
    free(text);
}

struct bytes buf_bytes(const struct buf *buf)
{
    return (struct bytes){buf->data, buf->len};
}
