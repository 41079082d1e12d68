#ifndef STATE_REVOCATIONS_H
#define STATE_REVOCATIONS_H

#include "core/macros.h"
#include "core/sv.h"
#include "model/revocation.h"

#include <stddef.h>
#include <stdint.h>

struct state;

/* What a revocation may hold, bytes; and how many there may be: their table takes 64 bytes each. */
#define REVOCATION_ISSUER_MAX 2048
#define REVOCATION_NAME_MAX   2048
#define REVOCATION_REASON_MAX 500
#define REVOCATION_AUTHOR_MAX 64
#define REVOCATIONS_MAX       1000000
#define REVOCATION_REVISION   "revision-revocations" /* for state_revision() */

/* How long one holds when nobody said: longer than an issuer's maxLifetime may let a token live; and at most. */
#define REVOCATION_USUAL_S (INT64_C(366) * 86400)
#define REVOCATION_MAX_S   (INT64_C(3660) * 86400)

/* One revocation as it is kept. Numbers rise and are never given twice. */
struct state_revocation {
	uint64_t number;
	struct revocation what;
	struct sv reason; /* for people; may be empty */
	struct sv author;
	int64_t at_us;
};

/* state_revocation_check - what is wrong with one that somebody wants to add; NULL: nothing.
 * in      number and author are not looked at; now_s: Unix seconds. lifetime: static */
const char *state_revocation_check(const struct state_revocation *revocation, int64_t now_s);

/* state_revocation_add - takes the place of an earlier one for the same, and is never weaker: the later moment
 * and the later end hold.
 *
 * in      revocation: its number is not looked at
 * out     ret_number: its number
 * errors  0, -EINVAL outside its limits, -ENOSPC there are REVOCATIONS_MAX, or a negative errno
 */
MUST_CHECK int state_revocation_add(struct state *state, const struct state_revocation *revocation,
                                    uint64_t *ret_number);

/* A revocation met on a walk: views are valid until visit returns. returns 0 to go on; anything else ends the
 * walk and is returned. Must not call into state. */
typedef int state_revocation_visit(void *user, const struct state_revocation *revocation);

/* state_revocation_get - visits the one with that number. errors: 0, -ENOENT, visit's, or a negative errno */
MUST_CHECK int state_revocation_get(const struct state *state, uint64_t number,
                                    state_revocation_visit *visit, void *user);

/* state_revocation_remove - what it revoked is believed again. errors: 0, -ENOENT, or a negative errno */
MUST_CHECK int state_revocation_remove(struct state *state, uint64_t number);

/* state_revocation_list - visits those with number < before (0: all), newest first, at most limit. */
MUST_CHECK int state_revocation_list(const struct state *state, uint64_t before, size_t limit,
                                     state_revocation_visit *visit, void *user);

MUST_CHECK int state_revocation_count(const struct state *state, size_t *ret);

/* state_revocation_expire - forgets those that do not count any more. out: ret_n: how many they were */
MUST_CHECK int state_revocation_expire(struct state *state, int64_t now_s, size_t *ret_n);

#endif
