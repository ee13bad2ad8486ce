#include "tests/support/vectors.h"

#include <check.h>
#include <stdio.h>

#include "common/text.h"

#define FILE_BYTES_MAX ((size_t)16 << 20)

struct json *vectors_load_path(const char *path)
{
    struct json *document;
    struct buf text;
    uint8_t part[4096];
    size_t len;
    enum err err;
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    buf_init(&text, FILE_BYTES_MAX);
    while ((len = fread(part, 1, sizeof(part), file)) > 0)
        buf_append(&text, (struct bytes){part, len});
    ck_assert_int_eq(text.err, OK);
    fclose(file);
    document = json_parse(buf_bytes(&text), &err);
    ck_assert_msg(document != NULL, "%s: %s", path, err_text(err));
    buf_fini(&text);
    return document;
}

struct bytes vector_text(const struct json *object, const char *name)
{
    struct bytes text;
    ck_assert_msg(json_get_string(object, name, &text) == OK, "no text \"%s\"", name);
    return text;
}

uint64_t vector_u64(const struct json *object, const char *name)
{
    uint64_t number;
    ck_assert_int_eq(decimal_decode(&number, vector_text(object, name)), OK);
    return number;
}

struct bytes vector_hex(struct arena *arena, const struct json *object, const char *name)
{
    struct bytes text = vector_text(object, name);
    uint8_t *out = arena_alloc(arena, text.len / 2 + 1);
    ck_assert_int_eq(hex_decode(out, text.len / 2, text), OK);
    return (struct bytes){out, text.len / 2};
}
