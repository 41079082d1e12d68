/* The tree, walked. An error is a value that goes up until && or || can do without it. source: cel-spec
 * doc/langdef.md, "Evaluation" */
#include "authz/cel/program.h"

struct evaluating {
	struct cel_call *call;
	const struct cel_bindings *bindings;
	struct cel_value *locals;
	const struct cel_node *failed; /* where the last error arose; NULL: none yet */
};

static struct cel_value evaluate(struct evaluating *e, const struct cel_node *node);

static struct cel_value fail(struct evaluating *e, const struct cel_node *node,
                             struct cel_value error)
{
	e->failed = node;
	return error;
}

static struct cel_value told(struct evaluating *e, const struct cel_node *node,
                             struct cel_value value)
{
	return cel_is_error(value) ? fail(e, node, value) : value;
}

static struct cel_value full(struct evaluating *e, const struct cel_node *node)
{
	return fail(e, node, cel_out_of_memory(e->call));
}

/* ---- calls ---- */

enum { ARGS_HERE = 6 }; /* on the stack; more go into the arena */

static bool takes(const struct cel_candidate *candidate, const struct cel_value *args, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint8_t kind = candidate->kinds[MIN_OF(i, (uint32_t)candidate->n_kinds - 1)];
		if (kind != CEL_KIND_ANY && kind != args[i].kind)
			return false;
	}
	return true;
}

static struct cel_value call_with(struct evaluating *e, const struct cel_node *node,
                                  struct cel_value *args)
{
	for (uint32_t i = 0; i < node->n_args; i++) {
		args[i] = evaluate(e, node->args[i]);
		if (cel_is_error(args[i]))
			return args[i];
	}
	for (uint32_t i = 0; i < node->n_candidates; i++) {
		const struct cel_candidate *candidate = &node->candidates[i];
		if (!takes(candidate, args, node->n_args))
			continue;
		e->call->prepared = candidate->prepared;
		struct cel_value value = candidate->row->call(e->call, args, node->n_args);
		e->call->prepared = NULL;
		return told(e, node, value);
	}
	return fail(e, node, cel_no_overload());
}

/* of[index] as it is, or as an optional. */
static struct cel_value index_optional(struct evaluating *e, const struct cel_node *node,
                                       struct cel_value of, struct cel_value index)
{
	struct cel_value found;
	if (of.kind == CEL_OPTIONAL && !of.some)
		return of;
	if (of.kind == CEL_OPTIONAL)
		of = *of.some;
	if (of.kind == CEL_MAP) {
		if (!cel_map_key(index) && index.kind != CEL_DOUBLE)
			return fail(e, node, cel_no_overload());
		if (!cel_map_find(e->call, of, index, &found))
			return e->call->is_over ? fail(e, node, cel_over()) : cel_optional(NULL);
	} else if (of.kind == CEL_LIST) {
		found = cel_index(e->call, of, index);
		if (cel_is_error(found) && index.kind == CEL_INT && !e->call->is_over)
			return cel_optional(NULL);
	} else {
		return fail(e, node, cel_no_overload());
	}
	return cel_is_error(found) ? fail(e, node, found)
	                           : told(e, node, cel_optional_of(e->call, found));
}

static struct cel_value evaluate_index(struct evaluating *e, const struct cel_node *node)
{
	struct cel_value of = evaluate(e, node->args[0]);
	if (cel_is_error(of))
		return of;
	struct cel_value index = evaluate(e, node->args[1]);
	if (cel_is_error(index))
		return index;
	if (node->is_optional || of.kind == CEL_OPTIONAL)
		return index_optional(e, node, of, index);
	return told(e, node, cel_index(e->call, of, index));
}

static struct cel_value evaluate_call(struct evaluating *e, const struct cel_node *node)
{
	struct cel_value here[ARGS_HERE];
	if (node->n_candidates == 0)
		return evaluate_index(e, node);
	if (node->n_args <= ARGS_HERE)
		return call_with(e, node, here);
	struct cel_value *args = arena_array(e->call->arena, node->n_args, sizeof(*args));
	return args ? call_with(e, node, args) : full(e, node);
}

/* ---- fields ---- */

static struct cel_value no_field(struct evaluating *e, const struct cel_node *node)
{
	return fail(e, node,
	            cel_errorf(e->call, "no such key: %.*s", (int)MIN_OF(node->name.n, (size_t)64),
	                       node->name.at));
}

static struct cel_value test_field(struct evaluating *e, const struct cel_node *node,
                                   struct cel_value of)
{
	struct cel_value found;
	if (of.kind == CEL_OPTIONAL && !of.some)
		return cel_bool(false);
	if (of.kind == CEL_OPTIONAL)
		of = *of.some;
	if (of.kind != CEL_MAP)
		return fail(e, node, cel_no_overload());
	bool has = cel_map_find(e->call, of, cel_string(node->name), &found);
	if (e->call->is_over)
		return fail(e, node, cel_over());
	return cel_bool(has);
}

