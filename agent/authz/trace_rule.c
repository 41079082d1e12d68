#include "authz/trace_rule.h"

#include "authz/expression.h"
#include "authz/role.h"
#include "core/jsontext.h"
#include "model/identity.h"
#include "model/request.h"

/* One rule on its way into JSON. */
struct tracing {
	struct authz_rule_at at;
	struct authz_captures captures; /* of the path that is shown */
	struct sv route;
	struct sv
		failed; /* label of the first part that kept the rule from matching; empty: none yet */
};

static const char *words(bool held)
{
	return held ? "matched" : "failed";
}

static void note(struct tracing *t, bool held, struct sv label)
{
	if (!held && t->failed.n == 0)
		t->failed = label;
}

/* ---- one condition ---- */

static bool is_unrecorded(const struct authz_condition *c, const struct authz_view *view)
{
	bool ret = authz_attribute_unrecorded(&c->attribute, view);
	for (size_t i = 0; i < c->n_others; i++)
		ret = ret || authz_attribute_unrecorded(&c->others[i], view);
	return ret;
}

static bool are_values_told(const struct tracing *t, const struct authz_condition *c)
{
	struct authz_values values = {0};
	authz_attribute_get(&c->attribute, t->at.view, t->at.captures, &values);
	bool told = values.complete;
	for (size_t i = 0; i < c->n_others; i++) {
		values = (struct authz_values){0};
		authz_attribute_get(&c->others[i], t->at.view, t->at.captures, &values);
		told = told && values.complete;
	}
	return told;
}

static bool is_told(const struct tracing *t, const struct authz_condition *c)
{
	const struct authz_view *view = t->at.view;
	bool complete = false;
	if (c->attribute.kind == AUTHZ_ATTRIBUTE_ROLES)
		return authz_roles_list(c, view, &complete) || complete;
	if (c->n_paths > 0)
		return view->path.n > 0 && view->request->kind == REQUEST_HTTP;
	if (c->blocks.n > 0 && c->n_others == 0)
		return authz_attribute_address(c->attribute.kind, view).family != 0;
	return are_values_told(t, c);
}

static const char *known(const struct tracing *t, const struct authz_condition *c)
{
	if (t->at.view->who->recorded && is_unrecorded(c, t->at.view))
		return "not_recorded";
	return is_told(t, c) ? "yes" : "not_told";
}

static json_t *others_json(const struct tracing *t, const struct authz_condition *c)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < c->n_others; i++)
		json_array_append_new(
			list, json_pack("{s:o, s:o}", "name", json_text(c->others[i].key), "value",
		                        json_text_or_null(authz_attribute_text(
						&c->others[i], t->at.view, t->at.captures))));
	return list;
}

static json_t *condition_json(struct tracing *t, const struct authz_condition *c, bool *ret_held)
{
	*ret_held = authz_rule_at_condition(&t->at, c);
	json_t *json = json_pack(
		"{s:o, s:o, s:o, s:b, s:s, s:s}", "condition", json_text(c->label), "value",
		json_text_or_null(authz_attribute_text(&c->attribute, t->at.view, t->at.captures)),
		"expected", json_text_or_null(c->expected), "negated", c->negated, "known",
		known(t, c), "result", words(*ret_held));
	if (json && c->n_others > 0)
		json_object_set_new(json, "compared_with", others_json(t, c));
	return json;
}

/* returns whether all hold. *ret_failed: the label of the first that does not */
static bool conditions_json(struct tracing *t, const struct authz_conditions *list, json_t *into,
                            struct sv *ret_failed)
{
	bool all = true;
	for (size_t i = 0; i < list->n; i++) {
		bool held;
		json_array_append_new(into, condition_json(t, &list->at[i], &held));
		if (!held && all)
			*ret_failed = list->at[i].label;
		all = all && held;
	}
	return all;
}

/* ---- to ---- */

/* Whether paths can be compared at all: else what a DENY rule says of them holds. */
static bool has_path(const struct authz_view *view)
{
	return view->path.n > 0 && view->request->kind == REQUEST_HTTP;
}

static bool is_deny(const struct tracing *t)
{
	return t->at.rule->policy->action == AUTHZ_ACTION_DENY;
}

static const struct authz_template *first_path(const struct authz_operation *to, struct sv path,
                                               struct authz_captures *ret)
{
	for (size_t i = 0; i < to->n_paths; i++)
		if (authz_template_holds(&to->paths[i], path, ret))
			return &to->paths[i];
	return NULL;
}

static json_t *captures_json(const struct authz_template *path,
                             const struct authz_captures *captures)
{
	json_t *json = json_object();
	for (size_t i = 0; path && i < path->n_names; i++) {
		struct sv value;
		if (authz_captures_find(captures, path->names[i], &value))
			json_object_setn_new(json, path->names[i].at, path->names[i].n,
			                     json_text(value));
	}
	return json;
}

