/* What a token is bound to, and whether the request shows it. A stolen token is worth nothing without it.
 * source: RFC 7800 3 (cnf), RFC 8705 3 (x5t#S256), RFC 9449 6 (jkt)
 */
#ifndef AUTHN_BINDING_H
#define AUTHN_BINDING_H

#include "authn/credential.h"
#include "authn/turn.h"

#include <jansson.h>

/* binding_of_claims - reads cnf. A method that is not known, or is known and not well formed, is BINDING_UNKNOWN;
 * several together have to hold together.
 *
 * in      required: a token without cnf is BINDING_MISSING
 */
struct binding binding_of_claims(const json_t *claims, bool required);

/* binding_check - whether the request shows what its token is bound to. Asked at every request, also when the
 * token is known already.
 *
 * A certificate is the one of this very TLS session (cert_used), by the SHA-256 of its DER; whether it is valid is
 * clientcert_identify()'s business. A key is shown by a proof (dpop.h), and goes with the scheme DPoP alone, as that
 * scheme does with a key. Without a request around the token only what nobody could show is refused.
 *
 * in      shown: how the token came, not looked at without a request
 * returns false, with turn->why, when it does not
 */
MUST_CHECK bool binding_check(const struct authn_turn *turn, const struct credential *shown,
                              const struct identity *who);

#endif
