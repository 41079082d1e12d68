/* Name and password: what is read of them, who is asked, what is remembered, and what a refused client is told. */
#include "authn/authn.h"
#include "authn/basicauth.h"
#include "authn/challenge.h"
#include "core/encode.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "support/cmocka_prelude.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { NOW = 1700000000 };

static struct arena arena;
static struct tokencache *cache;

static struct authn *compiled(const char *basic, bool with_issuer)
{
	CLEANUP(json_decrefp) json_t *rules = basic ? json_loads(basic, 0, NULL) : NULL;
	CLEANUP(json_decrefp)
	json_t *issuers =
		json_loads("[{\"issuer\":\"i\",\"jwksUri\":\"https://i/keys\"}]", 0, NULL);
	const struct authn_document document = {.basic = rules,
	                                        .issuers = with_issuer ? issuers : NULL};
	struct authn *made = NULL;
	assert_int_equal(authn_compile(&document, NULL, NULL, &made), 0);
	return made;
}

static int set_up(void **state)
{
	(void)state;
	cache = tokencache_new(16);
	assert_non_null(cache);
	return arena_init(&arena, REQUEST_ARENA_BYTES);
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	tokencache_free(cache);
	return 0;
}

static const struct {
	const char *text; /* what is encoded; NULL: raw is sent as it is */
	const char *raw;
	const char *name, *password; /* name NULL: refused */
} credentials[] = {
	{"Aladdin:open sesame", NULL, "Aladdin", "open sesame"}, /* RFC 7617 2 */
	{"test:123\xc2\xa3", NULL, "test", "123\xc2\xa3"},       /* RFC 7617 2.1 */
	{"a:b:c", NULL, "a", "b:c"},
	{"a: b ", NULL, "a", " b "},
	{"a b:c", NULL, "a b", "c"},
	{":password", NULL, NULL, NULL},
	{"name:", NULL, NULL, NULL},
	{"name", NULL, NULL, NULL},
	{"", NULL, NULL, NULL},
	{"na\nme:x", NULL, NULL, NULL},
	{"name:x\x7f", NULL, NULL, NULL},
	{"name:\xff", NULL, NULL, NULL},
	{NULL, "QWxhZGRpbjpvcGVuIHNlc2FtZQ", NULL, NULL},   /* no padding */
	{NULL, "QWxhZGRpbjpvcGVuIHNlc2FtZR==", NULL, NULL}, /* spare bits */
	{NULL, "QWxhZGRp bjpvcGVuIHNlc2FtZQ==", NULL, NULL},
	{NULL, "dGVzdDoxMjPCow==x", NULL, NULL},
	{NULL, "YTpi_-==", NULL, NULL}, /* the other alphabet */
	{NULL, "!", NULL, NULL},
};

static void credentials_are_read_strictly(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(credentials); i++) {
		char encoded[128];
		struct sv text = sv_of(credentials[i].raw), name, password, decoded;
		if (credentials[i].text)
			text = base64_encode(sv_of(credentials[i].text), encoded);
		bool good = basicauth_split(text, &arena, &name, &password, &decoded);
		if (good != (credentials[i].name != NULL))
			fail_msg("row %zu", i);
		if (!good)
			continue;
		assert_true(sv_eq(name, sv_of(credentials[i].name)));
		assert_true(sv_eq(password, sv_of(credentials[i].password)));
		assert_true(decoded.at <= name.at &&
		            password.at + password.n <= decoded.at + decoded.n);
	}
	static char much[4000];
	struct sv name, password, decoded;
	memset(much, 'A', sizeof(much));
	assert_false(basicauth_split((struct sv){much, sizeof(much)}, &arena, &name, &password,
	                             &decoded));
}

static enum authn_outcome identify(const struct authn *authn, const char *authorization,
                                   int64_t now_s, struct authn_ask *ask, struct identity *who)
{
	enum reason why = REASON_INTERNAL;
	const struct request req = {
		.n_authorization = 1, .authorization = sv_of(authorization), .cert_verify = -1};
	int64_t until_s = 0;
	const struct authn_ctx ctx = {
		.cache = cache, .arena = &arena, .now_s = now_s, .ask = ask, .until_s = &until_s};
	enum authn_outcome outcome = authn_identify(authn, &ctx, &req, who, &why);
	if (outcome == AUTHN_REFUSED)
		*who = (struct identity){.expires_at = until_s,
		                         .n_groups = why}; /* for the tests */
	return outcome;
}

#define ALADDIN "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="

