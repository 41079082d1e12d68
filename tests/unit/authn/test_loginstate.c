/* Sent away and come back: only the browser that was sent, to where it was, in time, to an address that is allowed. */
#include "authn/cookie.h"
#include "authn/loginstate.h"
#include "core/limits.h"
#include "signing.h"

enum { NOW = 1764000000 };
static const struct sv host = SV("app.example");

struct desk {
	struct signing signing;
	const struct login *login;
	struct seal_ring ring;
	struct arena arena;
	struct loginstate_ctx ctx;
};

static int set_up(void **state)
{
	static struct desk desk;
	struct seal_key key = {.made_at_s = 1, .bytes = "key"};
	desk = (struct desk){0};
	signing_make(&desk.signing);
	desk.login = logins_named(desk.signing.logins, SVL("web"));
	seal_ring_add(&desk.ring, 1, &key);
	assert_int_equal(arena_init(&desk.arena, REQUEST_ARENA_BYTES), 0);
	desk.ctx = (struct loginstate_ctx){&desk.ring, &desk.arena, NOW};
	*state = &desk;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *desk = *state;
	signing_fini(&desk->signing);
	arena_fini(&desk->arena);
	return 0;
}

/* One parameter of a location, as it is spelt. */
static struct sv parameter(struct sv location, const char *name)
{
	struct sv pair, rest = sv_from(location, sv_find(location, '?') + 1);
	while (rest.n && sv_cut(&rest, '&', &pair)) {
		size_t at = sv_find(pair, '=');
		if (sv_eq(sv_first(pair, at), sv_of(name)))
			return sv_from(pair, at + 1);
	}
	return (struct sv){0};
}

/* What a browser sends back of a Set-Cookie. */
static struct sv cookie_set_by(struct sv set_cookie)
{
	return sv_first(set_cookie, sv_find(set_cookie, ';'));
}

static struct loginstate_begun begin(struct desk *desk, struct sv path, struct sv query)
{
	const struct loginstate_wish wish = {
		.host = host, .path = path, .query = query, .endpoint = SV("https://idp/auth")};
	struct loginstate_begun begun;
	assert_true(loginstate_begin(desk->login, &desk->ctx, &wish, &begun));
	return begun;
}

static void a_browser_goes_away_with_all_that_is_needed(void **state)
{
	struct desk *desk = *state;
	struct loginstate_begun begun = begin(desk, SVL("/orders"), SVL("a=1"));
	assert_true(sv_starts(begun.location, SVL("https://idp/auth?response_type=code&")));
	static const struct {
		const char *name, *value; /* NULL: 43 characters that nobody can guess */
	} wanted[] = {
		{"client_id", "client-1"},
		{"redirect_uri", "https%3A%2F%2Fapp.example%2F.haward%2Fcallback"},
		{"scope", "openid"},
		{"nonce", NULL},
		{"code_challenge", NULL},
		{"code_challenge_method", "S256"},
	};
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		struct sv value = parameter(begun.location, wanted[i].name);
		if (wanted[i].value)
			assert_true(sv_eq(value, sv_of(wanted[i].value)));
		else
			assert_int_equal(value.n, 43);
	}
	assert_int_equal(parameter(begun.location, "state").n, 22);
	assert_true(sv_starts(begun.cookie, SVL("__Host-haward-login-")));
	assert_true(sv_ends(begun.cookie,
	                    SVL("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure")));
	assert_null(memmem(begun.location.at, begun.location.n, "orders", 6));
}

static void it_comes_back_to_where_it_was(void **state)
{
	struct desk *desk = *state;
	struct loginstate way;
	char text[LOGIN_TEXT_BYTES], other[LOGIN_TEXT_BYTES];
	struct loginstate_begun begun = begin(desk, SVL("/orders"), SVL("a=1"));
	struct sv code_state = parameter(begun.location, "state");
	assert_true(loginstate_resume(desk->login, &desk->ctx, host, cookie_set_by(begun.cookie),
	                              code_state, &way));
	assert_true(sv_eq(way.back, SVL("/orders?a=1")));
	assert_true(
		sv_ends(way.forget, SVL("=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure")));
	assert_true(loginstate_nonce(way.seed, text));
	assert_true(sv_eq(sv_of(text), parameter(begun.location, "nonce")));
	assert_true(loginstate_verifier(way.seed, other));
	assert_string_not_equal(text, other);
	assert_true(loginstate_session_id(way.seed, SVL("code"), text));
	assert_true(loginstate_session_id(way.seed, SVL("code2"), other));
	assert_string_not_equal(text, other);
}

