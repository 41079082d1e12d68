/* The full explanation says what the verdict says: over the sets of the examples, over one that has every part, and
 * over requests that a generator makes of the words in them. */
#include "authz/relation_tuples.h"
#include "core/fileio.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "model/decision.h"
#include "policy/decide.h"
#include "policy/explain.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "policy/question.h"
#include "policy/trace.h"
#include "support/judging.h"

#include <glob.h>

static struct arena arena;

/* What anybody is to anything in the sets below. */
static struct relation_tuples *tuples;

static int set_up(void **state)
{
	static const char *const lines[] = {"order:0#owner@user:alice", "order:1#owner@user:bob"};
	(void)state;
	tuples = relation_tuples_new();
	for (size_t i = 0; tuples && i < ARRAY_LEN(lines); i++) {
		struct relation_tuple tuple;
		const char *why;
		size_t at;
		if (!relation_tuple_parse(sv_of(lines[i]), &tuple, &why, &at) ||
		    relation_tuples_add(tuples, &tuple) != 0)
			return -1;
	}
	return arena_init(&arena, REQUEST_ARENA_BYTES);
}

static int tear_down(void **state)
{
	(void)state;
	relation_tuples_free(tuples);
	arena_fini(&arena);
	return 0;
}

static const char *word(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

static struct policy *load(const char *text)
{
	static const struct policy_env offline;
	struct policy *policy = NULL;
	struct diag d = diag_over("set", sv_of(text));
	if (policy_load(sv_of(text), &offline, 7, &d, &policy) != 0)
		diag_print(&d, stderr);
	diag_fini(&d);
	assert_non_null(policy);
	return policy;
}

/* ---- the verdict that the trace implies ---- */

static const json_t *matched_rule(const json_t *policy)
{
	size_t i;
	json_t *rule;
	json_array_foreach(json_object_get(policy, "rules"), i, rule)
	{
		bool matched = strcmp(word(rule, "result"), "matched") == 0;
		/* the parts say what the whole says */
		assert_int_equal(matched, json_is_null(json_object_get(rule, "failed")));
		if (matched)
			return rule;
	}
	return NULL;
}

static const json_t *first_match(const json_t *trace, const char *action, const json_t **ret_policy)
{
	size_t i;
	json_t *policy;
	json_array_foreach(json_object_get(trace, "policies"), i, policy)
	{
		const json_t *rule = matched_rule(policy);
		assert_int_equal(rule != NULL, strcmp(word(policy, "result"), "matched") == 0);
		if (!rule || strcmp(word(policy, "action"), action) != 0 ||
		    !json_is_true(json_object_get(policy, "in_force")))
			continue;
		*ret_policy = policy;
		return rule;
	}
	return NULL;
}

static void check_agrees(const json_t *trace, const struct verdict *verdict)
{
	const json_t *policy = NULL;
	const char *action = "DENY";
	const json_t *rule = first_match(trace, action, &policy);
	if (!rule)
		rule = first_match(trace, action = "ALLOW", &policy);
	const json_t *winner = json_object_get(trace, "winner");
	assert_int_equal(rule != NULL, json_is_object(winner));
	if (!rule) {
		assert_true(verdict->policy.n == 0);
		return;
	}
	assert_string_equal(word(winner, "policy"), word(policy, "policy"));
	assert_string_equal(word(winner, "rule"), word(rule, "rule"));
	assert_true(sv_eq(verdict->policy, sv_of(word(policy, "policy"))));
	assert_true(json_is_true(json_object_get(rule, "decided")));
	assert_int_equal(verdict->effect == VERDICT_ALLOW, strcmp(action, "ALLOW") == 0);
}

/* returns whether policies decided. *ret: the trace, owned */
static bool trace_of(const struct policy *policy, const json_t *request, json_t **ret)
{
	struct decide_ctx ctx = {.arena = &arena, .now_us = 1800000000000000, .tuples = tuples};
	struct question question;
	struct decision decision;
	arena_reset(&arena);
	if (!question_read(request, 0, "", &arena, NULL, &question))
		fail_msg("%s", json_dumps(request, 0));
	assert_true(question_decide(policy, &ctx, &question, &decision));
	json_t *trace = policy_trace(policy, &ctx, &question.request, &decision);
	assert_non_null(trace);
	bool judged = json_is_true(json_object_get(trace, "judged"));
	if (judged)
		check_agrees(trace, &decision.verdict);
	*ret = trace;
	return judged;
}

/* ---- requests of the words of a set ---- */

struct words {
	const char *at[512];
	size_t n;
	uint32_t seed;
};

static void gather(const json_t *value, struct words *words)
{
	size_t i;
	const char *key;
	json_t *one;
	if (json_is_string(value) && words->n < ARRAY_LEN(words->at))
		words->at[words->n++] = json_string_value(value);
	json_array_foreach(value, i, one) gather(one, words);
	json_object_foreach((json_t *)(uintptr_t)value, key, one) gather(one, words);
}

static uint32_t roll(struct words *words, uint32_t below)
{
	words->seed = words->seed * 1664525 + 1013904223;
	return (words->seed >> 8) % below;
}

/* A word of the set that starts so; else one that is in none. */
static const char *pick(struct words *words, const char *start, const char *other)
{
	for (int i = 0; i < 40; i++) {
		const char *one = words->at[roll(words, (uint32_t)words->n)];
		if (strncmp(one, start, strlen(start)) == 0 && *one)
			return one;
	}
	return other;
}

/* A path template with its operators filled. */
static json_t *path(struct words *words)
{
	char text[256];
	size_t n = 0;
	for (const char *c = pick(words, "/", "/x"); *c && n < sizeof(text) - 16; c++) {
		if (*c == '{') {
			n += (size_t)snprintf(text + n, 16, "%u", roll(words, 3));
			c += strcspn(c, "}");
		} else if (*c != '*') {
			text[n++] = *c;
		}
	}
	text[n] = 0;
	return json_string(text);
}

static json_t *request_made(struct words *words)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
	static const char *const people[] = {"alice", "bob", "0", "1"};
	json_t *request = json_pack("{s:s, s:s, s:o}", "method", methods[roll(words, 4)], "host",
	                            pick(words, "", "x"), "path", path(words));
	if (roll(words, 3))
		json_object_set_new(
			request, "claims",
			json_pack("{s:s, s:s, s:[s], s:s, s:i}", "iss",
		                  pick(words, "http", "https://idp"), "sub", people[roll(words, 4)],
		                  "groups", pick(words, "", "eu"), "scope", pick(words, "", "read"),
		                  "level", (int)roll(words, 5)));
	if (roll(words, 3) == 0)
		json_object_set_new(request, "workload",
		                    json_string(pick(words, "spiffe://", "spiffe://td/ns/a/sa/b")));
	if (roll(words, 3) == 0)
		json_object_set_new(request, "src", json_string("10.0.0.7"));
	if (roll(words, 2))
		json_object_set_new(request, "headers", json_pack("{s:s}", "x-team", "eu"));
	return request;
}

