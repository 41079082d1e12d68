/* HAProxy's side of the wire in whole frames: what its versions send, and what stands in our answers. */
#ifndef UNIT_SPOP_HAPROXY_H
#define UNIT_SPOP_HAPROXY_H

#include "spop/frame.h"
#include "spop/value.h"
#include "support/cmocka_prelude.h"

enum { HAPROXY_BYTES = 65536 };

struct haproxy {
	uint8_t bytes[HAPROXY_BYTES];
	struct outbuf out;
};

static inline void haproxy_init(struct haproxy *p)
{
	p->out = outbuf_over(p->bytes, sizeof(p->bytes));
}

static inline struct sv haproxy_sent(const struct haproxy *p)
{
	assert_false(p->out.failed);
	return outbuf_sv(&p->out);
}

static inline void haproxy_text(struct outbuf *b, const char *name, const char *value)
{
	spop_text_write(b, sv_of(name));
	spop_value_string(b, sv_of(value));
}

static inline void haproxy_hello_items(struct outbuf *b, const char *versions, uint32_t frame_size,
                                       const char *capabilities)
{
	if (versions)
		haproxy_text(b, "supported-versions", versions);
	if (frame_size) {
		spop_text_write(b, SVL("max-frame-size"));
		spop_value_uint32(b, frame_size);
	}
	if (capabilities)
		haproxy_text(b, "capabilities", capabilities);
}

/* As HAProxy 2.6 sends it. */
static inline void haproxy_hello(struct haproxy *p, bool healthcheck)
{
	size_t at = spop_frame_open(&p->out, SPOP_HAPROXY_HELLO, 0, 0);
	haproxy_hello_items(&p->out, "2.0", 16380, "pipelining,async");
	if (healthcheck) {
		spop_text_write(&p->out, SVL("healthcheck"));
		spop_value_bool(&p->out, true);
	}
	haproxy_text(&p->out, "engine-id", "DB0EDB4A-3D61-4D4E-B7A1-7F1B7A0B0001");
	spop_frame_close(&p->out, at);
}

static inline void haproxy_notify(struct haproxy *p, uint64_t stream_id, uint64_t frame_id,
                                  const char *path)
{
	size_t at = spop_frame_open(&p->out, SPOP_NOTIFY, stream_id, frame_id);
	spop_text_write(&p->out, SVL("haward-authorize"));
	outbuf_u8(&p->out, 2);
	haproxy_text(&p->out, "method", "GET");
	haproxy_text(&p->out, "path", path);
	spop_frame_close(&p->out, at);
}

static inline void haproxy_goodbye(struct haproxy *p, uint32_t status)
{
	size_t at = spop_frame_open(&p->out, SPOP_HAPROXY_DISCONNECT, 0, 0);
	spop_text_write(&p->out, SVL("status-code"));
	spop_value_uint32(&p->out, status);
	haproxy_text(&p->out, "message", "bye");
	spop_frame_close(&p->out, at);
}

/* The value of a key in the payload of a HELLO or DISCONNECT; type NULL when it is not there. */
static inline struct spop_value haproxy_item(struct sv payload, const char *key)
{
	struct cursor c = cursor_over(payload);
	while (cursor_left(&c)) {
		struct sv name = spop_text_read(&c);
		struct spop_value value = spop_value_read(&c);
		assert_false(c.failed);
		if (sv_eq(name, sv_of(key)))
			return value;
	}
	return (struct spop_value){0};
}

/* One frame of ours, off the front. */
static inline struct spop_frame haproxy_read(struct sv *bytes)
{
	struct spop_frame frame = {0};
	assert_int_equal(spop_frame_cut(bytes, HAPROXY_BYTES, &frame), SPOP_CUT_FRAME);
	assert_int_equal(frame.flags, SPOP_FLAG_FIN);
	return frame;
}

#endif
