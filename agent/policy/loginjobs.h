/* The work that sign-ins make, job by job on one thread. Internal to this folder. */
#ifndef POLICY_LOGINJOBS_H
#define POLICY_LOGINJOBS_H

#include "core/macros.h"
#include "core/sv.h"
#include "policy/logins.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct jws_verifier;
struct login;
struct login_job;

typedef void login_job_fn(struct policy_logins *logins, struct login_job *job);

/* One piece of work. */
struct login_job {
	struct login_job *next;
	login_job_fn *run; /* takes the job over */

	/* an ask, or what is refreshed; policy is kept by the ask, or by a reference of its own */
	struct policy_ask *ask;
	struct login_refresh *refresh;

	/* what the provider said, once it has been asked */
	long status;
	char *body; /* owned, wiped */
	size_t n_body;
	char error[128]; /* why there is none; "" when there is */
};

struct policy_logins {
	struct state *state;
	struct fetch *fetch;
	struct login_shared *shared;
	char *keys_path;
	struct jws_verifier *verifier;   /* the thread's */
	struct login_refresh *refreshes; /* under way; the thread's */
	unsigned n_exchanges;            /* codes at a provider; the thread's */

	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t change;
	struct login_job *first, **last;
	unsigned n_abroad; /* questions at a provider */
	bool stopping;
	struct policy_logins_stats stats;
};

/* login_job_put - hands it to the thread. thread: any; takes a lock for a moment */
void login_job_put(struct policy_logins *logins, struct login_job *job);
void login_job_free(struct login_job *job);

struct grant_question;
/* login_job_abroad - asks a token endpoint; then runs job->run on the thread, with what was said.
 * errors  0; -ENOENT the login's token endpoint is not known yet, or another -errno: job is still the caller's */
MUST_CHECK int login_job_abroad(struct policy_logins *logins, struct login_job *job,
                                const struct grant_question *question);

/* login_note - for the stats. in: error: NULL: it went well */
void login_note(struct policy_logins *logins, uint64_t *counter, const char *error);

/* The jobs, by what is asked. */
void login_job_code(struct policy_logins *logins, struct login_job *job);
void login_job_session(struct policy_logins *logins, struct login_job *job);
void login_job_logout(struct policy_logins *logins, struct login_job *job);
void login_job_backchannel(struct policy_logins *logins, struct login_job *job);
void login_job_frontchannel(struct policy_logins *logins, struct login_job *job);

#endif
