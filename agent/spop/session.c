#include "spop/session.h"

#include "spop/disconnect.h"
#include "spop/hello.h"

void spop_session_init(struct spop_session *s, uint32_t own_frame_size)
{
	*s = (struct spop_session){.state = SPOP_EXPECT_HELLO,
	                           .own_frame_size = own_frame_size,
	                           .max_frame_size = SPOP_FRAME_SIZE_MIN};
}

void spop_session_end(struct spop_session *s, enum spop_status status, struct outbuf *out)
{
	if (s->state == SPOP_CLOSED)
		return;
	spop_disconnect_encode(out, status);
	s->status = status;
	s->state = SPOP_CLOSED;
}

static enum spop_event broken(struct spop_session *s, enum spop_status status, struct outbuf *out)
{
	spop_session_end(s, status, out);
	return SPOP_BROKEN;
}

static enum spop_event on_hello(struct spop_session *s, const struct spop_frame *frame,
                                struct outbuf *out)
{
	struct spop_hello hello;
	enum spop_status status = spop_hello_decode(frame->payload, &hello);
	if (status != SPOP_STATUS_NORMAL)
		return broken(s, status, out);
	if (hello.healthcheck && s->draining) {
		spop_session_end(s, SPOP_STATUS_NORMAL, out);
		return SPOP_CHECKED;
	}
	s->max_frame_size = MIN_OF(hello.max_frame_size, s->own_frame_size);
	spop_hello_encode(out, s->max_frame_size);
	s->state = hello.healthcheck ? SPOP_CLOSED : SPOP_READY;
	return hello.healthcheck ? SPOP_CHECKED : SPOP_GREETED;
}

static enum spop_event on_disconnect(struct spop_session *s, const struct spop_frame *frame,
                                     struct outbuf *out)
{
	struct spop_disconnect bye;
	if (!spop_disconnect_decode(frame->payload, &bye))
		return broken(s, SPOP_STATUS_INVALID, out);
	spop_session_end(s, SPOP_STATUS_NORMAL, out);
	s->status = (enum spop_status)(bye.status <= SPOP_STATUS_RESOURCE ? bye.status
	                                                                  : SPOP_STATUS_UNKNOWN);
	return SPOP_GOODBYE;
}

static bool is_control(const struct spop_frame *frame)
{
	return frame->stream_id == 0 && frame->frame_id == 0;
}

static enum spop_event on_frame(struct spop_session *s, const struct spop_frame *frame,
                                struct outbuf *out)
{
	bool waiting = s->state == SPOP_EXPECT_HELLO;
	if (!(frame->flags & SPOP_FLAG_FIN) || frame->type == SPOP_UNSET)
		return broken(s, SPOP_STATUS_FRAGMENTED, out);
	if (frame->type == SPOP_HAPROXY_HELLO && waiting && is_control(frame))
		return on_hello(s, frame, out);
	if (frame->type == SPOP_HAPROXY_DISCONNECT && is_control(frame))
		return on_disconnect(s, frame, out);
	if (frame->type == SPOP_NOTIFY && !waiting)
		return SPOP_NOTIFIED;
	return broken(s, SPOP_STATUS_INVALID, out);
}

enum spop_event spop_session_next(struct spop_session *s, struct sv *bytes, struct outbuf *out,
                                  struct spop_frame *ret)
{
	struct spop_frame frame;
	if (s->state == SPOP_CLOSED)
		return SPOP_MORE;
	/* Up to what we could ever take, not what was agreed: HAProxy before 3.1.7 sends larger ones. */
	switch (spop_frame_cut(bytes, s->own_frame_size, &frame)) {
	case SPOP_CUT_MORE:
		return SPOP_MORE;
	case SPOP_CUT_TOO_BIG:
		return broken(s, SPOP_STATUS_TOO_BIG, out);
	case SPOP_CUT_INVALID:
		return broken(s, SPOP_STATUS_INVALID, out);
	case SPOP_CUT_FRAME:
		break;
	}
	enum spop_event event = on_frame(s, &frame, out);
	if (event == SPOP_NOTIFIED)
		*ret = frame;
	return event;
}
