#include "state/db.h"

#include <errno.h>
#include <string.h>

int db_errno(int mdb)
{
	switch (mdb) {
	case MDB_SUCCESS:
		return 0;
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_KEYEXIST:
		return -EEXIST;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return -ENOSPC;
	case MDB_READERS_FULL:
		return -EAGAIN;
	case MDB_CORRUPTED:
	case MDB_INVALID:
	case MDB_PAGE_NOTFOUND:
	case MDB_VERSION_MISMATCH:
	case MDB_BAD_VALSIZE:
		return -EBADMSG;
	default:
		return mdb > 0 ? -mdb : -EIO; /* positive codes are errno values */
	}
}

void db_abort(MDB_txn **txn)
{
	if (*txn)
		mdb_txn_abort(*txn);
}

void db_close_cursor(MDB_cursor **cursor)
{
	if (*cursor)
		mdb_cursor_close(*cursor);
}

int db_read(const struct state *state, MDB_txn **ret)
{
	return db_errno(mdb_txn_begin(state->env, NULL, MDB_RDONLY, ret));
}

int db_write(struct state *state, MDB_txn **ret)
{
	return db_errno(mdb_txn_begin(state->env, NULL, 0, ret));
}

int db_commit(MDB_txn **txn)
{
	return db_errno(mdb_txn_commit(TAKE(*txn)));
}

/* LMDB's values are not const but it only reads keys and, without MDB_RESERVE, data. */
static MDB_val val_of(struct sv v)
{
	MDB_val val = {.mv_size = v.n};
	memcpy(&val.mv_data, &v.at, sizeof(val.mv_data));
	return val;
}

int db_get(MDB_txn *txn, MDB_dbi dbi, struct sv key, struct sv *ret)
{
	MDB_val k = val_of(key);
	MDB_val v;
	int r = mdb_get(txn, dbi, &k, &v);
	if (r != 0)
		return db_errno(r);
	*ret = (struct sv){v.mv_data, v.mv_size};
	return 0;
}

int db_put(MDB_txn *txn, MDB_dbi dbi, struct sv key, struct sv value)
{
	MDB_val k = val_of(key);
	MDB_val v = val_of(value);
	return db_errno(mdb_put(txn, dbi, &k, &v, 0));
}

int db_delete(MDB_txn *txn, MDB_dbi dbi, struct sv key)
{
	MDB_val k = val_of(key);
	int r = mdb_del(txn, dbi, &k, NULL);
	return r == MDB_NOTFOUND ? 0 : db_errno(r);
}

int db_parse(struct sv value, json_t **ret)
{
	json_t *json = json_loadb(value.at, value.n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(json)) {
		json_decref(json);
		return -EBADMSG;
	}
	*ret = json;
	return 0;
}

int db_get_json(MDB_txn *txn, MDB_dbi dbi, struct sv key, json_t **ret)
{
	struct sv value;
	int r = db_get(txn, dbi, key, &value);
	return r == 0 ? db_parse(value, ret) : r;
}

int db_put_json(MDB_txn *txn, MDB_dbi dbi, struct sv key, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(json);
	if (!text)
		return -ENOMEM;
	int r = db_put(txn, dbi, key, sv_of(text));
	free(text);
	return r;
}

int db_text(const json_t *json, const char *name, char *ret, size_t n_ret)
{
	const json_t *member = json_object_get(json, name);
	size_t n = json_string_length(member);
	if (!json_is_string(member) || n >= n_ret)
		return -EBADMSG;
	memcpy(ret, json_string_value(member), n + 1);
	return 0;
}

int64_t db_number(const json_t *json, const char *name)
{
	return json_integer_value(json_object_get(json, name));
}

struct sv db_number_key(uint64_t number, uint8_t at[static 8])
{
	for (size_t i = 0; i < 8; i++)
		at[i] = (uint8_t)(number >> (56 - 8 * i));
	return (struct sv){(const char *)at, 8};
}

uint64_t db_key_number(struct sv key)
{
	uint64_t number = 0;
	for (size_t i = 0; i < key.n && i < 8; i++)
		number = number << 8 | (uint8_t)key.at[i];
	return number;
}

int db_seek_below(MDB_cursor *cursor, uint64_t before, MDB_val *key, MDB_val *value)
{
	if (before == 0)
		return mdb_cursor_get(cursor, key, value, MDB_LAST);
	uint8_t at[8];
	struct sv wanted = db_number_key(before, at);
	*key = (MDB_val){.mv_size = wanted.n, .mv_data = at};
	int r = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
	if (r == MDB_NOTFOUND)
		return mdb_cursor_get(cursor, key, value, MDB_LAST);
	return r == 0 ? mdb_cursor_get(cursor, key, value, MDB_PREV) : r;
}
