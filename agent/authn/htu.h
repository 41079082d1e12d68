/* The URI of a request, as a proof names it, without query and fragment. source: RFC 9449 4.2, 4.3; RFC 3986 6.2 */
#ifndef AUTHN_HTU_H
#define AUTHN_HTU_H

#include "core/macros.h"
#include "core/sv.h"

struct htu {
	bool is_https;
	struct sv host; /* as written; letters of either case are equal */
	unsigned port;  /* the scheme's own when none is written */
	struct sv path; /* as written, without what follows '?' or '#' */
};

/* htu_read - an absolute http or https URI.
 *
 * out     *ret: views of text
 * returns false when it is none, or names a user
 */
MUST_CHECK bool htu_read(struct sv text, struct htu *ret);

/* htu_of - the same of what a request has: its Host field and its path. */
MUST_CHECK bool htu_of(bool is_https, struct sv host, struct sv path, struct htu *ret);

/* htu_same - equal after normalisation: case of the host, the usual port, an empty path is "/", an escape that was
 * not needed is none, letters of an escape. Dot segments are not resolved: who sends them says so in both. */
bool htu_same(const struct htu *a, const struct htu *b);

#endif