static struct cel_value evaluate_select(struct evaluating *e, const struct cel_node *node)
{
	struct cel_value of = evaluate(e, node->args[0]), found;
	if (cel_is_error(of))
		return of;
	if (node->is_test)
		return test_field(e, node, of);
	if (node->is_optional || of.kind == CEL_OPTIONAL)
		return index_optional(e, node, of, cel_string(node->name));
	if (of.kind != CEL_MAP)
		return fail(e, node, cel_no_overload());
	if (cel_map_find(e->call, of, cel_string(node->name), &found))
		return told(e, node, found);
	return e->call->is_over ? fail(e, node, cel_over()) : no_field(e, node);
}

static struct cel_value evaluate_variable(struct evaluating *e, const struct cel_node *node)
{
	struct cel_value value = e->bindings->get(e->call, e->bindings->context, node->slot);
	if (node->is_test)
		return cel_bool(!cel_is_error(value));
	return told(e, node, value);
}

/* ---- and, or, either ---- */

/* Either side settles it, whatever the other is. */
static struct cel_value evaluate_logic(struct evaluating *e, const struct cel_node *node)
{
	bool settling = node->kind == CEL_NODE_OR;
	struct cel_value left = evaluate(e, node->args[0]);
	if (left.kind == CEL_BOOL && (left.u == 1) == settling)
		return left;
	const struct cel_node *failed = e->failed;
	struct cel_value right = evaluate(e, node->args[1]);
	if (e->call->is_over)
		return fail(e, node, cel_over());
	if (right.kind == CEL_BOOL && (right.u == 1) == settling)
		return right;
	if (cel_is_error(left)) {
		e->failed = failed;
		return left;
	}
	if (cel_is_error(right))
		return right;
	if (left.kind != CEL_BOOL || right.kind != CEL_BOOL)
		return fail(e, node, cel_no_overload());
	return cel_bool(!settling);
}

static struct cel_value evaluate_choice(struct evaluating *e, const struct cel_node *node)
{
	struct cel_value test = evaluate(e, node->args[0]);
	if (cel_is_error(test))
		return test;
	if (test.kind != CEL_BOOL)
		return fail(e, node, cel_no_overload());
	return evaluate(e, node->args[test.u ? 1 : 2]);
}

/* ---- lists and maps ---- */

/* An element written with a ?: false: it is left out, or *value is an error. */
static bool take_optional(struct evaluating *e, const struct cel_node *node, uint32_t i,
                          struct cel_value *value)
{
	if (!node->optionals || !node->optionals[i])
		return !cel_is_error(*value);
	if (value->kind != CEL_OPTIONAL) {
		*value = cel_is_error(*value) ? *value : fail(e, node->args[i], cel_no_overload());
		return false;
	}
	if (value->some)
		*value = *value->some;
	return value->kind != CEL_OPTIONAL || value->some;
}

static struct cel_value evaluate_list(struct evaluating *e, const struct cel_node *node)
{
	struct cel_value *items = arena_array(e->call->arena, node->n_args + 1UL, sizeof(*items));
	size_t n = 0;
	if (!items)
		return full(e, node);
	for (uint32_t i = 0; i < node->n_args; i++) {
		items[n] = evaluate(e, node->args[i]);
		if (take_optional(e, node, i, &items[n]))
			n++;
		else if (cel_is_error(items[n]))
			return items[n];
	}
	return cel_list(items, n);
}

/* errors: an error value; CEL_NULL: it is in */
static struct cel_value add_entry(struct evaluating *e, const struct cel_node *node,
                                  struct cel_entry *entries, size_t *n, struct cel_value key,
                                  struct cel_value value)
{
	struct cel_value ignored;
	if (!cel_map_key(key))
		return fail(e, node, cel_error("unsupported key type"));
	if (cel_map_find(e->call, cel_map(entries, *n), key, &ignored))
		return fail(e, node, cel_error("Failed with repeated key"));
	if (e->call->is_over)
		return fail(e, node, cel_over());
	entries[(*n)++] = (struct cel_entry){key, value};
	return cel_null();
}

static struct cel_value evaluate_map(struct evaluating *e, const struct cel_node *node)
{
	struct cel_entry *entries =
		arena_array(e->call->arena, node->n_args / 2UL + 1, sizeof(*entries));
	size_t n = 0;
	if (!entries)
		return full(e, node);
	for (uint32_t i = 0; i + 1 < node->n_args; i += 2) {
		struct cel_value key = evaluate(e, node->args[i]);
		if (cel_is_error(key))
			return key;
		struct cel_value value = evaluate(e, node->args[i + 1]);
		bool is_in = take_optional(e, node, i + 1, &value);
		if (cel_is_error(value))
			return value;
		struct cel_value error =
			is_in ? add_entry(e, node->args[i], entries, &n, key, value) : cel_null();
		if (cel_is_error(error))
			return error;
	}
	return cel_map(entries, n);
}

