#include "authn/keyslot.h"

#include "authn/endpoints.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct keyslot {
	struct refcount refs;
	atomic_uint_fast64_t generation;
	atomic_bool wanted; /* asked for and not answered yet */
	pthread_mutex_t lock;
	struct jwks *current;
	struct endpoints *endpoints;
	keyslot_wake_fn *wake;
	void *user;
};

struct keyslot *keyslot_new(keyslot_wake_fn *wake, void *user)
{
	struct keyslot *slot = calloc(1, sizeof(*slot));
	if (!slot)
		return NULL;
	refcount_init(&slot->refs);
	(void)pthread_mutex_init(&slot->lock, NULL);
	slot->wake = wake;
	slot->user = user;
	return slot;
}

struct keyslot *keyslot_ref(struct keyslot *slot)
{
	refcount_ref(&slot->refs);
	return slot;
}

void keyslot_unref(struct keyslot *slot)
{
	if (!slot || !refcount_unref(&slot->refs))
		return;
	jwks_unref(slot->current);
	keyslot_tell(slot, NULL);
	(void)pthread_mutex_destroy(&slot->lock);
	free(slot);
}

void keyslot_publish(struct keyslot *slot, struct jwks *set)
{
	(void)pthread_mutex_lock(&slot->lock);
	struct jwks *old = slot->current;
	slot->current = set;
	atomic_fetch_add_explicit(&slot->generation, 1, memory_order_release);
	(void)pthread_mutex_unlock(&slot->lock);
	atomic_store_explicit(&slot->wanted, false, memory_order_release);
	jwks_unref(old);
}

void keyslot_settle(struct keyslot *slot)
{
	atomic_store_explicit(&slot->wanted, false, memory_order_release);
}

void keyslot_disarm(struct keyslot *slot)
{
	(void)pthread_mutex_lock(&slot->lock);
	slot->wake = NULL;
	(void)pthread_mutex_unlock(&slot->lock);
}

struct jwks *keyslot_get(struct keyslot *slot)
{
	(void)pthread_mutex_lock(&slot->lock);
	struct jwks *set = slot->current ? jwks_ref(slot->current) : NULL;
	(void)pthread_mutex_unlock(&slot->lock);
	return set;
}

void keyslot_tell(struct keyslot *slot, struct endpoints *endpoints)
{
	(void)pthread_mutex_lock(&slot->lock);
	struct endpoints *old = slot->endpoints;
	slot->endpoints = endpoints;
	(void)pthread_mutex_unlock(&slot->lock);
	if (old)
		shared_unref(&old->shared);
}

struct endpoints *keyslot_endpoints(struct keyslot *slot)
{
	(void)pthread_mutex_lock(&slot->lock);
	struct endpoints *endpoints = slot->endpoints;
	if (endpoints)
		(void)shared_ref(&endpoints->shared);
	(void)pthread_mutex_unlock(&slot->lock);
	return endpoints;
}

uint64_t keyslot_generation(const struct keyslot *slot)
{
	return atomic_load_explicit(&slot->generation, memory_order_acquire);
}

void keyslot_want(struct keyslot *slot)
{
	if (atomic_exchange_explicit(&slot->wanted, true, memory_order_acq_rel))
		return;
	(void)pthread_mutex_lock(&slot->lock);
	if (slot->wake)
		slot->wake(slot->user);
	(void)pthread_mutex_unlock(&slot->lock);
}
