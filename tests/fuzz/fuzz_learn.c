/* What a service answers may be anything, and so may an offer that is none: what is learned is a tuple that can be
 * written and read back. The input is an offer of six lines, an empty line, and the answer's header block. */
#include "authz/learn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tuple(const struct relation_tuple *tuple)
{
	char text[1024];
	struct relation_tuple again;
	const char *why;
	size_t at;
	int n = snprintf(text, sizeof(text), "%.*s#%.*s@%.*s", SV_ARG(tuple->object.text),
	                 SV_ARG(tuple->relation), SV_ARG(tuple->subject.text));
	HOLDS(n > 0 && (size_t)n < sizeof(text));
	if (tuple->subject.relation.n > 0)
		return;
	HOLDS(relation_tuple_parse((struct sv){text, (size_t)n}, &again, &why, &at));
	HOLDS(sv_eq(again.object.text, tuple->object.text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct authz_lesson lesson;
	const char *why = NULL;
	const char *end = size ? memmem(data, size, "\n\n\n", 3) : NULL;
	size_t n = end ? (size_t)(end - (const char *)data) : size;
	const struct sv offer = {(const char *)data, n};
	const struct sv headers = sv_from((struct sv){(const char *)data, size}, n + 3);
	HOLDS(arena_init(&arena, 256 * 1024) == 0);
	if (authz_learn_from(offer, headers, &arena, &lesson, &why))
		check_tuple(&lesson.tuple);
	else
		HOLDS(why);
	arena_fini(&arena);
	return 0;
}
