#include "authn/mintjwt.h"

#include "core/encode.h"
#include "core/fileio.h"
#include "core/secret.h"

#include <jwt.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_BYTES = 32, SIGNATURE_BYTES = 2 * NUMBER_BYTES, DER_MAX_BYTES = 128 };

struct mint_signer {
	EVP_MD_CTX *ctx;
};

struct mint_signer *mint_signer_new(void)
{
	struct mint_signer *signer = calloc(1, sizeof(*signer));
	if (signer)
		signer->ctx = EVP_MD_CTX_new();
	if (signer && signer->ctx)
		return signer;
	mint_signer_free(signer);
	return NULL;
}

void mint_signer_free(struct mint_signer *signer)
{
	if (!signer)
		return;
	EVP_MD_CTX_free(signer->ctx);
	free(signer);
}

/* ---- by OpenSSL ---- */

/* JWS wants the two numbers side by side, OpenSSL gives them as DER. */
static bool to_raw(const uint8_t *der, size_t n, uint8_t raw[static SIGNATURE_BYTES])
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)n);
	bool ok = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, NUMBER_BYTES) == NUMBER_BYTES &&
	          BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + NUMBER_BYTES, NUMBER_BYTES) ==
	                  NUMBER_BYTES;
	ECDSA_SIG_free(pair);
	return ok;
}

static bool sign(struct mint_signer *signer, const struct mintkey *key, struct sv input,
                 uint8_t raw[static SIGNATURE_BYTES])
{
	uint8_t der[DER_MAX_BYTES];
	size_t n = sizeof(der);
	bool ok =
		EVP_MD_CTX_reset(signer->ctx) == 1 &&
		EVP_DigestSignInit_ex(signer->ctx, NULL, "SHA256", NULL, NULL, key->key, NULL) ==
			1 &&
		EVP_DigestSign(signer->ctx, der, &n, (const unsigned char *)input.at, input.n) == 1;
	return ok && to_raw(der, n, raw);
}

/* header.payload with room for the signature; *n: without it. Owned. */
static char *begin(const struct mintkey *key, const char *payload, size_t *n)
{
	char header[128];
	(void)snprintf(header, sizeof(header),
	               "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"txntoken+jwt\"}", key->kid);
	struct sv first = sv_of(header), second = sv_of(payload);
	char *text = malloc(BASE64_ENCODED_MAX(first.n) + BASE64_ENCODED_MAX(second.n) + 2 +
	                    BASE64_ENCODED_MAX(SIGNATURE_BYTES));
	if (!text)
		return NULL;
	size_t at = base64url_encode(first, text).n;
	text[at++] = '.';
	*n = at + base64url_encode(second, text + at).n;
	return text;
}

char *mint_sign_txn(struct mint_signer *signer, const struct mintkey *key, const json_t *claims)
{
	uint8_t raw[SIGNATURE_BYTES];
	size_t n = 0;
	char *payload = json_dumps(claims, JSON_COMPACT);
	char *text = payload ? begin(key, payload, &n) : NULL;
	free(payload);
	if (text && sign(signer, key, (struct sv){text, n}, raw)) {
		text[n++] = '.';
		(void)base64url_encode((struct sv){(char *)raw, sizeof(raw)}, text + n);
		return text;
	}
	free(text);
	return NULL;
}

/* ---- by libjwt ---- */

static void free_jwt(jwt_t **jwt)
{
	jwt_free(*jwt);
}

char *mint_sign_jwt(const struct mintkey *key, const json_t *claims)
{
	CLEANUP(free_jwt) jwt_t *jwt = NULL;
	CLEANUP(freep) char *payload = json_dumps(claims, JSON_COMPACT);
	if (!payload || jwt_new(&jwt) != 0 || jwt_add_header(jwt, "kid", key->kid) != 0 ||
	    jwt_add_grants_json(jwt, payload) != 0 ||
	    jwt_set_alg(jwt, JWT_ALG_ES256, (const unsigned char *)key->pem,
	                (int)strlen(key->pem)) != 0)
		return NULL;
	return jwt_encode_str(jwt); /* from malloc, as libjwt's allocator is nobody's here */
}
