/* Time: the wall clock for people and tokens, the monotonic one for durations and timers. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include "core/sv.h"

#include <stdint.h>

enum { CLOCK_TEXT_BYTES = 28 }; /* "2026-11-23T15:04:05.123456Z" and a terminator */

/* clock_real_us - microseconds since 1970 UTC; may step. */
int64_t clock_real_us(void);
/* clock_mono_ns - nanoseconds since some start; never steps back. */
uint64_t clock_mono_ns(void);
/* clock_format - RFC 3339 in UTC with microseconds, terminated. returns the view of text. */
struct sv clock_format(int64_t real_us, char text[CLOCK_TEXT_BYTES]);
/* clock_parse - RFC 3339 with any offset, or "2026-11-23" (midnight UTC). returns false when it is
 * none. */
bool clock_parse(struct sv text, int64_t *ret_us) __attribute__((warn_unused_result));

#endif
