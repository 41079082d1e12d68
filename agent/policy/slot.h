/* The policy set in force: published whole, looked at by every worker once a turn without a lock. */
#ifndef POLICY_SLOT_H
#define POLICY_SLOT_H

#include "core/macros.h"

#include <stdbool.h>

struct policy;
struct policy_hits;
struct policy_slot;

/* policy_slot_new - an empty slot; NULL when memory is out. */
MUST_CHECK struct policy_slot *policy_slot_new(void);
/* policy_slot_free - after the last worker has stopped. */
void policy_slot_free(struct policy_slot *slot);

/* policy_slot_hits - how often the policies that were published have decided; lives as long as the slot. */
struct policy_hits *policy_slot_hits(const struct policy_slot *slot);

/* policy_slot_publish - puts policy in force and takes the caller's reference. thread: any */
void policy_slot_publish(struct policy_slot *slot, struct policy *policy);

/* policy_slot_publish_newer - the same unless one of a version as new is in force already; takes the
 * reference in either case.
 *
 * returns whether it is in force now
 * thread  any
 */
bool policy_slot_publish_newer(struct policy_slot *slot, struct policy *policy);

/* policy_slot_get - a reference to what is in force, NULL before the first publish. thread: any */
MUST_CHECK struct policy *policy_slot_get(struct policy_slot *slot);

/* policy_slot_refresh - what is in force, for a worker. Costs one relaxed load when nothing changed.
 *
 * in      mine: what the worker holds, or NULL
 * returns mine when that is still it; else mine is given back and this is a new reference
 * thread  any
 */
MUST_CHECK struct policy *policy_slot_refresh(struct policy_slot *slot, struct policy *mine);

#endif
