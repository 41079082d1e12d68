/* One cookie of a name, or a refusal: what servers read in two ways is not read at all. */
#include "authn/cookie.h"
#include "support/cmocka_prelude.h"

static void one_cookie_of_a_name(void **state)
{
	(void)state;
	static const struct {
		struct sv header;
		enum found found;
		struct sv value;
	} rows[] = {
		{SV(""), FOUND_NONE, SV("")},
		{SV("id=1"), FOUND_ONE, SV("1")},
		{SV("a=2; id=1; b=3"), FOUND_ONE, SV("1")},
		{SV("a=2;id=1"), FOUND_ONE, SV("1")},
		{SV("\tid = 1 ; a=2"), FOUND_ONE, SV("1")},
		{SV("id="), FOUND_ONE, SV("")},
		{SV("id=a=b=="), FOUND_ONE, SV("a=b==")},
		{SV("id=\"1\""), FOUND_ONE, SV("\"1\"")},
		{SV("id=1;"), FOUND_ONE, SV("1")},
		{SV(";;id=1;;"), FOUND_ONE, SV("1")},
		{SV("id=1; id=1"), FOUND_TWICE, SV("")},
		{SV("id=1; id=2"), FOUND_TWICE, SV("")},
		{SV("id=1; id ="), FOUND_TWICE, SV("")},
		{SV("id"), FOUND_NONE, SV("")},
		{SV("ID=1"), FOUND_NONE, SV("")},
		{SV("xid=1; idx=2"), FOUND_NONE, SV("")},
		{SV("a=id=1"), FOUND_NONE, SV("")},
		{SV("=id"), FOUND_NONE, SV("")},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sv value = {0};
		assert_int_equal(cookie_find(rows[i].header, SVL("id"), &value), rows[i].found);
		assert_true(sv_eq(value, rows[i].value));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(one_cookie_of_a_name)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
