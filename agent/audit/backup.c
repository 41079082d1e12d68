#include "audit/backup.h"

#include "audit/store_file.h"
#include "core/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 2048 };

struct paths {
	char part[PATH_BYTES], audit[PATH_BYTES], events[PATH_BYTES], data[PATH_BYTES];
};

static int make_paths(const char *dir, struct paths *ret)
{
	size_t n = strlen(dir);
	while (n > 1 && dir[n - 1] == '/')
		n--;
	int last = snprintf(ret->data, PATH_BYTES, "%.*s.part/audit/events/data.mdb", (int)n, dir);
	if (n == 0 || last < 0 || last >= PATH_BYTES)
		return n == 0 ? -EINVAL : -ENAMETOOLONG;
	(void)snprintf(ret->part, PATH_BYTES, "%.*s.part", (int)n, dir);
	(void)snprintf(ret->audit, PATH_BYTES, "%.*s.part/audit", (int)n, dir);
	(void)snprintf(ret->events, PATH_BYTES, "%.*s.part/audit/events", (int)n, dir);
	return 0;
}

static int make_dirs(const struct paths *paths)
{
	const char *const dirs[] = {paths->part, paths->audit, paths->events};
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (mkdir(dirs[i], 0700) != 0)
			return -errno;
	return 0;
}

static void remove_all(const struct paths *paths)
{
	(void)unlink(paths->data);
	(void)rmdir(paths->events);
	(void)rmdir(paths->audit);
	(void)rmdir(paths->part);
}

static int sync_path(const char *path)
{
	CLEANUP(closefd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || fsync(fd) != 0 ? -errno : 0;
}

static int copy(struct audit_store *store, const struct paths *paths)
{
	(void)pthread_rwlock_rdlock(&store->guard);
	int r = store->events ? store_errno(mdb_env_copy2(store->events, paths->events, 0)) : -EIO;
	(void)pthread_rwlock_unlock(&store->guard);
	if (r == 0 && chmod(paths->data, 0600) != 0)
		r = -errno;
	const char *const synced[] = {paths->data, paths->events, paths->audit, paths->part};
	for (size_t i = 0; i < ARRAY_LEN(synced) && r == 0; i++)
		r = sync_path(synced[i]);
	return r;
}

int audit_backup(struct audit_store *store, const char *dir)
{
	struct paths paths;
	int r = make_paths(dir, &paths);
	if (r == 0 && access(dir, F_OK) == 0)
		r = -EEXIST;
	if (r != 0)
		return r;
	r = make_dirs(&paths);
	if (r == -EEXIST)
		return r; /* somebody else's */
	if (r == 0)
		r = copy(store, &paths);
	if (r == 0 && rename(paths.part, dir) != 0)
		r = -errno;
	if (r != 0)
		remove_all(&paths);
	return r;
}
