#include "audit/index.h"

#include "core/cursor.h"
#include "core/limits.h"
#include "core/outbuf.h"
#include "core/secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	KEY_BYTES = 15,
	PREFIX_BYTES = 13,
	ID_KEY_BYTES = EVENT_ID_BYTES + 1,
	SPAN_BYTES = 16,
	RUN_MAX = 512, /* places of one entry: its bytes stay inside a page */
	POSTINGS_PER_RECORD = 7,
	PLACE_MASK = INDEX_BUCKET_RECORDS - 1,
};

struct posting {
	uint64_t order; /* bucket (low 24 bits) << 40 | field << 32 | high half of the digest */
	uint32_t digest_low;
	uint32_t place;
};

struct id_entry {
	uint8_t key[ID_KEY_BYTES];
	uint64_t seq;
};

struct span {
	uint32_t bucket;
	uint64_t first_us, last_us;
};

struct index_work {
	struct posting *postings;
	struct id_entry *ids;
	size_t n_postings, n_ids, n_spans;
	struct span spans[2]; /* INDEX_BATCH records touch two buckets at most */
	uint32_t bucket;      /* of the first record: `order` holds only its low bits */
};

static MDB_val key_of(const char *text)
{
	return (MDB_val){strlen(text), (void *)(uintptr_t)text};
}

/* ---- opening ---- */

static int meta_bytes(MDB_txn *txn, MDB_dbi meta, const char *name, uint8_t *room, size_t n)
{
	MDB_val key = key_of(name), value;
	int r = mdb_get(txn, meta, &key, &value);
	if (r != 0)
		return store_errno(r);
	if (value.mv_size != n)
		return -EBADMSG;
	memcpy(room, value.mv_data, n);
	return 0;
}

static int put_meta(MDB_txn *txn, MDB_dbi meta, const char *name, const uint8_t *bytes, size_t n)
{
	MDB_val key = key_of(name), value = {n, (void *)(uintptr_t)bytes};
	return store_errno(mdb_put(txn, meta, &key, &value, 0));
}

static int open_databases(struct audit_store *store, MDB_txn *txn, unsigned make)
{
	int r = mdb_dbi_open(txn, "postings", make, &store->postings);
	if (r == 0)
		r = mdb_dbi_open(txn, "ids", make, &store->ids);
	if (r == 0)
		r = mdb_dbi_open(txn, "spans", make, &store->spans);
	if (r == 0)
		r = mdb_dbi_open(txn, "meta", make, &store->index_meta);
	return store_errno(r);
}

static int make_meta(struct audit_store *store, MDB_txn *txn)
{
	uint8_t key[STORE_INDEX_KEY_BYTES];
	if (!secret_random(key, sizeof(key)))
		return -EIO;
	int r = put_meta(txn, store->index_meta, "key", key, sizeof(key));
	return r == 0 ? put_meta(txn, store->index_meta, "store", store->id, STORE_ID_BYTES) : r;
}

/* An index of another book, or one that knows more than the book, is no index of ours. */
static int check_meta(struct audit_store *store, MDB_txn *txn)
{
	uint8_t id[STORE_ID_BYTES], key[STORE_INDEX_KEY_BYTES], checkpoint[8];
	int r = meta_bytes(txn, store->index_meta, "store", id, sizeof(id));
	if (r == -ENOENT && store->mode == AUDIT_STORE_WRITE) {
		r = make_meta(store, txn);
		memcpy(id, store->id, sizeof(id));
	}
	if (r == 0)
		r = meta_bytes(txn, store->index_meta, "key", key, sizeof(key));
	if (r != 0 || memcmp(id, store->id, sizeof(id)) != 0)
		return r == 0 ? -EBADMSG : r;
	memcpy(&store->index_key, key, sizeof(store->index_key));
	r = meta_bytes(txn, store->index_meta, "checkpoint", checkpoint, sizeof(checkpoint));
	if (r != 0)
		return r == -ENOENT ? 0 : r;
	struct cursor c = cursor_over((struct sv){(const char *)checkpoint, 8});
	bool ahead = store->mode == AUDIT_STORE_WRITE && cursor_u64be(&c) > store->head.seq;
	return ahead ? -EBADMSG : 0;
}

