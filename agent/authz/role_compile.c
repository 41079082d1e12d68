#include "authz/role.h"
#include "core/hash.h"
#include "core/jsonfields.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "core/names.h"

#include <stdlib.h>
#include <string.h>

/* Its policy is called role:NAME. */
enum { ROLE_NAME_MAX_BYTES = POLICY_NAME_MAX_BYTES - 5 };

struct raw_role {
	const json_t *name, *description, *permissions, *bindings, *inherits;
};

#define ROW(type, text, member)                              \
	{                                                    \
		.name = (text), .kind = JSON_FIELD_VALUE,    \
		.offset = JSON_FIELD_AT(struct type, member) \
	}

static const struct json_field role_fields[] = {
	{.name = "name",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_role, name),
         .required = true},
	ROW(raw_role, "description", description),
	ROW(raw_role, "permissions", permissions),
	ROW(raw_role, "bindings", bindings),
	ROW(raw_role, "inherits", inherits),
};

/* ---- bindings ---- */

struct binding_list {
	const char *name;
	enum authz_attribute_kind kind;
	enum compile_syntax syntax;
};

static const struct binding_list binding_lists[] = {
	{"groups", AUTHZ_ATTRIBUTE_GROUPS, SYNTAX_TEXT},
	{"clients", AUTHZ_ATTRIBUTE_PRESENTER, SYNTAX_TEXT},
	{"requestPrincipals", AUTHZ_ATTRIBUTE_REQUEST_PRINCIPAL, SYNTAX_TEXT},
	{"principals", AUTHZ_ATTRIBUTE_SOURCE_PRINCIPAL, SYNTAX_PRINCIPAL},
	{"namespaces", AUTHZ_ATTRIBUTE_SOURCE_NAMESPACE, SYNTAX_TEXT},
	{"serviceAccounts", AUTHZ_ATTRIBUTE_SOURCE_SERVICE_ACCOUNT, SYNTAX_ACCOUNT},
	{"trustDomains", AUTHZ_ATTRIBUTE_SOURCE_TRUST_DOMAIN, SYNTAX_TEXT},
};

struct raw_binding {
	const json_t *lists[ARRAY_LEN(binding_lists)];
	const json_t *claims;
};

static const struct json_field binding_fields[] = {
	ROW(raw_binding, "groups", lists[0]),
	ROW(raw_binding, "clients", lists[1]),
	ROW(raw_binding, "requestPrincipals", lists[2]),
	ROW(raw_binding, "principals", lists[3]),
	ROW(raw_binding, "namespaces", lists[4]),
	ROW(raw_binding, "serviceAccounts", lists[5]),
	ROW(raw_binding, "trustDomains", lists[6]),
	ROW(raw_binding, "claims", claims),
};
#undef ROW

/* "a" and "a[b]": as it is written behind request.auth.claims. */
static struct sv claim_key(struct compile *c, struct sv name)
{
	size_t n = sv_find(name, '[');
	return arena_printf(c->keep, "request.auth.claims[%.*s]%.*s", SV_ARG(sv_first(name, n)),
	                    SV_ARG(sv_from(name, n)));
}

static bool compile_claim(struct compile *c, const char *name, const json_t *list,
                          const struct compile_place *at, struct authz_condition *into)
{
	struct compile_place place = compile_key(at, name);
	const char *why = NULL;
	struct sv key = claim_key(c, sv_of(name));
	if (name[0] == 0 || !authz_attribute_parse(key, c->keep, &into->attribute, &why)) {
		compile_report(c, &place, "bad_value",
		               "a claim is named here, one within another as name[inner]");
		return false;
	}
	into->label = arena_printf(c->keep, "claims %s", name);
	compile_values(c, list, &place, SYNTAX_TEXT, into);
	return true;
}

static void compile_claims(struct compile *c, const json_t *claims, const struct compile_place *at,
                           struct authz_condition *conditions, size_t *n)
{
	const char *name;
	json_t *list;
	if (!json_is_object(claims) || json_object_size(claims) == 0) {
		compile_report(c, at, "wrong_type",
		               "an object is expected here: the values of each claim");
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)claims, name, list)
	{
		if (compile_claim(c, name, list, at, &conditions[*n]))
			(*n)++;
	}
}

