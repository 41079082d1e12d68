/* Cases derived from Istio's own tests, where they lie beside the tree: HAWARD_CONFORMANCE names the
 * folder, else ../shared/conformance is looked at. Without them the test is skipped and says so. */
#include "authz/path.h"
#include "core/names.h"
#include "support/judging.h"

struct tally {
	size_t n_judged, n_stricter, n_skipped, n_wrong;
};

static bool is_subset(const json_t *wanted, const json_t *labels)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)wanted, name, value)
	{
		if (!json_equal(json_object_get(labels, name), value))
			return false;
	}
	return true;
}

static bool applies(const json_t *policy, const json_t *one)
{
	const json_t *to = json_object_get(json_object_get(one, "request"), "destination");
	const json_t *namespace = json_object_get(json_object_get(policy, "metadata"), "namespace");
	const json_t *selector = json_object_get(json_object_get(policy, "spec"), "selector");
	bool here = json_equal(namespace, json_object_get(to, "namespace")) ||
	            json_equal(namespace, json_object_get(one, "root_namespace"));
	return here &&
	       is_subset(json_object_get(selector, "matchLabels"), json_object_get(to, "labels"));
}

/* One AuthorizationPolicy in our spelling; NULL when it says what haward/v1 does not have. */
static json_t *converted(const json_t *policy, size_t i)
{
	const json_t *spec = json_object_get(policy, "spec");
	const char *action = json_string_value(json_object_get(spec, "action"));
	json_t *rules = json_object_get(spec, "rules");
	if (action && strcmp(action, "ALLOW") != 0 && strcmp(action, "DENY") != 0)
		return NULL;
	json_t *ours = json_pack("{s:o, s:s}", "name", json_sprintf("p%zu", i), "action",
	                         action ? action : "ALLOW");
	if (json_is_array(rules) && json_array_size(rules) > 0)
		json_object_set(ours, "rules", rules);
	return ours;
}

static json_t *converted_set(const json_t *one)
{
	json_t *policies = json_array();
	size_t i;
	json_t *policy;
	json_array_foreach(json_object_get(one, "policies"), i, policy)
	{
		const char *kind = json_string_value(json_object_get(policy, "kind"));
		if (strcmp(kind, "AuthorizationPolicy") != 0 || !applies(policy, one))
			continue;
		json_t *ours = converted(policy, i);
		if (!ours) {
			json_decref(policies);
			return NULL;
		}
		json_array_append_new(policies, ours);
	}
	return json_pack("{s:s, s:o}", "defaultAction", "ALLOW", "policies", policies);
}

static json_t *converted_request(const json_t *in)
{
	const json_t *from = json_object_get(in, "source");
	const json_t *to = json_object_get(in, "destination");
	const char *protocol = json_string_value(json_object_get(in, "protocol"));
	const json_t *spiffe = json_object_get(from, "spiffe");
	json_t *ours = json_pack(
		"{s:s, s:O, s:O, s:O}", "kind", strcmp(protocol, "tcp") == 0 ? "tcp" : "http",
		"src", json_object_get(from, "remote_ip"), "dst", json_object_get(to, "ip"),
		"dst_port", json_object_get(to, "port"));
	static const char *const same[] = {"method", "path", "host", "headers", "sni"};
	assert_non_null(ours);
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (json_object_get(in, same[i]))
			json_object_set(ours, same[i], json_object_get(in, same[i]));
	if (spiffe)
		json_object_set(ours, "workload", (json_t *)(uintptr_t)spiffe);
	if (json_object_get(in, "jwt"))
		json_object_set(ours, "claims", json_object_get(in, "jwt"));
	return ours;
}

