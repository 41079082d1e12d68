#ifndef AUDIT_CHAIN_H
#define AUDIT_CHAIN_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stdint.h>

struct audit_store;

/* Where and how the book is broken. */
struct audit_chain_report {
	bool holds;
	uint64_t n_records;
	uint64_t first_seq, last_seq;
	uint8_t book[16];   /* the id of the book */
	uint8_t head[32];   /* digest over all records, as recomputed */
	uint64_t broken_at; /* sequence number, 0 when it holds */
	char fault[128];    /* what is wrong there */
};

/* audit_chain_verify - recompute the chain over the whole book, in short read transactions. Finds a
 * changed byte, a missing, doubled, inserted or swapped record and a cut tail, as far as the stored
 * head and the checkpoints tell: who can rewrite all of them together needs an outside witness to
 * be found.
 *
 * out     *ret, filled on 0; ret->holds is the answer
 * errors  0 or -errno when it cannot be read at all
 * thread  any
 */
MUST_CHECK int audit_chain_verify(struct audit_store *store, struct audit_chain_report *ret);

/* audit_chain_walk - verify the chain, and show each record that holds, in its plain form, in the order of numbers.
 *
 * in      visit: false when no digest could be made; the report says so. The record is borrowed for the call.
 * errors  as audit_chain_verify() */
typedef bool audit_chain_fn(void *user, uint64_t seq, struct sv record);
MUST_CHECK int audit_chain_walk(struct audit_store *store, audit_chain_fn *visit, void *user,
                                struct audit_chain_report *ret);

#endif
