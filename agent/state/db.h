#ifndef STATE_DB_H
#define STATE_DB_H

/* Private to state/: the environment and how its files read and write it. */

#include "core/macros.h"
#include "core/sv.h"
#include "state/admins.h"
#include "state/state.h"
#include "state/versions.h"

#include <jansson.h>
#include <lmdb.h>
#include <stddef.h>
#include <stdint.h>

struct state {
	MDB_env *env;
	MDB_dbi logins;      /* SHA-256 of the id -> logins.c */
	MDB_dbi login_names; /* digest of a name, digest of an id -> nothing */
	MDB_dbi login_once;  /* digest of what is used up -> until when, 8 bytes */
	MDB_dbi meta;        /* "setup", "current", "draft", "draft-text", "revision", "mask-key" */
	MDB_dbi admins;      /* name -> JSON */
	MDB_dbi users;       /* name -> JSON: who signs in to services */
	MDB_dbi sessions;    /* SHA-256 of the id -> JSON */
	MDB_dbi versions;    /* number, 8 bytes big endian -> JSON */
	MDB_dbi texts;       /* number, 8 bytes big endian -> the policy set as published */
	MDB_dbi apikeys;     /* id -> apikey_record.h */
	MDB_dbi apikey_times;      /* created_us, 8 bytes big endian, then id -> nothing */
	MDB_dbi revocations;       /* number, 8 bytes big endian -> bytes of revocations.c */
	MDB_dbi revocation_names;  /* SHA-256 of kind, issuer and name -> number */
	MDB_dbi relations;         /* see relations.c -> nothing */
	MDB_dbi relation_subjects; /* the same by subject */
	MDB_dbi relation_changes; /* revision and number, 8 bytes big endian each -> '+' or '-', tuple */
	MDB_dbi signing_keys; /* Unix second it signs from, 8 bytes big endian -> bytes of signing.c */
	MDB_dbi quotas; /* end of a period and key, 8 bytes big endian each -> count, the same */
	uint8_t mask_key[STATE_MASK_KEY_BYTES];
};

/* db_errno - LMDB's code as 0 or -errno; the only place that knows them. */
int db_errno(int mdb);

/* For CLEANUP: abort what was not committed. */
void db_abort(MDB_txn **txn);

/* For CLEANUP. */
void db_close_cursor(MDB_cursor **cursor);

MUST_CHECK int db_read(const struct state *state, MDB_txn **ret);
MUST_CHECK int db_write(struct state *state, MDB_txn **ret);

/* db_commit - ends the transaction, whatever it answers. */
MUST_CHECK int db_commit(MDB_txn **txn);

/* db_get - lifetime of *ret: the transaction; errors 0, -ENOENT, ... */
MUST_CHECK int db_get(MDB_txn *txn, MDB_dbi dbi, struct sv key, struct sv *ret);
MUST_CHECK int db_put(MDB_txn *txn, MDB_dbi dbi, struct sv key, struct sv value);

/* db_delete - 0 also when there is no such key. */
MUST_CHECK int db_delete(MDB_txn *txn, MDB_dbi dbi, struct sv key);

/* db_get_json - a JSON object, owned by the caller; -EBADMSG when it is none. */
MUST_CHECK int db_get_json(MDB_txn *txn, MDB_dbi dbi, struct sv key, json_t **ret);

/* db_parse - the same from a value already read. */
MUST_CHECK int db_parse(struct sv value, json_t **ret);

/* db_put_json - json may be NULL (out of memory); it is released in any case. */
MUST_CHECK int db_put_json(MDB_txn *txn, MDB_dbi dbi, struct sv key, json_t *json);

/* db_text - copy the string member name; -EBADMSG when missing or too long. */
MUST_CHECK int db_text(const json_t *json, const char *name, char *ret, size_t n_ret);

/* db_number - the integer member name; 0 when missing. */
int64_t db_number(const json_t *json, const char *name);

/* db_number_key - 8 bytes, so that keys sort as numbers. */
struct sv db_number_key(uint64_t number, uint8_t at[static 8]);
uint64_t db_key_number(struct sv key);

/* db_revision - what state_revision() tells, inside txn. */
MUST_CHECK int db_revision(const struct state *state, MDB_txn *txn, const char *name,
                           uint64_t *ret);

/* db_revise - what state_revision() tells of this name is another number from the commit on. */
MUST_CHECK int db_revise(const struct state *state, MDB_txn *txn, const char *name);

/* db_seek_below - the cursor on the highest number below before (0: on the last). returns LMDB's code. */
MUST_CHECK int db_seek_below(MDB_cursor *cursor, uint64_t before, MDB_val *key, MDB_val *value);

#define DB_CURRENT    "current"
#define DB_DRAFT      "draft"
#define DB_DRAFT_TEXT "draft-text"
#define DB_REVISION   "revision"
#define DB_SETUP      "setup"
#define DB_MASK_KEY   "mask-key"
#define DB_PEPPER     "pepper-check"
#define DB_REVOKED    "revocation-number"

/* text_digest - SHA-256 in hexadecimal; -EIO when OpenSSL fails. */
MUST_CHECK int text_digest(struct sv text, char ret[static DIGEST_HEX_BYTES]);

/* sessions_end_of - remove every session of the account, inside txn. */
MUST_CHECK int sessions_end_of(const struct state *state, MDB_txn *txn, struct sv name);

/* admin_read, admin_write - one account inside txn. */
MUST_CHECK int admin_read(const struct state *state, MDB_txn *txn, struct sv name,
                          struct state_admin *ret);
MUST_CHECK int admin_write(const struct state *state, MDB_txn *txn,
                           const struct state_admin *admin);
MUST_CHECK int admin_add(const struct state *state, MDB_txn *txn, const struct state_admin *admin);
MUST_CHECK int admin_count(const struct state *state, MDB_txn *txn, size_t *ret);

#endif
