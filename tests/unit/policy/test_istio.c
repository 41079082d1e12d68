/* Istio's policies as a policy set: what is understood, what is named, and whom it is for. */
#include "core/yamlload.h"
#include "policy/istio.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct imported {
	struct istio_import notes;
	json_t *set; /* NULL: refused */
};

static struct imported *import_text(const char *yaml)
{
	struct imported *ret = calloc(1, sizeof(*ret));
	json_t *documents = NULL, *lines = NULL;
	struct yaml_problem problem;
	int r = yaml_load(sv_of(yaml), &documents, &lines, &problem);
	if (r != 0)
		print_error("%zu:%zu: %s\n", problem.line, problem.column, problem.message);
	assert_int_equal(r, 0);
	assert_non_null(ret);
	if (ret)
		(void)!istio_import(documents, lines, &ret->notes, &ret->set);
	json_decref(documents);
	json_decref(lines);
	return ret;
}

static void free_imported(struct imported *i)
{
	json_decref(i->set);
	istio_import_fini(&i->notes);
	free(i);
}

static const json_t *policy_at(const struct imported *i, size_t at)
{
	return json_array_get(json_object_get(i->set, "policies"), at);
}

static const char *member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

#define POLICY(spec) \
	"kind: AuthorizationPolicy\nmetadata: {name: p, namespace: shop}\nspec: " spec "\n"

static void a_policy_becomes_one(void **state)
{
	(void)state;
	struct imported *i = import_text(
		"kind: AuthorizationPolicy\n"
		"metadata:\n"
		"  name: read\n"
		"  namespace: shop\n"
		"  annotations: {istio.io/dry-run: 'true'}\n"
		"spec:\n"
		"  action: DENY\n"
		"  rules:\n"
		"  - from: [{source: {notNamespaces: [shop]}}, {source: {serviceAccounts: [web, "
		"pay/web]}}]\n"
		"    to: [{operation: {methods: [GET], paths: ['/a/{*}'], ports: ['80']}}]\n"
		"---\n"
		"kind: AuthorizationPolicy\n"
		"metadata: {name: nothing, namespace: shop}\n"
		"spec: {}\n");
	assert_non_null(i->set);
	assert_string_equal(member(i->set, "defaultAction"), "ALLOW");
	assert_string_equal(member(policy_at(i, 0), "name"), "shop/read");
	assert_string_equal(member(policy_at(i, 0), "action"), "DENY");
	assert_string_equal(member(policy_at(i, 0), "mode"), "shadow");
	assert_string_equal(member(policy_at(i, 1), "action"), "ALLOW");
	assert_null(json_object_get(policy_at(i, 1), "rules"));
	char *rules = json_dumps(json_object_get(policy_at(i, 0), "rules"), 0);
	assert_non_null(strstr(rules ? rules : "", "[\"shop/web\", \"pay/web\"]"));
	free(rules);
	struct policy *policy = NULL;
	char *text = json_dumps(i->set, 0);
	assert_int_equal(policy_load(sv_of(text), NULL, 1, NULL, &policy), 0);
	policy_unref(policy);
	free(text);
	free_imported(i);
}

static void services_say_whom_a_policy_is_for(void **state)
{
	(void)state;
	struct imported *i = import_text(
		"kind: Service\nmetadata: {name: a, namespace: shop}\nspec: {selector: {app: a, v: "
		"'1'}}\n---\n"
		"kind: Service\nmetadata: {name: b, namespace: shop}\nspec: {selector: {app: "
		"b}}\n---\n"
		"kind: Service\nmetadata: {name: c, namespace: pay}\nspec: {selector: {app: "
		"a}}\n---\n"
		"kind: AuthorizationPolicy\nmetadata: {name: one, namespace: shop}\nspec: "
		"{selector: {"
		"matchLabels: {app: a}}}\n---\n"
		"kind: AuthorizationPolicy\nmetadata: {name: space, namespace: shop}\nspec: "
		"{}\n---\n"
		"kind: AuthorizationPolicy\nmetadata: {name: root, namespace: istio-system}\nspec: "
		"{selector: "
		"{matchLabels: {app: a}}}\n---\n"
		"kind: AuthorizationPolicy\nmetadata: {name: none, namespace: other}\nspec: {}\n");
	assert_non_null(i->set);
	static const char *const wanted[] = {
		"[\"shop\", {\"matchLabels\": {\"app\": \"a\"}}]", "[\"shop\", null]",
		"[null, {\"matchLabels\": {\"app\": \"a\"}}]", "[null, null]"};
	for (size_t k = 0; k < ARRAY_LEN(wanted); k++) {
		json_t *both = json_pack("[O?, O?]", json_object_get(policy_at(i, k), "namespace"),
		                         json_object_get(policy_at(i, k), "selector"));
		char *found = both ? json_dumps(both, 0) : NULL;
		assert_string_equal(found ? found : "", wanted[k]);
		free(found);
		json_decref(both);
	}
	assert_string_equal(member(policy_at(i, 3), "mode"), "disabled");
	assert_true(i->notes.n_notes > 0);
	free_imported(i);
}

