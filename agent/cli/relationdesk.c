#include "cli/desk.h"
#include "cli/relationlines.h"
#include "cli/relationsub.h"
#include "core/strbuf.h"
#include "state/relations.h"

#include <argp.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { KEY_DATA = 'd', KEY_OBJECT = 'o', KEY_RELATION = 'r', KEY_SUBJECT = 's' };
enum { WORDS_MAX = 1000, TOLD_MAX_BYTES = 2000 };

struct arguments {
	const char *data, *object, *relation, *subject;
	const char *words[WORDS_MAX]; /* tuples */
	size_t n_words;
	bool takes_words;
};

static error_t take_option(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;
	if (key == KEY_DATA)
		a->data = value;
	else if (key == KEY_OBJECT)
		a->object = value;
	else if (key == KEY_RELATION)
		a->relation = value;
	else if (key == KEY_SUBJECT)
		a->subject = value;
	else if (key == ARGP_KEY_ARG && a->takes_words && a->n_words < WORDS_MAX)
		a->words[a->n_words++] = value;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "unknown argument %s", value);
	else if (key == ARGP_KEY_END && !a->data)
		argp_error(state, "--data is missing");
	else if (key != ARGP_KEY_END)
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp_option change_options[] = {
	{"data", KEY_DATA, "DIR", 0, "the agent's data directory", 0},
	{0},
};

#define LINES_DOC                                                                         \
	"A tuple is object#relation@subject, or JSON: an object with object, relation "   \
	"and subject, or a list of the three. Without any, they are read from standard "  \
	"input, one a line. A running agent takes them up within 300 ms; works while it " \
	"runs and while it does not. All or nothing; what was done is in the book.\n"     \
	"Exit status: 0; 1 it failed; 64 the command line is not understood; 65 a tuple is none."

static const struct argp write_parser = {
	.options = change_options,
	.parser = take_option,
	.args_doc = "[TUPLE...]",
	.doc = "Keep relations, for `related()` in the conditions of policies.\v" LINES_DOC,
};
static const struct argp delete_parser = {
	.options = change_options,
	.parser = take_option,
	.args_doc = "[TUPLE...]",
	.doc = "Forget relations.\v" LINES_DOC,
};
static const struct argp_option list_options[] = {
	{"data", KEY_DATA, "DIR", 0, "the agent's data directory", 0},
	{"object", KEY_OBJECT, "OBJECT", 0,
         "of this object, as type:id; or of this type, as type:", 0},
	{"relation", KEY_RELATION, "RELATION", 0, "this relation", 0},
	{"subject", KEY_SUBJECT, "SUBJECT", 0, "of this subject, or of this type of subjects", 0},
	{0},
};
static const struct argp list_parser = {
	.options = list_options,
	.parser = take_option,
	.doc = "Print the relations that are kept, one a line.",
};

/* ---- what to change ---- */

/* Tuples as they were read, in memory of their own: nothing is locked while somebody types. */
struct batch {
	struct state_relation *at;
	size_t n, room;
};

static void free_batch(struct batch *batch)
{
	for (size_t i = 0; i < batch->n; i++)
		free((char *)(uintptr_t)batch->at[i].object.at);
	free(batch->at);
}

static struct sv keep(char **at, struct sv text)
{
	struct sv kept = {*at, text.n};
	memcpy(*at, text.at, text.n);
	*at += text.n;
	return kept;
}

/* The subject with its relation. */
static struct sv subject_of(const struct relation_tuple *tuple)
{
	const struct relation_ref *s = &tuple->subject;
	return s->relation.n ? (struct sv){s->text.at, s->text.n + 1 + s->relation.n} : s->text;
}

