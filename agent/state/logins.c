#include "state/logins.h"

#include "core/cursor.h"
#include "core/fileio.h"
#include "core/outbuf.h"
#include "core/seal.h"
#include "core/secret.h"
#include "state/db.h"

#include <errno.h>
#include <stdlib.h>

/* A record: FORM, when it ends (8 bytes, big endian), the two names as digests, and the box. */
enum { FORM = 1, HEAD_BYTES = 1 + 8 + 2 * SHA256_BYTES, SWEPT = 32 };

struct head {
	int64_t ends_at;
	struct sv subject, sid; /* digests; that of no sid is all zero */
	struct sv bytes, box;
};

static struct sv sv_of_digest(const uint8_t digest[SHA256_BYTES])
{
	return (struct sv){(const char *)digest, SHA256_BYTES};
}

static int read_head(struct sv record, struct head *ret)
{
	struct cursor c = cursor_over(record);
	uint8_t form = cursor_u8(&c);
	*ret = (struct head){.ends_at = (int64_t)cursor_u64be(&c)};
	ret->subject = cursor_sv(&c, SHA256_BYTES);
	ret->sid = cursor_sv(&c, SHA256_BYTES);
	ret->bytes = sv_first(record, HEAD_BYTES);
	ret->box = cursor_sv(&c, cursor_left(&c));
	return c.failed || form != FORM ? -EBADMSG : 0;
}

/* The digest of a name of a kind; of an empty one all zero. */
static int name_digest(const char *kind, struct sv issuer, struct sv name,
                       uint8_t ret[SHA256_BYTES])
{
	char room[4096];
	struct outbuf b = outbuf_over(room, sizeof(room));
	memset(ret, 0, SHA256_BYTES);
	if (name.n == 0)
		return 0;
	outbuf_put(&b, sv_of(kind));
	outbuf_u8(&b, 0);
	outbuf_put(&b, issuer);
	outbuf_u8(&b, 0);
	outbuf_put(&b, name);
	if (b.failed)
		return -E2BIG;
	return sha256_of(outbuf_sv(&b), ret) ? 0 : -EIO;
}

/* ---- names: name digest and session digest -> nothing ---- */

enum { NAME_KEY_BYTES = 2 * SHA256_BYTES };

static struct sv name_key(uint8_t room[NAME_KEY_BYTES], struct sv name, struct sv digest)
{
	memcpy(room, name.at, SHA256_BYTES);
	memcpy(room + SHA256_BYTES, digest.at, SHA256_BYTES);
	return (struct sv){(const char *)room, NAME_KEY_BYTES};
}

static bool is_named(struct sv name)
{
	static const uint8_t none[SHA256_BYTES];
	return !sv_eq(name, sv_of_digest(none));
}

static int put_name(const struct state *state, MDB_txn *txn, struct sv name, struct sv digest)
{
	uint8_t room[NAME_KEY_BYTES];
	if (!is_named(name))
		return 0;
	return db_put(txn, state->login_names, name_key(room, name, digest), (struct sv){"", 0});
}

static int delete_name(const struct state *state, MDB_txn *txn, struct sv name, struct sv digest)
{
	uint8_t room[NAME_KEY_BYTES];
	return db_delete(txn, state->login_names, name_key(room, name, digest));
}

/* Copies of the digests of up to LOGINS_PER_SUBJECT sessions of this name. */
static int list_named(const struct state *state, MDB_txn *txn, struct sv name,
                      struct state_login_ended *ret)
{
	static const uint8_t first[SHA256_BYTES];
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	uint8_t room[NAME_KEY_BYTES];
	(void)name_key(room, name, sv_of_digest(first));
	MDB_val k = {.mv_size = sizeof(room), .mv_data = room}, v;
	int r = mdb_cursor_open(txn, state->login_names, &cursor);
	if (r == 0)
		r = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	ret->n = 0;
	while (r == 0 && ret->n < LOGINS_PER_SUBJECT) {
		struct sv key = {k.mv_data, k.mv_size};
		if (key.n != NAME_KEY_BYTES || !sv_starts(key, name))
			break;
		memcpy(ret->digests[ret->n++], key.at + SHA256_BYTES, SHA256_BYTES);
		r = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	return r == MDB_NOTFOUND ? 0 : db_errno(r);
}

/* ---- records ---- */

static int remove_one(const struct state *state, MDB_txn *txn, struct sv digest)
{
	struct sv record = {0};
	struct head head;
	uint8_t names[2][SHA256_BYTES];
	int r = db_get(txn, state->logins, digest, &record);
	if (r == 0)
		r = read_head(record, &head);
	if (r == -EBADMSG) /* not ours to read: at least it grants nothing any more */
		return db_delete(txn, state->logins, digest);
	if (r != 0)
		return r == -ENOENT ? 0 : r;
	memcpy(names[0], head.subject.at, SHA256_BYTES); /* a delete moves what we look at */
	memcpy(names[1], head.sid.at, SHA256_BYTES);
	r = db_delete(txn, state->logins, digest);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++)
		r = delete_name(state, txn, sv_of_digest(names[i]), digest);
	return r;
}

