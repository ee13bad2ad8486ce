/* JSON from anybody: parsed, walked and written again; what is written must parse to the same. */
#include <stdlib.h>

#include "common/json.h"
#include "common/limits.h"
#include "tests/fuzz/fuzz.h"

static void write_value(struct buf *out, const struct json *value)
{
    int64_t integer;

    if (json_is_object(value) || json_is_array(value)) {
        bool object = json_is_object(value);

        json_open(out, object ? '{' : '[');
        for (const struct json *member = json_first(value); member != NULL; member = json_next(member)) {
            if (object)
                json_write_name(out, json_name(member));
            write_value(out, member);
        }
        json_close(out, object ? '}' : ']');
    } else if (json_is_string(value)) {
        json_write_text(out, json_string(value));
    } else if (json_is_bool(value)) {
        json_write_bool(out, json_true(value));
    } else if (json_integer(value, &integer) == OK) {
        json_write_i64(out, integer);
    } else {
        json_write_raw(out, BYTES_LIT("null"));
    }
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    enum err err;
    struct json *document = json_parse(input, &err), *again;
    struct buf first, second;

    (void)arena;
    if (document == NULL) {
        ASSERT(err != OK);
        return;
    }
    buf_init(&first, LIMIT_BODY_BYTES);
    buf_init(&second, LIMIT_BODY_BYTES);
    write_value(&first, document);
    json_free(document);
    again = json_parse(buf_bytes(&first), &err);
    ASSERT(again != NULL);
    write_value(&second, again);
    ASSERT(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    json_free(again);
    buf_fini(&first);
    buf_fini(&second);
}
