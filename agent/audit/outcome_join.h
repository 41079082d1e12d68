/* The outcome that belongs to a decision: by the index, and in the tail that the index does not have yet. */
#ifndef AUDIT_OUTCOME_JOIN_H
#define AUDIT_OUTCOME_JOIN_H

#include "audit/query.h"
#include "audit/store_file.h"

/* Outcomes of the unindexed tail: event id -> seq, open addressing, half full at most. Zero is empty. */
struct outcome_tail {
	bool ready; /* collected for the view that is open */
	size_t n;
	struct outcome_slot *slots;
};
void outcome_tail_forget(struct outcome_tail *tail);
void outcome_tail_free(struct outcome_tail *tail);

/* outcome_join - set row->outcome when the book has one for row->record.
 *
 * in      tail: of this view; collected when it is needed
 * errors  0 or -errno
 */
MUST_CHECK int outcome_join(struct store_view *view, struct outcome_tail *tail,
                            struct audit_row *row);

#endif
