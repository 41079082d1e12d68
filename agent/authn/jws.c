#include "authn/jws.h"

#include "authn/jwks.h"
#include "core/secret.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <stdlib.h>

static const struct jws_alg_info algs[] = {
	[JWS_RS256] = {"RS256", JWS_RSA_PKCS1, "SHA256", 32, 0, NULL},
	[JWS_RS384] = {"RS384", JWS_RSA_PKCS1, "SHA384", 48, 0, NULL},
	[JWS_RS512] = {"RS512", JWS_RSA_PKCS1, "SHA512", 64, 0, NULL},
	[JWS_PS256] = {"PS256", JWS_RSA_PSS, "SHA256", 32, 0, NULL},
	[JWS_PS384] = {"PS384", JWS_RSA_PSS, "SHA384", 48, 0, NULL},
	[JWS_PS512] = {"PS512", JWS_RSA_PSS, "SHA512", 64, 0, NULL},
	[JWS_ES256] = {"ES256", JWS_ECDSA, "SHA256", 32, 32, "P-256"},
	[JWS_ES384] = {"ES384", JWS_ECDSA, "SHA384", 48, 48, "P-384"},
	[JWS_ES512] = {"ES512", JWS_ECDSA, "SHA512", 64, 66, "P-521"},
	[JWS_EDDSA] = {"EdDSA", JWS_EDWARDS, NULL, 0, 0, NULL},
	[JWS_HS256] = {"HS256", JWS_HMAC, "SHA256", 32, 0, NULL},
	[JWS_HS384] = {"HS384", JWS_HMAC, "SHA384", 48, 0, NULL},
	[JWS_HS512] = {"HS512", JWS_HMAC, "SHA512", 64, 0, NULL},
};
static_assert(ARRAY_LEN(algs) == JWS_ALG_COUNT, "one row an algorithm");

enum jws_alg jws_alg_find(struct sv name)
{
	for (unsigned i = JWS_UNKNOWN + 1; i < JWS_ALG_COUNT; i++)
		if (sv_eq(sv_of(algs[i].name), name))
			return (enum jws_alg)i;
	return JWS_UNKNOWN;
}

const struct jws_alg_info *jws_alg_info(enum jws_alg alg)
{
	assert(alg > JWS_UNKNOWN && alg < JWS_ALG_COUNT);
	return &algs[alg];
}

/* A key made ready to check by one algorithm: OpenSSL's preparation costs a third of an RSA check. The context
 * holds a reference to its key, so that no other key can come to stand at the same address. */
struct prepared {
	EVP_PKEY *key; /* NULL: empty */
	enum jws_alg alg;
	EVP_PKEY_CTX *ctx;
};

enum { N_PREPARED = 16 };

struct jws_verifier {
	EVP_MD *digests[JWS_ALG_COUNT];
	EVP_MD_CTX *ctx;
	EVP_MD_CTX *edwards; /* one that checked EdDSA makes no plain digest any more */
	struct prepared prepared[N_PREPARED];
	unsigned next_prepared;
};

struct jws_verifier *jws_verifier_new(void)
{
	struct jws_verifier *v = calloc(1, sizeof(*v));
	if (!v)
		return NULL;
	v->ctx = EVP_MD_CTX_new();
	v->edwards = EVP_MD_CTX_new();
	bool ok = v->ctx && v->edwards;
	for (unsigned i = JWS_UNKNOWN + 1; ok && i < JWS_ALG_COUNT; i++) {
		if (!algs[i].digest)
			continue;
		v->digests[i] = EVP_MD_fetch(NULL, algs[i].digest, NULL);
		ok = v->digests[i];
	}
	if (ok)
		return v;
	jws_verifier_free(v);
	return NULL;
}

void jws_verifier_free(struct jws_verifier *v)
{
	if (!v)
		return;
	for (unsigned i = 0; i < JWS_ALG_COUNT; i++)
		EVP_MD_free(v->digests[i]);
	for (unsigned i = 0; i < N_PREPARED; i++)
		EVP_PKEY_CTX_free(v->prepared[i].ctx);
	EVP_MD_CTX_free(v->ctx);
	EVP_MD_CTX_free(v->edwards);
	free(v);
}

static const unsigned char *bytes_of(struct sv text)
{
	return (const unsigned char *)text.at;
}

static bool set_pss(EVP_PKEY_CTX *ctx, const EVP_MD *md)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1;
}

static EVP_PKEY_CTX *context_for(EVP_PKEY *key, enum jws_alg alg, const EVP_MD *md)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool ok = ctx && EVP_PKEY_verify_init(ctx) == 1 &&
	          EVP_PKEY_CTX_set_signature_md(ctx, md) == 1;
	if (ok && algs[alg].family == JWS_RSA_PKCS1)
		ok = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
	if (ok && algs[alg].family == JWS_RSA_PSS)
		ok = set_pss(ctx, md);
	if (ok)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

