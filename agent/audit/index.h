/* The rebuildable index environment. One database `postings`:
 *   bucket (4) field (1) digest of the value (8) first place (2) -> places (2 each, rising, big endian)
 * where bucket = seq >> 14 and a place is the low 14 bits: all records of a bucket with one value lie
 * together as runs, so a query walks bucket by bucket and joins bit sets. `ids`: event id (16) kind (1) ->
 * seq. `spans`: bucket -> earliest and latest time in it, whatever the clock did. `index_meta`: the book's
 * id, the digest key, the checkpoint, and "bare": equal to the checkpoint while no outcome was indexed. */
#ifndef AUDIT_INDEX_H
#define AUDIT_INDEX_H

#include "audit/record.h"
#include "audit/store_file.h"

enum {
	INDEX_BUCKET_SHIFT = STORE_BUCKET_SHIFT,
	INDEX_BUCKET_RECORDS = 1 << INDEX_BUCKET_SHIFT,
	INDEX_BIT_WORDS = INDEX_BUCKET_RECORDS / 64,
	INDEX_BATCH = INDEX_BUCKET_RECORDS, /* records of one commit */
};

enum index_field {
	INDEX_NONE = 0,
	INDEX_USER, /* user and, where it differs, subject */
	INDEX_SOURCE,
	INDEX_SERVICE,
	INDEX_VERDICT,
	INDEX_POLICY,
	INDEX_KIND, /* all kinds but requests, connections and outcomes */
};

static inline bool index_has_kind(enum audit_kind kind)
{
	return kind != AUDIT_REQUEST && kind != AUDIT_CONNECTION && kind != AUDIT_OUTCOME;
}

/* Memory of the indexer, made once. */
struct index_work;
MUST_CHECK struct index_work *index_work_new(void);
void index_work_free(struct index_work *work);

/* index_update - index the next records, at most INDEX_BATCH, in one commit.
 *
 * out     *ret_seq: everything up to it is indexed; *ret_behind: records still waiting; set only on 0
 * errors  0 or -errno; on -EBADMSG throw the index away: index_reset()
 * thread  the indexer
 */
MUST_CHECK int index_update(struct audit_store *store, struct index_work *work, uint64_t *ret_seq,
                            uint64_t *ret_behind);

/* index_reset - throw the index away and start an empty one.
 * thread  the indexer */
MUST_CHECK int index_reset(struct audit_store *store);

/* Looking things up; all need view->index. */

/* index_bits - set the bit of each place in the bucket whose record has the value.
 * errors  0 or -errno */
MUST_CHECK int index_bits(struct store_view *view, uint32_t bucket, enum index_field field,
                          struct sv value, uint64_t bits[INDEX_BIT_WORDS]);
/* index_id - the record with this id and kind.
 * errors  0, -ENOENT, -errno */
MUST_CHECK int index_id(struct store_view *view, const struct event_id *id, enum audit_kind kind,
                        uint64_t *ret_seq);
/* index_span - earliest and latest time among the indexed records of the bucket.
 * errors  0, -ENOENT, -errno */
MUST_CHECK int index_span(struct store_view *view, uint32_t bucket, uint64_t *ret_first_us,
                          uint64_t *ret_last_us);

#endif
