/* What building and looking up share of the index: how keys and values lie in it. */
#ifndef AUDIT_INDEX_FILE_H
#define AUDIT_INDEX_FILE_H

#include "audit/index.h"

enum {
	INDEX_KEY_BYTES = 15,
	INDEX_PREFIX_BYTES = 13, /* of the key, without the first place */
	INDEX_ID_KEY_BYTES = EVENT_ID_BYTES + 1,
};

/* Earliest and latest time among the records of a bucket. */
struct index_span {
	uint32_t bucket;
	uint64_t first_us, last_us;
};
/* errors  0, -ENOENT, -EBADMSG, -errno */
MUST_CHECK int index_span_read(MDB_txn *txn, MDB_dbi dbi, uint32_t bucket, struct index_span *ret);

static inline uint64_t index_digest(const struct audit_store *store, struct sv value)
{
	return hash_sip13(store->index_key, value);
}

MUST_CHECK int index_put_meta(MDB_txn *txn, MDB_dbi meta, const char *name, const uint8_t *bytes,
                              size_t n);

#endif
