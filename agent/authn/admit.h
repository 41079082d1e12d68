/* What an issuer asks of a token whose claims are verified, and what the service is told of them: the same for a
 * JWT and for one that was introspected.
 */
#ifndef AUTHN_ADMIT_H
#define AUTHN_ADMIT_H

#include "authn/issuer.h"
#include "model/reason.h"

struct admission {
	const struct issuer *issuer;
	const json_t *claims;
	struct sv payload; /* as it stands in the token; empty: there is none */
};

/* admit_token - in: ret: of these claims already
 * out     *ret: forward_token and headers, lifetime of issuer, claims, payload and arena
 * returns false, with *why, when a required scope is missing or the arena is full
 */
MUST_CHECK bool admit_token(const struct admission *a, struct arena *arena, struct identity *ret,
                            enum reason *why);

#endif
