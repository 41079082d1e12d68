/* The book from inside this folder: the only place that knows LMDB's codes and how things lie in it.
 *
 * events environment: `records` seq (8, big endian) -> record, packed (record.h), and TAG_BYTES of the
 *   chain digest, which is over the record's plain form; `texts` what packed records share (texts.h);
 *   `checkpoints` seq -> digest, each STORE_CHECKPOINT_EVERY records; `meta` "store" -> id of the book,
 *   "format" -> its version, "head" -> seq and digest, "j" and a journal's id -> committed place.
 * index environment (index.h): may be missing, late or thrown away. */
#ifndef AUDIT_STORE_FILE_H
#define AUDIT_STORE_FILE_H

#include "audit/record.h"
#include "audit/ring.h"
#include "audit/store.h"
#include "core/hash.h"
#include "core/sv.h"

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum {
	STORE_ID_BYTES = 16,
	STORE_TAG_BYTES = 8,
	STORE_CHECKPOINT_EVERY = 1024,
	STORE_INDEX_KEY_BYTES = 16,
	STORE_BUCKET_SHIFT = 14, /* records of a bucket share texts and an index */
	STORE_HEAD_BYTES = 8 + SHA256_BYTES,
	/* 1: plain records only, no "format" in `meta`. Such a book is read, and goes on as one of 2. */
	STORE_FORMAT = 2,
};

struct store_head {
	uint64_t seq; /* last record; 0: none */
	uint8_t digest[SHA256_BYTES];
};

struct audit_store {
	enum audit_store_mode mode;
	char *events_dir, *index_dir;
	uint64_t map_bytes;
	int lock_fd;
	uint8_t id[STORE_ID_BYTES];

	/* Readers hold it shared while a transaction is open; replacing an environment needs it alone. */
	pthread_rwlock_t guard;
	MDB_env *events; /* NULL while it cannot be opened again */
	MDB_dbi records, checkpoints, meta;
	MDB_dbi texts;  /* 0: a book of format 1 that is only read */
	MDB_env *index; /* NULL: answer without */
	MDB_dbi postings, ids, spans, index_meta;
	struct hash_key index_key;

	struct store_head head; /* the writer's own */
	struct sha256 *sha;     /* the writer's own */
	struct texts *shared;   /* the writer's own */
	uint8_t *room;          /* the writer's own: of one packed record */
};

int store_errno(int lmdb_code);

static inline MDB_val store_text_key(const char *text)
{
	return (MDB_val){strlen(text), (void *)(uintptr_t)text};
}

static inline void store_put_be(uint8_t at[8], uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		at[i] = (uint8_t)value;
}

static inline uint64_t store_get_be(const void *at)
{
	const uint8_t *bytes = at;
	uint64_t value = 0;
	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* store_last_key - the last key of a database keyed by numbers, and its value; 0 when it is empty. */
MUST_CHECK int store_last_key(MDB_txn *txn, MDB_dbi dbi, uint64_t *ret, MDB_val *ret_value);

/* store_first_digest - what stands before the first record: it ties the chain to this book. */
MUST_CHECK bool store_first_digest(const uint8_t id[STORE_ID_BYTES], uint8_t ret[SHA256_BYTES]);
/* store_next_digest - the chain over one more record, in its plain form. */
MUST_CHECK bool store_next_digest(struct sha256 *sha, const uint8_t before[SHA256_BYTES],
                                  uint64_t seq, struct sv record, uint8_t ret[SHA256_BYTES]);

/* One consistent look at both environments; short-lived. */
struct store_view {
	struct audit_store *store;
	MDB_txn *events, *index; /* index NULL: answer without */
	MDB_cursor *records;
	MDB_cursor *texts;          /* opened by the first look-up */
	struct texts_cache *shared; /* made by the first look-up */
	MDB_cursor *ids;      /* opened by the first look-up; neighbours are found in its page */
	uint64_t last_seq;    /* 0: empty */
	uint64_t indexed_seq; /* 0 without an index */
	bool is_bare;         /* no outcome is among what is indexed */
	uint64_t at_seq;      /* where the cursor stands; 0: nowhere */
};
/* errors  0 or -errno; on an error the view is closed
 * thread  any */
MUST_CHECK int store_view_open(struct audit_store *store, struct store_view *ret);
void store_view_close(struct store_view *view);
/* store_view_bytes - record seq as it is stored, borrowed until the view closes.
 * errors  0, -EBADMSG when a record that must be there is not, or is no record */
MUST_CHECK int store_view_bytes(struct store_view *view, uint64_t seq, struct sv *ret);
/* store_view_unpack - read the stored bytes of record seq.
 * out     *ret, its texts borrowed until the view closes
 * errors  0, -EBADMSG when they are no record, or name a text that is damaged or not there; -ENOMEM */
MUST_CHECK int store_view_unpack(struct store_view *view, uint64_t seq, struct sv bytes,
                                 struct audit_record *ret);
/* store_view_record - both in one. */
MUST_CHECK int store_view_record(struct store_view *view, uint64_t seq, struct audit_record *ret);

/* One commit of the writer. */
struct store_batch {
	struct audit_store *store;
	MDB_txn *txn;
	MDB_cursor *records;
	struct store_head head;
	unsigned n;
};
MUST_CHECK int store_batch_begin(struct audit_store *store, struct store_batch *ret);
/* store_batch_put - add a record in its plain form; it is packed on the way. */
MUST_CHECK int store_batch_put(struct store_batch *batch, struct sv record);
MUST_CHECK int store_batch_place(struct store_batch *batch, const uint8_t ring_id[RING_ID_BYTES],
                                 struct ring_place place);
/* Either ends the batch. After a failed commit nothing of it is there, or (a failed write of the last
 * page) all of it: store_reopen() tells. */
MUST_CHECK int store_batch_commit(struct store_batch *batch);
void store_batch_abort(struct store_batch *batch);

/* store_place - the committed place of a journal.
 * errors  0, -ENOENT, -errno
 * thread  writer */
MUST_CHECK int store_place(struct audit_store *store, const uint8_t ring_id[RING_ID_BYTES],
                           struct ring_place *ret);

/* store_reopen - close and open the events environment after a failure, and learn the head again.
 * thread writer, no batch open */
MUST_CHECK int store_reopen(struct audit_store *store);

/* index_number - a number of the index's `index_meta`; 0 when there is none. */
uint64_t index_number(MDB_txn *txn, MDB_dbi meta, const char *name);

/* In index.c. index_open: in write mode a damaged or foreign index is thrown away and made anew. */
MUST_CHECK int index_open(struct audit_store *store);
void index_close(struct audit_store *store);
MUST_CHECK int store_env_open(const char *dir, unsigned flags, uint64_t map_bytes, MDB_env **ret);

#endif
