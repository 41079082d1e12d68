#include "authn/jwt.h"

#include "core/encode.h"
#include "core/fileio.h"
#include "core/jsonload.h"

#include <math.h>
#include <stdlib.h>

/* A token without kid is tried on this many keys: each costs a signature check that a stranger can ask for. */
enum { KEYS_TRIED_MAX = 4 };

static json_t *object_of(struct sv encoded)
{
	uint8_t *bytes = malloc(BASE64_DECODED_MAX(encoded.n));
	size_t n;
	json_t *object = NULL;
	if (bytes && base64url_decode(encoded, bytes, &n))
		object = json_load_strict((struct sv){(char *)bytes, n}, 0, NULL);
	free(bytes);
	if (json_is_object(object))
		return object;
	json_decref(object);
	return NULL;
}

json_t *jwt_payload_read(struct sv encoded)
{
	return object_of(encoded);
}

/* An optional string member; false when it is there and is no string of 1 to max bytes. */
static bool optional_string(const json_t *object, const char *name, size_t max, struct sv *ret)
{
	const json_t *value = json_object_get(object, name);
	if (!value)
		return true;
	*ret = json_string_sv(value);
	return ret->n > 0 && ret->n <= max;
}

static bool refuse(enum reason *why, enum reason reason)
{
	*why = reason;
	return false;
}

/* RFC 7515 4.1.11: an extension we must understand, and we understand none. b64 and zip change what is signed. */
static bool demands_extension(const json_t *header)
{
	return json_object_get(header, "crit") || json_object_get(header, "b64") ||
	       json_object_get(header, "zip");
}

bool jwt_header_read(struct sv encoded, struct jwt_header *ret, enum reason *why)
{
	static const struct sv media = SV("application/");
	CLEANUP(json_decrefp) json_t *document = object_of(encoded);
	struct jwt_header header = {0};
	if (!document)
		return refuse(why, REASON_TOKEN_MALFORMED);
	if (demands_extension(document))
		return refuse(why, REASON_TOKEN_CRITICAL_HEADER);
	if (!optional_string(document, "kid", JWKS_KID_MAX_BYTES, &header.kid) ||
	    !optional_string(document, "typ", 128, &header.typ))
		return refuse(why, REASON_TOKEN_HEADER);
	header.alg = jws_alg_find(json_string_sv(json_object_get(document, "alg")));
	if (header.alg == JWS_UNKNOWN)
		return refuse(why, REASON_ALGORITHM_NOT_ALLOWED);
	if (sv_starts_ci(header.typ, media)) /* RFC 7515 4.1.9 */
		header.typ = sv_from(header.typ, media.n);
	header.document = TAKE(document);
	*ret = header;
	return true;
}

bool jwt_numeric_date(const json_t *value, double *ret)
{
	if (!json_is_number(value))
		return false;
	double number = json_number_value(value);
	if (!isfinite(number) || number < 0 || number >= 9007199254740992.0)
		return false;
	*ret = number;
	return true;
}

struct times {
	bool has_exp, has_nbf, has_iat;
	double exp, nbf, iat;
};

static bool read_times(const json_t *claims, struct times *t)
{
	const json_t *exp = json_object_get(claims, "exp"), *nbf = json_object_get(claims, "nbf"),
		     *iat = json_object_get(claims, "iat");
	*t = (struct times){.has_exp = exp, .has_nbf = nbf, .has_iat = iat};
	return (!exp || jwt_numeric_date(exp, &t->exp)) &&
	       (!nbf || jwt_numeric_date(nbf, &t->nbf)) && (!iat || jwt_numeric_date(iat, &t->iat));
}

static bool check_times(const struct times *t, const struct jwt_rules *rules, int64_t now_s,
                        enum reason *why)
{
	double now = (double)now_s, leeway = (double)rules->leeway_s;
	if (!t->has_exp && rules->require_expiration)
		return refuse(why, REASON_TOKEN_CLAIMS);
	if (t->has_exp && now >= t->exp + leeway)
		return refuse(why, REASON_TOKEN_EXPIRED);
	if (t->has_nbf && now + leeway < t->nbf)
		return refuse(why, REASON_TOKEN_NOT_YET_VALID);
	if (rules->max_lifetime_s == 0)
		return true;
	if (!t->has_exp || !t->has_iat || t->exp - t->iat > (double)rules->max_lifetime_s)
		return refuse(why, REASON_TOKEN_LIFETIME);
	return true;
}

