/* The handshake: what HAProxy offers, what we answer. source: SPOE.txt 3.2.4, 3.2.5 */
#ifndef SPOP_HELLO_H
#define SPOP_HELLO_H

#include "core/macros.h"
#include "core/outbuf.h"
#include "spop/wire.h"

struct spop_hello {
	uint32_t max_frame_size; /* HAProxy's offer, bytes */
	bool pipelining;         /* offered */
	bool healthcheck;        /* `option spop-check`: answer and close */
	struct sv engine_id;     /* empty when not told; borrowed */
};

/* spop_hello_decode - reads the payload of a HAPROXY-HELLO.
 * errors  SPOP_STATUS_NORMAL, or the status to disconnect with; keys are compared whole
 */
MUST_CHECK enum spop_status spop_hello_decode(struct sv payload, struct spop_hello *ret);

/* spop_hello_encode - the AGENT-HELLO frame: version 2.0, the frame size agreed, capability pipelining only
 * (async and fragmentation are gone from HAProxy 3.1). */
void spop_hello_encode(struct outbuf *b, uint32_t max_frame_size);

#endif
