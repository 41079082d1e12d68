#include "policy/cases.h"

#include "authz/relation_model.h"
#include "authz/relation_tuples.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/jsonfields.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "model/decision.h"
#include "model/reason.h"
#include "model/verdict.h"
#include "policy/decide.h"
#include "policy/explain.h"
#include "policy/question.h"
#include "policy/snapshot.h"

#include <errno.h>
#include <stdio.h>

enum { POINTER_BYTES = 64, DIFFERENCE_BYTES = 512, TUPLES_MAX = 1000 };

/* ---- one test as it is written ---- */

struct raw_case {
	const json_t *name, *now, *request, *tuples, *expect;
};

#define VALUE(text, member, ...)                                              \
	{                                                                     \
		.name = (text), .kind = JSON_FIELD_VALUE,                     \
		.offset = JSON_FIELD_AT(struct raw_case, member), __VA_ARGS__ \
	}
static const struct json_field case_fields[] = {
	VALUE("name", name, .required = true),       VALUE("now", now, .required = false),
	VALUE("request", request, .required = true), VALUE("tuples", tuples, .required = false),
	VALUE("expect", expect, .required = true),
};
#undef VALUE

static bool is_verdict(const json_t *value)
{
	enum verdict_effect effect;
	return verdict_effect_find(json_string_sv(value), &effect);
}

static bool is_reason(const json_t *value)
{
	enum reason reason;
	return reason_find(json_string_sv(value), &reason);
}

static bool is_status(const json_t *value)
{
	return json_is_integer(value) && json_integer_value(value) >= 100 &&
	       json_integer_value(value) <= 599;
}

static bool is_text_or_null(const json_t *value)
{
	return json_is_null(value) || json_string_length(value) > 0;
}

static bool is_verdict_or_null(const json_t *value)
{
	return json_is_null(value) || is_verdict(value);
}

/* What may be expected: members of policy_explain(); null expects that there is none. */
static const struct expectation {
	const char *name;
	bool (*is_good)(const json_t *value);
	const char *wanted;
} expectations[] = {
	{"verdict", is_verdict, "allow, deny, authenticate or another verdict"},
	{"status", is_status, "an HTTP status"},
	{"reason", is_reason, "the code of a reason, as policy_allowed"},
	{"policy", is_text_or_null, "the name of a policy, or null"},
	{"service", is_text_or_null, "the name of a service, or null"},
	{"route", is_text_or_null, "a path pattern, or null"},
	{"path", is_text_or_null, "a path, or null"},
	{"user", is_text_or_null, "a user, or null"},
	{"workload", is_text_or_null, "a SPIFFE ID, or null"},
	{"shadow", is_verdict_or_null,
         "the verdict that policies in shadow mode would give, or null"},
};

static const struct expectation *expectation_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(expectations); i++)
		if (strcmp(expectations[i].name, name) == 0)
			return &expectations[i];
	return NULL;
}

/* ---- checking ---- */

static void check_expect(const json_t *expect, const char *at, struct diag *d)
{
	const char *name;
	json_t *value;
	char pointer[POINTER_BYTES * 4];
	if (!json_is_object(expect) || json_object_size(expect) == 0) {
		diag_add(d, at, "wrong_type", "an object with what is expected, as verdict");
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)expect, name, value)
	{
		const struct expectation *e = expectation_named(name);
		(void)snprintf(pointer, sizeof(pointer), "%s/%.60s", at, name);
		if (!e)
			diag_add(d, pointer, "unknown_member",
			         "verdict, status, reason, policy, service, route, path, user, "
			         "workload and shadow can be expected");
		else if (!e->is_good(value))
			diag_add(d, pointer, "bad_value", "%s is expected here", e->wanted);
	}
}

static void check_name(const json_t *tests, size_t i, const json_t *name, const char *at,
                       struct diag *d)
{
	char pointer[POINTER_BYTES + 8];
	(void)snprintf(pointer, sizeof(pointer), "%s/name", at);
	if (json_string_length(name) < 1 || json_string_length(name) > 256) {
		diag_add(d, pointer, "bad_value", "a text of 1 to 256 bytes is expected here");
		return;
	}
	for (size_t k = 0; k < i; k++)
		if (json_equal(json_object_get(json_array_get(tests, k), "name"), name)) {
			diag_add(d, pointer, "doubled_name", "another test has this name");
			return;
		}
}

