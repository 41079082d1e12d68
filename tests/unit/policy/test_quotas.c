/* Quotas between the limiter and the disk: what is granted was reserved before, and an end gives back what was not used. */
#include "../state/temp.h"
#include "authz/authz.h"
#include "core/arena.h"
#include "model/verdict.h"
#include "policy/limiter.h"
#include "policy/policy.h"
#include "policy/quotas.h"
#include "state/quotas.h"

#include <pthread.h>
#include <time.h>

enum { NOW = 1795000000, TOMORROW = 1795046400 };

struct desk {
	struct temp *temp;
	struct quotas *quotas;
	struct limiter *limiter;
	struct policy_asks *asks;
	struct policy_mailbox *box;
	struct arena arena;
};

static void wake(void *user)
{
	(void)user;
}

static void begin(struct desk *desk)
{
	struct policy_performer performers[AUTHN_ASK_KIND_COUNT] = {{0}};
	assert_int_equal(quotas_start(desk->temp->state, 1024, &desk->quotas), 0);
	performers[AUTHN_ASK_QUOTA] = quotas_performer(desk->quotas);
	assert_int_equal(policy_asks_new(performers, &desk->asks), 0);
	assert_int_equal(limiter_new(1024, desk->quotas, &desk->limiter), 0);
}

static void end(struct desk *desk)
{
	quotas_end(desk->quotas);
	policy_asks_free(desk->asks);
	limiter_free(desk->limiter);
	quotas_free(desk->quotas);
}

static int set_up(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	void *temp = NULL;
	assert_non_null(desk);
	assert_int_equal(temp_setup(&temp), 0);
	desk->temp = temp;
	desk->box = policy_mailbox_new(wake, NULL);
	assert_non_null(desk->box);
	assert_int_equal(arena_init(&desk->arena, 64 * 1024), 0);
	begin(desk);
	*state = desk;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *desk = *state;
	void *temp = desk->temp;
	policy_mailbox_close(desk->box);
	end(desk);
	arena_fini(&desk->arena);
	free(desk);
	return temp_teardown(&temp);
}

/* returns whether more was reserved */
static bool answered(struct desk *desk, const struct authn_ask *ask)
{
	static const struct timespec moment = {.tv_nsec = 1000000};
	struct authn_answer *answer = NULL;
	assert_int_equal(policy_asks_put(desk->asks, NULL, ask, desk->box), 0);
	for (int i = 0; i < 5000 && !answer; i++) {
		(void)nanosleep(&moment, NULL);
		answer = policy_mailbox_take(desk->box);
	}
	assert_non_null(answer);
	bool good = answer->is_good;
	authn_answer_free(answer);
	return good;
}

static struct authz_limited quota_of(const char *who, int64_t requests, bool is_shadow)
{
	return (struct authz_limited){.name = SV("daily"),
	                              .policy = SV("limit:daily"),
	                              .requests = requests,
	                              .period_s = 86400,
	                              .period = QUOTA_DAY,
	                              .is_shadow = is_shadow,
	                              .key = sv_of(who)};
}

/* One allowed request; asks as often as it has to. */
static struct verdict judge_at(struct desk *desk, const struct authz_limited *limit, int64_t now_s)
{
	struct verdict verdict = {.effect = VERDICT_ALLOW, .reason = REASON_POLICY_ALLOWED};
	for (int i = 0; i < 3; i++) {
		struct authn_ask ask;
		const struct limiter_call call = {
			.now_s = now_s, .arena = &desk->arena, .ask = &ask};
		arena_reset(&desk->arena);
		if (!limiter_judge(desk->limiter, limit, 1, &call, &verdict))
			return verdict;
		assert_int_equal(ask.kind, AUTHN_ASK_QUOTA);
		assert_true(answered(desk, &ask));
	}
	fail_msg("it asks again and again");
	return verdict;
}

static unsigned granted(struct desk *desk, const struct authz_limited *limit, int64_t now_s,
                        unsigned n)
{
	unsigned sum = 0;
	for (unsigned i = 0; i < n; i++)
		sum += judge_at(desk, limit, now_s).effect == VERDICT_ALLOW;
	return sum;
}

static void all_of_it_and_no_more_in_each_day(void **state)
{
	struct desk *desk = *state;
	const struct authz_limited mine = quota_of("a", 250, false),
				   other = quota_of("b", 5, false);
	assert_int_equal(granted(desk, &mine, NOW, 300), 250);
	struct verdict refused = judge_at(desk, &mine, NOW);
	assert_int_equal(refused.effect, VERDICT_LIMIT);
	assert_int_equal(refused.reason, REASON_QUOTA_EXCEEDED);
	assert_int_equal(refused.status, 429);
	assert_int_equal(refused.retry_after_s, TOMORROW - NOW);
	assert_int_equal(granted(desk, &other, NOW, 10), 5);
	assert_int_equal(granted(desk, &mine, TOMORROW - 1, 1), 0);
	assert_int_equal(granted(desk, &mine, TOMORROW, 300), 250);
	/* a clock that is set back finds the day as it was */
	assert_int_equal(granted(desk, &mine, NOW, 1), 0);
}

