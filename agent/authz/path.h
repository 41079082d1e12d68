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
	struct sv normal; /* unreserved escapes decoded, slashes merged; or what the mode says */
	struct sv
		written; /* escapes and slashes as the client wrote them; in Istio's modes the normal form as
	                        patterns are kept: upper-case escapes */
	struct sv
		bare; /* the normal form without ";..." in any segment; in Istio's modes the normal form */
	bool differs;        /* written is not normal: both have to be judged */
	bool has_parameters; /* bare is not normal: likewise */
};

/* How a service takes paths (`pathNormalization`). Zero is ours: what two servers could read in two ways is
 * refused. The others are Istio's, for services that are known to read paths so: nothing is refused there but what
 * no server takes, and who forwards the request has to forward this form. */
enum authz_path_mode {
	AUTHZ_PATH_STRICT = 0,
	AUTHZ_PATH_NONE, /* as written */
	AUTHZ_PATH_BASE, /* RFC 3986 6.2.2: unreserved escapes decoded, dot segments removed; \ is / */
	AUTHZ_PATH_MERGE_SLASHES,            /* and slashes merged */
	AUTHZ_PATH_DECODE_AND_MERGE_SLASHES, /* and before all of it %2F and %5C decoded */
	AUTHZ_PATH_MODE_COUNT,
};
extern const char *const authz_path_mode_names[AUTHZ_PATH_MODE_COUNT];

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

/* authz_path_normalise_as - the same in a mode; a fragment is cut off in Istio's.
 *
 * errors  false: in Istio's modes only %00, control bytes and spaces, invalid escapes, no leading '/', too long,
 *         scratch full
 * source  Istio, MeshConfig.ProxyPathNormalization; Envoy, path normalization
 */
MUST_CHECK bool authz_path_normalise_as(enum authz_path_mode mode, struct sv raw,
                                        struct arena *scratch, struct authz_path *ret,
                                        const char **ret_why);

/* authz_path_merges - does the mode make one slash of several? */
bool authz_path_merges(enum authz_path_mode mode);

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