static int try_open(struct audit_store *store)
{
	bool writes = store->mode == AUDIT_STORE_WRITE;
	MDB_env *env = NULL;
	MDB_txn *txn = NULL;
	int r = store_env_open(store->index_dir, writes ? MDB_NOMETASYNC : MDB_RDONLY,
	                       writes ? store->map_bytes : 0, &env);
	if (r != 0)
		return r;
	r = store_errno(mdb_txn_begin(env, NULL, writes ? 0 : MDB_RDONLY, &txn));
	if (r == 0)
		r = open_databases(store, txn, writes ? MDB_CREATE : 0);
	if (r == 0)
		r = check_meta(store, txn);
	if (r == 0)
		r = store_errno(mdb_txn_commit(TAKE(txn)));
	if (txn)
		mdb_txn_abort(txn);
	if (r != 0) {
		mdb_env_close(env);
		return r;
	}
	store->index = env;
	return 0;
}

static void throw_away(const struct audit_store *store)
{
	static const char *const files[] = {"data.mdb", "lock.mdb"};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char path[4096];
		(void)snprintf(path, sizeof(path), "%s/%s", store->index_dir, files[i]);
		(void)unlink(path);
	}
}

/* Never a reason not to start: without an index the answers are the same, only slower. */
int index_open(struct audit_store *store)
{
	int r = try_open(store);
	if (r == 0 || store->mode != AUDIT_STORE_WRITE)
		return 0;
	if (r == -EBADMSG || r == -ENOENT || r == -EINVAL) {
		throw_away(store);
		(void)!try_open(store);
	}
	return 0;
}

void index_close(struct audit_store *store)
{
	if (store->index)
		mdb_env_close(TAKE(store->index));
}

int index_reset(struct audit_store *store)
{
	(void)pthread_rwlock_wrlock(&store->guard);
	index_close(store);
	throw_away(store);
	int r = try_open(store);
	(void)pthread_rwlock_unlock(&store->guard);
	return r;
}

/* ---- collecting ---- */

struct index_work *index_work_new(void)
{
	struct index_work *work = calloc(1, sizeof(*work));
	if (!work)
		return NULL;
	work->postings = calloc((size_t)INDEX_BATCH * POSTINGS_PER_RECORD, sizeof(*work->postings));
	work->ids = calloc(INDEX_BATCH, sizeof(*work->ids));
	if (work->postings && work->ids)
		return work;
	index_work_free(work);
	return NULL;
}

void index_work_free(struct index_work *work)
{
	if (!work)
		return;
	free(work->postings);
	free(work->ids);
	free(work);
}

static uint64_t digest_of(const struct audit_store *store, struct sv value)
{
	return hash_sip13(store->index_key, value);
}

static void add_posting(const struct audit_store *store, struct index_work *work, uint64_t seq,
                        enum index_field field, struct sv value)
{
	if (value.n == 0)
		return;
	uint64_t digest = digest_of(store, value);
	work->postings[work->n_postings++] = (struct posting){
		.order = (seq >> INDEX_BUCKET_SHIFT) << 40 | (uint64_t)field << 32 | digest >> 32,
		.digest_low = (uint32_t)digest,
		.place = (uint32_t)(seq & PLACE_MASK),
	};
}

static void add_span(struct index_work *work, uint32_t bucket, uint64_t at_us)
{
	struct span *span = work->n_spans ? &work->spans[work->n_spans - 1] : NULL;
	if (!span || span->bucket != bucket) {
		work->spans[work->n_spans++] = (struct span){bucket, at_us, at_us};
		return;
	}
	if (at_us < span->first_us)
		span->first_us = at_us;
	if (at_us > span->last_us)
		span->last_us = at_us;
}

