#include "state/revocations.h"

#include "core/cursor.h"
#include "core/hash.h"
#include "core/outbuf.h"
#include "core/utf8.h"
#include "state/db.h"

#include <errno.h>
#include <stdlib.h>

/* ---- one as bytes: a version, the numbers, then each text behind its length ---- */

enum {
	VERSION = 1,
	VALUE_MAX = 64 + REVOCATION_ISSUER_MAX + REVOCATION_NAME_MAX + REVOCATION_REASON_MAX +
	            REVOCATION_AUTHOR_MAX,
};

static void put_text(struct outbuf *out, struct sv text)
{
	outbuf_u16be(out, (uint16_t)text.n);
	outbuf_put(out, text);
}

static void encode(struct outbuf *out, const struct state_revocation *r)
{
	outbuf_u8(out, VERSION);
	outbuf_u8(out, (uint8_t)r->what.kind);
	outbuf_u64be(out, (uint64_t)r->at_us);
	outbuf_u64be(out, (uint64_t)r->what.until_s);
	outbuf_u64be(out, (uint64_t)r->what.expires_s);
	put_text(out, r->what.issuer);
	put_text(out, r->what.name);
	put_text(out, r->reason);
	put_text(out, r->author);
}

static struct sv take_text(struct cursor *c)
{
	return cursor_sv(c, cursor_u16be(c));
}

static int decode(struct sv key, struct sv value, struct state_revocation *ret)
{
	struct cursor c = cursor_over(value);
	uint8_t version = cursor_u8(&c), kind = cursor_u8(&c);
	struct state_revocation r = {.number = db_key_number(key)};
	r.at_us = (int64_t)cursor_u64be(&c);
	r.what.until_s = (int64_t)cursor_u64be(&c);
	r.what.expires_s = (int64_t)cursor_u64be(&c);
	r.what.issuer = take_text(&c);
	r.what.name = take_text(&c);
	r.reason = take_text(&c);
	r.author = take_text(&c);
	if (!cursor_done(&c) || version != VERSION || kind >= REVOCATION_KIND_COUNT || key.n != 8)
		return -EBADMSG;
	r.what.kind = (enum revocation_kind)kind;
	*ret = r;
	return 0;
}

/* ---- what may be kept ---- */

/* It is shown in lists and terminals. */
static bool is_text(struct sv text, size_t n_min, size_t n_max)
{
	return !sv_has_control(text) && text.n >= n_min && text.n <= n_max && utf8_valid(text);
}

const char *state_revocation_check(const struct state_revocation *r, int64_t now_s)
{
	if ((unsigned)r->what.kind >= REVOCATION_KIND_COUNT)
		return "kind: token, subject, client, key or session is expected";
	if (!is_text(r->what.issuer, 1, REVOCATION_ISSUER_MAX))
		return "issuer: 1 to 2048 bytes without control characters are expected";
	if (!is_text(r->what.name, 1, REVOCATION_NAME_MAX))
		return "name: 1 to 2048 bytes without control characters are expected";
	if (!is_text(r->reason, 0, REVOCATION_REASON_MAX))
		return "reason: at most 500 bytes without control characters are expected";
	if (!revocation_has_moment(r->what.kind) && r->what.until_s)
		return "until: only a subject or a client is revoked until a moment";
	if (r->what.until_s < 0 || r->what.until_s > now_s + 60)
		return "until: a moment that has come is expected";
	if (r->what.expires_s <= now_s || r->what.expires_s - now_s > REVOCATION_MAX_S)
		return "expires: a time to come is expected, not more than ten years away";
	return NULL;
}

/* ---- acts ---- */

/* A moment in the past is all that state_revocation_check() asks and this cannot know. */
static bool fits(const struct state_revocation *r)
{
	return (unsigned)r->what.kind < REVOCATION_KIND_COUNT && r->what.expires_s > 0 &&
	       r->what.until_s >= 0 && is_text(r->what.issuer, 1, REVOCATION_ISSUER_MAX) &&
	       is_text(r->what.name, 1, REVOCATION_NAME_MAX) &&
	       is_text(r->reason, 0, REVOCATION_REASON_MAX) &&
	       is_text(r->author, 1, REVOCATION_AUTHOR_MAX);
}

