/* Requests that people imagine: read from JSON, refused with the place, decided as the agent would. */
#include "authn/tokencache.h"
#include "authz/headers.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "model/decision.h"
#include "policy/decide.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "policy/question.h"
#include "support/judging.h"

enum { ALL = QUESTION_CREDENTIALS | QUESTION_OPEN };

static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	return arena_init(&arena, REQUEST_ARENA_BYTES);
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* A question and the JSON it views. */
struct asked {
	json_t *json;
	struct question question;
};

static struct asked ask(const char *quoted)
{
	struct asked asked;
	struct diag d = diag_over(NULL, (struct sv){0});
	char *text = unquoted(quoted);
	asked.json = json_load_strict(sv_of(text), 0, NULL);
	assert_non_null(asked.json);
	bool good = question_read(asked.json, ALL, "", &arena, &d, &asked.question);
	if (!good)
		diag_print(&d, stderr);
	assert_true(good);
	diag_fini(&d);
	free(text);
	return asked;
}

static void asked_fini(struct asked *asked)
{
	json_decref(asked->json);
	arena_reset(&arena);
}

static void every_member_finds_its_place(void **state)
{
	(void)state;
	struct asked a =
		ask("{'id':'i','service':'s','method':'GET','path':'/p','query':'q=1','host':'h',"
	            "'src':'10.0.0.1','src_port':1,'dst':'::1','dst_port':65535,"
	            "'authorization':['Bearer a','Bearer b'],'dpop':['p','q','r'],'api_key':'k',"
	            "'cookie':'c',"
	            "'cert':'AQID','cert_verify':18,'sni':'n','tls':true,'traceparent':'t',"
	            "'user_agent':'u','body':'b','claims':{'iss':'x'},"
	            "'workload':'spiffe://td/ns/a/sa/b','nobody knows':1}");
	const struct request *r = &a.question.request;
	const struct {
		struct sv found;
		const char *wanted;
	} texts[] = {
		{r->id, "i"},         {r->service, "s"},
		{r->method, "GET"},   {r->path, "/p"},
		{r->query, "q=1"},    {r->host, "h"},
		{r->api_key, "k"},    {r->cookie, "c"},
		{r->sni, "n"},        {r->traceparent, "t"},
		{r->user_agent, "u"}, {r->body, "b"},
		{r->cert, "\1\2\3"},  {r->authorization, "Bearer a"},
		{r->dpop, "p"},       {a.question.workload, "spiffe://td/ns/a/sa/b"},
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_true(sv_eq(texts[i].found, sv_of(texts[i].wanted)));
	assert_int_equal(r->kind, REQUEST_HTTP);
	assert_int_equal(r->src.family, 4);
	assert_int_equal(r->dst.family, 6);
	assert_int_equal(r->src_port, 1);
	assert_int_equal(r->dst_port, 65535);
	assert_int_equal(r->n_authorization, 2);
	assert_int_equal(r->n_dpop, 3);
	assert_true(r->cert_used && r->tls);
	assert_int_equal(r->cert_verify, 18);
	assert_non_null(a.question.claims);
	asked_fini(&a);
}

static void headers_are_what_haproxy_would_send(void **state)
{
	(void)state;
	char *longest = calloc(1, 4096);
	char *text = NULL;
	struct authz_header value;
	memset(longest, 'v', 4000);
	assert_true(asprintf(&text, "{'headers':{'x-long':'%s','X-Two':['a','b'],'x-empty':''}}",
	                     longest) > 0);
	struct asked a = ask(text);
	struct sv headers = a.question.request.headers;
	assert_true(authz_headers_find(headers, SVL("x-long"), &arena, &value));
	assert_true(sv_eq(value.joined, sv_of(longest)));
	assert_true(authz_headers_find(headers, SVL("x-two"), &arena, &value));
	assert_true(sv_eq(value.joined, SVL("a,b")));
	assert_true(authz_headers_find(headers, SVL("x-none"), &arena, &value));
	assert_int_equal(value.joined.n, 0);
	asked_fini(&a);
	free(text);
	free(longest);
}

static void what_it_tells_says_what_it_is_about(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum request_kind kind;
	} rows[] = {
		{"{}", REQUEST_CONNECT},
		{"{'dst_port':5432,'src':'10.0.0.1','sni':'db'}", REQUEST_CONNECT},
		{"{'method':'','path':'','host':null,'headers':{}}", REQUEST_CONNECT},
		{"{'path':'/'}", REQUEST_HTTP},
		{"{'host':'h'}", REQUEST_HTTP},
		{"{'claims':{'iss':'i'}}", REQUEST_HTTP},
		{"{'kind':'request'}", REQUEST_HTTP},
		{"{'kind':'connection','path':'/'}", REQUEST_CONNECT},
		{"{'message':'haward-connect','path':'/'}", REQUEST_CONNECT},
		{"{'message':'haward-authorize'}", REQUEST_HTTP},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct asked a = ask(rows[i].text);
		assert_int_equal(a.question.request.kind, rows[i].kind);
		assert_int_equal(a.question.request.cert_verify, -1);
		asked_fini(&a);
	}
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned flags;
		const char *pointer;
		const char *code;
	} rows[] = {
		{"[]", ALL, "/request", "wrong_type"},
		{"'x'", 0, "/request", "wrong_type"},
		{"{'method':1}", 0, "/request/method", "wrong_type"},
		{"{'src':'nowhere'}", 0, "/request/src", "bad_value"},
		{"{'src':7}", 0, "/request/src", "bad_value"},
		{"{'src_port':65536}", 0, "/request/src_port", "bad_value"},
		{"{'dst_port':-1}", 0, "/request/dst_port", "bad_value"},
		{"{'dst_port':'80'}", 0, "/request/dst_port", "bad_value"},
		{"{'tls':1}", 0, "/request/tls", "wrong_type"},
		{"{'claims':[]}", 0, "/request/claims", "wrong_type"},
		{"{'workload':'http://x'}", 0, "/request/workload", "bad_value"},
		{"{'headers':[]}", 0, "/request/headers", "wrong_type"},
		{"{'headers':{'a':1}}", 0, "/request/headers", "wrong_type"},
		{"{'headers':{'a':['b',{}]}}", 0, "/request/headers", "wrong_type"},
		{"{'headers':{'':'a'}}", 0, "/request/headers", "wrong_type"},
		{"{'kind':'ftp'}", 0, "/request/kind", "bad_value"},
		{"{'authorization':['Bearer a',1]}", ALL, "/request/authorization", "wrong_type"},
		{"{'dpop':1}", ALL, "/request/dpop", "wrong_type"},
		{"{'dpop':'p'}", 0, "/request/dpop", "not_here"},
		{"{'cert':'!'}", ALL, "/request/cert", "bad_value"},
		{"{'cert':''}", ALL, "/request/cert", "bad_value"},
		{"{'cert_used':'yes'}", ALL, "/request/cert_used", "wrong_type"},
		{"{'cert_verify':'0'}", ALL, "/request/cert_verify", "wrong_type"},
		{"{'authorization':'Bearer a'}", QUESTION_OPEN, "/request/authorization",
	         "not_here"},
		{"{'cookie':'a'}", 0, "/request/cookie", "not_here"},
		{"{'metod':'GET'}", 0, "/request/metod", "unknown_key"},
		{"{'a/b':'GET'}", QUESTION_CREDENTIALS, "/request/a~1b", "unknown_key"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct diag d = diag_over(NULL, (struct sv){0});
		struct question question;
		char *text = unquoted(rows[i].text);
		json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
		assert_false(question_read(json, rows[i].flags, "/request", &arena, &d, &question));
		assert_int_equal(d.n, 1);
		assert_string_equal(d.items[0].pointer, rows[i].pointer);
		assert_string_equal(d.items[0].code, rows[i].code);
		json_decref(json);
		free(text);
		diag_fini(&d);
		arena_reset(&arena);
	}
}