static void add_record(const struct audit_store *store, struct index_work *work, uint64_t seq,
                       const struct audit_record *record)
{
	struct id_entry *id = &work->ids[work->n_ids++];
	memcpy(id->key, record->id.bytes, EVENT_ID_BYTES);
	id->key[EVENT_ID_BYTES] = (uint8_t)record->kind;
	id->seq = seq;
	add_span(work, (uint32_t)(seq >> INDEX_BUCKET_SHIFT), record->at_us);
	if (record->kind == AUDIT_OUTCOME)
		return;
	add_posting(store, work, seq, INDEX_USER, record->user);
	add_posting(store, work, seq, INDEX_USER, record->subject);
	add_posting(store, work, seq, INDEX_SOURCE, record->source_service);
	add_posting(store, work, seq, INDEX_SERVICE, record->service);
	add_posting(store, work, seq, INDEX_POLICY, record->policy);
	if (record->has_verdict)
		add_posting(store, work, seq, INDEX_VERDICT,
		            sv_of(verdict_effect_name(record->effect)));
	if (index_has_kind(record->kind))
		add_posting(store, work, seq, INDEX_KIND, sv_of(audit_kind_name(record->kind)));
}

static int by_posting(const void *a, const void *b)
{
	const struct posting *x = a, *y = b;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	if (x->digest_low != y->digest_low)
		return x->digest_low < y->digest_low ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, ID_KEY_BYTES);
}

/* ---- writing ---- */

static bool same_value(const struct posting *a, const struct posting *b)
{
	return a->order == b->order && a->digest_low == b->digest_low;
}

/* Writes behind the last key go into full pages; LMDB would halve each page otherwise. */
struct appender {
	MDB_cursor *cursor;
	uint8_t last[ID_KEY_BYTES];
	size_t n_last; /* 0: the database is empty */
};

static int appender_open(MDB_txn *txn, MDB_dbi dbi, struct appender *ret)
{
	MDB_val key, value;
	int r = mdb_cursor_open(txn, dbi, &ret->cursor);
	if (r != 0)
		return store_errno(r);
	ret->n_last = 0;
	r = mdb_cursor_get(ret->cursor, &key, &value, MDB_LAST);
	if (r == 0 && key.mv_size <= sizeof(ret->last)) {
		memcpy(ret->last, key.mv_data, key.mv_size);
		ret->n_last = key.mv_size;
	}
	return r == MDB_NOTFOUND ? 0 : store_errno(r);
}

static int appender_put(struct appender *to, MDB_val key, MDB_val value)
{
	struct sv last = {(const char *)to->last, to->n_last};
	bool behind = sv_cmp((struct sv){key.mv_data, key.mv_size}, last) > 0;
	int r = mdb_cursor_put(to->cursor, &key, &value, behind ? MDB_APPEND : 0);
	if (r == 0 && behind) {
		memcpy(to->last, key.mv_data, key.mv_size);
		to->n_last = key.mv_size;
	}
	return store_errno(r);
}

static int put_run(struct appender *to, uint32_t bucket, const struct posting *run, size_t n)
{
	uint8_t key_room[KEY_BYTES], places[2 * RUN_MAX];
	struct outbuf key = outbuf_over(key_room, sizeof(key_room));
	outbuf_u32be(&key, bucket);
	outbuf_u8(&key, (uint8_t)(run->order >> 32));
	outbuf_u32be(&key, (uint32_t)run->order);
	outbuf_u32be(&key, run->digest_low);
	outbuf_u16be(&key, (uint16_t)run->place);
	struct outbuf value = outbuf_over(places, sizeof(places));
	for (size_t i = 0; i < n; i++)
		if (i == 0 || run[i].place != run[i - 1].place)
			outbuf_u16be(&value, (uint16_t)run[i].place);
	MDB_val k = {key.n, key_room}, v = {value.n, places};
	return appender_put(to, k, v);
}

static int put_postings(const struct index_work *work, struct appender *to)
{
	int r = 0;
	for (size_t i = 0; i < work->n_postings && r == 0;) {
		const struct posting *run = &work->postings[i];
		size_t n = 1;
		while (i + n < work->n_postings && n < RUN_MAX && same_value(run, run + n))
			n++;
		bool second = (run->order >> 40) != (work->bucket & 0xffffff);
		r = put_run(to, work->bucket + second, run, n);
		i += n;
	}
	return r;
}

