#ifndef ADMIN_MASK_H
#define ADMIN_MASK_H

#include "audit/query.h"
#include "core/limits.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stdint.h>

/* Room for what a masked row's views point at. */
struct mask_room {
	char user[32];
	char client[32];
	uint8_t why[AUDIT_RECORD_MAX];
};

/* mask_row - what a viewer may see of a row: people become pseudonyms that stay the same for the same
 * person, addresses become networks (/24, /48); query string, user agent, subject and the compared
 * values are left out.
 *
 * in      key: STATE_MASK_KEY_BYTES; row
 * out     *ret, its views into row and room; room outlives it
 * returns false when OpenSSL fails: then show nothing
 */
MUST_CHECK bool mask_row(const uint8_t *key, const struct audit_row *row, struct mask_room *room,
                         struct audit_row *ret);

/* mask_filter_ok - may a viewer ask this? Terms on people and addresses would tell who is who.
 *
 * in      filter: in its normal form, audit_query_text(), of a text without control bytes:
 *         target_parse() lets none through
 */
bool mask_filter_ok(struct sv filter);

#endif
