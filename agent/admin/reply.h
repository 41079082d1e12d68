#ifndef ADMIN_REPLY_H
#define ADMIN_REPLY_H

#include "core/macros.h"
#include "core/sv.h"

#include <jansson.h>
#include <stdint.h>

struct call;
struct diag;

/* The kinds of problem: ProblemType in openapi.json, which the contract test compares. */
enum problem {
	PROBLEM_INTERNAL = 0,
	PROBLEM_INVALID_REQUEST,
	PROBLEM_INVALID_QUERY,
	PROBLEM_INVALID_CURSOR,
	PROBLEM_VALIDATION,
	PROBLEM_UNAUTHENTICATED,
	PROBLEM_FORBIDDEN,
	PROBLEM_CSRF,
	PROBLEM_NOT_FOUND,
	PROBLEM_METHOD_NOT_ALLOWED,
	PROBLEM_CONFLICT,
	PROBLEM_PRECONDITION_FAILED,
	PROBLEM_PRECONDITION_REQUIRED,
	PROBLEM_TOO_LARGE,
	PROBLEM_UNSUPPORTED_MEDIA_TYPE,
	PROBLEM_THROTTLED,
	PROBLEM_BUSY,
	PROBLEM_UNAVAILABLE,
	PROBLEM_COUNT,
};

const char *problem_name(enum problem problem);

/* Every reply_ function replaces what was to be answered before. */

/* reply_json - takes json over; NULL (out of memory) becomes an internal problem. */
void reply_json(struct call *call, unsigned status, json_t *json);

/* reply_text - takes text (malloc) over. */
void reply_text(struct call *call, unsigned status, const char *type, char *text, size_t n);

/* reply_empty - no body: 204, 304. */
void reply_empty(struct call *call, unsigned status);

/* reply_problem - RFC 9457 with the kind's own status. */
void reply_problem(struct call *call, enum problem problem, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* reply_problem_with - the same with a further member; value is taken over. */
void reply_problem_with(struct call *call, enum problem problem, const char *name, json_t *value,
                        const char *detail);

/* reply_invalid - validation, with errors[] of the diag. */
void reply_invalid(struct call *call, const struct diag *diag, const char *detail);

/* reply_bad_input - invalid-request, with errors[] of the diag, whose first one is the detail: for members
 * of a body that are no document of their own. */
void reply_bad_input(struct call *call, const struct diag *diag);

/* reply_error - a negative errno of state, audit or policy that the handler did not expect. Logged. */
void reply_error(struct call *call, int error, const char *what);

/* reply_retry - adds Retry-After. */
void reply_retry(struct call *call, unsigned seconds);

/* reply_header - adds a header to what is to be answered; name is static. */
void reply_header(struct call *call, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);

/* reply_etag - adds the ETag, quotes included in etag; a GET whose If-None-Match names it becomes 304. */
void reply_etag(struct call *call, const char *etag);

/* diag_json - errors[] of ValidationError. */
json_t *diag_json(const struct diag *diag);

/* json_time - RFC 3339 text, null for 0. json_u64 - the number as text. json_sv - text or null. */
json_t *json_time(int64_t us);
json_t *json_u64(uint64_t number);
json_t *json_sv(struct sv text);

/* reply_clear - forget what was to be answered. */
void reply_clear(struct call *call);

/* reply_send - queue the answer with the security headers. Returns what MHD's handler returns. */
int reply_send(struct call *call);

#endif
