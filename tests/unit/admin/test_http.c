#include "admin/assets.h"
#include "core/clock.h"
#include "core/eventid.h"
#include "core/hash.h"
#include "core/strbuf.h"
#include "model/decision.h"
#include "model/request.h"
#include "state/roles.h"
#include "state/sessions.h"
#include "support/cmocka_prelude.h"
#include "web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned status_of(const struct web *web, const char *method, const char *target,
                          const char *headers, const char *body)
{
	struct answer answer = web_ask(web, method, target, headers, body);
	unsigned status = answer.status;
	answer_fini(&answer);
	return status;
}

static void assert_problem(const struct answer *answer, unsigned status, const char *name)
{
	char type[64];
	json_t *json = answer_json(answer);
	snprintf(type, sizeof(type), "urn:haward:problem:%s", name);
	assert_string_equal(json_string_value(json_object_get(json, "type")), type);
	assert_int_equal(answer->status, status);
	assert_true(sv_eq(answer_header(answer, "Content-Type"), SVL("application/problem+json")));
	assert_true(answer_header(answer, "X-Request-Id").n == 26);
	json_decref(json);
}

static void refuses(const struct web *web, const char *raw, unsigned status)
{
	struct answer answer = web_raw(web, sv_of(raw));
	if (answer.status != status)
		fail_msg("%u instead of %u for %s", answer.status, status, raw);
	answer_fini(&answer);
}

static void fill_host(const struct web *web, const char *raw, char *ret, size_t n_ret)
{
	size_t n = 0;
	for (; *raw && n + 32 < n_ret; raw++) {
		if (*raw != '@')
			ret[n++] = *raw;
		else
			n += (size_t)snprintf(ret + n, n_ret - n, "127.0.0.1:%u",
			                      admin_port(web->admin));
	}
	ret[n] = '\0';
}

static void requests_that_two_readers_take_differently_are_refused(void **state)
{
	struct web *web = *state;
	static const struct {
		const char *raw; /* @: the host and port */
		unsigned status;
	} cases[] = {
		{"GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n", 400},
		{"GET /health/live HTTP/1.1\r\nHost: @\r\nConnection: close\r\n\r\n", 200},
		{"GET /health/live HTTP/1.1\r\nHost: @\r\nConnection: close\r\n\r\n", 200},
		{"GET /health/live HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
	         400},
		{"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", 400},
		{"GET /health/live HTTP/1.1\r\nHost: @\r\nHost: "
	         "evil.example\r\nConnection: close\r\n\r\n",
	         400},
		{"GET /health/live HTTP/1.1\r\nHost: @\r\nCookie: a=1\r\nCookie: "
	         "b=2\r\nConnection: close\r\n\r\n",
	         400},
		{"POST /api/v1/session HTTP/1.1\r\nHost: @\r\nContent-Type: "
	         "application/json\r\n"
	         "Content-Length: 2\r\nTransfer-Encoding: chunked\r\nConnection: "
	         "close\r\n\r\n0\r\n\r\n",
	         400},
		{"POST /api/v1/session HTTP/1.1\r\nHost: @\r\nContent-Type: "
	         "application/json\r\n"
	         "Content-Length: 2\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{}",
	         400},
		{"POST /api/v1/session HTTP/1.1\r\nHost: @\r\nContent-Type: "
	         "application/json\r\n"
	         "Transfer-Encoding: xchunked\r\nConnection: close\r\n\r\n{}",
	         400},
		{"GET /health/live%00x HTTP/1.1\r\nHost: @\r\nConnection: "
	         "close\r\n\r\n",
	         400},
		{"GET /api/v1/decisions%2f1 HTTP/1.1\r\nHost: @\r\nConnection: "
	         "close\r\n\r\n",
	         400},
		{"GET /health/../metrics HTTP/1.1\r\nHost: @\r\nConnection: "
	         "close\r\n\r\n",
	         400},
		{"GET /health/live HTTP/1.1\r\nHost: @\r\nContent-Length: "
	         "1\r\nConnection: close\r\n\r\nx",
	         400},
		{"GET /health/live?x=1 HTTP/1.1\r\nHost: @\r\nConnection: close\r\n\r\n", 400},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char raw[512];
		fill_host(web, cases[i].raw, raw, sizeof(raw));
		refuses(web, raw, cases[i].status);
	}
}

static void unknown_is_404_and_wrong_method_405(void **state)
{
	struct web *web = *state;
	struct answer answer = web_ask(web, "GET", "/api/v1/nothing", "", NULL);
	assert_problem(&answer, 404, "not-found");
	answer_fini(&answer);
	answer = web_ask(web, "GET", "/assets/app-00000000.js", "Accept: text/html\r\n", NULL);
	assert_problem(&answer, 404, "not-found");
	answer_fini(&answer);
	answer = web_ask(web, "PUT", "/api/v1/session", "", NULL);
	assert_problem(&answer, 405, "method-not-allowed");
	assert_true(sv_eq(answer_header(&answer, "Allow"), SVL("POST, GET, HEAD, DELETE")));
	answer_fini(&answer);
	assert_int_equal(status_of(web, "HEAD", "/health/live", "", NULL), 200);
}

