/* Headers and claims as attackers write them, and what each is refused with. */
#include "authn/jwt.h"
#include "core/jsonload.h"
#include "minter.h"

static char *quoted(const char *text)
{
	char *copy = strdup(text);
	assert_non_null(copy);
	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	return copy;
}

/* REASON_INTERNAL: the header is taken. */
static const struct {
	const char *header;
	enum reason why;
} headers[] = {
	{"{'alg':'RS256'}", REASON_INTERNAL},
	{"{'alg':'EdDSA','kid':'1','typ':'JWT'}", REASON_INTERNAL},
	{"{'alg':'RS256','typ':'application/at+jwt'}", REASON_INTERNAL},
	{" {\"alg\" : \"RS256\" } ", REASON_INTERNAL},
	/* none, in every spelling */
	{"{'alg':'none'}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':'None'}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':'NONE'}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':'nOnE'}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':''}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':'none\\u0000'}", REASON_TOKEN_MALFORMED},
	{"{}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':null}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':0}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':true}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':['RS256']}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':{'RS256':1}}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'Alg':'RS256'}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':'rs256'}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':'RS256 '}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':'RS2560'}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':'ES256K'}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':'RS1'}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':'HS1'}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':'dir','enc':'A256GCM'}", REASON_ALGORITHM_NOT_ALLOWED},
	{"{'alg':'RSA-OAEP'}", REASON_ALGORITHM_NOT_ALLOWED},
	/* members twice, also behind an escape */
	{"{'alg':'none','alg':'RS256'}", REASON_TOKEN_MALFORMED},
	{"{'alg':'RS256','\\u0061lg':'none'}", REASON_TOKEN_MALFORMED},
	{"{'alg':'RS256','kid':'1','kid':'2'}", REASON_TOKEN_MALFORMED},
	{"{'alg':'RS256','x':{'a':1,'a':2}}", REASON_TOKEN_MALFORMED},
	/* extensions that change what is signed */
	{"{'alg':'RS256','crit':['exp']}", REASON_TOKEN_CRITICAL_HEADER},
	{"{'alg':'RS256','crit':[]}", REASON_TOKEN_CRITICAL_HEADER},
	{"{'alg':'RS256','crit':null}", REASON_TOKEN_CRITICAL_HEADER},
	{"{'alg':'RS256','crit':'b64'}", REASON_TOKEN_CRITICAL_HEADER},
	{"{'alg':'RS256','b64':false}", REASON_TOKEN_CRITICAL_HEADER},
	{"{'alg':'RS256','b64':true}", REASON_TOKEN_CRITICAL_HEADER},
	{"{'alg':'RS256','zip':'DEF'}", REASON_TOKEN_CRITICAL_HEADER},
	/* keys of the sender's choice are not looked at */
	{"{'alg':'RS256','jku':'https://evil.example/keys'}", REASON_INTERNAL},
	{"{'alg':'RS256','jwk':{'kty':'oct','k':'AAAA'}}", REASON_INTERNAL},
	{"{'alg':'RS256','x5u':'file:///etc/passwd','x5c':['AAAA']}", REASON_INTERNAL},
	/* kid, typ */
	{"{'alg':'RS256','kid':''}", REASON_TOKEN_HEADER},
	{"{'alg':'RS256','kid':1}", REASON_TOKEN_HEADER},
	{"{'alg':'RS256','kid':null}", REASON_TOKEN_HEADER},
	{"{'alg':'RS256','kid':['1']}", REASON_TOKEN_HEADER},
	{"{'alg':'RS256','kid':'../../../dev/null'}", REASON_INTERNAL},
	{"{'alg':'RS256','kid':'1; drop table'}", REASON_INTERNAL},
	{"{'alg':'RS256','typ':''}", REASON_TOKEN_HEADER},
	{"{'alg':'RS256','typ':{}}", REASON_TOKEN_HEADER},
	/* not one object */
	{"", REASON_TOKEN_MALFORMED},
	{"[]", REASON_TOKEN_MALFORMED},
	{"null", REASON_TOKEN_MALFORMED},
	{"'RS256'", REASON_TOKEN_MALFORMED},
	{"{'alg':'RS256'", REASON_TOKEN_MALFORMED},
	{"{'alg':'RS256'}}", REASON_TOKEN_MALFORMED},
	{"{'alg':'RS256'} {'alg':'none'}", REASON_TOKEN_MALFORMED},
	{"{alg:'RS256'}", REASON_TOKEN_MALFORMED},
	{"{'alg':'RS256',}", REASON_TOKEN_MALFORMED},
	{"{'alg':'RS256','x':'\xc3\x28'}", REASON_TOKEN_MALFORMED},
	{"{'alg':'RS256','x':'\xed\xa0\x80'}", REASON_TOKEN_MALFORMED},
	{"{'alg':'RS256','x':1e999}", REASON_TOKEN_MALFORMED},
	{"\xef\xbb\xbf{'alg':'RS256'}", REASON_TOKEN_MALFORMED},
	{"{'x':[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
         "]]]"
         "]]]]],'alg':'RS256'}",
         REASON_TOKEN_MALFORMED},
};

