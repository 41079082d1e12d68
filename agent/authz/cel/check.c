#include "authz/cel/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

const struct cel_type *cel_check_fail(struct cel_checking *c, const struct cel_node *node,
                                      const char *format, ...)
{
	va_list args;
	if (c->has_failed)
		return NULL;
	c->has_failed = true;
	c->problem->offset = node->offset;
	va_start(args, format);
	(void)vsnprintf(c->problem->text, sizeof(c->problem->text), format, args);
	va_end(args);
	return NULL;
}

const struct cel_type *cel_check_later(struct cel_checking *c, struct cel_node *node,
                                       const char *text)
{
	(void)c;
	node->kind = CEL_NODE_FAIL;
	node->constant = cel_error(text);
	return &cel_type_dyn;
}

static bool is_unchecked(const struct cel_checking *c)
{
	return (c->flags & CEL_UNCHECKED) != 0;
}

/* A type that nothing is known of is taken for dyn from here on. */
static const struct cel_type *settled(struct cel_checking *c, const struct cel_type *type)
{
	type = cel_type_known(type);
	if (type->kind == CEL_TYPE_PARAM)
		(void)cel_type_takes(&c->types, &cel_type_dyn, type);
	return type->kind == CEL_TYPE_PARAM ? &cel_type_dyn : type;
}

static bool wants(struct cel_checking *c, const struct cel_node *node, enum cel_kind kind,
                  const char *what)
{
	if (is_unchecked(c) || cel_type_takes(&c->types, cel_type_plain(kind), node->type))
		return true;
	const struct cel_type *final = cel_type_final(&c->types, node->type);
	struct sv text = final ? cel_type_text(c->types.keep, final) : (struct sv){0};
	return cel_check_fail(c, node, "%s has to be a bool, and this is %.*s", what,
	                      SV_ARG(text)) != NULL;
}

static bool check_args(struct cel_checking *c, struct cel_node *node)
{
	for (uint32_t i = 0; i < node->n_args; i++)
		if (!cel_check_node(c, node->args[i]))
			return false;
	return true;
}

/* ---- constants, names, fields ---- */

static const struct cel_type *constant_type(const struct cel_node *node)
{
	return cel_type_plain(node->constant.kind);
}

static const struct cel_type *check_ident(struct cel_checking *c, struct cel_node *node)
{
	const struct cel_type *type;
	if (cel_resolve_name(c, node, &type))
		return type;
	if (is_unchecked(c))
		return cel_check_later(c, node, "unknown variable");
	return cel_resolve_unknown(c, node);
}

/* Of the value behind a field of such a type; NULL: it has no fields. */
static const struct cel_type *field_type(struct cel_checking *c, const struct cel_type *of)
{
	of = settled(c, of);
	if (of->kind == CEL_TYPE_DYN)
		return of;
	if (of->kind == CEL_TYPE_MAP &&
	    cel_type_takes(&c->types, of->of[0], cel_type_plain(CEL_STRING)))
		return of->of[1];
	return NULL;
}

/* Whatever is asked of an optional is optional. */
static const struct cel_type *through_optional(struct cel_checking *c, const struct cel_type *of,
                                               bool *is_optional)
{
	of = cel_type_known(of);
	if (of->kind != CEL_TYPE_OPTIONAL)
		return of;
	(void)c;
	*is_optional = true;
	return of->of[0];
}

/* has(variable): known where it has a value at all. */
static bool tests_variable(struct cel_checking *c, struct cel_node *node)
{
	const struct cel_type *ignored;
	struct cel_node copy = *node;
	copy.is_test = false;
	if (!cel_resolve_name(c, &copy, &ignored) || copy.kind != CEL_NODE_VARIABLE)
		return false;
	node->kind = CEL_NODE_VARIABLE;
	node->slot = copy.slot;
	return true;
}

