/* An issuer's discovery document, watched: in the place of OpenID Connect, and where that has none in the place of
 * RFC 8414. Each good document tells where the keys are; after a failure the last good one stays true.
 */
#ifndef POLICY_DISCOVER_H
#define POLICY_DISCOVER_H

#include "policy/keys.h"

struct discover;
struct discovery;

/* A document came; or none is good in either place, and error says why, for people.
 *
 * returns whether a document can be used: one that cannot is fetched again as a failure is
 */
typedef bool discover_done_fn(void *user, const struct discovery *document, const char *error);

/* discover_start - in: issuer: an http or https URL; fetcher, issuer: outlive it; done: on the fetcher's thread
 * errors  0, -EINVAL no such URL, -EPERM or another -errno of the fetcher, -ENOMEM
 * thread  any but the fetcher's
 */
MUST_CHECK int discover_start(const struct policy_keys_fetcher *fetcher, const char *issuer,
                              discover_done_fn *done, void *user, struct discover **ret);
/* discover_kick - look again soon. Never blocks; also while it is being stopped. thread: any */
void discover_kick(struct discover *d);
/* discover_stop - done is not called any more once it returns; NULL is allowed. thread: any but the fetcher's */
void discover_stop(struct discover *d);
/* discover_free - after discover_stop(), when nobody kicks any more; NULL is allowed. */
void discover_free(struct discover *d);

#endif