static size_t try_random(const struct policy *policy, const json_t *set, int n)
{
	struct words words = {.seed = 12345};
	size_t n_judged = 0;
	gather(set, &words);
	for (int i = 0; i < n; i++) {
		json_t *trace = NULL;
		json_t *request = request_made(&words);
		struct question question;
		if (question_read(request, 0, "", &arena, NULL, &question)) {
			n_judged += trace_of(policy, request, &trace);
			json_decref(trace);
		}
		arena_reset(&arena);
		json_decref(request);
	}
	return n_judged;
}

static void the_examples_are_explained_as_they_are_judged(void **state)
{
	(void)state;
	char pattern[512];
	glob_t found;
	const char *root = getenv("HAWARD_SOURCE_DIR");
	(void)snprintf(pattern, sizeof(pattern), "%s/haproxy-examples/policies/*.json",
	               root ? root : ".");
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *text = NULL;
		size_t n, k;
		json_t *test;
		assert_int_equal(file_read(found.gl_pathv[i], 1 << 20, &text, &n), 0);
		struct policy *policy = load(text);
		json_t *set = json_load_strict((struct sv){text, n}, 0, NULL);
		json_array_foreach(json_object_get(set, "tests"), k, test)
		{
			json_t *trace = NULL;
			(void)trace_of(policy, json_object_get(test, "request"), &trace);
			json_decref(trace);
		}
		(void)try_random(policy, set, 500);
		json_decref(set);
		policy_unref(policy);
		free(text);
	}
	globfree(&found);
}

