/* Whole files: what a crash, a full disk or a stranger's link may leave of them. */
#include "core/fileio.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/haward-fileio-XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int make_dir(void **state)
{
	(void)state;
	(void)umask(022);
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static struct stat stat_of(const char *name)
{
	struct stat file;
	assert_int_equal(lstat(in_dir(name), &file), 0);
	return file;
}

static void limit_files(rlim_t bytes)
{
	struct rlimit files;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &files), 0);
	files.rlim_cur = bytes < files.rlim_max ? bytes : files.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &files), 0);
}

static void a_file_is_read_whole_or_not_at_all(void **state)
{
	static char block[20000];
	char *text = NULL;
	size_t n = 77;
	(void)state;
	memset(block, 'x', sizeof(block));
	assert_int_equal(file_replace(in_dir("f"), (struct sv){block, sizeof(block)}, 0600), 0);
	assert_int_equal(file_read(in_dir("f"), sizeof(block), &text, &n), 0);
	assert_int_equal(n, sizeof(block));
	assert_int_equal(text[n], '\0');
	free(text);
	text = NULL;
	assert_int_equal(file_read(in_dir("f"), sizeof(block) - 1, &text, &n), -EFBIG);
	assert_int_equal(file_read(in_dir("none"), 10, &text, &n), -ENOENT);
	assert_int_equal(file_read(dir, 10, &text, &n), -EISDIR);
	assert_null(text); /* set only on success */
	assert_int_equal(file_replace(in_dir("empty"), (struct sv){0}, 0600), 0);
	assert_int_equal(file_read(in_dir("empty"), 10, &text, &n), 0);
	assert_int_equal(n, 0);
	assert_string_equal(text, "");
	free(text);
}

static void a_replacement_that_fails_leaves_the_old(void **state)
{
	static char block[20000];
	char *text = NULL;
	size_t n;
	(void)state;
	assert_int_equal(file_replace(in_dir("kept"), SVL("old"), 0640), 0);
	assert_int_equal(stat_of("kept").st_mode & 0777, 0640);
	limit_files(4096);
	int r = file_replace(in_dir("kept"), (struct sv){block, sizeof(block)}, 0640);
	limit_files(RLIM_INFINITY);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(file_read(in_dir("kept"), 100, &text, &n), 0);
	assert_string_equal(text, "old");
	free(text);
	assert_int_equal(file_replace(in_dir("no/such/dir/f"), SVL("x"), 0600), -ENOENT);
	assert_int_equal(file_replace(in_dir("kept"), SVL("new"), 0600), 0);
	assert_int_equal(stat_of("kept").st_mode & 0777, 0600);
}

static void directories_are_made_with_their_parents(void **state)
{
	(void)state;
	assert_int_equal(dir_make(in_dir("a/b/c"), 0700), 0);
	assert_int_equal(dir_make(in_dir("a/b/c"), 0700), 0); /* is there already */
	assert_int_equal(stat_of("a/b/c").st_mode & 0777, 0700);
	assert_int_equal(file_replace(in_dir("a/file"), SVL("x"), 0600), 0);
	assert_true(dir_make(in_dir("a/file/below"), 0700) < 0);
}

/* What is mapped has its blocks. */
static void space_is_taken_before_it_is_mapped(void **state)
{
	enum { N = 65536 };
	char *text = NULL;
	size_t n;
	(void)state;
	assert_int_equal(file_reserve(in_dir("lock"), N), 0);
	struct stat file = stat_of("lock");
	assert_int_equal(file.st_mode & 0777, 0600);
	assert_int_equal(file.st_size, N);
	assert_true(file.st_blocks * 512 >= N);
	/* holes of what is there are filled; its bytes stay */
	int fd = open(in_dir("sparse"), O_RDWR | O_CREAT, 0600);
	assert_int_equal(pwrite(fd, "first", 5, 0), 5);
	assert_int_equal(ftruncate(fd, 2 * N), 0);
	(void)close(fd);
	assert_int_equal(file_reserve(in_dir("sparse"), N), 0);
	assert_int_equal(stat_of("sparse").st_size, 2 * N);
	assert_true(stat_of("sparse").st_blocks * 512 >= N);
	assert_int_equal(file_read(in_dir("sparse"), 3 * N, &text, &n), 0);
	assert_string_equal(text, "first");
	free(text);
	limit_files(4096);
	int r = file_reserve(in_dir("too-large"), N);
	limit_files(RLIM_INFINITY);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(file_reserve(in_dir("no/such/dir/f"), N), -ENOENT);
	assert_int_equal(symlink("lock", in_dir("link")), 0);
	assert_int_equal(file_reserve(in_dir("link"), 2 * N), -ELOOP); /* somebody's trap */
	assert_int_equal(stat_of("lock").st_size, N);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_whole_or_not_at_all),
		cmocka_unit_test(a_replacement_that_fails_leaves_the_old),
		cmocka_unit_test(directories_are_made_with_their_parents),
		cmocka_unit_test(space_is_taken_before_it_is_mapped),
	};
	(void)signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
