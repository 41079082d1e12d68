/* Limits of a policy set: how often what is allowed may be done, at a rate or of a quota a day or month. They are only read here; who counts is
 * policy/limiter.h.
 *
 * A limit is for the requests that its services and rules choose, as a policy is. Its rules hold where something is
 * not known, as those of a DENY policy do. `per` says whose requests are counted together: one count for each
 * combination of values; who has no value shares one count with all who have none. Internal to this folder, but for
 * what authz.h hands out.
 */
#ifndef AUTHZ_LIMIT_H
#define AUTHZ_LIMIT_H

#include "authz/draft.h"
#include "core/gcra.h"
#include "core/quota.h"

/* One part of `per`. */
enum authz_limit_part_kind {
	AUTHZ_LIMIT_ATTRIBUTE,
	AUTHZ_LIMIT_SERVICE, /* "destination.service" */
	AUTHZ_LIMIT_ROUTE,   /* "route": the path pattern of the limit's rule that holds */
};

struct authz_limit_part {
	enum authz_limit_part_kind kind;
	struct authz_attribute attribute;
};

struct authz_limit {
	struct sv name;
	struct sv policy;    /* "limit:NAME", as the book says it */
	struct sv pointer;   /* into the policy set: "/limits/2" */
	struct sv expected;  /* "100 in 60 s" */
	struct sv condition; /* "per request.auth.principal" */
	uint32_t number;     /* of what is counted: authz_part_name() */
	enum authz_mode mode;
	int64_t requests, period_s; /* of a quota: the longest that its period may be */
	enum quota_period period;   /* QUOTA_NONE: a rate */
	struct gcra_rate rate;
	uint64_t
		identity; /* the same as long as name and numbers are: a publication resets no count */
	const struct authz_limit_part *parts;
	size_t n_parts;
	const struct authz_rule *rules;
	size_t n_rules; /* 0: every request */
};

/* The limits for one service, or for all. */
struct authz_limit_list {
	const struct authz_limit *limit;
	const struct authz_limit_list *next;
};

/* authz_limits_compile - the member `limits`; after services and roles. errors: 0, -ENOMEM; the document's in d->c */
MUST_CHECK int authz_limits_compile(struct drafting *d, const json_t *list);

#endif
