#include "state/users.h"

#include "core/utf8.h"
#include "state/crypthash.h"
#include "state/db.h"

#include <errno.h>
#include <string.h>

static bool has_control(struct sv text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
			return true;
	return false;
}

bool user_name_ok(struct sv name)
{
	return name.n > 0 && name.n < USER_NAME_BYTES && !has_control(name) && utf8_valid(name) &&
	       sv_find(name, ':') == name.n && sv_trim(name).n == name.n;
}

bool user_groups_ok(struct sv groups)
{
	struct sv rest = groups, part;
	if (groups.n >= USER_GROUPS_BYTES || has_control(groups) || !utf8_valid(groups))
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
	return r == 0 ? db_commit(&txn) : r;
}

/* NULL keeps what there is. */
static int change(struct state *state, struct sv name, const char *before,
                  const struct state_user *to)
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
	if (to->hash[0])
		copy_text(user.hash, sizeof(user.hash), to->hash);
	else
		copy_text(user.groups, sizeof(user.groups), to->groups);
	user.changed_us = to->changed_us;
	r = write_user(state, txn, &user);
	return r == 0 ? db_commit(&txn) : r;
}

int state_user_set_hash(struct state *state, struct sv name, const char *before, const char *hash,
                        int64_t now_us)
{
	struct state_user to = {.changed_us = now_us};
	if (!hash_ok(hash) || strlen(hash) >= sizeof(to.hash))
		return -EINVAL;
	copy_text(to.hash, sizeof(to.hash), hash);
	return change(state, name, before, &to);
}

int state_user_set_groups(struct state *state, struct sv name, const char *groups, int64_t now_us)
{
	struct state_user to = {.changed_us = now_us};
	if (!user_groups_ok(sv_of(groups)))
		return -EINVAL;
	copy_text(to.groups, sizeof(to.groups), groups);
	return change(state, name, NULL, &to);
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
	return r == 0 ? db_commit(&txn) : r;
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
		r = db_commit(&txn);
	if (r == 0 && ret_added)
		*ret_added = n_added;
	return r;
}

/* One user and the cursor that stands on it; -ENOENT at the end. */
static int next_user(MDB_cursor *cursor, MDB_cursor_op op, struct state_user *ret)
{
	MDB_val k;
	MDB_val v;
	int r = db_errno(mdb_cursor_get(cursor, &k, &v, op));
	if (r != 0)
		return r;
	CLEANUP(json_decrefp) json_t *json = NULL;
	r = db_parse((struct sv){v.mv_data, v.mv_size}, &json);
	return r == 0 ? decode(json, (struct sv){k.mv_data, k.mv_size}, ret) : r;
}

int state_user_list(const struct state *state,
                    int (*visit)(void *user, const struct state_user *one), void *user)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	struct state_user one;
	int r = db_read(state, &txn);
	if (r == 0)
		r = db_errno(mdb_cursor_open(txn, state->users, &cursor));
	if (r == 0)
		r = next_user(cursor, MDB_FIRST, &one);
	while (r == 0) {
		r = visit(user, &one);
		if (r == 0)
			r = next_user(cursor, MDB_NEXT, &one);
	}
	return r == -ENOENT ? 0 : r;
}
