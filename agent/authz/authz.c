#include "authz/authz.h"

#include "authz/index.h"
#include "authz/learn.h"
#include "authz/locate.h"
#include "authz/role.h"
#include "authz/rollout.h"
#include "authz/rule.h"
#include "authz/service.h"
#include "authz/set.h"
#include "model/identity.h"
#include "model/request.h"
#include "model/verdict.h"

#include <stdlib.h>

/* ---- judging one form of the path ---- */

struct matched {
	const struct authz_rule *rule;
	struct sv route;
};

struct judgement {
	struct matched by_group[AUTHZ_GROUP_COUNT];
	struct authz_miss miss;
	bool failed;
};

/* Whether a rule of this group can still change anything. */
static bool is_wanted(const struct judgement *j, enum authz_group group)
{
	return !j->by_group[group].rule && !j->by_group[AUTHZ_GROUP_DENY].rule &&
	       (group != AUTHZ_GROUP_ALLOW_SHADOW || !j->by_group[AUTHZ_GROUP_ALLOW].rule);
}

/* Where the policy is in force for some: whether the caller is on the group's side. */
static bool is_on_side(const struct authz_rule *rule, enum authz_group group,
                       const struct authz_view *view)
{
	bool is_shadow = group == AUTHZ_GROUP_DENY_SHADOW || group == AUTHZ_GROUP_ALLOW_SHADOW;
	bool is_partial = rule->policy->mode == AUTHZ_MODE_ENFORCE &&
	                  rule->policy->percent < AUTHZ_PERCENT_ALL;
	return !is_partial || authz_rollout_has(rule->policy, view) != is_shadow;
}

static void judge_rule(const struct authz *authz, uint32_t id, const struct authz_view *view,
                       struct judgement *j)
{
	const struct authz_rule *rule = authz->rules[id].rule;
	enum authz_group group = authz->rules[id].group;
	struct authz_miss ignored = {.rule = rule, .progress = UINT32_MAX};
	struct authz_miss *miss = group == AUTHZ_GROUP_ALLOW ? &j->miss : &ignored;
	struct sv route;
	if (!is_wanted(j, group))
		return;
	bool on_side = is_on_side(rule, group, view);
	/* who is nobody yet may be on the other side when signed in: what is missed still tells them to */
	if (!on_side && (group != AUTHZ_GROUP_ALLOW || view->who->method != AUTH_NONE))
		return;
	if (authz_rule_holds(rule, view, &route, miss) && on_side)
		j->by_group[group] = (struct matched){rule, route};
}

static int order_ids(const void *a, const void *b)
{
	const uint32_t *l = a;
	const uint32_t *r = b;
	return *l == *r ? 0 : *l < *r ? -1 : 1;
}

static void sort_ids(struct authz_candidates *c)
{
	enum { FEW = 24 };
	if (c->n > FEW) {
		qsort(c->at, c->n, sizeof(*c->at), order_ids);
		return;
	}
	for (size_t i = 1; i < c->n; i++) {
		uint32_t id = c->at[i];
		size_t k = i;
		for (; k > 0 && c->at[k - 1] > id; k--)
			c->at[k] = c->at[k - 1];
		c->at[k] = id;
	}
}

static void judge_candidates(const struct authz *authz, uint64_t space,
                             const struct authz_view *view, struct judgement *j)
{
	struct authz_candidates candidates = {0};
	authz_index_find(authz->index, AUTHZ_SPACE_COMMON, view, &candidates);
	if (space != AUTHZ_SPACE_COMMON)
		authz_index_find(authz->index, space, view, &candidates);
	j->failed = candidates.failed;
	sort_ids(&candidates);
	for (size_t i = 0; i < candidates.n && !j->failed; i++)
		if (i == 0 || candidates.at[i] != candidates.at[i - 1])
			judge_rule(authz, candidates.at[i], view, j);
}

