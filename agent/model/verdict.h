/* What was decided about a request, by which policy, and why. */
#ifndef MODEL_VERDICT_H
#define MODEL_VERDICT_H

#include "core/sv.h"
#include "model/reason.h"

#include <stddef.h>
#include <stdint.h>

/* source: schema/spoe.md, variable `verdict`. Zero denies. */
enum verdict_effect {
	VERDICT_DENY,
	VERDICT_AUTHENTICATE, /* 401 with a challenge */
	VERDICT_REDIRECT, /* the agent's own part of signing in and out: 302, or 200 without location */
	VERDICT_LIMIT,       /* 429 */
	VERDICT_UNAVAILABLE, /* 503 */
	VERDICT_ALLOW,       /* the only one that grants */
	VERDICT_EFFECT_COUNT,
};

const char *verdict_effect_name(enum verdict_effect effect);
MUST_CHECK bool verdict_effect_find(struct sv name, enum verdict_effect *ret);

/* One condition that was looked at: what stood there and what was wanted. Never holds a secret. */
struct why {
	struct sv policy;    /* name */
	struct sv rule;      /* JSON pointer into the policy set, e.g. "/policies/3/rules/0" */
	struct sv condition; /* e.g. "from.source.requestPrincipals", "when[0]
	                        request.auth.claims[role]" */
	struct sv value;     /* what the request had; empty when absent */
	struct sv expected;  /* what the rule wants, as written */
	bool held;           /* whether it was met */
};

/* A policy that had a part in it: one of its rules held. For counting. */
struct verdict_hit {
	uint32_t policy; /* its number in the policy set */
	bool decided;
	bool would_change; /* a shadow: enforced, it would have decided otherwise */
};

enum {
	VERDICT_WHY_MAX = 4,
	VERDICT_COOKIES_MAX = 2,
	VERDICT_HITS_MAX = 4 + 8 /* groups of policies, and limits */
};

/* How the user would have to sign in. source: RFC 9470 */
struct verdict_stepup {
	struct sv
		challenge; /* , acr_values="a b", max_age="300": parameters of WWW-Authenticate; empty: none is asked for */
	struct sv acr;     /* one of these, with blanks between; empty: in any way */
	int64_t max_age_s; /* no longer ago; 0: at any time */
};

struct verdict {
	enum verdict_effect effect;
	enum reason reason;
	uint16_t status; /* HTTP status HAProxy is to answer with; 200 when allowed */

	struct sv policy;  /* the policy that decided; empty when none did */
	struct sv service; /* the service found; empty when none */
	struct sv route;   /* template of the deciding rule or the most specific match, e.g.
	                      "/orders/{id}" */
	struct sv path;    /* the normalised path that was judged */

	struct why why[VERDICT_WHY_MAX]; /* the decider first, or the nearest failed condition */
	size_t n_why;

	uint32_t retry_after_s;                /* VERDICT_LIMIT: when to try again; else 0 */
	struct sv ratelimit, ratelimit_policy; /* of the limits that it counts to; empty: none */

	struct sv challenge;                    /* WWW-Authenticate; empty when none */
	struct sv location;                     /* of a redirect; empty when none */
	struct sv cookies[VERDICT_COOKIES_MAX]; /* Set-Cookie, each; empty when none. Secrets */
	struct sv
		frame_ancestors; /* who may show this answer in a frame, as in CSP; empty: nothing is said */
	struct verdict_stepup stepup; /* where signing in better would help */

	struct sv dpop_nonce; /* DPoP-Nonce; empty when none */

	struct sv learn; /* what the answer is to teach (authz/learn.h); empty: nothing */

	bool has_shadow; /* shadow policies would have decided otherwise */
	enum verdict_effect shadow_effect;
	struct sv shadow_policy;

	struct verdict_hit hits[VERDICT_HITS_MAX];
	size_t n_hits;
};

/* verdict_deny - a denial with the reason's usual status and effect: 400, 401, 403, 429 or 503. */
struct verdict verdict_deny(enum reason reason);

#endif
