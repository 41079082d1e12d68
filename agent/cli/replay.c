#include "cli/book.h"
#include "cli/cli.h"
#include "cli/policyfile.h"
#include "core/sv.h"
#include "policy/policy.h"
#include "policy/replayrun.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct arguments {
	const char *policy, *data, *filter, *from, *to;
	unsigned long long limit;
	bool as_json;
};

enum { KEY_FROM = 256, KEY_TO, KEY_LIMIT, KEY_JSON };

static const struct argp_option options[] = {
	{"policy", 'p', "FILE", 0, "the policy set that judges now", 0},
	{"data", 'd', "DIR", 0, "the agent's data directory", 0},
	{"filter", 'q', "QUERY", 0, "only these decisions, as for haward audit export", 0},
	{"from", KEY_FROM, "TIME", 0, "first time, inclusive: RFC 3339, a date, now-15m", 0},
	{"to", KEY_TO, "TIME", 0, "last time, exclusive", 0},
	{"limit", KEY_LIMIT, "N", 0,
         "at most this many decisions, the newest; 1000000 when not given", 0},
	{"json", KEY_JSON, NULL, 0, "the whole report as one JSON object", 0},
	{0},
};

static error_t take_option(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;
	if (key == 'p')
		a->policy = value;
	else if (key == 'd')
		a->data = value;
	else if (key == 'q')
		a->filter = value;
	else if (key == KEY_FROM)
		a->from = value;
	else if (key == KEY_TO)
		a->to = value;
	else if (key == KEY_JSON)
		a->as_json = true;
	else if (key == KEY_LIMIT && (!sv_to_u64(sv_of(value), &a->limit) || a->limit == 0))
		argp_error(state, "--limit takes a number from 1");
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "unknown argument %s", value);
	else if (key == ARGP_KEY_END && !a->policy)
		argp_error(state, "--policy is required");
	else if (key == ARGP_KEY_END && !a->data)
		argp_error(state, "--data is required");
	else if (key != KEY_LIMIT)
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp parser = {
	.options = options,
	.parser = take_option,
	.doc = "Judge the decisions of the book, the newest first, by another policy set, and tell "
	       "what "
	       "would have changed. Works while the agent runs and while it does not; nothing is "
	       "recorded.\v"
	       "Exit status: 0 nothing would have been allowed or denied that was not; 1 something "
	       "would; 64 the command line or the query is not understood; 65 the book is damaged "
	       "or "
	       "of a later format; 66 there is no book, or it cannot be opened; 74 reading failed; "
	       "78 "
	       "the policy set is refused.",
};

/* ---- the report ---- */

static json_int_t number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static const char *word(const json_t *object, const char *name, const char *other)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text && *text ? text : other;
}

static void print_counts(const json_t *report)
{
	static const char *const rows[][2] = {
		{"considered", "decisions considered"},     {"unchanged", "unchanged"},
		{"newly_denied", "newly denied"},           {"newly_allowed", "newly allowed"},
		{"other_change", "refused in another way"}, {"cannot_tell", "cannot tell"},
		{"not_judged", "not judged by policies"},
	};
	const json_t *counts = json_object_get(report, "counts");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		(void)printf("%10lld  %s\n", (long long)number(counts, rows[i][0]), rows[i][1]);
	if (json_is_true(json_object_get(report, "capped")))
		(void)printf("            (the limit was reached; the oldest is of %s)\n",
		             word(report, "oldest", "?"));
}

static void print_reasons(const json_t *report)
{
	const char *why;
	json_t *n;
	json_object_foreach(json_object_get(report, "reasons"), why, n)(void)
		printf("%10lld  %s\n", (long long)json_integer_value(n), why);
}

static void print_group(const json_t *report, const char *name, const char *title)
{
	size_t i;
	json_t *row;
	const json_t *rows = json_object_get(report, name);
	if (json_array_size(rows) > 0)
		(void)printf("\n%s: newly denied, newly allowed, otherwise, cannot tell\n", title);
	json_array_foreach(rows, i, row)(void) printf(
		"%10lld %10lld %10lld %10lld  %s\n", (long long)number(row, "newly_denied"),
		(long long)number(row, "newly_allowed"), (long long)number(row, "other_change"),
		(long long)number(row, "cannot_tell"), word(row, "name", "(none)"));
}

