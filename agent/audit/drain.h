/* What waits in the journals, and its way into the book: one commit at a time, with each journal's place in
 * the same transaction. */
#ifndef AUDIT_DRAIN_H
#define AUDIT_DRAIN_H

#include "audit/journal_file.h"
#include "audit/store_file.h"

enum { DRAIN_TURN_RECORDS = 512 }; /* of one journal before the next has its turn */

/* The writer thread's own. */
struct drain {
	struct audit_store *store;
	struct audit_journals *journals;
	size_t n_journals, turn;
	struct ring_place places[AUDIT_JOURNALS_MAX]; /* committed */
	struct ring_place next[AUDIT_JOURNALS_MAX];   /* of the batch being made */
	uint64_t n_lost;                              /* to be told by a gap record */
	struct event_ids ids;
};

/* drain_open - find out where each journal goes on.
 * errors  0 or -errno */
MUST_CHECK int drain_open(struct drain *drain, struct audit_store *store,
                          struct audit_journals *journals);

/* drain_commit - put what waits into the book, in one commit.
 *
 * out     *ret_n: records found; 0 when nothing waits
 * errors  0 or -errno: nothing was released, drain_recover() before the next
 */
MUST_CHECK int drain_commit(struct drain *drain, unsigned *ret_n);

/* drain_recover - open the book again after a failure, and believe what it says about the journals.
 * errors  0 or -errno */
MUST_CHECK int drain_recover(struct drain *drain);

struct ring *drain_ring(const struct drain *drain, size_t i);

#endif
