#include "authz/rule.h"

#include "authz/expression.h"
#include "authz/role.h"
#include "model/identity.h"
#include "model/request.h"

const char *const authz_action_names[AUTHZ_ACTION_COUNT] = {
	[AUTHZ_ACTION_DENY] = "DENY",
	[AUTHZ_ACTION_ALLOW] = "ALLOW",
};

const char *const authz_mode_names[AUTHZ_MODE_COUNT] = {
	[AUTHZ_MODE_ENFORCE] = "enforce",
	[AUTHZ_MODE_SHADOW] = "shadow",
	[AUTHZ_MODE_DISABLED] = "disabled",
};

/* Progress of a miss: the stage first, then what held inside it. */
enum {
	PROGRESS_PATH = 0,
	PROGRESS_OPERATION = 1 << 8,
	PROGRESS_WHEN = 2 << 8,
	PROGRESS_FROM = 3 << 8,
	PROGRESS_USER = 4 << 8,
	PROGRESS_STEPUP = 5 << 8,
	PROGRESS_EXPRESSION = 6 << 8,
};

/* One rule being judged. */
struct judging {
	const struct authz_rule *rule;
	const struct authz_view *view;
	const struct authz_captures *captures; /* of the pattern that matched; NULL without */
	struct sv route;
	struct authz_miss *miss;
};

static bool is_deny(const struct judging *j)
{
	return j->rule->policy->action == AUTHZ_ACTION_DENY;
}

/* ---- one condition ---- */

bool authz_condition_about_user(const struct authz_condition *c)
{
	bool about_user = c->about_user || authz_attribute_about_user(c->attribute.kind);
	for (size_t i = 0; i < c->n_others; i++)
		about_user = about_user || authz_attribute_about_user(c->others[i].kind);
	return about_user;
}

/* Whether being listed lets the caller through. */
static bool grants(const struct authz_condition *c, const struct judging *j)
{
	return is_deny(j) == c->negated;
}

static bool holds_value(const struct authz_values *values, struct sv value, bool parts_too)
{
	for (size_t i = 0; i < values->n; i++)
		if (sv_eq(values->at[i], value))
			return true;
	for (size_t i = 0; parts_too && i < values->n_parts; i++)
		if (sv_eq(values->parts[i], value))
			return true;
	return false;
}

static bool lists_value(const struct authz_condition *c, const struct judging *j, struct sv value,
                        bool *complete)
{
	if (authz_match_set_holds(&c->texts, value))
		return true;
	for (size_t i = 0; i < c->n_others; i++) {
		struct authz_values others;
		authz_attribute_get(&c->others[i], j->view, j->captures, &others);
		*complete = *complete && others.complete;
		if (holds_value(&others, value, !grants(c, j)))
			return true;
	}
	return false;
}

/* Whether a value of the attribute is listed; *complete tells whether "no" is certain. */
static bool lists_text(const struct authz_condition *c, const struct judging *j, bool *complete)
{
	struct authz_values values;
	authz_attribute_get(&c->attribute, j->view, j->captures, &values);
	*complete = values.complete;
	for (size_t i = 0; i < values.n; i++)
		if (lists_value(c, j, values.at[i], complete))
			return true;
	for (size_t i = 0; !grants(c, j) && i < values.n_parts; i++)
		if (lists_value(c, j, values.parts[i], complete))
			return true;
	return false;
}

static bool lists_address(const struct authz_condition *c, const struct judging *j, bool *complete)
{
	struct netaddr address = authz_attribute_address(c->attribute.kind, j->view);
	*complete = address.family != 0;
	return *complete && authz_block_set_holds(&c->blocks, &address);
}

static bool lists_path(const struct authz_condition *c, const struct judging *j, bool *complete)
{
	*complete = j->view->path.n > 0 && j->view->request->kind == REQUEST_HTTP;
	for (size_t i = 0; *complete && i < c->n_paths; i++)
		if (authz_template_holds(&c->paths[i], j->view->path, NULL))
			return true;
	return false;
}

static bool is_unrecorded(const struct authz_condition *c, const struct judging *j)
{
	bool ret = authz_attribute_unrecorded(&c->attribute, j->view);
	for (size_t i = 0; i < c->n_others; i++)
		ret = ret || authz_attribute_unrecorded(&c->others[i], j->view);
	return ret;
}

/* What is not kept could be either way; who replays asks for both. */
static bool unknown_holds(const struct judging *j)
{
	return is_deny(j) != j->view->unknown_grants;
}

