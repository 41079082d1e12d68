/* Records of a bucket share texts: what is stored once, and what a damaged text does. */
#include "audit/book.h"
#include "audit/crc32c.h"
#include "audit/record.h"
#include "audit/store_file.h"
#include "audit/texts.h"
#include "core/limits.h"

enum { BUCKET = 1 << STORE_BUCKET_SHIFT, KEY_BYTES = 6, CRC_BYTES = 4 };

static uint64_t n_entries(struct audit_store *store, MDB_dbi dbi)
{
	MDB_txn *txn = NULL;
	MDB_stat stat_of;
	assert_int_equal(mdb_txn_begin(store->events, NULL, MDB_RDONLY, &txn), 0);
	assert_int_equal(mdb_stat(txn, dbi, &stat_of), 0);
	mdb_txn_abort(txn);
	return stat_of.ms_entries;
}

static int count(void *user, const struct audit_row *row)
{
	(void)row;
	(*(unsigned *)user)++;
	return 0;
}

/* All rows in one page. */
static int ask(struct book *book, unsigned *ret_rows)
{
	struct audit_query_options options = {
		.oldest_first = true, .limit = 100000, .budget_ms = 60000};
	struct audit_query_error error;
	struct audit_query *query = NULL;
	struct audit_page page;
	*ret_rows = 0;
	assert_int_equal(audit_query_open(book->store, &options, &error, &query), 0);
	int r = audit_query_page(query, count, ret_rows, &page);
	audit_query_close(query);
	return r;
}

static ssize_t export_all(struct book *book)
{
	struct audit_export_options options = {.query.oldest_first = true};
	struct audit_query_error error;
	struct audit_export *export = NULL;
	static char buffer[65536];
	ssize_t n;
	assert_int_equal(audit_export_open(book->store, &options, &error, &export), 0);
	while ((n = audit_export_fill(export, buffer, sizeof(buffer))) > 0)
		;
	audit_export_close(export);
	return n;
}

/* ---- records without a writer ---- */

static void stop_writer(struct book *book)
{
	book_sync(book);
	audit_writer_stop(TAKE(book->writer));
}

static struct sv plain_record(struct book *book, struct sv user_agent,
                              uint8_t room[AUDIT_RECORD_MAX])
{
	struct audit_record record = {.kind = AUDIT_REQUEST,
	                              .at_us = 1795000000000000,
	                              .user = SV("alice"),
	                              .service = SV("orders"),
	                              .path = SV("/orders"),
	                              .user_agent = user_agent};
	struct outbuf out = outbuf_over(room, AUDIT_RECORD_MAX);
	assert_true(event_id_next(&book->ids, 1795000000000000, &record.id));
	audit_record_encode(&record, &out);
	assert_false(out.failed);
	return outbuf_sv(&out);
}

static void put(struct store_batch *batch, struct book *book, const char *user_agent)
{
	static uint8_t room[AUDIT_RECORD_MAX];
	assert_int_equal(store_batch_put(batch, plain_record(book, sv_of(user_agent), room)), 0);
}

/* ---- what is stored ---- */

static void texts_are_stored_once(void **state)
{
	struct book *book = *state;
	struct store_view view;
	struct audit_record record;
	struct sv bytes, other;
	static uint8_t room[AUDIT_RECORD_MAX];
	book_add(book, 0, 900);
	book_sync(book);
	assert_in_range(n_entries(book->store, book->store->texts), 8, 40);
	assert_int_equal(store_view_open(book->store, &view), 0);
	assert_int_equal(store_view_bytes(&view, 900, &bytes), 0);
	assert_true(audit_record_is_packed(bytes));
	assert_int_equal(store_view_unpack(&view, 900, bytes, &record), 0);
	assert_true(sv_eq(record.host, SVL("shop.example")) &&
	            sv_eq(record.user_agent, SVL("curl/8.0")));
	assert_true(sv_eq(record.user, SVL("user-26")) && sv_eq(record.path, SVL("/v2/items/899")));
	struct outbuf plain = outbuf_over(room, sizeof(room));
	audit_record_encode(&record, &plain);
	assert_true(bytes.n * 3 < plain.n * 2);
	assert_int_equal(store_view_bytes(&view, 1, &other), 0); /* nothing had come twice */
	assert_true(other.n > bytes.n);
	store_view_close(&view);
	assert_true(book_verify(book).holds);
}