static void compile_lists(struct compile *c, const struct raw_binding *raw,
                          const struct compile_place *at, struct authz_conditions *ret)
{
	size_t room = ARRAY_LEN(binding_lists) + json_object_size(raw->claims);
	struct authz_condition *conditions = compile_array(c, at, room + 1, sizeof(*conditions));
	ret->at = conditions;
	for (size_t i = 0; conditions && i < ARRAY_LEN(binding_lists); i++) {
		struct compile_place place = compile_key(at, binding_lists[i].name);
		if (!raw->lists[i])
			continue;
		struct authz_condition *into = &conditions[ret->n++];
		into->attribute.kind = binding_lists[i].kind;
		into->label = sv_of(binding_lists[i].name);
		compile_values(c, raw->lists[i], &place, binding_lists[i].syntax, into);
	}
	if (conditions && raw->claims) {
		struct compile_place place = compile_key(at, "claims");
		compile_claims(c, raw->claims, &place, conditions, &ret->n);
	}
}

static void compile_binding(struct compile *c, const json_t *value, const struct compile_place *at,
                            struct authz_role_binding *ret)
{
	struct raw_binding raw = {0};
	ret->pointer = arena_printf(c->keep, "%s", at->pointer);
	if (json_fields_read(value, binding_fields, ARRAY_LEN(binding_fields), at->pointer, c->diag,
	                     &raw) != 0) {
		c->failed = true;
		return;
	}
	if (json_object_size(value) == 0)
		compile_report(c, at, "empty_object",
		               "this binds the role to everybody; name who is meant");
	else
		compile_lists(c, &raw, at, &ret->conditions);
}

static size_t count_bindings(const json_t *list)
{
	size_t n = 0, i;
	json_t *role;
	json_array_foreach(list, i, role)
	{
		n += json_array_size(json_object_get(role, "bindings"));
	}
	return n;
}

static void compile_bindings(struct compile *c, const json_t *list, const struct compile_place *at,
                             uint32_t role, struct authz_roles *ret)
{
	size_t n = compile_list(c, list, at);
	for (size_t i = 0; i < n; i++) {
		struct compile_place place = compile_index(at, i);
		struct authz_role_binding *binding = &ret->bindings[ret->n_bindings++];
		binding->role = role;
		compile_binding(c, json_array_get(list, i), &place, binding);
	}
}

/* ---- names ---- */

bool authz_roles_named(const struct authz_roles *roles, struct sv name, uint32_t *ret)
{
	if (roles->n == 0)
		return false;
	size_t i = hash_fnv1a(name) & roles->name_mask;
	while (roles->by_name[i] && !sv_eq(roles->at[roles->by_name[i] - 1].name, name))
		i = (i + 1) & roles->name_mask;
	*ret = roles->by_name[i] - 1;
	return roles->by_name[i] != 0;
}

static void enter_name(struct compile *c, struct authz_roles *roles, uint32_t number,
                       const struct compile_place *at)
{
	struct compile_place place = compile_key(at, "name");
	struct sv name = roles->at[number].name;
	uint32_t other;
	if (authz_roles_named(roles, name, &other)) {
		compile_report(c, &place, "doubled_name", "another role has the name '%.*s'",
		               SV_ARG(name));
		return;
	}
	size_t i = hash_fnv1a(name) & roles->name_mask;
	while (roles->by_name[i])
		i = (i + 1) & roles->name_mask;
	roles->by_name[i] = number + 1;
}

static const char *nearest(const struct authz_roles *roles, struct sv name, const char **room)
{
	size_t n = 0;
	for (size_t i = 0; i < roles->n; i++)
		if (roles->at[i].name.n > 0) /* ends with 0: it is jansson's */
			room[n++] = roles->at[i].name.at;
	return names_nearest(room, n, name);
}

static bool find_role(struct compile *c, const struct authz_roles *roles, const json_t *value,
                      const struct compile_place *at, uint32_t *ret)
{
	struct sv name;
	if (!compile_text(c, value, at, &name))
		return false;
	if (authz_roles_named(roles, name, ret))
		return true;
	const char **room = calloc(roles->n + 1, sizeof(const char *));
	const char *near = room ? nearest(roles, name, room) : NULL;
	compile_report(c, at, "unknown_role", "the policy set has no role '%.*s'%s%s%s",
	               SV_ARG(name), near ? "; did you mean '" : "", near ? near : "",
	               near ? "'?" : "");
	free(room);
	return false;
}

