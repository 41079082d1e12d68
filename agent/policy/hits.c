#include "policy/hits.h"

#include "authz/authz.h"
#include "core/counter.h"
#include "core/hash.h"
#include "core/limits.h"
#include "model/verdict.h"
#include "policy/snapshot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHUNK = 256, /* places that are made at once */
	N_CHUNKS = HITS_MAX / CHUNK,
};

/* One policy, one worker: written by its thread alone. */
struct cell {
	atomic_uint_fast64_t n_matched, n_decided, n_would_change;
	atomic_int_fast64_t last_at_us;
};

struct policy_hits_row {
	struct policy_hits_row *next;
	_Atomic(struct cell *) chunks[N_CHUNKS];
};

struct name {
	char *text;
	size_t n;
	int64_t since_us;
};

struct policy_hits {
	pthread_mutex_t mutex; /* guards all but what cells hold */
	struct policy_hits_row *rows;
	struct name *names;
	size_t n, room;
	uint32_t *by_name; /* open addressing: place + 1 */
	size_t mask;
};

struct policy_hits *policy_hits_new(void)
{
	struct policy_hits *hits = calloc(1, sizeof(*hits));
	if (hits && pthread_mutex_init(&hits->mutex, NULL) == 0)
		return hits;
	free(hits);
	return NULL;
}

void policy_hits_free(struct policy_hits *hits)
{
	if (!hits)
		return;
	for (struct policy_hits_row *row = hits->rows, *next; row; row = next) {
		next = row->next;
		for (size_t i = 0; i < N_CHUNKS; i++)
			free(atomic_load(&row->chunks[i]));
		free(row);
	}
	for (size_t i = 0; i < hits->n; i++)
		free(hits->names[i].text);
	free(hits->names);
	free(hits->by_name);
	(void)pthread_mutex_destroy(&hits->mutex);
	free(hits);
}

/* ---- places ---- */

/* So many places that name number n has one. A row without is not counted there. */
static void make_chunks(struct policy_hits_row *row, size_t n)
{
	for (size_t i = 0; i < N_CHUNKS && i * CHUNK < n; i++)
		if (!atomic_load_explicit(&row->chunks[i], memory_order_relaxed))
			atomic_store_explicit(&row->chunks[i], calloc(CHUNK, sizeof(struct cell)),
			                      memory_order_release);
}

struct policy_hits_row *policy_hits_row(struct policy_hits *hits)
{
	struct policy_hits_row *row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	(void)pthread_mutex_lock(&hits->mutex);
	make_chunks(row, hits->n);
	row->next = hits->rows;
	hits->rows = row;
	(void)pthread_mutex_unlock(&hits->mutex);
	return row;
}

static size_t slot_of(const struct policy_hits *hits, struct sv name)
{
	size_t i = hash_fnv1a(name) & hits->mask;
	while (hits->by_name[i]) {
		const struct name *other = &hits->names[hits->by_name[i] - 1];
		if (sv_eq((struct sv){other->text, other->n}, name))
			break;
		i = (i + 1) & hits->mask;
	}
	return i;
}

/* Room for one name more, and a table that is at most half full. */
static bool grow(struct policy_hits *hits)
{
	if (hits->n < hits->room)
		return true;
	size_t room = hits->room ? hits->room * 2 : 64;
	struct name *names = reallocarray(hits->names, room, sizeof(*names));
	if (!names)
		return false;
	hits->names = names;
	uint32_t *by_name = calloc(room * 2, sizeof(*by_name));
	if (!by_name)
		return false;
	free(hits->by_name);
	hits->by_name = by_name;
	hits->mask = room * 2 - 1;
	hits->room = room;
	for (size_t i = 0; i < hits->n; i++)
		by_name[slot_of(hits, (struct sv){names[i].text, names[i].n})] = (uint32_t)i + 1;
	return true;
}

/* The place of the name, + 1; 0: there is none. */
static uint32_t place_of(struct policy_hits *hits, struct sv name, int64_t now_us)
{
	size_t slot = hits->n > 0 ? slot_of(hits, name) : 0;
	if (hits->n > 0 && hits->by_name[slot])
		return hits->by_name[slot];
	if (hits->n == HITS_MAX || !grow(hits))
		return 0;
	char *text = strndup(name.at, name.n);
	if (!text)
		return 0;
	slot = slot_of(hits, name); /* the table may be another one */
	hits->names[hits->n++] = (struct name){text, name.n, now_us};
	hits->by_name[slot] = (uint32_t)hits->n;
	return (uint32_t)hits->n;
}

