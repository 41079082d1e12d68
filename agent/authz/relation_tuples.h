/* Tuples in memory, found by one probe: texts are kept once and have numbers, a tuple is five of them.
 *
 * Filled by one thread, then sealed; after that immutable, for any number of readers.
 */
#ifndef AUTHZ_RELATION_TUPLES_H
#define AUTHZ_RELATION_TUPLES_H

#include "authz/relation.h"

#include <stddef.h>
#include <stdint.h>

struct relation_tuples;

enum { RELATION_TUPLES_MAX = 16000000 };

/* relation_tuples_new - NULL: no memory. Freed with relation_tuples_free(). */
struct relation_tuples *relation_tuples_new(void);
void relation_tuples_free(struct relation_tuples *tuples);

/* relation_tuples_add - texts are copied; one that is there already is there once.
 *
 * errors  0, -ENOMEM, -EFBIG: RELATION_TUPLES_MAX
 */
MUST_CHECK int relation_tuples_add(struct relation_tuples *tuples,
                                   const struct relation_tuple *tuple);
/* relation_tuples_seal - gives back what was set aside for more. */
void relation_tuples_seal(struct relation_tuples *tuples);
size_t relation_tuples_count(const struct relation_tuples *tuples);
/* relation_tuples_bytes - all of the memory they take. */
size_t relation_tuples_bytes(const struct relation_tuples *tuples);

/* Numbers of texts; 0: not there. */
uint32_t relation_tuples_name(const struct relation_tuples *tuples, struct sv text);
struct sv relation_tuples_text(const struct relation_tuples *tuples, uint32_t name);

/* relation_tuples_has - that very tuple. in: numbers; subject_relation 0: none */
bool relation_tuples_has(const struct relation_tuples *tuples, uint32_t object, uint32_t relation,
                         uint32_t subject, uint32_t subject_relation);

/* A walk over the subjects of object#relation. */
struct relation_subject {
	uint32_t subject, relation; /* relation 0: the thing itself */
	uint32_t next;              /* for relation_tuples_next() */
};
/* relation_tuples_first, _next - false: no more. */
bool relation_tuples_first(const struct relation_tuples *tuples, uint32_t object, uint32_t relation,
                           struct relation_subject *ret);
bool relation_tuples_next(const struct relation_tuples *tuples, struct relation_subject *at);

#endif
