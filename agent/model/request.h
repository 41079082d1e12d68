/* What HAProxy told us of one request or connection: views into the frame, not copies.
 * source  schema/spoe.md, messages haward-authorize and haward-connect
 */
#ifndef MODEL_REQUEST_H
#define MODEL_REQUEST_H

#include "core/netaddr.h"
#include "core/sv.h"

#include <stdint.h>

enum request_kind {
	REQUEST_HTTP,    /* haward-authorize */
	REQUEST_CONNECT, /* haward-connect: no HTTP attributes */
	REQUEST_KIND_COUNT,
};
extern const char *const request_kind_names[REQUEST_KIND_COUNT]; /* request, connection */

struct request {
	enum request_kind kind;
	bool bad; /* the message could not be read as the contract says: deny, REASON_BAD_REQUEST */

	struct sv id;      /* HAProxy's unique-id */
	struct sv service; /* the destination as HAProxy names it; empty: found by host and path */
	struct sv method, path, query, host; /* raw, as received */

	struct netaddr src, dst; /* family 0 when not told */
	uint16_t src_port, dst_port;

	unsigned n_authorization; /* Authorization headers seen; more than one is refused */
	struct sv authorization;  /* the first; a secret */
	unsigned n_dpop;          /* DPoP headers seen; more than one is refused */
	struct sv dpop;           /* the first: a proof */
	unsigned n_api_key;       /* headers with an API key seen; as above */
	struct sv api_key;        /* the first; a secret */
	unsigned n_cookie;        /* Cookie headers seen; of two none is believed */
	struct sv cookie;         /* the first, a list of cookies; a secret */
	struct sv headers; /* req.hdrs_bin: name, value, ..., two empty strings; holds secrets */

	struct sv cert; /* ssl_c_der */
	struct sv
		cert_chain; /* ssl_c_chain_der: what came along, one behind the other; empty on resumption */
	bool cert_used;      /* ssl_c_used */
	int64_t cert_verify; /* ssl_c_verify: 0 is good; -1 when not told */
	struct sv sni;
	bool tls;

	struct sv traceparent, user_agent, body;
};

#endif
