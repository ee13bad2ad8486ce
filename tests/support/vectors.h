/* vectors.h: the files of tests/vectors as JSON documents. */
#ifndef SWARMBED_VECTORS_H
#define SWARMBED_VECTORS_H

#include "common/arena.h"
#include "common/json.h"

/* By name, such as "onion.json"; the test fails if it cannot be read. The caller frees it (json_free). */
#define vectors_load(name) vectors_load_path(VECTORS "/" name)
struct json *vectors_load_path(const char *path);
/* A member that must be there: text, and a 64-bit number written as text. */
struct bytes vector_text(const struct json *object, const char *name);
uint64_t vector_u64(const struct json *object, const char *name);
/* Hex, decoded into the arena. */
struct bytes vector_hex(struct arena *arena, const struct json *object, const char *name);

/* The same bytes. */
#define ck_bytes_eq(a, b)                                                                                              \
    do {                                                                                                               \
        const struct bytes left_ = (a), right_ = (b);                                                                  \
        ck_assert_uint_eq(left_.len, right_.len);                                                                      \
        ck_assert(bytes_equal(left_, right_));                                                                         \
    } while (0)

#endif
