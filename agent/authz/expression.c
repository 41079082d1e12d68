#include "authz/expression.h"

#include "authz/compile.h"
#include "authz/expression_relations.h"
#include "authz/path.h"
#include "authz/rule.h"
#include "core/jsonload.h"
#include "core/utf8.h"
#include "model/identity.h"

#include <errno.h>

/* ---- judging ---- */

struct judging {
	const struct authz_expression *expression;
	const struct authz_view *view;
	const struct authz_captures *captures;
};

static struct cel_value get_capture(struct cel_call *call, const struct judging *j, size_t i)
{
	struct sv value;
	if (!j->captures || !authz_captures_find(j->captures, j->expression->captures[i], &value))
		return cel_error("the path does not have it");
	if (!authz_path_decode(value, call->arena, &value))
		return cel_out_of_memory(call);
	return utf8_valid(value) ? cel_string(value) : cel_error("it is not UTF-8");
}

static struct cel_value get(struct cel_call *call, const void *context, uint32_t slot)
{
	const struct judging *j = context;
	if (slot < n_authz_names)
		return authz_names[slot].get(call, j->view);
	return get_capture(call, j, slot - n_authz_names);
}

static struct sv error_text(const struct judging *j, struct cel_value error, uint32_t offset)
{
	unsigned line, column;
	cel_place(j->expression->source, offset, &line, &column);
	struct sv text = arena_printf(j->view->scratch, "error at line %u, column %u: %.*s", line,
	                              column, (int)error.n, error.bytes);
	return text.n ? text : SVL("error");
}

static struct sv false_text(const struct authz_view *view, struct sv missing)
{
	struct sv text = missing.n ? arena_printf(view->scratch,
	                                          "false: no tuple %.*s, and none that leads to it",
	                                          SV_ARG(missing))
	                           : SVL("false");
	return text.n ? text : SVL("false");
}

enum authz_expression_outcome authz_expression_evaluate(const struct authz_expression *expression,
                                                        const struct authz_view *view,
                                                        const struct authz_captures *captures,
                                                        struct sv *ret_why)
{
	const struct judging j = {expression, view, captures};
	const struct cel_bindings bindings = {get, &j};
	struct sv missing = {0};
	const struct authz_asker asker = {view,
	                                  sv_find(expression->source, '#') < expression->source.n,
	                                  ret_why && !expression->uses_secrets ? &missing : NULL};
	struct cel_call call = {
		.arena = view->scratch, .steps = CEL_CONDITION_STEPS, .host = &asker};
	uint32_t offset;
	struct cel_value value = cel_evaluate(&expression->program, &call, &bindings, &offset);
	if (value.kind == CEL_BOOL) {
		if (ret_why)
			*ret_why = value.u ? SVL("true") : false_text(view, missing);
		return value.u ? AUTHZ_EXPRESSION_TRUE : AUTHZ_EXPRESSION_FALSE;
	}
	if (!cel_is_error(value)) /* of a dyn */
		value = cel_error("the result is no bool");
	if (ret_why)
		*ret_why = error_text(&j, value, offset);
	return AUTHZ_EXPRESSION_FAILED;
}

/* ---- what it reads ---- */

size_t authz_expression_slots(const struct authz_expression *e)
{
	return n_authz_names + e->n_captures;
}

struct sv authz_expression_slot_name(const struct authz_expression *e, size_t slot,
                                     struct arena *scratch)
{
	if (slot < n_authz_names)
		return sv_of(authz_names[slot].name);
	return arena_printf(scratch, "path.%.*s", SV_ARG(e->captures[slot - n_authz_names]));
}

struct cel_value authz_expression_slot_value(const struct authz_expression *e,
                                             const struct authz_view *view,
                                             const struct authz_captures *captures, size_t slot,
                                             struct cel_call *call)
{
	const struct judging j = {e, view, captures};
	return get(call, &j, (uint32_t)slot);
}

/* Names whose values may hold secrets. */
static bool is_secret(const char *name)
{
	struct sv text = sv_of(name);
	return sv_eq(text, SVL("request.headers")) || sv_eq(text, SVL("request.path")) ||
	       sv_starts(text, SVL("request.query"));
}

bool authz_expression_slot_is_secret(size_t slot)
{
	return slot < n_authz_names && is_secret(authz_names[slot].name);
}

