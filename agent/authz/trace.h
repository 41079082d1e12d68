/* Why a verdict is what it is, in full: every policy that was considered, every condition of it with its value.
 *
 * The verdict is authz_evaluate()'s; whether a rule matched is what authz_rule_holds() says, and each part of a rule is
 * judged by the function that judges it there. Made only when somebody asks: it is slow, and takes memory.
 */
#ifndef AUTHZ_TRACE_H
#define AUTHZ_TRACE_H

#include "core/macros.h"

#include <jansson.h>

struct arena;
struct authz;
struct authz_target;
struct identity;
struct request;
struct verdict;

enum {
	AUTHZ_TRACE_RULES_MAX = 1000,  /* that are told; the one that decided always is */
	AUTHZ_TRACE_OTHERS_MAX = 1000, /* policies that do not apply, which are named */
};

/* authz_trace - judges the request of authz_evaluate() and says why.
 *
 * in      as of authz_evaluate()
 * out     *verdict: that of authz_evaluate()
 * returns an owned object as schema/openapi.json's Trace, NULL when memory is out
 */
MUST_CHECK json_t *authz_trace(const struct authz *authz, const struct authz_target *target,
                               const struct request *request, const struct identity *who,
                               struct arena *scratch, struct verdict *verdict);

#endif
