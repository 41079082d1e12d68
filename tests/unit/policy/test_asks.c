/* Questions of many workers to few performers: each is asked once, everybody is told, nothing is left. Under
 * ThreadSanitizer as well. */
#include "core/macros.h"
#include "policy/asks.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

/* A performer that is told when to answer. */
struct fake {
	struct policy_ask *asked[POLICY_ASKS_MAX + 1];
	unsigned n;
	int refuses;
	char seen[64]; /* the last secret */
};

static int fake_perform(void *user, struct policy_ask *ask)
{
	struct fake *fake = user;
	if (fake->refuses)
		return fake->refuses;
	(void)snprintf(fake->seen, sizeof(fake->seen), "%.*s", SV_ARG(ask->asked.parts[0]));
	fake->asked[fake->n++] = ask;
	return 0;
}

static struct policy *policy;
static struct policy_asks *asks;
static struct fake fake;

static struct policy_asks *asks_over(policy_perform_fn *perform, void *user)
{
	const struct policy_performer performers[AUTHN_ASK_KIND_COUNT] = {
		[AUTHN_ASK_INTROSPECT] = {perform, user}};
	struct policy_asks *made = NULL;
	assert_int_equal(policy_asks_new(performers, &made), 0);
	return made;
}

static int set_up(void **state)
{
	(void)state;
	fake = (struct fake){0};
	assert_int_equal(policy_load(SVL("{}"), NULL, 1, NULL, &policy), 0);
	asks = asks_over(fake_perform, &fake);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	policy_asks_free(asks);
	policy_unref(policy);
	return 0;
}

static struct authn_ask question(unsigned number, const char *token)
{
	struct authn_ask ask = {
		.kind = AUTHN_ASK_INTROSPECT, .serial = 7, .about = &fake, .parts = {sv_of(token)}};
	memcpy(ask.key, &number, sizeof(number));
	return ask;
}

static void count_wake(void *user)
{
	atomic_fetch_add((atomic_uint *)user, 1);
}

static void answer(unsigned i, bool is_good)
{
	struct authn_answer said = {.is_good = is_good,
	                            .why = is_good ? REASON_INTERNAL : REASON_TOKEN_INACTIVE,
	                            .until_s = 99,
	                            .claims = is_good ? json_pack("{s:s}", "sub", "anna") : NULL};
	policy_ask_done(fake.asked[i], &said);
}

static void one_question_for_all_who_want_to_know(void **state)
{
	(void)state;
	atomic_uint woken[3] = {0};
	struct policy_mailbox *boxes[3];
	const struct authn_ask ask = question(1, "secret");
	for (unsigned i = 0; i < 3; i++) {
		boxes[i] = policy_mailbox_new(count_wake, &woken[i]);
		for (unsigned k = 0; k < 2; k++) /* a worker that asks twice is told once */
			assert_int_equal(policy_asks_put(asks, policy, &ask, boxes[i]), 0);
	}
	assert_int_equal(fake.n, 1);
	assert_string_equal(fake.seen, "secret");
	assert_ptr_not_equal(fake.asked[0]->asked.parts[0].at, ask.parts[0].at);
	answer(0, true);
	const json_t *first = NULL;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(atomic_load(&woken[i]), 1);
		struct authn_answer *got = policy_mailbox_take(boxes[i]);
		assert_true(got && !got->next && got->is_good && got->serial == 7);
		assert_ptr_equal(got->about, &fake);
		assert_memory_equal(got->key, ask.key, SHA256_BYTES);
		assert_int_equal(got->until_s, 99);
		assert_ptr_not_equal(got->claims, first); /* nothing is shared between threads */
		assert_string_equal(json_string_value(json_object_get(got->claims, "sub")), "anna");
		first = got->claims;
		authn_answer_free(got);
		policy_mailbox_close(boxes[i]);
	}
	struct policy_asks_stats stats;
	policy_asks_stats(asks, &stats);
	assert_int_equal(stats.n_asked, 1);
	assert_int_equal(stats.n_answered, 1);
	assert_int_equal(stats.n_joined, 5);
	assert_int_equal(stats.n_under_way, 0);
}

/* Another credential, another set, another kind of answer: nothing of one may be taken for the other. */
static void what_differs_is_asked_apart(void **state)
{
	(void)state;
	atomic_uint woken = 0;
	struct policy_mailbox *box = policy_mailbox_new(count_wake, &woken);
	struct authn_ask one = question(1, "a"), other = question(2, "b"), later = question(1, "a");
	later.serial = 8;
	assert_int_equal(policy_asks_put(asks, policy, &one, box), 0);
	assert_int_equal(policy_asks_put(asks, policy, &other, box), 0);
	assert_int_equal(policy_asks_put(asks, policy, &later, box), 0);
	assert_int_equal(fake.n, 3);
	answer(1, false);
	answer(0, true);
	answer(2, false);
	struct authn_answer *got = policy_mailbox_take(box);
	assert_true(got && got->key[0] == 2 && !got->is_good);
	assert_int_equal(got->why, REASON_TOKEN_INACTIVE);
	assert_true(got->next && got->next->key[0] == 1 && got->next->is_good);
	assert_true(got->next->next && got->next->next->serial == 8);
	while (got) {
		struct authn_answer *next = got->next;
		authn_answer_free(got);
		got = next;
	}
	assert_null(policy_mailbox_take(box));
	policy_mailbox_close(box);
}

