#include "audit/store_file.h"
#include "audit/texts.h"
#include "core/limits.h"

#include <errno.h>
#include <stdlib.h>

enum { N_CACHED = 4 }; /* neighbours, since an outcome often lies a bucket behind its decision */

/* Texts of some buckets, as far as they were asked for; an empty one was not. */
struct texts_cache {
	struct {
		bool used;
		uint32_t bucket;
		struct sv texts[TEXTS_MAX];
	} buckets[N_CACHED];
};

static int begin_read(struct audit_store *store, MDB_env *env, MDB_txn **ret)
{
	int r = mdb_txn_begin(env, NULL, MDB_RDONLY, ret);
	if (r != MDB_MAP_RESIZED || store->mode == AUDIT_STORE_WRITE)
		return store_errno(r);
	/* The writer raised its ceiling. A reading process is one thread here, with nothing open. */
	r = mdb_env_set_mapsize(env, 0);
	return store_errno(r == 0 ? mdb_txn_begin(env, NULL, MDB_RDONLY, ret) : r);
}

static void read_indexed(struct store_view *view)
{
	MDB_dbi meta = view->store->index_meta;
	uint64_t checkpoint = index_number(view->index, meta, "checkpoint");
	view->indexed_seq = MIN_OF(checkpoint, view->last_seq);
	view->is_bare = index_number(view->index, meta, "bare") == checkpoint;
}

static int begin_view(struct store_view *view)
{
	struct audit_store *store = view->store;
	MDB_val value;
	if (!store->events)
		return -EIO;
	int r = 0;
	if (store->index) /* first, so that it never knows more than the events */
		r = begin_read(store, store->index, &view->index);
	if (r == 0)
		r = begin_read(store, store->events, &view->events);
	if (r == 0)
		r = store_errno(mdb_cursor_open(view->events, store->records, &view->records));
	if (r == 0)
		r = store_last_key(view->events, store->records, &view->last_seq, &value);
	if (r == 0 && view->index)
		read_indexed(view);
	return r;
}

int store_view_open(struct audit_store *store, struct store_view *ret)
{
	*ret = (struct store_view){.store = store};
	(void)pthread_rwlock_rdlock(&store->guard);
	int r = begin_view(ret);
	if (r != 0)
		store_view_close(ret);
	return r;
}

void store_view_close(struct store_view *view)
{
	if (!view->store)
		return;
	if (view->records)
		mdb_cursor_close(view->records);
	if (view->ids)
		mdb_cursor_close(view->ids);
	if (view->texts)
		mdb_cursor_close(view->texts);
	free(view->shared);
	if (view->events)
		mdb_txn_abort(view->events);
	if (view->index)
		mdb_txn_abort(view->index);
	(void)pthread_rwlock_unlock(&view->store->guard);
	*view = (struct store_view){0};
}

int store_view_bytes(struct store_view *view, uint64_t seq, struct sv *ret)
{
	uint8_t room[8];
	store_put_be(room, seq);
	MDB_val key = {sizeof(room), room}, value = {0};
	MDB_cursor_op op = MDB_SET_KEY;
	if (view->at_seq && seq == view->at_seq + 1)
		op = MDB_NEXT;
	else if (view->at_seq && seq + 1 == view->at_seq)
		op = MDB_PREV;
	int r = mdb_cursor_get(view->records, &key, &value, op);
	view->at_seq = r == 0 ? seq : 0;
	if (r != 0 && r != MDB_NOTFOUND)
		return store_errno(r);
	if (r == MDB_NOTFOUND || key.mv_size != 8 || store_get_be(key.mv_data) != seq ||
	    value.mv_size <= STORE_TAG_BYTES) {
		view->at_seq = 0;
		return -EBADMSG;
	}
	*ret = (struct sv){value.mv_data, value.mv_size - STORE_TAG_BYTES};
	return 0;
}

/* ---- packed records ---- */

struct finding {
	struct store_view *view;
	uint32_t bucket;
	int error;
};

static int make_cache(struct store_view *view)
{
	if (view->shared)
		return 0;
	if (!view->store->texts)
		return -EBADMSG;
	int r = view->texts ? 0 : mdb_cursor_open(view->events, view->store->texts, &view->texts);
	if (r != 0)
		return store_errno(r);
	view->shared = malloc(sizeof(*view->shared));
	if (!view->shared)
		return -ENOMEM;
	for (size_t i = 0; i < N_CACHED; i++)
		view->shared->buckets[i].used = false;
	return 0;
}

static struct sv *cached(struct texts_cache *cache, uint32_t bucket)
{
	size_t i = bucket % N_CACHED;
	if (!cache->buckets[i].used || cache->buckets[i].bucket != bucket) {
		memset(&cache->buckets[i], 0, sizeof(cache->buckets[i]));
		cache->buckets[i].used = true;
		cache->buckets[i].bucket = bucket;
	}
	return cache->buckets[i].texts;
}

static struct sv find_shared(void *user, uint64_t number)
{
	struct finding *finding = user;
	if (number >= TEXTS_MAX)
		return (struct sv){0};
	struct sv *text = &cached(finding->view->shared, finding->bucket)[number];
	if (text->n == 0)
		finding->error =
			texts_read(finding->view->texts, finding->bucket, (uint32_t)number, text);
	return *text;
}

int store_view_unpack(struct store_view *view, uint64_t seq, struct sv bytes,
                      struct audit_record *ret)
{
	struct finding finding = {.view = view, .bucket = (uint32_t)(seq >> STORE_BUCKET_SHIFT)};
	int r = audit_record_is_packed(bytes) ? make_cache(view) : 0;
	if (r == 0)
		r = audit_record_unpack(bytes, find_shared, &finding, ret);
	return finding.error ? finding.error : r;
}

int store_view_record(struct store_view *view, uint64_t seq, struct audit_record *ret)
{
	struct sv bytes;
	int r = store_view_bytes(view, seq, &bytes);
	return r == 0 ? store_view_unpack(view, seq, bytes, ret) : r;
}
