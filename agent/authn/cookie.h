/* Cookies out of the whole Cookie header, by name. source: RFC 6265 4.2.1, 5.4 */
#ifndef AUTHN_COOKIE_H
#define AUTHN_COOKIE_H

#include "authn/found.h"
#include "core/macros.h"
#include "core/sv.h"

/* cookie_find - the value of one cookie, as it stands, without the blanks around it.
 *
 * Servers differ in which of two cookies of a name they take, so two are refused: somebody who may set
 * cookies for a part of the host must not choose for the whole.
 *
 * in      header: all of the header, several joined by "; "; name: exact, as cookies are
 * out     *ret: a view of header; set on FOUND_ONE; may be empty
 */
MUST_CHECK enum found cookie_find(struct sv header, struct sv name, struct sv *ret);

struct request;

/* cookie_of - the same of a request. Of two Cookie headers, which no browser sends (RFC 6265 5.4), HAProxy tells one and
 * the service may read the other: all that is asked for in them is there twice. */
MUST_CHECK enum found cookie_of(const struct request *req, struct sv name, struct sv *ret);

#endif
