/* Roles: names for what people, clients and workloads may do together.
 *
 * A role is held by whom one of its bindings fits, and by whoever holds a role that inherits it. A binding fits when
 * all of its lists do. What a role permits is an ALLOW policy of the name "role:NAME" whose rules ask for the role;
 * rules of other policies ask for it in from.source.roles. Internal to this folder.
 *
 * Who holds what is looked up once for a request, by the values that the caller has and not role by role. Where a
 * list of a binding cannot be judged (a claim that the book does not keep, a user on a TCP connection), the role may
 * be held: that never grants, and binds a DENY rule.
 */
#ifndef AUTHZ_ROLE_H
#define AUTHZ_ROLE_H

#include "authz/compile.h"

#include <stdbool.h>
#include <stdint.h>

struct authz_role {
	struct sv name;
	struct sv pointer;     /* "/roles/3" */
	const uint32_t *gives; /* itself first, then every role that it inherits, near or far */
	size_t n_gives;
	bool about_user; /* a user's credential may be what it takes to hold it */
};

struct authz_role_binding {
	uint32_t role;
	struct sv pointer; /* "/roles/3/bindings/0" */
	struct authz_conditions conditions;
};

/* Bindings under one value that takes part in them: a list that goes on in `next`. */
struct authz_role_entry {
	uint64_t key;
	uint32_t binding;
	uint32_t next; /* entry number + 1; 0: the last */
};

struct authz_roles {
	struct authz_role *at;
	size_t n;
	uint32_t *by_name; /* open addressing: number + 1 */
	size_t name_mask;
	struct authz_role_binding *bindings;
	size_t n_bindings;
	/* how bindings are found */
	const struct authz_attribute **asked; /* the attributes whose values are keys */
	size_t n_asked;
	struct authz_role_entry *entries;
	size_t n_entries;
	uint32_t *slots; /* entry number + 1 */
	size_t slot_mask;
	uint32_t *always; /* bindings without such a value, looked at each time */
	size_t n_always;
};

/* authz_roles_compile - the `roles` of a policy set; their permissions are compiled with the policies.
 *
 * in      list: may be NULL
 * out     *ret, memory of the set; errors are reported in c
 */
void authz_roles_compile(struct compile *c, const json_t *list, const struct compile_place *at,
                         struct authz_roles *ret);

/* authz_roles_named - out: *ret, its number. returns false where there is none */
MUST_CHECK bool authz_roles_named(const struct authz_roles *roles, struct sv name, uint32_t *ret);

/* compile_role_names - a list of roles into the condition's. */
void compile_role_names(struct compile *c, const json_t *list, const struct compile_place *at,
                        struct authz_condition *into);

/* authz_role_asks - the condition "holds this role", as a source of its own. */
MUST_CHECK bool authz_role_asks(struct compile *c, const struct compile_place *at, uint32_t role,
                                struct authz_conditions *ret);

/* ---- compiling, role_compile.c to role_index.c ---- */

/* authz_roles_index - makes bindings findable. errors: reported in c */
void authz_roles_index(struct compile *c, const struct compile_place *at,
                       struct authz_roles *roles);

/* authz_role_key - of one value of one attribute; the same in the index and in a look-up. */
uint64_t authz_role_key(const struct authz_attribute *attribute, struct sv value);

/* ---- judging ---- */

struct authz_held {
	uint32_t role;
	uint32_t binding; /* by which */
	bool is_sure;     /* else it may be held */
};

/* What one caller holds, worked out when it is first asked for. */
struct authz_roles_held {
	const struct authz_roles *roles; /* NULL: the set has none */
	bool is_known, failed;           /* failed: memory is out, the request has to be denied */
	struct authz_held *at;           /* a role may be there twice: perhaps, then for sure */
	size_t n, room;
	uint64_t *sure, *maybe; /* a bit a role */
};

/* authz_roles_held - of the view's caller; NULL when the set has no roles. */
const struct authz_roles_held *authz_roles_held(const struct authz_view *view);

/* authz_roles_list - does the caller hold one of the condition's roles? out: *complete: "no" is certain */
bool authz_roles_list(const struct authz_condition *c, const struct authz_view *view,
                      bool *complete);

/* authz_roles_text - the names of what the caller holds, for people. */
struct sv authz_roles_text(const struct authz_view *view);

/* authz_roles_telling - which of the condition's roles the caller holds, and by which binding. */
struct sv authz_roles_telling(const struct authz_condition *c, const struct authz_view *view);

#endif
