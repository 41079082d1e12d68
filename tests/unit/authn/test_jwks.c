/* Which keys of a set may check a signature, and what is said of the others. */
#include "minter.h"

#include <errno.h>

#define RSA_N                                                                                     \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_" \
	"BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-"         \
	"65YGjQR0_"                                                                               \
	"FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt"        \
	"-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
#define P256_X "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define P256_Y "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
#define OKP_X  "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define SECRET \
	"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
#define RSA "'kty':'RSA','n':'" RSA_N "','e':'AQAB'"
#define EC  "'kty':'EC','crv':'P-256','x':'" P256_X "','y':'" P256_Y "'"
#define OKP "'kty':'OKP','crv':'Ed25519','x':'" OKP_X "'"
#define OCT "'kty':'oct','k':'" SECRET "'"

#define RSA_ALGS                                                                    \
	(JWS_ALG_BIT(JWS_RS256) | JWS_ALG_BIT(JWS_RS384) | JWS_ALG_BIT(JWS_RS512) | \
	 JWS_ALG_BIT(JWS_PS256) | JWS_ALG_BIT(JWS_PS384) | JWS_ALG_BIT(JWS_PS512))
#define HS_ALGS (JWS_ALG_BIT(JWS_HS256) | JWS_ALG_BIT(JWS_HS384) | JWS_ALG_BIT(JWS_HS512))

/* One key, and the algorithms it may check: 0, it is left out, and why. */
static const struct {
	const char *key;
	uint32_t algs;
	const char *why;
} rows[] = {
	{RSA, RSA_ALGS, NULL},
	{EC, JWS_ALG_BIT(JWS_ES256), NULL},
	{OKP, JWS_ALG_BIT(JWS_EDDSA), NULL},
	{OCT, HS_ALGS, NULL},
	/* alg pins */
	{RSA ",'alg':'RS256'", JWS_ALG_BIT(JWS_RS256), NULL},
	{RSA ",'alg':'PS512'", JWS_ALG_BIT(JWS_PS512), NULL},
	{OCT ",'alg':'HS512'", JWS_ALG_BIT(JWS_HS512), NULL},
	{EC ",'alg':'ES256'", JWS_ALG_BIT(JWS_ES256), NULL},
	{RSA ",'alg':'HS256'", 0, "its alg"},
	{RSA ",'alg':'ES256'", 0, "its alg"},
	{EC ",'alg':'ES384'", 0, "its alg"},
	{OCT ",'alg':'RS256'", 0, "its alg"},
	{RSA ",'alg':'none'", 0, "its alg"},
	{RSA ",'alg':'rs256'", 0, "its alg"},
	{RSA ",'alg':''", 0, "its alg"},
	{RSA ",'alg':null", 0, "its alg"},
	{RSA ",'alg':256", 0, "its alg"},
	{RSA ",'alg':['RS256']", 0, "its alg"},
	{RSA ",'alg':'RSA-OAEP'", 0, "its alg"},
	/* use, key_ops */
	{RSA ",'use':'sig'", RSA_ALGS, NULL},
	{RSA ",'use':'enc'", 0, "its use"},
	{RSA ",'use':''", 0, "its use"},
	{RSA ",'use':null", 0, "its use"},
	{RSA ",'key_ops':['verify']", RSA_ALGS, NULL},
	{RSA ",'key_ops':['sign','verify']", RSA_ALGS, NULL},
	{RSA ",'key_ops':['sign']", 0, "key_ops"},
	{RSA ",'key_ops':[]", 0, "key_ops"},
	{RSA ",'key_ops':'verify'", 0, "key_ops"},
	{RSA ",'key_ops':['Verify']", 0, "key_ops"},
	{RSA ",'key_ops':['encrypt'],'use':'sig'", 0, "key_ops"},
	/* kid */
	{EC ",'kid':'one'", JWS_ALG_BIT(JWS_ES256), NULL},
	{EC ",'kid':''", 0, "kid"},
	{EC ",'kid':1", 0, "kid"},
	{EC ",'kid':null", 0, "kid"},
	/* numbers that are no key */
	{"'kty':'RSA','n':'" RSA_N "'", 0, "'n' and 'e'"},
	{"'kty':'RSA','e':'AQAB'", 0, "'n' and 'e'"},
	{"'kty':'RSA','n':'" RSA_N "=','e':'AQAB'", 0, "'n' and 'e'"},
	{"'kty':'RSA','n':'" RSA_N "','e':'AQ'", 0, "exponent"},
	{"'kty':'RSA','n':'" RSA_N "','e':'Ag'", 0, "exponent"},
	{"'kty':'RSA','n':'" RSA_N "','e':'AA'", 0, "exponent"},
	{"'kty':'RSA','n':'AQAB','e':'AQAB'", 0, "2048"},
	{"'kty':'EC','crv':'P-256','x':'" P256_X "'", 0, "'x' and 'y'"},
	{"'kty':'EC','crv':'P-256','x':'" P256_X "','y':'" P256_X "'", 0, "sound|OpenSSL"},
	{"'kty':'EC','crv':'P-384','x':'" P256_X "','y':'" P256_Y "'", 0, "length"},
	{"'kty':'EC','crv':'secp256k1','x':'" P256_X "','y':'" P256_Y "'", 0, "curve"},
	{"'kty':'EC','crv':'p-256','x':'" P256_X "','y':'" P256_Y "'", 0, "curve"},
	{"'kty':'EC','x':'" P256_X "','y':'" P256_Y "'", 0, "curve"},
	{"'kty':'EC','crv':'P-256','x':'','y':''", 0, "'x' and 'y'"},
	{"'kty':'OKP','crv':'X25519','x':'" OKP_X "'", 0, "curve"},
	{"'kty':'OKP','crv':'Ed25519','x':'AQAB'", 0, "sound"},
	{"'kty':'OKP','crv':'Ed448','x':'" OKP_X "'", 0, "sound"},
	{"'kty':'OKP','crv':'Ed25519'", 0, "'x'"},
	{"'kty':'oct','k':'c2hvcnQ'", 0, "shorter"},
	{"'kty':'oct','k':''", 0, "'k'"},
	{"'kty':'oct'", 0, "'k'"},
	/* kinds that are none */
	{"'kty':'rsa','n':'" RSA_N "','e':'AQAB'", 0, "kty"},
	{"'kty':'oKP','crv':'Ed25519','x':'" OKP_X "'", 0, "kty"},
	{"'kty':null", 0, "kty"},
	{"'k':'" SECRET "'", 0, "kty"},
	{"", 0, "kty"},
};

