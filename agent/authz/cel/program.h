/* An expression ready to be evaluated.
 *
 * Compiling parses the text, resolves its names against an environment and checks its types; what comes out is
 * immutable and lives in the arena it was compiled into. Evaluating allocates only in the call's arena, takes no
 * lock and makes no system call.
 */
#ifndef AUTHZ_CEL_PROGRAM_H
#define AUTHZ_CEL_PROGRAM_H

#include "authz/cel/ast.h"
#include "authz/cel/value.h"
#include "core/arena.h"
#include "core/macros.h"

#include <stdbool.h>

/* A variable that expressions may name. A name may have dots: the longest that is declared wins, and the rest
 * are fields of its value. */
struct cel_variable {
	const char *name;
	const char *type; /* as in function.h: "string", "map(string, dyn)" */
};

/* What expressions may use beside the functions of function.h. All borrowed while compiling. */
struct cel_env {
	const struct cel_variable *variables;
	size_t n_variables;
	const struct cel_function *functions; /* further ones; NULL: none */
	size_t n_functions;
	struct sv container; /* names are looked for in it first: "com.example" */
};

enum {
	CEL_UNCHECKED = 1 << 0, /* no type check: what it would refuse is an error at run time */
	CEL_STRICT =
		1
		<< 1, /* a condition of a policy: the result is a bool, and patterns and time zones are
	                           constants */
};

/* For conditions of policies. */
extern const struct cel_limits cel_limits_condition;
enum { CEL_CONDITION_STEPS = 20000 };

struct cel_program {
	const struct cel_node *root;
	const struct cel_type *type; /* of the result; dyn when unchecked */
	uint32_t n_locals;
	uint8_t *uses;         /* which variables of the environment are named, a byte each */
	struct cel_held *held; /* regular expressions and time zones, freed by cel_program_fini() */
};

/* cel_compile - in: source: borrowed as long as the program: errors and names view it
 *
 * out     *ret: in keep; *problem on -EINVAL: the first mistake
 * errors  0, -EINVAL, -ENOMEM: keep is full
 */
MUST_CHECK int cel_compile(struct sv source, const struct cel_env *env, unsigned flags,
                           const struct cel_limits *limits, struct arena *keep,
                           struct cel_problem *problem, struct cel_program *ret);
void cel_program_fini(struct cel_program *program);

/* Where the values of variables come from: asked when one is needed, each time. */
struct cel_bindings {
	/* slot: index in env.variables. May give an error value: there is none. */
	struct cel_value (*get)(struct cel_call *call, const void *context, uint32_t slot);
	const void *context;
};

/* cel_evaluate - the value, or an error value. *ret_offset (may be NULL): where in the source an error arose.
 *
 * in      call: arena and steps
 * lifetime  the value views program, bindings and the call's arena
 */
struct cel_value cel_evaluate(const struct cel_program *program, struct cel_call *call,
                              const struct cel_bindings *bindings, uint32_t *ret_offset);

/* cel_place - line and column (in characters), both from 1, of an octet of the source. */
void cel_place(struct sv source, uint32_t offset, unsigned *ret_line, unsigned *ret_column);

#endif
