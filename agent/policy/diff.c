#include "policy/diff.h"

#include "core/jsonload.h"
#include "core/names.h"
#include "core/sv.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTER_BYTES = 512 };

/* Two values at their places in both documents, and where differences are noted. */
struct place {
	char at[POINTER_BYTES];
};

struct comparing {
	const json_t *sets[2];
	json_t *fields; /* of the change under way */
	bool ordered;   /* the order of lists matters here */
	bool failed;    /* memory is out */
};

/* source: RFC 6901 3 */
static struct place below(const struct place *at, const char *name)
{
	struct place ret = *at;
	size_t n = strlen(ret.at);
	if (n + 1 < sizeof(ret.at))
		ret.at[n++] = '/';
	for (; *name && n + 2 < sizeof(ret.at); name++) {
		if (*name == '~' || *name == '/') {
			ret.at[n++] = '~';
			ret.at[n++] = *name == '~' ? '0' : '1';
		} else {
			ret.at[n++] = *name;
		}
	}
	ret.at[n] = 0;
	return ret;
}

static struct place element(const struct place *at, size_t i)
{
	char number[24];
	(void)snprintf(number, sizeof(number), "%zu", i);
	return below(at, number);
}

static json_t *shared(const json_t *value)
{
	return value ? json_incref((json_t *)(uintptr_t)value) : json_null();
}

static json_t *pointer_json(const struct place *at)
{
	return at ? json_string(at->at) : json_null();
}

static void append(struct comparing *c, json_t *list, json_t *made)
{
	if (!made || json_array_append_new(list, made) != 0)
		c->failed = true;
}

static const char *kind_of(const json_t *old, const json_t *now)
{
	return !old ? "added" : !now ? "removed" : "changed";
}

/* old or now NULL: it is not there. */
static void note(struct comparing *c, const json_t *old, const struct place *from,
                 const json_t *now, const struct place *to)
{
	append(c, c->fields,
	       json_pack("{s:s, s:o, s:o, s:o, s:o}", "change", kind_of(old, now), "from",
	                 pointer_json(old ? from : NULL), "to", pointer_json(now ? to : NULL),
	                 "old", shared(old), "new", shared(now)));
}

/* ---- values ---- */

static bool is_scalar_list(const json_t *list)
{
	size_t i;
	json_t *one;
	json_array_foreach(list, i, one)
	{
		if (json_is_object(one) || json_is_array(one))
			return false;
	}
	return json_is_array(list);
}

static json_t *picked(const json_t *list, const json_t *numbers)
{
	json_t *ret = json_array();
	size_t i;
	json_t *number;
	json_array_foreach(numbers, i, number)
	{
		json_array_append(ret, json_array_get(list, (size_t)json_integer_value(number)));
	}
	return ret;
}

/* Texts and numbers without order: which came and which went. */
static void compare_sets(struct comparing *c, const json_t *old, const struct place *from,
                         const json_t *now, const struct place *to)
{
	struct diff_pairs pairs;
	if (!diff_pair(old, now, &pairs))
		c->failed = true;
	else if (json_array_size(pairs.only_old) + json_array_size(pairs.only_now) > 0)
		append(c, c->fields,
		       json_pack("{s:s, s:o, s:o, s:o, s:o}", "change", "changed", "from",
		                 pointer_json(from), "to", pointer_json(to), "removed",
		                 picked(old, pairs.only_old), "added",
		                 picked(now, pairs.only_now)));
	diff_pairs_fini(&pairs);
}

static void compare(struct comparing *c, const json_t *old, const struct place *from,
                    const json_t *now, const struct place *to);

static size_t number_at(const json_t *numbers, size_t i)
{
	return (size_t)json_integer_value(json_array_get(numbers, i));
}