static void every_answer_has_the_security_headers(void **state)
{
	struct web *web = *state;
	static const char *const targets[] = {"/health/live", "/api/v1/session", "/nothing",
	                                      "/openapi.json"};
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		struct answer answer = web_ask(web, "GET", targets[i], "", NULL);
		struct sv csp = answer_header(&answer, "Content-Security-Policy");
		assert_true(sv_starts(csp, SVL("default-src 'none'; script-src 'self';")));
		assert_true(sv_ends(
			csp, SVL("require-trusted-types-for 'script'; trusted-types 'none'")));
		assert_true(
			sv_eq(answer_header(&answer, "X-Content-Type-Options"), SVL("nosniff")));
		assert_true(sv_eq(answer_header(&answer, "Referrer-Policy"), SVL("no-referrer")));
		assert_true(sv_eq(answer_header(&answer, "Cross-Origin-Opener-Policy"),
		                  SVL("same-origin")));
		assert_true(sv_eq(answer_header(&answer, "Cache-Control"), SVL("no-store")));
		assert_true(answer.whole);
		answer_fini(&answer);
	}
}

static void the_setup_link_makes_the_first_admin_once(void **state)
{
	struct web *web = *state;
	char link[256];
	char body[256];
	assert_int_equal(admin_setup_link(web->admin, link, sizeof(link)), 0);
	const char *token = strstr(link, "#token=");
	assert_non_null(token);
	token += 7;

	struct answer answer = web_ask(
		web, "POST", "/api/v1/setup", "",
		"{\"token\":\"wrong\",\"username\":\"root\",\"password\":\"" WEB_PASSWORD "\"}");
	assert_problem(&answer, 401, "unauthenticated");
	answer_fini(&answer);
	snprintf(body, sizeof(body),
	         "{\"token\":\"%s\",\"username\":\"root\",\"password\":\"short\"}", token);
	answer = web_ask(web, "POST", "/api/v1/setup", "", body);
	assert_problem(&answer, 422, "validation");
	answer_fini(&answer);
	snprintf(body, sizeof(body),
	         "{\"token\":\"%s\",\"username\":\"root\",\"password\":\"" WEB_PASSWORD "\"}",
	         token);
	answer = web_ask(web, "POST", "/api/v1/setup", "", body);
	assert_int_equal(answer.status, 201);
	struct sv cookie = answer_header(&answer, "Set-Cookie");
	assert_true(sv_starts(cookie, SVL("haward-sid=")));
	assert_true(sv_ends(cookie, SVL("; Path=/; HttpOnly; SameSite=Strict")));
	answer_fini(&answer);
	answer = web_ask(web, "POST", "/api/v1/setup", "", body);
	assert_problem(&answer, 409, "conflict");
	answer_fini(&answer);
	assert_int_equal(admin_setup_link(web->admin, link, sizeof(link)), 0);
	assert_string_equal(link, "");
}

static void sign_in_and_out(void **state)
{
	struct web *web = *state;
	struct login alice = web_account(web, "alice", ROLE_PUBLISHER | ROLE_AUDITOR);
	struct answer answer = web_ask(web, "GET", "/api/v1/session", alice.safe, NULL);
	assert_int_equal(answer.status, 200);
	json_t *json = answer_json(&answer);
	assert_int_equal(json_array_size(json_object_get(json, "roles")), 4);
	json_decref(json);
	answer_fini(&answer);
	assert_int_equal(status_of(web, "DELETE", "/api/v1/session", alice.safe, NULL), 403);
	assert_int_equal(status_of(web, "DELETE", "/api/v1/session", alice.unsafe, NULL), 204);
	assert_int_equal(status_of(web, "GET", "/api/v1/session", alice.safe, NULL), 401);
}

static void wrong_passwords_are_slowed_down(void **state)
{
	struct web *web = *state;
	web_account(web, "alice", ROLE_ADMIN);
	static const char *const body =
		"{\"username\":\"alice\",\"password\":\"wrong wrong wrong\"}";
	struct answer answer = web_ask(web, "POST", "/api/v1/session", "", body);
	/* a slow machine may let a short wait pass, but not all of them: they grow */
	for (int i = 0; i < 12 && answer.status == 401; i++) {
		answer_fini(&answer);
		answer = web_ask(web, "POST", "/api/v1/session", "", body);
	}
	assert_problem(&answer, 429, "throttled");
	assert_true(answer_header(&answer, "Retry-After").n > 0);
	answer_fini(&answer);
	assert_int_equal(status_of(web, "POST", "/api/v1/session", "",
	                           "{\"username\":\"nobody\",\"password\":\"wrong wrong wrong\"}"),
	                 401);
}

