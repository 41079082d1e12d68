#include "authn/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct sv bearer_name = SV("authorization"), bearer_prefix = SV("Bearer ");

static void place_fini(struct place *place)
{
	free(place->name);
	free(place->prefix);
	*place = (struct place){0};
}

void places_fini(struct places *places)
{
	for (size_t i = 0; i < places->n; i++)
		place_fini(&places->at[i]);
	free(places->at);
	*places = (struct places){0};
}

static bool same(const struct place *a, const struct place *b)
{
	return a->kind == b->kind && sv_eq(sv_of(a->name), sv_of(b->name)) &&
	       sv_eq(sv_of(a->prefix), sv_of(b->prefix));
}

static int append(struct places *places, const struct place *place)
{
	if (places->n == PLACES_MAX)
		return -ENOSPC;
	struct place copy = {place->kind, sv_dup(sv_of(place->name)), sv_dup(sv_of(place->prefix))};
	struct place *more = copy.name && copy.prefix
	                             ? reallocarray(places->at, places->n + 1, sizeof(*more))
	                             : NULL;
	if (!more) {
		place_fini(&copy);
		return -ENOMEM;
	}
	places->at = more;
	places->at[places->n++] = copy;
	return 0;
}

static int places_add(struct places *places, const struct place *place, unsigned *ret)
{
	unsigned i = 0;
	while (i < places->n && !same(&places->at[i], place))
		i++;
	int r = i < places->n ? 0 : append(places, place);
	if (r == 0)
		*ret = i;
	return r;
}

int places_init(struct places *places)
{
	unsigned index;
	char name[] = "authorization", prefix[] = "Bearer ";
	const struct place bearer = {PLACE_HEADER, name, prefix};
	return places_add(places, &bearer, &index);
}

/* --- what an issuer says --- */

/* One issuer's places while they are read. */
struct reading {
	const char *pointer;
	struct diag *diag;
	struct places *places;
	uint32_t bits;
};

static int complain(const struct reading *r, const char *member, size_t i, const char *code,
                    const char *text)
{
	char pointer[1024];
	(void)snprintf(pointer, sizeof(pointer), "%s/%s/%zu", r->pointer, member, i);
	diag_add(r->diag, pointer, code, "%s", text);
	return -EINVAL;
}

static int add(struct reading *r, const char *member, size_t i, const struct place *place)
{
	unsigned index;
	int result = places_add(r->places, place, &index);
	if (result == -ENOSPC)
		return complain(r, member, i, "too_many_places",
		                "tokens of one policy set are looked for in at most 31 places "
		                "besides the Authorization header's Bearer");
	if (result == 0)
		r->bits |= PLACE_BIT(index);
	return result;
}

/* source: RFC 9110 5.6.2 */
static bool is_token(struct sv text)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";
	for (size_t i = 0; i < text.n; i++) {
		char c = text.at[i], lower = sv_lower_char(c);
		if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && !strchr(marks, c))
			return false;
	}
	return text.n > 0;
}

static const struct json_field header_fields[] = {
	{.name = "name",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct place, name),
         .min = 1,
         .max = 128,
         .required = true},
	{.name = "prefix",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct place, prefix),
         .min = 0,
         .max = 128},
};

/* Names of header fields have no case; nor has the scheme of the one place that all know. */
static int normalise(struct place *place)
{
	for (char *c = place->name; *c; c++)
		*c = sv_lower_char(*c);
	bool is_bearer = sv_eq(sv_of(place->name), bearer_name) &&
	                 sv_eq_ci(sv_trim(sv_of(place->prefix)), sv_trim(bearer_prefix));
	if (place->prefix && !is_bearer)
		return 0;
	free(place->prefix);
	place->prefix = sv_dup(is_bearer ? bearer_prefix : SVL(""));
	return place->prefix ? 0 : -ENOMEM;
}

static int read_header(struct reading *r, size_t i, const json_t *value)
{
	struct place place = {.kind = PLACE_HEADER};
	char pointer[1024];
	(void)snprintf(pointer, sizeof(pointer), "%s/fromHeaders/%zu", r->pointer, i);
	int result = json_fields_read(value, header_fields, ARRAY_LEN(header_fields), pointer,
	                              r->diag, &place);
	if (result == 0 && !is_token(sv_of(place.name)))
		result = complain(r, "fromHeaders", i, "bad_value",
		                  "the name of a header field is expected");
	if (result == 0 && place.prefix && sv_has_control(sv_of(place.prefix)))
		result = complain(r, "fromHeaders", i, "bad_value",
		                  "a prefix has no control characters");
	if (result == 0)
		result = normalise(&place);
	if (result == 0)
		result = add(r, "fromHeaders", i, &place);
	place_fini(&place);
	return result;
}

static int read_headers(struct reading *r, const json_t *list)
{
	int result = 0;
	if (list && !json_is_array(list)) {
		char pointer[1024];
		(void)snprintf(pointer, sizeof(pointer), "%s/fromHeaders", r->pointer);
		diag_add(r->diag, pointer, "wrong_type", "an array is expected here");
		return -EINVAL;
	}
	for (size_t i = 0; i < json_array_size(list) && result != -ENOMEM; i++) {
		int one = read_header(r, i, json_array_get(list, i));
		result = one ? one : result;
	}
	return result;
}

static int read_names(struct reading *r, const char *member, enum place_kind kind,
                      const struct json_strings *names)
{
	static char nothing[] = "";
	int result = 0;
	for (size_t i = 0; i < names->n && result != -ENOMEM; i++) {
		const struct place place = {kind, names->at[i], nothing};
		struct sv name = sv_of(names->at[i]);
		bool good = kind == PLACE_COOKIE ? is_token(name) : !sv_has_control(name);
		int one = good ? add(r, member, i, &place)
		               : complain(r, member, i, "bad_value",
		                          "this cannot be the name of one");
		result = one ? one : result;
	}
	return result;
}

static int worse(int a, int b)
{
	return a == -ENOMEM || b == 0 ? a : b;
}

int places_read(const struct place_words *words, const char *pointer, struct diag *d,
                struct places *places, uint32_t *ret)
{
	struct reading r = {.pointer = pointer, .diag = d, .places = places};
	int headers = read_headers(&r, words->from_headers);
	int params = read_names(&r, "fromParams", PLACE_PARAM, &words->from_params);
	int cookies = read_names(&r, "fromCookies", PLACE_COOKIE, &words->from_cookies);
	int result = worse(worse(headers, params), cookies);
	if (result == 0)
		*ret = r.bits ? r.bits : PLACE_BIT(PLACE_BEARER);
	return result;
}
