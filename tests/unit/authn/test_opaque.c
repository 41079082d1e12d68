/* Tokens that only their issuer knows: when it is asked, what its answer is taken for, and what is remembered. */
#include "authn/authn.h"
#include "authn/credential.h"
#include "authn/introspection.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NOW = 1700000000 };

static char secret_file[] = "/tmp/haward-opaque-XXXXXX";
static struct arena arena;
static struct tokencache *cache;
static struct authn *authn;

/* ' as ", $ as the file of the secret */
static json_t *issuers_of(const char *quoted)
{
	char text[2048];
	size_t n = 0;
	for (; *quoted && n < sizeof(text) - 64; quoted++) {
		if (*quoted == '$')
			n += (size_t)snprintf(text + n, 64, "%s", secret_file);
		else
			text[n++] = *quoted == '\'' ? '"' : *quoted;
	}
	json_t *list = json_load_strict((struct sv){text, n}, 0, NULL);
	assert_non_null(list);
	return list;
}

#define ASKED(more)                                                                                \
	"{'issuer':'https://idp','audiences':['api'],'introspection':{'endpoint':'https://idp/i'," \
	"'clientId':'haward','clientSecretFile':'$'" more "}}"
#define KEYED "{'issuer':'https://keys','jwksUri':'https://keys/jwks'}"

static struct authn *compiled(const char *quoted)
{
	json_t *list = issuers_of(quoted);
	struct authn *made = NULL;
	assert_int_equal(
		authn_compile(&(struct authn_document){.issuers = list}, NULL, NULL, &made), 0);
	json_decref(list);
	return made;
}

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(secret_file, sizeof(secret_file), "/tmp/haward-opaque-XXXXXX");
	int fd = mkstemp(secret_file);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "s3cret\r\n", 8), 8);
	assert_int_equal(close(fd), 0);
	cache = tokencache_new(16);
	assert_int_equal(arena_init(&arena, REQUEST_ARENA_BYTES), 0);
	authn = compiled("[" KEYED "," ASKED("") "]");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	authn_free(authn);
	arena_fini(&arena);
	tokencache_free(cache);
	assert_int_equal(unlink(secret_file), 0);
	return 0;
}

static enum authn_outcome identify_at(int64_t now_s, const char *authorization,
                                      struct authn_ask *ask, struct identity *who, enum reason *why)
{
	const struct request req = {
		.n_authorization = 1, .authorization = sv_of(authorization), .cert_verify = -1};
	const struct authn_ctx ctx = {.cache = cache, .arena = &arena, .now_s = now_s, .ask = ask};
	return authn_identify(authn, &ctx, &req, who, why);
}

/* {"alg":"RS256"} . {"iss":"https://idp"} and {"iss":"https://keys"} */
#define JWT_OF_IDP  "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lkcCJ9.AAAA"
#define JWT_OF_KEYS "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2tleXMifQ.AAAA"

static void which_tokens_are_asked_about(void **state)
{
	(void)state;
	static const struct {
		const char *authorization;
		enum authn_outcome outcome;
		enum reason why;
	} rows[] = {
		{"Bearer opaque", AUTHN_LATER, REASON_INTERNAL},
		{"Bearer a.b", AUTHN_LATER, REASON_INTERNAL},
		{"Bearer a.b.c.d.e", AUTHN_LATER, REASON_INTERNAL},   /* JWE: not ours to read */
		{"Bearer " JWT_OF_IDP, AUTHN_LATER, REASON_INTERNAL}, /* an issuer without keys */
		{"Bearer " JWT_OF_KEYS, AUTHN_REFUSED, REASON_TOKEN_CLAIMS},
		{"Bearer a.b.c", AUTHN_REFUSED, REASON_TOKEN_MALFORMED},
		{"Bearer two words", AUTHN_REFUSED, REASON_TOKEN_MALFORMED},
		{"Bearer caf\xc3\xa9", AUTHN_REFUSED, REASON_TOKEN_MALFORMED},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct authn_ask ask = {0};
		struct identity who;
		enum reason why = REASON_INTERNAL;
		enum authn_outcome outcome =
			identify_at(NOW, rows[i].authorization, &ask, &who, &why);
		if (outcome != rows[i].outcome)
			fail_msg("%s: %d", rows[i].authorization, (int)outcome);
		if (outcome == AUTHN_REFUSED)
			assert_int_equal(why, rows[i].why);
		assert_int_equal(ask.kind,
		                 outcome == AUTHN_LATER ? AUTHN_ASK_INTROSPECT : AUTHN_ASK_NOTHING);
		if (outcome != AUTHN_LATER)
			continue;
		assert_ptr_equal(ask.about, authn_issuer(authn, 1));
		assert_int_equal(ask.serial, authn_serial(authn));
		assert_true(sv_eq(ask.parts[0], sv_of(rows[i].authorization + 7)));
		/* where nobody may be asked it is refused */
		outcome = identify_at(NOW, rows[i].authorization, NULL, &who, &why);
		assert_int_equal(outcome, AUTHN_REFUSED);
		assert_int_equal(why, REASON_AUTHENTICATION_UNAVAILABLE);
	}
}

