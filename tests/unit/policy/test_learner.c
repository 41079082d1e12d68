/* Learned ownership between the verdict and the relations: nobody but the agent makes an offer, and what it taught is in
 * force when the answer comes. */
#include "authz/learn.h"
#include "authz/relation_tuples.h"
#include "core/arena.h"
#include "core/clock.h"
#include "model/decision.h"
#include "policy/learner.h"
#include "policy/policy.h"
#include "policy/relations.h"
#include "policy/tables.h"
#include "state/pepper.h"
#include "state/relations.h"
#include "state/state.h"
#include "support/cmocka_prelude.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct desk {
	char dir[64];
	struct policy_tables_env env;
	struct policy_tables *tables;
	struct learner *learner;
	struct policy_asks *asks;
	struct arena arena;
	struct decision decision;
	struct lesson lesson;
	struct policy_mailbox *box;
	pthread_mutex_t lock;
	pthread_cond_t came;
	unsigned n_came;
};

static void wake(void *user)
{
	struct desk *desk = user;
	(void)pthread_mutex_lock(&desk->lock);
	desk->n_came++;
	(void)pthread_cond_signal(&desk->came);
	(void)pthread_mutex_unlock(&desk->lock);
}

static int set_up(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	struct policy_performer performers[AUTHN_ASK_KIND_COUNT] = {{0}};
	struct event_ids ids = {0};
	char path[80];
	const char *failed;
	(void)snprintf(desk->dir, sizeof(desk->dir), "/tmp/haward-learner-XXXXXX");
	assert_non_null(mkdtemp(desk->dir));
	(void)snprintf(path, sizeof(path), "%s/state", desk->dir);
	desk->env.data_dir = desk->dir;
	assert_int_equal(state_open(path, &desk->env.state), 0);
	assert_int_equal(
		policy_tables_new(&desk->env, policy_table_sources, &desk->tables, &failed), 0);
	assert_int_equal(learner_start(desk->env.state, desk->tables, &desk->learner), 0);
	performers[AUTHN_ASK_LEARN] = learner_performer(desk->learner);
	assert_int_equal(policy_asks_new(performers, &desk->asks), 0);
	assert_int_equal(arena_init(&desk->arena, 64 * 1024), 0);
	(void)pthread_mutex_init(&desk->lock, NULL);
	(void)pthread_cond_init(&desk->came, NULL);
	desk->box = policy_mailbox_new(wake, desk);
	assert_non_null(desk->box);
	/* an allowed request of now */
	desk->decision.verdict =
		(struct verdict){.effect = VERDICT_ALLOW,
	                         .learn = SV("create\nx-id\n\norder:{value}\nowner\nuser:anne")};
	assert_true(event_id_next(&ids, clock_real_us(), &desk->decision.event));
	learner_seal(desk->learner, &desk->decision, &desk->arena);
	desk->lesson = (struct lesson){.event = desk->decision.event,
	                               .status = 201,
	                               .learn = desk->decision.verdict.learn,
	                               .headers = SV("\x04x-id\x02"
	                                             "17\0\0")};
	*state = desk;
	return 0;
}

static void remove_file(const struct desk *desk, const char *name)
{
	char path[96];
	(void)snprintf(path, sizeof(path), "%s/%s", desk->dir, name);
	(void)remove(path);
}

static int tear_down(void **state)
{
	struct desk *desk = *state;
	policy_mailbox_close(desk->box);
	learner_end(desk->learner);
	policy_asks_free(desk->asks);
	learner_free(desk->learner);
	policy_tables_free(desk->tables);
	state_close(desk->env.state);
	remove_file(desk, "state/data.mdb");
	remove_file(desk, "state/lock.mdb");
	remove_file(desk, "state");
	remove_file(desk, PEPPER_FILE);
	remove_file(desk, "");
	(void)rmdir(desk->dir);
	arena_fini(&desk->arena);
	(void)pthread_cond_destroy(&desk->came);
	(void)pthread_mutex_destroy(&desk->lock);
	free(desk);
	return 0;
}

static bool asks(const struct desk *desk, const struct lesson *lesson, int64_t now_us,
                 const char **why)
{
	struct authn_ask ask;
	return learner_ask(desk->learner, lesson, 1, now_us,
	                   (struct arena *)(uintptr_t)&desk->arena, &ask, why);
}

