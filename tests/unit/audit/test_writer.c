#include "audit/book.h"
#include "audit/journal_file.h"
#include "audit/store_file.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

static uint64_t n_records(struct book *book)
{
	struct audit_store_stats stats;
	assert_int_equal(audit_store_stats(book->store, &stats), 0);
	return stats.last_seq;
}

static void what_is_submitted_is_committed(void **state)
{
	struct book *book = *state;
	book_add(book, 0, 5000);
	book_sync(book);
	assert_int_equal(n_records(book), 5000);
	struct audit_chain_report report = book_verify(book);
	assert_true(report.holds);
	assert_int_equal(report.n_records, 5000);
	struct audit_writer_stats stats;
	audit_writer_stats(book->writer, &stats);
	assert_false(stats.failing);
	assert_int_equal(stats.committed_seq, 5000);
	assert_int_equal(stats.n_refused, 0);
}

static void all_kinds_and_journals_end_in_one_book(void **state)
{
	struct book *book = *state;
	struct audit_journal *main_journal = audit_journals_main(book->journals);
	struct audit_act act = {
		.actor = SV("ann"), .action = SV("policy.publish"), .result = SV("ok")};
	struct outcome outcome = outcome_unknown();
	book_add(book, 0, 1);
	assert_int_equal(audit_submit_admin(audit_journals_admin(book->journals), &act), 0);
	assert_int_equal(audit_submit_system(main_journal, SVL("start"), SVL("")), 0);
	assert_int_equal(audit_submit_outcome(main_journal, &outcome), 0);
	assert_null(audit_journals_worker(book->journals, 2));
	book_sync(book);
	assert_int_equal(n_records(book), 4);
}

static void stop_and_start_neither_loses_nor_doubles(void **state)
{
	struct book *book = *state;
	for (unsigned i = 0; i < 5; i++) {
		book_add(book, i * 100, 100);
		book_close(book);
		book_open(book, i % 2 + 1); /* a ring that is not asked for is still read */
	}
	assert_int_equal(n_records(book), 500);
	assert_true(book_verify(book).holds);
}

static void stop_takes_along_what_came_while_the_writer_rested(void **state)
{
	struct book *book = *state;
	audit_writer_stop(TAKE(book->writer));
	const struct audit_writer_options slow = {
		.store = book->store, .journals = book->journals, .commit_interval_ms = 1000};
	assert_int_equal(audit_writer_start(&slow, &book->writer), 0);
	assert_int_equal(usleep(50000), 0); /* its first turn found nothing */
	assert_int_equal(
		audit_submit_system(audit_journals_main(book->journals), SVL("stop"), SVL("")), 0);
	audit_writer_stop(TAKE(book->writer));
	assert_int_equal(n_records(book), 1);
}

