/* haward policy: what is done with policy sets before they are published. */
#include "cli/cli.h"
#include "cli/policysub.h"
#include "core/macros.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage, *summary;
} commands[] = {
	{"test", policy_test_command, "haward policy test FILE",
         "Run the tests that a policy set carries."},
	{"lint", policy_lint_command, "haward policy lint FILE",
         "Tell what a policy set says that nobody is likely to mean."},
	{"diff", policy_diff_command, "haward policy diff A B",
         "What two policy sets say differently."},
};

static void usage(FILE *to)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		(void)fprintf(to, "%s%s [OPTION...]\n    %s\n",
		              i ? "       " : "Usage: ", commands[i].usage, commands[i].summary);
	(void)fputs("\nEach tells more with --help.\n", to);
}

int cli_policy(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	bool asked = strcmp(name, "--help") == 0 || strcmp(name, "-?") == 0;
	usage(asked ? stdout : stderr);
	return asked ? EX_OK : EX_USAGE;
}
