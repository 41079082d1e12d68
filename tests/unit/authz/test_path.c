#include "authz/path.h"
#include "core/limits.h"
#include "support/cmocka_prelude.h"

static struct arena scratch;

static int make_scratch(void **state)
{
	(void)state;
	return arena_init(&scratch, 1 << 20);
}

static int drop_scratch(void **state)
{
	(void)state;
	arena_fini(&scratch);
	return 0;
}

struct good {
	const char *raw;
	const char *normal;
	const char *written; /* NULL: as normal */
};

static void normal_form_is_reached(void **state)
{
	(void)state;
	static const struct good cases[] = {
		{"/", "/", NULL},
		{"/orders/17", "/orders/17", NULL},
		{"/orders/", "/orders/", NULL},
		{"/orders?x=/../%2f", "/orders", NULL},
		{"/%6frders", "/orders", "/%6Frders"},
		{"/%7euser", "/~user", "/%7Euser"},
		{"//orders///17", "/orders/17", "//orders///17"},
		{"/a%3ab", "/a%3Ab", NULL},
		{"/a%3Ab", "/a%3Ab", NULL},
		{"/caf\xc3\xa9", "/caf%C3%A9", NULL},
		{"/caf%c3%a9", "/caf%C3%A9", NULL},
		{"/a%252fb", "/a%252fb", NULL},
		{"/%25%32%66", "/%252f", "/%25%32%66"},
		{"/;/admin", "/;/admin", NULL},
		{"/a;v=1/b", "/a;v=1/b", NULL},
		{"/...", "/...", NULL},
		{"/.well-known/x", "/.well-known/x", NULL},
		{"/a/..b", "/a/..b", NULL},
		{"/a.%2e", "/a..", "/a.%2E"},
		{"/a%20b", "/a%20b", NULL},
		{"/a|b", "/a%7Cb", NULL},
		{"/a%07", "/a%07", NULL},
		{"/a!$&'()*+,;=:@b", "/a!$&'()*+,;=:@b", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct authz_path path;
		const char *why = NULL;
		print_message("%s\n", cases[i].raw);
		assert_true(authz_path_normalise(sv_of(cases[i].raw), &scratch, &path, &why));
		const char *written = cases[i].written ? cases[i].written : cases[i].normal;
		assert_true(sv_eq(path.normal, sv_of(cases[i].normal)));
		assert_true(sv_eq(path.written, sv_of(written)));
		assert_int_equal(path.differs, cases[i].written != NULL);
	}
}

static void parameters_are_cut_in_the_bare_form(void **state)
{
	(void)state;
	static const struct {
		const char *raw;
		const char *bare; /* NULL: there are none */
	} cases[] = {
		{"/a", NULL},           {"/a;v=1", "/a"},     {"/a;v=1/b;w", "/a/b"},
		{"/;/admin", "/admin"}, {"/;x", "/"},         {"/a;", "/a"},
		{"/a/;x/b", "/a/b"},    {"//a;x//b", "/a/b"}, {"/a%3bx", NULL},
		{"/%61;x=/b", "/a/b"},  {"/a?b;c", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct authz_path path;
		const char *why = NULL;
		print_message("%s\n", cases[i].raw);
		assert_true(authz_path_normalise(sv_of(cases[i].raw), &scratch, &path, &why));
		assert_int_equal(path.has_parameters, cases[i].bare != NULL);
		assert_true(sv_eq(path.bare, cases[i].bare ? sv_of(cases[i].bare) : path.normal));
	}
}

static void what_two_readers_may_read_differently_is_refused(void **state)
{
	(void)state;
	static const struct sv cases[] = {
		SV(""),
		SV("orders"),
		SV("*"),
		SV("http://host/orders"),
		SV("/a%2fb"),
		SV("/a%2Fb"),
		SV("/a%5cb"),
		SV("/a%5Cb"),
		SV("/a%00b"),
		SV("/a\\b"),
		SV("/a\0b"),
		SV("/a\nb"),
		SV("/a b"),
		SV("/a\x7f"),
		SV("/a#b"),
		SV("/a%"),
		SV("/a%4"),
		SV("/a%4g"),
		SV("/a%u002f"),
		SV("/."),
		SV("/.."),
		SV("/a/."),
		SV("/a/../b"),
		SV("/a/./b"),
		SV("/a/%2e%2e/b"),
		SV("/a/.%2E/b"),
		SV("/a/%2e"),
		SV("/a/..;/b"),
		SV("/a/..;x=1/b"),
		SV("/a/.;/b"),
		SV("/a/..%3b/b"),
		SV("/a//../b"),
		SV("/%c0%ae%c0%ae/admin"),
		SV("/%c0%af"),
		SV("/\xc0\xaf"),
		SV("/%e0%80%af"),
		SV("/%f0%80%80%af"),
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct authz_path path;
		const char *why = NULL;
		print_message("%.*s\n", SV_ARG(cases[i]));
		assert_false(authz_path_normalise(cases[i], &scratch, &path, &why));
		assert_non_null(why);
	}
}

static void a_path_longer_than_the_limit_is_refused(void **state)
{
	(void)state;
	static char longest[PATH_MAX_BYTES + 1];
	struct authz_path path;
	const char *why = NULL;
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	assert_true(
		authz_path_normalise((struct sv){longest, PATH_MAX_BYTES}, &scratch, &path, &why));
	assert_false(authz_path_normalise((struct sv){longest, PATH_MAX_BYTES + 1}, &scratch, &path,
	                                  &why));
}

static void a_full_scratch_refuses(void **state)
{
	(void)state;
	struct arena small;
	struct authz_path path;
	const char *why = NULL;
	assert_int_equal(arena_init(&small, 16), 0);
	assert_false(authz_path_normalise(SVL("/%61bcdefghijkl"), &small, &path, &why));
	arena_fini(&small);
}

static void captures_are_decoded(void **state)
{
	(void)state;
	struct sv text;
	assert_true(authz_path_decode(SVL("a%20b%C3%A9"), &scratch, &text));
	assert_true(sv_eq(text, SVL("a b\xc3\xa9")));
	assert_true(authz_path_decode(SVL("plain"), &scratch, &text));
	assert_true(sv_eq(text, SVL("plain")));
	assert_true(authz_path_decode(SVL(""), &scratch, &text));
	assert_int_equal(text.n, 0);
}

static void asterisk_is_for_options_only(void **state)
{
	(void)state;
	assert_true(authz_path_is_asterisk(SVL("OPTIONS"), SVL("*")));
	assert_false(authz_path_is_asterisk(SVL("GET"), SVL("*")));
	assert_false(authz_path_is_asterisk(SVL("OPTIONS"), SVL("/*")));
}

/* Each mode's form of one path, in the order of the modes; NULL: refused. */
static void modes_differ_in_what_they_make_equal(void **state)
{
	(void)state;
	static const struct {
		const char *raw, *strict, *none, *base, *merged, *decoded;
	} rows[] = {
		{"/a/b", "/a/b", "/a/b", "/a/b", "/a/b", "/a/b"},
		{"/a?x=/..", "/a", "/a", "/a", "/a", "/a"},
		{"/a#b?c", NULL, "/a", "/a", "/a", "/a"},
		{"//a///b", "/a/b", "//a///b", "//a///b", "/a/b", "/a/b"},
		{"/a/../b", NULL, "/a/../b", "/b", "/b", "/b"},
		{"/a/..", NULL, "/a/..", "/", "/", "/"},
		{"/a/.", NULL, "/a/.", "/a/", "/a/", "/a/"},
		{"/a//..", NULL, "/a//..", "/a/", "/a/", "/a/"},
		{"/../../a", NULL, "/../../a", "/a", "/a", "/a"},
		{"/%2e%2E/a", NULL, "/%2e%2E/a", "/a", "/a", "/a"},
		{"/%2e%2e%2fa", NULL, "/%2e%2e%2fa", "/..%2fa", "/..%2fa", "/a"},
		{"/b%5c..%5Ca", NULL, "/b%5c..%5Ca", "/b%5c..%5Ca", "/b%5c..%5Ca", "/a"},
		{"/b\\..\\a", NULL, "/b\\..\\a", "/a", "/a", "/a"},
		{"/a/..;x/b", NULL, "/a/..;x/b", "/a/..;x/b", "/a/..;x/b", "/a/..;x/b"},
		{"/%61%3a", "/a%3A", "/%61%3a", "/a%3a", "/a%3a", "/a%3a"},
		{"/%252e", "/%252e", "/%252e", "/%252e", "/%252e", "/%252e"},
		{"/caf\xc3\xa9", "/caf%C3%A9", "/caf\xc3\xa9", "/caf%C3%A9", "/caf%C3%A9",
	         "/caf%C3%A9"},
		{"/%c0%ae", NULL, "/%c0%ae", "/%c0%ae", "/%c0%ae", "/%c0%ae"},
		{"/%00", NULL, NULL, NULL, NULL, NULL},
		{"/a%2", NULL, NULL, NULL, NULL, NULL},
		{"/a b", NULL, NULL, NULL, NULL, NULL},
		{"a", NULL, NULL, NULL, NULL, NULL},
		{"#a", NULL, NULL, NULL, NULL, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const wanted[] = {rows[i].strict, rows[i].none, rows[i].base,
		                              rows[i].merged, rows[i].decoded};
		for (unsigned mode = 0; mode < AUTHZ_PATH_MODE_COUNT; mode++) {
			struct authz_path path;
			const char *why = NULL;
			bool good =
				authz_path_normalise_as((enum authz_path_mode)mode,
			                                sv_of(rows[i].raw), &scratch, &path, &why);
			print_message("%s %s\n", authz_path_mode_names[mode], rows[i].raw);
			assert_int_equal(good, wanted[mode] != NULL);
			if (good)
				assert_true(sv_eq(path.normal, sv_of(wanted[mode])));
			else
				assert_non_null(why);
		}
	}
}

/* A pattern is kept with escapes in upper case: a path that has them in lower case has that reading too. */
static void patterns_have_one_spelling_of_escapes(void **state)
{
	(void)state;
	struct authz_path path;
	const char *why = NULL;
	assert_true(
		authz_path_normalise_as(AUTHZ_PATH_NONE, SVL("/a%2fb\\|"), &scratch, &path, &why));
	assert_true(path.differs);
	assert_true(sv_eq(path.written, SVL("/a%2Fb%5C%7C")));
	assert_false(path.has_parameters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normal_form_is_reached),
		cmocka_unit_test(parameters_are_cut_in_the_bare_form),
		cmocka_unit_test(what_two_readers_may_read_differently_is_refused),
		cmocka_unit_test(a_path_longer_than_the_limit_is_refused),
		cmocka_unit_test(a_full_scratch_refuses),
		cmocka_unit_test(captures_are_decoded),
		cmocka_unit_test(asterisk_is_for_options_only),
		cmocka_unit_test(modes_differ_in_what_they_make_equal),
		cmocka_unit_test(patterns_have_one_spelling_of_escapes),
	};
	return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
