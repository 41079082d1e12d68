/* What a policy set would have said of a request that was decided before, by what the book keeps of it.
 *
 * The book keeps no claims, no header fields and no audiences. A condition that looks at them is judged both ways,
 * for the caller and against; and a service is taken as named by HAProxy and as found by host and path, since the
 * book does not say which. Where these differ in what matters, the answer is REPLAY_CANNOT_TELL, never a guess.
 * Nothing is counted, written or asked of anybody.
 */
#ifndef POLICY_REPLAY_H
#define POLICY_REPLAY_H

#include "core/macros.h"
#include "core/sv.h"
#include "model/verdict.h"

#include <stdbool.h>

struct arena;
struct audit_record;
struct policy;

enum replay_class {
	REPLAY_CANNOT_TELL = 0,
	REPLAY_UNCHANGED,
	REPLAY_NEWLY_DENIED,
	REPLAY_NEWLY_ALLOWED,
	REPLAY_OTHER_CHANGE, /* refused before and after, in another way: 401 instead of 403 */
	REPLAY_NOT_JUDGED, /* the verdict was not made by policies: a bad credential, a limit, a full journal */
	REPLAY_CLASS_COUNT,
};
extern const char *const replay_class_names[REPLAY_CLASS_COUNT]; /* cannot_tell, unchanged, ... */

struct replay_result {
	enum replay_class class;
	struct verdict
		now; /* of NEWLY_DENIED, NEWLY_ALLOWED, OTHER_CHANGE and UNCHANGED; views as below */
	const char *why; /* of CANNOT_TELL and NOT_JUDGED: a static text; else NULL */
};

/* replay_judge - in: record: a decision of the book, of kind AUDIT_REQUEST or AUDIT_CONNECTION.
 *
 * out     *ret; its views are of policy, record and arena
 * thread  any, with an arena of its own
 */
void replay_judge(const struct policy *policy, const struct audit_record *record,
                  struct arena *arena, struct replay_result *ret);

#endif
