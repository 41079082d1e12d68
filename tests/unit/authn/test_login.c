/* The logins of a policy set: what is refused, with its place, and which login answers what. */
#include "authn/login.h"
#include "signing.h"

static int set_up(void **state)
{
	static struct signing signing;
	signing_make(&signing);
	*state = &signing;
	return 0;
}

static int tear_down(void **state)
{
	signing_fini(*state);
	return 0;
}

static void what_is_wrong_is_named_with_its_place(void **state)
{
	static const struct {
		const char *list, *pointer, *code;
	} cases[] = {
		{"{}", "/logins", "wrong_type"},
		{"[1]", "/logins/0", "wrong_type"},
		{"[{" SIGNING_LOGIN ",\"clientID\":\"x\"}]", "/logins/0/clientID", "unknown_key"},
		{"[{\"name\":\"a\"}]", "/logins/0", "missing_key"},
		{"[{" SIGNING_LOGIN ",\"callbackPath\":\"back\"}]", "/logins/0/callbackPath",
	         "not_a_path"},
		{"[{" SIGNING_LOGIN ",\"callbackPath\":\"//x\"}]", "/logins/0/callbackPath",
	         "not_a_path"},
		{"[{" SIGNING_LOGIN ",\"logoutPath\":\"/a%20\"}]", "/logins/0/logoutPath",
	         "not_a_path"},
		{"[{" SIGNING_LOGIN ",\"afterLogoutPath\":\"//evil.example\"}]",
	         "/logins/0/afterLogoutPath", "not_a_path"},
		{"[{" SIGNING_LOGIN ",\"logoutPath\":\"/.haward/callback\"}]", "/logins/0",
	         "doubled_path"},
		{"[{" SIGNING_LOGIN ",\"insecureLoopback\":true}]", "/logins/0/hosts/0",
	         "not_loopback"},
		{"[{" SIGNING_LOGIN ",\"scopes\":[\"a b\"]}]", "/logins/0/scopes", "not_a_scope"},
		{"[{" SIGNING_LOGIN ",\"session\":{\"idleSeconds\":1}}]",
	         "/logins/0/session/idleSeconds", "out_of_range"},
		{"[{" SIGNING_LOGIN ",\"session\":{\"cookie\":\"a;b\"}}]",
	         "/logins/0/session/cookie", "not_a_name"},
		{"[{" SIGNING_LOGIN ",\"clientSecretFile\":\"/nonexistent\"}]",
	         "/logins/0/clientSecretFile", "unreadable_file"},
		{"[{" SIGNING_LOGIN ",\"clientSecretFile\":\"/dev/null\"}]",
	         "/logins/0/clientSecretFile", "weak_secret"},
		{"[{" SIGNING_LOGIN ",\"endSessionEndpoint\":\"javascript:x\"}]",
	         "/logins/0/endSessionEndpoint", "not_a_url"},
		{"[{" SIGNING_LOGIN ",\"endSessionEndpoint\":\"https://a/\\r\\nx\"}]",
	         "/logins/0/endSessionEndpoint", "not_a_url"},
		{"[{\"name\":\"web\",\"issuer\":\"other\",\"clientId\":\"c\",\"hosts\":[\"a\"],"
	         "\"authorizationEndpoint\":\"https://a\",\"tokenEndpoint\":\"https://a\"}]",
	         "/logins/0/issuer", "unknown_issuer"},
		{"[{\"name\":\"web\",\"issuer\":\"idp\",\"clientId\":\"c\",\"hosts\":[],"
	         "\"authorizationEndpoint\":\"https://a\",\"tokenEndpoint\":\"https://a\"}]",
	         "/logins/0/hosts", "empty_list"},
		{"[{\"name\":\"web\",\"issuer\":\"idp\",\"clientId\":\"c\",\"hosts\":[\"a/b\"],"
	         "\"authorizationEndpoint\":\"https://a\",\"tokenEndpoint\":\"https://a\"}]",
	         "/logins/0/hosts/0", "not_a_host"},
		{"[{" SIGNING_LOGIN "},{" SIGNING_LOGIN "}]", "/logins/1/name", "doubled_name"},
		{"[{" SIGNING_LOGIN ",\"frontchannelLogoutPath\":\"/a?b\"}]",
	         "/logins/0/frontchannelLogoutPath", "not_a_path"},
		{"[{" SIGNING_LOGIN ",\"frontchannelLogoutPath\":\"/.haward/logout\"}]",
	         "/logins/0", "doubled_path"},
		/* its issuer has a jwksUri, so nothing is discovered */
		{"[{\"name\":\"web\",\"issuer\":\"idp\",\"clientId\":\"c\",\"hosts\":[\"a\"],"
	         "\"authorizationEndpoint\":\"https://a\"}]",
	         "/logins/0", "endpoints"},
	};
	struct signing *s = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct diag d = diag_over("test", sv_of(cases[i].list));
		struct logins *logins = NULL;
		bool found = false;
		assert_int_equal(signing_logins(s, cases[i].list, &d, &logins), -EINVAL);
		for (size_t k = 0; k < d.n; k++)
			found = found || (strcmp(d.items[k].pointer, cases[i].pointer) == 0 &&
			                  strcmp(d.items[k].code, cases[i].code) == 0);
		if (!found) {
			diag_print(&d, stderr);
			fail_msg("%s", cases[i].list);
		}
		diag_fini(&d);
	}
}

static void a_path_is_answered_by_its_spelling_at_its_host(void **state)
{
	static const struct {
		struct sv host, path;
		int answers; /* -1: nobody */
	} cases[] = {
		{SV("app.example"), SV("/.haward/callback"), LOGIN_CALLBACK},
		{SV("APP.example"), SV("/.haward/logout"), LOGIN_LOGOUT},
		{SV("app.example"), SV("/.haward/Callback"), -1},
		{SV("app.example"), SV("/.haward/callback/"), -1},
		{SV("app.example"), SV("//.haward/callback"), -1},
		{SV("app.example"), SV("/.haward/backchannel"), -1},
		{SV("app.example:443"), SV("/.haward/callback"), -1},
		{SV("evil.example"), SV("/.haward/callback"), -1},
		{SV(""), SV("/.haward/callback"), -1},
		{SV("app.example"), SV(""), -1},
	};
	struct signing *s = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum login_path path = LOGIN_PATH_COUNT;
		const struct login *login =
			logins_answering(s->logins, cases[i].host, cases[i].path, &path);
		assert_int_equal(login ? (int)path : -1, cases[i].answers);
	}
	assert_non_null(logins_named(s->logins, SVL("web")));
	assert_null(logins_named(s->logins, SVL("we")));
	assert_null(logins_named(s->logins, SVL("")));
}

static void what_nobody_wrote_has_a_default(void **state)
{
	struct signing *s = *state;
	const struct login *login = logins_named(s->logins, SVL("web"));
	assert_string_equal(login->scope, "openid");
	assert_string_equal(login->session.cookie, "haward");
	assert_string_equal(login->after_logout_path, "/");
	assert_int_equal(login->session.idle_s, 1800);
	assert_int_equal(login->session.lifetime_s, 43200);
	assert_null(login->secret);
	assert_false(login->insecure_loopback);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_named_with_its_place),
		cmocka_unit_test(a_path_is_answered_by_its_spelling_at_its_host),
		cmocka_unit_test(what_nobody_wrote_has_a_default),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
