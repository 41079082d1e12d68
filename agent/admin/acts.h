#ifndef ADMIN_ACTS_H
#define ADMIN_ACTS_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stdint.h>

struct call;

/* What was done, or tried. Empty parts are left out of the record. */
struct act {
	const char *action; /* "policy.publish"; object, dot, verb */
	struct sv target;
	const char *result; /* "ok", "denied", "failed" */
	const char *reason; /* stable code; NULL when all went well */
	struct sv before;
	struct sv after;
	struct sv detail;
	struct sv actor; /* when nobody is signed in yet; otherwise the caller */
	unsigned status; /* of the answer */
};

/* acts_ready - is there room to record what is about to be done? If not the reply is set: no audit, no
 * act. */
MUST_CHECK bool acts_ready(struct call *call);

/* acts_record - put the act into the admin journal.
 *
 * errors  0, or -ENOSPC: not recorded; logged and counted
 * thread  any: one at a time
 */
int acts_record(struct call *call, const struct act *act);

/* acts_in_force - what workers look things up in is as new as state/: of use after each act that changes that. Returns
 * when it is in force for all of them. */
void acts_in_force(const struct call *call);

#endif
