#ifndef ADMIN_TARGET_H
#define ADMIN_TARGET_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stddef.h>

#define TARGET_PARAMS_MAX 16   /* parameters of one query string; no operation has half as many */
#define TARGET_MAX_BYTES  8192 /* of the whole request target */

struct target_param {
	struct sv name;
	struct sv value;
};

/* The target of a request, taken apart and percent-decoded. Views into the caller's buffer. */
struct target {
	struct sv path; /* begins with '/', no empty, "." or ".." segment, no encoded slash */
	struct target_param params[TARGET_PARAMS_MAX];
	size_t n_params;
};

/* target_parse - take an origin-form request target apart (RFC 9112 3.2.1), decoding in place.
 *
 * in      raw: the bytes of the request line, overwritten
 * out     *ret, valid as long as the buffer; set only on true
 * returns false for anything that two readers could understand differently: encoded slash, backslash,
 *         NUL or control byte, dot segments, bad escapes, bytes outside ASCII, decoded text that is
 *         not UTF-8, the same parameter twice, too many parameters
 */
MUST_CHECK bool target_parse(char *raw, size_t n, struct target *ret);

/* target_param - the value of a parameter, or NULL. */
const struct sv *target_param(const struct target *target, const char *name);

enum cookie_result {
	COOKIE_NONE = 0,
	COOKIE_FOUND,
	COOKIE_REFUSED, /* the name is there twice */
};

/* target_cookie - one cookie's value in a Cookie header (RFC 6265 4.2.1).
 *
 * out     *ret: view into header; set only on COOKIE_FOUND
 */
enum cookie_result target_cookie(struct sv header, struct sv name, struct sv *ret);

#endif
