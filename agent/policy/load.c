#include "policy/load.h"

#include "authn/authn.h"
#include "authn/keyslot.h"
#include "authn/login.h"
#include "authn/workloads.h"
#include "core/fileio.h"
#include "core/jsonfields.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "fetch/fetch.h"
#include "policy/cases.h"
#include "policy/keys.h"
#include "policy/policy.h"
#include "policy/snapshot.h"

#include <errno.h>
#include <stdlib.h>

struct raw_set {
	char *api_version;
	char *schema;
	const json_t *default_action, *issuers, *credential_precedence, *logins, *basic, *types,
		*services, *policies;
	const json_t *trust_domains, *certificate_identities, *path_normalization, *tests, *limits;
	const json_t *roles;
};

#define VALUE(text, member)                                     \
	{                                                       \
		.name = (text), .kind = JSON_FIELD_VALUE,       \
		.offset = JSON_FIELD_AT(struct raw_set, member) \
	}

static const struct json_field set_fields[] = {
	{.name = "apiVersion",
         .kind = JSON_FIELD_STRING,
         .offset = JSON_FIELD_AT(struct raw_set, api_version)},
	{.name = "$schema",
         .kind = JSON_FIELD_STRING,
         .offset = JSON_FIELD_AT(struct raw_set, schema)},
	VALUE("defaultAction", default_action),
	VALUE("pathNormalization", path_normalization),
	VALUE("issuers", issuers),
	VALUE("credentialPrecedence", credential_precedence),
	VALUE("trustDomains", trust_domains),
	VALUE("certificateIdentities", certificate_identities),
	VALUE("logins", logins),
	VALUE("types", types),
	VALUE("basic", basic),
	VALUE("roles", roles),
	VALUE("services", services),
	VALUE("policies", policies),
	VALUE("limits", limits),
	VALUE("tests", tests),
};
#undef VALUE

static void raw_fini(struct raw_set *raw)
{
	json_fields_free(set_fields, ARRAY_LEN(set_fields), raw);
}

static void unrefp(struct policy **policy)
{
	policy_unref(*policy);
}

/* ---- key sets by URL ---- */

static int remember_slot(struct policy *policy, struct keyslot *slot)
{
	if (policy->n_slots == policy->room_slots) {
		size_t room = policy->room_slots ? policy->room_slots * 2 : 4;
		struct keyslot **bigger =
			reallocarray(policy->slots, room, sizeof(struct keyslot *));
		if (!bigger)
			return -ENOMEM;
		policy->slots = bigger;
		policy->room_slots = room;
	}
	policy->slots[policy->n_slots++] = slot;
	return 0;
}

/* What the hooks of authn_env are told. */
struct loading {
	struct policy *policy;
	const struct policy_env *env;
};

static bool url_allowed(void *user, const char *url)
{
	const struct loading *loading = user;
	return fetch_url_allowed(loading->env->fetch, sv_of(url));
}

/* Two references: the policy's, given back to the registry, and the issuer's own. */
static struct keyslot *keys_of(void *user, const struct key_source *source)
{
	struct policy *policy = ((struct loading *)user)->policy;
	struct keyslot *slot;
	int r = policy_keys_acquire(policy->keys, source, &slot);
	if (r == 0) {
		r = remember_slot(policy, slot);
		if (r != 0)
			policy_keys_release(policy->keys, slot);
	}
	if (r != 0) {
		errno = -r;
		return NULL;
	}
	return keyslot_ref(slot);
}

static int remember_bundle(struct policy *policy, struct trustslot *slot)
{
	struct trustslot **bigger =
		reallocarray(policy->bundles, policy->n_bundles + 1, sizeof(struct trustslot *));
	if (!bigger)
		return -ENOMEM;
	policy->bundles = bigger;
	policy->bundles[policy->n_bundles++] = slot;
	return 0;
}

static struct trustslot *bundle_of_url(void *user, const char *url)
{
	const struct loading *loading = user;
	struct policy *policy = loading->policy;
	struct trustslot *slot;
	int r = policy_bundles_acquire(policy->keys, url, &slot);
	if (r == 0) {
		r = remember_bundle(policy, slot);
		if (r != 0)
			policy_bundles_release(policy->keys, slot);
	}
	if (r != 0) {
		errno = -r;
		return NULL;
	}
	return trustslot_ref(slot);
}

/* ---- loading ---- */

static int worse(int a, int b)
{
	return a == -ENOMEM || b == 0 ? a : b;
}

static int compile_logins(const struct raw_set *raw, const struct policy_env *env, struct diag *d,
                          struct policy *policy)
{
	struct loading loading = {policy, env};
	const struct login_env outside = {
		.base_dir = env->base_dir,
		.authn = policy->authn,
		.is_allowed = env->fetch ? url_allowed : NULL,
		.user = &loading,
	};
	return logins_compile(raw->logins, "/logins", &outside, d, &policy->logins);
}