static void tabs_do_not_disturb_each_other(void **state)
{
	struct desk *desk = *state;
	struct loginstate way;
	struct loginstate_begun one = begin(desk, SVL("/one"), SVL(""));
	struct loginstate_begun two = begin(desk, SVL("/two"), SVL(""));
	struct sv both =
		arena_printf(&desk->arena, "x=y; %.*s; %.*s", SV_ARG(cookie_set_by(one.cookie)),
	                     SV_ARG(cookie_set_by(two.cookie)));
	assert_true(loginstate_resume(desk->login, &desk->ctx, host, both,
	                              parameter(two.location, "state"), &way));
	assert_true(sv_eq(way.back, SVL("/two")));
	assert_true(loginstate_resume(desk->login, &desk->ctx, host, both,
	                              parameter(one.location, "state"), &way));
	assert_true(sv_eq(way.back, SVL("/one")));
}

static void nobody_else_comes_back(void **state)
{
	struct desk *desk = *state;
	struct loginstate way;
	struct loginstate_begun mine = begin(desk, SVL("/"), SVL(""));
	struct loginstate_begun other = begin(desk, SVL("/"), SVL(""));
	struct sv cookie = cookie_set_by(mine.cookie), sent = parameter(mine.location, "state");
	struct loginstate_ctx late = desk->ctx, early = desk->ctx;
	struct logins *moved;
	struct diag d = diag_over("test", SVL(""));
	late.now_s += LOGIN_WAY_S;
	early.now_s -= 1;
	assert_int_equal(
		signing_logins(
			&desk->signing,
			"[{\"name\":\"admin\",\"issuer\":\"idp\",\"clientId\":\"c\","
			"\"hosts\":[\"app.example\"],\"authorizationEndpoint\":\"https://a\","
			"\"tokenEndpoint\":\"https://a\"}]",
			&d, &moved),
		0);
	assert_false(loginstate_resume(desk->login, &desk->ctx, host, SVL(""), sent, &way));
	assert_false(loginstate_resume(desk->login, &desk->ctx, host, cookie,
	                               parameter(other.location, "state"), &way));
	assert_false(loginstate_resume(desk->login, &desk->ctx, host, cookie_set_by(other.cookie),
	                               sent, &way));
	assert_false(loginstate_resume(desk->login, &desk->ctx, SVL("other.example"), cookie, sent,
	                               &way));
	assert_false(loginstate_resume(desk->login, &late, host, cookie, sent, &way));
	assert_false(loginstate_resume(desk->login, &early, host, cookie, sent, &way));
	assert_false(
		loginstate_resume(desk->login, &desk->ctx, host, cookie, sv_first(sent, 21), &way));
	assert_false(loginstate_resume(desk->login, &desk->ctx, host, cookie, SVL(""), &way));
	assert_false(loginstate_resume(logins_named(moved, SVL("admin")), &desk->ctx, host, cookie,
	                               sent, &way));
	/* another's box under my state's name */
	struct sv value = sv_from(cookie_set_by(other.cookie), sv_find(other.cookie, '='));
	struct sv forged =
		arena_printf(&desk->arena, "%.*s%.*s",
	                     SV_ARG(sv_first(cookie, sv_find(cookie, '='))), SV_ARG(value));
	assert_false(loginstate_resume(desk->login, &desk->ctx, host, forged, sent, &way));
	struct sv twice = arena_printf(&desk->arena, "%.*s; %.*s", SV_ARG(cookie), SV_ARG(cookie));
	assert_false(loginstate_resume(desk->login, &desk->ctx, host, twice, sent, &way));
	assert_true(loginstate_resume(desk->login, &desk->ctx, host, cookie, sent, &way));
	logins_free(moved);
	diag_fini(&d);
}

static void only_an_address_of_the_same_host_is_gone_back_to(void **state)
{
	struct desk *desk = *state;
	static const struct {
		struct sv path, query, back;
	} cases[] = {
		{SV("/a/b"), SV("c=d&e=%2F"), SV("/a/b?c=d&e=%2F")},
		{SV("/"), SV(""), SV("/")},
		{SV("//evil.example/"), SV(""), SV("/")},
		{SV("/\\evil.example"), SV(""), SV("/")},
		{SV("https://evil.example/"), SV(""), SV("/")},
		{SV("/a\r\nset-cookie: x=y"), SV(""), SV("/")},
		{SV("/a"), SV("b=\t"), SV("/")},
		{SV("/a b"), SV(""), SV("/")},
		{SV("/\xc3\xa4"), SV(""), SV("/")},
		{SV(""), SV("a"), SV("/")},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct loginstate way;
		struct loginstate_begun begun = begin(desk, cases[i].path, cases[i].query);
		assert_true(loginstate_resume(desk->login, &desk->ctx, host,
		                              cookie_set_by(begun.cookie),
		                              parameter(begun.location, "state"), &way));
		assert_true(sv_eq(way.back, cases[i].back));
	}
	char longest[LOGIN_BACK_MAX_BYTES + 1];
	memset(longest, '/', sizeof(longest));
	memset(longest + 1, 'a', sizeof(longest) - 1);
	assert_true(login_may_return((struct sv){longest, LOGIN_BACK_MAX_BYTES}));
	assert_false(login_may_return((struct sv){longest, sizeof(longest)}));
}

