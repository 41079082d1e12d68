#include "cli/cli.h"
#include "core/macros.h"
#include "core/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
	{"serve", cli_serve, "answer HAProxy, keep the book, serve the dashboard"},
	{"check", cli_check, "validate settings and policy set"},
	{"explain", cli_explain, "decide about requests on standard input and say why"},
	{"policy", cli_policy, "test, judge and compare policy sets"},
	{"relation", cli_relation, "check who is in which relation to an object"},
	{"replay", cli_replay, "judge recorded decisions by another policy set"},
	{"cel", cli_cel, "evaluate CEL, the language of conditions"},
	{"import", cli_import, "write Istio's policies or OpenAPI as a policy set"},
	{"token", cli_token, "verify tokens on standard input"},
	{"workload", cli_workload, "check SPIFFE IDs and certificates on standard input"},
	{"audit", cli_audit, "export and verify the audit trail"},
	{"admin", cli_admin, "manage accounts of the dashboard"},
	{"key", cli_key, "manage API keys"},
	{"revoke", cli_revoke, "revoke tokens, sessions, keys, clients and users"},
	{"signing", cli_signing, "manage the keys of internal tokens"},
	{"user", cli_user, "manage users of services by HTTP Basic"},
};

static void print_help(FILE *to)
{
	fputs("Usage: haward COMMAND [OPTION...]\n\n"
	      "The authentication, authorization and accounting agent for HAProxy.\n\nCommands:\n",
	      to);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("\n'haward COMMAND --help' tells the options of each; 'haward --version' the "
	      "version.\n",
	      to);
}

static int unknown(const char *name)
{
	const char *names[ARRAY_LEN(commands)];
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		names[i] = commands[i].name;
	const char *near = names_nearest(names, ARRAY_LEN(names), sv_of(name));
	fprintf(stderr, "haward: '%s' is no command%s%s%s; see 'haward --help'\n", name,
	        near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
	return 64; /* EX_USAGE */
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		exit(64);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		exit(0);
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts("haward " HAWARD_VERSION);
		exit(0);
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			exit(commands[i].run(argc - 1, argv + 1));
	exit(unknown(argv[1]));
}
