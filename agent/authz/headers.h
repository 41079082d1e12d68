/* Header fields out of HAProxy's req.hdrs_bin: length and bytes of name and value in turn. */
#ifndef AUTHZ_HEADERS_H
#define AUTHZ_HEADERS_H

#include "core/arena.h"
#include "core/macros.h"
#include "core/sv.h"

/* What one header field says. */
struct authz_header {
	struct sv
		joined; /* all fields of the name, with "," between; at is NULL when there is none */
	const struct sv *fields; /* each of them, when there are several */
	size_t n_fields;
};

/* authz_headers_find - all fields of one name.
 *
 * in      name: any case
 * out     *ret: views or scratch memory; set on true
 * errors  false: the block is not well formed or scratch is full
 * source  HAProxy configuration manual, req.hdrs_bin; SPOE.txt 3.1 varint; RFC 9110 5.3
 */
MUST_CHECK bool authz_headers_find(struct sv headers, struct sv name, struct arena *scratch,
                                   struct authz_header *ret);

#endif
