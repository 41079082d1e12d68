#include "authn/apikey.h"
#include "authn/basic.h"
#include "policy/openapi_part.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DISCOVERY "/.well-known/openid-configuration"

/* What a requirement adds up to: all of its schemes at once. */
struct needs {
	char principal[512]; /* pattern of the user's; empty: no user */
	bool not_ours;       /* of whatever issuer, but by a token */
	bool workload;
	json_t *scopes; /* owned */
};

struct scheme {
	const char *name;
	const json_t *json, *scopes;
	struct openapi_place at; /* of the scheme */
};

/* ---- one scheme ---- */

/* One credential of a user's at a time: a request with two is refused. returns false when that is reported */
static bool need_user(struct openapi *o, const struct scheme *s, const char *principal,
                      struct needs *needs)
{
	char wanted[sizeof(needs->principal)];
	int n = snprintf(wanted, sizeof(wanted), "%s", principal);
	if (n < 0 || (size_t)n >= sizeof(wanted)) {
		openapi_refuse(o, &s->at, "the issuer is too long");
		return false;
	}
	if (needs->principal[0] && strcmp(needs->principal, wanted) != 0) {
		openapi_refuse(o, &s->at,
		               "two credentials of a user in one request are refused: ask for one "
		               "of them");
		return false;
	}
	memcpy(needs->principal, wanted, sizeof(wanted));
	return true;
}

static void add_issuer(struct openapi *o, const char *name, const char *issuer)
{
	size_t i;
	json_t *known;
	json_array_foreach(o->issuers, i, known)
	{
		if (strcmp(json_string_value(json_object_get(known, "issuer")), issuer) == 0)
			return;
	}
	json_t *fresh = json_pack("{s:s, s:s}", "name", name, "issuer", issuer);
	if (o->import->audience)
		openapi_put(o, fresh, "audiences", json_pack("[s]", o->import->audience));
	openapi_put(o, o->issuers, NULL, fresh);
}

/* in: issuer: NULL: any */
static bool need_token(struct openapi *o, const struct scheme *s, const char *issuer,
                       struct needs *needs)
{
	char pattern[sizeof(needs->principal)] = "*";
	size_t i;
	json_t *scope;
	if (issuer) {
		int n = snprintf(pattern, sizeof(pattern), "%s/*", issuer);
		if (n < 0 || (size_t)n >= sizeof(pattern)) {
			openapi_refuse(o, &s->at, "the issuer is too long");
			return false;
		}
		add_issuer(o, s->name, issuer);
	} else {
		openapi_tell(o, &s->at,
		             "it does not say whose tokens it means: any issuer of the set is "
		             "taken, and there is none yet; --issuer names one");
	}
	json_array_foreach((json_t *)(uintptr_t)s->scopes, i, scope)
		openapi_put(o, needs->scopes, NULL, json_incref(scope));
	needs->not_ours = !issuer;
	return need_user(o, s, pattern, needs);
}

static bool need_openid(struct openapi *o, const struct scheme *s, struct needs *needs)
{
	const char *url = json_string_value(json_object_get(s->json, "openIdConnectUrl"));
	char issuer[sizeof(needs->principal)];
	size_t n = url ? strlen(url) : 0;
	if (n <= strlen(DISCOVERY) || n - strlen(DISCOVERY) >= sizeof(issuer) ||
	    strcmp(url + n - strlen(DISCOVERY), DISCOVERY) != 0) {
		openapi_refuse(o, &s->at, "openIdConnectUrl: \"ISSUER" DISCOVERY "\" is expected");
		return false;
	}
	(void)snprintf(issuer, sizeof(issuer), "%.*s", (int)(n - strlen(DISCOVERY)), url);
	return need_token(o, s, issuer, needs);
}

static bool need_oauth2(struct openapi *o, const struct scheme *s, struct needs *needs)
{
	return need_token(o, s, o->import->issuer, needs);
}

static bool has_scopes(struct openapi *o, const struct scheme *s)
{
	if (json_array_size(s->scopes) == 0)
		return false;
	openapi_refuse(
		o, &s->at,
		"what is listed for this type are roles of the caller, and the document does "
		"not say who has them");
	return true;
}

static bool need_http(struct openapi *o, const struct scheme *s, struct needs *needs)
{
	const char *kind = json_string_value(json_object_get(s->json, "scheme"));
	if (kind && strcasecmp(kind, "bearer") == 0)
		return need_token(o, s, o->import->issuer, needs);
	if (kind && strcasecmp(kind, "basic") == 0)
		return !has_scopes(o, s) && need_user(o, s, BASIC_ISSUER "/*", needs);
	openapi_refuse(o, &s->at, "scheme: '%.40s' is not spoken here; bearer and basic are",
	               kind ? kind : "");
	return false;
}

static bool need_api_key(struct openapi *o, const struct scheme *s, struct needs *needs)
{
	const char *in = json_string_value(json_object_get(s->json, "in"));
	const char *name = json_string_value(json_object_get(s->json, "name"));
	if (!in || strcmp(in, "header") != 0 || !name) {
		openapi_refuse(
			o, &s->at,
			"in: an API key is taken from a header field; one in a URL is seen by "
			"too many, and a cookie is what a login gives");
		return false;
	}
	openapi_tell(o, &s->at,
	             "HAProxy has to pass the header field: api_key=req.fhdr(%.60s,1) "
	             "api_key=req.fhdr(%.60s,2)",
	             name, name);
	return !has_scopes(o, s) && need_user(o, s, APIKEY_ISSUER "/*", needs);
}

