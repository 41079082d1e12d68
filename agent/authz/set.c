#include "authz/set.h"

#include "authz/authz.h"
#include "authz/compile.h"
#include "authz/draft.h"
#include "authz/expression.h"
#include "authz/limit.h"
#include "authz/rollout.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "core/names.h"

#include <errno.h>
#include <stdlib.h>

/* Memory of the compiled form a byte of text: a path pattern of three bytes is the worst. */
enum { KEEP_FACTOR = 64, KEEP_BASE_BYTES = 1024 * 1024 };
/* And a byte of a condition: a node, its types and its candidates for two letters; and what each may name. */
enum { KEEP_CONDITION_FACTOR = 640, KEEP_CONDITION_BYTES = 8192 };

/* ---- putting the rules in order ---- */

static bool is_partial(const struct authz_policy *policy)
{
	return policy->mode == AUTHZ_MODE_ENFORCE && policy->percent < AUTHZ_PERCENT_ALL;
}

static bool is_in_group(const struct draft *draft, enum authz_group group)
{
	static const struct {
		enum authz_action action;
		enum authz_mode mode;
	} groups[] = {
		[AUTHZ_GROUP_DENY] = {AUTHZ_ACTION_DENY, AUTHZ_MODE_ENFORCE},
		[AUTHZ_GROUP_DENY_SHADOW] = {AUTHZ_ACTION_DENY, AUTHZ_MODE_SHADOW},
		[AUTHZ_GROUP_ALLOW] = {AUTHZ_ACTION_ALLOW, AUTHZ_MODE_ENFORCE},
		[AUTHZ_GROUP_ALLOW_SHADOW] = {AUTHZ_ACTION_ALLOW, AUTHZ_MODE_SHADOW},
	};
	const struct authz_policy *policy = &draft->policy;
	bool is_both = is_partial(policy) && groups[group].mode == AUTHZ_MODE_SHADOW;
	return policy->action == groups[group].action &&
	       (policy->mode == groups[group].mode || is_both);
}

static int index_rule(struct authz *set, const struct draft *draft, const struct authz_rule *rule,
                      uint32_t id)
{
	int r = 0;
	if (!draft->targets)
		return authz_index_add(set->index, AUTHZ_SPACE_COMMON, rule, id);
	for (size_t i = 0; i < draft->n_targets && r == 0; i++)
		r = authz_index_add(set->index, draft->targets[i]->space, rule, id);
	return r;
}

static int add_partial(struct authz *set, const struct authz_policy *policy,
                       const struct authz_partial **list)
{
	struct authz_partial *partial = arena_alloc(&set->keep, sizeof(*partial));
	if (!partial)
		return -ENOMEM;
	*partial = (struct authz_partial){policy, *list};
	*list = partial;
	return 0;
}

/* Policies without rules count too: an ALLOW that never matches still ends the default. */
static int mark_allow(struct authz *set, const struct draft *draft,
                      const struct authz_policy *policy)
{
	bool enforced = policy->mode == AUTHZ_MODE_ENFORCE && !is_partial(policy);
	int r = 0;
	if (policy->action != AUTHZ_ACTION_ALLOW || policy->mode == AUTHZ_MODE_DISABLED)
		return 0;
	if (!draft->targets) {
		set->has_allow = set->has_allow || enforced;
		set->has_allow_shadowed = true;
		r = is_partial(policy) ? add_partial(set, policy, &set->partials) : 0;
	}
	for (size_t i = 0; i < draft->n_targets && r == 0; i++) {
		struct authz_service *service = draft->targets[i];
		service->has_allow = service->has_allow || enforced;
		service->has_allow_shadowed = true;
		r = is_partial(policy) ? add_partial(set, policy, &service->partials) : 0;
	}
	return r;
}

