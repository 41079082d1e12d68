#include "cli/cli.h"
#include "core/clock.h"
#include "core/diag.h"
#include "policy/cases.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "settings.h"

#include <argp.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

struct arguments {
	const char *config, *policy;
};

static const struct argp_option options[] = {
	{"config", 'c', "FILE", 0, "check these settings, and the policy set they name", 0},
	{"policy", 'p', "FILE", 0, "check this policy set", 0},
	{0},
};

static error_t take_option(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;
	if (key == 'c')
		a->config = value;
	else if (key == 'p')
		a->policy = value;
	else if (key == ARGP_KEY_END && !a->config && !a->policy)
		argp_error(state, "--config or --policy is required");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp parser = {
	.options = options,
	.parser = take_option,
	.doc = "Say whether settings and policy set are good.\v"
	       "Every error is printed as file:line:column: pointer: what is wrong. The exit "
	       "status "
	       "is 0 when there is none.",
};

static void report(const char *path, int r, const struct diag *d)
{
	if (r != 0 && d->n > 0)
		diag_print(d, stderr);
	else if (r != 0)
		(void)fprintf(stderr, "%s: %s\n", path, strerrordesc_np(-r));
}

/* Offline: issuers by URL are judged, their keys are not fetched. */
static int check_policy(const char *path)
{
	struct diag d = diag_over(path, (struct sv){0});
	struct policy *policy = NULL;
	char *text = NULL;
	char *copy = strdup(path);
	const struct policy_env env = {.base_dir = copy ? dirname(copy) : NULL};
	int r = copy ? policy_load_file(path, &env, 0, &d, &text, &policy) : -ENOMEM;
	if (r == 0)
		r = policy_cases_report(policy, clock_real_us(), &d);
	report(path, r, &d);
	if (r == 0) {
		struct authz_counts n = policy_count(policy);
		(void)printf("%s: good: %zu services, %zu policies, %zu rules, %zu tests\n", path,
		             n.services, n.policies, n.rules, policy_cases_count(policy));
	}
	policy_unref(policy);
	diag_fini(&d);
	free(text);
	free(copy);
	return r;
}

/* out: *ret_policy, owned: the policy set that the settings name, NULL when none */
static int check_settings(const char *path, char **ret_policy)
{
	struct diag d = diag_over(path, (struct sv){0});
	struct settings settings;
	char *text = NULL;
	int r = settings_load(path, &d, &text, &settings);
	report(path, r, &d);
	if (r == 0)
		(void)printf("%s: good\n", path);
	if (r == 0 && settings.policy.file) {
		*ret_policy = settings_beside(path, settings.policy.file);
		r = *ret_policy ? 0 : -ENOMEM;
	}
	settings_fini(&settings);
	diag_fini(&d);
	free(text);
	return r;
}

static char own_name[] = "haward check"; /* for the usage text */

int cli_check(int argc, char **argv)
{
	struct arguments a = {0};
	char *named = NULL;
	int settings = 0;
	int policy = 0;

	argv[0] = own_name;
	if (argp_parse(&parser, argc, argv, 0, NULL, &a) != 0)
		return EX_USAGE;
	if (a.config)
		settings = check_settings(a.config, &named);
	if (named && !a.policy)
		policy = check_policy(named);
	if (a.policy)
		policy = check_policy(a.policy);
	free(named);
	return settings == 0 && policy == 0 ? EX_OK : EX_CONFIG;
}