void policy_hits_enter(struct policy_hits *hits, struct policy *policy, int64_t now_us)
{
	size_t n = authz_n_parts(policy->authz);
	free(policy->hit_places);
	policy->hit_places = calloc(n + 1, sizeof(*policy->hit_places));
	if (!policy->hit_places)
		return;
	(void)pthread_mutex_lock(&hits->mutex);
	for (size_t i = 0; i < n; i++)
		policy->hit_places[i] =
			place_of(hits, authz_part_name(policy->authz, (uint32_t)i), now_us);
	for (struct policy_hits_row *row = hits->rows; row; row = row->next)
		make_chunks(row, hits->n);
	(void)pthread_mutex_unlock(&hits->mutex);
}

/* ---- counting ---- */

static struct cell *cell_of(struct policy_hits_row *row, uint32_t place)
{
	struct cell *chunk = place ? atomic_load_explicit(&row->chunks[(place - 1) / CHUNK],
	                                                  memory_order_acquire)
	                           : NULL;
	return chunk ? &chunk[(place - 1) % CHUNK] : NULL;
}

void policy_hits_count(struct policy_hits_row *row, const struct policy *policy,
                       const struct verdict *verdict, int64_t at_us)
{
	for (size_t i = 0; row && policy && policy->hit_places && i < verdict->n_hits; i++) {
		const struct verdict_hit *hit = &verdict->hits[i];
		struct cell *cell = cell_of(row, policy->hit_places[hit->policy]);
		if (!cell)
			continue;
		counter_add(&cell->n_matched, 1);
		counter_add(&cell->n_decided, hit->decided);
		counter_add(&cell->n_would_change, hit->would_change);
		atomic_store_explicit(&cell->last_at_us, at_us, memory_order_relaxed);
	}
}

/* ---- asking ---- */

/* The caller holds the mutex. */
static void add_place(const struct policy_hits *hits, size_t place, struct policy_hit_counts *ret)
{
	for (struct policy_hits_row *row = hits->rows; row; row = row->next) {
		const struct cell *cell = cell_of(row, (uint32_t)place + 1);
		if (!cell)
			continue;
		int64_t last = atomic_load_explicit(&cell->last_at_us, memory_order_relaxed);
		ret->n_matched += atomic_load_explicit(&cell->n_matched, memory_order_relaxed);
		ret->n_decided += atomic_load_explicit(&cell->n_decided, memory_order_relaxed);
		ret->n_would_change +=
			atomic_load_explicit(&cell->n_would_change, memory_order_relaxed);
		ret->last_at_us = MAX_OF(ret->last_at_us, last);
	}
}

bool policy_hits_get(struct policy_hits *hits, struct sv name, struct policy_hit_counts *ret)
{
	*ret = (struct policy_hit_counts){0};
	(void)pthread_mutex_lock(&hits->mutex);
	uint32_t place = hits->n > 0 ? hits->by_name[slot_of(hits, name)] : 0;
	if (place) {
		ret->since_us = hits->names[place - 1].since_us;
		add_place(hits, place - 1, ret);
	}
	(void)pthread_mutex_unlock(&hits->mutex);
	return place != 0;
}

void policy_hits_each(struct policy_hits *hits, size_t n_max,
                      void (*each)(void *user, struct sv name,
                                   const struct policy_hit_counts *counts),
                      void *user)
{
	struct policy_hit_counts others = {0};
	(void)pthread_mutex_lock(&hits->mutex);
	for (size_t i = 0; i < hits->n; i++) {
		struct policy_hit_counts own = {.since_us = hits->names[i].since_us};
		add_place(hits, i, i < n_max ? &own : &others);
		if (i < n_max)
			each(user, (struct sv){hits->names[i].text, hits->names[i].n}, &own);
	}
	if (hits->n > n_max)
		each(user, (struct sv){0}, &others);
	(void)pthread_mutex_unlock(&hits->mutex);
}
