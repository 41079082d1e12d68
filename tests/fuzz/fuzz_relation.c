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
		struct relation_subject subject;
		const char *why = NULL;
		size_t at = 0;
		if (!relation_tuple_parse(line, &tuple, &why, &at)) {
			HOLDS(why && at <= line.n + 2);
			continue;
		}
		HOLDS(relation_tuples_add(all, &tuple) == 0);
		uint32_t object = relation_tuples_name(all, tuple.object.text);
		uint32_t relation = relation_tuples_name(all, tuple.relation);
		HOLDS(object && relation);
		HOLDS(sv_eq(relation_tuples_text(all, object), tuple.object.text));
		HOLDS(relation_tuples_has(all, object, relation,
		                          relation_tuples_name(all, tuple.subject.text),
		                          relation_tuples_name(all, tuple.subject.relation)));
		HOLDS(relation_tuples_first(all, object, relation, &subject));
	}
	relation_tuples_free(all);
	return 0;
}
