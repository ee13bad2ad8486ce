#include "sim/verify_vector.h"

#include <inttypes.h>
#include <string.h>

#include "common/text.h"

#define SHOWN_BYTES 24 /* of a value in a report */

static struct verify_place *here(struct verify *v)
{
    ASSERT(v->depth > 0);
    return &v->places[v->depth - 1];
}

static void print_place(const struct verify *v, FILE *file)
{
    fprintf(file, "%s: ", v->file);
    for (size_t i = 0; i < v->depth; i++)
        fprintf(file, "%s%s[%zu]", i > 0 ? "." : "", v->places[i].section, v->places[i].index);
    fputs(": ", file);
}

void verify_enter(struct verify *v, const char *section, size_t index)
{
    ASSERT(v->depth < VERIFY_DEPTH_MAX);
    if (v->depth == 0)
        arena_reset(&v->arena);
    v->places[v->depth++] = (struct verify_place){.section = section, .index = index};
}

void verify_leave(struct verify *v)
{
    const struct verify_place *place = here(v);

    if (place->failed > 0)
        v->failed++;
    else if (place->checked > 0 && !place->unreadable)
        v->passed++;
    v->depth--;
}

void verify_unreadable(struct verify *v, const char *fmt, ...)
{
    va_list args;

    if (!verify_readable(v))
        return; /* said before */
    here(v)->unreadable = true;
    v->errors++;
    fputs("swarmbed verify: ", v->err);
    print_place(v, v->err);
    va_start(args, fmt);
    vfprintf(v->err, fmt, args);
    va_end(args);
    fputc('\n', v->err);
}

bool verify_readable(const struct verify *v)
{
    for (size_t i = 0; i < v->depth; i++)
        if (v->places[i].unreadable)
            return false;
    return true;
}

static const struct json *get(struct verify *v, const struct json *object, const char *name, const char *form,
                              bool (*has_form)(const struct json *value))
{
    const struct json *value = object == NULL ? NULL : json_get(object, name);

    if (value == NULL)
        verify_unreadable(v, "the member '%s' is missing", name);
    else if (!has_form(value))
        verify_unreadable(v, "the member '%s' must be %s", name, form);
    else
        return value;
    return NULL;
}

const struct json *verify_object(struct verify *v, const struct json *object, const char *name)
{
    return get(v, object, name, "an object", json_is_object);
}

const struct json *verify_array(struct verify *v, const struct json *object, const char *name)
{
    return get(v, object, name, "an array", json_is_array);
}

struct bytes verify_text(struct verify *v, const struct json *object, const char *name)
{
    const struct json *value = get(v, object, name, "text", json_is_string);

    return value == NULL ? BYTES_NONE : json_string(value);
}

void verify_hex_into(struct verify *v, const struct json *object, const char *name, uint8_t *out, size_t len)
{
    memset(out, 0, len);
    if (hex_decode(out, len, verify_text(v, object, name)) != OK)
        verify_unreadable(v, "the member '%s' must be %zu bytes in hex", name, len);
}

struct bytes verify_hex(struct verify *v, const struct json *object, const char *name)
{
    struct bytes text = verify_text(v, object, name);
    size_t len = text.len / 2;
    uint8_t *out = arena_alloc(&v->arena, len + 1); /* never none at all */

    if (hex_decode(out, len, text) != OK) {
        verify_unreadable(v, "the member '%s' must be bytes in hex", name);
        return BYTES_NONE;
    }
    return (struct bytes){out, len};
}

struct bytes verify_base64(struct verify *v, const struct json *object, const char *name)
{
    struct bytes text = verify_text(v, object, name);
    size_t len = BASE64_MAX_DECODED(text.len);
    uint8_t *out = arena_alloc(&v->arena, len + 1); /* never none at all */

    if (base64_decode(out, &len, text) != OK) {
        verify_unreadable(v, "the member '%s' must be bytes in base64", name);
        return BYTES_NONE;
    }
    return (struct bytes){out, len};
}

