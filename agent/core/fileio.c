#include "core/fileio.h"

#include "core/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void freep(void *pointer_to_pointer)
{
	void **at = pointer_to_pointer;
	free(*at);
	*at = NULL;
}

void closefd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void strbuf_finip(struct strbuf *b)
{
	strbuf_fini(b);
}

int file_read(const char *path, size_t max_bytes, char **ret, size_t *ret_n)
{
	CLEANUP(closefd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	CLEANUP(strbuf_finip) struct strbuf text = strbuf_with(max_bytes);
	char block[8192];
	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n = read(fd, block, sizeof(block));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		strbuf_add(&text, (struct sv){block, (size_t)n});
		if (text.failed)
			return -EFBIG;
	}
	size_t n = text.n;
	char *whole = strbuf_take(&text);
	if (!whole)
		return -ENOMEM;
	*ret = whole;
	*ret_n = n;
	return 0;
}

int file_reserve(const char *path, size_t n)
{
	CLEANUP(closefd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (fallocate(fd, 0, 0, (off_t)n) == 0)
		return 0;
	/* not posix_fallocate(): where it has to help itself, it writes over what others just wrote */
	return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? -errno : 0;
}

static int write_all(int fd, struct sv bytes)
{
	while (bytes.n) {
		ssize_t n = write(fd, bytes.at, bytes.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		bytes = sv_from(bytes, (size_t)n);
	}
	return 0;
}

int file_replace(const char *path, struct sv bytes, mode_t mode)
{
	char temporary[PATH_MAX];
	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= sizeof(temporary))
		return -ENAMETOOLONG;
	CLEANUP(closefd) int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = fchmod(fd, mode) == 0 ? write_all(fd, bytes) : -errno;
	if (r == 0 && fsync(fd) != 0)
		r = -errno;
	if (r == 0 && rename(temporary, path) != 0)
		r = -errno;
	if (r)
		(void)unlink(temporary);
	return r;
}

int dir_make(const char *path, mode_t mode)
{
	char part[PATH_MAX];
	size_t n = strlen(path);
	if (n == 0 || n >= sizeof(part))
		return n ? -ENAMETOOLONG : -EINVAL;
	memcpy(part, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		char end = part[i];
		part[i] = '\0';
		if (mkdir(part, mode) != 0 && errno != EEXIST)
			return -errno;
		part[i] = end;
	}
	return 0;
}
