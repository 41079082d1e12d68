#include "audit/index_file.h"
#include "core/cursor.h"
#include "core/outbuf.h"

#include <errno.h>

int index_span_read(MDB_txn *txn, MDB_dbi dbi, uint32_t bucket, struct index_span *ret)
{
	uint8_t room[4];
	struct outbuf out = outbuf_over(room, sizeof(room));
	outbuf_u32be(&out, bucket);
	MDB_val key = {sizeof(room), room}, value;
	int r = mdb_get(txn, dbi, &key, &value);
	if (r != 0)
		return store_errno(r);
	struct cursor c = cursor_over((struct sv){value.mv_data, value.mv_size});
	*ret = (struct index_span){.bucket = bucket};
	ret->first_us = cursor_u64be(&c);
	ret->last_us = cursor_u64be(&c);
	return cursor_done(&c) ? 0 : -EBADMSG;
}

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
	uint8_t room[INDEX_KEY_BYTES];
	struct outbuf prefix = outbuf_over(room, sizeof(room));
	outbuf_u32be(&prefix, bucket);
	outbuf_u8(&prefix, (uint8_t)field);
	outbuf_u64be(&prefix, index_digest(view->store, value));
	outbuf_u16be(&prefix, 0);
	MDB_cursor *cursor = NULL;
	MDB_val key = {sizeof(room), room}, found = {0};
	int r = mdb_cursor_open(view->index, view->store->postings, &cursor);
	if (r != 0)
		return store_errno(r);
	r = mdb_cursor_get(cursor, &key, &found, MDB_SET_RANGE);
	while (r == 0 && key.mv_size == INDEX_KEY_BYTES &&
	       memcmp(key.mv_data, room, INDEX_PREFIX_BYTES) == 0) {
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
	uint8_t room[INDEX_ID_KEY_BYTES];
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
	struct index_span span;
	int r = index_span_read(view->index, view->store->spans, bucket, &span);
	if (r != 0)
		return r;
	*ret_first_us = span.first_us;
	*ret_last_us = span.last_us;
	return 0;
}
