#include "state/signing.h"

#include "core/cursor.h"
#include "core/outbuf.h"
#include "core/secret.h"
#include "state/db.h"

#include <errno.h>

/* One as bytes: a version, then each text behind its length. */
enum { VERSION = 1, N_TEXTS = 3, VALUE_MAX = 1 + N_TEXTS * (2 + SIGNING_TEXT_MAX) };

static int decode(struct sv key, struct sv value, struct state_signing_key *ret)
{
	struct cursor c = cursor_over(value);
	struct sv texts[N_TEXTS];
	uint8_t version = cursor_u8(&c);
	for (size_t i = 0; i < N_TEXTS; i++)
		texts[i] = cursor_sv(&c, cursor_u16be(&c));
	if (!cursor_done(&c) || version != VERSION || key.n != 8)
		return -EBADMSG;
	*ret = (struct state_signing_key){.from_s = (int64_t)db_key_number(key),
	                                  .kid = texts[0],
	                                  .pem = texts[1],
	                                  .jwk = texts[2]};
	return 0;
}

static int put(const struct state *state, MDB_txn *txn, struct sv number,
               const struct state_signing_key *key)
{
	const struct sv texts[N_TEXTS] = {key->kid, key->pem, key->jwk};
	uint8_t room[VALUE_MAX];
	struct outbuf out = outbuf_over(room, sizeof(room));
	outbuf_u8(&out, VERSION);
	for (size_t i = 0; i < N_TEXTS; i++) {
		outbuf_u16be(&out, (uint16_t)texts[i].n);
		outbuf_put(&out, texts[i]);
	}
	int r = out.failed ? -EINVAL : db_put(txn, state->signing_keys, number, outbuf_sv(&out));
	secret_wipe(room, sizeof(room));
	return r;
}

static bool fits(struct sv text)
{
	return text.n > 0 && text.n <= SIGNING_TEXT_MAX;
}

int state_signing_add(struct state *state, const struct state_signing_key *key)
{
	if (!fits(key->kid) || !fits(key->pem) || !fits(key->jwk) || key->from_s < 0)
		return -EINVAL;
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	uint8_t at[8];
	struct sv there, number = db_number_key((uint64_t)key->from_s, at);
	int r = db_write(state, &txn);
	if (r == 0)
		r = db_get(txn, state->signing_keys, number, &there);
	if (r != -ENOENT)
		return r == 0 ? -EEXIST : r;
	r = put(state, txn, number, key);
	if (r == 0)
		r = db_revise(state, txn, SIGNING_REVISION);
	return r == 0 ? db_commit(&txn) : r;
}

int state_signing_list(const struct state *state,
                       int (*visit)(void *user, const struct state_signing_key *key), void *user)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_read(state, &txn);
	if (r != 0)
		return r;
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	MDB_val key, value;
	int m = mdb_cursor_open(txn, state->signing_keys, &cursor);
	if (m == 0)
		m = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	while (m == 0 && r == 0) {
		struct state_signing_key found;
		r = decode((struct sv){key.mv_data, key.mv_size},
		           (struct sv){value.mv_data, value.mv_size}, &found);
		if (r == 0)
			r = visit(user, &found);
		if (r == 0)
			m = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	return m == 0 || m == MDB_NOTFOUND ? r : db_errno(m);
}

int state_signing_remove(struct state *state, int64_t from_s)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	uint8_t at[8];
	int r = db_write(state, &txn);
	if (r == 0)
		r = db_delete(txn, state->signing_keys, db_number_key((uint64_t)from_s, at));
	if (r == 0)
		r = db_revise(state, txn, SIGNING_REVISION);
	return r == 0 ? db_commit(&txn) : r;
}
