/* haward audit as a script sees it: exit status, standard error, files. */
#include "audit/journal.h"
#include "audit/store.h"
#include "audit/store_file.h"
#include "audit/writer.h"
#include "cli/cli.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { N_EVENTS = 20, PATH_BYTES = 128, TEXT_BYTES = 65536 };

/* A data directory with a book that nobody has open. */
struct desk {
	char dir[64];
	char out[TEXT_BYTES], err[TEXT_BYTES]; /* of the last run */
};

static void path_of(const struct desk *desk, const char *name, char path[PATH_BYTES])
{
	(void)snprintf(path, PATH_BYTES, "%s/%s", desk->dir, name);
}

static void fill(struct audit_store *store, struct audit_journals *journals)
{
	struct audit_writer *writer = NULL;
	const struct audit_writer_options options = {.store = store, .journals = journals};
	assert_int_equal(audit_writer_start(&options, &writer), 0);
	for (int i = 0; i < N_EVENTS; i++)
		assert_int_equal(audit_submit_system(audit_journals_main(journals), SVL("start"),
		                                     SVL("as every morning")),
		                 0);
	audit_writer_stop(writer);
}

static int setup(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	struct audit_store *store = NULL;
	struct audit_journals *journals = NULL;
	char path[PATH_BYTES], journal[PATH_BYTES];
	(void)snprintf(desk->dir, sizeof(desk->dir), "/tmp/haward-cli-XXXXXX");
	assert_non_null(mkdtemp(desk->dir));
	path_of(desk, "audit", path);
	path_of(desk, "journal", journal);
	assert_int_equal(audit_store_open(path, AUDIT_STORE_WRITE, 64 << 20, &store), 0);
	const struct audit_journals_options options = {
		.dir = journal, .n_workers = 1, .size_bytes = AUDIT_JOURNAL_MIN_BYTES};
	assert_int_equal(audit_journals_open(&options, &journals), 0);
	fill(store, journals);
	audit_journals_close(journals);
	audit_store_close(store);
	*state = desk;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct desk *desk = *state;
	(void)nftw(desk->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(desk);
	return 0;
}

/* ---- running ---- */

static void redirect(const struct desk *desk, const char *name, int to)
{
	char path[PATH_BYTES];
	path_of(desk, name, path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || dup2(fd, to) < 0)
		_exit(99);
}

static void read_back(const struct desk *desk, const char *name, char text[TEXT_BYTES])
{
	char path[PATH_BYTES];
	path_of(desk, name, path);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, TEXT_BYTES - 1, file)] = '\0';
	(void)fclose(file);
}

/* A process of its own: a usage error ends it. */
static int run(struct desk *desk, const char *const *words)
{
	char *argv[16] = {(char[]){"audit"}};
	int argc = 1, status = 0;
	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char *copy[16] = {NULL};
		for (int i = 0; i < argc; i++)
			copy[i] = strdup(argv[i]);
		redirect(desk, "stdout", STDOUT_FILENO);
		redirect(desk, "stderr", STDERR_FILENO);
		int r = cli_audit(argc, copy);
		(void)fflush(NULL);
		_exit(r);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	read_back(desk, "stdout", desk->out);
	read_back(desk, "stderr", desk->err);
	return WEXITSTATUS(status);
}
#define RUN(desk, ...) run(desk, (const char *const[]){__VA_ARGS__, NULL})

static void assert_says(const struct desk *desk, const char *words)
{
	if (!strstr(desk->err, words))
		fail_msg("\"%s\" is not in: %s", words, desk->err);
}

/* ---- what it answers ---- */

static void a_complete_export_and_a_chain_that_holds_are_0(void **state)
{
	struct desk *desk = *state;
	char path[PATH_BYTES];
	path_of(desk, "export.csv", path);
	assert_int_equal(RUN(desk, "export", "--data", desk->dir, "--format", "jsonl"), EX_OK);
	unsigned lines = 0;
	for (const char *at = desk->out; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, N_EVENTS);
	assert_string_equal(desk->err, "");
	assert_int_equal(RUN(desk, "export", "--data", desk->dir, "--output", path), EX_OK);
	assert_int_equal(access(path, R_OK), 0);
	assert_int_equal(RUN(desk, "verify", "--data", desk->dir), EX_OK);
	assert_non_null(strstr(desk->out, "chain holds\nrecords 20\n"));
}

