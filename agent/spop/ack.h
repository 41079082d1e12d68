/* The answer to a NOTIFY: variables in the transaction, by one table. source: SPOE.txt 3.2.7, 3.4 */
#ifndef SPOP_ACK_H
#define SPOP_ACK_H

#include "core/outbuf.h"
#include "model/decision.h"

/* spop_ack_encode - an ACK that sets what the decision says; `allow` first, as the only one that grants.
 *
 * in      max_frame_size: agreed in the handshake. A variable that does not fit is left out; allow,
 *         verdict, status, reason and event always fit into SPOP_FRAME_SIZE_MIN
 * out     b fails, unchanged, when not even those and the token, where there is one, fit into it
 */
void spop_ack_encode(struct outbuf *b, uint64_t stream_id, uint64_t frame_id,
                     const struct decision *decision, size_t max_frame_size);

/* spop_ack_recorded - the ACK of a NOTIFY that asks nothing. It sets `recorded`: HAProxy 3.1.0 waits for
 * ever on an ACK without an action. */
void spop_ack_recorded(struct outbuf *b, uint64_t stream_id, uint64_t frame_id, bool recorded);

/* The contract as data, for schema/spoe.md's test. */
struct spop_variable_name {
	const char *name;
	const char *scope; /* "txn", as all are */
	const char *type;  /* "bool", "integer", "string", "bytes" */
};
const struct spop_variable_name *spop_ack_variables(size_t *n);

#endif
