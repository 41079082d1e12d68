/* Making nodes, and the macros: calls by name that bind variables. Internal to cel/. */
#ifndef AUTHZ_CEL_MACROS_H
#define AUTHZ_CEL_MACROS_H

#include "authz/cel/ast.h"

struct cel_making {
	struct arena *keep;
	const struct cel_limits *limits;
	struct cel_problem *problem; /* of the first mistake */
	uint32_t n_nodes;
	bool has_failed;
	bool is_full; /* failed for want of memory */
};

/* cel_making_fail - returns NULL; only the first mistake is kept. */
struct cel_node *cel_making_fail(struct cel_making *m, uint32_t offset, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* cel_making_node - a node over args (kept); NULL when there are too many, too deep, or no memory. */
struct cel_node *cel_making_node(struct cel_making *m, uint8_t kind, uint32_t offset,
                                 struct cel_node **args, size_t n_args);
/* cel_making_list - the same over one to three; NULL behind the last. */
struct cel_node *cel_making_list(struct cel_making *m, uint8_t kind, uint32_t offset,
                                 struct cel_node *a, struct cel_node *b, struct cel_node *c);

/* cel_macro_global - name(args): has(a.b), or a call. */
struct cel_node *cel_macro_global(struct cel_making *m, struct sv name, uint32_t offset,
                                  struct cel_node **args, size_t n_args);
/* cel_macro_receiver - args[0].name(the others): a loop, cel.bind, optMap, or a call. */
struct cel_node *cel_macro_receiver(struct cel_making *m, struct sv name, uint32_t offset,
                                    struct cel_node **args, size_t n_args);

#endif
