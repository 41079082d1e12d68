#ifndef ADMIN_CALLER_H
#define ADMIN_CALLER_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stdint.h>

struct call;

#define CSRF_BYTES 44 /* base64url of 32 bytes and a NUL */

/* caller_address - note where the request comes from. */
void caller_address(struct call *call);

/* caller_host_ok - is the one Host header in the allow list? Stops DNS rebinding. */
bool caller_host_ok(const struct call *call);

/* caller_identify - find the session that the cookie names; nobody when there is none.
 *
 * errors  0, also for nobody; or a negative errno: the answer is not known, refuse
 */
MUST_CHECK int caller_identify(struct call *call);

/* caller_same_origin - does the browser, if it is one, say that our own page asks? */
bool caller_same_origin(const struct call *call);

/* caller_csrf_ok - same origin, and X-CSRF is the session's token. */
bool caller_csrf_ok(const struct call *call);

/* caller_csrf - the token of a session: derived from its id, so that it need not be stored. */
MUST_CHECK int caller_csrf(const uint8_t *session, char ret[static CSRF_BYTES]);

/* caller_set_cookie, caller_clear_cookie - into the reply. */
void caller_set_cookie(struct call *call, const uint8_t *session);
void caller_clear_cookie(struct call *call);

#endif
