#include "authz/cel/function.h"
#include "support/cmocka_prelude.h"

#include <math.h>

struct fixture {
	struct arena arena;
	struct cel_call call;
};

static int set_up(void **state)
{
	static struct fixture f;
	assert_int_equal(arena_init(&f.arena, 64 * 1024), 0);
	f.call = (struct cel_call){.arena = &f.arena, .steps = 1000};
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	arena_fini(&f->arena);
	return 0;
}

/* source: cel-spec langdef.md, "Numeric comparison": one number line, rounded where it must be */
static void numbers_stand_on_one_line(void **state)
{
	struct fixture *f = *state;
	static const struct {
		struct cel_value a, b;
		enum cel_order order;
	} rows[] = {
		{{.kind = CEL_INT, .i = 1}, {.kind = CEL_UINT, .u = 1}, CEL_ORDER_EQUAL},
		{{.kind = CEL_INT, .i = -1}, {.kind = CEL_UINT, .u = UINT64_MAX}, CEL_ORDER_LESS},
		{{.kind = CEL_UINT, .u = UINT64_MAX},
	         {.kind = CEL_INT, .i = -1},
	         CEL_ORDER_GREATER},
		{{.kind = CEL_INT, .i = 1}, {.kind = CEL_DOUBLE, .d = 1.0}, CEL_ORDER_EQUAL},
		{{.kind = CEL_DOUBLE, .d = 1.5}, {.kind = CEL_INT, .i = 1}, CEL_ORDER_GREATER},
		{{.kind = CEL_INT, .i = INT64_MAX},
	         {.kind = CEL_DOUBLE, .d = 9223372036854775808.0},
	         CEL_ORDER_EQUAL},
		{{.kind = CEL_INT, .i = INT64_MAX},
	         {.kind = CEL_DOUBLE, .d = 1e300},
	         CEL_ORDER_LESS},
		{{.kind = CEL_UINT, .u = 0}, {.kind = CEL_DOUBLE, .d = -0.5}, CEL_ORDER_GREATER},
		{{.kind = CEL_UINT, .u = 7},
	         {.kind = CEL_DOUBLE, .d = (double)NAN},
	         CEL_ORDER_NONE},
		{{.kind = CEL_DOUBLE, .d = (double)NAN},
	         {.kind = CEL_DOUBLE, .d = (double)NAN},
	         CEL_ORDER_NONE},
		{{.kind = CEL_BOOL, .u = 0}, {.kind = CEL_BOOL, .u = 1}, CEL_ORDER_LESS},
		{{.kind = CEL_INT, .i = 1}, {.kind = CEL_BOOL, .u = 1}, CEL_ORDER_MISMATCH},
		{{.kind = CEL_TIMESTAMP, .i = 5, .n = 1},
	         {.kind = CEL_TIMESTAMP, .i = 5, .n = 2},
	         CEL_ORDER_LESS},
		{{.kind = CEL_TIMESTAMP, .i = 5},
	         {.kind = CEL_DURATION, .i = 5},
	         CEL_ORDER_MISMATCH},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(cel_compare(rows[i].a, rows[i].b), rows[i].order);
		if (rows[i].order <= CEL_ORDER_NONE)
			assert_int_equal(cel_equal(&f->call, rows[i].a, rows[i].b),
			                 rows[i].order == CEL_ORDER_EQUAL);
	}
}

static void text_is_ordered_by_octets(void **state)
{
	(void)state;
	assert_int_equal(cel_compare(cel_string(SVL("a")), cel_string(SVL("ab"))), CEL_ORDER_LESS);
	assert_int_equal(cel_compare(cel_string(SVL("")), cel_string(SVL(""))), CEL_ORDER_EQUAL);
	assert_int_equal(cel_compare(cel_string(SVL("\xc3\xbf")), cel_string(SVL("z"))),
	                 CEL_ORDER_GREATER);
	assert_int_equal(cel_compare(cel_bytes(SVL("a")), cel_string(SVL("a"))),
	                 CEL_ORDER_MISMATCH);
	assert_int_equal(cel_utf8_count(SVL("\xc3\xbf\xe2\x82\xac")), 2);
}

static void other_types_are_unequal_and_no_error(void **state)
{
	struct fixture *f = *state;
	assert_false(cel_equal(&f->call, cel_string(SVL("1")), cel_int(1)));
	assert_false(cel_equal(&f->call, cel_null(), cel_bool(false)));
	assert_true(cel_equal(&f->call, cel_null(), cel_null()));
	assert_false(cel_equal(&f->call, cel_list(NULL, 0), cel_map(NULL, 0)));
	assert_false(cel_equal(&f->call, cel_error("x"), cel_error("x")));
}

