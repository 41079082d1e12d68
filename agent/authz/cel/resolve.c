#include "authz/cel/check.h"
#include "core/names.h"

#include <stdio.h>

enum { NAME_BYTES = 256 };

/* ---- dotted names ---- */

/* "a.b.c" of a chain of SELECTs, into room; empty: it is none, or too long. *ret_root: its IDENT */
static struct sv dotted(const struct cel_node *node, char room[NAME_BYTES],
                        const struct cel_node **ret_root)
{
	if (node->kind == CEL_NODE_IDENT && node->name.n < NAME_BYTES) {
		memcpy(room, node->name.at, node->name.n);
		*ret_root = node;
		return (struct sv){room, node->name.n};
	}
	if (node->kind != CEL_NODE_SELECT || node->is_test || node->is_optional)
		return (struct sv){0};
	struct sv front = dotted(node->args[0], room, ret_root);
	if (front.n == 0 || front.n + 1 + node->name.n >= NAME_BYTES)
		return (struct sv){0};
	room[front.n] = '.';
	memcpy(room + front.n + 1, node->name.at, node->name.n);
	return (struct sv){room, front.n + 1 + node->name.n};
}

static const struct cel_local *find_local(const struct cel_checking *c, struct sv name)
{
	for (const struct cel_local *local = c->locals; local; local = local->outer)
		if (sv_eq(local->name, name))
			return local;
	return NULL;
}

/* The names that one stands for, the innermost container first: a.b.x, a.x, x. false: there is no i-th. */
static bool candidate_name(struct sv container, struct sv name, size_t i, char room[2 * NAME_BYTES],
                           struct sv *ret)
{
	for (; i > 0; i--) {
		size_t dot = container.n;
		if (container.n == 0)
			return false;
		while (dot > 0 && container.at[dot - 1] != '.')
			dot--;
		container.n = dot ? dot - 1 : 0;
	}
	int n = snprintf(room, 2 * NAME_BYTES, "%.*s%s%.*s", SV_ARG(container),
	                 container.n ? "." : "", SV_ARG(name));
	*ret = (struct sv){room, n > 0 ? (size_t)n : 0};
	return n > 0 && n < 2 * NAME_BYTES;
}

static bool find_variable(const struct cel_checking *c, struct sv name, uint32_t *ret)
{
	for (size_t i = 0; i < c->env->n_variables; i++)
		if (sv_eq(sv_of(c->env->variables[i].name), name)) {
			*ret = (uint32_t)i;
			return true;
		}
	return false;
}

/* Types are values too. */
static bool find_type(struct cel_checking *c, struct sv name, struct cel_node *node,
                      const struct cel_type **ret)
{
	for (unsigned kind = CEL_NULL; kind < CEL_KIND_COUNT; kind++) {
		if (!sv_eq(cel_kind_name((uint8_t)kind), name))
			continue;
		const struct cel_type *of = cel_type_parse(&c->types, name, NULL);
		node->kind = CEL_NODE_CONSTANT;
		node->constant = cel_type_value(cel_kind_name((uint8_t)kind));
		*ret = of ? cel_type_of(&c->types, CEL_TYPE_OF, of, NULL) : NULL;
		return *ret;
	}
	return false;
}

static bool find_name(struct cel_checking *c, struct sv name, struct cel_node *node,
                      const struct cel_type **ret)
{
	uint32_t slot;
	if (!find_variable(c, name, &slot))
		return find_type(c, name, node, ret);
	node->kind = CEL_NODE_VARIABLE;
	node->slot = slot;
	c->uses[slot] = 1;
	*ret = c->variable_types[slot];
	return true;
}

bool cel_resolve_name(struct cel_checking *c, struct cel_node *node, const struct cel_type **ret)
{
	char room[NAME_BYTES], qualified[2 * NAME_BYTES];
	const struct cel_node *root = NULL;
	struct sv name = dotted(node, room, &root), candidate;
	if (name.n == 0)
		return false;
	const struct cel_local *local = root->is_rooted ? NULL : find_local(c, root->name);
	if (local && node != root)
		return false; /* a field of it */
	if (local) {
		node->kind = CEL_NODE_LOCAL;
		node->slot = local->slot;
		*ret = local->type;
		return true;
	}
	struct sv container = root->is_rooted ? (struct sv){0} : c->env->container;
	for (size_t i = 0; candidate_name(container, name, i, qualified, &candidate); i++)
		if (find_name(c, candidate, node, ret))
			return true;
	return false;
}

