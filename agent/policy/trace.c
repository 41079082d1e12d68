#include "policy/trace.h"

#include "authz/authz.h"
#include "authz/trace.h"
#include "model/decision.h"
#include "model/request.h"
#include "policy/decide.h"
#include "policy/policy.h"

/* Whether what policies say became of it: a login sends to its provider whom they would tell 401. */
static bool came_of(const struct verdict *judged, const struct verdict *decided)
{
	if (decided->reason == REASON_RATE_LIMITED ||
	    decided->reason == REASON_QUOTA_EXCEEDED) /* limits count what is allowed */
		return judged->effect == VERDICT_ALLOW;
	if (decided->reason == REASON_LOGIN_REQUIRED)
		return judged->effect == VERDICT_AUTHENTICATE;
	if (decided->reason == REASON_STEP_UP_REQUIRED)
		return judged->reason == REASON_STEP_UP_REQUIRED;
	return judged->effect == decided->effect && judged->reason == decided->reason;
}

static json_t *not_judged(const struct decision *decision)
{
	return json_pack("{s:b, s:s}", "judged", 0, "text", reason_text(decision->verdict.reason));
}

static json_t *judged(const struct policy *policy, const struct decide_ctx *ctx,
                      const struct request *request, const struct decision *decision)
{
	struct authz_target target;
	struct verdict verdict;
	if (!policy || !authz_locate(policy_authz(policy), request, ctx->arena, &target, &verdict))
		return not_judged(decision);
	target.now_s = decision->at_us / 1000000;
	target.tuples = policy_decide_tuples(ctx);
	json_t *trace = authz_trace(policy_authz(policy), &target, request, &decision->identity,
	                            ctx->arena, &verdict);
	if (trace && !came_of(&verdict, &decision->verdict)) {
		json_decref(trace);
		return not_judged(decision);
	}
	json_object_set_new(trace, "judged", json_true());
	json_object_set_new(trace, "text", json_string(reason_text(decision->verdict.reason)));
	return trace;
}

json_t *policy_trace(const struct policy *policy, const struct decide_ctx *ctx,
                     const struct request *request, const struct decision *decision)
{
	json_t *trace = judged(policy, ctx, request, decision);
	json_object_set_new(trace, "policy_version",
	                    decision->policy_version
	                            ? json_integer((json_int_t)decision->policy_version)
	                            : json_null());
	return trace;
}
