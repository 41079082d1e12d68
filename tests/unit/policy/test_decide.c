#include "authn/revocations.h"
#include "authn/tokencache.h"
#include "core/limits.h"
#include "model/decision.h"
#include "model/request.h"
#include "policy/decide.h"
#include "policy/explain.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char text[] =
	"{\"issuers\":[{\"issuer\":\"https://idp\",\"jwksUri\":\"https://idp/keys\"}],"
	"\"services\":[{\"name\":\"orders\",\"paths\":[\"/orders/{**}\"]}],"
	"\"policies\":[{\"name\":\"read\",\"action\":\"ALLOW\",\"rules\":[{\"from\":[{\"source\":{"
	"\"requestPrincipals\":[\"https://idp/*\"]}}]}]}]}";

static struct policy *policy;
static struct arena arena;
static struct decide_ctx ctx;

static int set_up(void **state)
{
	(void)state;
	ctx = (struct decide_ctx){
		.tokens = tokencache_new(16), .arena = &arena, .now_us = 1700000000000000};
	if (!ctx.tokens || arena_init(&arena, REQUEST_ARENA_BYTES) != 0)
		return -1;
	return policy_load(sv_of(text), NULL, 7, NULL, &policy);
}

static int tear_down(void **state)
{
	(void)state;
	policy_unref(policy);
	tokencache_free(ctx.tokens);
	arena_fini(&arena);
	return 0;
}

static struct request get(const char *path)
{
	return (struct request){.method = SV("GET"),
	                        .host = SV("shop.example"),
	                        .path = sv_of(path),
	                        .cert_verify = -1};
}

struct row {
	const char *path;
	const char *authorization; /* NULL: none */
	unsigned n_authorization;
	enum verdict_effect effect;
	enum reason reason;
	unsigned status;
	bool challenged;
};

static void every_way_to_fail_has_its_verdict(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"/orders/1", NULL, 0, VERDICT_AUTHENTICATE, REASON_AUTHENTICATION_REQUIRED, 401,
	         true},
		{"/orders/1", "Bearer x", 1, VERDICT_AUTHENTICATE, REASON_TOKEN_MALFORMED, 401,
	         true},
		{"/orders/1", "Basic eDp5", 1, VERDICT_AUTHENTICATE, REASON_UNSUPPORTED_CREDENTIAL,
	         401, true},
		{"/orders/1", "Bearer x", 2, VERDICT_DENY, REASON_MULTIPLE_CREDENTIALS, 400, true},
		{"/orders/../x", NULL, 0, VERDICT_DENY, REASON_AMBIGUOUS_PATH, 400, false},
		{"/orders/../x", "Bearer x", 1, VERDICT_DENY, REASON_AMBIGUOUS_PATH, 400, false},
		{"/nowhere", NULL, 0, VERDICT_DENY, REASON_NO_SERVICE, 403, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request req = get(rows[i].path);
		struct decision d;
		req.n_authorization = rows[i].n_authorization;
		req.authorization = sv_of(rows[i].authorization);
		assert_int_equal(policy_decide(policy, &ctx, &req, &d), DECIDE_NOW);
		assert_int_equal(d.verdict.effect, rows[i].effect);
		assert_int_equal(d.verdict.reason, rows[i].reason);
		assert_int_equal(d.verdict.status, rows[i].status);
		assert_int_equal(d.verdict.challenge.n > 0, rows[i].challenged);
		assert_int_equal(d.policy_version, 7);
		assert_int_equal(d.at_us, ctx.now_us);
		arena_reset(&arena);
	}
}

static void nothing_in_force_denies(void **state)
{
	(void)state;
	struct request req = get("/orders/1");
	struct decision d;
	assert_int_equal(policy_decide(NULL, &ctx, &req, &d), DECIDE_NOW);
	assert_int_not_equal(d.verdict.effect, VERDICT_ALLOW);
	assert_int_equal(d.verdict.reason, REASON_INTERNAL);
	assert_int_equal(d.verdict.status, 503);
}

static void a_bad_message_is_a_bad_request(void **state)
{
	(void)state;
	struct request req = get("/orders/1");
	struct decision d;
	req.bad = true;
	assert_int_equal(policy_decide(policy, &ctx, &req, &d), DECIDE_NOW);
	assert_int_equal(d.verdict.reason, REASON_BAD_REQUEST);
	assert_int_equal(d.verdict.status, 400);
}

static void a_known_caller_is_judged_without_a_token(void **state)
{
	(void)state;
	struct request req = get("/orders/1");
	const struct identity who = {.method = AUTH_JWT,
	                             .user = SV("alice"),
	                             .issuer = SV("https://idp"),
	                             .subject = SV("alice"),
	                             .principal = SV("https://idp/alice")};
	struct decision d;
	policy_decide_as(policy, &ctx, &req, &who, &d);
	assert_int_equal(d.verdict.effect, VERDICT_ALLOW);
	assert_true(sv_eq(d.verdict.policy, SVL("read")));
	assert_true(sv_eq(d.verdict.service, SVL("orders")));
	assert_true(sv_eq(d.verdict.path, SVL("/orders/1")));
	assert_true(sv_eq(d.identity.user, SVL("alice")));
}

