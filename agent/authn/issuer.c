#include "authn/issuer.h"

#include "core/fileio.h"
#include "core/jsonload.h"
#include "core/secret.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static const struct json_field claim_fields[] = {
	{.name = "user",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct claim_names, user),
         .min = 1,
         .max = 128},
	{.name = "groups",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct claim_names, groups),
         .min = 1,
         .max = 128},
	{.name = "scopes",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct claim_names, scopes),
         .min = 1,
         .max = 128},
	{.name = "client",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct claim_names, client),
         .min = 1,
         .max = 128},
};

static const char *const binding_names[ISSUER_BINDING_COUNT] = {
	[ISSUER_BINDING_OPTIONAL] = "optional",
	[ISSUER_BINDING_REQUIRED] = "required",
};

static const struct json_field fields[] = {
	{.name = "name",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct issuer, name),
         .min = 1,
         .max = 128},
	{.name = "issuer",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct issuer, issuer),
         .min = 1,
         .max = 2048,
         .required = true},
	{.name = "audiences",
         .kind = JSON_FIELD_STRINGS,
         .offset = offsetof(struct issuer, audiences)},
	{.name = "jwksUri",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct issuer, jwks_uri),
         .min = 1,
         .max = 2048},
	{.name = "jwksFile",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct issuer, jwks_file),
         .min = 1,
         .max = 1024},
	{.name = "jwks", .kind = JSON_FIELD_VALUE, .offset = offsetof(struct issuer, jwks)},
	{.name = "secretFile",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct issuer, secret_file),
         .min = 1,
         .max = 1024},
	{.name = "algorithms",
         .kind = JSON_FIELD_STRINGS,
         .offset = offsetof(struct issuer, algorithms)},
	{.name = "types", .kind = JSON_FIELD_STRINGS, .offset = offsetof(struct issuer, types)},
	{.name = "spaceDelimitedClaims",
         .kind = JSON_FIELD_STRINGS,
         .offset = offsetof(struct issuer, space_delimited)},
	{.name = "clockSkewSeconds",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct issuer, leeway_s),
         .min = 0,
         .max = 300},
	{.name = "requireExpiration",
         .kind = JSON_FIELD_BOOL,
         .offset = offsetof(struct issuer, require_expiration)},
	{.name = "maxLifetime",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct issuer, max_lifetime_s),
         .min = 0,
         .max = 31536000},
	{.name = "tokenBinding",
         .kind = JSON_FIELD_ENUM,
         .offset = offsetof(struct issuer, token_binding),
         .names = binding_names,
         .n_names = ISSUER_BINDING_COUNT},
	{.name = "fromHeaders",
         .kind = JSON_FIELD_VALUE,
         .offset = offsetof(struct issuer, place_words.from_headers)},
	{.name = "fromParams",
         .kind = JSON_FIELD_STRINGS,
         .offset = offsetof(struct issuer, place_words.from_params),
         .min = 1,
         .max = 128},
	{.name = "fromCookies",
         .kind = JSON_FIELD_STRINGS,
         .offset = offsetof(struct issuer, place_words.from_cookies),
         .min = 1,
         .max = 128},
	{.name = "dpop",
         .kind = JSON_FIELD_OBJECT,
         .offset = offsetof(struct issuer, dpop),
         .fields = dpop_rule_fields,
         .n_fields = N_DPOP_RULE_FIELDS},
	{.name = "claims",
         .kind = JSON_FIELD_OBJECT,
         .offset = offsetof(struct issuer, claims),
         .fields = claim_fields,
         .n_fields = ARRAY_LEN(claim_fields)},
	{.name = "introspection",
         .kind = JSON_FIELD_OBJECT,
         .offset = offsetof(struct issuer, introspection),
         .fields = introspection_fields,
         .n_fields = INTROSPECTION_N_FIELDS},
};

void issuer_fini(struct issuer *issuer)
{
	json_fields_free(fields, ARRAY_LEN(fields), issuer);
	introspection_fini(&issuer->introspection);
	keyslot_unref(issuer->keys);
	issuer->keys = NULL;
}

/* One issuer while it is read. */
struct reading {
	struct issuer *issuer;
	const char *pointer;
	const struct authn_env *env;
	struct diag *diag;
};

static int complain(const struct reading *r, const char *member, const char *code, const char *text)
{
	char pointer[1024];
	(void)snprintf(pointer, sizeof(pointer), "%s%s", r->pointer, member);
	diag_add(r->diag, pointer, code, "%s", text);
	return -EINVAL;
}

