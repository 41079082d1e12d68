/* One parameter of a name, decoded; what is no sound escape is refused. */
#include "authn/param.h"
#include "support/cmocka_prelude.h"

static void one_parameter_of_a_name(void **state)
{
	(void)state;
	static const struct {
		struct sv query;
		enum found found;
		struct sv value;
	} rows[] = {
		{SV(""), FOUND_NONE, SV("")},
		{SV("t=a.b"), FOUND_ONE, SV("a.b")},
		{SV("x=1&t=a&y"), FOUND_ONE, SV("a")},
		{SV("t="), FOUND_ONE, SV("")},
		{SV("t"), FOUND_ONE, SV("")},
		{SV("t=a=b"), FOUND_ONE, SV("a=b")},
		{SV("t=a%2Eb+c%2b"), FOUND_ONE, SV("a.b c+")},
		{SV("%74=a"), FOUND_ONE, SV("a")},
		{SV("t=a;t=b"), FOUND_ONE, SV("a;t=b")},
		{SV("t=a&t=a"), FOUND_TWICE, SV("")},
		{SV("t=a&%74=b"), FOUND_TWICE, SV("")},
		{SV("t=%"), FOUND_BROKEN, SV("")},
		{SV("t=%2"), FOUND_BROKEN, SV("")},
		{SV("t=a%2g"), FOUND_BROKEN, SV("")},
		{SV("t=%%41"), FOUND_BROKEN, SV("")},
		{SV("%7=a&%zz=b&T=c&tt=d&=e&"), FOUND_NONE, SV("")},
		{SV("x=%zz&t=a"), FOUND_ONE, SV("a")},
	};
	struct arena arena;
	assert_int_equal(arena_init(&arena, 4096), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sv value = {0};
		assert_int_equal(param_find(rows[i].query, SVL("t"), &arena, &value),
		                 rows[i].found);
		assert_true(sv_eq(value, rows[i].value));
	}
	arena_fini(&arena);
}

static void a_full_arena_is_not_an_absent_parameter(void **state)
{
	(void)state;
	struct arena arena;
	struct sv value;
	assert_int_equal(arena_init(&arena, 16), 0);
	assert_int_equal(param_find(SVL("t=%410123456789012345678"), SVL("t"), &arena, &value),
	                 FOUND_BROKEN);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_parameter_of_a_name),
		cmocka_unit_test(a_full_arena_is_not_an_absent_parameter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
