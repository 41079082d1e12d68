/* OpenID AuthZEN, Authorization API 1.0: subject, action, resource and context as a question of ours.
 *
 * A resource that is of a type in `types`, with a relation of that type as the action, is asked of the relations: may
 * user:anne `viewer` order:17? Every other is a request as HAProxy would tell it:
 *
 *   subject   type "workload" (or "spiffe"): its id is a SPIFFE ID. Any other: a user, whose properties are taken as the
 *             claims of a token that was verified, and whose sub is the id where they say none
 *   action    the method, in properties.method or as the name
 *   resource  path, hostname (or host), ip and service of properties; else of properties.uri; else the id is the path, or
 *             a URL
 *   context   headers, an object; ip
 *
 * source  AuthZEN Authorization API 1.0, 5 to 7; the gateways' profile of it for the members of a resource
 */
#ifndef POLICY_AUTHZEN_H
#define POLICY_AUTHZEN_H

#include "core/macros.h"
#include "model/decision.h"
#include "policy/question.h"

#include <jansson.h>

struct arena;
struct policy;
struct policy_tables_view;

/* authzen_well_formed - has it a subject with type and id, an action with a name, a resource with type and id?
 *
 * out     *ret_pointer: what is wrong, on false: "/subject/type"
 */
MUST_CHECK bool authzen_well_formed(const json_t *evaluation, const char **ret_pointer);

/* One evaluation, decided. */
struct authzen_case {
	json_t *request;          /* owned: what the decision views */
	struct request asked;     /* for the book; of a question to the relations only its method */
	struct decision decision; /* but for its event */
};

/* authzen_decide - what the policy set says to a well-formed evaluation.
 *
 * in      policy: NULL denies; tables: for relations; now_us: wall clock
 * out     *ret, freed with authzen_case_fini(): valid as long as policy, evaluation and arena
 */
void authzen_decide(const struct policy *policy, const json_t *evaluation,
                    const struct policy_tables_view *tables, int64_t now_us, struct arena *arena,
                    struct authzen_case *ret);
void authzen_case_fini(struct authzen_case *one);

/* authzen_answer - {"decision", "context": {reason, text, status, policy, service, why, event}}; owned. NULL: no memory */
MUST_CHECK json_t *authzen_answer(const struct decision *decision);

#endif
