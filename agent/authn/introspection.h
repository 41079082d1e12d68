/* Asking an issuer about its tokens: where, as whom, and what its answer means. source: RFC 7662 */
#ifndef AUTHN_INTROSPECTION_H
#define AUTHN_INTROSPECTION_H

#include "authn/ask.h"
#include "core/jsonfields.h"

#include <stdint.h>

struct issuer;

/* How we prove to the endpoint who asks. source: RFC 6749 2.3.1 */
enum introspection_auth { INTROSPECTION_BASIC, INTROSPECTION_POST, INTROSPECTION_AUTH_COUNT };

/* Member `introspection` of an issuer. */
struct introspection {
	char *endpoint; /* NULL: the issuer is not asked */
	char *client_id, *client_secret_file;
	unsigned auth;            /* enum introspection_auth */
	int64_t cache_s;          /* a good answer is believed for so long, or until exp */
	int64_t negative_cache_s; /* one that says the token is not active */
	bool opaque_tokens;       /* tokens that are no JWT are this issuer's */
	char *secret;             /* owned, terminated, wiped */
};
extern const struct json_field introspection_fields[];
enum { INTROSPECTION_N_FIELDS = 7 };

/* introspection_default - what holds where a member is not given. */
struct introspection introspection_default(void);
/* introspection_fini - what the fields' table does not release. */
void introspection_fini(struct introspection *introspection);

/* introspection_judge - what the endpoint's answer says of the token.
 *
 * in      now_s: Unix seconds
 * out     answer: is_good, why, until_s and claims; on false as introspection_failed() does it
 * returns NULL, or a sentence about what is wrong with the answer itself; static
 */
MUST_CHECK const char *introspection_judge(const struct issuer *issuer, struct sv body,
                                           int64_t now_s, struct authn_answer *answer);
/* introspection_failed - no usable answer came: refuse, and do not ask again for a moment. */
void introspection_failed(int64_t now_s, struct authn_answer *answer);

#endif
