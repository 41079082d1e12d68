#include "authz/draft.h"

#include "authz/rollout.h"
#include "core/hash.h"
#include "core/jsonfields.h"
#include "core/limits.h"

#include <errno.h>
#include <stdlib.h>

void drafting_fini(struct drafting *d)
{
	for (size_t i = 0; d->drafts && i < d->n; i++)
		free(d->drafts[i].targets);
	free(d->drafts);
	free(d->by_name);
}

/* ---- one policy ---- */

struct raw_policy {
	const json_t *name, *rules;
	struct draft_choice where;
	unsigned action, mode;
	int64_t percent;
};

#define FIELD(text, what, member, ...)                                          \
	{                                                                       \
		.name = (text), .kind = (what),                                 \
		.offset = JSON_FIELD_AT(struct raw_policy, member), __VA_ARGS__ \
	}

static const struct json_field policy_fields[] = {
	FIELD("name", JSON_FIELD_VALUE, name, .required = true),
	FIELD("action", JSON_FIELD_ENUM, action, .names = authz_action_names,
              .n_names = AUTHZ_ACTION_COUNT, .required = true),
	FIELD("mode", JSON_FIELD_ENUM, mode, .names = authz_mode_names,
              .n_names = AUTHZ_MODE_COUNT),
	FIELD("percent", JSON_FIELD_INT, percent, .min = 0, .max = AUTHZ_PERCENT_ALL),
	FIELD("services", JSON_FIELD_VALUE, where.services, .required = false),
	FIELD("namespace", JSON_FIELD_VALUE, where.namespace, .required = false),
	FIELD("selector", JSON_FIELD_VALUE, where.selector, .required = false),
	FIELD("rules", JSON_FIELD_VALUE, rules, .required = false),
};
#undef FIELD

static void enter_name(struct drafting *d, struct draft *draft, const struct compile_place *at)
{
	struct compile_place place = compile_key(at, "name");
	size_t i = hash_fnv1a(draft->policy.name) & d->mask;
	while (d->by_name[i] && !sv_eq(d->by_name[i]->policy.name, draft->policy.name))
		i = (i + 1) & d->mask;
	if (d->by_name[i])
		compile_report(&d->c, &place, "doubled_name", "another policy has the name '%.*s'",
		               SV_ARG(draft->policy.name));
	else
		d->by_name[i] = draft;
}

static void compile_policy(struct drafting *d, struct draft *draft, const json_t *value,
                           const struct compile_place *at)
{
	struct raw_policy raw = {.percent = AUTHZ_PERCENT_ALL};
	if (json_fields_read(value, policy_fields, ARRAY_LEN(policy_fields), at->pointer, d->c.diag,
	                     &raw) != 0)
		d->c.failed = true;
	struct compile_place place = compile_key(at, "name");
	if (raw.name)
		draft->policy.name = compile_name(&d->c, raw.name, &place);
	if (draft->policy.name.n > 0)
		enter_name(d, draft, at);
	draft->policy.action = (enum authz_action)raw.action;
	draft->policy.mode = (enum authz_mode)raw.mode;
	draft->policy.percent = (uint8_t)raw.percent;
	place = compile_key(at, "percent");
	if (raw.mode != AUTHZ_MODE_ENFORCE && json_object_get(value, "percent"))
		compile_report(&d->c, &place, "conflict",
		               "only a policy in mode enforce is in force for some: leave out "
		               "mode, it is a shadow for the others");
	draft_targets(d, draft, &raw.where, at);
	place = compile_key(at, "rules");
	compile_policy_rules(&d->c, raw.rules, &place, &draft->policy, &draft->rules,
	                     &draft->n_rules);
	if (raw.name && draft->policy.action == AUTHZ_ACTION_DENY && draft->n_rules == 0)
		compile_report(&d->c, at, "missing_rules",
		               "a DENY policy without rules never matches; [{}] matches all");
}

/* ---- what a role permits ---- */

struct raw_permission {
	struct draft_choice where;
	const json_t *operations;
};

static const struct json_field permission_fields[] = {
	{.name = "services",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_permission, where.services)},
	{.name = "namespace",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_permission, where.namespace)},
	{.name = "selector",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_permission, where.selector)},
	{.name = "operations",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_permission, operations)},
};

