/* Types of expressions, and what goes for what. source: cel-spec doc/langdef.md, "Gradual Type Checking". Internal
 * to cel/. */
#ifndef AUTHZ_CEL_TYPE_H
#define AUTHZ_CEL_TYPE_H

#include "authz/cel/value.h"
#include "core/arena.h"

#include <stdbool.h>

enum cel_type_kind {
	CEL_TYPE_DYN = 0,
	CEL_TYPE_PLAIN,    /* value_kind says which: bool, int, ..., timestamp, net.IP */
	CEL_TYPE_LIST,     /* of one */
	CEL_TYPE_MAP,      /* of two */
	CEL_TYPE_OF,       /* type(A) */
	CEL_TYPE_OPTIONAL, /* of one */
	CEL_TYPE_NAMED,    /* somebody else's, by name, of any number */
	CEL_TYPE_PARAM,    /* still open: `bound` once it is known */
};

enum { CEL_TYPE_PARAMS_MAX = 3 };

struct cel_type {
	uint8_t kind;
	uint8_t value_kind; /* PLAIN */
	uint8_t n;
	struct sv name; /* NAMED */
	const struct cel_type *of[CEL_TYPE_PARAMS_MAX];
	const struct cel_type *bound; /* PARAM; NULL: open */
};

/* What unification has bound, so that a trial can be taken back. */
struct cel_types {
	struct arena *keep;
	struct cel_type **bound; /* parameters, oldest first, each with what it was before */
	const struct cel_type **before;
	size_t n_bound, room;
	bool is_full;
};

extern const struct cel_type cel_type_dyn;

/* cel_type_plain - the type of such values: CEL_BOOL, CEL_IP, ... */
const struct cel_type *cel_type_plain(enum cel_kind kind);
/* cel_type_of - list, map, type, optional of one or two. NULL: no memory. */
const struct cel_type *cel_type_of(struct cel_types *types, enum cel_type_kind kind,
                                   const struct cel_type *a, const struct cel_type *b);
/* cel_type_param - a fresh open type. NULL: no memory. */
const struct cel_type *cel_type_param(struct cel_types *types);

/* cel_type_parse - "map(string, list(A))": a capital letter is a parameter, the same one in params[letter - 'A'] each
 * time; params NULL: letters are names. NULL: this is no type, or there is no memory. */
const struct cel_type *cel_type_parse(struct cel_types *types, struct sv text,
                                      const struct cel_type *params[26]);

/* cel_type_takes - may a value of type b stand where a is wanted? Binds parameters of both when it may; nothing
 * is bound when it may not. */
bool cel_type_takes(struct cel_types *types, const struct cel_type *a, const struct cel_type *b);

/* A place to go back to. */
static inline size_t cel_types_mark(const struct cel_types *types)
{
	return types->n_bound;
}
void cel_types_back(struct cel_types *types, size_t mark);

/* cel_type_known - what a parameter stands for; itself when it is open. */
const struct cel_type *cel_type_known(const struct cel_type *type);
/* cel_type_join - the type of either: a or b where one takes the other, else dyn. */
const struct cel_type *cel_type_join(struct cel_types *types, const struct cel_type *a,
                                     const struct cel_type *b);
bool cel_type_same(const struct cel_type *a, const struct cel_type *b);
bool cel_type_is(const struct cel_type *type, enum cel_kind kind);

/* cel_type_final - the same with everything that is still open as dyn. NULL: no memory. */
const struct cel_type *cel_type_final(struct cel_types *types, const struct cel_type *type);

/* cel_type_text - "list(int)" into the arena; empty: no memory. */
struct sv cel_type_text(struct arena *arena, const struct cel_type *type);

/* cel_type_value_kind - the kind that values of the type have at run time; CEL_KIND_COUNT: any. */
uint8_t cel_type_value_kind(const struct cel_type *type);

#endif
