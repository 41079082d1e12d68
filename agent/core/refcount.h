/* Shared ownership across threads. Starts at one; the last unref tells its caller to free. */
#ifndef CORE_REFCOUNT_H
#define CORE_REFCOUNT_H

#include <stdatomic.h>
#include <stdbool.h>

struct refcount {
	atomic_uint n;
};

static inline void refcount_init(struct refcount *r)
{
	atomic_init(&r->n, 1);
}

static inline void refcount_ref(struct refcount *r)
{
	atomic_fetch_add_explicit(&r->n, 1, memory_order_relaxed);
}

/* returns true to exactly one caller, after everybody's last use */
static inline bool refcount_unref(struct refcount *r)
{
	return atomic_fetch_sub_explicit(&r->n, 1, memory_order_acq_rel) == 1;
}

#endif
