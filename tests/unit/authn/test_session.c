/* A session cookie: asked for once, known for a minute, forgotten by every worker at once when it ends. */
#include "authn/credential.h"
#include "authn/loginstate.h"
#include "authn/session.h"
#include "authn/turn.h"
#include "core/limits.h"
#include "signing.h"

enum { NOW = 1764000000 };
static const struct sv id = SV("0123456789abcdefghijABCDEFGHIJ_-0123456789A");

struct desk {
	struct signing signing;
	const struct login *login;
	struct login_shared shared;
	struct tokencache *caches[2]; /* of two workers */
	struct arena arena;
	struct authn_ask ask;
};

static int set_up(void **state)
{
	static struct desk desk;
	desk = (struct desk){0};
	signing_make(&desk.signing);
	desk.login = logins_named(desk.signing.logins, SVL("web"));
	desk.caches[0] = tokencache_new(16);
	desk.caches[1] = tokencache_new(16);
	assert_int_equal(arena_init(&desk.arena, REQUEST_ARENA_BYTES), 0);
	*state = &desk;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *desk = *state;
	tokencache_free(desk->caches[0]);
	tokencache_free(desk->caches[1]);
	signing_fini(&desk->signing);
	arena_fini(&desk->arena);
	return 0;
}

static struct authn_ctx ctx_of(struct desk *desk, size_t worker, int64_t now_s)
{
	return (struct authn_ctx){.cache = desk->caches[worker],
	                          .arena = &desk->arena,
	                          .now_s = now_s,
	                          .ask = &desk->ask,
	                          .login = desk->login,
	                          .shared = &desk->shared};
}

static enum authn_outcome identify(struct desk *desk, size_t worker, struct sv cookie,
                                   int64_t now_s, struct identity *who, enum reason *why)
{
	const struct authn_ctx ctx = ctx_of(desk, worker, now_s);
	const struct authn_turn turn = {.authn = desk->signing.authn, .ctx = &ctx, .why = why};
	*why = REASON_INTERNAL;
	desk->ask = (struct authn_ask){0};
	const struct credential shown = {.kind = CREDENTIAL_SESSION, .text = cookie};
	return session_identify(&turn, &shown, who);
}

/* What the performer says, put into one worker's cache. */
static void answer(struct desk *desk, size_t worker, const char *claims, enum reason why)
{
	const struct authn_ctx ctx = ctx_of(desk, worker, NOW);
	struct authn_answer a = {.kind = desk->ask.kind,
	                         .serial = desk->ask.serial,
	                         .about = desk->ask.about,
	                         .is_good = claims,
	                         .why = why,
	                         .until_s = NOW + SESSION_KEPT_S};
	memcpy(a.key, desk->ask.key, sizeof(a.key));
	a.claims = claims ? json_loads(claims, 0, NULL) : NULL;
	authn_keep(desk->signing.authn, &ctx, &a);
	json_decref(a.claims);
}

#define CLAIMS \
	"{\"iss\":\"https://idp\",\"sub\":\"alice\",\"aud\":\"client-1\",\"scope\":\"openid a\"}"

static void it_is_asked_for_and_then_known_for_a_while(void **state)
{
	struct desk *desk = *state;
	struct identity who = {0};
	enum reason why;
	assert_int_equal(identify(desk, 0, id, NOW, &who, &why), AUTHN_LATER);
	assert_int_equal(desk->ask.kind, AUTHN_ASK_SESSION);
	assert_ptr_equal(desk->ask.about, desk->login);
	assert_int_equal(desk->ask.parts[LOGIN_ASK_DIGEST].n, SHA256_BYTES);
	answer(desk, 0, CLAIMS, REASON_INTERNAL);
	assert_int_equal(identify(desk, 0, id, NOW, &who, &why), AUTHN_OK);
	assert_int_equal(who.method, AUTH_SESSION);
	assert_true(sv_eq(who.user, SVL("alice")));
	assert_true(sv_eq(who.principal, SVL("https://idp/alice")));
	assert_true(sv_eq(who.client, SVL("client-1")));
	assert_int_equal(who.n_scopes, 2);
	assert_int_equal(identify(desk, 1, id, NOW, &who, &why), AUTHN_LATER);
	assert_int_equal(identify(desk, 0, id, NOW + SESSION_KEPT_S, &who, &why), AUTHN_LATER);
}

