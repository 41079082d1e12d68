/* Times of rows: RFC 3339 in UTC with microseconds, cheap enough for exports. */
#ifndef AUDIT_TIMETEXT_H
#define AUDIT_TIMETEXT_H

#include "core/clock.h"
#include "core/sv.h"

#include <stdint.h>

/* audit_time_text - as clock_format(), without the C library's formatting. returns the view of room. */
struct sv audit_time_text(uint64_t at_us, char room[CLOCK_TEXT_BYTES]);

#endif
