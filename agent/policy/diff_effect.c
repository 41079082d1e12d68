/* Whether a change can only let more through, or only less. What cannot be told is unsure. */
#include "core/fileio.h"
#include "core/jsonload.h"
#include "core/names.h"
#include "policy/diff.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const char *const diff_effect_names[DIFF_EFFECT_COUNT] = {
	[DIFF_EFFECT_UNSURE] = "unsure",
	[DIFF_EFFECT_NONE] = "none",
	[DIFF_EFFECT_WIDER] = "wider",
	[DIFF_EFFECT_NARROWER] = "narrower",
};

/* Which requests match: as before, all of them and perhaps others, or none but them. */
enum direction {
	SAME = 0,
	MORE,
	FEWER,
	UNSURE,
};

static enum direction both(enum direction a, enum direction b)
{
	if (a == SAME || a == b)
		return b;
	return b == SAME ? a : UNSURE;
}

static enum direction reversed(enum direction d)
{
	return d == MORE ? FEWER : d == FEWER ? MORE : d;
}

static bool is_equal(const json_t *a, const json_t *b)
{
	CLEANUP(freep) char *left = a ? diff_text(a, false) : NULL;
	CLEANUP(freep) char *right = b ? diff_text(b, false) : NULL;
	return left && right && strcmp(left, right) == 0;
}

/* Something that narrows by being there. */
static enum direction presence(const json_t *old, const json_t *now)
{
	if (!old && !now)
		return SAME;
	if (!old || !now)
		return old ? MORE : FEWER;
	return is_equal(old, now) ? SAME : UNSURE;
}

typedef enum direction element_direction(const json_t *old, const json_t *now);

/* Lists of alternatives: one more of them lets more match. Any pairing that shows a direction proves it. */
static enum direction alternatives(const json_t *old, const json_t *now, element_direction *each)
{
	struct diff_pairs pairs;
	enum direction ret = UNSURE;
	if (diff_pair(old, now, &pairs)) {
		size_t n_old = json_array_size(pairs.only_old);
		size_t n_now = json_array_size(pairs.only_now);
		ret = SAME;
		for (size_t i = 0; i < MAX_OF(n_old, n_now); i++) {
			json_int_t a = json_integer_value(json_array_get(pairs.only_old, i));
			json_int_t b = json_integer_value(json_array_get(pairs.only_now, i));
			if (i < n_old && i < n_now)
				ret = both(ret, each(json_array_get(old, (size_t)a),
				                     json_array_get(now, (size_t)b)));
			else
				ret = both(ret, i < n_now ? MORE : FEWER);
		}
	}
	diff_pairs_fini(&pairs);
	return ret;
}

static enum direction unlike(const json_t *old, const json_t *now)
{
	(void)old;
	(void)now;
	return UNSURE;
}

/* A list of values, which narrows by being there. */
static enum direction values(const json_t *old, const json_t *now)
{
	if (!json_is_array(old) || !json_is_array(now))
		return presence(old, now);
	return alternatives(old, now, unlike);
}

static bool is_negated(const char *name)
{
	return strncmp(name, "not", 3) == 0 && name[3] >= 'A' && name[3] <= 'Z';
}

static enum direction member(const char *name, const json_t *old, const json_t *now)
{
	if (is_negated(name) && json_is_array(old) && json_is_array(now))
		return reversed(values(old, now));
	return values(old, now);
}

/* A source or an operation: every list of it has to hold. */
static enum direction all_lists(const json_t *old, const json_t *now)
{
	enum direction ret = SAME;
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)old, name, value)
	{
		ret = both(ret, member(name, value, json_object_get(now, name)));
	}
	json_object_foreach((json_t *)(uintptr_t)now, name, value)
	{
		if (!json_object_get(old, name))
			ret = both(ret, member(name, NULL, value));
	}
	return ret;
}

static enum direction source(const json_t *old, const json_t *now)
{
	return all_lists(json_object_get(old, "source"), json_object_get(now, "source"));
}

static enum direction operation(const json_t *old, const json_t *now)
{
	return all_lists(json_object_get(old, "operation"), json_object_get(now, "operation"));
}

/* One condition of `when`: of the same attribute, or unsure. */
static enum direction condition(const json_t *old, const json_t *now)
{
	if (!json_equal(json_object_get(old, "key"), json_object_get(now, "key")) ||
	    presence(json_object_get(old, "valuesFrom"), json_object_get(now, "valuesFrom")) !=
	            SAME ||
	    !json_object_get(old, "values") != !json_object_get(now, "values"))
		return UNSURE;
	return both(
		member("values", json_object_get(old, "values"), json_object_get(now, "values")),
		member("notValues", json_object_get(old, "notValues"),
	               json_object_get(now, "notValues")));
}

static enum direction one_more_is_fewer(const json_t *old, const json_t *now)
{
	return reversed(condition(old, now));
}

/* Every element has to hold, so one more lets fewer match. */
static enum direction whens(const json_t *old, const json_t *now)
{
	return reversed(alternatives(old, now, one_more_is_fewer));
}

static enum direction sources(const json_t *old, const json_t *now)
{
	return old && now ? alternatives(old, now, source) : presence(old, now);
}

static enum direction operations(const json_t *old, const json_t *now)
{
	return old && now ? alternatives(old, now, operation) : presence(old, now);
}

