/* A proof is refused or it is one that was signed here, for this request and key. The first byte chooses: raw bytes as
 * a proof; or as header and payload, split at the first NUL, which get a good signature so that what is behind the
 * check is reached too. Beside it, a URI equals itself and what it is read from, whatever it is. */
#include "authn/jwks.h"
#include "authn/proof.h"
#include "authn/proofkeys.h"
#include "authn/thumbprint.h"
#include "core/encode.h"
#include "core/jsonload.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1000000, PART_MAX = 4096 };

/* A key that every run has, so that inputs found in one are worth something in the next: RFC 7515 A.3 */
static const uint8_t secret[32] = {0x8e, 0x9b, 0x10, 0x9e, 0x71, 0x90, 0x98, 0xbf, 0x98, 0x04, 0x87,
                                   0xdf, 0x1f, 0x5d, 0x77, 0xe9, 0xcb, 0x29, 0x60, 0x6e, 0xbe, 0xd2,
                                   0x26, 0x3b, 0x5f, 0x57, 0xc2, 0x13, 0xdf, 0x84, 0xf4, 0xb2};
static const char jwk[] =
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";

struct bench {
	EVP_PKEY *key;
	struct sha256 *sha256;
	struct proofkeys *keys;
	uint8_t thumbprint[SHA256_BYTES];
	struct htu uri;
	struct proof_wanted wanted;
};

/* The private half, from its number and the public point. */
static EVP_PKEY *private_key(void)
{
	json_t *parsed = json_load_strict(SVL(jwk), 0, NULL);
	uint8_t point[65 + 3] = {4}, number[32];
	size_t n = 0;
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	HOLDS(base64url_decode(json_string_sv(json_object_get(parsed, "x")), point + 1, &n));
	HOLDS(base64url_decode(json_string_sv(json_object_get(parsed, "y")), point + 33, &n));
	for (size_t i = 0; i < sizeof(number); i++) /* in the machine's order */
		number[i] = secret[sizeof(number) - 1 - i];
	char group[] = "P-256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 65),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, number, sizeof(number)),
		OSSL_PARAM_construct_end(),
	};
	HOLDS(ctx && EVP_PKEY_fromdata_init(ctx) == 1);
	HOLDS(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, (OSSL_PARAM *)(uintptr_t)params) == 1);
	EVP_PKEY_CTX_free(ctx);
	json_decref(parsed);
	return key;
}

static void prepare(struct bench *b)
{
	json_t *parsed = json_load_strict(SVL(jwk), 0, NULL);
	b->key = private_key();
	b->sha256 = sha256_new();
	b->keys = proofkeys_new();
	HOLDS(b->sha256 && b->keys && thumbprint_of(b->sha256, parsed, b->thumbprint));
	HOLDS(htu_read(SVL("https://a.example/b"), &b->uri));
	b->wanted = (struct proof_wanted){.key = b->thumbprint,
	                                  .method = SV("GET"),
	                                  .token = SV("t"),
	                                  .uris = &b->uri,
	                                  .n_uris = 1,
	                                  .oldest_s = NOW - 60,
	                                  .newest_s = NOW + 5};
	json_decref(parsed);
}

/* header NUL payload -> a proof with a good signature */
static struct sv sign(const struct bench *b, struct sv parts, char *to)
{
	struct sv header = sv_first(parts, MIN_OF(sv_find(parts, '\0'), (size_t)PART_MAX));
	struct sv payload = sv_first(sv_from(parts, header.n + 1), PART_MAX);
	uint8_t der[128], raw[64];
	size_t n = base64url_encode(header, to).n, n_der = sizeof(der);
	to[n++] = '.';
	n += base64url_encode(payload, to + n).n;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	HOLDS(ctx && EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, b->key, NULL) == 1);
	HOLDS(EVP_DigestSign(ctx, der, &n_der, (unsigned char *)to, n) == 1);
	EVP_MD_CTX_free(ctx);
	const uint8_t *at = der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)n_der);
	HOLDS(sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) == 32);
	HOLDS(BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) == 32);
	ECDSA_SIG_free(sig);
	to[n++] = '.';
	n += base64url_encode((struct sv){(char *)raw, sizeof(raw)}, to + n).n;
	return (struct sv){to, n};
}

/* What a good proof promises. */
static void check(const struct proof *proof)
{
	HOLDS(json_is_object(proof->claims));
	HOLDS(proof->jti.n > 0 && proof->jti.n <= PROOF_JTI_MAX_BYTES);
	HOLDS(proof->nonce.n <= PROOF_NONCE_MAX_BYTES);
	HOLDS(proof->issued_s >= NOW - 60 && proof->issued_s <= NOW + 5);
	HOLDS(sv_eq(json_string_sv(json_object_get(proof->claims, "htm")), SVL("GET")));
}

static void check_uri(struct sv text, const struct bench *b)
{
	struct htu uri, again;
	if (!htu_read(text, &uri))
		return;
	HOLDS(uri.host.n > 0 && uri.port > 0 && uri.port < 65536);
	HOLDS(sv_find(uri.path, '?') == uri.path.n && sv_find(uri.path, '#') == uri.path.n);
	HOLDS(htu_same(&uri, &b->uri) == htu_same(&b->uri, &uri));
	HOLDS(htu_of(uri.is_https, uri.host, uri.path, &again));
	again.port = uri.port;
	HOLDS(htu_same(&uri, &again) == htu_same(&again, &uri));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bench b;
	static char made[4 * PART_MAX];
	if (!b.key)
		prepare(&b);
	struct sv input = {(const char *)data, size};
	bool is_signed = size > 0 && data[0] == 'S';
	struct sv text = is_signed ? sign(&b, sv_from(input, 1), made) : sv_from(input, 1);
	struct proof proof;
	enum reason why = REASON_INTERNAL, again = REASON_INTERNAL;
	bool good = proof_read(text, &b.wanted, b.sha256, b.keys, &proof, &why);
	if (good) {
		check(&proof);
		proof_fini(&proof);
	}
	HOLDS(good == (why == REASON_INTERNAL));
	HOLDS(!good || is_signed);
	bool second = proof_read(text, &b.wanted, b.sha256, b.keys, &proof, &again);
	if (second)
		proof_fini(&proof);
	HOLDS(second == good && again == why);
	check_uri(sv_from(input, 1), &b);
	return 0;
}
