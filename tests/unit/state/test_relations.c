/* Relations as they are kept: once each, found by object and by subject, page by page, all or nothing. */
#include "state/relations.h"
#include "temp.h"

#include <errno.h>
#include <string.h>

#define TUPLE(o, r, s)              \
	{                           \
		SV(o), SV(r), SV(s) \
	}

static const struct state_relation some[] = {
	TUPLE("order:17", "owner", "user:anne"),   TUPLE("order:17", "viewer", "group:eu#member"),
	TUPLE("order:170", "owner", "user:anne"),  TUPLE("order:18", "owner", "user:bob"),
	TUPLE("group:eu", "member", "user:a@b.c"), TUPLE("order:18", "viewer", "user:*"),
};

struct seen {
	char text[1024];
	size_t n, limit;
};

static int look(void *user, const struct state_relation *r)
{
	struct seen *seen = user;
	size_t n = strlen(seen->text);
	(void)snprintf(seen->text + n, sizeof(seen->text) - n, "%.*s#%.*s@%.*s ", SV_ARG(r->object),
	               SV_ARG(r->relation), SV_ARG(r->subject));
	return ++seen->n == seen->limit ? 1 : 0;
}

static size_t add(struct temp *temp, const struct state_relation *at, size_t n)
{
	size_t n_new = 99;
	assert_int_equal(state_relations_add(temp->state, at, n, &n_new), 0);
	return n_new;
}

static void list(const struct temp *temp, const struct state_relation_filter *filter,
                 const char *wanted)
{
	struct seen seen = {0};
	assert_int_equal(state_relations_list(temp->state, filter, look, &seen), 0);
	assert_string_equal(seen.text, wanted);
}

static uint64_t revision(const struct temp *temp)
{
	uint64_t n = 0;
	assert_int_equal(state_revision(temp->state, RELATION_REVISION, &n), 0);
	return n;
}

static void each_is_kept_once(void **state)
{
	struct temp *temp = *state;
	size_t n = 99;
	assert_int_equal(add(temp, some, ARRAY_LEN(some)), ARRAY_LEN(some));
	assert_int_equal(revision(temp), 1);
	assert_int_equal(add(temp, some, 2), 0);
	assert_int_equal(revision(temp), 1); /* nothing changed */
	assert_int_equal(state_relations_count(temp->state, &n), 0);
	assert_int_equal(n, ARRAY_LEN(some));
}

