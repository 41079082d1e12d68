#include "cli/policysub.h"
#include "core/diag.h"
#include "core/fileio.h"
#include "policy/lint.h"
#include "policy/load.h"
#include "policy/policy.h"

#include <argp.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static error_t take_option(int key, char *value, struct argp_state *state)
{
	const char **file = state->input;
	if (key == ARGP_KEY_ARG && !*file)
		*file = value;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "one file at a time");
	else if (key == ARGP_KEY_END && !*file)
		argp_error(state, "a policy set is expected");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp parser = {
	.parser = take_option,
	.args_doc = "FILE",
	.doc = "Tell what a policy set says that nobody is likely to mean.\v"
	       "Exit status: 0 nothing was found; 1 something was; 64 the command line is not "
	       "understood; 78 the policy set has errors.",
};

/* With the code, by which a finding is known to programs. */
static void print_findings(const struct diag *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct diag_item *item = &d->items[i];
		(void)printf("%s:%u:%u: %s: %s [%s]\n", d->file, item->line, item->column,
		             item->pointer, item->message, item->code);
	}
}

static int lint_file(const char *path)
{
	struct diag d = diag_over(path, (struct sv){0});
	struct policy *policy = NULL;
	char *text = NULL, *copy = strdup(path);
	const struct policy_env env = {.base_dir = copy ? dirname(copy) : NULL};
	int r = copy ? policy_load_file(path, &env, 0, &d, &text, &policy) : -ENOMEM;
	int status = r == 0 ? EX_OK : EX_CONFIG;
	if (r == 0)
		r = policy_lint(d.text, &d);
	if (r != 0 && d.n == 0)
		(void)fprintf(stderr, "%s: %s\n", path, strerrordesc_np(-r));
	if (status == EX_OK)
		print_findings(&d);
	else
		diag_print(&d, stderr);
	if (status == EX_OK && d.n + d.n_dropped > 0)
		status = EXIT_FAILURE;
	policy_unref(policy);
	diag_fini(&d);
	free(text);
	free(copy);
	return status;
}

static char own_name[] = "haward policy lint"; /* for the usage text */

int policy_lint_command(int argc, char **argv)
{
	const char *file = NULL;
	argv[0] = own_name;
	error_t r = argp_parse(&parser, argc, argv, 0, NULL, &file);
	return r == 0 ? lint_file(file) : EX_USAGE;
}