static void headers_are_taken_or_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		char *text = quoted(headers[i].header);
		char *encoded = minter_encode(text, strlen(text));
		struct jwt_header header = {0};
		enum reason why = REASON_INTERNAL;
		bool taken = jwt_header_read(sv_of(encoded), &header, &why);
		if (taken != (headers[i].why == REASON_INTERNAL) || why != headers[i].why)
			print_error("header %zu %s: %s\n", i, headers[i].header, reason_name(why));
		assert_int_equal(taken, headers[i].why == REASON_INTERNAL);
		assert_int_equal(why, headers[i].why);
		if (taken)
			json_decref(header.document);
		free(encoded);
		free(text);
	}
}

/* One spelling of the same bytes, and no other. RFC 7515 2, RFC 4648 3.5 */
static void base64url_has_one_spelling(void **state)
{
	static const char *const bad[] = {
		"eyJhbGciOiJSUzI1NiJ9=",           /* padding */
		"eyJhbGciOiJSUzI1NiJ9==",          /* more */
		"eyJhbGciOiJSUzI1NiJ9\n",          /* line end */
		" eyJhbGciOiJSUzI1NiJ9",           /* blank */
		"eyJhbGciOiJS UzI1NiJ9",           /* inside */
		"eyJhbGciOiJSUzI1NiJ",             /* a length that no bytes have */
		"eyJhbGciOiJSUzI1NiIsIngiOiI_In1", /* spare bits set: ...In0 is the canonical end */
		"eyJhbGciOiJSUzI1NiIsIngiOiI+In0", /* the other alphabet */
		"eyJhbGciOiJSUzI1NiIsIngiOiI/In0",
		"eyJhbGciOiJSUzI1NiJ9\xc2\xa0",
	};
	struct jwt_header header;
	enum reason why;
	(void)state;
	assert_true(jwt_header_read(SVL("eyJhbGciOiJSUzI1NiJ9"), &header, &why));
	json_decref(header.document);
	assert_true(jwt_header_read(SVL("eyJhbGciOiJSUzI1NiIsIngiOiIvIn0"), &header, &why));
	json_decref(header.document);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		why = REASON_INTERNAL;
		if (jwt_header_read(sv_of(bad[i]), &header, &why))
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(why, REASON_TOKEN_MALFORMED);
	}
	assert_false(jwt_header_read((struct sv){"eyJhbGciOiJSUzI1NiJ9\0", 21}, &header, &why));
}

enum { NOW = 1000000 };

