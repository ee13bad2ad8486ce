/* Text decoders: what decodes must encode to the same text again, since only canonical forms are taken. */
#include <string.h>

#include "common/text.h"
#include "tests/fuzz/fuzz.h"

static void try_base64(struct bytes input, struct arena *arena)
{
    size_t len = BASE64_MAX_DECODED(input.len);
    uint8_t *decoded = arena_alloc(arena, len + 1);
    char *encoded;

    if (base64_decode(decoded, &len, input) != OK)
        return;
    ASSERT(base64_valid(input));
    encoded = arena_alloc(arena, BASE64_LEN(len) + 1);
    base64_encode(encoded, (struct bytes){decoded, len});
    ASSERT(BASE64_LEN(len) == input.len && (input.len == 0 || memcmp(encoded, input.data, input.len) == 0));
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    uint8_t *raw = arena_alloc(arena, input.len + 1);
    uint64_t number;
    int64_t us;
    char *text;

    if (hex_decode(raw, input.len / 2, input) == OK) {
        text = arena_alloc(arena, input.len + 1);
        hex_encode(text, (struct bytes){raw, input.len / 2});
        ASSERT(!hex_is_lower(input) || input.len == 0 || memcmp(text, input.data, input.len) == 0);
    }
    try_base64(input, arena);
    text = arena_alloc(arena, BASE32Z_LEN(input.len) + 1);
    base32z_encode(text, input);
    if (decimal_decode(&number, input) == OK) {
        text = arena_printf(arena, "%llu", (unsigned long long)number);
        ASSERT(strlen(text) == input.len && memcmp(text, input.data, input.len) == 0);
    }
    if (duration_decode(&us, input) == OK)
        (void)duration_text(arena, us);
    (void)utf8_valid(input);
}
