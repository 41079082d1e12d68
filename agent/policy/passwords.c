#include "policy/passwords.h"

#include "authn/basic.h"
#include "core/clock.h"
#include "core/netaddr.h"
#include "core/thread.h"
#include "core/throttle.h"
#include "state/crypthash.h"
#include "state/state.h"
#include "state/users.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

enum {
	WRONG_S = 5,       /* the very same wrong credential is refused unhashed and uncounted */
	UNAVAILABLE_S = 2, /* as above, when nobody could tell */
};

struct passwords {
	struct state *state;
	struct throttle *throttle;
	pthread_t threads[PASSWORDS_THREADS_MAX];
	unsigned n_threads;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t work;
	struct policy_ask *lane[PASSWORDS_LANE_MAX]; /* a ring */
	unsigned first, n;
	bool ending;
	struct passwords_stats stats;
};

/* ---- one password ---- */

static struct netaddr source_of(const struct policy_ask *ask)
{
	struct netaddr src = {0};
	if (ask->asked.parts[BASIC_SOURCE].n == sizeof(src))
		memcpy(&src, ask->asked.parts[BASIC_SOURCE].at, sizeof(src));
	return src;
}

/* As much work for a user that there is not as for one with a hash of ours. */
static bool is_right(struct sv password, const char *hash, bool *ret_weak)
{
	if (!hash || sv_starts(sv_of(hash), SVL("$argon2id$")))
		return password_verify(password, hash, ret_weak);
	*ret_weak = true;
	return crypthash_verify(password, hash);
}

static json_t *groups_json(const char *text)
{
	json_t *groups = json_array();
	struct sv rest = sv_of(text), part;
	while (groups && rest.n && sv_cut(&rest, ',', &part))
		(void)json_array_append_new(groups, json_stringn(part.at, part.n));
	return groups;
}

static json_t *claims_of(const struct state_user *user)
{
	return json_pack("{s:s, s:s, s:o}", "iss", BASIC_ISSUER, "sub", user->name, "groups",
	                 groups_json(user->groups));
}

/* A hash that others made, or that is weaker than today's, is replaced while its password is at hand. */
static void strengthen(struct passwords *p, const struct state_user *user, struct sv password)
{
	char hash[PASSWORD_PHC_BYTES];
	if (password_hash(password, hash) == 0)
		(void)!state_user_set_hash(p->state, sv_of(user->name), user->hash, hash,
		                           clock_real_us());
}

static void refuse(struct authn_answer *answer, enum reason why, int64_t until_s)
{
	*answer = (struct authn_answer){.why = why, .until_s = until_s};
}

static bool throttled(struct passwords *p, const struct policy_ask *ask, int64_t now_us,
                      struct authn_answer *answer)
{
	struct netaddr src = source_of(ask);
	unsigned wait_s = throttle_wait(p->throttle, ask->asked.parts[BASIC_NAME], &src, now_us);
	if (wait_s)
		refuse(answer, REASON_THROTTLED, now_us / 1000000 + wait_s);
	return wait_s > 0;
}

static void admit(struct passwords *p, const struct policy_ask *ask, const struct state_user *user,
                  struct authn_answer *answer)
{
	const struct basic_rules *rules = ask->asked.about;
	*answer = (struct authn_answer){.is_good = true,
	                                .until_s = clock_real_us() / 1000000 + rules->cache_s,
	                                .claims = claims_of(user)};
	throttle_good(p->throttle, ask->asked.parts[BASIC_NAME]);
	if (!answer->claims)
		refuse(answer, REASON_AUTHENTICATION_UNAVAILABLE, 0);
}

static void judge(struct passwords *p, const struct policy_ask *ask, struct authn_answer *answer)
{
	struct sv name = ask->asked.parts[BASIC_NAME], password = ask->asked.parts[BASIC_PASSWORD];
	struct netaddr src = source_of(ask);
	struct state_user user;
	bool weak = false;
	if (throttled(p, ask, clock_real_us(), answer))
		return;
	uint64_t users =
		0; /* read first: of a later change it is too early, never of an earlier one too late */
	int r = state_revision(p->state, USER_REVISION, &users);
	if (r == 0)
		r = state_user_get(p->state, name, &user);
	if (r != 0 && r != -ENOENT) {
		refuse(answer, REASON_AUTHENTICATION_UNAVAILABLE,
		       clock_real_us() / 1000000 + UNAVAILABLE_S);
		return;
	}
	if (is_right(password, r == 0 ? user.hash : NULL, &weak)) {
		admit(p, ask, &user, answer);
		answer->users = users;
		if (weak)
			strengthen(p, &user, password);
		return;
	}
	int64_t now_us = clock_real_us();
	(void)throttle_failed(p->throttle, name, &src, now_us);
	refuse(answer, REASON_PASSWORD_WRONG, now_us / 1000000 + WRONG_S);
}