static bool name_digest(const struct revocation *what, uint8_t digest[SHA256_BYTES])
{
	struct sha256 *sha256 = sha256_new();
	const char kind = (char)what->kind;
	/* neither text has a zero byte */
	const struct sv parts[] = {{&kind, 1}, what->issuer, {"", 1}, what->name};
	bool ok = sha256 && sha256_parts(sha256, parts, ARRAY_LEN(parts), digest);
	sha256_free(sha256);
	return ok;
}

static int next_number(const struct state *state, MDB_txn *txn, uint64_t *ret)
{
	struct sv value;
	uint8_t at[8];
	uint64_t number = 0;
	int r = db_get(txn, state->meta, SVL(DB_REVOKED), &value);
	if (r == 0)
		number = db_key_number(value);
	else if (r != -ENOENT)
		return r;
	*ret = number + 1;
	return db_put(txn, state->meta, SVL(DB_REVOKED), db_number_key(*ret, at));
}

/* Removes the earlier one of the same name, of which the moment and the end may be the later ones. */
static int replace(const struct state *state, MDB_txn *txn, struct sv name,
                   struct state_revocation *fresh)
{
	struct state_revocation before;
	struct sv number, value = {0};
	int r = db_get(txn, state->revocation_names, name, &number);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = db_get(txn, state->revocations, number, &value);
	if (r == 0)
		r = decode(number, value, &before);
	if (r != 0)
		return r == -ENOENT ? -EBADMSG : r;
	if (before.what.until_s > fresh->what.until_s)
		fresh->what.until_s = before.what.until_s;
	if (before.what.expires_s > fresh->what.expires_s)
		fresh->what.expires_s = before.what.expires_s;
	uint8_t at[8];
	return db_delete(txn, state->revocations, db_number_key(before.number, at));
}

static int expect_room(const struct state *state, MDB_txn *txn)
{
	MDB_stat stat;
	int r = db_errno(mdb_stat(txn, state->revocations, &stat));
	return r == 0 && stat.ms_entries >= REVOCATIONS_MAX ? -ENOSPC : r;
}

static int store(const struct state *state, MDB_txn *txn, struct sv name,
                 const struct state_revocation *r)
{
	uint8_t at[8];
	struct sv key = db_number_key(r->number, at);
	uint8_t *room = malloc(VALUE_MAX);
	if (!room)
		return -ENOMEM;
	struct outbuf out = outbuf_over(room, VALUE_MAX);
	encode(&out, r);
	int result = out.failed ? -EINVAL : db_put(txn, state->revocations, key, outbuf_sv(&out));
	free(room);
	return result ? result : db_put(txn, state->revocation_names, name, key);
}

int state_revocation_add(struct state *state, const struct state_revocation *revocation,
                         uint64_t *ret_number)
{
	struct state_revocation fresh = *revocation;
	uint8_t digest[SHA256_BYTES];
	struct sv name = {(const char *)digest, sizeof(digest)};
	if (!fits(revocation))
		return -EINVAL;
	if (!name_digest(&revocation->what, digest))
		return -EIO;

	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_write(state, &txn);
	if (r == 0)
		r = replace(state, txn, name, &fresh);
	if (r == 0)
		r = expect_room(state, txn);
	if (r == 0)
		r = next_number(state, txn, &fresh.number);
	if (r == 0)
		r = store(state, txn, name, &fresh);
	if (r == 0)
		r = db_revise(state, txn, REVOCATION_REVISION);
	if (r == 0)
		r = db_commit(&txn);
	if (r == 0)
		*ret_number = fresh.number;
	return r;
}

static int read_one(const struct state *state, MDB_txn *txn, uint64_t number,
                    struct state_revocation *ret)
{
	uint8_t at[8];
	struct sv value, key = db_number_key(number, at);
	int r = db_get(txn, state->revocations, key, &value);
	return r == 0 ? decode(key, value, ret) : r;
}