static void questions_are_refused_with_their_place(void **state)
{
	struct desk *desk = *state;
	static const struct {
		const char *filter, *says;
	} cases[] = {
		{"user:alice verdict:perhaps", "--filter, column 20: verdict wants allow, deny"},
		{"nonsense:1", "--filter, column 1: there is no field nonsense"},
		{"user:alice user:\"open", "the quote is not closed"},
		{"user:a\033[2J", "--filter, column 7: a control byte (0x1b)"},
		{"\001", "--filter, column 1: a control byte (0x01)"},
		{"user:\"a\177\"", "--filter, column 8: a control byte (0x7f)"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(
			RUN(desk, "export", "--data", desk->dir, "--filter", cases[i].filter),
			EX_USAGE);
		assert_says(desk, cases[i].says);
		assert_string_equal(desk->out, "");
		for (const char *at = desk->err; *at; at++) /* what was refused is not repeated */
			assert_true(*at == '\n' || (unsigned char)*at >= 0x20);
	}
	assert_int_equal(RUN(desk, "export", "--data", desk->dir, "--filter", "kind:\tsystem"),
	                 EX_USAGE);
	assert_int_equal(
		RUN(desk, "export", "--data", desk->dir, "--filter", "kind:system\n\taction:start"),
		EX_OK);
}

static void other_words_are_refused(void **state)
{
	struct desk *desk = *state;
	assert_int_equal(RUN(desk, "export", "--data", desk->dir, "--format", "xml"), EX_USAGE);
	assert_int_equal(RUN(desk, "export", "--data", desk->dir, "--from", "yesterday-ish"),
	                 EX_USAGE);
	assert_int_equal(RUN(desk, "export", "--data", desk->dir, "--from", "2026-02-01", "--to",
	                     "2026-01-01"),
	                 EX_USAGE);
	assert_says(desk, "haward audit export: the range ends before it starts");
	assert_int_equal(RUN(desk, "export"), EX_USAGE);
	assert_int_equal(RUN(desk, "export", "--data", desk->dir, "more"), EX_USAGE);
	assert_int_equal(RUN(desk, "verify", "--nonsense"), EX_USAGE);
	assert_int_equal(RUN(desk, "burn"), EX_USAGE);
}

static void no_book_is_66(void **state)
{
	struct desk *desk = *state;
	char path[PATH_BYTES];
	path_of(desk, "elsewhere", path);
	assert_int_equal(RUN(desk, "export", "--data", path), EX_NOINPUT);
	assert_says(desk, "there is no book");
	assert_int_equal(RUN(desk, "verify", "--data", path), EX_NOINPUT);
}

static void an_output_that_cannot_be_written_is_74(void **state)
{
	struct desk *desk = *state;
	char path[PATH_BYTES];
	path_of(desk, "not/there.csv", path);
	assert_int_equal(RUN(desk, "export", "--data", desk->dir, "--output", path), EX_IOERR);
	assert_says(desk, "the export is not complete");
	assert_int_equal(RUN(desk, "export", "--data", desk->dir, "--output", "/dev/full"),
	                 EX_IOERR);
}

static void change_record(struct desk *desk, uint64_t seq, size_t keep)
{
	struct audit_store *store = NULL;
	MDB_txn *txn = NULL;
	char path[PATH_BYTES];
	uint8_t seq_be[8], room[1024];
	path_of(desk, "audit", path);
	store_put_be(seq_be, seq);
	MDB_val key = {sizeof(seq_be), seq_be}, value;
	assert_int_equal(audit_store_open(path, AUDIT_STORE_WRITE, 64 << 20, &store), 0);
	assert_int_equal(mdb_txn_begin(store->events, NULL, 0, &txn), 0);
	assert_int_equal(mdb_get(txn, store->records, &key, &value), 0);
	assert_true(value.mv_size > keep && value.mv_size <= sizeof(room));
	memcpy(room, value.mv_data, value.mv_size);
	room[24] ^= 1; /* the time */
	value = (MDB_val){keep ? keep : value.mv_size, room};
	assert_int_equal(mdb_put(txn, store->records, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	audit_store_close(store);
}

static void damage_is_65(void **state)
{
	struct desk *desk = *state;
	change_record(desk, 7, 0);
	assert_int_equal(RUN(desk, "verify", "--data", desk->dir), EX_DATAERR);
	assert_non_null(strstr(desk->out, "chain broken\n"));
	assert_non_null(strstr(desk->out, "broken_at 7\n"));
	change_record(desk, 9, 30); /* cut short */
	assert_int_equal(RUN(desk, "export", "--data", desk->dir), EX_DATAERR);
	assert_says(desk, "the export is not complete: the book is damaged");
}

static void no_lmdb_file_is_65(void **state)
{
	struct desk *desk = *state;
	char path[PATH_BYTES];
	path_of(desk, "audit/events/data.mdb", path);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 20000; i++)
		(void)fputc('x', file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(RUN(desk, "export", "--data", desk->dir), EX_DATAERR);
	assert_int_equal(RUN(desk, "verify", "--data", desk->dir), EX_DATAERR);
	assert_says(desk, "is damaged, or is none");
}

static void a_later_format_is_65(void **state)
{
	struct desk *desk = *state;
	struct audit_store *store = NULL;
	MDB_txn *txn = NULL;
	char path[PATH_BYTES];
	uint8_t format[8];
	MDB_val key = store_text_key("format"), value = {sizeof(format), format};
	path_of(desk, "audit", path);
	store_put_be(format, STORE_FORMAT + 1);
	assert_int_equal(audit_store_open(path, AUDIT_STORE_WRITE, 64 << 20, &store), 0);
	assert_int_equal(mdb_txn_begin(store->events, NULL, 0, &txn), 0);
	assert_int_equal(mdb_put(txn, store->meta, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	audit_store_close(store);
	assert_int_equal(RUN(desk, "export", "--data", desk->dir), EX_DATAERR);
	assert_says(desk, "a later version");
	assert_int_equal(RUN(desk, "verify", "--data", desk->dir), EX_DATAERR);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(a_complete_export_and_a_chain_that_holds_are_0),
		ROW(questions_are_refused_with_their_place),
		ROW(other_words_are_refused),
		ROW(no_book_is_66),
		ROW(an_output_that_cannot_be_written_is_74),
		ROW(damage_is_65),
		ROW(no_lmdb_file_is_65),
		ROW(a_later_format_is_65),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