static void second_writer_is_refused(void **state)
{
	struct book *book = *state;
	char path[128];
	struct audit_journals *journals = NULL;
	book_path(book, "journal", path);
	struct audit_journals_options options = {.dir = path, .n_workers = 1};
	assert_int_equal(audit_journals_open(&options, &journals), -EBUSY);
	pid_t pid = fork();
	if (pid == 0) {
		struct audit_store *other = NULL;
		book_path(book, "audit", path);
		_exit(audit_store_open(path, AUDIT_STORE_WRITE, 0, &other) == -EBUSY ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void full_journal_refuses_and_a_gap_goes_first(void **state)
{
	struct book *book = *state;
	audit_writer_stop(TAKE(book->writer));
	struct audit_journal *j = audit_journals_worker(book->journals, 0);
	unsigned n = 0, refused = 0;
	struct sample s;
	for (; refused < 3; n += refused == 0) {
		sample_make(&s, &book->ids, n);
		int r = audit_submit(j, &s.req, &s.decision);
		assert_true(r == 0 || r == -ENOSPC);
		refused += r == -ENOSPC;
	}
	struct audit_journal_stats stats;
	audit_journal_stats(j, &stats);
	assert_int_equal(stats.n_refused, 3);
	book_close(book);
	book_open(book, 1);
	assert_int_equal(n_records(book), n);
	j = audit_journals_worker(book->journals, 0);
	audit_journal_flush_gap(j);
	book_sync(book);
	struct store_view view;
	struct audit_record record;
	assert_int_equal(store_view_open(book->store, &view), 0);
	assert_int_equal(view.last_seq, n + 1);
	assert_int_equal(store_view_record(&view, n + 1, &record), 0);
	assert_int_equal(record.kind, AUDIT_GAP);
	assert_int_equal(record.gap_count, 3);
	store_view_close(&view);
}

static void shared_journal_is_read_whoever_wrote_it(void **state)
{
	struct book *book = *state;
	char path[128];
	struct audit_act act = {
		.actor = SV("root"), .action = SV("admin.create"), .result = SV("ok")};
	book_path(book, "journal/cli.ring", path);
	for (int i = 0; i < 3; i++) {
		struct audit_journal *j = NULL;
		assert_int_equal(audit_journal_open_shared(path, 0, &j), 0);
		assert_int_equal(audit_submit_admin(j, &act), 0);
		audit_journal_close(j);
	}
	book_sync(book);
	assert_int_equal(n_records(book), 3);
	book_close(book);
	struct audit_journal *j = NULL; /* while no agent runs */
	assert_int_equal(audit_journal_open_shared(path, 0, &j), 0);
	assert_int_equal(audit_submit_admin(j, &act), 0);
	audit_journal_close(j);
	book_open(book, 1);
	assert_int_equal(n_records(book), 4);
}

/* Counts what a child did, in memory that outlives it. */
static void child_work(struct book *book, _Atomic uint64_t *answered)
{
	book_open(book, 1);
	for (unsigned i = 0;; i++) {
		struct sample s;
		sample_make(&s, &book->ids, i);
		if (audit_submit(audit_journals_worker(book->journals, 0), &s.req, &s.decision) ==
		    0)
			atomic_fetch_add(answered, 1);
	}
}

static void killed_process_loses_nothing_that_was_answered(void **state)
{
	struct book *book = *state;
	book_close(book);
	_Atomic uint64_t *answered =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(answered != MAP_FAILED);
	unsigned n_kills = 0;
	for (; n_kills < 8; n_kills++) {
		pid_t pid = fork();
		if (pid == 0)
			child_work(book, answered);
		usleep(20000 + n_kills * 17000);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	book_open(book, 1);
	uint64_t stored = n_records(book);
	assert_true(*answered > 0);
	/* Submitted and killed before it was counted: at most one a kill. Gaps are records too. */
	struct audit_query_options options = {.kinds = AUDIT_KIND_BIT(AUDIT_REQUEST)};
	struct audit_export_options export_options = {.query = options, .format = AUDIT_JSONL};
	struct audit_query_error error;
	struct audit_export *export = NULL;
	struct audit_export_stats stats;
	static char buffer[65536];
	assert_int_equal(audit_export_open(book->store, &export_options, &error, &export), 0);
	while (audit_export_fill(export, buffer, sizeof(buffer)) > 0)
		;
	audit_export_stats(export, &stats);
	audit_export_close(export);
	assert_true(stats.n_rows >= *answered);
	assert_true(stats.n_rows <= *answered + n_kills);
	assert_true(stored >= stats.n_rows);
	assert_true(book_verify(book).holds);
	(void)munmap((void *)(uintptr_t)answered, 4096);
}

/* Every id once: a replay after a lost commit acknowledgement must not double. */
static int count_row(void *user, const struct audit_row *row)
{
	(void)row;
	(*(uint64_t *)user)++;
	return 0;
}

static void full_disk_is_waited_out_in_order(void **state)
{
	struct book *book = *state;
	struct rlimit before, tight;
	struct audit_writer_stats stats;
	struct stat file;
	char path[128];
	(void)signal(SIGXFSZ, SIG_IGN);
	book_add(book, 0, 2000);
	book_index(book);
	book_path(book, "audit/events/data.mdb", path);
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = (rlim_t)file.st_size + 8192;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	struct audit_journal *j = audit_journals_worker(book->journals, 0);
	struct sample s;
	unsigned n = 0;
	for (; n < 1000; n++) {
		sample_make(&s, &book->ids, n);
		assert_int_equal(audit_submit(j, &s.req, &s.decision), 0);
	}
	for (int i = 0; i < 400; i++) {
		audit_writer_stats(book->writer, &stats);
		if (stats.failing)
			break;
		usleep(5000);
	}
	assert_true(stats.failing);
	assert_true(stats.error < 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	book_sync(book);
	audit_writer_stats(book->writer, &stats);
	assert_int_equal(n_records(book), 3000);
	assert_true(book_verify(book).holds);
	for (int i = 0; i < 400 && stats.failing; i++) {
		usleep(5000);
		audit_writer_stats(book->writer, &stats);
	}
	assert_false(stats.failing);
	book_index(book);
	struct audit_query_options options = {.filter = SV("user:user-3"), .limit = 1000};
	struct audit_query_error error;
	struct audit_query *query = NULL;
	struct audit_page page;
	uint64_t found = 0;
	assert_int_equal(audit_query_open(book->store, &options, &error, &query), 0);
	assert_int_equal(audit_query_page(query, count_row, &found, &page), 0);
	audit_query_close(query);
	assert_int_equal(found, 21 + 11); /* of 2000 and of 1000 */
}

static void damaged_index_is_made_again(void **state)
{
	struct book *book = *state;
	char path[128];
	book_add(book, 0, 3000);
	book_index(book);
	book_close(book);
	book_path(book, "audit/index/data.mdb", path);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs("this is no database at all", file) >= 0);
	assert_int_equal(fclose(file), 0);
	book_open(book, 1);
	book_index(book);
	book_close(book);
	assert_int_equal(unlink(path), 0);
	book_open(book, 1);
	book_index(book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_submitted_is_committed, book_setup,
	                                        book_teardown),
		cmocka_unit_test_setup_teardown(all_kinds_and_journals_end_in_one_book, book_setup,
	                                        book_teardown),
		cmocka_unit_test_setup_teardown(stop_and_start_neither_loses_nor_doubles,
	                                        book_setup, book_teardown),
		cmocka_unit_test_setup_teardown(stop_takes_along_what_came_while_the_writer_rested,
	                                        book_setup, book_teardown),
		cmocka_unit_test_setup_teardown(second_writer_is_refused, book_setup,
	                                        book_teardown),
		cmocka_unit_test_setup_teardown(full_journal_refuses_and_a_gap_goes_first,
	                                        book_setup, book_teardown),
		cmocka_unit_test_setup_teardown(shared_journal_is_read_whoever_wrote_it, book_setup,
	                                        book_teardown),
		cmocka_unit_test_setup_teardown(killed_process_loses_nothing_that_was_answered,
	                                        book_setup, book_teardown),
		cmocka_unit_test_setup_teardown(full_disk_is_waited_out_in_order, book_setup,
	                                        book_teardown),
		cmocka_unit_test_setup_teardown(damaged_index_is_made_again, book_setup,
	                                        book_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