static const struct {
	const char *body; /* ' as " */
	bool is_good, is_usable;
	enum reason why;
	int64_t for_s;
} answers[] = {
	{"{'active':true,'sub':'anna','aud':'api'}", true, true, REASON_INTERNAL, 60},
	{"{'active':true,'sub':'anna','aud':'api','exp':1700000030}", true, true, REASON_INTERNAL,
         30},
	{"{'active':true,'sub':'anna','aud':['x','api'],'exp':1700009999}", true, true,
         REASON_INTERNAL, 60},
	{"{'active':true,'iss':'https://idp','aud':'api','client_id':'c','scope':'a "
         "b','username':'Anna',"
         "'token_type':'Bearer','nbf':1,'iat':1,'jti':'1'}",
         true, true, REASON_INTERNAL, 60},
	{"{'active':false}", false, true, REASON_TOKEN_INACTIVE, 10},
	{"{'active':false,'sub':7,'exp':'never'}", false, true, REASON_TOKEN_INACTIVE, 10},
	{"{'active':true,'iss':'https://evil'}", false, true, REASON_ISSUER_UNKNOWN, 10},
	{"{'active':true,'sub':'anna'}", false, true, REASON_AUDIENCE_MISMATCH, 10},
	{"{'active':true,'aud':'other'}", false, true, REASON_AUDIENCE_MISMATCH, 10},
	{"{'active':true,'aud':'api','exp':1699999999}", false, true, REASON_TOKEN_EXPIRED, 10},
	{"{'active':true,'aud':'api','nbf':1700000999}", false, true, REASON_TOKEN_NOT_YET_VALID,
         10},
	/* nothing of these can be believed, nor that the token is bad */
	{"{}", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"[true]", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"<html>", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"{'active':'true'}", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"{'active':1}", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"{'active':null}", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"{'active':true,'active':true}", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"{'active':true}x", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"{'active':true,'exp':'1700000030'}", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"{'active':true,'exp':-1}", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"{'active':true,'nbf':true}", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"{'active':true,'aud':7}", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"{'active':true,'aud':['api',7]}", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"{'active':true,'sub':7}", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"{'active':true,'sub':'a\\u0000b'}", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"{'active':true,'sub':'a\\nb'}", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"{'active':true,'username':'a\\u001bb'}", false, false, REASON_INTROSPECTION_UNAVAILABLE,
         2},
	{"{'active':true,'scope':['a']}", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"{'active':true,'client_id':''}", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
	{"{'active':true,'token_type':{}}", false, false, REASON_INTROSPECTION_UNAVAILABLE, 2},
};

static void what_an_answer_is_taken_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		char text[512];
		struct authn_answer answer = {0};
		(void)snprintf(text, sizeof(text), "%s", answers[i].body);
		for (char *c = text; *c; c++)
			*c = *c == '\'' ? '"' : *c;
		const char *error =
			introspection_judge(authn_issuer(authn, 1), sv_of(text), NOW, &answer);
		if (answer.is_good != answers[i].is_good || !error != answers[i].is_usable)
			fail_msg("%s: %s", text, error ? error : "");
		if (!answer.is_good)
			assert_int_equal(answer.why, answers[i].why);
		assert_int_equal(answer.until_s, NOW + answers[i].for_s);
		assert_int_equal(answer.claims != NULL, answer.is_good);
		json_decref(answer.claims);
	}
}

static struct authn_answer answer_to(const struct authn_ask *ask, const char *sub)
{
	struct authn_answer answer = {.kind = ask->kind,
	                              .serial = ask->serial,
	                              .about = ask->about,
	                              .until_s = NOW + 60,
	                              .is_good = true};
	memcpy(answer.key, ask->key, SHA256_BYTES);
	answer.claims = json_pack("{s:s,s:s,s:s,s:s}", "iss", "https://idp", sub ? "sub" : "x",
	                          sub ? sub : "x", "username", "Anna", "scope", "a b");
	return answer;
}

