#include "authn/credential.h"

#include "authn/apikeytext.h"
#include "authn/cookie.h"
#include "authn/param.h"
#include "core/jsonload.h"
#include "core/names.h"
#include "model/headers.h"

#include <errno.h>
#include <stdio.h>

const char *const credential_kind_names[CREDENTIAL_KIND_COUNT] = {
	[CREDENTIAL_BEARER] = "bearer",   [CREDENTIAL_DPOP] = "dpop",
	[CREDENTIAL_API_KEY] = "api_key", [CREDENTIAL_SESSION] = "session",
	[CREDENTIAL_BASIC] = "basic",
};

/* --- which of several counts --- */

int credential_precedence_read(const json_t *value, struct diag *d, struct credential_rules *rules)
{
	int result = 0;
	uint32_t seen = 0;
	if (value && !json_is_array(value)) {
		diag_add(d, "/credentialPrecedence", "wrong_type", "an array is expected here");
		return -EINVAL;
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		char pointer[64];
		unsigned kind = CREDENTIAL_NONE;
		struct sv name = json_string_sv(json_array_get(value, i));
		bool known = names_find(credential_kind_names, CREDENTIAL_KIND_COUNT, name, &kind);
		(void)snprintf(pointer, sizeof(pointer), "/credentialPrecedence/%zu", i);
		if (known && !(seen & 1U << kind)) {
			seen |= 1U << kind;
			rules->precedence[rules->n_precedence++] = (enum credential_kind)kind;
			continue;
		}
		diag_add(d, pointer, known ? "duplicate_value" : "unknown_value",
		         known ? "this kind stands twice" : "this is no kind of credential");
		result = -EINVAL;
	}
	return result;
}

/* --- what is there --- */

/* What was found of one kind. */
struct kind_found {
	struct credential credential;
	bool is_there;
	bool is_refused; /* there, and not to be believed: why */
	enum reason why;
};

struct finding {
	const struct credential_rules *rules;
	const struct request *req;
	struct arena *arena;
	struct kind_found kinds[CREDENTIAL_KIND_COUNT];
};

static void refuse_kind(struct finding *f, enum credential_kind kind, enum reason why)
{
	struct kind_found *k = &f->kinds[kind];
	k->is_there = true;
	if (!k->is_refused)
		k->why = why;
	k->is_refused = true;
}

static void add(struct finding *f, enum credential_kind kind, struct sv text, uint32_t places)
{
	struct kind_found *k = &f->kinds[kind];
	bool is_other = k->is_there && !sv_eq(k->credential.text, text);
	bool is_again = k->credential.places & places; /* one place has one */
	if (is_other || is_again) {
		refuse_kind(f, kind, REASON_MULTIPLE_CREDENTIALS);
		return;
	}
	k->is_there = true;
	k->credential.kind = kind;
	k->credential.text = text;
	k->credential.places |= places;
}

/* source: RFC 9110 11.1: the scheme's name in any case, then blanks, then its own text */
static const struct {
	struct sv scheme;
	enum credential_kind kind;
	uint32_t places;
} schemes[] = {
	{SV("Bearer"), CREDENTIAL_BEARER, PLACE_BIT(PLACE_BEARER)},
	{SV("DPoP"), CREDENTIAL_DPOP, PLACE_BIT(PLACE_BEARER)},
	{SV("ApiKey"), CREDENTIAL_API_KEY, 0},
	{SV("Basic"), CREDENTIAL_BASIC, 0},
};

/* A token in a header field behind its prefix. returns whether there is one */
static bool in_field(struct finding *f, unsigned i, struct sv value)
{
	struct sv prefix = sv_of(f->rules->places.at[i].prefix);
	struct sv text = sv_trim(sv_from(value, prefix.n));
	if (!sv_starts(value, prefix) || text.n == 0)
		return false;
	add(f, CREDENTIAL_BEARER, text, PLACE_BIT(i));
	return true;
}

static bool is_authorization(const struct place *place)
{
	return place->kind == PLACE_HEADER && strcmp(place->name, "authorization") == 0;
}

static void in_other_authorization(struct finding *f)
{
	const struct places *places = &f->rules->places;
	bool found = false;
	for (unsigned i = PLACE_BEARER + 1; i < places->n && !found; i++)
		found = is_authorization(&places->at[i]) && in_field(f, i, f->req->authorization);
	if (!found)
		refuse_kind(f, CREDENTIAL_UNKNOWN, REASON_UNSUPPORTED_CREDENTIAL);
}

