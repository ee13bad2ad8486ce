/* text.h: bytes as text and back: hex, base64, base32z, decimal.
 *
 * Decoders are strict: the whole input or nothing, no white space, and the canonical form only, so that two texts never
 * mean the same bytes. */
#ifndef SWARMBED_TEXT_H
#define SWARMBED_TEXT_H

#include "common/arena.h"
#include "common/bytes.h"

void hex_encode(char *out, struct bytes bytes);                          /* 2 * len characters, lower case, no zero */
MUST_CHECK enum err hex_decode(uint8_t *out, size_t out_len, struct bytes text); /* exactly out_len bytes; any case */
bool hex_is_lower(struct bytes text);                                    /* only 0-9 a-f */
struct bytes hex_text(struct arena *arena, struct bytes bytes);          /* in the arena, with a zero behind it */

#define BASE64_LEN(n) (((n) + 2) / 3 * 4)
#define BASE64_MAX_DECODED(n) ((n) / 4 * 3)
void base64_encode(char *out, struct bytes bytes);                       /* BASE64_LEN characters, padded, no zero */
/* Standard alphabet with padding; unused bits must be zero. *len: in, room; out, bytes written. */
MUST_CHECK enum err base64_decode(uint8_t *out, size_t *len, struct bytes text);
bool base64_valid(struct bytes text);
/* The same, but the padding may be missing; *len: in, room, at least text.len / 4 * 3 + 2; out, bytes written. */
MUST_CHECK enum err base64_decode_unpadded(uint8_t *out, size_t *len, struct bytes text);

#define BASE32Z_LEN(n) (((n) * 8 + 4) / 5)
void base32z_encode(char *out, struct bytes bytes);                      /* BASE32Z_LEN characters, no zero */

/* Canonical decimal: digits only, no leading zero (but "0"), fits 64 bits. */
MUST_CHECK enum err decimal_decode(uint64_t *out, struct bytes text);
/* "30s", "5m", "1h", "2d", "350ms", "100us" -> microseconds; ERR_FORMAT otherwise. */
MUST_CHECK enum err duration_decode(int64_t *out_us, struct bytes text);
/* The shortest exact form, such as "1 d 2 h 3 s" or "1.234 s"; in the arena. */
const char *duration_text(struct arena *arena, int64_t us);
bool utf8_valid(struct bytes text);                                      /* no zero byte, no surrogates, shortest forms */

#endif