static void a_bucket_starts_anew(void **state)
{
	struct book *book = *state;
	struct store_batch batch;
	struct store_view view;
	struct sv first, last;
	stop_writer(book);
	assert_int_equal(store_batch_begin(book->store, &batch), 0);
	for (unsigned i = 0; i < BUCKET + 10; i++)
		put(&batch, book, "the same agent");
	assert_int_equal(store_batch_commit(&batch), 0);
	assert_int_equal(n_entries(book->store, book->store->texts),
	                 4); /* two texts, two buckets */
	assert_int_equal(store_view_open(book->store, &view), 0);
	assert_int_equal(store_view_bytes(&view, BUCKET - 1, &first), 0);
	assert_int_equal(store_view_bytes(&view, BUCKET, &last), 0);
	assert_true(last.n > first.n + strlen("the same agent"));
	store_view_close(&view);
	assert_true(book_verify(book).holds);
}

static void strangers_fill_no_more_than_their_bucket(void **state)
{
	struct book *book = *state;
	struct store_batch batch;
	char agent[32];
	unsigned n;
	stop_writer(book);
	assert_int_equal(store_batch_begin(book->store, &batch), 0);
	for (unsigned i = 0; i < 3 * TEXTS_MAX; i++) {
		(void)snprintf(agent, sizeof(agent), "agent number %u", i / 2);
		put(&batch, book, agent);
	}
	assert_int_equal(store_batch_commit(&batch), 0);
	assert_int_equal(n_entries(book->store, book->store->texts), TEXTS_MAX);
	assert_true(book_verify(book).holds);
	assert_int_equal(ask(book, &n), 0);
	assert_int_equal(n, 3 * TEXTS_MAX);
}

static void numbers_go_on_after_a_restart(void **state)
{
	struct book *book = *state;
	book_add(book, 0, 300);
	book_sync(book);
	uint64_t before = n_entries(book->store, book->store->texts);
	book_close(book);
	book_open(book, 2);
	book_add(book, 300, 300);
	book_sync(book);
	/* none is stored again; two whose marks stood in one place before may be new, since the hash is another */
	assert_in_range(n_entries(book->store, book->store->texts), before, before + 4);
	assert_true(book_verify(book).holds);
}

static void an_aborted_batch_leaves_no_text(void **state)
{
	struct book *book = *state;
	struct store_batch batch;
	unsigned n;
	stop_writer(book);
	assert_int_equal(store_batch_begin(book->store, &batch), 0);
	for (unsigned i = 0; i < 4; i++)
		put(&batch, book, "first agent");
	store_batch_abort(&batch);
	assert_int_equal(n_entries(book->store, book->store->texts), 0);
	assert_int_equal(store_batch_begin(book->store, &batch), 0);
	for (unsigned i = 0; i < 4; i++)
		put(&batch, book, "second agent");
	assert_int_equal(store_batch_commit(&batch), 0);
	assert_int_equal(n_entries(book->store, book->store->texts), 2);
	assert_true(book_verify(book).holds);
	assert_int_equal(ask(book, &n), 0);
	assert_int_equal(n, 4);
}

/* ---- damage ---- */

typedef void damage_fn(MDB_cursor *cursor, MDB_val key, uint8_t *value, size_t n);

static void replace(MDB_cursor *cursor, MDB_val key, uint8_t *value, size_t n)
{
	MDB_val bytes = {n, value};
	assert_int_equal(mdb_cursor_put(cursor, &key, &bytes, MDB_CURRENT), 0);
}

static void change(MDB_cursor *cursor, MDB_val key, uint8_t *value, size_t n)
{
	value[n - 1] ^= 1;
	replace(cursor, key, value, n);
}

static void cut_short(MDB_cursor *cursor, MDB_val key, uint8_t *value, size_t n)
{
	replace(cursor, key, value, n - 1);
}

