/* fuzz_reader.h: the input of a target as a story: small numbers and bytes taken off its front, zeros behind its end.
 */
#ifndef SWARMBED_FUZZ_READER_H
#define SWARMBED_FUZZ_READER_H

#include "common/arena.h"

static inline uint8_t take_u8(struct bytes *in)
{
    uint8_t value = in->len > 0 ? in->data[0] : 0;

    *in = bytes_slice(*in, in->len > 0, in->len - (in->len > 0));
    return value;
}

static inline uint16_t take_u16(struct bytes *in)
{
    uint16_t high = take_u8(in);

    return (uint16_t)(high << 8 | take_u8(in));
}

/* A length and that many bytes, or what is left: a view. */
static inline struct bytes take_bytes(struct bytes *in)
{
    size_t len = take_u16(in);
    struct bytes taken;

    if (len > in->len)
        len = in->len;
    taken = bytes_slice(*in, 0, len);
    *in = bytes_slice(*in, len, in->len - len);
    return taken;
}

/* A copy of `valid` with up to three bytes changed, and perhaps cut: what is nearly right gets further than noise. */
static inline struct bytes take_mutated(struct bytes *in, struct arena *arena, struct bytes valid)
{
    struct bytes copy = arena_copy(arena, valid);
    uint8_t how = take_u8(in);

    for (uint8_t n = how & 3; n > 0 && copy.len > 0; n--) {
        size_t at = take_u16(in) % copy.len;

        ((uint8_t *)(uintptr_t)copy.data)[at] = take_u8(in);
    }
    return (how & 0xfc) == 0xfc && copy.len > 0 ? bytes_slice(copy, 0, take_u16(in) % copy.len) : copy;
}

#endif