static const struct cel_type *check_select(struct cel_checking *c, struct cel_node *node)
{
	const struct cel_type *type = NULL;
	bool is_optional = node->is_optional;
	if (node->is_test ? tests_variable(c, node) : cel_resolve_name(c, node, &type))
		return node->is_test ? cel_type_plain(CEL_BOOL) : type;
	if (!is_unchecked(c) && cel_resolve_is_unknown(c, node->args[0]))
		return cel_resolve_unknown(c, node->is_test ? node->args[0] : node);
	const struct cel_type *of = cel_check_node(c, node->args[0]);
	if (!of)
		return NULL;
	if (is_unchecked(c))
		return &cel_type_dyn;
	of = through_optional(c, of, &is_optional);
	type = field_type(c, of);
	if (!type) {
		const struct cel_type *final = cel_type_final(&c->types, of);
		struct sv text = final ? cel_type_text(c->types.keep, final) : (struct sv){0};
		return cel_check_fail(c, node, "a value of type %.*s has no fields", SV_ARG(text));
	}
	if (node->is_test)
		return cel_type_plain(CEL_BOOL);
	return is_optional ? cel_type_of(&c->types, CEL_TYPE_OPTIONAL, type, NULL) : type;
}

static const struct cel_type *check_index(struct cel_checking *c, struct cel_node *node)
{
	bool is_optional = node->is_optional;
	const struct cel_type *type = NULL;
	if (!check_args(c, node))
		return NULL;
	if (is_unchecked(c))
		return &cel_type_dyn;
	const struct cel_type *of =
		settled(c, through_optional(c, node->args[0]->type, &is_optional));
	const struct cel_type *index = node->args[1]->type;
	if (of->kind == CEL_TYPE_DYN)
		type = of;
	else if (of->kind == CEL_TYPE_LIST &&
	         cel_type_takes(&c->types, cel_type_plain(CEL_INT), index))
		type = of->of[0];
	else if (of->kind == CEL_TYPE_MAP && cel_type_takes(&c->types, of->of[0], index))
		type = of->of[1];
	if (!type) {
		struct sv text = cel_type_text(c->types.keep, of);
		struct sv by = cel_type_text(c->types.keep, index);
		return cel_check_fail(c, node, "a %.*s has no element by %.*s", SV_ARG(text),
		                      SV_ARG(by));
	}
	return is_optional ? cel_type_of(&c->types, CEL_TYPE_OPTIONAL, type, NULL) : type;
}

/* ---- and, or, either ---- */

static const struct cel_type *check_logic(struct cel_checking *c, struct cel_node *node)
{
	const char *what = node->kind == CEL_NODE_AND ? "each side of && " : "each side of || ";
	if (!check_args(c, node) || !wants(c, node->args[0], CEL_BOOL, what) ||
	    !wants(c, node->args[1], CEL_BOOL, what))
		return NULL;
	return cel_type_plain(CEL_BOOL);
}

static const struct cel_type *check_choice(struct cel_checking *c, struct cel_node *node)
{
	if (!check_args(c, node) || !wants(c, node->args[0], CEL_BOOL, "what stands before the ?"))
		return NULL;
	if (is_unchecked(c))
		return &cel_type_dyn;
	const struct cel_type *yes = node->args[1]->type, *no = node->args[2]->type;
	const struct cel_type *either = cel_type_param(&c->types);
	if (either && cel_type_takes(&c->types, either, yes) &&
	    cel_type_takes(&c->types, either, no))
		return either;
	struct sv a = cel_type_text(c->types.keep, yes), b = cel_type_text(c->types.keep, no);
	return cel_check_fail(c, node,
	                      "both results of a choice have to be of one type, not %.*s "
	                      "and %.*s",
	                      SV_ARG(a), SV_ARG(b));
}

/* ---- lists and maps ---- */

/* Of an element; that of what is in it where it is written with a ?. NULL: a mistake */
static const struct cel_type *element_type(struct cel_checking *c, const struct cel_node *node,
                                           uint32_t i)
{
	const struct cel_type *type = node->args[i]->type;
	if (!node->optionals || !node->optionals[i])
		return type;
	type = settled(c, type);
	if (type->kind == CEL_TYPE_DYN)
		return type;
	if (type->kind == CEL_TYPE_OPTIONAL)
		return type->of[0];
	return cel_check_fail(c, node->args[i], "an optional is expected behind the ?");
}

