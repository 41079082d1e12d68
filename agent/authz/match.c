#include "authz/match.h"

#include <stdlib.h>
#include <string.h>

bool authz_match_parse(struct sv pattern, struct authz_match *ret, const char **ret_why)
{
	if (pattern.n == 0) {
		*ret_why = "an empty string matches nothing; use \"*\" for any value";
		return false;
	}
	struct authz_match match = {.kind = AUTHZ_MATCH_EXACT, .text = pattern, .pattern = pattern};
	if (pattern.n == 1 && pattern.at[0] == '*') {
		match.kind = AUTHZ_MATCH_PRESENT;
		match.text.n = 0;
	} else if (pattern.at[0] == '*') {
		match.kind = AUTHZ_MATCH_SUFFIX;
		match.text = (struct sv){pattern.at + 1, pattern.n - 1};
	} else if (pattern.at[pattern.n - 1] == '*') {
		match.kind = AUTHZ_MATCH_PREFIX;
		match.text.n--;
	}
	if (match.text.n > 0 && memchr(match.text.at, '*', match.text.n)) {
		*ret_why = "'*' may stand only as the first or the last character";
		return false;
	}
	*ret = match;
	return true;
}

static bool equal(struct sv a, struct sv b, bool folds_case)
{
	return folds_case ? sv_eq_ci(a, b) : sv_eq(a, b);
}

bool authz_match_holds(const struct authz_match *match, struct sv value, bool folds_case)
{
	size_t n = match->text.n;

	switch (match->kind) {
	case AUTHZ_MATCH_EXACT:
		return equal(match->text, value, folds_case);
	case AUTHZ_MATCH_PREFIX:
		return value.n >= n && equal(match->text, (struct sv){value.at, n}, folds_case);
	case AUTHZ_MATCH_SUFFIX:
		return value.n >= n &&
		       equal(match->text, (struct sv){value.at + value.n - n, n}, folds_case);
	case AUTHZ_MATCH_PRESENT:
		return value.n > 0;
	case AUTHZ_MATCH_NEVER:
		break;
	}
	return false;
}

/* By length first: most comparisons end there. */
static int order(struct sv a, struct sv b, bool folds_case)
{
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	if (!folds_case)
		return a.n ? memcmp(a.at, b.at, a.n) : 0;
	for (size_t i = 0; i < a.n; i++) {
		int difference = sv_lower_char(a.at[i]) - sv_lower_char(b.at[i]);
		if (difference)
			return difference;
	}
	return 0;
}

static int order_exact(const void *a, const void *b)
{
	const struct authz_match *left = a;
	const struct authz_match *right = b;
	return order(left->text, right->text, false);
}

static int order_folded(const void *a, const void *b)
{
	const struct authz_match *left = a;
	const struct authz_match *right = b;
	return order(left->text, right->text, true);
}

bool authz_match_set_build(const struct authz_match *matches, size_t n, bool folds_case,
                           struct arena *keep, struct authz_match_set *ret)
{
	*ret = (struct authz_match_set){.folds_case = folds_case};
	if (n == 0)
		return true;
	struct authz_match *sorted = arena_array(keep, n, sizeof(*sorted));
	if (!sorted)
		return false;

	size_t n_exact = 0;
	size_t n_wild = 0;
	for (size_t i = 0; i < n; i++) {
		if (matches[i].kind == AUTHZ_MATCH_EXACT)
			sorted[n_exact++] = matches[i];
		else
			sorted[n - ++n_wild] = matches[i];
	}
	qsort(sorted, n_exact, sizeof(*sorted), folds_case ? order_folded : order_exact);
	ret->exact = sorted;
	ret->n_exact = n_exact;
	ret->wild = sorted + n_exact;
	ret->n_wild = n_wild;
	return true;
}

static const struct authz_match *find_exact(const struct authz_match_set *set, struct sv value)
{
	size_t low = 0;
	size_t high = set->n_exact;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int difference = order(set->exact[middle].text, value, set->folds_case);
		if (difference == 0)
			return &set->exact[middle];
		if (difference < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct authz_match *authz_match_set_holds(const struct authz_match_set *set, struct sv value)
{
	const struct authz_match *exact = find_exact(set, value);
	if (exact)
		return exact;
	for (size_t i = 0; i < set->n_wild; i++) {
		if (authz_match_holds(&set->wild[i], value, set->folds_case))
			return &set->wild[i];
	}
	return NULL;
}

bool authz_match_set_asks_presence(const struct authz_match_set *set)
{
	for (size_t i = 0; i < set->n_wild; i++) {
		if (set->wild[i].kind == AUTHZ_MATCH_PRESENT)
			return true;
	}
	return false;
}

static bool is_host_byte(char c)
{
	static const char others[] = "-._~!$&'()*+;=:[]";

	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return true;
	return c != 0 && strchr(others, c);
}

static bool is_port(struct sv text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
	}
	return true;
}

/* Where the port's ':' is, or n: the last ':' outside brackets. */
static size_t find_port(struct sv host)
{
	for (size_t i = host.n; i > 0; i--) {
		if (host.at[i - 1] == ']')
			break;
		if (host.at[i - 1] == ':')
			return i - 1;
	}
	return host.n;
}

bool authz_host_normalise(struct sv host, struct sv *ret)
{
	for (size_t i = 0; i < host.n; i++) {
		if (!is_host_byte(host.at[i]))
			return false;
	}
	size_t n = find_port(host);
	if (n < host.n && !is_port((struct sv){host.at + n + 1, host.n - n - 1}))
		return false;
	if (n > 1 && host.at[n - 1] == '.')
		n--;
	if (n == 0 || host.at[n - 1] == '.')
		return false;
	*ret = (struct sv){host.at, n};
	return true;
}

bool authz_block_set_holds(const struct authz_block_set *set, const struct netaddr *address)
{
	for (size_t i = 0; i < set->n; i++) {
		if (netblock_has(&set->at[i], address))
			return true;
	}
	return false;
}
