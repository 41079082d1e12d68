#include "state/relation_changes.h"

#include <errno.h>

/* Of a change: the revision that it is part of, and its number in that. */
struct place {
	uint64_t revision, number;
};

enum { KEY_BYTES = 16 };

static struct sv put_place(struct place place, uint8_t at[static KEY_BYTES])
{
	(void)db_number_key(place.revision, at);
	(void)db_number_key(place.number, at + 8);
	return (struct sv){(const char *)at, KEY_BYTES};
}

static bool read_place(struct sv key, struct place *ret)
{
	if (key.n != KEY_BYTES)
		return false;
	*ret = (struct place){db_key_number(sv_first(key, 8)), db_key_number(sv_from(key, 8))};
	return true;
}

/* ---- noting ---- */

int relation_changes_note(const struct state *state, MDB_txn *txn, bool is_added, struct sv tuple,
                          size_t n)
{
	char value[RELATION_TUPLE_MAX_BYTES + 1];
	uint8_t key[KEY_BYTES];
	struct place place = {0, n};
	if (n > RELATION_CHANGES_MAX || tuple.n > RELATION_TUPLE_MAX_BYTES)
		return 0; /* so many are trimmed to none */
	int r = db_revision(state, txn, RELATION_REVISION, &place.revision);
	if (r != 0)
		return r;
	place.revision++; /* that the transaction makes */
	value[0] = is_added ? '+' : '-';
	memcpy(value + 1, tuple.at, tuple.n);
	return db_put(txn, state->relation_changes, put_place(place, key),
	              (struct sv){value, tuple.n + 1});
}

static int remove_first(const struct state *state, MDB_txn *txn, size_t n)
{
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	MDB_val k, v;
	int m = mdb_cursor_open(txn, state->relation_changes, &cursor);
	for (; m == MDB_SUCCESS && n > 0; n--) {
		m = mdb_cursor_get(cursor, &k, &v, MDB_FIRST);
		if (m == MDB_SUCCESS)
			m = mdb_cursor_del(cursor, 0);
	}
	return db_errno(m);
}

int relation_changes_trim(const struct state *state, MDB_txn *txn)
{
	MDB_stat stat;
	int r = db_errno(mdb_stat(txn, state->relation_changes, &stat));
	if (r != 0 || stat.ms_entries <= RELATION_CHANGES_MAX)
		return r;
	return remove_first(state, txn, stat.ms_entries - RELATION_CHANGES_MAX);
}

/* ---- reading ---- */

static int visit_at(struct sv value, state_relation_change_visit *visit, void *user)
{
	struct state_relation_change change = {.is_added = sv_starts(value, SVL("+"))};
	if (!relation_read(sv_from(value, 1), &change.relation))
		return -EBADMSG;
	return visit(user, &change);
}

/* Each revision's changes are there from its first to its last, and so is each revision; else some are missing. */
static bool follows(struct place at, struct place before)
{
	return at.revision == before.revision
	               ? at.number + 1 == before.number
	               : at.revision + 1 == before.revision && before.number == 0;
}

static int read_back(MDB_cursor *cursor, struct place from, uint64_t since,
                     state_relation_change_visit *visit, void *user)
{
	MDB_val k, v;
	struct place at, before = from;
	int r = 0;
	int m = mdb_cursor_get(cursor, &k, &v, MDB_LAST);
	for (; r == 0 && m == MDB_SUCCESS; m = mdb_cursor_get(cursor, &k, &v, MDB_PREV)) {
		if (!read_place((struct sv){k.mv_data, k.mv_size}, &at) || !follows(at, before))
			return -ESTALE;
		if (at.revision <= since)
			return 0;
		r = visit_at((struct sv){v.mv_data, v.mv_size}, visit, user);
		before = at;
	}
	if (r == 0 && m == MDB_NOTFOUND)
		return before.revision == since + 1 && before.number == 0 ? 0 : -ESTALE;
	return r != 0 ? r : db_errno(m);
}

int state_relations_changes(const struct state *state, uint64_t since,
                            state_relation_change_visit *visit, void *user)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	uint64_t revision = 0;
	int r = db_read(state, &txn);
	if (r == 0)
		r = db_revision(state, txn, RELATION_REVISION, &revision);
	if (r != 0 || revision == since)
		return r;
	r = db_errno(mdb_cursor_open(txn, state->relation_changes, &cursor));
	return r == 0 ? read_back(cursor, (struct place){revision + 1, 0}, since, visit, user) : r;
}
