/* Goodbyes of both sides. source: SPOE.txt 3.2.8, 3.2.9 */
#ifndef SPOP_DISCONNECT_H
#define SPOP_DISCONNECT_H

#include "core/macros.h"
#include "core/outbuf.h"
#include "spop/wire.h"

struct spop_disconnect {
	uint32_t status;   /* as told; may be none of enum spop_status */
	struct sv message; /* borrowed */
};

/* spop_disconnect_decode - reads a HAPROXY-DISCONNECT. returns false when it is malformed. */
MUST_CHECK bool spop_disconnect_decode(struct sv payload, struct spop_disconnect *ret);
/* spop_disconnect_encode - the AGENT-DISCONNECT frame with the status and its text. */
void spop_disconnect_encode(struct outbuf *b, enum spop_status status);

#endif
