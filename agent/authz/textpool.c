#include "authz/textpool.h"

#include "core/bigmem.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 128, LENGTH_BYTES = 2 };

void textpool_fini(struct textpool *pool)
{
	free(pool->bytes);
	free(pool->slots);
}

struct sv textpool_text(const struct textpool *pool, uint32_t at)
{
	uint16_t n;
	memcpy(&n, pool->bytes + at - LENGTH_BYTES, sizeof(n));
	return (struct sv){pool->bytes + at, n};
}

size_t textpool_bytes(const struct textpool *pool)
{
	return pool->room + pool->n_slots * sizeof(*pool->slots);
}

/* The slot that has it, or the free one where it would go. */
static uint32_t *slot_of(const struct textpool *pool, struct sv text)
{
	size_t i = hash_sip13(pool->key, text) & (pool->n_slots - 1);
	while (pool->slots[i] && !sv_eq(textpool_text(pool, pool->slots[i]), text))
		i = (i + 1) & (pool->n_slots - 1);
	return &pool->slots[i];
}

static bool grow_slots(struct textpool *pool)
{
	uint32_t *before = pool->slots;
	size_t n = pool->n_slots;
	if (pool->n_texts + 1 <= n / 4 * 3)
		return true;
	size_t more = n ? 2 * n : FIRST_SLOTS;
	uint32_t *fresh = bigmem_new(more * sizeof(*fresh));
	if (!fresh)
		return false;
	pool->slots = fresh;
	pool->n_slots = more;
	for (size_t i = 0; i < n; i++)
		if (before[i])
			*slot_of(pool, textpool_text(pool, before[i])) = before[i];
	free(before);
	return true;
}

uint32_t textpool_intern(struct textpool *pool, struct sv text)
{
	uint16_t length = (uint16_t)text.n;
	size_t at = pool->n + LENGTH_BYTES;
	if (text.n > UINT16_MAX || !grow_slots(pool))
		return 0;
	uint32_t *slot = slot_of(pool, text);
	if (*slot)
		return *slot;
	if (at + text.n > UINT32_MAX ||
	    !bigmem_grow(&pool->bytes, &pool->room, pool->n, at + text.n, 1))
		return 0;
	memcpy(pool->bytes + pool->n, &length, sizeof(length));
	if (text.n)
		memcpy(pool->bytes + at, text.at, text.n);
	pool->n = at + text.n;
	pool->n_texts++;
	*slot = (uint32_t)at;
	return *slot;
}

/* What cannot be given back stays. */
void textpool_seal(struct textpool *pool)
{
	free(pool->slots);
	pool->slots = NULL;
	pool->n_slots = 0;
	bigmem_shrink(&pool->bytes, &pool->room, pool->n, 1);
}
