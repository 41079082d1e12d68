#include "authz/trace.h"

#include "authz/authz.h"
#include "authz/locate.h"
#include "authz/role.h"
#include "authz/rollout.h"
#include "authz/set.h"
#include "authz/trace_rule.h"
#include "core/jsontext.h"
#include "core/limits.h"
#include "model/verdict.h"

#include <stdlib.h>

/* One request on its way into JSON. */
struct tracing {
	const struct authz *authz;
	const struct authz_view *view;
	const struct verdict *verdict;
	struct arena
		rules; /* what one rule takes: given back after each, so that the many cannot run out of it */
	bool *is_told; /* by the number of the policy: its rules are for this service */
	bool *has_rules;
	json_t *policies;
	json_t *open; /* the last of them, to which the next rule may belong; borrowed */
	const struct authz_policy *open_policy;
	size_t n_rules, n_left_out;
};

static bool is_enforced_group(enum authz_group group)
{
	return group == AUTHZ_GROUP_DENY || group == AUTHZ_GROUP_ALLOW;
}

/* A policy in force for some has its rules twice. */
static bool is_second(const struct authz_ranked *one)
{
	return one->rule->policy->mode == AUTHZ_MODE_ENFORCE && !is_enforced_group(one->group);
}

static bool is_in_force(const struct authz_policy *policy, const struct authz_view *view)
{
	if (policy->mode != AUTHZ_MODE_ENFORCE)
		return false;
	return policy->percent >= AUTHZ_PERCENT_ALL || authz_rollout_has(policy, view);
}

static bool decided(const struct tracing *t, const struct authz_rule *rule)
{
	const struct why *why = &t->verdict->why[0];
	return t->verdict->n_why > 0 && why->held && sv_eq(why->rule, rule->pointer);
}

static json_t *policy_json(const struct tracing *t, const struct authz_policy *policy)
{
	return json_pack("{s:o, s:s, s:s, s:i, s:b, s:s, s:o, s:[]}", "policy",
	                 json_text(policy->name), "action", authz_action_names[policy->action],
	                 "mode", authz_mode_names[policy->mode], "percent", (int)policy->percent,
	                 "in_force", is_in_force(policy, t->view), "result", "failed", "not_for",
	                 json_null(), "rules");
}

/* ---- policies that are for this service ---- */

static void open_policy(struct tracing *t, const struct authz_policy *policy)
{
	if (t->open_policy == policy)
		return;
	t->open_policy = policy;
	t->open = policy_json(t, policy);
	json_array_append_new(t->policies, t->open);
}

static void tell_rule(struct tracing *t, const struct authz_ranked *one)
{
	struct authz_view view = *t->view;
	bool decides = decided(t, one->rule);
	t->is_told[one->rule->policy->number] = true;
	if (t->n_rules >= AUTHZ_TRACE_RULES_MAX && !decides) {
		t->n_left_out++;
		return;
	}
	t->n_rules++;
	open_policy(t, one->rule->policy);
	view.scratch = &t->rules;
	json_t *rule = authz_trace_rule(one->rule, &view);
	arena_reset(&t->rules);
	if (strcmp(json_string_value(json_object_get(rule, "result")), "matched") == 0)
		json_object_set_new(t->open, "result", json_string("matched"));
	json_object_set_new(rule, "decided", json_boolean(decides));
	json_array_append_new(json_object_get(t->open, "rules"), rule);
}

/* In the order of judging. */
static void tell_rules(struct tracing *t, uint64_t space)
{
	size_t n_common, n_own = 0;
	const struct authz *authz = t->authz;
	const struct authz_entry *common =
		authz_index_all(authz->index, AUTHZ_SPACE_COMMON, &n_common);
	const struct authz_entry *own = common;
	uint32_t before = UINT32_MAX;
	if (space != AUTHZ_SPACE_COMMON)
		own = authz_index_all(authz->index, space, &n_own);
	while (n_common + n_own > 0) {
		bool first = n_own == 0 || (n_common > 0 && common->rule < own->rule);
		uint32_t id = first ? common->rule : own->rule;
		if (id != before && !is_second(&authz->rules[id]))
			tell_rule(t, &authz->rules[id]);
		before = id;
		common += first;
		n_common -= first;
		own += !first;
		n_own -= !first;
	}
}

/* ---- and those that are not ---- */