static int64_t ends_at_of(const struct state *state, MDB_txn *txn, struct sv digest)
{
	struct sv record = {0};
	struct head head;
	int r = db_get(txn, state->logins, digest, &record);
	return r == 0 && read_head(record, &head) == 0 ? head.ends_at : 0;
}

static int make_room(const struct state *state, MDB_txn *txn, struct sv subject)
{
	struct state_login_ended all;
	int r = list_named(state, txn, subject, &all);
	if (r != 0 || all.n < LOGINS_PER_SUBJECT)
		return r;
	size_t first = 0;
	int64_t first_ends_at = INT64_MAX;
	for (size_t i = 0; i < all.n; i++) {
		int64_t ends_at = ends_at_of(state, txn, sv_of_digest(all.digests[i]));
		if (ends_at >= first_ends_at)
			continue;
		first = i;
		first_ends_at = ends_at;
	}
	return remove_one(state, txn, sv_of_digest(all.digests[first]));
}

/* Looks at some records from a place that is another each time: digests are uniform, so all have their turn. */
static int sweep(const struct state *state, MDB_txn *txn, struct sv from, int64_t now_s)
{
	struct state_login_ended over = {0};
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	uint8_t start[SHA256_BYTES];
	memcpy(start, from.at, sizeof(start));
	MDB_val k = {.mv_size = sizeof(start), .mv_data = start}, v;
	int r = mdb_cursor_open(txn, state->logins, &cursor);
	if (r == 0)
		r = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	for (int i = 0; r == 0 && i < SWEPT; i++) {
		struct head head;
		bool good = read_head((struct sv){v.mv_data, v.mv_size}, &head) == 0;
		if (k.mv_size == SHA256_BYTES && (!good || head.ends_at <= now_s))
			memcpy(over.digests[over.n++], k.mv_data, SHA256_BYTES);
		r = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	r = r == MDB_NOTFOUND ? 0 : db_errno(r);
	for (size_t i = 0; r == 0 && i < over.n; i++)
		r = remove_one(state, txn, sv_of_digest(over.digests[i]));
	return r;
}

/* ---- what is used up: digest -> until when that is remembered ---- */

static int sweep_once(const struct state *state, MDB_txn *txn, struct sv from, int64_t now_s)
{
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	uint8_t start[SHA256_BYTES];
	memcpy(start, from.at, sizeof(start));
	MDB_val k = {.mv_size = sizeof(start), .mv_data = start}, v;
	int r = mdb_cursor_open(txn, state->login_once, &cursor);
	if (r == 0)
		r = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	for (int i = 0; r == 0 && i < SWEPT; i++) {
		uint64_t until = db_key_number((struct sv){v.mv_data, v.mv_size});
		if (until <= (uint64_t)now_s)
			r = mdb_cursor_del(cursor, 0);
		if (r == 0)
			r = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	return r == MDB_NOTFOUND ? 0 : db_errno(r);
}

static int use_up(const struct state *state, MDB_txn *txn, const struct state_login_once *once)
{
	uint8_t until[8];
	struct sv key = sv_of_digest(once->digest), value;
	int r = db_get(txn, state->login_once, key, &value);
	if (r != -ENOENT)
		return r == 0 ? -EEXIST : r;
	return db_put(txn, state->login_once, key, db_number_key((uint64_t)once->until_s, until));
}

int state_login_used(const struct state *state, const uint8_t digest[SHA256_BYTES])
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct sv value;
	int r = db_read(state, &txn);
	if (r == 0)
		r = db_get(txn, state->login_once, sv_of_digest(digest), &value);
	return r == 0 ? -EEXIST : r == -ENOENT ? 0 : r;
}

int state_login_use_up(struct state *state, const struct state_login_once *once, int64_t now_s)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_write(state, &txn);
	if (r == 0)
		r = sweep_once(state, txn, sv_of_digest(once->digest), now_s);
	if (r == 0)
		r = use_up(state, txn, once);
	if (r == -EEXIST)
		return 0;
	return r == 0 ? db_commit(&txn) : r;
}

/* ---- acts ---- */