#define EVERY                                                                                      \
	"{'services':[{'name':'shop','hosts':['shop'],'paths':['/a/{**}','/b/{**}']},"             \
	"  {'name':'open','hosts':['open'],'defaultAction':'ALLOW'}],"                             \
	" 'issuers':[{'name':'idp','issuer':'https://idp','audiences':['x'],"                      \
	"  'jwksUri':'https://idp/keys','algorithms':['RS256']}],"                                 \
	" 'roles':[{'name':'clerk','permissions':[{'services':['shop'],"                           \
	"  'operations':[{'paths':['/b/{x}']}]}],'bindings':[{'groups':['eu']}]}],"                \
	" 'limits':[{'name':'few','requests':5,'periodSeconds':60,'per':['request.auth.principal'" \
	"]}],"                                                                                     \
	" 'types':{'user':{},'order':{'owner':{'types':['user']}}},"                               \
	" 'policies':["                                                                            \
	"  {'name':'their-own','action':'ALLOW','services':['shop'],'rules':[{"                    \
	"    'to':[{'operation':{'paths':['/a/{x}','/b/{x}']}}],"                                  \
	"    'when':[{'related':{'object':'order:{x}','relation':'owner'}},"                       \
	"      {'key':'request.headers[x-team]','values':['eu']}]}]},"                             \
	"  {'name':'foreign','action':'DENY','services':['shop'],'rules':[{"                       \
	"    'to':[{'operation':{'paths':['/a/{x}'],'methods':['PUT']}}],"                         \
	"    'when':[{'notRelated':{'object':'order:{x}','relation':'owner'}}],"                   \
	"    'condition':'path.x != \\'1\\''}]},"                                                  \
	"  {'name':'off','action':'DENY','mode':'disabled','rules':[{}]},"                         \
	"  {'name':'empty','action':'ALLOW','services':['shop']},"                                 \
	"  {'name':'no-bob','action':'DENY','rules':[{'when':["                                    \
	"    {'key':'request.auth.claims[sub]','values':['bob']}]}]},"                             \
	"  {'name':'half','action':'DENY','percent':50,'services':['shop'],'rules':[{"             \
	"    'to':[{'operation':{'paths':['/a/1']}}]}]},"                                          \
	"  {'name':'dark','action':'ALLOW','mode':'shadow','rules':[{}]},"                         \
	"  {'name':'team','action':'ALLOW','services':['shop'],'rules':["                          \
	"    {'to':[{'operation':{'paths':['/a/{x}'],'methods':['GET']}},"                         \
	"      {'operation':{'paths':['/a/{x}/{y}']}}],"                                           \
	"     'from':[{'source':{'ipBlocks':['10.0.0.0/8']}},"                                     \
	"      {'source':{'requestPrincipals':['https://idp/*']}}],"                               \
	"     'when':[{'key':'request.headers[x-team]','values':['eu']},"                          \
	"      {'key':'path[x]','notValues':['2']}]},"                                             \
	"    {'to':[{'operation':{'paths':['/b/{x}','/b/{x}/{y}']}}],"                             \
	"     'condition':'path.x == user || claims.level > 2'}]},"                                \
	"  {'name':'odd','action':'DENY','services':['shop'],'rules':[{"                           \
	"    'to':[{'operation':{'paths':['/b/2']}}],"                                             \
	"    'condition':'claims.level > 3 && request.headers[\\'x-team\\'] == \\'us\\''}]},"      \
	"  {'name':'fresh','action':'ALLOW','services':['shop'],'rules':[{"                        \
	"    'to':[{'operation':{'paths':['/a/0']}}],'authentication':{'maxAge':60}}]}]}"

static json_t *every_set(void)
{
	/* ' inside of conditions is written \' */
	char *text = strdup(EVERY);
	assert_non_null(text);
	size_t n = 0;
	for (const char *c = text; *c; c++) {
		bool escaped = *c == '\\' && c[1] == '\'';
		text[n++] = escaped ? '\'' : *c == '\'' ? '"' : *c;
		c += escaped;
	}
	text[n] = 0;
	struct diag d = diag_over("set", sv_of(text));
	json_t *set = json_load_strict(sv_of(text), 0, &d);
	if (!set)
		diag_print(&d, stderr);
	diag_fini(&d);
	free(text);
	assert_non_null(set);
	return set;
}

static struct policy *every_policy(const json_t *set)
{
	char *text = json_dumps(set, 0);
	struct policy *policy = load(text);
	free(text);
	return policy;
}

static void random_requests_are_explained_as_they_are_judged(void **state)
{
	(void)state;
	json_t *set = every_set();
	struct policy *policy = every_policy(set);
	size_t n_judged = try_random(policy, set, 20000);
	print_message("%zu of 20000 judged by policies\n", n_judged);
	assert_true(n_judged > 1000);
	policy_unref(policy);
	json_decref(set);
}

/* ---- what it tells ---- */

static const json_t *policy_named(const json_t *trace, const char *name)
{
	size_t i;
	json_t *policy;
	json_array_foreach(json_object_get(trace, "policies"), i, policy)
	{
		if (strcmp(word(policy, "policy"), name) == 0)
			return policy;
	}
	fail_msg("no policy %s", name);
	return NULL;
}

static const json_t *rule_of(const json_t *trace, const char *name, size_t i)
{
	return json_array_get(json_object_get(policy_named(trace, name), "rules"), i);
}

static json_t *explained(const char *quoted)
{
	json_t *set = every_set(), *trace = NULL;
	struct policy *policy = every_policy(set);
	char *text = unquoted(quoted);
	json_t *request = json_load_strict(sv_of(text), 0, NULL);
	assert_non_null(request);
	(void)trace_of(policy, request, &trace);
	json_decref(request);
	free(text);
	policy_unref(policy);
	json_decref(set);
	return trace;
}

