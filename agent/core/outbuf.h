/* A writer over fixed memory. The first write that does not fit is refused whole and marks it
 * failed; from then on every write is refused. An encoder writes straight through and asks once, at
 * the end.
 */
#ifndef CORE_OUTBUF_H
#define CORE_OUTBUF_H

#include "core/sv.h"

#include <stdbool.h>
#include <stdint.h>

struct outbuf {
	uint8_t *at; /* borrowed memory of max bytes */
	size_t n;    /* bytes written */
	size_t max;
	bool failed;
};

static inline struct outbuf outbuf_over(void *memory, size_t max)
{
	return (struct outbuf){.at = memory, .max = max};
}

static inline size_t outbuf_left(const struct outbuf *b)
{
	return b->max - b->n;
}

static inline struct sv outbuf_sv(const struct outbuf *b)
{
	return (struct sv){(const char *)b->at, b->n};
}

/* outbuf_reserve - room for n bytes that the caller fills at once; NULL and failed when they do not
 * fit. */
static inline uint8_t *outbuf_reserve(struct outbuf *b, size_t n)
{
	if (b->failed || n > outbuf_left(b)) {
		b->failed = true;
		return NULL;
	}
	uint8_t *room = b->at + b->n;
	b->n += n;
	return room;
}

static inline void outbuf_bytes(struct outbuf *b, const void *from, size_t n)
{
	uint8_t *room = outbuf_reserve(b, n);
	if (room && n)
		memcpy(room, from, n);
}

static inline void outbuf_put(struct outbuf *b, struct sv bytes)
{
	outbuf_bytes(b, bytes.at, bytes.n);
}

static inline void outbuf_u8(struct outbuf *b, uint8_t value)
{
	uint8_t *room = outbuf_reserve(b, 1);
	if (room)
		*room = value;
}

static inline void outbuf_be(struct outbuf *b, uint64_t value, unsigned n_bytes)
{
	uint8_t *room = outbuf_reserve(b, n_bytes);
	if (!room)
		return;
	for (unsigned i = 0; i < n_bytes; i++)
		room[i] = (uint8_t)(value >> (8 * (n_bytes - 1 - i)));
}

static inline void outbuf_u16be(struct outbuf *b, uint16_t value)
{
	outbuf_be(b, value, 2);
}

static inline void outbuf_u32be(struct outbuf *b, uint32_t value)
{
	outbuf_be(b, value, 4);
}

static inline void outbuf_u64be(struct outbuf *b, uint64_t value)
{
	outbuf_be(b, value, 8);
}

#endif