static void without_keys_nobody_is_sent_away(void **state)
{
	struct desk *desk = *state;
	static struct seal_ring none;
	struct loginstate_ctx ctx = desk->ctx;
	struct loginstate_begun begun;
	const struct loginstate_wish wish = {
		.host = host, .path = SV("/"), .endpoint = SV("https://idp/auth")};
	ctx.ring = &none;
	assert_false(loginstate_begin(desk->login, &ctx, &wish, &begun));
}

static void how_the_user_has_to_sign_in_goes_and_comes_back(void **state)
{
	struct desk *desk = *state;
	char long_acr[LOGIN_ACR_MAX_BYTES + 1];
	struct loginstate way;
	struct loginstate_wanted wanted;
	struct loginstate_begun begun;
	struct loginstate_wish wish = {.host = host,
	                               .path = SV("/"),
	                               .endpoint = SV("https://idp/auth"),
	                               .acr = SV("urn:two urn:three"),
	                               .max_age_s = 300};
	assert_true(loginstate_begin(desk->login, &desk->ctx, &wish, &begun));
	assert_true(sv_eq(parameter(begun.location, "max_age"), SVL("300")));
	assert_true(sv_eq(parameter(begun.location, "acr_values"), SVL("urn%3Atwo%20urn%3Athree")));
	assert_true(loginstate_resume(desk->login, &desk->ctx, host, cookie_set_by(begun.cookie),
	                              parameter(begun.location, "state"), &way));
	assert_true(loginstate_wanted(way.wanted, &wanted));
	assert_int_equal(wanted.max_age_s, 300);
	assert_true(sv_eq(wanted.acr, wish.acr));
	begun = begin(desk, SVL("/"), SVL(""));
	assert_int_equal(parameter(begun.location, "max_age").n, 0);
	assert_int_equal(parameter(begun.location, "acr_values").n, 0);
	assert_true(loginstate_resume(desk->login, &desk->ctx, host, cookie_set_by(begun.cookie),
	                              parameter(begun.location, "state"), &way));
	assert_int_equal(way.wanted.n, 0);
	assert_true(loginstate_wanted(way.wanted, &wanted));
	assert_true(wanted.max_age_s == 0 && wanted.acr.n == 0);
	assert_false(loginstate_wanted(SVL("short"), &wanted));
	assert_false(loginstate_wanted(SVL("\xff\0\0\0\0\0\0\0"), &wanted));
	memset(long_acr, 'a', sizeof(long_acr));
	wish.acr = (struct sv){long_acr, sizeof(long_acr)};
	assert_false(loginstate_begin(desk->login, &desk->ctx, &wish, &begun));
}

static void plain_http_has_no_secure_cookies(void **state)
{
	struct desk *desk = *state;
	struct logins *logins;
	struct diag d = diag_over("test", SVL(""));
	assert_int_equal(
		signing_logins(&desk->signing,
	                       "[{\"name\":\"dev\",\"issuer\":\"idp\",\"clientId\":\"c\","
	                       "\"hosts\":[\"127.0.0.1:8080\"],\"authorizationEndpoint\":\"https://"
	                       "a?b=c\","
	                       "\"tokenEndpoint\":\"https://a\",\"insecureLoopback\":true}]",
	                       &d, &logins),
		0);
	const struct login *login = logins_named(logins, SVL("dev"));
	const struct loginstate_wish wish = {.host = SV("127.0.0.1:8080"),
	                                     .path = SV("/"),
	                                     .endpoint = sv_of(login->authorization_endpoint)};
	struct loginstate_begun begun;
	assert_true(loginstate_begin(login, &desk->ctx, &wish, &begun));
	assert_true(sv_starts(begun.location, SVL("https://a?b=c&response_type=code&")));
	assert_true(sv_eq(parameter(begun.location, "redirect_uri"),
	                  SVL("http%3A%2F%2F127.0.0.1%3A8080%2F.haward%2Fcallback")));
	assert_true(sv_starts(begun.cookie, SVL("haward-login-")));
	assert_true(sv_ends(begun.cookie, SVL("; HttpOnly; SameSite=Lax")));
	logins_free(logins);
	diag_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define EACH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		EACH(a_browser_goes_away_with_all_that_is_needed),
		EACH(it_comes_back_to_where_it_was),
		EACH(tabs_do_not_disturb_each_other),
		EACH(nobody_else_comes_back),
		EACH(only_an_address_of_the_same_host_is_gone_back_to),
		EACH(without_keys_nobody_is_sent_away),
		EACH(how_the_user_has_to_sign_in_goes_and_comes_back),
		EACH(plain_http_has_no_secure_cookies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
