#include "core/jsonload.h"
#include "core/names.h"
#include "policy/lint_part.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* source: RFC 7519 4.1, OpenID Connect Core 1.0 2 and 5.1, RFC 8693 4, RFC 9068 2.2, RFC 7800, and what the large providers
 * give besides. A claim that is none of them may well be there; one that is nearly one of them is a mistake. */
static const char *const standard[] = {
	"iss",
	"sub",
	"aud",
	"exp",
	"nbf",
	"iat",
	"jti",
	"nonce",
	"auth_time",
	"acr",
	"amr",
	"azp",
	"at_hash",
	"c_hash",
	"sid",
	"name",
	"given_name",
	"family_name",
	"middle_name",
	"nickname",
	"preferred_username",
	"profile",
	"picture",
	"website",
	"email",
	"email_verified",
	"gender",
	"birthdate",
	"zoneinfo",
	"locale",
	"phone_number",
	"phone_number_verified",
	"address",
	"updated_at",
	"scope",
	"scp",
	"client_id",
	"act",
	"may_act",
	"cnf",
	"roles",
	"groups",
	"entitlements",
	"events",
	"upn",
	"tid",
	"oid",
	"realm_access",
	"resource_access",
	"tenant",
	"org_id",
	"permissions",
	"department",
	"level",
	"typ",
	"ver",
};

enum { KNOWN_MAX = 256, NAME_BYTES = 129 };

struct claims {
	const struct linting *l;
	const char *known[KNOWN_MAX];
	size_t n;
};

static void know(struct claims *c, const char *name)
{
	if (name && c->n < KNOWN_MAX)
		c->known[c->n++] = name;
}

/* What the issuers' claims are called in this set. */
static void know_mapped(struct claims *c)
{
	size_t i, k;
	json_t *issuer, *value;
	const char *member;
	json_array_foreach(json_object_get(c->l->root, "issuers"), i, issuer)
	{
		json_object_foreach(json_object_get(issuer, "claims"), member, value)
			know(c, json_string_value(value));
		json_array_foreach(json_object_get(issuer, "spaceDelimitedClaims"), k, value)
			know(c, json_string_value(value));
	}
}

/* Rather a slip of the finger than a name of somebody's own: it begins as the other, and is as long or nearly so. */
static bool is_slip(struct sv name, struct sv near)
{
	size_t more = MAX_OF(name.n, near.n) - MIN_OF(name.n, near.n);
	return more <= 1 && sv_eq(sv_first(name, 2), sv_first(near, 2));
}

/* A short name is near to many. */
static void lint_name(struct claims *c, struct sv name, const char *at)
{
	char text[NAME_BYTES];
	unsigned found;
	if (name.n < 4 || name.n >= sizeof(text) || names_find(c->known, c->n, name, &found))
		return;
	const char *near = names_nearest(c->known, c->n, name);
	if (!near || !is_slip(name, sv_of(near)))
		return;
	(void)snprintf(text, sizeof(text), "%.*s", SV_ARG(name));
	diag_add(c->l->d, at, "unknown_claim", "is the claim '%s' meant, instead of '%s'?", near,
	         text);
}

static void lint_key(struct claims *c, struct sv key, const char *at)
{
	static const struct sv start = SV("request.auth.claims[");
	if (!sv_starts(key, start))
		return;
	struct sv rest = sv_from(key, start.n);
	lint_name(c, sv_first(rest, sv_find(rest, ']')), at);
}