static json_t *paths_json(const struct tracing *t, const struct authz_operation *to, bool *ret_held)
{
	struct authz_captures captures = {0};
	const struct authz_view *view = t->at.view;
	bool told = has_path(view);
	const struct authz_template *path = told ? first_path(to, view->path, &captures) : NULL;
	*ret_held = told ? path != NULL : is_deny(t);
	return json_pack("{s:s, s:o, s:o, s:b, s:s, s:s, s:o, s:o}", "condition",
	                 "to.operation.paths", "value", json_text_or_null(view->path), "expected",
	                 json_text_or_null(to->paths_expected), "negated", 0, "known",
	                 told ? "yes" : "not_told", "result", words(*ret_held), "route",
	                 path ? json_text(path->pattern) : json_null(), "captures",
	                 captures_json(path, &captures));
}

/* The first operation that all but its paths lets pass tells more than one for another path. */
static json_t *operation_json(struct tracing *t, const struct authz_operation *to, bool *ret_held,
                              bool *ret_path_held, struct sv *ret_failed)
{
	struct authz_captures captures = {0};
	json_t *list = json_array();
	struct tracing one = *t;
	*ret_path_held = true;
	one.at.captures = NULL;
	if (to->n_paths > 0) {
		json_array_append_new(list, paths_json(t, to, ret_path_held));
		if (has_path(t->at.view) && first_path(to, t->at.view->path, &captures))
			one.at.captures = &captures;
	}
	if (!*ret_path_held)
		*ret_failed = SVL("to.operation.paths");
	bool all = conditions_json(&one, &to->conditions, list, ret_failed);
	if (!*ret_path_held)
		*ret_failed = SVL("to.operation.paths");
	*ret_held = all && *ret_path_held;
	return json_pack("{s:s, s:o}", "result", words(*ret_held), "conditions", list);
}

static json_t *to_json(struct tracing *t)
{
	json_t *list = json_array();
	struct sv nearest = {0};
	bool any = false, nearer = false;
	for (size_t i = 0; list && i < t->at.rule->n_to; i++) {
		bool held, path_held;
		struct sv failed = {0};
		json_array_append_new(
			list, operation_json(t, &t->at.rule->to[i], &held, &path_held, &failed));
		any = any || held;
		if (nearest.n == 0 || (path_held && !nearer))
			nearest = failed;
		nearer = nearer || path_held;
	}
	note(t, any || t->at.rule->n_to == 0, nearest);
	return list;
}

/* ---- which captures ---- */

/* Takes over a path if the rest of the rule holds with it, or if it is the first. */
static bool bind(struct tracing *t, const struct authz_template *path,
                 const struct authz_captures *captures, bool *bound)
{
	const struct authz_rule_at at = {t->at.rule, t->at.view, captures};
	bool held = authz_rule_at_caller(&at);
	if (held || !*bound) {
		t->at.captures = NULL;
		if (captures) {
			t->captures = *captures;
			t->at.captures = &t->captures;
		}
		t->route = path ? path->pattern : (struct sv){0};
		*bound = true;
	}
	return held;
}

static bool conditions_hold(const struct tracing *t, const struct authz_captures *captures,
                            const struct authz_conditions *list)
{
	const struct authz_rule_at at = {t->at.rule, t->at.view, captures};
	for (size_t i = 0; i < list->n; i++)
		if (!authz_rule_at_condition(&at, &list->at[i]))
			return false;
	return true;
}

static bool bind_operation(struct tracing *t, const struct authz_operation *to, bool *bound)
{
	struct authz_captures captures = {0};
	bool is_pathless = to->n_paths == 0 || (!has_path(t->at.view) && is_deny(t));
	if (is_pathless)
		return conditions_hold(t, NULL, &to->conditions) && bind(t, NULL, NULL, bound);
	for (size_t i = 0; has_path(t->at.view) && i < to->n_paths; i++)
		if (authz_template_holds(&to->paths[i], t->at.view->path, &captures) &&
		    conditions_hold(t, &captures, &to->conditions) &&
		    bind(t, &to->paths[i], &captures, bound))
			return true;
	return false;
}

/* The path whose captures let the rule match, as authz_rule_holds() finds it; else the first that matches. */
static void choose_captures(struct tracing *t)
{
	struct authz_captures captures = {0};
	bool bound = false;
	for (size_t i = 0; i < t->at.rule->n_to; i++)
		if (bind_operation(t, &t->at.rule->to[i], &bound))
			return;
	for (size_t i = 0; has_path(t->at.view) && !bound && i < t->at.rule->n_to; i++) {
		const struct authz_template *path =
			first_path(&t->at.rule->to[i], t->at.view->path, &captures);
		if (path)
			(void)bind(t, path, &captures, &bound);
	}
}

