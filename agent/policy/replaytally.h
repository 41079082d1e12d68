/* What a replay has found so far: counts, groups and the changed decisions themselves, with a bound on each. */
#ifndef POLICY_REPLAYTALLY_H
#define POLICY_REPLAYTALLY_H

#include "core/macros.h"
#include "policy/replay.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct audit_row;

enum {
	REPLAY_NAMES_MAX = 5000,  /* of one group; what comes later is counted under "" */
	REPLAY_GROUP_ROWS = 100,  /* of one group that are told: those with most changes */
	REPLAY_CHANGES_MAX = 500, /* changed decisions that are told one by one, the newest */
};

struct replay_tally {
	uint64_t counts[REPLAY_CLASS_COUNT];
	bool hides_people;  /* no users, workloads and addresses in what is told */
	bool out_of_memory; /* something could not be kept: the tally is not to be believed */
	json_t *by_policy, *by_service, *by_user; /* name -> counts of changes, by class */
	json_t *reasons;                          /* why of cannot_tell and not_judged -> count */
	json_t *changes;
};

/* replay_tally_init - errors: false: no memory. Give it back with replay_tally_fini() in any case. */
MUST_CHECK bool replay_tally_init(bool hides_people, struct replay_tally *ret);
void replay_tally_fini(struct replay_tally *tally);

/* replay_tally_add - count one decision. in: row, result: of replay_judge() for its record */
void replay_tally_add(struct replay_tally *tally, const struct audit_row *row,
                      const struct replay_result *result);

/* replay_tally_counts - {considered, unchanged, newly_denied, ...}, owned; NULL: no memory */
MUST_CHECK json_t *replay_tally_counts(const struct replay_tally *tally);

/* replay_tally_json - {counts, policies, services, users, reasons, changes}, owned; NULL: no memory.
 * users is null where people are hidden. */
MUST_CHECK json_t *replay_tally_json(const struct replay_tally *tally);

#endif