static bool roles_hold(const struct authz_condition *c, const struct judging *j)
{
	bool complete = false;
	bool listed = authz_roles_list(c, j->view, &complete);
	if (!listed && !complete)
		return j->view->who->recorded ? unknown_holds(j) : is_deny(j);
	return listed != c->negated;
}

static bool condition_holds(const struct authz_condition *c, const struct judging *j)
{
	bool complete = false;
	bool listed;

	if (c->attribute.kind == AUTHZ_ATTRIBUTE_ROLES)
		return roles_hold(c, j);
	if (j->view->who->recorded && is_unrecorded(c, j))
		return unknown_holds(j);
	if (c->n_paths > 0)
		listed = lists_path(c, j, &complete);
	else if (c->blocks.n > 0 && c->n_others == 0)
		listed = lists_address(c, j, &complete);
	else
		listed = lists_text(c, j, &complete);

	if (!listed && !complete)
		return is_deny(j);
	return listed != c->negated;
}

/* ---- remembering the nearest miss ---- */

static void missed(const struct judging *j, const struct authz_condition *c, unsigned progress)
{
	struct authz_miss *miss = j->miss;
	if (is_deny(j) || (miss->rule && miss->progress >= progress))
		return;
	miss->rule = j->rule;
	miss->condition = c->label;
	miss->value = authz_attribute_text(&c->attribute, j->view, j->captures);
	miss->expected = c->expected;
	miss->route = j->route;
	miss->progress = progress;
}

static void missed_path(const struct judging *j, const struct authz_operation *operation)
{
	struct authz_condition paths = {
		.attribute.kind = AUTHZ_ATTRIBUTE_PATH,
		.label = SV("to.operation.paths"),
		.expected = operation->paths_expected,
	};
	missed(j, &paths, PROGRESS_PATH);
}

static void missed_user(const struct judging *j, const struct authz_condition *c)
{
	bool asks = authz_condition_about_user(c) && !c->negated &&
	            j->view->request->kind == REQUEST_HTTP;
	if (asks && !is_deny(j) && j->view->who->method == AUTH_NONE)
		j->miss->wants_user = true;
}

/* Who is signed in can sign in better; who is not signs in first. */
static void missed_stepup(const struct judging *j, const struct authz_stepup_lack *lack)
{
	struct authz_miss *miss = j->miss;
	if (j->view->who->method != AUTH_NONE && !miss->stepup)
		miss->stepup = j->rule->stepup;
	if (j->view->who->method == AUTH_NONE && j->view->request->kind == REQUEST_HTTP)
		miss->wants_user = true;
	if (miss->rule && miss->progress >= PROGRESS_STEPUP)
		return;
	*miss = (struct authz_miss){.rule = j->rule,
	                            .condition = lack->condition,
	                            .value = lack->value,
	                            .expected = lack->expected,
	                            .route = j->route,
	                            .progress = PROGRESS_STEPUP,
	                            .wants_user = miss->wants_user,
	                            .stepup = miss->stepup};
}

static void missed_expression(const struct judging *j, const struct authz_expression *e,
                              struct sv why)
{
	struct authz_miss *miss = j->miss;
	bool is_anonymous = j->view->who->method == AUTH_NONE;
	if (is_deny(j))
		return;
	if (e->uses_user && is_anonymous && j->view->request->kind == REQUEST_HTTP)
		miss->wants_user = true;
	if (miss->rule && miss->progress >= PROGRESS_EXPRESSION)
		return;
	*miss = (struct authz_miss){.rule = j->rule,
	                            .condition = e->label,
	                            .value = why,
	                            .expected = e->source,
	                            .route = j->route,
	                            .progress = PROGRESS_EXPRESSION,
	                            .wants_user = miss->wants_user,
	                            .stepup = miss->stepup};
}

/* ---- the stages, last to first ---- */

/* An error could have been either where the book does not keep what it is about; else it never grants. */
static bool failed_holds(const struct judging *j)
{
	return j->view->who->recorded ? unknown_holds(j) : is_deny(j);
}

static bool outcome_holds(const struct judging *j, enum authz_expression_outcome outcome)
{
	return outcome == AUTHZ_EXPRESSION_TRUE ||
	       (outcome == AUTHZ_EXPRESSION_FAILED && failed_holds(j));
}

static bool expressions_hold(const struct judging *j)
{
	struct sv why;
	for (const struct authz_expression *e = j->rule->expressions; e; e = e->after) {
		if (outcome_holds(j, authz_expression_evaluate(e, j->view, j->captures, &why)))
			continue;
		missed_expression(j, e, why);
		return false;
	}
	return true;
}

