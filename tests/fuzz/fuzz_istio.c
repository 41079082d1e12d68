/* YAML from anybody is refused with its place, or becomes JSON; what is imported of it is a policy set, or is named. */
#include "core/yamlload.h"
#include "policy/istio.h"
#include "policy/load.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct istio_import import;
	json_t *documents = NULL, *lines = NULL, *set = NULL;
	struct yaml_problem problem;
	int r = yaml_load((struct sv){(const char *)data, size}, &documents, &lines, &problem);
	HOLDS(r == 0 || r == -EINVAL);
	if (r != 0) {
		HOLDS(problem.line > 0 && problem.message);
		return 0;
	}
	HOLDS(json_array_size(documents) == json_array_size(lines));
	import = (struct istio_import){0};
	r = istio_import(documents, lines, &import, &set);
	HOLDS((r == 0) == (set != NULL) && (r == -EINVAL) == (import.n_errors > 0));
	if (set)
		load(set);
	json_decref(set);
	istio_import_fini(&import);
	json_decref(documents);
	json_decref(lines);
	return 0;
}
