#include "policy/logins.h"

#include "authn/endpoints.h"
#include "authn/grant.h"
#include "authn/jws.h"
#include "authn/session.h"
#include "core/clock.h"
#include "core/secret.h"
#include "core/thread.h"
#include "fetch/fetch.h"
#include "policy/loginjobs.h"
#include "state/sealkeys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	GRANT_TIMEOUT_MS =
		8000, /* a session made behind the verdict's deadline is there for the next try */
	ROTATE_LOOK_S = 60,
};

void login_job_free(struct login_job *job)
{
	if (!job)
		return;
	if (job->body)
		secret_wipe(job->body, job->n_body);
	free(job->body);
	free(job);
}

void login_job_put(struct policy_logins *logins, struct login_job *job)
{
	job->next = NULL;
	(void)pthread_mutex_lock(&logins->lock);
	*logins->last = job;
	logins->last = &job->next;
	(void)pthread_cond_signal(&logins->change);
	(void)pthread_mutex_unlock(&logins->lock);
}

void login_note(struct policy_logins *logins, uint64_t *counter, const char *error)
{
	struct policy_logins_stats *stats = &logins->stats;
	(void)pthread_mutex_lock(&logins->lock);
	++*counter;
	(void)snprintf(stats->error, sizeof(stats->error), "%s", error ? error : "");
	if (error)
		stats->failed_at = clock_real_us() / 1000000;
	(void)pthread_mutex_unlock(&logins->lock);
}

void policy_logins_stats(struct policy_logins *logins, struct policy_logins_stats *ret)
{
	(void)pthread_mutex_lock(&logins->lock);
	*ret = logins->stats;
	(void)pthread_mutex_unlock(&logins->lock);
}

/* ---- at a provider ---- */

struct abroad {
	struct policy_logins *logins;
	struct login_job *job;
};

static void count_abroad(struct policy_logins *logins, int n)
{
	(void)pthread_mutex_lock(&logins->lock);
	logins->n_abroad += (unsigned)n;
	(void)pthread_cond_signal(&logins->change);
	(void)pthread_mutex_unlock(&logins->lock);
}

static void said(void *user, const struct fetch_result *result)
{
	struct abroad *abroad = user;
	struct login_job *job = abroad->job;
	struct policy_logins *logins = abroad->logins;
	job->status = result->status;
	if (result->body.n) {
		job->body = sv_dup(result->body);
		job->n_body = job->body ? result->body.n : 0;
	}
	(void)snprintf(job->error, sizeof(job->error), "%s",
	               result->ok || !result->error ? "" : result->error);
	free(abroad);
	login_job_put(logins, job);
	count_abroad(logins, -1); /* behind the job: whoever stops finds one of the two */
}

static int ask_endpoint(struct policy_logins *logins, struct login_job *job, const char *url,
                        const struct grant_question *question)
{
	size_t max = grant_max_bytes(question);
	struct abroad *abroad = malloc(sizeof(*abroad));
	uint8_t *room = malloc(2 * max);
	int r = abroad && room ? 0 : -ENOMEM;
	if (r == 0) {
		struct outbuf form = outbuf_over(room, max);
		struct outbuf authorization = outbuf_over(room + max, max);
		*abroad = (struct abroad){logins, job};
		grant_write(question, &form, &authorization);
		const struct fetch_request request = {.url = url,
		                                      .form = outbuf_sv(&form),
		                                      .authorization = outbuf_sv(&authorization),
		                                      .timeout_ms = GRANT_TIMEOUT_MS};
		count_abroad(logins, 1);
		r = form.failed || authorization.failed
		            ? -E2BIG
		            : fetch_ask(logins->fetch, &request, said, abroad);
		if (r)
			count_abroad(logins, -1);
		secret_wipe(room, 2 * max);
	}
	free(room);
	if (r)
		free(abroad);
	return r;
}

int login_job_abroad(struct policy_logins *logins, struct login_job *job,
                     const struct grant_question *question)
{
	struct login_endpoints endpoints;
	login_endpoints_get(question->login, &endpoints);
	int r = endpoints.token ? ask_endpoint(logins, job, endpoints.token, question) : -ENOENT;
	login_endpoints_fini(&endpoints);
	return r;
}

/* ---- the thread ---- */

static struct login_job *take(struct policy_logins *logins)
{
	struct login_job *job = logins->first;
	if (!job)
		return NULL;
	logins->first = job->next;
	if (!logins->first)
		logins->last = &logins->first;
	return job;
}

