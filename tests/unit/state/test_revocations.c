/* Revocations as they are kept: found again, never weaker, numbered once, and gone when they are over. */
#include "state/revocations.h"
#include "temp.h"

#include <errno.h>
#include <string.h>

enum { NOW = 1000000 };

struct seen {
	size_t n;
	uint64_t numbers[16];
	int64_t until_s, expires_s;
	char text[256]; /* kind issuer name reason author, of the last one */
};

static int look(void *user, const struct state_revocation *r)
{
	struct seen *seen = user;
	assert_true(seen->n < 16);
	seen->numbers[seen->n++] = r->number;
	seen->until_s = r->what.until_s;
	seen->expires_s = r->what.expires_s;
	(void)snprintf(seen->text, sizeof(seen->text), "%s|%.*s|%.*s|%.*s|%.*s",
	               revocation_kind_names[r->what.kind], SV_ARG(r->what.issuer),
	               SV_ARG(r->what.name), SV_ARG(r->reason), SV_ARG(r->author));
	return 0;
}

static struct state_revocation make(enum revocation_kind kind, const char *name)
{
	return (struct state_revocation){.what = {.kind = kind,
	                                          .issuer = SVL("https://one"),
	                                          .name = sv_of(name),
	                                          .until_s = revocation_has_moment(kind) ? NOW : 0,
	                                          .expires_s = NOW + 100},
	                                 .reason = SVL("lost laptop"),
	                                 .author = SVL("alice"),
	                                 .at_us = 5};
}

static uint64_t add(struct temp *temp, const struct state_revocation *r)
{
	uint64_t number = 0;
	assert_int_equal(state_revocation_add(temp->state, r, &number), 0);
	return number;
}

static size_t count(const struct temp *temp)
{
	size_t n = 99;
	assert_int_equal(state_revocation_count(temp->state, &n), 0);
	return n;
}

static void one_is_found_again_newest_first(void **state)
{
	struct temp *temp = *state;
	struct seen seen = {0};
	for (unsigned kind = 0; kind < REVOCATION_KIND_COUNT; kind++) {
		struct state_revocation r = make((enum revocation_kind)kind, "x");
		assert_int_equal(add(temp, &r), kind + 1);
	}
	assert_int_equal(count(temp), REVOCATION_KIND_COUNT);
	assert_int_equal(state_revocation_list(temp->state, 0, 3, look, &seen), 0);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.numbers[0], 5);
	assert_int_equal(seen.numbers[2], 3);
	assert_string_equal(seen.text, "client|https://one|x|lost laptop|alice");
	assert_int_equal(seen.until_s, NOW);
	seen.n = 0;
	assert_int_equal(state_revocation_list(temp->state, 3, 10, look, &seen), 0);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.numbers[0], 2);
	assert_int_equal(state_revocation_get(temp->state, 4, look, &seen), 0);
	assert_string_equal(seen.text, "key|https://one|x|lost laptop|alice");
}

static void the_same_again_is_never_weaker(void **state)
{
	struct temp *temp = *state;
	struct seen seen = {0};
	struct state_revocation r = make(REVOCATION_SUBJECT, "anna");
	(void)add(temp, &r);
	r.what.until_s = NOW - 50;
	r.what.expires_s = NOW + 10;
	r.reason = SVL("again");
	assert_int_equal(add(temp, &r), 2);
	assert_int_equal(state_revocation_list(temp->state, 0, 10, look, &seen), 0);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.text, "subject|https://one|anna|again|alice");
	assert_int_equal(seen.until_s, NOW);
	assert_int_equal(seen.expires_s, NOW + 100);
}

static void one_that_is_removed_is_gone_and_its_number_with_it(void **state)
{
	struct temp *temp = *state;
	struct seen seen = {0};
	struct state_revocation r = make(REVOCATION_TOKEN, "t-1");
	assert_int_equal(add(temp, &r), 1);
	assert_int_equal(state_revocation_remove(temp->state, 1), 0);
	assert_int_equal(state_revocation_remove(temp->state, 1), -ENOENT);
	assert_int_equal(state_revocation_get(temp->state, 1, look, &seen), -ENOENT);
	assert_int_equal(count(temp), 0);
	assert_int_equal(add(temp, &r), 2);
}

