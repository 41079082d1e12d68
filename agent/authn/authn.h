/* Who sends this request: the person by a token, the workload by its certificate, both in one identity. */
#ifndef AUTHN_AUTHN_H
#define AUTHN_AUTHN_H

#include "authn/issuer.h"
#include "authn/tokencache.h"
#include "core/arena.h"
#include "model/identity.h"
#include "model/reason.h"
#include "model/request.h"

/* The issuers of one policy set, compiled; immutable, shared between threads by who owns it. */
struct authn;

/* authn_compile - the `issuers` section of a policy set.
 *
 * in      issuers: an array, or NULL for none; pointer: where it stands, e.g. "/issuers"; env may be NULL
 * out     *ret, owned, released with authn_free(); set only on 0; d: every error found
 * errors  0, -EINVAL, -ENOMEM
 */
MUST_CHECK int authn_compile(const json_t *issuers, const char *pointer,
                             const struct authn_env *env, struct diag *d, struct authn **ret);
void authn_free(struct authn *authn);

size_t authn_n_issuers(const struct authn *authn);
const struct issuer *authn_issuer(const struct authn *authn, size_t i);

enum authn_outcome {
	AUTHN_REFUSED, /* a credential was presented that must not be believed; *why says which way */
	AUTHN_ANONYMOUS,
	AUTHN_OK, /* a user, a workload, or both */
};

/* authn_identify - never waits and never looks at the network.
 *
 * in      cache: this thread's own; now_s: Unix seconds
 * out     *ret: valid while req's bytes, the arena and the cache's next use by a request are;
 *         *why: on AUTHN_REFUSED
 */
MUST_CHECK enum authn_outcome authn_identify(const struct authn *authn, struct tokencache *cache,
                                             const struct request *req, int64_t now_s,
                                             struct arena *arena, struct identity *ret,
                                             enum reason *why);

/* authn_verify_token - one bearer token, as authn_identify() would judge it.
 * returns whether it is good; *ret is then its user, as above; *why when it is not
 */
MUST_CHECK bool authn_verify_token(const struct authn *authn, struct tokencache *cache,
                                   struct sv token, int64_t now_s, struct arena *arena,
                                   struct identity *ret, enum reason *why);

/* authn_identity_of_claims - the user that verified claims name; also for claims that `explain` is given.
 *
 * in      issuer: whose claim names hold; NULL takes the defaults. claims: an object, borrowed by *ret
 * returns false when the arena is full
 */
MUST_CHECK bool authn_identity_of_claims(const struct issuer *issuer, const json_t *claims,
                                         struct arena *arena, struct identity *ret);

/* authn_challenge - the WWW-Authenticate value for a refusal; an error code only when a credential was sent.
 * source  RFC 6750 3. lifetime: static
 */
struct sv authn_challenge(enum reason reason);

#endif
