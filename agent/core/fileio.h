/* Whole files: read with a ceiling, replaced atomically. */
#ifndef CORE_FILEIO_H
#define CORE_FILEIO_H

#include "core/macros.h"
#include "core/sv.h"

#include <sys/types.h>

/* file_read - the whole file into owned memory, terminated.
 *
 * in      max_bytes: larger files are refused
 * out     *ret: owned text (free), set only on 0; *ret_n its length
 * errors  0, -EFBIG past max_bytes, -ENOMEM, or open's and read's errno
 */
MUST_CHECK int file_read(const char *path, size_t max_bytes, char **ret, size_t *ret_n);

/* file_replace - writes bytes beside path and renames over it, synced, so that a reader sees old or
 * new. errors  0 or -errno
 */
MUST_CHECK int file_replace(const char *path, struct sv bytes, mode_t mode);

/* file_reserve - makes the file when it is not there, mode 0600, and takes disk space for its first n bytes, so that
 * a write into a map of them never meets a full disk (SIGBUS). What stands in it stays. It closes a descriptor of the
 * file, and with that drops the fcntl() locks of this process on it: do it before they are taken.
 *
 * errors  0, also where the file system cannot do it; -ENOSPC, -EDQUOT, -EFBIG there is no space; open's errno
 */
MUST_CHECK int file_reserve(const char *path, size_t n);

/* dir_make - the directory, its parents too; exists already is fine. errors: 0 or -errno */
MUST_CHECK int dir_make(const char *path, mode_t mode);

/* freep - for CLEANUP(freep) char *x. closefd - for CLEANUP(closefd) int fd = -1. */
void freep(void *pointer_to_pointer);
void closefd(int *fd);

#endif