/* Without path or host nothing can be looked up, and DENY rules that ask for them hold. */
static void judge_all(const struct authz *authz, uint64_t space, const struct authz_view *view,
                      struct judgement *j)
{
	size_t n_common, n_own = 0;
	const struct authz_entry *common =
		authz_index_all(authz->index, AUTHZ_SPACE_COMMON, &n_common);
	const struct authz_entry *own = common;
	if (space != AUTHZ_SPACE_COMMON)
		own = authz_index_all(authz->index, space, &n_own);
	while (n_common + n_own > 0) {
		bool first = n_own == 0 || (n_common > 0 && common->rule < own->rule);
		judge_rule(authz, first ? common->rule : own->rule, view, j);
		if (first) {
			common++;
			n_common--;
		} else {
			own++;
			n_own--;
		}
	}
}

static struct judgement judge(const struct authz *authz, const struct authz_service *service,
                              const struct authz_view *view)
{
	struct judgement j = {0};
	uint64_t space = service ? service->space : AUTHZ_SPACE_COMMON;
	if (view->request->kind == REQUEST_HTTP && view->path.n > 0 && view->host.n > 0)
		judge_candidates(authz, space, view, &j);
	else
		judge_all(authz, space, view, &j);
	return j;
}

/* The index leaves out rules whose operation cannot match. Where it leaves none, the nearest are those that only the
 * method keeps away: of them, some. */
static void miss_by_method(const struct authz *authz, uint64_t space, const struct authz_view *view,
                           struct authz_miss *miss)
{
	enum { SOME = 16 };
	struct authz_candidates candidates = {.any_method = true};
	if (view->request->kind != REQUEST_HTTP || view->path.n == 0 || view->host.n == 0)
		return;
	authz_index_find(authz->index, space, view, &candidates);
	sort_ids(&candidates);
	for (size_t i = 0; i < MIN_OF(candidates.n, (size_t)SOME) && !candidates.failed; i++) {
		const struct authz_ranked *one = &authz->rules[candidates.at[i]];
		struct sv route;
		if (one->group == AUTHZ_GROUP_ALLOW)
			(void)authz_rule_holds(one->rule, view, &route, miss);
	}
}

/* Else the first stands for all: none of those that have another path is nearer than another in a way that helps a
 * reader, and to look at each would cost as much as a verdict. */
static void miss_first(const struct authz *authz, uint64_t space, const struct authz_view *view,
                       struct authz_miss *miss)
{
	size_t n;
	const struct authz_entry *entries = authz_index_all(authz->index, space, &n);
	for (size_t i = 0; i < n && !miss->rule; i++) {
		const struct authz_ranked *one = &authz->rules[entries[i].rule];
		struct sv route;
		if (one->group == AUTHZ_GROUP_ALLOW)
			(void)authz_rule_holds(one->rule, view, &route, miss);
	}
}

static void find_miss(const struct authz *authz, const struct authz_service *service,
                      const struct authz_view *view, struct judgement *j)
{
	bool settled = j->failed || j->miss.rule || j->by_group[AUTHZ_GROUP_ALLOW].rule ||
	               j->by_group[AUTHZ_GROUP_DENY].rule;
	if (settled)
		return;
	const uint64_t spaces[] = {service ? service->space : AUTHZ_SPACE_COMMON,
	                           AUTHZ_SPACE_COMMON};
	for (size_t i = 0; i < ARRAY_LEN(spaces) && !j->miss.rule; i++)
		miss_by_method(authz, spaces[i], view, &j->miss);
	for (size_t i = 0; i < ARRAY_LEN(spaces) && !j->miss.rule; i++)
		miss_first(authz, spaces[i], view, &j->miss);
	/* whoever asks, and however they signed in: this operation is allowed to nobody */
	j->miss.wants_user = false;
	j->miss.stepup = NULL;
}

/* ---- from what matched to a verdict ---- */

static bool has_partial(const struct authz_partial *list, const struct authz_view *view)
{
	for (; list; list = list->next)
		if (authz_rollout_has(list->policy, view))
			return true;
	return false;
}