/* ---- from, when, authentication, condition ---- */

static json_t *from_json(struct tracing *t)
{
	const struct authz_rule *rule = t->at.rule;
	json_t *list = json_array();
	struct sv first = {0};
	bool any = false;
	for (size_t i = 0; list && i < rule->n_from; i++) {
		struct sv failed = {0};
		json_t *conditions = json_array();
		bool held = conditions_json(t, &rule->from[i], conditions, &failed);
		json_array_append_new(list, json_pack("{s:s, s:o}", "result", words(held),
		                                      "conditions", conditions));
		if (first.n == 0)
			first = failed;
		any = any || held;
	}
	note(t, any || rule->n_from == 0, first);
	return list;
}

static void when_json(struct tracing *t, const struct authz_conditions *when, json_t *into)
{
	struct sv failed = {0};
	note(t, conditions_json(t, when, into, &failed), failed);
}

static json_t *stepup_json(struct tracing *t)
{
	struct authz_stepup_lack lack = {0};
	bool held = authz_rule_at_stepup(&t->at);
	if (!held)
		(void)!authz_stepup_holds(t->at.rule->stepup, t->at.view, &lack);
	note(t, held, lack.condition.n ? lack.condition : SVL("authentication"));
	return json_pack(
		"{s:o, s:o, s:o, s:s}", "condition",
		json_text(lack.condition.n ? lack.condition : SVL("authentication")), "value",
		json_text_or_null(lack.value), "expected",
		json_text_or_null(lack.expected.n ? lack.expected : t->at.rule->stepup->challenge),
		"result", words(held));
}

static bool is_condition(const struct authz_expression *e)
{
	return sv_eq(e->label, SVL("condition"));
}

/* A relation that `when` asks for stands where it was written, though it is judged last. */
static void relations_json(struct tracing *t, json_t *into)
{
	for (const struct authz_expression *e = t->at.rule->expressions; e; e = e->after) {
		struct sv why = {0};
		bool is_error;
		if (is_condition(e))
			continue;
		bool held = authz_rule_at_expression(&t->at, e, &why, &is_error);
		const char *unknown = t->at.view->who->recorded ? "not_recorded" : "not_told";
		note(t, held, e->label);
		json_array_append_new(
			into, json_pack("{s:o, s:o, s:o, s:b, s:s, s:s}", "condition",
		                        json_text(e->label), "value", json_text_or_null(why),
		                        "expected", json_text(e->source), "negated", 0, "known",
		                        is_error ? unknown : "yes", "result", words(held)));
	}
}

static json_t *expression_json(struct tracing *t, const struct authz_expression *e)
{
	struct sv why = {0};
	bool is_error;
	bool held = authz_rule_at_expression(&t->at, e, &why, &is_error);
	const char *came_of_it = !is_error ? NULL
	                         : held    ? "an error in a DENY rule counts as a match"
	                                   : "an error in an ALLOW rule never grants";
	if (is_error && t->at.view->who->recorded)
		came_of_it = "it may be about something that is not recorded";
	note(t, held, SVL("condition"));
	json_t *json = json_pack("{s:s, s:o, s:o, s:b, s:s, s:o}", "condition", "condition",
	                         "value", json_text_or_null(why), "expected", json_text(e->source),
	                         "error", is_error, "result", words(held), "reads",
	                         authz_expression_reads(e, t->at.view, t->at.captures));
	if (json && came_of_it)
		json_object_set_new(json, "note", json_string(came_of_it));
	return json;
}

json_t *authz_trace_rule(const struct authz_rule *rule, const struct authz_view *view)
{
	struct tracing t = {.at = {rule, view, NULL}};
	struct authz_miss ignored = {.rule = rule, .progress = UINT32_MAX};
	struct sv route;
	json_t *when = json_array();
	bool held = authz_rule_holds(rule, view, &route, &ignored);
	choose_captures(&t);
	json_t *to = to_json(&t);
	when_json(&t, &rule->when, when);
	json_t *from = from_json(&t);
	when_json(&t, &rule->when_user, when);
	json_t *json =
		json_pack("{s:o, s:s, s:o, s:o, s:o, s:o}", "rule", json_text(rule->pointer),
	                  "result", words(held), "route", json_text_or_null(held ? route : t.route),
	                  "to", to, "when", when, "from", from);
	if (json && rule->stepup)
		json_object_set_new(json, "authentication", stepup_json(&t));
	if (json)
		relations_json(&t, when);
	const struct authz_expression *e = rule->expressions;
	while (e && !is_condition(e))
		e = e->after;
	if (json && e)
		json_object_set_new(json, "expression", expression_json(&t, e));
	if (json)
		json_object_set_new(json, "failed", json_text_or_null(t.failed));
	return json;
}
