#include "audit/query.h"
#include "cli/cli.h"
#include "cli/desk.h"
#include "cli/duration.h"
#include "core/clock.h"
#include "state/revocations.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { KEY_DATA = 'd', KEY_ISSUER = 'i', KEY_UNTIL = 'u', KEY_FOR = 'f', KEY_REASON = 'r' };
enum { ACT_TEXT_BYTES = 256, SECOND_US = 1000000 };

struct revoke_arguments {
	const char *data, *issuer, *until, *for_time, *reason;
	const char *words[2]; /* the act, and what it is about */
	size_t n_words;
};

/* What an act works on. */
struct task {
	struct desk desk;
	const struct revoke_arguments *arguments;
	int64_t now_us;
	const char *wrong; /* what of the arguments; NULL: nothing */
};

static void close_task(struct task *task)
{
	desk_close(&task->desk);
}

/* ---- revoking ---- */

/* returns what is wrong, or NULL */
static const char *read_wish(const struct task *task, enum revocation_kind kind,
                             struct state_revocation *ret)
{
	const struct revoke_arguments *a = task->arguments;
	int64_t now_s = task->now_us / SECOND_US, for_s = REVOCATION_USUAL_S;
	uint64_t until_us = (uint64_t)task->now_us;
	if (a->n_words < 2 || !a->issuer)
		return "say what is revoked, and its --issuer";
	if (a->until && !revocation_has_moment(kind))
		return "--until: only a subject or a client is revoked until a moment";
	if (a->until && audit_time_parse(sv_of(a->until), task->now_us, &until_us) != 0)
		return "--until: a time is expected, as 2026-11-23T15:04:05Z, now-1h or Unix "
		       "seconds";
	if (a->for_time && !duration_read(a->for_time, &for_s))
		return "--for: a duration is expected, as 90d, 12h, 30m or 600s";
	*ret = (struct state_revocation){
		.what = {.kind = kind,
	                 .issuer = sv_of(a->issuer),
	                 .name = sv_of(a->words[1]),
	                 .expires_s = now_s + for_s},
		.reason = sv_of(a->reason ? a->reason : ""),
		.at_us = task->now_us,
	};
	if (revocation_has_moment(kind))
		ret->what.until_s = (int64_t)(until_us / SECOND_US);
	return state_revocation_check(ret, now_s);
}

static void describe(const struct state_revocation *r, char ret[static ACT_TEXT_BYTES])
{
	char expires[CLOCK_TEXT_BYTES];
	(void)clock_format(r->what.expires_s * SECOND_US, expires);
	(void)snprintf(ret, ACT_TEXT_BYTES, "%llu: %s of %.*s, until %lld, expires %s",
	               (unsigned long long)r->number, revocation_kind_names[r->what.kind],
	               (int)(r->what.issuer.n < 120 ? r->what.issuer.n : 120), r->what.issuer.at,
	               (long long)r->what.until_s, expires);
}

static int revoke(struct task *task, enum revocation_kind kind)
{
	char operator[DESK_NAME_BYTES], text[ACT_TEXT_BYTES];
	struct state_revocation wish;
	task->wrong = read_wish(task, kind, &wish);
	if (task->wrong)
		return -EINVAL;
	desk_operator(operator);
	wish.author = sv_of(operator);
	int r = state_revocation_add(task->desk.state, &wish, &wish.number);
	if (r != 0)
		return r;
	describe(&wish, text);
	r = desk_record(&task->desk, "revocation.create", sv_first(wish.what.name, 128),
	                sv_of(text));
	if (r == 0)
		(void)printf("%llu\n", (unsigned long long)wish.number);
	return r;
}

static int act_token(struct task *task)
{
	return revoke(task, REVOCATION_TOKEN);
}

static int act_subject(struct task *task)
{
	return revoke(task, REVOCATION_SUBJECT);
}

static int act_client(struct task *task)
{
	return revoke(task, REVOCATION_CLIENT);
}

static int act_key(struct task *task)
{
	return revoke(task, REVOCATION_KEY);
}

static int act_session(struct task *task)
{
	return revoke(task, REVOCATION_SESSION);
}

/* ---- looking, and taking back ---- */

static void print_time(int64_t seconds)
{
	char text[CLOCK_TEXT_BYTES];
	if (seconds == 0)
		(void)printf("\t-");
	else
		(void)printf("\t%.19sZ", clock_format(seconds * SECOND_US, text).at);
}

static int list_one(void *user, const struct state_revocation *r)
{
	(void)user;
	(void)printf("%llu\t%s\t%.*s\t%.*s", (unsigned long long)r->number,
	             revocation_kind_names[r->what.kind], SV_ARG(r->what.issuer),
	             SV_ARG(r->what.name));
	print_time(r->what.until_s);
	print_time(r->what.expires_s);
	(void)printf("\t%.*s\t%.*s\n", SV_ARG(r->author), SV_ARG(r->reason));
	return 0;
}

