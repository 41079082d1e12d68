/* Relations from what is kept to what conditions ask: whatever the history, the table says what state/ says. */
#include "authz/relation_tuples.h"
#include "policy/relations.h"
#include "state/relations.h"
#include "state/state.h"
#include "support/cmocka_prelude.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_OBJECTS = 40, N_SUBJECTS = 25 };

struct desk {
	char dir[64];
	struct policy_tables_env env;
	struct shared *table;
	uint32_t random;
	bool there[N_OBJECTS][N_SUBJECTS];
};

static int set_up(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	(void)snprintf(desk->dir, sizeof(desk->dir), "/tmp/haward-relations-XXXXXX");
	assert_non_null(mkdtemp(desk->dir));
	assert_int_equal(state_open(desk->dir, &desk->env.state), 0);
	desk->random = 1;
	*state = desk;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *desk = *state;
	char path[96];
	shared_unref(desk->table);
	state_close(desk->env.state);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", desk->dir);
	(void)remove(path);
	(void)snprintf(path, sizeof(path), "%s/lock.mdb", desk->dir);
	(void)remove(path);
	(void)rmdir(desk->dir);
	free(desk);
	return 0;
}

static unsigned any(struct desk *desk, unsigned below)
{
	desk->random = desk->random * 1664525U + 1013904223U;
	return (unsigned)((uint64_t)desk->random * below >> 32);
}

static struct state_relation name(unsigned object, unsigned subject, char texts[2][24])
{
	(void)snprintf(texts[0], sizeof(texts[0]), "order:%u", object);
	(void)snprintf(texts[1], sizeof(texts[1]), subject % 3 ? "user:%u" : "group:%u#member",
	               subject);
	return (struct state_relation){sv_of(texts[0]), SVL("viewer"), sv_of(texts[1])};
}

/* Some are added, or some removed, in one step. */
static void change_some(struct desk *desk)
{
	char texts[30][2][24];
	struct state_relation at[30];
	size_t n = 1 + any(desk, 30), n_done;
	bool add = any(desk, 2);
	for (size_t i = 0; i < n; i++) {
		unsigned object = any(desk, N_OBJECTS), subject = any(desk, N_SUBJECTS);
		at[i] = name(object, subject, texts[i]);
		desk->there[object][subject] = add;
	}
	assert_int_equal((add ? state_relations_add : state_relations_remove)(desk->env.state, at,
	                                                                      n, &n_done),
	                 0);
}

static void build(struct desk *desk)
{
	struct shared *now = NULL;
	assert_int_equal(policy_relations_build(&desk->env, desk->table, &now), 0);
	shared_unref(desk->table);
	desk->table = now;
}

static const struct relation_tuples *tuples_of(const struct desk *desk)
{
	const struct policy_tables_view view = {.at = {[POLICY_TABLE_RELATIONS] = desk->table}};
	return policy_relations_of(&view);
}

static struct relation_node subject_of(struct sv text)
{
	size_t hash = sv_find(text, '#');
	return (struct relation_node){sv_first(text, hash), sv_from(text, hash + 1)};
}

static void assert_agrees(const struct desk *desk)
{
	char texts[2][24];
	size_t n = 0;
	for (unsigned i = 0; i < N_OBJECTS; i++)
		for (unsigned j = 0; j < N_SUBJECTS; j++) {
			struct state_relation r = name(i, j, texts);
			n += desk->there[i][j];
			assert_int_equal(
				relation_tuples_has(tuples_of(desk),
			                            (struct relation_node){r.object, r.relation},
			                            subject_of(r.subject)),
				desk->there[i][j]);
		}
	assert_int_equal(relation_tuples_count(tuples_of(desk)), n);
}

/* 600 steps are more than 4,096 changes: the table is made anew in between. */
static void the_table_says_what_is_kept(void **state)
{
	struct desk *desk = *state;
	build(desk);
	for (unsigned i = 0; i < 600; i++) {
		change_some(desk);
		if (any(desk, 3) == 0) {
			build(desk);
			assert_agrees(desk);
		}
	}
	build(desk);
	assert_agrees(desk);
}

/* So that one write does not cost a table. */
static void one_change_is_told_over_what_was_there(void **state)
{
	struct desk *desk = *state;
	char texts[2][24];
	size_t n;
	for (unsigned i = 0; i < 20; i++)
		change_some(desk);
	build(desk);
	size_t whole = relation_tuples_bytes(tuples_of(desk));
	struct state_relation one = name(N_OBJECTS + 1, 1, texts);
	assert_int_equal(state_relations_add(desk->env.state, &one, 1, &n), 0);
	build(desk);
	assert_true(relation_tuples_bytes(tuples_of(desk)) < whole / 3);
	assert_true(relation_tuples_has(tuples_of(desk),
	                                (struct relation_node){one.object, one.relation},
	                                subject_of(one.subject)));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_table_says_what_is_kept),
		TEST(one_change_is_told_over_what_was_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
