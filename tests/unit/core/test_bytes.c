#include "core/arena.h"
#include "core/cursor.h"
#include "core/names.h"
#include "core/outbuf.h"
#include "core/secret.h"
#include "core/strbuf.h"
#include "core/utf8.h"
#include "support/cmocka_prelude.h"

#include <stdlib.h>

static void cut_gives_every_part_and_then_stops(void **state)
{
	(void)state;
	static const char *const expected[] = {"a", "", "b", ""};
	struct sv rest = SV("a,,b,"), part;
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_true(sv_cut(&rest, ',', &part));
		assert_true(sv_eq(part, sv_of(expected[i])));
	}
	assert_false(sv_cut(&rest, ',', &part));
}

static void compares_whole_views_only(void **state)
{
	(void)state;
	assert_true(sv_eq(SVL(""), (struct sv){0}));
	assert_false(sv_eq(SVL("abc"), SVL("ab")));
	assert_true(sv_starts(SVL("abc"), SVL("ab")));
	assert_false(sv_starts(SVL("a"), SVL("ab")));
	assert_true(sv_ends(SVL("abc"), SVL("bc")));
	assert_true(sv_eq_ci(SVL("Host"), SVL("hOST")));
	assert_false(sv_eq_ci(SVL("Host"), SVL("hOSTs")));
	assert_true(sv_cmp(SVL("ab"), SVL("abc")) < 0 && sv_cmp(SVL("b"), SVL("abc")) > 0);
	assert_int_equal(sv_cmp(SVL("x"), SVL("x")), 0);
}

static void numbers_fill_their_text(void **state)
{
	(void)state;
	static const struct sv bad[] = {SV(""),   SV("1x"), SV("-1"),
	                                SV("+1"), SV(" 1"), SV("18446744073709551616")};
	unsigned long long value = 7;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(sv_to_u64(bad[i], &value));
	assert_int_equal(value, 7);
	assert_true(sv_to_u64(SVL("18446744073709551615"), &value));
	assert_true(value == UINT64_MAX);
}

static void a_cursor_fails_once_and_stays_failed(void **state)
{
	(void)state;
	struct cursor c = cursor_over(SVL("\x01\x02\x03"));
	assert_int_equal(cursor_u16be(&c), 0x0102);
	assert_int_equal(cursor_u32be(&c), 0);
	assert_true(c.failed);
	assert_int_equal(cursor_u8(&c), 0);
	assert_false(cursor_done(&c));
	c = cursor_over(SVL("ab"));
	assert_int_equal(cursor_sv(&c, UINT64_MAX).n, 0);
	assert_true(c.failed);
	c = cursor_over(SVL("ab"));
	assert_true(sv_eq(cursor_sv(&c, 2), SVL("ab")));
	assert_true(cursor_done(&c));
}

static void an_outbuf_refuses_whole_writes_and_stays_refused(void **state)
{
	(void)state;
	uint8_t room[4];
	struct outbuf b = outbuf_over(room, sizeof(room));
	outbuf_u16be(&b, 0x0102);
	outbuf_bytes(&b, "abc", 3);
	assert_true(b.failed);
	assert_int_equal(b.n, 2);
	outbuf_u8(&b, 1);
	assert_int_equal(b.n, 2);
	assert_memory_equal(room, "\x01\x02", 2);
}

static void an_arena_stops_at_its_ceiling(void **state)
{
	(void)state;
	struct arena a;
	assert_int_equal(arena_init(&a, 64), 0);
	assert_non_null(arena_alloc(&a, 1));
	assert_non_null(arena_alloc(&a, 48));
	assert_null(arena_alloc(&a, 1));
	assert_null(arena_array(&a, SIZE_MAX, 2));
	arena_reset(&a);
	struct sv text = arena_printf(&a, "%d-%s", 5, "x");
	assert_true(sv_eq(text, SVL("5-x")));
	assert_int_equal(arena_printf(&a, "%100d", 1).n, 0);
	arena_fini(&a);
}

static void strbuf_keeps_its_ceiling_and_says_so(void **state)
{
	(void)state;
	struct strbuf b = strbuf_with(8);
	strbuf_add(&b, SVL("12345"));
	strbuf_add(&b, SVL("6789"));
	assert_true(b.failed);
	assert_true(sv_eq(strbuf_sv(&b), SVL("12345")));
	assert_null(strbuf_take(&b));
	strbuf_fini(&b);
}

static void json_text_escapes_what_json_must(void **state)
{
	(void)state;
	struct strbuf b = strbuf_with(256);
	strbuf_json(&b, SVL("a\"\\\n\x01\x7f\xc3\xa9\xff\xed\xa0\x80"));
	assert_string_equal(b.at, "\"a\\\"\\\\\\n\\u0001\\u007f\xc3\xa9\xef\xbf\xbd"
	                          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	strbuf_fini(&b);
}

static void utf8_is_shortest_form_without_surrogates(void **state)
{
	(void)state;
	static const struct sv bad[] = {
		SV("\xc0\x80"), SV("\xed\xa0\x80"), SV("\xf4\x90\x80\x80"),    SV("\xe2\x82"),
		SV("\x80"),     SV("\xff"),         SV("\xf8\x88\x80\x80\x80")};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(utf8_valid(bad[i]));
	assert_true(utf8_valid(SVL("a\xc2\xa2\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf")));
}

static void the_nearest_name_is_offered_only_when_near(void **state)
{
	(void)state;
	static const char *const names[] = {"policies", "services", NULL, "issuers"};
	unsigned value;
	assert_string_equal(names_nearest(names, ARRAY_LEN(names), SVL("polices")), "policies");
	assert_string_equal(names_nearest(names, ARRAY_LEN(names), SVL("Issuer")), "issuers");
	assert_null(names_nearest(names, ARRAY_LEN(names), SVL("zzzzzz")));
	assert_true(names_find(names, ARRAY_LEN(names), SVL("issuers"), &value) && value == 3);
	assert_false(names_find(names, ARRAY_LEN(names), SVL("issuer"), &value));
	assert_string_equal(names_of(names, ARRAY_LEN(names), 2), "?");
	assert_string_equal(names_of(names, ARRAY_LEN(names), 9), "?");
}

static void secrets_compare_by_length_and_bytes(void **state)
{
	(void)state;
	char a[8] = "secret!";
	assert_true(secret_equal(SVL("abc"), SVL("abc")));
	assert_false(secret_equal(SVL("abc"), SVL("abd")));
	assert_false(secret_equal(SVL("abc"), SVL("abcd")));
	secret_wipe(a, sizeof(a));
	assert_memory_equal(a, "\0\0\0\0\0\0\0", sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_gives_every_part_and_then_stops),
		cmocka_unit_test(compares_whole_views_only),
		cmocka_unit_test(numbers_fill_their_text),
		cmocka_unit_test(a_cursor_fails_once_and_stays_failed),
		cmocka_unit_test(an_outbuf_refuses_whole_writes_and_stays_refused),
		cmocka_unit_test(an_arena_stops_at_its_ceiling),
		cmocka_unit_test(strbuf_keeps_its_ceiling_and_says_so),
		cmocka_unit_test(json_text_escapes_what_json_must),
		cmocka_unit_test(utf8_is_shortest_form_without_surrogates),
		cmocka_unit_test(the_nearest_name_is_offered_only_when_near),
		cmocka_unit_test(secrets_compare_by_length_and_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