static int act_list(struct task *task)
{
	return state_revocation_list(task->desk.state, 0, SIZE_MAX, list_one, NULL);
}

/* What is about to be taken back, for the record. */
struct taken {
	char name[129], text[ACT_TEXT_BYTES];
};

static int note_taken(void *user, const struct state_revocation *r)
{
	struct taken *taken = user;
	(void)snprintf(taken->name, sizeof(taken->name), "%.*s",
	               (int)(r->what.name.n < 128 ? r->what.name.n : 128), r->what.name.at);
	describe(r, taken->text);
	return 0;
}

static int act_remove(struct task *task)
{
	struct taken taken;
	unsigned long long number;
	if (!sv_to_u64(sv_of(task->arguments->words[1]), &number)) {
		task->wrong = "the number that `haward revoke list` prints is expected";
		return -EINVAL;
	}
	int r = state_revocation_get(task->desk.state, number, note_taken, &taken);
	if (r == 0)
		r = state_revocation_remove(task->desk.state, number);
	return r == 0 ? desk_record(&task->desk, "revocation.delete", sv_of(taken.name),
	                            sv_of(taken.text))
	              : r;
}

static const struct {
	const char *name;
	int (*run)(struct task *task);
} acts[] = {
	{"token", act_token},   {"subject", act_subject}, {"client", act_client},
	{"key", act_key},       {"session", act_session}, {"list", act_list},
	{"remove", act_remove},
};

/* ---- arguments ---- */

static error_t read_option(int key, char *value, struct argp_state *state)
{
	struct revoke_arguments *a = state->input;
	const struct {
		int key;
		const char **into;
	} texts[] = {
		{KEY_DATA, &a->data},    {KEY_ISSUER, &a->issuer}, {KEY_UNTIL, &a->until},
		{KEY_FOR, &a->for_time}, {KEY_REASON, &a->reason},
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i].key != key)
			continue;
		*texts[i].into = value;
		return 0;
	}
	if (key == ARGP_KEY_ARG && a->n_words < ARRAY_LEN(a->words))
		a->words[a->n_words++] = value;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "unknown argument %s", value);
	else if (key == ARGP_KEY_END && a->n_words == 0)
		argp_error(state,
		           "say what to do: token, subject, client, key, session, list or remove");
	else if (key == ARGP_KEY_END && !a->data)
		argp_error(state, "--data is missing");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp_option options[] = {
	{"data", KEY_DATA, "DIR", 0, "the agent's data directory", 0},
	{"issuer", KEY_ISSUER, "ISS", 0, "whose: the issuer as its tokens name it", 0},
	{"until", KEY_UNTIL, "TIME", 0,
         "of a subject or a client: what was issued until then; now, when not given", 0},
	{"for", KEY_FOR, "DURATION", 0, "how long it is remembered: 90d, 12h; 366d when not given",
         0},
	{"reason", KEY_REASON, "TEXT", 0, "why, for people", 0},
	{0},
};
static const struct argp revoke_argp = {
	.options = options,
	.parser = read_option,
	.args_doc = "token JTI --issuer ISS\nsubject SUB --issuer ISS\nclient CLIENT --issuer ISS\n"
		    "key KID --issuer ISS\nsession SID --issuer ISS\nlist\nremove NUMBER",
	.doc = "What is no longer believed, though its signature is good. A running agent takes it "
	       "up within 300 ms, for tokens, too, that it has verified before. Works while the "
	       "agent runs and while it does not; every act is in the book.",
};

static int complain(const struct task *task, int r)
{
	if (task->wrong)
		(void)fprintf(stderr, "haward revoke: %s\n", task->wrong);
	else if (r == -ENOENT)
		(void)fprintf(stderr, "haward revoke: there is no revocation %s\n",
		              task->arguments->words[1]);
	else
		desk_complain(&task->desk, task->arguments->data, r);
	return task->wrong ? EX_USAGE : EXIT_FAILURE;
}

static char own_name[] = "haward revoke"; /* for the usage text */

int cli_revoke(int argc, char **argv)
{
	struct revoke_arguments a = {0};
	CLEANUP(close_task) struct task task = {.arguments = &a, .now_us = clock_real_us()};
	size_t act = 0;
	argv[0] = own_name;
	if (argp_parse(&revoke_argp, argc, argv, 0, NULL, &a) != 0)
		return EX_USAGE;
	while (act < ARRAY_LEN(acts) && strcmp(acts[act].name, a.words[0]) != 0)
		act++;
	if (act == ARRAY_LEN(acts)) {
		(void)fprintf(stderr, "haward revoke: token, subject, client, key, session, list "
		                      "and remove are known\n");
		return EX_USAGE;
	}
	int r = desk_open(&task.desk, own_name, a.data);
	if (r == 0)
		r = acts[act].run(&task);
	return r == 0 ? EXIT_SUCCESS : complain(&task, r);
}
