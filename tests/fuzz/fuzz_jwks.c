/* A key set is refused with an item that says why, or each of its keys is fit for what it is pinned to. */
#include "authn/jwks.h"

#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct jws_verifier *v, const struct jwk *key, bool allow_oct)
{
	static const char zeros[512];
	HOLDS(key->algs != 0 && !(key->algs & JWS_ALG_BIT(JWS_UNKNOWN)));
	HOLDS(!key->key != !key->secret);
	HOLDS(allow_oct || !key->secret);
	HOLDS(!key->secret || key->n_secret >= 32);
	HOLDS(!key->kid || strlen(key->kid) > 0);
	for (unsigned alg = 0; alg < JWS_ALG_COUNT; alg++) {
		size_t n = key->key ? (size_t)EVP_PKEY_get_size(key->key) : 32;
		HOLDS(!jws_verify(v, (enum jws_alg)alg, key, SVL("a.b"),
		                  (struct sv){zeros, MIN_OF(n, sizeof(zeros))}));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct jws_verifier *v;
	struct sv text = {(const char *)data, size};
	if (!v)
		v = jws_verifier_new();
	for (unsigned flags = 0; flags <= (JWKS_OCT | JWKS_SVID); flags++) {
		struct diag d = diag_over("fuzz", text);
		struct jwks *set = NULL;
		int r = jwks_parse(text, flags, &d, &set);
		HOLDS((r == 0) == (set != NULL) && (r == 0 || d.n > 0));
		for (size_t i = 0; set && i < set->n; i++)
			check(v, &set->keys[i], flags & JWKS_OCT);
		jwks_unref(set);
		diag_fini(&d);
	}
	return 0;
}
