#include "authz/stepup.h"

#include "authz/attribute.h"
#include "authz/compile.h"
#include "core/jsonfields.h"
#include "core/jsonload.h"
#include "model/identity.h"

enum {
	ACR_VALUES_MAX = 16,
	ACR_TEXT_MAX_BYTES = 512, /* all of them: they travel in one header field */
	MAX_AGE_MAX_S = 31536000,
	CLOCK_SKEW_S = 60, /* an auth_time may be so far ahead of our clock */
};

/* ---- judging ---- */

static bool lacks(struct authz_stepup_lack *ret, const char *condition, struct sv value,
                  struct sv expected)
{
	*ret = (struct authz_stepup_lack){sv_of(condition), value, expected};
	return false;
}

static bool acr_holds(const struct authz_stepup *stepup, const json_t *claims,
                      struct authz_stepup_lack *ret)
{
	struct sv acr = json_string_sv(json_object_get(claims, "acr"));
	for (size_t i = 0; i < stepup->n_acr; i++)
		if (sv_eq(stepup->acr[i], acr))
			return true;
	return stepup->n_acr == 0 || lacks(ret, "authentication.acrValues", acr, stepup->acr_text);
}

/* The seconds since the user signed in; false when that is not known. A date of a float or of text is no date. */
static bool age_of(const json_t *claims, int64_t now_s, int64_t *ret)
{
	const json_t *value = json_object_get(claims, "auth_time");
	json_int_t at = json_integer_value(value);
	if (!json_is_integer(value) || at <= 0 || now_s <= 0 || at > now_s + CLOCK_SKEW_S)
		return false;
	*ret = MAX_OF(now_s - at, (int64_t)0);
	return true;
}

static bool age_holds(const struct authz_stepup *stepup, const struct authz_view *view,
                      struct authz_stepup_lack *ret)
{
	int64_t age;
	if (stepup->max_age_s == 0)
		return true;
	if (!age_of(view->who->claims, view->now_s, &age))
		return lacks(ret, "authentication.maxAge", SVL(""), stepup->age_text);
	return age <= stepup->max_age_s ||
	       lacks(ret, "authentication.maxAge",
	             arena_printf(view->scratch, "%lld seconds ago", (long long)age),
	             stepup->age_text);
}

bool authz_stepup_holds(const struct authz_stepup *stepup, const struct authz_view *view,
                        struct authz_stepup_lack *ret)
{
	return acr_holds(stepup, view->who->claims, ret) && age_holds(stepup, view, ret);
}

bool authz_stepup_met(struct sv acr, int64_t max_age_s, const json_t *claims, int64_t now_s)
{
	struct sv found = json_string_sv(json_object_get(claims, "acr")), one;
	bool met = acr.n == 0;
	int64_t age;
	while (!met && acr.n && sv_cut(&acr, ' ', &one))
		met = one.n > 0 && sv_eq(one, found);
	return met && (max_age_s == 0 || (age_of(claims, now_s, &age) && age <= max_age_s));
}

/* ---- compiling ---- */

struct raw_stepup {
	const json_t *acr_values;
	int64_t max_age_s;
};

static const struct json_field fields[] = {
	{.name = "acrValues",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_stepup, acr_values)},
	{.name = "maxAge",
         .kind = JSON_FIELD_INT,
         .offset = JSON_FIELD_AT(struct raw_stepup, max_age_s),
         .min = 1,
         .max = MAX_AGE_MAX_S},
};

/* source: RFC 6749 3.3 (scope-token): what stands between quotes in a header, parted by blanks */
static bool is_acr(struct sv text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.at[i] < 0x21 || (unsigned char)text.at[i] > 0x7e ||
		    text.at[i] == '"' || text.at[i] == '\\')
			return false;
	return text.n > 0;
}

static void compile_acr(struct compile *c, const json_t *list, const struct compile_place *at,
                        struct authz_stepup *into)
{
	size_t n = compile_list(c, list, at), n_bytes = 0;
	if (n > ACR_VALUES_MAX)
		compile_report(c, at, "too_many", "at most %d are allowed here", ACR_VALUES_MAX);
	struct sv *acr = compile_array(c, at, n, sizeof(*acr));
	for (size_t i = 0; acr && i < n && n <= ACR_VALUES_MAX; i++) {
		struct compile_place place = compile_index(at, i);
		if (!compile_text(c, json_array_get(list, i), &place, &acr[i]))
			continue;
		if (!is_acr(acr[i]))
			compile_report(c, &place, "bad_text",
			               "printable ASCII without blanks, '\"' and '\\' is expected");
		n_bytes += acr[i].n + 1;
		into->acr_text = arena_printf(c->keep, "%.*s%s%.*s", SV_ARG(into->acr_text),
		                              i ? " " : "", SV_ARG(acr[i]));
		into->n_acr = i + 1;
	}
	into->acr = acr;
	if (n_bytes > ACR_TEXT_MAX_BYTES)
		compile_report(c, at, "wrong_length", "together they have at most %d bytes",
		               ACR_TEXT_MAX_BYTES);
}

static struct sv challenge_of(struct compile *c, const struct authz_stepup *s)
{
	struct sv acr = {0}, age = {0};
	if (s->n_acr)
		acr = arena_printf(c->keep, ", acr_values=\"%.*s\"", SV_ARG(s->acr_text));
	if (s->max_age_s)
		age = arena_printf(c->keep, ", max_age=\"%lld\"", (long long)s->max_age_s);
	return arena_printf(c->keep, "%.*s%.*s", SV_ARG(acr), SV_ARG(age));
}

const struct authz_stepup *compile_stepup(struct compile *c, const json_t *value,
                                          const struct compile_place *at)
{
	struct raw_stepup raw = {0};
	struct compile_place place = compile_key(at, "acrValues");
	struct authz_stepup *into = compile_array(c, at, 1, sizeof(*into));
	if (json_fields_read(value, fields, ARRAY_LEN(fields), at->pointer, c->diag, &raw) != 0) {
		c->failed = true;
		return NULL;
	}
	if (json_object_size(value) == 0)
		compile_report(c, at, "empty_object",
		               "this asks for nothing; leave it out if that is meant");
	if (!into)
		return NULL;
	if (raw.acr_values)
		compile_acr(c, raw.acr_values, &place, into);
	into->max_age_s = raw.max_age_s;
	if (raw.max_age_s)
		into->age_text =
			arena_printf(c->keep, "at most %lld seconds ago", (long long)raw.max_age_s);
	into->challenge = challenge_of(c, into);
	return into;
}