static void a_password_is_asked_about_and_remembered(void **state)
{
	struct authn *authn = compiled("{\"realm\":\"shop\",\"cacheSeconds\":7}", false);
	struct authn_ask ask = {0};
	struct identity who;
	const struct authn_ctx ctx = {.cache = cache, .arena = &arena, .now_s = NOW};
	(void)state;
	assert_int_equal(identify(authn, ALADDIN, NOW, &ask, &who), AUTHN_LATER);
	assert_int_equal(ask.kind, AUTHN_ASK_PASSWORD);
	assert_true(sv_eq(ask.parts[BASIC_NAME], SVL("Aladdin")));
	assert_true(sv_eq(ask.parts[BASIC_PASSWORD], SVL("open sesame")));
	assert_int_equal(((const struct basic_rules *)ask.about)->cache_s, 7);
	assert_true(ask.wipe.n > 0);
	struct authn_answer answer = {.kind = ask.kind,
	                              .serial = ask.serial,
	                              .is_good = true,
	                              .until_s = NOW + 7,
	                              .claims = json_pack("{s:s,s:s,s:[s,s]}", "iss", BASIC_ISSUER,
	                                                  "sub", "Aladdin", "groups", "ops", "it")};
	memcpy(answer.key, ask.key, sizeof(answer.key));
	authn_keep(authn, &ctx, &answer);
	json_decref(answer.claims);
	assert_int_equal(identify(authn, ALADDIN, NOW + 6, &ask, &who), AUTHN_OK);
	assert_int_equal(who.method, AUTH_BASIC);
	assert_true(sv_eq(who.principal, SVL("haward:basic/Aladdin")));
	assert_int_equal(who.n_groups, 2);
	/* another case of the scheme is the same credential, a token of the same text is not */
	assert_int_equal(identify(authn, "bASIC QWxhZGRpbjpvcGVuIHNlc2FtZQ==", NOW, &ask, &who),
	                 AUTHN_OK);
	assert_int_equal(identify(authn, "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", NOW, &ask, &who),
	                 AUTHN_REFUSED);
	assert_int_equal(identify(authn, ALADDIN, NOW + 7, &ask, &who), AUTHN_LATER);
	authn_free(authn);
}

static void a_refusal_says_until_when(void **state)
{
	struct authn *authn = compiled("{\"realm\":\"shop\"}", false);
	struct authn_ask ask = {0};
	struct identity who;
	const struct authn_ctx ctx = {.cache = cache, .arena = &arena, .now_s = NOW};
	(void)state;
	assert_int_equal(identify(authn, ALADDIN, NOW, &ask, &who), AUTHN_LATER);
	struct authn_answer no = {.kind = ask.kind,
	                          .serial = ask.serial,
	                          .why = REASON_THROTTLED,
	                          .until_s = NOW + 9};
	memcpy(no.key, ask.key, sizeof(no.key));
	authn_keep(authn, &ctx, &no);
	assert_int_equal(identify(authn, ALADDIN, NOW, &ask, &who), AUTHN_REFUSED);
	assert_int_equal(who.n_groups, REASON_THROTTLED);
	assert_int_equal(who.expires_at, NOW + 9);
	assert_int_equal(identify(authn, ALADDIN, NOW, NULL, &who), AUTHN_REFUSED);
	assert_int_equal(identify(authn, "Basic !", NOW, &ask, &who), AUTHN_REFUSED);
	assert_int_equal(who.n_groups, REASON_CREDENTIAL_MALFORMED);
	authn_free(authn);
}

static void without_the_member_the_scheme_is_unknown(void **state)
{
	struct authn *authn = compiled(NULL, true);
	struct authn_ask ask = {0};
	struct identity who;
	(void)state;
	assert_int_equal(identify(authn, ALADDIN, NOW, &ask, &who), AUTHN_REFUSED);
	assert_int_equal(who.n_groups, REASON_UNSUPPORTED_CREDENTIAL);
	assert_int_equal(ask.kind, AUTHN_ASK_NOTHING);
	authn_free(authn);
}

static void what_is_offered(void **state)
{
	static const struct {
		bool with_issuer;
		enum reason reason;
		const char *challenge;
	} rows[] = {
		{false, REASON_AUTHENTICATION_REQUIRED, "Basic realm=\"shop\", charset=\"UTF-8\""},
		{true, REASON_AUTHENTICATION_REQUIRED,
	         "Bearer realm=\"haward\", Basic realm=\"shop\", charset=\"UTF-8\""},
		{true, REASON_PASSWORD_WRONG, "Basic realm=\"shop\", charset=\"UTF-8\""},
		{true, REASON_CREDENTIAL_MALFORMED, "Basic realm=\"shop\", charset=\"UTF-8\""},
		{true, REASON_TOKEN_EXPIRED,
	         "Bearer realm=\"haward\", error=\"invalid_token\", error_description=\"the token "
	         "has expired\""},
	};
	const struct request req = {.cert_verify = -1};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct authn *authn = compiled("{\"realm\":\"shop\"}", rows[i].with_issuer);
		struct verdict verdict = verdict_deny(rows[i].reason);
		assert_true(sv_eq(authn_challenge(authn, &req, &verdict, &arena),
		                  sv_of(rows[i].challenge)));
		authn_free(authn);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(credentials_are_read_strictly, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_password_is_asked_about_and_remembered, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(a_refusal_says_until_when, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_the_member_the_scheme_is_unknown, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(what_is_offered, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("authn/basic", tests, NULL, NULL);
}
