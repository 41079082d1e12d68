#include "state/pepper.h"

#include "core/fileio.h"
#include "core/hash.h"
#include "core/secret.h"
#include "state/db.h"

#include <errno.h>
#include <string.h>

static struct sv bytes_of(const uint8_t *at, size_t n)
{
	return (struct sv){(const char *)at, n};
}

static int read_file(const char *path, uint8_t ret[static PEPPER_BYTES])
{
	CLEANUP(freep) char *text = NULL;
	size_t n;
	int r = file_read(path, PEPPER_BYTES, &text, &n);
	if (r != 0)
		return r == -EFBIG ? -EBADMSG : r;
	if (n == PEPPER_BYTES)
		memcpy(ret, text, PEPPER_BYTES);
	secret_wipe(text, n);
	return n == PEPPER_BYTES ? 0 : -EBADMSG;
}

static int check_of(const uint8_t pepper[static PEPPER_BYTES], uint8_t ret[static SHA256_BYTES])
{
	static const char what[] = "haward pepper";
	uint8_t text[sizeof(what) + PEPPER_BYTES];
	memcpy(text, what, sizeof(what));
	memcpy(text + sizeof(what), pepper, PEPPER_BYTES);
	bool ok = sha256_of(bytes_of(text, sizeof(text)), ret);
	secret_wipe(text, sizeof(text));
	return ok ? 0 : -EIO;
}

/* Is it the pepper of these records? -ENODATA: they have none yet. */
static int check(const struct state *state, MDB_txn *txn, const uint8_t pepper[static PEPPER_BYTES])
{
	uint8_t right[SHA256_BYTES];
	struct sv there;
	int r = db_get(txn, state->meta, SVL(DB_PEPPER), &there);
	if (r != 0)
		return r == -ENOENT ? -ENODATA : r;
	r = check_of(pepper, right);
	if (r != 0)
		return r;
	return secret_equal(there, bytes_of(right, sizeof(right))) ? 0 : -EKEYREJECTED;
}

static int read_checked(const struct state *state, MDB_txn *txn, const char *path,
                        uint8_t ret[static PEPPER_BYTES])
{
	struct sv there;
	int r = read_file(path, ret);
	if (r == 0)
		return check(state, txn, ret);
	if (r != -ENOENT)
		return r;
	r = db_get(txn, state->meta, SVL(DB_PEPPER), &there);
	if (r == -ENOENT)
		return -ENODATA;
	return r == 0 ? -ENOKEY : r;
}

int state_pepper_read(const struct state *state, const char *path, uint8_t ret[static PEPPER_BYTES])
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	uint8_t pepper[PEPPER_BYTES];
	int r = db_read(state, &txn);
	if (r == 0)
		r = read_checked(state, txn, path, pepper);
	if (r == 0)
		memcpy(ret, pepper, PEPPER_BYTES);
	secret_wipe(pepper, sizeof(pepper));
	return r;
}

/* A file without a check is of a making that did not get to its end: no record was made with it. */
static int make(const struct state *state, MDB_txn *txn, const char *path,
                uint8_t ret[static PEPPER_BYTES])
{
	uint8_t right[SHA256_BYTES];
	if (!secret_random(ret, PEPPER_BYTES))
		return -EIO;
	int r = check_of(ret, right);
	if (r == 0)
		r = file_replace(path, bytes_of(ret, PEPPER_BYTES), 0600);
	if (r == 0)
		r = db_put(txn, state->meta, SVL(DB_PEPPER), bytes_of(right, sizeof(right)));
	return r;
}

int state_pepper_make(struct state *state, const char *path, uint8_t ret[static PEPPER_BYTES])
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	uint8_t pepper[PEPPER_BYTES];
	int r = db_write(state, &txn); /* one at a time, of all processes */
	if (r == 0)
		r = read_checked(state, txn, path, pepper);
	if (r == -ENODATA) {
		r = make(state, txn, path, pepper);
		if (r == 0)
			r = db_commit(&txn);
	}
	if (r == 0)
		memcpy(ret, pepper, PEPPER_BYTES);
	secret_wipe(pepper, sizeof(pepper));
	return r;
}
