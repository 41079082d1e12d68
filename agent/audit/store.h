#ifndef AUDIT_STORE_H
#define AUDIT_STORE_H

#include "core/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The book: two LMDB environments under one directory, `events` (the truth, appended, synced) and
 * `index` (rebuildable). One process writes; any number of processes and threads read.
 * A book of an earlier format is read as it is; what a writer adds has the format of today. */
struct audit_store;

enum audit_store_mode {
	AUDIT_STORE_READ = 0, /* the CLI, beside a running agent or without one */
	AUDIT_STORE_WRITE,    /* the agent: takes the writer's lock file */
};

/* audit_store_open - open the book, creating it in write mode when it is not there.
 *
 * in      dir: `<data_dir>/audit`
 *         map_bytes: ceiling of the events file, bytes; 0 is AUDIT_MAP_BYTES. Read mode takes the
 *         size from the file.
 * out     *ret, owned, closed with audit_store_close() after all queries and the writer; set only
 *         on 0
 * errors  0 or -errno: -EBUSY another process writes it; -ENOENT nothing there (read mode);
 *         -EBADMSG no book, or a damaged one; -EPROTONOSUPPORT a book of a later format;
 *         -ENOSPC, -EIO, -ENOMEM, ...
 * thread  main; never twice for the same directory in one process (LMDB)
 */
MUST_CHECK int audit_store_open(const char *dir, enum audit_store_mode mode, uint64_t map_bytes,
                                struct audit_store **ret);
void audit_store_close(struct audit_store *store);

struct audit_store_stats {
	uint64_t first_seq;    /* 0 when the book is empty */
	uint64_t last_seq;     /* 0 when the book is empty */
	uint64_t indexed_seq;  /* everything up to it is indexed */
	uint64_t events_bytes; /* file size */
	uint64_t index_bytes;
	uint64_t map_bytes; /* ceiling of the events file */
	uint8_t head[32];   /* chain digest over all records */
};

/* errors  0 or -errno
 * thread  any */
MUST_CHECK int audit_store_stats(struct audit_store *store, struct audit_store_stats *ret);

#endif