/* ---- names that nobody knows ---- */

enum { NAMES_MAX = 128 };

const struct cel_type *cel_resolve_unknown(struct cel_checking *c, struct cel_node *node)
{
	char room[NAME_BYTES];
	const char *names[NAMES_MAX];
	const struct cel_node *root = node;
	struct sv name = dotted(node, room, &root);
	size_t n = MIN_OF(c->env->n_variables, (size_t)NAMES_MAX);
	for (size_t i = 0; i < n; i++)
		names[i] = c->env->variables[i].name;
	const char *near = names_nearest(names, n, name);
	return cel_check_fail(c, root, "there is no '%.*s'%s%s%s", SV_ARG(name),
	                      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

bool cel_resolve_is_unknown(struct cel_checking *c, const struct cel_node *node)
{
	char room[NAME_BYTES];
	const struct cel_node *root = NULL;
	if (dotted(node, room, &root).n == 0)
		return false;
	struct cel_node copy = *root;
	const struct cel_type *ignored;
	/* a shorter front of the name may be a variable, whose fields the rest are */
	for (const struct cel_node *front = node;; front = front->args[0]) {
		copy = *front;
		if (cel_resolve_name(c, &copy, &ignored) ||
		    (front == root && find_local(c, root->name)))
			return false;
		if (front == root)
			return true;
	}
}

/* ---- calls ---- */

struct overloads {
	struct cel_candidate *at;
	size_t n, room;
	bool is_known; /* some function has that name, whatever it takes */
};

static unsigned count_args(const char *args)
{
	unsigned n = *args ? 1 : 0, depth = 0;
	for (; *args; args++) {
		depth += *args == '(';
		depth -= *args == ')';
		n += *args == ',' && depth == 0;
	}
	return n;
}

static struct sv cut_arg(struct sv *rest)
{
	unsigned depth = 0;
	size_t n = 0;
	for (; n < rest->n && (depth > 0 || rest->at[n] != ','); n++) {
		depth += rest->at[n] == '(';
		depth -= rest->at[n] == ')';
	}
	struct sv arg = sv_first(*rest, n);
	*rest = sv_from(*rest, n + 1);
	return sv_trim(arg);
}

static bool fits(const struct cel_function *row, struct sv name, enum cel_style style,
                 uint32_t n_args, bool *is_known)
{
	bool is_style = row->style == style || (style == CEL_GLOBAL && row->style == CEL_OPERATOR);
	if (!is_style || !sv_eq(sv_of(row->name), name))
		return false;
	*is_known = true;
	unsigned n = count_args(row->args);
	return n == n_args || (row->is_variadic && n_args > n);
}

static uint8_t kind_of_text(struct sv text)
{
	static const struct {
		struct sv name;
		uint8_t kind;
	} heads[] = {{SV("list("), CEL_LIST},
	             {SV("map("), CEL_MAP},
	             {SV("optional_type("), CEL_OPTIONAL},
	             {SV("type("), CEL_TYPE}};
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		if (sv_starts(text, heads[i].name))
			return heads[i].kind;
	if (sv_eq(text, SVL("timestamp")))
		return CEL_TIMESTAMP;
	if (sv_eq(text, SVL("duration")))
		return CEL_DURATION;
	if (sv_eq(text, SVL("null")))
		return CEL_NULL;
	for (unsigned kind = CEL_NULL; kind < CEL_KIND_COUNT; kind++)
		if (sv_eq(cel_kind_name((uint8_t)kind), text))
			return (uint8_t)kind;
	return CEL_KIND_ANY;
}

static void add_row(struct cel_checking *c, const struct cel_function *row,
                    struct overloads *overloads)
{
	uint8_t kinds[CEL_ARGS_MAX];
	struct sv rest = sv_of(row->args), kept;
	uint8_t n = 0;
	while (rest.n > 0 && n < CEL_ARGS_MAX)
		kinds[n++] = kind_of_text(cut_arg(&rest));
	if (overloads->n == overloads->room ||
	    !arena_dup(c->types.keep, (struct sv){(const char *)kinds, n ? n : 1U}, &kept)) {
		c->types.is_full = true;
		return;
	}
	overloads->at[overloads->n++] =
		(struct cel_candidate){.row = row, .kinds = (const uint8_t *)kept.at, .n_kinds = n};
}

enum { OVERLOADS_MAX = 48 };

static void find_rows(struct cel_checking *c, struct sv name, enum cel_style style, uint32_t n_args,
                      struct overloads *overloads)
{
	for (size_t i = 0; cel_function_groups[i]; i++)
		for (size_t k = 0; k < cel_function_groups[i]->n; k++) {
			const struct cel_function *row = &cel_function_groups[i]->at[k];
			if (fits(row, name, style, n_args, &overloads->is_known))
				add_row(c, row, overloads);
		}
	for (size_t i = 0; i < c->env->n_functions; i++)
		if (fits(&c->env->functions[i], name, style, n_args, &overloads->is_known))
			add_row(c, &c->env->functions[i], overloads);
}

/* ---- types of a call ---- */

/* The result when the row takes the arguments, NULL when it does not. */
static const struct cel_type *try_row(struct cel_checking *c, const struct cel_function *row,
                                      const struct cel_node *node)
{
	const struct cel_type *params[26] = {0};
	struct sv rest = sv_of(row->args), arg = {0};
	size_t mark = cel_types_mark(&c->types);
	for (uint32_t i = 0; i < node->n_args; i++) {
		arg = rest.n ? cut_arg(&rest) : arg;
		const struct cel_type *wanted = cel_type_parse(&c->types, arg, params);
		if (!wanted || !cel_type_takes(&c->types, wanted, node->args[i]->type)) {
			cel_types_back(&c->types, mark);
			return NULL;
		}
	}
	return cel_type_parse(&c->types, sv_of(row->result), params);
}

/* Those that the types leave; their results joined. */
static const struct cel_type *choose(struct cel_checking *c, struct cel_node *node,
                                     struct overloads *overloads)
{
	const struct cel_type *result = NULL;
	size_t n = 0;
	for (size_t i = 0; i < overloads->n; i++) {
		const struct cel_type *one = try_row(c, overloads->at[i].row, node);
		if (!one)
			continue;
		overloads->at[n++] = overloads->at[i];
		if (!result)
			result = one;
		else if (!cel_type_same(cel_type_known(result), cel_type_known(one)))
			result = &cel_type_dyn;
	}
	overloads->n = n;
	return result;
}

static struct sv shown_name(const struct cel_node *node)
{
	struct sv name = node->name;
	if (name.n > 2 && (name.at[0] == '_' || name.at[name.n - 1] == '_') && !node->is_receiver) {
		if (sv_eq(name, SVL("_[_]")))
			return SVL("[ ]");
		name = name.at[0] == '_' ? sv_from(name, 1) : name;
		return name.at[name.n - 1] == '_' ? sv_first(name, name.n - 1) : name;
	}
	return name;
}

static struct sv types_text(struct cel_checking *c, const struct cel_node *node)
{
	struct sv text = {0};
	for (uint32_t i = 0; i < node->n_args; i++) {
		const struct cel_type *final = cel_type_final(&c->types, node->args[i]->type);
		struct sv one = final ? cel_type_text(c->types.keep, final) : (struct sv){0};
		text = i == 0 ? one
		              : arena_printf(c->types.keep, "%.*s%s%.*s", SV_ARG(text),
		                             i == 1 && node->is_receiver ? "; " : ", ",
		                             SV_ARG(one));
	}
	return text;
}

static const struct cel_type *refuse(struct cel_checking *c, struct cel_node *node,
                                     const struct overloads *overloads)
{
	struct sv name = shown_name(node);
	if (c->flags & CEL_UNCHECKED)
		return cel_check_later(
			c, node, overloads->is_known ? "no such overload" : "unbound function");
	if (!overloads->is_known)
		return cel_check_fail(c, node, "there is no function '%.*s'%s", SV_ARG(name),
		                      node->is_receiver ? " on a value" : "");
	return cel_check_fail(c, node, "'%.*s' does not take (%.*s)", SV_ARG(name),
	                      SV_ARG(types_text(c, node)));
}

/* ---- what is made of constant arguments ---- */

static bool hold(struct cel_checking *c, struct cel_node *node, struct cel_candidate *candidate)
{
	const struct cel_preparation *by = candidate->row->prepare;
	const struct cel_node *arg = by->arg < node->n_args ? node->args[by->arg] : NULL;
	const char *why = "";
	bool is_constant =
		arg && arg->kind == CEL_NODE_CONSTANT && arg->constant.kind == CEL_STRING;
	if (!is_constant && (c->flags & CEL_STRICT))
		return cel_check_fail(c, arg ? arg : node, "'%.*s' takes a constant text here",
		                      SV_ARG(node->name)) != NULL;
	if (!is_constant)
		return true;
	struct cel_held *held = arena_alloc(c->types.keep, sizeof(*held));
	if (!held) {
		c->types.is_full = true;
		return false;
	}
	if (!by->make(cel_text(arg->constant), &held->prepared, &why)) {
		if (c->flags & CEL_STRICT)
			return cel_check_fail(c, arg, "%s", why) != NULL;
		(void)cel_check_later(c, node, why);
		return true;
	}
	held->by = by;
	held->next = c->held;
	c->held = held;
	candidate->prepared = held->prepared;
	return true;
}

static const struct cel_type *resolve(struct cel_checking *c, struct cel_node *node,
                                      enum cel_style style)
{
	struct cel_candidate room[OVERLOADS_MAX];
	struct overloads overloads = {.at = room, .room = OVERLOADS_MAX};
	const struct cel_type *type = &cel_type_dyn;
	find_rows(c, node->name, style, node->n_args, &overloads);
	if (!(c->flags & CEL_UNCHECKED))
		type = choose(c, node, &overloads);
	if (overloads.n == 0 || !type)
		return refuse(c, node, &overloads);
	for (size_t i = 0; i < overloads.n && node->kind == CEL_NODE_CALL; i++)
		if (room[i].row->prepare && !hold(c, node, &room[i]))
			return NULL;
	struct cel_candidate *kept = arena_array(c->types.keep, overloads.n, sizeof(*kept));
	if (!kept) {
		c->types.is_full = true;
		return NULL;
	}
	memcpy(kept, room, overloads.n * sizeof(*kept));
	node->candidates = kept;
	node->n_candidates = (uint32_t)overloads.n;
	return type;
}

/* math.abs(x) is written as a call on `math`: the first argument is no value then. */
static bool is_namespaced(struct cel_checking *c, struct cel_node *node)
{
	char room[NAME_BYTES], qualified[2 * NAME_BYTES];
	const struct cel_node *root = NULL;
	struct sv front = dotted(node->args[0], room, &root), name, candidate;
	if (front.n == 0 || (!root->is_rooted && find_local(c, root->name)))
		return false;
	name = arena_printf(c->types.keep, "%.*s.%.*s", SV_ARG(front), SV_ARG(node->name));
	for (size_t i = 0; candidate_name(c->env->container, name, i, qualified, &candidate); i++) {
		struct cel_candidate ignored[OVERLOADS_MAX];
		struct overloads overloads = {.at = ignored, .room = OVERLOADS_MAX};
		find_rows(c, candidate, CEL_GLOBAL, node->n_args - 1, &overloads);
		if (!overloads.is_known)
			continue;
		if (!arena_dup(c->types.keep, candidate, &node->name))
			return false;
		node->is_receiver = false;
		node->args++;
		node->n_args--;
		return true;
	}
	return false;
}

const struct cel_type *cel_resolve_call(struct cel_checking *c, struct cel_node *node)
{
	if (node->is_receiver)
		(void)is_namespaced(c, node);
	for (uint32_t i = 0; i < node->n_args; i++)
		if (!cel_check_node(c, node->args[i]))
			return NULL;
	return resolve(c, node, node->is_receiver ? CEL_RECEIVER : CEL_GLOBAL);
}
