#include "state/users.h"

#include "core/utf8.h"
#include "state/crypthash.h"
#include "state/db.h"

#include <errno.h>
#include <string.h>

bool user_name_ok(struct sv name)
{
	return name.n > 0 && name.n < USER_NAME_BYTES && !sv_has_control(name) &&
	       utf8_valid(name) && sv_find(name, ':') == name.n && sv_trim(name).n == name.n;
}

bool user_groups_ok(struct sv groups)
{
	struct sv rest = groups, part;
	if (groups.n >= USER_GROUPS_BYTES || sv_has_control(groups) || !utf8_valid(groups))
		return false;
	while (groups.n && sv_cut(&rest, ',', &part))
		if (part.n == 0 || sv_trim(part).n != part.n)
			return false;
	return true;
}

static bool hash_ok(const char *hash)
{
	struct sv text = sv_of(hash);
	enum crypthash_kind kind = crypthash_kind(text);
	return kind == CRYPTHASH_BCRYPT || kind == CRYPTHASH_SHA512 ||
	       sv_starts(text, SVL("$argon2id$"));
}

const char *user_hash_kind(const char *hash)
{
	struct sv text = sv_of(hash);
	if (crypthash_kind(text) == CRYPTHASH_SHA512)
		return "sha512";
	return crypthash_kind(text) == CRYPTHASH_BCRYPT ? "bcrypt" : "argon2id";
}

/* ---- one user in a transaction ---- */

static int decode(const json_t *json, struct sv name, struct state_user *ret)
{
	struct state_user user = {0};
	if (!user_name_ok(name))
		return -EBADMSG;
	memcpy(user.name, name.at, name.n);
	int r = db_text(json, "hash", user.hash, sizeof(user.hash));
	if (r == 0)
		r = db_text(json, "groups", user.groups, sizeof(user.groups));
	if (r != 0)
		return r;
	user.created_us = db_number(json, "created_us");
	user.changed_us = db_number(json, "changed_us");
	*ret = user;
	return 0;
}

static int read_user(const struct state *state, MDB_txn *txn, struct sv name,
                     struct state_user *ret)
{
	if (!user_name_ok(name))
		return -ENOENT;
	CLEANUP(json_decrefp) json_t *json = NULL;
	int r = db_get_json(txn, state->users, name, &json);
	return r == 0 ? decode(json, name, ret) : r;
}

static int write_user(const struct state *state, MDB_txn *txn, const struct state_user *user)
{
	if (!user_name_ok(sv_of(user->name)) || !user_groups_ok(sv_of(user->groups)) ||
	    !hash_ok(user->hash))
		return -EINVAL;
	json_t *json = json_pack("{s:s, s:s, s:I, s:I}", "hash", user->hash, "groups", user->groups,
	                         "created_us", (json_int_t)user->created_us, "changed_us",
	                         (json_int_t)user->changed_us);
	return db_put_json(txn, state->users, sv_of(user->name), json);
}

static void copy_text(char *to, size_t room, const char *from)
{
	size_t n = strnlen(from, room - 1);
	memcpy(to, from, n);
	memset(to + n, 0, room - n);
}

/* Passwords that were found right are checked again after it. */
static int commit(const struct state *state, MDB_txn **txn)
{
	int r = db_revise(state, *txn, USER_REVISION);
	return r == 0 ? db_commit(txn) : r;
}

/* ---- what callers do ---- */

int state_user_get(const struct state *state, struct sv name, struct state_user *ret)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_read(state, &txn);
	return r == 0 ? read_user(state, txn, name, ret) : r;
}

int state_user_add(struct state *state, const struct state_user *user)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct sv there;
	int r = user_name_ok(sv_of(user->name)) ? db_write(state, &txn) : -EINVAL;
	if (r == 0)
		r = db_get(txn, state->users, sv_of(user->name), &there);
	if (r == 0)
		return -EEXIST;
	if (r == -ENOENT)
		r = write_user(state, txn, user);
	return r == 0 ? commit(state, &txn) : r;
}

