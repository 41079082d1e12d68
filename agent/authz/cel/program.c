#include "authz/cel/program.h"

#include "authz/cel/check.h"
#include "authz/cel/type.h"

#include <errno.h>
#include <stdio.h>

const struct cel_limits cel_limits_condition = {.source_bytes = 4096, .nodes = 512, .depth = 64};

static void release(struct cel_held *held)
{
	for (; held; held = held->next)
		held->by->release(held->prepared);
}

void cel_program_fini(struct cel_program *program)
{
	release(program->held);
	program->held = NULL;
}

/* false: no memory, or a type that is none: *bad says which */
static bool read_variables(struct cel_checking *c, size_t *bad)
{
	size_t n = c->env->n_variables;
	c->variable_types = arena_array(c->types.keep, n + 1, sizeof(struct cel_type *));
	c->uses = arena_array(c->types.keep, n + 1, 1);
	*bad = n;
	if (!c->variable_types || !c->uses)
		return false;
	for (size_t i = 0; i < n; i++) {
		c->variable_types[i] =
			cel_type_parse(&c->types, sv_of(c->env->variables[i].type), NULL);
		if (!c->variable_types[i]) {
			*bad = i;
			return false;
		}
	}
	return true;
}

static int check(struct cel_checking *c, struct cel_node *root)
{
	size_t bad;
	if (read_variables(c, &bad))
		return cel_check(c, root);
	if (c->types.is_full || bad == c->env->n_variables)
		return -ENOMEM;
	(void)snprintf(c->problem->text, sizeof(c->problem->text),
	               "the type of the variable '%.60s' is none", c->env->variables[bad].name);
	return -EINVAL;
}

int cel_compile(struct sv source, const struct cel_env *env, unsigned flags,
                const struct cel_limits *limits, struct arena *keep, struct cel_problem *problem,
                struct cel_program *ret)
{
	struct cel_node *root;
	struct cel_checking c = {
		.env = env, .flags = flags, .types = {.keep = keep}, .problem = problem};
	*problem = (struct cel_problem){0};
	int r = cel_parse(source, limits, keep, problem, &root);
	if (r == 0)
		r = check(&c, root);
	const struct cel_type *type = r == 0 ? cel_type_final(&c.types, root->type) : NULL;
	if (r == 0 && !type)
		r = -ENOMEM;
	if (r != 0) {
		release(c.held);
		return r;
	}
	*ret = (struct cel_program){.root = root,
	                            .type = type,
	                            .n_locals = c.most_locals,
	                            .uses = c.uses,
	                            .held = c.held};
	return 0;
}

void cel_place(struct sv source, uint32_t offset, unsigned *ret_line, unsigned *ret_column)
{
	*ret_line = *ret_column = 1;
	for (size_t i = 0; i < offset && i < source.n; i++) {
		bool is_end = source.at[i] == '\n';
		*ret_line += is_end;
		if (is_end)
			*ret_column = 1;
		else if (((unsigned char)source.at[i] & 0xc0) != 0x80)
			++*ret_column;
	}
}
