#include "policy/signing.h"

#include "authn/mintkeys.h"
#include "cli/cli.h"
#include "cli/desk.h"
#include "cli/duration.h"
#include "core/clock.h"
#include "state/signing.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { SECOND_US = 1000000, LEAD_MAX_S = 30 * 86400 };

struct signing_arguments {
	const char *data, *lead;
	const char *words[2]; /* the act, and the key */
	size_t n_words;
};

/* What an act works on. */
struct task {
	struct desk desk;
	const struct signing_arguments *arguments;
	int64_t now_s;
	const char *wrong; /* what of the arguments; NULL: nothing */
};

static void close_task(struct task *task)
{
	desk_close(&task->desk);
}

/* ---- the acts ---- */

/* What the keys are, by from_s: one line is printed when the next is known. */
struct listing {
	int64_t now_s, from_s;
	char kid[MINTKEY_KID_BYTES]; /* empty: none yet */
};

static void print_key(const struct listing *l, bool has_next, int64_t next_s)
{
	char text[CLOCK_TEXT_BYTES];
	bool is_over = has_next && next_s <= l->now_s;
	const char *state = is_over ? "verifies" : l->from_s > l->now_s ? "waits" : "signs";
	if (l->kid[0])
		(void)printf("%s\t%s\t%.19sZ\n", l->kid, state,
		             clock_format(l->from_s * SECOND_US, text).at);
}

static int list_one(void *user, const struct state_signing_key *key)
{
	struct listing *l = user;
	print_key(l, true, key->from_s);
	l->from_s = key->from_s;
	(void)snprintf(l->kid, sizeof(l->kid), "%.*s", SV_ARG(key->kid));
	return 0;
}

static int act_list(struct task *task)
{
	struct listing l = {.now_s = task->now_s};
	int r = state_signing_list(task->desk.state, list_one, &l);
	print_key(&l, false, 0);
	return r;
}

static int act_rotate(struct task *task)
{
	char kid[MINTKEY_KID_BYTES], from[CLOCK_TEXT_BYTES];
	int64_t lead_s = SIGNING_LEAD_S;
	const char *lead = task->arguments->lead;
	if (lead && (!duration_read(lead, &lead_s) || lead_s > LEAD_MAX_S)) {
		task->wrong = "--lead: a duration is expected, as 1h, 30m or 0s, of at most 30d";
		return -EINVAL;
	}
	int64_t from_s = task->now_s + lead_s;
	int r = policy_signing_add(task->desk.state, from_s, kid);
	if (r == 0)
		r = desk_record(&task->desk, "signing_key.create", sv_of(kid),
		                clock_format(from_s * SECOND_US, from));
	if (r == 0)
		(void)printf("%s\n", kid);
	return r;
}

static int act_remove(struct task *task)
{
	struct sv kid = sv_of(task->arguments->words[1]);
	int r = policy_signing_drop(task->desk.state, kid, task->now_s);
	return r == 0 ? desk_record(&task->desk, "signing_key.delete", kid, (struct sv){0}) : r;
}

static const struct {
	const char *name;
	size_t n_words;
	int (*run)(struct task *task);
} acts[] = {
	{"list", 1, act_list},
	{"rotate", 1, act_rotate},
	{"remove", 2, act_remove},
};

/* ---- arguments ---- */

static error_t read_option(int key, char *value, struct argp_state *state)
{
	struct signing_arguments *a = state->input;
	if (key == 'd')
		a->data = value;
	else if (key == 'l')
		a->lead = value;
	else if (key == ARGP_KEY_ARG && a->n_words < ARRAY_LEN(a->words))
		a->words[a->n_words++] = value;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "unknown argument %s", value);
	else if (key == ARGP_KEY_END && a->n_words == 0)
		argp_error(state, "say what to do: list, rotate or remove");
	else if (key == ARGP_KEY_END && !a->data)
		argp_error(state, "--data is missing");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp_option options[] = {
	{"data", 'd', "DIR", 0, "the agent's data directory", 0},
	{"lead", 'l', "DURATION", 0,
         "when the new key signs: in 1h, when not given, so that verifiers know it by then; 0s: at "
         "once",
         0},
	{0},
};
static const struct argp signing_argp = {
	.options = options,
	.parser = read_option,
	.args_doc = "list\nrotate\nremove KID",
	.doc = "The keys that internal tokens are signed with. The agent makes the next one when "
	       "it is "
	       "due; here that is done ahead of time, or a key that leaked is taken away. A "
	       "running "
	       "agent takes it up within 300 ms. Every act is in the book.",
};

static int complain(const struct task *task, int r)
{
	if (task->wrong)
		(void)fprintf(stderr, "haward signing: %s\n", task->wrong);
	else if (r == -ENOENT)
		(void)fprintf(stderr, "haward signing: there is no key %s\n",
		              task->arguments->words[1]);
	else if (r == -EEXIST)
		(void)fprintf(stderr, "haward signing: a key signs from that second on already\n");
	else
		desk_complain(&task->desk, task->arguments->data, r);
	return task->wrong ? EX_USAGE : EXIT_FAILURE;
}

static char own_name[] = "haward signing"; /* for the usage text */

int cli_signing(int argc, char **argv)
{
	struct signing_arguments a = {0};
	CLEANUP(close_task)
	struct task task = {.arguments = &a, .now_s = clock_real_us() / SECOND_US};
	size_t act = 0;
	argv[0] = own_name;
	if (argp_parse(&signing_argp, argc, argv, 0, NULL, &a) != 0)
		return EX_USAGE;
	while (act < ARRAY_LEN(acts) && strcmp(acts[act].name, a.words[0]) != 0)
		act++;
	if (act == ARRAY_LEN(acts) || a.n_words != acts[act].n_words) {
		(void)fprintf(stderr, "haward signing: list, rotate and remove KID are known\n");
		return EX_USAGE;
	}
	int r = desk_open(&task.desk, own_name, a.data);
	if (r == 0)
		r = acts[act].run(&task);
	return r == 0 ? EXIT_SUCCESS : complain(&task, r);
}