static void what_is_over_is_forgotten(void **state)
{
	struct temp *temp = *state;
	struct seen seen = {0};
	size_t n = 0;
	struct state_revocation r = make(REVOCATION_TOKEN, "early");
	(void)add(temp, &r);
	r.what.name = SVL("late");
	r.what.expires_s = NOW + 200;
	(void)add(temp, &r);
	assert_int_equal(state_revocation_expire(temp->state, NOW + 99, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(state_revocation_expire(temp->state, NOW + 100, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(state_revocation_list(temp->state, 0, 10, look, &seen), 0);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.text, "token|https://one|late|lost laptop|alice");
	r.what.name = SVL("early"); /* and may come again */
	assert_int_equal(add(temp, &r), 3);
}

static void pairs_that_read_alike_are_two(void **state)
{
	struct temp *temp = *state;
	struct state_revocation r = make(REVOCATION_TOKEN, "bc");
	r.what.issuer = SVL("a");
	(void)add(temp, &r);
	r.what.issuer = SVL("ab");
	r.what.name = SVL("c");
	(void)add(temp, &r);
	assert_int_equal(count(temp), 2);
}

static void what_does_not_fit_is_not_kept(void **state)
{
	struct temp *temp = *state;
	static char large[REVOCATION_NAME_MAX + 2];
	memset(large, 'x', sizeof(large) - 1);
	static const struct {
		struct sv issuer, name, reason, author;
	} cases[] = {
		{SV(""), SV("x"), SV(""), SV("alice")},
		{SV("i"), SV(""), SV(""), SV("alice")},
		{SV("i"), SV("x\n"), SV(""), SV("alice")},
		{SV("i"), SV("\xff"), SV(""), SV("alice")},
		{SV("i"), SV("x"), SV("\x1b[2J"), SV("alice")},
		{SV("i"), SV("x"), SV(""), SV("")},
		{SV("i"), {large, sizeof(large) - 1}, SV(""), SV("alice")},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t number;
		struct state_revocation r = make(REVOCATION_TOKEN, "x");
		r.what.issuer = cases[i].issuer;
		r.what.name = cases[i].name;
		r.reason = cases[i].reason;
		r.author = cases[i].author;
		assert_int_equal(state_revocation_add(temp->state, &r, &number), -EINVAL);
	}
	assert_int_equal(count(temp), 0);
}

static void what_is_wrong_with_a_wish_is_said(void **state)
{
	(void)state;
	static const struct {
		enum revocation_kind kind;
		int64_t until_s, expires_s;
		const char *begins; /* NULL: nothing is wrong */
	} cases[] = {
		{REVOCATION_SUBJECT, NOW, NOW + 1, NULL},
		{REVOCATION_SUBJECT, NOW + 61, NOW + 100, "until"},
		{REVOCATION_SUBJECT, -1, NOW + 100, "until"},
		{REVOCATION_TOKEN, NOW, NOW + 100, "until"},
		{REVOCATION_KEY, 0, NOW, "expires"},
		{REVOCATION_KEY, 0, NOW + REVOCATION_MAX_S, NULL},
		{REVOCATION_KEY, 0, NOW + REVOCATION_MAX_S + 1, "expires"},
		{REVOCATION_KIND_COUNT, 0, NOW + 1, "kind"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct state_revocation r = make(REVOCATION_TOKEN, "x");
		r.what.kind = cases[i].kind;
		r.what.until_s = cases[i].until_s;
		r.what.expires_s = cases[i].expires_s;
		const char *said = state_revocation_check(&r, NOW);
		assert_int_equal(said != NULL, cases[i].begins != NULL);
		assert_true(!said || sv_starts(sv_of(said), sv_of(cases[i].begins)));
	}
}

#define WITH_STATE(test) cmocka_unit_test_setup_teardown(test, temp_setup, temp_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STATE(one_is_found_again_newest_first),
		WITH_STATE(the_same_again_is_never_weaker),
		WITH_STATE(one_that_is_removed_is_gone_and_its_number_with_it),
		WITH_STATE(what_is_over_is_forgotten),
		WITH_STATE(pairs_that_read_alike_are_two),
		WITH_STATE(what_does_not_fit_is_not_kept),
		cmocka_unit_test(what_is_wrong_with_a_wish_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
