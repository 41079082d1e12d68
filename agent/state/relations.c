#include "state/relations.h"

#include "state/db.h"
#include "state/relation_changes.h"

#include <errno.h>

/* Each tuple stands twice: "object#relation@subject", and "subject\nobject#relation", which is as long. */
struct key {
	char bytes[RELATION_TUPLE_MAX_BYTES];
	size_t n;
};

static void put_text(struct key *key, struct sv text)
{
	if (text.n)
		memcpy(key->bytes + key->n, text.at, text.n);
	key->n += text.n;
}

static struct sv key_text(const struct key *key)
{
	return (struct sv){key->bytes, key->n};
}

/* in: r: of a length that fits */
static void by_object(const struct state_relation *r, struct key *ret)
{
	ret->n = 0;
	put_text(ret, r->object);
	put_text(ret, SVL("#"));
	put_text(ret, r->relation);
	put_text(ret, SVL("@"));
	put_text(ret, r->subject);
}

static void by_subject(const struct state_relation *r, struct key *ret)
{
	ret->n = 0;
	put_text(ret, r->subject);
	put_text(ret, SVL("\n"));
	put_text(ret, r->object);
	put_text(ret, SVL("#"));
	put_text(ret, r->relation);
}

/* A key as it was made above; false: it was not. */
static bool read_key(struct sv key, bool is_by_subject, struct state_relation *ret)
{
	size_t line = is_by_subject ? sv_find(key, '\n') : 0;
	struct sv rest = is_by_subject ? sv_from(key, line + 1) : key;
	size_t hash = sv_find(rest, '#');
	struct sv behind = sv_from(rest, hash + 1);
	size_t at = is_by_subject ? behind.n : sv_find(behind, '@');
	ret->object = sv_first(rest, hash);
	ret->relation = sv_first(behind, at);
	ret->subject = is_by_subject ? sv_first(key, line) : sv_from(behind, at + 1);
	return ret->object.n > 0 && ret->relation.n > 0 && ret->subject.n > 0;
}

bool relation_read(struct sv tuple, struct state_relation *ret)
{
	return read_key(tuple, false, ret);
}

/* ---- changing ---- */

static int add_one(const struct state *state, MDB_txn *txn, const struct state_relation *r,
                   size_t *n)
{
	struct key key, subject;
	struct sv there;
	if (state_relation_bytes(r) > RELATION_TUPLE_MAX_BYTES)
		return -ENAMETOOLONG;
	by_object(r, &key);
	int found = db_get(txn, state->relations, key_text(&key), &there);
	if (found != -ENOENT)
		return found;
	int e = db_put(txn, state->relations, key_text(&key), (struct sv){"", 0});
	by_subject(r, &subject);
	if (e == 0)
		e = db_put(txn, state->relation_subjects, key_text(&subject), (struct sv){"", 0});
	return e == 0 ? relation_changes_note(state, txn, true, key_text(&key), (*n)++) : e;
}

static int remove_one(const struct state *state, MDB_txn *txn, const struct state_relation *r,
                      size_t *n)
{
	struct key key, subject;
	struct sv there;
	if (state_relation_bytes(r) > RELATION_TUPLE_MAX_BYTES)
		return 0; /* it cannot be there */
	by_object(r, &key);
	int e = db_get(txn, state->relations, key_text(&key), &there);
	if (e != 0)
		return e == -ENOENT ? 0 : e;
	e = db_delete(txn, state->relations, key_text(&key));
	by_subject(r, &subject);
	if (e == 0)
		e = db_delete(txn, state->relation_subjects, key_text(&subject));
	return e == 0 ? relation_changes_note(state, txn, false, key_text(&key), (*n)++) : e;
}

static int count(const struct state *state, MDB_txn *txn, size_t *ret)
{
	MDB_stat stat;
	int r = db_errno(mdb_stat(txn, state->relations, &stat));
	if (r == 0)
		*ret = stat.ms_entries;
	return r;
}

typedef int change_one(const struct state *state, MDB_txn *txn, const struct state_relation *r,
                       size_t *n);

/* Nothing changed is no revision: the tables stay. */
static int change(struct state *state, change_one *one, const struct state_relation *at, size_t n,
                  size_t *ret_n)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	size_t n_changed = 0, n_all = 0;
	int r = db_write(state, &txn);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = one(state, txn, &at[i], &n_changed);
	if (r == 0)
		r = count(state, txn, &n_all);
	if (r == 0 && n_all > RELATIONS_MAX && one == add_one)
		r = -ENOSPC;
	if (r == 0 && n_changed > 0) {
		r = relation_changes_trim(state, txn);
		if (r == 0)
			r = db_revise(state, txn, RELATION_REVISION);
		if (r == 0)
			r = db_commit(&txn);
	}
	if (r == 0)
		*ret_n = n_changed;
	return r;
}