static bool has_allow(const struct authz *authz, const struct authz_service *service,
                      const struct authz_view *view)
{
	return authz->has_allow || has_partial(authz->partials, view) ||
	       (service && (service->has_allow || has_partial(service->partials, view)));
}

static bool has_allow_shadowed(const struct authz *authz, const struct authz_service *service)
{
	return authz->has_allow_shadowed || (service && service->has_allow_shadowed);
}

static bool allows_by_default(const struct authz *authz, const struct authz_service *service)
{
	enum authz_default action = service ? service->default_action : authz->default_action;
	return action == AUTHZ_DEFAULT_ALLOW;
}

static void decided_by(struct verdict *verdict, const struct matched *by,
                       const struct authz_view *view)
{
	struct why *why = &verdict->why[0];
	verdict->policy = by->rule->policy->name;
	verdict->route = by->route;
	*why = (struct why){.policy = verdict->policy, .rule = by->rule->pointer, .held = true};
	authz_rule_telling(by->rule, view, &why->condition, &why->value, &why->expected);
	verdict->n_why = 1;
}

static struct verdict_stepup stepup_of(const struct authz_stepup *stepup)
{
	if (!stepup)
		return (struct verdict_stepup){0};
	return (struct verdict_stepup){stepup->challenge, stepup->acr_text, stepup->max_age_s};
}

static void missed_by(struct verdict *verdict, const struct authz_miss *miss)
{
	if (!miss->rule)
		return;
	verdict->route = miss->route;
	verdict->stepup = stepup_of(miss->stepup);
	verdict->why[0] = (struct why){.policy = miss->rule->policy->name,
	                               .rule = miss->rule->pointer,
	                               .condition = miss->condition,
	                               .value = miss->value,
	                               .expected = miss->expected};
	verdict->n_why = 1;
}

static enum reason reason_of(const struct authz *authz, const struct authz_service *service,
                             const struct judgement *j, const struct authz_view *view)
{
	if (j->failed)
		return REASON_OVERLOADED;
	if (j->by_group[AUTHZ_GROUP_DENY].rule)
		return REASON_POLICY_DENIED;
	if (j->by_group[AUTHZ_GROUP_ALLOW].rule)
		return REASON_POLICY_ALLOWED;
	if (!has_allow(authz, service, view) && allows_by_default(authz, service))
		return REASON_DEFAULT_ALLOWED;
	if (j->miss.wants_user)
		return REASON_AUTHENTICATION_REQUIRED;
	return j->miss.stepup ? REASON_STEP_UP_REQUIRED : REASON_NO_POLICY_MATCHED;
}

static void grant(struct verdict *verdict, enum reason reason)
{
	verdict->effect = VERDICT_ALLOW;
	verdict->reason = reason;
	verdict->status = 200;
}

static void offer(struct verdict *verdict, const struct authz_rule *rule,
                  const struct authz_view *view)
{
	if (rule->learn)
		verdict->learn = authz_learn_offer(rule->learn, rule->policy->name, view->who,
		                                   view->scratch);
}

/* Denials first: what grants starts from the denial that authz_locate() left. */
static void conclude(const struct authz *authz, const struct authz_service *service,
                     const struct judgement *j, const struct authz_view *view,
                     struct verdict *verdict)
{
	enum reason reason = reason_of(authz, service, j, view);
	if (reason == REASON_POLICY_ALLOWED) {
		grant(verdict, reason);
		decided_by(verdict, &j->by_group[AUTHZ_GROUP_ALLOW], view);
		offer(verdict, j->by_group[AUTHZ_GROUP_ALLOW].rule, view);
		return;
	}
	if (reason == REASON_DEFAULT_ALLOWED) {
		grant(verdict, reason);
		return;
	}
	*verdict = verdict_deny(reason);
	if (reason == REASON_POLICY_DENIED)
		decided_by(verdict, &j->by_group[AUTHZ_GROUP_DENY], view);
	else if (reason != REASON_OVERLOADED)
		missed_by(verdict, &j->miss);
}

