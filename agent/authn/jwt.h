/* A JWT judged by an issuer's rules. source: RFC 7519, RFC 8725, RFC 9068 */
#ifndef AUTHN_JWT_H
#define AUTHN_JWT_H

#include "authn/issuer.h"
#include "authn/jws.h"
#include "model/reason.h"

/* The JOSE header, checked. Strings borrow from document. */
struct jwt_header {
	json_t *document; /* owned */
	enum jws_alg alg;
	struct sv kid; /* empty: none */
	struct sv typ; /* empty: none; without "application/" */
};

/* jwt_header_read - decodes and checks the first part: one JSON object, no doubled members, an alg that
 * exists, no crit, b64 or zip, kid and typ strings. jku, x5u, jwk and x5c are not looked at.
 *
 * out     *ret: on success only; json_decref(ret->document)
 * returns whether it is acceptable; *why when it is not
 */
MUST_CHECK bool jwt_header_read(struct sv encoded, struct jwt_header *ret, enum reason *why);

/* jwt_payload_read - decodes the second part into an object. Owned by the caller; NULL when it is none. */
MUST_CHECK json_t *jwt_payload_read(struct sv encoded);

/* jwt_numeric_date - a NumericDate (RFC 7519 2): finite, not negative, below 2^53 so that no rounding can move it.
 * returns false for anything else, NULL too */
MUST_CHECK bool jwt_numeric_date(const json_t *value, double *ret);

/* What claims are judged by; an issuer says it, or a command line. */
struct jwt_rules {
	const struct json_strings *audiences; /* empty: any */
	int64_t leeway_s, max_lifetime_s;
	bool require_expiration;
	bool ignore_times;
};

/* jwt_claims_check - the registered claims but iss: exp, nbf, iat, aud, sub.
 *
 * in      now_s: Unix seconds
 * out     *expires_at: the first whole Unix second at which the token is refused, 0 when it has no exp
 * returns whether they hold; *why when they do not
 */
MUST_CHECK bool jwt_claims_check(const json_t *claims, const struct jwt_rules *rules, int64_t now_s,
                                 int64_t *expires_at, enum reason *why);

/* jwt_access_token_check - whether a token is an access token of RFC 9068: typ at+jwt, and every claim that 2.2
 * demands. Beside jwt_claims_check(), not instead. returns as it does */
MUST_CHECK bool jwt_access_token_check(struct sv typ, const json_t *claims, enum reason *why);

/* jwt_type_check - whether typ is absent or one of the list, case aside; an empty list means at+jwt, JWT. */
MUST_CHECK bool jwt_type_check(struct sv typ, const struct json_strings *types);

/* jwt_signature_check - against the keys of a set that fit kid and alg.
 * returns the one that made it, the set's, or NULL; *why: algorithm_not_allowed, key_unknown, signature_invalid
 */
MUST_CHECK const struct jwk *jwt_signature_check(struct jws_verifier *v, const struct jwks *set,
                                                 const struct jwt_header *header,
                                                 const struct jws_compact *parts, enum reason *why);

#endif
