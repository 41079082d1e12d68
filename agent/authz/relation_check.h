/* Is the subject in that relation to the object? By tuples, and by what follows from them. */
#ifndef AUTHZ_RELATION_CHECK_H
#define AUTHZ_RELATION_CHECK_H

#include "authz/relation_model.h"
#include "authz/relation_tuples.h"

#include <stdint.h>

/* source: OpenFGA's defaults; beyond them the answer is no, and says so */
enum { RELATION_DEPTH_MAX = 25, RELATION_VISITS_MAX = 10000 };

enum relation_answer {
	RELATION_NO = 0,
	RELATION_YES,
	RELATION_LIMIT, /* too deep, or too many tuples: as good as no */
};

struct relation_question {
	const struct relation_model *model;
	const struct relation_tuples *tuples; /* NULL: none */
	struct relation_ref object;
	struct sv relation;
	struct relation_ref subject;
	unsigned *ret_visits; /* how much was looked at; may be NULL */
};

/* relation_check - a circle of tuples adds nothing. Tuples that the model does not allow count for nothing.
 *
 * returns RELATION_NO also where the model has no such type or relation: ask relation_def_find() first
 * thread  any
 */
enum relation_answer relation_check(const struct relation_question *question);

#endif
