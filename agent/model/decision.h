/* What is answered to HAProxy and written into the audit trail. */
#ifndef MODEL_DECISION_H
#define MODEL_DECISION_H

#include "core/eventid.h"
#include "model/identity.h"
#include "model/verdict.h"

struct decision {
	struct identity identity;
	struct verdict verdict;
	struct event_id event;
	struct sv
		token; /* for the service, where it asks for one; a secret, in no record and no log */
	uint64_t policy_version; /* of the policy set that judged */
	int64_t at_us;           /* wall clock at arrival, microseconds since 1970 */
	uint32_t took_ns;        /* from the decoded request to the verdict */
};

#endif