static void forged_requests_are_refused(void **state)
{
	struct web *web = *state;
	struct login alice = web_account(web, "alice", ROLE_ADMIN);
	char headers[800];
	static const char *const more[] = {
		"Sec-Fetch-Site: cross-site\r\n",
		"Sec-Fetch-Site: same-site\r\n",
		"Origin: https://evil.example\r\n",
		"Origin: null\r\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		snprintf(headers, sizeof(headers), "%s%s", alice.unsafe, more[i]);
		struct answer answer = web_ask(web, "DELETE", "/api/v1/session", headers, NULL);
		assert_problem(&answer, 403, "csrf");
		answer_fini(&answer);
		answer = web_ask(web, "POST", "/api/v1/session", more[i], "{}");
		assert_problem(&answer, 403, "csrf");
		answer_fini(&answer);
	}
	snprintf(headers, sizeof(headers),
	         "%sX-CSRF: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n", alice.safe);
	assert_int_equal(status_of(web, "DELETE", "/api/v1/session", headers, NULL), 403);
	snprintf(headers, sizeof(headers),
	         "%sSec-Fetch-Site: same-origin\r\nOrigin: http://127.0.0.1:%u\r\n", alice.unsafe,
	         admin_port(web->admin));
	assert_int_equal(status_of(web, "DELETE", "/api/v1/session", headers, NULL), 204);
	/* the secure name is not taken over plain HTTP */
	snprintf(headers, sizeof(headers), "Cookie: __Host-sid=%s", strchr(alice.safe, '=') + 1);
	assert_int_equal(status_of(web, "GET", "/api/v1/session", headers, NULL), 401);
}

static void roles_hold(void **state)
{
	struct web *web = *state;
	static const struct {
		const char *name;
		uint32_t roles;
		unsigned csv, draft, publish, admins;
	} cases[] = {
		{"viewer", ROLE_VIEWER, 403, 403, 403, 403},
		{"auditor", ROLE_AUDITOR, 200, 403, 403, 403},
		{"editor", ROLE_EDITOR, 403, 428, 403, 403},
		{"publisher", ROLE_PUBLISHER, 403, 428, 428, 403},
		{"admin", ROLE_ADMIN, 200, 428, 428, 200},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct login who = web_account(web, cases[i].name, cases[i].roles);
		assert_int_equal(status_of(web, "GET", "/api/v1/decisions", who.safe, NULL), 200);
		assert_int_equal(status_of(web, "GET", "/api/v1/decisions.csv", who.safe, NULL),
		                 cases[i].csv);
		assert_int_equal(status_of(web, "PUT", "/api/v1/policy-set/draft", who.unsafe,
		                           "{\"text\":\"x\"}"),
		                 cases[i].draft);
		assert_int_equal(status_of(web, "POST", "/api/v1/policy-set/versions", who.unsafe,
		                           "{\"text\":\"{}\",\"message\":\"x\"}"),
		                 cases[i].publish);
		assert_int_equal(status_of(web, "GET", "/api/v1/admins", who.safe, NULL),
		                 cases[i].admins);
	}
	assert_int_equal(status_of(web, "GET", "/api/v1/decisions", "", NULL), 401);
	assert_int_equal(status_of(web, "GET", "/api/v1/decisions.csv", "", NULL), 401);
}

