#include "audit/book.h"
#include "audit/store_file.h"

enum { N = 2100 }; /* two checkpoints */

/* Edits the closed book the way someone with the file and the library would. */
typedef void edit_fn(MDB_txn *txn, struct audit_store *store);

static MDB_val key_of(uint8_t room[8], uint64_t seq)
{
	for (int i = 7; i >= 0; i--, seq >>= 8)
		room[i] = (uint8_t)seq;
	return (MDB_val){8, room};
}

static void read_value(MDB_txn *txn, MDB_dbi dbi, uint64_t seq, uint8_t *room, size_t *n)
{
	uint8_t key_room[8];
	MDB_val key = key_of(key_room, seq), value;
	assert_int_equal(mdb_get(txn, dbi, &key, &value), 0);
	memcpy(room, value.mv_data, value.mv_size);
	*n = value.mv_size;
}

static void write_value(MDB_txn *txn, MDB_dbi dbi, uint64_t seq, uint8_t *room, size_t n)
{
	uint8_t key_room[8];
	MDB_val key = key_of(key_room, seq), value = {n, room};
	assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
}

static void delete_value(MDB_txn *txn, MDB_dbi dbi, uint64_t seq)
{
	uint8_t key_room[8];
	MDB_val key = key_of(key_room, seq);
	assert_int_equal(mdb_del(txn, dbi, &key, NULL), 0);
}

static void nothing(MDB_txn *txn, struct audit_store *store)
{
	(void)txn;
	(void)store;
}

static void change_a_byte(MDB_txn *txn, struct audit_store *store)
{
	static uint8_t room[8192];
	size_t n;
	read_value(txn, store->records, 700, room, &n);
	room[n / 2] ^= 1;
	write_value(txn, store->records, 700, room, n);
}

static void drop_a_record(MDB_txn *txn, struct audit_store *store)
{
	delete_value(txn, store->records, 42);
}

static void drop_the_first(MDB_txn *txn, struct audit_store *store)
{
	delete_value(txn, store->records, 1);
}

static void double_a_record(MDB_txn *txn, struct audit_store *store)
{
	static uint8_t room[8192];
	size_t n;
	read_value(txn, store->records, 50, room, &n);
	write_value(txn, store->records, 51, room, n);
}

static void swap_two(MDB_txn *txn, struct audit_store *store)
{
	static uint8_t a[8192], b[8192];
	size_t n_a, n_b;
	read_value(txn, store->records, 10, a, &n_a);
	read_value(txn, store->records, 11, b, &n_b);
	write_value(txn, store->records, 10, b, n_b);
	write_value(txn, store->records, 11, a, n_a);
}

static void append_one(MDB_txn *txn, struct audit_store *store)
{
	static uint8_t room[8192];
	size_t n;
	read_value(txn, store->records, 5, room, &n);
	write_value(txn, store->records, N + 1, room, n);
}

static void change_a_checkpoint(MDB_txn *txn, struct audit_store *store)
{
	uint8_t room[64];
	size_t n;
	read_value(txn, store->checkpoints, 1024, room, &n);
	room[20] ^= 1; /* behind the part that the record's tag repeats */
	write_value(txn, store->checkpoints, 1024, room, n);
}

static void drop_a_checkpoint(MDB_txn *txn, struct audit_store *store)
{
	delete_value(txn, store->checkpoints, 2048);
}

static void cut_the_tail(MDB_txn *txn, struct audit_store *store)
{
	for (uint64_t seq = N - 9; seq <= N; seq++)
		delete_value(txn, store->records, seq);
}

static void change_the_head(MDB_txn *txn, struct audit_store *store)
{
	MDB_val key = {4, (void *)(uintptr_t) "head"}, value;
	uint8_t room[64];
	assert_int_equal(mdb_get(txn, store->meta, &key, &value), 0);
	size_t n = value.mv_size;
	memcpy(room, value.mv_data, n);
	room[n - 1] ^= 1;
	value = (MDB_val){n, room};
	assert_int_equal(mdb_put(txn, store->meta, &key, &value, 0), 0);
}

static void check(struct book *book, edit_fn *edit, uint64_t broken_at)
{
	struct audit_chain_report report;
	MDB_txn *txn = NULL;
	book_add(book, 0, N);
	book_sync(book);
	audit_writer_stop(TAKE(book->writer));
	assert_int_equal(mdb_txn_begin(book->store->events, NULL, 0, &txn), 0);
	edit(txn, book->store);
	assert_int_equal(mdb_txn_commit(txn), 0);
	assert_int_equal(audit_chain_verify(book->store, &report), 0);
	assert_int_equal(report.holds, broken_at == 0);
	assert_int_equal(report.broken_at, broken_at);
	assert_true(broken_at == 0 || report.fault[0] != '\0');
}

#define CASE(edit, at)                            \
	static void edit##_is_found(void **state) \
	{                                         \
		check(*state, edit, at);          \
	}

CASE(nothing, 0)
CASE(change_a_byte, 700)
CASE(drop_a_record, 42)
CASE(drop_the_first, 1)
CASE(double_a_record, 51)
CASE(swap_two, 10)
CASE(append_one, N + 1)
CASE(change_a_checkpoint, 1024)
CASE(drop_a_checkpoint, 2048)
CASE(cut_the_tail, N - 9)
CASE(change_the_head, N)

static void empty_book_holds(void **state)
{
	struct audit_chain_report report = book_verify(*state);
	assert_true(report.holds);
	assert_int_equal(report.n_records, 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, book_setup, book_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(empty_book_holds),
		ROW(nothing_is_found),
		ROW(change_a_byte_is_found),
		ROW(drop_a_record_is_found),
		ROW(drop_the_first_is_found),
		ROW(double_a_record_is_found),
		ROW(swap_two_is_found),
		ROW(append_one_is_found),
		ROW(change_a_checkpoint_is_found),
		ROW(drop_a_checkpoint_is_found),
		ROW(cut_the_tail_is_found),
		ROW(change_the_head_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
