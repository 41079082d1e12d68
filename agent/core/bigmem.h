#ifndef CORE_BIGMEM_H
#define CORE_BIGMEM_H

#include "core/macros.h"

#include <stdbool.h>
#include <stddef.h>

/* Memory for a large table that is read at random: on huge pages where the kernel gives them to who asks (madvise(2)),
 * since otherwise most reads wait for the page table first. */

/* bigmem_new - zeroed. returns NULL: no memory. Freed with free(). */
MUST_CHECK void *bigmem_new(size_t n_bytes);

/* bigmem_grow - the array *at, n elements of that size, has room for as many as wanted, and some more. errors: false: no
 * memory, nothing is changed */
MUST_CHECK bool bigmem_grow(void *at, size_t *room, size_t n, size_t wanted, size_t size);
/* bigmem_shrink - it has room for n. Where memory is out, it stays as it is. */
void bigmem_shrink(void *at, size_t *room, size_t n, size_t size);

#endif
