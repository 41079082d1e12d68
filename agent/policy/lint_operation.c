#include "core/jsonload.h"
#include "policy/lint_part.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- one pattern and another: only what is sure ---- */

static bool is_wild(struct sv pattern)
{
	return sv_find(pattern, '*') < pattern.n;
}

/* Does every text of `inner` fit `outer`, both as Istio writes them: exact, "*", "x*" or "*x"? */
static bool pattern_holds(struct sv outer, struct sv inner)
{
	if (sv_eq(outer, SVL("*")) || sv_eq(outer, inner))
		return true;
	if (!is_wild(outer))
		return false;
	bool is_prefix = outer.at[outer.n - 1] == '*';
	struct sv rest = is_prefix ? sv_first(outer, outer.n - 1) : sv_from(outer, 1);
	if (is_prefix)
		return sv_starts(inner, rest) && sv_find(inner, '*') >= rest.n;
	return inner.n >= rest.n && sv_eq(sv_from(inner, inner.n - rest.n), rest) &&
	       !is_wild(sv_from(inner, inner.n - rest.n));
}

/* The same of paths: "/a/{**}" has all that begins with "/a/". */
static bool path_holds(struct sv outer, struct sv inner)
{
	static const struct sv tail = SV("{**}");
	if (sv_eq(outer, inner))
		return true;
	if (outer.n < tail.n || !sv_eq(sv_from(outer, outer.n - tail.n), tail))
		return pattern_holds(outer, inner) && is_wild(outer) &&
		       sv_find(outer, '{') == outer.n;
	struct sv start = sv_first(outer, outer.n - tail.n);
	return sv_find(start, '{') == start.n && sv_starts(inner, start);
}

/* Could a host fit both? Unsure is yes. */
static bool hosts_meet(struct sv a, struct sv b)
{
	if (is_wild(a) && is_wild(b))
		return true;
	if (is_wild(a))
		return pattern_holds(a, b);
	return is_wild(b) ? pattern_holds(b, a) : sv_eq_ci(a, b);
}

/* ---- an operation that a DENY rule takes whole ---- */

typedef bool holds_fn(struct sv outer, struct sv inner);

static bool value_holds(const json_t *outer, const json_t *inner, holds_fn *holds)
{
	return json_equal(outer, inner) || (json_is_string(outer) && json_is_string(inner) &&
	                                    holds(json_string_sv(outer), json_string_sv(inner)));
}

static bool list_holds(const json_t *outer, const json_t *inner, holds_fn *holds)
{
	size_t i, k;
	json_t *a, *b;
	json_array_foreach(inner, i, b)
	{
		bool found = false;
		json_array_foreach(outer, k, a) found = found || value_holds(a, b, holds);
		if (!found)
			return false;
	}
	return json_array_size(inner) > 0;
}

static bool operation_holds(const json_t *outer, const json_t *inner)
{
	const char *name;
	json_t *list;
	json_object_foreach((json_t *)(uintptr_t)outer, name, list)
	{
		const json_t *other = json_object_get(inner, name);
		if (strncmp(name, "not", 3) == 0
		            ? !json_equal(list, other)
		            : !list_holds(list, other,
		                          strcmp(name, "paths") == 0 ? path_holds : pattern_holds))
			return false;
	}
	return true;
}

/* Whoever asks, and whenever: a rule that has nothing but `to`. */
static bool denies_operation(const json_t *policy, const json_t *operation)
{
	size_t i, k;
	json_t *rule, *to;
	json_array_foreach(json_object_get(policy, "rules"), i, rule)
	{
		if (json_object_size(rule) != 1)
			continue;
		json_array_foreach(json_object_get(rule, "to"), k,
		                   to) if (operation_holds(json_object_get(to, "operation"),
		                                           operation)) return true;
	}
	return false;
}

/* DENY policies are few, and looked through for each operation; of very many only so many are. */
enum { DENIES_MAX = 64 };

struct denies {
	const json_t *at[DENIES_MAX];
	size_t n;
};

static void find_denies(const struct linting *l, struct denies *ret)
{
	size_t i;
	json_t *policy;
	ret->n = 0;
	json_array_foreach(l->policies, i,
	                   policy) if (ret->n < DENIES_MAX && lint_has_action(policy, "DENY") &&
	                               lint_is_in_force(policy)) ret->at[ret->n++] = policy;
}

