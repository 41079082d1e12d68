#include "core/bigmem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

enum { FIRST_ROOM = 64 };

void *bigmem_new(size_t n_bytes)
{
	void *at = NULL;
	if (n_bytes < HUGE_PAGE)
		return calloc(1, n_bytes ? n_bytes : 1);
	if (posix_memalign(&at, HUGE_PAGE, n_bytes) != 0)
		return NULL;
	/* refused: small pages, which are as right; so is what is left at the end */
	(void)madvise(at, n_bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
	memset(at, 0, n_bytes);
	return at;
}

static bool resize(void *at, size_t *room, size_t n, size_t wanted, size_t size)
{
	void **array = at;
	if (wanted == *room)
		return true;
	void *fresh = wanted <= SIZE_MAX / size ? bigmem_new(wanted * size) : NULL;
	if (!fresh)
		return false;
	if (n > 0)
		memcpy(fresh, *array, n * size);
	free(*array);
	*array = fresh;
	*room = wanted;
	return true;
}

bool bigmem_grow(void *at, size_t *room, size_t n, size_t wanted, size_t size)
{
	size_t more = *room ? *room : FIRST_ROOM;
	while (more < wanted)
		more += more / 2;
	return *room >= wanted || resize(at, room, n, more, size);
}

void bigmem_shrink(void *at, size_t *room, size_t n, size_t size)
{
	if (n > 0)
		(void)resize(at, room, n, n, size);
}
