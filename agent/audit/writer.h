#ifndef AUDIT_WRITER_H
#define AUDIT_WRITER_H

#include "core/macros.h"

#include <stdbool.h>
#include <stdint.h>

struct audit_store;
struct audit_journals;

/* The two audit threads: the writer drains every journal into the events environment (numbered,
 * chained, committed in batches, with each journal's position in the same transaction, so that a
 * replay after a crash neither loses nor doubles); the indexer follows it and may lag. */
struct audit_writer;

struct audit_writer_options {
	struct audit_store *store;       /* opened for writing; outlives the writer */
	struct audit_journals *journals; /* outlive the writer */
	unsigned commit_interval_ms;     /* 0 is AUDIT_COMMIT_INTERVAL_MS: most a record waits for a
	                                    commit */
	unsigned index_interval_ms;      /* 0 is AUDIT_INDEX_INTERVAL_MS */
};

/* audit_writer_start - replay what the journals hold, commit it, then start both threads.
 *
 * errors  0 or -errno. A full disk is not an error: the writer starts and recovers by itself.
 * thread  main, before any producer submits
 */
MUST_CHECK int audit_writer_start(const struct audit_writer_options *options,
                                  struct audit_writer **ret);

/* audit_writer_stop - after the last producer: drain, commit, index, join, free. Gives up draining
 * after AUDIT_STOP_MS when the disk refuses; what is left stays in the journals for the next start.
 */
void audit_writer_stop(struct audit_writer *writer);

/* audit_writer_sync - wait until all that was submitted before the call is committed.
 *
 * errors  0, -ETIMEDOUT
 * thread  any but the writer's
 */
MUST_CHECK int audit_writer_sync(struct audit_writer *writer, unsigned timeout_ms);

struct audit_writer_stats {
	bool failing;           /* the disk refuses; journals fill up meanwhile */
	int error;              /* -errno of the last failure while failing, else 0 */
	uint64_t n_failures;    /* failed commits since start */
	uint64_t committed_seq; /* last sequence number on disk */
	uint64_t indexed_seq;
	uint64_t n_commits;
	uint64_t last_commit_us;     /* time the last commit took */
	uint64_t journal_used_bytes; /* all journals together */
	uint64_t journal_size_bytes;
	uint64_t n_refused; /* all journals together, since they were made */
};
/* thread any */
void audit_writer_stats(const struct audit_writer *writer, struct audit_writer_stats *ret);

#endif
