/* Replays that people asked for: one at a time on a thread of its own, the last few with their reports kept in
 * memory. They end with the process. */
#ifndef ADMIN_REPLAYS_H
#define ADMIN_REPLAYS_H

#include "audit/query.h"
#include "core/eventid.h"
#include "core/macros.h"
#include "policy/replayrun.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct audit_store;
struct policy;
struct replays;

enum { REPLAYS_KEPT = 8, REPLAY_AUTHOR_BYTES = 65 };

enum replay_state {
	REPLAY_WAITING = 0,
	REPLAY_RUNNING,
	REPLAY_DONE,
	REPLAY_CANCELLED,
	REPLAY_FAILED,
	REPLAY_STATE_COUNT
};
extern const char *const replay_state_names[REPLAY_STATE_COUNT];

/* What is asked for, and as what it is told again. */
struct replay_wish {
	struct policy *policy;         /* taken over when replays_add() says 0 */
	struct replay_options options; /* its texts are copied */
	char author[REPLAY_AUTHOR_BYTES];
	uint64_t version; /* of the history; 0: a text that is not published */
};

/* One of them as it stands; a copy. */
struct replay_shown {
	char id[EVENT_ID_TEXT_BYTES + 1];
	enum replay_state state;
	char author[REPLAY_AUTHOR_BYTES];
	uint64_t version;
	char digest[2 * SHA256_BYTES + 1]; /* of the policy set's text */
	int64_t asked_at_us, ended_at_us;  /* 0: not yet */
	struct replay_progress progress;
	struct replay_options options; /* its texts are in `filter` */
	char *filter;                  /* owned */
	json_t *report;                /* owned; of REPLAY_DONE, else NULL */
};
void replay_shown_fini(struct replay_shown *shown);

/* replays_start - in: store: borrowed until replays_stop(). errors: 0 or -errno */
MUST_CHECK int replays_start(struct audit_store *store, struct replays **ret);
/* replays_stop - cancels all, joins, frees. NULL is allowed. */
void replays_stop(struct replays *replays);

/* replays_add - out: ret_id; error: on -EINVAL
 *
 * errors  0; -EINVAL the query is wrong; -EBUSY as many wait as may; -ENOMEM, -EIO
 * thread  any; likewise below
 */
MUST_CHECK int replays_add(struct replays *replays, const struct replay_wish *wish,
                           struct audit_query_error *error, char ret_id[EVENT_ID_TEXT_BYTES + 1]);

/* replays_show - errors: 0, -ENOENT, -ENOMEM */
MUST_CHECK int replays_show(struct replays *replays, struct sv id, struct replay_shown *ret);

/* replays_ids - the ids of those that are kept, the newest first; returns how many. */
size_t replays_ids(struct replays *replays, char ret[REPLAYS_KEPT][EVENT_ID_TEXT_BYTES + 1]);

/* replays_cancel - ends it, or forgets it when it had ended. errors: 0, -ENOENT */
MUST_CHECK int replays_cancel(struct replays *replays, struct sv id);

#endif
