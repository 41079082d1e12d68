#include "audit/store_file.h"
#include "core/cursor.h"
#include "core/fileio.h"
#include "core/limits.h"
#include "core/outbuf.h"
#include "core/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_READERS = 254, MAX_DBS = 4, PLACE_BYTES = 16, HEAD_BYTES = 8 + SHA256_BYTES };

/* The only map of LMDB's codes. Positive errno values come through as they are. */
int store_errno(int lmdb_code)
{
	static const struct {
		int code, is;
	} map[] = {
		{MDB_SUCCESS, 0},
		{MDB_KEYEXIST, -EEXIST},
		{MDB_NOTFOUND, -ENOENT},
		{MDB_PAGE_NOTFOUND, -EBADMSG},
		{MDB_CORRUPTED, -EBADMSG},
		{MDB_PANIC, -EIO},
		{MDB_VERSION_MISMATCH, -EBADMSG},
		{MDB_INVALID, -EBADMSG},
		{MDB_MAP_FULL, -ENOSPC},
		{MDB_READERS_FULL, -EAGAIN},
		{MDB_MAP_RESIZED, -ESTALE},
		{MDB_BAD_TXN, -EIO},
	};
	for (size_t i = 0; i < ARRAY_LEN(map); i++)
		if (map[i].code == lmdb_code)
			return map[i].is;
	return lmdb_code > 0 ? -lmdb_code : -EIO;
}

static MDB_val text_key(const char *text)
{
	return (MDB_val){strlen(text), (void *)(uintptr_t)text};
}

static void put_be(uint8_t *at, uint64_t value)
{
	struct outbuf out = outbuf_over(at, 8);
	outbuf_u64be(&out, value);
}

static uint64_t get_be(const void *at)
{
	struct cursor c = cursor_over((struct sv){at, 8});
	return cursor_u64be(&c);
}

/* ---- environments ---- */

/* A file shorter than its own pages would end in SIGBUS. */
static int check_length(MDB_env *env, const char *dir)
{
	char path[4096];
	struct stat file;
	MDB_envinfo info;
	MDB_stat stat_of;
	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	int r = mdb_env_info(env, &info);
	if (r == 0)
		r = mdb_env_stat(env, &stat_of);
	if (r != 0)
		return store_errno(r);
	if (stat(path, &file) != 0)
		return -errno;
	uint64_t pages = file.st_size > 0 ? (uint64_t)file.st_size / stat_of.ms_psize : 0;
	return info.me_last_pgno > 1 && info.me_last_pgno >= pages ? -EBADMSG : 0;
}

int store_env_open(const char *dir, unsigned flags, uint64_t map_bytes, MDB_env **ret)
{
	MDB_env *env = NULL;
	int r = mdb_env_create(&env);
	if (r != 0)
		return store_errno(r);
	r = mdb_env_set_maxdbs(env, MAX_DBS);
	if (r == 0)
		r = mdb_env_set_maxreaders(env, MAX_READERS);
	if (r == 0 && map_bytes)
		r = mdb_env_set_mapsize(env, map_bytes);
	if (r == 0)
		r = mdb_env_open(env, dir, MDB_NOTLS | flags, 0600);
	r = store_errno(r);
	if (r == 0)
		r = check_length(env, dir);
	if (r != 0) {
		mdb_env_close(env);
		return r;
	}
	int dead = 0;
	(void)mdb_reader_check(env, &dead);
	*ret = env;
	return 0;
}

static int read_id(struct audit_store *store, MDB_txn *txn)
{
	MDB_val key = text_key("store"), value;
	int r = mdb_get(txn, store->meta, &key, &value);
	if (r == 0 && value.mv_size == STORE_ID_BYTES) {
		memcpy(store->id, value.mv_data, STORE_ID_BYTES);
		return 0;
	}
	if (r != MDB_NOTFOUND || store->mode != AUDIT_STORE_WRITE)
		return r == 0 || r == MDB_NOTFOUND ? -EBADMSG : store_errno(r);
	if (!secret_random(store->id, STORE_ID_BYTES))
		return -EIO;
	value = (MDB_val){STORE_ID_BYTES, store->id};
	return store_errno(mdb_put(txn, store->meta, &key, &value, 0));
}