static void what_is_not_asked_is_said_at_once(void **state)
{
	(void)state;
	atomic_uint woken = 0;
	struct policy_mailbox *box = policy_mailbox_new(count_wake, &woken);
	struct authn_ask ask = question(1, "a");
	struct policy_asks *nobody = asks_over(NULL, NULL);
	assert_int_equal(policy_asks_put(nobody, policy, &ask, box), -ENOSYS);
	policy_asks_free(nobody);
	fake.refuses = -EPERM;
	assert_int_equal(policy_asks_put(asks, policy, &ask, box), -EPERM);
	fake.refuses = 0;
	for (unsigned i = 0; i < POLICY_ASKS_MAX; i++) {
		ask = question(i, "a");
		assert_int_equal(policy_asks_put(asks, policy, &ask, box), 0);
	}
	ask = question(POLICY_ASKS_MAX, "a");
	assert_int_equal(policy_asks_put(asks, policy, &ask, box), -EAGAIN);
	ask = question(3, "a"); /* one that is under way still takes company */
	assert_int_equal(policy_asks_put(asks, policy, &ask, box), 0);
	policy_mailbox_close(box); /* the worker goes: what still comes is dropped */
	unsigned before = atomic_load(&woken);
	for (unsigned i = 0; i < POLICY_ASKS_MAX; i++)
		answer(i, true);
	assert_int_equal(atomic_load(&woken), before);
	struct policy_asks_stats stats;
	policy_asks_stats(asks, &stats);
	assert_int_equal(stats.n_under_way, 0);
	assert_int_equal(stats.n_refused, 2);
}

/* ---- many at once ---- */

enum { N_WORKERS = 4, N_QUESTIONS = 400, N_DISTINCT = 32 };

static void *answer_soon(void *arg)
{
	struct authn_answer said = {.is_good = true, .claims = json_pack("{s:s}", "sub", "anna")};
	usleep((useconds_t)(((uintptr_t)arg >> 6) % 300));
	policy_ask_done(arg, &said);
	return NULL;
}

static int perform_on_a_thread(void *user, struct policy_ask *ask)
{
	pthread_t thread;
	atomic_fetch_add((atomic_uint *)user, 1);
	int r = pthread_create(&thread, NULL, answer_soon, ask);
	return r ? -r : pthread_detach(thread);
}

struct worker_side {
	struct policy_asks *asks;
	atomic_uint woken;
	unsigned n_got;
};

static unsigned take_all(struct policy_mailbox *box)
{
	unsigned n = 0;
	for (struct authn_answer *a = policy_mailbox_take(box), *next; a; a = next, n++) {
		next = a->next;
		assert_string_equal(json_string_value(json_object_get(a->claims, "sub")), "anna");
		authn_answer_free(a);
	}
	return n;
}

static void *work(void *arg)
{
	struct worker_side *side = arg;
	struct policy_mailbox *box = policy_mailbox_new(count_wake, &side->woken);
	assert_non_null(box);
	for (unsigned i = 0; i < N_QUESTIONS; i++) {
		struct authn_ask ask = question(i % N_DISTINCT, "secret");
		assert_int_equal(policy_asks_put(side->asks, policy, &ask, box), 0);
		side->n_got += take_all(box);
		if (i % 16 == 0)
			usleep(200);
	}
	for (int i = 0; i < PATIENCE_MS / 2 && side->n_got < N_DISTINCT; i++) {
		usleep(500);
		side->n_got += take_all(box);
	}
	policy_mailbox_close(box);
	return NULL;
}

static void workers_and_performers_at_once(void **state)
{
	(void)state;
	atomic_uint n_performed = 0;
	struct worker_side sides[N_WORKERS];
	pthread_t threads[N_WORKERS];
	struct policy_asks *busy = asks_over(perform_on_a_thread, &n_performed);
	struct policy_asks_stats stats;
	for (unsigned i = 0; i < N_WORKERS; i++) {
		sides[i] = (struct worker_side){.asks = busy};
		assert_int_equal(pthread_create(&threads[i], NULL, work, &sides[i]), 0);
	}
	for (unsigned i = 0; i < N_WORKERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	policy_asks_stats(busy, &stats);
	policy_asks_free(busy); /* waits for those under way */
	assert_int_equal(stats.n_asked, atomic_load(&n_performed));
	assert_int_equal(stats.n_asked + stats.n_joined, N_WORKERS * N_QUESTIONS);
	for (unsigned i = 0; i < N_WORKERS; i++)
		assert_true(sides[i].n_got >= N_DISTINCT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_question_for_all_who_want_to_know, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(what_differs_is_asked_apart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_asked_is_said_at_once, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(workers_and_performers_at_once, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("policy/asks", tests, NULL, NULL);
}