static void judge_one(const json_t *one, struct tally *tally)
{
	json_t *document = converted_set(one);
	bool before_policy = json_integer_value(json_object_get(one, "status")) == 401;
	if (!document || before_policy) {
		tally->n_skipped++;
		json_decref(document);
		return;
	}
	char *text = json_dumps(document, 0);
	struct authz *set = set_of(text);
	json_t *request = converted_request(json_object_get(one, "request"));
	struct arena scratch;
	assert_int_equal(arena_init(&scratch, REQUEST_ARENA_BYTES), 0);
	struct verdict v = judge_json(set, request, &scratch);
	bool wanted = strcmp(json_string_value(json_object_get(one, "expect")), "allow") == 0;
	bool allowed = v.effect == VERDICT_ALLOW;
	tally->n_judged++;
	if (allowed != wanted && v.reason == REASON_AMBIGUOUS_PATH) {
		tally->n_stricter++;
	} else if (allowed != wanted) {
		tally->n_wrong++;
		print_message("%s: %s, reason %s\n%s\n",
		              json_string_value(json_object_get(one, "id")),
		              allowed ? "allowed" : "denied", reason_name(v.reason), text);
	}
	arena_fini(&scratch);
	json_decref(request);
	authz_free(set);
	free(text);
	json_decref(document);
}

static FILE *open_cases(const char *name)
{
	const char *dir = getenv("HAWARD_CONFORMANCE");
	const char *root = getenv("HAWARD_SOURCE_DIR");
	char path[4096];
	(void)snprintf(path, sizeof(path), "%s%s/%s",
	               dir    ? dir
	               : root ? root
	                      : ".",
	               dir ? "" : "/../shared/conformance", name);
	return fopen(path, "re");
}

/* Runs each over every line of a file; false: the file is not here, and the test is skipped. */
static bool each_case(const char *name, void (*each)(const json_t *one, struct tally *tally),
                      struct tally *tally)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	FILE *cases = open_cases(name);
	if (!cases) {
		print_message("%s is not here: skipped\n", name);
		return false;
	}
	while ((n = getline(&line, &room, cases)) > 0) {
		json_t *one = json_load_strict((struct sv){line, (size_t)n}, 0, NULL);
		assert_non_null(one);
		each(one, tally);
		json_decref(one);
	}
	free(line);
	(void)fclose(cases);
	print_message("%s: %zu judged, %zu stricter than Istio, %zu skipped, %zu wrong\n", name,
	              tally->n_judged, tally->n_stricter, tally->n_skipped, tally->n_wrong);
	assert_true(tally->n_judged > 0);
	assert_int_equal(tally->n_wrong, 0);
	return true;
}

static void istio_authorization_cases_hold(void **state)
{
	(void)state;
	struct tally tally = {0};
	if (!each_case("istio-authz-cases.jsonl", judge_one, &tally))
		skip();
}

/* ---- what may be saved ---- */

/* The list as the only value of one field of a rule's source or operation. */
static json_t *rule_with(const char *list, const char *kind, const char *field, json_t *values)
{
	return json_pack("{s:[{s:{s:o}}]}", list, kind, field, values);
}

static json_t *rules_of(const json_t *one)
{
	const char *kind = json_string_value(json_object_get(one, "kind"));
	json_t *input = json_incref(json_object_get(one, "input"));
	if (strcmp(kind, "condition") == 0)
		return json_pack("[{s:[o]}]", "when", input);
	if (strcmp(kind, "path") == 0)
		return json_pack("[o]", rule_with("to", "operation", "paths", input));
	if (strcmp(kind, "wildcard") == 0)
		return json_pack("[o]", rule_with("from", "source", "namespaces", input));
	if (strcmp(kind, "trustDomain") == 0)
		return json_pack("[o]", rule_with("from", "source", "trustDomains", input));
	json_t *rules = json_incref(json_object_get(json_object_get(input, "spec"), "rules"));
	json_decref(input);
	return rules;
}