int state_revocation_get(const struct state *state, uint64_t number, state_revocation_visit *visit,
                         void *user)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct state_revocation found;
	int r = db_read(state, &txn);
	if (r == 0)
		r = read_one(state, txn, number, &found);
	return r == 0 ? visit(user, &found) : r;
}

static int forget(const struct state *state, MDB_txn *txn, const struct state_revocation *r)
{
	uint8_t digest[SHA256_BYTES], at[8];
	if (!name_digest(&r->what, digest))
		return -EIO;
	int result = db_delete(txn, state->revocation_names,
	                       (struct sv){(const char *)digest, sizeof(digest)});
	if (result == 0)
		result = db_delete(txn, state->revocations, db_number_key(r->number, at));
	return result;
}

int state_revocation_remove(struct state *state, uint64_t number)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct state_revocation found;
	int r = db_write(state, &txn);
	if (r == 0)
		r = read_one(state, txn, number, &found);
	if (r == 0)
		r = forget(state, txn, &found);
	if (r == 0)
		r = db_revise(state, txn, REVOCATION_REVISION);
	return r == 0 ? db_commit(&txn) : r;
}

/* ---- walks ---- */

static int visit_one(const MDB_val *key, const MDB_val *value, state_revocation_visit *visit,
                     void *user)
{
	struct state_revocation found;
	int r = decode((struct sv){key->mv_data, key->mv_size},
	               (struct sv){value->mv_data, value->mv_size}, &found);
	return r == 0 ? visit(user, &found) : r;
}

int state_revocation_list(const struct state *state, uint64_t before, size_t limit,
                          state_revocation_visit *visit, void *user)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_read(state, &txn);
	if (r != 0)
		return r;
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	MDB_val key, value;
	int m = mdb_cursor_open(txn, state->revocations, &cursor);
	if (m == 0)
		m = db_seek_below(cursor, before, &key, &value);
	for (size_t n = 0; m == 0 && r == 0 && n < limit; n++) {
		r = visit_one(&key, &value, visit, user);
		if (r == 0)
			m = mdb_cursor_get(cursor, &key, &value, MDB_PREV);
	}
	return m == 0 || m == MDB_NOTFOUND ? r : db_errno(m);
}

int state_revocation_count(const struct state *state, size_t *ret)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	MDB_stat stat;
	int r = db_read(state, &txn);
	if (r == 0)
		r = db_errno(mdb_stat(txn, state->revocations, &stat));
	if (r == 0)
		*ret = stat.ms_entries;
	return r;
}

/* Those that are over at now_s, as far as the list goes; the next walk takes the rest. */
struct overdue {
	int64_t now_s;
	size_t n;
	uint64_t numbers[1024];
};

static int note_overdue(void *user, const struct state_revocation *r)
{
	struct overdue *overdue = user;
	if (r->what.expires_s <= overdue->now_s && overdue->n < ARRAY_LEN(overdue->numbers))
		overdue->numbers[overdue->n++] = r->number;
	return 0;
}

static int forget_all(struct state *state, const struct overdue *overdue)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_write(state, &txn);
	for (size_t i = 0; r == 0 && i < overdue->n; i++) {
		struct state_revocation found;
		r = read_one(state, txn, overdue->numbers[i], &found);
		if (r == 0 && found.what.expires_s <= overdue->now_s)
			r = forget(state, txn, &found);
		else if (r == -ENOENT)
			r = 0; /* somebody was faster */
	}
	if (r == 0)
		r = db_revise(state, txn, REVOCATION_REVISION);
	return r == 0 ? db_commit(&txn) : r;
}

int state_revocation_expire(struct state *state, int64_t now_s, size_t *ret_n)
{
	struct overdue *overdue = calloc(1, sizeof(*overdue));
	if (!overdue)
		return -ENOMEM;
	overdue->now_s = now_s;
	int r = state_revocation_list(state, 0, SIZE_MAX, note_overdue, overdue);
	if (r == 0 && overdue->n > 0)
		r = forget_all(state, overdue);
	*ret_n = r == 0 ? overdue->n : 0;
	free(overdue);
	return r;
}
