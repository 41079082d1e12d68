/* The table that the loader and schema/policy.schema.json are both held to. */
#include "core/fileio.h"
#include "core/jsonload.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static json_t *read_cases(void)
{
	const char *root = getenv("HAWARD_SOURCE_DIR");
	char path[4096];
	char *text = NULL;
	size_t n = 0;
	(void)snprintf(path, sizeof(path), "%s/tests/contract/policy-cases.json",
	               root ? root : ".");
	assert_int_equal(file_read(path, 1 << 20, &text, &n), 0);
	json_t *cases = json_load_strict((struct sv){text, n}, 0, NULL);
	free(text);
	assert_non_null(cases);
	return cases;
}

static void the_loader_judges_as_the_table_says(void **state)
{
	(void)state;
	json_t *cases = read_cases();
	assert_true(json_array_size(cases) > 50);
	for (size_t i = 0; i < json_array_size(cases); i++) {
		const json_t *one = json_array_get(cases, i);
		bool valid = json_is_true(json_object_get(one, "valid"));
		char *text = json_dumps(json_object_get(one, "document"), JSON_ENCODE_ANY);
		assert_non_null(text);
		struct diag d = diag_over(NULL, sv_of(text));
		struct policy *policy = NULL;
		int r = policy_load(sv_of(text), NULL, 1, &d, &policy);
		if ((r == 0) != valid) {
			print_message("%s\n", json_string_value(json_object_get(one, "name")));
			diag_print(&d, stderr);
		}
		assert_int_equal(r, valid ? 0 : -EINVAL);
		assert_int_equal(d.n > 0, !valid);
		policy_unref(policy);
		diag_fini(&d);
		free(text);
	}
	json_decref(cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_loader_judges_as_the_table_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
