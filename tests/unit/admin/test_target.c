#include "admin/target.h"
#include "support/cmocka_prelude.h"

#include <stdlib.h>
#include <string.h>

static bool parse(struct sv text, char *room, struct target *ret)
{
	memcpy(room, text.at, text.n);
	return target_parse(room, text.n, ret);
}

static void targets_come_apart(void **state)
{
	(void)state;
	char room[256];
	struct target target;
	assert_true(parse(SVL("/api/v1/decisions?q=user%3Aalice+x&limit=5&&flag"), room, &target));
	assert_true(sv_eq(target.path, SVL("/api/v1/decisions")));
	assert_int_equal(target.n_params, 3);
	assert_true(sv_eq(*target_param(&target, "q"), SVL("user:alice x")));
	assert_true(sv_eq(*target_param(&target, "limit"), SVL("5")));
	assert_int_equal(target_param(&target, "flag")->n, 0);
	assert_null(target_param(&target, "none"));
}

static void good_targets_are_taken(void **state)
{
	(void)state;
	static const struct sv good[] = {
		SV("/"),   SV("/a/"),         SV("/%41"),           SV("/..."),
		SV("/a?"), SV("/a?%C3%A4=1"), SV("/a?q=/%2F..%2f"), SV("/a?q=%25"),
	};
	char room[256];
	struct target target;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(parse(good[i], room, &target));
}

static void what_two_readers_could_take_differently_is_refused(void **state)
{
	(void)state;
	static const struct sv bad[] = {
		SV("*"),          SV("a"),         SV("http://x/"),   SV("//"),
		SV("/a//b"),      SV("/."),        SV("/.."),         SV("/a/../b"),
		SV("/%2e%2e/b"),  SV("/a/%2E/b"),  SV("/%2f"),        SV("/a%2Fb"),
		SV("/%5c"),       SV("/a\\b"),     SV("/%00"),        SV("/x%00y"),
		SV("/%0a"),       SV("/%7f"),      SV("/%"),          SV("/%4"),
		SV("/%zz"),       SV("/%252e"),    SV("/a b"),        SV("/a#b"),
		SV("/\x01"),      SV("/\xc3\xa4"), SV("/%ff"),        SV("/?q=%00"),
		SV("/?q=%ff"),    SV("/?a=1&a=2"), SV("/?a=1&%61=2"), SV("/?q=%1f"),
		SV("/?q=%0d%0a"), SV("/?%"),
	};
	char room[256];
	struct target target;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(parse(bad[i], room, &target));
}

static void too_much_is_refused(void **state)
{
	(void)state;
	char *room = malloc(TARGET_MAX_BYTES + 2);
	struct target target;
	memset(room, 'a', TARGET_MAX_BYTES + 2);
	room[0] = '/';
	assert_true(target_parse(room, TARGET_MAX_BYTES, &target));
	assert_false(target_parse(room, TARGET_MAX_BYTES + 1, &target));
	assert_false(target_parse(room, 0, &target));
	size_t n = 0;
	room[n++] = '/';
	room[n++] = '?';
	for (char c = 'a'; c <= 'a' + TARGET_PARAMS_MAX; c++) {
		room[n++] = c;
		room[n++] = '&';
	}
	assert_false(target_parse(room, n, &target));
	free(room);
}

static void cookies_are_found_once(void **state)
{
	(void)state;
	static const struct {
		struct sv header;
		enum cookie_result result;
		struct sv value;
	} cases[] = {
		{SV(""), COOKIE_NONE, SV("")},
		{SV("sid=abc"), COOKIE_FOUND, SV("abc")},
		{SV("a=1; sid=abc; b=2"), COOKIE_FOUND, SV("abc")},
		{SV("a=1;sid=abc"), COOKIE_FOUND, SV("abc")},
		{SV("sid="), COOKIE_FOUND, SV("")},
		{SV("xsid=abc"), COOKIE_NONE, SV("")},
		{SV("SID=abc"), COOKIE_NONE, SV("")},
		{SV("sid"), COOKIE_NONE, SV("")},
		{SV("sid=a; sid=b"), COOKIE_REFUSED, SV("")},
		{SV("sid=a; sid=a"), COOKIE_REFUSED, SV("")},
		{SV("sid=a=b"), COOKIE_FOUND, SV("a=b")},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sv value = {0};
		assert_int_equal(target_cookie(cases[i].header, SVL("sid"), &value),
		                 cases[i].result);
		assert_true(sv_eq(value, cases[i].value));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_come_apart),
		cmocka_unit_test(good_targets_are_taken),
		cmocka_unit_test(what_two_readers_could_take_differently_is_refused),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(cookies_are_found_once),
	};
	return cmocka_run_group_tests_name("admin/target", tests, NULL, NULL);
}