static int read_algorithms(const struct reading *r)
{
	struct issuer *issuer = r->issuer;
	uint32_t hmac = JWS_ALG_BIT(JWS_HS256) | JWS_ALG_BIT(JWS_HS384) | JWS_ALG_BIT(JWS_HS512);
	uint32_t all = (JWS_ALG_BIT(JWS_ALG_COUNT) - 1) & ~JWS_ALG_BIT(JWS_UNKNOWN);
	uint32_t able = issuer->secret_file ? hmac : all & ~hmac;
	issuer->algs = issuer->algorithms.n ? 0 : able;
	for (size_t i = 0; i < issuer->algorithms.n; i++) {
		enum jws_alg alg = jws_alg_find(sv_of(issuer->algorithms.at[i]));
		char member[48];
		(void)snprintf(member, sizeof(member), "/algorithms/%zu", i);
		if (alg == JWS_UNKNOWN)
			return complain(
				r, member, "unknown_algorithm",
				"not an algorithm: RS256, PS256, ES256 (also 384 and 512), EdDSA, "
				"HS256, HS384 or HS512 is expected");
		if (!(able & JWS_ALG_BIT(alg)))
			return complain(
				r, member, "algorithm_without_key",
				"HS algorithms go with secretFile, all others with keys; an issuer "
				"has one or the other");
		issuer->algs |= JWS_ALG_BIT(alg);
	}
	return 0;
}

static int read_beside(const struct reading *r, const char *member, const char *file, char **text,
                       size_t *n)
{
	char path[PATH_MAX], words[PATH_MAX + 256];
	const char *dir = r->env && r->env->base_dir && file[0] != '/' ? r->env->base_dir : NULL;
	(void)snprintf(path, sizeof(path), "%s%s%s", dir ? dir : "", dir ? "/" : "", file);
	int result = file_read(path, JWKS_MAX_BYTES, text, n);
	if (result == 0)
		return 0;
	char reason[128];
	(void)snprintf(words, sizeof(words), "%s cannot be read: %.100s", path,
	               strerror_r(-result, reason, sizeof(reason)));
	return complain(r, member, "unreadable_file", words);
}

/* What the parser says of broken JSON quotes it. Who wrote the text may read that; who only named a file may
 * have named one that they may not read. */
static void explain_key_error(const struct diag_item *item, bool is_theirs, char words[static 512])
{
	bool is_parsers =
		strcmp(item->code, "not_json") == 0 || strcmp(item->code, "duplicate_member") == 0;
	if (is_parsers && !is_theirs)
		(void)snprintf(words, 512, "in the key set: it is no JSON at line %u, column %u",
		               item->line, item->column);
	else
		(void)snprintf(words, 512, "in the key set at '%s': %s", item->pointer,
		               item->message);
}

/* Keys that are left out are said as well: an operator's own file should be clean. */
static int publish_set(const struct reading *r, const char *member, struct sv text)
{
	struct diag inner = diag_over(NULL, text);
	struct jwks *set = NULL;
	bool is_theirs = strcmp(member, "/jwks") == 0;
	/* no oct here: a shared secret beside public keys is how algorithms get confused */
	int result = jwks_parse(text, false, &inner, &set);
	for (size_t i = 0; result && i < inner.n; i++) {
		char words[512];
		explain_key_error(&inner.items[i], is_theirs, words);
		(void)complain(r, member, inner.items[i].code, words);
	}
	diag_fini(&inner);
	if (result)
		return result == -ENOMEM ? -ENOMEM : -EINVAL;
	keyslot_publish(r->issuer->keys, set);
	return 0;
}

static int keys_inline(const struct reading *r)
{
	/* Istio writes the set as a string; an object reads better. */
	if (json_is_string(r->issuer->jwks))
		return publish_set(r, "/jwks", json_string_sv(r->issuer->jwks));
	char *text = json_dumps(r->issuer->jwks, JSON_COMPACT | JSON_ENCODE_ANY);
	if (!text)
		return -ENOMEM;
	int result = publish_set(r, "/jwks", sv_of(text));
	free(text);
	return result;
}

static int keys_from_file(const struct reading *r)
{
	CLEANUP(freep) char *text = NULL;
	size_t n;
	int result = read_beside(r, "/jwksFile", r->issuer->jwks_file, &text, &n);
	return result ? result : publish_set(r, "/jwksFile", (struct sv){text, n});
}

