#ifndef ADMIN_PRECONDITION_H
#define ADMIN_PRECONDITION_H

#include "core/macros.h"
#include "state/draft.h"
#include "state/versions.h"

#include <stdbool.h>

struct call;

#define ETAG_BYTES 64

/* etag_of_version, etag_of_draft - strong, quotes included. A number or revision is part of it, so that going
 * back to an old text is a change like any other. */
void etag_of_version(const struct state_version *version, char ret[static ETAG_BYTES]);
void etag_of_draft(const struct state_draft *draft, char ret[static ETAG_BYTES]);

/* What stands there now, for the comparison and for the problem that tells of it. */
struct there {
	bool is_there;
	char etag[ETAG_BYTES];
	uint64_t version; /* 0: not shown */
	const char *author;
	int64_t at_us;
};

/* precondition_holds - If-Match names what is there, or If-None-Match: * and nothing is there.
 *
 * returns false: the reply is set, 428 or 412
 */
MUST_CHECK bool precondition_holds(struct call *call, const struct there *there);

/* precondition_lost - somebody was faster after the check: 412. */
void precondition_lost(struct call *call, const struct there *there);

#endif
