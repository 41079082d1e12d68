/* Secrets: compared in constant time, wiped after use, never printed. */
#ifndef CORE_SECRET_H
#define CORE_SECRET_H

#include "core/sv.h"

/* secret_equal - equal lengths and bytes, in time that depends on the lengths only. */
bool secret_equal(struct sv a, struct sv b);
/* secret_wipe - overwrites memory in a way the compiler keeps. */
void secret_wipe(void *at, size_t n);
/* secret_random - n bytes from the kernel's generator. returns false when there are none: then
 * refuse. */
bool secret_random(void *at, size_t n) __attribute__((warn_unused_result));

#endif
