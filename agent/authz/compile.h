/* The compiler of policies: JSON -> rules. Internal to this folder. */
#ifndef AUTHZ_COMPILE_H
#define AUTHZ_COMPILE_H

#include "authz/rule.h"
#include "core/arena.h"
#include "core/diag.h"
#include "core/macros.h"
#include "core/sv.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { COMPILE_POINTER_BYTES = 256 };

/* Where we are in the document (RFC 6901). */
struct compile_place {
	char pointer[COMPILE_POINTER_BYTES];
};

struct authz_expression;
struct authz_roles;
struct relation_model;

struct compile {
	struct arena *keep; /* memory of the compiled set */
	struct diag *diag;
	const json_t *logins;            /* of the policy set; only their names are read here */
	const struct authz_roles *roles; /* what rules may name */
	const struct relation_model *relations; /* likewise */
	struct authz_expression *
		*expressions; /* all that were made, for authz_expressions_fini() */
	bool keeps_slashes; /* some service does not merge slashes: a pattern with two never says which */
	bool failed;        /* something was reported */
};

struct compile_place compile_key(const struct compile_place *at, const char *key);
struct compile_place compile_index(const struct compile_place *at, size_t index);

/* compile_report - one error; the compilation goes on to find the others and fails at the end. */
void compile_report(struct compile *c, const struct compile_place *at, const char *code,
                    const char *format, ...) PRINTF_LIKE(4, 5);

/* compile_array - zeroed memory of the set; reports and returns NULL when it is full. */
MUST_CHECK void *compile_array(struct compile *c, const struct compile_place *at, size_t n,
                               size_t size);

/* compile_name - the name of a policy or service: letters, digits and "._:/-", 1 to 128 bytes. */
struct sv compile_name(struct compile *c, const json_t *value, const struct compile_place *at);

/* compile_list - checks that value is an array with 1 to LIST_MAX_ITEMS elements, and counts them. */
size_t compile_list(struct compile *c, const json_t *value, const struct compile_place *at);

/* compile_text - a string of a list: not empty, bounded, without control bytes. */
bool compile_text(struct compile *c, const json_t *value, const struct compile_place *at,
                  struct sv *ret);

/* compile_describe - the list as people read it, shortened. */
struct sv compile_describe(struct compile *c, const json_t *list, bool negated);

/* How the values of a list are written. */
enum compile_syntax {
	SYNTAX_TEXT,      /* Istio's string match */
	SYNTAX_PRINCIPAL, /* the same, "spiffe://" in front is allowed */
	SYNTAX_HOST,      /* the same, any case, no port */
	SYNTAX_METHOD,    /* the same, upper case */
	SYNTAX_BLOCK,     /* an address or a prefix */
	SYNTAX_PORT,      /* a number */
	SYNTAX_ACCOUNT,   /* "namespace/account" */
	SYNTAX_COUNT,
};

/* compile_values - a list of values into the condition's texts or blocks, and its expected. */
void compile_values(struct compile *c, const json_t *list, const struct compile_place *at,
                    enum compile_syntax syntax, struct authz_condition *into);

/* compile_paths - a list of path patterns. out: *ret, *ret_n, *ret_expected */
void compile_paths(struct compile *c, const json_t *list, const struct compile_place *at,
                   const struct authz_template **ret, size_t *ret_n, struct sv *ret_expected);

/* compile_whens - the `when` of a rule, whose `to` is compiled already: what it captures is known. */
void compile_whens(struct compile *c, const json_t *list, const struct compile_place *at,
                   struct authz_rule *rule);

/* compile_operation - the inner object of an operation. */
void compile_operation(struct compile *c, const json_t *operation, const struct compile_place *at,
                       struct authz_operation *ret);

/* compile_policy_rules - the `rules` of one policy.
 *
 * out     *ret, *ret_n: as many rules as are good
 */
void compile_policy_rules(struct compile *c, const json_t *rules, const struct compile_place *at,
                          const struct authz_policy *policy, struct authz_rule **ret,
                          size_t *ret_n);

#endif
