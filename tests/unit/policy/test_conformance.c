/* Cases derived from Istio's own tests, where they lie beside the tree: HAWARD_CONFORMANCE names the
 * folder, else ../shared/conformance is looked at. Without them the test is skipped and says so. */
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

static void istio_authorization_cases_hold(void **state)
{
	(void)state;
	struct tally tally = {0};
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	FILE *cases = open_cases("istio-authz-cases.jsonl");
	if (!cases) {
		print_message("istio-authz-cases.jsonl is not here: skipped\n");
		skip();
		return;
	}
	while ((n = getline(&line, &room, cases)) > 0) {
		json_t *one = json_load_strict((struct sv){line, (size_t)n}, 0, NULL);
		assert_non_null(one);
		judge_one(one, &tally);
		json_decref(one);
	}
	free(line);
	(void)fclose(cases);
	print_message("%zu judged, %zu refused where Istio merges, %zu skipped, %zu wrong\n",
	              tally.n_judged, tally.n_stricter, tally.n_skipped, tally.n_wrong);
	assert_true(tally.n_judged > 0);
	assert_int_equal(tally.n_wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(istio_authorization_cases_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