static int put_ids(const struct index_work *work, struct appender *to)
{
	int r = 0;
	for (size_t i = 0; i < work->n_ids && r == 0; i++) {
		uint8_t seq[8];
		struct outbuf out = outbuf_over(seq, sizeof(seq));
		outbuf_u64be(&out, work->ids[i].seq);
		MDB_val key = {ID_KEY_BYTES, (void *)(uintptr_t)work->ids[i].key};
		r = appender_put(to, key, (MDB_val){sizeof(seq), seq});
	}
	return r;
}

static int read_span(MDB_txn *txn, MDB_dbi dbi, uint32_t bucket, struct span *ret)
{
	uint8_t room[4];
	struct outbuf out = outbuf_over(room, sizeof(room));
	outbuf_u32be(&out, bucket);
	MDB_val key = {sizeof(room), room}, value;
	int r = mdb_get(txn, dbi, &key, &value);
	if (r != 0)
		return store_errno(r);
	struct cursor c = cursor_over((struct sv){value.mv_data, value.mv_size});
	*ret = (struct span){.bucket = bucket};
	ret->first_us = cursor_u64be(&c);
	ret->last_us = cursor_u64be(&c);
	return cursor_done(&c) ? 0 : -EBADMSG;
}

static int put_spans(struct audit_store *store, const struct index_work *work, MDB_txn *txn)
{
	int r = 0;
	for (size_t i = 0; i < work->n_spans && r == 0; i++) {
		struct span span = work->spans[i], old;
		r = read_span(txn, store->spans, span.bucket, &old);
		if (r == 0) {
			span.first_us = MIN_OF(span.first_us, old.first_us);
			span.last_us = span.last_us > old.last_us ? span.last_us : old.last_us;
		} else if (r != -ENOENT) {
			return r;
		}
		uint8_t key_room[4], room[SPAN_BYTES];
		struct outbuf key = outbuf_over(key_room, sizeof(key_room));
		struct outbuf value = outbuf_over(room, sizeof(room));
		outbuf_u32be(&key, span.bucket);
		outbuf_u64be(&value, span.first_us);
		outbuf_u64be(&value, span.last_us);
		MDB_val k = {key.n, key_room}, v = {value.n, room};
		r = store_errno(mdb_put(txn, store->spans, &k, &v, 0));
	}
	return r;
}

static int put_all(struct audit_store *store, const struct index_work *work, MDB_txn *txn,
                   uint64_t upto)
{
	uint8_t checkpoint[8];
	struct outbuf out = outbuf_over(checkpoint, sizeof(checkpoint));
	struct appender postings, ids;
	outbuf_u64be(&out, upto);
	int r = appender_open(txn, store->postings, &postings);
	if (r == 0)
		r = appender_open(txn, store->ids, &ids);
	if (r == 0)
		r = put_postings(work, &postings);
	if (r == 0)
		r = put_ids(work, &ids);
	if (r == 0)
		r = put_spans(store, work, txn);
	return r == 0 ? put_meta(txn, store->index_meta, "checkpoint", checkpoint, 8) : r;
}

static int commit(struct audit_store *store, const struct index_work *work, uint64_t upto)
{
	MDB_txn *txn = NULL;
	int r = store_errno(mdb_txn_begin(store->index, NULL, 0, &txn));
	if (r != 0)
		return r;
	r = put_all(store, work, txn, upto);
	if (r != 0)
		mdb_txn_abort(txn);
	else
		r = store_errno(mdb_txn_commit(txn));
	return r;
}

static int collect(struct store_view *view, struct index_work *work, uint64_t upto)
{
	struct audit_record record;
	work->n_postings = work->n_ids = work->n_spans = 0;
	work->bucket = (uint32_t)((view->indexed_seq + 1) >> INDEX_BUCKET_SHIFT);
	for (uint64_t seq = view->indexed_seq + 1; seq <= upto; seq++) {
		int r = store_view_record(view, seq, &record);
		if (r == -EBADMSG) /* the chain check tells of it; the index goes on */
			continue;
		if (r != 0)
			return r;
		add_record(view->store, work, seq, &record);
	}
	qsort(work->postings, work->n_postings, sizeof(*work->postings), by_posting);
	qsort(work->ids, work->n_ids, sizeof(*work->ids), by_id);
	return 0;
}

