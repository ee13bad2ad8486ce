/* bytes.h: borrowed views and owned, bounded buffers.
 *
 * `struct bytes` never owns: it is valid as long as what it was cut from. `struct buf` owns, grows by doubling up to
 * its bound, and remembers the first failure, so a writer appends freely and checks once at the end. */
#ifndef SWARMBED_BYTES_H
#define SWARMBED_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct bytes {
    const uint8_t *data; /* may be NULL when len is 0 */
    size_t len;
};

#define BYTES_NONE ((struct bytes){NULL, 0})
#define BYTES_LIT(text) ((struct bytes){(const uint8_t *)(text), sizeof(text) - 1})
#define BYTES_OF(array) ((struct bytes){(const uint8_t *)(array), sizeof(array)})

struct bytes bytes_text(const char *text);                   /* without the final zero */
bool bytes_equal(struct bytes a, struct bytes b);            /* not constant time: never for secrets */
int bytes_compare(struct bytes a, struct bytes b);           /* as memcmp, then the shorter first */
bool bytes_equal_text(struct bytes a, const char *text);
bool bytes_start_with(struct bytes a, struct bytes prefix);
struct bytes bytes_slice(struct bytes a, size_t from, size_t len); /* ASSERTs that it lies inside */
/* Position of the first `needle` in `hay`, or SIZE_MAX. */
size_t bytes_find(struct bytes hay, struct bytes needle);

uint32_t load_le32(const uint8_t *p);
uint64_t load_le64(const uint8_t *p);
uint64_t load_be64(const uint8_t *p);
void store_le32(uint8_t *p, uint32_t v);
void store_le64(uint8_t *p, uint64_t v);
void store_be32(uint8_t *p, uint32_t v);
void store_be64(uint8_t *p, uint64_t v);

struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max; /* appending past it sets err to ERR_TOO_BIG and leaves the content alone */
    enum err err;
};

void buf_init(struct buf *buf, size_t max);
/* Appends into the caller's memory, which is its bound: never grows, and is not for buf_fini(). */
void buf_init_over(struct buf *buf, uint8_t *memory, size_t len);
void buf_fini(struct buf *buf);
void buf_clear(struct buf *buf);                             /* keeps the memory; forgets the error */
void buf_append(struct buf *buf, struct bytes bytes);
void buf_text(struct buf *buf, const char *text);
void buf_byte(struct buf *buf, uint8_t byte);
void buf_u64(struct buf *buf, uint64_t value);               /* decimal text */
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
uint8_t *buf_space(struct buf *buf, size_t len);             /* appends len unset bytes; NULL if over the bound */
struct bytes buf_bytes(const struct buf *buf);

#endif
