#include "spop/frame.h"

#include "core/cursor.h"
#include "spop/value.h"

enum spop_cut spop_frame_cut(struct sv *bytes, size_t max_bytes, struct spop_frame *ret)
{
	struct cursor stream = cursor_over(*bytes);
	if (bytes->n < SPOP_LENGTH_BYTES)
		return SPOP_CUT_MORE;
	uint32_t length = cursor_u32be(&stream);
	if (length > max_bytes)
		return SPOP_CUT_TOO_BIG;
	if (length < SPOP_FRAME_MIN_BYTES)
		return SPOP_CUT_INVALID;
	if (length > cursor_left(&stream))
		return SPOP_CUT_MORE;

	struct cursor c = cursor_over(cursor_sv(&stream, length));
	struct spop_frame frame = {.type = cursor_u8(&c), .flags = cursor_u32be(&c)};
	frame.stream_id = spop_varint_read(&c);
	frame.frame_id = spop_varint_read(&c);
	if (c.failed)
		return SPOP_CUT_INVALID;
	frame.payload = (struct sv){(const char *)c.at, cursor_left(&c)};
	*bytes = sv_from(*bytes, SPOP_LENGTH_BYTES + (size_t)length);
	*ret = frame;
	return SPOP_CUT_FRAME;
}

size_t spop_frame_open(struct outbuf *b, enum spop_frame_type type, uint64_t stream_id,
                       uint64_t frame_id)
{
	size_t opened_at = b->n;
	outbuf_u32be(b, 0);
	outbuf_u8(b, (uint8_t)type);
	outbuf_u32be(b, SPOP_FLAG_FIN);
	spop_varint_write(b, stream_id);
	spop_varint_write(b, frame_id);
	return opened_at;
}

void spop_frame_close(struct outbuf *b, size_t opened_at)
{
	if (b->failed) {
		b->n = opened_at;
		return;
	}
	struct outbuf length = outbuf_over(b->at + opened_at, SPOP_LENGTH_BYTES);
	outbuf_u32be(&length, (uint32_t)(b->n - opened_at - SPOP_LENGTH_BYTES));
}
