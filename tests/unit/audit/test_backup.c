/* A copy of a book that is being written holds, has what was committed before it began, and goes on by itself. */
#include "audit/backup.h"
#include "audit/book.h"

static struct audit_chain_report verify_copy(const char *dir, struct audit_chain_report *ret)
{
	char path[160];
	struct audit_store *copy = NULL;
	snprintf(path, sizeof(path), "%s/audit", dir);
	assert_int_equal(audit_store_open(path, AUDIT_STORE_READ, 0, &copy), 0);
	assert_int_equal(audit_chain_verify(copy, ret), 0);
	audit_store_close(copy);
	assert_true(ret->holds);
	return *ret;
}

static void a_copy_holds_while_the_book_is_written(void **state)
{
	struct book *book = *state;
	struct audit_chain_report copied, whole;
	char dir[128];
	unsigned n = 0;
	for (unsigned turn = 0; turn < 5; turn++) {
		char name[16];
		snprintf(name, sizeof(name), "copy%u", turn);
		book_path(book, name, dir);
		book_add(book, n, 300);
		n += 300;
		book_sync(book);
		book_add(book, n, 200); /* these are on their way */
		n += 200;
		assert_int_equal(audit_backup(book->store, dir), 0);
		verify_copy(dir, &copied);
		assert_true(copied.n_records >= n - 200);
	}
	book_sync(book);
	whole = book_verify(book);
	assert_true(copied.n_records <= whole.n_records);
	assert_memory_equal(copied.book, whole.book, sizeof(whole.book));
	if (copied.n_records == whole.n_records)
		assert_memory_equal(copied.head, whole.head, sizeof(whole.head));
}

static void an_agent_goes_on_from_a_copy(void **state)
{
	struct book *book = *state;
	struct audit_chain_report before, after;
	char dir[128], path[160];
	struct stat file;
	book_add(book, 0, 50);
	book_sync(book);
	book_path(book, "copy", dir);
	assert_int_equal(audit_backup(book->store, dir), 0);
	verify_copy(dir, &before);
	snprintf(path, sizeof(path), "%s/audit/events/data.mdb", dir);
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_mode & 0777, 0600);

	struct book second = {.ids = book->ids};
	snprintf(second.dir, sizeof(second.dir), "%.58s/copy", book->dir);
	book_open(&second, 1);
	book_add(&second, 0, 30);
	book_index(&second);
	after = book_verify(&second);
	assert_true(after.holds);
	assert_true(after.n_records >= before.n_records + 30);
	book_close(&second);
}

static void what_is_there_is_left_alone(void **state)
{
	struct book *book = *state;
	char dir[128], part[160];
	book_path(book, "copy", dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(audit_backup(book->store, dir), -EEXIST);
	assert_int_equal(rmdir(dir), 0); /* still empty */
	snprintf(part, sizeof(part), "%s.part", dir);
	assert_int_equal(mkdir(part, 0700), 0);
	assert_int_equal(audit_backup(book->store, dir), -EEXIST);
	assert_int_equal(rmdir(part), 0);
	snprintf(part, sizeof(part), "%s/none/copy", dir);
	assert_int_equal(audit_backup(book->store, part), -ENOENT);
	assert_int_equal(audit_backup(book->store, ""), -EINVAL);
	assert_int_equal(audit_backup(book->store, dir), 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, book_setup, book_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(a_copy_holds_while_the_book_is_written),
		ROW(an_agent_goes_on_from_a_copy),
		ROW(what_is_there_is_left_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
