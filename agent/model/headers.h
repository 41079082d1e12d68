/* The header fields of a request as HAProxy passes them, one after the other.
 * source: HAProxy configuration manual, req.hdrs_bin; SPOE.txt 3.1 varint
 */
#ifndef MODEL_HEADERS_H
#define MODEL_HEADERS_H

#include "core/cursor.h"
#include "core/macros.h"

struct headers_walk {
	struct cursor cursor;
	struct sv name, value; /* of the field at hand: views of the block */
	bool ended;            /* by the two empty strings, and nothing behind them */
};

/* headers_over - before the first field. in: block: req.hdrs_bin */
static inline struct headers_walk headers_over(struct sv block)
{
	return (struct headers_walk){.cursor = cursor_over(block)};
}

/* headers_next - the next field. returns false at the end and where the block is broken: then ended is false. */
MUST_CHECK bool headers_next(struct headers_walk *w);

#endif
