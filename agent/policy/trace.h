/* Why a decision is what it is, in full: authz/trace.h for what was decided here. */
#ifndef POLICY_TRACE_H
#define POLICY_TRACE_H

#include "core/macros.h"

#include <jansson.h>

struct decide_ctx;
struct decision;
struct policy;
struct request;

/* policy_trace - in: as they were given to policy_decide() or policy_decide_as(), which gave the decision
 *
 * returns an owned object, schema/openapi.json's Trace: where policies did not decide (a refused credential, a path
 * that is ambiguous) it says so and tells none. NULL: no memory
 */
MUST_CHECK json_t *policy_trace(const struct policy *policy, const struct decide_ctx *ctx,
                                const struct request *request, const struct decision *decision);

#endif
