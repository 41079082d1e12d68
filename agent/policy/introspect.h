/* Who performs AUTHN_ASK_INTROSPECT: asks issuers' endpoints over fetch/, and remembers how each of them does. */
#ifndef POLICY_INTROSPECT_H
#define POLICY_INTROSPECT_H

#include "policy/asks.h"

struct fetch;
struct introspect;

/* introspect_new - lifetime: fetch outlives it. errors: 0, -ENOMEM */
MUST_CHECK int introspect_new(struct fetch *fetch, struct introspect **ret);
/* introspect_free - once nothing is under way. NULL is allowed. */
void introspect_free(struct introspect *introspect);

/* introspect_performer - lifetime: as introspect */
struct policy_performer introspect_performer(struct introspect *introspect);

/* What is known about one endpoint, for people. */
struct introspect_status {
	const char *url;
	uint64_t n_asked, n_active, n_refused, n_failed;
	int64_t good_at;   /* Unix seconds of the last usable answer; 0: none yet */
	int64_t failed_at; /* of the last that was not; 0: none yet */
	const char *error; /* what was wrong with that one; "" when a good one came since */
};
typedef void introspect_each_fn(void *user, const struct introspect_status *status);

/* introspect_each - every endpoint that was asked. each must not call back. */
void introspect_each(struct introspect *introspect, introspect_each_fn *each, void *user);

#endif