static bool is_word(char c)
{
	char lower = sv_lower_char(c);
	return (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || c == '_';
}

/* claims.name and claims.?name of an expression; a quoted text that has it is taken for one, which harms nobody. */
static void lint_condition(struct claims *c, struct sv text, const char *at)
{
	static const struct sv word = SV("claims.");
	for (size_t i = 0; i + word.n < text.n; i++) {
		struct sv here = sv_from(text, i);
		bool begins = i == 0 || (!is_word(text.at[i - 1]) && text.at[i - 1] != '.');
		if (!begins || !sv_starts(here, word))
			continue;
		struct sv name = sv_from(here, word.n);
		if (name.n > 0 && name.at[0] == '?')
			name = sv_from(name, 1);
		size_t n = 0;
		while (n < name.n && is_word(name.at[n]))
			n++;
		lint_name(c, sv_first(name, n), at);
	}
}

static void lint_rule(struct claims *c, const json_t *rule, const char *at)
{
	char pointer[LINT_POINTER_BYTES];
	size_t i;
	json_t *when;
	json_array_foreach(json_object_get(rule, "when"), i, when)
	{
		(void)snprintf(pointer, sizeof(pointer), "%.100s/when/%zu/key", at, i);
		lint_key(c, lint_text(when, "key"), pointer);
	}
	(void)snprintf(pointer, sizeof(pointer), "%.100s/condition", at);
	lint_condition(c, lint_text(rule, "condition"), pointer);
}

static void lint_rules(struct claims *c, const char *list)
{
	char at[LINT_POINTER_BYTES];
	size_t i, k;
	json_t *one, *rule;
	json_array_foreach(json_object_get(c->l->root, list), i, one)
	{
		json_array_foreach(json_object_get(one, "rules"), k, rule)
		{
			(void)snprintf(at, sizeof(at), "/%s/%zu/rules/%zu", list, i, k);
			lint_rule(c, rule, at);
		}
	}
}

void lint_claims(const struct linting *l)
{
	struct claims c = {.l = l};
	for (size_t i = 0; i < ARRAY_LEN(standard); i++)
		know(&c, standard[i]);
	know_mapped(&c);
	lint_rules(&c, "policies");
	lint_rules(&c, "limits");
}

/* ---- issuers that nobody is let in by ---- */

static bool source_takes(const json_t *source, struct sv issuer)
{
	const json_t *principals = json_object_get(source, "requestPrincipals");
	size_t i;
	json_t *pattern;
	if (!principals)
		return true;
	json_array_foreach(principals, i, pattern)
	{
		struct sv text = json_string_sv(pattern);
		if (text.n > 0 && (text.at[0] == '*' ||
		                   lint_could_be(sv_first(text, sv_find(text, '*')), issuer)))
			return true;
	}
	return false;
}

static bool rule_takes(const json_t *rule, struct sv issuer)
{
	const json_t *from = json_object_get(rule, "from");
	size_t i;
	json_t *one;
	if (!from)
		return true;
	json_array_foreach(
		from, i, one) if (source_takes(json_object_get(one, "source"), issuer)) return true;
	return false;
}

static bool is_used(const struct linting *l, const json_t *issuer)
{
	struct sv iss = lint_text(issuer, "issuer"), name = lint_text(issuer, "name");
	size_t i, k;
	json_t *one, *rule;
	json_array_foreach(json_object_get(l->root, "logins"), i, one)
	{
		struct sv its = lint_text(one, "issuer");
		if (sv_eq(its, iss) || (name.n && sv_eq(its, name)))
			return true;
	}
	json_array_foreach(l->policies, i, one)
	{
		if (!lint_has_action(one, "ALLOW"))
			continue;
		json_array_foreach(json_object_get(one, "rules"), k,
		                   rule) if (rule_takes(rule, iss)) return true;
	}
	return false;
}

void lint_issuers(const struct linting *l)
{
	char at[LINT_POINTER_BYTES];
	size_t i;
	json_t *issuer;
	bool may_allow = sv_eq(lint_text(l->root, "defaultAction"), SVL("ALLOW"));
	if (may_allow || json_array_size(json_object_get(l->root, "roles")) > 0)
		return; /* bindings choose by more than principals */
	json_array_foreach(json_object_get(l->root, "issuers"), i, issuer)
	{
		(void)snprintf(at, sizeof(at), "/issuers/%zu", i);
		if (!is_used(l, issuer))
			diag_add(l->d, at, "unused_issuer",
			         "no ALLOW rule lets anybody in by this issuer, and no login is "
			         "about it");
	}
}