static void bodies_are_bounded_and_strict(void **state)
{
	struct web *web = *state;
	char *large = malloc(40000);
	memset(large, ' ', 39999);
	large[39999] = '\0';
	struct answer answer = web_ask(web, "POST", "/api/v1/session", "", large);
	assert_problem(&answer, 413, "too-large");
	answer_fini(&answer);
	free(large);

	struct strbuf raw = strbuf_with(1 << 20);
	strbuf_addf(&raw,
	            "POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: "
	            "application/json\r\n"
	            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
	            admin_port(web->admin));
	for (int i = 0; i < 20; i++)
		strbuf_addf(&raw, "3e8\r\n%1000s\r\n", "x");
	strbuf_add(&raw, SVL("0\r\n\r\n"));
	answer = web_raw(web, strbuf_sv(&raw));
	assert_problem(&answer, 413, "too-large");
	answer_fini(&answer);
	strbuf_fini(&raw);

	static const char *const bad[] = {
		"",
		"[]",
		"{",
		"null",
		"{\"username\":\"a\",\"username\":\"b\",\"password\":\"c\"}",
		"{\"username\":\"a\",\"password\":\"b\",\"more\":1}",
		"{\"username\":1,\"password\":\"b\"}",
		"{\"username\":\"a\"}",
		"{\"username\":\"a\",\"password\":\"\\u0000\"}x",
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(status_of(web, "POST", "/api/v1/session", "", bad[i]), 400);
	answer = web_ask(web, "POST", "/api/v1/session",
	                 "Content-Type: text/plain\r\nContent-Length: 2\r\n", NULL);
	assert_problem(&answer, 415, "unsupported-media-type");
	answer_fini(&answer);
}

static const char policy_one[] =
	"{\"services\":[{\"name\":\"orders\",\"hosts\":[\"a.example\"]}],\"policies\":[]}";
static const char policy_two[] =
	"{\"services\":[{\"name\":\"billing\",\"hosts\":[\"b.example\"]}],\"policies\":[]}";

static json_t *publish(const struct web *web, const char *login, const char *condition,
                       const char *text, unsigned status)
{
	char headers[800];
	snprintf(headers, sizeof(headers), "%s%s", login, condition);
	json_t *body = json_pack("{s:s, s:s}", "text", text, "message", "why");
	char *dumped = json_dumps(body, 0);
	struct answer answer = web_ask(web, "POST", "/api/v1/policy-set/versions", headers, dumped);
	if (answer.status != status)
		fail_msg("%u instead of %u: %s", answer.status, status, answer.body);
	json_t *json = answer_json(&answer);
	json_decref(body);
	free(dumped);
	answer_fini(&answer);
	return json;
}

static void publishing_needs_the_etag_and_a_valid_text(void **state)
{
	struct web *web = *state;
	struct login bob = web_account(web, "bob", ROLE_PUBLISHER);
	char condition[128];
	assert_int_equal(status_of(web, "GET", "/api/v1/policy-set", bob.safe, NULL), 404);
	json_decref(publish(web, bob.unsafe, "", policy_one, 428));
	json_t *bad = publish(web, bob.unsafe, "If-None-Match: *\r\n", "{\"polices\":[]}", 422);
	const json_t *error = json_array_get(json_object_get(bad, "errors"), 0);
	assert_non_null(json_string_value(json_object_get(error, "code")));
	assert_int_equal(json_integer_value(json_object_get(error, "line")), 1);
	json_decref(bad);
	assert_int_equal(atomic_load(&web->n_published), 0);

	json_t *one = publish(web, bob.unsafe, "If-None-Match: *\r\n", policy_one, 201);
	assert_int_equal(atomic_load(&web->n_published), 1);
	assert_int_equal(web->last_published, 1);
	json_decref(publish(web, bob.unsafe, "If-None-Match: *\r\n", policy_two, 412));
	json_decref(publish(web, bob.unsafe, "If-Match: \"1-none\"\r\n", policy_two, 412));
	json_decref(publish(web, bob.unsafe, "If-Match: *\r\n", policy_two, 428));
	snprintf(condition, sizeof(condition), "If-Match: %s\r\n",
	         json_string_value(json_object_get(one, "etag")));
	json_decref(publish(web, bob.unsafe, condition, policy_two, 201));
	json_t *late = publish(web, bob.unsafe, condition, policy_two, 412);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(late, "current"), "author")),
		"bob");
	json_decref(late);
	json_decref(one);
	assert_int_equal(web->last_published, 2);

	struct answer answer = web_ask(web, "GET", "/api/v1/policy-set", bob.safe, NULL);
	json_t *current = answer_json(&answer);
	assert_string_equal(json_string_value(json_object_get(current, "text")), policy_two);
	char headers[800];
	snprintf(headers, sizeof(headers), "%sIf-None-Match: %s\r\n", bob.safe,
	         json_string_value(json_object_get(current, "etag")));
	assert_int_equal(status_of(web, "GET", "/api/v1/policy-set", headers, NULL), 304);
	snprintf(headers, sizeof(headers), "%sIf-Match: %s\r\n", bob.unsafe,
	         json_string_value(json_object_get(current, "etag")));
	assert_int_equal(status_of(web, "POST", "/api/v1/policy-set/rollbacks", headers,
	                           "{\"version\":\"9\",\"message\":\"x\"}"),
	                 404);
	assert_int_equal(status_of(web, "POST", "/api/v1/policy-set/rollbacks", headers,
	                           "{\"version\":\"1\",\"message\":\"x\"}"),
	                 201);
	assert_int_equal(web->last_published, 3);
	json_decref(current);
	answer_fini(&answer);
	answer = web_ask(web, "GET", "/api/v1/policy-set/versions?limit=2", bob.safe, NULL);
	json_t *page = answer_json(&answer);
	assert_int_equal(json_array_size(json_object_get(page, "items")), 2);
	assert_string_equal(json_string_value(json_object_get(page, "next_cursor")), "2");
	assert_true(json_is_false(json_object_get(page, "exhausted")));
	json_decref(page);
	answer_fini(&answer);
}

static void validation_says_where_and_stores_nothing(void **state)
{
	struct web *web = *state;
	struct login editor = web_account(web, "editor", ROLE_EDITOR);
	struct answer answer = web_ask(web, "POST", "/api/v1/policy-set/validation", editor.unsafe,
	                               "{\"text\":\"{\\n  \\\"polices\\\": []\\n}\"}");
	assert_int_equal(answer.status, 200);
	json_t *json = answer_json(&answer);
	assert_true(json_is_false(json_object_get(json, "valid")));
	const json_t *error = json_array_get(json_object_get(json, "errors"), 0);
	assert_int_equal(json_integer_value(json_object_get(error, "line")), 2);
	assert_string_equal(json_string_value(json_object_get(error, "code")), "unknown_key");
	json_decref(json);
	answer_fini(&answer);
	assert_int_equal(status_of(web, "GET", "/api/v1/policy-set", editor.safe, NULL), 404);
}

static json_t *evaluate_as(const struct web *web, const char *login, json_t *request, bool verbose,
                           unsigned status)
{
	static const char set[] =
		"{\"services\":[{\"name\":\"orders\",\"hosts\":[\"a.example\"]}],\"policies\":[{"
		"\"name\":\"read\",\"action\":\"ALLOW\",\"services\":[\"orders\"],\"rules\":[{"
		"\"from\":[{\"source\":{"
		"\"requestPrincipals\":[\"https://idp.example/alice\"]}}]}]}]}";
	json_t *body =
		json_pack("{s:s, s:o, s:b}", "text", set, "request", request, "verbose", verbose);
	char *dumped = json_dumps(body, 0);
	struct answer answer =
		web_ask(web, "POST", "/api/v1/policy-set/evaluations", login, dumped);
	if (answer.status != status)
		fail_msg("%u instead of %u: %s", answer.status, status, answer.body);
	json_t *json = answer_json(&answer);
	json_decref(body);
	free(dumped);
	answer_fini(&answer);
	return json;
}

