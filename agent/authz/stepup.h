/* How strongly and how lately a user has to have signed in: the `authentication` of an ALLOW rule. Istio has no
 * word for it. source: RFC 9470; acr and auth_time as in OpenID Connect Core 2
 */
#ifndef AUTHZ_STEPUP_H
#define AUTHZ_STEPUP_H

#include "core/sv.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct authz_view;
struct compile;
struct compile_place;

struct authz_stepup {
	const struct sv *acr; /* the token's acr is one of them; none: any */
	size_t n_acr;
	int64_t max_age_s;  /* auth_time is no longer ago; 0: any time */
	struct sv acr_text; /* as written, with blanks between */
	struct sv age_text;
	struct sv
		challenge; /* acr_values="a b", max_age="300": what the client is to ask its issuer for */
};

/* What the caller lacks: where it stands in the rule, what they have, what is wanted. */
struct authz_stepup_lack {
	struct sv condition, value, expected;
};

/* authz_stepup_holds - false also when the claims are not known or not of their type, or the time is not told.
 *
 * out     *ret on false: views of the rule, the claims or view->scratch
 */
bool authz_stepup_holds(const struct authz_stepup *stepup, const struct authz_view *view,
                        struct authz_stepup_lack *ret);

/* authz_stepup_met - the same for a user who comes back from signing in. in: acr: one of these, with blanks between, empty:
 * any; max_age_s: 0: at any time; claims: of the ID token; now_s: Unix seconds */
bool authz_stepup_met(struct sv acr, int64_t max_age_s, const json_t *claims, int64_t now_s);

/* compile_stepup - the member `authentication` of a rule: {"acrValues": [...], "maxAge": seconds}.
 *
 * out     memory of the set; NULL when something was reported
 */
const struct authz_stepup *compile_stepup(struct compile *c, const json_t *value,
                                          const struct compile_place *at);

#endif
