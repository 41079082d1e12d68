#include "state/sessions.h"

#include "core/hash.h"
#include "core/secret.h"
#include "state/db.h"
#include "state/roles.h"

#include <errno.h>
#include <string.h>

static bool is_over(const struct state_session *session, int64_t now_us)
{
	/* A clock that stepped back ends nothing early but never lengthens the absolute end. */
	return now_us - session->seen_us >= SESSION_IDLE_US ||
	       now_us - session->created_us >= SESSION_ABSOLUTE_US;
}

static int decode(const json_t *json, struct state_session *ret)
{
	struct state_session session = {0};
	int r = db_text(json, "name", session.name, sizeof(session.name));
	if (r != 0)
		return r;
	session.roles = (uint32_t)(db_number(json, "roles") & ROLES_ALL);
	session.created_us = db_number(json, "created_us");
	session.seen_us = db_number(json, "seen_us");
	*ret = session;
	return 0;
}

static int put(const struct state *state, MDB_txn *txn, struct sv key,
               const struct state_session *session)
{
	return db_put_json(txn, state->sessions, key,
	                   json_pack("{s:s, s:I, s:I, s:I}", "name", session->name, "roles",
	                             (json_int_t)session->roles, "created_us",
	                             (json_int_t)session->created_us, "seen_us",
	                             (json_int_t)session->seen_us));
}

/* What one walk over all sessions looks for. */
struct sweep {
	struct sv name;   /* of this account ... */
	bool all_of_name; /* ... every session ends */
	int64_t now_us;   /* ended ones go; 0 = leave them */
	size_t n_of_name; /* left over */
	int64_t oldest_us;
	uint8_t oldest[SHA256_BYTES];
};

static bool goes(const struct sweep *sweep, const struct state_session *session)
{
	if (sweep->now_us != 0 && is_over(session, sweep->now_us))
		return true;
	return sweep->all_of_name && sv_eq(sv_of(session->name), sweep->name);
}

static void note_left(struct sweep *sweep, struct sv key, const struct state_session *session)
{
	if (!sv_eq(sv_of(session->name), sweep->name) || key.n != sizeof(sweep->oldest))
		return;
	if (sweep->n_of_name == 0 || session->created_us < sweep->oldest_us) {
		sweep->oldest_us = session->created_us;
		memcpy(sweep->oldest, key.at, key.n);
	}
	sweep->n_of_name++;
}

