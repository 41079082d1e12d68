#include "state/draft.h"

#include "core/utf8.h"
#include "state/db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void state_draft_fini(struct state_draft *draft)
{
	free(draft->text);
	draft->text = NULL;
}

static int read_header(const struct state *state, MDB_txn *txn, struct state_draft *ret)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	int r = db_get_json(txn, state->meta, SVL(DB_DRAFT), &json);
	if (r != 0)
		return r;
	struct state_draft draft = {.base_version = (uint64_t)db_number(json, "base_version"),
	                            .revision = (uint64_t)db_number(json, "revision"),
	                            .at_us = db_number(json, "at_us")};
	r = db_text(json, "author", draft.author, sizeof(draft.author));
	if (r == 0)
		r = db_text(json, "digest", draft.digest, sizeof(draft.digest));
	if (r == 0)
		*ret = draft;
	return r;
}

int state_draft_get(const struct state *state, struct state_draft *ret)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct state_draft draft;
	struct sv text = {0};
	int r = db_read(state, &txn);
	if (r == 0)
		r = read_header(state, txn, &draft);
	if (r == 0)
		r = db_get(txn, state->meta, SVL(DB_DRAFT_TEXT), &text);
	if (r != 0)
		return r;
	draft.text = sv_dup(text);
	if (!draft.text)
		return -ENOMEM;
	*ret = draft;
	return 0;
}

static int expect_revision(const struct state *state, MDB_txn *txn, uint64_t expected)
{
	struct state_draft there = {0};
	int r = read_header(state, txn, &there);
	if (r != 0 && r != -ENOENT)
		return r;
	return there.revision == expected ? 0 : -ESTALE;
}

/* Never given twice, also not after a removal. */
static int next_revision(const struct state *state, MDB_txn *txn, uint64_t *ret)
{
	struct sv value;
	uint8_t at[8];
	uint64_t revision = 0;
	int r = db_get(txn, state->meta, SVL(DB_REVISION), &value);
	if (r == 0)
		revision = db_key_number(value);
	else if (r != -ENOENT)
		return r;
	r = db_put(txn, state->meta, SVL(DB_REVISION), db_number_key(revision + 1, at));
	if (r == 0)
		*ret = revision + 1;
	return r;
}

static int write_draft(const struct state *state, MDB_txn *txn, const struct state_draft *draft,
                       struct sv text, uint64_t revision)
{
	char digest[DIGEST_HEX_BYTES];
	int r = text_digest(text, digest);
	if (r == 0)
		r = db_put_json(txn, state->meta, SVL(DB_DRAFT),
		                json_pack("{s:I, s:I, s:I, s:s, s:s}", "base_version",
		                          (json_int_t)draft->base_version, "revision",
		                          (json_int_t)revision, "at_us", (json_int_t)draft->at_us,
		                          "author", draft->author, "digest", digest));
	if (r == 0)
		r = db_put(txn, state->meta, SVL(DB_DRAFT_TEXT), text);
	return r;
}

int state_draft_put(struct state *state, uint64_t expected, const struct state_draft *draft,
                    struct sv text, uint64_t *ret_revision)
{
	if (text.n > POLICY_TEXT_MAX || sv_find(text, '\0') != text.n || !utf8_valid(text) ||
	    draft->author[0] == '\0')
		return -EINVAL;

	CLEANUP(db_abort) MDB_txn *txn = NULL;
	uint64_t revision = 0;
	int r = db_write(state, &txn);
	if (r == 0)
		r = expect_revision(state, txn, expected);
	if (r == 0)
		r = next_revision(state, txn, &revision);
	if (r == 0)
		r = write_draft(state, txn, draft, text, revision);
	if (r == 0)
		r = db_commit(&txn);
	if (r == 0 && ret_revision)
		*ret_revision = revision;
	return r;
}

int state_draft_remove(struct state *state, uint64_t expected)
{
	CLEANUP(db_abort) MDB_txn *txn = NULL;
	struct state_draft there;
	int r = db_write(state, &txn);
	if (r == 0)
		r = read_header(state, txn, &there);
	if (r == 0 && there.revision != expected)
		r = -ESTALE;
	if (r == 0)
		r = db_delete(txn, state->meta, SVL(DB_DRAFT));
	if (r == 0)
		r = db_delete(txn, state->meta, SVL(DB_DRAFT_TEXT));
	return r == 0 ? db_commit(&txn) : r;
}
