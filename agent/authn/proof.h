/* A DPoP proof: that whoever sends this request holds the key their token is bound to. source: RFC 9449 4 */
#ifndef AUTHN_PROOF_H
#define AUTHN_PROOF_H

#include "authn/htu.h"
#include "authn/jwks.h"
#include "core/hash.h"
#include "model/reason.h"

#include <stdbool.h>
#include <stdint.h>

struct proofkey;
struct proofkeys;

enum { PROOF_MAX_BYTES = 8 * 1024, PROOF_JTI_MAX_BYTES = 256, PROOF_NONCE_MAX_BYTES = 256 };

/* What a proof has to be made for. */
struct proof_wanted {
	const uint8_t *key; /* thumbprint, SHA256_BYTES: what the token is bound to */
	struct sv method, token;
	const struct htu *uris; /* one of these */
	size_t n_uris;
	int64_t oldest_s, newest_s; /* iat, Unix seconds */
};

/* What is asked of a proof that is good otherwise. */
struct proof {
	json_t *claims;   /* owned */
	struct sv jti;    /* 1 to PROOF_JTI_MAX_BYTES */
	struct sv nonce;  /* empty: none */
	int64_t issued_s; /* iat */
};

static inline void proof_fini(struct proof *proof)
{
	json_decref(proof->claims);
}

/* proof_read - judges a proof but for what has to be remembered: whether it was shown before, and its nonce.
 *
 * In order: form, the key's thumbprint, claims, the signature. So only a key that an issuer bound a token to is ever
 * made ready or checked with.
 *
 * in      text: the DPoP header field; sha256, keys: the thread's own
 * out     *ret: on true, released with proof_fini()
 * returns false, with *why: dpop_malformed, token_binding_mismatch, dpop_mismatch, dpop_expired,
 *         dpop_signature_invalid, internal
 */
MUST_CHECK bool proof_read(struct sv text, const struct proof_wanted *wanted, struct sha256 *sha256,
                           struct proofkeys *keys, struct proof *ret, enum reason *why);

#endif
