/* What only a checkpoint kept elsewhere finds, and proofs that are checked without the book. Whoever edits here has the
 * file, the library and all the time there is: inside the book everything fits again. */
#include "audit/book.h"
#include "audit/proof.h"
#include "audit/store_file.h"

#include <openssl/pem.h>

enum { N = 2100 };

/* ---- keys and texts ---- */

struct key_pair {
	char private[512], public[512];
};

static void read_out(BIO *bio, char *room, size_t max)
{
	int n = BIO_read(bio, room, (int)max - 1);
	assert_true(n > 0);
	room[n] = '\0';
	BIO_free(bio);
}

static struct key_pair make_key(const char *kind)
{
	struct key_pair pair;
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, kind);
	BIO *private = BIO_new(BIO_s_mem()), *public = BIO_new(BIO_s_mem());
	assert_non_null(key);
	assert_int_equal(PEM_write_bio_PrivateKey(private, key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(PEM_write_bio_PUBKEY(public, key), 1);
	read_out(private, pair.private, sizeof(pair.private));
	read_out(public, pair.public, sizeof(pair.public));
	EVP_PKEY_free(key);
	return pair;
}

static struct checkpoint_keys keys_of(const struct key_pair *pair)
{
	struct checkpoint_keys keys = {0};
	assert_int_equal(checkpoint_keys_add(&keys, sv_of(pair->public)), 0);
	return keys;
}

static struct checkpoint make_checkpoint(struct book *book, const struct key_pair *pair,
                                         char text[CHECKPOINT_TEXT_MAX])
{
	struct audit_chain_report report;
	struct checkpoint made, opened;
	struct checkpoint_keys keys = keys_of(pair);
	assert_int_equal(audit_checkpoint_make(book->store, &report, &made), 0);
	assert_true(report.holds);
	assert_int_equal(checkpoint_sign(&made, sv_of(pair->private), text), 0);
	assert_int_equal(checkpoint_open(sv_of(text), &keys, &opened), 0);
	assert_int_equal(opened.size, made.size);
	assert_int_equal(opened.at_us, made.at_us);
	assert_memory_equal(opened.book, made.book, sizeof(made.book));
	assert_memory_equal(opened.root.bytes, made.root.bytes, SHA256_BYTES);
	return opened;
}

static void every_changed_byte_is_found(void **state)
{
	struct book *book = *state;
	struct key_pair pair = make_key("ED25519"), other = make_key("ED25519");
	struct checkpoint_keys keys = keys_of(&pair), others = keys_of(&other);
	struct checkpoint checkpoint;
	char text[CHECKPOINT_TEXT_MAX];
	book_add(book, 0, 10);
	book_sync(book);
	(void)make_checkpoint(book, &pair, text);
	size_t n = strlen(text);
	assert_int_equal(checkpoint_open(sv_of(text), &others, &checkpoint), -ENOKEY);
	for (size_t i = 0; i < n; i++) {
		assert_int_not_equal(checkpoint_open((struct sv){text, i}, &keys, &checkpoint), 0);
		text[i] ^= 1;
		assert_int_not_equal(checkpoint_open((struct sv){text, n}, &keys, &checkpoint), 0);
		text[i] ^= 1;
	}
	/* after a rotation both are believed */
	assert_int_equal(checkpoint_keys_add(&others, sv_of(pair.public)), 0);
	assert_int_equal(checkpoint_open((struct sv){text, n}, &others, &checkpoint), 0);
}

static void other_keys_are_refused(void **state)
{
	struct key_pair pair = make_key("X25519");
	struct checkpoint_keys keys = {0};
	struct checkpoint checkpoint = {0};
	char text[CHECKPOINT_TEXT_MAX];
	(void)state;
	assert_int_equal(checkpoint_keys_add(&keys, sv_of(pair.public)), -EINVAL);
	assert_int_equal(checkpoint_keys_add(&keys, SVL("no key")), -EINVAL);
	assert_int_equal(checkpoint_sign(&checkpoint, sv_of(pair.private), text), -EINVAL);
	assert_int_equal(checkpoint_sign(&checkpoint, SVL(""), text), -EINVAL);
}

/* ---- the book edited so that it fits inside ---- */

static struct {
	uint8_t bytes[AUDIT_RECORD_MAX];
	size_t n;
} plain[N + 1];

static bool keep_plain(void *user, uint64_t seq, struct sv record)
{
	(void)user;
	memcpy(plain[seq].bytes, record.at, record.n);
	plain[seq].n = record.n;
	return true;
}

static void put(MDB_txn *txn, MDB_dbi dbi, uint64_t seq, const void *bytes, size_t n)
{
	uint8_t room[8];
	store_put_be(room, seq);
	MDB_val key = {8, room}, value = {n, (void *)(uintptr_t)bytes};
	assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
}

/* Writes records 1..n anew from `plain`, with their chain, checkpoints and head; drops what was behind. */
static void write_anew(struct book *book, uint64_t n)
{
	static uint8_t room[AUDIT_RECORD_MAX + STORE_TAG_BYTES];
	uint8_t digest[SHA256_BYTES], head[STORE_HEAD_BYTES];
	struct audit_store *store = book->store;
	struct sha256 *sha = sha256_new();
	MDB_txn *txn = NULL;
	assert_true(sha && store_first_digest(store->id, digest));
	assert_int_equal(mdb_txn_begin(store->events, NULL, 0, &txn), 0);
	assert_int_equal(mdb_drop(txn, store->records, 0), 0);
	assert_int_equal(mdb_drop(txn, store->checkpoints, 0), 0);
	for (uint64_t seq = 1; seq <= n; seq++) {
		struct sv record = {(const char *)plain[seq].bytes, plain[seq].n};
		assert_true(store_next_digest(sha, digest, seq, record, digest));
		memcpy(room, record.at, record.n);
		memcpy(room + record.n, digest, STORE_TAG_BYTES);
		put(txn, store->records, seq, room, record.n + STORE_TAG_BYTES);
		if (seq % STORE_CHECKPOINT_EVERY == 0)
			put(txn, store->checkpoints, seq, digest, SHA256_BYTES);
	}
	store_put_be(head, n);
	memcpy(head + 8, digest, SHA256_BYTES);
	MDB_val key = store_text_key("head"), value = {sizeof(head), head};
	assert_int_equal(mdb_put(txn, store->meta, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	sha256_free(sha);
}

/* Fills the book, makes a checkpoint of it, and keeps what is in it. */
static struct checkpoint begin(struct book *book)
{
	struct audit_chain_report report;
	struct key_pair pair = make_key("ED25519");
	char text[CHECKPOINT_TEXT_MAX];
	book_add(book, 0, N);
	book_sync(book);
	audit_writer_stop(TAKE(book->writer));
	struct checkpoint checkpoint = make_checkpoint(book, &pair, text);
	assert_int_equal(audit_chain_walk(book->store, keep_plain, NULL, &report), 0);
	assert_true(report.holds && report.n_records == checkpoint.size);
	return checkpoint;
}

/* Inside everything holds; the checkpoint tells. */
static void assert_found(struct book *book, const struct checkpoint *checkpoint, const char *wanted)
{
	struct audit_chain_report report;
	const char *fault = NULL;
	assert_int_equal(audit_checkpoint_compare(book->store, checkpoint, &report, &fault), 0);
	if (!report.holds)
		fail_msg("at %llu: %s", (unsigned long long)report.broken_at, report.fault);
	if (!wanted)
		assert_null(fault);
	else
		assert_true(fault && strstr(fault, wanted));
}

static void what_grew_holds(void **state)
{
	struct book *book = *state;
	struct checkpoint checkpoint = begin(book), earlier = checkpoint;
	assert_found(book, &checkpoint, NULL);
	write_anew(book, N); /* the same records */
	assert_found(book, &checkpoint, NULL);
	earlier.size = 0;
	struct sha256 *sha = sha256_new();
	struct merkle_tree none = {0};
	assert_true(merkle_root(&none, sha, &earlier.root));
	assert_found(book, &earlier, NULL);
	sha256_free(sha);
}

static void a_cut_tail_is_found(void **state)
{
	struct book *book = *state;
	struct checkpoint checkpoint = begin(book);
	write_anew(book, N - 1);
	assert_found(book, &checkpoint, "tail is cut");
}

static void a_record_written_anew_is_found(void **state)
{
	struct book *book = *state;
	struct checkpoint checkpoint = begin(book);
	struct audit_record record;
	struct sv bytes = {(const char *)plain[700].bytes, plain[700].n};
	uint8_t room[AUDIT_RECORD_MAX];
	struct outbuf out = outbuf_over(room, sizeof(room));
	assert_int_equal(audit_record_decode(bytes, &record), 0);
	record.user = SVL("nobody");
	audit_record_encode(&record, &out);
	memcpy(plain[700].bytes, room, out.n);
	plain[700].n = out.n;
	write_anew(book, N);
	assert_found(book, &checkpoint, "written anew");
}

static void two_swapped_are_found(void **state)
{
	struct book *book = *state;
	struct checkpoint checkpoint = begin(book);
	static uint8_t room[sizeof(plain[0])];
	memcpy(room, &plain[10], sizeof(room));
	plain[10] = plain[11];
	memcpy(&plain[11], room, sizeof(room));
	write_anew(book, N);
	assert_found(book, &checkpoint, "written anew");
}

static void a_removed_record_is_found(void **state)
{
	struct book *book = *state;
	struct checkpoint checkpoint = begin(book);
	memmove(&plain[42], &plain[43], (N - 42) * sizeof(plain[0]));
	write_anew(book, N - 1);
	assert_found(book, &checkpoint, "tail is cut");
	checkpoint.size = N - 1;
	assert_found(book, &checkpoint, "written anew");
}

static void another_book_is_found(void **state)
{
	struct book *book = *state;
	struct checkpoint checkpoint = begin(book);
	checkpoint.book[0] ^= 1;
	assert_found(book, &checkpoint, "another book");
}

/* ---- proofs ---- */

static char *prove(struct book *book, const struct proof_question *question)
{
	struct audit_chain_report report;
	const char *fault = NULL;
	char *json = NULL;
	assert_int_equal(audit_prove(book->store, question, &report, &json, &fault), 0);
	assert_true(report.holds);
	assert_null(fault);
	return json;
}

/* Nothing that differs in one byte of its base64, numbers or names proves the same. */
static void assert_only_this(char *json, const struct checkpoint_keys *keys)
{
	static struct proof_answer answer, changed;
	size_t n = strlen(json);
	assert_int_equal(audit_proof_check((struct sv){json, n}, keys, &answer), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_not_equal(audit_proof_check((struct sv){json, i}, keys, &changed), 0);
		if (json[i] == ' ' || json[i] == '\n')
			continue;
		json[i] ^= 1;
		assert_int_not_equal(audit_proof_check((struct sv){json, n}, keys, &changed), 0);
		json[i] ^= 1;
	}
}

static void an_event_is_proved(void **state)
{
	struct book *book = *state;
	static struct proof_answer answer;
	char text[CHECKPOINT_TEXT_MAX];
	struct key_pair pair = make_key("ED25519");
	struct checkpoint_keys keys = keys_of(&pair);
	book_add(book, 0, 300);
	book_sync(book);
	struct proof_question question = {.checkpoint = make_checkpoint(book, &pair, text)};
	question.text = sv_of(text);
	book_add(book, 300, 50); /* it goes on */
	book_sync(book);
	for (question.seq = 1; question.seq <= question.checkpoint.size; question.seq += 37) {
		char *json = prove(book, &question);
		assert_int_equal(audit_proof_check(sv_of(json), &keys, &answer), 0);
		assert_true(answer.is_inclusion);
		assert_int_equal(answer.seq, question.seq);
		assert_int_equal(answer.checkpoint.size, question.checkpoint.size);
		if (question.seq == 1)
			assert_only_this(json, &keys);
		free(json);
	}
	struct audit_chain_report report;
	const char *fault = NULL;
	char *json = NULL;
	question.seq = question.checkpoint.size + 1;
	assert_int_equal(audit_prove(book->store, &question, &report, &json, &fault), 0);
	assert_true(fault && !json);
}

static void growth_is_proved(void **state)
{
	struct book *book = *state;
	static struct proof_answer answer;
	char since[CHECKPOINT_TEXT_MAX], text[CHECKPOINT_TEXT_MAX];
	struct key_pair old = make_key("ED25519"), pair = make_key("ED25519");
	struct checkpoint_keys keys = keys_of(&pair);
	struct proof_question question = {0};
	assert_int_equal(checkpoint_keys_add(&keys, sv_of(old.public)), 0);
	book_add(book, 0, 37);
	book_sync(book);
	question.since = make_checkpoint(book, &old, since); /* before a rotation */
	question.since_text = sv_of(since);
	book_add(book, 37, 64);
	book_sync(book);
	question.checkpoint = make_checkpoint(book, &pair, text);
	question.text = sv_of(text);
	char *json = prove(book, &question);
	assert_int_equal(audit_proof_check(sv_of(json), &keys, &answer), 0);
	assert_false(answer.is_inclusion);
	assert_int_equal(answer.since.size, question.since.size);
	assert_true(answer.checkpoint.size > answer.since.size);
	assert_only_this(json, &keys);
	free(json);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, book_setup, book_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(every_changed_byte_is_found),
		cmocka_unit_test(other_keys_are_refused),
		ROW(what_grew_holds),
		ROW(a_cut_tail_is_found),
		ROW(a_record_written_anew_is_found),
		ROW(two_swapped_are_found),
		ROW(a_removed_record_is_found),
		ROW(another_book_is_found),
		ROW(an_event_is_proved),
		ROW(growth_is_proved),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