static int rank_group(struct drafting *d, enum authz_group group)
{
	struct authz *set = d->set;
	int r = 0;
	for (size_t i = 0; i < d->n && r == 0; i++) {
		if (!is_in_group(&d->drafts[i], group))
			continue;
		for (size_t k = 0; k < d->drafts[i].n_rules && r == 0; k++) {
			const struct authz_rule *rule = &d->drafts[i].rules[k];
			uint32_t id = (uint32_t)set->n_ranked++;
			set->rules[id] = (struct authz_ranked){rule, group};
			r = index_rule(set, &d->drafts[i], rule, id);
		}
	}
	return r;
}

/* The policies move into the set's own memory; their rules point there. */
static int keep_policies(struct drafting *d)
{
	struct authz_policy *kept = arena_array(&d->set->keep, d->n + 1, sizeof(*kept));
	size_t n_ranked = 0;
	if (!kept)
		return -ENOMEM;
	for (size_t i = 0; i < d->n; i++) {
		size_t n = d->drafts[i].n_rules;
		kept[i] = d->drafts[i].policy;
		kept[i].number = (uint32_t)i;
		d->set->n_rules += kept[i].mode == AUTHZ_MODE_DISABLED ? 0 : n;
		n_ranked += is_partial(&kept[i]) ? n * 2 : n;
		for (size_t k = 0; k < n; k++)
			d->drafts[i].rules[k].policy = &kept[i];
	}
	d->set->n_policies = d->n_policies;
	d->set->parts = kept;
	d->set->n_parts = d->n;
	d->set->rules = arena_array(&d->set->keep, n_ranked + 1, sizeof(*d->set->rules));
	return d->set->rules ? 0 : -ENOMEM;
}

static int mark_allows(struct drafting *d)
{
	int r = 0;
	for (size_t i = 0; i < d->n && r == 0; i++)
		r = mark_allow(d->set, &d->drafts[i], &d->set->parts[i]);
	return r;
}

static int rank_rules(struct drafting *d)
{
	int r = keep_policies(d);
	if (r == 0)
		r = mark_allows(d);
	d->set->index = authz_index_new();
	if (r == 0 && !d->set->index)
		r = -ENOMEM;
	for (unsigned group = 0; group < AUTHZ_GROUP_COUNT && r == 0; group++)
		r = rank_group(d, (enum authz_group)group);
	if (r == 0)
		r = authz_index_seal(d->set->index);
	if (r == -E2BIG) {
		struct compile_place at = {"/policies"};
		compile_report(&d->c, &at, "too_large",
		               "services times paths give more than %d index entries",
		               INDEX_MAX_ENTRIES);
		r = 0;
	}
	return r;
}

/* ---- the set ---- */

static void compile_default(struct drafting *d, const json_t *value)
{
	struct compile_place at = {"/defaultAction"};
	unsigned action = AUTHZ_DEFAULT_DENY;
	if (value &&
	    !names_find(authz_default_names, AUTHZ_DEFAULT_COUNT, json_string_sv(value), &action))
		compile_report(&d->c, &at, "unknown_value", "DENY or ALLOW is expected here");
	d->set->default_action = (enum authz_default)action;
}

static void compile_path_mode(struct drafting *d, const json_t *value)
{
	struct compile_place at = {"/pathNormalization"};
	unsigned mode = AUTHZ_PATH_STRICT;
	if (value &&
	    !names_find(authz_path_mode_names, AUTHZ_PATH_MODE_COUNT, json_string_sv(value), &mode))
		compile_report(&d->c, &at, "unknown_value",
		               "STRICT, NONE, BASE, MERGE_SLASHES or DECODE_AND_MERGE_SLASHES is "
		               "expected here");
	d->set->path_mode = (enum authz_path_mode)mode;
}

