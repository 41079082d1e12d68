#include "authn/jwks.h"

#include "core/encode.h"
#include "core/jsonload.h"
#include "core/secret.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <stdlib.h>

enum { RSA_MIN_BITS = 2048, RSA_MAX_BITS = 8192, EC_POINT_MAX_BYTES = 1 + 2 * 66 };

/* The decoded bytes of one base64url member. */
struct member {
	uint8_t *at; /* owned */
	size_t n;
};

static void member_fini(struct member *m)
{
	secret_wipe(m->at, m->n);
	free(m->at);
}

static bool member_read(const json_t *jwk, const char *name, struct member *ret)
{
	struct sv text = json_string_sv(json_object_get(jwk, name));
	if (text.n == 0)
		return false;
	ret->at = malloc(BASE64_DECODED_MAX(text.n));
	return ret->at && base64url_decode(text, ret->at, &ret->n) && ret->n > 0;
}

static EVP_PKEY *key_from(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = params ? EVP_PKEY_CTX_new_from_name(NULL, type, NULL) : NULL;
	EVP_PKEY *key = NULL;
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

/* On the curve, in range, a usable exponent: what fromdata does not look at. */
static bool is_sound(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool sound = ctx && EVP_PKEY_public_check(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	return sound;
}

static const char *finish(struct jwk *key, EVP_PKEY *made)
{
	if (!made)
		return "OpenSSL does not take its numbers";
	key->key = made;
	return is_sound(made) ? NULL : "its numbers are not a sound public key";
}

static const char *read_rsa(const json_t *jwk, struct jwk *key)
{
	CLEANUP(member_fini) struct member n = {0};
	CLEANUP(member_fini) struct member e = {0};
	if (!member_read(jwk, "n", &n) || !member_read(jwk, "e", &e))
		return "'n' and 'e' are not both base64url";
	BIGNUM *modulus = BN_bin2bn(n.at, (int)n.n, NULL);
	BIGNUM *exponent = BN_bin2bn(e.at, (int)e.n, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	const char *wrong = NULL;
	if (!modulus || !exponent || !build)
		wrong = "memory is out";
	else if (BN_num_bits(modulus) < RSA_MIN_BITS || BN_num_bits(modulus) > RSA_MAX_BITS)
		wrong = "its modulus is not 2048 to 8192 bits long";
	else if (!BN_is_odd(exponent) || BN_is_one(exponent) || BN_num_bits(exponent) > 64)
		wrong = "its exponent is not an odd number from 3 to 64 bits";
	else if (!OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) ||
	         !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent))
		wrong = "memory is out";
	else
		wrong = finish(key, key_from("RSA", build));
	OSSL_PARAM_BLD_free(build);
	BN_free(modulus);
	BN_free(exponent);
	for (unsigned alg = JWS_RS256; alg <= JWS_PS512; alg++)
		key->algs |= JWS_ALG_BIT(alg);
	return wrong;
}

static enum jws_alg alg_of_curve(struct sv curve)
{
	for (unsigned alg = JWS_ES256; alg <= JWS_ES512; alg++)
		if (sv_eq(sv_of(jws_alg_info((enum jws_alg)alg)->curve), curve))
			return (enum jws_alg)alg;
	return JWS_UNKNOWN;
}

static const char *read_ec(const json_t *jwk, struct jwk *key)
{
	CLEANUP(member_fini) struct member x = {0};
	CLEANUP(member_fini) struct member y = {0};
	uint8_t point[EC_POINT_MAX_BYTES] = {0x04}; /* uncompressed */
	struct sv curve = json_string_sv(json_object_get(jwk, "crv"));
	enum jws_alg alg = alg_of_curve(curve);
	if (alg == JWS_UNKNOWN)
		return "its curve is not P-256, P-384 or P-521";
	size_t n = jws_alg_info(alg)->coordinate_bytes;
	/* RFC 7518 6.2.1.2: exactly as long as the curve's field */
	if (!member_read(jwk, "x", &x) || !member_read(jwk, "y", &y) || x.n != n || y.n != n)
		return "'x' and 'y' are not both base64url of the curve's length";
	memcpy(point + 1, x.at, n);
	memcpy(point + 1 + n, y.at, n);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *made = NULL;
	if (build &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve.at, curve.n) &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * n))
		made = key_from("EC", build);
	OSSL_PARAM_BLD_free(build);
	key->algs = JWS_ALG_BIT(alg);
	return finish(key, made);
}

