#ifndef AUTHZ_MATCH_H
#define AUTHZ_MATCH_H

#include "core/arena.h"
#include "core/macros.h"
#include "core/netaddr.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Istio's string match: "abc" exact, "abc*" prefix, "*abc" suffix, "*" any value that is not empty.
 */
enum authz_match_kind {
	AUTHZ_MATCH_NEVER = 0,
	AUTHZ_MATCH_EXACT,
	AUTHZ_MATCH_PREFIX,
	AUTHZ_MATCH_SUFFIX,
	AUTHZ_MATCH_PRESENT,
};

struct authz_match {
	enum authz_match_kind kind;
	struct sv text;    /* without the '*'; borrowed from the compiled set's arena */
	struct sv pattern; /* as the author wrote it: for explanations */
};

/* A list of string matches of which one has to hold. Exact ones are sorted and found by bisection,
 * so a list of thousands of principals costs a dozen comparisons. */
struct authz_match_set {
	const struct authz_match *exact;
	size_t n_exact;
	const struct authz_match *wild;
	size_t n_wild;
	bool folds_case; /* ASCII letters are equal in both cases: host names */
};

/* authz_match_parse - one pattern.
 *
 * out     *ret on true; *ret_why, a static text, on false
 * errors  false: empty, or '*' anywhere but first or last
 */
MUST_CHECK bool authz_match_parse(struct sv pattern, struct authz_match *ret, const char **ret_why);

bool authz_match_holds(const struct authz_match *match, struct sv value, bool folds_case);

/* authz_match_set_build - order the matches for look-up.
 *
 * in      matches: copied into keep
 * errors  false: keep is full
 */
MUST_CHECK bool authz_match_set_build(const struct authz_match *matches, size_t n, bool folds_case,
                                      struct arena *keep, struct authz_match_set *ret);

static inline bool authz_match_set_is_empty(const struct authz_match_set *set)
{
	return set->n_exact + set->n_wild == 0;
}

/* authz_match_set_holds - does one of them match? Returns it, or NULL. */
const struct authz_match *authz_match_set_holds(const struct authz_match_set *set, struct sv value);

/* authz_match_set_asks_presence - does the list hold "*"? Its negation asks for absence. */
bool authz_match_set_asks_presence(const struct authz_match_set *set);

/* authz_host_normalise - a Host header as patterns see it: without port and without one trailing
 * dot.
 *
 * out     *ret: a view of host; letters keep their case, sets of hosts fold it
 * errors  false: bytes no host name or address has (escapes too: nobody needs them, and a service might
 *         decode them), two dots at the end
 */
MUST_CHECK bool authz_host_normalise(struct sv host, struct sv *ret);

/* One address list of which one block has to hold the address. */
struct authz_block_set {
	const struct netblock *at;
	size_t n;
};

bool authz_block_set_holds(const struct authz_block_set *set, const struct netaddr *address);

#endif