static bool need_certificate(struct openapi *o, const struct scheme *s, struct needs *needs)
{
	needs->workload = true;
	return !has_scopes(o, s);
}

static bool need_scheme(struct openapi *o, const struct scheme *s, struct needs *needs)
{
	static const struct {
		const char *type;
		bool (*need)(struct openapi *o, const struct scheme *s, struct needs *needs);
	} types[] = {
		{"openIdConnect", need_openid},
		{"oauth2", need_oauth2},
		{"http", need_http},
		{"apiKey", need_api_key},
		{"mutualTLS", need_certificate},
	};
	const char *type = json_string_value(json_object_get(s->json, "type"));
	for (size_t i = 0; type && i < ARRAY_LEN(types); i++)
		if (strcmp(types[i].type, type) == 0)
			return types[i].need(o, s, needs);
	openapi_refuse(o, &s->at, "type: '%.40s' is no type of a security scheme",
	               type ? type : "");
	return false;
}

static bool find_scheme(struct openapi *o, const char *name, const struct openapi_place *at,
                        struct scheme *ret)
{
	const struct openapi_place root = {""};
	struct openapi_place place = openapi_key(&root, "components");
	const json_t *schemes =
		json_object_get(json_object_get(o->document, "components"), "securitySchemes");
	place = openapi_key(&place, "securitySchemes");
	place = openapi_key(&place, name);
	ret->name = name;
	ret->json = json_object_get(schemes, name);
	ret->at = place;
	if (!ret->json)
		openapi_refuse(o, at, "there is no security scheme '%.80s'", name);
	else
		ret->json = openapi_resolve(o, ret->json, &ret->at);
	return ret->json;
}

/* ---- one requirement ---- */

static bool add_needs(struct openapi *o, const json_t *requirement, const struct openapi_place *at,
                      struct needs *needs)
{
	const char *name;
	json_t *scopes;
	bool good = true;
	json_object_foreach((json_t *)(uintptr_t)requirement, name, scopes)
	{
		struct openapi_place place = openapi_key(at, name);
		struct scheme scheme = {.scopes = scopes};
		size_t i;
		json_t *scope;
		if (!json_is_array(scopes)) {
			openapi_refuse(o, &place, "a list of scopes is expected here");
			return false;
		}
		json_array_foreach(scopes, i, scope) if (!json_is_string(scope))
		{
			openapi_refuse(o, &place, "a scope is a text");
			return false;
		}
		good = find_scheme(o, name, &place, &scheme) && need_scheme(o, &scheme, needs) &&
		       good;
	}
	return good;
}

/* "'a' in scopes && 'b' in scopes" */
static json_t *condition_of(struct openapi *o, const json_t *scopes)
{
	struct strbuf text = strbuf_with(4096);
	size_t i;
	json_t *scope;
	json_array_foreach((json_t *)(uintptr_t)scopes, i, scope)
	{
		strbuf_addf(&text, "%s'", i ? " && " : "");
		for (const char *c = json_string_value(scope); *c; c++) {
			if (*c == '\'' || *c == '\\')
				strbuf_char(&text, '\\');
			strbuf_char(&text, *c);
		}
		strbuf_add(&text, SVL("' in scopes"));
	}
	json_t *ret = text.failed ? NULL : json_stringn(text.at ? text.at : "", text.n);
	o->out_of_memory = o->out_of_memory || !ret;
	strbuf_fini(&text);
	return ret;
}

static json_t *rule_of(struct openapi *o, const struct needs *needs)
{
	json_t *rule = json_object(), *source = json_object();
	if (needs->principal[0])
		openapi_put(o, source, "requestPrincipals", json_pack("[s]", needs->principal));
	if (needs->not_ours)
		openapi_put(o, source, "notRequestPrincipals", json_pack("[s]", "haward:*"));
	if (needs->workload)
		openapi_put(o, source, "principals", json_pack("[s]", "*"));
	if (json_object_size(source) > 0)
		openapi_put(o, rule, "from", json_pack("[{s:O}]", "source", source));
	json_decref(source);
	if (json_array_size(needs->scopes) > 0)
		openapi_put(o, rule, "condition", condition_of(o, needs->scopes));
	return rule;
}

json_t *openapi_rules(struct openapi *o, const json_t *security, const struct openapi_place *at)
{
	json_t *ret = json_array();
	size_t i;
	json_t *requirement;
	o->out_of_memory = o->out_of_memory || !ret;
	if (!json_is_array(security)) {
		openapi_refuse(o, at, "an array of requirements is expected here");
		return ret;
	}
	if (json_array_size(security) == 0)
		openapi_put(o, ret, NULL, json_object());
	json_array_foreach((json_t *)(uintptr_t)security, i, requirement)
	{
		struct openapi_place place = openapi_index(at, i);
		struct needs needs = {.scopes = json_array()};
		if (!json_is_object(requirement))
			openapi_refuse(o, &place, "an object is expected here");
		else if (add_needs(o, requirement, &place, &needs))
			openapi_put(o, ret, NULL, rule_of(o, &needs));
		json_decref(needs.scopes);
	}
	return ret;
}
