/* What is equal whatever its order, and which elements of two lists are. */
#include "core/fileio.h"
#include "core/jsonload.h"
#include "policy/diff.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int order_texts(const void *a, const void *b)
{
	const char *const *l = a;
	const char *const *r = b;
	return strcmp(*l, *r);
}

static json_t *canonical(const json_t *value, bool ordered, unsigned depth);

/* The elements as texts, sorted. */
static json_t *sorted_list(const json_t *list, unsigned depth)
{
	size_t n = json_array_size(list);
	char **texts = calloc(n + 1, sizeof(char *));
	json_t *ret = texts ? json_array() : NULL;
	bool good = ret;
	for (size_t i = 0; i < n && good; i++) {
		CLEANUP(json_decrefp)
		json_t *one = canonical(json_array_get(list, i), false, depth + 1);
		texts[i] = one ? json_dumps(one, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY)
		               : NULL;
		good = texts[i];
	}
	if (good)
		qsort(texts, n, sizeof(char *), order_texts);
	for (size_t i = 0; i < n && good; i++)
		good = json_array_append_new(ret, json_string(texts[i])) == 0;
	for (size_t i = 0; texts && i < n; i++)
		free(texts[i]);
	free(texts);
	if (good)
		return ret;
	json_decref(ret);
	return NULL;
}

/* Depth is bounded: documents come through json_load_strict(). NOLINTNEXTLINE(misc-no-recursion) */
static json_t *canonical(const json_t *value, bool ordered, unsigned depth)
{
	const char *name;
	json_t *member;
	if (json_is_array(value) && !ordered)
		return sorted_list(value, depth);
	if (!json_is_object(value) || ordered)
		return json_incref((json_t *)(uintptr_t)value);
	json_t *ret = json_object();
	json_object_foreach((json_t *)(uintptr_t)value, name, member)
	{
		if (json_object_set_new(ret, name, canonical(member, ordered, depth + 1)) != 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}

char *diff_text(const json_t *value, bool ordered)
{
	CLEANUP(json_decrefp) json_t *same = canonical(value, ordered, 0);
	return same ? json_dumps(same, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;
}

/* ---- pairs ---- */

/* The numbers of the elements, by their text. */
static json_t *by_text(const json_t *list)
{
	json_t *ret = json_object();
	for (size_t i = 0; ret && i < json_array_size(list); i++) {
		CLEANUP(freep) char *text = diff_text(json_array_get(list, i), false);
		json_t *numbers = text ? json_object_get(ret, text) : NULL;
		if (text && !numbers && json_object_set_new(ret, text, json_array()) == 0)
			numbers = json_object_get(ret, text);
		if (!numbers || json_array_append_new(numbers, json_integer((json_int_t)i)) != 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}

void diff_pairs_fini(struct diff_pairs *pairs)
{
	json_decref(pairs->only_old);
	json_decref(pairs->only_now);
}

/* Those of the elements of list that have no equal one left in others, which loses those that have. */
static json_t *without_equal(const json_t *list, json_t *others)
{
	json_t *ret = json_array();
	for (size_t i = 0; ret && i < json_array_size(list); i++) {
		CLEANUP(freep) char *text = diff_text(json_array_get(list, i), false);
		json_t *numbers = text ? json_object_get(others, text) : NULL;
		bool has = json_array_size(numbers) > 0;
		if (!text ||
		    (!has && json_array_append_new(ret, json_integer((json_int_t)i)) != 0)) {
			json_decref(ret);
			return NULL;
		}
		if (has)
			(void)json_array_remove(numbers, 0);
	}
	return ret;
}

bool diff_pair(const json_t *old, const json_t *now, struct diff_pairs *ret)
{
	CLEANUP(json_decrefp) json_t *olds = by_text(old);
	CLEANUP(json_decrefp) json_t *nows = by_text(now);
	*ret = (struct diff_pairs){0};
	if (!olds || !nows)
		return false;
	ret->only_old = without_equal(old, nows);
	ret->only_now = without_equal(now, olds);
	return ret->only_old && ret->only_now;
}
