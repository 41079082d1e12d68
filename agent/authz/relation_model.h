/* Which relations the objects of each type have, who may stand in them, and which follow from others: `types` of a
 * policy set. Internal to authz/, but for reading.
 *
 *   "types": { "user": {},
 *              "folder":   { "viewer": { "types": ["user", "group#member", "user:*"] } },
 *              "document": { "parent": { "types": ["folder"] },
 *                            "owner":  { "types": ["user"] },
 *                            "viewer": { "types": ["user"],
 *                                        "rewrite": { "union": [ { "this": true }, { "computed": "owner" },
 *                                            { "from": { "relation": "viewer", "tupleset": "parent" } } ] } } } }
 *
 * source  OpenFGA, authorization models: this, computed_userset, tuple_to_userset, union, intersection, difference
 */
#ifndef AUTHZ_RELATION_MODEL_H
#define AUTHZ_RELATION_MODEL_H

#include "authz/relation.h"

#include <jansson.h>
#include <stddef.h>

struct compile;
struct compile_place;

enum relation_rewrite_kind {
	RELATION_THIS = 0,     /* the tuples of the relation itself */
	RELATION_COMPUTED,     /* another relation of the object */
	RELATION_FROM,         /* a relation of the objects that the tupleset leads to */
	RELATION_UNION,        /* any of `of` */
	RELATION_INTERSECTION, /* all of `of` */
	RELATION_DIFFERENCE,   /* of[0] without of[1] */
};

struct relation_rewrite {
	enum relation_rewrite_kind kind;
	struct sv relation; /* COMPUTED, FROM */
	struct sv tupleset; /* FROM */
	const struct relation_rewrite *of;
	size_t n;
};

/* Who may stand in a tuple. */
struct relation_allowed {
	struct sv type;
	struct sv relation; /* of a userset; empty: the thing itself */
	bool is_wildcard;
};

struct relation_def {
	struct sv name;
	const struct relation_allowed *allowed;
	size_t n_allowed;
	struct relation_rewrite rewrite;
	bool is_grounded; /* some tuple can make it hold */
};

struct relation_type {
	struct sv name;
	struct relation_def *relations;
	size_t n;
};

struct relation_model {
	const struct relation_type *types;
	size_t n;
};

/* relation_model_compile - in: types: an object, or NULL for none. out: memory of the set; what is wrong is reported */
void relation_model_compile(struct compile *c, const json_t *types, const struct compile_place *at,
                            struct relation_model *ret);

const struct relation_type *relation_type_find(const struct relation_model *model, struct sv name);
const struct relation_def *relation_def_find(const struct relation_type *type, struct sv name);

/* relation_model_why_not - NULL when the model allows the tuple, else a static text. */
const char *relation_model_why_not(const struct relation_model *model,
                                   const struct relation_tuple *tuple);
/* relation_allows - may such a subject stand in a tuple of the relation? */
bool relation_allows(const struct relation_def *def, struct sv type, struct sv relation,
                     bool is_wildcard);
/* relation_allows_usersets - may any userset? */
bool relation_allows_usersets(const struct relation_def *def);

#endif
