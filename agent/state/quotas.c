#include "state/quotas.h"

#include "state/db.h"

#include <errno.h>
#include <string.h>

/* When the period is over, then the key, 8 bytes each, so that what is over stands first -> the count, 8 bytes. */
enum { KEY_BYTES = 16 };

static struct sv key_of(const struct state_quota *quota, uint8_t room[static KEY_BYTES])
{
	(void)db_number_key((uint64_t)quota->ends_s, room);
	(void)db_number_key(quota->key, room + 8);
	return (struct sv){(const char *)room, KEY_BYTES};
}

static int put(const struct state *state, MDB_txn *txn, const struct state_quota *quota,
               uint64_t count)
{
	uint8_t key[KEY_BYTES], value[8];
	return db_put(txn, state->quotas, key_of(quota, key), db_number_key(count, value));
}

static int reserve_one(const struct state *state, MDB_txn *txn, struct state_quota *quota)
{
	uint8_t key[KEY_BYTES];
	struct sv value = {0};
	int r = db_get(txn, state->quotas, key_of(quota, key), &value);
	if (r != 0 && r != -ENOENT)
		return r;
	quota->before = r == 0 ? db_key_number(value) : 0;
	uint64_t left = quota->before < quota->max ? quota->max - quota->before : 0;
	quota->granted = MIN_OF(quota->want, left);
	return quota->granted ? put(state, txn, quota, quota->before + quota->granted) : 0;
}

int state_quotas_reserve(struct state *state, struct state_quota *quotas, size_t n)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_write(state, &txn);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = reserve_one(state, txn, &quotas[i]);
	return r == 0 ? db_commit(&txn) : r;
}

int state_quotas_settle(struct state *state, const struct state_quota *quotas, size_t n)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_write(state, &txn);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = put(state, txn, &quotas[i], quotas[i].before);
	return r == 0 ? db_commit(&txn) : r;
}

int state_quotas_expire(struct state *state, int64_t now_s)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	MDB_val key, value;
	int r = db_write(state, &txn);
	if (r != 0)
		return r;
	int m = mdb_cursor_open(txn, state->quotas, &cursor);
	if (m == 0)
		m = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	while (m == 0 && key.mv_size == KEY_BYTES &&
	       (int64_t)db_key_number((struct sv){key.mv_data, 8}) <= now_s) {
		m = mdb_cursor_del(cursor, 0);
		if (m == 0)
			m = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	if (m != 0 && m != MDB_NOTFOUND)
		return db_errno(m);
	mdb_cursor_close(cursor); /* before its transaction ends */
	cursor = NULL;
	return db_commit(&txn);
}
