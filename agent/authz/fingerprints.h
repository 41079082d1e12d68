/* A set of 128-bit fingerprints: is it there? With one read of memory, wherever the set is not in a cache.
 *
 * A fingerprint is a keyed hash that nobody without the key can steer; two texts that share one are as likely as a
 * guessed key, so that it stands for its text. Kept in order of their bits and each near the place that its bits say,
 * so that a search ends at the first that is greater.
 *
 * Filled by one thread; while nobody adds, for any number of readers.
 */
#ifndef AUTHZ_FINGERPRINTS_H
#define AUTHZ_FINGERPRINTS_H

#include "core/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fingerprint {
	uint64_t high, low; /* both 0: of nothing, and in no set */
};

struct fingerprints {
	struct fingerprint *at; /* both 0: a free place */
	size_t n;
	size_t n_places; /* that bits may say */
	size_t n_room;   /* and those behind them */
};

void fingerprints_fini(struct fingerprints *set);

/* fingerprints_add - errors: false: no memory, or too many that are nearly the same; it is not added */
MUST_CHECK bool fingerprints_add(struct fingerprints *set, struct fingerprint print);
/* fingerprints_seal - as small as it gets; where memory is out, as it was. */
void fingerprints_seal(struct fingerprints *set);

bool fingerprints_has(const struct fingerprints *set, struct fingerprint print);
/* fingerprints_expect - what fingerprints_has() will read is on its way. */
void fingerprints_expect(const struct fingerprints *set, struct fingerprint print);

size_t fingerprints_bytes(const struct fingerprints *set);

#endif
