/* ID tokens and logout tokens: what makes one acceptable, and what each refusal says. */
#include "authn/idtoken.h"
#include "signing.h"

#include <stdarg.h>

enum { NOW = 1764000000 };
#define HEAD   "{\"alg\":\"ES256\",\"kid\":\"k\"}"
#define EVENTS "\"events\":{\"http://schemas.openid.net/event/backchannel-logout\":{}}"
/* source: at_hash of the access token "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", OpenID Connect Core 1.0 A.3 */
#define AT_HASH "77QmUPtjPfzWtF2AnpK9RQ"

struct desk {
	struct signing signing;
	const struct login *login;
	struct jws_verifier *verifier;
};

static int set_up(void **state)
{
	static struct desk desk;
	signing_make(&desk.signing);
	desk.login = logins_named(desk.signing.logins, SVL("web"));
	desk.verifier = jws_verifier_new();
	*state = &desk;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *desk = *state;
	jws_verifier_free(desk->verifier);
	signing_fini(&desk->signing);
	return 0;
}

struct row {
	const char *head, *claims; /* times are offsets from NOW: @60 is NOW + 60 */
	enum reason why;           /* internal: it is good */
};

/* The text with each @N replaced. Owned. */
static char *timed(const char *text)
{
	char *made = calloc(1, strlen(text) * 4 + 1), *to = made;
	assert_non_null(made);
	while (*text) {
		if (*text != '@') {
			*to++ = *text++;
			continue;
		}
		char *end;
		long offset = strtol(text + 1, &end, 10);
		to += sprintf(to, "%ld", NOW + offset); /* NOLINT(banned): a test's own buffer */
		text = end;
	}
	return made;
}

static char *signed_token(const struct desk *desk, const struct row *row)
{
	char *claims = timed(row->claims);
	char *token = minter_token(&desk->signing.minter, sv_of(row->head), sv_of(claims));
	free(claims);
	return token;
}

