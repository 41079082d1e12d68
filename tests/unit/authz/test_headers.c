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
	struct sv value;
	assert_true(authz_headers_find(block, SVL("x-TEAM"), &scratch, &value));
	assert_true(sv_eq(value, SVL("red,blue")));
	assert_true(authz_headers_find(block, SVL("y"), &scratch, &value));
	assert_true(value.at && value.n == 0);
	assert_true(authz_headers_find(block, SVL("z"), &scratch, &value));
	assert_null(value.at);
}

static void every_cut_is_refused(void **state)
{
	(void)state;
	struct sv value;
	for (size_t n = 0; n < block.n; n++)
		assert_false(
			authz_headers_find(sv_first(block, n), SVL("x-team"), &scratch, &value));
}

static void bytes_after_the_end_are_refused(void **state)
{
	(void)state;
	struct sv value;
	assert_false(authz_headers_find(SVL("\x00\x00\x01"), SVL("a"), &scratch, &value));
	assert_false(authz_headers_find(SVL("\x00\x01z"), SVL("a"), &scratch, &value));
}

static void long_values_are_read(void **state)
{
	(void)state;
	static char bytes[600] = "\x01"
				 "a\xf0\x10"; /* 240 + (0x10 << 4) = 496 */
	struct sv value;
	memset(bytes + 4, 'v', 496);
	assert_true(
		authz_headers_find((struct sv){bytes, 4 + 496 + 2}, SVL("a"), &scratch, &value));
	assert_int_equal(value.n, 496);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubled_fields_are_joined),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(bytes_after_the_end_are_refused),
		cmocka_unit_test(long_values_are_read),
	};
	return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
