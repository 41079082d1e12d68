#include "authz/claims.h"

#include "core/jsonload.h"
#include "model/identity.h"

#include <jansson.h>

/* A scalar claim as text; false when it is of a kind that no text equals. */
static bool claim_text(const json_t *claim, struct arena *scratch, struct sv *ret)
{
	switch (json_typeof(claim)) {
	case JSON_STRING:
		*ret = (struct sv){json_string_value(claim), json_string_length(claim)};
		return true;
	case JSON_INTEGER:
		*ret = arena_printf(scratch, "%lld", (long long)json_integer_value(claim));
		return ret->n > 0;
	case JSON_TRUE:
		*ret = SVL("true");
		return true;
	case JSON_FALSE:
		*ret = SVL("false");
		return true;
	case JSON_OBJECT:
	case JSON_ARRAY:
	case JSON_REAL:
	case JSON_NULL:
		break;
	}
	return false;
}

static void get_claim_list(const json_t *list, struct arena *scratch, struct authz_values *ret)
{
	size_t n = json_array_size(list);
	struct sv *values = arena_array(scratch, n ? n : 1, sizeof(*values));
	if (!values)
		return;
	ret->complete = true;
	ret->at = values;
	for (size_t i = 0; i < n; i++) {
		if (claim_text(json_array_get(list, i), scratch, &values[ret->n]))
			ret->n++;
		else
			ret->complete = false;
	}
}

/* source: RFC 6749 3.3 (scope); Istio splits `permission` too */
static bool is_always_words(struct sv claim)
{
	return sv_eq(claim, SVL("scope")) || sv_eq(claim, SVL("permission"));
}

static bool lists_name(const json_t *names, struct sv name)
{
	for (size_t i = 0; i < json_array_size(names); i++)
		if (sv_eq(json_string_sv(json_array_get(names, i)), name))
			return true;
	return false;
}

/* Few issuers, and only for claims that hold a blank. */
static bool is_space_delimited(const struct authz_attribute *a, const struct authz_view *view)
{
	if (a->n_arguments != 1 || is_always_words(a->argument[0]))
		return a->n_arguments == 1;
	for (size_t i = 0; i < json_array_size(view->issuers); i++) {
		const json_t *issuer = json_array_get(view->issuers, i);
		struct sv name = json_string_sv(json_object_get(issuer, "issuer"));
		if (sv_eq(name, view->who->issuer))
			return lists_name(json_object_get(issuer, "spaceDelimitedClaims"),
			                  a->argument[0]);
	}
	return false;
}

static void get_words(struct sv text, struct arena *scratch, struct authz_values *ret)
{
	struct sv *words = arena_array(scratch, text.n / 2 + 1, sizeof(*words));
	struct sv word;
	size_t n = 0;
	if (!words)
		return;
	while (sv_cut(&text, ' ', &word))
		if (word.n > 0)
			words[n++] = word;
	authz_values_list(ret, words, n);
}

static const json_t *find_claim(const struct authz_attribute *a, const json_t *claims)
{
	for (size_t i = 0; claims && i < a->n_arguments; i++)
		claims = json_object_getn(claims, a->argument[i].at, a->argument[i].n);
	return claims;
}

void authz_claim_get(const struct authz_attribute *a, const struct authz_view *view,
                     struct authz_values *ret)
{
	const json_t *claim = find_claim(a, view->who->claims);
	struct sv text;
	if (!claim || json_is_null(claim))
		authz_values_list(ret, NULL, 0);
	else if (json_is_array(claim))
		get_claim_list(claim, view->scratch, ret);
	else if (!claim_text(claim, view->scratch, &text))
		return;
	else if (json_is_string(claim) && sv_find(text, ' ') < text.n &&
	         is_space_delimited(a, view))
		get_words(text, view->scratch, ret);
	else
		authz_values_one(ret, text);
}