static json_t *evaluate(const struct web *web, const char *login, json_t *request, unsigned status)
{
	return evaluate_as(web, login, request, false, status);
}

static json_t *asked_by(const char *subject)
{
	return json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "host", "a.example", "method", "GET",
	                 "path", "/x", "claims", "iss", "https://idp.example", "sub", subject);
}

static void an_imagined_request_is_judged_and_explained(void **state)
{
	struct web *web = *state;
	struct login editor = web_account(web, "editor", ROLE_EDITOR);
	json_t *json = evaluate(web, editor.unsafe, asked_by("alice"), 200);
	assert_string_equal(json_string_value(json_object_get(json, "verdict")), "allow");
	assert_string_equal(json_string_value(json_object_get(json, "policy")), "read");
	json_decref(json);
	json = evaluate(web, editor.unsafe, asked_by("bob"), 200);
	assert_string_equal(json_string_value(json_object_get(json, "verdict")), "deny");
	const json_t *why = json_array_get(json_object_get(json, "why"), 0);
	assert_string_equal(json_string_value(json_object_get(why, "result")), "failed");
	json_decref(json);
	json_decref(evaluate(web, editor.unsafe, json_pack("{s:i}", "host", 1), 400));
	json = evaluate(web, editor.unsafe, json_pack("{s:s}", "nonsense", "x"), 400);
	const json_t *error = json_array_get(json_object_get(json, "errors"), 0);
	assert_string_equal(json_string_value(json_object_get(error, "pointer")),
	                    "/request/nonsense");
	json_decref(json);
	json = evaluate_as(web, editor.unsafe, asked_by("bob"), true, 200);
	const json_t *trace = json_object_get(json, "trace");
	assert_true(json_is_null(json_object_get(trace, "winner")));
	const json_t *policy = json_array_get(json_object_get(trace, "policies"), 0);
	const json_t *rule = json_array_get(json_object_get(policy, "rules"), 0);
	assert_string_equal(json_string_value(json_object_get(rule, "failed")),
	                    "from.source.requestPrincipals");
	json_decref(json);
	/* a trial takes no credentials */
	json_decref(
		evaluate(web, editor.unsafe, json_pack("{s:s}", "authorization", "Bearer x"), 400));
	json_decref(evaluate(web, editor.unsafe,
	                     json_pack("{s:s, s:i, s:{s:s, s:[s,s]}}", "host", "a.example",
	                               "dst_port", 443, "headers", "x-a", "1", "x-b", "2", "3"),
	                     200));
	json_decref(evaluate(web, editor.unsafe, json_pack("{s:s}", "workload", "http://x"), 400));
	assert_int_equal(status_of(web, "POST", "/api/v1/policy-set/evaluations", editor.unsafe,
	                           "{\"request\":{}}"),
	                 409);
}

static void a_draft_is_shared_without_losing_anybodys_work(void **state)
{
	struct web *web = *state;
	struct login alice = web_account(web, "alice", ROLE_EDITOR);
	char headers[800];
	snprintf(headers, sizeof(headers), "%sIf-None-Match: *\r\n", alice.unsafe);
	struct answer answer =
		web_ask(web, "PUT", "/api/v1/policy-set/draft", headers, "{\"text\":\"a {\"}");
	assert_int_equal(answer.status, 201);
	json_t *draft = answer_json(&answer);
	assert_int_equal(
		status_of(web, "PUT", "/api/v1/policy-set/draft", headers, "{\"text\":\"b\"}"),
		412);
	snprintf(headers, sizeof(headers), "%sIf-Match: %s\r\n", alice.unsafe,
	         json_string_value(json_object_get(draft, "etag")));
	json_decref(draft);
	answer_fini(&answer);
	assert_int_equal(
		status_of(web, "PUT", "/api/v1/policy-set/draft", headers, "{\"text\":\"b\"}"),
		200);
	assert_int_equal(status_of(web, "DELETE", "/api/v1/policy-set/draft", headers, NULL), 412);
	answer = web_ask(web, "GET", "/api/v1/policy-set/draft", alice.safe, NULL);
	draft = answer_json(&answer);
	snprintf(headers, sizeof(headers), "%sIf-Match: %s\r\n", alice.unsafe,
	         json_string_value(json_object_get(draft, "etag")));
	json_decref(draft);
	answer_fini(&answer);
	assert_int_equal(status_of(web, "DELETE", "/api/v1/policy-set/draft", headers, NULL), 204);
	assert_int_equal(status_of(web, "GET", "/api/v1/policy-set/draft", alice.safe, NULL), 404);
}