static const struct {
	const char *claims;
	struct jwt_rules rules;
	enum reason why; /* REASON_INTERNAL: they hold */
} claims[] = {
	{"{'exp':1000001}", {.require_expiration = true}, REASON_INTERNAL},
	{"{'exp':1000000.5}", {.require_expiration = true}, REASON_INTERNAL},
	{"{'exp':1000000}", {.require_expiration = true}, REASON_TOKEN_EXPIRED},
	{"{'exp':999999.9}", {.require_expiration = true}, REASON_TOKEN_EXPIRED},
	{"{'exp':999990}", {.leeway_s = 11}, REASON_INTERNAL},
	{"{'exp':999990}", {.leeway_s = 10}, REASON_TOKEN_EXPIRED},
	{"{}", {.require_expiration = true}, REASON_TOKEN_CLAIMS},
	{"{}", {0}, REASON_INTERNAL},
	{"{'exp':'2000000'}", {0}, REASON_TOKEN_CLAIMS},
	{"{'exp':null}", {0}, REASON_TOKEN_CLAIMS},
	{"{'exp':true}", {0}, REASON_TOKEN_CLAIMS},
	{"{'exp':[2000000]}", {0}, REASON_TOKEN_CLAIMS},
	{"{'exp':-1}", {0}, REASON_TOKEN_CLAIMS},
	{"{'exp':9007199254740992}", {0}, REASON_TOKEN_CLAIMS},
	{"{'exp':9223372036854775807}", {0}, REASON_TOKEN_CLAIMS},
	{"{'exp':1e300}", {0}, REASON_TOKEN_CLAIMS},
	{"{'exp':2e6}", {0}, REASON_INTERNAL},
	{"{'exp':0}", {0}, REASON_TOKEN_EXPIRED},
	{"{'nbf':1000000}", {0}, REASON_INTERNAL},
	{"{'nbf':1000001}", {0}, REASON_TOKEN_NOT_YET_VALID},
	{"{'nbf':1000010}", {.leeway_s = 10}, REASON_INTERNAL},
	{"{'nbf':1000011}", {.leeway_s = 10}, REASON_TOKEN_NOT_YET_VALID},
	{"{'nbf':'x'}", {0}, REASON_TOKEN_CLAIMS},
	{"{'nbf':1e400}", {0}, REASON_TOKEN_MALFORMED},
	{"{'iat':'x'}", {0}, REASON_TOKEN_CLAIMS},
	{"{'iat':-5}", {0}, REASON_TOKEN_CLAIMS},
	{"{'exp':1000,'nbf':2000000}", {.ignore_times = true}, REASON_INTERNAL},
	{"{'exp':'1000'}", {.ignore_times = true}, REASON_TOKEN_CLAIMS},
	/* how long it may live */
	{"{'exp':1000100,'iat':1000000}", {.max_lifetime_s = 100}, REASON_INTERNAL},
	{"{'exp':1000101,'iat':1000000}", {.max_lifetime_s = 100}, REASON_TOKEN_LIFETIME},
	{"{'exp':1000100}", {.max_lifetime_s = 100}, REASON_TOKEN_LIFETIME},
	{"{'iat':1000000}", {.max_lifetime_s = 100}, REASON_TOKEN_LIFETIME},
	/* sub */
	{"{'sub':'a'}", {0}, REASON_INTERNAL},
	{"{'sub':''}", {0}, REASON_TOKEN_CLAIMS},
	{"{'sub':7}", {0}, REASON_TOKEN_CLAIMS},
	{"{'sub':null}", {0}, REASON_TOKEN_CLAIMS},
	{"{'sub':'a\\nb'}", {0}, REASON_TOKEN_CLAIMS},
	{"{'sub':'a\\u007f'}", {0}, REASON_TOKEN_CLAIMS},
};

static enum reason judge(const char *text, const struct jwt_rules *rules)
{
	char *json = quoted(text);
	char *encoded = minter_encode(json, strlen(json));
	json_t *object = jwt_payload_read(sv_of(encoded));
	enum reason why = object ? REASON_INTERNAL : REASON_TOKEN_MALFORMED;
	int64_t expires_at = -1;
	if (object && jwt_claims_check(object, rules, NOW, &expires_at, &why)) {
		assert_int_equal(why, REASON_INTERNAL);
		assert_true(expires_at == 0 || expires_at > NOW || rules->ignore_times);
	}
	json_decref(object);
	free(encoded);
	free(json);
	return why;
}

static void claims_hold_or_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
		enum reason why = judge(claims[i].claims, &claims[i].rules);
		if (why != claims[i].why)
			print_error("claims %zu %s: %s\n", i, claims[i].claims, reason_name(why));
		assert_int_equal(why, claims[i].why);
	}
}