static bool stepup_holds(const struct judging *j)
{
	struct authz_stepup_lack lack;
	if (j->rule->stepup && j->view->who->recorded && j->view->who->method != AUTH_NONE &&
	    unknown_holds(j)) /* how they signed in is not kept */
		return true;
	if (!j->rule->stepup || authz_stepup_holds(j->rule->stepup, j->view, &lack))
		return true;
	missed_stepup(j, &lack);
	return false;
}

static bool all_hold(const struct judging *j, const struct authz_conditions *list,
                     unsigned progress, bool user_follows)
{
	for (size_t i = 0; i < list->n; i++) {
		if (condition_holds(&list->at[i], j))
			continue;
		if (user_follows)
			missed_user(j, &list->at[i]);
		missed(j, &list->at[i], progress + (unsigned)MIN_OF(i, (size_t)255));
		return false;
	}
	return true;
}

static bool from_holds(const struct judging *j)
{
	for (size_t i = 0; i < j->rule->n_from; i++)
		if (all_hold(j, &j->rule->from[i], PROGRESS_FROM, true))
			return true;
	return j->rule->n_from == 0;
}

static bool caller_holds(const struct judging *j)
{
	return all_hold(j, &j->rule->when, PROGRESS_WHEN, false) && from_holds(j) &&
	       all_hold(j, &j->rule->when_user, PROGRESS_USER, true) && stepup_holds(j) &&
	       expressions_hold(j);
}

/* An operation without paths: no captures, no route. */
static bool pathless_holds(struct judging *j, const struct authz_operation *operation)
{
	j->captures = NULL;
	j->route = (struct sv){0};
	return all_hold(j, &operation->conditions, PROGRESS_OPERATION, false) && caller_holds(j);
}

/* Every pattern that matches may bind its captures differently, so each gets its chance. */
static bool operation_holds(struct judging *j, const struct authz_operation *operation)
{
	struct authz_captures captures;
	bool matched = false;
	struct sv path = j->view->path;

	if (operation->n_paths == 0)
		return pathless_holds(j, operation);
	if (path.n == 0 || j->view->request->kind != REQUEST_HTTP) {
		if (is_deny(j))
			return pathless_holds(j, operation);
		missed_path(j, operation);
		return false;
	}
	for (size_t i = 0; i < operation->n_paths; i++) {
		if (!authz_template_holds(&operation->paths[i], path, &captures))
			continue;
		j->captures = &captures;
		j->route = operation->paths[i].pattern;
		bool again = matched;
		matched = true;
		if (!again && !all_hold(j, &operation->conditions, PROGRESS_OPERATION, false))
			return false;
		if (caller_holds(j))
			return true;
		if (!j->rule->uses_captures)
			return false;
	}
	if (!matched) {
		j->captures = NULL;
		j->route = (struct sv){0};
		missed_path(j, operation);
	}
	return false;
}

static bool path_binds(const struct authz_template *path, struct sv name)
{
	for (size_t i = 0; i < path->n_names; i++)
		if (sv_eq(path->names[i], name))
			return true;
	return false;
}

bool authz_rule_captures(const struct authz_rule *rule, struct sv name)
{
	bool all = rule->n_to > 0;
	for (size_t i = 0; all && i < rule->n_to; i++) {
		const struct authz_operation *to = &rule->to[i];
		all = to->n_paths > 0;
		for (size_t k = 0; all && k < to->n_paths; k++)
			all = path_binds(&to->paths[k], name);
	}
	return all;
}

bool authz_rule_holds(const struct authz_rule *rule, const struct authz_view *view,
                      struct sv *route, struct authz_miss *miss)
{
	struct judging j = {.rule = rule, .view = view, .miss = miss};

	if (rule->n_to == 0) {
		*route = j.route;
		return caller_holds(&j);
	}
	for (size_t i = 0; i < rule->n_to; i++) {
		if (operation_holds(&j, &rule->to[i])) {
			*route = j.route;
			return true;
		}
	}
	return false;
}

/* ---- explaining a rule that held ---- */

static const struct authz_condition *telling_condition(const struct authz_rule *rule,
                                                       const struct judging *j)
{
	for (size_t i = 0; i < rule->n_from; i++) {
		struct authz_miss ignored = {.rule = rule, .progress = UINT32_MAX};
		struct judging source = *j;
		source.miss = &ignored;
		if (all_hold(&source, &rule->from[i], 0, false) && rule->from[i].n > 0)
			return &rule->from[i].at[rule->from[i].n - 1];
	}
	if (rule->when_user.n > 0)
		return &rule->when_user.at[0];
	return rule->when.n > 0 ? &rule->when.at[0] : NULL;
}

