/* What a refused client is told: the value of WWW-Authenticate. source: RFC 6750 3, RFC 9449 7.1, RFC 9470 3 */
#ifndef AUTHN_CHALLENGE_H
#define AUTHN_CHALLENGE_H

#include "authn/authn.h"
#include "core/arena.h"
#include "model/request.h"
#include "model/verdict.h"

/* authn_challenge - for a denial; an error code only when a credential was sent.
 *
 * Where HTTP Basic is taken, it is offered beside tokens, or alone when the set has no issuers. Where an issuer
 * demands tokens that are bound, the scheme DPoP is offered beside Bearer, which a certificate makes do.
 *
 * in      verdict: its reason, and stepup where a better sign-in would help
 * lifetime static, or the arena's; empty when the arena is full
 */
struct sv authn_challenge(const struct authn *authn, const struct request *req,
                          const struct verdict *verdict, struct arena *arena);

#endif
