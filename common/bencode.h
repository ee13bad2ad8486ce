/* bencode.h: a strict, bounded reader of bencoded bytes, as nodes send them to each other, and their writing.
 *
 *     bencode_init(&in, body);
 *     bencode_open(&in, 'd');
 *     for (struct bytes key = BYTES_NONE; bencode_key(&in, &key);)
 *         if (bytes_equal_text(key, "data"))
 *             data = bencode_string(&in);
 *         else
 *             bencode_skip(&in);
 *     if (!bencode_end(&in))
 *         return ERR_FORMAT;
 *
 * The reader remembers the first failure: from then on nothing is read, strings are empty, numbers 0 and loops end, so
 * one check at the end is enough. Refused: keys that do not ascend, lengths and numbers not in their shortest form or
 * past 64 bits, anything behind the value, and values nested deeper than LIMIT_BENCODE_DEPTH. Strings view the input.
 * Writing: a dictionary is buf_byte('d'), keys in ascending order with their values, buf_byte('e'); a list likewise.
 */
#ifndef SWARMBED_BENCODE_H
#define SWARMBED_BENCODE_H

#include "common/bytes.h"

struct bencode {
    struct bytes rest; /* not yet read */
    bool failed;
};

void bencode_init(struct bencode *in, struct bytes text);
void bencode_open(struct bencode *in, char kind); /* 'd' dictionary, 'l' list */
/* The next key of the dictionary; false at its end, which is read too, or after a failure.
 *   key  in: the key before, BYTES_NONE at the start; out: this one */
bool bencode_key(struct bencode *in, struct bytes *key);
/* Whether another element of the list follows; false at its end, which is read too, or after a failure. */
bool bencode_element(struct bencode *in);
/* What comes next: 'd', 'l', 'i', 's' (a string), or 0 at an end and after a failure. */
char bencode_kind(const struct bencode *in);
struct bytes bencode_string(struct bencode *in);
int64_t bencode_integer(struct bencode *in);
void bencode_skip(struct bencode *in); /* one value of any kind */
bool bencode_end(struct bencode *in);  /* all was read and nothing failed */

void bencode_write_string(struct buf *out, struct bytes string);
void bencode_write_text(struct buf *out, const char *text);
void bencode_write_integer(struct buf *out, int64_t value);

#endif
