#include "authz/authz.h"
#include "authz/relation_check.h"
#include "cli/cli.h"
#include "cli/policyfile.h"
#include "core/jsonload.h"
#include "policy/policy.h"

#include <argp.h>
#include <errno.h>
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

/* ---- tuples ---- */

static struct sv member(const json_t *json, size_t i)
{
	static const char *const names[] = {"object", "relation", "subject"};
	const json_t *one =
		json_is_array(json) ? json_array_get(json, i) : json_object_get(json, names[i]);
	if (!one && i == 2)
		one = json_object_get(json, "user"); /* as OpenFGA calls it */
	return json_string_sv(one);
}

static bool read_tuple(struct sv line, json_t **ret_json, struct relation_tuple *ret,
                       const char **why, size_t *at)
{
	if (line.at[0] != '{' && line.at[0] != '[' && line.at[0] != '"')
		return relation_tuple_parse(line, ret, why, at);
	json_error_t error;
	*at = 0;
	*why = "this is no JSON";
	*ret_json = json_loadb(line.at, line.n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
	if (!*ret_json)
		return false;
	if (json_is_string(*ret_json))
		return relation_tuple_parse(json_string_sv(*ret_json), ret, why, at);
	return relation_tuple_make(member(*ret_json, 0), member(*ret_json, 1), member(*ret_json, 2),
	                           ret, why, at);
}

/* What the model does not allow counts for nothing, and is said once a tuple. */
static int add_line(struct relation_tuples *tuples, const struct relation_model *model,
                    struct sv line, const char *path, size_t number)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	struct relation_tuple tuple;
	const char *why;
	size_t at;
	if (!read_tuple(line, &json, &tuple, &why, &at)) {
		(void)fprintf(stderr, "%s:%zu:%zu: %s\n", path, number, at + 1, why);
		return -EINVAL;
	}
	why = relation_model_why_not(model, &tuple);
	if (why)
		(void)fprintf(stderr, "%s:%zu: left out: %s\n", path, number, why);
	return why ? 0 : relation_tuples_add(tuples, &tuple);
}

static int add_lines(FILE *from, struct relation_tuples *tuples, const struct relation_model *model,
                     const char *path)
{
	char *line = NULL;
	size_t room = 0, number = 0;
	ssize_t n;
	int r = 0;
	while (r == 0 && (n = getline(&line, &room, from)) >= 0) {
		struct sv text = sv_trim((struct sv){line, (size_t)n});
		while (text.n > 0 && (text.at[text.n - 1] == '\n' || text.at[text.n - 1] == '\r'))
			text.n--;
		number++;
		if (text.n > 0)
			r = add_line(tuples, model, text, path, number);
	}
	free(line);
	if (r == 0 && ferror(from))
		r = -EIO;
	return r;
}

/* returns the exit status */
static int read_tuples(const char *path, const struct relation_model *model,
                       struct relation_tuples *tuples)
{
	FILE *from = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!from) {
		(void)fprintf(stderr, "haward relation: %s: %s\n", path, strerrordesc_np(errno));
		return EX_NOINPUT;
	}
	int r = add_lines(from, tuples, model, path);
	if (from != stdin)
		(void)fclose(from);
	if (r != 0 && r != -EINVAL)
		(void)fprintf(stderr, "haward relation: %s: %s\n", path, strerrordesc_np(-r));
	return r == 0 ? EX_OK : r == -EINVAL ? EX_DATAERR : EX_IOERR;
}

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
	struct relation_tuples *tuples = relation_tuples_new();
	int status = tuples ? read_question(a, &q) : EX_OSERR;
	if (status == EX_OK)
		status = read_tuples(a->tuples, q.model, tuples);
	q.tuples = tuples;
	if (status == EX_OK) {
		relation_tuples_seal(tuples);
		status = answer(&q);
	}
	relation_tuples_free(tuples);
	policy_unref(policy);
	return status;
}

/* ---- the command ---- */

static void usage(FILE *to)
{
	(void)fputs(
		"Usage: haward relation check --policy FILE --tuples FILE OBJECT RELATION SUBJECT\n"
		"Tell who is in which relation to an object.\n\n"
		"haward relation check --help tells more.\n",
		to);
}

static char check_name[] = "haward relation check"; /* for the usage text */

int cli_relation(int argc, char **argv)
{
	struct sv command = sv_of(argc > 1 ? argv[1] : "");
	struct arguments a = {0};
	if (sv_eq(command, SVL("check"))) {
		argv[1] = check_name;
		error_t r = argp_parse(&check_parser, argc - 1, argv + 1, 0, NULL, &a);
		return r == 0 ? run_check(&a) : EX_USAGE;
	}
	bool asked = sv_eq(command, SVL("--help")) || sv_eq(command, SVL("-?"));
	usage(asked ? stdout : stderr);
	return asked ? EX_OK : EX_USAGE;
}
