#include "common/json.h"

#include <cjson/cJSON.h>

#include "common/limits.h"
#include "common/text.h"

/* cJSON copies a number into this many characters before it reads it. */
#define NUMBER_CHARS_MAX 63

/* A `struct json` is a cJSON under a name that nobody else can look into. */
static const cJSON *item_of(const struct json *value)
{
    return (const cJSON *)value;
}

static const struct json *json_of(const cJSON *item)
{
    return (const struct json *)item;
}

/* The grammar of RFC 8259, checked before cJSON sees the text. Each scan_x takes one x and leaves `at` behind it. */
struct scan {
    const uint8_t *at, *end;
    unsigned depth, values;
};

static bool scan_char(struct scan *scan, uint8_t wanted)
{
    bool found = scan->at < scan->end && *scan->at == wanted;
    scan->at += found;
    return found;
}

static void scan_space(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
}

static bool scan_word(struct scan *scan, struct bytes word)
{
    bool found = bytes_start_with((struct bytes){scan->at, (size_t)(scan->end - scan->at)}, word);
    scan->at += found ? word.len : 0;
    return found;
}

static bool scan_digits(struct scan *scan)
{
    const uint8_t *from = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > from;
}

static bool scan_number(struct scan *scan)
{
    const uint8_t *from = scan->at;
    scan_char(scan, '-');
    if (!scan_char(scan, '0') && !scan_digits(scan))
        return false;
    if (scan_char(scan, '.') && !scan_digits(scan))
        return false;
    if (scan_char(scan, 'e') || scan_char(scan, 'E')) {
        if (!scan_char(scan, '+'))
            scan_char(scan, '-');
        if (!scan_digits(scan))
            return false;
    }
    return scan->at - from <= NUMBER_CHARS_MAX;
}

static bool scan_hex4(struct scan *scan, unsigned *unit)
{
    uint8_t bytes[2];
    if (scan->end - scan->at < 4 || hex_decode(bytes, 2, (struct bytes){scan->at, 4}) != OK)
        return false;
    scan->at += 4;
    *unit = (unsigned)bytes[0] << 8 | bytes[1];
    return true;
}

/* Behind "\u". Not 0, since cJSON ends a string there; surrogates only as a pair, high before low. */
static bool scan_unicode(struct scan *scan)
{
    unsigned unit, low;
    if (!scan_hex4(scan, &unit) || unit == 0)
        return false;
    if (unit < 0xd800 || unit > 0xdfff)
        return true;
    return unit < 0xdc00 && scan_word(scan, BYTES_LIT("\\u")) && scan_hex4(scan, &low) && low >= 0xdc00 &&
           low <= 0xdfff;
}

static bool scan_escape(struct scan *scan)
{
    if (scan->at == scan->end)
        return false;
    switch (*scan->at++) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return true;
    case 'u':
        return scan_unicode(scan);
    default:
        return false;
    }
}

static bool scan_string(struct scan *scan)
{
    if (!scan_char(scan, '"'))
        return false;
    while (scan->at < scan->end && *scan->at >= ' ') {
        uint8_t byte = *scan->at++;
        if (byte == '"')
            return true;
        if (byte == '\\' && !scan_escape(scan))
            return false;
    }
    return false;
}

static enum err scan_value(struct scan *scan);

/* One element of an array, or one member of an object. */
static enum err scan_element(struct scan *scan, bool named)
{
    if (named) {
        scan_space(scan);
        if (!scan_string(scan))
            return ERR_FORMAT;
        scan_space(scan);
        if (!scan_char(scan, ':'))
            return ERR_FORMAT;
    }
    return scan_value(scan);
}

/* Behind the opening bracket. */
static enum err scan_elements(struct scan *scan, uint8_t close)
{
    if (++scan->depth > LIMIT_JSON_DEPTH)
        return ERR_TOO_BIG;
    scan_space(scan);
    if (!scan_char(scan, close)) {
        do {
            enum err err = scan_element(scan, close == '}');
            if (err != OK)
                return err;
        } while (scan_char(scan, ','));
        if (!scan_char(scan, close))
            return ERR_FORMAT;
    }
    scan->depth--;
    return OK;
}

static bool scan_scalar(struct scan *scan)
{
    switch (scan->at < scan->end ? *scan->at : 0) {
    case '"':
        return scan_string(scan);
    case 't':
        return scan_word(scan, BYTES_LIT("true"));
    case 'f':
        return scan_word(scan, BYTES_LIT("false"));
    case 'n':
        return scan_word(scan, BYTES_LIT("null"));
    default:
        return scan_number(scan);
    }
}

/* A value and the space around it. Recursion ends at LIMIT_JSON_DEPTH. */
static enum err scan_value(struct scan *scan)
{
    enum err err;
    if (++scan->values > LIMIT_JSON_VALUES)
        return ERR_TOO_BIG;
    scan_space(scan);
    if (scan_char(scan, '{'))
        err = scan_elements(scan, '}');
    else if (scan_char(scan, '['))
        err = scan_elements(scan, ']');
    else
        err = scan_scalar(scan) ? OK : ERR_FORMAT;
    scan_space(scan);
    return err;
}

