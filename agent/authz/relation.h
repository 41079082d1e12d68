/* Relations: who is what to an object, as tuples object#relation@subject. source: Zanzibar 2.1; the words are those of
 * OpenFGA, docs/concepts.
 *
 *   order:17#owner@user:anne            a user
 *   order:17#viewer@user:*              every user
 *   order:17#viewer@group:eu#member     whoever is a member of that group
 */
#ifndef AUTHZ_RELATION_H
#define AUTHZ_RELATION_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>

enum { RELATION_NAME_MAX = 64, RELATION_ID_MAX = 256 };

/* An object, or a subject. */
struct relation_ref {
	struct sv text;     /* "type:id", without the relation */
	struct sv type, id; /* id is "*" of a wildcard */
	struct sv relation; /* behind '#'; empty: none */
};

struct relation_tuple {
	struct relation_ref object; /* without a relation of its own */
	struct sv relation;
	struct relation_ref subject;
};

/* relation_name_ok - a type or a relation: a letter or '_', then letters, digits, '_' and '-'. */
bool relation_name_ok(struct sv name);

/* relation_ref_parse - "type:id" or "type:id#relation".
 *
 * out     *ret: views of text; *ret_why: a static text, *ret_at: the octet it is about, on false
 */
MUST_CHECK bool relation_ref_parse(struct sv text, struct relation_ref *ret, const char **ret_why,
                                   size_t *ret_at);

/* relation_tuple_make - of its three parts. An object has no relation and is no wildcard; errors as above, but that
 * *ret_at counts in "object#relation@subject". */
MUST_CHECK bool relation_tuple_make(struct sv object, struct sv relation, struct sv subject,
                                    struct relation_tuple *ret, const char **ret_why,
                                    size_t *ret_at);

/* relation_tuple_parse - "object#relation@subject". errors as above */
MUST_CHECK bool relation_tuple_parse(struct sv text, struct relation_tuple *ret,
                                     const char **ret_why, size_t *ret_at);

#endif
