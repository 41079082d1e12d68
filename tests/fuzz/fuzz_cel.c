/* An expression from anybody is refused with its place, or evaluated within its bounds. */
#include "authz/cel/json.h"
#include "authz/cel/program.h"
#include "core/jsonload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct cel_variable variables[] = {
	{"claims", "map(string, dyn)"}, {"x", "int"}, {"s", "string"}, {"groups", "list(string)"}};

static struct cel_value get(struct cel_call *call, const void *context, uint32_t slot)
{
	static const struct cel_value groups[] = {{.kind = CEL_STRING, .n = 2, .bytes = "eu"}};
	if (slot == 0)
		return cel_of_json(call, context);
	if (slot == 1)
		return cel_int(7);
	return slot == 2 ? cel_string(SVL("text")) : cel_list(groups, 1);
}

static void try_flags(struct sv source, unsigned flags, const json_t *claims, struct arena *keep,
                      struct arena *values)
{
	const struct cel_env env = {.variables = variables, .n_variables = ARRAY_LEN(variables)};
	struct cel_problem problem;
	struct cel_program program;
	int r = cel_compile(source, &env, flags, &cel_limits_condition, keep, &problem, &program);
	HOLDS(r == 0 || r == -EINVAL || r == -ENOMEM);
	if (r == -EINVAL)
		HOLDS(problem.text[0] && problem.offset <= source.n);
	if (r == 0) {
		struct cel_call call = {.arena = values, .steps = CEL_CONDITION_STEPS};
		const struct cel_bindings bindings = {get, claims};
		uint32_t offset;
		struct cel_value value = cel_evaluate(&program, &call, &bindings, &offset);
		HOLDS(value.kind < CEL_KIND_COUNT && offset <= source.n);
		json_t *typed = cel_is_error(value) ? NULL : cel_to_typed(&call, value);
		json_decref(typed);
		cel_program_fini(&program);
	}
	arena_reset(keep);
	arena_reset(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena keep, values;
	static json_t *claims;
	static const unsigned flags[] = {0, CEL_STRICT, CEL_UNCHECKED};
	struct sv source = {(const char *)data, size};
	if (!keep.memory) {
		HOLDS(arena_init(&keep, 1 << 20) == 0 && arena_init(&values, 1 << 18) == 0);
		claims = json_load_strict(SVL("{\"sub\":\"alice\",\"n\":3,\"l\":[1,\"a\",{}]}"), 0,
		                          NULL);
	}
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		try_flags(source, flags[i], claims, &keep, &values);
	return 0;
}
