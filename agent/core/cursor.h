/* A reader over untrusted bytes. The first read that does not fit marks it failed; from then on
 * every read yields zero and consumes nothing. A decoder reads straight through and asks once, at
 * the end.
 */
#ifndef CORE_CURSOR_H
#define CORE_CURSOR_H

#include "core/sv.h"

#include <stdbool.h>
#include <stdint.h>

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

static inline struct cursor cursor_over(struct sv bytes)
{
	const uint8_t *at = (const uint8_t *)bytes.at;
	return (struct cursor){.at = at, .end = bytes.n ? at + bytes.n : at};
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

static inline void cursor_fail(struct cursor *c)
{
	c->failed = true;
	c->at = c->end;
}

/* cursor_done - nothing failed and nothing is left over. */
static inline bool cursor_done(const struct cursor *c)
{
	return !c->failed && c->at == c->end;
}

/* Compares with what is left; never adds a length from the wire to a pointer. */
static inline struct sv cursor_sv(struct cursor *c, uint64_t n)
{
	if (n > cursor_left(c)) {
		cursor_fail(c);
		return (struct sv){0};
	}
	struct sv view = {(const char *)c->at, (size_t)n};
	c->at += n;
	return view;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	if (c->at == c->end) {
		c->failed = true;
		return 0;
	}
	return *c->at++;
}

static inline uint64_t cursor_be(struct cursor *c, unsigned n_bytes)
{
	if (cursor_left(c) < n_bytes) {
		cursor_fail(c);
		return 0;
	}
	uint64_t value = 0;
	for (unsigned i = 0; i < n_bytes; i++)
		value = value << 8 | *c->at++;
	return value;
}

static inline uint16_t cursor_u16be(struct cursor *c)
{
	return (uint16_t)cursor_be(c, 2);
}

static inline uint32_t cursor_u32be(struct cursor *c)
{
	return (uint32_t)cursor_be(c, 4);
}

static inline uint64_t cursor_u64be(struct cursor *c)
{
	return cursor_be(c, 8);
}

#endif
