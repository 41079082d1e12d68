#include "core/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__has_feature) /* clang says it this way, gcc by the macro */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(at, n)   ASAN_POISON_MEMORY_REGION(at, n)
#define UNPOISON(at, n) ASAN_UNPOISON_MEMORY_REGION(at, n)
#else
#define POISON(at, n)   ((void)(at), (void)(n))
#define UNPOISON(at, n) ((void)(at), (void)(n))
#endif

enum { ALIGN = 16 };

int arena_init(struct arena *a, size_t max_bytes)
{
	*a = (struct arena){.memory = malloc(max_bytes), .max = max_bytes};
	if (!a->memory)
		return -ENOMEM;
	POISON(a->memory, a->max);
	return 0;
}

void arena_fini(struct arena *a)
{
	if (!a || !a->memory)
		return;
	UNPOISON(a->memory, a->max);
	free(a->memory);
	*a = (struct arena){0};
}

void *arena_alloc(struct arena *a, size_t n)
{
	size_t at = (a->n + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
	if (at > a->max || n > a->max - at)
		return NULL;
	a->n = at + n;
	UNPOISON(a->memory + at, n);
	memset(a->memory + at, 0, n);
	return a->memory + at;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t n;
	if (__builtin_mul_overflow(count, size, &n))
		return NULL;
	return arena_alloc(a, n);
}

bool arena_dup(struct arena *a, struct sv bytes, struct sv *ret)
{
	char *copy = arena_alloc(a, bytes.n);
	if (!copy)
		return false;
	if (bytes.n)
		memcpy(copy, bytes.at, bytes.n);
	*ret = (struct sv){copy, bytes.n};
	return true;
}

struct sv arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *text = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
	if (!text)
		return (struct sv){0};
	va_start(args, format);
	n = vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return (struct sv){text, n < 0 ? 0 : (size_t)n};
}

void arena_reset(struct arena *a)
{
	POISON(a->memory, a->n);
	a->n = 0;
}