int state_relations_add(struct state *state, const struct state_relation *at, size_t n,
                        size_t *ret_n)
{
	return change(state, add_one, at, n, ret_n);
}

int state_relations_remove(struct state *state, const struct state_relation *at, size_t n,
                           size_t *ret_n)
{
	return change(state, remove_one, at, n, ret_n);
}

/* ---- looking ---- */

static bool is_type(struct sv text)
{
	return sv_ends(text, SVL(":"));
}

static bool fits(struct sv wanted, struct sv text)
{
	return wanted.n == 0 || sv_eq(wanted, text) || (is_type(wanted) && sv_starts(text, wanted));
}

/* A walk over the keys that begin with the prefix. */
struct walk {
	const struct state_relation_filter *filter;
	bool is_by_subject;
	struct key prefix;
};

/* false: nothing can be so long */
static bool begin(const struct state_relation_filter *filter, struct walk *ret)
{
	*ret = (struct walk){.filter = filter,
	                     .is_by_subject = filter->object.n == 0 && filter->subject.n > 0};
	struct sv first = ret->is_by_subject ? filter->subject : filter->object;
	if (first.n + filter->relation.n + 2 > RELATION_TUPLE_MAX_BYTES)
		return false;
	put_text(&ret->prefix, first);
	if (first.n == 0 || is_type(first))
		return true;
	put_text(&ret->prefix, ret->is_by_subject ? SVL("\n") : SVL("#"));
	if (!ret->is_by_subject && filter->relation.n > 0) {
		put_text(&ret->prefix, filter->relation);
		put_text(&ret->prefix, SVL("@"));
	}
	return true;
}

/* The cursor on the first key of the walk. returns LMDB's code */
static int seek(MDB_cursor *cursor, const struct walk *walk, MDB_val *k, MDB_val *v)
{
	const struct state_relation *after = walk->filter->after;
	struct key from = walk->prefix;
	if (after && state_relation_bytes(after) <= RELATION_TUPLE_MAX_BYTES)
		(walk->is_by_subject ? by_subject : by_object)(after, &from);
	if (from.n == 0)
		return mdb_cursor_get(cursor, k, v, MDB_FIRST);
	*k = (MDB_val){.mv_size = from.n, .mv_data = from.bytes};
	int m = mdb_cursor_get(cursor, k, v, MDB_SET_RANGE);
	bool is_it = m == MDB_SUCCESS && after && k->mv_size == from.n &&
	             memcmp(k->mv_data, from.bytes, from.n) == 0;
	return is_it ? mdb_cursor_get(cursor, k, v, MDB_NEXT) : m;
}

static int visit_at(const struct walk *walk, struct sv key, state_relation_visit *visit, void *user)
{
	struct state_relation r;
	if (!read_key(key, walk->is_by_subject, &r))
		return -EBADMSG;
	if (!fits(walk->filter->object, r.object) || !fits(walk->filter->subject, r.subject) ||
	    (walk->filter->relation.n > 0 && !sv_eq(walk->filter->relation, r.relation)))
		return 0;
	return visit(user, &r);
}

int state_relations_list(const struct state *state, const struct state_relation_filter *filter,
                         state_relation_visit *visit, void *user)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	struct walk walk;
	MDB_val k, v;
	if (!begin(filter, &walk))
		return 0;
	int r = db_read(state, &txn);
	if (r == 0)
		r = db_errno(mdb_cursor_open(
			txn, walk.is_by_subject ? state->relation_subjects : state->relations,
			&cursor));
	if (r != 0)
		return r;
	int m = seek(cursor, &walk, &k, &v);
	for (; m == MDB_SUCCESS && r == 0; m = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
		struct sv key = {k.mv_data, k.mv_size};
		if (!sv_starts(key, key_text(&walk.prefix)))
			return 0;
		r = visit_at(&walk, key, visit, user);
	}
	return r != 0 || m == MDB_NOTFOUND || m == MDB_SUCCESS ? r : db_errno(m);
}

int state_relations_count(const struct state *state, size_t *ret)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_read(state, &txn);
	return r == 0 ? count(state, txn, ret) : r;
}