static int take(void *user, const struct relation_tuple *tuple, size_t line)
{
	struct batch *batch = user;
	struct sv subject = subject_of(tuple);
	size_t n = tuple->object.text.n + tuple->relation.n + subject.n;
	if (n + 2 > RELATION_TUPLE_MAX_BYTES) {
		(void)fprintf(stderr, "haward relation: tuple %zu: more than %d bytes\n", line,
		              RELATION_TUPLE_MAX_BYTES);
		return -EINVAL;
	}
	if (batch->n == batch->room) {
		size_t room = batch->room ? 2 * batch->room : 64;
		struct state_relation *more = reallocarray(batch->at, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		batch->at = more;
		batch->room = room;
	}
	char *at = malloc(n);
	if (!at)
		return -ENOMEM;
	struct state_relation *r = &batch->at[batch->n++];
	r->object = keep(&at, tuple->object.text);
	r->relation = keep(&at, tuple->relation);
	r->subject = keep(&at, subject);
	return 0;
}

static int read_batch(const struct arguments *a, struct batch *ret)
{
	int r = 0;
	if (a->n_words == 0)
		return relation_lines(stdin, "standard input", take, ret);
	for (size_t i = 0; i < a->n_words && r == 0; i++)
		r = a->words[i][0] ? relation_line(sv_of(a->words[i]), "argument", i + 1, take, ret)
		                   : -EINVAL;
	return r;
}

/* As many as fit, and how many more there are. */
static int record(const struct desk *desk, const char *action, const struct batch *batch,
                  size_t n_done)
{
	char target[64];
	struct strbuf text = strbuf_with(TOLD_MAX_BYTES + 1024);
	size_t i = 0;
	for (; i < batch->n && strbuf_sv(&text).n < TOLD_MAX_BYTES - RELATION_TUPLE_MAX_BYTES; i++)
		strbuf_addf(&text, "%s%.*s#%.*s@%.*s", i ? " " : "", SV_ARG(batch->at[i].object),
		            SV_ARG(batch->at[i].relation), SV_ARG(batch->at[i].subject));
	if (i < batch->n)
		strbuf_addf(&text, " and %zu more", batch->n - i);
	(void)snprintf(target, sizeof(target), "%zu of %zu relations", n_done, batch->n);
	int r = desk_record(desk, action, sv_of(target), strbuf_sv(&text));
	strbuf_fini(&text);
	return r;
}

typedef int change_all(struct state *state, const struct state_relation *at, size_t n,
                       size_t *ret_n);

static int complain(const struct desk *desk, const char *data, int r)
{
	if (r == -ENOSPC)
		(void)fprintf(stderr,
		              "%s: there is no room for more than %d relations, or none "
		              "to record it\n",
		              desk->command, RELATIONS_MAX);
	else
		desk_complain(desk, data, r);
	return EXIT_FAILURE;
}

static int change(const struct arguments *a, const char *name, const char *action, change_all *all)
{
	CLEANUP(free_batch) struct batch batch = {0};
	CLEANUP(desk_close) struct desk desk = {.command = name};
	size_t n = 0;
	int r = read_batch(a, &batch);
	if (r == -EINVAL)
		return EX_DATAERR;
	if (r == 0)
		r = desk_open(&desk, name, a->data);
	if (r == 0)
		r = all(desk.state, batch.at, batch.n, &n);
	if (r == 0 && n > 0)
		r = record(&desk, action, &batch, n);
	if (r == 0)
		(void)printf("%zu\n", n);
	return r == 0 ? EXIT_SUCCESS : complain(&desk, a->data, r);
}

int relation_write(int argc, char **argv)
{
	struct arguments a = {.takes_words = true};
	return argp_parse(&write_parser, argc, argv, 0, NULL, &a) == 0
	               ? change(&a, "haward relation write", "relation.write", state_relations_add)
	               : EX_USAGE;
}

int relation_delete(int argc, char **argv)
{
	struct arguments a = {.takes_words = true};
	return argp_parse(&delete_parser, argc, argv, 0, NULL, &a) == 0
	               ? change(&a, "haward relation delete", "relation.delete",
	                        state_relations_remove)
	               : EX_USAGE;
}

/* ---- looking ---- */

static int list_one(void *user, const struct state_relation *r)
{
	(void)user;
	int n = printf("%.*s#%.*s@%.*s\n", SV_ARG(r->object), SV_ARG(r->relation),
	               SV_ARG(r->subject));
	return n < 0 ? -EIO : 0;
}

int relation_list(int argc, char **argv)
{
	struct arguments a = {0};
	CLEANUP(desk_close) struct desk desk = {.command = "haward relation list"};
	if (argp_parse(&list_parser, argc, argv, 0, NULL, &a) != 0)
		return EX_USAGE;
	const struct state_relation_filter filter = {.object = sv_of(a.object ? a.object : ""),
	                                             .relation =
	                                                     sv_of(a.relation ? a.relation : ""),
	                                             .subject = sv_of(a.subject ? a.subject : "")};
	int r = desk_open(&desk, desk.command, a.data);
	if (r == 0)
		r = state_relations_list(desk.state, &filter, list_one, NULL);
	return r == 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : complain(&desk, a.data, r ? r : -EIO);
}