static int last_key(MDB_txn *txn, MDB_dbi dbi, uint64_t *ret, MDB_val *ret_value)
{
	MDB_cursor *cursor = NULL;
	MDB_val key, value = {0};
	int r = mdb_cursor_open(txn, dbi, &cursor);
	if (r != 0)
		return store_errno(r);
	r = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
	mdb_cursor_close(cursor);
	*ret = r == 0 && key.mv_size == 8 ? get_be(key.mv_data) : 0;
	*ret_value = value;
	return r == 0 && key.mv_size != 8 ? -EBADMSG : r == MDB_NOTFOUND ? 0 : store_errno(r);
}

/* The head, checked against the last record's tag. */
static int read_head(struct audit_store *store, MDB_txn *txn, struct store_head *ret)
{
	MDB_val key = text_key("head"), value, last_value = {0};
	uint64_t last = 0;
	int r = last_key(txn, store->records, &last, &last_value);
	if (r != 0)
		return r;
	r = mdb_get(txn, store->meta, &key, &value);
	if (r == MDB_NOTFOUND && last == 0) {
		ret->seq = 0;
		return store_first_digest(store->id, ret->digest) ? 0 : -EIO;
	}
	if (r != 0 || value.mv_size != HEAD_BYTES)
		return r == 0 || r == MDB_NOTFOUND ? -EBADMSG : store_errno(r);
	ret->seq = get_be(value.mv_data);
	memcpy(ret->digest, (const uint8_t *)value.mv_data + 8, SHA256_BYTES);
	if (ret->seq != last)
		return -EBADMSG;
	if (last == 0)
		return 0;
	size_t n = last_value.mv_size;
	const uint8_t *bytes = last_value.mv_data;
	bool same = n > STORE_TAG_BYTES &&
	            memcmp(bytes + n - STORE_TAG_BYTES, ret->digest, STORE_TAG_BYTES) == 0;
	return same ? 0 : -EBADMSG;
}

static int open_databases(struct audit_store *store, MDB_txn *txn)
{
	unsigned make = store->mode == AUDIT_STORE_WRITE ? MDB_CREATE : 0;
	int r = mdb_dbi_open(txn, "records", make, &store->records);
	if (r == 0)
		r = mdb_dbi_open(txn, "checkpoints", make, &store->checkpoints);
	if (r == 0)
		r = mdb_dbi_open(txn, "meta", make, &store->meta);
	return store_errno(r);
}

static int open_events(struct audit_store *store)
{
	bool writes = store->mode == AUDIT_STORE_WRITE;
	MDB_env *env = NULL;
	int r = store_env_open(store->events_dir, writes ? 0 : MDB_RDONLY,
	                       writes ? store->map_bytes : 0, &env);
	if (r != 0)
		return r;
	MDB_txn *txn = NULL;
	r = store_errno(mdb_txn_begin(env, NULL, writes ? 0 : MDB_RDONLY, &txn));
	if (r == 0)
		r = open_databases(store, txn);
	if (r == 0)
		r = read_id(store, txn);
	if (r == 0 && writes)
		r = read_head(store, txn, &store->head);
	if (r == 0)
		r = store_errno(mdb_txn_commit(TAKE(txn)));
	if (txn)
		mdb_txn_abort(txn);
	if (r != 0) {
		mdb_env_close(env);
		return r;
	}
	store->events = env;
	return 0;
}

int store_reopen(struct audit_store *store)
{
	(void)pthread_rwlock_wrlock(&store->guard);
	if (store->events)
		mdb_env_close(TAKE(store->events));
	int r = open_events(store);
	(void)pthread_rwlock_unlock(&store->guard);
	return r;
}

/* ---- open, close ---- */

static int take_lock(struct audit_store *store, const char *dir)
{
	char path[4096];
	(void)snprintf(path, sizeof(path), "%s/writer.lock", dir);
	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->lock_fd < 0)
		return -errno;
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return 0;
}