static void every_error_is_reported(void **state)
{
	(void)state;
	struct diag d = diag_over(NULL, (struct sv){0});
	struct question question;
	char *text = unquoted("{'method':1,'metod':2,'tls':3}");
	json_t *json = json_load_strict(sv_of(text), 0, NULL);
	assert_false(question_read(json, 0, "", &arena, &d, &question));
	assert_int_equal(d.n, 3);
	assert_string_equal(d.items[0].pointer, "/method");
	assert_string_equal(d.items[2].pointer, "/metod");
	assert_string_equal(d.items[2].message, "this is not known; did you mean 'method'?");
	json_decref(json);
	free(text);
	diag_fini(&d);
}

static void what_does_not_fit_is_refused(void **state)
{
	(void)state;
	struct arena small;
	struct diag d = diag_over(NULL, (struct sv){0});
	struct question question;
	json_t *json = json_pack("{s:{s:s}}", "headers", "a", "bcdefghijklmnopqrstuvwxyz");
	assert_int_equal(arena_init(&small, 16), 0);
	assert_false(question_read(json, 0, "", &small, &d, &question));
	assert_string_equal(d.items[0].code, "too_large");
	json_decref(json);
	arena_fini(&small);
	diag_fini(&d);
}

/* ---- deciding ---- */

