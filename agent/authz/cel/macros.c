#include "authz/cel/macros.h"

#include <stdarg.h>
#include <stdio.h>

struct cel_node *cel_making_fail(struct cel_making *m, uint32_t offset, const char *format, ...)
{
	va_list args;
	if (m->has_failed)
		return NULL;
	m->has_failed = true;
	m->problem->offset = offset;
	va_start(args, format);
	(void)vsnprintf(m->problem->text, sizeof(m->problem->text), format, args);
	va_end(args);
	return NULL;
}

struct cel_node *cel_making_node(struct cel_making *m, uint8_t kind, uint32_t offset,
                                 struct cel_node **args, size_t n_args)
{
	uint32_t depth = 0;
	for (size_t i = 0; i < n_args; i++)
		if (args[i] && args[i]->depth > depth)
			depth = args[i]->depth;
	if (m->has_failed)
		return NULL;
	if (++m->n_nodes > m->limits->nodes)
		return cel_making_fail(m, offset, "the expression has too many parts");
	if (depth + 1 > 8 * m->limits->depth)
		return cel_making_fail(m, offset, "the expression has too many operators in a row");
	struct cel_node *node = arena_alloc(m->keep, sizeof(*node));
	if (!node) {
		m->is_full = true;
		return cel_making_fail(m, offset,
		                       "the expression needs more memory than it may have");
	}
	*node = (struct cel_node){.kind = kind,
	                          .offset = offset,
	                          .args = args,
	                          .n_args = (uint32_t)n_args,
	                          .depth = (uint16_t)(depth + 1)};
	return node;
}

struct cel_node *cel_making_list(struct cel_making *m, uint8_t kind, uint32_t offset,
                                 struct cel_node *a, struct cel_node *b, struct cel_node *c)
{
	size_t n = c ? 3 : b ? 2 : 1;
	struct cel_node **args = arena_array(m->keep, n, sizeof(struct cel_node *));
	if (!args) {
		m->is_full = true;
		return cel_making_fail(m, offset,
		                       "the expression needs more memory than it may have");
	}
	args[0] = a;
	if (n > 1)
		args[1] = b;
	if (n > 2)
		args[2] = c;
	return cel_making_node(m, kind, offset, args, n);
}

/* ---- loops ---- */

enum { PREDICATE = 1 << 0, RESULT = 1 << 1, SELF = 1 << 2 /* the result is the element */ };

struct loop {
	const char *name;
	uint8_t loop;
	uint8_t n_variables;
	uint8_t parts; /* what stands behind the variables, in this order */
};

static const struct loop loops[] = {
	{"all", CEL_LOOP_ALL, 1, PREDICATE},
	{"exists", CEL_LOOP_EXISTS, 1, PREDICATE},
	{"exists_one", CEL_LOOP_EXISTS_ONE, 1, PREDICATE},
	{"existsOne", CEL_LOOP_EXISTS_ONE, 1, PREDICATE},
	{"filter", CEL_LOOP_LIST, 1, PREDICATE | SELF},
	{"map", CEL_LOOP_LIST, 1, RESULT},
	{"map", CEL_LOOP_LIST, 1, PREDICATE | RESULT},
	{"all", CEL_LOOP_ALL, 2, PREDICATE},
	{"exists", CEL_LOOP_EXISTS, 2, PREDICATE},
	{"exists_one", CEL_LOOP_EXISTS_ONE, 2, PREDICATE},
	{"existsOne", CEL_LOOP_EXISTS_ONE, 2, PREDICATE},
	{"transformList", CEL_LOOP_LIST, 2, RESULT},
	{"transformList", CEL_LOOP_LIST, 2, PREDICATE | RESULT},
	{"transformMap", CEL_LOOP_MAP, 2, RESULT},
	{"transformMap", CEL_LOOP_MAP, 2, PREDICATE | RESULT},
	{"transformMapEntry", CEL_LOOP_ENTRIES, 2, RESULT},
	{"transformMapEntry", CEL_LOOP_ENTRIES, 2, PREDICATE | RESULT},
};

static size_t n_parts(const struct loop *loop)
{
	return (size_t)((loop->parts & PREDICATE) != 0) + ((loop->parts & RESULT) != 0);
}

