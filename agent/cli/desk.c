#include "cli/desk.h"

#include "audit/journal.h"
#include "core/fileio.h"
#include "core/limits.h"
#include "state/state.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 1024 };

/* A file that root left here the agent could not open; the real user stays, and stands in the record. */
static int become_owner(const char *data)
{
	struct stat dir;
	if (geteuid() != 0 || stat(data, &dir) != 0 || dir.st_uid == 0)
		return 0;
	return setegid(dir.st_gid) == 0 && seteuid(dir.st_uid) == 0 ? 0 : -errno;
}

static int state_path(const char *data, char ret[static PATH_BYTES])
{
	int n = snprintf(ret, PATH_BYTES, "%s/state", data);
	return n < 0 || (size_t)n >= PATH_BYTES ? -ENAMETOOLONG : 0;
}

static int open_state(const char *data, struct state **ret)
{
	char path[PATH_BYTES];
	int r = dir_make(data, 0700);
	if (r == 0)
		r = state_path(data, path);
	return r == 0 ? state_open(path, ret) : r;
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
static int room_to_record(const struct desk *desk)
{
	struct audit_journal_stats stats;
	audit_journal_stats(desk->journal, &stats);
	if (stats.used_bytes + AUDIT_RECORD_MAX <= stats.size_bytes)
		return 0;
	(void)fprintf(stderr, "%s: the journal is full; start the agent, which empties it\n",
	              desk->command);
	return -ENOSPC;
}

int desk_open(struct desk *desk, const char *command, const char *data)
{
	*desk = (struct desk){.command = command};
	int r = become_owner(data);
	if (r == 0)
		r = open_state(data, &desk->state);
	if (r == 0)
		r = open_journal(data, &desk->journal);
	return r == 0 ? room_to_record(desk) : r;
}

int desk_look(struct desk *desk, const char *command, const char *data)
{
	char path[PATH_BYTES];
	*desk = (struct desk){.command = command};
	int r = become_owner(data);
	if (r == 0)
		r = state_path(data, path);
	if (r == 0 && access(path, F_OK) != 0)
		r = -errno;
	return r == 0 ? state_open(path, &desk->state) : r;
}

void desk_close(struct desk *desk)
{
	state_close(desk->state);
	audit_journal_close(desk->journal);
	*desk = (struct desk){0};
}

void desk_operator(char ret[static DESK_NAME_BYTES])
{
	struct passwd *user = getpwuid(getuid()); /* NOLINT(concurrency-mt-unsafe): one thread */
	if (user)
		(void)snprintf(ret, DESK_NAME_BYTES, "%s", user->pw_name);
	else
		(void)snprintf(ret, DESK_NAME_BYTES, "uid-%u", (unsigned)getuid());
}

int desk_record(const struct desk *desk, const char *action, struct sv target, struct sv after)
{
	char operator[DESK_NAME_BYTES];
	desk_operator(operator);
	struct audit_act act = {
		.actor = sv_of(operator),
		.channel = SV("cli"),
		.action = sv_of(action),
		.target = target,
		.result = SV("ok"),
		.after = after,
	};
	return audit_submit_admin(desk->journal, &act);
}

void desk_complain(const struct desk *desk, const char *data, int error)
{
	if (error == -EBADMSG)
		(void)fprintf(stderr, "%s: what is in %s is damaged, or of another version\n",
		              desk->command, data);
	else
		(void)fprintf(stderr, "%s: %s: %s\n", desk->command, data, strerrordesc_np(-error));
}
