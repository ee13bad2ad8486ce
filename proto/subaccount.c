#include "proto/subaccount.h"

#include <string.h>

#include "common/text.h"

enum err subaccount_from_text(struct subaccount_token *out, struct bytes text)
{
    size_t len = sizeof(out->bytes);

    if (text.len == 2 * SUBACCOUNT_TOKEN_BYTES)
        return hex_decode(out->bytes, sizeof(out->bytes), text);
    if (text.len != BASE64_LEN(SUBACCOUNT_TOKEN_BYTES))
        return ERR_FORMAT;
    /* 36 bytes need no padding, so whatever has some is shorter. */
    return base64_decode(out->bytes, &len, text) == OK && len == sizeof(out->bytes) ? OK : ERR_FORMAT;
}

bool subaccount_permits(const struct subaccount_token *token, const struct account_id *account, unsigned needed)
{
    unsigned rights = token->bytes[1];

    if ((rights & needed) != needed)
        return false;
    return (rights & SUBACCOUNT_ANY_PREFIX) != 0 || token->bytes[0] == account->bytes[0];
}

struct ed25519_public subaccount_key(const struct subaccount_token *token)
{
    struct ed25519_public key;

    memcpy(key.bytes, token->bytes + 4, sizeof(key.bytes));
    return key;
}
