#include "authz/fingerprints.h"

#include "core/bigmem.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_PLACES = 64, BEHIND = 64 };

/* Six of seven places are taken: one more read would be next to the first. */
#define PLACES_SEALED(n) ((n) + (n) / 6 + 1)

static bool is_free(struct fingerprint print)
{
	return (print.high | print.low) == 0;
}

static bool is_less(struct fingerprint a, struct fingerprint b)
{
	return a.high != b.high ? a.high < b.high : a.low < b.low;
}

static bool is_same(struct fingerprint a, struct fingerprint b)
{
	return a.high == b.high && a.low == b.low;
}

/* Greater bits, greater or same place. */
static size_t place_of(const struct fingerprints *set, struct fingerprint print)
{
	return (size_t)((unsigned __int128)print.high * set->n_places >> 64);
}

/* Where it is, or would go: the first that is free or not less. May be n_room. */
static size_t find(const struct fingerprints *set, struct fingerprint print)
{
	size_t i = place_of(set, print);
	while (i < set->n_room && !is_free(set->at[i]) && is_less(set->at[i], print))
		i++;
	return i;
}

void fingerprints_fini(struct fingerprints *set)
{
	free(set->at);
	*set = (struct fingerprints){0};
}

/* All of them in order into that many places. false: no memory, or too crowded at the end */
static bool move_to(struct fingerprints *set, size_t n_places)
{
	struct fingerprints to = {.n = set->n, .n_places = n_places};
	size_t next = 0;
	to.n_room = n_places + BEHIND + n_places / 1024;
	to.at = bigmem_new(to.n_room * sizeof(*to.at));
	if (!to.at)
		return false;
	for (size_t i = 0; i < set->n_room; i++) {
		if (is_free(set->at[i]))
			continue;
		size_t place = place_of(&to, set->at[i]);
		if (place < next)
			place = next;
		if (place >= to.n_room) {
			free(to.at);
			return false;
		}
		to.at[place] = set->at[i];
		next = place + 1;
	}
	free(set->at);
	*set = to;
	return true;
}

static bool grow(struct fingerprints *set)
{
	return move_to(set, set->n_places ? 2 * set->n_places : FIRST_PLACES);
}

bool fingerprints_add(struct fingerprints *set, struct fingerprint print)
{
	if (set->n + 1 > set->n_places / 4 * 3 && !grow(set))
		return false;
	size_t at = find(set, print), end = at;
	if (at < set->n_room && is_same(set->at[at], print))
		return true;
	while (end < set->n_room && !is_free(set->at[end]))
		end++;
	if (end >= set->n_room) /* hashes do not come so; but nothing must grow for ever */
		return set->n_places / 16 <= set->n && grow(set) && fingerprints_add(set, print);
	memmove(&set->at[at + 1], &set->at[at], (end - at) * sizeof(*set->at));
	set->at[at] = print;
	set->n++;
	return true;
}

void fingerprints_seal(struct fingerprints *set)
{
	if (set->n > 0)
		(void)move_to(set, PLACES_SEALED(set->n));
}

bool fingerprints_has(const struct fingerprints *set, struct fingerprint print)
{
	if (set->n == 0 || is_free(print))
		return false;
	size_t at = find(set, print);
	return at < set->n_room && is_same(set->at[at], print);
}

void fingerprints_expect(const struct fingerprints *set, struct fingerprint print)
{
	if (set->n > 0)
		__builtin_prefetch(&set->at[place_of(set, print)]);
}

size_t fingerprints_bytes(const struct fingerprints *set)
{
	return set->n_room * sizeof(*set->at);
}