static void containers_are_equal_by_their_elements(void **state)
{
	struct fixture *f = *state;
	struct cel_value ints[] = {cel_int(1), cel_int(2)};
	struct cel_value doubles[] = {cel_double(1), cel_double(2)};
	struct cel_value nans[] = {cel_double((double)NAN)};
	assert_true(cel_equal(&f->call, cel_list(ints, 2), cel_list(doubles, 2)));
	assert_false(cel_equal(&f->call, cel_list(ints, 1), cel_list(doubles, 2)));
	assert_false(cel_equal(&f->call, cel_list(nans, 1), cel_list(nans, 1)));
	struct cel_entry a[] = {{cel_string(SVL("x")), ints[0]}, {cel_int(7), ints[1]}};
	struct cel_entry b[] = {{cel_uint(7), doubles[1]}, {cel_string(SVL("x")), doubles[0]}};
	assert_true(cel_equal(&f->call, cel_map(a, 2), cel_map(b, 2)));
	assert_false(cel_equal(&f->call, cel_map(a, 1), cel_map(b, 1)));
	assert_true(cel_equal(&f->call, cel_optional(NULL), cel_optional(NULL)));
	assert_false(cel_equal(&f->call, cel_optional(NULL), cel_optional(ints)));
	assert_true(cel_equal(&f->call, cel_optional(doubles), cel_optional(ints)));
}

static void keys_are_found_by_numeric_equality(void **state)
{
	struct fixture *f = *state;
	struct cel_entry entries[] = {{cel_int(1), cel_string(SVL("a"))},
	                              {cel_bool(true), cel_string(SVL("b"))}};
	struct cel_value map = cel_map(entries, 2);
	struct cel_value found;
	assert_true(cel_map_find(&f->call, map, cel_double(1.0), &found));
	assert_true(cel_map_find(&f->call, map, cel_uint(1), &found));
	assert_false(cel_map_find(&f->call, map, cel_double(1.5), &found));
	assert_true(cel_map_find(&f->call, map, cel_bool(true), &found));
	assert_true(sv_eq(cel_text(found), SVL("b")));
	assert_false(cel_map_find(&f->call, map, cel_null(), &found));
}

/* Each level names the one below twice: its size is 2^30, its memory 30 pairs. */
static void a_shared_value_costs_each_time_it_is_looked_at(void **state)
{
	struct fixture *f = *state;
	struct cel_value pairs[30][2];
	pairs[0][0] = pairs[0][1] = cel_int(1);
	for (size_t i = 1; i < ARRAY_LEN(pairs); i++)
		pairs[i][0] = pairs[i][1] = cel_list(pairs[i - 1], 2);
	assert_false(cel_equal(&f->call, cel_list(pairs[29], 2), cel_list(pairs[29], 2)));
	assert_true(f->call.is_over);
	assert_false(cel_charge(&f->call, 0));
}

static void errors_keep_whole_characters(void **state)
{
	struct fixture *f = *state;
	char text[300];
	for (size_t i = 0; i + 1 < sizeof(text); i++)
		text[i] = i % 2 ? (char)0xbf : (char)0xc3;
	text[sizeof(text) - 1] = 0;
	struct cel_value error = cel_errorf(&f->call, "%s", text);
	assert_true(cel_is_error(error));
	assert_int_equal(error.n % 2, 0);
	assert_true(error.n > 200);
}

static void a_full_arena_ends_the_evaluation(void **state)
{
	struct fixture *f = *state;
	struct arena small;
	assert_int_equal(arena_init(&small, 64), 0);
	f->call.arena = &small;
	struct cel_value error =
		cel_dup(&f->call, (struct sv){"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	                                      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	                                      70});
	assert_true(cel_is_error(error));
	assert_true(f->call.is_over);
	arena_fini(&small);
}

static const struct cel_function *row_of(const char *name, const char *args)
{
	for (size_t g = 0; cel_function_groups[g]; g++)
		for (size_t i = 0; i < cel_function_groups[g]->n; i++) {
			const struct cel_function *row = &cel_function_groups[g]->at[i];
			if (strcmp(row->name, name) == 0 && strcmp(row->args, args) == 0)
				return row;
		}
	return NULL;
}

static void arithmetic_refuses_to_overflow(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name;
		int64_t a, b;
		bool fails;
		int64_t result;
	} rows[] = {
		{"_+_", INT64_MAX, 1, true, 0},  {"_+_", INT64_MAX, 0, false, INT64_MAX},
		{"_-_", INT64_MIN, 1, true, 0},  {"_-_", -1, INT64_MAX, false, INT64_MIN},
		{"_*_", INT64_MIN, -1, true, 0}, {"_*_", -3, 7, false, -21},
		{"_/_", INT64_MIN, -1, true, 0}, {"_/_", 7, 0, true, 0},
		{"_/_", -7, 2, false, -3},       {"_%_", INT64_MIN, -1, true, 0},
		{"_%_", -7, 2, false, -1},       {"_%_", 7, 0, true, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct cel_function *row = row_of(rows[i].name, "int, int");
		assert_non_null(row);
		if (!row)
			return; /* for compilers that do not know that the line above does not return */
		struct cel_value args[] = {cel_int(rows[i].a), cel_int(rows[i].b)};
		struct cel_value got = row->call(&f->call, args, 2);
		assert_int_equal(got.kind, rows[i].fails ? CEL_ERROR : CEL_INT);
		if (!rows[i].fails)
			assert_true(got.i == rows[i].result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(numbers_stand_on_one_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(text_is_ordered_by_octets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_types_are_unequal_and_no_error, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(containers_are_equal_by_their_elements, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(keys_are_found_by_numeric_equality, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(a_shared_value_costs_each_time_it_is_looked_at,
	                                        set_up, tear_down),
		cmocka_unit_test_setup_teardown(errors_keep_whole_characters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_arena_ends_the_evaluation, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(arithmetic_refuses_to_overflow, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