/* in: names: the two digests, one after the other */
static int write_record(const struct state *state, MDB_txn *txn, const struct seal_ring *ring,
                        const struct state_login *login, struct sv names)
{
	char about[16 + SHA256_BYTES + HEAD_BYTES];
	struct outbuf bound = outbuf_over(about, sizeof(about));
	if (login->text.n > LOGIN_TEXT_MAX_BYTES)
		return -E2BIG;
	size_t n = HEAD_BYTES + login->text.n + SEAL_OVERHEAD;
	CLEANUP(freep) uint8_t *record = malloc(n);
	if (!record)
		return -ENOMEM;
	struct outbuf b = outbuf_over(record, n);
	outbuf_u8(&b, FORM);
	outbuf_u64be(&b, (uint64_t)login->ends_at);
	outbuf_put(&b, names);
	outbuf_put(&bound, SVL("haward login"));
	outbuf_bytes(&bound, login->digest, SHA256_BYTES);
	outbuf_put(&bound, outbuf_sv(&b));
	if (b.failed || bound.failed ||
	    !seal_close(ring, outbuf_sv(&bound), login->text, record + HEAD_BYTES))
		return -EIO;
	return db_put(txn, state->logins, sv_of_digest(login->digest),
	              (struct sv){(const char *)record, n});
}

int state_login_add(struct state *state, const struct seal_ring *ring,
                    const struct state_login *login, const struct state_login_once *once,
                    int64_t now_s)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	uint8_t names[2][SHA256_BYTES];
	struct sv digest = sv_of_digest(login->digest);
	int r = name_digest("sub", login->issuer, login->subject, names[0]);
	if (r == 0)
		r = name_digest("sid", login->issuer, login->sid, names[1]);
	if (r == 0)
		r = db_write(state, &txn);
	if (r == 0)
		r = sweep_once(state, txn, sv_of_digest(once->digest), now_s);
	if (r == 0)
		r = use_up(state, txn, once);
	if (r == 0)
		r = sweep(state, txn, digest, now_s);
	if (r == 0)
		r = make_room(state, txn, sv_of_digest(names[0]));
	if (r == 0)
		r = write_record(state, txn, ring, login,
		                 (struct sv){(const char *)names, sizeof(names)});
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++)
		r = put_name(state, txn, sv_of_digest(names[i]), digest);
	return r == 0 ? db_commit(&txn) : r;
}

void state_login_found_fini(struct state_login_found *found)
{
	secret_wipe(found->text, found->n);
	free(found->text);
	*found = (struct state_login_found){0};
}

static int open_box(const struct seal_ring *ring, struct sv digest, const struct head *head,
                    struct state_login_found *ret)
{
	char about[16 + SHA256_BYTES + HEAD_BYTES];
	struct outbuf bound = outbuf_over(about, sizeof(about));
	outbuf_put(&bound, SVL("haward login"));
	outbuf_put(&bound, digest);
	outbuf_put(&bound, head->bytes);
	if (bound.failed || head->box.n < SEAL_OVERHEAD)
		return -EBADMSG;
	size_t n = head->box.n - SEAL_OVERHEAD;
	CLEANUP(freep) char *text = malloc(n + 1);
	if (!text)
		return -ENOMEM;
	if (!seal_open(ring, outbuf_sv(&bound), head->box, (uint8_t *)text))
		return -EBADMSG;
	text[n] = '\0';
	*ret = (struct state_login_found){.n = n, .ends_at = head->ends_at};
	ret->text = TAKE(text);
	return 0;
}

int state_login_get(const struct state *state, const struct seal_ring *ring,
                    const uint8_t digest[SHA256_BYTES], int64_t now_s,
                    struct state_login_found *ret)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct sv record = {0};
	struct head head;
	int r = db_read(state, &txn);
	if (r == 0)
		r = db_get(txn, state->logins, sv_of_digest(digest), &record);
	if (r == 0)
		r = read_head(record, &head);
	if (r == 0 && head.ends_at <= now_s)
		r = -ENOENT;
	return r == 0 ? open_box(ring, sv_of_digest(digest), &head, ret) : r;
}

int state_login_update(struct state *state, const struct seal_ring *ring,
                       const struct state_login *login)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct sv record = {0};
	struct head head;
	uint8_t names[2 * SHA256_BYTES];
	int r = db_write(state, &txn);
	if (r == 0)
		r = db_get(txn, state->logins, sv_of_digest(login->digest), &record);
	if (r == 0)
		r = read_head(record, &head);
	if (r != 0)
		return r;
	memcpy(names, head.subject.at, SHA256_BYTES);
	memcpy(names + SHA256_BYTES, head.sid.at, SHA256_BYTES);
	r = write_record(state, txn, ring, login, (struct sv){(const char *)names, sizeof(names)});
	return r == 0 ? db_commit(&txn) : r;
}

