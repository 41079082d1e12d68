#include "authz/expression_relations.h"

#include <stdarg.h>
#include <stdio.h>

enum { ARGUMENT_OBJECT, ARGUMENT_RELATION, ARGUMENT_SUBJECT, ARGUMENTS };

struct checking {
	const struct relation_model *model;
	struct cel_problem *problem;
};

PRINTF_LIKE(3, 4)
static bool wrong(const struct checking *c, const struct cel_node *at, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	c->problem->offset = at->offset;
	(void)vsnprintf(c->problem->text, sizeof(c->problem->text), format, args);
	va_end(args);
	return false;
}

static bool is_call(const struct cel_node *node, const char *name, size_t n_args)
{
	return node->kind == CEL_NODE_CALL && !node->is_receiver && node->n_args == n_args &&
	       sv_eq(node->name, sv_of(name));
}

/* The text that a value begins with, and whether it is all of it: 'order:' + path.id */
static bool begins_with(const struct cel_node *node, struct sv *ret, bool *ret_whole)
{
	*ret_whole = node->kind == CEL_NODE_CONSTANT;
	while (is_call(node, "_+_", 2))
		node = node->args[0];
	if (node->kind != CEL_NODE_CONSTANT || node->constant.kind != CEL_STRING)
		return false;
	*ret = cel_text(node->constant);
	return true;
}

/* out: *ret: NULL where it stands nowhere. false: reported */
static bool find_type(const struct checking *c, const struct cel_node *argument,
                      const struct relation_type **ret)
{
	struct sv text;
	bool is_whole;
	*ret = NULL;
	if (!begins_with(argument, &text, &is_whole))
		return true;
	size_t colon = sv_find(text, ':');
	if (colon == text.n)
		return !is_whole ||
		       wrong(c, argument, "'%.*s': \"type:id\" is expected", SV_ARG(text));
	*ret = relation_type_find(c->model, sv_first(text, colon));
	return *ret ||
	       wrong(c, argument, "`types` has no type '%.*s'", SV_ARG(sv_first(text, colon)));
}

static bool is_relation_of_any(const struct relation_model *model, struct sv name)
{
	for (size_t i = 0; i < model->n; i++)
		if (relation_def_find(&model->types[i], name))
			return true;
	return false;
}

static bool check_call(const struct checking *c, const struct cel_node *call)
{
	const struct relation_type *object, *subject;
	const struct cel_node *relation = call->args[ARGUMENT_RELATION];
	struct sv name;
	bool is_whole;
	if (!find_type(c, call->args[ARGUMENT_OBJECT], &object) ||
	    !find_type(c, call->args[ARGUMENT_SUBJECT], &subject))
		return false;
	if (!begins_with(relation, &name, &is_whole) || !is_whole)
		return true;
	if (object && !relation_def_find(object, name))
		return wrong(c, relation, "objects of this type have no relation '%.*s'",
		             SV_ARG(name));
	return is_relation_of_any(c->model, name) ||
	       wrong(c, relation, "no type of `types` has a relation '%.*s'", SV_ARG(name));
}

static bool check_node(const struct checking *c, const struct cel_node *node)
{
	if (!node)
		return true;
	for (size_t i = 0; i < node->n_args; i++)
		if (!check_node(c, node->args[i]))
			return false;
	return !is_call(node, "related", ARGUMENTS) || check_call(c, node);
}

bool expression_relations_check(const struct cel_node *root, const struct relation_model *model,
                                struct cel_problem *problem)
{
	const struct checking c = {model, problem};
	return check_node(&c, root);
}
