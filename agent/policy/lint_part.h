/* What the parts of lint share. Internal to this folder. */
#ifndef POLICY_LINT_PART_H
#define POLICY_LINT_PART_H

#include "core/diag.h"
#include "core/sv.h"

#include <jansson.h>
#include <stdbool.h>

enum { LINT_POINTER_BYTES = 160 };

struct linting {
	const json_t *root, *services, *policies;
	struct diag *d;
};

/* lint_text - a member's text; empty: it is none. lint_has_action - of a policy. lint_is_in_force - for everybody. */
struct sv lint_text(const json_t *object, const char *member);
bool lint_has_action(const json_t *policy, const char *action);
bool lint_is_in_force(const json_t *policy);
/* lint_is_listed - is the text one of the list? */
bool lint_is_listed(const json_t *list, struct sv text);
/* lint_is_for - does a policy, a permission or a limit choose the service? */
bool lint_is_for(const json_t *chooser, const json_t *service);
/* lint_covers - each service of the policy, and at least one, is one of the other. */
bool lint_covers(const struct linting *l, const json_t *other, const json_t *policy);
/* lint_could_be - could a principal that begins so be of this issuer? */
bool lint_could_be(struct sv start, struct sv issuer);

/* lint_operations - what rules say of operations: hosts that no service has, what a DENY rule takes whole, paths that are
 * one (lint_operation.c). lint_claims - claims that are misspelt (lint_claim.c). lint_issuers - those that nobody is let
 * in by (lint_claim.c). */
void lint_operations(const struct linting *l);
void lint_claims(const struct linting *l);
void lint_issuers(const struct linting *l);

#endif