static char *join(const char *dir, const char *name)
{
	char *path = NULL;
	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static int prepare(struct audit_store *store, const char *dir)
{
	store->events_dir = join(dir, "events");
	store->index_dir = join(dir, "index");
	store->sha = sha256_new();
	if (!store->events_dir || !store->index_dir || !store->sha || strlen(dir) > 3072)
		return strlen(dir) > 3072 ? -ENAMETOOLONG : -ENOMEM;
	if (store->mode != AUDIT_STORE_WRITE)
		return access(store->events_dir, F_OK) == 0 ? 0 : -errno;
	int r = dir_make(store->events_dir, 0700);
	if (r == 0)
		r = dir_make(store->index_dir, 0700);
	return r == 0 ? take_lock(store, dir) : r;
}

static int make_guard(struct audit_store *store)
{
	pthread_rwlockattr_t kind;
	int r = pthread_rwlockattr_init(&kind);
	if (r == 0)
		r = pthread_rwlockattr_setkind_np(&kind,
		                                  PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	if (r == 0)
		r = pthread_rwlock_init(&store->guard, &kind);
	(void)pthread_rwlockattr_destroy(&kind);
	return -r;
}

static void close_store(struct audit_store **store)
{
	audit_store_close(*store);
}

int audit_store_open(const char *dir, enum audit_store_mode mode, uint64_t map_bytes,
                     struct audit_store **ret)
{
	struct audit_store *made = calloc(1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->lock_fd = -1;
	made->mode = mode;
	made->map_bytes = map_bytes ? map_bytes : AUDIT_MAP_BYTES;
	int r = make_guard(made);
	if (r != 0) {
		free(made);
		return r;
	}
	CLEANUP(close_store) struct audit_store *store = made;
	r = prepare(store, dir);
	if (r == 0)
		r = open_events(store);
	if (r == 0)
		r = index_open(store);
	if (r != 0)
		return r;
	*ret = TAKE(store);
	return 0;
}

void audit_store_close(struct audit_store *store)
{
	if (!store)
		return;
	index_close(store);
	if (store->events)
		mdb_env_close(store->events);
	if (store->lock_fd >= 0)
		(void)close(store->lock_fd);
	(void)pthread_rwlock_destroy(&store->guard);
	sha256_free(store->sha);
	free(store->events_dir);
	free(store->index_dir);
	free(store);
}

/* ---- the chain ---- */

bool store_first_digest(const uint8_t id[STORE_ID_BYTES], uint8_t ret[SHA256_BYTES])
{
	char text[32 + STORE_ID_BYTES] = "haward audit chain 1";
	memcpy(text + 32, id, STORE_ID_BYTES);
	return sha256_of((struct sv){text, sizeof(text)}, ret);
}

bool store_next_digest(struct sha256 *sha, const uint8_t before[SHA256_BYTES], uint64_t seq,
                       struct sv record, uint8_t ret[SHA256_BYTES])
{
	uint8_t seq_be[8];
	put_be(seq_be, seq);
	struct sv parts[] = {
		{(const char *)before, SHA256_BYTES}, {(const char *)seq_be, 8}, record};
	return sha256_parts(sha, parts, ARRAY_LEN(parts), ret);
}

/* ---- looking ---- */

static int begin_read(struct audit_store *store, MDB_env *env, MDB_txn **ret)
{
	int r = mdb_txn_begin(env, NULL, MDB_RDONLY, ret);
	if (r != MDB_MAP_RESIZED || store->mode == AUDIT_STORE_WRITE)
		return store_errno(r);
	/* The writer raised its ceiling. A reading process is one thread here, with nothing open. */
	r = mdb_env_set_mapsize(env, 0);
	return store_errno(r == 0 ? mdb_txn_begin(env, NULL, MDB_RDONLY, ret) : r);
}

static uint64_t read_indexed(struct store_view *view)
{
	MDB_val key = text_key("checkpoint"), value;
	int r = mdb_get(view->index, view->store->index_meta, &key, &value);
	return r == 0 && value.mv_size == 8 ? get_be(value.mv_data) : 0;
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
		r = last_key(view->events, store->records, &view->last_seq, &value);
	if (r == 0 && view->index)
		view->indexed_seq = MIN_OF(read_indexed(view), view->last_seq);
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
	if (view->events)
		mdb_txn_abort(view->events);
	if (view->index)
		mdb_txn_abort(view->index);
	(void)pthread_rwlock_unlock(&view->store->guard);
	*view = (struct store_view){0};
}

int store_view_record(struct store_view *view, uint64_t seq, struct sv *ret)
{
	uint8_t room[8];
	put_be(room, seq);
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
	if (r == MDB_NOTFOUND || key.mv_size != 8 || get_be(key.mv_data) != seq ||
	    value.mv_size <= STORE_TAG_BYTES) {
		view->at_seq = 0;
		return -EBADMSG;
	}
	*ret = (struct sv){value.mv_data, value.mv_size - STORE_TAG_BYTES};
	return 0;
}

static uint64_t env_bytes(MDB_env *env, uint64_t *ret_map)
{
	MDB_envinfo info;
	MDB_stat stat_of;
	if (!env || mdb_env_info(env, &info) != 0 || mdb_env_stat(env, &stat_of) != 0)
		return 0;
	*ret_map = info.me_mapsize;
	return (info.me_last_pgno + 1) * (uint64_t)stat_of.ms_psize;
}

int audit_store_stats(struct audit_store *store, struct audit_store_stats *ret)
{
	struct store_view view;
	struct audit_store_stats stats = {0};
	MDB_val key = text_key("head"), value;
	uint64_t ignored;
	int r = store_view_open(store, &view);
	if (r != 0)
		return r;
	stats.first_seq = view.last_seq ? 1 : 0;
	stats.last_seq = view.last_seq;
	stats.indexed_seq = view.indexed_seq;
	stats.events_bytes = env_bytes(store->events, &stats.map_bytes);
	stats.index_bytes = env_bytes(store->index, &ignored);
	if (mdb_get(view.events, store->meta, &key, &value) == 0 && value.mv_size == HEAD_BYTES)
		memcpy(stats.head, (const uint8_t *)value.mv_data + 8, SHA256_BYTES);
	else if (!store_first_digest(store->id, stats.head))
		r = -EIO;
	store_view_close(&view);
	if (r == 0)
		*ret = stats;
	return r;
}

/* ---- writing ---- */

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
	if (batch->txn)
		mdb_txn_abort(TAKE(batch->txn)); /* closes its cursors */
}

static int put_checkpoint(struct store_batch *batch)
{
	uint8_t seq[8];
	put_be(seq, batch->head.seq);
	MDB_val key = {sizeof(seq), seq}, value = {SHA256_BYTES, batch->head.digest};
	return store_errno(
		mdb_put(batch->txn, batch->store->checkpoints, &key, &value, MDB_APPEND));
}

int store_batch_put(struct store_batch *batch, struct sv record)
{
	struct store_head next = {.seq = batch->head.seq + 1};
	if (!store_next_digest(batch->store->sha, batch->head.digest, next.seq, record,
	                       next.digest))
		return -EIO;
	uint8_t seq[8];
	put_be(seq, next.seq);
	MDB_val key = {sizeof(seq), seq}, value = {record.n + STORE_TAG_BYTES, NULL};
	int r = mdb_cursor_put(batch->records, &key, &value, MDB_APPEND | MDB_RESERVE);
	if (r != 0)
		return store_errno(r);
	memcpy(value.mv_data, record.at, record.n);
	memcpy((uint8_t *)value.mv_data + record.n, next.digest, STORE_TAG_BYTES);
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
	put_be(room, place.at);
	put_be(room + 8, place.sequence);
	MDB_val key = {sizeof(key_room), key_room}, value = {sizeof(room), room};
	return store_errno(mdb_put(batch->txn, batch->store->meta, &key, &value, 0));
}

int store_batch_commit(struct store_batch *batch)
{
	uint8_t room[HEAD_BYTES];
	put_be(room, batch->head.seq);
	memcpy(room + 8, batch->head.digest, SHA256_BYTES);
	MDB_val key = text_key("head"), value = {sizeof(room), room};
	int r = mdb_put(batch->txn, batch->store->meta, &key, &value, 0);
	if (r != 0) {
		store_batch_abort(batch);
		return store_errno(r);
	}
	r = mdb_txn_commit(TAKE(batch->txn));
	if (r == 0)
		batch->store->head = batch->head;
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
		*ret = (struct ring_place){get_be(value.mv_data),
		                           get_be((const uint8_t *)value.mv_data + 8)};
	mdb_txn_abort(txn);
	return r;
}
