#ifndef AUTHZ_PATH_H
#define AUTHZ_PATH_H

#include "core/arena.h"
#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>

/* A request path in the forms that somebody may take it for. The normal form is what rules, captures and
 * the audit use; the written form is what a service that decodes nothing would see, the bare form what one
 * that cuts path parameters off first would. All are without query, with upper-case escapes, and with bytes
 * outside RFC 3986 pchar escaped: those differences mean nothing to anybody (RFC 3986 6.2.2.1). */
struct authz_path {
	struct sv normal;    /* unreserved escapes decoded, slashes merged */
	struct sv written;   /* escapes and slashes as the client wrote them */
	struct sv bare;      /* the normal form without ";..." in any segment */
	bool differs;        /* written is not normal: both have to be judged */
	bool has_parameters; /* bare is not normal: likewise */
};

/* authz_path_normalise - bring a path to its one normal form, or refuse it as ambiguous.
 *
 * in      raw: as received, a query is cut off; scratch: keeps the forms when they are not views of raw
 * out     *ret on true; *ret_why, a static text saying what was refused, on false
 * errors  false: %2F %5C %00, backslash, '#', control bytes and spaces, dot segments in any spelling (also
 *         before ";"), invalid escapes, overlong UTF-8, no leading '/', too long, scratch full
 * source  RFC 3986 6.2.2; CVE lore: what one server decodes and the next does not is never let through
 */
MUST_CHECK bool authz_path_normalise(struct sv raw, struct arena *scratch, struct authz_path *ret,
                                     const char **ret_why);

/* authz_path_is_asterisk - the one path that does not start with '/': OPTIONS * (RFC 9112 3.2.4). */
bool authz_path_is_asterisk(struct sv method, struct sv path);

/* authz_path_decode - percent-decode a captured part of a normal path.
 *
 * in      text: from a normal form, so every escape in it is valid
 * out     *ret: a view of text when nothing had to be decoded, else arena memory; set on true
 * errors  false: scratch full
 */
MUST_CHECK bool authz_path_decode(struct sv text, struct arena *scratch, struct sv *ret);

#endif
