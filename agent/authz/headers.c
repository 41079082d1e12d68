#include "authz/headers.h"

#include "core/cursor.h"

#include <stdint.h>
#include <string.h>

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

struct walk {
	struct cursor cursor;
	struct sv name, value;
	bool ended; /* by the two empty strings */
};

/* The next field; false at the end and where the block is broken. */
static bool next_field(struct walk *w)
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

static bool join(struct arena *scratch, struct authz_header *h)
{
	size_t n = h->n_fields - 1;
	for (size_t i = 0; i < h->n_fields; i++)
		n += h->fields[i].n;
	char *all = arena_alloc(scratch, n);
	h->joined = (struct sv){all, n};
	for (size_t i = 0; all && i < h->n_fields; i++) {
		if (i > 0)
			*all++ = ',';
		if (h->fields[i].n > 0)
			memcpy(all, h->fields[i].at, h->fields[i].n);
		all += h->fields[i].n;
	}
	return all;
}

static bool collect(struct walk w, struct sv name, struct arena *scratch, struct authz_header *ret)
{
	struct sv *fields = arena_array(scratch, ret->n_fields, sizeof(*fields));
	size_t n = 0;
	if (!fields)
		return false;
	while (n < ret->n_fields && next_field(&w))
		if (sv_eq_ci(w.name, name))
			fields[n++] = w.value;
	ret->fields = fields;
	return join(scratch, ret);
}

bool authz_headers_find(struct sv headers, struct sv name, struct arena *scratch,
                        struct authz_header *ret)
{
	const struct walk start = {.cursor = cursor_over(headers)};
	struct walk w = start;

	*ret = (struct authz_header){0};
	while (next_field(&w)) {
		if (!sv_eq_ci(w.name, name))
			continue;
		ret->joined = w.value.at ? w.value : SVL("");
		ret->n_fields++;
	}
	if (!w.ended)
		return false;
	if (ret->n_fields > 1)
		return collect(start, name, scratch, ret);
	ret->n_fields = 0;
	return true;
}
