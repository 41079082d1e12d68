#ifndef STATE_RELATIONS_H
#define STATE_RELATIONS_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state;

/* Relations as they are kept: tuples object#relation@subject, by object and by subject. What they mean is authz/'s;
 * here they are texts. */

#define RELATION_TUPLE_MAX_BYTES 500 /* of a whole tuple: what LMDB takes as a key */
#define RELATIONS_MAX            2000000
#define RELATION_REVISION        "revision-relations" /* for state_revision() */

/* One tuple. The object has no '#', the relation neither '#' nor '@', and none of them a control character:
 * authz/relation.h sees to it. All views. */
struct state_relation {
	struct sv object, relation, subject;
};

/* state_relation_bytes - of the tuple as one text. */
static inline size_t state_relation_bytes(const struct state_relation *relation)
{
	return relation->object.n + relation->relation.n + relation->subject.n + 2;
}

/* state_relations_add - all of them or none; those that are there already stay.
 *
 * out     ret_n: how many are new
 * errors  0, -ENAMETOOLONG one is longer than RELATION_TUPLE_MAX_BYTES, -ENOSPC there would be more than
 *         RELATIONS_MAX, or a negative errno
 */
MUST_CHECK int state_relations_add(struct state *state, const struct state_relation *at, size_t n,
                                   size_t *ret_n);

/* state_relations_remove - all in one step; those that are not there are passed over. out: ret_n: how many there were */
MUST_CHECK int state_relations_remove(struct state *state, const struct state_relation *at,
                                      size_t n, size_t *ret_n);

/* Which to list. Empty: any. An object or subject that ends with ':' is all of its type. */
struct state_relation_filter {
	struct sv object, relation, subject;
	const struct state_relation
		*after; /* the last one of the page before; NULL: from the start */
};

/* A tuple met on a walk; views hold until visit returns. returns 0 to go on; anything else ends the walk and is
 * returned. Must not call into state. */
typedef int state_relation_visit(void *user, const struct state_relation *relation);

/* state_relations_list - in the order of their bytes: by object, or by subject where only that is asked for. */
MUST_CHECK int state_relations_list(const struct state *state,
                                    const struct state_relation_filter *filter,
                                    state_relation_visit *visit, void *user);

/* The last changes are remembered. */
#define RELATION_CHANGES_MAX 4096

struct state_relation_change {
	struct state_relation relation;
	bool is_added;
};
/* as state_relation_visit */
typedef int state_relation_change_visit(void *user, const struct state_relation_change *change);

/* state_relations_changes - what was written and removed after a revision (RELATION_REVISION), from the newest change
 * to the oldest.
 *
 * errors  0, -ESTALE they are no longer known, perhaps after some were visited: list all, or a negative errno
 */
MUST_CHECK int state_relations_changes(const struct state *state, uint64_t since,
                                       state_relation_change_visit *visit, void *user);

MUST_CHECK int state_relations_count(const struct state *state, size_t *ret);

#endif