static void an_id_token_is_of_this_sign_in_or_nothing(void **state)
{
	struct desk *desk = *state;
#define GOOD                 \
	"\"iss\":\"https://" \
	"idp\",\"aud\":\"client-1\",\"sub\":\"alice\",\"iat\":@0,\"exp\":@60,\"nonce\":\"n-1\""
	static const struct row rows[] = {
		{HEAD, "{" GOOD "}", REASON_INTERNAL},
		{"{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"JWT\"}", "{" GOOD "}",
	         REASON_INTERNAL},
		{HEAD, "{" GOOD ",\"at_hash\":\"" AT_HASH "\"}", REASON_INTERNAL},
		{HEAD, "{" GOOD ",\"at_hash\":\"AAAAUPtjPfzWtF2AnpK9RQ\"}", REASON_TOKEN_CLAIMS},
		{HEAD, "{" GOOD ",\"at_hash\":7}", REASON_TOKEN_CLAIMS},
		{HEAD, "{" GOOD ",\"azp\":\"client-1\"}", REASON_INTERNAL},
		{HEAD, "{" GOOD ",\"azp\":\"client-2\"}", REASON_AUDIENCE_MISMATCH},
		{HEAD, "{" GOOD "," EVENTS "}", REASON_TOKEN_CLAIMS},
		{"{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"at+jwt\"}", "{" GOOD "}",
	         REASON_TOKEN_TYPE},
		{"{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"logout+jwt\"}", "{" GOOD "}",
	         REASON_TOKEN_TYPE},
		{"{\"alg\":\"ES256\",\"kid\":\"other\"}", "{" GOOD "}", REASON_KEY_UNKNOWN},
		{"{\"alg\":\"none\"}", "{" GOOD "}", REASON_ALGORITHM_NOT_ALLOWED},
		{"{\"alg\":\"HS256\",\"kid\":\"k\"}", "{" GOOD "}", REASON_ALGORITHM_NOT_ALLOWED},
		{HEAD,
	         "{\"iss\":\"https://"
	         "evil\",\"aud\":\"client-1\",\"sub\":\"a\",\"iat\":@0,\"exp\":@60,\"nonce\":\"n-"
	         "1\"}",
	         REASON_ISSUER_UNKNOWN},
		{HEAD,
	         "{\"iss\":\"https://"
	         "idp\",\"aud\":\"client-2\",\"sub\":\"a\",\"iat\":@0,\"exp\":@60,\"nonce\":\"n-"
	         "1\"}",
	         REASON_AUDIENCE_MISMATCH},
		{HEAD,
	         "{\"iss\":\"https://idp\",\"sub\":\"a\",\"iat\":@0,\"exp\":@60,\"nonce\":\"n-1\"}",
	         REASON_AUDIENCE_MISMATCH},
		{HEAD,
	         "{\"iss\":\"https://"
	         "idp\",\"aud\":[\"client-1\",\"client-2\"],\"sub\":\"a\",\"iat\":@0,\"exp\":@60,"
	         "\"nonce\":\"n-1\"}",
	         REASON_AUDIENCE_MISMATCH},
		{HEAD,
	         "{\"iss\":\"https://"
	         "idp\",\"aud\":[\"client-1\",\"client-2\"],\"azp\":\"client-1\",\"sub\":\"a\","
	         "\"iat\":@0,\"exp\":@60,\"nonce\":\"n-1\"}",
	         REASON_INTERNAL},
		{HEAD,
	         "{\"iss\":\"https://"
	         "idp\",\"aud\":\"client-1\",\"sub\":\"a\",\"iat\":@0,\"exp\":@60,\"nonce\":\"n-"
	         "2\"}",
	         REASON_TOKEN_CLAIMS},
		{HEAD,
	         "{\"iss\":\"https://"
	         "idp\",\"aud\":\"client-1\",\"sub\":\"a\",\"iat\":@0,\"exp\":@60}",
	         REASON_TOKEN_CLAIMS},
		{HEAD,
	         "{\"iss\":\"https://"
	         "idp\",\"aud\":\"client-1\",\"sub\":\"a\",\"iat\":@0,\"nonce\":\"n-1\"}",
	         REASON_TOKEN_CLAIMS},
		{HEAD,
	         "{\"iss\":\"https://"
	         "idp\",\"aud\":\"client-1\",\"sub\":\"a\",\"exp\":@60,\"nonce\":\"n-1\"}",
	         REASON_TOKEN_CLAIMS},
		{HEAD,
	         "{\"iss\":\"https://"
	         "idp\",\"aud\":\"client-1\",\"iat\":@0,\"exp\":@60,\"nonce\":\"n-1\"}",
	         REASON_TOKEN_CLAIMS},
		{HEAD,
	         "{\"iss\":\"https://"
	         "idp\",\"aud\":\"client-1\",\"sub\":\"a\",\"iat\":@-600,\"exp\":@-1,\"nonce\":\"n-"
	         "1\"}",
	         REASON_TOKEN_EXPIRED},
	};
	const struct idtoken_expected expected = {
		.nonce = SV("n-1"),
		.access_token = SV("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y")};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *token = signed_token(desk, &rows[i]);
		json_t *claims = NULL;
		enum reason why = REASON_INTERNAL;
		bool good = idtoken_check(desk->login, desk->verifier, sv_of(token), &expected, NOW,
		                          &claims, &why);
		if (good != (rows[i].why == REASON_INTERNAL) || why != rows[i].why)
			fail_msg("%s: %s", rows[i].claims, reason_name(why));
		json_decref(claims);
		free(token);
	}
}

