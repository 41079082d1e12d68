#include "cli/importsub.h"

#include "cli/cli.h"
#include "core/macros.h"
#include "core/sv.h"

#include <stdio.h>
#include <sysexits.h>

static const struct {
	struct sv name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{SV("istio"), import_istio_command},
	{SV("openapi"), import_openapi_command},
};

static void usage(FILE *to)
{
	(void)fputs("Usage: haward import istio [OPTION...] FILE.yaml\n"
	            "  or:  haward import openapi [OPTION...] FILE\n"
	            "Write what others call policies as a policy set.\n\n"
	            "haward import istio --help and haward import openapi --help tell more.\n",
	            to);
}

int cli_import(int argc, char **argv)
{
	struct sv from = sv_of(argc > 1 ? argv[1] : "");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (sv_eq(from, commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	bool asked = sv_eq(from, SVL("--help")) || sv_eq(from, SVL("-?"));
	usage(asked ? stdout : stderr);
	return asked ? EX_OK : EX_USAGE;
}