int state_login_end(struct state *state, const uint8_t digest[SHA256_BYTES])
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_write(state, &txn);
	if (r == 0)
		r = remove_one(state, txn, sv_of_digest(digest));
	return r == 0 ? db_commit(&txn) : r;
}

/* Of those that bear the first name, drops the ones that do not bear the other as well. */
static void keep_both(const struct state *state, MDB_txn *txn, struct sv other,
                      struct state_login_ended *list)
{
	size_t n = 0;
	for (size_t i = 0; i < list->n; i++) {
		uint8_t room[NAME_KEY_BYTES];
		struct sv value, digest = sv_of_digest(list->digests[i]);
		if (is_named(other) &&
		    db_get(txn, state->login_names, name_key(room, other, digest), &value) != 0)
			continue;
		memmove(list->digests[n++], digest.at, SHA256_BYTES);
	}
	list->n = n;
}

static int list_by_names(const struct state *state, MDB_txn *txn,
                         const struct state_login_names *names, struct state_login_ended *ret)
{
	uint8_t subject[SHA256_BYTES], sid[SHA256_BYTES];
	bool by_sid = names->sid.n > 0;
	int r = name_digest("sub", names->issuer, names->subject, subject);
	if (r == 0)
		r = name_digest("sid", names->issuer, names->sid, sid);
	if (r == 0 && !by_sid && names->subject.n == 0)
		r = -EINVAL;
	if (r == 0)
		r = list_named(state, txn, sv_of_digest(by_sid ? sid : subject), ret);
	if (r == 0 && by_sid)
		keep_both(state, txn, sv_of_digest(subject), ret);
	return r;
}

int state_login_named(const struct state *state, const struct state_login_names *names,
                      struct state_login_ended *ret)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_read(state, &txn);
	return r == 0 ? list_by_names(state, txn, names, ret) : r;
}

int state_login_end_named(struct state *state, const struct state_login_names *names,
                          const struct state_login_once *once, struct state_login_ended *ret)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct state_login_ended list = {0};
	int r = db_write(state, &txn);
	if (r == 0 && once)
		r = use_up(state, txn, once);
	if (r == 0)
		r = list_by_names(state, txn, names, &list);
	for (size_t i = 0; r == 0 && i < list.n; i++)
		r = remove_one(state, txn, sv_of_digest(list.digests[i]));
	if (r == 0)
		r = db_commit(&txn);
	if (r == 0)
		*ret = list;
	return r;
}

/* ---- all of them ---- */

static int visit_one(const struct state_login_walk *walk, MDB_val k, MDB_val v)
{
	CLEANUP(state_login_found_fini) struct state_login_found found = {0};
	struct sv digest = {k.mv_data, k.mv_size};
	struct head head;
	if (digest.n != SHA256_BYTES || read_head((struct sv){v.mv_data, v.mv_size}, &head) != 0 ||
	    head.ends_at <= walk->now_s)
		return 0;
	int r = open_box(walk->ring, digest, &head, &found);
	if (r == -EBADMSG) /* its key is gone */
		return 0;
	return r == 0 ? walk->visit(walk->user, (const uint8_t *)digest.at, &found) : r;
}

int state_login_each(const struct state *state, const struct state_login_walk *walk,
                     uint8_t from[SHA256_BYTES], bool *ret_more)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	uint8_t start[SHA256_BYTES];
	memcpy(start, from, sizeof(start));
	MDB_val k = {.mv_size = sizeof(start), .mv_data = start}, v = {0};
	int r = db_read(state, &txn), stop = 0;
	*ret_more = false;
	if (r != 0)
		return r;
	int m = mdb_cursor_open(txn, state->logins, &cursor);
	if (m == 0)
		m = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	if (m == 0 && k.mv_size == SHA256_BYTES && memcmp(k.mv_data, start, SHA256_BYTES) == 0)
		m = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	for (size_t n = 0; m == 0 && stop == 0; n++) {
		if (n == walk->n_max) {
			*ret_more = true;
			return 0;
		}
		stop = visit_one(walk, k, v);
		if (stop >= 0 && k.mv_size == SHA256_BYTES)
			memcpy(from, k.mv_data, SHA256_BYTES);
		m = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	*ret_more = m == 0;
	if (stop < 0)
		return stop;
	return m == MDB_NOTFOUND ? 0 : db_errno(m);
}
