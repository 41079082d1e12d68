#include "audit/index_file.h"
#include "core/limits.h"
#include "core/outbuf.h"

#include <errno.h>
#include <stdlib.h>

enum {
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
	uint8_t key[INDEX_ID_KEY_BYTES];
	uint64_t seq;
};

struct index_work {
	struct posting *postings;
	struct id_entry *ids;
	size_t n_postings, n_ids, n_spans, n_outcomes;
	struct index_span spans[2]; /* INDEX_BATCH records touch two buckets at most */
	uint32_t bucket;            /* of the first record: `order` holds only its low bits */
};

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

static void add_posting(const struct audit_store *store, struct index_work *work, uint64_t seq,
                        enum index_field field, struct sv value)
{
	if (value.n == 0)
		return;
	uint64_t digest = index_digest(store, value);
	work->postings[work->n_postings++] = (struct posting){
		.order = (seq >> INDEX_BUCKET_SHIFT) << 40 | (uint64_t)field << 32 | digest >> 32,
		.digest_low = (uint32_t)digest,
		.place = (uint32_t)(seq & PLACE_MASK),
	};
}

static void add_span(struct index_work *work, uint32_t bucket, uint64_t at_us)
{
	struct index_span *span = work->n_spans ? &work->spans[work->n_spans - 1] : NULL;
	if (!span || span->bucket != bucket) {
		work->spans[work->n_spans++] = (struct index_span){bucket, at_us, at_us};
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
	work->n_outcomes += record->kind == AUDIT_OUTCOME;
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
	return memcmp(a, b, INDEX_ID_KEY_BYTES);
}

/* ---- writing ---- */

static bool same_value(const struct posting *a, const struct posting *b)
{
	return a->order == b->order && a->digest_low == b->digest_low;
}

/* Writes behind the last key go into full pages; LMDB would halve each page otherwise. */
struct appender {
	MDB_cursor *cursor;
	uint8_t last[INDEX_ID_KEY_BYTES];
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
	uint8_t key_room[INDEX_KEY_BYTES], places[2 * RUN_MAX];
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
		MDB_val key = {INDEX_ID_KEY_BYTES, (void *)(uintptr_t)work->ids[i].key};
		r = appender_put(to, key, (MDB_val){sizeof(seq), seq});
	}
	return r;
}

static int put_spans(struct audit_store *store, const struct index_work *work, MDB_txn *txn)
{
	int r = 0;
	for (size_t i = 0; i < work->n_spans && r == 0; i++) {
		struct index_span span = work->spans[i], old;
		r = index_span_read(txn, store->spans, span.bucket, &old);
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

/* `upto` is the checkpoint; without outcomes up to here, also the end of what has none. */
static int put_checkpoint(struct audit_store *store, const struct index_work *work, MDB_txn *txn,
                          uint64_t upto)
{
	MDB_dbi meta = store->index_meta;
	uint64_t before = index_number(txn, meta, "checkpoint");
	bool bare = work->n_outcomes == 0 && index_number(txn, meta, "bare") == before;
	uint8_t room[8];
	store_put_be(room, upto);
	int r = index_put_meta(txn, meta, "checkpoint", room, sizeof(room));
	return r == 0 && bare ? index_put_meta(txn, meta, "bare", room, sizeof(room)) : r;
}

static int put_all(struct audit_store *store, const struct index_work *work, MDB_txn *txn,
                   uint64_t upto)
{
	struct appender postings, ids;
	int r = appender_open(txn, store->postings, &postings);
	if (r == 0)
		r = appender_open(txn, store->ids, &ids);
	if (r == 0)
		r = put_postings(work, &postings);
	if (r == 0)
		r = put_ids(work, &ids);
	if (r == 0)
		r = put_spans(store, work, txn);
	return r == 0 ? put_checkpoint(store, work, txn, upto) : r;
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
	work->n_postings = work->n_ids = work->n_spans = work->n_outcomes = 0;
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