static void accounts_are_managed_and_somebody_stays(void **state)
{
	struct web *web = *state;
	struct login root = web_account(web, "root", ROLE_ADMIN);
	assert_int_equal(status_of(web, "POST", "/api/v1/admins", root.unsafe,
	                           "{\"username\":\"eve\",\"password\":\"" WEB_PASSWORD
	                           "\",\"roles\":[\"root\"]}"),
	                 422);
	assert_int_equal(status_of(web, "POST", "/api/v1/admins", root.unsafe,
	                           "{\"username\":\"eve\",\"password\":\"" WEB_PASSWORD
	                           "\",\"roles\":[]}"),
	                 422);
	assert_int_equal(status_of(web, "POST", "/api/v1/admins", root.unsafe,
	                           "{\"username\":\"eve\",\"password\":\"" WEB_PASSWORD
	                           "\",\"roles\":[\"viewer\"]}"),
	                 201);
	assert_int_equal(status_of(web, "POST", "/api/v1/admins", root.unsafe,
	                           "{\"username\":\"eve\",\"password\":\"" WEB_PASSWORD
	                           "\",\"roles\":[\"viewer\"]}"),
	                 409);
	assert_int_equal(
		status_of(web, "PATCH", "/api/v1/admins/eve", root.unsafe, "{\"disabled\":true}"),
		200);
	assert_int_equal(status_of(web, "POST", "/api/v1/session", "",
	                           "{\"username\":\"eve\",\"password\":\"" WEB_PASSWORD "\"}"),
	                 401);
	assert_int_equal(status_of(web, "PATCH", "/api/v1/admins/eve", root.unsafe, "{}"), 400);
	assert_int_equal(status_of(web, "DELETE", "/api/v1/admins/eve", root.unsafe, NULL), 204);
	assert_int_equal(status_of(web, "DELETE", "/api/v1/admins/eve", root.unsafe, NULL), 404);
	assert_int_equal(status_of(web, "DELETE", "/api/v1/admins/root", root.unsafe, NULL), 409);
	assert_int_equal(status_of(web, "PATCH", "/api/v1/admins/root", root.unsafe,
	                           "{\"roles\":[\"viewer\"]}"),
	                 409);
}

static json_t *events(const struct web *web, const char *login, const char *target)
{
	assert_int_equal(audit_writer_sync(web->writer, 5000), 0);
	struct answer answer = web_ask(web, "GET", target, login, NULL);
	if (answer.status != 200)
		fail_msg("%u %s", answer.status, answer.body);
	json_t *json = answer_json(&answer);
	answer_fini(&answer);
	return json;
}

static void every_act_is_in_the_book(void **state)
{
	struct web *web = *state;
	struct login root = web_account(web, "root", ROLE_ADMIN);
	struct login eve = web_account(web, "eve", ROLE_VIEWER);
	assert_int_equal(status_of(web, "GET", "/api/v1/admins", eve.safe, NULL), 403);
	assert_int_equal(status_of(web, "POST", "/api/v1/session", "",
	                           "{\"username\":\"eve\",\"password\":\"not her password\"}"),
	                 401);
	struct answer csv = web_ask(web, "GET", "/api/v1/decisions.csv", root.safe, NULL);
	assert_int_equal(csv.status, 200);
	assert_true(csv.whole);
	json_t *page = events(web, root.safe, "/api/v1/admin-events?order=asc");
	static const char *const expected[][3] = {
		{"session.create", "ok", "root"}, {"session.create", "ok", "eve"},
		{"access.deny", "denied", "eve"}, {"session.create", "denied", NULL},
		{"export.start", "ok", "root"},   {"export.end", "ok", "root"},
	};
	const json_t *items = json_object_get(page, "items");
	assert_int_equal(json_array_size(items), ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		const json_t *item = json_array_get(items, i);
		assert_string_equal(json_string_value(json_object_get(item, "action")),
		                    expected[i][0]);
		assert_string_equal(json_string_value(json_object_get(item, "result")),
		                    expected[i][1]);
		if (expected[i][2])
			assert_string_equal(json_string_value(json_object_get(item, "actor")),
			                    expected[i][2]);
		assert_string_equal(json_string_value(json_object_get(item, "src")), "127.0.0.1");
	}
	/* the end of an export names the digest of what left */
	uint8_t digest[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];
	assert_true(sha256_of((struct sv){csv.body, csv.n_body}, digest));
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(json_string_value(json_object_get(json_array_get(items, 5), "after")),
	                    hex);
	json_decref(page);
	answer_fini(&csv);

	page = events(web, eve.safe, "/api/v1/decisions");
	assert_int_equal(json_array_size(json_object_get(page, "items")), 0);
	json_decref(page);
	struct answer answer = web_ask(web, "GET", "/api/v1/decisions?q=user:root", eve.safe, NULL);
	assert_problem(&answer, 403, "forbidden");
	answer_fini(&answer);
	answer = web_ask(web, "GET", "/api/v1/decisions?q=nothing:x", root.safe, NULL);
	assert_problem(&answer, 400, "invalid-query");
	answer_fini(&answer);
	answer = web_ask(web, "GET", "/api/v1/decisions?cursor=zzz", root.safe, NULL);
	assert_problem(&answer, 400, "invalid-cursor");
	answer_fini(&answer);
}

