#include "policy/asks.h"

#include "core/secret.h"
#include "policy/mailbox.h"
#include "policy/policy.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>

enum { BUCKETS = 256 }; /* a digest is uniform, so its first byte places it */

struct waiter {
	struct waiter *next;
	struct policy_mailbox *box; /* owned reference */
};

/* One question under way, and who waits for it. */
struct entry {
	struct policy_ask ask; /* first: what performers hold is the entry */
	struct policy_asks *asks;
	struct entry *next, **link;
	struct waiter *waiters;
	size_t n_secrets;
	char secrets[]; /* what the ask's parts view */
};

struct policy_asks {
	struct policy_performer performers[AUTHN_ASK_KIND_COUNT];
	pthread_mutex_t lock; /* of all below; never held while a performer runs or mail is put */
	pthread_cond_t idle;  /* nothing is under way */
	struct entry *buckets[BUCKETS];
	struct policy_asks_stats stats;
};

int policy_asks_new(const struct policy_performer performers[AUTHN_ASK_KIND_COUNT],
                    struct policy_asks **ret)
{
	struct policy_asks *asks = calloc(1, sizeof(*asks));
	if (!asks)
		return -ENOMEM;
	memcpy(asks->performers, performers, sizeof(asks->performers));
	(void)pthread_mutex_init(&asks->lock, NULL);
	(void)pthread_cond_init(&asks->idle, NULL);
	*ret = asks;
	return 0;
}

void policy_asks_free(struct policy_asks *asks)
{
	if (!asks)
		return;
	(void)pthread_mutex_lock(&asks->lock);
	while (asks->stats.n_under_way > 0)
		(void)pthread_cond_wait(&asks->idle, &asks->lock);
	(void)pthread_mutex_unlock(&asks->lock);
	(void)pthread_cond_destroy(&asks->idle);
	(void)pthread_mutex_destroy(&asks->lock);
	free(asks);
}

void policy_asks_stats(struct policy_asks *asks, struct policy_asks_stats *ret)
{
	(void)pthread_mutex_lock(&asks->lock);
	*ret = asks->stats;
	(void)pthread_mutex_unlock(&asks->lock);
}

/* ---- entries ---- */

static void entry_free(struct entry *e)
{
	while (e->waiters) {
		struct waiter *next = e->waiters->next;
		policy_mailbox_unref(e->waiters->box);
		free(e->waiters);
		e->waiters = next;
	}
	policy_unref(e->ask.policy);
	secret_wipe(e->secrets, e->n_secrets);
	free(e);
}

static struct entry *entry_new(const struct authn_ask *ask)
{
	size_t n = 0;
	for (size_t i = 0; i < AUTHN_ASK_PARTS; i++)
		n += ask->parts[i].n;
	struct entry *e = calloc(1, sizeof(*e) + n);
	if (!e)
		return NULL;
	char *at = e->secrets;
	e->n_secrets = n;
	e->ask.asked = *ask;
	e->ask.asked.wipe = (struct sv){0};
	for (size_t i = 0; i < AUTHN_ASK_PARTS; i++) {
		if (ask->parts[i].n)
			memcpy(at, ask->parts[i].at, ask->parts[i].n);
		e->ask.asked.parts[i].at = at;
		at += ask->parts[i].n;
	}
	return e;
}

static bool add_waiter(struct entry *e, struct policy_mailbox *box)
{
	for (const struct waiter *w = e->waiters; w; w = w->next)
		if (w->box == box)
			return true;
	struct waiter *w = malloc(sizeof(*w));
	if (!w)
		return false;
	*w = (struct waiter){.next = e->waiters, .box = policy_mailbox_ref(box)};
	e->waiters = w;
	return true;
}

static struct entry *find(struct policy_asks *asks, const struct authn_ask *ask)
{
	struct entry *e = asks->buckets[ask->key[0] % BUCKETS];
	while (e && (e->ask.asked.serial != ask->serial || e->ask.asked.kind != ask->kind ||
	             memcmp(e->ask.asked.key, ask->key, SHA256_BYTES) != 0))
		e = e->next;
	return e;
}

/* ---- under the lock ---- */

