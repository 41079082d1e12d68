#include "audit/chain.h"

#include "audit/record.h"
#include "audit/store_file.h"
#include "core/cursor.h"
#include "core/limits.h"
#include "core/outbuf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { RECORDS_PER_LOOK = 8192 };

bool store_first_digest(const uint8_t id[STORE_ID_BYTES], uint8_t ret[SHA256_BYTES])
{
	char text[32 + STORE_ID_BYTES] = "haward audit chain 1";
	memcpy(text + 32, id, STORE_ID_BYTES);
	return sha256_of((struct sv){text, sizeof(text)}, ret);
}

bool store_next_digest(struct sha256 *sha, const uint8_t before[SHA256_BYTES], uint64_t seq,
                       struct sv record, uint8_t ret[SHA256_BYTES])
{
	uint8_t seq_be[8];
	store_put_be(seq_be, seq);
	struct sv parts[] = {
		{(const char *)before, SHA256_BYTES}, {(const char *)seq_be, 8}, record};
	return sha256_parts(sha, parts, ARRAY_LEN(parts), ret);
}

struct walk {
	struct sha256 *sha;
	uint64_t seq; /* last record checked */
	uint8_t digest[SHA256_BYTES];
	struct audit_chain_report *report;
	audit_chain_fn *visit; /* NULL: nobody else wants to see them */
	void *user;
	uint8_t room[AUDIT_RECORD_MAX]; /* of one record's plain form */
};

static void free_walk(struct walk **walk)
{
	if (*walk)
		sha256_free((*walk)->sha);
	free(*walk);
}

static bool broken(struct walk *walk, uint64_t seq, const char *fault)
{
	walk->report->holds = false;
	walk->report->broken_at = seq;
	(void)snprintf(walk->report->fault, sizeof(walk->report->fault), "%s", fault);
	return false;
}

static uint64_t number_of(MDB_val key)
{
	struct cursor c = cursor_over((struct sv){key.mv_data, key.mv_size});
	uint64_t seq = cursor_u64be(&c);
	return cursor_done(&c) ? seq : 0;
}

static bool check_checkpoint(struct walk *walk, struct store_view *view, MDB_val key)
{
	MDB_val value;
	int r = mdb_get(view->events, view->store->checkpoints, &key, &value);
	if (r != 0 || value.mv_size != SHA256_BYTES ||
	    memcmp(value.mv_data, walk->digest, SHA256_BYTES) != 0)
		return broken(walk, walk->seq,
		              r ? "its checkpoint is missing"
		                : "the chain does not meet its checkpoint");
	return true;
}

/* What the chain is over. returns NULL, or what is wrong */
static const char *plain_form(struct walk *walk, struct store_view *view, uint64_t seq,
                              struct sv stored, struct sv *ret)
{
	struct audit_record record;
	struct outbuf out = outbuf_over(walk->room, sizeof(walk->room));
	if (store_view_unpack(view, seq, stored, &record) != 0)
		return "the record cannot be read, or a text it shares is damaged";
	*ret = stored;
	if (!audit_record_is_packed(stored))
		return NULL;
	audit_record_encode(&record, &out);
	*ret = outbuf_sv(&out);
	return out.failed ? "the record is too long" : NULL;
}

static bool check_record(struct walk *walk, struct store_view *view, MDB_val key, MDB_val value)
{
	uint64_t seq = number_of(key);
	if (seq != walk->seq + 1)
		return broken(walk, walk->seq + 1, "the record is missing, or its number is none");
	if (value.mv_size <= STORE_TAG_BYTES)
		return broken(walk, seq, "the record is cut short");
	struct sv stored = {value.mv_data, value.mv_size - STORE_TAG_BYTES}, bytes;
	const char *fault = plain_form(walk, view, seq, stored, &bytes);
	if (fault)
		return broken(walk, seq, fault);
	if (!store_next_digest(walk->sha, walk->digest, seq, bytes, walk->digest))
		return broken(walk, seq, "no digest could be made");
	if (memcmp(stored.at + stored.n, walk->digest, STORE_TAG_BYTES) != 0)
		return broken(walk, seq, "the record does not match the chain");
	if (walk->visit && !walk->visit(walk->user, seq, bytes))
		return broken(walk, seq, "no digest could be made");
	walk->seq = seq;
	walk->report->n_records++;
	return seq % STORE_CHECKPOINT_EVERY != 0 || check_checkpoint(walk, view, key);
}

static bool check_head(struct walk *walk, struct store_view *view)
{
	MDB_val key = {4, (void *)(uintptr_t) "head"}, value;
	int r = mdb_get(view->events, view->store->meta, &key, &value);
	if (r == MDB_NOTFOUND && walk->seq == 0)
		return true;
	if (r != 0 || value.mv_size != 8 + SHA256_BYTES)
		return broken(walk, walk->seq + 1, "the stored head is missing");
	uint64_t seq = number_of((MDB_val){8, value.mv_data});
	if (seq != walk->seq)
		return broken(walk, walk->seq + 1,
		              seq > walk->seq ? "the tail is cut: the stored head is further"
		                              : "there are records behind the stored head");
	if (memcmp((const uint8_t *)value.mv_data + 8, walk->digest, SHA256_BYTES) != 0)
		return broken(walk, seq, "the chain does not end in the stored head");
	return true;
}

/* One short look; *ret_more tells whether there is another. False: broken, the report says how. */
static bool look(struct walk *walk, struct store_view *view, bool *ret_more)
{
	uint8_t room[8];
	struct outbuf out = outbuf_over(room, sizeof(room));
	outbuf_u64be(&out, walk->seq + 1);
	MDB_val key = {sizeof(room), room}, value;
	int r = mdb_cursor_get(view->records, &key, &value, walk->seq ? MDB_SET_RANGE : MDB_FIRST);
	for (unsigned n = 0; r == 0; n++) {
		if (n == RECORDS_PER_LOOK) {
			*ret_more = true;
			return true;
		}
		if (!check_record(walk, view, key, value))
			return false;
		r = mdb_cursor_get(view->records, &key, &value, MDB_NEXT);
	}
	*ret_more = false;
	return r == MDB_NOTFOUND ? check_head(walk, view)
	                         : broken(walk, walk->seq + 1, "the file is damaged");
}

static int run(struct walk *walk, struct audit_store *store)
{
	if (!walk->sha || !store_first_digest(store->id, walk->digest))
		return -ENOMEM;
	for (bool more = true; more && walk->report->holds;) {
		struct store_view view;
		int r = store_view_open(store, &view);
		if (r != 0)
			return r;
		(void)look(walk, &view, &more);
		store_view_close(&view);
	}
	return 0;
}

int audit_chain_walk(struct audit_store *store, audit_chain_fn *visit, void *user,
                     struct audit_chain_report *ret)
{
	CLEANUP(free_walk) struct walk *walk = calloc(1, sizeof(*walk));
	struct audit_chain_report report = {.holds = true};
	if (!walk)
		return -ENOMEM;
	walk->report = &report;
	walk->visit = visit;
	walk->user = user;
	walk->sha = sha256_new();
	int r = run(walk, store);
	if (r != 0)
		return r;
	report.first_seq = walk->seq ? 1 : 0;
	report.last_seq = walk->seq;
	memcpy(report.book, store->id, sizeof(report.book));
	memcpy(report.head, walk->digest, SHA256_BYTES);
	*ret = report;
	return 0;
}

int audit_chain_verify(struct audit_store *store, struct audit_chain_report *ret)
{
	return audit_chain_walk(store, NULL, NULL, ret);
}