static int compile_authn(const struct raw_set *raw, const struct policy_env *env, struct diag *d,
                         struct policy *policy)
{
	struct loading loading = {policy, env};
	const struct authn_env outside = {
		.base_dir = env->base_dir,
		.keys_of = policy->keys ? keys_of : NULL,
		.bundle_of_url = policy->keys ? bundle_of_url : NULL,
		.url_allowed = env->fetch ? url_allowed : NULL,
		.user = &loading,
	};
	struct workloads *workloads = NULL;
	const struct authn_document who = {.issuers = raw->issuers,
	                                   .credential_precedence = raw->credential_precedence,
	                                   .basic = raw->basic};
	int authn = authn_compile(&who, &outside, d, &policy->authn);
	int known = workloads_compile(raw->trust_domains, raw->certificate_identities, &outside, d,
	                              &workloads);
	if (authn == 0 && known == 0)
		authn_take_workloads(policy->authn, workloads);
	else
		workloads_free(workloads);
	return worse(authn, known);
}

static int compile(const struct raw_set *raw, const struct policy_env *env, struct sv text,
                   struct diag *d, struct policy *policy)
{
	const struct authz_document document = {
		/* the values are only counted as used, not changed */
		.services = (json_t *)(uintptr_t)raw->services,
		.policies = (json_t *)(uintptr_t)raw->policies,
		.issuers = (json_t *)(uintptr_t)raw->issuers,
		.types = (json_t *)(uintptr_t)raw->types,
		.roles = (json_t *)(uintptr_t)raw->roles,
		.logins = (json_t *)(uintptr_t)raw->logins,
		.default_action = raw->default_action,
		.path_normalization = raw->path_normalization,
		.limits = (json_t *)(uintptr_t)raw->limits,
		.n_bytes = text.n,
	};
	int authn = compile_authn(raw, env, d, policy);
	int logins = authn ? 0 : compile_logins(raw, env, d, policy);
	int authz = authz_compile(&document, d, &policy->authz);
	return worse(worse(authn, logins), authz);
}

static int check_version(const struct raw_set *raw, struct diag *d)
{
	if (!raw->api_version || strcmp(raw->api_version, "haward/v1") == 0)
		return 0;
	diag_add(d, "/apiVersion", "unknown_value", "only haward/v1 is understood");
	return -EINVAL;
}

static int load_root(const json_t *root, const struct policy_env *env, struct sv text,
                     struct diag *d, struct policy *policy)
{
	CLEANUP(raw_fini) struct raw_set raw = {0};
	int fields = json_fields_read(root, set_fields, ARRAY_LEN(set_fields), "", d, &raw);
	if (!json_is_object(root))
		return fields;
	int version = check_version(&raw, d);
	int compiled = compile(&raw, env, text, d, policy);
	int tests = policy_cases_check(raw.tests,
	                               policy->authz ? authz_relations(policy->authz) : NULL, d);
	if (tests == 0)
		policy->tests = json_incref((json_t *)(uintptr_t)raw.tests);
	return worse(worse(worse(fields, version), compiled), tests);
}

int policy_load(struct sv text, const struct policy_env *env, uint64_t version, struct diag *d,
                struct policy **ret)
{
	if (text.n > DOCUMENT_MAX_BYTES) {
		diag_add(d, "", "too_large", "a policy set has at most %d bytes",
		         DOCUMENT_MAX_BYTES);
		return -EINVAL;
	}
	CLEANUP(json_decrefp) json_t *root = json_load_strict(text, 0, d);
	if (!root)
		return -EINVAL;
	CLEANUP(unrefp) struct policy *policy = policy_new();
	if (!policy)
		return -ENOMEM;
	policy->version = version;
	policy->keys = env ? env->keys : NULL;
	static const struct policy_env offline;
	if (!sha256_of(text, policy->digest))
		return -ENOMEM;
	int r = load_root(root, env ? env : &offline, text, d, policy);
	if (r != 0)
		return r;
	*ret = TAKE(policy);
	return 0;
}

int policy_load_file(const char *path, const struct policy_env *env, uint64_t version,
                     struct diag *d, char **ret_text, struct policy **ret)
{
	size_t n;
	CLEANUP(freep) char *text = NULL;
	int r = file_read(path, DOCUMENT_MAX_BYTES, &text, &n);
	if (r != 0)
		return r;
	d->text = (struct sv){text, n};
	d->file = path;
	r = policy_load(d->text, env, version, d, ret);
	*ret_text = TAKE(text); /* d views it */
	return r;
}
