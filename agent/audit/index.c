#include "audit/index_file.h"
#include "core/cursor.h"
#include "core/limits.h"
#include "core/secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static MDB_val key_of(const char *text)
{
	return (MDB_val){strlen(text), (void *)(uintptr_t)text};
}

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

uint64_t index_number(MDB_txn *txn, MDB_dbi meta, const char *name)
{
	uint8_t room[8];
	return meta_bytes(txn, meta, name, room, sizeof(room)) == 0 ? store_get_be(room) : 0;
}

int index_put_meta(MDB_txn *txn, MDB_dbi meta, const char *name, const uint8_t *bytes, size_t n)
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
	int r = index_put_meta(txn, store->index_meta, "key", key, sizeof(key));
	return r == 0 ? index_put_meta(txn, store->index_meta, "store", store->id, STORE_ID_BYTES)
	              : r;
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