/* ---- the lane ---- */

static void count(struct passwords *p, const struct authn_answer *answer)
{
	(void)pthread_mutex_lock(&p->lock);
	p->stats.n_right += answer->is_good;
	p->stats.n_wrong += !answer->is_good && answer->why == REASON_PASSWORD_WRONG;
	p->stats.n_throttled += !answer->is_good && answer->why == REASON_THROTTLED;
	(void)pthread_mutex_unlock(&p->lock);
}

/* The next question, or NULL at the end. */
static struct policy_ask *take(struct passwords *p)
{
	struct policy_ask *ask = NULL;
	(void)pthread_mutex_lock(&p->lock);
	while (p->n == 0 && !p->ending)
		(void)pthread_cond_wait(&p->work, &p->lock);
	if (p->n > 0) {
		ask = p->lane[p->first];
		p->first = (p->first + 1) % PASSWORDS_LANE_MAX;
		p->n--;
	}
	(void)pthread_mutex_unlock(&p->lock);
	return ask;
}

static bool is_ending(struct passwords *p)
{
	(void)pthread_mutex_lock(&p->lock);
	bool ending = p->ending;
	(void)pthread_mutex_unlock(&p->lock);
	return ending;
}

static void *work(void *user)
{
	struct passwords *p = user;
	struct policy_ask *ask;
	while ((ask = take(p))) {
		struct authn_answer answer = {.why = REASON_AUTHENTICATION_UNAVAILABLE};
		if (!is_ending(p))
			judge(p, ask, &answer);
		count(p, &answer);
		policy_ask_done(ask, &answer);
	}
	return NULL;
}

/* A name or network that has to wait takes no place; said at once, from a worker. */
static int perform(void *user, struct policy_ask *ask)
{
	struct passwords *p = user;
	struct authn_answer answer = {0};
	if (throttled(p, ask, clock_real_us(), &answer)) {
		count(p, &answer);
		policy_ask_done(ask, &answer);
		return 0;
	}
	(void)pthread_mutex_lock(&p->lock);
	int r = p->ending ? -ESHUTDOWN : p->n == PASSWORDS_LANE_MAX ? -EAGAIN : 0;
	if (r == 0) {
		p->lane[(p->first + p->n++) % PASSWORDS_LANE_MAX] = ask;
		(void)pthread_cond_signal(&p->work);
	}
	p->stats.n_full += r == -EAGAIN;
	(void)pthread_mutex_unlock(&p->lock);
	return r;
}

struct policy_performer passwords_performer(struct passwords *passwords)
{
	return (struct policy_performer){.perform = perform, .user = passwords};
}

void passwords_stats(struct passwords *passwords, struct passwords_stats *ret)
{
	(void)pthread_mutex_lock(&passwords->lock);
	*ret = passwords->stats;
	ret->n_waiting = passwords->n;
	(void)pthread_mutex_unlock(&passwords->lock);
}

/* ---- life ---- */

void passwords_end(struct passwords *passwords)
{
	if (!passwords)
		return;
	(void)pthread_mutex_lock(&passwords->lock);
	passwords->ending = true;
	(void)pthread_cond_broadcast(&passwords->work);
	(void)pthread_mutex_unlock(&passwords->lock);
	while (passwords->n_threads)
		(void)pthread_join(passwords->threads[--passwords->n_threads], NULL);
}

void passwords_free(struct passwords *passwords)
{
	if (!passwords)
		return;
	passwords_end(passwords);
	throttle_free(passwords->throttle);
	(void)pthread_cond_destroy(&passwords->work);
	(void)pthread_mutex_destroy(&passwords->lock);
	free(passwords);
}

static void passwords_freep(struct passwords **passwords)
{
	passwords_free(*passwords);
}

int passwords_start(struct state *state, unsigned n_threads, struct passwords **ret)
{
	CLEANUP(passwords_freep) struct passwords *p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->state = state;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->work, NULL);
	int r = throttle_new(&p->throttle);
	while (r == 0 && p->n_threads < n_threads && p->n_threads < PASSWORDS_THREADS_MAX) {
		r = thread_start(&p->threads[p->n_threads], "password", THREAD_BATCH, work, p);
		p->n_threads += r == 0;
	}
	if (r)
		return r;
	*ret = TAKE(p);
	return 0;
}