static void empty(MDB_cursor *cursor, MDB_val key, uint8_t *value, size_t n)
{
	(void)n;
	replace(cursor, key, value, 0);
}

static void drop(MDB_cursor *cursor, MDB_val key, uint8_t *value, size_t n)
{
	(void)key;
	(void)value;
	(void)n;
	assert_int_equal(mdb_cursor_del(cursor, 0), 0);
}

/* The text of the next number, with its sum. */
static void take_anothers(MDB_cursor *cursor, MDB_val key, uint8_t *value, size_t n)
{
	MDB_val other_key, other;
	uint8_t key_room[KEY_BYTES];
	(void)n;
	memcpy(key_room, key.mv_data, sizeof(key_room));
	assert_int_equal(mdb_cursor_get(cursor, &other_key, &other, MDB_NEXT), 0);
	size_t n_other = other.mv_size;
	memcpy(value, other.mv_data, n_other);
	key = (MDB_val){sizeof(key_room), key_room};
	assert_int_equal(mdb_cursor_get(cursor, &key, &other, MDB_SET_KEY), 0);
	replace(cursor, key, value, n_other);
}

/* As someone does who knows the sum: only the chain tells. */
static void forge(MDB_cursor *cursor, MDB_val key, uint8_t *value, size_t n)
{
	value[n - 1] ^= 1;
	uint32_t crc = audit_crc32c(0, (struct sv){key.mv_data, KEY_BYTES});
	crc = audit_crc32c(crc, (struct sv){(const char *)value + CRC_BYTES, n - CRC_BYTES});
	for (int i = CRC_BYTES - 1; i >= 0; i--, crc >>= 8)
		value[i] = (uint8_t)crc;
	replace(cursor, key, value, n);
}

static void damage_first_text(struct book *book, damage_fn *damage)
{
	MDB_txn *txn = NULL;
	MDB_cursor *cursor = NULL;
	MDB_val key, value;
	uint8_t room[CRC_BYTES + TEXT_MOST];
	assert_int_equal(mdb_txn_begin(book->store->events, NULL, 0, &txn), 0);
	assert_int_equal(mdb_cursor_open(txn, book->store->texts, &cursor), 0);
	assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_FIRST), 0);
	size_t n = value.mv_size;
	memcpy(room, value.mv_data, n);
	damage(cursor, key, room, n);
	mdb_cursor_close(cursor);
	assert_int_equal(mdb_txn_commit(txn), 0);
}

static void check_damage(struct book *book, damage_fn *damage, bool forged)
{
	unsigned n;
	book_add(book, 0, 300);
	stop_writer(book);
	assert_true(book_verify(book).holds);
	damage_first_text(book, damage);
	struct audit_chain_report report = book_verify(book);
	assert_false(report.holds);
	assert_int_equal(report.broken_at, 2); /* the first that names a text */
	assert_int_equal(ask(book, &n), forged ? 0 : -EBADMSG);
	assert_int_equal(export_all(book), forged ? 0 : -EBADMSG);
	book_close(book);
	book_open(book, 2); /* and the agent goes on: what it adds is sound */
	book_add(book, 300, 20);
	book_sync(book);
	struct store_view view;
	struct audit_record record;
	assert_int_equal(store_view_open(book->store, &view), 0);
	assert_int_equal(view.last_seq, 320);
	for (uint64_t seq = 302; seq <= 320 && !forged; seq++) {
		assert_int_equal(store_view_record(&view, seq, &record), 0);
		assert_true(sv_eq(record.host, SVL("shop.example")));
		assert_true(sv_eq(record.issuer, SVL("https://idp.example")));
	}
	store_view_close(&view);
}

#define DAMAGE(name, forged)                        \
	static void name##_is_told(void **state)    \
	{                                           \
		check_damage(*state, name, forged); \
	}

DAMAGE(change, false)
DAMAGE(cut_short, false)
DAMAGE(empty, false)
DAMAGE(drop, false)
DAMAGE(take_anothers, false)
DAMAGE(forge, true)

/* ---- formats ---- */