static const struct cel_type *joined(struct cel_checking *c, const struct cel_node *node,
                                     uint32_t from, uint32_t step, bool optional_here)
{
	const struct cel_type *all = NULL;
	for (uint32_t i = from; i < node->n_args; i += step) {
		const struct cel_type *one =
			optional_here ? element_type(c, node, i) : node->args[i]->type;
		if (!one)
			return NULL;
		all = all ? cel_type_join(&c->types, all, one) : one;
	}
	return all ? all : cel_type_param(&c->types);
}

static const struct cel_type *check_list(struct cel_checking *c, struct cel_node *node)
{
	if (!check_args(c, node))
		return NULL;
	if (is_unchecked(c))
		return &cel_type_dyn;
	return cel_type_of(&c->types, CEL_TYPE_LIST, joined(c, node, 0, 1, true), NULL);
}

static const struct cel_type *check_map(struct cel_checking *c, struct cel_node *node)
{
	if (!check_args(c, node))
		return NULL;
	if (is_unchecked(c))
		return &cel_type_dyn;
	const struct cel_type *keys = joined(c, node, 0, 2, false);
	const struct cel_type *values = joined(c, node, 1, 2, true);
	return keys && values ? cel_type_of(&c->types, CEL_TYPE_MAP, keys, values) : NULL;
}

/* ---- what binds variables ---- */

static void enter(struct cel_checking *c, struct cel_local *local)
{
	local->slot = c->n_locals++;
	local->outer = c->locals;
	c->locals = local;
	if (c->n_locals > c->most_locals)
		c->most_locals = c->n_locals;
}

static void leave(struct cel_checking *c, unsigned n)
{
	for (; n > 0; n--) {
		c->locals = c->locals->outer;
		c->n_locals--;
	}
}

/* The types of the loop's variables; false: nothing to go through. */
static bool loop_types(struct cel_checking *c, struct cel_node *node, const struct cel_type **first,
                       const struct cel_type **second)
{
	const struct cel_type *range = settled(c, node->args[0]->type);
	*first = *second = &cel_type_dyn;
	if (range->kind == CEL_TYPE_LIST) {
		*first = node->has_two ? cel_type_plain(CEL_INT) : range->of[0];
		*second = range->of[0];
	} else if (range->kind == CEL_TYPE_MAP) {
		*first = range->of[0];
		*second = range->of[1];
	} else if (range->kind != CEL_TYPE_DYN) {
		struct sv text = cel_type_text(c->types.keep, range);
		return cel_check_fail(c, node->args[0],
		                      "a list or a map is expected here, not %.*s",
		                      SV_ARG(text)) != NULL;
	}
	return true;
}

static const struct cel_type *loop_result(struct cel_checking *c, struct cel_node *node,
                                          const struct cel_type *first)
{
	const struct cel_type *of = node->args[2] ? node->args[2]->type : first;
	switch ((enum cel_loop)node->loop) {
	case CEL_LOOP_ALL:
	case CEL_LOOP_EXISTS:
	case CEL_LOOP_EXISTS_ONE:
		return cel_type_plain(CEL_BOOL);
	case CEL_LOOP_LIST:
		return cel_type_of(&c->types, CEL_TYPE_LIST, of, NULL);
	case CEL_LOOP_MAP:
		return cel_type_of(&c->types, CEL_TYPE_MAP, first, of);
	case CEL_LOOP_ENTRIES:
		break;
	}
	of = settled(c, of);
	if (of->kind == CEL_TYPE_MAP || of->kind == CEL_TYPE_DYN)
		return of;
	return cel_check_fail(c, node->args[2], "transformMapEntry() makes a map of each element");
}