static char *set_text(const char *key)
{
	char *text = NULL;
	assert_true(asprintf(&text, "{'keys':[{%s}]}", key) > 0);
	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	/* members that are named in a message keep their own quotes: there are none in rows */
	return text;
}

static bool says(const struct diag *d, const char *either)
{
	struct sv rest = sv_of(either), part;
	while (sv_cut(&rest, '|', &part))
		for (size_t i = 0; i < d->n; i++)
			if (memmem(d->items[i].message, strlen(d->items[i].message), part.at,
			           part.n))
				return true;
	return false;
}

static void each_key_is_pinned_or_left_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = set_text(rows[i].key);
		struct diag d = diag_over("test", sv_of(text));
		struct jwks *set = NULL;
		int r = jwks_parse(sv_of(text), JWKS_OCT, &d, &set);
		if (rows[i].algs) {
			assert_int_equal(r, 0);
			assert_int_equal(set->n, 1);
			assert_int_equal(set->keys[0].algs, rows[i].algs);
		} else {
			if (r != -ENOKEY || !says(&d, rows[i].why))
				print_error("row %zu: %s\n", i, rows[i].key);
			assert_int_equal(r, -ENOKEY);
			assert_true(says(&d, rows[i].why));
		}
		jwks_unref(set);
		diag_fini(&d);
		free(text);
	}
}

/* A SPIFFE bundle has keys for certificates too; those sign no tokens, nor do keys of other sets. */
static void a_bundle_gives_the_keys_for_jwt_svids(void **state)
{
	(void)state;
	static const struct {
		const char *use;
		int in_set, in_bundle;
	} uses[] = {
		{",\"use\":\"sig\"", 0, -ENOKEY},
		{",\"use\":\"jwt-svid\"", -ENOKEY, 0},
		{",\"use\":\"x509-svid\"", -ENOKEY, -ENOKEY},
		{"", 0, -ENOKEY},
	};
	struct minter m = minter_make(JWS_ES256);
	for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
		char *text = minter_jwks(&m, uses[i].use);
		struct jwks *set = NULL, *bundle = NULL;
		assert_int_equal(jwks_parse(sv_of(text), 0, NULL, &set), uses[i].in_set);
		assert_int_equal(jwks_parse(sv_of(text), JWKS_SVID, NULL, &bundle),
		                 uses[i].in_bundle);
		jwks_unref(set);
		jwks_unref(bundle);
		free(text);
	}
	minter_fini(&m);
}

/* A shared secret in what was fetched over the network is never a key. */
static void symmetric_keys_come_from_files_only(void **state)
{
	(void)state;
	char *text = set_text(OCT);
	struct diag d = diag_over("test", sv_of(text));
	struct jwks *set = NULL;
	assert_int_equal(jwks_parse(sv_of(text), 0, &d, &set), -ENOKEY);
	assert_true(says(&d, "local files"));
	assert_null(set);
	diag_fini(&d);
	free(text);
}

static void a_bad_key_is_dropped_and_not_its_set(void **state)
{
	(void)state;
	char *text = set_text(RSA ",'use':'enc'},{" EC ",'kid':'b'},{},{" OKP ",'kid':'c'");
	struct diag d = diag_over("test", sv_of(text));
	struct jwks *set = NULL;
	assert_int_equal(jwks_parse(sv_of(text), 0, &d, &set), 0);
	assert_int_equal(set->n, 2);
	assert_string_equal(set->keys[0].kid, "b");
	assert_string_equal(set->keys[1].kid, "c");
	assert_int_equal(d.n, 2);
	assert_string_equal(d.items[0].pointer, "/keys/0");
	assert_string_equal(d.items[1].pointer, "/keys/2");
	jwks_unref(set);
	diag_fini(&d);
	free(text);
}

