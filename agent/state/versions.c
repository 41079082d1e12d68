#include "state/versions.h"

#include "core/clock.h"
#include "core/encode.h"
#include "core/hash.h"
#include "core/utf8.h"
#include "state/db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void state_version_fini(struct state_version *version)
{
	free(version->text);
	version->text = NULL;
}

int text_digest(struct sv text, char ret[static DIGEST_HEX_BYTES])
{
	uint8_t digest[SHA256_BYTES];
	if (!sha256_of(text, digest))
		return -EIO;
	hex_encode((struct sv){(const char *)digest, sizeof(digest)}, ret);
	return 0;
}

static int decode(const json_t *json, uint64_t number, struct state_version *ret)
{
	struct state_version version = {.number = number,
	                                .at_us = db_number(json, "at_us"),
	                                .n_bytes = (size_t)db_number(json, "n_bytes")};
	int r = db_text(json, "author", version.author, sizeof(version.author));
	if (r == 0)
		r = db_text(json, "digest", version.digest, sizeof(version.digest));
	if (r == 0)
		r = db_text(json, "message", version.message, sizeof(version.message));
	if (r == 0)
		*ret = version;
	return r;
}

static int current_number(const struct state *state, MDB_txn *txn, uint64_t *ret)
{
	struct sv value;
	int r = db_get(txn, state->meta, SVL(DB_CURRENT), &value);
	if (r == 0 && value.n != 8)
		r = -EBADMSG;
	if (r == 0)
		*ret = db_key_number(value);
	return r;
}

static int read_header(const struct state *state, MDB_txn *txn, uint64_t number,
                       struct state_version *ret)
{
	uint8_t key[8];
	CLEANUP(json_decrefp) json_t *json = NULL;
	int r = db_get_json(txn, state->versions, db_number_key(number, key), &json);
	return r == 0 ? decode(json, number, ret) : r;
}

static int read_text(const struct state *state, MDB_txn *txn, struct state_version *version)
{
	uint8_t key[8];
	char digest[DIGEST_HEX_BYTES];
	struct sv text;
	int r = db_get(txn, state->texts, db_number_key(version->number, key), &text);
	if (r == 0)
		r = text_digest(text, digest);
	if (r != 0)
		return r == -ENOENT ? -EBADMSG : r;
	if (!sv_eq(sv_of(digest), sv_of(version->digest)))
		return -EBADMSG;
	version->text = sv_dup(text);
	return version->text ? 0 : -ENOMEM;
}

int state_version_get(const struct state *state, uint64_t number, struct state_version *ret)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct state_version version = {0};
	int r = db_read(state, &txn);
	if (r == 0 && number == 0)
		r = current_number(state, txn, &number);
	if (r == 0)
		r = read_header(state, txn, number, &version);
	if (r == 0)
		r = read_text(state, txn, &version);
	if (r == 0)
		*ret = version;
	return r;
}

int state_version_current(const struct state *state, struct state_version *ret)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	uint64_t number = 0;
	int r = db_read(state, &txn);
	if (r == 0)
		r = current_number(state, txn, &number);
	return r == 0 ? read_header(state, txn, number, ret) : r;
}

static bool fits(const struct state_version *version, struct sv text)
{
	size_t n_author = strnlen(version->author, sizeof(version->author));
	size_t n_message = strnlen(version->message, sizeof(version->message));
	return n_author > 0 && n_author < sizeof(version->author) && n_message > 0 &&
	       n_message < sizeof(version->message) && text.n > 0 && text.n <= POLICY_TEXT_MAX &&
	       sv_find(text, '\0') == text.n && utf8_valid(text);
}

static int expect_current(const struct state *state, MDB_txn *txn, uint64_t expected)
{
	uint64_t number = 0;
	int r = current_number(state, txn, &number);
	if (r != 0 && r != -ENOENT)
		return r;
	return number == expected ? 0 : -ESTALE;
}

static int store(const struct state *state, MDB_txn *txn, const struct state_version *version,
                 struct sv text)
{
	uint8_t at[8];
	struct sv key = db_number_key(version->number, at);
	json_t *json = json_pack("{s:I, s:I, s:s, s:s, s:s}", "at_us", (json_int_t)version->at_us,
	                         "n_bytes", (json_int_t)version->n_bytes, "author", version->author,
	                         "digest", version->digest, "message", version->message);
	int r = db_put_json(txn, state->versions, key, json);
	if (r == 0)
		r = db_put(txn, state->texts, key, text);
	if (r == 0)
		r = db_put(txn, state->meta, SVL(DB_CURRENT), key);
	return r;
}

int state_version_add(struct state *state, uint64_t expected, const struct state_version *version,
                      struct sv text, struct state_version *ret)
{
	if (!fits(version, text))
		return -EINVAL;
	struct state_version next = *version;
	next.number = expected + 1;
	next.n_bytes = text.n;
	if (next.at_us == 0)
		next.at_us = clock_real_us();
	next.text = NULL;
	int r = text_digest(text, next.digest);
	if (r != 0)
		return r;

	CLEANUP(db_abort) MDB_txn *txn = NULL;
	r = db_write(state, &txn);
	if (r == 0)
		r = expect_current(state, txn, expected);
	if (r == 0)
		r = store(state, txn, &next, text);
	if (r == 0)
		r = db_commit(&txn);
	if (r == 0)
		*ret = next;
	return r;
}

static int visit_one(const MDB_val *key, const MDB_val *value,
                     int (*visit)(void *user, const struct state_version *version), void *user)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	struct state_version version;
	int r = db_parse((struct sv){value->mv_data, value->mv_size}, &json);
	if (r == 0)
		r = decode(json, db_key_number((struct sv){key->mv_data, key->mv_size}), &version);
	return r == 0 ? visit(user, &version) : r;
}

int state_version_list(const struct state *state, uint64_t before, size_t limit,
                       int (*visit)(void *user, const struct state_version *version), void *user)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_read(state, &txn);
	if (r != 0)
		return r;
	CLEANUP(db_close_cursor) MDB_cursor *cursor = NULL;
	MDB_val key;
	MDB_val value;
	int m = mdb_cursor_open(txn, state->versions, &cursor);
	if (m == 0)
		m = db_seek_below(cursor, before, &key, &value);
	for (size_t n = 0; m == 0 && r == 0 && n < limit; n++) {
		r = visit_one(&key, &value, visit, user);
		if (r == 0)
			m = mdb_cursor_get(cursor, &key, &value, MDB_PREV);
	}
	return m == 0 || m == MDB_NOTFOUND ? r : db_errno(m);
}
