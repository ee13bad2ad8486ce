#include "common/message_hash.h"

#include <stdio.h>
#include <string.h>

#include "common/suite.h"
#include "common/text.h"

void message_hash(const struct account_id *account, int16_t namespace, struct bytes data, char out[MESSAGE_HASH_CHARS])
{
    char namespace_text[sizeof("-32768")] = "";
    char base64[BASE64_LEN(32)];
    uint8_t hash[32];

    if (namespace != 0)
        (void)snprintf(namespace_text, sizeof(namespace_text), "%d", namespace);
    hash_blake2b_256((const struct bytes[]){BYTES_OF(account->bytes), bytes_text(namespace_text), data}, 3, hash);
    base64_encode(base64, BYTES_OF(hash));
    memcpy(out, base64, MESSAGE_HASH_CHARS); /* 32 bytes make 43 characters and one of padding */
}