static void what_cannot_be_said_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *yaml, *says;
	} rows[] = {
		{POLICY("{action: CUSTOM, provider: {name: x}}"), "CUSTOM"},
		{POLICY("{action: AUDIT}"), "AUDIT"},
		{POLICY("{provider: {name: x}}"), "provider"},
		{POLICY("{targetRefs: [{kind: Gateway, name: g}]}"), "targetRef"},
		{POLICY("{rulez: []}"), "spec.rulez"},
		{POLICY("{rules: [{condition: 'true'}]}"), "rules.condition"},
		{POLICY("{rules: [{to: [{operation: {paths: ['/a/{id}']}}]}]}"), "{id}"},
		{POLICY("{rules: [{to: [{operation: {verbs: [GET]}}]}]}"), "operation.verbs"},
		{POLICY("{rules: [{when: [{key: 'path[id]', values: [a]}]}]}"), "path["},
		{POLICY("{rules: [{when: [{key: source.ip, valuesFrom: remote.ip}]}]}"),
	         "valuesFrom"},
		{POLICY("{selector: {matchLabels: {'': a}}}"), "matchLabels"},
		{POLICY("{selector: {matchExpressions: []}}"), "matchExpressions"},
		{"kind: AuthorizationPolicy\nmetadata: {name: p, annotations: {istio.io/dry-run: "
	         "maybe}}\nspec: {}\n",
	         "dry-run"},
		{"kind: Gateway\nmetadata: {name: g}\n", "this kind"},
		{"kind: RequestAuthentication\nmetadata: {name: r}\nspec: {jwtRules: [{issuer: a, "
	         "magic: 1}]}\n",
	         "jwtRules.magic"},
		{POLICY("{selector: {matchLabels: {app: a}}}") "---\n" POLICY(
			 "{selector: {matchLabels: {app: b}}}"),
	         "cannot both hold"},
		{POLICY("{}") "---\nkind: AuthorizationPolicy\nmetadata: {name: q, namespace: "
	                      "pay}\n",
	         "another namespace"},
	};
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct imported *i = import_text(rows[k].yaml);
		bool is_said = false;
		for (size_t n = 0; n < i->notes.n_notes; n++)
			is_said = is_said || (i->notes.notes[n].is_error &&
			                      strstr(i->notes.notes[n].text, rows[k].says));
		if (!is_said)
			print_error("%s\n", rows[k].yaml);
		assert_true(is_said);
		assert_null(i->set);
		free_imported(i);
	}
}

static void issuers_are_taken(void **state)
{
	(void)state;
	struct imported *i = import_text(
		"kind: RequestAuthentication\nmetadata: {name: r, namespace: shop}\nspec:\n  "
		"jwtRules:\n"
		"  - issuer: https://idp\n    jwksUri: https://idp/keys\n    audiences: [orders]\n"
		"    fromHeaders: [{name: x-jwt, prefix: 'J '}]\n    forwardOriginalToken: true\n"
		"  - issuer: me@example\n");
	assert_non_null(i->set);
	const json_t *issuers = json_object_get(i->set, "issuers");
	assert_int_equal(json_array_size(issuers), 1);
	assert_string_equal(member(json_array_get(issuers, 0), "jwksUri"), "https://idp/keys");
	assert_int_equal(i->notes.n_notes, 1);
	char *text = json_dumps(i->set, 0);
	struct policy *policy = NULL;
	struct diag d = diag_over("test", sv_of(text));
	if (policy_load(sv_of(text), NULL, 1, &d, &policy) != 0)
		diag_print(&d, stderr);
	assert_non_null(policy);
	diag_fini(&d);
	policy_unref(policy);
	free(text);
	free_imported(i);
}

/* ---- the YAML itself ---- */

static void yaml_has_one_meaning(void **state)
{
	(void)state;
	static const struct {
		const char *yaml, *json; /* NULL: refused */
	} rows[] = {
		{"a: [1, -2.5, ~, null, true, False, 'true', \"1\", 0x10, 1e3]",
	         "[{\"a\": [1, -2.5, null, null, true, false, \"true\", \"1\", \"0x10\", "
	         "1000.0]}]"},
		{"yes", "[\"yes\"]"},
		{"a: 99999999999999999999", "[{\"a\": \"99999999999999999999\"}]"},
		{"--- 1\n--- 2\n", "[1, 2]"},
		{"", "[]"},
		{"a: |\n  x\n  y\n", "[{\"a\": \"x\\ny\\n\"}]"},
		{"a: &x 1\nb: *x\n", NULL},
		{"a: !!int 1", NULL},
		{"<<: {a: 1}", NULL},
		{"a: 1\na: 2", NULL},
		{"[a]: 1", NULL},
		{"a: [1", NULL},
		{"a: \"x\\0y\"", NULL},
		{"\tx: 1", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *documents = NULL, *lines = NULL;
		struct yaml_problem problem;
		int r = yaml_load(sv_of(rows[i].yaml), &documents, &lines, &problem);
		char *text = documents ? json_dumps(documents, 0) : NULL;
		if ((r == 0) != (rows[i].json != NULL) || (text && strcmp(text, rows[i].json) != 0))
			print_error("%s: %d %s\n", rows[i].yaml, r, text ? text : problem.message);
		assert_int_equal(r, rows[i].json ? 0 : -EINVAL);
		if (text)
			assert_string_equal(text, rows[i].json);
		free(text);
		json_decref(documents);
		json_decref(lines);
	}
}

static void yaml_is_bounded(void **state)
{
	(void)state;
	char deep[1000] = "";
	json_t *documents = NULL, *lines = NULL;
	struct yaml_problem problem;
	memset(deep, '[', sizeof(deep) - 1);
	assert_int_equal(yaml_load(sv_of(deep), &documents, &lines, &problem), -EINVAL);
	assert_non_null(strstr(problem.message, "deep"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_becomes_one),
		cmocka_unit_test(services_say_whom_a_policy_is_for),
		cmocka_unit_test(what_cannot_be_said_is_named),
		cmocka_unit_test(issuers_are_taken),
		cmocka_unit_test(yaml_has_one_meaning),
		cmocka_unit_test(yaml_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
