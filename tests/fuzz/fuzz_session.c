/* A connection of any bytes makes the same events and the same answers however it is cut, says no frame that HAProxy
 * would choke on, and ends once. Input: piece size, own frame size, flags, then the bytes. */
#include "spop/disconnect.h"
#include "spop/session.h"
#include "spop/value.h"

#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a connection came to; two of the same bytes are equal. */
struct course {
	uint64_t digest; /* of events, ids, payloads and answers, in their order */
	size_t n_notified, n_consumed;
	enum spop_event last;
	enum spop_state state;
	enum spop_status status;
	uint32_t max_frame_size;
};

static void mix(struct course *course, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	for (size_t i = 0; i < n; i++)
		course->digest = (course->digest ^ at[i]) * 0x100000001b3;
}

/* Our side says HELLO and goodbye, one of them an event. */
static void check_said(struct sv said, const struct spop_session *s, enum spop_event event)
{
	struct spop_frame frame;
	if (event == SPOP_NOTIFIED || event == SPOP_MORE) {
		HOLDS(said.n == 0);
		return;
	}
	HOLDS(said.n <= SPOP_CONTROL_BYTES);
	HOLDS(spop_frame_cut(&said, SPOP_FRAME_SIZE_MAX, &frame) == SPOP_CUT_FRAME && said.n == 0);
	HOLDS(frame.flags == SPOP_FLAG_FIN && frame.stream_id == 0 && frame.frame_id == 0);
	if (frame.type == SPOP_AGENT_HELLO) {
		HOLDS(event == SPOP_GREETED || event == SPOP_CHECKED);
		return;
	}
	struct spop_disconnect bye;
	HOLDS(frame.type == SPOP_AGENT_DISCONNECT && spop_disconnect_decode(frame.payload, &bye));
	HOLDS(event == SPOP_BROKEN ? bye.status == s->status : bye.status == SPOP_STATUS_NORMAL);
}

static void check_event(const struct spop_session *s, enum spop_event event,
                        const struct spop_frame *frame)
{
	bool ends = event == SPOP_CHECKED || event == SPOP_GOODBYE || event == SPOP_BROKEN;
	HOLDS(ends == (s->state == SPOP_CLOSED));
	if (event == SPOP_BROKEN)
		HOLDS(s->status >= SPOP_STATUS_TOO_BIG && s->status <= SPOP_STATUS_FRAGMENTED);
	if (event == SPOP_GREETED)
		HOLDS(s->max_frame_size >= SPOP_FRAME_SIZE_MIN &&
		      s->max_frame_size <= s->own_frame_size);
	if (event == SPOP_NOTIFIED)
		HOLDS(frame->type == SPOP_NOTIFY && (frame->flags & SPOP_FLAG_FIN) &&
		      frame->payload.n <= s->own_frame_size);
}

/* All whole frames at the front of *bytes. */
static void turn(struct spop_session *s, struct sv *bytes, struct course *course)
{
	while (s->state != SPOP_CLOSED) {
		uint8_t room[SPOP_CONTROL_BYTES];
		struct outbuf out = outbuf_over(room, sizeof(room));
		struct spop_frame frame = {0};
		size_t before = bytes->n;
		enum spop_event event = spop_session_next(s, bytes, &out, &frame);
		HOLDS(!out.failed);
		check_said(outbuf_sv(&out), s, event);
		if (event == SPOP_MORE) {
			HOLDS(bytes->n == before);
			return;
		}
		check_event(s, event, &frame);
		HOLDS(event == SPOP_BROKEN || bytes->n < before);
		course->last = event;
		course->n_notified += event == SPOP_NOTIFIED;
		course->n_consumed += before - bytes->n;
		mix(course, &event, sizeof(event));
		mix(course, &frame.stream_id, sizeof(frame.stream_id));
		mix(course, &frame.frame_id, sizeof(frame.frame_id));
		mix(course, frame.payload.at, frame.payload.n);
		mix(course, room, out.n);
	}
}

static struct course run(struct sv bytes, size_t piece, uint32_t own, bool draining)
{
	struct course course = {.digest = 0xcbf29ce484222325};
	struct spop_session s;
	spop_session_init(&s, own);
	s.draining = draining;
	size_t consumed = 0;
	for (size_t have = 0; have < bytes.n && s.state != SPOP_CLOSED;) {
		have += MIN_OF(piece, bytes.n - have);
		/* a block of its own: a read past what was received is seen */
		size_t n = have - consumed;
		char *copy = malloc(n ? n : 1);
		HOLDS(copy);
		memcpy(copy, bytes.at + consumed, n);
		struct sv left = {copy, n};
		turn(&s, &left, &course);
		consumed = have - left.n;
		free(copy);
	}
	course.state = s.state;
	course.status = s.status;
	course.max_frame_size = s.max_frame_size;
	HOLDS(course.n_consumed == consumed);
	return course;
}

static void check_end(const struct course *course)
{
	HOLDS(course->n_notified == 0 || course->last == SPOP_NOTIFIED ||
	      course->state == SPOP_CLOSED);
	if (course->state != SPOP_CLOSED)
		HOLDS(course->status == SPOP_STATUS_NORMAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	struct sv bytes = {(const char *)data + 3, size - 3};
	uint32_t own = SPOP_FRAME_SIZE_MIN + data[1] * 64U;
	bool draining = data[2] & 1;
	struct course whole = run(bytes, bytes.n ? bytes.n : 1, own, draining);
	struct course pieces = run(bytes, data[0] ? data[0] : 1, own, draining);
	check_end(&whole);
	HOLDS(whole.digest == pieces.digest && whole.n_consumed == pieces.n_consumed);
	HOLDS(whole.state == pieces.state && whole.status == pieces.status);
	HOLDS(whole.max_frame_size == pieces.max_frame_size && whole.last == pieces.last);
	return 0;
}
