/* The text of a tuple may be anything; what is taken for one is found again, and says the same when it is written. */
#include "authz/relation_tuples.h"

#include <stdlib.h>
#include <string.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sv rest = {(const char *)data, size}, line;
	struct relation_tuples *all = relation_tuples_new();
	HOLDS(all);
	while (rest.n > 0 && sv_cut(&rest, '\n', &line)) {
		struct relation_tuple tuple;
		struct relation_walk walk;
		const char *why = NULL;
		size_t at = 0;
		if (!relation_tuple_parse(line, &tuple, &why, &at)) {
			HOLDS(why && at <= line.n + 2);
			continue;
		}
		HOLDS(relation_tuples_add(all, &tuple) == 0);
		struct relation_node object = {tuple.object.text, tuple.relation};
		struct relation_node subject = {tuple.subject.text, tuple.subject.relation};
		bool is_found = false;
		HOLDS(relation_tuples_has(all, object, subject));
		relation_walk_start(&walk, all, object, subject.relation.n > 0);
		while (relation_walk_next(&walk))
			is_found = is_found || (sv_eq(walk.subject.text, subject.text) &&
			                        sv_eq(walk.subject.relation, subject.relation));
		HOLDS(is_found);
	}
	relation_tuples_free(all);
	return 0;
}
