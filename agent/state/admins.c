#include "state/admins.h"

#include "state/db.h"
#include "state/roles.h"

#include <errno.h>
#include <string.h>

static bool name_char_ok(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
	       c == '@' || c == '-';
}

bool admin_name_ok(struct sv name)
{
	if (name.n == 0 || name.n >= ADMIN_NAME_BYTES)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!name_char_ok(name.at[i]))
			return false;
	return (name.at[0] >= 'a' && name.at[0] <= 'z') || (name.at[0] >= '0' && name.at[0] <= '9');
}

static int decode(const json_t *json, struct sv name, struct state_admin *ret)
{
	struct state_admin admin = {0};
	if (!admin_name_ok(name))
		return -EBADMSG;
	memcpy(admin.name, name.at, name.n);
	int r = db_text(json, "phc", admin.phc, sizeof(admin.phc));
	if (r != 0)
		return r;
	admin.roles = (uint32_t)(db_number(json, "roles") & ROLES_ALL);
	/* Only a clear false is enabled: an account we cannot read stays out. */
	admin.disabled = !json_is_false(json_object_get(json, "disabled"));
	admin.created_us = db_number(json, "created_us");
	admin.changed_us = db_number(json, "changed_us");
	admin.last_login_us = db_number(json, "last_login_us");
	*ret = admin;
	return 0;
}

int admin_read(const struct state *state, MDB_txn *txn, struct sv name, struct state_admin *ret)
{
	if (!admin_name_ok(name))
		return -ENOENT;
	CLEANUP(json_decrefp) json_t *json = NULL;
	int r = db_get_json(txn, state->admins, name, &json);
	return r == 0 ? decode(json, name, ret) : r;
}

int admin_write(const struct state *state, MDB_txn *txn, const struct state_admin *admin)
{
	json_t *json = json_pack("{s:s, s:I, s:b, s:I, s:I, s:I}", "phc", admin->phc, "roles",
	                         (json_int_t)admin->roles, "disabled", admin->disabled,
	                         "created_us", (json_int_t)admin->created_us, "changed_us",
	                         (json_int_t)admin->changed_us, "last_login_us",
	                         (json_int_t)admin->last_login_us);
	return db_put_json(txn, state->admins, sv_of(admin->name), json);
}

int state_admin_get(const struct state *state, struct sv name, struct state_admin *ret)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_read(state, &txn);
	return r == 0 ? admin_read(state, txn, name, ret) : r;
}

int admin_add(const struct state *state, MDB_txn *txn, const struct state_admin *admin)
{
	if (!admin_name_ok(sv_of(admin->name)) || roles_effective(admin->roles) == ROLE_NOBODY ||
	    admin->phc[0] == '\0')
		return -EINVAL;
	struct sv there;
	int r = db_get(txn, state->admins, sv_of(admin->name), &there);
	if (r != -ENOENT)
		return r == 0 ? -EEXIST : r;
	return admin_write(state, txn, admin);
}

int state_admin_add(struct state *state, const struct state_admin *admin)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_write(state, &txn);
	if (r == 0)
		r = admin_add(state, txn, admin);
	return r == 0 ? db_commit(&txn) : r;
}

/* One account and the cursor that stands on it; -ENOENT at the end. */
static int next_admin(MDB_cursor *cursor, MDB_cursor_op op, struct state_admin *ret)
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

static int walk(const struct state *state, MDB_txn *txn,
                int (*visit)(void *user, const struct state_admin *admin), void *user)
{
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	int r = db_errno(mdb_cursor_open(txn, state->admins, &cursor));
	if (r != 0)
		return r;
	struct state_admin admin;
	r = next_admin(cursor, MDB_FIRST, &admin);
	while (r == 0) {
		r = visit(user, &admin);
		if (r == 0)
			r = next_admin(cursor, MDB_NEXT, &admin);
	}
	return r == -ENOENT ? 0 : r;
}

static bool manages(const struct state_admin *admin)
{
	return !admin->disabled && (admin->roles & ROLE_ADMIN);
}

static int count_manager(void *user, const struct state_admin *admin)
{
	size_t *n = user;
	*n += manages(admin);
	return 0;
}

static int someone_manages(const struct state *state, MDB_txn *txn)
{
	size_t n = 0;
	int r = walk(state, txn, count_manager, &n);
	if (r == 0 && n == 0)
		r = -EBUSY;
	return r;
}

static void apply(struct state_admin *admin, const struct state_admin_change *change,
                  int64_t now_us)
{
	if (change->phc) {
		memset(admin->phc, 0, sizeof(admin->phc));
		memcpy(admin->phc, change->phc, strnlen(change->phc, sizeof(admin->phc) - 1));
	}
	if (change->roles != ROLE_NOBODY)
		admin->roles = change->roles & ROLES_ALL;
	if (change->set_disabled)
		admin->disabled = change->disabled;
	admin->changed_us = now_us;
}

int state_admin_change(struct state *state, struct sv name, const struct state_admin_change *change,
                       int64_t now_us)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_write(state, &txn);
	struct state_admin admin;
	if (r == 0)
		r = admin_read(state, txn, name, &admin);
	if (r != 0)
		return r;
	bool managed = manages(&admin);
	apply(&admin, change, now_us);
	r = admin_write(state, txn, &admin);
	if (r == 0 && managed)
		r = someone_manages(state, txn);
	if (r == 0)
		r = sessions_end_of(state, txn, name);
	return r == 0 ? db_commit(&txn) : r;
}

int state_admin_remove(struct state *state, struct sv name)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_write(state, &txn);
	struct state_admin admin;
	if (r == 0)
		r = admin_read(state, txn, name, &admin);
	if (r == 0)
		r = db_delete(txn, state->admins, name);
	if (r == 0 && manages(&admin))
		r = someone_manages(state, txn);
	if (r == 0)
		r = sessions_end_of(state, txn, name);
	return r == 0 ? db_commit(&txn) : r;
}

int state_admin_list(const struct state *state,
                     int (*visit)(void *user, const struct state_admin *admin), void *user)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_read(state, &txn);
	return r == 0 ? walk(state, txn, visit, user) : r;
}

int admin_count(const struct state *state, MDB_txn *txn, size_t *ret)
{
	MDB_stat stat;
	int r = db_errno(mdb_stat(txn, state->admins, &stat));
	if (r == 0)
		*ret = stat.ms_entries;
	return r;
}

int state_admin_count(const struct state *state, size_t *ret)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_read(state, &txn);
	return r == 0 ? admin_count(state, txn, ret) : r;
}