/* Every file in each encoding that it has, by the build's own table; a build without a dashboard has none. */
static void the_dashboard_is_served_and_kept(void **state)
{
	struct web *web = *state;
	if (n_assets == 0) {
		assert_int_equal(status_of(web, "GET", "/", "Accept: text/html\r\n", NULL), 404);
		return;
	}
	for (size_t i = 0; i < n_assets; i++) {
		struct answer answer = web_ask(web, "GET", assets[i].path, "", NULL);
		size_t n = (size_t)(assets[i].plain.end - assets[i].plain.at);
		assert_int_equal(answer.status, 200);
		assert_int_equal(answer.n_body, n);
		assert_memory_equal(answer.body, assets[i].plain.at, n);
		assert_true(sv_eq(answer_header(&answer, "Content-Type"), sv_of(assets[i].type)));
		assert_true(sv_eq(answer_header(&answer, "Vary"), SVL("Accept-Encoding")));
		struct sv cache = answer_header(&answer, "Cache-Control");
		assert_true(sv_eq(cache, assets[i].immutable
		                                 ? SVL("public, max-age=31536000, immutable")
		                                 : SVL("no-cache")));
		char headers[200];
		snprintf(headers, sizeof(headers), "If-None-Match: %.*s\r\n",
		         SV_ARG(answer_header(&answer, "ETag")));
		assert_int_equal(status_of(web, "GET", assets[i].path, headers, NULL), 304);
		answer_fini(&answer);
		answer = web_ask(web, "GET", assets[i].path, "Accept-Encoding: br;q=0, gzip\r\n",
		                 NULL);
		if (assets[i].gzip.at) {
			assert_true(sv_eq(answer_header(&answer, "Content-Encoding"), SVL("gzip")));
			assert_int_equal(answer.n_body, assets[i].gzip.end - assets[i].gzip.at);
		}
		answer_fini(&answer);
	}
	struct answer page =
		web_ask(web, "GET", "/policies/some/page", "Accept: text/html,*/*\r\n", NULL);
	assert_int_equal(page.status, 200);
	assert_true(sv_starts(answer_header(&page, "Content-Type"), SVL("text/html")));
	answer_fini(&page);
	assert_int_equal(
		status_of(web, "GET", "/policies/some/page", "Accept: application/json\r\n", NULL),
		404);
	assert_int_equal(status_of(web, "GET", "/assets/gone-0.js", "Accept: text/html\r\n", NULL),
	                 404);
	assert_int_equal(status_of(web, "GET", "/api/v1/gone", "Accept: text/html\r\n", NULL), 404);
	assert_int_equal(status_of(web, "POST", "/", "", NULL), 404);
}

#define N_DECISIONS 3000

static void decide_many(const struct web *web)
{
	struct audit_journal *worker = audit_journals_worker(web->journals, 0);
	struct event_ids ids = {0};
	const struct request request = {.service = SV("orders"),
	                                .method = SV("GET"),
	                                .path = SV("/orders/1"),
	                                .src = netaddr_v4((const uint8_t[]){192, 0, 2, 17}),
	                                .user_agent = SV("=cmd()")};
	for (int i = 0; i < N_DECISIONS; i++) {
		struct decision decision = {
			.identity = {.user = i % 2 ? (struct sv)SV("alice") : (struct sv)SV("bob")},
			.verdict = verdict_deny(REASON_NO_POLICY_MATCHED),
			.at_us = clock_real_us()};
		assert_true(event_id_next(&ids, decision.at_us, &decision.event));
		while (audit_submit(worker, &request, &decision) != 0)
			usleep(1000);
	}
	assert_int_equal(audit_writer_sync(web->writer, 20000), 0);
}

static size_t lines_of(const struct answer *answer)
{
	size_t n = 0;
	for (size_t i = 0; i < answer->n_body; i++)
		n += answer->body[i] == '\n';
	return n;
}

static size_t rows_by_pages(const struct web *web, const char *login, const char *filter)
{
	char cursor[128] = "";
	size_t n = 0;
	for (bool exhausted = false; !exhausted;) {
		char target[300];
		snprintf(target, sizeof(target), "/api/v1/decisions?q=%s&limit=1000%s%s", filter,
		         cursor[0] ? "&cursor=" : "", cursor);
		json_t *page = events(web, login, target);
		n += json_array_size(json_object_get(page, "items"));
		exhausted = json_is_true(json_object_get(page, "exhausted"));
		const char *next = json_string_value(json_object_get(page, "next_cursor"));
		snprintf(cursor, sizeof(cursor), "%s", next ? next : "");
		json_decref(page);
	}
	return n;
}

static void an_export_holds_what_the_list_holds(void **state)
{
	struct web *web = *state;
	struct login auditor = web_account(web, "auditor", ROLE_AUDITOR);
	decide_many(web);
	struct answer csv =
		web_ask(web, "GET", "/api/v1/decisions.csv?q=user:alice", auditor.safe, NULL);
	assert_true(csv.whole);
	assert_true(csv.n_body > 256 * 1024);
	assert_int_equal(lines_of(&csv), 1 + N_DECISIONS / 2);
	assert_non_null(strstr(csv.body, "'=cmd()"));
	assert_int_equal(rows_by_pages(web, auditor.safe, "user:alice"), N_DECISIONS / 2);
	struct answer lines =
		web_ask(web, "GET", "/api/v1/decisions.ndjson?q=user:alice", auditor.safe, NULL);
	assert_true(lines.whole);
	assert_int_equal(lines_of(&lines), N_DECISIONS / 2);
	answer_fini(&csv);
	answer_fini(&lines);
}

