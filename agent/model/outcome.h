/* What became of a request, as HAProxy tells it afterwards: in its log or in haward-account. */
#ifndef MODEL_OUTCOME_H
#define MODEL_OUTCOME_H

#include "core/eventid.h"
#include "core/netaddr.h"
#include "core/sv.h"

#include <stdint.h>

/* Numbers are -1 where HAProxy did not say or the phase did not happen. Views: valid during the
 * call. */
struct outcome {
	struct event_id event; /* of the decision; not set: HAProxy served it without one */
	struct sv id;          /* HAProxy's unique-id */
	int64_t status;        /* what the client got */
	int64_t bytes_out, bytes_in;
	int64_t duration_ms;                       /* %Ta for HTTP */
	int64_t queue_ms, connect_ms, response_ms; /* %Tw %Tc %Tr */
	struct sv termination;                     /* %tsc */
	struct sv backend, server;
	struct netaddr src;
	uint16_t src_port;
	struct sv method, path, host;
};

static inline struct outcome outcome_unknown(void)
{
	return (struct outcome){.status = -1,
	                        .bytes_out = -1,
	                        .bytes_in = -1,
	                        .duration_ms = -1,
	                        .queue_ms = -1,
	                        .connect_ms = -1,
	                        .response_ms = -1};
}

#endif