void compile_role_names(struct compile *c, const json_t *list, const struct compile_place *at,
                        struct authz_condition *into)
{
	size_t n = compile_list(c, list, at);
	uint32_t *numbers = compile_array(c, at, n + 1, sizeof(*numbers));
	for (size_t i = 0; numbers && i < n; i++) {
		struct compile_place place = compile_index(at, i);
		uint32_t *number = &numbers[into->n_roles];
		if (!find_role(c, c->roles, json_array_get(list, i), &place, number))
			continue;
		into->about_user = into->about_user || c->roles->at[*number].about_user;
		into->n_roles++;
	}
	into->roles = numbers;
	if (n > 0)
		into->expected = compile_describe(c, list, into->negated);
}

bool authz_role_asks(struct compile *c, const struct compile_place *at, uint32_t role,
                     struct authz_conditions *ret)
{
	struct authz_condition *condition = compile_array(c, at, 1, sizeof(*condition));
	uint32_t *number = compile_array(c, at, 1, sizeof(*number));
	if (!condition || !number)
		return false;
	*number = role;
	*condition = (struct authz_condition){.attribute.kind = AUTHZ_ATTRIBUTE_ROLES,
	                                      .label = SV("from.source.roles"),
	                                      .roles = number,
	                                      .n_roles = 1,
	                                      .about_user = c->roles->at[role].about_user,
	                                      .expected = c->roles->at[role].name};
	*ret = (struct authz_conditions){condition, 1};
	return true;
}

/* ---- inheriting ---- */

/* What a role inherits, itself first: breadth first, so that each is reached once. */
struct reaching {
	struct compile *c;
	struct authz_roles *roles;
	const json_t *list;
	uint32_t *queue;
	uint32_t *via;  /* of each in the queue: which of the role's own `inherits` led there */
	uint32_t *seen; /* a role number + 1: reached for that one */
	size_t n_queue, n_total;
};

static const json_t *inherits_of(const struct reaching *r, uint32_t role)
{
	return json_object_get(json_array_get(r->list, role), "inherits");
}

static void reach(struct reaching *r, uint32_t from, uint32_t to, uint32_t via)
{
	if (to == from) {
		struct compile_place at = {"/roles"};
		at = compile_index(&at, from);
		at = compile_key(&at, "inherits");
		at = compile_index(&at, via);
		compile_report(r->c, &at, "role_cycle",
		               "this role leads back to '%.*s', which would inherit itself: leave "
		               "one of these out",
		               SV_ARG(r->roles->at[from].name));
		return;
	}
	if (r->seen[to] == from + 1)
		return;
	r->seen[to] = from + 1;
	r->queue[r->n_queue] = to;
	r->via[r->n_queue++] = via;
}

static void reach_all(struct reaching *r, uint32_t from)
{
	r->queue[0] = from;
	r->n_queue = 1;
	for (size_t i = 0; i < r->n_queue && !r->c->failed; i++) {
		const json_t *inherits = inherits_of(r, r->queue[i]);
		for (size_t k = 0; k < json_array_size(inherits) && !r->c->failed; k++) {
			uint32_t to = 0;
			if (authz_roles_named(r->roles, json_string_sv(json_array_get(inherits, k)),
			                      &to))
				reach(r, from, to, i == 0 ? (uint32_t)k : r->via[i]);
		}
	}
}

static void keep_reached(struct reaching *r, uint32_t from, const struct compile_place *at)
{
	struct authz_role *role = &r->roles->at[from];
	uint32_t *gives = NULL;
	r->n_total += r->n_queue;
	if (r->n_total > ROLES_MAX_GIVEN)
		compile_report(r->c, at, "too_large",
		               "roles that inherit roles give more than %d together",
		               ROLES_MAX_GIVEN);
	else
		gives = compile_array(r->c, at, r->n_queue, sizeof(*gives));
	if (!gives)
		return;
	memcpy(gives, r->queue, r->n_queue * sizeof(*gives));
	role->gives = gives;
	role->n_gives = r->n_queue;
}

static void compile_inherits(struct compile *c, const json_t *list, const struct compile_place *at,
                             struct authz_roles *roles)
{
	uint32_t *memory = calloc(roles->n * 3 + 1, sizeof(*memory));
	struct reaching r = {.c = c, .roles = roles, .list = list};
	if (!memory) {
		compile_report(c, at, "too_large", "memory is out");
		return;
	}
	r.queue = memory;
	r.via = memory + roles->n;
	r.seen = memory + roles->n * 2;
	for (uint32_t i = 0; i < roles->n && !c->failed; i++) {
		reach_all(&r, i);
		if (!c->failed)
			keep_reached(&r, i, at);
	}
	free(memory);
}