/* Elements that are equal are no difference, the others are compared in turn. NOLINTNEXTLINE(misc-no-recursion) */
static void compare_lists(struct comparing *c, const json_t *old, const struct place *from,
                          const json_t *now, const struct place *to)
{
	struct diff_pairs pairs;
	c->failed = c->failed || !diff_pair(old, now, &pairs);
	if (c->failed)
		return;
	size_t n_old = json_array_size(pairs.only_old), n_now = json_array_size(pairs.only_now);
	for (size_t i = 0; i < MAX_OF(n_old, n_now); i++) {
		size_t a = number_at(pairs.only_old, i), b = number_at(pairs.only_now, i);
		struct place left = element(from, a), right = element(to, b);
		compare(c, i < n_old ? json_array_get(old, a) : NULL, &left,
		        i < n_now ? json_array_get(now, b) : NULL, &right);
	}
	diff_pairs_fini(&pairs);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the documents, which have a limit */
static void compare_objects(struct comparing *c, const json_t *old, const struct place *from,
                            const json_t *now, const struct place *to)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)old, name, value)
	{
		struct place left = below(from, name), right = below(to, name);
		compare(c, value, &left, json_object_get(now, name), &right);
	}
	json_object_foreach((json_t *)(uintptr_t)now, name, value)
	{
		struct place right = below(to, name);
		if (!json_object_get(old, name))
			note(c, NULL, NULL, value, &right);
	}
}

/* NOLINTNEXTLINE(misc-no-recursion): as above */
static void compare(struct comparing *c, const json_t *old, const struct place *from,
                    const json_t *now, const struct place *to)
{
	if (c->failed || (old && now && json_equal(old, now)))
		return;
	if (json_is_object(old) && json_is_object(now))
		compare_objects(c, old, from, now, to);
	else if (!c->ordered && is_scalar_list(old) && is_scalar_list(now))
		compare_sets(c, old, from, now, to);
	else if (!c->ordered && json_is_array(old) && json_is_array(now))
		compare_lists(c, old, from, now, to);
	else
		note(c, old, from, now, to);
}

/* ---- members of the set ---- */

static bool is_free_of_order(const char *member)
{
	static const char *const members[] = {"policies", "roles", "services"};
	unsigned ignored;
	return names_find(members, ARRAY_LEN(members), sv_of(member), &ignored);
}

/* A policy without what is so anyway; a reference. */
static json_t *plain(const char *member, const json_t *value)
{
	if (!value || strcmp(member, "policies") != 0 || !json_is_object(value))
		return json_incref((json_t *)(uintptr_t)value);
	json_t *ret = json_copy((json_t *)(uintptr_t)value);
	const char *mode = json_string_value(json_object_get(value, "mode"));
	const json_t *percent = json_object_get(value, "percent");
	const json_t *rules = json_object_get(value, "rules");
	if (mode && strcmp(mode, "enforce") == 0)
		(void)json_object_del(ret, "mode");
	if (percent && json_integer_value(percent) == 100)
		(void)json_object_del(ret, "percent");
	if (json_is_array(rules) && json_array_size(rules) == 0)
		(void)json_object_del(ret, "rules");
	return ret;
}

static enum diff_effect effect_of(const struct comparing *c, const char *member, const json_t *old,
                                  const json_t *now)
{
	if (strcmp(member, "policies") == 0)
		return diff_effect_of_policy(old, now, c->sets);
	if (strcmp(member, "defaultAction") == 0)
		return diff_effect_of_default(old, now);
	return DIFF_EFFECT_UNSURE;
}

/* What is known by its name, or a whole member where name is NULL. */
static void change(struct comparing *c, json_t *changes, const char *member, const char *name,
                   const json_t *values[2], const struct place places[2])
{
	CLEANUP(json_decrefp) json_t *old = plain(member, values[0]);
	CLEANUP(json_decrefp) json_t *now = plain(member, values[1]);
	CLEANUP(json_decrefp) json_t *fields = c->fields = json_array();
	c->ordered = !is_free_of_order(member);
	c->failed = c->failed || !fields;
	if (old && now)
		compare(c, old, &places[0], now, &places[1]);
	else
		note(c, old, &places[0], now, &places[1]);
	if (c->failed || json_array_size(fields) == 0)
		return;
	append(c, changes,
	       json_pack("{s:s, s:o, s:s, s:o, s:o, s:s, s:O}", "member", member, "name",
	                 name ? json_string(name) : json_null(), "change", kind_of(old, now),
	                 "from", pointer_json(old ? &places[0] : NULL), "to",
	                 pointer_json(now ? &places[1] : NULL), "effect",
	                 diff_effect_names[effect_of(c, member, old, now)], "fields", fields));
}