static void check_now(const json_t *now, const char *at, struct diag *d)
{
	int64_t at_us;
	char pointer[POINTER_BYTES + 8];
	(void)snprintf(pointer, sizeof(pointer), "%s/now", at);
	if (now && !clock_parse(json_string_sv(now), &at_us))
		diag_add(d, pointer, "bad_value", "a time is expected, as 2026-03-01T12:00:00Z");
}

/* NULL: it is one. *ret_at: the column, from 1 */
static const char *tuple_fault(const json_t *value, const struct relation_model *model,
                               struct relation_tuple *ret, size_t *ret_at)
{
	const char *why = "'object#relation@subject' is expected here";
	*ret_at = 0;
	if (!json_is_string(value) ||
	    !relation_tuple_parse(json_string_sv(value), ret, &why, ret_at))
		return why;
	return model ? relation_model_why_not(model, ret) : NULL;
}

static void check_tuples(const json_t *tuples, const struct relation_model *model, const char *at,
                         struct diag *d)
{
	struct relation_tuple tuple;
	char pointer[POINTER_BYTES * 2];
	size_t column, i;
	json_t *one;
	(void)snprintf(pointer, sizeof(pointer), "%s/tuples", at);
	if (tuples && (!json_is_array(tuples) || json_array_size(tuples) > TUPLES_MAX))
		diag_add(d, pointer, "wrong_type",
		         "a list of at most %d relations is expected here", TUPLES_MAX);
	json_array_foreach(tuples, i, one)
	{
		const char *why = tuple_fault(one, model, &tuple, &column);
		(void)snprintf(pointer, sizeof(pointer), "%s/tuples/%zu", at, i);
		if (why)
			diag_add(d, pointer, "bad_relation", "column %zu: %s", column + 1, why);
	}
}

static void check_case(const json_t *tests, size_t i, const struct relation_model *model,
                       struct arena *arena, struct diag *d)
{
	struct raw_case raw = {0};
	struct question question;
	char at[POINTER_BYTES], pointer[POINTER_BYTES + 8];
	(void)snprintf(at, sizeof(at), "/tests/%zu", i);
	if (json_fields_read(json_array_get(tests, i), case_fields, ARRAY_LEN(case_fields), at, d,
	                     &raw) != 0)
		return;
	check_name(tests, i, raw.name, at, d);
	check_now(raw.now, at, d);
	check_tuples(raw.tuples, model, at, d);
	(void)snprintf(pointer, sizeof(pointer), "%s/request", at);
	arena_reset(arena);
	(void)!question_read(raw.request, 0, pointer, arena, d, &question);
	(void)snprintf(pointer, sizeof(pointer), "%s/expect", at);
	check_expect(raw.expect, pointer, d);
}

int policy_cases_check(const json_t *tests, const struct relation_model *model, struct diag *d)
{
	CLEANUP(arena_fini) struct arena arena = {0};
	struct diag none = diag_over(NULL, (struct sv){0});
	size_t n = json_array_size(tests);
	if (!tests)
		return 0;
	if (!json_is_array(tests) || n > POLICY_SET_MAX_TESTS) {
		diag_add(d, "/tests", "wrong_type", "an array of at most %d tests is expected here",
		         POLICY_SET_MAX_TESTS);
		return -EINVAL;
	}
	if (arena_init(&arena, REQUEST_ARENA_BYTES) != 0)
		return -ENOMEM;
	struct diag *into = d ? d : &none;
	size_t before = into->n + into->n_dropped;
	for (size_t i = 0; i < n; i++)
		check_case(tests, i, model, &arena, into);
	int r = into->n + into->n_dropped > before ? -EINVAL : 0;
	diag_fini(&none);
	return r;
}

size_t policy_cases_count(const struct policy *policy)
{
	return json_array_size(policy->tests);
}

/* ---- running ---- */

static const json_t *got_of(const json_t *decision, const char *member)
{
	const json_t *got = json_object_get(decision, member);
	return strcmp(member, "shadow") == 0 && json_is_object(got)
	               ? json_object_get(got, "verdict")
	               : got;
}

static json_t *differences_of(const json_t *expect, const json_t *decision)
{
	json_t *differences = json_array();
	const char *member;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)expect, member, value)
	{
		const json_t *got = got_of(decision, member);
		if (!json_equal(value, got))
			json_array_append_new(differences,
			                      json_pack("{s:s, s:O, s:O}", "member", member,
			                                "expected", value, "got", got));
	}
	return differences;
}