static void tell_others(struct tracing *t)
{
	size_t n = 0;
	for (size_t i = 0; i < t->authz->n_ranked; i++)
		t->has_rules[t->authz->rules[i].rule->policy->number] = true;
	for (size_t i = 0; i < t->authz->n_parts; i++) {
		const struct authz_policy *policy = &t->authz->parts[i];
		if (t->is_told[policy->number])
			continue;
		if (n++ >= AUTHZ_TRACE_OTHERS_MAX) {
			t->n_left_out++;
			continue;
		}
		json_t *json = policy_json(t, policy);
		json_object_set_new(json, "not_for",
		                    json_string(policy->mode == AUTHZ_MODE_DISABLED ? "disabled"
		                                : t->has_rules[policy->number] ? "another_service"
		                                                               : "no_rules"));
		json_array_append_new(t->policies, json);
	}
}

/* ---- the rest ---- */

static json_t *roles_json(const struct authz_view *view)
{
	json_t *list = json_array();
	const struct authz_roles_held *held = authz_roles_held(view);
	for (size_t i = 0; held && list && i < held->n; i++) {
		const struct authz_role_binding *by = &held->roles->bindings[held->at[i].binding];
		json_array_append_new(list,
		                      json_pack("{s:o, s:o, s:b}", "role",
		                                json_text(held->roles->at[held->at[i].role].name),
		                                "binding", json_text(by->pointer), "sure",
		                                held->at[i].is_sure));
	}
	return list;
}

static json_t *limits_json(const struct tracing *t, const struct authz_target *target)
{
	struct authz_limited limits[AUTHZ_LIMITS_MAX];
	json_t *list = json_array();
	size_t n = authz_limits_of(t->authz, target, t->view->request, t->view->who,
	                           t->view->scratch, limits);
	for (size_t i = 0; list && i < n; i++)
		json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:b}", "limit",
		                                      json_text(limits[i].name), "pointer",
		                                      json_text(limits[i].pointer), "condition",
		                                      json_text_or_null(limits[i].condition),
		                                      "value", json_text_or_null(limits[i].value),
		                                      "expected", json_text(limits[i].expected),
		                                      "shadow", limits[i].is_shadow));
	return list;
}

static json_t *winner_json(const struct verdict *verdict)
{
	if (verdict->n_why == 0 || !verdict->why[0].held)
		return json_null();
	return json_pack("{s:o, s:o}", "policy", json_text(verdict->why[0].policy), "rule",
	                 json_text(verdict->why[0].rule));
}

static json_t *default_json(const struct tracing *t, const struct authz_service *service)
{
	enum authz_default action = service ? service->default_action : t->authz->default_action;
	return json_string(authz_default_names[action]);
}

static json_t *tell(struct tracing *t, const struct authz_target *target)
{
	const struct authz_service *service = target->service;
	t->policies = json_array();
	if (!t->policies)
		return NULL;
	tell_rules(t, service ? service->space : AUTHZ_SPACE_COMMON);
	tell_others(t);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:s, s:s}", "winner",
	                 winner_json(t->verdict), "path", json_text_or_null(t->view->path), "host",
	                 json_text_or_null(t->view->host), "service",
	                 json_text_or_null(t->view->service), "policies", t->policies, "left_out",
	                 (json_int_t)t->n_left_out, "default_action", default_json(t, service),
	                 "roles", roles_json(t->view), "limits", limits_json(t, target), "verdict",
	                 verdict_effect_name(t->verdict->effect), "reason",
	                 reason_name(t->verdict->reason));
}

json_t *authz_trace(const struct authz *authz, const struct authz_target *target,
                    const struct request *request, const struct identity *who,
                    struct arena *scratch, struct verdict *verdict)
{
	struct authz_roles_held roles;
	struct authz_view view = authz_view_of(target, request, who, scratch);
	json_t *json = NULL;
	struct tracing t = {.authz = authz, .view = &view, .verdict = verdict};
	authz_view_arm(authz, target, verdict->service, &roles, &view);
	authz_evaluate(authz, target, request, who, scratch, verdict);
	(void)authz_roles_held(&view); /* in memory that outlives a rule */
	t.is_told = calloc(authz->n_parts + 1, sizeof(*t.is_told));
	t.has_rules = calloc(authz->n_parts + 1, sizeof(*t.has_rules));
	if (t.is_told && t.has_rules && arena_init(&t.rules, REQUEST_ARENA_BYTES) == 0)
		json = tell(&t, target);
	arena_fini(&t.rules);
	free(t.is_told);
	free(t.has_rules);
	return json;
}
