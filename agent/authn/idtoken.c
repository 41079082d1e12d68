#include "authn/idtoken.h"

#include "authn/jwt.h"
#include "authn/keyslot.h"
#include "core/encode.h"
#include "core/jsonload.h"
#include "core/secret.h"

#include <openssl/evp.h>

enum { LOGOUT_AGE_MAX_S = 300, SID_MAX_BYTES = 512 };

static bool refuse(enum reason *why, enum reason reason)
{
	*why = reason;
	return false;
}

/* A token on its way; released by token_fini(). */
struct token {
	struct jws_compact parts;
	struct jwt_header header;
	json_t *claims;
	int64_t expires_at;
};

static void token_fini(struct token *t)
{
	json_decref(t->header.document);
	json_decref(t->claims);
	*t = (struct token){0};
}

static struct sv text_of(const json_t *claims, const char *name)
{
	return json_string_sv(json_object_get(claims, name));
}

/* azp says for whom it was made where several may read it; when it is there, it is us. */
static bool check_client(const struct login *login, const json_t *claims, enum reason *why)
{
	const json_t *azp = json_object_get(claims, "azp");
	if (!azp)
		return json_array_size(json_object_get(claims, "aud")) <= 1 ||
		       refuse(why, REASON_AUDIENCE_MISMATCH);
	return sv_eq(json_string_sv(azp), sv_of(login->client_id)) ||
	       refuse(why, REASON_AUDIENCE_MISMATCH);
}

static bool check_signature(const struct login *login, struct jws_verifier *verifier,
                            const struct token *t, enum reason *why)
{
	struct jwks *keys = keyslot_get(login->issuer->keys);
	if (!keys) {
		keyslot_want(login->issuer->keys);
		return refuse(why, REASON_KEYS_UNAVAILABLE);
	}
	bool good = jwt_signature_check(verifier, keys, &t->header, &t->parts, why);
	if (!good && *why == REASON_KEY_UNKNOWN)
		keyslot_want(login->issuer->keys);
	jwks_unref(keys);
	return good;
}

/* in: types: what typ may be besides absent */
static bool read_token(const struct login *login, struct jws_verifier *verifier, struct sv text,
                       const struct json_strings *types, int64_t now_s, struct token *ret,
                       enum reason *why)
{
	char *clients[] = {login->client_id};
	const struct json_strings audiences = {clients, 1};
	const struct jwt_rules rules = {.audiences = &audiences,
	                                .leeway_s = login->issuer->leeway_s};
	if (text.n > JWS_TOKEN_MAX_BYTES || !jws_split(text, &ret->parts))
		return refuse(why, REASON_TOKEN_MALFORMED);
	if (!jwt_header_read(ret->parts.header, &ret->header, why))
		return false;
	ret->claims = jwt_payload_read(ret->parts.payload);
	if (!ret->claims)
		return refuse(why, REASON_TOKEN_MALFORMED);
	if (!sv_eq(text_of(ret->claims, "iss"), sv_of(login->issuer->issuer)))
		return refuse(why, REASON_ISSUER_UNKNOWN);
	if (!(login->issuer->algs & JWS_ALG_BIT(ret->header.alg)))
		return refuse(why, REASON_ALGORITHM_NOT_ALLOWED);
	if (!jwt_type_check(ret->header.typ, types))
		return refuse(why, REASON_TOKEN_TYPE);
	if (!json_is_number(json_object_get(ret->claims, "iat")))
		return refuse(why, REASON_TOKEN_CLAIMS);
	return jwt_claims_check(ret->claims, &rules, now_s, &ret->expires_at, why) &&
	       check_client(login, ret->claims, why) && check_signature(login, verifier, ret, why);
}

static const char *hash_of(enum jws_alg alg)
{
	const struct jws_alg_info *info = jws_alg_info(alg);
	return info->digest ? info->digest : "SHA512"; /* Ed25519 signs with SHA-512 */
}