static void in_authorization(struct finding *f)
{
	struct sv value = f->req->authorization;
	size_t n = sv_find(value, ' ');
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (!sv_eq_ci(sv_first(value, n), schemes[i].scheme))
			continue;
		struct sv text = sv_trim(sv_from(value, n));
		if (schemes[i].kind == CREDENTIAL_BEARER && apikey_text_begins(text))
			add(f, CREDENTIAL_API_KEY, text, 0);
		else if (text.n)
			add(f, schemes[i].kind, text, schemes[i].places);
		else
			refuse_kind(f, schemes[i].kind, REASON_TOKEN_MALFORMED);
		return;
	}
	in_other_authorization(f);
}

static void in_api_key(struct finding *f)
{
	if (f->req->n_api_key > 1)
		refuse_kind(f, CREDENTIAL_API_KEY, REASON_MULTIPLE_CREDENTIALS);
	else if (f->req->n_api_key == 1)
		add(f, CREDENTIAL_API_KEY, f->req->api_key, 0);
}

/* --- the places that issuers name --- */

static void take(struct finding *f, unsigned i, enum found found, struct sv text)
{
	if (found == FOUND_BROKEN)
		refuse_kind(f, CREDENTIAL_BEARER, REASON_TOKEN_MALFORMED);
	else if (found == FOUND_TWICE)
		refuse_kind(f, CREDENTIAL_BEARER, REASON_MULTIPLE_CREDENTIALS);
	else if (found == FOUND_ONE && text.n)
		add(f, CREDENTIAL_BEARER, text, PLACE_BIT(i));
}

static void in_headers(struct finding *f)
{
	const struct places *places = &f->rules->places;
	struct headers_walk walk = headers_over(f->req->headers);
	while (headers_next(&walk))
		for (unsigned i = PLACE_BEARER + 1; i < places->n; i++)
			if (places->at[i].kind == PLACE_HEADER &&
			    !is_authorization(&places->at[i]) &&
			    sv_eq_ci(walk.name, sv_of(places->at[i].name)))
				(void)in_field(f, i, walk.value);
	if (!walk.ended)
		refuse_kind(f, CREDENTIAL_BEARER, REASON_BAD_REQUEST);
}

static void in_places(struct finding *f)
{
	const struct places *places = &f->rules->places;
	bool has_headers = false;
	for (unsigned i = PLACE_BEARER + 1; i < places->n; i++) {
		struct sv name = sv_of(places->at[i].name), text = {0};
		enum found found = FOUND_NONE;
		switch (places->at[i].kind) {
		case PLACE_HEADER:
			has_headers = has_headers || !is_authorization(&places->at[i]);
			break;
		case PLACE_PARAM:
			found = param_find(f->req->query, name, f->arena, &text);
			break;
		case PLACE_COOKIE:
			found = cookie_of(f->req, name, &text);
			break;
		}
		take(f, i, found, text);
	}
	if (has_headers && f->req->headers.n)
		in_headers(f);
}

/* --- the one that counts --- */

static bool refuse(enum reason *why, enum reason reason)
{
	*why = reason;
	return false;
}

/* returns false when there are several and none is preferred */
static bool choose(const struct finding *f, enum credential_kind *ret)
{
	unsigned n = 0;
	for (unsigned kind = 0; kind < CREDENTIAL_KIND_COUNT; kind++)
		if (f->kinds[kind].is_there) {
			*ret = (enum credential_kind)kind;
			n++;
		}
	for (size_t i = 0; n > 1 && i < f->rules->n_precedence; i++)
		if (f->kinds[f->rules->precedence[i]].is_there) {
			*ret = f->rules->precedence[i];
			return true;
		}
	return n <= 1;
}

bool credential_prefer(const struct credential_rules *rules, enum credential_kind a,
                       enum credential_kind b, enum credential_kind *ret)
{
	for (size_t i = 0; i < rules->n_precedence; i++) {
		if (rules->precedence[i] != a && rules->precedence[i] != b)
			continue;
		*ret = rules->precedence[i];
		return true;
	}
	return false;
}

bool credential_find(const struct credential_rules *rules, const struct request *req,
                     struct arena *arena, struct credential *ret, enum reason *why)
{
	struct finding f = {.rules = rules, .req = req, .arena = arena};
	enum credential_kind kind = CREDENTIAL_NONE;
	*ret = (struct credential){0};
	if (req->n_authorization > 1)
		return refuse(why, REASON_MULTIPLE_CREDENTIALS);
	if (req->n_authorization == 1)
		in_authorization(&f);
	in_api_key(&f);
	if (rules->places.n > 1)
		in_places(&f);
	if (!choose(&f, &kind))
		return refuse(why, REASON_MULTIPLE_CREDENTIALS);
	if (f.kinds[kind].is_refused)
		return refuse(why, f.kinds[kind].why);
	*ret = f.kinds[kind].credential;
	return true;
}
