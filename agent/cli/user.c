#include "cli/cli.h"
#include "cli/desk.h"
#include "cli/newpassword.h"
#include "core/clock.h"
#include "core/diag.h"
#include "core/fileio.h"
#include "core/limits.h"
#include "core/secret.h"
#include "state/htpasswd.h"
#include "state/users.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum { KEY_DATA = 'd', KEY_GROUPS = 'g', KEY_HTPASSWD = 'f' };

static char own_name[] = "haward user"; /* for the usage text */

struct user_arguments {
	const char *data, *groups, *file;
	const char *words[2]; /* the act, the user */
	size_t n_words;
};

/* What an act works on. */
struct task {
	struct desk desk;
	struct sv name;     /* of the user; empty where the act needs none */
	const char *groups; /* NULL: not given */
	const char *file;
};

static void close_task(struct task *task)
{
	desk_close(&task->desk);
}

static int record(const struct task *task, const char *action, struct sv after)
{
	return desk_record(&task->desk, action, task->name, after);
}

/* ---- the acts ---- */

static int list_one(void *context, const struct state_user *user)
{
	char changed[CLOCK_TEXT_BYTES];
	(void)context;
	(void)clock_format(user->changed_us, changed);
	(void)printf("%-24s %-8s %s %s\n", user->name, user_hash_kind(user->hash), changed,
	             user->groups);
	return 0;
}

static int act_list(struct task *task)
{
	return state_user_list(task->desk.state, (struct sv){0}, list_one, NULL);
}

static int act_add(struct task *task)
{
	int64_t now_us = clock_real_us();
	struct state_user user = {.created_us = now_us, .changed_us = now_us};
	struct sv groups = sv_of(task->groups);
	struct state_user there;
	if (state_user_get(task->desk.state, task->name, &there) == 0)
		return -EEXIST; /* before a password is asked for */
	memcpy(user.name, task->name.at, task->name.n);
	if (groups.n)
		memcpy(user.groups, groups.at, groups.n);
	int r = newpassword_hash(own_name, task->name, user.hash);
	if (r == 0)
		r = state_user_add(task->desk.state, &user);
	return r == 0 ? record(task, "user.create", groups) : r;
}

static int act_passwd(struct task *task)
{
	char hash[PASSWORD_PHC_BYTES];
	struct state_user there;
	int r = state_user_get(task->desk.state, task->name, &there);
	if (r == 0)
		r = newpassword_hash(own_name, task->name, hash);
	if (r == 0)
		r = state_user_set_hash(task->desk.state, task->name, NULL, hash, clock_real_us());
	return r == 0 ? record(task, "user.change", SVL("new password")) : r;
}

static int act_groups(struct task *task)
{
	int r = state_user_set_groups(task->desk.state, task->name,
	                              task->groups ? task->groups : "", clock_real_us());
	return r == 0 ? record(task, "user.change", sv_of(task->groups)) : r;
}

static int act_remove(struct task *task)
{
	int r = state_user_remove(task->desk.state, task->name);
	return r == 0 ? record(task, "user.delete", (struct sv){0}) : r;
}

static int import_text(struct task *task, struct sv text)
{
	struct diag d = diag_over(task->file, text);
	CLEANUP(freep) struct state_user *users = NULL;
	size_t n = 0, n_added = 0;
	char what[64];
	int r = htpasswd_read(text, &d, &users, &n);
	for (size_t i = 0; i < d.n; i++)
		(void)fprintf(stderr, "%s: %s: %s\n", own_name, task->file, d.items[i].message);
	diag_fini(&d);
	if (r == 0)
		r = state_users_import(task->desk.state, users, n, clock_real_us(), &n_added);
	if (r != 0)
		return r;
	(void)snprintf(what, sizeof(what), "%zu added, %zu changed", n_added, n - n_added);
	(void)printf("%s\n", what);
	return record(task, "user.import", sv_of(what));
}