static enum direction rule(const json_t *old, const json_t *now)
{
	static const struct {
		const char *name;
		element_direction *direction;
	} parts[] = {
		{"from", sources},       {"to", operations},
		{"when", whens},         {"authentication", presence},
		{"condition", presence},
	};
	enum direction ret = SAME;
	size_t n_known[2] = {0};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const json_t *a = json_object_get(old, parts[i].name);
		const json_t *b = json_object_get(now, parts[i].name);
		n_known[0] += a != NULL;
		n_known[1] += b != NULL;
		ret = both(ret, parts[i].direction(a, b));
	}
	bool is_whole = n_known[0] == json_object_size(old) && n_known[1] == json_object_size(now);
	return is_whole ? ret : UNSURE;
}

/* ---- a policy ---- */

/* Whether verdicts heed it at all. */
static bool is_in_force(const json_t *policy)
{
	const char *mode = json_string_value(json_object_get(policy, "mode"));
	const json_t *percent = json_object_get(policy, "percent");
	bool for_nobody = percent && json_integer_value(percent) == 0;
	return policy && (!mode || strcmp(mode, "enforce") == 0) && !for_nobody;
}

static bool is_action(const json_t *policy, const char *action)
{
	const char *is = json_string_value(json_object_get(policy, "action"));
	return is && strcmp(is, action) == 0;
}

static json_int_t percent_of(const json_t *policy)
{
	const json_t *percent = json_object_get(policy, "percent");
	return percent ? json_integer_value(percent) : 100;
}

/* Which services, and for how many callers. */
static enum direction reach(const json_t *old, const json_t *now)
{
	bool by_choice = json_object_get(old, "selector") || json_object_get(now, "selector") ||
	                 json_object_get(old, "namespace") || json_object_get(now, "namespace");
	json_int_t more = percent_of(now) - percent_of(old);
	enum direction services =
		values(json_object_get(old, "services"), json_object_get(now, "services"));
	if (by_choice &&
	    (services != SAME ||
	     presence(json_object_get(old, "selector"), json_object_get(now, "selector")) != SAME ||
	     presence(json_object_get(old, "namespace"), json_object_get(now, "namespace")) !=
	             SAME))
		services = UNSURE;
	return both(services, more > 0 ? MORE : more < 0 ? FEWER : SAME);
}

/* What this file does not know may mean anything. */
static enum direction unknown_members(const json_t *old, const json_t *now)
{
	static const char *const known[] = {"name",     "action",    "mode",     "percent",
	                                    "services", "namespace", "selector", "rules"};
	const json_t *const policies[] = {old, now};
	enum direction ret = SAME;
	for (size_t i = 0; i < 2; i++) {
		const char *name;
		json_t *value;
		json_object_foreach((json_t *)(uintptr_t)policies[i], name, value)
		{
			unsigned ignored;
			bool is_known = names_find(known, ARRAY_LEN(known), sv_of(name), &ignored);
			if (!is_known && !json_equal(value, json_object_get(policies[1 - i], name)))
				ret = UNSURE;
		}
	}
	return ret;
}

static bool is_allow(const json_t *action)
{
	const char *text = json_string_value(action);
	return text && strcmp(text, "ALLOW") == 0;
}

/* Where something is allowed by default, an ALLOW policy more can end that. */
static bool allows_by_default(const json_t *const sets[2])
{
	for (size_t i = 0; i < 2; i++) {
		size_t k;
		json_t *service;
		if (is_allow(json_object_get(sets[i], "defaultAction")))
			return true;
		json_array_foreach(json_object_get(sets[i], "services"), k, service)
		{
			if (is_allow(json_object_get(service, "defaultAction")))
				return true;
		}
	}
	return false;
}

static enum diff_effect effect_of(enum direction granted)
{
	static const enum diff_effect effects[] = {[SAME] = DIFF_EFFECT_NONE,
	                                           [MORE] = DIFF_EFFECT_WIDER,
	                                           [FEWER] = DIFF_EFFECT_NARROWER,
	                                           [UNSURE] = DIFF_EFFECT_UNSURE};
	return effects[granted];
}

/* What is granted when so much more or less matches a policy of this action. */
static enum direction granted(const json_t *policy, enum direction matches, bool moves_default)
{
	if (is_action(policy, "DENY"))
		return reversed(matches);
	return moves_default && matches != SAME ? UNSURE : matches;
}

enum diff_effect diff_effect_of_policy(const json_t *old, const json_t *now,
                                       const json_t *const sets[2])
{
	bool was = is_in_force(old), is = is_in_force(now);
	bool open = allows_by_default(sets);
	if (!was && !is)
		return DIFF_EFFECT_NONE;
	if (unknown_members(old, now) != SAME && (old && now))
		return DIFF_EFFECT_UNSURE;
	if (was && is &&
	    json_equal(json_object_get(old, "action"), json_object_get(now, "action"))) {
		enum direction reached = reach(old, now);
		enum direction rules = alternatives(json_object_get(old, "rules"),
		                                    json_object_get(now, "rules"), rule);
		return effect_of(granted(now, both(reached, rules), open && reached != SAME));
	}
	return effect_of(
		both(was ? granted(old, FEWER, open) : SAME, is ? granted(now, MORE, open) : SAME));
}

enum diff_effect diff_effect_of_default(const json_t *old, const json_t *now)
{
	if (is_allow(old) == is_allow(now))
		return DIFF_EFFECT_NONE;
	return is_allow(now) ? DIFF_EFFECT_WIDER : DIFF_EFFECT_NARROWER;
}