/* ---- loops ---- */

struct looping {
	const struct cel_node *node;
	struct cel_value range; /* a list, or a map laid out */
	struct cel_value *items;
	struct cel_entry *entries;
	size_t n, room; /* made so far */
	uint32_t n_true;
	struct cel_value error; /* one that another element may make up for; kind CEL_NULL: none */
};

static void set_locals(struct evaluating *e, const struct looping *l, uint32_t i)
{
	struct cel_value *local = &e->locals[l->node->slot];
	if (l->range.kind == CEL_MAP) {
		local[0] = l->range.entries[i].key;
		if (l->node->has_two)
			local[1] = l->range.entries[i].value;
	} else if (l->node->has_two) {
		local[0] = cel_int(i);
		local[1] = l->range.items[i];
	} else {
		local[0] = l->range.items[i];
	}
}

static bool prepare_result(struct evaluating *e, struct looping *l)
{
	l->room = l->range.n;
	if (l->node->loop == CEL_LOOP_LIST)
		l->items = arena_array(e->call->arena, l->room + 1, sizeof(*l->items));
	else if (l->node->loop == CEL_LOOP_MAP)
		l->entries = arena_array(e->call->arena, l->room + 1, sizeof(*l->entries));
	return l->node->loop < CEL_LOOP_LIST || l->items || l->entries ||
	       l->node->loop == CEL_LOOP_ENTRIES;
}

/* The entries of one more map; room doubles, the arena bounds it. */
static struct cel_value merge(struct evaluating *e, struct looping *l, struct cel_value map)
{
	if (map.kind == CEL_MAP)
		map = cel_map_plain(e->call, map);
	if (map.kind != CEL_MAP)
		return fail(e, l->node->args[2], cel_is_error(map) ? map : cel_no_overload());
	if (!l->entries || l->n + map.n > l->room) {
		size_t room = 2 * (l->n + map.n) + 4;
		struct cel_entry *entries = arena_array(e->call->arena, room, sizeof(*entries));
		if (!entries)
			return full(e, l->node);
		if (l->n)
			memcpy(entries, l->entries, l->n * sizeof(*entries));
		l->entries = entries;
		l->room = room;
	}
	for (uint32_t i = 0; i < map.n; i++) {
		struct cel_value error = add_entry(e, l->node->args[2], l->entries, &l->n,
		                                   map.entries[i].key, map.entries[i].value);
		if (cel_is_error(error))
			return error;
	}
	return cel_null();
}

static struct cel_value keep_result(struct evaluating *e, struct looping *l)
{
	const struct cel_value *locals = &e->locals[l->node->slot];
	struct cel_value key = locals[0];
	struct cel_value value = l->node->args[2] ? evaluate(e, l->node->args[2]) : locals[0];
	if (cel_is_error(value))
		return value;
	if (l->node->loop == CEL_LOOP_ENTRIES)
		return merge(e, l, value);
	if (l->node->loop == CEL_LOOP_MAP)
		l->entries[l->n++] = (struct cel_entry){key, value};
	else
		l->items[l->n++] = value;
	return cel_null();
}

enum step { GO_ON, DECIDED, FAILED };

/* One element. *ret: the result of the loop when it is decided, or the error. */
static enum step take_step(struct evaluating *e, struct looping *l, struct cel_value *ret)
{
	const struct cel_node *node = l->node;
	struct cel_value asked = node->args[1] ? evaluate(e, node->args[1]) : cel_bool(true);
	if (!cel_is_error(asked) && asked.kind != CEL_BOOL)
		asked = fail(e, node->args[1], cel_no_overload());
	*ret = asked;
	if (e->call->is_over)
		return FAILED;
	if (node->loop == CEL_LOOP_ALL || node->loop == CEL_LOOP_EXISTS) {
		bool settling = node->loop == CEL_LOOP_EXISTS;
		if (cel_is_error(asked) && l->error.kind == CEL_NULL)
			l->error = asked;
		return asked.kind == CEL_BOOL && (asked.u == 1) == settling ? DECIDED : GO_ON;
	}
	if (cel_is_error(asked))
		return FAILED;
	if (!asked.u)
		return GO_ON;
	if (node->loop == CEL_LOOP_EXISTS_ONE) {
		l->n_true++;
		return GO_ON;
	}
	*ret = keep_result(e, l);
	return cel_is_error(*ret) ? FAILED : GO_ON;
}

