/* Time zones: fixed offsets, and those of the system's zoneinfo (RFC 8536). glibc's own functions are not for
 * threads. Internal to cel/. */
#ifndef AUTHZ_CEL_ZONE_H
#define AUTHZ_CEL_ZONE_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stdint.h>

struct cel_zone;

/* cel_zone_load - "UTC", "+02:00", "02:00", "Europe/Berlin".
 *
 * out     *ret, owned, freed with cel_zone_free(); *why: a static text, on false
 */
MUST_CHECK bool cel_zone_load(struct sv name, struct cel_zone **ret, const char **why);
/* cel_zone_read - the same from the bytes of a file of zoneinfo, which may be hostile. */
MUST_CHECK bool cel_zone_read(struct sv bytes, struct cel_zone **ret);
void cel_zone_free(struct cel_zone *zone);

/* cel_zone_offset - seconds east of UTC at that time. */
int32_t cel_zone_offset(const struct cel_zone *zone, int64_t unix_s);

#endif
