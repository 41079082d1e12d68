/* A thread has its name and its share, and no signal reaches it. */
#include "core/thread.h"
#include "support/cmocka_prelude.h"

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>

struct seen {
	char name[16];
	int policy, niceness;
	bool is_blocked;
};

static void *look(void *user)
{
	struct seen *seen = user;
	sigset_t blocked;
	(void)prctl(PR_GET_NAME, seen->name);
	seen->policy = sched_getscheduler(0);
	seen->niceness = getpriority(PRIO_PROCESS, 0);
	(void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	seen->is_blocked = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGHUP);
	return user;
}

static struct seen seen_by(const char *name, enum thread_share share)
{
	pthread_t thread;
	struct seen seen = {0};
	void *result = NULL;
	assert_int_equal(thread_start(&thread, name, share, look, &seen), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, &seen);
	return seen;
}

static void a_thread_has_its_name_and_no_signals(void **state)
{
	(void)state;
	struct seen seen = seen_by("worker-0", THREAD_PROMPT);
	assert_string_equal(seen.name, "worker-0");
	assert_true(seen.is_blocked);
	sigset_t blocked;
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &blocked), 0);
	assert_false(sigismember(&blocked, SIGTERM)); /* who started it still hears them */
	assert_string_equal(seen_by("a-name-of-more-than-15-bytes", THREAD_PROMPT).name,
	                    "a-name-of-more-");
}

static void a_share_is_of_the_thread_alone(void **state)
{
	(void)state;
	int own = getpriority(PRIO_PROCESS, 0);
	struct seen prompt = seen_by("p", THREAD_PROMPT), batch = seen_by("b", THREAD_BATCH),
		    background = seen_by("g", THREAD_BACKGROUND);
	assert_int_equal(prompt.policy, sched_getscheduler(0));
	assert_int_equal(prompt.niceness, own);
	assert_int_equal(batch.policy, SCHED_BATCH);
	assert_int_equal(batch.niceness, own);
	assert_int_equal(background.policy, SCHED_BATCH);
	assert_true(background.niceness >= 10);
	assert_int_equal(getpriority(PRIO_PROCESS, 0), own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_has_its_name_and_no_signals),
		cmocka_unit_test(a_share_is_of_the_thread_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
