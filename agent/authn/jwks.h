/* JSON Web Key sets: what an issuer signs with. A key is pinned to its algorithms when it is read; the
 * token has no say in it. source: RFC 7517, 7518 6, 8037 2; RFC 8725 3
 */
#ifndef AUTHN_JWKS_H
#define AUTHN_JWKS_H

#include "authn/jws.h"
#include "core/diag.h"
#include "core/refcount.h"

#include <jansson.h>

struct jwk {
	char *kid;       /* owned; NULL when the key has none */
	uint32_t algs;   /* JWS_ALG_BIT()s it may check */
	EVP_PKEY *key;   /* owned; NULL for an oct key */
	uint8_t *secret; /* owned, wiped when freed; oct keys only */
	size_t n_secret;
};

/* A key of the set that cannot be used. */
struct jwk_unusable {
	char *kid; /* owned; NULL when it has none, or one that is no text */
	const char *why;
};

/* Immutable once published; shared between threads. */
struct jwks {
	struct refcount refs;
	size_t n, n_unusable;
	struct jwk *keys;              /* owned */
	struct jwk_unusable *unusable; /* owned; for people */
};

enum { JWKS_MAX_BYTES = 256 * 1024, JWKS_MAX_KEYS = 64, JWKS_KID_MAX_BYTES = 256 };

/* What else a key set may hold. */
enum {
	JWKS_OCT =
		1
		<< 0, /* symmetric keys; only for files of the operator, never for what was fetched */
	JWKS_SVID = 1 << 1, /* a SPIFFE bundle: only its keys of use jwt-svid count */
};

/* jwks_parse - reads a key set.
 *
 * in      flags: JWKS_...
 * out     *ret: owned (jwks_unref); d: one item for each key that was left out and why, and for what
 *         makes the whole text no key set. A bad key is dropped, not its set
 * errors  0; -EINVAL the text is no key set; -ENOKEY no key in it is usable; -ENOMEM
 */
MUST_CHECK int jwks_parse(struct sv text, unsigned flags, struct diag *d, struct jwks **ret);

/* jwks_of_secret - a set of one oct key for HS256, HS384 and HS512, as far as it is long enough.
 * errors  0, -EINVAL shorter than 32 bytes, -ENOMEM
 */
MUST_CHECK int jwks_of_secret(struct sv secret, struct jwks **ret);

/* jwks_of_key - a set of the one public key that a JWK is, of any type but oct.
 * errors  0, -EINVAL it cannot check a signature, -ENOMEM
 */
MUST_CHECK int jwks_of_key(const json_t *jwk, struct jwks **ret);

/* jwks_empty - a set without a key: nothing verifies. NULL when memory is out. */
MUST_CHECK struct jwks *jwks_empty(void);

struct jwks *jwks_ref(struct jwks *set);
void jwks_unref(struct jwks *set);
static inline void jwks_unrefp(struct jwks **set)
{
	jwks_unref(*set);
}

/* jwks_next - walks the keys that may have made a token: those with this kid and alg; with an empty kid
 * (the token names none) those with alg. Start with *at = 0; NULL at the end. */
const struct jwk *jwks_next(const struct jwks *set, struct sv kid, enum jws_alg alg, size_t *at);
/* jwks_has_kid - whether any key has this kid. */
bool jwks_has_kid(const struct jwks *set, struct sv kid);

#endif
