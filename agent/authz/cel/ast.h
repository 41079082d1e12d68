/* An expression as a tree: what the parser makes, the checker resolves and the evaluator walks. Internal to cel/. */
#ifndef AUTHZ_CEL_AST_H
#define AUTHZ_CEL_AST_H

#include "authz/cel/function.h"
#include "authz/cel/value.h"
#include "core/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct cel_type;

enum cel_node_kind {
	CEL_NODE_FAIL = 0, /* constant: the error it always gives */
	CEL_NODE_CONSTANT,
	CEL_NODE_IDENT,  /* name; the checker makes a VARIABLE, a LOCAL or a CONSTANT of it */
	CEL_NODE_SELECT, /* args[0].name */
	CEL_NODE_CALL,   /* name(args), or args[0].name(...) when is_receiver */
	CEL_NODE_AND,
	CEL_NODE_OR,
	CEL_NODE_CHOICE, /* args[0] ? args[1] : args[2] */
	CEL_NODE_LIST,
	CEL_NODE_MAP,      /* args: key, value, key, value, ... */
	CEL_NODE_LOOP,     /* a macro over args[0]: see cel_loop */
	CEL_NODE_BIND,     /* args[1] with the local slot set to args[0] */
	CEL_NODE_OPTIONAL, /* optMap and optFlatMap: args[1] with the local set to what is in args[0] */
	CEL_NODE_VARIABLE, /* slot: of the environment */
	CEL_NODE_LOCAL,    /* slot: of the frame */
};

/* What a loop makes of its elements. args[1]: filter or predicate, NULL: none; args[2]: result; args[3]: for
 * ENTRY nothing. */
enum cel_loop {
	CEL_LOOP_ALL,
	CEL_LOOP_EXISTS,
	CEL_LOOP_EXISTS_ONE,
	CEL_LOOP_LIST,    /* map, filter, transformList */
	CEL_LOOP_MAP,     /* transformMap: the keys stay */
	CEL_LOOP_ENTRIES, /* transformMapEntry: each result is a map of entries */
};

struct cel_candidate {
	const struct cel_function *row;
	const uint8_t *kinds; /* CEL_..., or CEL_KIND_ANY, of row's arguments */
	uint8_t n_kinds;
	void *prepared; /* of the constant argument; NULL: none */
};
enum { CEL_KIND_ANY = CEL_KIND_COUNT };

struct cel_node {
	uint8_t kind;
	uint8_t loop;
	bool is_receiver;
	bool is_rooted; /* IDENT: written with a dot in front */
	bool is_optional; /* SELECT: a.?b; CALL of _[_]: a[?b]; OPTIONAL: the result is one itself (optFlatMap) */
	bool is_test;   /* SELECT: has(a.b) */
	bool has_two;   /* LOOP: two variables */
	uint16_t depth; /* of the tree below, 1 for a leaf */
	uint32_t n_args, n_candidates;
	uint32_t offset;  /* octet of the source */
	uint32_t slot;    /* VARIABLE; LOCAL; LOOP, BIND, OPTIONAL: the first of its locals */
	struct sv name;   /* IDENT, SELECT, CALL; LOOP, BIND, OPTIONAL: of its variable */
	struct sv second; /* LOOP: of its other variable */
	struct cel_node **args;
	const bool *optionals; /* LIST, MAP: which elements are written with a ?; NULL: none */
	const struct cel_candidate *candidates;
	struct cel_value constant;
	const struct cel_type *type; /* once checked */
};

/* One mistake. in text: what is wrong and what to write instead */
struct cel_problem {
	uint32_t offset; /* octet of the source */
	char text[200];
};

/* What the parser and the checker may spend. */
struct cel_limits {
	uint32_t source_bytes, nodes, depth; /* depth: of parentheses, and of the tree */
};

/* cel_parse - text to tree. Macros become LOOP, BIND, OPTIONAL and is_test at once.
 *
 * in      source: UTF-8, borrowed: names view it
 * out     *ret, in keep; *problem on an error
 * errors  0, -EINVAL, -ENOMEM
 */
MUST_CHECK int cel_parse(struct sv source, const struct cel_limits *limits, struct arena *keep,
                         struct cel_problem *problem, struct cel_node **ret);

#endif
