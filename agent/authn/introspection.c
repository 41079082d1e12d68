#include "authn/introspection.h"

#include "authn/issuer.h"
#include "authn/jwt.h"
#include "core/jsonload.h"
#include "core/secret.h"

#include <assert.h>
#include <stdlib.h>

enum {
	CACHE_S = 60,
	NEGATIVE_CACHE_S = 10,
	FAILURE_CACHE_S = 2, /* an endpoint that is down is asked about one token no more often */
	CACHE_MAX_S = 3600,
	CLAIM_MAX_BYTES = 1024,
};

static const char *const auth_names[INTROSPECTION_AUTH_COUNT] = {
	[INTROSPECTION_BASIC] = "client_secret_basic",
	[INTROSPECTION_POST] = "client_secret_post",
};

const struct json_field introspection_fields[] = {
	{.name = "endpoint",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct introspection, endpoint),
         .min = 1,
         .max = 2048,
         .required = true},
	{.name = "clientId",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct introspection, client_id),
         .min = 1,
         .max = 512,
         .required = true},
	{.name = "clientSecretFile",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct introspection, client_secret_file),
         .min = 1,
         .max = 1024,
         .required = true},
	{.name = "auth",
         .kind = JSON_FIELD_ENUM,
         .offset = offsetof(struct introspection, auth),
         .names = auth_names,
         .n_names = INTROSPECTION_AUTH_COUNT},
	{.name = "cacheSeconds",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct introspection, cache_s),
         .min = 1,
         .max = CACHE_MAX_S},
	{.name = "negativeCacheSeconds",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct introspection, negative_cache_s),
         .min = 1,
         .max = CACHE_MAX_S},
	{.name = "opaqueTokens",
         .kind = JSON_FIELD_BOOL,
         .offset = offsetof(struct introspection, opaque_tokens)},
};
static_assert(ARRAY_LEN(introspection_fields) == INTROSPECTION_N_FIELDS, "as the header says");

struct introspection introspection_default(void)
{
	return (struct introspection){
		.cache_s = CACHE_S, .negative_cache_s = NEGATIVE_CACHE_S, .opaque_tokens = true};
}

void introspection_fini(struct introspection *introspection)
{
	if (introspection->secret)
		secret_wipe(introspection->secret, strlen(introspection->secret));
	free(TAKE(introspection->secret));
}

/* ---- the endpoint's answer ---- */

/* Texts travel into headers, logs and records. */
static bool is_text(const json_t *value)
{
	struct sv text = json_string_sv(value);
	return !sv_has_control(text) && text.n > 0 && text.n <= CLAIM_MAX_BYTES;
}

static const struct {
	const char *claim, *error;
} texts[] = {
	{"iss", "iss is no text"},
	{"sub", "sub is no text"},
	{"client_id", "client_id is no text"},
	{"username", "username is no text"},
	{"token_type", "token_type is no text"},
	{"jti", "jti is no text"},
};

static const char *check_types(const json_t *claims)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const json_t *value = json_object_get(claims, texts[i].claim);
		if (value && !is_text(value))
			return texts[i].error;
	}
	const json_t *scope = json_object_get(claims, "scope");
	return scope && !json_is_string(scope) ? "scope is no text" : NULL;
}

static void refuse(struct authn_answer *answer, enum reason why, int64_t until_s)
{
	answer->is_good = false;
	answer->why = why;
	answer->until_s = until_s;
}

void introspection_failed(int64_t now_s, struct authn_answer *answer)
{
	refuse(answer, REASON_INTROSPECTION_UNAVAILABLE, now_s + FAILURE_CACHE_S);
}

/* What is active and of good form, by the issuer's rules. RFC 7662 2.2 lets all but `active` be missing, so that
 * exp is not required: the answer is asked for again before long in any case. */
static void judge_active(const struct issuer *issuer, json_t *claims, int64_t now_s,
                         struct authn_answer *answer)
{
	const struct jwt_rules rules = {.audiences = &issuer->audiences,
	                                .leeway_s = issuer->leeway_s,
	                                .max_lifetime_s = issuer->max_lifetime_s};
	int64_t no_s = now_s + issuer->introspection.negative_cache_s;
	int64_t until_s = now_s + issuer->introspection.cache_s;
	const json_t *iss = json_object_get(claims, "iss");
	int64_t expires_at;
	enum reason why = REASON_INTERNAL;
	if (iss && !sv_eq(json_string_sv(iss), sv_of(issuer->issuer))) {
		refuse(answer, REASON_ISSUER_UNKNOWN, no_s);
		return;
	}
	if (!jwt_claims_check(claims, &rules, now_s, &expires_at, &why)) {
		refuse(answer, why, no_s);
		return;
	}
	answer->until_s = expires_at && expires_at < until_s ? expires_at : until_s;
	answer->is_good =
		iss || json_object_set_new(claims, "iss", json_string(issuer->issuer)) == 0;
	if (answer->is_good)
		answer->claims = json_incref(claims);
	else
		introspection_failed(now_s, answer);
}

const char *introspection_judge(const struct issuer *issuer, struct sv body, int64_t now_s,
                                struct authn_answer *answer)
{
	CLEANUP(json_decrefp) json_t *claims = json_load_strict(body, 0, NULL);
	introspection_failed(now_s, answer);
	if (!json_is_object(claims))
		return "the answer is no JSON object";
	const json_t *active = json_object_get(claims, "active");
	if (!json_is_boolean(active))
		return "active is neither true nor false";
	if (json_is_false(active)) {
		refuse(answer, REASON_TOKEN_INACTIVE,
		       now_s + issuer->introspection.negative_cache_s);
		return NULL;
	}
	const char *error = check_types(claims);
	if (!error)
		judge_active(issuer, claims, now_s, answer);
	if (!error && !answer->is_good && answer->why == REASON_TOKEN_CLAIMS) {
		introspection_failed(now_s, answer);
		error = "aud, exp, iat or nbf is malformed";
	}
	return error;
}