static bool listed(const struct json_strings *list, struct sv text)
{
	for (size_t i = 0; i < list->n; i++)
		if (sv_eq(sv_of(list->at[i]), text))
			return true;
	return false;
}

/* RFC 7519 4.1.3: one string or an array of nothing but strings. */
static bool check_audience(const json_t *aud, const struct json_strings *wanted, enum reason *why)
{
	size_t i;
	json_t *one;
	bool found = json_is_string(aud) && listed(wanted, json_string_sv(aud));
	if (aud && !json_is_string(aud) && !json_is_array(aud))
		return refuse(why, REASON_TOKEN_CLAIMS);
	json_array_foreach(aud, i, one)
	{
		if (!json_is_string(one))
			return refuse(why, REASON_TOKEN_CLAIMS);
		found = found || listed(wanted, json_string_sv(one));
	}
	return found || wanted->n == 0 || refuse(why, REASON_AUDIENCE_MISMATCH);
}

/* A subject with control characters would travel into headers and logs. */
static bool is_subject(const json_t *sub)
{
	struct sv text = json_string_sv(sub);
	if (!sub)
		return true;
	return !sv_has_control(text) && text.n > 0 && text.n <= 1024;
}

bool jwt_claims_check(const json_t *claims, const struct jwt_rules *rules, int64_t now_s,
                      int64_t *expires_at, enum reason *why)
{
	static const struct json_strings any;
	struct times t;
	if (!read_times(claims, &t) || !is_subject(json_object_get(claims, "sub")))
		return refuse(why, REASON_TOKEN_CLAIMS);
	if (!rules->ignore_times && !check_times(&t, rules, now_s, why))
		return false;
	if (!check_audience(json_object_get(claims, "aud"),
	                    rules->audiences ? rules->audiences : &any, why))
		return false;
	*expires_at = t.has_exp ? (int64_t)ceil(t.exp) + rules->leeway_s : 0;
	return true;
}

bool jwt_access_token_check(struct sv typ, const json_t *claims, enum reason *why)
{
	static const char *const texts[] = {"iss", "sub", "client_id", "jti"};
	static const char *const others[] = {"exp", "aud", "iat"};
	if (!sv_eq_ci(typ, SVL("at+jwt")))
		return refuse(why, REASON_TOKEN_TYPE);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (json_string_sv(json_object_get(claims, texts[i])).n == 0)
			return refuse(why, REASON_TOKEN_CLAIMS);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (!json_object_get(claims, others[i]))
			return refuse(why, REASON_TOKEN_CLAIMS);
	return true;
}

bool jwt_type_check(struct sv typ, const struct json_strings *types)
{
	static const struct sv usual[] = {SV("at+jwt"), SV("JWT")};
	if (typ.n == 0)
		return true;
	for (size_t i = 0; types->n == 0 && i < ARRAY_LEN(usual); i++)
		if (sv_eq_ci(usual[i], typ))
			return true;
	for (size_t i = 0; i < types->n; i++)
		if (sv_eq_ci(sv_of(types->at[i]), typ))
			return true;
	return false;
}

static const struct jwk *no_key(enum reason *why, enum reason reason)
{
	*why = reason;
	return NULL;
}

const struct jwk *jwt_signature_check(struct jws_verifier *v, const struct jwks *set,
                                      const struct jwt_header *header,
                                      const struct jws_compact *parts, enum reason *why)
{
	CLEANUP(freep) uint8_t *bytes = malloc(BASE64_DECODED_MAX(parts->signature.n));
	struct sv signature = {(char *)bytes, 0};
	size_t at = 0, n_tried = 0;
	const struct jwk *key;
	if (!bytes || !base64url_decode(parts->signature, bytes, &signature.n))
		return no_key(why, REASON_TOKEN_MALFORMED);
	while (n_tried < KEYS_TRIED_MAX && (key = jwks_next(set, header->kid, header->alg, &at))) {
		n_tried++;
		if (jws_verify(v, header->alg, key, parts->input, signature))
			return key;
	}
	if (n_tried)
		return no_key(why, REASON_SIGNATURE_INVALID);
	bool is_known = header->kid.n == 0 || jwks_has_kid(set, header->kid);
	return no_key(why, is_known ? REASON_ALGORITHM_NOT_ALLOWED : REASON_KEY_UNKNOWN);
}
