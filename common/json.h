/* json.h: bounded reading and writing of JSON; the door to cJSON.
 *
 * Reading refuses what cJSON alone would let through: trailing garbage, strings with \u0000 (it cuts there), nesting
 * past LIMIT_JSON_DEPTH, more than LIMIT_JSON_VALUES values, text that is not UTF-8, duplicate or case-folded
 * lookups, and numbers from 2^53 on where an integer is asked for. cJSON sees only text that it accepts, so its static error
 * pointer stays NULL and threads may parse at once. Writing goes straight into a struct buf, in the order of the calls. */
#ifndef SWARMBED_JSON_H
#define SWARMBED_JSON_H

#include "common/bytes.h"

struct json; /* a value inside a document: borrowed from it */

/* The caller frees the document; NULL if it does not parse, `*err` says why (ERR_FORMAT, ERR_TOO_BIG). */
MUST_CHECK struct json *json_parse(struct bytes text, enum err *err);
void json_free(struct json *document);

bool json_is_object(const struct json *value);
bool json_is_array(const struct json *value);
bool json_is_string(const struct json *value);
bool json_is_number(const struct json *value);
bool json_is_bool(const struct json *value);
bool json_is_null(const struct json *value);
/* The member of that exact name (the first, if a hostile text has it twice); NULL: none, or not an object. */
const struct json *json_get(const struct json *object, const char *name);
size_t json_count(const struct json *array_or_object);
const struct json *json_first(const struct json *array_or_object);
const struct json *json_next(const struct json *value);   /* the following sibling; NULL at the end */
const char *json_name(const struct json *member);         /* of an object's member */
struct bytes json_string(const struct json *value);       /* the decoded text; no bytes if it is no string */
MUST_CHECK enum err json_integer(const struct json *value, int64_t *out); /* ERR_FORMAT: no number; ERR_RANGE: a
                                                                       fraction, or 2^53 and more in amount */
bool json_true(const struct json *value);
/* Conveniences for objects: ERR_MISSING (absent or null), ERR_FORMAT (another type). */
MUST_CHECK enum err json_get_string(const struct json *object, const char *name, struct bytes *out);
MUST_CHECK enum err json_get_integer(const struct json *object, const char *name, int64_t *out);

/* Writing. A document starts in an empty buffer. Commas are placed by looking at the last byte written, so calls just follow
 * one another:
 *     json_open(b, '{'); json_write_name(b, "status"); json_write_u64(b, 200); json_close(b, '}'); */
void json_open(struct buf *out, char bracket);
void json_close(struct buf *out, char bracket);
void json_write_name(struct buf *out, const char *name);
void json_write_text(struct buf *out, struct bytes text); /* quoted and escaped; UTF-8 */
void json_write_u64(struct buf *out, uint64_t value);
void json_write_i64(struct buf *out, int64_t value);
void json_write_bool(struct buf *out, bool value);
void json_write_raw(struct buf *out, struct bytes json);  /* a value that is JSON already */

#endif
