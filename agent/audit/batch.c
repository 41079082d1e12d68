#include "audit/record.h"
#include "audit/store_file.h"
#include "audit/texts.h"
#include "core/limits.h"

#include <errno.h>

enum { PLACE_BYTES = 16 };

int store_batch_begin(struct audit_store *store, struct store_batch *ret)
{
	struct store_batch batch = {.store = store, .head = store->head};
	if (!store->events)
		return -EIO;
	int r = mdb_txn_begin(store->events, NULL, 0, &batch.txn);
	if (r == 0)
		r = mdb_cursor_open(batch.txn, store->records, &batch.records);
	if (r != 0) {
		store_batch_abort(&batch);
		return store_errno(r);
	}
	*ret = batch;
	return 0;
}

void store_batch_abort(struct store_batch *batch)
{
	if (batch->txn) {
		mdb_txn_abort(TAKE(batch->txn)); /* closes its cursors */
		texts_forget(batch->store->shared);
	}
}

static int put_checkpoint(struct store_batch *batch)
{
	uint8_t seq[8];
	store_put_be(seq, batch->head.seq);
	MDB_val key = {sizeof(seq), seq}, value = {SHA256_BYTES, batch->head.digest};
	return store_errno(
		mdb_put(batch->txn, batch->store->checkpoints, &key, &value, MDB_APPEND));
}

/* The form in which the record is stored; one that cannot be read stays as it is, for the chain to tell. */
static int pack(struct store_batch *batch, uint64_t seq, struct sv plain, struct outbuf *room,
                struct sv *ret)
{
	struct audit_store *store = batch->store;
	*ret = plain;
	int r = texts_begin(store->shared, batch->txn, store->texts,
	                    (uint32_t)(seq >> STORE_BUCKET_SHIFT));
	if (r != 0)
		return r;
	if (audit_record_pack(plain, texts_share, store->shared, room) == 0)
		*ret = outbuf_sv(room);
	return texts_error(store->shared);
}

static int put_record(struct store_batch *batch, const struct store_head *next, struct sv stored)
{
	uint8_t seq[8];
	store_put_be(seq, next->seq);
	MDB_val key = {sizeof(seq), seq}, value = {stored.n + STORE_TAG_BYTES, NULL};
	int r = mdb_cursor_put(batch->records, &key, &value, MDB_APPEND | MDB_RESERVE);
	if (r != 0)
		return store_errno(r);
	memcpy(value.mv_data, stored.at, stored.n);
	memcpy((uint8_t *)value.mv_data + stored.n, next->digest, STORE_TAG_BYTES);
	return 0;
}

int store_batch_put(struct store_batch *batch, struct sv record)
{
	struct store_head next = {.seq = batch->head.seq + 1};
	struct outbuf packed = outbuf_over(batch->store->room, AUDIT_RECORD_MAX);
	struct sv stored;
	if (!store_next_digest(batch->store->sha, batch->head.digest, next.seq, record,
	                       next.digest))
		return -EIO;
	int r = pack(batch, next.seq, record, &packed, &stored);
	if (r == 0)
		r = put_record(batch, &next, stored);
	if (r != 0)
		return r;
	batch->head = next;
	batch->n++;
	return next.seq % STORE_CHECKPOINT_EVERY == 0 ? put_checkpoint(batch) : 0;
}

static void journal_key(uint8_t key[1 + RING_ID_BYTES], const uint8_t ring_id[RING_ID_BYTES])
{
	key[0] = 'j';
	memcpy(key + 1, ring_id, RING_ID_BYTES);
}

int store_batch_place(struct store_batch *batch, const uint8_t ring_id[RING_ID_BYTES],
                      struct ring_place place)
{
	uint8_t key_room[1 + RING_ID_BYTES], room[PLACE_BYTES];
	journal_key(key_room, ring_id);
	store_put_be(room, place.at);
	store_put_be(room + 8, place.sequence);
	MDB_val key = {sizeof(key_room), key_room}, value = {sizeof(room), room};
	return store_errno(mdb_put(batch->txn, batch->store->meta, &key, &value, 0));
}

int store_batch_commit(struct store_batch *batch)
{
	uint8_t room[STORE_HEAD_BYTES];
	store_put_be(room, batch->head.seq);
	memcpy(room + 8, batch->head.digest, SHA256_BYTES);
	MDB_val key = store_text_key("head"), value = {sizeof(room), room};
	int r = mdb_put(batch->txn, batch->store->meta, &key, &value, 0);
	if (r != 0) {
		store_batch_abort(batch);
		return store_errno(r);
	}
	r = mdb_txn_commit(TAKE(batch->txn));
	if (r == 0)
		batch->store->head = batch->head;
	else
		texts_forget(batch->store->shared);
	return store_errno(r);
}

int store_place(struct audit_store *store, const uint8_t ring_id[RING_ID_BYTES],
                struct ring_place *ret)
{
	uint8_t key_room[1 + RING_ID_BYTES];
	journal_key(key_room, ring_id);
	MDB_val key = {sizeof(key_room), key_room}, value;
	MDB_txn *txn = NULL;
	if (!store->events)
		return -EIO;
	int r = mdb_txn_begin(store->events, NULL, MDB_RDONLY, &txn);
	if (r != 0)
		return store_errno(r);
	r = store_errno(mdb_get(txn, store->meta, &key, &value));
	if (r == 0 && value.mv_size != PLACE_BYTES)
		r = -EBADMSG;
	if (r == 0)
		*ret = (struct ring_place){store_get_be(value.mv_data),
		                           store_get_be((const uint8_t *)value.mv_data + 8)};
	mdb_txn_abort(txn);
	return r;
}
