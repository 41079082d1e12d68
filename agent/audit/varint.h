/* Numbers of 7 bits a byte, least first, in their shortest form only. */
#ifndef AUDIT_VARINT_H
#define AUDIT_VARINT_H

#include "core/cursor.h"
#include "core/outbuf.h"

enum { VARINT_MAX = 10 };

static inline size_t varint_bytes(uint64_t value, uint8_t room[VARINT_MAX])
{
	size_t n = 0;
	for (; value >= 0x80; value >>= 7)
		room[n++] = (uint8_t)(value | 0x80);
	room[n++] = (uint8_t)value;
	return n;
}

static inline void varint_put(struct outbuf *out, uint64_t value)
{
	if (value < 0x80) {
		outbuf_u8(out, (uint8_t)value);
		return;
	}
	uint8_t room[VARINT_MAX];
	outbuf_bytes(out, room, varint_bytes(value, room));
}

static inline uint64_t varint_read_long(struct cursor *c)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint64_t byte = cursor_u8(c);
		uint64_t part = (byte & 0x7f) << shift;
		bool padded = byte == 0 && shift > 0;
		if (part >> shift != (byte & 0x7f) || padded)
			break;
		value |= part;
		if (byte < 0x80)
			return c->failed ? 0 : value;
	}
	cursor_fail(c);
	return 0;
}

/* Most lengths and many numbers are one byte. */
static inline uint64_t varint_read(struct cursor *c)
{
	if (c->at < c->end && *c->at < 0x80)
		return *c->at++;
	return varint_read_long(c);
}

#endif
