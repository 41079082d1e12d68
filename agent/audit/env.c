#include "audit/store_file.h"
#include "core/fileio.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { MAX_READERS = 254, MAX_DBS = 4, LOCK_FILE_BYTES = MAX_READERS * 64 + 4096 };

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

/* LMDB maps its table of readers without taking space for it. */
static int reserve_lock_file(const char *dir)
{
	char path[4096];
	(void)snprintf(path, sizeof(path), "%s/lock.mdb", dir);
	return file_reserve(path, LOCK_FILE_BYTES);
}

int store_env_open(const char *dir, unsigned flags, uint64_t map_bytes, MDB_env **ret)
{
	MDB_env *env = NULL;
	int r = flags & MDB_RDONLY ? 0 : reserve_lock_file(dir);
	if (r != 0)
		return r;
	r = mdb_env_create(&env);
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

int store_last_key(MDB_txn *txn, MDB_dbi dbi, uint64_t *ret, MDB_val *ret_value)
{
	MDB_cursor *cursor = NULL;
	MDB_val key, value = {0};
	int r = mdb_cursor_open(txn, dbi, &cursor);
	if (r != 0)
		return store_errno(r);
	r = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
	mdb_cursor_close(cursor);
	*ret = r == 0 && key.mv_size == 8 ? store_get_be(key.mv_data) : 0;
	*ret_value = value;
	return r == 0 && key.mv_size != 8 ? -EBADMSG : r == MDB_NOTFOUND ? 0 : store_errno(r);
}
