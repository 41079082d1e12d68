#include "cli/cli.h"
#include "cli/desk.h"
#include "cli/newpassword.h"
#include "core/clock.h"
#include "core/secret.h"
#include "state/admins.h"
#include "state/password.h"
#include "state/roles.h"
#include "state/setup.h"
#include "state/state.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { KEY_DATA = 'd', KEY_ROLES = 'r', KEY_URL = 'u' };

static char own_name[] = "haward admin"; /* for the usage text */

struct admin_arguments {
	const char *data, *roles, *url;
	const char *words[3]; /* the act, the account, a role list */
	size_t n_words;
};

/* What an act works on. */
struct task {
	struct desk desk;
	struct sv name; /* of the account; empty where the act needs none */
	uint32_t roles; /* 0: not given */
	const char *url;
};

static void close_task(struct task *task)
{
	desk_close(&task->desk);
}

/* ---- the acts ---- */

static int record(const struct task *task, const char *action, struct sv after)
{
	return desk_record(&task->desk, action, task->name, after);
}

static int list_one(void *user, const struct state_admin *admin)
{
	char roles[ROLES_TEXT_BYTES];
	char login[CLOCK_TEXT_BYTES] = "never";
	(void)user;
	roles_text(admin->roles, roles);
	if (admin->last_login_us)
		(void)clock_format(admin->last_login_us, login);
	(void)printf("%-24s %-8s %-40s %s\n", admin->name, admin->disabled ? "disabled" : "enabled",
	             roles, login);
	return 0;
}

static int act_list(struct task *task)
{
	return state_admin_list(task->desk.state, list_one, NULL);
}

static int act_add(struct task *task)
{
	int64_t now_us = clock_real_us();
	struct state_admin admin = {
		.roles = task->roles, .created_us = now_us, .changed_us = now_us};
	char roles[ROLES_TEXT_BYTES];
	if (task->roles == ROLE_NOBODY) {
		(void)fprintf(stderr, "haward admin: --roles is missing: "
		                      "viewer,auditor,editor,publisher,admin\n");
		return -EINVAL;
	}
	memcpy(admin.name, task->name.at, task->name.n);
	int r = newpassword_hash(own_name, task->name, admin.phc);
	if (r == 0)
		r = state_admin_add(task->desk.state, &admin);
	roles_text(admin.roles, roles);
	if (r == 0)
		r = record(task, "admin.create", sv_of(roles));
	return r;
}

static int change(struct task *task, const struct state_admin_change *how, const char *action,
                  struct sv after)
{
	int r = state_admin_change(task->desk.state, task->name, how, clock_real_us());
	return r == 0 ? record(task, action, after) : r;
}

static int act_passwd(struct task *task)
{
	char phc[PASSWORD_PHC_BYTES];
	struct state_admin there;
	int r = state_admin_get(task->desk.state, task->name, &there);
	if (r == 0)
		r = newpassword_hash(own_name, task->name, phc);
	if (r != 0)
		return r;
	struct state_admin_change how = {.phc = phc};
	return change(task, &how, "admin.change", SVL("new password"));
}

static int act_role(struct task *task)
{
	char roles[ROLES_TEXT_BYTES];
	if (task->roles == ROLE_NOBODY) {
		(void)fprintf(
			stderr,
			"haward admin: roles are missing: viewer,auditor,editor,publisher,admin\n");
		return -EINVAL;
	}
	roles_text(task->roles, roles);
	struct state_admin_change how = {.roles = task->roles};
	return change(task, &how, "admin.change", sv_of(roles));
}

static int act_remove(struct task *task)
{
	int r = state_admin_remove(task->desk.state, task->name);
	return r == 0 ? record(task, "admin.delete", (struct sv){0}) : r;
}

static int act_setup_link(struct task *task)
{
	char token[SETUP_TOKEN_BYTES];
	int r = state_setup_create(task->desk.state, clock_real_us(), token);
	if (r == -EEXIST) {
		(void)fprintf(stderr, "haward admin: an account exists already; `haward admin "
		                      "passwd` changes its password\n");
		return r;
	}
	if (r == 0)
		r = record(task, "setup.link", (struct sv){0});
	if (r == 0)
		(void)printf("%s/setup#token=%s\n",
		             task->url ? task->url : "http://127.0.0.1:12380", token);
	secret_wipe(token, sizeof(token));
	return r;
}

