/* Why a recorded decision is what it is: judged once more from what the book keeps, by the policy set of then. */
#ifndef POLICY_RETRACE_H
#define POLICY_RETRACE_H

#include "core/macros.h"

#include <jansson.h>

struct arena;
struct audit_record;
struct policy;

/* policy_retrace - in: policy: of the version that the record names; record: of a request or a connection
 *
 * returns an owned object: {class, text, not_recorded, trace}: class and text as of replay.h, whether what is kept
 * suffices to come to the same; not_recorded: what is not kept and could matter, in words; trace: authz/trace.h's, where
 * what is not kept counts against the caller, null where policies did not decide. NULL: no memory
 */
MUST_CHECK json_t *policy_retrace(const struct policy *policy, const struct audit_record *record,
                                  struct arena *arena);

#endif