static const char *read_okp(const json_t *jwk, struct jwk *key)
{
	CLEANUP(member_fini) struct member x = {0};
	struct sv curve = json_string_sv(json_object_get(jwk, "crv"));
	const char *type = sv_eq(curve, SVL("Ed25519")) ? "ED25519"
	                   : sv_eq(curve, SVL("Ed448")) ? "ED448"
	                                                : NULL;
	if (!type)
		return "its curve is not Ed25519 or Ed448";
	if (!member_read(jwk, "x", &x))
		return "'x' is not base64url";
	key->key = EVP_PKEY_new_raw_public_key_ex(NULL, type, NULL, x.at, x.n);
	key->algs = JWS_ALG_BIT(JWS_EDDSA);
	return key->key ? NULL : "its numbers are not a sound public key";
}

/* RFC 7518 3.2: a key of the hash's size or larger */
static uint32_t hmac_algs(size_t n_secret)
{
	uint32_t algs = 0;
	for (unsigned alg = JWS_HS256; alg <= JWS_HS512; alg++)
		if (n_secret >= jws_alg_info((enum jws_alg)alg)->digest_bytes)
			algs |= JWS_ALG_BIT(alg);
	return algs;
}

static const char *read_oct(const json_t *jwk, struct jwk *key)
{
	struct member k = {0};
	if (!member_read(jwk, "k", &k)) {
		member_fini(&k);
		return "'k' is not base64url";
	}
	key->secret = k.at;
	key->n_secret = k.n;
	key->algs = hmac_algs(k.n);
	return key->algs ? NULL : "its secret is shorter than 32 bytes";
}

static const struct {
	const char *kty;
	const char *(*read)(const json_t *jwk, struct jwk *key);
	bool symmetric;
} types[] = {
	{"RSA", read_rsa, false},
	{"EC", read_ec, false},
	{"OKP", read_okp, false},
	{"oct", read_oct, true},
};

/* RFC 7517 4.2, 4.3: a key for something else than checking signatures is none of ours. */
static const char *wrong_use(const json_t *jwk, unsigned flags)
{
	const json_t *use = json_object_get(jwk, "use"), *ops = json_object_get(jwk, "key_ops");
	size_t i;
	json_t *op;
	if (flags & JWKS_SVID && !sv_eq(json_string_sv(use), SVL("jwt-svid")))
		return "its use is not 'jwt-svid'"; /* JWT-SVID 4 */
	if (use && !(flags & JWKS_SVID) && !sv_eq(json_string_sv(use), SVL("sig")))
		return "its use is not 'sig'";
	if (!ops)
		return NULL;
	if (!json_is_array(ops))
		return "its key_ops is not an array";
	json_array_foreach(ops, i, op) if (sv_eq(json_string_sv(op), SVL("verify"))) return NULL;
	return "its key_ops has no 'verify'";
}

static const char *pin_algorithm(const json_t *jwk, struct jwk *key)
{
	const json_t *alg = json_object_get(jwk, "alg");
	if (!alg)
		return NULL;
	enum jws_alg pinned = jws_alg_find(json_string_sv(alg));
	key->algs &= pinned == JWS_UNKNOWN ? 0 : JWS_ALG_BIT(pinned);
	return key->algs ? NULL : "its alg is unknown or does not fit its type, curve or length";
}

static const char *read_kid(const json_t *jwk, struct jwk *key)
{
	const json_t *kid = json_object_get(jwk, "kid");
	if (!kid)
		return NULL;
	struct sv text = json_string_sv(kid);
	if (text.n == 0 || text.n > JWKS_KID_MAX_BYTES)
		return "its kid is not a string of 1 to 256 bytes";
	key->kid = sv_dup(text);
	return key->kid ? NULL : "memory is out";
}

/* returns why the key cannot be used, or NULL; what was made so far stays in *key for key_fini() */
static const char *read_key(const json_t *jwk, unsigned flags, struct jwk *key)
{
	struct sv kty = json_string_sv(json_object_get(jwk, "kty"));
	const char *wrong = json_is_object(jwk) ? wrong_use(jwk, flags) : "it is not an object";
	for (size_t i = 0; i < ARRAY_LEN(types) && !wrong; i++) {
		if (!sv_eq(sv_of(types[i].kty), kty))
			continue;
		if (types[i].symmetric && !(flags & JWKS_OCT))
			return "symmetric keys are taken from local files only";
		wrong = types[i].read(jwk, key);
		if (!wrong)
			wrong = pin_algorithm(jwk, key);
		return wrong ? wrong : read_kid(jwk, key);
	}
	return wrong ? wrong : "its kty is not RSA, EC, OKP or oct";
}

static void key_fini(struct jwk *key)
{
	free(key->kid);
	EVP_PKEY_free(key->key);
	secret_wipe(key->secret, key->n_secret);
	free(key->secret);
	*key = (struct jwk){0};
}

