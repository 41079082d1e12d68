/* A bit for each place of a bucket, and the way from one set bit to the next. */
#ifndef AUDIT_PLACEBITS_H
#define AUDIT_PLACEBITS_H

#include "audit/index.h"

#include <stdint.h>

/* The nearest set bit at or after (before) place; INDEX_BUCKET_RECORDS when there is none. */
static inline unsigned place_up(const uint64_t bits[INDEX_BIT_WORDS], unsigned place)
{
	for (unsigned word = place / 64; word < INDEX_BIT_WORDS; word++) {
		uint64_t left = bits[word];
		if (word == place / 64)
			left &= ~0ULL << place % 64;
		if (left)
			return word * 64 + (unsigned)__builtin_ctzll(left);
	}
	return INDEX_BUCKET_RECORDS;
}

static inline unsigned place_down(const uint64_t bits[INDEX_BIT_WORDS], unsigned place)
{
	for (unsigned word = place / 64 + 1; word-- > 0;) {
		uint64_t left = bits[word];
		if (word == place / 64)
			left &= ~0ULL >> (63 - place % 64);
		if (left)
			return word * 64 + 63 - (unsigned)__builtin_clzll(left);
	}
	return INDEX_BUCKET_RECORDS;
}

#endif
