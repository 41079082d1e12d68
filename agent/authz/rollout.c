#include "authz/rollout.h"

#include "core/hash.h"
#include "model/identity.h"
#include "model/request.h"

/* source: MurmurHash3's 64-bit finaliser, public domain */
static uint64_t spread(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdU;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53U;
	return h ^ h >> 33;
}

static struct sv caller_of(const struct authz_view *view, char text[static NETADDR_TEXT_BYTES])
{
	if (view->who->principal.n > 0)
		return view->who->principal;
	if (view->who->workload.n > 0)
		return view->who->workload;
	return view->request->src.family ? netaddr_format(&view->request->src, text)
	                                 : (struct sv){0};
}

bool authz_rollout_has(const struct authz_policy *policy, const struct authz_view *view)
{
	char text[NETADDR_TEXT_BYTES];
	if (policy->percent >= AUTHZ_PERCENT_ALL || policy->percent == 0)
		return policy->percent > 0;
	struct sv caller = caller_of(view, text);
	if (caller.n == 0)
		return policy->action == AUTHZ_ACTION_DENY;
	uint64_t h = spread(hash_fnv1a(policy->name)) ^ hash_fnv1a(caller);
	return spread(h) % AUTHZ_PERCENT_ALL < policy->percent;
}
