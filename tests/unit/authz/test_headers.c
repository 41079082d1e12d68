#include "authz/headers.h"
#include "support/cmocka_prelude.h"

static struct arena scratch;

static int make_scratch(void **state)
{
	(void)state;
	return arena_init(&scratch, 1 << 16);
}

static int drop_scratch(void **state)
{
	(void)state;
	arena_fini(&scratch);
	return 0;
}

static const struct sv block = SV("\x06x-team\x03red\x01y\x00\x06X-Team\x04"
                                  "blue\x00\x00");

static void doubled_fields_are_joined(void **state)
{
	(void)state;
	struct authz_header value;
	assert_true(authz_headers_find(block, SVL("x-TEAM"), &scratch, &value));
	assert_true(sv_eq(value.joined, SVL("red,blue")));
	assert_int_equal(value.n_fields, 2);
	assert_true(sv_eq(value.fields[0], SVL("red")) && sv_eq(value.fields[1], SVL("blue")));
	assert_true(authz_headers_find(block, SVL("y"), &scratch, &value));
	assert_true(value.joined.at && value.joined.n == 0 && value.n_fields == 0);
	assert_true(authz_headers_find(block, SVL("z"), &scratch, &value));
	assert_null(value.joined.at);
}

static void empty_fields_are_fields(void **state)
{
	(void)state;
	struct authz_header value;
	assert_true(authz_headers_find(SVL("\x01y\x00\x01Y\x00\x01y\x01z\x00\x00"), SVL("y"),
	                               &scratch, &value));
	assert_true(sv_eq(value.joined, SVL(",,z")));
	assert_int_equal(value.n_fields, 3);
}

static void a_full_scratch_is_not_an_absent_field(void **state)
{
	(void)state;
	struct authz_header value;
	struct arena small;
	assert_int_equal(arena_init(&small, 16), 0);
	assert_false(authz_headers_find(block, SVL("x-team"), &small, &value));
	arena_fini(&small);
}

static void every_cut_is_refused(void **state)
{
	(void)state;
	struct authz_header value;
	for (size_t n = 0; n < block.n; n++)
		assert_false(
			authz_headers_find(sv_first(block, n), SVL("x-team"), &scratch, &value));
}

static void bytes_after_the_end_are_refused(void **state)
{
	(void)state;
	struct authz_header value;
	assert_false(authz_headers_find(SVL("\x00\x00\x01"), SVL("a"), &scratch, &value));
	assert_false(authz_headers_find(SVL("\x00\x01z"), SVL("a"), &scratch, &value));
}

static void long_values_are_read(void **state)
{
	(void)state;
	static char bytes[600] = "\x01"
				 "a\xf0\x10"; /* 240 + (0x10 << 4) = 496 */
	struct authz_header value;
	memset(bytes + 4, 'v', 496);
	assert_true(
		authz_headers_find((struct sv){bytes, 4 + 496 + 2}, SVL("a"), &scratch, &value));
	assert_int_equal(value.joined.n, 496);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubled_fields_are_joined),
		cmocka_unit_test(empty_fields_are_fields),
		cmocka_unit_test(a_full_scratch_is_not_an_absent_field),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(bytes_after_the_end_are_refused),
		cmocka_unit_test(long_values_are_read),
	};
	return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
