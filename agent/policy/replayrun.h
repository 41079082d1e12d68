/* A replay of the book: its decisions, the newest first, judged by another policy set, page by page.
 *
 * Between two pages nothing of the book is held, so that old pages do not pile up and the agent's writer never
 * waits. What is told of changes is bounded (replaytally.h); the counts are exact.
 */
#ifndef POLICY_REPLAYRUN_H
#define POLICY_REPLAYRUN_H

#include "audit/query.h"
#include "core/macros.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct audit_store;
struct policy;
struct replay_run;

enum { REPLAY_ROWS_MAX = 1000000 };

struct replay_options {
	struct sv filter; /* as in audit_query_options; only decisions are looked at */
	uint64_t from_us, to_us;
	uint64_t max_rows; /* decisions; 0 is REPLAY_ROWS_MAX */
	bool hides_people; /* no users, workloads and addresses in the report */
};

/* replay_run_open - in: store, policy: borrowed until replay_run_close()
 *
 * out     *ret, owned; error: filled on -EINVAL
 * errors  as audit_query_open()
 * thread  one at a time
 */
MUST_CHECK int replay_run_open(struct audit_store *store, const struct policy *policy,
                               const struct replay_options *options,
                               struct audit_query_error *error, struct replay_run **ret);
void replay_run_close(struct replay_run *run);

/* replay_run_step - judge a page. returns 1: there is more; 0: done; -errno: the book could not be read, or
 * memory is out */
MUST_CHECK int replay_run_step(struct replay_run *run);

/* How far it has come. at_us: time of the last decision looked at; 0: none yet */
struct replay_progress {
	uint64_t n_rows, at_us;
	bool is_capped; /* max_rows was reached before the range was */
};
void replay_run_progress(const struct replay_run *run, struct replay_progress *ret);

/* replay_run_report - as replay_tally_json(), and `capped`, `oldest` and `newest` (times of the decisions that were
 * looked at, or null). Owned; NULL: no memory */
MUST_CHECK json_t *replay_run_report(const struct replay_run *run);

#endif