/* What haward/v1 does not have: labels to select by, annotations, other actions. */
static bool is_beyond(const json_t *one)
{
	const json_t *input = json_object_get(one, "input");
	const json_t *spec = json_object_get(input, "spec");
	const json_t *labels = json_object_get(json_object_get(spec, "selector"), "matchLabels");
	const char *kind = json_string_value(json_object_get(one, "kind"));
	const char *action = json_string_value(json_object_get(spec, "action"));
	if (strcmp(kind, "policy") != 0)
		return strcmp(kind, "templateLiteral") == 0;
	return json_object_get(input, "annotations") || json_object_get(spec, "targetRef") ||
	       json_object_get(spec, "targetRefs") || json_object_get(spec, "provider") ||
	       json_object_get(labels, "") ||
	       (action && strcmp(action, "ALLOW") != 0 && strcmp(action, "DENY") != 0);
}

static bool is_savable(const json_t *one)
{
	const json_t *spec = json_object_get(json_object_get(one, "input"), "spec");
	const char *action = json_string_value(json_object_get(spec, "action"));
	json_t *rules = rules_of(one);
	json_t *policy = json_pack("{s:s, s:s}", "name", "p", "action", action ? action : "ALLOW");
	if (rules)
		json_object_set_new(policy, "rules", rules);
	json_t *document = json_pack("{s:[o]}", "policies", policy);
	char *text = json_dumps(document, 0);
	struct authz *set = NULL;
	int r = compile_set_text(text, NULL, &set);
	authz_free(set);
	free(text);
	json_decref(document);
	return r == 0;
}

/* Named captures are ours; a service account without its namespace would be of the policy's, which ours do
 * not have; and a method in lower case never comes, so a DENY of it would let everybody through. */
static bool is_known_difference(const json_t *one, bool ours)
{
	char *text = json_dumps(json_object_get(one, "input"), 0);
	bool captures = strstr(text, "{buzz=") || strstr(text, "{*=") || strstr(text, "{foo");
	bool refused = strstr(text, "\"sa\"") || strstr(text, "\"methods\": [\"method\"");
	free(text);
	return ours ? captures : refused;
}

static void save_one(const json_t *one, struct tally *tally)
{
	bool valid = json_is_true(json_object_get(one, "valid"));
	if (is_beyond(one)) {
		tally->n_skipped++;
		return;
	}
	bool ours = is_savable(one);
	tally->n_judged++;
	if (ours == valid)
		return;
	if (is_known_difference(one, ours)) {
		tally->n_stricter += !ours;
		return;
	}
	tally->n_wrong++;
	print_message("%s: %s here\n", json_string_value(json_object_get(one, "id")),
	              ours ? "good" : "refused");
}

static void istio_policies_are_saved_or_refused(void **state)
{
	(void)state;
	struct tally tally = {0};
	if (!each_case("istio-policy-validity.jsonl", save_one, &tally))
		skip();
}

/* ---- paths ---- */

static enum authz_path_mode mode_named(struct sv name)
{
	unsigned mode = AUTHZ_PATH_STRICT;
	assert_true(names_find(authz_path_mode_names, AUTHZ_PATH_MODE_COUNT, name, &mode));
	return (enum authz_path_mode)mode;
}

static void normalise_one(const json_t *one, struct tally *tally)
{
	struct sv in = {0}, out = {0}, mode = {0};
	struct authz_path path;
	struct arena scratch;
	const char *why = NULL;
	assert_true(json_sv(one, "in", &in) && json_sv(one, "mode", &mode));
	bool passes = json_sv(one, "out", &out);
	assert_int_equal(arena_init(&scratch, REQUEST_ARENA_BYTES), 0);
	bool good = authz_path_normalise_as(mode_named(mode), in, &scratch, &path, &why);
	tally->n_judged++;
	if (good != passes || (good && !sv_eq(path.normal, out))) {
		tally->n_wrong++;
		print_message("%.*s %.*s: %.*s here\n", SV_ARG(mode), SV_ARG(in),
		              SV_ARG(path.normal));
	}
	arena_fini(&scratch);
}

static void istio_paths_are_normalised(void **state)
{
	(void)state;
	struct tally tally = {0};
	if (!each_case("istio-path-normalization.jsonl", normalise_one, &tally))
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(istio_authorization_cases_hold),
		cmocka_unit_test(istio_policies_are_saved_or_refused),
		cmocka_unit_test(istio_paths_are_normalised),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