static void what_is_told_is_remembered_for_its_time(void **state)
{
	(void)state;
	struct authn_ask ask;
	struct identity who;
	enum reason why;
	const struct authn_ctx ctx = {.cache = cache, .arena = &arena, .now_s = NOW};
	assert_int_equal(identify_at(NOW, "Bearer one", &ask, &who, &why), AUTHN_LATER);
	struct authn_answer answer = answer_to(&ask, "anna");
	answer.serial++; /* of a set that is not in force any more */
	authn_keep(authn, &ctx, &answer);
	assert_int_equal(identify_at(NOW, "Bearer one", &ask, &who, &why), AUTHN_LATER);
	answer.serial--;
	authn_keep(authn, &ctx, &answer);
	assert_int_equal(identify_at(NOW, "Bearer one", &ask, &who, &why), AUTHN_OK);
	assert_int_equal(who.method, AUTH_INTROSPECTION);
	assert_true(sv_eq(who.user, SVL("anna")));
	assert_true(sv_eq(who.principal, SVL("https://idp/anna")));
	assert_int_equal(who.n_scopes, 2);
	assert_int_equal(identify_at(NOW, "Bearer two", &ask, &who, &why), AUTHN_LATER);
	assert_int_equal(identify_at(NOW + 60, "Bearer one", &ask, &who, &why), AUTHN_LATER);
	json_decref(answer.claims);
	/* a no takes the place of a yes */
	struct authn_answer no = {.kind = ask.kind,
	                          .serial = ask.serial,
	                          .why = REASON_TOKEN_INACTIVE,
	                          .until_s = NOW + 70};
	memcpy(no.key, ask.key, SHA256_BYTES);
	authn_keep(authn, &ctx, &no);
	assert_int_equal(identify_at(NOW + 61, "Bearer one", &ask, &who, &why), AUTHN_REFUSED);
	assert_int_equal(why, REASON_TOKEN_INACTIVE);
	assert_int_equal(identify_at(NOW + 70, "Bearer one", &ask, &who, &why), AUTHN_LATER);
}

/* Without sub there is a name, but no principal that a policy could mean. */
static void a_user_may_be_known_by_name_alone(void **state)
{
	(void)state;
	struct authn_ask ask;
	struct identity who;
	enum reason why;
	const struct authn_ctx ctx = {.cache = cache, .arena = &arena, .now_s = NOW};
	assert_int_equal(identify_at(NOW, "Bearer one", &ask, &who, &why), AUTHN_LATER);
	struct authn_answer answer = answer_to(&ask, NULL);
	authn_keep(authn, &ctx, &answer);
	json_decref(answer.claims);
	assert_int_equal(identify_at(NOW, "Bearer one", &ask, &who, &why), AUTHN_OK);
	assert_true(sv_eq(who.user, SVL("Anna")));
	assert_int_equal(who.principal.n, 0);
}

/* What the issuer says of a token's binding holds as in a JWT. source: RFC 8705 3.2, RFC 9449 6.2 */
static void an_introspected_token_may_be_bound(void **state)
{
#define NOTHING "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
	static const struct {
		const char *authorization, *member;
		enum reason why;
	} rows[] = {
		{"Bearer one", "x5t#S256", REASON_CERTIFICATE_REQUIRED},
		{"Bearer two", "jkt", REASON_DPOP_REQUIRED},
		{"DPoP three", "jkt", REASON_DPOP_REQUIRED}, /* without a proof */
		{"Bearer four", "kid", REASON_TOKEN_BINDING_UNSUPPORTED},
	};
	const struct authn_ctx ctx = {.cache = cache, .arena = &arena, .now_s = NOW};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct authn_ask ask;
		struct identity who;
		enum reason why;
		assert_int_equal(identify_at(NOW, rows[i].authorization, &ask, &who, &why),
		                 AUTHN_LATER);
		struct authn_answer answer = answer_to(&ask, "anna");
		assert_int_equal(json_object_set_new(answer.claims, "cnf",
		                                     json_pack("{s:s}", rows[i].member, NOTHING)),
		                 0);
		authn_keep(authn, &ctx, &answer);
		json_decref(answer.claims);
		assert_int_equal(identify_at(NOW, rows[i].authorization, &ask, &who, &why),
		                 AUTHN_REFUSED);
		assert_int_equal(why, rows[i].why);
	}
}

