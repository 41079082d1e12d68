#include "core/slot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct slot {
	atomic_uint_fast64_t generation; /* of current; what readers look at */
	pthread_mutex_t mutex;           /* guards current */
	struct shared *current;
};

void shared_init(struct shared *shared, void (*free)(struct shared *shared))
{
	static atomic_uint_fast64_t last;
	refcount_init(&shared->refs);
	shared->generation = 1 + atomic_fetch_add_explicit(&last, 1, memory_order_relaxed);
	shared->free = free;
}

struct shared *shared_ref(struct shared *shared)
{
	if (shared)
		refcount_ref(&shared->refs);
	return shared;
}

void shared_unref(struct shared *shared)
{
	if (shared && refcount_unref(&shared->refs))
		shared->free(shared);
}

struct slot *slot_new(void)
{
	struct slot *slot = calloc(1, sizeof(*slot));
	if (!slot)
		return NULL;
	if (pthread_mutex_init(&slot->mutex, NULL) != 0) {
		free(slot);
		return NULL;
	}
	return slot;
}

void slot_free(struct slot *slot)
{
	if (!slot)
		return;
	shared_unref(slot->current);
	(void)pthread_mutex_destroy(&slot->mutex);
	free(slot);
}

void slot_publish(struct slot *slot, struct shared *shared)
{
	(void)pthread_mutex_lock(&slot->mutex);
	struct shared *before = slot->current;
	slot->current = shared;
	atomic_store_explicit(&slot->generation, shared ? shared->generation : 0,
	                      memory_order_relaxed);
	(void)pthread_mutex_unlock(&slot->mutex);
	shared_unref(before);
}

struct shared *slot_get(struct slot *slot)
{
	(void)pthread_mutex_lock(&slot->mutex);
	struct shared *shared = shared_ref(slot->current);
	(void)pthread_mutex_unlock(&slot->mutex);
	return shared;
}

struct shared *slot_refresh(struct slot *slot, struct shared *mine)
{
	uint64_t generation = atomic_load_explicit(&slot->generation, memory_order_relaxed);
	if (generation == (mine ? mine->generation : 0))
		return mine;
	shared_unref(mine);
	return slot_get(slot); /* the mutex orders what the relaxed load did not */
}
