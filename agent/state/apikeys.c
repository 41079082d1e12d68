#include "state/apikeys.h"

#include "core/fileio.h"
#include "state/apikey_record.h"
#include "state/db.h"

#include <errno.h>
#include <stdlib.h>

enum { TIME_KEY_BYTES = 8 + APIKEY_ID_CHARS };

void state_apikey_fini(struct state_apikey *key)
{
	free(key->memory);
	*key = (struct state_apikey){0};
}

/* Times sort by their bytes; ids of one moment by theirs. */
static struct sv time_key(const struct state_apikey *key, uint8_t at[static TIME_KEY_BYTES])
{
	(void)db_number_key((uint64_t)key->created_us, at);
	memcpy(at + 8, key->id.at, APIKEY_ID_CHARS);
	return (struct sv){(const char *)at, TIME_KEY_BYTES};
}

static int read_key(const struct state *state, MDB_txn *txn, struct sv id, struct state_apikey *ret)
{
	struct sv record;
	if (id.n != APIKEY_ID_CHARS)
		return -ENOENT;
	int r = db_get(txn, state->apikeys, id, &record);
	return r == 0 ? apikey_decode(id, record, ret) : r;
}

static int write_key(const struct state *state, MDB_txn *txn, const struct state_apikey *key)
{
	size_t n = 0;
	char *record = apikey_encode(key, &n);
	if (!record)
		return -ENOMEM;
	int r = db_put(txn, state->apikeys, key->id, (struct sv){record, n});
	free(record);
	return r;
}

static int add_key(const struct state *state, MDB_txn *txn, const struct state_apikey *key)
{
	uint8_t at[TIME_KEY_BYTES];
	struct sv there;
	if (key->id.n != APIKEY_ID_CHARS || key->mac.n != APIKEY_MAC_BYTES ||
	    state_apikey_fault(key))
		return -EINVAL;
	int r = db_get(txn, state->apikeys, key->id, &there);
	if (r != -ENOENT)
		return r == 0 ? -EEXIST : r;
	r = write_key(state, txn, key);
	if (r == 0)
		r = db_put(txn, state->apikey_times, time_key(key, at), (struct sv){"", 0});
	return r;
}

static int revise_and_commit(const struct state *state, MDB_txn **txn)
{
	int r = db_revise(state, *txn, APIKEY_REVISION);
	return r == 0 ? db_commit(txn) : r;
}

int state_apikey_add(struct state *state, const struct state_apikey *key)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_write(state, &txn);
	if (r == 0)
		r = add_key(state, txn, key);
	return r == 0 ? revise_and_commit(state, &txn) : r;
}

/* Views that end with a transaction -> a copy of one block. */
static int copy_key(const struct state_apikey *key, struct state_apikey *ret)
{
	size_t n = 0;
	CLEANUP(freep) char *record = apikey_encode(key, &n);
	char *memory = record ? malloc(APIKEY_ID_CHARS + n) : NULL;
	if (!memory)
		return -ENOMEM;
	memcpy(memory, key->id.at, APIKEY_ID_CHARS);
	memcpy(memory + APIKEY_ID_CHARS, record, n);
	int r = apikey_decode((struct sv){memory, APIKEY_ID_CHARS},
	                      (struct sv){memory + APIKEY_ID_CHARS, n}, ret);
	if (r == 0)
		ret->memory = memory;
	else
		free(memory);
	return r;
}

int state_apikey_get(const struct state *state, struct sv id, struct state_apikey *ret)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct state_apikey key;
	int r = db_read(state, &txn);
	if (r == 0)
		r = read_key(state, txn, id, &key);
	return r == 0 ? copy_key(&key, ret) : r;
}

static int may_rotate(const struct state_apikey *key, int64_t now_us)
{
	if (key->revoked_us)
		return -EKEYREVOKED;
	if (key->rotated_to.n)
		return -EALREADY;
	return key->expires_us && key->expires_us <= now_us ? -EKEYEXPIRED : 0;
}

static int rotate(const struct state *state, MDB_txn *txn, const struct state_apikey *old,
                  const struct state_apikey_rotation *how, struct state_apikey *ret)
{
	struct state_apikey next = *old;
	next.id = how->id;
	next.mac = how->mac;
	next.created_by = how->by;
	next.created_us = how->now_us;
	next.expires_us = how->expires_us;
	next.rotated_from = old->id;
	next.used_day = 0;
	struct state_apikey before = *old;
	before.rotated_to = how->id;
	if (before.expires_us == 0 || before.expires_us > how->old_end_us)
		before.expires_us = how->old_end_us;
	/* the copy first: what `old` views may move with the writes */
	struct state_apikey copy = {0}, ended = {0};
	int r = copy_key(&next, &copy);
	if (r == 0)
		r = copy_key(&before, &ended);
	if (r == 0)
		r = add_key(state, txn, &copy);
	if (r == 0)
		r = write_key(state, txn, &ended);
	state_apikey_fini(&ended);
	if (r == 0)
		*ret = copy;
	else
		state_apikey_fini(&copy);
	return r;
}

int state_apikey_rotate(struct state *state, struct sv id, const struct state_apikey_rotation *how,
                        struct state_apikey *ret)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct state_apikey old, next = {0};
	int r = db_write(state, &txn);
	if (r == 0)
		r = read_key(state, txn, id, &old);
	if (r == 0)
		r = may_rotate(&old, how->now_us);
	if (r == 0)
		r = rotate(state, txn, &old, how, &next);
	if (r == 0)
		r = revise_and_commit(state, &txn);
	if (r == 0)
		*ret = next;
	else
		state_apikey_fini(&next);
	return r;
}