/* Waits for the next job; NULL: it is time to look at the keys, or to end. */
static struct login_job *next_job(struct policy_logins *logins, bool *ret_over)
{
	struct timespec until;
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ROTATE_LOOK_S;
	(void)pthread_mutex_lock(&logins->lock);
	int r = 0;
	while (r == 0 && !logins->first && !(logins->stopping && logins->n_abroad == 0))
		r = pthread_cond_timedwait(&logins->change, &logins->lock, &until);
	struct login_job *job = take(logins);
	*ret_over = !job && logins->stopping && logins->n_abroad == 0;
	(void)pthread_mutex_unlock(&logins->lock);
	return job;
}

static void *run(void *user)
{
	struct policy_logins *logins = user;
	for (bool over = false; !over;) {
		struct login_job *job = next_job(logins, &over);
		if (job)
			job->run(logins, job);
		else if (!over &&
		         state_seal_keys_rotate(logins->keys_path, clock_real_us() / 1000000,
		                                &logins->shared->ring) != 0)
			login_note(logins, &logins->stats.n_failed,
			           "the file of session keys cannot be written");
	}
	return NULL;
}

static void free_logins(struct policy_logins **at)
{
	struct policy_logins *logins = *at;
	if (!logins)
		return;
	jws_verifier_free(logins->verifier);
	(void)pthread_cond_destroy(&logins->change);
	(void)pthread_mutex_destroy(&logins->lock);
	free(logins->keys_path);
	free(logins);
}

int policy_logins_start(const struct policy_logins_options *options, struct policy_logins **ret)
{
	CLEANUP(free_logins) struct policy_logins *logins = calloc(1, sizeof(*logins));
	if (!logins)
		return -ENOMEM;
	(void)pthread_mutex_init(&logins->lock, NULL);
	(void)pthread_cond_init(&logins->change, NULL);
	logins->last = &logins->first;
	logins->state = options->state;
	logins->fetch = options->fetch;
	logins->shared = options->shared;
	logins->keys_path = sv_dup(sv_of(options->keys_path));
	logins->verifier = jws_verifier_new();
	if (!logins->keys_path || !logins->verifier)
		return -ENOMEM;
	int r = state_seal_keys_load(logins->keys_path, clock_real_us() / 1000000,
	                             &logins->shared->ring);
	if (r == 0)
		r = thread_start(&logins->thread, "logins", THREAD_PROMPT, run, logins);
	if (r == 0)
		*ret = TAKE(logins);
	return r;
}

void policy_logins_stop(struct policy_logins *logins)
{
	if (!logins)
		return;
	(void)pthread_mutex_lock(&logins->lock);
	logins->stopping = true;
	(void)pthread_cond_signal(&logins->change);
	(void)pthread_mutex_unlock(&logins->lock);
	(void)pthread_join(logins->thread, NULL);
	free_logins(&logins);
}

/* ---- performing ---- */

static int put(void *user, struct policy_ask *ask, login_job_fn *run_job)
{
	struct login_job *job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	job->ask = ask;
	job->run = run_job;
	login_job_put(user, job);
	return 0;
}

static int perform_code(void *user, struct policy_ask *ask)
{
	return put(user, ask, login_job_code);
}

static int perform_session(void *user, struct policy_ask *ask)
{
	return put(user, ask, login_job_session);
}

static int perform_logout(void *user, struct policy_ask *ask)
{
	return put(user, ask, login_job_logout);
}

static int perform_backchannel(void *user, struct policy_ask *ask)
{
	return put(user, ask, login_job_backchannel);
}

static int perform_frontchannel(void *user, struct policy_ask *ask)
{
	return put(user, ask, login_job_frontchannel);
}

void policy_logins_performers(struct policy_logins *logins,
                              struct policy_performer performers[AUTHN_ASK_KIND_COUNT])
{
	performers[AUTHN_ASK_CODE] = (struct policy_performer){perform_code, logins};
	performers[AUTHN_ASK_SESSION] = (struct policy_performer){perform_session, logins};
	performers[AUTHN_ASK_LOGOUT] = (struct policy_performer){perform_logout, logins};
	performers[AUTHN_ASK_BACKCHANNEL] = (struct policy_performer){perform_backchannel, logins};
	performers[AUTHN_ASK_FRONTCHANNEL] =
		(struct policy_performer){perform_frontchannel, logins};
}
