/* Each algorithm against its own key, and against every change of what was signed. */
#include "authn/jwt.h"
#include "minter.h"

static void refuses_every_changed_bit_sample(struct jws_verifier *v, const struct jwk *key,
                                             enum jws_alg alg, struct sv input, uint8_t *signature,
                                             size_t n)
{
	const struct sv good = {(const char *)signature, n};
	for (size_t bit = 0; bit<n * 8; bit += n> 80 ? 61 : 7) {
		signature[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_false(jws_verify(v, alg, key, input, good));
		signature[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	assert_true(jws_verify(v, alg, key, input, good));
}

static void refuses_other_lengths(struct jws_verifier *v, const struct jwk *key, enum jws_alg alg,
                                  struct sv input, uint8_t *signature, size_t n)
{
	signature[n] = 0;
	assert_false(jws_verify(v, alg, key, input, (struct sv){(char *)signature, n + 1}));
	assert_false(jws_verify(v, alg, key, input, (struct sv){(char *)signature, n - 1}));
	assert_false(jws_verify(v, alg, key, input, (struct sv){(char *)signature, n / 2}));
	assert_false(jws_verify(v, alg, key, input, (struct sv){(char *)signature, 0}));
	assert_false(jws_verify(v, alg, key, input, (struct sv){(char *)signature + 1, n - 1}));
}

/* Zeros, ones, and r = s = 0: what a check that forgets its ranges lets through (CVE-2022-21449). */
static void refuses_degenerate(struct jws_verifier *v, const struct jwk *key, enum jws_alg alg,
                               struct sv input, size_t n)
{
	uint8_t made[1024];
	for (int fill = 0; fill < 256; fill += 255) {
		memset(made, fill, n);
		assert_false(jws_verify(v, alg, key, input, (struct sv){(char *)made, n}));
	}
	memset(made, 0, n);
	made[n - 1] = made[n / 2 - 1] = 1;
	assert_false(jws_verify(v, alg, key, input, (struct sv){(char *)made, n}));
}

static void refuses_other_algorithms(struct jws_verifier *v, const struct jwk *key,
                                     enum jws_alg own, struct sv input, struct sv signature)
{
	for (unsigned alg = 0; alg <= JWS_ALG_COUNT; alg++)
		if (alg != own)
			assert_false(jws_verify(v, (enum jws_alg)alg, key, input, signature));
}

static void every_algorithm_checks_its_own_and_nothing_else(void **state)
{
	(void)state;
	struct jws_verifier *v = jws_verifier_new();
	struct sv input = SVL("eyJhbGciOiJ4In0.e30"), other = SVL("eyJhbGciOiJ4In0.e31");
	for (unsigned i = JWS_UNKNOWN + 1; i < JWS_ALG_COUNT; i++) {
		enum jws_alg alg = (enum jws_alg)i;
		struct minter m = minter_make(alg);
		struct jwks *set = minter_set(&m, "");
		uint8_t signature[1024];
		size_t n = minter_signature(&m, alg, input, signature), at = 0;
		struct sv signed_by = {(const char *)signature, n};
		const struct jwk *key = jwks_next(set, SVL(""), alg, &at);
		assert_non_null(key);
		assert_true(jws_verify(v, alg, key, input, signed_by));
		assert_false(jws_verify(v, alg, key, other, signed_by));
		assert_false(jws_verify(v, alg, key, SVL(""), signed_by));
		refuses_every_changed_bit_sample(v, key, alg, input, signature, n);
		refuses_other_lengths(v, key, alg, input, signature, n);
		refuses_degenerate(v, key, alg, input, n);
		refuses_other_algorithms(v, key, alg, input, signed_by);
		jwks_unref(set);
		minter_fini(&m);
	}
	jws_verifier_free(v);
}

/* More keys than the verifier keeps prepared, over and over, each with its own answer. */
static void prepared_keys_are_not_mixed_up(void **state)
{
	(void)state;
	enum { N = 20 };
	struct jws_verifier *v = jws_verifier_new();
	struct minter m[N];
	struct jwks *set[N];
	static uint8_t signature[N][1024];
	size_t n[N];
	struct sv input = SVL("a.b");
	for (int i = 0; i < N; i++) {
		m[i] = minter_make(i % 2 ? JWS_ES256 : JWS_ES384);
		set[i] = minter_set(&m[i], "");
		n[i] = minter_signature(&m[i], m[i].alg, input, signature[i]);
	}
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < N; i++)
			for (int k = 0; k < N; k += 2) {
				int other = (i + k) % N;
				struct sv s = {(const char *)signature[other], n[other]};
				bool good = jws_verify(v, m[other].alg, set[i]->keys, input, s);
				assert_int_equal(good, i == other);
			}
	for (int i = 0; i < N; i++) {
		jwks_unref(set[i]);
		minter_fini(&m[i]);
	}
	jws_verifier_free(v);
}

/* A freed key's context must not answer for the key that comes to stand in its place. */
static void keys_come_and_go(void **state)
{
	(void)state;
	struct jws_verifier *v = jws_verifier_new();
	struct sv input = SVL("a.b");
	uint8_t last[1024];
	size_t n_last = 0;
	for (int i = 0; i < 40; i++) {
		struct minter m = minter_make(JWS_ES256);
		struct jwks *set = minter_set(&m, "");
		if (n_last)
			assert_false(jws_verify(v, JWS_ES256, set->keys, input,
			                        (struct sv){(char *)last, n_last}));
		n_last = minter_signature(&m, JWS_ES256, input, last);
		assert_true(jws_verify(v, JWS_ES256, set->keys, input,
		                       (struct sv){(char *)last, n_last}));
		jwks_unref(set);
		minter_fini(&m);
	}
	jws_verifier_free(v);
}

/* PSS with another salt length, or a PKCS1 signature under PS256 and the other way round. */
static void paddings_are_not_exchanged(void **state)
{
	(void)state;
	struct jws_verifier *v = jws_verifier_new();
	struct minter m = minter_make(JWS_RS256);
	struct jwks *set = minter_set(&m, "");
	struct sv input = SVL("a.b");
	uint8_t pkcs1[1024], pss[1024];
	size_t n = minter_signature(&m, JWS_RS256, input, pkcs1);
	assert_int_equal(minter_signature(&m, JWS_PS256, input, pss), n);
	const struct jwk *key = set->keys;
	assert_true(jws_verify(v, JWS_RS256, key, input, (struct sv){(char *)pkcs1, n}));
	assert_true(jws_verify(v, JWS_PS256, key, input, (struct sv){(char *)pss, n}));
	assert_false(jws_verify(v, JWS_PS256, key, input, (struct sv){(char *)pkcs1, n}));
	assert_false(jws_verify(v, JWS_RS256, key, input, (struct sv){(char *)pss, n}));
	assert_false(jws_verify(v, JWS_RS512, key, input, (struct sv){(char *)pkcs1, n}));
	assert_false(jws_verify(v, JWS_PS512, key, input, (struct sv){(char *)pss, n}));
	jwks_unref(set);
	minter_fini(&m);
	jws_verifier_free(v);
}

/* A good ECDSA signature in DER, as a certificate would carry it. */
static void der_is_no_jws_signature(void **state)
{
	(void)state;
	struct jws_verifier *v = jws_verifier_new();
	struct minter m = minter_make(JWS_ES256);
	struct jwks *set = minter_set(&m, "");
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[128];
	size_t n = sizeof(der);
	assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, m.key, NULL), 1);
	assert_int_equal(EVP_DigestSign(ctx, der, &n, (const unsigned char *)"a.b", 3), 1);
	EVP_MD_CTX_free(ctx);
	assert_false(jws_verify(v, JWS_ES256, set->keys, SVL("a.b"), (struct sv){(char *)der, n}));
	jwks_unref(set);
	minter_fini(&m);
	jws_verifier_free(v);
}