/* What the set would say if its shadow policies were enforced. Only grants are told apart. */
static void record_shadow(const struct authz *authz, const struct authz_service *service,
                          const struct judgement *j, struct verdict *verdict)
{
	const struct matched *m = j->by_group;
	bool granted = verdict->effect == VERDICT_ALLOW;
	bool denied = m[AUTHZ_GROUP_DENY].rule || m[AUTHZ_GROUP_DENY_SHADOW].rule;
	bool allowed = m[AUTHZ_GROUP_ALLOW].rule || m[AUTHZ_GROUP_ALLOW_SHADOW].rule;
	bool by_default = !has_allow_shadowed(authz, service) && allows_by_default(authz, service);
	bool would_grant = !denied && (allowed || by_default);
	if (j->failed || granted == would_grant)
		return;
	const struct authz_rule *by =
		would_grant ? m[AUTHZ_GROUP_ALLOW_SHADOW].rule : m[AUTHZ_GROUP_DENY_SHADOW].rule;
	verdict->has_shadow = true;
	verdict->shadow_effect = would_grant ? VERDICT_ALLOW : VERDICT_DENY;
	verdict->shadow_policy = by ? by->policy->name : (struct sv){0};
}

static void note_hits(const struct judgement *j, struct verdict *verdict)
{
	const struct matched *m = j->by_group;
	for (unsigned i = 0; i < AUTHZ_GROUP_COUNT && !j->failed; i++) {
		if (!m[i].rule)
			continue;
		const struct authz_policy *policy = m[i].rule->policy;
		bool is_shadow = i == AUTHZ_GROUP_DENY_SHADOW || i == AUTHZ_GROUP_ALLOW_SHADOW;
		bool is_named = verdict->has_shadow && sv_eq(verdict->shadow_policy, policy->name);
		verdict->hits[verdict->n_hits++] = (struct verdict_hit){
			.policy = policy->number,
			.decided = !is_shadow && sv_eq(verdict->policy, policy->name),
			.would_change = is_shadow && is_named};
	}
}

static void judge_form(const struct authz *authz, const struct authz_service *service,
                       const struct authz_view *view, struct verdict *verdict)
{
	struct judgement j = judge(authz, service, view);
	find_miss(authz, service, view, &j);
	conclude(authz, service, &j, view, verdict);
	record_shadow(authz, service, &j, verdict);
	note_hits(&j, verdict);
}

void authz_view_arm(const struct authz *authz, const struct authz_target *target, struct sv service,
                    struct authz_roles_held *roles, struct authz_view *view)
{
	*roles = (struct authz_roles_held){.roles = authz->roles.n ? &authz->roles : NULL};
	view->roles = roles;
	view->issuers = authz->issuers_json;
	view->model = &authz->relations;
	view->tuples = target->tuples;
	view->service = service;
}

void authz_evaluate(const struct authz *authz, const struct authz_target *target,
                    const struct request *request, const struct identity *who,
                    struct arena *scratch, struct verdict *verdict)
{
	struct authz_roles_held roles;
	struct authz_view view = authz_view_of(target, request, who, scratch);
	authz_view_arm(authz, target, verdict->service, &roles, &view);
	struct sv service = verdict->service;
	struct sv path = verdict->path;

	judge_form(authz, target->service, &view, verdict);
	verdict->service = service;
	verdict->path = path;
	for (size_t i = 0; i < target->n_others; i++) {
		const struct authz_reading *other = &target->others[i];
		struct verdict second = {0};
		view.path = other->path;
		judge_form(authz, other->service, &view, &second);
		if (second.effect == verdict->effect && other->service == target->service)
			continue;
		(void)authz_refuse(verdict, REASON_AMBIGUOUS_PATH, SVL("path"), other->path,
		                   other->why);
		return;
	}
}

const struct relation_model *authz_relations(const struct authz *authz)
{
	return &authz->relations;
}

const struct token_wish *authz_token_wish(const struct authz *authz, struct sv service)
{
	const struct authz_service *found =
		service.n ? authz_services_named(authz->services, service) : NULL;
	return found ? found->token : NULL;
}