static void when_it_ends_no_worker_knows_it_any_more(void **state)
{
	struct desk *desk = *state;
	struct identity who;
	enum reason why;
	struct session_place place;
	for (size_t worker = 0; worker < 2; worker++) {
		assert_int_equal(identify(desk, worker, id, NOW, &who, &why), AUTHN_LATER);
		answer(desk, worker, CLAIMS, REASON_INTERNAL);
		assert_int_equal(identify(desk, worker, id, NOW, &who, &why), AUTHN_OK);
	}
	assert_true(session_place(desk->caches[0], &desk->shared, id, &place));
	const struct authn_ask before = desk->ask;
	login_shared_end(&desk->shared, place.digest);
	for (size_t worker = 0; worker < 2; worker++)
		assert_int_equal(identify(desk, worker, id, NOW, &who, &why), AUTHN_LATER);
	assert_memory_not_equal(desk->ask.key, before.key, SHA256_BYTES);
	/* an answer that was on its way meanwhile comes too late */
	desk->ask = before;
	answer(desk, 0, CLAIMS, REASON_INTERNAL);
	assert_int_equal(identify(desk, 0, id, NOW, &who, &why), AUTHN_LATER);
}

static void one_that_is_over_is_nobody_and_one_that_cannot_be_told_is_refused(void **state)
{
	struct desk *desk = *state;
	struct identity who;
	enum reason why;
	static const struct sv none[] = {
		SV(""),
		SV("x"),
		SV("0123456789abcdefghijABCDEFGHIJ_-0123456789"),
		SV("0123456789abcdefghijABCDEFGHIJ_-0123456789AA"),
		SV("0123456789abcdefghijABCDEFGHIJ_-0123456789B"),
		SV("0123456789abcdefghijABCDEFGHIJ+/0123456789A"),
	};
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		assert_int_equal(identify(desk, 0, none[i], NOW, &who, &why), AUTHN_ANONYMOUS);
		assert_int_equal(why, REASON_SESSION_EXPIRED);
	}
	assert_int_equal(identify(desk, 0, id, NOW, &who, &why), AUTHN_LATER);
	answer(desk, 0, NULL, REASON_SESSION_EXPIRED);
	assert_int_equal(identify(desk, 0, id, NOW, &who, &why), AUTHN_ANONYMOUS);
	assert_int_equal(why, REASON_SESSION_EXPIRED);
	assert_int_equal(identify(desk, 1, id, NOW, &who, &why), AUTHN_LATER);
	answer(desk, 1, NULL, REASON_AUTHENTICATION_UNAVAILABLE);
	assert_int_equal(identify(desk, 1, id, NOW, &who, &why), AUTHN_REFUSED);
	assert_int_equal(why, REASON_AUTHENTICATION_UNAVAILABLE);
}

static void it_counts_where_its_login_does(void **state)
{
	struct desk *desk = *state;
	struct identity who;
	enum reason why;
	struct authn_ctx ctx = ctx_of(desk, 0, NOW);
	struct request req = {.kind = REQUEST_HTTP, .cert_verify = -1};
	char cookie[256];
	(void)snprintf(cookie, sizeof(cookie), "a=b; __Host-haward=%.*s; c=d", SV_ARG(id));
	req.cookie = sv_of(cookie);
	assert_int_equal(authn_identify(desk->signing.authn, &ctx, &req, &who, &why), AUTHN_LATER);
	ctx.login = NULL;
	assert_int_equal(authn_identify(desk->signing.authn, &ctx, &req, &who, &why),
	                 AUTHN_ANONYMOUS);
	ctx.login = desk->login;
	(void)snprintf(cookie, sizeof(cookie), "haward=%.*s", SV_ARG(id));
	req.cookie = sv_of(cookie);
	assert_int_equal(authn_identify(desk->signing.authn, &ctx, &req, &who, &why),
	                 AUTHN_ANONYMOUS);
	(void)snprintf(cookie, sizeof(cookie), "__Host-haward=%.*s; __Host-haward=x", SV_ARG(id));
	req.cookie = sv_of(cookie);
	assert_int_equal(authn_identify(desk->signing.authn, &ctx, &req, &who, &why),
	                 AUTHN_REFUSED);
	assert_int_equal(why, REASON_MULTIPLE_CREDENTIALS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define EACH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		EACH(it_is_asked_for_and_then_known_for_a_while),
		EACH(when_it_ends_no_worker_knows_it_any_more),
		EACH(one_that_is_over_is_nobody_and_one_that_cannot_be_told_is_refused),
		EACH(it_counts_where_its_login_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
