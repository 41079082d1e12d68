#include "authn/issuer.h"

#include "authn/issuer_reading.h"
#include "authn/spiffe.h"

#include <errno.h>
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

static const char *const profile_names[ISSUER_PROFILE_COUNT] = {
	[ISSUER_PROFILE_ANY] = "any",
	[ISSUER_PROFILE_RFC9068] = "rfc9068",
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
	{.name = "requiredScopes",
         .kind = JSON_FIELD_STRINGS,
         .offset = offsetof(struct issuer, required_scopes),
         .min = 1,
         .max = 256},
	{.name = "accessTokenProfile",
         .kind = JSON_FIELD_ENUM,
         .offset = offsetof(struct issuer, profile),
         .names = profile_names,
         .n_names = ISSUER_PROFILE_COUNT},
	{.name = "jwtSvid", .kind = JSON_FIELD_BOOL, .offset = offsetof(struct issuer, is_svid)},
	{.name = "forwardOriginalToken",
         .kind = JSON_FIELD_BOOL,
         .offset = offsetof(struct issuer, forward_token)},
	{.name = "outputClaimToHeaders",
         .kind = JSON_FIELD_VALUE,
         .offset = offsetof(struct issuer, output_claims)},
	{.name = "outputPayloadToHeader",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct issuer, output_payload),
         .min = 1,
         .max = HEADEROUT_NAME_MAX_BYTES},
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
	headerout_fini(&issuer->output);
	keyslot_unref(issuer->keys);
	issuer->keys = NULL;
}

static int read_algorithms(const struct issuer_reading *r)
{
	struct issuer *issuer = r->issuer;
	uint32_t hmac = JWS_ALG_BIT(JWS_HS256) | JWS_ALG_BIT(JWS_HS384) | JWS_ALG_BIT(JWS_HS512);
	uint32_t all = (JWS_ALG_BIT(JWS_ALG_COUNT) - 1) & ~JWS_ALG_BIT(JWS_UNKNOWN);
	uint32_t able = issuer->secret_file ? hmac : all & ~hmac;
	if (issuer->is_svid) /* source: JWT-SVID 2.1 */
		able &= ~JWS_ALG_BIT(JWS_EDDSA);
	issuer->algs = issuer->algorithms.n ? 0 : able;
	for (size_t i = 0; i < issuer->algorithms.n; i++) {
		enum jws_alg alg = jws_alg_find(sv_of(issuer->algorithms.at[i]));
		char member[48];
		(void)snprintf(member, sizeof(member), "/algorithms/%zu", i);
		if (alg == JWS_UNKNOWN)
			return issuer_complain(
				r, member, "unknown_algorithm",
				"not an algorithm: RS256, PS256, ES256 (also 384 and 512), EdDSA, "
				"HS256, HS384 or HS512 is expected");
		if (!(able & JWS_ALG_BIT(alg)))
			return issuer_complain(
				r, member, "algorithm_without_key",
				"HS algorithms go with secretFile, all others with keys; an issuer "
				"has one or the other; JWT-SVIDs have no EdDSA");
		issuer->algs |= JWS_ALG_BIT(alg);
	}
	return 0;
}

/* --- JWT-SVIDs --- */

/* The issuer stands for its trust domain: spiffe://td. */
static bool is_trust_domain(const char *issuer)
{
	char id[SPIFFE_DOMAIN_MAX_BYTES + 32];
	int n = snprintf(id, sizeof(id), "%s/x", issuer);
	return n > 0 && (size_t)n < sizeof(id) && spiffe_id_check(sv_of(id)) &&
	       sv_find(sv_from(sv_of(issuer), strlen("spiffe://")), '/') ==
	               strlen(issuer) - strlen("spiffe://");
}

/* source: JWT-SVID 3 and 5: aud and exp are required, and who validates has to be meant */
static int check_svid(const struct issuer_reading *r)
{
	struct issuer *issuer = r->issuer;
	if (!issuer->is_svid)
		return 0;
	issuer->require_expiration = true;
	if (!is_trust_domain(issuer->issuer))
		return issuer_complain(
			r, "/issuer", "not_a_trust_domain",
			"with jwtSvid a trust domain is expected: spiffe://example.org");
	if (issuer->secret_file)
		return issuer_complain(r, "/secretFile", "key_source",
		                       "JWT-SVIDs are not signed with a shared secret");
	if (issuer->audiences.n == 0)
		return issuer_complain(
			r, "", "missing_key",
			"with jwtSvid 'audiences' is required: who is meant by the token");
	return 0;
}

/* The values of typ that go with what the issuer's tokens are; the operator's own list comes first. */
static int default_types(struct issuer *issuer)
{
	const char *const svid[] = {"JWT", "JOSE"}, *const access[] = {"at+jwt"};
	const char *const *names = issuer->is_svid ? svid : access;
	size_t n = issuer->is_svid ? ARRAY_LEN(svid) : ARRAY_LEN(access);
	if (issuer->types.n || (!issuer->is_svid && issuer->profile != ISSUER_PROFILE_RFC9068))
		return 0;
	issuer->types.at = calloc(n, sizeof(*issuer->types.at));
	if (!issuer->types.at)
		return -ENOMEM;
	for (; issuer->types.n < n; issuer->types.n++) {
		issuer->types.at[issuer->types.n] = sv_dup(sv_of(names[issuer->types.n]));
		if (!issuer->types.at[issuer->types.n])
			return -ENOMEM;
	}
	return 0;
}

static int set_default(char **field, const char *value)
{
	if (!*field)
		*field = sv_dup(sv_of(value));
	return *field ? 0 : -ENOMEM;
}

static int worse(int a, int b)
{
	return a == -ENOMEM || b == 0 ? a : b;
}

int issuer_read(const json_t *object, const char *pointer, const struct authn_env *env,
                struct diag *d, struct issuer *ret)
{
	*ret = (struct issuer){.require_expiration = true,
	                       .introspection = introspection_default(),
	                       .dpop = dpop_rules_default};
	struct issuer_reading r = {ret, pointer, env, d};
	int result = json_fields_read(object, fields, ARRAY_LEN(fields), pointer, d, ret);
	if (result)
		return result;
	result = worse(check_svid(&r), read_algorithms(&r));
	result = worse(result, dpop_rules_check(&ret->dpop, pointer, d));
	result = worse(result, issuer_introspection_read(&r));
	result = worse(result, issuer_keys_read(&r));
	result = worse(result, headerout_read(ret->output_claims, ret->output_payload, pointer, d,
	                                      &ret->output));
	ret->jwks = ret->output_claims = NULL;
	result = worse(result, default_types(ret));
	return result ? result : set_default(&ret->name, ret->issuer);
}
