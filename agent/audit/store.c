#include "audit/store_file.h"
#include "audit/texts.h"
#include "core/fileio.h"
#include "core/limits.h"
#include "core/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

/* ---- the events environment ---- */

static int read_id(struct audit_store *store, MDB_txn *txn)
{
	MDB_val key = store_text_key("store"), value;
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

/* The head, checked against the last record's tag. */
static int read_head(struct audit_store *store, MDB_txn *txn, struct store_head *ret)
{
	MDB_val key = store_text_key("head"), value, last_value = {0};
	uint64_t last = 0;
	int r = store_last_key(txn, store->records, &last, &last_value);
	if (r != 0)
		return r;
	r = mdb_get(txn, store->meta, &key, &value);
	if (r == MDB_NOTFOUND && last == 0) {
		ret->seq = 0;
		return store_first_digest(store->id, ret->digest) ? 0 : -EIO;
	}
	if (r != 0 || value.mv_size != STORE_HEAD_BYTES)
		return r == 0 || r == MDB_NOTFOUND ? -EBADMSG : store_errno(r);
	ret->seq = store_get_be(value.mv_data);
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
	if (r != 0)
		return store_errno(r);
	r = mdb_dbi_open(txn, "texts", make, &store->texts);
	if (r != MDB_NOTFOUND)
		return store_errno(r);
	store->texts = 0;
	return 0;
}

/* A book of format 1 has no "format": its records are plain, and those that follow need not be. */
static int read_format(struct audit_store *store, MDB_txn *txn)
{
	MDB_val key = store_text_key("format"), value;
	uint8_t room[8];
	int r = mdb_get(txn, store->meta, &key, &value);
	if (r == 0 && value.mv_size == sizeof(room))
		return store_get_be(value.mv_data) > STORE_FORMAT ? -EPROTONOSUPPORT : 0;
	if (r != MDB_NOTFOUND)
		return r == 0 ? -EBADMSG : store_errno(r);
	if (store->mode != AUDIT_STORE_WRITE)
		return 0;
	store_put_be(room, STORE_FORMAT);
	value = (MDB_val){sizeof(room), room};
	return store_errno(mdb_put(txn, store->meta, &key, &value, 0));
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
		r = read_format(store, txn);
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
	if (store->shared)
		texts_forget(store->shared);
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
	store->shared = texts_new();
	store->room = malloc(AUDIT_RECORD_MAX);
	if (!store->shared || !store->room)
		return -ENOMEM;
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
	texts_free(store->shared);
	free(store->room);
	free(store->events_dir);
	free(store->index_dir);
	free(store);
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
	MDB_val key = store_text_key("head"), value;
	uint64_t ignored;
	int r = store_view_open(store, &view);
	if (r != 0)
		return r;
	stats.first_seq = view.last_seq ? 1 : 0;
	stats.last_seq = view.last_seq;
	stats.indexed_seq = view.indexed_seq;
	stats.events_bytes = env_bytes(store->events, &stats.map_bytes);
	stats.index_bytes = env_bytes(store->index, &ignored);
	if (mdb_get(view.events, store->meta, &key, &value) == 0 &&
	    value.mv_size == STORE_HEAD_BYTES)
		memcpy(stats.head, (const uint8_t *)value.mv_data + 8, SHA256_BYTES);
	else if (!store_first_digest(store->id, stats.head))
		r = -EIO;
	store_view_close(&view);
	if (r == 0)
		*ret = stats;
	return r;
}