/* Refusals that strangers cause displace each other, and nobody who is known. */
static void made_up_tokens_displace_nobody(void **state)
{
	(void)state;
	uint8_t digest[SHA256_BYTES];
	const struct identity anna = {.method = AUTH_JWT, .user = SV("anna")};
	struct tokencache_refusal why = {0};
	const struct credential good = {.kind = CREDENTIAL_BEARER, .text = SV("good")};
	assert_true(tokencache_digest(cache, &good, digest));
	assert_non_null(tokencache_put(cache, digest, 1, NULL, 0, NOW + 10, &anna));
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t other[SHA256_BYTES];
		const struct credential made_up = {.kind = CREDENTIAL_BEARER,
		                                   .text = {(const char *)&i, sizeof(i)}};
		assert_true(tokencache_digest(cache, &made_up, other));
		tokencache_put_refusal(cache, other, 1, NOW + 10, REASON_TOKEN_INACTIVE);
		assert_true(tokencache_find_refusal(cache, other, 1, NOW, &why));
		assert_int_equal(why.why, REASON_TOKEN_INACTIVE);
		assert_int_equal(why.until_s, NOW + 10);
		assert_false(tokencache_find_refusal(cache, other, 2, NOW, &why));
		assert_false(tokencache_find_refusal(cache, other, 1, NOW + 10, &why));
	}
	assert_non_null(tokencache_find(cache, digest, 1, NOW));
	assert_false(tokencache_find_refusal(cache, digest, 1, NOW, &why));
	tokencache_put_refusal(cache, digest, 1, NOW + 10, REASON_TOKEN_INACTIVE);
	assert_null(tokencache_find(cache, digest, 1, NOW));
}

static const struct {
	const char *issuers, *pointer, *code;
} mistakes[] = {
	{"[" ASKED("") ",{'issuer':'b','introspection':{'endpoint':'https://b/i','clientId':'x',"
                       "'clientSecretFile':'$'}}]",
         "/issuers/1/introspection", "several_opaque_issuers"},
	{"[{'issuer':'b','introspection':{}}]", "/issuers/0/introspection", "missing_key"},
	{"[{'issuer':'b','introspection':{'endpoint':'ftp://b/i','clientId':'x','clientSecretFile':"
         "'$'}}]",
         "/issuers/0/introspection/endpoint", "not_a_url"},
	{"[{'issuer':'b','introspection':{'endpoint':'https://b/i','clientId':'x',"
         "'clientSecretFile':'absent'}}]",
         "/issuers/0/introspection/clientSecretFile", "unreadable_file"},
	{"[{'issuer':'b','introspection':{'endpoint':'https://b/i','clientId':'x',"
         "'clientSecretFile':'/dev/null'}}]",
         "/issuers/0/introspection/clientSecretFile", NULL},
	{"[" ASKED(",'auth':'none'") "]", "/issuers/0/introspection/auth", "unknown_value"},
	{"[" ASKED(",'cacheSeconds':0") "]", "/issuers/0/introspection/cacheSeconds", NULL},
	{"[" ASKED(",'negativeCacheSeconds':9999") "]",
         "/issuers/0/introspection/negativeCacheSeconds", NULL},
	{"[" ASKED(",'secret':'x'") "]", "/issuers/0/introspection/secret", "unknown_key"},
};

static void mistakes_have_their_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		json_t *list = issuers_of(mistakes[i].issuers);
		struct diag d = diag_over("test", (struct sv){0});
		struct authn *never = NULL;
		assert_int_equal(
			authn_compile(&(struct authn_document){.issuers = list}, NULL, &d, &never),
			-EINVAL);
		bool found = false;
		for (size_t k = 0; k < d.n; k++)
			found = found || (strcmp(d.items[k].pointer, mistakes[i].pointer) == 0 &&
			                  (!mistakes[i].code ||
			                   strcmp(d.items[k].code, mistakes[i].code) == 0));
		if (!found) {
			diag_print(&d, stderr);
			fail_msg("%s: %s", mistakes[i].issuers, d.n ? d.items[0].code : "");
		}
		diag_fini(&d);
		json_decref(list);
	}
	/* only one takes opaque tokens: that is no mistake */
	authn_free(compiled(
		"[" ASKED("") ",{'issuer':'b','introspection':{'endpoint':'https://b/i','clientId':"
			      "'x','clientSecretFile':'$','opaqueTokens':false}}]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(which_tokens_are_asked_about, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_an_answer_is_taken_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_told_is_remembered_for_its_time, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(a_user_may_be_known_by_name_alone, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(an_introspected_token_may_be_bound, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(made_up_tokens_displace_nobody, set_up, tear_down),
		cmocka_unit_test_setup_teardown(mistakes_have_their_place, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("authn/opaque", tests, NULL, NULL);
}
