/* Tuples in memory. Whether one is there takes one read of memory: a fingerprint of its text is looked for. Who else
 * is in a relation to an object is a list, things and usersets apart, since most questions need only one of them.
 *
 * A table may lie over another one and tell what is different, so that a change does not cost a table.
 *
 * Filled by one thread, then sealed; after that immutable, for any number of readers.
 */
#ifndef AUTHZ_RELATION_TUPLES_H
#define AUTHZ_RELATION_TUPLES_H

#include "authz/fingerprints.h"
#include "authz/relation.h"

#include <stddef.h>
#include <stdint.h>

struct relation_tuples;

enum { RELATION_TUPLES_MAX = 16000000 };

/* relation_tuples_new - NULL: no memory. Freed with relation_tuples_free(). */
struct relation_tuples *relation_tuples_new(void);

/* relation_tuples_over - one that says of each tuple what the base says, unless it was told otherwise.
 *
 * in      base: sealed, not itself over another one; it must live as long
 * returns as relation_tuples_new()
 */
struct relation_tuples *relation_tuples_over(const struct relation_tuples *base);
void relation_tuples_free(struct relation_tuples *tuples);

/* relation_tuples_add - texts are copied. The first word on a tuple holds: one that is there already is there once, one
 * that was removed before stays so. Changes are therefore told from the newest to the oldest.
 *
 * errors  0, -ENOMEM, -EFBIG: RELATION_TUPLES_MAX
 */
MUST_CHECK int relation_tuples_add(struct relation_tuples *tuples,
                                   const struct relation_tuple *tuple);
/* relation_tuples_remove - it is not there, whatever the base says. errors as above */
MUST_CHECK int relation_tuples_remove(struct relation_tuples *tuples,
                                      const struct relation_tuple *tuple);
/* relation_tuples_seal - gives back what was set aside for more. Nothing is told after that. */
void relation_tuples_seal(struct relation_tuples *tuples);
/* relation_tuples_count - how many there are, with those of the base. */
size_t relation_tuples_count(const struct relation_tuples *tuples);
/* relation_tuples_bytes - all of the memory they take, without the base. */
size_t relation_tuples_bytes(const struct relation_tuples *tuples);

/* object#relation, or a subject "type:id" with its relation or none. Views. */
struct relation_node {
	struct sv text, relation;
};

/* relation_tuples_has - that very tuple. */
bool relation_tuples_has(const struct relation_tuples *tuples, struct relation_node object,
                         struct relation_node subject);

/* The same in two steps, so that other work is done while memory is read. */
struct relation_probe {
	struct fingerprint print;
};
struct relation_probe relation_probe_start(const struct relation_tuples *tuples,
                                           struct relation_node object,
                                           struct relation_node subject);
bool relation_probe_is_there(const struct relation_tuples *tuples, struct relation_probe probe);

/* A walk over the subjects of object#relation. */
struct relation_walk {
	struct relation_node subject; /* where it is: views of the tables */

	/* its own */
	const struct relation_tuples *tuples, *in;
	struct relation_node object;
	bool wants_usersets, is_begun;
	uint64_t hash;
	uint32_t next;
};
/* relation_walk_start - before the first of the usersets, or of the things. in: object: must stay until the walk ends
 * relation_walk_next  - at the next one; false: there is none
 */
void relation_walk_start(struct relation_walk *walk, const struct relation_tuples *tuples,
                         struct relation_node object, bool wants_usersets);
bool relation_walk_next(struct relation_walk *walk);

#endif