static const struct cel_type *check_loop(struct cel_checking *c, struct cel_node *node)
{
	struct cel_local locals[2] = {{.name = node->name}, {.name = node->second}};
	if (!cel_check_node(c, node->args[0]) ||
	    !loop_types(c, node, &locals[0].type, &locals[1].type))
		return NULL;
	enter(c, &locals[0]);
	if (node->has_two)
		enter(c, &locals[1]);
	node->slot = locals[0].slot;
	bool good = !node->args[1] ||
	            (cel_check_node(c, node->args[1]) &&
	             wants(c, node->args[1], CEL_BOOL, "what is asked of each element"));
	good = good && (!node->args[2] || cel_check_node(c, node->args[2]));
	leave(c, node->has_two ? 2 : 1);
	return good ? loop_result(c, node, locals[0].type) : NULL;
}

static const struct cel_type *check_bind(struct cel_checking *c, struct cel_node *node)
{
	struct cel_local local = {.name = node->name};
	local.type = cel_check_node(c, node->args[0]);
	if (!local.type)
		return NULL;
	enter(c, &local);
	node->slot = local.slot;
	const struct cel_type *type = cel_check_node(c, node->args[1]);
	leave(c, 1);
	return type;
}

static const struct cel_type *check_optional(struct cel_checking *c, struct cel_node *node)
{
	struct cel_local local = {.name = node->name, .type = &cel_type_dyn};
	const struct cel_type *of = cel_check_node(c, node->args[0]);
	if (!of)
		return NULL;
	of = settled(c, of);
	if (of->kind == CEL_TYPE_OPTIONAL)
		local.type = of->of[0];
	else if (of->kind != CEL_TYPE_DYN)
		return cel_check_fail(c, node->args[0], "an optional is expected here");
	enter(c, &local);
	node->slot = local.slot;
	const struct cel_type *type = cel_check_node(c, node->args[1]);
	leave(c, 1);
	if (!type || !node->is_optional)
		return type ? cel_type_of(&c->types, CEL_TYPE_OPTIONAL, type, NULL) : NULL;
	type = settled(c, type);
	if (type->kind == CEL_TYPE_OPTIONAL || type->kind == CEL_TYPE_DYN)
		return type;
	return cel_check_fail(c, node->args[1], "optFlatMap() makes an optional; optMap() wraps");
}

/* ---- all of them ---- */

static const struct cel_type *check_call(struct cel_checking *c, struct cel_node *node)
{
	return sv_eq(node->name, SVL("_[_]")) ? check_index(c, node) : cel_resolve_call(c, node);
}

static const struct cel_type *check_kind(struct cel_checking *c, struct cel_node *node)
{
	switch ((enum cel_node_kind)node->kind) {
	case CEL_NODE_CONSTANT:
		return constant_type(node);
	case CEL_NODE_IDENT:
		return check_ident(c, node);
	case CEL_NODE_SELECT:
		return check_select(c, node);
	case CEL_NODE_CALL:
		return check_call(c, node);
	case CEL_NODE_AND:
	case CEL_NODE_OR:
		return check_logic(c, node);
	case CEL_NODE_CHOICE:
		return check_choice(c, node);
	case CEL_NODE_LIST:
		return check_list(c, node);
	case CEL_NODE_MAP:
		return check_map(c, node);
	case CEL_NODE_LOOP:
		return check_loop(c, node);
	case CEL_NODE_BIND:
		return check_bind(c, node);
	case CEL_NODE_OPTIONAL:
		return check_optional(c, node);
	case CEL_NODE_FAIL:
	case CEL_NODE_VARIABLE:
	case CEL_NODE_LOCAL:
		break;
	}
	return node->type ? node->type : &cel_type_dyn;
}

const struct cel_type *cel_check_node(struct cel_checking *c, struct cel_node *node)
{
	node->type = check_kind(c, node);
	if (!node->type && !c->has_failed)
		c->types.is_full = true;
	return node->type;
}

int cel_check(struct cel_checking *c, struct cel_node *root)
{
	if (!cel_check_node(c, root) || c->types.is_full)
		return c->has_failed ? -EINVAL : -ENOMEM;
	bool is_condition = (c->flags & CEL_STRICT) != 0;
	if (is_condition && !wants(c, root, CEL_BOOL, "a condition"))
		return -EINVAL;
	return 0;
}
