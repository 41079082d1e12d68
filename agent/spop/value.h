/* Varints and typed values of SPOP, read and written. source: SPOE.txt 3.1 */
#ifndef SPOP_VALUE_H
#define SPOP_VALUE_H

#include "core/cursor.h"
#include "core/netaddr.h"
#include "core/outbuf.h"
#include "spop/wire.h"

/* One typed value. text borrows from the bytes that were read. */
struct spop_value {
	enum spop_data_type type;
	bool truth;          /* BOOL */
	int64_t number;      /* the integer types; a uint64 above INT64_MAX is refused when read */
	struct netaddr addr; /* IPV4, IPV6 */
	struct sv text;      /* STRING, BINARY */
};

/* spop_varint_read - at most 10 bytes; a value past 64 bits or a missing byte fails the cursor. */
uint64_t spop_varint_read(struct cursor *c);
void spop_varint_write(struct outbuf *b, uint64_t value);
/* spop_varint_bytes - how many bytes spop_varint_write() takes for it. */
size_t spop_varint_bytes(uint64_t value);

/* spop_text_read, spop_text_write - a length and that many bytes, as names and the values of strings are. */
struct sv spop_text_read(struct cursor *c);
void spop_text_write(struct outbuf *b, struct sv text);

/* spop_value_read - one typed value; an unknown type fails the cursor. */
struct spop_value spop_value_read(struct cursor *c);
/* Never flags on a string: HAProxy would take it for binary. */
void spop_value_string(struct outbuf *b, struct sv text);
void spop_value_bool(struct outbuf *b, bool truth);
void spop_value_int32(struct outbuf *b, int32_t number);
void spop_value_uint32(struct outbuf *b, uint32_t number);

#endif
