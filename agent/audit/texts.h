/* Texts that the packed records of one bucket have in common. Database `texts` of the events environment:
 *   bucket (4, big endian) number (2) -> CRC-32C over key and text (4), text
 * written in the transaction of the first record that names it, never changed. A bucket's numbers start
 * anew, so that what strangers send fills no more than the bucket it came in. The chain is over plain
 * records: who changes a text here breaks it wherever the text is named. */
#ifndef AUDIT_TEXTS_H
#define AUDIT_TEXTS_H

#include "core/macros.h"
#include "core/sv.h"

#include <lmdb.h>
#include <stdint.h>

enum {
	TEXTS_MAX = 1024, /* numbers of one bucket */
	TEXT_LEAST = 3,   /* bytes; a shorter text costs no more than its number */
	TEXT_MOST = 256,
};

/* The writer's side: what the bucket being written knows already. */
struct texts;
/* errors  NULL: no memory, or no random bytes */
MUST_CHECK struct texts *texts_new(void);
void texts_free(struct texts *texts);

/* texts_begin - go on with this bucket in this transaction.
 * errors  0 or -errno */
MUST_CHECK int texts_begin(struct texts *texts, MDB_txn *txn, MDB_dbi dbi, uint32_t bucket);
/* texts_share - audit_share_fn; a text gets its number when it comes again soon. What cannot be stored
 * is told by texts_error(). */
uint64_t texts_share(void *texts, struct sv text);
/* errors  0, or the -errno of a store that failed since texts_begin(): the transaction must be aborted */
MUST_CHECK int texts_error(const struct texts *texts);
/* texts_forget - the transaction came to nothing: what it added is not there. */
void texts_forget(struct texts *texts);

/* texts_read - the text of a number, borrowed until the transaction of the cursor ends.
 * errors  0, -EBADMSG: it is not there, or damaged; -errno */
MUST_CHECK int texts_read(MDB_cursor *cursor, uint32_t bucket, uint32_t number, struct sv *ret);

#endif
