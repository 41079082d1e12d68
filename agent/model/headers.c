#include "model/headers.h"

static uint64_t read_length(struct cursor *c)
{
	uint64_t value = cursor_u8(c);
	if (value < 240)
		return value;

	for (unsigned shift = 4; shift <= 32; shift += 7) {
		uint64_t byte = cursor_u8(c);
		value += byte << shift;
		if (byte < 128)
			return value;
	}
	cursor_fail(c);
	return 0;
}

bool headers_next(struct headers_walk *w)
{
	if (cursor_left(&w->cursor) == 0)
		return false;
	w->name = cursor_sv(&w->cursor, read_length(&w->cursor));
	w->value = cursor_sv(&w->cursor, read_length(&w->cursor));
	if (w->cursor.failed)
		return false;
	w->ended = w->name.n == 0 && w->value.n == 0 && cursor_left(&w->cursor) == 0;
	return w->name.n > 0;
}
