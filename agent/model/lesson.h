/* The answer of a service to an allowed request, as HAProxy tells it in haward-learn. */
#ifndef MODEL_LESSON_H
#define MODEL_LESSON_H

#include "core/eventid.h"
#include "core/sv.h"

#include <stdint.h>

/* Views: valid during the call. */
struct lesson {
	struct event_id event; /* of the decision; not set: HAProxy did not say */
	int64_t status;        /* of the answer; -1: unknown */
	struct sv learn;       /* the variable of that name, as it was set with the verdict */
	struct sv headers;     /* res.hdrs_bin */
};

#endif
