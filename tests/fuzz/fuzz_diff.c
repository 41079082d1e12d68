/* Two documents, a line each, are compared: whatever they hold, one with itself does not differ, and there and back are
 * as many changes. */
#include "core/jsonload.h"
#include "policy/diff.h"

#include <stdint.h>
#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *document(struct sv text)
{
	json_t *json = json_load_strict(text, 0, NULL);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return json_object();
}

static size_t count(const json_t *from, const json_t *to)
{
	json_t *changes = policy_diff(from, to);
	HOLDS(changes);
	size_t n = json_array_size(changes);
	json_decref(changes);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sv text = {(const char *)data, size};
	size_t n = sv_find(text, '\n');
	json_t *one = document(sv_first(text, n));
	json_t *other = document(sv_from(text, n + 1));
	HOLDS(one && other);
	HOLDS(count(one, one) == 0 && count(other, other) == 0);
	HOLDS(count(one, other) == count(other, one));
	json_decref(one);
	json_decref(other);
	return 0;
}