int state_apikey_revoke(struct state *state, struct sv id, struct sv by, int64_t now_us)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct state_apikey key;
	int r = db_write(state, &txn);
	if (r == 0)
		r = read_key(state, txn, id, &key);
	if (r != 0 || key.revoked_us)
		return r;
	key.revoked_us = now_us;
	key.revoked_by = by;
	r = write_key(state, txn, &key);
	return r == 0 ? revise_and_commit(state, &txn) : r;
}

int state_apikey_switch(struct state *state, struct sv id, bool is_disabled, struct sv by,
                        int64_t now_us)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct state_apikey key;
	int r = db_write(state, &txn);
	if (r == 0)
		r = read_key(state, txn, id, &key);
	if (r == 0 && key.revoked_us)
		r = -EKEYREVOKED;
	if (r != 0 || (key.disabled_us != 0) == is_disabled)
		return r;
	key.disabled_us = is_disabled ? now_us : 0;
	key.disabled_by = is_disabled ? by : (struct sv){0};
	r = write_key(state, txn, &key);
	return r == 0 ? revise_and_commit(state, &txn) : r;
}

const char *state_apikey_state(const struct state_apikey *key, int64_t now_us)
{
	if (key->revoked_us)
		return "revoked";
	if (key->disabled_us)
		return "disabled";
	if (key->expires_us && key->expires_us <= now_us)
		return "expired";
	return key->rotated_to.n ? "ending" : "active";
}

/* The cursor on the newest key that is older than `after`. */
static int seek(const struct state *state, MDB_cursor *cursor, struct sv after, MDB_val *at)
{
	MDB_txn *txn = mdb_cursor_txn(cursor);
	uint8_t bytes[TIME_KEY_BYTES];
	struct state_apikey key;
	MDB_val nothing;
	if (after.n == 0)
		return db_errno(mdb_cursor_get(cursor, at, &nothing, MDB_LAST));
	int r = read_key(state, txn, after, &key);
	if (r != 0)
		return r;
	(void)time_key(&key, bytes);
	*at = (MDB_val){.mv_size = sizeof(bytes), .mv_data = bytes};
	r = db_errno(mdb_cursor_get(cursor, at, &nothing, MDB_SET));
	if (r != 0)
		return r == -ENOENT ? -EBADMSG : r;
	r = db_errno(mdb_cursor_get(cursor, at, &nothing, MDB_PREV));
	return r == -ENOENT ? -ENODATA : r; /* nothing older is no error, unlike no `after` */
}

static int visit_at(const struct state *state, MDB_txn *txn, const MDB_val *at,
                    state_apikey_visit *visit, void *user)
{
	struct state_apikey key;
	if (at->mv_size != TIME_KEY_BYTES)
		return -EBADMSG;
	struct sv id = {(const char *)at->mv_data + 8, APIKEY_ID_CHARS};
	int r = read_key(state, txn, id, &key);
	if (r != 0)
		return r == -ENOENT ? -EBADMSG : r;
	return visit(user, &key);
}

int state_apikey_list(const struct state *state, struct sv after, state_apikey_visit *visit,
                      void *user)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_read(state, &txn);
	if (r != 0)
		return r;
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	MDB_val at, nothing;
	r = db_errno(mdb_cursor_open(txn, state->apikey_times, &cursor));
	if (r == 0)
		r = seek(state, cursor, after, &at);
	if (r == -ENODATA || (r == -ENOENT && after.n == 0))
		return 0;
	while (r == 0) {
		r = visit_at(state, txn, &at, visit, user);
		if (r != 0)
			return r;
		if (mdb_cursor_get(cursor, &at, &nothing, MDB_PREV) != MDB_SUCCESS)
			break;
	}
	return r;
}

int state_apikey_each(const struct state *state, const struct state_apikey_walk *walk)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	MDB_stat stat;
	MDB_val k, v;
	int r = db_read(state, &txn);
	if (r == 0)
		r = db_errno(mdb_stat(txn, state->apikeys, &stat));
	if (r == 0 && walk->begin)
		r = walk->begin(walk->user, stat.ms_entries);
	if (r == 0)
		r = db_errno(mdb_cursor_open(txn, state->apikeys, &cursor));
	if (r != 0)
		return r;
	int m = mdb_cursor_get(cursor, &k, &v, MDB_FIRST);
	while (m == MDB_SUCCESS && r == 0) {
		struct state_apikey key;
		r = apikey_decode((struct sv){k.mv_data, k.mv_size},
		                  (struct sv){v.mv_data, v.mv_size}, &key);
		if (r == 0)
			r = walk->visit(walk->user, &key);
		if (r == 0)
			m = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	return r != 0 || m == MDB_NOTFOUND ? r : db_errno(m);
}

static int note_use(const struct state *state, MDB_txn *txn, const struct state_apikey_use *use)
{
	struct state_apikey key;
	int r = read_key(state, txn, (struct sv){use->id, sizeof(use->id)}, &key);
	if (r == -ENOENT || (r == 0 && key.used_day >= use->day))
		return 0;
	key.used_day = use->day;
	return r == 0 ? write_key(state, txn, &key) : r;
}

int state_apikeys_used(struct state *state, const struct state_apikey_use *uses, size_t n)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = n ? db_write(state, &txn) : 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = note_use(state, txn, &uses[i]);
	return r == 0 && n ? db_commit(&txn) : r;
}