static const struct {
	const char *name;
	bool needs_name;
	int (*run)(struct task *task);
} acts[] = {
	{"list", false, act_list},    {"add", true, act_add},
	{"passwd", true, act_passwd}, {"role", true, act_role},
	{"remove", true, act_remove}, {"setup-link", false, act_setup_link},
};

/* ---- arguments ---- */

static error_t read_option(int key, char *value, struct argp_state *state)
{
	struct admin_arguments *a = state->input;
	if (key == KEY_DATA)
		a->data = value;
	else if (key == KEY_ROLES)
		a->roles = value;
	else if (key == KEY_URL)
		a->url = value;
	else if (key == ARGP_KEY_ARG && a->n_words < ARRAY_LEN(a->words))
		a->words[a->n_words++] = value;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "unknown argument %s", value);
	else if (key == ARGP_KEY_END && a->n_words == 0)
		argp_error(state, "say what to do: list, add, passwd, role, remove or setup-link");
	else if (key == ARGP_KEY_END && !a->data)
		argp_error(state, "--data is missing");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp_option options[] = {
	{"data", KEY_DATA, "DIR", 0, "the agent's data directory", 0},
	{"roles", KEY_ROLES, "LIST", 0, "viewer,auditor,editor,publisher,admin: one or several", 0},
	{"url", KEY_URL, "URL", 0,
         "how browsers reach the agent, for setup-link; http://127.0.0.1:12380 when not given", 0},
	{0},
};
static const struct argp admin_argp = {
	.options = options,
	.parser = read_option,
	.args_doc =
		"list\nadd NAME --roles LIST\npasswd NAME\nrole NAME LIST\nremove NAME\nsetup-link",
	.doc = "The accounts of the dashboard and of the admin API. A password is asked for, or "
	       "read as one line of "
	       "standard input. Works while the agent runs and while it does not; every act is in "
	       "the book.",
};

static int complain(const struct desk *desk, const struct admin_arguments *a, int r)
{
	const char *name = a->n_words > 1 ? a->words[1] : "";
	if (r == -ENOENT)
		(void)fprintf(stderr, "haward admin: there is no account %s\n", name);
	else if (r == -EEXIST && strcmp(a->words[0], "add") == 0)
		(void)fprintf(stderr, "haward admin: there is an account %s already\n", name);
	else if (r == -EBUSY)
		(void)fprintf(stderr,
		              "haward admin: nobody would be left who can manage accounts\n");
	else if (r != -EINVAL && r != -EEXIST)
		desk_complain(desk, a->data, r);
	return EXIT_FAILURE;
}

static int usage(const char *text)
{
	(void)fprintf(stderr, "haward admin: %s\n", text);
	return EX_USAGE;
}

int cli_admin(int argc, char **argv)
{
	struct admin_arguments a = {0};
	CLEANUP(close_task) struct task task = {0};
	size_t act = 0;
	argv[0] = own_name;
	if (argp_parse(&admin_argp, argc, argv, 0, NULL, &a) != 0)
		return EX_USAGE;
	while (act < ARRAY_LEN(acts) && strcmp(acts[act].name, a.words[0]) != 0)
		act++;
	if (act == ARRAY_LEN(acts))
		return usage("list, add, passwd, role, remove and setup-link are known");
	task.name = sv_of(a.words[1]);
	task.url = a.url;
	if (acts[act].needs_name && !admin_name_ok(task.name))
		return usage(
			"the account's name is missing, or is none: 1 to 64 of a-z 0-9 . _ @ -");
	const char *roles = a.roles ? a.roles : a.words[2];
	if (roles && roles_parse(sv_of(roles), &task.roles) != 0)
		return usage("the roles are viewer, auditor, editor, publisher and admin, with "
		             "commas between");
	int r = desk_open(&task.desk, own_name, a.data);
	if (r == 0)
		r = acts[act].run(&task);
	return r == 0 ? EXIT_SUCCESS : complain(&task.desk, &a, r);
}
