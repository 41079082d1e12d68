#include "authn/mintkeys.h"

#include "core/encode.h"
#include "core/hash.h"
#include "core/secret.h"

#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

enum { COORDINATE_BYTES = 32 };
static_assert(BASE64_ENCODED_MAX(SHA256_BYTES) <= MINTKEY_KID_BYTES, "a thumbprint is a kid");

/* ---- making ---- */

static void free_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void free_bio(BIO **bio)
{
	(void)BIO_free(*bio);
}

static bool coordinate(const EVP_PKEY *key, const char *name,
                       char text[static BASE64_ENCODED_MAX(COORDINATE_BYTES)])
{
	uint8_t bytes[COORDINATE_BYTES];
	BIGNUM *number = NULL;
	bool ok = EVP_PKEY_get_bn_param(key, name, &number) == 1 &&
	          BN_bn2binpad(number, bytes, sizeof(bytes)) == sizeof(bytes);
	BN_free(number);
	if (ok)
		(void)base64url_encode((struct sv){(char *)bytes, sizeof(bytes)}, text);
	return ok;
}

/* source: RFC 7638 3.2, the members in this order and no others */
static bool describe(const EVP_PKEY *key, struct mintkey_texts *ret)
{
	char x[BASE64_ENCODED_MAX(COORDINATE_BYTES)], y[BASE64_ENCODED_MAX(COORDINATE_BYTES)];
	char print[256];
	uint8_t digest[SHA256_BYTES];
	if (!coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, x) ||
	    !coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, y))
		return false;
	(void)snprintf(print, sizeof(print),
	               "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y);
	if (!sha256_of(sv_of(print), digest))
		return false;
	(void)base64url_encode((struct sv){(char *)digest, sizeof(digest)}, ret->kid);
	(void)snprintf(
		ret->jwk, sizeof(ret->jwk),
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\",\"use\":\"sig\","
		"\"alg\":\"ES256\",\"kid\":\"%s\"}",
		x, y, ret->kid);
	return true;
}

static bool write_pem(EVP_PKEY *key, char pem[static MINTKEY_PEM_BYTES])
{
	CLEANUP(free_bio) BIO *bio = BIO_new(BIO_s_secmem());
	char *at = NULL;
	if (!bio || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		return false;
	long n = BIO_get_mem_data(bio, &at);
	if (n <= 0 || n >= MINTKEY_PEM_BYTES)
		return false;
	memcpy(pem, at, (size_t)n);
	pem[n] = '\0';
	return true;
}

bool mintkey_make(struct mintkey_texts *ret)
{
	CLEANUP(free_key) EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	*ret = (struct mintkey_texts){0};
	return key && describe(key, ret) && write_pem(key, ret->pem);
}

/* ---- the set ---- */

static void free_set(struct shared *shared)
{
	struct mintkeys *set = (struct mintkeys *)shared;
	for (size_t i = 0; i < set->n; i++)
		EVP_PKEY_free(set->keys[i].key);
	free(set->issuer);
	secret_wipe(set, sizeof(*set));
	free(set);
}
static_assert(offsetof(struct mintkeys, shared) == 0, "a slot carries the head");

int mintkeys_new(struct sv issuer, struct mintkeys **ret)
{
	struct mintkeys *set = calloc(1, sizeof(*set));
	if (set)
		set->issuer = sv_dup(issuer);
	if (!set || !set->issuer) {
		free(set);
		return -ENOMEM;
	}
	shared_init(&set->shared, free_set);
	*ret = set;
	return 0;
}

void mintkeys_unref(struct mintkeys *set)
{
	shared_unref(set ? &set->shared : NULL);
}

static bool is_p256(const EVP_PKEY *key)
{
	char group[32] = "";
	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	       strcmp(group, "prime256v1") == 0;
}

int mintkeys_add(struct mintkeys *set, struct sv kid, struct sv pem, int64_t from_s)
{
	if (set->n == MINTKEYS_MAX)
		return -ENOSPC;
	struct mintkey *place = &set->keys[set->n];
	if (kid.n == 0 || kid.n >= sizeof(place->kid) || pem.n >= sizeof(place->pem))
		return -EBADMSG;
	CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.n);
	CLEANUP(free_key)
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	if (!key || !is_p256(key))
		return -EBADMSG;
	memcpy(place->kid, kid.at, kid.n);
	memcpy(place->pem, pem.at, pem.n);
	place->key = TAKE(key);
	place->from_s = from_s;
	set->n++;
	return 0;
}

const struct mintkey *mintkeys_current(const struct mintkeys *set, int64_t now_s)
{
	const struct mintkey *current = set->n ? &set->keys[0] : NULL;
	for (size_t i = 1; i < set->n && set->keys[i].from_s <= now_s; i++)
		current = &set->keys[i];
	return current;
}