static void lint_denied(const struct linting *l, const struct denies *denies, const json_t *policy,
                        const json_t *operation, const char *at)
{
	for (size_t i = 0; i < denies->n; i++) {
		if (!denies_operation(denies->at[i], operation) ||
		    !lint_covers(l, denies->at[i], policy))
			continue;
		diag_add(l->d, at, "never_grants",
		         "the policy '%s' denies all of this to everybody; leave it out here, or "
		         "say there whom it is about",
		         json_string_value(json_object_get(denies->at[i], "name")));
		return;
	}
}

/* ---- hosts that no service has ---- */

static bool meets_service(const json_t *hosts, const json_t *service)
{
	const json_t *own = json_object_get(service, "hosts");
	size_t i, k;
	json_t *a, *b;
	if (!own)
		return true;
	json_array_foreach(hosts, i, a)
	{
		json_array_foreach(own, k, b) if (hosts_meet(json_string_sv(a),
		                                             json_string_sv(b))) return true;
	}
	return false;
}

static void lint_hosts(const struct linting *l, const json_t *policy, const json_t *operation,
                       const char *at)
{
	const json_t *hosts = json_object_get(operation, "hosts");
	size_t i, n = 0;
	json_t *service;
	if (!hosts)
		return;
	json_array_foreach(l->services, i, service)
	{
		if (!lint_is_for(policy, service))
			continue;
		n++;
		if (meets_service(hosts, service))
			return;
	}
	if (n > 0)
		diag_add(l->d, at, "never_matches",
		         "no service that the policy is for has one of these hosts");
}

/* ---- paths that are one ---- */

/* Without the names in braces: "/a/{x}/{y=**}" as "/a/{}/{=**}". */
static void nameless(struct sv path, char *room, size_t n_room)
{
	size_t n = 0;
	bool in_name = false;
	for (size_t i = 0; i < path.n && n + 1 < n_room; i++) {
		char c = path.at[i];
		if (c == '=' || c == '}' || c == '*')
			in_name = false;
		if (!in_name)
			room[n++] = c;
		if (c == '{')
			in_name = true;
	}
	room[n] = '\0';
}

static void lint_paths(const struct linting *l, const json_t *operation, const char *at)
{
	enum { PATHS_MAX = 48, PATH_BYTES = 256 };
	const json_t *paths = json_object_get(operation, "paths");
	char seen[PATHS_MAX][PATH_BYTES], pointer[LINT_POINTER_BYTES + 32];
	for (size_t i = 0; i < json_array_size(paths) && i < PATHS_MAX; i++) {
		struct sv path = json_string_sv(json_array_get(paths, i));
		nameless(path, seen[i], PATH_BYTES);
		for (size_t k = 0; k < i && path.n < PATH_BYTES; k++) {
			if (strcmp(seen[i], seen[k]) != 0)
				continue;
			(void)snprintf(pointer, sizeof(pointer), "%s/paths/%zu", at, i);
			diag_add(l->d, pointer, "doubled_path",
			         "it matches what '%s' matches: their captures alone are called "
			         "otherwise",
			         json_string_value(json_array_get(paths, k)));
			break;
		}
	}
}

/* ---- all of them ---- */

static void lint_operation(const struct linting *l, const struct denies *denies,
                           const json_t *policy, const json_t *operation, const char *at)
{
	lint_hosts(l, policy, operation, at);
	lint_paths(l, operation, at);
	if (lint_has_action(policy, "ALLOW") && lint_is_in_force(policy))
		lint_denied(l, denies, policy, operation, at);
}

static void lint_rule(const struct linting *l, const struct denies *denies, const json_t *policy,
                      const json_t *rule, const char *at)
{
	char pointer[LINT_POINTER_BYTES];
	size_t i;
	json_t *to;
	json_array_foreach(json_object_get(rule, "to"), i, to)
	{
		(void)snprintf(pointer, sizeof(pointer), "%.100s/to/%zu/operation", at, i);
		lint_operation(l, denies, policy, json_object_get(to, "operation"), pointer);
	}
}

void lint_operations(const struct linting *l)
{
	struct denies denies;
	char at[LINT_POINTER_BYTES];
	size_t i, k;
	json_t *policy, *rule;
	find_denies(l, &denies);
	json_array_foreach(l->policies, i, policy)
	{
		json_array_foreach(json_object_get(policy, "rules"), k, rule)
		{
			(void)snprintf(at, sizeof(at), "/policies/%zu/rules/%zu", i, k);
			lint_rule(l, &denies, policy, rule, at);
		}
	}
}
