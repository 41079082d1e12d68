#include "spop/value.h"

uint64_t spop_varint_read(struct cursor *c)
{
	uint64_t value = cursor_u8(c);
	if (value < 240)
		return value;

	for (unsigned shift = 4; shift <= 60; shift += 7) {
		uint64_t byte = cursor_u8(c);
		uint64_t part = byte << shift;
		if (part >> shift != byte || __builtin_add_overflow(value, part, &value))
			break;
		if (byte < 128)
			return c->failed ? 0 : value;
	}
	cursor_fail(c);
	return 0;
}

void spop_varint_write(struct outbuf *b, uint64_t value)
{
	if (value < 240) {
		outbuf_u8(b, (uint8_t)value);
		return;
	}
	outbuf_u8(b, (uint8_t)(value | 240));
	value = (value - 240) >> 4;
	for (; value >= 128; value = (value - 128) >> 7)
		outbuf_u8(b, (uint8_t)(value | 128));
	outbuf_u8(b, (uint8_t)value);
}

size_t spop_varint_bytes(uint64_t value)
{
	size_t n = 1;
	if (value < 240)
		return n;
	for (value = (value - 240) >> 4; value >= 128; value = (value - 128) >> 7)
		n++;
	return n + 1;
}

struct sv spop_text_read(struct cursor *c)
{
	uint64_t n = spop_varint_read(c);
	return cursor_sv(c, n);
}

void spop_text_write(struct outbuf *b, struct sv text)
{
	spop_varint_write(b, text.n);
	outbuf_put(b, text);
}

/* HAProxy sends every integer as int64, negative ones as their two's complement. */
static int64_t signed_number(uint64_t wire)
{
	int64_t number;
	memcpy(&number, &wire, sizeof(number));
	return number;
}

static int64_t unsigned_number(struct cursor *c)
{
	uint64_t number = spop_varint_read(c);
	if (number > INT64_MAX)
		cursor_fail(c);
	return c->failed ? 0 : (int64_t)number;
}

static struct netaddr address(struct cursor *c, size_t n)
{
	struct sv bytes = cursor_sv(c, n);
	if (bytes.n == 0)
		return (struct netaddr){0};
	uint8_t copy[16];
	memcpy(copy, bytes.at, n);
	return n == 4 ? netaddr_v4(copy) : netaddr_v6(copy);
}

struct spop_value spop_value_read(struct cursor *c)
{
	uint8_t head = cursor_u8(c);
	struct spop_value value = {.type = head & SPOP_DATA_TYPE_MASK};
	switch (value.type) {
	case SPOP_DATA_NULL:
		break;
	case SPOP_DATA_BOOL:
		value.truth = head & SPOP_DATA_TRUE;
		break;
	case SPOP_DATA_INT32:
	case SPOP_DATA_INT64:
		value.number = signed_number(spop_varint_read(c));
		break;
	case SPOP_DATA_UINT32:
	case SPOP_DATA_UINT64:
		value.number = unsigned_number(c);
		break;
	case SPOP_DATA_IPV4:
		value.addr = address(c, 4);
		break;
	case SPOP_DATA_IPV6:
		value.addr = address(c, 16);
		break;
	case SPOP_DATA_STRING:
	case SPOP_DATA_BINARY:
		value.text = spop_text_read(c);
		break;
	default:
		cursor_fail(c);
		break;
	}
	return c->failed ? (struct spop_value){0} : value;
}

void spop_value_string(struct outbuf *b, struct sv text)
{
	outbuf_u8(b, SPOP_DATA_STRING);
	spop_text_write(b, text);
}

void spop_value_bool(struct outbuf *b, bool truth)
{
	outbuf_u8(b, (uint8_t)(SPOP_DATA_BOOL | (truth ? SPOP_DATA_TRUE : 0)));
}

void spop_value_int32(struct outbuf *b, int32_t number)
{
	outbuf_u8(b, SPOP_DATA_INT32);
	spop_varint_write(b, (uint64_t)(int64_t)number);
}

void spop_value_uint32(struct outbuf *b, uint32_t number)
{
	outbuf_u8(b, SPOP_DATA_UINT32);
	spop_varint_write(b, number);
}
