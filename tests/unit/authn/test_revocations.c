/* Which identities a table of revocations refuses, and what it costs to keep many. */
#include "authn/revocations.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <stdio.h>

enum { NOW = 1000000 };

static const struct identity anna = {
	.method = AUTH_JWT,
	.issuer = SV("https://one"),
	.subject = SV("anna"),
	.client = SV("web"),
	.token_id = SV("t-1"),
	.session_id = SV("s-1"),
	.key_id = SV("k-1"),
	.issued_at = NOW - 10,
};

static struct revocations *table_of(const struct revocation *r, size_t n)
{
	struct revocations *table = NULL;
	assert_int_equal(revocations_new(n, &table), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(revocations_add(table, &r[i]), 0);
	return table;
}

static bool holds(const struct revocation *r, size_t n, const struct identity *who, int64_t now_s)
{
	struct revocations *table = table_of(r, n);
	bool held = revocations_hold(table, who, now_s);
	revocations_unref(table);
	return held;
}

static void each_kind_refuses_what_it_names(void **state)
{
	(void)state;
	static const struct {
		struct revocation r;
		bool held;
	} cases[] = {
		{{REVOCATION_TOKEN, SV("https://one"), SV("t-1"), 0, NOW + 9}, true},
		{{REVOCATION_TOKEN, SV("https://one"), SV("t-2"), 0, NOW + 9}, false},
		{{REVOCATION_TOKEN, SV("https://two"), SV("t-1"), 0, NOW + 9}, false},
		{{REVOCATION_SESSION, SV("https://one"), SV("s-1"), 0, NOW + 9}, true},
		{{REVOCATION_SESSION, SV("https://one"), SV("t-1"), 0, NOW + 9}, false},
		{{REVOCATION_KEY, SV("https://one"), SV("k-1"), 0, NOW + 9}, true},
		{{REVOCATION_KEY, SV("https://two"), SV("k-1"), 0, NOW + 9}, false},
		/* what was issued in that second or earlier */
		{{REVOCATION_SUBJECT, SV("https://one"), SV("anna"), NOW - 10, NOW + 9}, true},
		{{REVOCATION_SUBJECT, SV("https://one"), SV("anna"), NOW - 11, NOW + 9}, false},
		{{REVOCATION_SUBJECT, SV("https://one"), SV("bert"), NOW, NOW + 9}, false},
		{{REVOCATION_CLIENT, SV("https://one"), SV("web"), NOW, NOW + 9}, true},
		{{REVOCATION_CLIENT, SV("https://one"), SV("web"), NOW - 11, NOW + 9}, false},
		/* over */
		{{REVOCATION_TOKEN, SV("https://one"), SV("t-1"), 0, NOW}, false},
		{{REVOCATION_TOKEN, SV("https://one"), SV("t-1"), 0, 0}, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (holds(&cases[i].r, 1, &anna, NOW) != cases[i].held)
			fail_msg("case %zu", i);
}

static void a_credential_that_does_not_say_when_is_taken_for_old(void **state)
{
	(void)state;
	static const struct revocation r = {REVOCATION_SUBJECT, SV("https://one"), SV("anna"), 1,
	                                    NOW + 9};
	struct identity who = anna;
	assert_false(holds(&r, 1, &who, NOW));
	who.issued_at = 0;
	assert_true(holds(&r, 1, &who, NOW));
}

static void names_that_are_missing_match_nothing(void **state)
{
	(void)state;
	static const struct identity nobody;
	struct revocation all[REVOCATION_KIND_COUNT];
	for (unsigned i = 0; i < REVOCATION_KIND_COUNT; i++)
		all[i] = (struct revocation){(enum revocation_kind)i, SV(""), SV(""), 0, NOW + 9};
	assert_false(holds(all, ARRAY_LEN(all), &nobody, NOW));
	assert_false(revocations_hold(NULL, &anna, NOW));
	assert_false(holds(NULL, 0, &anna, NOW));
}

static void of_two_for_one_the_later_holds(void **state)
{
	(void)state;
	static const struct revocation r[] = {
		{REVOCATION_SUBJECT, SV("https://one"), SV("anna"), NOW, NOW + 5},
		{REVOCATION_SUBJECT, SV("https://one"), SV("anna"), NOW - 99, NOW + 9},
	};
	assert_true(holds(r, 2, &anna, NOW + 8));
	assert_false(holds(r, 2, &anna, NOW + 9));
}

static void what_is_clear_of_one_table_is_asked_again_of_the_next(void **state)
{
	(void)state;
	static const struct revocation other = {REVOCATION_TOKEN, SV("i"), SV("x"), 0, NOW + 9},
				       its = {REVOCATION_TOKEN, SV("https://one"), SV("t-1"), 0,
	                                      NOW + 9};
	struct revocations *first = table_of(&other, 1), *second = table_of(&its, 1);
	uint64_t clear_of = 0;
	struct identity who = anna;
	who.clear_of = &clear_of;
	assert_false(revocations_hold(first, &who, NOW));
	assert_true(clear_of != 0);
	assert_false(revocations_hold(first, &who, NOW));
	assert_true(revocations_hold(second, &who, NOW));
	assert_true(revocations_hold(second, &who, NOW));
	assert_false(revocations_hold(first, &who, NOW));
	revocations_unref(first);
	revocations_unref(second);
}

static void a_full_table_takes_no_more(void **state)
{
	(void)state;
	static const struct revocation r[] = {
		{REVOCATION_TOKEN, SV("i"), SV("1"), 0, NOW},
		{REVOCATION_TOKEN, SV("i"), SV("2"), 0, NOW},
	};
	struct revocations *table = table_of(r, 1);
	assert_int_equal(revocations_add(table, &r[0]), 0); /* the same again */
	assert_int_equal(revocations_add(table, &r[1]), -ENOSPC);
	revocations_unref(table);
}

static void a_hundred_thousand_fit_and_are_all_found(void **state)
{
	(void)state;
	enum { N = 100000 };
	struct revocations *table = NULL;
	char text[32];
	assert_int_equal(revocations_new(N, &table), 0);
	for (unsigned i = 0; i < N; i++) {
		(void)snprintf(text, sizeof(text), "t-%u", i);
		const struct revocation r = {REVOCATION_TOKEN, SV("https://one"), sv_of(text), 0,
		                             NOW + 9};
		assert_int_equal(revocations_add(table, &r), 0);
	}
	assert_true(revocations_bytes(table) < 16U << 20);
	for (unsigned i = 0; i < 2 * N; i++) {
		struct identity who = anna;
		(void)snprintf(text, sizeof(text), "t-%u", i);
		who.token_id = sv_of(text);
		assert_true(revocations_hold(table, &who, NOW) == (i < N));
	}
	revocations_unref(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_refuses_what_it_names),
		cmocka_unit_test(a_credential_that_does_not_say_when_is_taken_for_old),
		cmocka_unit_test(names_that_are_missing_match_nothing),
		cmocka_unit_test(of_two_for_one_the_later_holds),
		cmocka_unit_test(what_is_clear_of_one_table_is_asked_again_of_the_next),
		cmocka_unit_test(a_full_table_takes_no_more),
		cmocka_unit_test(a_hundred_thousand_fit_and_are_all_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
