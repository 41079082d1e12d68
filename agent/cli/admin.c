#include "audit/journal.h"
#include "cli/cli.h"
#include "core/clock.h"
#include "core/fileio.h"
#include "core/limits.h"
#include "core/secret.h"
#include "state/admins.h"
#include "state/password.h"
#include "state/roles.h"
#include "state/setup.h"
#include "state/state.h"

#include <argp.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, LINE_BYTES = PASSWORD_MAX_BYTES + 2 };
enum { KEY_DATA = 'd', KEY_ROLES = 'r', KEY_URL = 'u' };

struct admin_arguments {
	const char *data, *roles, *url;
	const char *words[3]; /* the act, the account, a role list */
	size_t n_words;
};

/* What an act works on. */
struct desk {
	struct state *state;
	struct audit_journal *journal;
	struct sv name; /* of the account; empty where the act needs none */
	uint32_t roles; /* 0: not given */
	const char *url;
};

static void close_desk(struct desk *desk)
{
	state_close(desk->state);
	audit_journal_close(desk->journal);
}

/* ---- passwords: from the terminal without echo, or one line of standard input; never from argv ---- */

static bool read_line(char line[static LINE_BYTES], struct sv *ret)
{
	if (!fgets(line, LINE_BYTES, stdin))
		return false;
	size_t n = strlen(line);
	if (n > 0 && line[n - 1] == '\n')
		n--;
	else if (!feof(stdin))
		return false; /* longer than a password may be */
	*ret = (struct sv){line, n};
	return true;
}

static bool ask_hidden(const char *prompt, char line[static LINE_BYTES], struct sv *ret)
{
	struct termios before;
	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return read_line(line, ret);
	struct termios quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)fputs(prompt, stderr);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	bool ok = read_line(line, ret);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	(void)fputc('\n', stderr);
	return ok;
}

static bool typed_twice(struct sv password)
{
	char again[LINE_BYTES];
	struct sv second = {0};
	if (!isatty(STDIN_FILENO))
		return true;
	bool same = ask_hidden("Once more: ", again, &second) && secret_equal(password, second);
	secret_wipe(again, sizeof(again));
	if (!same)
		(void)fprintf(stderr, "haward admin: the two are not the same\n");
	return same;
}

static int hash_new_password(struct sv name, char phc[static PASSWORD_PHC_BYTES])
{
	char line[LINE_BYTES] = "";
	struct sv password;
	int r = -EINVAL;
	if (!ask_hidden("New password: ", line, &password)) {
		(void)fprintf(stderr, "haward admin: no password on standard input\n");
	} else {
		enum password_fault fault = password_check(password, name);
		if (fault != PASSWORD_GOOD)
			(void)fprintf(stderr, "haward admin: %s\n", password_fault_text(fault));
		else if (typed_twice(password))
			r = password_hash(password, phc);
	}
	secret_wipe(line, sizeof(line));
	return r;
}

/* ---- the acts ---- */

/* Who sits at the terminal, as the host knows them. */
static void operator_name(char ret[static 64])
{
	struct passwd *user = getpwuid(getuid()); /* NOLINT(concurrency-mt-unsafe): one thread */
	if (user)
		(void)snprintf(ret, 64, "%s", user->pw_name);
	else
		(void)snprintf(ret, 64, "uid-%u", (unsigned)getuid());
}