/* A role is about the user when a binding of it, or of one that gives it, is. */
static void mark_users(struct authz_roles *roles)
{
	for (size_t i = 0; i < roles->n_bindings; i++) {
		const struct authz_role_binding *binding = &roles->bindings[i];
		const struct authz_role *role = &roles->at[binding->role];
		bool about_user = false;
		for (size_t k = 0; k < binding->conditions.n; k++)
			about_user = about_user ||
			             authz_condition_about_user(&binding->conditions.at[k]);
		for (size_t k = 0; about_user && k < role->n_gives; k++)
			roles->at[role->gives[k]].about_user = true;
	}
}

/* ---- all of them ---- */

static void compile_role(struct compile *c, const json_t *value, const struct compile_place *at,
                         uint32_t number, struct authz_roles *ret)
{
	struct raw_role raw = {0};
	struct authz_role *role = &ret->at[number];
	if (json_fields_read(value, role_fields, ARRAY_LEN(role_fields), at->pointer, c->diag,
	                     &raw) != 0)
		c->failed = true;
	struct compile_place place = compile_key(at, "name");
	role->pointer = arena_printf(c->keep, "%s", at->pointer);
	if (raw.name)
		role->name = compile_name(c, raw.name, &place);
	if (role->name.n > ROLE_NAME_MAX_BYTES)
		compile_report(c, &place, "bad_name", "a role's name has at most %d bytes",
		               ROLE_NAME_MAX_BYTES);
	if (role->name.n > 0)
		enter_name(c, ret, number, at);
	place = compile_key(at, "description");
	struct sv ignored;
	if (raw.description)
		(void)compile_text(c, raw.description, &place, &ignored);
	place = compile_key(at, "bindings");
	if (raw.bindings)
		compile_bindings(c, raw.bindings, &place, number, ret);
}

/* Only when all names are known. */
static void check_inherits(struct compile *c, const json_t *list, const struct compile_place *at,
                           const struct authz_roles *roles)
{
	for (size_t i = 0; i < roles->n; i++) {
		const json_t *inherits = json_object_get(json_array_get(list, i), "inherits");
		struct compile_place place = compile_index(at, i);
		uint32_t ignored;
		place = compile_key(&place, "inherits");
		size_t n = inherits ? compile_list(c, inherits, &place) : 0;
		for (size_t k = 0; k < n; k++) {
			struct compile_place one = compile_index(&place, k);
			(void)find_role(c, roles, json_array_get(inherits, k), &one, &ignored);
		}
	}
}

static bool make_room(struct compile *c, const json_t *list, const struct compile_place *at,
                      size_t n, struct authz_roles *ret)
{
	size_t n_slots = 8;
	while (n_slots < n * 2)
		n_slots *= 2;
	ret->name_mask = n_slots - 1;
	ret->by_name = compile_array(c, at, n_slots, sizeof(*ret->by_name));
	ret->at = compile_array(c, at, n + 1, sizeof(*ret->at));
	ret->bindings = compile_array(c, at, count_bindings(list) + 1, sizeof(*ret->bindings));
	return ret->by_name && ret->at && ret->bindings;
}

void authz_roles_compile(struct compile *c, const json_t *list, const struct compile_place *at,
                         struct authz_roles *ret)
{
	size_t n = json_array_size(list);
	bool had_failed = c->failed; /* elsewhere */
	c->failed = false;
	*ret = (struct authz_roles){0};
	if (list && !json_is_array(list))
		compile_report(c, at, "wrong_type", "an array is expected here");
	if (n > POLICY_SET_MAX_ROLES)
		compile_report(c, at, "too_many", "at most %d roles are allowed",
		               POLICY_SET_MAX_ROLES);
	if (n > 0 && n <= POLICY_SET_MAX_ROLES && make_room(c, list, at, n, ret))
		ret->n = n;
	for (uint32_t i = 0; i < ret->n; i++) {
		struct compile_place place = compile_index(at, i);
		compile_role(c, json_array_get(list, i), &place, i, ret);
	}
	check_inherits(c, list, at, ret);
	if (!c->failed && ret->n > 0)
		compile_inherits(c, list, at, ret);
	if (!c->failed)
		mark_users(ret);
	if (!c->failed && ret->n > 0)
		authz_roles_index(c, at, ret);
	c->failed = c->failed || had_failed;
}
