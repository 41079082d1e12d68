#include "authn/replay.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	WAYS = 8, /* places of a bucket: one cache line */
	TIME_BITS = 28,
	BEFORE_S = 86400,
	MARGIN_S = 5,
};

/* A place: 36 bits of a digest above the second, since the table's beginning, until which it is taken. 0: empty. */
typedef atomic_uint_fast64_t place;
static_assert(sizeof(place) == 8, "eight places are a cache line");

#define TIME_MASK (((uint64_t)1 << TIME_BITS) - 1)

struct replay {
	place *places;    /* n_buckets times WAYS */
	size_t n_buckets; /* power of two */
	int64_t begins_s;
};

struct replay *replay_new(size_t n_entries, int64_t now_s)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	if (!replay)
		return NULL;
	for (replay->n_buckets = 1; replay->n_buckets * WAYS < n_entries;)
		replay->n_buckets *= 2;
	replay->begins_s = now_s - BEFORE_S;
	size_t n_bytes = replay->n_buckets * WAYS * sizeof(place);
	replay->places = aligned_alloc(WAYS * sizeof(place), n_bytes);
	if (!replay->places) {
		free(replay);
		return NULL;
	}
	memset(replay->places, 0, n_bytes);
	return replay;
}

void replay_free(struct replay *replay)
{
	if (!replay)
		return;
	free(replay->places);
	free(replay);
}

/* The two buckets of a digest; they may be one. */
struct buckets {
	place *at[2];
	size_t n;
};

static struct buckets buckets_of(const struct replay *replay, const uint8_t *digest)
{
	uint64_t first, second;
	memcpy(&first, digest + 8, sizeof(first));
	memcpy(&second, digest + 16, sizeof(second));
	first &= replay->n_buckets - 1;
	second &= replay->n_buckets - 1;
	return (struct buckets){{&replay->places[first * WAYS], &replay->places[second * WAYS]},
	                        first == second ? 1 : 2};
}

static uint64_t tag_of(const uint8_t *digest)
{
	uint64_t tag;
	memcpy(&tag, digest, sizeof(tag));
	return tag & ~TIME_MASK;
}

static bool is_over(uint64_t value, uint64_t now)
{
	return (value & TIME_MASK) < now;
}

/* What two buckets hold: whether the tag stands in them, but at *except, and a place of the emptier one. */
struct found {
	bool seen;
	place *room; /* NULL: none */
	uint64_t was;
};

static struct found look(const struct buckets *buckets, uint64_t tag, uint64_t now,
                         const place *except)
{
	struct found found = {0};
	size_t most = 0;
	for (size_t b = 0; b < buckets->n; b++) {
		size_t n_free = 0;
		struct found here = {0};
		for (place *p = buckets->at[b]; p < buckets->at[b] + WAYS; p++) {
			uint64_t value = atomic_load(p);
			if (is_over(value, now)) {
				n_free++;
				here.room = p;
				here.was = value;
			} else if ((value & ~TIME_MASK) == tag && p != except) {
				found.seen = true;
			}
		}
		if (n_free > most) {
			most = n_free;
			found.room = here.room;
			found.was = here.was;
		}
	}
	return found;
}

/* Seconds since the table's beginning; false outside of what a place can hold. */
static bool since(const struct replay *replay, int64_t at_s, uint64_t *ret)
{
	if (at_s <= replay->begins_s || at_s - replay->begins_s > (int64_t)TIME_MASK)
		return false;
	*ret = (uint64_t)(at_s - replay->begins_s);
	return true;
}

/* Where two write the same digest to different places, both have written before either looks again, or one has
 * looked after the other wrote: not both can miss the other. All of it is sequentially consistent. */
enum replay_outcome replay_note(struct replay *replay, const uint8_t digest[SHA256_BYTES],
                                int64_t now_s, int64_t until_s)
{
	const struct buckets buckets = buckets_of(replay, digest);
	uint64_t tag = tag_of(digest), now, until;
	if (!since(replay, now_s, &now) || until_s < now_s ||
	    !since(replay, until_s + MARGIN_S, &until))
		return REPLAY_FULL;
	for (;;) {
		struct found found = look(&buckets, tag, now, NULL);
		if (found.seen)
			return REPLAY_SEEN;
		if (!found.room)
			return REPLAY_FULL;
		if (!atomic_compare_exchange_strong(found.room, &found.was, tag | until))
			continue; /* somebody has made progress there */
		return look(&buckets, tag, now, found.room).seen ? REPLAY_SEEN : REPLAY_NEW;
	}
}
