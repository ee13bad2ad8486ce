#include "sim/costs.h"

#include "common/text.h"
#include "sim/costs_builtin.h"

/* A row may cost up to 1000 s for up to 1000 million units: costs_ns() then stays far inside 64 bits for what a handler
 * can charge. */
#define COST_US_MAX    1000000000u
#define COST_UNITS_MAX 1000000000u

static const char *const cost_names[COST_COUNT] = {
#define COST_NAME(id, name, about) [id] = name,
    COSTS(COST_NAME)
#undef COST_NAME
};

const struct cost_table *costs_default(void)
{
    return &costs_builtin;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts the next word off the front of `line`; empty at its end or at a comment. */
static struct bytes next_word(struct bytes *line)
{
    struct bytes word;

    while (line->len > 0 && is_space(line->data[0]))
        *line = bytes_slice(*line, 1, line->len - 1);
    if (line->len > 0 && line->data[0] == '#')
        *line = BYTES_NONE;
    word = (struct bytes){line->data, 0};
    while (word.len < line->len && !is_space(line->data[word.len]) && line->data[word.len] != '#')
        word.len++;
    *line = bytes_slice(*line, word.len, line->len - word.len);
    return word;
}

static struct bytes next_line(struct bytes *text)
{
    struct bytes line = {text->data, 0};

    while (line.len < text->len && text->data[line.len] != '\n')
        line.len++;
    *text = bytes_slice(*text, line.len, text->len - line.len);
    if (text->len > 0)
        *text = bytes_slice(*text, 1, text->len - 1);
    return line;
}

static enum err number_parse(struct bytes word, uint32_t max, uint32_t *out)
{
    uint64_t number;
    enum err err = decimal_decode(&number, word);

    if (err != OK)
        return err;
    if (number > max)
        return ERR_RANGE;
    *out = (uint32_t)number;
    return OK;
}

static enum cost cost_named(struct bytes name)
{
    unsigned cost = 0;

    while (cost < COST_COUNT && !bytes_equal_text(name, cost_names[cost]))
        cost++;
    return (enum cost)cost;
}

static enum err line_parse(struct bytes line, unsigned number, struct cost_table *out, struct buf *why)
{
    struct bytes name = next_word(&line);
    struct bytes us = next_word(&line);
    struct bytes units = next_word(&line);
    enum cost cost = cost_named(name);
    enum err err;

    if (name.len == 0)
        return OK;
    if (cost == COST_COUNT || next_word(&line).len > 0) {
        buf_printf(why, "line %u: expected `name microseconds units` with a known name", number);
        return ERR_FORMAT;
    }
    if (out->row[cost].units != 0) {
        buf_printf(why, "line %u: %s stands there twice", number, cost_names[cost]);
        return ERR_FORMAT;
    }
    err = number_parse(us, COST_US_MAX, &out->row[cost].us);
    if (err == OK)
        err = number_parse(units, COST_UNITS_MAX, &out->row[cost].units);
    if (err == OK && out->row[cost].units == 0)
        err = ERR_RANGE;
    if (err != OK)
        buf_printf(why, "line %u: %s needs microseconds from 0 and units from 1, both to 1000000000", number,
                   cost_names[cost]);
    return err;
}

enum err costs_parse(struct bytes text, struct cost_table *out, struct buf *why)
{
    *out = (struct cost_table){0};
    for (unsigned number = 1; text.len > 0; number++) {
        enum err err = line_parse(next_line(&text), number, out, why);

        if (err != OK)
            return err;
    }
    for (unsigned cost = 0; cost < COST_COUNT; cost++)
        if (out->row[cost].units == 0) {
            buf_printf(why, "the row %s is missing", cost_names[cost]);
            return ERR_MISSING;
        }
    return OK;
}

void costs_print(const struct cost_table *costs, struct buf *out)
{
    for (size_t i = 0; i < COST_COUNT; i++)
        buf_printf(out, "%s %u %u\n", cost_names[i], costs->row[i].us, costs->row[i].units);
}

int64_t costs_ns(const struct cost_table *costs, enum cost cost, uint32_t units, uint32_t cpu_percent)
{
    __extension__ typedef unsigned __int128 wide;
    wide ns = (wide)costs->row[cost].us * units * 1000 * 100;

    ns /= (uint64_t)costs->row[cost].units * cpu_percent;
    return ns > INT64_MAX / 1000000 ? INT64_MAX / 1000000 : (int64_t)ns;
}
