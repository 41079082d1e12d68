#include "authn/trustslot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct trustslot {
	struct refcount refs;
	atomic_uint_fast64_t generation;
	atomic_bool wanted; /* asked for and not answered yet */
	pthread_mutex_t lock;
	struct trustbundle *current;
	trustslot_wake_fn *wake;
	void *user;
};

struct trustslot *trustslot_new(trustslot_wake_fn *wake, void *user)
{
	struct trustslot *slot = calloc(1, sizeof(*slot));
	if (!slot)
		return NULL;
	refcount_init(&slot->refs);
	(void)pthread_mutex_init(&slot->lock, NULL);
	slot->wake = wake;
	slot->user = user;
	return slot;
}

struct trustslot *trustslot_ref(struct trustslot *slot)
{
	refcount_ref(&slot->refs);
	return slot;
}

void trustslot_unref(struct trustslot *slot)
{
	if (!slot || !refcount_unref(&slot->refs))
		return;
	trustbundle_unref(slot->current);
	(void)pthread_mutex_destroy(&slot->lock);
	free(slot);
}

static bool is_older(const struct trustbundle *bundle, const struct trustbundle *current)
{
	return current && current->has_sequence && bundle->has_sequence &&
	       bundle->sequence < current->sequence;
}

bool trustslot_publish(struct trustslot *slot, struct trustbundle *bundle)
{
	(void)pthread_mutex_lock(&slot->lock);
	bool older = is_older(bundle, slot->current);
	struct trustbundle *dropped = older ? bundle : slot->current;
	if (!older) {
		slot->current = bundle;
		atomic_fetch_add_explicit(&slot->generation, 1, memory_order_release);
	}
	(void)pthread_mutex_unlock(&slot->lock);
	atomic_store_explicit(&slot->wanted, false, memory_order_release);
	trustbundle_unref(dropped);
	return !older;
}

void trustslot_settle(struct trustslot *slot)
{
	atomic_store_explicit(&slot->wanted, false, memory_order_release);
}

void trustslot_disarm(struct trustslot *slot)
{
	(void)pthread_mutex_lock(&slot->lock);
	slot->wake = NULL;
	(void)pthread_mutex_unlock(&slot->lock);
}

struct trustbundle *trustslot_get(struct trustslot *slot)
{
	(void)pthread_mutex_lock(&slot->lock);
	struct trustbundle *bundle = slot->current ? trustbundle_ref(slot->current) : NULL;
	(void)pthread_mutex_unlock(&slot->lock);
	return bundle;
}

uint64_t trustslot_generation(const struct trustslot *slot)
{
	return atomic_load_explicit(&slot->generation, memory_order_acquire);
}

void trustslot_want(struct trustslot *slot)
{
	if (atomic_exchange_explicit(&slot->wanted, true, memory_order_acq_rel))
		return;
	(void)pthread_mutex_lock(&slot->lock);
	if (slot->wake)
		slot->wake(slot->user);
	(void)pthread_mutex_unlock(&slot->lock);
}