static void audiences_are_compared_whole(void **state)
{
	static char one[] = "orders", two[] = "billing";
	static char *wanted[] = {one, two};
	const struct json_strings list = {.at = wanted, .n = 2};
	const struct jwt_rules rules = {.audiences = &list};
	static const struct {
		const char *claims;
		enum reason why;
	} rows[] = {
		{"{'aud':'orders'}", REASON_INTERNAL},
		{"{'aud':['x','billing']}", REASON_INTERNAL},
		{"{'aud':[]}", REASON_AUDIENCE_MISMATCH},
		{"{}", REASON_AUDIENCE_MISMATCH},
		{"{'aud':'order'}", REASON_AUDIENCE_MISMATCH},
		{"{'aud':'orders2'}", REASON_AUDIENCE_MISMATCH},
		{"{'aud':'Orders'}", REASON_AUDIENCE_MISMATCH},
		{"{'aud':'orders billing'}", REASON_AUDIENCE_MISMATCH},
		{"{'aud':'*'}", REASON_AUDIENCE_MISMATCH},
		{"{'aud':''}", REASON_AUDIENCE_MISMATCH},
		{"{'aud':null}", REASON_TOKEN_CLAIMS},
		{"{'aud':1}", REASON_TOKEN_CLAIMS},
		{"{'aud':{'orders':1}}", REASON_TOKEN_CLAIMS},
		{"{'aud':['orders',1]}", REASON_TOKEN_CLAIMS},
		{"{'aud':[['orders']]}", REASON_TOKEN_CLAIMS},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum reason why = judge(rows[i].claims, &rules);
		if (why != rows[i].why)
			print_error("aud %zu %s: %s\n", i, rows[i].claims, reason_name(why));
		assert_int_equal(why, rows[i].why);
	}
}

static void types_are_those_of_the_issuer(void **state)
{
	static char dpop[] = "dpop+jwt";
	static char *listed[] = {dpop};
	const struct json_strings usual = {0}, own = {.at = listed, .n = 1};
	(void)state;
	assert_true(jwt_type_check(SVL(""), &usual));
	assert_true(jwt_type_check(SVL("JWT"), &usual));
	assert_true(jwt_type_check(SVL("jwt"), &usual));
	assert_true(jwt_type_check(SVL("at+JWT"), &usual));
	assert_false(jwt_type_check(SVL("dpop+jwt"), &usual));
	assert_false(jwt_type_check(SVL("JWT2"), &usual));
	assert_false(jwt_type_check(SVL("logout+jwt"), &usual));
	assert_true(jwt_type_check(SVL("dpop+jwt"), &own));
	assert_false(jwt_type_check(SVL("JWT"), &own));
}

/* The public key as an HMAC secret, and each key against the algorithm of another. */
static void algorithms_are_not_confused(void **state)
{
	(void)state;
	struct jws_verifier *v = jws_verifier_new();
	struct minter rsa = minter_make(JWS_RS256), hmac = minter_make(JWS_HS256);
	struct jwks *set = minter_set(&rsa, ",\"kid\":\"1\"");
	static const char *const forged[] = {"{\"alg\":\"HS256\",\"kid\":\"1\"}",
	                                     "{\"alg\":\"HS256\"}",
	                                     "{\"alg\":\"ES256\",\"kid\":\"1\"}"};
	for (size_t i = 0; i < ARRAY_LEN(forged); i++) {
		char *token = minter_token(&hmac, sv_of(forged[i]), SVL("{}"));
		struct jws_compact parts;
		struct jwt_header header;
		enum reason why = REASON_INTERNAL;
		assert_true(jws_split(sv_of(token), &parts));
		assert_true(jwt_header_read(parts.header, &header, &why));
		assert_false(jwt_signature_check(v, set, &header, &parts, &why));
		assert_int_equal(why, REASON_ALGORITHM_NOT_ALLOWED);
		json_decref(header.document);
		free(token);
	}
	jwks_unref(set);
	minter_fini(&rsa);
	jws_verifier_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_taken_or_named),
		cmocka_unit_test(base64url_has_one_spelling),
		cmocka_unit_test(claims_hold_or_are_named),
		cmocka_unit_test(audiences_are_compared_whole),
		cmocka_unit_test(types_are_those_of_the_issuer),
		cmocka_unit_test(algorithms_are_not_confused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
