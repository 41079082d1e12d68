/* Parameters out of a query, by name. source: RFC 6750 2.3; URL Standard, application/x-www-form-urlencoded */
#ifndef AUTHN_PARAM_H
#define AUTHN_PARAM_H

#include "authn/found.h"
#include "core/arena.h"
#include "core/macros.h"

/* param_find - the value of one parameter, decoded.
 *
 * in      query: without its '?'; name: decoded, exact
 * out     *ret: a view of query or arena memory; set on FOUND_ONE; may be empty
 * returns FOUND_BROKEN where the value has an unsound escape, or the arena is full; a name that has one is
 *         another name
 */
MUST_CHECK enum found param_find(struct sv query, struct sv name, struct arena *arena,
                                 struct sv *ret);

#endif