static void each_policy_says_what_became_of_it(void **state)
{
	(void)state;
	json_t *trace = explained("{'method':'GET','host':'shop','path':'/b/alice','headers':{'"
	                          "authorization':'x'},"
	                          "'claims':{'iss':'https://idp','sub':'alice','level':1}}");
	assert_int_equal(json_integer_value(json_object_get(trace, "policy_version")), 7);
	assert_string_equal(word(policy_named(trace, "off"), "not_for"), "disabled");
	assert_string_equal(word(policy_named(trace, "empty"), "not_for"), "no_rules");
	assert_true(json_is_false(json_object_get(policy_named(trace, "dark"), "in_force")));
	assert_string_equal(word(policy_named(trace, "dark"), "result"), "matched");
	assert_string_equal(word(json_object_get(trace, "winner"), "rule"), "/policies/7/rules/1");
	assert_string_equal(word(rule_of(trace, "team", 0), "failed"), "to.operation.paths");
	assert_int_equal(json_array_size(json_object_get(trace, "limits")), 1);
	const json_t *expression = json_object_get(rule_of(trace, "team", 1), "expression");
	assert_string_equal(word(expression, "result"), "matched");
	const json_t *reads = json_object_get(expression, "reads");
	assert_int_equal(json_array_size(reads), 3);
	assert_string_equal(word(json_array_get(reads, 0), "value"), "alice");
	assert_string_equal(word(json_array_get(reads, 2), "name"), "path.x");
	json_decref(trace);
}

/* An error says what came of it, and values that may be secrets are not told. */
static void errors_and_secrets(void **state)
{
	(void)state;
	json_t *trace = explained("{'method':'GET','host':'shop','path':'/b/2',"
	                          "'headers':{'x-team':'hush-hush'},"
	                          "'claims':{'iss':'https://idp','sub':'eve'}}");
	const json_t *expression = json_object_get(rule_of(trace, "odd", 0), "expression");
	/* error && false is false */
	assert_true(json_is_false(json_object_get(expression, "error")));
	assert_string_equal(word(expression, "result"), "failed");
	json_decref(trace);
	trace = explained("{'method':'GET','host':'shop','path':'/b/2','headers':{'x-team':'us'},"
	                  "'claims':{'iss':'https://idp','sub':'eve'}}");
	expression = json_object_get(rule_of(trace, "odd", 0), "expression");
	assert_true(json_is_true(json_object_get(expression, "error")));
	assert_string_equal(word(expression, "result"), "matched");
	assert_string_equal(word(expression, "note"), "an error in a DENY rule counts as a match");
	char *text = json_dumps(json_object_get(expression, "reads"), 0);
	assert_null(strstr(text, "us"));
	assert_non_null(strstr(text, "hidden"));
	free(text);
	json_decref(trace);
}

/* A relation that `when` asks for stands in `when`, with the tuple that is missing. */
static void a_relation_of_when_is_told_where_it_was_written(void **state)
{
	(void)state;
	json_t *trace =
		explained("{'method':'GET','host':'shop','path':'/b/1','headers':{'x-team':'eu'},"
	                  "'claims':{'iss':'https://idp','sub':'alice'}}");
	const json_t *rule = rule_of(trace, "their-own", 0);
	const json_t *one = json_array_get(json_object_get(rule, "when"), 1);
	assert_string_equal(word(rule, "failed"), "when[0].related");
	assert_string_equal(word(one, "condition"), "when[0].related");
	assert_string_equal(word(one, "expected"),
	                    "related('order:' + path.x, 'owner', 'user:' + user)");
	assert_non_null(strstr(word(one, "value"), "order:1#owner@user:alice"));
	assert_string_equal(word(one, "result"), "failed");
	assert_null(json_object_get(rule, "expression"));
	json_decref(trace);
	trace = explained("{'method':'GET','host':'shop','path':'/b/1','headers':{'x-team':'eu'},"
	                  "'claims':{'iss':'https://idp','sub':'bob'}}");
	rule = rule_of(trace, "their-own", 0);
	assert_string_equal(word(rule, "result"), "matched");
	json_decref(trace);
}

static void what_policies_did_not_decide_is_said(void **state)
{
	(void)state;
	json_t *trace = explained("{'method':'GET','host':'shop','path':'/a/../b'}");
	assert_true(json_is_false(json_object_get(trace, "judged")));
	assert_null(json_object_get(trace, "policies"));
	assert_true(word(trace, "text")[0] != 0);
	json_decref(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_are_explained_as_they_are_judged),
		cmocka_unit_test(random_requests_are_explained_as_they_are_judged),
		cmocka_unit_test(each_policy_says_what_became_of_it),
		cmocka_unit_test(errors_and_secrets),
		cmocka_unit_test(a_relation_of_when_is_told_where_it_was_written),
		cmocka_unit_test(what_policies_did_not_decide_is_said),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
