#include "policy/policy.h"

#include "authn/authn.h"
#include "authn/login.h"
#include "policy/keys.h"
#include "policy/snapshot.h"

#include <stdlib.h>

struct policy *policy_new(void)
{
	static atomic_uint_fast64_t last_generation;
	struct policy *policy = calloc(1, sizeof(*policy));
	if (!policy)
		return NULL;
	refcount_init(&policy->refs);
	policy->generation = atomic_fetch_add(&last_generation, 1) + 1;
	return policy;
}

struct policy *policy_ref(struct policy *policy)
{
	if (policy)
		refcount_ref(&policy->refs);
	return policy;
}

void policy_unref(struct policy *policy)
{
	if (!policy || !refcount_unref(&policy->refs))
		return;
	logins_free(policy->logins); /* views authn */
	authn_free(policy->authn);
	authz_free(policy->authz);
	for (size_t i = 0; i < policy->n_slots; i++)
		policy_keys_release(policy->keys, policy->slots[i]);
	free(policy->slots);
	for (size_t i = 0; i < policy->n_bundles; i++)
		policy_bundles_release(policy->keys, policy->bundles[i]);
	free(policy->bundles);
	free(policy->hit_places);
	json_decref(policy->tests);
	free(policy);
}

uint64_t policy_version(const struct policy *policy)
{
	return policy->version;
}

uint64_t policy_generation(const struct policy *policy)
{
	return policy->generation;
}

const uint8_t *policy_digest(const struct policy *policy)
{
	return policy->digest;
}

const struct authn *policy_authn(const struct policy *policy)
{
	return policy->authn;
}

const struct authz *policy_authz(const struct policy *policy)
{
	return policy->authz;
}

const struct logins *policy_login_set(const struct policy *policy)
{
	return policy->logins;
}

struct authz_counts policy_count(const struct policy *policy)
{
	return authz_count(policy->authz);
}
