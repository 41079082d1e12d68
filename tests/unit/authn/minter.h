/* Keys and tokens made on the spot by OpenSSL: what an issuer would sign, and what an attacker would. */
#ifndef UNIT_AUTHN_MINTER_H
#define UNIT_AUTHN_MINTER_H

#include "authn/jwks.h"
#include "authn/jws.h"
#include "core/encode.h"
#include "support/cmocka_prelude.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

enum { MINTER_SECRET_BYTES = 64 };

struct minter {
	enum jws_alg alg;
	EVP_PKEY *key; /* NULL for HS */
	uint8_t secret[MINTER_SECRET_BYTES];
};

static inline EVP_PKEY *minter_keygen(enum jws_alg alg)
{
	const struct jws_alg_info *info = jws_alg_info(alg);
	switch (info->family) {
	case JWS_RSA_PKCS1:
	case JWS_RSA_PSS:
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	case JWS_ECDSA:
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", info->curve);
	case JWS_EDWARDS:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case JWS_HMAC:
		return NULL;
	}
	return NULL;
}

static inline struct minter minter_make(enum jws_alg alg)
{
	struct minter m = {.alg = alg, .key = minter_keygen(alg)};
	for (size_t i = 0; i < sizeof(m.secret); i++)
		m.secret[i] = (uint8_t)(i * 7 + 3);
	assert_true(m.key || jws_alg_info(alg)->family == JWS_HMAC);
	return m;
}

static inline void minter_fini(struct minter *m)
{
	EVP_PKEY_free(m->key);
}

/* Owned, base64url. */
static inline char *minter_encode(const void *bytes, size_t n)
{
	char *text = malloc(BASE64_ENCODED_MAX(n) + 1);
	assert_non_null(text);
	(void)base64url_encode((struct sv){bytes, n}, text);
	return text;
}

static inline char *minter_number(const EVP_PKEY *key, const char *name, size_t n_bytes)
{
	BIGNUM *number = NULL;
	uint8_t bytes[1024];
	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
	int n = n_bytes ? BN_bn2binpad(number, bytes, (int)n_bytes) : BN_bn2bin(number, bytes);
	assert_true(n > 0);
	BN_free(number);
	return minter_encode(bytes, (size_t)n);
}

static inline char *minter_members(const struct minter *m)
{
	const struct jws_alg_info *info = jws_alg_info(m->alg);
	char *a = NULL, *b = NULL, *text = NULL;
	uint8_t raw[64];
	size_t n = sizeof(raw);
	switch (info->family) {
	case JWS_RSA_PKCS1:
	case JWS_RSA_PSS:
		a = minter_number(m->key, OSSL_PKEY_PARAM_RSA_N, 0);
		b = minter_number(m->key, OSSL_PKEY_PARAM_RSA_E, 0);
		assert_true(asprintf(&text, "\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"", a, b) > 0);
		break;
	case JWS_ECDSA:
		a = minter_number(m->key, OSSL_PKEY_PARAM_EC_PUB_X, info->coordinate_bytes);
		b = minter_number(m->key, OSSL_PKEY_PARAM_EC_PUB_Y, info->coordinate_bytes);
		assert_true(asprintf(&text,
		                     "\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"",
		                     info->curve, a, b) > 0);
		break;
	case JWS_EDWARDS:
		assert_int_equal(EVP_PKEY_get_raw_public_key(m->key, raw, &n), 1);
		a = minter_encode(raw, n);
		assert_true(asprintf(&text, "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"", a) >
		            0);
		break;
	case JWS_HMAC:
		a = minter_encode(m->secret, sizeof(m->secret));
		assert_true(asprintf(&text, "\"kty\":\"oct\",\"k\":\"%s\"", a) > 0);
		break;
	}
	free(a);
	free(b);
	return text;
}

/* A key set of one key. more: members to add, each with a comma before it. Owned. */
static inline char *minter_jwks(const struct minter *m, const char *more)
{
	char *members = minter_members(m), *text = NULL;
	assert_true(asprintf(&text, "{\"keys\":[{%s%s}]}", members, more) > 0);
	free(members);
	return text;
}

static inline struct jwks *minter_set(const struct minter *m, const char *more)
{
	char *text = minter_jwks(m, more);
	struct diag d = diag_over("test", sv_of(text));
	struct jwks *set = NULL;
	assert_int_equal(jwks_parse(sv_of(text), JWKS_OCT, &d, &set), 0);
	diag_fini(&d);
	free(text);
	return set;
}

/* ECDSA: r and s as JWS wants them. returns their length */
static inline size_t minter_raw_signature(const uint8_t *der, size_t n, size_t coordinate,
                                          uint8_t *to)
{
	const uint8_t *at = der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)n);
	assert_non_null(sig);
	assert_true(BN_bn2binpad(ECDSA_SIG_get0_r(sig), to, (int)coordinate) > 0);
	assert_true(BN_bn2binpad(ECDSA_SIG_get0_s(sig), to + coordinate, (int)coordinate) > 0);
	ECDSA_SIG_free(sig);
	return 2 * coordinate;
}

/* The signature of input by alg, which need not be the key's own. returns its length */
static inline size_t minter_signature(const struct minter *m, enum jws_alg alg, struct sv input,
                                      uint8_t to[1024])
{
	const struct jws_alg_info *info = jws_alg_info(alg);
	const unsigned char *bytes = (const unsigned char *)input.at;
	if (info->family == JWS_HMAC) {
		unsigned n = 0;
		assert_non_null(HMAC(EVP_get_digestbyname(info->digest), m->secret,
		                     sizeof(m->secret), bytes, input.n, to, &n));
		return n;
	}
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key = NULL;
	uint8_t made[1024];
	size_t n = sizeof(made);
	assert_int_equal(EVP_DigestSignInit_ex(ctx, &key, info->digest, NULL, NULL, m->key, NULL),
	                 1);
	if (info->family == JWS_RSA_PSS) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(key, RSA_PSS_SALTLEN_DIGEST), 1);
	}
	assert_int_equal(EVP_DigestSign(ctx, made, &n, bytes, input.n), 1);
	EVP_MD_CTX_free(ctx);
	if (info->family == JWS_ECDSA)
		return minter_raw_signature(made, n, info->coordinate_bytes, to);
	memcpy(to, made, n);
	return n;
}

/* "header.payload" of two texts, encoded. Owned. */
static inline char *minter_input(struct sv header, struct sv payload)
{
	char *h = minter_encode(header.at, header.n), *p = minter_encode(payload.at, payload.n);
	char *input = NULL;
	assert_true(asprintf(&input, "%s.%s", h, p) > 0);
	free(h);
	free(p);
	return input;
}

/* A token of two texts, signed by the minter's algorithm whatever the header says. Owned. */
static inline char *minter_token(const struct minter *m, struct sv header, struct sv payload)
{
	uint8_t signature[1024];
	char *input = minter_input(header, payload), *token = NULL;
	size_t n = minter_signature(m, m->alg, sv_of(input), signature);
	char *s = minter_encode(signature, n);
	assert_true(asprintf(&token, "%s.%s", input, s) > 0);
	free(input);
	free(s);
	return token;
}

#endif
