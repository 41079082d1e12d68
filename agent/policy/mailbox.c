#include "policy/mailbox.h"

#include "core/refcount.h"

#include <pthread.h>
#include <stdlib.h>

struct policy_mailbox {
	struct refcount refs;
	pthread_mutex_t lock; /* of all below; held while wake runs, so that close waits for it */
	struct authn_answer *first, **last;
	policy_mailbox_wake_fn *wake; /* NULL: closed */
	void *user;
};

struct policy_mailbox *policy_mailbox_new(policy_mailbox_wake_fn *wake, void *user)
{
	struct policy_mailbox *box = calloc(1, sizeof(*box));
	if (!box)
		return NULL;
	refcount_init(&box->refs);
	(void)pthread_mutex_init(&box->lock, NULL);
	box->last = &box->first;
	box->wake = wake;
	box->user = user;
	return box;
}

struct policy_mailbox *policy_mailbox_ref(struct policy_mailbox *box)
{
	refcount_ref(&box->refs);
	return box;
}

static void free_all(struct authn_answer *answer)
{
	while (answer) {
		struct authn_answer *next = answer->next;
		authn_answer_free(answer);
		answer = next;
	}
}

void policy_mailbox_unref(struct policy_mailbox *box)
{
	if (!box || !refcount_unref(&box->refs))
		return;
	free_all(box->first);
	(void)pthread_mutex_destroy(&box->lock);
	free(box);
}

struct authn_answer *policy_mailbox_take(struct policy_mailbox *box)
{
	(void)pthread_mutex_lock(&box->lock);
	struct authn_answer *all = TAKE(box->first);
	box->last = &box->first;
	(void)pthread_mutex_unlock(&box->lock);
	return all;
}

void policy_mailbox_close(struct policy_mailbox *box)
{
	if (!box)
		return;
	(void)pthread_mutex_lock(&box->lock);
	box->wake = NULL;
	(void)pthread_mutex_unlock(&box->lock);
	free_all(policy_mailbox_take(box));
	policy_mailbox_unref(box);
}

void policy_mailbox_put(struct policy_mailbox *box, struct authn_answer *answer)
{
	if (!answer)
		return;
	(void)pthread_mutex_lock(&box->lock);
	bool open = box->wake;
	if (open) {
		answer->next = NULL;
		*box->last = answer;
		box->last = &answer->next;
		box->wake(box->user);
	}
	(void)pthread_mutex_unlock(&box->lock);
	if (!open)
		authn_answer_free(answer);
}