static void an_end_gives_back_what_was_not_used(void **state)
{
	struct desk *desk = *state;
	const struct authz_limited mine = quota_of("a", 1000, false);
	int64_t now_s = (int64_t)time(NULL); /* what is over is not settled */
	assert_int_equal(granted(desk, &mine, now_s, 13), 13);
	end(desk);
	begin(desk);
	assert_int_equal(granted(desk, &mine, now_s, 1100), 987);
}

static void what_is_not_granted_is_given_back(void **state)
{
	struct desk *desk = *state;
	const struct authz_limited both[] = {quota_of("a", 10, false), quota_of("b", 2, false)};
	unsigned sum = 0;
	for (int i = 0; i < 6; i++) {
		struct verdict verdict = {.effect = VERDICT_ALLOW};
		struct authn_ask ask;
		const struct limiter_call call = {.now_s = NOW, .arena = &desk->arena, .ask = &ask};
		arena_reset(&desk->arena);
		while (limiter_judge(desk->limiter, both, 2, &call, &verdict))
			assert_true(answered(desk, &ask));
		sum += verdict.effect == VERDICT_ALLOW;
	}
	assert_int_equal(sum, 2);
	assert_int_equal(granted(desk, &both[0], NOW, 20), 8);
}

static void where_nothing_may_be_asked_it_is_refused_and_a_shadow_is_not(void **state)
{
	struct desk *desk = *state;
	const struct limiter_call call = {
		.now_s = NOW, .arena = &desk->arena, .unasked = REASON_AUTHENTICATION_TIMEOUT};
	for (int shadow = 0; shadow < 2; shadow++) {
		const struct authz_limited mine = quota_of("a", 10, shadow);
		struct verdict verdict = {.effect = VERDICT_ALLOW, .reason = REASON_POLICY_ALLOWED};
		assert_false(limiter_judge(desk->limiter, &mine, 1, &call, &verdict));
		assert_int_equal(verdict.reason,
		                 shadow ? REASON_POLICY_ALLOWED : REASON_AUTHENTICATION_TIMEOUT);
		assert_int_equal(verdict.effect == VERDICT_ALLOW, shadow);
		assert_false(verdict.has_shadow);
	}
}

static void a_shadow_is_recorded_when_it_is_used_up(void **state)
{
	struct desk *desk = *state;
	const struct authz_limited mine = quota_of("a", 2, true);
	for (int i = 0; i < 4; i++) {
		struct verdict verdict = judge_at(desk, &mine, NOW);
		assert_int_equal(verdict.effect, VERDICT_ALLOW);
		assert_int_equal(verdict.has_shadow, i >= 2);
		assert_int_equal(verdict.ratelimit.n, 0);
	}
}

static void without_anybody_who_counts_nothing_is_granted(void **state)
{
	struct desk *desk = *state;
	struct limiter *alone = NULL;
	const struct authz_limited mine = quota_of("a", 2, false);
	const struct limiter_call call = {.now_s = NOW, .arena = &desk->arena};
	struct verdict verdict = {.effect = VERDICT_ALLOW};
	assert_int_equal(limiter_new(1024, NULL, &alone), 0);
	assert_false(limiter_judge(alone, &mine, 1, &call, &verdict));
	assert_int_equal(verdict.reason, REASON_QUOTA_EXCEEDED);
	limiter_free(alone);
}

static void what_is_over_is_forgotten(void **state)
{
	struct desk *desk = *state;
	struct state_quota one = {.key = 7, .ends_s = TOMORROW, .want = 3, .max = 5}, again = one;
	assert_int_equal(state_quotas_reserve(desk->temp->state, &one, 1), 0);
	assert_int_equal(one.granted, 3);
	assert_int_equal(state_quotas_expire(desk->temp->state, TOMORROW - 1), 0);
	assert_int_equal(state_quotas_reserve(desk->temp->state, &again, 1), 0);
	assert_int_equal(again.before, 3);
	assert_int_equal(again.granted, 2);
	assert_int_equal(state_quotas_expire(desk->temp->state, TOMORROW), 0);
	assert_int_equal(state_quotas_reserve(desk->temp->state, &one, 1), 0);
	assert_int_equal(one.before, 0);
}

int main(void)
{
#define EACH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		EACH(all_of_it_and_no_more_in_each_day),
		EACH(an_end_gives_back_what_was_not_used),
		EACH(what_is_not_granted_is_given_back),
		EACH(where_nothing_may_be_asked_it_is_refused_and_a_shadow_is_not),
		EACH(a_shadow_is_recorded_when_it_is_used_up),
		EACH(without_anybody_who_counts_nothing_is_granted),
		EACH(what_is_over_is_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