/* ---- compiling ---- */

/* The names that every path of the rule binds: those of the first that all others have too. */
static bool find_captures(struct compile *c, const struct authz_rule *rule,
                          struct authz_expression *ret)
{
	const struct authz_template *first =
		rule->n_to > 0 && rule->to[0].n_paths > 0 ? &rule->to[0].paths[0] : NULL;
	size_t n = first ? first->n_names : 0;
	struct sv *names = arena_array(c->keep, n + 1, sizeof(*names));
	if (!names)
		return false;
	for (size_t i = 0; i < n; i++)
		if (authz_rule_captures(rule, first->names[i]))
			names[ret->n_captures++] = first->names[i];
	ret->captures = names;
	return true;
}

/* The table's names, then path.<name>. NULL: no memory */
static const struct cel_variable *declare(struct compile *c, const struct authz_expression *e)
{
	struct cel_variable *variables =
		arena_array(c->keep, n_authz_names + e->n_captures, sizeof(*variables));
	for (size_t i = 0; variables && i < n_authz_names; i++)
		variables[i] = (struct cel_variable){authz_names[i].name, authz_names[i].type};
	for (size_t i = 0; variables && i < e->n_captures; i++) {
		struct sv name = arena_printf(c->keep, "path.%.*s%c", SV_ARG(e->captures[i]), 0);
		if (name.n == 0)
			return NULL;
		variables[n_authz_names + i] = (struct cel_variable){name.at, "string"};
	}
	return variables;
}

static void note_uses(struct authz_expression *e)
{
	for (size_t i = 0; i < n_authz_names; i++)
		e->uses_secrets =
			e->uses_secrets || (e->program.uses[i] && is_secret(authz_names[i].name));
	for (size_t i = 0; i < n_authz_names; i++)
		e->uses_user = e->uses_user || (e->program.uses[i] && authz_names[i].about_user);
	for (size_t i = 0; i < e->n_captures; i++)
		e->uses_captures = e->uses_captures || e->program.uses[n_authz_names + i];
}

static void report(struct compile *c, const struct compile_place *at, struct sv source,
                   const struct cel_problem *problem)
{
	unsigned line, column;
	cel_place(source, problem->offset, &line, &column);
	compile_report(c, at, "bad_condition", "line %u, column %u: %s", line, column,
	               problem->text);
}

static void report_full(struct compile *c, const struct compile_place *at)
{
	compile_report(c, at, "too_large", "the policy set needs more memory than it may have");
}

/* returns false when something was reported, and nothing has to be released */
static bool compile_program(struct compile *c, const struct compile_place *at,
                            const struct authz_rule *rule, struct authz_expression *e)
{
	struct cel_problem problem;
	const struct cel_variable *variables = find_captures(c, rule, e) ? declare(c, e) : NULL;
	if (!variables) {
		report_full(c, at);
		return false;
	}
	const struct cel_env env = {.variables = variables,
	                            .n_variables = n_authz_names + e->n_captures};
	int r = cel_compile(e->source, &env, CEL_STRICT, &cel_limits_condition, c->keep, &problem,
	                    &e->program);
	if (r == -EINVAL)
		report(c, at, e->source, &problem);
	else if (r != 0)
		report_full(c, at);
	return r == 0;
}

static void append(struct authz_rule *rule, struct authz_expression *e)
{
	struct authz_expression **end = &rule->expressions;
	while (*end)
		end = &(*end)->after;
	*end = e;
	rule->uses_captures = rule->uses_captures || e->uses_captures;
}

void compile_expression(struct compile *c, struct sv source, struct sv label,
                        const struct compile_place *at, struct authz_rule *rule)
{
	struct authz_expression *e = compile_array(c, at, 1, sizeof(*e));
	struct cel_problem problem;
	if (!e)
		return;
	e->label = label;
	e->source = source;
	if (!compile_program(c, at, rule, e))
		return;
	note_uses(e);
	e->next = *c->expressions;
	*c->expressions = e;
	append(rule, e);
	if (!expression_relations_check(e->program.root, c->relations, &problem))
		report(c, at, e->source, &problem);
}

void authz_expressions_fini(struct authz_expression *first)
{
	for (; first; first = first->next)
		cel_program_fini(&first->program);
}