int index_update(struct audit_store *store, struct index_work *work, uint64_t *ret_seq,
                 uint64_t *ret_behind)
{
	struct store_view view;
	if (!store->index) {
		int r = index_reset(store);
		if (r != 0)
			return r;
	}
	int r = store_view_open(store, &view);
	if (r != 0)
		return r;
	uint64_t upto = MIN_OF(view.last_seq, view.indexed_seq + INDEX_BATCH), last = view.last_seq;
	bool is_new = upto > view.indexed_seq;
	r = is_new ? collect(&view, work, upto) : 0;
	store_view_close(&view);
	if (r == 0 && is_new)
		r = commit(store, work, upto);
	if (r != 0)
		return r;
	*ret_seq = upto;
	*ret_behind = last - upto;
	return 0;
}

/* ---- looking up ---- */

static int add_places(struct sv places, uint64_t bits[INDEX_BIT_WORDS])
{
	struct cursor c = cursor_over(places);
	while (cursor_left(&c) >= 2) {
		unsigned place = cursor_u16be(&c);
		if (place >= INDEX_BUCKET_RECORDS)
			return -EBADMSG;
		bits[place / 64] |= 1ULL << place % 64;
	}
	return cursor_left(&c) ? -EBADMSG : 0;
}

int index_bits(struct store_view *view, uint32_t bucket, enum index_field field, struct sv value,
               uint64_t bits[INDEX_BIT_WORDS])
{
	uint8_t room[KEY_BYTES];
	struct outbuf prefix = outbuf_over(room, sizeof(room));
	outbuf_u32be(&prefix, bucket);
	outbuf_u8(&prefix, (uint8_t)field);
	outbuf_u64be(&prefix, digest_of(view->store, value));
	outbuf_u16be(&prefix, 0);
	MDB_cursor *cursor = NULL;
	MDB_val key = {sizeof(room), room}, found = {0};
	int r = mdb_cursor_open(view->index, view->store->postings, &cursor);
	if (r != 0)
		return store_errno(r);
	r = mdb_cursor_get(cursor, &key, &found, MDB_SET_RANGE);
	while (r == 0 && key.mv_size == KEY_BYTES && memcmp(key.mv_data, room, PREFIX_BYTES) == 0) {
		r = add_places((struct sv){found.mv_data, found.mv_size}, bits);
		if (r != 0)
			break;
		r = mdb_cursor_get(cursor, &key, &found, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return r == MDB_NOTFOUND || r == 0 ? 0 : r == -EBADMSG ? r : store_errno(r);
}

int index_id(struct store_view *view, const struct event_id *id, enum audit_kind kind,
             uint64_t *ret_seq)
{
	uint8_t room[ID_KEY_BYTES];
	memcpy(room, id->bytes, EVENT_ID_BYTES);
	room[EVENT_ID_BYTES] = (uint8_t)kind;
	MDB_val key = {sizeof(room), room}, value;
	int r = view->ids ? 0 : mdb_cursor_open(view->index, view->store->ids, &view->ids);
	if (r == 0)
		r = mdb_cursor_get(view->ids, &key, &value, MDB_SET_KEY);
	if (r != 0)
		return store_errno(r);
	struct cursor c = cursor_over((struct sv){value.mv_data, value.mv_size});
	uint64_t seq = cursor_u64be(&c);
	if (!cursor_done(&c) || seq == 0 || seq > view->indexed_seq)
		return -EBADMSG;
	*ret_seq = seq;
	return 0;
}

int index_span(struct store_view *view, uint32_t bucket, uint64_t *ret_first_us,
               uint64_t *ret_last_us)
{
	struct span span;
	int r = read_span(view->index, view->store->spans, bucket, &span);
	if (r != 0)
		return r;
	*ret_first_us = span.first_us;
	*ret_last_us = span.last_us;
	return 0;
}