static void what_is_no_key_set(void **state)
{
	static const struct {
		const char *text;
		int error;
	} texts[] = {
		{"", -EINVAL},
		{"{", -EINVAL},
		{"[]", -EINVAL},
		{"{}", -EINVAL},
		{"{\"keys\":{}}", -EINVAL},
		{"{\"keys\":null}", -EINVAL},
		{"{\"keys\":[]}", -ENOKEY},
		{"{\"keys\":[null,1,\"x\",[]]}", -ENOKEY},
		{"{\"keys\":[],\"keys\":[]}", -EINVAL},
		{"{\"keys\":[{\"kty\":\"oct\",\"kty\":\"RSA\"}]}", -EINVAL},
		{"{\"keys\":[]} x", -EINVAL},
		{"{\"keys\":[{\"kid\":\"\xff\"}]}", -EINVAL},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct diag d = diag_over("test", sv_of(texts[i].text));
		struct jwks *set = NULL;
		assert_int_equal(jwks_parse(sv_of(texts[i].text), JWKS_OCT, &d, &set),
		                 texts[i].error);
		assert_null(set);
		assert_true(d.n > 0);
		diag_fini(&d);
	}
}

static void sizes_are_bounded(void **state)
{
	(void)state;
	char *many = malloc(JWKS_MAX_BYTES + 2);
	assert_non_null(many);
	memset(many, ' ', JWKS_MAX_BYTES + 1);
	struct diag d = diag_over("test", SVL(""));
	struct jwks *set = NULL;
	assert_int_equal(jwks_parse((struct sv){many, JWKS_MAX_BYTES + 1}, JWKS_OCT, &d, &set),
	                 -EINVAL);
	size_t n = (size_t)sprintf(many, "{\"keys\":[{}");
	for (int i = 0; i < JWKS_MAX_KEYS; i++)
		n += (size_t)sprintf(many + n, ",{}");
	n += (size_t)sprintf(many + n, "]}");
	assert_int_equal(jwks_parse((struct sv){many, n}, JWKS_OCT, &d, &set), -EINVAL);
	diag_fini(&d);
	free(many);
}

static void keys_are_found_by_kid_and_algorithm(void **state)
{
	(void)state;
	char *text = set_text(RSA ",'kid':'a'},{" EC ",'kid':'a'},{" EC "},{" RSA
	                          ",'kid':'b','alg':'RS512'");
	struct diag d = diag_over("test", sv_of(text));
	struct jwks *set = NULL;
	assert_int_equal(jwks_parse(sv_of(text), 0, &d, &set), 0);
	assert_int_equal(set->n, 4);
	size_t at = 0;
	assert_ptr_equal(jwks_next(set, SVL("a"), JWS_ES256, &at), &set->keys[1]);
	assert_null(jwks_next(set, SVL("a"), JWS_ES256, &at));
	at = 0; /* no kid in the token: every key that can */
	assert_ptr_equal(jwks_next(set, SVL(""), JWS_ES256, &at), &set->keys[1]);
	assert_ptr_equal(jwks_next(set, SVL(""), JWS_ES256, &at), &set->keys[2]);
	assert_null(jwks_next(set, SVL(""), JWS_ES256, &at));
	at = 0;
	assert_null(jwks_next(set, SVL("b"), JWS_RS256, &at));
	at = 0;
	assert_ptr_equal(jwks_next(set, SVL("b"), JWS_RS512, &at), &set->keys[3]);
	at = 0;
	assert_null(jwks_next(set, SVL("A"), JWS_ES256, &at));
	at = 0;
	assert_null(jwks_next(set, SVL("a"), JWS_UNKNOWN, &at));
	assert_true(jwks_has_kid(set, SVL("b")));
	assert_false(jwks_has_kid(set, SVL("c")));
	jwks_unref(set);
	diag_fini(&d);
	free(text);
}

static void secrets_of_files_are_long_enough(void **state)
{
	static const char bytes[64] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";
	static const struct {
		size_t n;
		uint32_t algs;
	} lengths[] = {
		{0, 0},
		{31, 0},
		{32, JWS_ALG_BIT(JWS_HS256)},
		{48, JWS_ALG_BIT(JWS_HS256) | JWS_ALG_BIT(JWS_HS384)},
		{64, HS_ALGS},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct jwks *set = NULL;
		int r = jwks_of_secret((struct sv){bytes, lengths[i].n}, &set);
		assert_int_equal(r, lengths[i].algs ? 0 : -EINVAL);
		if (set)
			assert_int_equal(set->keys[0].algs, lengths[i].algs);
		jwks_unref(set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_key_is_pinned_or_left_out),
		cmocka_unit_test(a_bundle_gives_the_keys_for_jwt_svids),
		cmocka_unit_test(symmetric_keys_come_from_files_only),
		cmocka_unit_test(a_bad_key_is_dropped_and_not_its_set),
		cmocka_unit_test(what_is_no_key_set),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(keys_are_found_by_kid_and_algorithm),
		cmocka_unit_test(secrets_of_files_are_long_enough),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