static int act_import(struct task *task)
{
	char *text = NULL;
	size_t n = 0;
	if (!task->file) {
		(void)fprintf(stderr, "%s: --htpasswd is missing\n", own_name);
		return -EINVAL;
	}
	int r = file_read(task->file, DOCUMENT_MAX_BYTES, &text, &n);
	if (r != 0) {
		(void)fprintf(stderr, "%s: %s: %s\n", own_name, task->file, strerrordesc_np(-r));
		return -EINVAL;
	}
	r = import_text(task, (struct sv){text, n});
	secret_wipe(text, n);
	free(text);
	return r;
}

static const struct {
	const char *name;
	bool needs_name;
	int (*run)(struct task *task);
} acts[] = {
	{"list", false, act_list},    {"add", true, act_add},       {"passwd", true, act_passwd},
	{"groups", true, act_groups}, {"remove", true, act_remove}, {"import", false, act_import},
};

/* ---- arguments ---- */

static error_t read_option(int key, char *value, struct argp_state *state)
{
	struct user_arguments *a = state->input;
	if (key == KEY_DATA)
		a->data = value;
	else if (key == KEY_GROUPS)
		a->groups = value;
	else if (key == KEY_HTPASSWD)
		a->file = value;
	else if (key == ARGP_KEY_ARG && a->n_words < ARRAY_LEN(a->words))
		a->words[a->n_words++] = value;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "unknown argument %s", value);
	else if (key == ARGP_KEY_END && a->n_words == 0)
		argp_error(state, "say what to do: list, add, passwd, groups, remove or import");
	else if (key == ARGP_KEY_END && !a->data)
		argp_error(state, "--data is missing");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp_option options[] = {
	{"data", KEY_DATA, "DIR", 0, "the agent's data directory", 0},
	{"groups", KEY_GROUPS, "LIST", 0, "groups of the user, with commas between", 0},
	{"htpasswd", KEY_HTPASSWD, "FILE", 0, "what to import: bcrypt and SHA-512 are taken", 0},
	{0},
};
static const struct argp user_argp = {
	.options = options,
	.parser = read_option,
	.args_doc = "list\nadd NAME [--groups LIST]\npasswd NAME\ngroups NAME --groups LIST\n"
		    "remove NAME\nimport --htpasswd FILE",
	.doc = "The users who sign in to services by HTTP Basic. A password is asked for, or read "
	       "as one line of standard input. Works while the agent runs and while it does not; "
	       "every act is in the book.",
};

static int complain(const struct desk *desk, const struct user_arguments *a, int r)
{
	const char *name = a->n_words > 1 ? a->words[1] : "";
	if (r == -ENOENT)
		(void)fprintf(stderr, "%s: there is no user %s\n", own_name, name);
	else if (r == -EEXIST)
		(void)fprintf(stderr, "%s: there is a user %s already\n", own_name, name);
	else if (r != -EINVAL)
		desk_complain(desk, a->data, r);
	return EXIT_FAILURE;
}

static int usage(const char *text)
{
	(void)fprintf(stderr, "%s: %s\n", own_name, text);
	return EX_USAGE;
}

int cli_user(int argc, char **argv)
{
	struct user_arguments a = {0};
	CLEANUP(close_task) struct task task = {0};
	size_t act = 0;
	argv[0] = own_name;
	if (argp_parse(&user_argp, argc, argv, 0, NULL, &a) != 0)
		return EX_USAGE;
	while (act < ARRAY_LEN(acts) && strcmp(acts[act].name, a.words[0]) != 0)
		act++;
	if (act == ARRAY_LEN(acts))
		return usage("list, add, passwd, groups, remove and import are known");
	task.name = sv_of(a.words[1]);
	task.groups = a.groups;
	task.file = a.file;
	if (acts[act].needs_name && !user_name_ok(task.name))
		return usage("the user's name is missing, or is none: 1 to 128 bytes of text "
		             "without a colon");
	if (a.groups && !user_groups_ok(sv_of(a.groups)))
		return usage("groups are names with commas between");
	int r = desk_open(&task.desk, own_name, a.data);
	if (r == 0)
		r = acts[act].run(&task);
	return r == 0 ? EXIT_SUCCESS : complain(&task.desk, &a, r);
}