static void an_offer_is_bound_to_its_decision(void **state)
{
	struct desk *desk = *state;
	const char *why;
	int64_t now = clock_real_us();
	struct lesson other = desk->lesson;
	char changed[512];
	assert_true(desk->lesson.learn.n > 0);
	assert_true(asks(desk, &desk->lesson, now, &why));

	other.event.bytes[15] ^= 1;
	assert_false(asks(desk, &other, now, &why));
	assert_string_equal(why, "it is not what the verdict of this event said");
	other = desk->lesson;
	memcpy(changed, other.learn.at, other.learn.n);
	other.learn.at = changed;
	for (size_t i = 0; i < other.learn.n; i++) {
		changed[i] ^= 1;
		assert_false(asks(desk, &other, now, &why));
		changed[i] ^= 1;
	}
	for (size_t n = 0; n < desk->lesson.learn.n; n++) {
		other.learn.n = n;
		assert_false(asks(desk, &other, now, &why));
	}
	assert_false(asks(desk, &desk->lesson, now + INT64_C(3700) * 1000000, &why));
	assert_string_equal(why, "the verdict is too old");
}

static void only_what_succeeded_teaches(void **state)
{
	struct desk *desk = *state;
	static const int64_t silent[] = {-1, 0, 100, 199, 300, 404, 500, INT64_MAX, INT64_MIN};
	const char *why;
	for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
		struct lesson lesson = desk->lesson;
		lesson.status = silent[i];
		assert_false(asks(desk, &lesson, clock_real_us(), &why));
		assert_null(why);
	}
}

static void what_is_denied_offers_nothing(void **state)
{
	struct desk *desk = *state;
	desk->decision.verdict = verdict_deny(REASON_POLICY_DENIED);
	desk->decision.verdict.learn = SVL("create\nx-id\n\norder:{value}\nowner\nuser:anne");
	learner_seal(desk->learner, &desk->decision, &desk->arena);
	assert_int_equal(desk->decision.verdict.learn.n, 0);
	desk->decision.verdict.effect = VERDICT_ALLOW;
	desk->decision.verdict.learn = SVL("create\nx-id\n\norder:{value}\nowner\nuser:anne");
	learner_seal(NULL, &desk->decision, &desk->arena);
	assert_int_equal(desk->decision.verdict.learn.n, 0);
}

static bool is_owner(const struct desk *desk, const char *object)
{
	struct policy_tables_view view = {0};
	policy_tables_look(desk->tables, &view);
	bool is = relation_tuples_has(policy_relations_of(&view),
	                              (struct relation_node){sv_of(object), SVL("owner")},
	                              (struct relation_node){SVL("user:anne"), {0}});
	policy_tables_leave(&view);
	return is;
}

/* Each the object its number is; the last one is too long to be kept, and keeps none of the others out. */
static void what_is_taught_is_in_force_when_the_answer_comes(void **state)
{
	enum { N = 40 };
	struct desk *desk = *state;
	struct policy *policy = NULL;
	unsigned n_good = 0, n_bad = 0;
	char object[32], block[512];
	for (unsigned i = 0; i < N; i++) {
		struct authn_ask ask;
		const char *why;
		(void)snprintf(object, sizeof(object), "%02u", i);
		(void)snprintf(block, sizeof(block), "\x04x-id\x02%s", object);
		desk->lesson.headers = (struct sv){block, 10};
		memcpy(block + 8, "\0\0", 2);
		desk->lesson.status = 201;
		assert_true(learner_ask(desk->learner, &desk->lesson, 1, clock_real_us(),
		                        &desk->arena, &ask, &why));
		ask.key[0] = (uint8_t)i; /* each of a request of its own */
		if (i == N - 1) {
			memset(block, 'x', sizeof(block));
			ask.parts[2] = (struct sv){block, sizeof(block)};
		}
		assert_int_equal(policy_asks_put(desk->asks, policy, &ask, desk->box), 0);
	}
	while (n_good + n_bad < N) {
		(void)pthread_mutex_lock(&desk->lock);
		while (desk->n_came == 0)
			(void)pthread_cond_wait(&desk->came, &desk->lock);
		desk->n_came = 0;
		(void)pthread_mutex_unlock(&desk->lock);
		for (struct authn_answer *a = policy_mailbox_take(desk->box), *next; a; a = next) {
			const char *tuple =
				json_string_value(json_object_get(a->claims, LEARNER_TUPLE));
			next = a->next;
			n_good += a->is_good;
			n_bad += !a->is_good;
			(void)snprintf(object, sizeof(object), "%.8s", tuple ? tuple : "");
			assert_int_equal(is_owner(desk, object), a->is_good);
			authn_answer_free(a);
		}
	}
	assert_int_equal(n_bad, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(an_offer_is_bound_to_its_decision),
		TEST(only_what_succeeded_teaches),
		TEST(what_is_denied_offers_nothing),
		TEST(what_is_taught_is_in_force_when_the_answer_comes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
