#include "authz/match.h"
#include "support/cmocka_prelude.h"

#include <stdio.h>

struct row {
	const char *pattern;
	const char *value;
	bool folds_case;
	bool holds;
};

static void patterns_match_as_in_istio(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"abc", "abc", false, true},
		{"abc", "ABC", false, false},
		{"abc", "ABC", true, true},
		{"abc", "ab", false, false},
		{"abc*", "abc", false, true},
		{"abc*", "abcd", false, true},
		{"abc*", "ab", false, false},
		{"*abc", "abc", false, true},
		{"*abc", "xabc", false, true},
		{"*abc", "abcx", false, false},
		{"*", "x", false, true},
		{"*", "", false, false},
		{"*.Example.com", "a.example.COM", true, true},
		{"*.example.com", "example.com", true, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct authz_match match;
		const char *why = NULL;
		assert_true(authz_match_parse(sv_of(rows[i].pattern), &match, &why));
		assert_int_equal(
			authz_match_holds(&match, sv_of(rows[i].value), rows[i].folds_case),
			rows[i].holds);
	}
}

static void stars_elsewhere_are_refused(void **state)
{
	(void)state;
	static const char *const cases[] = {"", "a*b", "*a*", "**", "a**"};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct authz_match match;
		const char *why = NULL;
		assert_false(authz_match_parse(sv_of(cases[i]), &match, &why));
		assert_non_null(why);
	}
}

static void a_set_finds_each_of_many(void **state)
{
	(void)state;
	enum { MANY = 500 };
	static char texts[MANY][16];
	static struct authz_match matches[MANY];
	struct authz_match_set set;
	struct arena keep;
	const char *why = NULL;
	assert_int_equal(arena_init(&keep, 1 << 20), 0);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), i % 50 ? "name-%d" : "wild-%d*", i * 7);
		assert_true(authz_match_parse(sv_of(texts[i]), &matches[i], &why));
	}
	assert_true(authz_match_set_build(matches, MANY, true, &keep, &set));
	assert_int_equal(set.n_exact + set.n_wild, MANY);
	for (int i = 0; i < MANY; i++)
		assert_non_null(authz_match_set_holds(&set, matches[i].text));
	assert_non_null(authz_match_set_holds(&set, SVL("NAME-7")));
	assert_null(authz_match_set_holds(&set, SVL("name-8")));
	assert_null(authz_match_set_holds(&set, SVL("")));
	arena_fini(&keep);
}

static void hosts_lose_port_and_dot(void **state)
{
	(void)state;
	static const struct {
		const char *host;
		const char *normal; /* NULL: refused */
	} rows[] = {
		{"example.com", "example.com"},
		{"example.com:8080", "example.com"},
		{"example.com.", "example.com"},
		{"example.com.:80", "example.com"},
		{"[2001:db8::1]", "[2001:db8::1]"},
		{"[2001:db8::1]:443", "[2001:db8::1]"},
		{"10.0.0.1:", "10.0.0.1"},
		{"", NULL},
		{":80", NULL},
		{"a b", NULL},
		{"a/b", NULL},
		{"user@host", NULL},
		{"a,b", NULL},
		{"a:b", NULL},
		{"a\tb", NULL},
		{"%61.example", NULL},
		{"a.example..", NULL},
		{"..", NULL},
		{"caf\xc3\xa9.example", NULL},
		{"xn--caf-dma.example", "xn--caf-dma.example"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sv normal;
		bool good = authz_host_normalise(sv_of(rows[i].host), &normal);
		assert_int_equal(good, rows[i].normal != NULL);
		if (good)
			assert_true(sv_eq(normal, sv_of(rows[i].normal)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_as_in_istio),
		cmocka_unit_test(stars_elsewhere_are_refused),
		cmocka_unit_test(a_set_finds_each_of_many),
		cmocka_unit_test(hosts_lose_port_and_dot),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
