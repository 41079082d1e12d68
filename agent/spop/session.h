/* One connection of HAProxy as a pure machine: bytes in, events and bytes out; no socket, no clock.
 *
 *   CLOSED -> init -> EXPECT_HELLO -> READY -> CLOSED
 *
 * The caller owns the receive buffer. It appends what it received, calls spop_session_next() until that
 * says SPOP_MORE, keeps the bytes that are left, and sends what stands in the outbuf. After an event that ends it
 * the caller sends what is in the outbuf and closes.
 */
#ifndef SPOP_SESSION_H
#define SPOP_SESSION_H

#include "core/macros.h"
#include "core/outbuf.h"
#include "spop/frame.h"

enum spop_state { SPOP_CLOSED, SPOP_EXPECT_HELLO, SPOP_READY };

enum spop_event {
	SPOP_MORE,     /* no whole frame is left: receive more */
	SPOP_GREETED,  /* the handshake is done; the answer is in the outbuf */
	SPOP_CHECKED,  /* a health check: the answer is in the outbuf; send it, then close */
	SPOP_NOTIFIED, /* a NOTIFY stands in *ret: decode, decide, ACK it with its two ids */
	SPOP_GOODBYE,  /* HAProxy disconnected, our goodbye is in the outbuf; send it, then close */
	SPOP_BROKEN, /* the peer broke the protocol; our goodbye with s->status is in the outbuf */
};

struct spop_session {
	enum spop_state state;
	uint32_t own_frame_size; /* largest frame we take and offer, bytes */
	uint32_t max_frame_size; /* agreed in the handshake; what our frames must fit */
	enum spop_status status; /* why it ended */
	bool draining;           /* health checks are answered with a goodbye */
};

/* spop_session_init - ready for a HAPROXY-HELLO. in: own_frame_size, SPOP_FRAME_SIZE_MIN and more. */
void spop_session_init(struct spop_session *s, uint32_t own_frame_size);

/* spop_session_next - the next event in *bytes, which is advanced past what was consumed.
 *
 * in      out: room for at least SPOP_CONTROL_BYTES
 * out     *ret on SPOP_NOTIFIED only; its payload borrows from *bytes
 */
MUST_CHECK enum spop_event spop_session_next(struct spop_session *s, struct sv *bytes,
                                             struct outbuf *out, struct spop_frame *ret);

/* spop_session_end - our own goodbye: drain, timeout, no memory. The session is CLOSED after it; one that was
 * CLOSED before has had its goodbye and stays as it is. */
void spop_session_end(struct spop_session *s, enum spop_status status, struct outbuf *out);

enum { SPOP_CONTROL_BYTES = 256 }; /* no HELLO or DISCONNECT of ours is larger */

#endif
