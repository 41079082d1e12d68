/* Memory of one request: taken piece by piece, given back all at once, with a ceiling.
 * Unused bytes are poisoned under AddressSanitizer, so that an overrun inside the arena is seen
 * too.
 */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdint.h>

struct arena {
	uint8_t *memory;
	size_t n;
	size_t max;
};

/* arena_init - takes max bytes from the heap. errors: 0 or -ENOMEM. thread: one at a time. */
MUST_CHECK int arena_init(struct arena *a, size_t max_bytes);
void arena_fini(struct arena *a);

/* arena_alloc - zeroed memory, 16-byte aligned, valid until the next reset; NULL when the ceiling
 * is reached. */
MUST_CHECK void *arena_alloc(struct arena *a, size_t n);

/* arena_array - zeroed room for count elements of size bytes; NULL past the ceiling or on overflow.
 */
MUST_CHECK void *arena_array(struct arena *a, size_t count, size_t size);

/* arena_dup - a copy of the bytes in the arena; ret->at is NULL only when the ceiling is reached.
 */
MUST_CHECK bool arena_dup(struct arena *a, struct sv bytes, struct sv *ret);

/* arena_printf - formatted text in the arena; an empty view when it does not fit. */
struct sv arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);

/* arena_reset - everything handed out so far is gone. */
void arena_reset(struct arena *a);

#endif
