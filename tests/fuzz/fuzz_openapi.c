/* An OpenAPI document from anybody becomes a policy set, or what cannot be said is named with its place. */
#include "core/jsonload.h"
#include "core/yamlload.h"
#include "policy/load.h"
#include "policy/openapi.h"
#include "policy/policy.h"

#include <errno.h>
#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void load(json_t *set)
{
	char *text = json_dumps(set, JSON_COMPACT);
	struct policy *policy = NULL;
	HOLDS(text);
	int r = policy_load(sv_of(text), NULL, 1, NULL, &policy);
	HOLDS((r == 0) == (policy != NULL));
	policy_unref(policy);
	free(text);
}

static void import_document(const json_t *document)
{
	static struct openapi_import import;
	json_t *set = NULL;
	import = (struct openapi_import){.audience = "a"};
	int r = openapi_import(document, &import, &set);
	HOLDS((r == 0) == (set != NULL) && (r == -EINVAL) == (import.n_errors > 0));
	for (size_t i = 0; i < import.n_notes; i++)
		HOLDS(import.notes[i].text[0] == '/');
	if (set) {
		HOLDS(json_array_size(import.origins) ==
		      json_array_size(json_object_get(set, "policies")));
		load(set);
	}
	json_decref(set);
	openapi_import_fini(&import);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *documents = NULL, *lines = NULL;
	struct yaml_problem problem;
	const struct sv text = {(const char *)data, size};
	if (yaml_load(text, &documents, &lines, &problem) != 0)
		return 0;
	for (size_t i = 0; i < json_array_size(documents); i++)
		import_document(json_array_get(documents, i));
	json_decref(documents);
	json_decref(lines);
	return 0;
}
