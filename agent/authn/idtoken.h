/* What a provider says of a browser's user: the ID token that a code was changed for, and the logout token by which it
 * ends sessions. Neither is ever a credential of a request, nor one the other.
 * source  OpenID Connect Core 1.0 3.1.3.7, 3.1.3.6, 12.2; Back-Channel Logout 1.0 2.4 to 2.6
 */
#ifndef AUTHN_IDTOKEN_H
#define AUTHN_IDTOKEN_H

#include "authn/jws.h"
#include "authn/login.h"

struct idtoken_expected {
	struct sv nonce;        /* empty: of a refresh; one that is there is not looked at */
	struct sv access_token; /* for at_hash; empty: none */
};

/* idtoken_check - of this login's issuer, for its client, signed, in time, for this sign-in.
 *
 * in      now_s: Unix seconds
 * out     *ret: its claims, owned (json_decref); *why when it is not acceptable
 * thread  with a verifier of its own
 */
MUST_CHECK bool idtoken_check(const struct login *login, struct jws_verifier *verifier,
                              struct sv token, const struct idtoken_expected *expected,
                              int64_t now_s, json_t **ret, enum reason *why);

/* A logout token that is acceptable, but for its jti having been seen. */
struct logout_order {
	json_t *claims; /* owned; the views below are of it */
	struct sv jti;
	struct sv subject, sid; /* at least one is not empty */
	int64_t until_s; /* no longer acceptable from then on: so long its jti has to be remembered */
};

/* logouttoken_check - as above, for a logout token. in: verifier, now_s as above */
MUST_CHECK bool logouttoken_check(const struct login *login, struct jws_verifier *verifier,
                                  struct sv token, int64_t now_s, struct logout_order *ret,
                                  enum reason *why);

#endif
