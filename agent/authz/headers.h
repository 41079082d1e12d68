/* Header fields out of HAProxy's req.hdrs_bin: length and bytes of name and value in turn. */
#ifndef AUTHZ_HEADERS_H
#define AUTHZ_HEADERS_H

#include "core/arena.h"
#include "core/macros.h"
#include "core/sv.h"

/* authz_headers_find - all values of one field, joined with ",".
 *
 * in      name: any case
 * out     *ret: view or scratch memory; ret->at is NULL when there is no such field; set on true
 * errors  false: the block is not well formed or scratch is full
 * source  HAProxy configuration manual, req.hdrs_bin; SPOE.txt 3.1 varint
 */
MUST_CHECK bool authz_headers_find(struct sv headers, struct sv name, struct arena *scratch,
                                   struct sv *ret);

#endif