static enum reason judged_with(const struct policy_tables_view *tables, const struct identity *who)
{
	struct decide_ctx with = ctx;
	struct request req = get("/orders/1");
	struct decision d;
	with.tables = tables;
	policy_decide_as(policy, &with, &req, who, &d);
	assert_int_equal(d.verdict.effect == VERDICT_ALLOW,
	                 d.verdict.reason == REASON_POLICY_ALLOWED);
	return d.verdict.reason;
}

static void who_is_revoked_is_not_believed_because_they_are_only_imagined(void **state)
{
	(void)state;
	const struct identity who = {.method = AUTH_JWT,
	                             .issuer = SV("https://idp"),
	                             .subject = SV("alice"),
	                             .token_id = SV("t-1"),
	                             .principal = SV("https://idp/alice")};
	const struct identity nobody = {0};
	const struct revocation token = {.kind = REVOCATION_TOKEN,
	                                 .issuer = SV("https://idp"),
	                                 .name = SV("t-1"),
	                                 .expires_s = INT64_MAX};
	struct revocations *table = NULL;
	struct policy_tables_view view = {0};
	assert_int_equal(judged_with(&view, &who), REASON_REVOCATIONS_UNAVAILABLE);
	assert_int_equal(judged_with(&view, &nobody), REASON_AUTHENTICATION_REQUIRED);
	assert_int_equal(revocations_new(1, &table), 0);
	view.at[POLICY_TABLE_REVOCATIONS] = revocations_shared(table);
	assert_int_equal(judged_with(&view, &who), REASON_POLICY_ALLOWED);
	assert_int_equal(revocations_add(table, &token), 0);
	assert_int_equal(judged_with(&view, &who), REASON_TOKEN_REVOKED);
	revocations_unref(table);
}

static void an_explanation_is_json_whatever_the_bytes(void **state)
{
	(void)state;
	struct request req = get("/orders/\xff?");
	struct decision d;
	req.host = (struct sv)SV("a\xff b");
	assert_int_equal(policy_decide(policy, &ctx, &req, &d), DECIDE_NOW);
	json_t *shown = policy_explain(&d);
	assert_non_null(shown);
	assert_string_equal(json_string_value(json_object_get(shown, "reason")), "bad_request");
	const json_t *why = json_array_get(json_object_get(shown, "why"), 0);
	assert_string_equal(json_string_value(json_object_get(why, "value")), "a\xef\xbf\xbd b");
	json_decref(shown);
}

static void loading_reports_place_and_keeps_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *pointer;
		unsigned line;
	} rows[] = {
		{"", "", 1},
		{"{", "", 1},
		{"{\"policies\":[],\"policies\":[]}", "", 1},
		{"{\n \"policies\": [\n  {\"name\": \"p\",\n   \"acton\": \"ALLOW\"}]}",
	         "/policies/0/acton", 4},
		{"{\n \"polcies\": []}", "/polcies", 2},
		{"{\"apiVersion\": 1}", "/apiVersion", 1},
		{"[]", "", 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy *none = NULL;
		struct diag d = diag_over("p.json", sv_of(rows[i].text));
		bool found = false;
		assert_int_not_equal(policy_load(sv_of(rows[i].text), NULL, 1, &d, &none), 0);
		assert_null(none);
		for (size_t k = 0; k < d.n; k++)
			found = found || (strcmp(d.items[k].pointer, rows[i].pointer) == 0 &&
			                  d.items[k].line == rows[i].line);
		if (!found)
			diag_print(&d, stderr);
		assert_true(found);
		diag_fini(&d);
	}
}

/* An editor's policy set may name any file that the agent can read; what stands in it is not for them. */
static void a_file_that_is_no_key_set_is_not_quoted(void **state)
{
	(void)state;
	static const struct {
		const char *content, *wanted;
	} rows[] = {
		{"hunter two is the password\n", "no JSON at line 1"},
		{"{\"hunter\":1,\"hunter\":2}", "no JSON at line 1"},
		{"", "no JSON at line 1"},
		{"{\"hunter\":\"hunter\"}", "keys"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char path[] = "/tmp/haward-test-XXXXXX";
		int fd = mkstemp(path);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, rows[i].content, strlen(rows[i].content)),
		                 strlen(rows[i].content));
		assert_int_equal(close(fd), 0);
		char *set = NULL;
		assert_true(asprintf(&set,
		                     "{\"issuers\":[{\"issuer\":\"https://idp\",\"jwksFile\":"
		                     "\"%s\"}]}",
		                     path) > 0);
		struct diag d = diag_over("test", sv_of(set));
		struct policy *never = NULL;
		assert_int_equal(policy_load(sv_of(set), NULL, 1, &d, &never), -EINVAL);
		assert_true(d.n > 0);
		assert_non_null(strstr(d.items[0].message, rows[i].wanted));
		for (size_t k = 0; k < d.n; k++)
			assert_null(strstr(d.items[k].message, "hunter"));
		diag_fini(&d);
		free(set);
		assert_int_equal(unlink(path), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_to_fail_has_its_verdict),
		cmocka_unit_test(nothing_in_force_denies),
		cmocka_unit_test(a_bad_message_is_a_bad_request),
		cmocka_unit_test(a_known_caller_is_judged_without_a_token),
		cmocka_unit_test(who_is_revoked_is_not_believed_because_they_are_only_imagined),
		cmocka_unit_test(an_explanation_is_json_whatever_the_bytes),
		cmocka_unit_test(loading_reports_place_and_keeps_nothing),
		cmocka_unit_test(a_file_that_is_no_key_set_is_not_quoted),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
