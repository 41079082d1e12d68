/* A line of the book as the request it was: what the book keeps of it, and nothing more. */
#ifndef POLICY_RECORDED_H
#define POLICY_RECORDED_H

#include "core/macros.h"
#include "model/identity.h"
#include "model/request.h"

struct arena;
struct audit_record;
struct json_t;

struct recorded {
	struct request
		request; /* path in the form that was judged; no header fields, no query, no credential */
	struct identity who;   /* `recorded` is set */
	struct json_t *claims; /* of who; owned, see recorded_fini() */
};

/* recorded_read - in: a record of kind AUDIT_REQUEST or AUDIT_CONNECTION.
 *
 * out     *ret on true
 * errors  false: another kind, or the arena is full
 * lifetime  *ret views the record and the arena, until recorded_fini()
 */
MUST_CHECK bool recorded_read(const struct audit_record *record, struct arena *arena,
                              struct recorded *ret);
void recorded_fini(struct recorded *recorded);

#endif