static const struct authz_condition *operation_condition(const struct authz_rule *rule,
                                                         const struct judging *j)
{
	for (size_t i = 0; i < rule->n_to; i++) {
		struct authz_miss ignored = {.rule = rule, .progress = UINT32_MAX};
		struct judging operation = *j;
		operation.miss = &ignored;
		const struct authz_conditions *conditions = &rule->to[i].conditions;
		if (rule->to[i].n_paths == 0 && conditions->n > 0 &&
		    all_hold(&operation, conditions, 0, false))
			return &conditions->at[0];
	}
	return NULL;
}

static const struct authz_operation *path_operation(const struct authz_rule *rule, struct sv path)
{
	for (size_t i = 0; i < rule->n_to; i++)
		for (size_t k = 0; k < rule->to[i].n_paths; k++)
			if (authz_template_holds(&rule->to[i].paths[k], path, NULL))
				return &rule->to[i];
	return NULL;
}

/* The condition, where there is one. */
static const struct authz_expression *last_expression(const struct authz_rule *rule)
{
	const struct authz_expression *e = rule->expressions;
	while (e->after)
		e = e->after;
	return e;
}

/* Once more, with the captures of a path that matches; of several, those of the first that lets it hold. */
static void tell_expression(const struct authz_rule *rule, const struct authz_view *view,
                            struct sv *ret_condition, struct sv *ret_value, struct sv *ret_expected)
{
	const struct authz_expression *e = last_expression(rule);
	struct authz_captures captures;
	bool is_told = false;
	*ret_condition = e->label;
	*ret_expected = e->source;
	for (size_t i = 0; i < rule->n_to; i++)
		for (size_t k = 0; k < rule->to[i].n_paths && !is_told; k++)
			is_told = authz_template_holds(&rule->to[i].paths[k], view->path,
			                               &captures) &&
			          authz_expression_evaluate(e, view, &captures, ret_value) !=
			                  AUTHZ_EXPRESSION_FALSE;
	if (!is_told)
		(void)authz_expression_evaluate(e, view, NULL, ret_value);
}

void authz_rule_telling(const struct authz_rule *rule, const struct authz_view *view,
                        struct sv *ret_condition, struct sv *ret_value, struct sv *ret_expected)
{
	struct judging j = {.rule = rule, .view = view};
	if (rule->expressions) {
		tell_expression(rule, view, ret_condition, ret_value, ret_expected);
		return;
	}
	const struct authz_condition *c = telling_condition(rule, &j);
	if (!c)
		c = operation_condition(rule, &j);
	if (c) {
		*ret_condition = c->label;
		*ret_value = c->attribute.kind == AUTHZ_ATTRIBUTE_ROLES
		                     ? authz_roles_telling(c, view)
		                     : authz_attribute_text(&c->attribute, view, NULL);
		*ret_expected = c->expected;
		return;
	}
	const struct authz_operation *operation = path_operation(rule, view->path);
	*ret_condition = operation ? SVL("to.operation.paths") : SVL("");
	*ret_value = operation ? view->path : SVL("");
	*ret_expected = operation ? operation->paths_expected : SVL("");
}

/* ---- part by part ---- */

/* What is missed is of no interest here. */
static struct judging part_of(const struct authz_rule_at *at, struct authz_miss *ignored)
{
	*ignored = (struct authz_miss){.rule = at->rule, .progress = UINT32_MAX};
	return (struct judging){
		.rule = at->rule, .view = at->view, .captures = at->captures, .miss = ignored};
}

bool authz_rule_at_condition(const struct authz_rule_at *at, const struct authz_condition *c)
{
	struct authz_miss ignored;
	struct judging j = part_of(at, &ignored);
	return condition_holds(c, &j);
}

bool authz_rule_at_caller(const struct authz_rule_at *at)
{
	struct authz_miss ignored;
	struct judging j = part_of(at, &ignored);
	return caller_holds(&j);
}

bool authz_rule_at_stepup(const struct authz_rule_at *at)
{
	struct authz_miss ignored;
	struct judging j = part_of(at, &ignored);
	return stepup_holds(&j);
}

bool authz_rule_at_expression(const struct authz_rule_at *at, const struct authz_expression *e,
                              struct sv *ret_why, bool *ret_failed)
{
	struct authz_miss ignored;
	struct judging j = part_of(at, &ignored);
	enum authz_expression_outcome outcome =
		authz_expression_evaluate(e, at->view, at->captures, ret_why);
	*ret_failed = outcome == AUTHZ_EXPRESSION_FAILED;
	return outcome_holds(&j, outcome);
}
