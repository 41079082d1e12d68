#include "authn/user.h"

#include "authn/binding.h"
#include "authn/issuer.h"
#include "core/jsonload.h"

/* Whether a member of a list is a name at all; one of a list of words has no blank (RFC 6749 3.3), or it would
 * become two where the list is joined. */
static bool is_name(struct sv text, bool word)
{
	return text.n > 0 && !(word && sv_find(text, ' ') < text.n);
}

/* The strings of a claim: a string, split at blanks when asked, or an array of strings; others are none. */
static bool strings_of(const json_t *value, bool split, struct arena *arena, const struct sv **ret,
                       size_t *ret_n)
{
	struct sv text = json_string_sv(value), part;
	size_t room = json_is_array(value) ? json_array_size(value) : 1, n = 0;
	for (size_t i = 0; split && i < text.n; i++)
		room += text.at[i] == ' ';
	struct sv *list = arena_array(arena, room, sizeof(*list));
	if (!list)
		return false;
	if (json_is_array(value)) {
		for (size_t i = 0; i < room; i++) {
			struct sv member = json_string_sv(json_array_get(value, i));
			if (is_name(member, split))
				list[n++] = member;
		}
	} else if (split) {
		while (text.n && sv_cut(&text, ' ', &part))
			if (part.n)
				list[n++] = part;
	} else if (text.n) {
		list[n++] = text;
	}
	*ret = list;
	*ret_n = n;
	return true;
}

static const json_t *claim(const json_t *claims, const char *mapped, const char *first,
                           const char *second)
{
	if (mapped)
		return json_object_get(claims, mapped);
	const json_t *value = json_object_get(claims, first);
	return value || !second ? value : json_object_get(claims, second);
}

static bool join_principal(struct arena *arena, struct identity *who)
{
	if (who->issuer.n == 0 || who->subject.n == 0)
		return true;
	size_t n = who->issuer.n + 1 + who->subject.n;
	char *text = arena_alloc(arena, n);
	if (!text)
		return false;
	memcpy(text, who->issuer.at, who->issuer.n);
	text[who->issuer.n] = '/';
	memcpy(text + who->issuer.n + 1, who->subject.at, who->subject.n);
	who->principal = (struct sv){text, n};
	return true;
}

/* What a person is called travels into headers and logs; a name with control characters is none. */
static struct sv printable(struct sv text)
{
	return sv_has_control(text) ? (struct sv){0} : text;
}

/* iat as it was checked in jwt.c; 0 when there is none, or none that is a time. */
static int64_t issued_at(const json_t *claims)
{
	double number = json_number_value(json_object_get(claims, "iat"));
	return number > 0 && number < 9007199254740992.0 ? (int64_t)number : 0;
}

bool user_of_claims(const struct issuer *issuer, const json_t *claims, struct arena *arena,
                    struct identity *ret)
{
	static const struct claim_names defaults;
	const struct claim_names *names = issuer ? &issuer->claims : &defaults;
	ret->method = AUTH_JWT;
	ret->claims = claims;
	ret->binding = binding_of_claims(claims, issuer && issuer->token_binding ==
	                                                           ISSUER_BINDING_REQUIRED);
	ret->issuer = json_string_sv(json_object_get(claims, "iss"));
	ret->subject = json_string_sv(json_object_get(claims, "sub"));
	ret->user = printable(json_string_sv(claim(claims, names->user, "sub", NULL)));
	if (ret->user.n == 0)
		ret->user = ret->subject;
	ret->client = printable(json_string_sv(claim(claims, names->client, "azp", "client_id")));
	ret->token_id = json_string_sv(json_object_get(claims, "jti"));
	ret->session_id = json_string_sv(json_object_get(claims, "sid"));
	ret->issued_at = issued_at(claims);
	const json_t *groups = claim(claims, names->groups, "groups", NULL);
	const json_t *scopes = claim(claims, names->scopes, "scope", "scp");
	const json_t *aud = json_object_get(claims, "aud");
	return join_principal(arena, ret) &&
	       strings_of(groups, false, arena, &ret->groups, &ret->n_groups) &&
	       strings_of(scopes, true, arena, &ret->scopes, &ret->n_scopes) &&
	       strings_of(aud, false, arena, &ret->audiences, &ret->n_audiences);
}
