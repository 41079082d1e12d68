/* Texts kept once each, one after the other, with two octets of their length before each.
 *
 * Filled by one thread, then sealed; after that immutable, for any number of readers.
 */
#ifndef AUTHZ_TEXTPOOL_H
#define AUTHZ_TEXTPOOL_H

#include "core/hash.h"
#include "core/macros.h"
#include "core/sv.h"

#include <stddef.h>
#include <stdint.h>

struct textpool {
	struct hash_key key; /* set first */
	char *bytes;
	size_t n, room;
	uint32_t *slots; /* where a text is; while it is filled */
	size_t n_texts, n_slots;
};

void textpool_fini(struct textpool *pool);

/* textpool_intern - where the text is, copied if it was not there. in: at most 65535 octets. errors: 0: no memory, or the
 * pool has 4 GiB */
MUST_CHECK uint32_t textpool_intern(struct textpool *pool, struct sv text);
/* textpool_seal - gives back what only textpool_intern() needs. */
void textpool_seal(struct textpool *pool);

struct sv textpool_text(const struct textpool *pool, uint32_t at);
size_t textpool_bytes(const struct textpool *pool);

#endif