static void print_changes(const json_t *report)
{
	size_t i;
	json_t *row;
	const json_t *rows = json_object_get(report, "changes");
	if (json_array_size(rows) > 0)
		(void)puts("\nchanges, the newest first");
	json_array_foreach(rows, i, row)
	{
		const json_t *was = json_object_get(row, "was"), *now = json_object_get(row, "now");
		(void)printf(
			"%s  %s  %s  %s %s %s  %s (%s) -> %s (%s)\n", word(row, "time", "-"),
			word(row, "id", "-"), word(row, "user", word(row, "workload", "-")),
			word(row, "service", "-"), word(row, "method", "-"), word(row, "path", "-"),
			word(was, "verdict", "-"), word(was, "policy", word(was, "reason", "-")),
			word(now, "verdict", "-"), word(now, "policy", word(now, "reason", "-")));
	}
}

static void print_report(const json_t *report)
{
	print_counts(report);
	print_reasons(report);
	print_group(report, "policies", "by policy");
	print_group(report, "services", "by service");
	print_group(report, "users", "by user or workload");
	print_changes(report);
}

/* returns the exit status */
static int tell(const struct replay_run *run, bool as_json)
{
	CLEANUP(json_decrefp) json_t *report = replay_run_report(run);
	if (!report)
		return EX_OSERR;
	if (as_json && (json_dumpf(report, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF))
		return EX_IOERR;
	if (!as_json)
		print_report(report);
	const json_t *counts = json_object_get(report, "counts");
	if (fflush(stdout) != 0)
		return EX_IOERR;
	return number(counts, "newly_denied") + number(counts, "newly_allowed") > 0 ? 1 : EX_OK;
}

/* ---- the run ---- */

static int refuse_question(const struct audit_query_error *error)
{
	(void)fputs("haward replay: ", stderr);
	if (error->column)
		(void)fprintf(stderr, "--filter, column %u: ", error->column);
	(void)fprintf(stderr, "%s\n", error->message);
	return EX_USAGE;
}

static int fail(int r)
{
	(void)fprintf(stderr, "haward replay: the replay is not complete: %s\n",
	              r == -EBADMSG ? "the book is damaged; haward audit verify tells where"
	                            : strerrordesc_np(-r));
	return r == -ENOMEM ? EX_OSERR : book_status(r);
}

static void close_run(struct replay_run **run)
{
	replay_run_close(*run);
}

static int replay(const struct arguments *a, struct audit_store *store, const struct policy *policy)
{
	CLEANUP(close_run) struct replay_run *run = NULL;
	struct audit_query_error error = {0};
	struct replay_options asked = {.filter = sv_of(a->filter), .max_rows = a->limit};
	if (book_time("haward replay", "from", a->from, &asked.from_us) != 0 ||
	    book_time("haward replay", "to", a->to, &asked.to_us) != 0)
		return EX_USAGE;
	int r = replay_run_open(store, policy, &asked, &error, &run);
	if (r == -EINVAL)
		return refuse_question(&error);
	do {
		if (r >= 0)
			r = replay_run_step(run);
	} while (r > 0);
	return r == 0 ? tell(run, a->as_json) : fail(r);
}

static char own_name[] = "haward replay"; /* for the usage text */

int cli_replay(int argc, char **argv)
{
	CLEANUP(book_close) struct audit_store *store = NULL;
	struct arguments a = {0};
	struct policy *policy = NULL;

	argv[0] = own_name;
	if (argp_parse(&parser, argc, argv, 0, NULL, &a) != 0)
		return EX_USAGE;
	if (policyfile_load(a.policy, &policy) != 0)
		return EX_CONFIG;
	int status = book_open("haward replay", a.data, &store);
	if (status == EX_OK)
		status = replay(&a, store, policy);
	policy_unref(policy);
	return status;
}
