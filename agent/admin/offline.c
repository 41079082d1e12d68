#include "admin/offline.h"

#include "admin/call.h"
#include "admin/reply.h"
#include "core/diag.h"
#include "policy/load.h"

#include <errno.h>

struct policy *offline_policy(struct call *call, struct sv text)
{
	struct policy *policy = NULL;
	const struct policy_env offline = {.base_dir = call->admin->deps.policy_env->base_dir};
	struct diag diag = diag_over(NULL, text);
	int r = policy_load(text, &offline, 0, &diag, &policy);
	if (r == -EINVAL)
		reply_invalid(call, &diag, "The policy set has errors.");
	else if (r != 0)
		reply_error(call, r, "the policy set could not be loaded");
	diag_fini(&diag);
	return policy;
}