struct jwks *jwks_ref(struct jwks *set)
{
	refcount_ref(&set->refs);
	return set;
}

void jwks_unref(struct jwks *set)
{
	if (!set || !refcount_unref(&set->refs))
		return;
	for (size_t i = 0; i < set->n; i++)
		key_fini(&set->keys[i]);
	for (size_t i = 0; i < set->n_unusable; i++)
		free(set->unusable[i].kid);
	free(set->keys);
	free(set->unusable);
	free(set);
}

static struct jwks *set_new(size_t room)
{
	struct jwks *set = calloc(1, sizeof(*set));
	if (!set)
		return NULL;
	refcount_init(&set->refs);
	set->keys = calloc(room ? room : 1, sizeof(*set->keys));
	set->unusable = calloc(room ? room : 1, sizeof(*set->unusable));
	if (set->keys && set->unusable)
		return set;
	jwks_unref(set);
	return NULL;
}

struct jwks *jwks_empty(void)
{
	return set_new(0);
}

static void leave_out(const json_t *jwk, const char *why, struct jwks *set)
{
	struct sv kid = json_string_sv(json_object_get(jwk, "kid"));
	struct jwk_unusable *one = &set->unusable[set->n_unusable++];
	one->why = why;
	one->kid = kid.n ? sv_dup(sv_first(kid, JWKS_KID_MAX_BYTES)) : NULL;
}

static void read_keys(const json_t *keys, unsigned flags, struct diag *d, struct jwks *set)
{
	size_t i;
	json_t *jwk;
	json_array_foreach(keys, i, jwk)
	{
		struct jwk key = {0};
		const char *wrong = read_key(jwk, flags, &key);
		if (!wrong) {
			set->keys[set->n++] = key;
			continue;
		}
		char pointer[32];
		leave_out(jwk, wrong, set);
		(void)snprintf(pointer, sizeof(pointer), "/keys/%zu", i);
		diag_add(d, pointer, "unusable_key", "this key is left out: %s", wrong);
		key_fini(&key);
	}
}

int jwks_parse(struct sv text, unsigned flags, struct diag *d, struct jwks **ret)
{
	if (text.n > JWKS_MAX_BYTES) {
		diag_add(d, "", "too_large", "a key set is at most %d bytes", JWKS_MAX_BYTES);
		return -EINVAL;
	}
	CLEANUP(json_decrefp) json_t *document = json_load_strict(text, 0, d);
	const json_t *keys = json_object_get(document, "keys");
	if (!document)
		return -EINVAL;
	if (!json_is_array(keys) || json_array_size(keys) > JWKS_MAX_KEYS) {
		diag_add(d, "", "not_a_key_set",
		         "an object with an array 'keys' of at most %d is expected", JWKS_MAX_KEYS);
		return -EINVAL;
	}
	CLEANUP(jwks_unrefp) struct jwks *set = set_new(json_array_size(keys));
	if (!set)
		return -ENOMEM;
	read_keys(keys, flags, d, set);
	if (set->n == 0) {
		diag_add(d, "/keys", "no_usable_key", "no key in it can check a signature");
		return -ENOKEY;
	}
	*ret = TAKE(set);
	return 0;
}

int jwks_of_secret(struct sv secret, struct jwks **ret)
{
	uint32_t algs = hmac_algs(secret.n);
	if (!algs)
		return -EINVAL;
	CLEANUP(jwks_unrefp) struct jwks *set = set_new(1);
	uint8_t *copy = set ? malloc(secret.n) : NULL;
	if (!copy)
		return -ENOMEM;
	memcpy(copy, secret.at, secret.n);
	set->keys[set->n++] = (struct jwk){.algs = algs, .secret = copy, .n_secret = secret.n};
	*ret = TAKE(set);
	return 0;
}

int jwks_of_key(const json_t *jwk, struct jwks **ret)
{
	CLEANUP(jwks_unrefp) struct jwks *set = set_new(1);
	if (!set)
		return -ENOMEM;
	if (read_key(jwk, false, &set->keys[set->n++]))
		return -EINVAL;
	*ret = TAKE(set);
	return 0;
}

const struct jwk *jwks_next(const struct jwks *set, struct sv kid, enum jws_alg alg, size_t *at)
{
	while (*at < set->n) {
		const struct jwk *key = &set->keys[(*at)++];
		if (kid.n && !sv_eq(sv_of(key->kid), kid))
			continue;
		if (alg != JWS_UNKNOWN && key->algs & JWS_ALG_BIT(alg))
			return key;
	}
	return NULL;
}

bool jwks_has_kid(const struct jwks *set, struct sv kid)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->keys[i].kid && sv_eq(sv_of(set->keys[i].kid), kid))
			return true;
	return false;
}