uint64_t verify_u64(struct verify *v, const struct json *object, const char *name)
{
    uint64_t number = 0;

    if (decimal_decode(&number, verify_text(v, object, name)) != OK)
        verify_unreadable(v, "the member '%s' must be a number as decimal text", name);
    return number;
}

uint64_t verify_decimal(struct verify *v, const struct json *value)
{
    uint64_t number = 0;

    if (decimal_decode(&number, json_string(value)) != OK)
        verify_unreadable(v, "an element must be a number as decimal text");
    return number;
}

int64_t verify_integer(struct verify *v, const struct json *object, const char *name)
{
    const struct json *value = get(v, object, name, "a number", json_is_number);
    int64_t number = 0;

    if (value != NULL && json_integer(value, &number) != OK)
        verify_unreadable(v, "the member '%s' must be a whole number below 2^53", name);
    return number;
}

bool verify_bool(struct verify *v, const struct json *object, const char *name)
{
    const struct json *value = get(v, object, name, "true or false", json_is_bool);

    return value != NULL && json_true(value);
}

struct account_id verify_account(struct verify *v, const struct json *object, const char *name)
{
    struct account_id account;

    verify_hex_into(v, object, name, account.bytes, sizeof(account.bytes));
    return account;
}

/* Whether to compare at all; counts it. */
static bool check(struct verify *v, bool holds, const char *what)
{
    if (!verify_readable(v))
        return false;
    here(v)->checked++;
    if (holds)
        return false;
    here(v)->failed++;
    print_place(v, v->out);
    fprintf(v->out, "%s: ", what);
    return true; /* the caller says the rest of the line */
}

void verify_that(struct verify *v, bool holds, const char *what)
{
    if (check(v, holds, what))
        fputs("does not hold\n", v->out);
}

static void show_hex(FILE *out, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.len && i < SHOWN_BYTES; i++)
        fprintf(out, "%02x", bytes.data[i]);
    fprintf(out, "%s (%zu bytes)", bytes.len > SHOWN_BYTES ? "..." : "", bytes.len);
}

/* Where long values differ, the beginning often does not: the shown part starts a little before. */
static size_t show_from(struct bytes a, struct bytes b)
{
    size_t same = 0;

    while (same < a.len && same < b.len && a.data[same] == b.data[same])
        same++;
    return same > SHOWN_BYTES / 2 ? same - SHOWN_BYTES / 2 : 0;
}

void verify_bytes(struct verify *v, const char *what, struct bytes expected, struct bytes got)
{
    size_t from;

    if (!check(v, bytes_equal(expected, got), what))
        return;
    from = show_from(expected, got);
    if (from > 0)
        fprintf(v->out, "from byte %zu ", from);
    fputs("expected ", v->out);
    show_hex(v->out, bytes_slice(expected, from, expected.len - from));
    fputs(", got ", v->out);
    show_hex(v->out, bytes_slice(got, from, got.len - from));
    fputc('\n', v->out);
}

static void show_text(FILE *out, struct bytes text)
{
    fputc('"', out);
    for (size_t i = 0; i < text.len && i < 2 * SHOWN_BYTES; i++)
        fputc(text.data[i] >= ' ' && text.data[i] < 0x7f ? text.data[i] : '?', out);
    fputs(text.len > 2 * SHOWN_BYTES ? "...\"" : "\"", out);
}

void verify_string(struct verify *v, const char *what, struct bytes expected, struct bytes got)
{
    if (!check(v, bytes_equal(expected, got), what))
        return;
    fputs("expected ", v->out);
    show_text(v->out, expected);
    fputs(", got ", v->out);
    show_text(v->out, got);
    fputc('\n', v->out);
}

void verify_number(struct verify *v, const char *what, uint64_t expected, uint64_t got)
{
    if (check(v, expected == got, what))
        fprintf(v->out, "expected %" PRIu64 ", got %" PRIu64 "\n", expected, got);
}