static struct cel_value loop_end(const struct looping *l)
{
	switch ((enum cel_loop)l->node->loop) {
	case CEL_LOOP_ALL:
	case CEL_LOOP_EXISTS:
		return l->error.kind != CEL_NULL ? l->error
		                                 : cel_bool(l->node->loop == CEL_LOOP_ALL);
	case CEL_LOOP_EXISTS_ONE:
		return cel_bool(l->n_true == 1);
	case CEL_LOOP_LIST:
		return cel_list(l->items, l->n);
	case CEL_LOOP_MAP:
	case CEL_LOOP_ENTRIES:
		break;
	}
	return cel_map(l->entries, l->n);
}

static struct cel_value evaluate_loop(struct evaluating *e, const struct cel_node *node)
{
	struct looping l = {.node = node, .range = evaluate(e, node->args[0]), .error = cel_null()};
	struct cel_value ret;
	if (cel_is_error(l.range))
		return l.range;
	if (l.range.kind == CEL_MAP)
		l.range = cel_map_plain(e->call, l.range);
	if (l.range.kind != CEL_LIST && l.range.kind != CEL_MAP)
		return fail(e, node->args[0], cel_is_error(l.range) ? l.range : cel_no_overload());
	if (!prepare_result(e, &l))
		return full(e, node);
	for (uint32_t i = 0; i < l.range.n; i++) {
		set_locals(e, &l, i);
		if (take_step(e, &l, &ret) != GO_ON)
			return e->call->is_over ? fail(e, node, cel_over()) : ret;
	}
	return loop_end(&l);
}

static struct cel_value evaluate_bind(struct evaluating *e, const struct cel_node *node)
{
	struct cel_value value = evaluate(e, node->args[0]);
	if (cel_is_error(value))
		return value;
	e->locals[node->slot] = value;
	return evaluate(e, node->args[1]);
}

static struct cel_value evaluate_optional(struct evaluating *e, const struct cel_node *node)
{
	struct cel_value of = evaluate(e, node->args[0]);
	if (cel_is_error(of) || (of.kind == CEL_OPTIONAL && !of.some))
		return of;
	if (of.kind != CEL_OPTIONAL)
		return fail(e, node, cel_no_overload());
	e->locals[node->slot] = *of.some;
	struct cel_value value = evaluate(e, node->args[1]);
	if (cel_is_error(value))
		return value;
	if (!node->is_optional)
		return told(e, node, cel_optional_of(e->call, value));
	return value.kind == CEL_OPTIONAL ? value : fail(e, node, cel_no_overload());
}

/* ---- all of them ---- */

static struct cel_value evaluate(struct evaluating *e, const struct cel_node *node)
{
	if (!cel_charge(e->call, 1))
		return fail(e, node, cel_over());
	switch ((enum cel_node_kind)node->kind) {
	case CEL_NODE_CONSTANT:
		return node->constant;
	case CEL_NODE_VARIABLE:
		return evaluate_variable(e, node);
	case CEL_NODE_LOCAL:
		return e->locals[node->slot];
	case CEL_NODE_SELECT:
		return evaluate_select(e, node);
	case CEL_NODE_CALL:
		return evaluate_call(e, node);
	case CEL_NODE_AND:
	case CEL_NODE_OR:
		return evaluate_logic(e, node);
	case CEL_NODE_CHOICE:
		return evaluate_choice(e, node);
	case CEL_NODE_LIST:
		return evaluate_list(e, node);
	case CEL_NODE_MAP:
		return evaluate_map(e, node);
	case CEL_NODE_LOOP:
		return evaluate_loop(e, node);
	case CEL_NODE_BIND:
		return evaluate_bind(e, node);
	case CEL_NODE_OPTIONAL:
		return evaluate_optional(e, node);
	case CEL_NODE_FAIL:
	case CEL_NODE_IDENT:
		break;
	}
	return fail(e, node,
	            cel_is_error(node->constant) && node->constant.bytes
	                    ? node->constant
	                    : cel_error("unknown variable"));
}

struct cel_value cel_evaluate(const struct cel_program *program, struct cel_call *call,
                              const struct cel_bindings *bindings, uint32_t *ret_offset)
{
	struct evaluating e = {.call = call, .bindings = bindings};
	struct cel_value value = cel_out_of_memory(call);
	call->is_over = false;
	if (program->n_locals > 0)
		e.locals = arena_array(call->arena, program->n_locals, sizeof(*e.locals));
	if (program->n_locals == 0 || e.locals)
		value = evaluate(&e, program->root);
	else
		call->is_over = true;
	if (ret_offset)
		*ret_offset = e.failed ? e.failed->offset : program->root->offset;
	return value;
}
