/* Bindings by the values that take part in them, so that a caller's own values find them. */
#include "authz/index_table.h"
#include "authz/role.h"

enum {
	ASKED_MAX = 32,  /* attributes whose values are looked up, each for every request */
	VALUES_MAX = 512 /* of one list; a longer one is bisected each time, which is as good */
};

uint64_t authz_role_key(const struct authz_attribute *attribute, struct sv value)
{
	uint64_t h = attribute->kind;
	for (size_t i = 0; i < attribute->n_arguments; i++)
		h = key_of(KEY_SPACE, h, hash_fnv1a(attribute->argument[i]));
	return key_of(KEY_ROLE, h, hash_fnv1a(value));
}

static bool is_same(const struct authz_attribute *a, const struct authz_attribute *b)
{
	if (a->kind != b->kind || a->n_arguments != b->n_arguments)
		return false;
	for (size_t i = 0; i < a->n_arguments; i++)
		if (!sv_eq(a->argument[i], b->argument[i]))
			return false;
	return true;
}

static bool is_asked(const struct authz_roles *roles, const struct authz_attribute *attribute)
{
	for (size_t i = 0; i < roles->n_asked; i++)
		if (is_same(roles->asked[i], attribute))
			return true;
	return false;
}

/* The list by which the binding is found: of those that are exact, the shortest. */
static const struct authz_condition *key_condition(const struct authz_roles *roles,
                                                   const struct authz_role_binding *binding)
{
	const struct authz_condition *best = NULL;
	for (size_t i = 0; i < binding->conditions.n; i++) {
		const struct authz_condition *c = &binding->conditions.at[i];
		bool can = c->texts.n_wild == 0 && c->texts.n_exact <= VALUES_MAX &&
		           (roles->n_asked < ASKED_MAX || is_asked(roles, &c->attribute));
		if (can && (!best || c->texts.n_exact < best->texts.n_exact))
			best = c;
	}
	return best;
}

static void enter(struct authz_roles *roles, uint64_t key, uint32_t binding)
{
	size_t i = key & roles->slot_mask;
	while (roles->slots[i] && roles->entries[roles->slots[i] - 1].key != key)
		i = (i + 1) & roles->slot_mask;
	roles->entries[roles->n_entries++] =
		(struct authz_role_entry){key, binding, roles->slots[i]};
	roles->slots[i] = (uint32_t)roles->n_entries;
}

static void enter_binding(struct authz_roles *roles, uint32_t number,
                          const struct authz_condition *c)
{
	if (!c) {
		roles->always[roles->n_always++] = number;
		return;
	}
	if (!is_asked(roles, &c->attribute))
		roles->asked[roles->n_asked++] = &c->attribute;
	for (size_t i = 0; i < c->texts.n_exact; i++)
		enter(roles, authz_role_key(&c->attribute, c->texts.exact[i].text), number);
}

static size_t count_values(const struct authz_roles *roles)
{
	size_t n = 0;
	for (size_t i = 0; i < roles->n_bindings; i++) {
		size_t most = 0;
		for (size_t k = 0; k < roles->bindings[i].conditions.n; k++)
			most = MAX_OF(most, roles->bindings[i].conditions.at[k].texts.n_exact);
		n += MIN_OF(most, (size_t)VALUES_MAX);
	}
	return n;
}

void authz_roles_index(struct compile *c, const struct compile_place *at, struct authz_roles *roles)
{
	size_t n_values = count_values(roles);
	size_t n_slots = 8;
	while (n_slots < n_values * 2)
		n_slots *= 2;
	roles->slot_mask = n_slots - 1;
	roles->slots = compile_array(c, at, n_slots, sizeof(*roles->slots));
	roles->entries = compile_array(c, at, n_values + 1, sizeof(*roles->entries));
	roles->always = compile_array(c, at, roles->n_bindings + 1, sizeof(*roles->always));
	roles->asked = compile_array(c, at, ASKED_MAX, sizeof(const struct authz_attribute *));
	if (!roles->slots || !roles->entries || !roles->always || !roles->asked)
		return;
	for (size_t i = 0; i < roles->n_bindings; i++)
		enter_binding(roles, (uint32_t)i, key_condition(roles, &roles->bindings[i]));
}