/* By what an element of such a list is known. */
static const char *name_of(const json_t *value)
{
	static const char *const keys[] = {"name", "issuer", "trustDomain"};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *name = json_string_value(json_object_get(value, keys[i]));
		if (name)
			return name;
	}
	return NULL;
}

/* Number by name; NULL where some have none, or the same. */
static json_t *names_in(const json_t *list)
{
	json_t *ret = json_is_array(list) || !list ? json_object() : NULL;
	for (size_t i = 0; ret && i < json_array_size(list); i++) {
		const char *name = name_of(json_array_get(list, i));
		if (name && !json_object_get(ret, name) &&
		    json_object_set_new(ret, name, json_integer((json_int_t)i)) == 0)
			continue;
		json_decref(ret);
		return NULL;
	}
	return ret;
}

static void compare_named(struct comparing *c, json_t *changes, const char *member,
                          const json_t *const names[2], const json_t *const lists[2])
{
	const struct place root = {""};
	const struct place at = below(&root, member);
	for (size_t side = 0; side < 2; side++) {
		const char *name;
		json_t *number;
		json_object_foreach((json_t *)(uintptr_t)names[1 - side], name, number)
		{
			const json_t *numbers[] = {json_object_get(names[0], name),
			                           json_object_get(names[1], name)};
			if (side == 1 && numbers[1])
				continue; /* was compared from the other side */
			size_t a = (size_t)json_integer_value(numbers[0]);
			size_t b = (size_t)json_integer_value(numbers[1]);
			const json_t *values[] = {numbers[0] ? json_array_get(lists[0], a) : NULL,
			                          numbers[1] ? json_array_get(lists[1], b) : NULL};
			const struct place places[] = {element(&at, a), element(&at, b)};
			change(c, changes, member, name, values, places);
		}
	}
}

/* Of services that are equally near to a request the first is taken. */
static void compare_order(struct comparing *c, json_t *changes, const char *member,
                          const json_t *const names[2], const json_t *const lists[2])
{
	json_int_t last = -1;
	size_t i;
	json_t *item;
	json_array_foreach(lists[1], i, item)
	{
		const json_t *number = json_object_get(names[0], name_of(item));
		if (number && json_integer_value(number) < last) {
			append(c, changes,
			       json_pack("{s:s, s:n, s:s, s:o, s:o, s:s, s:[]}", "member", member,
			                 "name", "change", "reordered", "from",
			                 json_sprintf("/%s", member), "to",
			                 json_sprintf("/%s", member), "effect",
			                 diff_effect_names[DIFF_EFFECT_UNSURE], "fields"));
			return;
		}
		last = number ? json_integer_value(number) : last;
	}
}

static void compare_member(struct comparing *c, json_t *changes, const char *member)
{
	const struct place root = {""};
	const json_t *values[] = {json_object_get(c->sets[0], member),
	                          json_object_get(c->sets[1], member)};
	CLEANUP(json_decrefp) json_t *old = names_in(values[0]);
	CLEANUP(json_decrefp) json_t *now = names_in(values[1]);
	bool is_list = json_is_array(values[0]) || json_is_array(values[1]);
	if (is_list && old && now) {
		const json_t *names[] = {old, now};
		compare_named(c, changes, member, names, values);
		if (strcmp(member, "services") == 0)
			compare_order(c, changes, member, names, values);
		return;
	}
	const struct place places[] = {below(&root, member), below(&root, member)};
	change(c, changes, member, NULL, values, places);
}

/* Comments of a document and what editors read are no policy. */
static bool is_policy(const char *member)
{
	return member[0] != '$' && strcmp(member, "apiVersion") != 0;
}

json_t *policy_diff(const json_t *from, const json_t *to)
{
	struct comparing c = {.sets = {from, to}};
	json_t *changes = json_array();
	const char *member;
	json_t *ignored;
	json_object_foreach((json_t *)(uintptr_t)to, member, ignored)
	{
		if (changes && is_policy(member))
			compare_member(&c, changes, member);
	}
	json_object_foreach((json_t *)(uintptr_t)from, member, ignored)
	{
		if (changes && is_policy(member) && !json_object_get(to, member))
			compare_member(&c, changes, member);
	}
	if (!c.failed)
		return changes;
	json_decref(changes);
	return NULL;
}