/* source: OpenID Connect Core 1.0 3.1.3.6: the left half of the hash that alg names */
static bool check_at_hash(const struct token *t, struct sv access_token, enum reason *why)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	char text[BASE64_ENCODED_MAX(EVP_MAX_MD_SIZE)];
	size_t n;
	const json_t *at_hash = json_object_get(t->claims, "at_hash");
	if (!at_hash || access_token.n == 0)
		return true;
	if (EVP_Q_digest(NULL, hash_of(t->header.alg), NULL, access_token.at, access_token.n,
	                 digest, &n) != 1)
		return refuse(why, REASON_INTERNAL);
	struct sv half = base64url_encode((struct sv){(const char *)digest, n / 2}, text);
	return sv_eq(json_string_sv(at_hash), half) || refuse(why, REASON_TOKEN_CLAIMS);
}

/* One kind of token must not pass for another: only a logout token has events. */
static bool check_id(const struct token *t, const struct idtoken_expected *expected,
                     enum reason *why)
{
	if (!json_object_get(t->claims, "exp") || text_of(t->claims, "sub").n == 0 ||
	    json_object_get(t->claims, "events"))
		return refuse(why, REASON_TOKEN_CLAIMS);
	if (expected->nonce.n && !secret_equal(text_of(t->claims, "nonce"), expected->nonce))
		return refuse(why, REASON_TOKEN_CLAIMS);
	return check_at_hash(t, expected->access_token, why);
}

bool idtoken_check(const struct login *login, struct jws_verifier *verifier, struct sv token,
                   const struct idtoken_expected *expected, int64_t now_s, json_t **ret,
                   enum reason *why)
{
	static char jwt[] = "JWT", *types[] = {jwt};
	static const struct json_strings only_jwt = {types, ARRAY_LEN(types)};
	CLEANUP(token_fini) struct token t = {0};
	if (!read_token(login, verifier, token, &only_jwt, now_s, &t, why) ||
	    !check_id(&t, expected, why))
		return false;
	*ret = TAKE(t.claims);
	return true;
}

static bool is_sound(struct sv text, size_t max)
{
	return !sv_has_control(text) && text.n <= max;
}

static bool check_logout(const struct token *t, int64_t now_s, struct logout_order *ret,
                         enum reason *why)
{
	static const char event[] = "http://schemas.openid.net/event/backchannel-logout";
	const json_t *events = json_object_get(t->claims, "events");
	double iat = json_number_value(json_object_get(t->claims, "iat"));
	struct logout_order order = {.jti = text_of(t->claims, "jti"),
	                             .subject = text_of(t->claims, "sub"),
	                             .sid = text_of(t->claims, "sid")};
	if (!json_is_object(json_object_get(events, event)) ||
	    json_object_get(t->claims, "nonce") || order.jti.n == 0)
		return refuse(why, REASON_TOKEN_CLAIMS);
	if (json_object_get(t->claims, "sid") && order.sid.n == 0)
		return refuse(why, REASON_TOKEN_CLAIMS); /* it would end more than was meant */
	if ((order.subject.n == 0 && order.sid.n == 0) || !is_sound(order.jti, SID_MAX_BYTES) ||
	    !is_sound(order.sid, SID_MAX_BYTES))
		return refuse(why, REASON_TOKEN_CLAIMS);
	/* also where exp grants more: what is older need not be remembered */
	if ((double)now_s - iat >= LOGOUT_AGE_MAX_S || iat - (double)now_s >= LOGOUT_AGE_MAX_S)
		return refuse(why, REASON_TOKEN_EXPIRED);
	order.until_s = (int64_t)iat + LOGOUT_AGE_MAX_S + 1;
	*ret = order;
	return true;
}

bool logouttoken_check(const struct login *login, struct jws_verifier *verifier, struct sv token,
                       int64_t now_s, struct logout_order *ret, enum reason *why)
{
	static char logout[] = "logout+jwt", jwt[] = "JWT", *types[] = {logout, jwt};
	static const struct json_strings either = {types, ARRAY_LEN(types)};
	CLEANUP(token_fini) struct token t = {0};
	if (!read_token(login, verifier, token, &either, now_s, &t, why) ||
	    !check_logout(&t, now_s, ret, why))
		return false;
	ret->claims = TAKE(t.claims);
	return true;
}
