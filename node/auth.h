/* auth.h: who may make a call of today's dialect: signatures, subaccounts, and times. Source: PROTOCOL 10.4, 10.6. */
#ifndef SWARMBED_AUTH_H
#define SWARMBED_AUTH_H

#include "common/env.h"
#include "common/suite.h"
#include "proto/modern_request.h"

/* Whether the request's signature is that of the account, or of a subaccount with all rights of `needed`. Charges what
 * it costs. That the request has a signature, and whether its token is revoked, the caller has looked at. */
bool auth_signed(struct env *env, const struct crypto_suite *suite, const struct modern_request *request,
                 unsigned needed);
/* Whether a signed time is near enough to now.
 *   forwarded  another member passes the call on, which takes time */
bool auth_time_ok(int64_t signed_ms, int64_t now_ms, bool forwarded);

#endif
