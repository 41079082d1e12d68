#include "authz/headers.h"

#include "core/cursor.h"

#include <stdint.h>

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

static bool join(struct sv *all, struct sv value, struct arena *scratch)
{
	if (!all->at) {
		*all = value.at ? value : SVL("");
		return true;
	}
	*all = arena_printf(scratch, "%.*s,%.*s", SV_ARG(*all), SV_ARG(value));
	return all->n > 0;
}

bool authz_headers_find(struct sv headers, struct sv name, struct arena *scratch, struct sv *ret)
{
	struct cursor c = cursor_over(headers);
	struct sv all = {0};

	while (!c.failed && cursor_left(&c) > 0) {
		struct sv field = cursor_sv(&c, read_length(&c));
		struct sv value = cursor_sv(&c, read_length(&c));
		if (c.failed)
			return false;
		if (field.n == 0) {
			*ret = all;
			return value.n == 0 && cursor_left(&c) == 0;
		}
		if (sv_eq_ci(field, name) && !join(&all, value, scratch))
			return false;
	}
	return false; /* the two empty strings at the end are missing */
}