static int record(const struct desk *desk, const char *action, const char *result, struct sv after)
{
	char operator[64];
	operator_name(operator);
	struct audit_act act = {
		.actor = sv_of(operator),
		.channel = SV("cli"),
		.action = sv_of(action),
		.target = desk->name,
		.result = sv_of(result),
		.after = after,
	};
	return audit_submit_admin(desk->journal, &act);
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

static int act_list(struct desk *desk)
{
	return state_admin_list(desk->state, list_one, NULL);
}

static int act_add(struct desk *desk)
{
	int64_t now_us = clock_real_us();
	struct state_admin admin = {
		.roles = desk->roles, .created_us = now_us, .changed_us = now_us};
	char roles[ROLES_TEXT_BYTES];
	if (desk->roles == ROLE_NOBODY) {
		(void)fprintf(stderr, "haward admin: --roles is missing: "
		                      "viewer,auditor,editor,publisher,admin\n");
		return -EINVAL;
	}
	memcpy(admin.name, desk->name.at, desk->name.n);
	int r = hash_new_password(desk->name, admin.phc);
	if (r == 0)
		r = state_admin_add(desk->state, &admin);
	roles_text(admin.roles, roles);
	if (r == 0)
		r = record(desk, "admin.create", "ok", sv_of(roles));
	return r;
}

static int change(struct desk *desk, const struct state_admin_change *how, const char *action,
                  struct sv after)
{
	int r = state_admin_change(desk->state, desk->name, how, clock_real_us());
	return r == 0 ? record(desk, action, "ok", after) : r;
}

static int act_passwd(struct desk *desk)
{
	char phc[PASSWORD_PHC_BYTES];
	struct state_admin there;
	int r = state_admin_get(desk->state, desk->name, &there);
	if (r == 0)
		r = hash_new_password(desk->name, phc);
	if (r != 0)
		return r;
	struct state_admin_change how = {.phc = phc};
	return change(desk, &how, "admin.change", SVL("new password"));
}

static int act_role(struct desk *desk)
{
	char roles[ROLES_TEXT_BYTES];
	if (desk->roles == ROLE_NOBODY) {
		(void)fprintf(
			stderr,
			"haward admin: roles are missing: viewer,auditor,editor,publisher,admin\n");
		return -EINVAL;
	}
	roles_text(desk->roles, roles);
	struct state_admin_change how = {.roles = desk->roles};
	return change(desk, &how, "admin.change", sv_of(roles));
}

static int act_remove(struct desk *desk)
{
	int r = state_admin_remove(desk->state, desk->name);
	return r == 0 ? record(desk, "admin.delete", "ok", (struct sv){0}) : r;
}

static int act_setup_link(struct desk *desk)
{
	char token[SETUP_TOKEN_BYTES];
	int r = state_setup_create(desk->state, clock_real_us(), token);
	if (r == -EEXIST) {
		(void)fprintf(stderr, "haward admin: an account exists already; `haward admin "
		                      "passwd` changes its password\n");
		return r;
	}
	if (r == 0)
		r = record(desk, "setup.link", "ok", (struct sv){0});
	if (r == 0)
		(void)printf("%s/setup#token=%s\n",
		             desk->url ? desk->url : "http://127.0.0.1:12380", token);
	secret_wipe(token, sizeof(token));
	return r;
}

static const struct {
	const char *name;
	bool needs_name;
	int (*run)(struct desk *desk);
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

/* A file that root left here the agent could not open; the real user stays, and stands in the record. */
static int become_owner(const char *data)
{
	struct stat dir;
	if (geteuid() != 0 || stat(data, &dir) != 0 || dir.st_uid == 0)
		return 0;
	return setegid(dir.st_gid) == 0 && seteuid(dir.st_uid) == 0 ? 0 : -errno;
}

static int open_state(const char *data, struct state **ret)
{
	char path[PATH_BYTES];
	int r = dir_make(data, 0700);
	int n = snprintf(path, sizeof(path), "%s/state", data);
	if (r == 0)
		r = n < 0 || (size_t)n >= sizeof(path) ? -ENAMETOOLONG : state_open(path, ret);
	return r;
}

static int open_journal(const char *data, struct audit_journal **ret)
{
	char dir[PATH_BYTES];
	char path[PATH_BYTES + sizeof("/cli.ring")];
	int n = snprintf(dir, sizeof(dir), "%s/journal", data);
	if (n < 0 || (size_t)n >= sizeof(dir))
		return -ENAMETOOLONG;
	int r = dir_make(dir, 0700);
	(void)snprintf(path, sizeof(path), "%s/cli.ring", dir);
	return r == 0 ? audit_journal_open_shared(path, AUDIT_JOURNAL_MIN_BYTES, ret) : r;
}

/* An act that cannot be recorded is not done. */
static int room_to_record(const struct audit_journal *journal)
{
	struct audit_journal_stats stats;
	audit_journal_stats(journal, &stats);
	if (stats.used_bytes + AUDIT_RECORD_MAX <= stats.size_bytes)
		return 0;
	(void)fprintf(stderr,
	              "haward admin: the journal is full; start the agent, which empties it\n");
	return -ENOSPC;
}

static int complain(const struct admin_arguments *a, int r)
{
	const char *name = a->n_words > 1 ? a->words[1] : "";
	if (r == -ENOENT)
		(void)fprintf(stderr, "haward admin: there is no account %s\n", name);
	else if (r == -EEXIST && strcmp(a->words[0], "add") == 0)
		(void)fprintf(stderr, "haward admin: there is an account %s already\n", name);
	else if (r == -EBUSY)
		(void)fprintf(stderr,
		              "haward admin: nobody would be left who can manage accounts\n");
	else if (r == -EBADMSG)
		(void)fprintf(stderr,
		              "haward admin: what is in %s is damaged, or of another version\n",
		              a->data);
	else if (r != -EINVAL && r != -EEXIST)
		(void)fprintf(stderr, "haward admin: %s: %s\n", a->data, strerrordesc_np(-r));
	return EXIT_FAILURE;
}

static int usage(const char *text)
{
	(void)fprintf(stderr, "haward admin: %s\n", text);
	return EX_USAGE;
}

static char own_name[] = "haward admin"; /* for the usage text */

int cli_admin(int argc, char **argv)
{
	struct admin_arguments a = {0};
	CLEANUP(close_desk) struct desk desk = {0};
	size_t act = 0;
	argv[0] = own_name;
	if (argp_parse(&admin_argp, argc, argv, 0, NULL, &a) != 0)
		return EX_USAGE;
	while (act < ARRAY_LEN(acts) && strcmp(acts[act].name, a.words[0]) != 0)
		act++;
	if (act == ARRAY_LEN(acts))
		return usage("list, add, passwd, role, remove and setup-link are known");
	desk.name = sv_of(a.words[1]);
	desk.url = a.url;
	if (acts[act].needs_name && !admin_name_ok(desk.name))
		return usage(
			"the account's name is missing, or is none: 1 to 64 of a-z 0-9 . _ @ -");
	const char *roles = a.roles ? a.roles : a.words[2];
	if (roles && roles_parse(sv_of(roles), &desk.roles) != 0)
		return usage("the roles are viewer, auditor, editor, publisher and admin, with "
		             "commas between");
	int r = become_owner(a.data);
	if (r == 0)
		r = open_state(a.data, &desk.state);
	if (r == 0)
		r = open_journal(a.data, &desk.journal);
	if (r == 0)
		r = room_to_record(desk.journal);
	if (r == 0)
		r = acts[act].run(&desk);
	return r == 0 ? EXIT_SUCCESS : complain(&a, r);
}