static int sweep_sessions(const struct state *state, MDB_txn *txn, struct sweep *sweep)
{
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	MDB_val k;
	MDB_val v;
	int r = mdb_cursor_open(txn, state->sessions, &cursor);
	if (r == 0)
		r = mdb_cursor_get(cursor, &k, &v, MDB_FIRST);
	while (r == 0) {
		CLEANUP(json_decrefp) json_t *json = NULL;
		struct state_session session;
		int bad = db_parse((struct sv){v.mv_data, v.mv_size}, &json);
		if (bad == 0)
			bad = decode(json, &session);
		if (bad != 0 || goes(sweep, &session))
			r = mdb_cursor_del(cursor, 0);
		else
			note_left(sweep, (struct sv){k.mv_data, k.mv_size}, &session);
		if (r == 0)
			r = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	return r == MDB_NOTFOUND ? 0 : db_errno(r);
}

int sessions_end_of(const struct state *state, MDB_txn *txn, struct sv name)
{
	struct sweep sweep = {.name = name, .all_of_name = true};
	return sweep_sessions(state, txn, &sweep);
}

static int make_room(const struct state *state, MDB_txn *txn, struct sv name, int64_t now_us)
{
	struct sweep sweep = {.name = name, .now_us = now_us};
	int r = sweep_sessions(state, txn, &sweep);
	if (r == 0 && sweep.n_of_name >= SESSIONS_PER_ADMIN)
		r = db_delete(txn, state->sessions,
		              (struct sv){(const char *)sweep.oldest, sizeof(sweep.oldest)});
	return r;
}

static int note_login(const struct state *state, MDB_txn *txn, struct sv name,
                      const struct state_proof *proof, int64_t now_us, struct state_admin *ret)
{
	int r = admin_read(state, txn, name, ret);
	if (r != 0)
		return r;
	if (ret->disabled || roles_effective(ret->roles) == ROLE_NOBODY)
		return -EACCES;
	if (!secret_equal(sv_of(ret->phc), sv_of(proof->phc)))
		return -EACCES;
	ret->last_login_us = now_us;
	if (proof->new_phc) {
		memset(ret->phc, 0, sizeof(ret->phc));
		memcpy(ret->phc, proof->new_phc, strnlen(proof->new_phc, sizeof(ret->phc) - 1));
	}
	return admin_write(state, txn, ret);
}

int state_session_open(struct state *state, struct sv name, const struct state_proof *proof,
                       int64_t now_us, uint8_t ret_id[static SESSION_ID_BYTES],
                       struct state_session *ret)
{
	uint8_t id[SESSION_ID_BYTES];
	uint8_t key[SHA256_BYTES];
	if (!secret_random(id, sizeof(id)) ||
	    !sha256_of((struct sv){(const char *)id, sizeof(id)}, key))
		return -EIO;

	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct state_admin admin;
	int r = db_write(state, &txn);
	if (r == 0)
		r = note_login(state, txn, name, proof, now_us, &admin);
	if (r == 0)
		r = make_room(state, txn, name, now_us);
	if (r != 0)
		return r;

	struct state_session session = {
		.roles = roles_effective(admin.roles), .created_us = now_us, .seen_us = now_us};
	memcpy(session.name, admin.name, sizeof(session.name));
	r = put(state, txn, (struct sv){(const char *)key, sizeof(key)}, &session);
	if (r == 0)
		r = db_commit(&txn);
	if (r != 0)
		return r;
	memcpy(ret_id, id, sizeof(id));
	secret_wipe(id, sizeof(id));
	*ret = session;
	return 0;
}

static int find(const struct state *state, struct sv key, struct state_session *ret)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	CLEANUP(json_decrefp) json_t *json = NULL;
	int r = db_read(state, &txn);
	if (r == 0)
		r = db_get_json(txn, state->sessions, key, &json);
	return r == 0 ? decode(json, ret) : r;
}

/* Reads again inside the write: the session may have been ended since. */
static int note_use(struct state *state, struct sv key, int64_t now_us)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	CLEANUP(json_decrefp) json_t *json = NULL;
	struct state_session session;
	int r = db_write(state, &txn);
	if (r == 0)
		r = db_get_json(txn, state->sessions, key, &json);
	if (r == 0)
		r = decode(json, &session);
	if (r != 0)
		return r;
	session.seen_us = now_us;
	r = put(state, txn, key, &session);
	return r == 0 ? db_commit(&txn) : r;
}

int state_session_find(struct state *state, const uint8_t id[static SESSION_ID_BYTES],
                       int64_t now_us, struct state_session *ret)
{
	uint8_t digest[SHA256_BYTES];
	if (!sha256_of((struct sv){(const char *)id, SESSION_ID_BYTES}, digest))
		return -EIO;
	struct sv key = {(const char *)digest, sizeof(digest)};
	struct state_session session;
	int r = find(state, key, &session);
	if (r == 0 && is_over(&session, now_us))
		r = -ENOENT;
	if (r == 0 && now_us - session.seen_us >= SESSION_SEEN_STEP_US) {
		r = note_use(state, key, now_us);
		session.seen_us = now_us;
	}
	if (r == 0)
		*ret = session;
	return r;
}

int state_session_close(struct state *state, const uint8_t id[static SESSION_ID_BYTES])
{
	uint8_t digest[SHA256_BYTES];
	if (!sha256_of((struct sv){(const char *)id, SESSION_ID_BYTES}, digest))
		return -EIO;
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_write(state, &txn);
	if (r == 0)
		r = db_delete(txn, state->sessions,
		              (struct sv){(const char *)digest, sizeof(digest)});
	return r == 0 ? db_commit(&txn) : r;
}