/* RFC 7515 A.1: HS256 with a known key, to the byte. */
static void the_rfcs_own_example_holds(void **state)
{
	(void)state;
	static const char jwks[] =
		"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-"
		"EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}]}";
	static const char token[] =
		"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkz"
		"ODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-"
		"mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
	struct diag d = diag_over("test", SVL(jwks));
	struct jws_verifier *v = jws_verifier_new();
	struct jwks *set = NULL;
	struct jws_compact parts;
	struct jwt_header header;
	enum reason why;
	assert_int_equal(jwks_parse(SVL(jwks), JWKS_OCT, &d, &set), 0);
	assert_true(jws_split(SVL(token), &parts));
	assert_true(jwt_header_read(parts.header, &header, &why));
	assert_true(jwt_signature_check(v, set, &header, &parts, &why));
	json_decref(header.document);
	jwks_unref(set);
	jws_verifier_free(v);
	diag_fini(&d);
}

static void a_token_has_three_parts(void **state)
{
	static const struct {
		const char *token;
		bool good;
	} rows[] = {
		{"a.b.c", true},   {"a..c", true},     {"", false},          {".", false},
		{"..", false},     {"a.b", false},     {"a.b.", false},      {".b.c", false},
		{"a.b.c.", false}, {"a.b.c.d", false}, {"a.b.c.d.e", false}, {"abc", false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct jws_compact parts;
		assert_int_equal(jws_split(sv_of(rows[i].token), &parts), rows[i].good);
	}
}

/* One verifier serves tokens of many issuers: none leaves anything behind that spoils the next. */
static void algorithms_take_turns(void **state)
{
	static const enum jws_alg turns[] = {JWS_ES256, JWS_EDDSA, JWS_ES256, JWS_EDDSA, JWS_PS256,
	                                     JWS_EDDSA, JWS_HS256, JWS_ES384, JWS_EDDSA, JWS_EDDSA};
	struct jws_verifier *v = jws_verifier_new();
	struct sv input = SVL("eyJhbGciOiJ4In0.e30");
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(turns); i++) {
		struct minter m = minter_make(turns[i]);
		struct jwks *set = minter_set(&m, "");
		uint8_t signature[1024];
		size_t n = minter_signature(&m, turns[i], input, signature), at = 0;
		const struct jwk *key = jwks_next(set, SVL(""), turns[i], &at);
		assert_true(jws_verify(v, turns[i], key, input, (struct sv){(char *)signature, n}));
		jwks_unref(set);
		minter_fini(&m);
	}
	jws_verifier_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm_checks_its_own_and_nothing_else),
		cmocka_unit_test(algorithms_take_turns),
		cmocka_unit_test(prepared_keys_are_not_mixed_up),
		cmocka_unit_test(keys_come_and_go),
		cmocka_unit_test(paddings_are_not_exchanged),
		cmocka_unit_test(der_is_no_jws_signature),
		cmocka_unit_test(the_rfcs_own_example_holds),
		cmocka_unit_test(a_token_has_three_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