static int compile_set(struct drafting *d, const struct authz_document *document)
{
	struct compile_place at = {"/types"};
	compile_default(d, document->default_action);
	compile_path_mode(d, document->path_normalization);
	relation_model_compile(&d->c, document->types, &at, &d->set->relations);
	d->c.relations = &d->set->relations;
	at = (struct compile_place){"/roles"};
	authz_roles_compile(&d->c, document->roles, &at, &d->set->roles);
	d->c.roles = &d->set->roles;
	at = (struct compile_place){"/services"};
	d->set->services = authz_services_compile(
		&d->c, document->services, &at,
		(struct authz_service_defaults){d->set->default_action, d->set->path_mode});
	if (!d->set->services)
		return d->c.failed ? -EINVAL : -ENOMEM;
	if (authz_services_count(d->set->services) == 0)
		d->c.keeps_slashes = !authz_path_merges(d->set->path_mode);
	int r = drafting_compile(d, document->policies, document->roles);
	if (r == 0)
		r = authz_limits_compile(d, document->limits);
	if (r == 0 && !d->c.failed)
		r = rank_rules(d);
	if (r == 0 && d->c.failed)
		r = -EINVAL;
	return r;
}

/* What the conditions of all rules may take. */
static size_t conditions_room(const json_t *policies)
{
	size_t room = 0, i, k;
	json_t *policy, *rule;
	json_array_foreach(policies, i, policy)
	{
		json_array_foreach(json_object_get(policy, "rules"), k, rule)
		{
			const json_t *condition = json_object_get(rule, "condition");
			if (json_is_string(condition))
				room += KEEP_CONDITION_BYTES +
				        KEEP_CONDITION_FACTOR * json_string_length(condition);
		}
	}
	return room;
}

static struct authz *authz_new(const struct authz_document *document)
{
	struct authz *set = calloc(1, sizeof(*set));
	if (!set)
		return NULL;
	size_t room = document->n_bytes * KEEP_FACTOR + KEEP_BASE_BYTES +
	              conditions_room(document->policies) + conditions_room(document->limits);
	if (arena_init(&set->keep, room) != 0) {
		free(set);
		return NULL;
	}
	set->services_json = json_incref(document->services);
	set->policies_json = json_incref(document->policies);
	set->issuers_json = json_incref(document->issuers);
	set->types_json = json_incref(document->types);
	set->roles_json = json_incref(document->roles);
	set->limits_json = json_incref(document->limits);
	return set;
}

static void freep_authz(struct authz **set)
{
	authz_free(*set);
}

int authz_compile(const struct authz_document *document, struct diag *d, struct authz **ret)
{
	CLEANUP(freep_authz) struct authz *set = authz_new(document);
	if (!set)
		return -ENOMEM;
	CLEANUP(drafting_fini)
	struct drafting drafting = {.c = {.keep = &set->keep,
	                                  .diag = d,
	                                  .logins = document->logins,
	                                  .expressions = &set->expressions},
	                            .set = set};
	int r = compile_set(&drafting, document);
	if (r != 0)
		return r;
	*ret = TAKE(set);
	return 0;
}

void authz_free(struct authz *authz)
{
	if (!authz)
		return;
	authz_services_free(authz->services);
	authz_index_free(authz->index);
	authz_expressions_fini(authz->expressions);
	json_decref(authz->services_json);
	json_decref(authz->policies_json);
	json_decref(authz->issuers_json);
	json_decref(authz->types_json);
	json_decref(authz->roles_json);
	json_decref(authz->limits_json);
	arena_fini(&authz->keep);
	free(authz);
}

struct authz_counts authz_count(const struct authz *authz)
{
	return (struct authz_counts){.services = authz_services_count(authz->services),
	                             .policies = authz->n_policies,
	                             .rules = authz->n_rules};
}

size_t authz_n_parts(const struct authz *authz)
{
	return authz->n_parts + authz->n_counted_limits;
}

struct sv authz_part_name(const struct authz *authz, uint32_t number)
{
	return number < authz->n_parts ? authz->parts[number].name
	                               : authz->counted_limits[number - authz->n_parts].policy;
}
