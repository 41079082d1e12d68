#include "policy/explain.h"

#include "authn/dpop.h"
#include "authn/tokencache.h"
#include "authz/authz.h"
#include "authz/relation_tuples.h"
#include "cli/cli.h"
#include "cli/kept.h"
#include "cli/policyfile.h"
#include "cli/tuplesfile.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/jsonload.h"
#include "model/decision.h"
#include "policy/decide.h"
#include "policy/policy.h"
#include "policy/question.h"
#include "policy/trace.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
	LINE_MAX_BYTES = 1024 * 1024,
	LINE_ARENA_BYTES = 4 * 1024 * 1024,
	TOKENS = 16,
	PROOFS = 1024
};

struct explaining {
	struct policy *policy;
	struct decide_ctx ctx;
	struct relation_tuples *tuples;
	struct kept kept;
	bool verbose;
	bool failed; /* some line was no question */
};

static void print_error(struct explaining *e, size_t number, const char *pointer, const char *error)
{
	json_t *line = json_pack("{s:s, s:s, s:I}", "error", error, "pointer", pointer, "line",
	                         (json_int_t)number);
	e->failed = true;
	if (line)
		(void)json_dumpf(line, stdout, JSON_COMPACT);
	(void)putchar('\n');
	json_decref(line);
}

/* The first error; the others mostly follow from it. */
static void print_diag(struct explaining *e, size_t number, const struct diag *d)
{
	const struct diag_item *item = d->n > 0 ? &d->items[0] : NULL;
	print_error(e, number, item && item->pointer ? item->pointer : "",
	            item && item->message ? item->message : "memory is out");
}

static void explain_question(struct explaining *e, const struct question *q, size_t number)
{
	struct decision decision;
	json_t *answer = NULL;
	if (question_decide(e->policy, &e->ctx, q, &decision))
		answer = policy_explain(&decision);
	if (e->verbose &&
	    json_object_set_new(answer, "trace",
	                        policy_trace(e->policy, &e->ctx, &q->request, &decision)) != 0) {
		json_decref(answer);
		answer = NULL;
	}
	if (!answer)
		print_error(e, number, "", "memory is out");
	else if (json_dumpf(answer, stdout, JSON_COMPACT) == 0)
		(void)putchar('\n');
	json_decref(answer);
}

static void explain_line(struct explaining *e, struct sv text, size_t number)
{
	struct diag d = diag_over("-", text);
	json_t *line = json_load_strict(text, 0, &d);
	struct question q;

	if (line &&
	    question_read(line, QUESTION_CREDENTIALS | QUESTION_OPEN, "", e->ctx.arena, &d, &q))
		explain_question(e, &q, number);
	else
		print_diag(e, number, &d);
	json_decref(line);
	diag_fini(&d);
	arena_reset(e->ctx.arena);
}

static int explain_all(struct explaining *e, FILE *from)
{
	char *line = NULL;
	size_t room = 0;
	size_t number = 0;
	ssize_t n;
	while ((n = getline(&line, &room, from)) >= 0) {
		struct sv text = sv_trim((struct sv){line, (size_t)n});
		while (text.n > 0 && (text.at[text.n - 1] == '\n' || text.at[text.n - 1] == '\r'))
			text.n--;
		number++;
		if (text.n > LINE_MAX_BYTES)
			print_error(e, number, "", "the line is too long");
		else if (text.n > 0)
			explain_line(e, text, number);
		(void)fflush(stdout);
	}
	free(line);
	if (ferror(from) || ferror(stdout))
		return EX_IOERR;
	return e->failed ? EX_DATAERR : EX_OK;
}

/* ---- the command ---- */

struct arguments {
	const char *policy, *tuples, *data;
	int64_t now_s; /* 0: the clock */
	bool verbose;
};

enum { KEY_NOW = 256 };

static const struct argp_option options[] = {
	{"policy", 'p', "FILE", 0, "the policy set that judges", 0},
	{"tuples", 't', "FILE", 0, "the relations that related() finds, one tuple a line", 0},
	{"data", 'd', "DIR", 0,
         "API keys, relations, revocations and passwords: as the agent with this data directory "
         "keeps them",
         0},
	{"verbose", 'v', NULL, 0, "tell every policy that was considered, and every condition", 0},
	{"now", KEY_NOW, "UNIX", 0, "judge tokens as of this second", 0},
	{0},
};

static error_t take_option(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;
	unsigned long long now;
	if (key == 'p') {
		a->policy = value;
	} else if (key == 't') {
		a->tuples = value;
	} else if (key == 'd') {
		a->data = value;
	} else if (key == 'v') {
		a->verbose = true;
	} else if (key == KEY_NOW) {
		if (!sv_to_u64(sv_of(value), &now) || now > INT64_MAX / 1000000)
			argp_error(state, "--now takes seconds since 1970");
		a->now_s = (int64_t)now;
	} else if (key == ARGP_KEY_END && !a->policy) {
		argp_error(state, "--policy is required");
	} else {
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp parser = {
	.options = options,
	.parser = take_option,
	.doc = "Print what a policy set decides, and why.\v"
	       "Reads one request a line from standard input: a JSON object with the arguments of "
	       "schema/spoe.md by name (cert in base64), and, instead of credentials, claims (an "
	       "object) and workload (a SPIFFE ID); headers maps names to values. Prints one "
	       "decision "
	       "a line as JSON. The exit status is not 0 when a line was no request.",
};

static char own_name[] = "haward explain"; /* for the usage text */

/* returns the exit status */
static int explain(struct explaining *e, const struct arguments *a, struct arena *arena)
{
	const struct relation_model *model = authz_relations(policy_authz(e->policy));
	int status = a->tuples ? tuplesfile_load(own_name, a->tuples, model, &e->tuples) : EX_OK;
	if (status != EX_OK)
		return status;
	if (a->data && kept_open(&e->kept, own_name, a->data) != 0)
		return EX_NOINPUT;
	e->verbose = a->verbose;
	e->ctx.tables = a->data ? &e->kept.view : NULL;
	e->ctx.tuples = e->tuples;
	e->ctx.tokens = tokencache_new(TOKENS);
	e->ctx.arena = arena;
	e->ctx.now_us = a->now_s ? a->now_s * 1000000 : clock_real_us();
	if (!e->ctx.tokens || dpop_new(PROOFS, e->ctx.now_us / 1000000, &e->ctx.dpop) != 0 ||
	    arena_init(arena, LINE_ARENA_BYTES) != 0)
		return EX_SOFTWARE;
	return explain_all(e, stdin);
}

int cli_explain(int argc, char **argv)
{
	struct arguments a = {0};
	struct explaining e = {0};
	struct arena arena = {0};

	argv[0] = own_name;
	if (argp_parse(&parser, argc, argv, 0, NULL, &a) != 0)
		return EX_USAGE;
	if (policyfile_load(a.policy, &e.policy) != 0)
		return EX_CONFIG;
	int status = explain(&e, &a, &arena);
	arena_fini(&arena);
	tokencache_free(e.ctx.tokens);
	dpop_free(e.ctx.dpop);
	relation_tuples_free(e.tuples);
	kept_close(&e.kept);
	policy_unref(e.policy);
	return status;
}