/* in: before: only when that is the hash there is, and what comes is the same password; NULL: whatever it is */
static int change(struct state *state, struct sv name, const char *before, const char *hash,
                  const char *groups, int64_t now_us)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct state_user user;
	int r = db_write(state, &txn);
	if (r == 0)
		r = read_user(state, txn, name, &user);
	if (r == 0 && before && strcmp(user.hash, before) != 0)
		r = -EAGAIN;
	if (r != 0)
		return r;
	if (hash)
		copy_text(user.hash, sizeof(user.hash), hash);
	if (groups)
		copy_text(user.groups, sizeof(user.groups), groups);
	user.changed_us = now_us;
	r = write_user(state, txn, &user);
	if (r != 0)
		return r;
	return before ? db_commit(&txn) : commit(state, &txn);
}

static bool fits(const char *hash)
{
	return hash_ok(hash) && strlen(hash) < PASSWORD_PHC_BYTES;
}

int state_user_set_hash(struct state *state, struct sv name, const char *before, const char *hash,
                        int64_t now_us)
{
	return fits(hash) ? change(state, name, before, hash, NULL, now_us) : -EINVAL;
}

int state_user_change(struct state *state, struct sv name, const char *hash, const char *groups,
                      int64_t now_us)
{
	bool good = (!hash || fits(hash)) && (!groups || user_groups_ok(sv_of(groups)));
	return good ? change(state, name, NULL, hash, groups, now_us) : -EINVAL;
}

int state_user_set_groups(struct state *state, struct sv name, const char *groups, int64_t now_us)
{
	return state_user_change(state, name, NULL, groups, now_us);
}

int state_user_remove(struct state *state, struct sv name)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct state_user there;
	int r = db_write(state, &txn);
	if (r == 0)
		r = read_user(state, txn, name, &there);
	if (r == 0)
		r = db_delete(txn, state->users, name);
	return r == 0 ? commit(state, &txn) : r;
}

static int import_one(const struct state *state, MDB_txn *txn, const struct state_user *from,
                      int64_t now_us, size_t *n_added)
{
	struct state_user user;
	int r = read_user(state, txn, sv_of(from->name), &user);
	if (r == -ENOENT) {
		user = *from;
		user.created_us = now_us;
		++*n_added;
		r = 0;
	}
	if (r != 0)
		return r;
	copy_text(user.hash, sizeof(user.hash), from->hash);
	user.changed_us = now_us;
	return write_user(state, txn, &user);
}

int state_users_import(struct state *state, const struct state_user *users, size_t n,
                       int64_t now_us, size_t *ret_added)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	size_t n_added = 0;
	int r = db_write(state, &txn);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = import_one(state, txn, &users[i], now_us, &n_added);
	if (r == 0)
		r = commit(state, &txn);
	if (r == 0 && ret_added)
		*ret_added = n_added;
	return r;
}

/* One user and the cursor that stands on it; -ENOENT at the end. in: key: where to begin, for MDB_SET_RANGE */
static int next_user(MDB_cursor *cursor, MDB_cursor_op op, struct sv key, struct state_user *ret)
{
	MDB_val k = {key.n, (void *)(uintptr_t)key.at};
	MDB_val v;
	int r = db_errno(mdb_cursor_get(cursor, &k, &v, op));
	if (r != 0)
		return r;
	CLEANUP(json_decrefp) json_t *json = NULL;
	r = db_parse((struct sv){v.mv_data, v.mv_size}, &json);
	return r == 0 ? decode(json, (struct sv){k.mv_data, k.mv_size}, ret) : r;
}

static int first_user(MDB_cursor *cursor, struct sv after, struct state_user *ret)
{
	int r = next_user(cursor, after.n ? MDB_SET_RANGE : MDB_FIRST, after, ret);
	if (r == 0 && after.n && sv_eq(sv_of(ret->name), after))
		r = next_user(cursor, MDB_NEXT, (struct sv){0}, ret);
	return r;
}

int state_user_list(const struct state *state, struct sv after,
                    int (*visit)(void *user, const struct state_user *one), void *user)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	struct state_user one;
	int r = db_read(state, &txn);
	if (r == 0)
		r = db_errno(mdb_cursor_open(txn, state->users, &cursor));
	if (r == 0)
		r = first_user(cursor, after, &one);
	while (r == 0) {
		r = visit(user, &one);
		if (r == 0)
			r = next_user(cursor, MDB_NEXT, (struct sv){0}, &one);
	}
	return r == -ENOENT ? 0 : r;
}
