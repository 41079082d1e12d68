/* Event ids: 48 bits of milliseconds, then 80 bits that nobody can guess, in the manner of ULID.
 * As text they are 26 characters of Crockford base32: they sort by time and fit a URL.
 */
#ifndef CORE_EVENTID_H
#define CORE_EVENTID_H

#include "core/limits.h"
#include "core/macros.h"
#include "core/sv.h"

#include <stdint.h>

struct event_id {
	uint8_t bytes[EVENT_ID_BYTES]; /* all zero: no id */
};

/* One thread's generator; ids of one generator rise strictly, also when the clock steps back. */
struct event_ids {
	struct event_id last;
	uint8_t pool[640]; /* random bytes not used yet, so that most ids cost no system call */
	size_t n_left;
};

/* event_id_next - a fresh id. errors: false when the kernel gives no random bytes; then refuse. */
MUST_CHECK bool event_id_next(struct event_ids *ids, int64_t real_us, struct event_id *ret);
/* event_id_text - the 26 characters and a terminator; returns their view. */
struct sv event_id_text(const struct event_id *id, char text[EVENT_ID_TEXT_BYTES + 1]);
/* event_id_parse - the reverse; either case, exactly 26 characters, nothing above 128 bits. */
MUST_CHECK bool event_id_parse(struct sv text, struct event_id *ret);
/* event_id_ms - the milliseconds since 1970 inside the id. */
uint64_t event_id_ms(const struct event_id *id);
/* event_id_is_set - whether it is not all zero. */
bool event_id_is_set(const struct event_id *id);

#endif
