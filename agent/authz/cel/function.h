/* The one table of CEL's functions and operators: what the checker resolves, the compiler calls and
 * the documents list. Every file with functions defines a struct cel_functions of its rows; function.c
 * lists those.
 *
 * Types in a row are text, as people write them: "int", "list(A)", "map(string, dyn)", "A" (one capital
 * letter is a type parameter), "timestamp", "duration", "type", "optional_type(A)", "net.IP",
 * "net.CIDR", "dyn". The receiver of x.f() is the first argument. Operators are named after cel-spec:
 * "_+_", "_-_", "_*_", "_/_", "_%_", "-_", "!_", "_==_", "_<_", "_in_", "_[_]", ...
 *
 * An implementation gets arguments that are of the row's types (a "dyn" or a parameter may be of any
 * kind), never an error value. It allocates in call->arena only, keeps nothing, charges for what it
 * walks over (cel_charge) and may not recurse without charging. The result goes on as it is.
 */
#ifndef AUTHZ_CEL_FUNCTION_H
#define AUTHZ_CEL_FUNCTION_H

#include "authz/cel/value.h"

typedef struct cel_value cel_implementation(struct cel_call *call, const struct cel_value *args,
                                            unsigned n);

/* What can be made once of a constant argument: a regular expression, a time zone. */
struct cel_preparation {
	unsigned arg; /* which argument, from 0 */
	/* false: *why (static text) says what is wrong with it. *ret is owned, freed with release() */
	bool (*make)(struct sv text, void **ret, const char **why);
	void (*release)(void *prepared);
};

enum cel_style {
	CEL_GLOBAL = 0, /* f(x), and with dots in the name math.abs(x) */
	CEL_RECEIVER,   /* x.f() */
	CEL_OPERATOR,
};

enum { CEL_ARGS_MAX = 4 };

struct cel_function {
	const char *name;
	enum cel_style style;
	const char *args;   /* "string, int"; "" when there are none */
	const char *result; /* "bool" */
	cel_implementation *call;
	const char *does; /* one short sentence for the documents, without a full stop */
	/* the last type may stand any number of times more; n of the call says how often */
	bool is_variadic;
	/* NULL, or: when that argument is a constant, this is made at compile time, and
	 * call->prepared holds it; when it is not a constant call->prepared is NULL, and
	 * a strict compilation (a condition of a policy) refuses it */
	const struct cel_preparation *prepare;
};

struct cel_functions {
	const char *title; /* of their section in the documents: "Strings" */
	const struct cel_function *at;
	size_t n;
};

/* All of them, by file; NULL after the last. */
extern const struct cel_functions *const cel_function_groups[];

extern const struct cel_functions cel_functions_operators, cel_functions_conversions,
	cel_functions_strings, cel_functions_regex, cel_functions_time, cel_functions_network,
	cel_functions_optionals, cel_functions_math, cel_functions_encoders,
	cel_functions_relations;

/* cel_index - of[index], whatever they are. */
struct cel_value cel_index(struct cel_call *call, struct cel_value of, struct cel_value index);

#endif
