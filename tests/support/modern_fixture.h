/* modern_fixture.h: a whole node that speaks today's dialect, an account of its swarm, and signed calls to it.
 *
 * Built on node_fixture.h. The other two members of the swarm are played by the test: answer_as_members() lets the node
 * itself say what they would. */
#ifndef SWARMBED_MODERN_FIXTURE_H
#define SWARMBED_MODERN_FIXTURE_H

#include "proto/modern_request.h"
#include "tests/support/node_fixture.h"

struct modern_fixture {
    struct node_fixture net;
    struct snode *snode;
    struct ed25519_public owner, other; /* other: holds tokens */
    struct ed25519_secret owner_secret, other_secret;
    struct account_id account; /* of the node's swarm; its key is `owner` */
    char pubkey[ACCOUNT_HEX_LEN + 1];
    struct subaccount_token token; /* of `other`; empty rights until make_token() */
    char body[4096];
};

void modern_fixture_init(struct modern_fixture *fixture, enum spoken spoken);
void modern_fixture_fini(struct modern_fixture *fixture);

/* A call with these fields (JSON members without braces, or ""), without a signature. The answer may be yet to come. */
struct fake_request *call_unsigned(struct modern_fixture *fixture, const char *method, const char *fields, ...)
    PRINTF_LIKE(3, 4);
/* The same with the account's key and signature. */
struct fake_request *call_signed(struct modern_fixture *fixture, const char *method, const char *fields, ...)
    PRINTF_LIKE(3, 4);
/* Gives the token rights, and makes a call by it. */
struct fake_request *call_by_token(struct modern_fixture *fixture, unsigned rights, const char *method,
                                   const char *fields, ...) PRINTF_LIKE(4, 5);
/* Its answer, which must have come, with that status. The caller frees it. */
struct json *answer_of(const struct fake_request *request, uint16_t status);
/* What call_signed() sends, for any account and key; `more`: further parameters, each behind a comma. */
void write_signed_body(char *body, size_t size, struct arena *arena, const struct crypto_suite *suite,
                       const struct ed25519_secret *secret, const char *pubkey, const char *method, const char *more,
                       const char *fields);
/* Every call to another member that is open is answered as this node answers it, passed on. */
void answer_as_members(struct modern_fixture *fixture);
/* Stores and has it confirmed; the hash is 43 characters and a zero. */
void store_modern(struct modern_fixture *fixture, int16_t namespace, const char *data,
                  char hash[MESSAGE_HASH_CHARS + 1]);

#endif