static void they_are_found_by_object_and_by_subject(void **state)
{
	struct temp *temp = *state;
	(void)add(temp, some, ARRAY_LEN(some));
	static const struct {
		struct state_relation_filter filter;
		const char *wanted;
	} cases[] = {
		{{.object = SV("order:17")},
	         "order:17#owner@user:anne order:17#viewer@group:eu#member "},
		{{.object = SV("order:17"), .relation = SV("owner")}, "order:17#owner@user:anne "},
		{{.subject = SV("user:anne")},
	         "order:17#owner@user:anne order:170#owner@user:anne "},
		{{.subject = SV("group:eu#member")}, "order:17#viewer@group:eu#member "},
		{{.subject = SV("group:eu")}, ""},
		{{.subject = SV("user:a@b.c")}, "group:eu#member@user:a@b.c "},
		{{.object = SV("order:"), .relation = SV("viewer")},
	         "order:17#viewer@group:eu#member order:18#viewer@user:* "},
		{{.object = SV("order:18"), .subject = SV("user:")},
	         "order:18#owner@user:bob order:18#viewer@user:* "},
		{{.relation = SV("member")}, "group:eu#member@user:a@b.c "},
		{{.object = SV("nothing:1")}, ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		list(temp, &cases[i].filter, cases[i].wanted);
}

static void pages_follow_each_other(void **state)
{
	struct temp *temp = *state;
	(void)add(temp, some, ARRAY_LEN(some));
	struct seen first = {.limit = 2};
	struct state_relation_filter filter = {.subject = SV("user:")};
	assert_int_equal(state_relations_list(temp->state, &filter, look, &first), 1);
	assert_string_equal(first.text, "order:18#viewer@user:* group:eu#member@user:a@b.c ");
	filter.after = &some[4];
	list(temp, &filter,
	     "order:17#owner@user:anne order:170#owner@user:anne "
	     "order:18#owner@user:bob ");
	/* the last one of a page may be gone by now */
	filter = (struct state_relation_filter){
		.object = SV("order:18"),
		.after = &(struct state_relation)TUPLE("order:18", "owner", "user:carl")};
	list(temp, &filter, "order:18#viewer@user:* ");
}

static void what_is_removed_is_gone_both_ways(void **state)
{
	struct temp *temp = *state;
	size_t n = 99;
	(void)add(temp, some, ARRAY_LEN(some));
	const struct state_relation gone[] = {some[0], TUPLE("order:17", "owner", "user:nobody")};
	assert_int_equal(state_relations_remove(temp->state, gone, 2, &n), 0);
	assert_int_equal(n, 1);
	list(temp, &(struct state_relation_filter){.subject = SV("user:anne")},
	     "order:170#owner@user:anne ");
	list(temp, &(struct state_relation_filter){.object = SV("order:17")},
	     "order:17#viewer@group:eu#member ");
	assert_int_equal(revision(temp), 2);
}

static void one_that_is_too_long_keeps_all_out(void **state)
{
	struct temp *temp = *state;
	char id[RELATION_TUPLE_MAX_BYTES];
	size_t n = 99;
	memset(id, 'x', sizeof(id));
	struct state_relation two[] = {some[0], some[1]};
	two[1].object = (struct sv){id, sizeof(id) - two[1].relation.n - two[1].subject.n - 1};
	assert_int_equal(state_relations_add(temp->state, two, 2, &n), -ENAMETOOLONG);
	assert_int_equal(state_relations_count(temp->state, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(state_relations_remove(temp->state, &two[1], 1, &n), 0);
	two[1].object.n--;
	assert_int_equal(add(temp, two, 2), 2);
}

#define WITH_STATE(test) cmocka_unit_test_setup_teardown(test, temp_setup, temp_teardown)

/* ---- what was changed lately ---- */

static int look_at_change(void *user, const struct state_relation_change *change)
{
	struct seen *seen = user;
	size_t n = strlen(seen->text);
	(void)snprintf(seen->text + n, sizeof(seen->text) - n, "%c", change->is_added ? '+' : '-');
	return look(user, &change->relation);
}

static void changes_since(const struct temp *temp, uint64_t since, const char *wanted)
{
	struct seen seen = {0};
	int r = state_relations_changes(temp->state, since, look_at_change, &seen);
	assert_int_equal(r, wanted ? 0 : -ESTALE);
	if (wanted)
		assert_string_equal(seen.text, wanted);
}

static void changes_are_told_from_the_newest(void **state)
{
	struct temp *temp = *state;
	size_t n = 0;
	changes_since(temp, 0, "");
	(void)add(temp, some, 2);
	(void)add(temp, some, 3); /* one of them is new */
	assert_int_equal(state_relations_remove(temp->state, some, 1, &n), 0);
	assert_int_equal(state_relations_remove(temp->state, some, 1, &n), 0);
	changes_since(temp, 0,
	              "-order:17#owner@user:anne +order:170#owner@user:anne "
	              "+order:17#viewer@group:eu#member +order:17#owner@user:anne ");
	changes_since(temp, 1, "-order:17#owner@user:anne +order:170#owner@user:anne ");
	changes_since(temp, 2, "-order:17#owner@user:anne ");
	changes_since(temp, 3, "");
}

static void add_many(struct temp *temp, unsigned from, unsigned n)
{
	char(*objects)[24] = calloc(n, sizeof(*objects));
	struct state_relation *at = calloc(n, sizeof(*at));
	assert_true(objects && at);
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(objects[i], sizeof(objects[i]), "thing:%u", from + i);
		at[i] = (struct state_relation){sv_of(objects[i]), SVL("owner"), SVL("user:u")};
	}
	assert_int_equal(add(temp, at, n), n);
	free(at);
	free(objects);
}

/* A revision of which one change is forgotten is forgotten whole. */
static void what_is_forgotten_is_said(void **state)
{
	struct temp *temp = *state;
	struct seen seen = {0};
	add_many(temp, 0, 10);
	add_many(temp, 10, RELATION_CHANGES_MAX - 5);
	changes_since(temp, 0, NULL);
	(void)add(temp, some, 1);
	changes_since(temp, 2, "+order:17#owner@user:anne ");
	seen.limit = 7;
	assert_int_equal(state_relations_changes(temp->state, 1, look_at_change, &seen), 1);
	add_many(temp, 2 * RELATION_CHANGES_MAX, RELATION_CHANGES_MAX + 1);
	changes_since(temp, 3, NULL);
	(void)add(temp, some + 1, 1);
	changes_since(temp, 4, "+order:17#viewer@group:eu#member ");
	changes_since(temp, 3, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STATE(each_is_kept_once),
		WITH_STATE(they_are_found_by_object_and_by_subject),
		WITH_STATE(pages_follow_each_other),
		WITH_STATE(what_is_removed_is_gone_both_ways),
		WITH_STATE(one_that_is_too_long_keeps_all_out),
		WITH_STATE(changes_are_told_from_the_newest),
		WITH_STATE(what_is_forgotten_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
