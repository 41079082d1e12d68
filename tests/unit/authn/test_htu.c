/* The same URI in two spellings, and two URIs that only look alike. */
#include "authn/htu.h"
#include "support/cmocka_prelude.h"

static void what_is_a_uri(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{"https://a.example/b", true},
		{"HTTPS://a.example", true},
		{"http://a.example:8080/", true},
		{"http://a.example:/", true},
		{"https://[2001:db8::1]:8443/a", true},
		{"https://a.example/b?c=d#e", true},
		{"https://a.example?b", true},
		{"", false},
		{"a.example/b", false},
		{"//a.example/b", false},
		{"ftp://a.example/b", false},
		{"https:/a.example/b", false},
		{"https://", false},
		{"https:///b", false},
		{"https://:443/b", false},
		{"https://a.example:0/b", false},
		{"https://a.example:65536/b", false},
		{"https://a.example:+80/b", false},
		{"https://a.example:8 0/b", false},
		{"https://user@a.example/b", false},
		{"https://user:443@a.example/b", false},
		{"https://a.example\\b", false},
		{"https://a b/", false},
		{"https://a\t/", false},
		{"https://\xc3\xa4.example/", false},
		{"https://[2001:db8::1/a", false},
		{"https://[2001:db8::1]a/a", false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct htu uri;
		assert_int_equal(htu_read(sv_of(rows[i].text), &uri), rows[i].good);
	}
}

static void what_is_the_same(void **state)
{
	static const struct {
		const char *proof;
		bool is_https;
		const char *host, *path;
		bool same;
	} rows[] = {
		{"https://a.example/b", true, "a.example", "/b", true},
		{"https://A.Example:443/b", true, "a.example", "/b", true},
		{"https://a.example/b", true, "a.EXAMPLE:443", "/b", true},
		{"http://a.example/b", false, "a.example:80", "/b", true},
		{"https://a.example", true, "a.example", "/", true},
		{"https://a.example/b?x=1", true, "a.example", "/b?y=2", true},
		{"https://a.example/%62", true, "a.example", "/b", true},
		{"https://a.example/b", true, "a.example", "/%62", true},
		{"https://a.example/%7Eb", true, "a.example", "/~b", true},
		{"https://a.example/a%2fb", true, "a.example", "/a%2Fb", true},
		{"https://[2001:DB8::1]/b", true, "[2001:db8::1]:443", "/b", true},
		{"https://a.example/a/../b", true, "a.example", "/a/../b", true},
		{"http://a.example/b", true, "a.example", "/b", false},
		{"https://a.example:80/b", true, "a.example", "/b", false},
		{"https://a.example:8443/b", true, "a.example", "/b", false},
		{"https://b.example/b", true, "a.example", "/b", false},
		{"https://a.example.evil/b", true, "a.example", "/b", false},
		{"https://a.example/B", true, "a.example", "/b", false},
		{"https://a.example/b/", true, "a.example", "/b", false},
		{"https://a.example/b", true, "a.example", "/b/c", false},
		{"https://a.example/a%2Fb", true, "a.example", "/a/b", false},
		{"https://a.example/a/b", true, "a.example", "/a%2fb", false},
		{"https://a.example/a%3Fb", true, "a.example", "/a?b", false},
		{"https://a.example/a/../b", true, "a.example", "/b", false},
		{"https://a.example/%", true, "a.example", "/%", false},
		{"https://a.example/%6", true, "a.example", "/%6", false},
		{"https://a.example/%zz", true, "a.example", "/%zz", false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct htu proof, request;
		assert_true(htu_read(sv_of(rows[i].proof), &proof));
		assert_true(htu_of(rows[i].is_https, sv_of(rows[i].host), sv_of(rows[i].path),
		                   &request));
		if (htu_same(&proof, &request) != rows[i].same)
			print_message("%s\n", rows[i].proof);
		assert_int_equal(htu_same(&proof, &request), rows[i].same);
		assert_int_equal(htu_same(&request, &proof), rows[i].same);
	}
}

static void a_request_without_a_host_has_none(void **state)
{
	struct htu uri;
	(void)state;
	assert_false(htu_of(true, SVL(""), SVL("/b"), &uri));
	assert_false(htu_of(true, SVL("a/b"), SVL("/b"), &uri));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_a_uri),
		cmocka_unit_test(what_is_the_same),
		cmocka_unit_test(a_request_without_a_host_has_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