static void a_viewer_sees_no_person(void **state)
{
	struct web *web = *state;
	struct login viewer = web_account(web, "viewer", ROLE_VIEWER);
	decide_many(web);
	struct answer answer =
		web_ask(web, "GET", "/api/v1/decisions?limit=1000", viewer.safe, NULL);
	assert_int_equal(answer.status, 200);
	assert_null(strstr(answer.body, "alice"));
	assert_null(strstr(answer.body, "cmd()"));
	assert_null(strstr(answer.body, "192.0.2.17"));
	assert_non_null(strstr(answer.body, "\"src\":\"192.0.2.0\""));
	assert_non_null(strstr(answer.body, "\"masked\":true"));
	answer_fini(&answer);
}

static void an_export_that_nobody_reads_holds_up_nobody(void **state)
{
	struct web *web = *state;
	struct login auditor = web_account(web, "auditor", ROLE_AUDITOR);
	decide_many(web);
	int fds[8];
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = web_send(web, "GET", "/api/v1/decisions.csv", auditor.safe);
	while (status_of(web, "GET", "/api/v1/decisions.csv", auditor.safe, NULL) != 503)
		usleep(10000);
	assert_int_equal(status_of(web, "GET", "/health/live", "", NULL), 200);
	assert_int_equal(status_of(web, "GET", "/api/v1/decisions?limit=1", auditor.safe, NULL),
	                 200);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	while (status_of(web, "GET", "/api/v1/decisions.csv", auditor.safe, NULL) != 200)
		usleep(10000);
}

static void what_monitors_read_is_there(void **state)
{
	struct web *web = *state;
	struct answer answer = web_ask(web, "GET", "/metrics", "", NULL);
	assert_int_equal(answer.status, 200);
	assert_non_null(strstr(answer.body, "\nhaward_admin_requests_total 1\n"));
	answer_fini(&answer);
	answer = web_ask(web, "GET", "/openapi.json", "", NULL);
	json_t *json = answer_json(&answer);
	assert_string_equal(json_string_value(json_object_get(json, "openapi")), "3.1.0");
	json_decref(json);
	answer_fini(&answer);
	assert_int_equal(status_of(web, "GET", "/health/ready", "", NULL), 200);
	assert_int_equal(status_of(web, "GET", "/schema/policy.json", "", NULL), 200);
	struct login viewer = web_account(web, "viewer", ROLE_VIEWER);
	answer = web_ask(web, "GET", "/api/v1/system", viewer.safe, NULL);
	json = answer_json(&answer);
	assert_non_null(json_object_get(json, "version"));
	assert_non_null(json_object_get(json, "store"));
	json_decref(json);
	answer_fini(&answer);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			requests_that_two_readers_take_differently_are_refused, web_setup,
			web_teardown),
		cmocka_unit_test_setup_teardown(unknown_is_404_and_wrong_method_405, web_setup,
	                                        web_teardown),
		cmocka_unit_test_setup_teardown(every_answer_has_the_security_headers, web_setup,
	                                        web_teardown),
		cmocka_unit_test_setup_teardown(the_setup_link_makes_the_first_admin_once,
	                                        web_setup, web_teardown),
		cmocka_unit_test_setup_teardown(sign_in_and_out, web_setup, web_teardown),
		cmocka_unit_test_setup_teardown(wrong_passwords_are_slowed_down, web_setup,
	                                        web_teardown),
		cmocka_unit_test_setup_teardown(forged_requests_are_refused, web_setup,
	                                        web_teardown),
		cmocka_unit_test_setup_teardown(roles_hold, web_setup, web_teardown),
		cmocka_unit_test_setup_teardown(bodies_are_bounded_and_strict, web_setup,
	                                        web_teardown),
		cmocka_unit_test_setup_teardown(publishing_needs_the_etag_and_a_valid_text,
	                                        web_setup, web_teardown),
		cmocka_unit_test_setup_teardown(validation_says_where_and_stores_nothing, web_setup,
	                                        web_teardown),
		cmocka_unit_test_setup_teardown(an_imagined_request_is_judged_and_explained,
	                                        web_setup, web_teardown),
		cmocka_unit_test_setup_teardown(a_draft_is_shared_without_losing_anybodys_work,
	                                        web_setup, web_teardown),
		cmocka_unit_test_setup_teardown(accounts_are_managed_and_somebody_stays, web_setup,
	                                        web_teardown),
		cmocka_unit_test_setup_teardown(every_act_is_in_the_book, web_setup, web_teardown),
		cmocka_unit_test_setup_teardown(the_dashboard_is_served_and_kept, web_setup,
	                                        web_teardown),
		cmocka_unit_test_setup_teardown(an_export_holds_what_the_list_holds, web_setup,
	                                        web_teardown),
		cmocka_unit_test_setup_teardown(a_viewer_sees_no_person, web_setup, web_teardown),
		cmocka_unit_test_setup_teardown(an_export_that_nobody_reads_holds_up_nobody,
	                                        web_setup, web_teardown),
		cmocka_unit_test_setup_teardown(what_monitors_read_is_there, web_setup,
	                                        web_teardown),
	};
	return cmocka_run_group_tests_name("admin/http", tests, NULL, NULL);
}