static void set_format(struct audit_store *store, uint64_t format)
{
	MDB_txn *txn = NULL;
	uint8_t room[8];
	MDB_val key = store_text_key("format"), value = {sizeof(room), room};
	store_put_be(room, format);
	assert_int_equal(mdb_txn_begin(store->events, NULL, 0, &txn), 0);
	if (format == 1)
		assert_int_equal(mdb_del(txn, store->meta, &key, NULL), 0);
	else
		assert_int_equal(mdb_put(txn, store->meta, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
}

/* Turns the book into what the first format was: plain records, no texts. */
static void make_old(struct book *book, uint64_t n)
{
	MDB_txn *txn = NULL;
	struct store_view view;
	struct audit_record record;
	struct sv bytes;
	static uint8_t room[AUDIT_RECORD_MAX];
	uint8_t seq_be[8];
	for (uint64_t seq = 1; seq <= n; seq++) {
		struct outbuf out = outbuf_over(room, sizeof(room));
		assert_int_equal(store_view_open(book->store, &view), 0);
		assert_int_equal(store_view_bytes(&view, seq, &bytes), 0);
		assert_int_equal(store_view_unpack(&view, seq, bytes, &record), 0);
		audit_record_encode(&record, &out);
		outbuf_bytes(&out, bytes.at + bytes.n, STORE_TAG_BYTES);
		store_view_close(&view);
		store_put_be(seq_be, seq);
		MDB_val key = {sizeof(seq_be), seq_be}, value = {out.n, room};
		assert_int_equal(mdb_txn_begin(book->store->events, NULL, 0, &txn), 0);
		assert_int_equal(mdb_put(txn, book->store->records, &key, &value, 0), 0);
		assert_int_equal(mdb_txn_commit(txn), 0);
	}
	assert_int_equal(mdb_txn_begin(book->store->events, NULL, 0, &txn), 0);
	assert_int_equal(mdb_drop(txn, book->store->texts, 1), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	set_format(book->store, 1);
}

static void a_book_of_the_first_format_is_read_and_goes_on(void **state)
{
	struct book *book = *state;
	char path[128];
	unsigned n;
	book_add(book, 0, 50);
	stop_writer(book);
	make_old(book, 50);
	book_close(book);
	book_path(book, "audit", path);
	assert_int_equal(audit_store_open(path, AUDIT_STORE_READ, 0, &book->store), 0);
	struct audit_chain_report report = book_verify(book);
	assert_true(report.holds);
	assert_int_equal(report.n_records, 50);
	assert_int_equal(ask(book, &n), 0);
	assert_int_equal(n, 50);
	audit_store_close(TAKE(book->store));
	book_open(book, 2);
	book_add(book, 50, 50);
	book_sync(book);
	report = book_verify(book);
	assert_true(report.holds);
	assert_int_equal(report.n_records, 100);
	assert_true(n_entries(book->store, book->store->texts) > 0);
	assert_int_equal(ask(book, &n), 0);
	assert_int_equal(n, 100);
}

static void a_newer_format_is_refused(void **state)
{
	struct book *book = *state;
	char path[128];
	struct audit_store *store = NULL;
	set_format(book->store, STORE_FORMAT + 1);
	book_close(book);
	book_path(book, "audit", path);
	assert_int_equal(audit_store_open(path, AUDIT_STORE_READ, 0, &store), -EPROTONOSUPPORT);
	assert_int_equal(audit_store_open(path, AUDIT_STORE_WRITE, 0, &store), -EPROTONOSUPPORT);
	assert_null(store);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, book_setup, book_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(texts_are_stored_once),
		ROW(a_bucket_starts_anew),
		ROW(strangers_fill_no_more_than_their_bucket),
		ROW(numbers_go_on_after_a_restart),
		ROW(an_aborted_batch_leaves_no_text),
		ROW(change_is_told),
		ROW(cut_short_is_told),
		ROW(empty_is_told),
		ROW(drop_is_told),
		ROW(take_anothers_is_told),
		ROW(forge_is_told),
		ROW(a_book_of_the_first_format_is_read_and_goes_on),
		ROW(a_newer_format_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
