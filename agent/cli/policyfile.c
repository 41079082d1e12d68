#include "cli/policyfile.h"

#include "policy/load.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int policyfile_load(const char *path, struct policy **ret)
{
	struct diag d = diag_over(path, (struct sv){0});
	char *text = NULL;
	char *copy = strdup(path);
	const struct policy_env env = {.base_dir = copy ? dirname(copy) : NULL};
	int r = copy ? policy_load_file(path, &env, 0, &d, &text, ret) : -ENOMEM;
	if (r != 0 && d.n > 0)
		diag_print(&d, stderr);
	else if (r != 0)
		(void)fprintf(stderr, "%s: %s\n", path, strerrordesc_np(-r));
	diag_fini(&d);
	free(text);
	free(copy);
	return r;
}