static void link_entry(struct policy_asks *asks, struct entry *e)
{
	struct entry **bucket = &asks->buckets[e->ask.asked.key[0] % BUCKETS];
	e->asks = asks;
	e->next = *bucket;
	e->link = bucket;
	if (e->next)
		e->next->link = &e->next;
	*bucket = e;
	asks->stats.n_under_way++;
}

static void unlink_entry(struct entry *e)
{
	*e->link = e->next;
	if (e->next)
		e->next->link = e->link;
}

/* Another has asked already: wait with it. 1: there is none. */
static int join(struct policy_asks *asks, const struct authn_ask *ask, struct policy_mailbox *box)
{
	struct entry *e = find(asks, ask);
	if (!e)
		return 1;
	if (!add_waiter(e, box))
		return -ENOMEM;
	asks->stats.n_joined++;
	return 0;
}

static int begin(struct policy_asks *asks, const struct authn_ask *ask, struct policy_mailbox *box,
                 struct entry **ret)
{
	if (asks->stats.n_under_way >= POLICY_ASKS_MAX)
		return -EAGAIN;
	struct entry *e = entry_new(ask);
	if (!e || !add_waiter(e, box)) {
		if (e)
			entry_free(e);
		return -ENOMEM;
	}
	link_entry(asks, e);
	*ret = e;
	return 0;
}

/* ---- asking and answering ---- */

/* The entry is out of the table: nobody joins it any more. Its waiters are told before it is counted as ended, so
 * that policy_asks_free() finds nobody inside. */
static void finish(struct entry *e, bool answered)
{
	struct policy_asks *asks = e->asks;
	entry_free(e);
	(void)pthread_mutex_lock(&asks->lock);
	if (answered)
		asks->stats.n_answered++;
	else
		asks->stats.n_refused++;
	if (--asks->stats.n_under_way == 0)
		(void)pthread_cond_broadcast(&asks->idle);
	(void)pthread_mutex_unlock(&asks->lock);
}

static struct waiter *close_entry(struct entry *e)
{
	(void)pthread_mutex_lock(&e->asks->lock);
	unlink_entry(e);
	struct waiter *waiters = e->waiters;
	(void)pthread_mutex_unlock(&e->asks->lock);
	return waiters;
}

void policy_ask_done(struct policy_ask *ask, struct authn_answer *answer)
{
	struct entry *e = (struct entry *)ask;
	answer->kind = ask->asked.kind;
	answer->serial = ask->asked.serial;
	answer->about = ask->asked.about;
	memcpy(answer->key, ask->asked.key, SHA256_BYTES);
	for (const struct waiter *w = close_entry(e); w; w = w->next)
		policy_mailbox_put(w->box, authn_answer_copy(answer));
	json_decref(TAKE(answer->claims));
	finish(e, true);
}

/* Others may have joined meanwhile: they get a refusal for an answer. */
static void abandon(struct entry *e)
{
	struct authn_answer none = {.kind = e->ask.asked.kind,
	                            .serial = e->ask.asked.serial,
	                            .why = REASON_AUTHENTICATION_UNAVAILABLE};
	memcpy(none.key, e->ask.asked.key, SHA256_BYTES);
	for (const struct waiter *w = close_entry(e); w; w = w->next)
		policy_mailbox_put(w->box, authn_answer_copy(&none));
	finish(e, false);
}

int policy_asks_put(struct policy_asks *asks, struct policy *policy, const struct authn_ask *ask,
                    struct policy_mailbox *box)
{
	const struct policy_performer *performer = &asks->performers[ask->kind];
	struct entry *e = NULL;
	(void)pthread_mutex_lock(&asks->lock);
	int r = join(asks, ask, box);
	if (r > 0)
		r = performer->perform ? begin(asks, ask, box, &e) : -ENOSYS;
	if (e)
		e->ask.policy = policy_ref(policy);
	asks->stats.n_asked += r == 0 && e;
	asks->stats.n_refused += r < 0;
	(void)pthread_mutex_unlock(&asks->lock);
	if (r < 0 || !e)
		return r;
	r = performer->perform(performer->user, &e->ask);
	if (r < 0)
		abandon(e);
	return r;
}
