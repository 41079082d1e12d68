#include "authn/proof.h"

#include "authn/jwt.h"
#include "authn/proofkeys.h"
#include "authn/thumbprint.h"
#include "core/encode.h"
#include "core/jsonload.h"
#include "core/secret.h"

static bool refuse(enum reason *why, enum reason reason)
{
	*why = reason;
	return false;
}

/* One proof on its way; what it owns is released by reading_fini(). */
struct reading {
	const struct proof_wanted *wanted;
	struct sha256 *sha256;
	struct proofkeys *keys;
	struct jws_compact parts;
	const struct proofkey *key; /* borrowed from keys */
	struct proof proof;
};

static void reading_fini(struct reading *r)
{
	proof_fini(&r->proof);
}

/* ---- the header ---- */

/* source: RFC 7518 6.2.2, 6.3.2, 6.4.1; RFC 8037 2: who sends a private key has given it away */
static bool is_public(const json_t *jwk)
{
	static const char *const secret[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
	for (size_t i = 0; i < ARRAY_LEN(secret); i++)
		if (json_object_get(jwk, secret[i]))
			return false;
	return json_is_object(jwk);
}

static bool is_asymmetric(enum jws_alg alg)
{
	return jws_alg_info(alg)->family != JWS_HMAC;
}

/* Its key is made ready only when it is the one that is wanted. */
static bool read_key(const struct jwt_header *header, const struct reading *r, struct proofkey *ret,
                     enum reason *why)
{
	const json_t *jwk = json_object_get(header->document, "jwk");
	struct sv wanted = {(const char *)r->wanted->key, SHA256_BYTES};
	struct sv shown = {(const char *)ret->thumbprint, SHA256_BYTES};
	if (!sv_eq_ci(header->typ, SVL("dpop+jwt")) || !is_asymmetric(header->alg) ||
	    !is_public(jwk) || !thumbprint_of(r->sha256, jwk, ret->thumbprint))
		return refuse(why, REASON_DPOP_MALFORMED);
	if (!secret_equal(shown, wanted))
		return refuse(why, REASON_TOKEN_BINDING_MISMATCH);
	ret->alg = header->alg;
	return jwks_of_key(jwk, &ret->key) == 0 || refuse(why, REASON_DPOP_MALFORMED);
}

static bool read_header(struct reading *r, enum reason *why)
{
	uint8_t digest[SHA256_BYTES];
	if (!sha256_parts(r->sha256, &r->parts.header, 1, digest))
		return refuse(why, REASON_INTERNAL);
	r->key = proofkeys_find(r->keys, digest);
	if (r->key) {
		struct sv wanted = {(const char *)r->wanted->key, SHA256_BYTES};
		struct sv shown = {(const char *)r->key->thumbprint, SHA256_BYTES};
		return secret_equal(shown, wanted) || refuse(why, REASON_TOKEN_BINDING_MISMATCH);
	}
	struct jwt_header header;
	struct proofkey made = {0};
	if (!jwt_header_read(r->parts.header, &header, why))
		return refuse(why, REASON_DPOP_MALFORMED);
	bool good = read_key(&header, r, &made, why);
	if (good)
		r->key = proofkeys_keep(r->keys, digest, &made);
	json_decref(header.document);
	return good;
}

/* ---- the claims ---- */

static bool read_text(const json_t *claims, const char *name, size_t max, struct sv *ret)
{
	*ret = json_string_sv(json_object_get(claims, name));
	return ret->n > 0 && ret->n <= max;
}

static bool is_for_token(const struct reading *r, struct sv ath)
{
	uint8_t digest[SHA256_BYTES];
	char text[BASE64_ENCODED_MAX(SHA256_BYTES)];
	return sha256_parts(r->sha256, &r->wanted->token, 1, digest) &&
	       secret_equal(ath,
	                    base64url_encode((struct sv){(char *)digest, sizeof(digest)}, text));
}

static bool is_for_request(const struct reading *r, struct sv htm, struct sv htu)
{
	struct htu uri;
	if (!sv_eq(htm, r->wanted->method) || !htu_read(htu, &uri))
		return false;
	for (size_t i = 0; i < r->wanted->n_uris; i++)
		if (htu_same(&uri, &r->wanted->uris[i]))
			return true;
	return false;
}

static bool read_claims(struct reading *r, enum reason *why)
{
	struct proof *proof = &r->proof;
	struct sv htm, htu, ath;
	double iat;
	proof->claims = jwt_payload_read(r->parts.payload);
	const json_t *nonce = json_object_get(proof->claims, "nonce");
	if (!read_text(proof->claims, "jti", PROOF_JTI_MAX_BYTES, &proof->jti) ||
	    !read_text(proof->claims, "htm", PROOF_MAX_BYTES, &htm) ||
	    !read_text(proof->claims, "htu", PROOF_MAX_BYTES, &htu) ||
	    !read_text(proof->claims, "ath", PROOF_MAX_BYTES, &ath) ||
	    !jwt_numeric_date(json_object_get(proof->claims, "iat"), &iat) ||
	    (nonce && !read_text(proof->claims, "nonce", PROOF_NONCE_MAX_BYTES, &proof->nonce)))
		return refuse(why, REASON_DPOP_MALFORMED);
	proof->issued_s = (int64_t)iat;
	if (!is_for_request(r, htm, htu) || !is_for_token(r, ath))
		return refuse(why, REASON_DPOP_MISMATCH);
	if (proof->issued_s < r->wanted->oldest_s || proof->issued_s > r->wanted->newest_s)
		return refuse(why, REASON_DPOP_EXPIRED);
	return true;
}

/* ---- the signature ---- */

static bool check_signature(const struct reading *r, enum reason *why)
{
	/* by the algorithm and the key of the header, of which the token vouches for the key */
	const struct jwt_header header = {.alg = r->key->alg};
	return jwt_signature_check(proofkeys_verifier(r->keys), r->key->key, &header, &r->parts,
	                           why) ||
	       refuse(why, REASON_DPOP_SIGNATURE_INVALID);
}

bool proof_read(struct sv text, const struct proof_wanted *wanted, struct sha256 *sha256,
                struct proofkeys *keys, struct proof *ret, enum reason *why)
{
	CLEANUP(reading_fini)
	struct reading r = {.wanted = wanted, .sha256 = sha256, .keys = keys};
	if (text.n > PROOF_MAX_BYTES || !jws_split(text, &r.parts))
		return refuse(why, REASON_DPOP_MALFORMED);
	if (!read_header(&r, why) || !read_claims(&r, why) || !check_signature(&r, why))
		return false;
	*ret = r.proof;
	r.proof.claims = NULL;
	return true;
}
