/* A journal's file as a process finds it that is started after another one died: where nothing was recorded yet it is
 * made anew, and where something may be in it, it is never thrown away. */
#include "audit/journal.h"
#include "audit/journal_file.h"
#include "audit/ring.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct place {
	char dir[64], path[80];
};

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	assert_non_null(place);
	(void)snprintf(place->dir, sizeof(place->dir), "/tmp/haward-journal-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	(void)snprintf(place->path, sizeof(place->path), "%s/main.ring", place->dir);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;
	(void)unlink(place->path);
	(void)rmdir(place->dir);
	free(place);
	return 0;
}

/* Zeros, with some octets in one place. */
static void write_file(const struct place *place, off_t n, off_t at, const char *octets,
                       size_t n_octets)
{
	int fd = open(place->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, n), 0);
	assert_int_equal(pwrite(fd, octets, n_octets, at), (ssize_t)n_octets);
	assert_int_equal(close(fd), 0);
}

static void patch_file(const struct place *place, off_t at, const char *octets, size_t n_octets)
{
	int fd = open(place->path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, octets, n_octets, at), (ssize_t)n_octets);
	assert_int_equal(close(fd), 0);
}

static int open_and_record(const struct place *place)
{
	struct audit_journal *journal = NULL;
	int r = audit_journal_open_own(place->path, AUDIT_JOURNAL_MIN_BYTES, &journal);
	if (r != 0)
		return r;
	assert_int_equal(audit_submit_system(journal, SVL("start"), SVL("")), 0);
	audit_journal_close(journal);
	return 0;
}

static void one_that_was_being_made_is_made_anew(void **state)
{
	const struct place *place = *state;
	static const struct {
		off_t n;
		size_t n_octets; /* of a header's beginning */
	} rows[] = {{0, 0},
	            {1, 0},
	            {RING_HEADER_BYTES, 0},
	            {RING_HEADER_BYTES + 100, 0},
	            {RING_HEADER_BYTES + AUDIT_JOURNAL_MIN_BYTES, 0},
	            {RING_HEADER_BYTES + AUDIT_JOURNAL_MIN_BYTES, 8},
	            {RING_HEADER_BYTES + AUDIT_JOURNAL_MIN_BYTES, 12}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		write_file(place, rows[i].n, 0, "HWJRNL\r\n\1\0\0\0", rows[i].n_octets);
		assert_int_equal(open_and_record(place), 0);
	}
}

static void one_that_may_hold_records_is_not(void **state)
{
	const struct place *place = *state;
	write_file(place, RING_HEADER_BYTES + AUDIT_JOURNAL_MIN_BYTES,
	           RING_HEADER_BYTES + AUDIT_JOURNAL_MIN_BYTES - 1, "x", 1);
	assert_int_equal(open_and_record(place), -EBADMSG);
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(open_and_record(place), 0);
	patch_file(place, 0, "\0", 1);
	assert_int_equal(open_and_record(place), -EBADMSG);
	patch_file(place, 0, "H", 1);
	assert_int_equal(open_and_record(place), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_that_was_being_made_is_made_anew),
		TEST(one_that_may_hold_records_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
