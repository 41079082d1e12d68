#include "cli/desk.h"
#include "cli/policysub.h"
#include "core/diag.h"
#include "core/fileio.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "policy/diff.h"
#include "state/draft.h"
#include "state/versions.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct arguments {
	const char *data;
	const char *names[2];
	unsigned n_names;
	bool as_json;
};

static const struct argp_option options[] = {
	{"data", 'd', "DIR", 0, "the agent's data directory, whose versions can be named", 0},
	{"json", 'j', NULL, 0, "the differences as JSON", 0},
	{0},
};

static error_t take_option(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;
	if (key == 'd')
		a->data = value;
	else if (key == 'j')
		a->as_json = true;
	else if (key == ARGP_KEY_ARG && a->n_names < 2)
		a->names[a->n_names++] = value;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "two policy sets are compared");
	else if (key == ARGP_KEY_END && a->n_names != 2)
		argp_error(state, "two policy sets are expected: A and B");
	else if (key != ARGP_KEY_END)
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp parser = {
	.options = options,
	.parser = take_option,
	.args_doc = "A B",
	.doc = "Tell what policy set B says otherwise than A, by the names of what is in them.\v"
	       "A and B are files; with --data also numbers of versions, `current' and `draft'. "
	       "Order "
	       "that does not matter is no difference.\n"
	       "Exit status: 0 they say the same; 1 they differ; 64 the command line is not "
	       "understood; "
	       "65 a policy set is no JSON object; 66 one cannot be read.",
};

/* ---- reading ---- */

static bool is_version(const char *name, unsigned long long *ret)
{
	*ret = 0;
	return strcmp(name, "current") == 0 || (sv_to_u64(sv_of(name), ret) && *ret > 0);
}

static int version_text(const struct desk *desk, const char *name, char **ret)
{
	CLEANUP(state_version_fini) struct state_version version = {0};
	CLEANUP(state_draft_fini) struct state_draft draft = {0};
	unsigned long long number;
	bool is_draft = !is_version(name, &number);
	int r = is_draft ? state_draft_get(desk->state, &draft)
	                 : state_version_get(desk->state, number, &version);
	if (r == 0)
		*ret = is_draft ? TAKE(draft.text) : TAKE(version.text);
	return r;
}

/* errors: 0 or an exit status, said */
static int read_text(const struct arguments *a, const char *name, char **ret)
{
	unsigned long long ignored;
	size_t n;
	int r;
	if (a->data && (is_version(name, &ignored) || strcmp(name, "draft") == 0)) {
		struct desk desk;
		r = desk_open(&desk, "haward policy", a->data);
		if (r == 0)
			r = version_text(&desk, name, ret);
		desk_close(&desk);
	} else {
		r = file_read(name, DOCUMENT_MAX_BYTES, ret, &n);
	}
	if (r != 0)
		(void)fprintf(stderr, "haward policy: %s: %s\n", name, strerrordesc_np(-r));
	return r == 0 ? 0 : EX_NOINPUT;
}

static int read_set(const struct arguments *a, const char *name, json_t **ret)
{
	CLEANUP(freep) char *text = NULL;
	int r = read_text(a, name, &text);
	if (r != 0)
		return r;
	struct diag d = diag_over(name, sv_of(text));
	*ret = json_load_strict(sv_of(text), 0, &d);
	if (!*ret)
		diag_print(&d, stderr);
	else if (!json_is_object(*ret))
		(void)fprintf(stderr, "haward policy: %s: a policy set is an object\n", name);
	diag_fini(&d);
	return json_is_object(*ret) ? 0 : EX_DATAERR;
}

/* ---- telling ---- */

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

static void print_value(const char *before, const json_t *value)
{
	CLEANUP(freep)
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	printf(" %s%s", before, text ? text : "?");
}

static void print_all(const char *before, const json_t *list)
{
	size_t i;
	json_t *value;
	json_array_foreach(list, i, value)
	{
		print_value(before, value);
	}
}

static void print_field(const json_t *field)
{
	bool was = json_is_string(json_object_get(field, "from"));
	bool is = json_is_string(json_object_get(field, "to"));
	const json_t *added = json_object_get(field, "added");
	printf("    %s:", text_of(field, is ? "to" : "from"));
	if (added) {
		print_all("-", json_object_get(field, "removed"));
		print_all("+", added);
	} else {
		if (was)
			print_value("-", json_object_get(field, "old"));
		if (is)
			print_value("+", json_object_get(field, "new"));
	}
	(void)putchar('\n');
}

static const char *effect_text(const char *effect)
{
	if (strcmp(effect, "none") == 0)
		return ": no more and no less is granted";
	if (strcmp(effect, "unsure") == 0)
		return "";
	return strcmp(effect, "wider") == 0 ? ": more is granted" : ": less is granted";
}

static void print_change(const json_t *change)
{
	const char *kind = text_of(change, "change");
	const char *name = text_of(change, "name");
	const char *effect = text_of(change, "effect");
	bool is_whole = strcmp(kind, "added") == 0 || strcmp(kind, "removed") == 0;
	const char *mark = !is_whole ? "~" : kind[0] == 'a' ? "+" : "-";
	printf("%s %s%s%s", mark, text_of(change, "member"), name[0] ? " " : "", name);
	if (strcmp(kind, "reordered") == 0)
		printf(": in another order");
	(void)fputs(effect_text(effect), stdout);
	(void)putchar('\n');
	size_t i;
	json_t *field;
	json_array_foreach(json_object_get(change, "fields"), i, field)
	{
		if (!is_whole)
			print_field(field);
	}
}

static int print(const struct arguments *a, const json_t *changes)
{
	size_t i;
	json_t *change;
	if (a->as_json && json_dumpf(changes, stdout, JSON_INDENT(2)) == 0)
		(void)putchar('\n');
	json_array_foreach(changes, i, change)
	{
		if (!a->as_json)
			print_change(change);
	}
	if (fflush(stdout) != 0 || ferror(stdout))
		return EX_IOERR;
	return json_array_size(changes) == 0 ? EX_OK : 1;
}

static int run(const struct arguments *a)
{
	CLEANUP(json_decrefp) json_t *from = NULL;
	CLEANUP(json_decrefp) json_t *to = NULL;
	int r = read_set(a, a->names[0], &from);
	if (r == 0)
		r = read_set(a, a->names[1], &to);
	if (r != 0)
		return r;
	CLEANUP(json_decrefp) json_t *changes = policy_diff(from, to);
	return changes ? print(a, changes) : EX_OSERR;
}

int policy_diff_command(int argc, char **argv)
{
	static char name[] = "haward policy diff"; /* for the usage text */
	struct arguments a = {0};
	argv[0] = name;
	error_t r = argp_parse(&parser, argc, argv, 0, NULL, &a);
	return r == 0 ? run(&a) : EX_USAGE;
}
