#include "state/setup.h"

#include "core/encode.h"
#include "core/hash.h"
#include "core/secret.h"
#include "state/db.h"

#include <errno.h>
#include <string.h>

static int nobody_yet(const struct state *state, MDB_txn *txn)
{
	size_t n;
	int r = admin_count(state, txn, &n);
	return r == 0 && n > 0 ? -EEXIST : r;
}

int state_setup_needed(const struct state *state, bool *ret)
{
	size_t n;
	int r = state_admin_count(state, &n);
	if (r == 0)
		*ret = n == 0;
	return r;
}

static int digest_text(struct sv token, char ret[static 2 * SHA256_BYTES + 1])
{
	uint8_t digest[SHA256_BYTES];
	if (!sha256_of(token, digest))
		return -EIO;
	hex_encode((struct sv){(const char *)digest, sizeof(digest)}, ret);
	return 0;
}

int state_setup_create(struct state *state, int64_t now_us,
                       char ret_token[static SETUP_TOKEN_BYTES])
{
	uint8_t secret[32];
	char token[BASE64_ENCODED_MAX(sizeof(secret))];
	char digest[2 * SHA256_BYTES + 1];
	if (!secret_random(secret, sizeof(secret)))
		return -EIO;
	struct sv text = base64url_encode((struct sv){(const char *)secret, sizeof(secret)}, token);
	secret_wipe(secret, sizeof(secret));

	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = digest_text(text, digest);
	if (r == 0)
		r = db_write(state, &txn);
	if (r == 0)
		r = nobody_yet(state, txn);
	if (r == 0)
		r = db_put_json(txn, state->meta, SVL(DB_SETUP),
		                json_pack("{s:s, s:I}", "digest", digest, "until_us",
		                          (json_int_t)(now_us + SETUP_TTL_US)));
	if (r == 0)
		r = db_commit(&txn);
	if (r == 0)
		memcpy(ret_token, text.at, text.n + 1);
	secret_wipe(token, sizeof(token));
	return r;
}

static int check(const struct state *state, MDB_txn *txn, struct sv token, int64_t now_us)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	char stored[2 * SHA256_BYTES + 1];
	char digest[2 * SHA256_BYTES + 1];

	int r = nobody_yet(state, txn);
	if (r == 0)
		r = db_get_json(txn, state->meta, SVL(DB_SETUP), &json);
	if (r == -ENOENT)
		return -EKEYREJECTED;
	if (r == 0)
		r = db_text(json, "digest", stored, sizeof(stored));
	if (r == 0)
		r = digest_text(token, digest);
	if (r != 0)
		return r;
	if (!secret_equal(sv_of(stored), sv_of(digest)) || now_us >= db_number(json, "until_us"))
		return -EKEYREJECTED;
	return 0;
}

int state_setup_check(const struct state *state, struct sv token, int64_t now_us)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_read(state, &txn);
	return r == 0 ? check(state, txn, token, now_us) : r;
}

int state_setup_claim(struct state *state, struct sv token, const struct state_admin *first,
                      int64_t now_us)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	int r = db_write(state, &txn);
	if (r == 0)
		r = check(state, txn, token, now_us);
	if (r == 0)
		r = admin_add(state, txn, first);
	if (r == 0)
		r = db_delete(txn, state->meta, SVL(DB_SETUP));
	return r == 0 ? db_commit(&txn) : r;
}
