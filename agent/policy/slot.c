#include "policy/slot.h"

#include "core/clock.h"
#include "policy/hits.h"
#include "policy/policy.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct policy_slot {
	atomic_uint_fast64_t generation; /* of current; what workers look at */
	pthread_mutex_t mutex;           /* guards current */
	struct policy *current;
	struct policy_hits *hits;
};

struct policy_slot *policy_slot_new(void)
{
	struct policy_slot *slot = calloc(1, sizeof(*slot));
	if (!slot)
		return NULL;
	slot->hits = policy_hits_new();
	if (!slot->hits || pthread_mutex_init(&slot->mutex, NULL) != 0) {
		policy_hits_free(slot->hits);
		free(slot);
		return NULL;
	}
	atomic_init(&slot->generation, 0);
	return slot;
}

void policy_slot_free(struct policy_slot *slot)
{
	if (!slot)
		return;
	policy_unref(slot->current);
	policy_hits_free(slot->hits);
	pthread_mutex_destroy(&slot->mutex);
	free(slot);
}

/* The caller holds the mutex; returns what was in force. */
static struct policy *replace(struct policy_slot *slot, struct policy *policy)
{
	struct policy *before = slot->current;
	slot->current = policy;
	atomic_store_explicit(&slot->generation, policy ? policy_generation(policy) : 0,
	                      memory_order_relaxed);
	return before;
}

struct policy_hits *policy_slot_hits(const struct policy_slot *slot)
{
	return slot->hits;
}

/* Before anybody else sees it. */
static void enter(struct policy_slot *slot, struct policy *policy)
{
	if (policy)
		policy_hits_enter(slot->hits, policy, clock_real_us());
}

void policy_slot_publish(struct policy_slot *slot, struct policy *policy)
{
	enter(slot, policy);
	pthread_mutex_lock(&slot->mutex);
	struct policy *before = replace(slot, policy);
	pthread_mutex_unlock(&slot->mutex);
	policy_unref(before);
}

bool policy_slot_publish_newer(struct policy_slot *slot, struct policy *policy)
{
	enter(slot, policy);
	pthread_mutex_lock(&slot->mutex);
	bool newer = !slot->current || policy_version(policy) > policy_version(slot->current);
	struct policy *dropped = newer ? replace(slot, policy) : policy;
	pthread_mutex_unlock(&slot->mutex);
	policy_unref(dropped);
	return newer;
}

struct policy *policy_slot_get(struct policy_slot *slot)
{
	pthread_mutex_lock(&slot->mutex);
	struct policy *policy = policy_ref(slot->current);
	pthread_mutex_unlock(&slot->mutex);
	return policy;
}

struct policy *policy_slot_refresh(struct policy_slot *slot, struct policy *mine)
{
	uint64_t generation = atomic_load_explicit(&slot->generation, memory_order_relaxed);
	if (generation == (mine ? policy_generation(mine) : 0))
		return mine;
	policy_unref(mine);
	return policy_slot_get(slot); /* the mutex orders what the relaxed load did not */
}