/* The context stays the verifier's; NULL when OpenSSL will not. */
static EVP_PKEY_CTX *prepare(struct jws_verifier *v, EVP_PKEY *key, enum jws_alg alg)
{
	for (unsigned i = 0; i < N_PREPARED; i++)
		if (v->prepared[i].key == key && v->prepared[i].alg == alg)
			return v->prepared[i].ctx;
	EVP_PKEY_CTX *ctx = context_for(key, alg, v->digests[alg]);
	if (!ctx)
		return NULL;
	struct prepared *place = &v->prepared[v->next_prepared++ % N_PREPARED];
	EVP_PKEY_CTX_free(place->ctx);
	*place = (struct prepared){key, alg, ctx};
	return ctx;
}

/* RSA and ECDSA, of the digest of input. */
static bool verify_digest(struct jws_verifier *v, enum jws_alg alg, EVP_PKEY *key, struct sv input,
                          struct sv signature)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	EVP_PKEY_CTX *ctx = prepare(v, key, alg);
	return ctx && EVP_DigestInit_ex2(v->ctx, v->digests[alg], NULL) == 1 &&
	       EVP_DigestUpdate(v->ctx, input.at, input.n) == 1 &&
	       EVP_DigestFinal_ex(v->ctx, digest, &n) == 1 &&
	       EVP_PKEY_verify(ctx, bytes_of(signature), signature.n, digest, n) == 1;
}

/* EdDSA signs the input itself. */
static bool verify_input(struct jws_verifier *v, EVP_PKEY *key, struct sv input,
                         struct sv signature)
{
	return EVP_MD_CTX_reset(v->edwards) == 1 &&
	       EVP_DigestVerifyInit(v->edwards, NULL, NULL, NULL, key) == 1 &&
	       EVP_DigestVerify(v->edwards, bytes_of(signature), signature.n, bytes_of(input),
	                        input.n) == 1;
}

/* A positive INTEGER of DER from a coordinate; returns its length. source: X.690 8.3 */
static size_t der_integer(const unsigned char *coordinate, size_t n, unsigned char *to)
{
	while (n > 1 && coordinate[0] == 0) {
		coordinate++;
		n--;
	}
	bool sign = coordinate[0] & 0x80;
	size_t at = 0;
	to[at++] = 0x02;
	to[at++] = (unsigned char)(n + sign);
	if (sign)
		to[at++] = 0;
	memcpy(to + at, coordinate, n);
	return at + n;
}

/* RFC 7518 3.4: r and s side by side, each as long as the curve's order; OpenSSL wants them in DER. */
static bool verify_ecdsa(struct jws_verifier *v, enum jws_alg alg, EVP_PKEY *key, struct sv input,
                         struct sv signature)
{
	size_t n = algs[alg].coordinate_bytes;
	unsigned char body[2 * (66 + 3)], der[sizeof(body) + 3];
	if (signature.n != 2 * n)
		return false;
	size_t n_body = der_integer(bytes_of(signature), n, body);
	n_body += der_integer(bytes_of(signature) + n, n, body + n_body);
	size_t at = 0;
	der[at++] = 0x30;
	if (n_body > 127)
		der[at++] = 0x81;
	der[at++] = (unsigned char)n_body;
	memcpy(der + at, body, n_body);
	return verify_digest(v, alg, key, input, (struct sv){(const char *)der, at + n_body});
}

static bool verify_hmac(struct jws_verifier *v, enum jws_alg alg, const struct jwk *key,
                        struct sv input, struct sv signature)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (!HMAC(v->digests[alg], key->secret, (int)key->n_secret, bytes_of(input), input.n, mac,
	          &n))
		return false;
	bool good =
		n == algs[alg].digest_bytes && secret_equal((struct sv){(char *)mac, n}, signature);
	secret_wipe(mac, sizeof(mac));
	return good;
}

bool jws_verify(struct jws_verifier *v, enum jws_alg alg, const struct jwk *key, struct sv input,
                struct sv signature)
{
	if (alg <= JWS_UNKNOWN || alg >= JWS_ALG_COUNT || !(key->algs & JWS_ALG_BIT(alg)))
		return false;
	switch (algs[alg].family) {
	case JWS_RSA_PKCS1:
	case JWS_RSA_PSS:
		return key->key && (size_t)EVP_PKEY_get_size(key->key) == signature.n &&
		       verify_digest(v, alg, key->key, input, signature);
	case JWS_ECDSA:
		return key->key && verify_ecdsa(v, alg, key->key, input, signature);
	case JWS_EDWARDS:
		return key->key && verify_input(v, key->key, input, signature);
	case JWS_HMAC:
		return key->secret && verify_hmac(v, alg, key, input, signature);
	}
	return false;
}

bool jws_split(struct sv token, struct jws_compact *ret)
{
	size_t first = sv_find(token, '.');
	struct sv rest = sv_from(token, first + 1);
	size_t second = sv_find(rest, '.');
	if (first == 0 || first == token.n || second == rest.n)
		return false;
	struct sv signature = sv_from(rest, second + 1);
	if (signature.n == 0 || sv_find(signature, '.') < signature.n)
		return false;
	*ret = (struct jws_compact){.header = sv_first(token, first),
	                            .payload = sv_first(rest, second),
	                            .signature = signature,
	                            .input = sv_first(token, first + 1 + second)};
	return true;
}