/* The relations of a test; NULL: no memory. Those of a test that has none are not known: related() is an error. */
static struct relation_tuples *read_tuples(const json_t *list)
{
	struct relation_tuples *tuples = relation_tuples_new();
	struct relation_tuple tuple;
	size_t column, i;
	int r = tuples ? 0 : -ENOMEM;
	json_t *one;
	json_array_foreach(list, i, one) if (r == 0 && !tuple_fault(one, NULL, &tuple, &column)) r =
		relation_tuples_add(tuples, &tuple);
	if (r != 0) {
		relation_tuples_free(tuples);
		return NULL;
	}
	relation_tuples_seal(tuples);
	return tuples;
}

static json_t *decide(const struct policy *policy, const json_t *request,
                      const struct relation_tuples *tuples, int64_t now_us, struct arena *arena)
{
	struct question question;
	struct decision decision;
	struct decide_ctx ctx = {.arena = arena, .now_us = now_us, .tuples = tuples};
	arena_reset(arena);
	if (!question_read(request, 0, "", arena, NULL, &question) ||
	    !question_decide(policy, &ctx, &question, &decision))
		return NULL;
	json_t *explanation = policy_explain(&decision);
	policy_explain_words(json_object_get(explanation, "why"));
	return explanation;
}

static json_t *run_one(const struct policy *policy, size_t i, int64_t now_us, struct arena *arena)
{
	const json_t *one = json_array_get(policy->tests, i);
	const json_t *now = json_object_get(one, "now");
	if (now)
		(void)!clock_parse(json_string_sv(now), &now_us);
	const json_t *list = json_object_get(one, "tuples");
	struct relation_tuples *tuples = list ? read_tuples(list) : NULL;
	json_t *decision = list && !tuples ? NULL
	                                   : decide(policy, json_object_get(one, "request"), tuples,
	                                            now_us, arena);
	relation_tuples_free(tuples);
	json_t *differences = differences_of(json_object_get(one, "expect"), decision);
	bool passed = decision && json_array_size(differences) == 0;
	return json_pack("{s:O, s:o, s:b, s:o, s:o}", "name", json_object_get(one, "name"),
	                 "pointer", json_sprintf("/tests/%zu", i), "passed", passed, "differences",
	                 differences, "decision", decision);
}

json_t *policy_cases_run(const struct policy *policy, int64_t now_us, size_t *ret_n_failed)
{
	CLEANUP(arena_fini) struct arena arena = {0};
	json_t *results = json_array();
	*ret_n_failed = 0;
	if (!results || arena_init(&arena, REQUEST_ARENA_BYTES) != 0) {
		json_decref(results);
		return NULL;
	}
	for (size_t i = 0; i < policy_cases_count(policy); i++) {
		json_t *one = run_one(policy, i, now_us, &arena);
		*ret_n_failed += !json_is_true(json_object_get(one, "passed"));
		if (json_array_append_new(results, one) == 0)
			continue;
		json_decref(results);
		return NULL;
	}
	return results;
}

static void report_one(const json_t *result, struct diag *d)
{
	char text[DIFFERENCE_BYTES] = "";
	size_t i, n = 0;
	json_t *difference;
	json_array_foreach(json_object_get(result, "differences"), i, difference)
	{
		char *expected =
			json_dumps(json_object_get(difference, "expected"), JSON_ENCODE_ANY);
		char *got = json_dumps(json_object_get(difference, "got"), JSON_ENCODE_ANY);
		int m = snprintf(text + n, sizeof(text) - n, "%s%s is %.80s, not %.80s",
		                 n ? "; " : "",
		                 json_string_value(json_object_get(difference, "member")),
		                 got ? got : "", expected ? expected : "");
		n = m < 0 || n + (size_t)m >= sizeof(text) ? sizeof(text) - 1 : n + (size_t)m;
		free(expected);
		free(got);
	}
	diag_add(d, json_string_value(json_object_get(result, "pointer")), POLICY_CASE_FAILED,
	         "the test '%.100s' fails: %s", json_string_value(json_object_get(result, "name")),
	         text);
}

int policy_cases_report(const struct policy *policy, int64_t now_us, struct diag *d)
{
	size_t n_failed, i;
	json_t *result;
	CLEANUP(json_decrefp) json_t *results = policy_cases_run(policy, now_us, &n_failed);
	if (!results)
		return -ENOMEM;
	json_array_foreach(results, i, result) if (!json_is_true(json_object_get(result, "passed")))
		report_one(result, d);
	return n_failed > 0 ? -EINVAL : 0;
}