struct json *json_parse(struct bytes text, enum err *err)
{
    struct scan scan;
    cJSON *document;
    *err = ERR_FORMAT;
    if (text.len == 0) /* perhaps there is no address to count from */
        return NULL;
    scan = (struct scan){.at = text.data, .end = text.data + text.len};
    if (utf8_valid(text))
        *err = scan_value(&scan);
    if (*err == OK && scan.at < scan.end)
        *err = ERR_FORMAT;
    if (*err != OK)
        return NULL;
    document = cJSON_ParseWithLengthOpts((const char *)text.data, text.len, NULL, 0);
    if (document == NULL) /* the text is good, so nothing else is left */
        out_of_memory();
    return (struct json *)document;
}

void json_free(struct json *document)
{
    cJSON_Delete((cJSON *)document);
}

bool json_is_object(const struct json *value)
{
    return cJSON_IsObject(item_of(value));
}

bool json_is_array(const struct json *value)
{
    return cJSON_IsArray(item_of(value));
}

bool json_is_string(const struct json *value)
{
    return cJSON_IsString(item_of(value));
}

bool json_is_number(const struct json *value)
{
    return cJSON_IsNumber(item_of(value));
}

bool json_is_bool(const struct json *value)
{
    return cJSON_IsBool(item_of(value));
}

bool json_is_null(const struct json *value)
{
    return cJSON_IsNull(item_of(value));
}

const struct json *json_get(const struct json *object, const char *name)
{
    return json_is_object(object) ? json_of(cJSON_GetObjectItemCaseSensitive(item_of(object), name)) : NULL;
}

size_t json_count(const struct json *array_or_object)
{
    size_t count = 0;
    for (const struct json *value = json_first(array_or_object); value != NULL; value = json_next(value))
        count++;
    return count;
}

const struct json *json_first(const struct json *array_or_object)
{
    return array_or_object == NULL ? NULL : json_of(item_of(array_or_object)->child);
}

const struct json *json_next(const struct json *value)
{
    return json_of(item_of(value)->next);
}

const char *json_name(const struct json *member)
{
    return item_of(member)->string;
}

struct bytes json_string(const struct json *value)
{
    return json_is_string(value) ? bytes_text(item_of(value)->valuestring) : BYTES_NONE;
}

/* cJSON keeps the nearest double. Below 2^53 in amount that is the integer itself; 2^53 may have been 2^53 + 1. */
enum err json_integer(const struct json *value, int64_t *out)
{
    static const double limit = 9007199254740992.0;
    double number;
    if (!json_is_number(value))
        return ERR_FORMAT;
    number = item_of(value)->valuedouble;
    if (!(number > -limit && number < limit) || number != (double)(int64_t)number)
        return ERR_RANGE;
    *out = (int64_t)number;
    return OK;
}

bool json_true(const struct json *value)
{
    return cJSON_IsTrue(item_of(value));
}

enum err json_get_string(const struct json *object, const char *name, struct bytes *out)
{
    const struct json *value = json_get(object, name);
    if (value == NULL || json_is_null(value))
        return ERR_MISSING;
    if (!json_is_string(value))
        return ERR_FORMAT;
    *out = json_string(value);
    return OK;
}

enum err json_get_integer(const struct json *object, const char *name, int64_t *out)
{
    const struct json *value = json_get(object, name);
    return value == NULL || json_is_null(value) ? ERR_MISSING : json_integer(value, out);
}

/* Before a value or a name: a comma, unless it is the first, or follows its name. */
static void separate(struct buf *out)
{
    uint8_t last = out->len == 0 ? '[' : out->data[out->len - 1];
    if (last != '[' && last != '{' && last != ':')
        buf_byte(out, ',');
}

void json_open(struct buf *out, char bracket)
{
    separate(out);
    buf_byte(out, (uint8_t)bracket);
}

void json_close(struct buf *out, char bracket)
{
    buf_byte(out, (uint8_t)bracket);
}

void json_write_name(struct buf *out, const char *name)
{
    json_write_text(out, bytes_text(name));
    buf_byte(out, ':');
}

static void write_escaped(struct buf *out, uint8_t byte)
{
    static const char letters[256] = {
        ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    if (letters[byte] != 0) {
        buf_byte(out, '\\');
        buf_byte(out, (uint8_t)letters[byte]);
    } else {
        buf_printf(out, "\\u%04x", byte);
    }
}

void json_write_text(struct buf *out, struct bytes text)
{
    size_t from = 0; /* of the run that needs no escape */
    separate(out);
    buf_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] >= ' ' && text.data[i] != '"' && text.data[i] != '\\')
            continue;
        buf_append(out, bytes_slice(text, from, i - from));
        write_escaped(out, text.data[i]);
        from = i + 1;
    }
    buf_append(out, bytes_slice(text, from, text.len - from));
    buf_byte(out, '"');
}

void json_write_u64(struct buf *out, uint64_t value)
{
    separate(out);
    buf_u64(out, value);
}

void json_write_i64(struct buf *out, int64_t value)
{
    separate(out);
    if (value < 0)
        buf_byte(out, '-');
    buf_u64(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void json_write_bool(struct buf *out, bool value)
{
    separate(out);
    buf_text(out, value ? "true" : "false");
}

void json_write_raw(struct buf *out, struct bytes json)
{
    separate(out);
    buf_append(out, json);
}
