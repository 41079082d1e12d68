#include "policy/policy.h"

#include "cli/junit.h"
#include "cli/policyfile.h"
#include "cli/policysub.h"
#include "core/clock.h"
#include "core/jsonload.h"
#include "policy/cases.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

struct arguments {
	const char *file, *junit;
	int64_t now_s; /* 0: the clock */
};

enum { KEY_NOW = 256, KEY_JUNIT };

static const struct argp_option options[] = {
	{"junit", KEY_JUNIT, "FILE", 0, "write the results as JUnit's XML too", 0},
	{"now", KEY_NOW, "UNIX", 0, "judge as of this second those that do not say when", 0},
	{0},
};

static error_t take_option(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;
	unsigned long long now;
	if (key == KEY_NOW) {
		if (!sv_to_u64(sv_of(value), &now) || now > INT64_MAX / 1000000)
			argp_error(state, "--now takes seconds since 1970");
		a->now_s = (int64_t)now;
	} else if (key == KEY_JUNIT) {
		a->junit = value;
	} else if (key == ARGP_KEY_ARG && !a->file) {
		a->file = value;
	} else if (key == ARGP_KEY_ARG) {
		argp_error(state, "one file at a time");
	} else if (key == ARGP_KEY_END && !a->file) {
		argp_error(state, "a policy set is expected");
	} else {
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp parser = {
	.options = options,
	.parser = take_option,
	.args_doc = "FILE",
	.doc = "Run the tests that a policy set carries in its member tests.\v"
	       "Exit status: 0 all passed; 1 some failed, or there are none; 64 the command line "
	       "is not understood; "
	       "74 "
	       "writing failed; 78 the policy set has errors.",
};

/* ---- results for people ---- */

static void print_difference(const json_t *difference)
{
	char *expected = json_dumps(json_object_get(difference, "expected"), JSON_ENCODE_ANY);
	char *got = json_dumps(json_object_get(difference, "got"), JSON_ENCODE_ANY);
	(void)printf("    %s: expected %s, got %s\n",
	             json_string_value(json_object_get(difference, "member")),
	             expected ? expected : "", got ? got : "");
	free(expected);
	free(got);
}

static const char *text_of(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));
	return text ? text : "";
}

/* Why it was decided so: the step that tells. */
static void print_why(const json_t *decision)
{
	size_t i;
	json_t *step;
	(void)printf("    %s\n", text_of(decision, "text"));
	json_array_foreach(json_object_get(decision, "why"), i, step)
	{
		const char *condition = text_of(step, "condition");
		(void)printf("    %s %s %s", text_of(step, "policy"), text_of(step, "rule"),
		             text_of(step, "result"));
		if (condition[0])
			(void)printf(": %s is \"%s\"", condition, text_of(step, "value"));
		(void)printf("%s%s\n", text_of(step, "expected")[0] ? ", expected " : "",
		             text_of(step, "expected"));
	}
}

static void print_result(const json_t *result)
{
	size_t i;
	json_t *difference;
	bool passed = json_is_true(json_object_get(result, "passed"));
	(void)printf("%s %s\n", passed ? "ok    " : "FAILED", text_of(result, "name"));
	if (passed)
		return;
	json_array_foreach(json_object_get(result, "differences"), i, difference)
		print_difference(difference);
	print_why(json_object_get(result, "decision"));
}

static int print_results(const char *file, const json_t *results, size_t n_failed)
{
	size_t i;
	json_t *result;
	json_array_foreach(results, i, result) print_result(result);
	(void)printf("%s: %zu passed, %zu failed\n", file, json_array_size(results) - n_failed,
	             n_failed);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -EIO;
}

/* ---- the command ---- */

static int write_junit(const struct arguments *a, const json_t *results)
{
	FILE *to = fopen(a->junit, "we");
	int r = to ? junit_write(to, a->file, results) : -errno;
	if (to && fclose(to) != 0 && r == 0)
		r = -errno;
	if (r != 0)
		(void)fprintf(stderr, "haward policy test: %s: %s\n", a->junit,
		              strerrordesc_np(-r));
	return r;
}

static int run_tests(const struct arguments *a, const struct policy *policy)
{
	size_t n_failed;
	int64_t now_us = a->now_s ? a->now_s * 1000000 : clock_real_us();
	CLEANUP(json_decrefp) json_t *results = policy_cases_run(policy, now_us, &n_failed);
	if (!results)
		return EX_OSERR;
	int r = print_results(a->file, results, n_failed);
	if (r == 0 && a->junit)
		r = write_junit(a, results);
	if (r != 0)
		return EX_IOERR;
	/* a build server that looks at the wrong file must not be green */
	if (json_array_size(results) == 0)
		(void)fprintf(stderr, "%s: the policy set carries no tests\n", a->file);
	return n_failed > 0 || json_array_size(results) == 0 ? EXIT_FAILURE : EX_OK;
}

static int test_file(const struct arguments *a)
{
	struct policy *policy = NULL;
	int status = policyfile_load(a->file, &policy) == 0 ? run_tests(a, policy) : EX_CONFIG;
	policy_unref(policy);
	return status;
}

static char own_name[] = "haward policy test"; /* for the usage text */

int policy_test_command(int argc, char **argv)
{
	struct arguments a = {0};
	argv[0] = own_name;
	error_t r = argp_parse(&parser, argc, argv, 0, NULL, &a);
	return r == 0 ? test_file(&a) : EX_USAGE;
}