static const char set_text[] =
	"{\"issuers\":[{\"issuer\":\"https://idp\",\"jwksUri\":\"https://idp/keys\"}],"
	"\"services\":[{\"name\":\"orders\",\"paths\":[\"/orders/{**}\"]}],"
	"\"policies\":[{\"name\":\"read\",\"action\":\"ALLOW\",\"rules\":["
	"{\"from\":[{\"source\":{\"requestPrincipals\":[\"https://idp/*\"]}}]},"
	"{\"from\":[{\"source\":{\"principals\":[\"td/ns/a/sa/b\"]}}]}]}]}";

static void it_is_decided_as_the_agent_would(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *reason;
	} rows[] = {
		{"{'path':'/orders/1'}", "authentication_required"},
		{"{'path':'/orders/1','claims':{'iss':'https://idp','sub':'a'}}", "policy_allowed"},
		{"{'path':'/orders/1','claims':{'iss':'https://evil','sub':'a'}}",
	         "no_policy_matched"},
		{"{'path':'/orders/1','workload':'spiffe://td/ns/a/sa/b'}", "policy_allowed"},
		{"{'path':'/orders/1','authorization':'Bearer x'}", "token_malformed"},
		{"{'path':'/orders/1','authorization':['Bearer x','Bearer y']}",
	         "multiple_credentials"},
		/* what is said takes the place of that credential, and of that alone */
		{"{'path':'/orders/1','claims':{'iss':'https://idp','sub':'a'},"
	         "'authorization':['Bearer x','Bearer y']}",
	         "policy_allowed"},
		{"{'path':'/orders/1','workload':'spiffe://td/ns/a/sa/b',"
	         "'authorization':'Bearer x'}",
	         "token_malformed"},
		{"{'path':'/orders/1','claims':{'iss':'https://idp','sub':'a'},'cert':'AQID'}",
	         "certificate_invalid"},
		{"{'path':'/orders/1','workload':'spiffe://td/ns/a/sa/b','cert':'AQID'}",
	         "policy_allowed"},
		{"{'path':'/orders/../1','claims':{'iss':'https://idp','sub':'a'}}",
	         "ambiguous_path"},
	};
	struct policy *policy = NULL;
	struct decide_ctx ctx = {
		.tokens = tokencache_new(16), .arena = &arena, .now_us = 1700000000000000};
	assert_int_equal(policy_load(sv_of(set_text), NULL, 1, NULL, &policy), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct asked a = ask(rows[i].text);
		struct decision decision;
		assert_true(question_decide(policy, &ctx, &a.question, &decision));
		print_message("%s\n", rows[i].text);
		assert_string_equal(reason_name(decision.verdict.reason), rows[i].reason);
		asked_fini(&a);
	}
	policy_unref(policy);
	tokencache_free(ctx.tokens);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_finds_its_place),
		cmocka_unit_test(headers_are_what_haproxy_would_send),
		cmocka_unit_test(what_it_tells_says_what_it_is_about),
		cmocka_unit_test(what_is_wrong_is_said_with_its_place),
		cmocka_unit_test(every_error_is_reported),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(it_is_decided_as_the_agent_would),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
