/* What two policy sets say differently, by the names of what is in them: not by lines.
 *
 * Order that does not matter is not a difference: of policies and roles, of rules, and of lists inside them. Nor is a
 * default that is written down. Of two services that fit a request equally well the first counts, so theirs is one. What a change of a policy does to what is granted is told where it is certain. */
#ifndef POLICY_DIFF_H
#define POLICY_DIFF_H

#include "core/macros.h"

#include <jansson.h>
#include <stdbool.h>

/* policy_diff - in: both: documents that were loaded, or could be
 *
 * returns a list, owned, NULL when memory is out; as DiffChange in schema/openapi.json: member, name, change, pointers
 *         from and to, effect, fields
 */
MUST_CHECK json_t *policy_diff(const json_t *from, const json_t *to);

/* ---- diff_effect.c ---- */

enum diff_effect {
	DIFF_EFFECT_UNSURE = 0,
	DIFF_EFFECT_NONE,     /* on what is granted */
	DIFF_EFFECT_WIDER,    /* no request that was granted is denied now */
	DIFF_EFFECT_NARROWER, /* no request that was denied is granted now */
	DIFF_EFFECT_COUNT,
};
extern const char *const diff_effect_names[DIFF_EFFECT_COUNT];

/* diff_effect_of_policy - of a change to this policy alone. in: old, now: NULL where there is none; sets: both
 * documents */
enum diff_effect diff_effect_of_policy(const json_t *old, const json_t *now,
                                       const json_t *const sets[2]);
/* diff_effect_of_default - of a defaultAction. NULL is DENY. */
enum diff_effect diff_effect_of_default(const json_t *old, const json_t *now);

/* ---- diff_match.c ---- */

/* diff_text - the same text for what means the same; owned, NULL when memory is out. in: ordered: whether lists are */
MUST_CHECK char *diff_text(const json_t *value, bool ordered);

/* A list against another: which elements have a partner. */
struct diff_pairs {
	json_t *only_old, *only_now; /* numbers, those without an equal one */
};

/* diff_pair - of two lists whose order does not matter. returns false when memory is out */
MUST_CHECK bool diff_pair(const json_t *old, const json_t *now, struct diff_pairs *ret);
void diff_pairs_fini(struct diff_pairs *pairs);

#endif
