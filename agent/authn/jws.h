/* JSON Web Signature: the algorithms, and one signature against one key. source: RFC 7515, 7518, 8037 */
#ifndef AUTHN_JWS_H
#define AUTHN_JWS_H

#include "core/macros.h"
#include "core/sv.h"

#include <openssl/evp.h>
#include <stdint.h>

/* Zero is none of them, and "none" is none of them. */
enum jws_alg {
	JWS_UNKNOWN,
	JWS_RS256,
	JWS_RS384,
	JWS_RS512,
	JWS_PS256,
	JWS_PS384,
	JWS_PS512,
	JWS_ES256,
	JWS_ES384,
	JWS_ES512,
	JWS_EDDSA,
	JWS_HS256,
	JWS_HS384,
	JWS_HS512,
	JWS_ALG_COUNT,
};

enum jws_family { JWS_RSA_PKCS1, JWS_RSA_PSS, JWS_ECDSA, JWS_EDWARDS, JWS_HMAC };

#define JWS_ALG_BIT(alg) (1U << (alg))

struct jws_alg_info {
	const char *name; /* "RS256", exactly */
	enum jws_family family;
	const char *digest; /* OpenSSL's name; NULL for EdDSA */
	unsigned digest_bytes;
	unsigned coordinate_bytes; /* ECDSA: bytes of r and of s */
	const char *curve;         /* JWK crv; ECDSA only */
};

/* jws_alg_find - exact name; JWS_UNKNOWN when it is none. */
enum jws_alg jws_alg_find(struct sv name);
/* jws_alg_info - the row of a known algorithm; never of JWS_UNKNOWN. */
const struct jws_alg_info *jws_alg_info(enum jws_alg alg);

struct jwk;

/* What one thread keeps for many checks: digests fetched once, a context. */
struct jws_verifier;
/* jws_verifier_new - NULL when memory is out. thread: one at a time */
MUST_CHECK struct jws_verifier *jws_verifier_new(void);
void jws_verifier_free(struct jws_verifier *v);

/* jws_verify - whether signature is that of input under key, by alg.
 *
 * in      alg: one that the key's own list has; the caller compared it
 * returns false on every doubt, also when OpenSSL or memory fails
 */
MUST_CHECK bool jws_verify(struct jws_verifier *v, enum jws_alg alg, const struct jwk *key,
                           struct sv input, struct sv signature);

/* The three parts of the compact form, still encoded; input is "header.payload". */
struct jws_compact {
	struct sv header, payload, signature, input;
};

enum { JWS_TOKEN_MAX_BYTES = 16 * 1024 };

/* jws_split - exactly two dots, nothing empty but the payload; RFC 7515 7.1 */
MUST_CHECK bool jws_split(struct sv token, struct jws_compact *ret);

#endif
