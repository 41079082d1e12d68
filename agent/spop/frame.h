/* One frame: cut from a stream of bytes, and opened and closed in an output buffer. source: SPOE.txt 3.2 */
#ifndef SPOP_FRAME_H
#define SPOP_FRAME_H

#include "core/macros.h"
#include "core/outbuf.h"
#include "core/sv.h"
#include "spop/wire.h"

struct spop_frame {
	uint8_t type; /* as on the wire; may be none of enum spop_frame_type */
	uint32_t flags;
	uint64_t stream_id, frame_id;
	struct sv payload; /* borrowed from the stream */
};

enum spop_cut {
	SPOP_CUT_MORE,    /* the frame is not whole yet */
	SPOP_CUT_FRAME,   /* one frame was taken off the front */
	SPOP_CUT_TOO_BIG, /* it announces more than max_bytes */
	SPOP_CUT_INVALID, /* it cannot be a frame */
};

/* spop_frame_cut - takes one frame off the front of *bytes.
 *
 * in      max_bytes: the largest frame accepted, without its length
 * out     *bytes is advanced and *ret filled only on SPOP_CUT_FRAME
 */
MUST_CHECK enum spop_cut spop_frame_cut(struct sv *bytes, size_t max_bytes, struct spop_frame *ret);

/* spop_frame_open - starts a frame with FIN set; returns its place for spop_frame_close(). */
size_t spop_frame_open(struct outbuf *b, enum spop_frame_type type, uint64_t stream_id,
                       uint64_t frame_id);
/* spop_frame_close - writes the length; a frame that did not fit is taken back whole and b is failed. */
void spop_frame_close(struct outbuf *b, size_t opened_at);

#endif
