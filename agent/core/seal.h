/* Sealed boxes: text that nobody but us can read or make, for what a browser or a disk keeps on our behalf.
 * AES-256-GCM under the newest of a ring of keys; older ones of the ring still open what they closed.
 */
#ifndef CORE_SEAL_H
#define CORE_SEAL_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdatomic.h>
#include <stdint.h>

enum {
	SEAL_KEY_BYTES = 32,
	SEAL_OVERHEAD = 1 + 4 + 12 + 16, /* form, number of the key, nonce, tag */
	SEAL_KEPT = 40,                  /* as many keys open boxes: with one a day, 40 days */
	SEAL_SLOTS = 64,
};

struct seal_key {
	uint8_t bytes[SEAL_KEY_BYTES];
	int64_t made_at_s; /* Unix seconds */
};

/* Keys 1, 2, ... each in slot number % SEAL_SLOTS. A key that was published never changes while it can be asked for:
 * its slot is used again SEAL_SLOTS keys later, and SEAL_KEPT are looked at. Zeroed: no key, nothing can be sealed. */
struct seal_ring {
	atomic_uint_fast32_t newest; /* 0: none */
	struct seal_key at[SEAL_SLOTS];
};

/* seal_ring_add - publishes key number, the one after the newest, or any for the first. thread: one at a time,
 * beside any number that seal and open */
void seal_ring_add(struct seal_ring *ring, uint32_t number, const struct seal_key *key);
/* seal_ring_key - a key that still opens boxes, or NULL. */
const struct seal_key *seal_ring_key(const struct seal_ring *ring, uint32_t number);
/* seal_ring_fini - wipes the keys. */
void seal_ring_fini(struct seal_ring *ring);

/* seal_close - puts text into a box.
 *
 * in      about: what the box is bound to; it opens only with the same. Begins with a word for its purpose
 * out     ret: text.n + SEAL_OVERHEAD bytes
 * returns false when there is no key, or OpenSSL or the kernel's generator fails
 * thread  any
 */
MUST_CHECK bool seal_close(const struct seal_ring *ring, struct sv about, struct sv text,
                           uint8_t *ret);

/* seal_open - takes the text out of a box.
 *
 * in      box: any bytes
 * out     ret: box.n - SEAL_OVERHEAD bytes, wiped on false
 * returns false when it is no box of ours, or about something else
 * thread  any
 */
MUST_CHECK bool seal_open(const struct seal_ring *ring, struct sv about, struct sv box,
                          uint8_t *ret);

#endif
