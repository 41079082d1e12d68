#ifndef CORE_COUNTER_H
#define CORE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

/* counter_add - thread: the counter's one writer; any may read */
static inline void counter_add(atomic_uint_fast64_t *counter, uint64_t n)
{
	/* one writer: a load and a store are enough, and cost no bus lock */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
	                      memory_order_relaxed);
}

#endif
