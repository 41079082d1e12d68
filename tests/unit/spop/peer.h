/* HAProxy's side of the protocol: frames as it writes them, and ours read back. Bytes for the code under test
 * stand in heap blocks of their exact size, so that a read past the end is seen. */
#ifndef UNIT_SPOP_PEER_H
#define UNIT_SPOP_PEER_H

#include "spop/frame.h"
#include "spop/value.h"
#include "support/cmocka_prelude.h"

#include <stdlib.h>

enum { PEER_ROOM = 32768 };

/* What HAProxy says, in the order it says it. */
struct peer {
	uint8_t room[PEER_ROOM];
	struct outbuf out;
	size_t frame_at;
};

static inline void peer_init(struct peer *p)
{
	p->out = outbuf_over(p->room, sizeof(p->room));
	p->frame_at = 0;
}

static inline void peer_frame(struct peer *p, unsigned type, uint32_t flags, uint64_t stream_id,
                              uint64_t frame_id)
{
	p->frame_at = p->out.n;
	outbuf_u32be(&p->out, 0);
	outbuf_u8(&p->out, (uint8_t)type);
	outbuf_u32be(&p->out, flags);
	spop_varint_write(&p->out, stream_id);
	spop_varint_write(&p->out, frame_id);
}

static inline void peer_end(struct peer *p)
{
	struct outbuf length = outbuf_over(p->room + p->frame_at, SPOP_LENGTH_BYTES);
	assert_false(p->out.failed);
	outbuf_u32be(&length, (uint32_t)(p->out.n - p->frame_at - SPOP_LENGTH_BYTES));
}

static inline void peer_name(struct peer *p, const char *name)
{
	spop_text_write(&p->out, sv_of(name));
}

static inline void peer_string(struct peer *p, const char *name, const char *value)
{
	peer_name(p, name);
	spop_value_string(&p->out, sv_of(value));
}

static inline void peer_uint32(struct peer *p, const char *name, uint32_t value)
{
	peer_name(p, name);
	spop_value_uint32(&p->out, value);
}

static inline void peer_bool(struct peer *p, const char *name, bool value)
{
	peer_name(p, name);
	spop_value_bool(&p->out, value);
}

/* A value by its bytes, type first. */
static inline void peer_value(struct peer *p, const char *name, struct sv value)
{
	peer_name(p, name);
	outbuf_put(&p->out, value);
}

/* As HAProxy sends every number: an int64 in two's complement. */
static inline void peer_number(struct peer *p, const char *name, int64_t value)
{
	peer_name(p, name);
	outbuf_u8(&p->out, SPOP_DATA_INT64);
	spop_varint_write(&p->out, (uint64_t)value);
}

static inline void peer_message(struct peer *p, const char *name, unsigned n_arguments)
{
	peer_name(p, name);
	outbuf_u8(&p->out, (uint8_t)n_arguments);
}

/* The HELLO of HAProxy 3.1 and later. */
static inline void peer_hello(struct peer *p, uint32_t max_frame_size, bool healthcheck)
{
	peer_frame(p, SPOP_HAPROXY_HELLO, SPOP_FLAG_FIN, 0, 0);
	peer_string(p, "supported-versions", "2.0");
	peer_uint32(p, "max-frame-size", max_frame_size);
	peer_string(p, "capabilities", healthcheck ? "" : "pipelining");
	if (healthcheck)
		peer_bool(p, "healthcheck", true);
	else
		peer_string(p, "engine-id", "0a5cd2a9-8be4-4d9c-9d0c-5a2f6cdbd6a1");
	peer_end(p);
}

static inline void peer_notify(struct peer *p, uint64_t stream_id, uint64_t frame_id,
                               const char *path)
{
	peer_frame(p, SPOP_NOTIFY, SPOP_FLAG_FIN, stream_id, frame_id);
	peer_message(p, "haward-authorize", 1);
	peer_string(p, "path", path);
	peer_end(p);
}

static inline void peer_bye(struct peer *p, uint32_t status)
{
	peer_frame(p, SPOP_HAPROXY_DISCONNECT, SPOP_FLAG_FIN, 0, 0);
	peer_uint32(p, "status-code", status);
	peer_string(p, "message", "bye");
	peer_end(p);
}

static inline struct sv peer_bytes(const struct peer *p)
{
	assert_false(p->out.failed);
	return outbuf_sv(&p->out);
}

/* A heap block of the exact size; released by exact_free(). */
static inline struct sv exact(struct sv bytes)
{
	char *copy = malloc(bytes.n ? bytes.n : 1);
	assert_non_null(copy);
	if (bytes.n)
		memcpy(copy, bytes.at, bytes.n);
	return (struct sv){copy, bytes.n};
}

static inline void exact_free(struct sv bytes)
{
	free((void *)(uintptr_t)bytes.at);
}

/* The next frame of what we said; it must be whole and have FIN set, as HAProxy wants it. */
static inline struct spop_frame heard_frame(struct sv *bytes, enum spop_frame_type type)
{
	struct spop_frame frame = {0};
	assert_int_equal(spop_frame_cut(bytes, SPOP_FRAME_SIZE_MAX, &frame), SPOP_CUT_FRAME);
	assert_int_equal(frame.type, type);
	assert_int_equal(frame.flags, SPOP_FLAG_FIN);
	return frame;
}

#endif
