/* Names to slots, calls to rows of the table, and a type for every node. Internal to cel/. */
#ifndef AUTHZ_CEL_CHECK_H
#define AUTHZ_CEL_CHECK_H

#include "authz/cel/program.h"
#include "authz/cel/type.h"

/* What functions prepared of constant arguments; released with the program. */
struct cel_held {
	const struct cel_preparation *by;
	void *prepared;
	struct cel_held *next;
};

struct cel_checking {
	const struct cel_env *env;
	const struct cel_type **variable_types;
	unsigned flags;
	struct cel_types types;
	struct cel_problem *problem;
	bool has_failed;
	struct cel_local *locals; /* innermost first */
	uint32_t n_locals, most_locals;
	uint8_t *uses;
	struct cel_held *held;
};

/* cel_check - resolves the tree in place. errors: 0, -EINVAL, -ENOMEM. held is the caller's to release in any
 * case. */
MUST_CHECK int cel_check(struct cel_checking *c, struct cel_node *root);

/* cel_check_node - one node, for resolve.c and check.c; NULL: a mistake, or no memory. */
const struct cel_type *cel_check_node(struct cel_checking *c, struct cel_node *node);
const struct cel_type *cel_check_fail(struct cel_checking *c, const struct cel_node *node,
                                      const char *format, ...) PRINTF_LIKE(3, 4);
/* cel_check_later - a mistake that unchecked expressions meet at run time: the node becomes an error. text: in the
 * arena or static */
const struct cel_type *cel_check_later(struct cel_checking *c, struct cel_node *node,
                                       const char *text);

/* ---- resolve.c ---- */

struct cel_local {
	struct sv name;
	uint32_t slot;
	const struct cel_type *type;
	struct cel_local *outer;
};

/* cel_resolve_name - node is an IDENT, or a chain of SELECTs of one: a local, a variable or a type. false: none of
 * them. On true node is one of them, *ret its type. */
bool cel_resolve_name(struct cel_checking *c, struct cel_node *node, const struct cel_type **ret);
/* cel_resolve_is_unknown - node is a name, or a chain of fields of one, and no front of it is known. */
bool cel_resolve_is_unknown(struct cel_checking *c, const struct cel_node *node);
/* cel_resolve_unknown - the mistake, with the nearest name that is known. returns NULL */
const struct cel_type *cel_resolve_unknown(struct cel_checking *c, struct cel_node *node);
/* cel_resolve_call - candidates and type of a call whose name and arguments are as written. */
const struct cel_type *cel_resolve_call(struct cel_checking *c, struct cel_node *node);

#endif
