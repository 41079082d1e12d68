#include "state/state.h"

#include "core/fileio.h"
#include "core/limits.h"
#include "state/db.h"

#include <errno.h>
#include <limits.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Sparse: only what is used takes room. 10,000 versions of 100 KB. */
#define STATE_MAP_BYTES (UINT64_C(1) << 30)
#define STATE_READERS   64
#define LOCK_FILE_BYTES (STATE_READERS * 64 + 4096) /* LMDB's table of readers, mapped */

static const struct {
	const char *name;
	size_t offset;
} databases[] = {
	{"meta", offsetof(struct state, meta)},
	{"admins", offsetof(struct state, admins)},
	{"users", offsetof(struct state, users)},
	{"sessions", offsetof(struct state, sessions)},
	{"versions", offsetof(struct state, versions)},
	{"texts", offsetof(struct state, texts)},
	{"api-keys", offsetof(struct state, apikeys)},
	{"api-key-times", offsetof(struct state, apikey_times)},
	{"logins", offsetof(struct state, logins)},
	{"login_names", offsetof(struct state, login_names)},
	{"login_once", offsetof(struct state, login_once)},
	{"relations", offsetof(struct state, relations)},
	{"relation-subjects", offsetof(struct state, relation_subjects)},
	{"relation-changes", offsetof(struct state, relation_changes)},
	{"revocations", offsetof(struct state, revocations)},
	{"signing-keys", offsetof(struct state, signing_keys)},
	{"revocation-names", offsetof(struct state, revocation_names)},
	{"quotas", offsetof(struct state, quotas)},
};

static void close_state(struct state **state)
{
	state_close(*state);
}

static int open_env(struct state *state, const char *dir)
{
	char lock[PATH_MAX];
	(void)snprintf(lock, sizeof(lock), "%s/lock.mdb", dir);
	int r = file_reserve(lock, LOCK_FILE_BYTES);
	if (r)
		return r;
	r = mdb_env_create(&state->env);
	if (r == 0)
		r = mdb_env_set_maxdbs(state->env, ARRAY_LEN(databases));
	if (r == 0)
		r = mdb_env_set_mapsize(state->env, STATE_MAP_BYTES);
	if (r == 0)
		r = mdb_env_set_maxreaders(state->env, STATE_READERS);
	if (r == 0)
		r = mdb_env_open(state->env, dir, MDB_NOTLS, 0600);
	int dead = 0;
	if (r == 0)
		r = mdb_reader_check(state->env, &dead); /* slots of processes that were killed */
	return db_errno(r);
}

static int load_mask_key(struct state *state, MDB_txn *txn)
{
	struct sv key;
	int r = db_get(txn, state->meta, SVL(DB_MASK_KEY), &key);
	if (r == 0 && key.n != sizeof(state->mask_key))
		return -EBADMSG;
	if (r == 0) {
		memcpy(state->mask_key, key.at, key.n);
		return 0;
	}
	if (r != -ENOENT)
		return r;
	if (RAND_bytes(state->mask_key, sizeof(state->mask_key)) != 1)
		return -EIO;
	return db_put(txn, state->meta, SVL(DB_MASK_KEY),
	              (struct sv){(const char *)state->mask_key, sizeof(state->mask_key)});
}

static int open_databases(struct state *state)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_write(state, &txn);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(databases); i++) {
		MDB_dbi dbi;
		r = db_errno(mdb_dbi_open(txn, databases[i].name, MDB_CREATE, &dbi));
		if (r == 0)
			memcpy((char *)state + databases[i].offset, &dbi, sizeof(dbi));
	}
	if (r == 0)
		r = load_mask_key(state, txn);
	if (r == 0)
		r = db_commit(&txn);
	return r;
}

int state_open(const char *dir, struct state **ret)
{
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return -errno;

	CLEANUP(close_state) struct state *state = calloc(1, sizeof(*state));
	if (!state)
		return -ENOMEM;
	int r = open_env(state, dir);
	if (r == 0)
		r = open_databases(state);
	if (r == 0)
		*ret = TAKE(state);
	return r;
}

void state_close(struct state *state)
{
	if (!state)
		return;
	if (state->env)
		mdb_env_close(state->env);
	OPENSSL_cleanse(state->mask_key, sizeof(state->mask_key));
	free(state);
}

const uint8_t *state_mask_key(const struct state *state)
{
	return state->mask_key;
}

uint64_t state_last_change(const struct state *state)
{
	/* not mdb_env_info(): its number rises a moment before readers see what it counts */
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	return db_read(state, &txn) == 0 ? mdb_txn_id(txn) : 0;
}

int state_revision(const struct state *state, const char *name, uint64_t *ret)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_read(state, &txn);
	return r == 0 ? db_revision(state, txn, name, ret) : r;
}

int db_revision(const struct state *state, MDB_txn *txn, const char *name, uint64_t *ret)
{
	struct sv value;
	int r = db_get(txn, state->meta, sv_of(name), &value);
	if (r != 0 && r != -ENOENT)
		return r;
	*ret = r == 0 ? db_key_number(value) : 0;
	return 0;
}

int db_revise(const struct state *state, MDB_txn *txn, const char *name)
{
	uint8_t at[8];
	uint64_t number = 0;
	int r = db_revision(state, txn, name, &number);
	return r == 0 ? db_put(txn, state->meta, sv_of(name), db_number_key(number + 1, at)) : r;
}
