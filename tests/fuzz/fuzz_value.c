/* Typed values stay inside their bytes, and SPOP has one way to write a number: what is read is written back as
 * the very same bytes. */
#include "spop/value.h"

#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(struct sv part, struct sv whole)
{
	return part.n == 0 || (part.at >= whole.at && part.at + part.n <= whole.at + whole.n);
}

static bool is_same(const struct spop_value *a, const struct spop_value *b)
{
	return a->type == b->type && a->truth == b->truth && a->number == b->number &&
	       netaddr_eq(&a->addr, &b->addr) && sv_eq(a->text, b->text);
}

static void check_numbers(struct sv bytes)
{
	struct cursor c = cursor_over(bytes);
	while (cursor_left(&c)) {
		const char *from = (const char *)c.at;
		uint64_t number = spop_varint_read(&c);
		if (c.failed) {
			HOLDS(number == 0);
			return;
		}
		uint8_t room[10];
		struct outbuf b = outbuf_over(room, sizeof(room));
		spop_varint_write(&b, number);
		HOLDS(!b.failed);
		HOLDS(sv_eq(outbuf_sv(&b), (struct sv){from, (size_t)((const char *)c.at - from)}));
	}
}

/* Writes what our side can write of this value; returns false for the types that only HAProxy sends. */
static bool write_back(const struct spop_value *value, struct outbuf *b)
{
	switch (value->type) {
	case SPOP_DATA_BOOL:
		spop_value_bool(b, value->truth);
		return true;
	case SPOP_DATA_INT32:
		spop_value_int32(b, (int32_t)value->number);
		return value->number >= INT32_MIN && value->number <= INT32_MAX;
	case SPOP_DATA_UINT32:
		spop_value_uint32(b, (uint32_t)value->number);
		return value->number <= UINT32_MAX;
	case SPOP_DATA_STRING:
		spop_value_string(b, value->text);
		return true;
	case SPOP_DATA_NULL:
	case SPOP_DATA_INT64:
	case SPOP_DATA_UINT64:
	case SPOP_DATA_IPV4:
	case SPOP_DATA_IPV6:
	case SPOP_DATA_BINARY:
		return false;
	}
	abort(); /* a type that is none was read */
}

static void check_value(const struct spop_value *value, struct sv bytes, uint8_t *room)
{
	HOLDS(is_inside(value->text, bytes));
	HOLDS(value->addr.family == 0 || value->type == SPOP_DATA_IPV4 ||
	      value->type == SPOP_DATA_IPV6);
	struct outbuf b = outbuf_over(room, bytes.n + 16);
	if (!write_back(value, &b))
		return;
	HOLDS(!b.failed);
	struct cursor c = cursor_over(outbuf_sv(&b));
	struct spop_value again = spop_value_read(&c);
	HOLDS(cursor_done(&c) && is_same(value, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sv bytes = {(const char *)data, size};
	static const struct spop_value none;
	uint8_t *room = malloc(size + 16);
	struct cursor c = cursor_over(bytes);
	HOLDS(room);
	check_numbers(bytes);
	while (cursor_left(&c)) {
		struct spop_value value = spop_value_read(&c);
		if (c.failed)
			HOLDS(is_same(&value, &none) && cursor_left(&c) == 0);
		else
			check_value(&value, bytes, room);
	}
	free(room);
	return 0;
}
