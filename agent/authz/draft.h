/* Policies on their way into the set: what the document says, before the rules are put in order. Internal to this
 * folder. */
#ifndef AUTHZ_DRAFT_H
#define AUTHZ_DRAFT_H

#include "authz/compile.h"
#include "authz/set.h"

/* One policy, or what one permission of a role makes. */
struct draft {
	struct authz_policy policy;
	struct authz_rule *rules;
	size_t n_rules;
	struct authz_service **targets; /* owned; NULL: every service */
	size_t n_targets;
};

/* The whole set on its way. */
struct drafting {
	struct compile c;
	struct authz *set;
	struct draft *drafts; /* the policies, then the roles' permissions */
	size_t n, n_policies;
	struct draft **by_name; /* open addressing */
	size_t mask;
};

/* drafting_compile - `policies`, and the permissions of the roles, which are compiled already.
 *
 * errors  0, -ENOMEM; what is wrong with the document is reported in d->c
 */
MUST_CHECK int drafting_compile(struct drafting *d, const json_t *policies, const json_t *roles);
void drafting_fini(struct drafting *d);

/* ---- draft_target.c ---- */

/* How services are chosen: by name, or by namespace and labels. Each may be NULL; none: every service. */
struct draft_choice {
	const json_t *services, *namespace, *selector;
};

void draft_targets(struct drafting *d, struct draft *draft, const struct draft_choice *choice,
                   const struct compile_place *at);

#endif