/* The one rule of a permission: who holds the role, for these operations. */
static void permission_rule(struct drafting *d, struct draft *draft, uint32_t role,
                            const json_t *operations, const struct compile_place *at)
{
	struct authz_rule *rule = compile_array(&d->c, at, 1, sizeof(*rule));
	struct authz_conditions *from = compile_array(&d->c, at, 1, sizeof(*from));
	struct compile_place place = compile_key(at, "operations");
	size_t n = operations ? compile_list(&d->c, operations, &place) : 0;
	struct authz_operation *to = compile_array(&d->c, at, n + 1, sizeof(*to));
	if (!rule || !from || !to || !authz_role_asks(&d->c, at, role, from))
		return;
	for (size_t i = 0; i < n; i++) {
		struct compile_place one = compile_index(&place, i);
		compile_operation(&d->c, json_array_get(operations, i), &one, &to[i]);
	}
	*rule = (struct authz_rule){.policy = &draft->policy,
	                            .pointer = arena_printf(d->c.keep, "%s", at->pointer),
	                            .to = to,
	                            .n_to = n,
	                            .from = from,
	                            .n_from = 1};
	draft->rules = rule;
	draft->n_rules = 1;
}

static void compile_permission(struct drafting *d, struct draft *draft, uint32_t role,
                               const json_t *value, const struct compile_place *at)
{
	struct raw_permission raw = {0};
	if (json_fields_read(value, permission_fields, ARRAY_LEN(permission_fields), at->pointer,
	                     d->c.diag, &raw) != 0) {
		d->c.failed = true;
		return;
	}
	if (json_object_size(value) == 0) {
		compile_report(&d->c, at, "empty_object",
		               "this permits everything; name services or operations");
		return;
	}
	draft_targets(d, draft, &raw.where, at);
	permission_rule(d, draft, role, raw.operations, at);
}

/* The first of a role's drafts holds the name, so that no policy takes it. */
static void compile_role_permissions(struct drafting *d, uint32_t role, const json_t *list,
                                     const struct compile_place *at)
{
	struct compile_place place = compile_key(at, "permissions");
	size_t n = list ? compile_list(&d->c, list, &place) : 0;
	struct sv name = arena_printf(d->c.keep, "role:%.*s", SV_ARG(d->set->roles.at[role].name));
	for (size_t i = 0; i < n; i++) {
		struct compile_place one = compile_index(&place, i);
		struct draft *draft = &d->drafts[d->n++];
		draft->policy = (struct authz_policy){
			.name = name, .action = AUTHZ_ACTION_ALLOW, .percent = AUTHZ_PERCENT_ALL};
		if (i == 0)
			enter_name(d, draft, at);
		compile_permission(d, draft, role, json_array_get(list, i), &one);
	}
}

static void compile_permissions(struct drafting *d, const json_t *roles)
{
	struct compile_place at = {"/roles"};
	for (uint32_t i = 0; i < d->set->roles.n; i++) {
		struct compile_place place = compile_index(&at, i);
		compile_role_permissions(
			d, i, json_object_get(json_array_get(roles, i), "permissions"), &place);
	}
}

static size_t count_permissions(const json_t *roles)
{
	size_t n = 0, i;
	json_t *role;
	json_array_foreach(roles, i, role)
	{
		n += json_array_size(json_object_get(role, "permissions"));
	}
	return n;
}

/* ---- all of them ---- */

static int make_room(struct drafting *d, size_t n)
{
	size_t n_slots = 8;
	while (n_slots < n * 2)
		n_slots *= 2;
	d->mask = n_slots - 1;
	d->by_name = calloc(n_slots, sizeof(struct draft *));
	d->drafts = calloc(n + 1, sizeof(*d->drafts));
	return d->by_name && d->drafts ? 0 : -ENOMEM;
}

int drafting_compile(struct drafting *d, const json_t *policies, const json_t *roles)
{
	struct compile_place at = {"/policies"};
	size_t n = json_array_size(policies);
	size_t n_permissions = d->set->roles.n > 0 ? count_permissions(roles) : 0;
	if (policies && !json_is_array(policies))
		compile_report(&d->c, &at, "wrong_type", "an array is expected here");
	if (n + n_permissions > POLICY_SET_MAX_POLICIES) {
		compile_report(&d->c, &at, "too_many",
		               "at most %d policies and permissions of roles are allowed",
		               POLICY_SET_MAX_POLICIES);
		return 0;
	}
	int r = make_room(d, n + n_permissions);
	if (r != 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct compile_place place = compile_index(&at, i);
		compile_policy(d, &d->drafts[d->n++], json_array_get(policies, i), &place);
	}
	d->n_policies = n;
	compile_permissions(d, roles);
	return 0;
}
