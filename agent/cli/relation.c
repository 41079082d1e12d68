#include "authz/authz.h"
#include "authz/relation_check.h"
#include "cli/cli.h"
#include "cli/policyfile.h"
#include "cli/relationlines.h"
#include "cli/relationsub.h"
#include "cli/tuplesfile.h"
#include "policy/policy.h"

#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct arguments {
	const char *policy, *tuples;
	const char *words[3]; /* OBJECT RELATION SUBJECT */
	unsigned n_words;
};

static const struct argp_option options[] = {
	{"policy", 'p', "FILE", 0, "the policy set with the model: its `types`", 0},
	{"tuples", 't', "FILE", 0, "the tuples, one a line", 0},
	{0},
};

static error_t take_option(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;
	if (key == 'p')
		a->policy = value;
	else if (key == 't')
		a->tuples = value;
	else if (key == ARGP_KEY_ARG && a->n_words < 3)
		a->words[a->n_words++] = value;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "OBJECT RELATION SUBJECT is all that is asked");
	else if (key == ARGP_KEY_END && !a->policy)
		argp_error(state, "--policy is required");
	else if (key == ARGP_KEY_END && !a->tuples)
		argp_error(state, "--tuples is required");
	else if (key == ARGP_KEY_END && a->n_words != 3)
		argp_error(state, "OBJECT, RELATION and SUBJECT are expected");
	else if (key != ARGP_KEY_END)
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp check_parser = {
	.options = options,
	.parser = take_option,
	.args_doc = "OBJECT RELATION SUBJECT",
	.doc = "Tell whether SUBJECT is in that relation to OBJECT, by a model and tuples.\v"
	       "A line of tuples is object#relation@subject, or JSON: an object with object, "
	       "relation "
	       "and subject, or a list of the three.\n"
	       "Exit status: 0 it is; 1 it is not; 64 the command line is not understood; 65 the "
	       "question or a tuple is none; 66 the tuples cannot be read; 78 the policy set is "
	       "refused.",
};

/* ---- the question ---- */

static int refuse(const char *text, size_t at, const char *why)
{
	(void)fprintf(stderr, "haward relation: '%s', column %zu: %s\n", text, at + 1, why);
	return EX_DATAERR;
}

static int read_question(const struct arguments *a, struct relation_question *q)
{
	const char *why;
	size_t at;
	if (!relation_ref_parse(sv_of(a->words[0]), &q->object, &why, &at))
		return refuse(a->words[0], at, why);
	if (!relation_ref_parse(sv_of(a->words[2]), &q->subject, &why, &at))
		return refuse(a->words[2], at, why);
	q->relation = sv_of(a->words[1]);
	if (q->object.relation.n > 0 || sv_eq(q->object.id, SVL("*")))
		return refuse(a->words[0], 0, "an object is one thing, written as 'type:id'");
	const struct relation_type *type = relation_type_find(q->model, q->object.type);
	if (!type)
		return refuse(a->words[0], 0, "the policy set has no such type of objects");
	if (!relation_def_find(type, q->relation))
		return refuse(a->words[1], 0, "objects of this type have no such relation");
	return EX_OK;
}

static int answer(const struct relation_question *q)
{
	enum relation_answer found = relation_check(q);
	json_t *json =
		json_pack("{s:b, s:s}", "allowed", found == RELATION_YES, "reason",
	                  found == RELATION_YES     ? "tuples say so"
	                  : found == RELATION_LIMIT ? "it takes more than 25 steps, or 10000 "
	                                              "tuples: as good as no"
	                                            : "no tuple says so");
	if (!json || json_dumpf(json, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF ||
	    fflush(stdout) != 0)
		return EX_IOERR;
	json_decref(json);
	return found == RELATION_YES ? EX_OK : 1;
}

static int run_check(const struct arguments *a)
{
	struct policy *policy = NULL;
	if (policyfile_load(a->policy, &policy) != 0)
		return EX_CONFIG;
	struct relation_question q = {.model = authz_relations(policy_authz(policy))};
	struct relation_tuples *tuples = NULL;
	int status = read_question(a, &q);
	if (status == EX_OK)
		status = tuplesfile_load("haward relation", a->tuples, q.model, &tuples);
	q.tuples = tuples;
	if (status == EX_OK)
		status = answer(&q);
	relation_tuples_free(tuples);
	policy_unref(policy);
	return status;
}

/* ---- the command ---- */

static void usage(FILE *to)
{
	(void)fputs(
		"Usage: haward relation check --policy FILE --tuples FILE OBJECT RELATION SUBJECT\n"
		"  or:  haward relation write|delete --data DIR [TUPLE...]\n"
		"  or:  haward relation list --data DIR\n"
		"Tell who is in which relation to an object, and keep what that follows from.\n\n"
		"haward relation check --help tells more, and so do the others.\n",
		to);
}

static int check(int argc, char **argv)
{
	struct arguments a = {0};
	error_t r = argp_parse(&check_parser, argc, argv, 0, NULL, &a);
	return r == 0 ? run_check(&a) : EX_USAGE;
}

static const struct {
	const char *name;
	char title[24]; /* for the usage text */
	int (*run)(int argc, char **argv);
} commands[] = {
	{"check", "haward relation check", check},
	{"write", "haward relation write", relation_write},
	{"delete", "haward relation delete", relation_delete},
	{"list", "haward relation list", relation_list},
};

int cli_relation(int argc, char **argv)
{
	struct sv command = sv_of(argc > 1 ? argv[1] : "");
	char title[sizeof(commands[0].title)];
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (!sv_eq(command, sv_of(commands[i].name)))
			continue;
		memcpy(title, commands[i].title, sizeof(title));
		argv[1] = title;
		return commands[i].run(argc - 1, argv + 1);
	}
	bool asked = sv_eq(command, SVL("--help")) || sv_eq(command, SVL("-?"));
	usage(asked ? stdout : stderr);
	return asked ? EX_OK : EX_USAGE;
}
