/* subaccount.h: tokens by which an account lets another key act for it.
 *
 * 36 bytes: network prefix (1), rights (1), two bytes that say nothing, ed25519 public key (32). The account's own key
 * signs them; who holds the token's key signs requests. Source: PROTOCOL 10.6. */
#ifndef SWARMBED_SUBACCOUNT_H
#define SWARMBED_SUBACCOUNT_H

#include "common/keys.h"

#define SUBACCOUNT_TOKEN_BYTES 36
#define SUBACCOUNT_READ 1u
#define SUBACCOUNT_WRITE 2u
#define SUBACCOUNT_DELETE 4u
#define SUBACCOUNT_ANY_PREFIX 8u /* the token is good for accounts of other prefixes too */

struct subaccount_token {
    uint8_t bytes[SUBACCOUNT_TOKEN_BYTES];
};

/* Base64 of 48 characters, or 72 hex digits. ERR_FORMAT: anything else. */
MUST_CHECK enum err subaccount_from_text(struct subaccount_token *out, struct bytes text);
/* Whether the token is made for that account's prefix and has all the rights of `needed`. */
bool subaccount_permits(const struct subaccount_token *token, const struct account_id *account, unsigned needed);
struct ed25519_public subaccount_key(const struct subaccount_token *token);

#endif
