/* Small words used everywhere: element counts, result checking, release at scope end. */
#ifndef CORE_MACROS_H
#define CORE_MACROS_H

#include <stddef.h>

#define ARRAY_LEN(a)      (sizeof(a) / sizeof((a)[0]))
#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define UNUSED            __attribute__((unused))

/* Runs fn(&variable) when the variable leaves its scope; fn accepts a variable that is still zero.
 */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Hands a pointer over: the value of p, and p is NULL from here on, so that its CLEANUP does
 * nothing. */
#define TAKE(p)                                   \
	({                                        \
		__typeof__(p) *take_at_ = &(p);   \
		__typeof__(p) taken_ = *take_at_; \
		*take_at_ = NULL;                 \
		taken_;                           \
	})

#define MAX_OF(a, b)                               \
	({                                         \
		__typeof__(a) max_a_ = (a);        \
		__typeof__(b) max_b_ = (b);        \
		max_a_ > max_b_ ? max_a_ : max_b_; \
	})

#define MIN_OF(a, b)                               \
	({                                         \
		__typeof__(a) min_a_ = (a);        \
		__typeof__(b) min_b_ = (b);        \
		min_a_ < min_b_ ? min_a_ : min_b_; \
	})

#endif
