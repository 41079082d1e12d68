/* Who asks what workers cannot find out by themselves (authn/ask.h): each question once at a time, however many
 * workers want to know; bounded; secrets copied and wiped. Answers come back through each worker's mailbox.
 */
#ifndef POLICY_ASKS_H
#define POLICY_ASKS_H

#include "authn/ask.h"
#include "core/macros.h"

struct policy;
struct policy_asks;
struct policy_mailbox;

/* One question under way, as its performer sees it. */
struct policy_ask {
	struct authn_ask asked; /* its views are copies of our own, about is kept by policy */
	struct policy *policy;  /* a reference */
	void *performers_own;
};

/* Begins to find out; policy_ask_done() is called exactly once for it, before this returns or later, by any thread.
 *
 * errors  0; -errno: it is not done, and policy_ask_done() is not called
 * thread  a worker, in the middle of a verdict: must not block
 */
typedef int policy_perform_fn(void *user, struct policy_ask *ask);

struct policy_performer {
	policy_perform_fn *perform; /* NULL: nobody performs this kind */
	void *user;                 /* outlives the asks */
};

enum { POLICY_ASKS_MAX = 1024 }; /* under way at once, of all workers */

/* policy_asks_new - in: performers: copied, by kind. errors: 0, -ENOMEM */
MUST_CHECK int policy_asks_new(const struct policy_performer performers[AUTHN_ASK_KIND_COUNT],
                               struct policy_asks **ret);
/* policy_asks_free - waits for what is under way: the performers have been told to end it. After the last worker.
 * NULL is allowed. */
void policy_asks_free(struct policy_asks *asks);

/* policy_ask_done - the answer: is_good, why, until_s and claims of *answer count, whose claims are taken over.
 * The ask is gone. thread: any */
void policy_ask_done(struct policy_ask *ask, struct authn_answer *answer);

/* policy_asks_put - asks for a worker, or lets it wait for the same question of another.
 *
 * in      policy: whose compiled set asks; box: where the answer is put
 * errors  0: an answer will be in box; -ENOSYS nobody can tell, -EAGAIN too many are under way, -ENOMEM,
 *         or the performer's
 */
MUST_CHECK int policy_asks_put(struct policy_asks *asks, struct policy *policy,
                               const struct authn_ask *ask, struct policy_mailbox *box);

struct policy_asks_stats {
	uint64_t n_asked;    /* questions given to a performer */
	uint64_t n_answered; /* of them, ended with its answer */
	uint64_t n_joined;   /* workers that waited for another's question */
	uint64_t n_refused;  /* too many, nobody performs, or the performer did not */
	uint64_t n_under_way;
};
void policy_asks_stats(struct policy_asks *asks, struct policy_asks_stats *ret);

/* Tells a mailbox's owner that something is in it. Any thread; must not block. */
typedef void policy_mailbox_wake_fn(void *user);

/* policy_mailbox_new - NULL when memory is out. */
MUST_CHECK struct policy_mailbox *policy_mailbox_new(policy_mailbox_wake_fn *wake, void *user);
/* policy_mailbox_close - by its owner: wake is not called any more once this returns, what is in it is freed and
 * what still comes dropped. NULL is allowed. */
void policy_mailbox_close(struct policy_mailbox *box);
/* policy_mailbox_take - all answers since the last call, the oldest first; each the caller's to free. */
MUST_CHECK struct authn_answer *policy_mailbox_take(struct policy_mailbox *box);

#endif