static const struct loop *find_loop(struct sv name, size_t n_args)
{
	for (size_t i = 0; i < ARRAY_LEN(loops); i++)
		if (sv_eq(sv_of(loops[i].name), name) &&
		    n_args == 1U + loops[i].n_variables + n_parts(&loops[i]))
			return &loops[i];
	return NULL;
}

static bool is_variable(struct cel_making *m, const struct cel_node *node, struct sv macro)
{
	if (node->kind == CEL_NODE_IDENT && !node->is_rooted)
		return true;
	(void)cel_making_fail(m, node->offset, "%.*s() takes the name of a variable here",
	                      SV_ARG(macro));
	return false;
}

static struct cel_node *make_loop(struct cel_making *m, const struct loop *loop, struct sv name,
                                  uint32_t offset, struct cel_node **args)
{
	struct cel_node **parts = arena_array(m->keep, 3, sizeof(struct cel_node *));
	size_t at = 1U + loop->n_variables;
	bool has_two = loop->n_variables == 2;
	if (!parts || !is_variable(m, args[1], name) || (has_two && !is_variable(m, args[2], name)))
		return parts ? NULL
		             : cel_making_fail(m, offset, "the expression needs too much memory");
	if (has_two && sv_eq(args[1]->name, args[2]->name))
		return cel_making_fail(m, args[2]->offset, "the two variables need two names");
	parts[0] = args[0];
	if (loop->parts & PREDICATE)
		parts[1] = args[at++];
	if (loop->parts & RESULT)
		parts[2] = args[at];
	struct cel_node *node = cel_making_node(m, CEL_NODE_LOOP, offset, parts, 3);
	if (!node)
		return NULL;
	node->loop = loop->loop;
	node->has_two = has_two;
	node->name = args[1]->name;
	if (has_two)
		node->second = args[2]->name;
	return node;
}

/* ---- the others ---- */

static struct cel_node *make_call(struct cel_making *m, struct sv name, uint32_t offset,
                                  struct cel_node **args, size_t n_args, bool is_receiver)
{
	struct cel_node *node = cel_making_node(m, CEL_NODE_CALL, offset, args, n_args);
	if (node) {
		node->name = name;
		node->is_receiver = is_receiver;
	}
	return node;
}

static struct cel_node *make_binding(struct cel_making *m, uint8_t kind, struct sv macro,
                                     uint32_t offset, struct cel_node *variable,
                                     struct cel_node *value, struct cel_node *result)
{
	if (!is_variable(m, variable, macro))
		return NULL;
	struct cel_node *node = cel_making_list(m, kind, offset, value, result, NULL);
	if (node)
		node->name = variable->name;
	return node;
}

static bool is_ident(const struct cel_node *node, const char *name)
{
	return node->kind == CEL_NODE_IDENT && sv_eq(node->name, sv_of(name));
}

struct cel_node *cel_macro_global(struct cel_making *m, struct sv name, uint32_t offset,
                                  struct cel_node **args, size_t n_args)
{
	if (sv_eq(name, SVL("_in_"))) /* the one operator whose name could be written as one */
		return cel_making_fail(m, offset, "there is no function '_in_'");
	if (!sv_eq(name, SVL("has")) || n_args != 1)
		return make_call(m, name, offset, args, n_args, false);
	if (args[0]->kind != CEL_NODE_SELECT || args[0]->is_test)
		return cel_making_fail(m, args[0]->offset, "has() takes a field: has(claims.name)");
	args[0]->is_test = true;
	return args[0];
}

struct cel_node *cel_macro_receiver(struct cel_making *m, struct sv name, uint32_t offset,
                                    struct cel_node **args, size_t n_args)
{
	const struct loop *loop = find_loop(name, n_args);
	if (loop)
		return make_loop(m, loop, name, offset, args);
	if (sv_eq(name, SVL("bind")) && n_args == 4 && is_ident(args[0], "cel"))
		return make_binding(m, CEL_NODE_BIND, SVL("cel.bind"), offset, args[1], args[2],
		                    args[3]);
	bool is_flat = sv_eq(name, SVL("optFlatMap"));
	if (n_args == 3 && (is_flat || sv_eq(name, SVL("optMap")))) {
		struct cel_node *node =
			make_binding(m, CEL_NODE_OPTIONAL, name, offset, args[1], args[0], args[2]);
		if (node)
			node->is_optional = is_flat;
		return node;
	}
	return make_call(m, name, offset, args, n_args, true);
}