static int keys_from_secret(const struct reading *r)
{
	char *text = NULL;
	size_t n;
	struct jwks *set = NULL;
	int result = read_beside(r, "/secretFile", r->issuer->secret_file, &text, &n);
	if (result)
		return result;
	struct sv secret = {text, n};
	if (secret.n && secret.at[secret.n - 1] == '\n') /* an editor's, not the secret's */
		secret.n--;
	result = jwks_of_secret(secret, &set);
	secret_wipe(text, n);
	free(text);
	if (result == -EINVAL)
		return complain(r, "/secretFile", "weak_secret", "a secret has at least 32 bytes");
	if (result == 0)
		keyslot_publish(r->issuer->keys, set);
	return result;
}

static bool is_url(const char *text)
{
	return sv_starts(sv_of(text), SVL("https://")) || sv_starts(sv_of(text), SVL("http://"));
}

static int url_refused(const struct reading *r, const char *member)
{
	return complain(r, member, "url_not_allowed",
	                "this URL is not fetched: https is expected, http only to hosts that the "
	                "settings allow (fetch.allow_http_hosts)");
}

static int keys_from_url(const struct reading *r)
{
	if (!is_url(r->issuer->jwks_uri))
		return complain(r, "/jwksUri", "not_a_url", "an http or https URL is expected");
	if (!r->env || !r->env->keys_of_url)
		return 0;
	struct keyslot *shared = r->env->keys_of_url(r->env->user, r->issuer->jwks_uri);
	if (!shared)
		return url_refused(r, "/jwksUri");
	keyslot_unref(r->issuer->keys);
	r->issuer->keys = shared;
	return 0;
}

static int read_client_secret(const struct reading *r)
{
	struct introspection *introspection = &r->issuer->introspection;
	char *text = NULL;
	size_t n;
	int result = read_beside(r, "/introspection/clientSecretFile",
	                         introspection->client_secret_file, &text, &n);
	if (result)
		return result;
	while (n && (text[n - 1] == '\n' || text[n - 1] == '\r')) /* an editor's */
		text[--n] = '\0';
	introspection->secret = text;
	if (n > 0 && strlen(text) == n)
		return 0;
	return complain(r, "/introspection/clientSecretFile", "bad_secret",
	                "the secret is empty or no text");
}

static int read_introspection(const struct reading *r)
{
	static const char member[] = "/introspection/endpoint";
	const char *endpoint = r->issuer->introspection.endpoint;
	if (!endpoint)
		return 0;
	if (!is_url(endpoint))
		return complain(r, member, "not_a_url", "an http or https URL is expected");
	if (r->env && r->env->url_allowed && !r->env->url_allowed(r->env->user, endpoint))
		return url_refused(r, member);
	return read_client_secret(r);
}

static int read_keys(const struct reading *r)
{
	struct issuer *issuer = r->issuer;
	int n_sources =
		!!issuer->jwks_uri + !!issuer->jwks_file + !!issuer->jwks + !!issuer->secret_file;
	if (n_sources > 1 || (n_sources == 0 && !issuer->introspection.endpoint))
		return complain(
			r, "", "key_source",
			"exactly one of jwksUri, jwksFile, jwks and secretFile is expected, "
			"or none of them beside introspection");
	issuer->has_keys = n_sources > 0;
	issuer->keys = keyslot_new(NULL, NULL);
	if (!issuer->keys)
		return -ENOMEM;
	if (!issuer->has_keys)
		return 0;
	if (issuer->jwks)
		return keys_inline(r);
	if (issuer->jwks_file)
		return keys_from_file(r);
	return issuer->secret_file ? keys_from_secret(r) : keys_from_url(r);
}

static int set_default(char **field, const char *value)
{
	if (!*field)
		*field = sv_dup(sv_of(value));
	return *field ? 0 : -ENOMEM;
}

int issuer_read(const json_t *object, const char *pointer, const struct authn_env *env,
                struct diag *d, struct issuer *ret)
{
	*ret = (struct issuer){.require_expiration = true,
	                       .introspection = introspection_default(),
	                       .dpop = dpop_rules_default};
	struct reading r = {ret, pointer, env, d};
	int result = json_fields_read(object, fields, ARRAY_LEN(fields), pointer, d, ret);
	if (result)
		return result;
	result = read_algorithms(&r);
	if (dpop_rules_check(&ret->dpop, pointer, d) != 0)
		result = -EINVAL;
	int introspection = read_introspection(&r);
	int keys = read_keys(&r);
	ret->jwks = NULL;
	if (result == 0)
		result = keys ? keys : introspection;
	return result ? result : set_default(&ret->name, ret->issuer);
}