static void a_logout_token_says_whom_and_only_once(void **state)
{
	struct desk *desk = *state;
#define ORDER "\"iss\":\"https://idp\",\"aud\":\"client-1\",\"iat\":@0,\"jti\":\"j\""
	static const struct row rows[] = {
		{HEAD, "{" ORDER "," EVENTS ",\"sub\":\"alice\"}", REASON_INTERNAL},
		{HEAD, "{" ORDER "," EVENTS ",\"sid\":\"s1\",\"exp\":@60}", REASON_INTERNAL},
		{"{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"logout+jwt\"}",
	         "{" ORDER "," EVENTS ",\"sid\":\"s1\"}", REASON_INTERNAL},
		{"{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"at+jwt\"}",
	         "{" ORDER "," EVENTS ",\"sid\":\"s1\"}", REASON_TOKEN_TYPE},
		{HEAD, "{" ORDER "," EVENTS "}", REASON_TOKEN_CLAIMS},
		{HEAD, "{" ORDER "," EVENTS ",\"sub\":\"alice\",\"sid\":7}", REASON_TOKEN_CLAIMS},
		{HEAD, "{" ORDER "," EVENTS ",\"sub\":\"alice\",\"nonce\":\"n\"}",
	         REASON_TOKEN_CLAIMS},
		{HEAD, "{" ORDER ",\"sub\":\"alice\"}", REASON_TOKEN_CLAIMS},
		{HEAD, "{" ORDER ",\"sub\":\"alice\",\"events\":{\"other\":{}}}",
	         REASON_TOKEN_CLAIMS},
		{HEAD,
	         "{" ORDER ",\"sub\":\"alice\",\"events\":{\"http://schemas.openid.net/event/"
	         "backchannel-logout\":1}}",
	         REASON_TOKEN_CLAIMS},
		{HEAD,
	         "{\"iss\":\"https://"
	         "idp\",\"aud\":\"client-1\",\"iat\":@0,\"sub\":\"alice\"," EVENTS "}",
	         REASON_TOKEN_CLAIMS},
		{HEAD,
	         "{\"iss\":\"https://"
	         "idp\",\"aud\":\"client-1\",\"jti\":\"j\",\"sub\":\"alice\"," EVENTS "}",
	         REASON_TOKEN_CLAIMS},
		{HEAD,
	         "{\"iss\":\"https://"
	         "idp\",\"aud\":\"client-2\",\"iat\":@0,\"jti\":\"j\",\"sub\":\"alice\"," EVENTS
	         "}",
	         REASON_AUDIENCE_MISMATCH},
		{HEAD,
	         "{\"iss\":\"https://"
	         "evil\",\"aud\":\"client-1\",\"iat\":@0,\"jti\":\"j\",\"sub\":\"alice\"," EVENTS
	         "}",
	         REASON_ISSUER_UNKNOWN},
		{HEAD,
	         "{\"iss\":\"https://"
	         "idp\",\"aud\":\"client-1\",\"iat\":@-300,\"exp\":@60,\"jti\":\"j\",\"sub\":"
	         "\"alice\"," EVENTS "}",
	         REASON_TOKEN_EXPIRED},
		{HEAD,
	         "{\"iss\":\"https://"
	         "idp\",\"aud\":\"client-1\",\"iat\":@900,\"jti\":\"j\",\"sub\":\"alice\"," EVENTS
	         "}",
	         REASON_TOKEN_EXPIRED},
		{"{\"alg\":\"none\"}", "{" ORDER "," EVENTS ",\"sub\":\"alice\"}",
	         REASON_ALGORITHM_NOT_ALLOWED},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *token = signed_token(desk, &rows[i]);
		struct logout_order order = {0};
		enum reason why = REASON_INTERNAL;
		bool good = logouttoken_check(desk->login, desk->verifier, sv_of(token), NOW,
		                              &order, &why);
		if (good != (rows[i].why == REASON_INTERNAL) || why != rows[i].why)
			fail_msg("%s: %s", rows[i].claims, reason_name(why));
		assert_true(!good || (sv_eq(order.jti, SVL("j")) && order.until_s > NOW));
		json_decref(order.claims);
		free(token);
	}
}

static void a_stranger_signs_nothing(void **state)
{
	struct desk *desk = *state;
	struct minter stranger = minter_make(JWS_ES256);
	char *claims = timed("{" GOOD "}");
	char *token = minter_token(&stranger, SVL(HEAD), sv_of(claims));
	const struct idtoken_expected expected = {.nonce = SV("n-1")};
	json_t *found = NULL;
	enum reason why = REASON_INTERNAL;
	assert_false(idtoken_check(desk->login, desk->verifier, sv_of(token), &expected, NOW,
	                           &found, &why));
	assert_int_equal(why, REASON_SIGNATURE_INVALID);
	free(token);
	free(claims);
	minter_fini(&stranger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_token_is_of_this_sign_in_or_nothing),
		cmocka_unit_test(a_logout_token_says_whom_and_only_once),
		cmocka_unit_test(a_stranger_signs_nothing),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
