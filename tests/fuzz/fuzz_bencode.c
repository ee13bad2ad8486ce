/* Bencode of other nodes. */
#include "common/bencode.h"
#include "tests/fuzz/fuzz.h"

void fuzz_one(struct bytes input, struct arena *arena)
{
    struct bencode in;

    (void)arena;
    bencode_init(&in, input);
    bencode_skip(&in);
    (void)bencode_end(&in);
    bencode_init(&in, input);
    bencode_open(&in, 'd');
    for (struct bytes key = BYTES_NONE; bencode_key(&in, &key);)
        if (bytes_equal_text(key, "n"))
            (void)bencode_integer(&in);
        else
            (void)bencode_string(&in);
    (void)bencode_end(&in);
}
