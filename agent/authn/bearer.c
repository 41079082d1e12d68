#include "authn/bearer.h"

#include "authn/admit.h"
#include "authn/headermemo.h"
#include "authn/jwt.h"
#include "authn/opaque.h"
#include "authn/spiffe.h"
#include "authn/user.h"
#include "core/jsonload.h"

/* A token without exp, where the issuer's rules let it pass, is looked at again after this. */
enum { CACHE_WITHOUT_EXP_S = 60 };

static bool refuse(enum reason *why, enum reason reason)
{
	*why = reason;
	return false;
}

/* One token on its way to an identity; what it owns is released by checking_fini(). */
struct checking {
	const struct authn_turn *turn;
	uint32_t places; /* where it stood */
	struct jws_compact parts;
	struct jwt_header header;
	json_t *claims;
	const struct issuer *issuer;
	struct jwks *keys;
	const struct jwk *key; /* of keys: the one that made the signature */
	uint64_t generation;
	int64_t expires_at;
};

static void checking_fini(struct checking *c)
{
	json_decref(c->header.document);
	json_decref(c->claims);
	jwks_unref(c->keys);
}

/* source: JWT-SVID 3.1: who is meant is a workload of the trust domain whose key it is */
static bool is_of_domain(const struct issuer *issuer, struct sv sub)
{
	struct sv domain = sv_of(issuer->issuer);
	return sv_starts(sub, domain) && sub.n > domain.n && sub.at[domain.n] == '/' &&
	       spiffe_id_check(sub);
}

/* iss only chooses; that it is true is known after the signature. A JWT-SVID need not have one: there the trust
 * domain of sub chooses. */
static const struct issuer *issuer_of(const struct authn *authn, const json_t *claims)
{
	struct sv sub = json_string_sv(json_object_get(claims, "sub"));
	const struct issuer *issuer =
		authn_find_issuer(authn, json_string_sv(json_object_get(claims, "iss")));
	for (size_t i = 0; !issuer && i < authn->n; i++)
		if (authn->issuers[i].is_svid && is_of_domain(&authn->issuers[i], sub))
			issuer = &authn->issuers[i];
	return issuer;
}

/* What this issuer's tokens are, beyond what every JWT is. */
static bool check_kind(const struct checking *c, enum reason *why)
{
	if (c->issuer->profile == ISSUER_PROFILE_RFC9068)
		return jwt_access_token_check(c->header.typ, c->claims, why);
	if (c->issuer->is_svid &&
	    !is_of_domain(c->issuer, json_string_sv(json_object_get(c->claims, "sub"))))
		return refuse(why, REASON_SPIFFE_ID_INVALID);
	return true;
}

/* What the token says of itself, and whose it says it is. */
static bool read_token(struct checking *c, enum reason *why)
{
	if (!headermemo_find(tokencache_headers(c->turn->ctx->cache), c->parts.header,
	                     &c->header) &&
	    !jwt_header_read(c->parts.header, &c->header, why))
		return false;
	c->claims = jwt_payload_read(c->parts.payload);
	if (!c->claims)
		return refuse(why, REASON_TOKEN_MALFORMED);
	c->issuer = issuer_of(c->turn->authn, c->claims);
	if (!c->issuer)
		return refuse(why, REASON_ISSUER_UNKNOWN);
	if (!(c->issuer->places & c->places))
		return refuse(why, REASON_TOKEN_LOCATION);
	return true;
}

/* Everything that costs next to nothing comes before the signature. */
static bool check_cheap(struct checking *c, enum reason *why)
{
	const struct jwt_rules rules = {.audiences = &c->issuer->audiences,
	                                .leeway_s = c->issuer->leeway_s,
	                                .max_lifetime_s = c->issuer->max_lifetime_s,
	                                .require_expiration = c->issuer->require_expiration};
	if (!(c->issuer->algs & JWS_ALG_BIT(c->header.alg)))
		return refuse(why, REASON_ALGORITHM_NOT_ALLOWED);
	if (!jwt_type_check(c->header.typ, &c->issuer->types))
		return refuse(why, REASON_TOKEN_TYPE);
	return check_kind(c, why) &&
	       jwt_claims_check(c->claims, &rules, c->turn->ctx->now_s, &c->expires_at, why);
}

static bool check_signature(struct checking *c, enum reason *why)
{
	/* read before the set: a publish in between makes the entry stale, never the other way round */
	c->generation = keyslot_generation(c->issuer->keys);
	c->keys = keyslot_get(c->issuer->keys);
	if (!c->keys) {
		keyslot_want(c->issuer->keys);
		return refuse(why, REASON_KEYS_UNAVAILABLE);
	}
	c->key = jwt_signature_check(tokencache_verifier(c->turn->ctx->cache), c->keys, &c->header,
	                             &c->parts, why);
	if (c->key)
		return true;
	if (*why == REASON_KEY_UNKNOWN)
		keyslot_want(c->issuer->keys);
	return false;
}

/* Verified claims -> the identity they are of; a person's, or a workload's. */
static bool make_identity(const struct checking *c, struct identity *ret, enum reason *why)
{
	const struct issuer *issuer = c->issuer;
	struct arena *arena = c->turn->ctx->arena;
	if (issuer->is_svid) {
		ret->workload_method = AUTH_JWT;
		identity_set_workload(ret, json_string_sv(json_object_get(c->claims, "sub")));
	} else if (!user_of_claims(issuer, c->claims, arena, ret)) {
		return refuse(why, REASON_INTERNAL);
	}
	const struct admission admission = {issuer, c->claims, c->parts.payload};
	return admit_token(&admission, arena, ret, why);
}

static bool remember(const struct checking *c, const uint8_t digest[SHA256_BYTES],
                     struct identity *ret, enum reason *why)
{
	const struct authn_ctx *ctx = c->turn->ctx;
	struct identity who = {.expires_at = c->expires_at, .key_id = sv_of(c->key->kid)};
	int64_t until_s = c->expires_at ? c->expires_at : ctx->now_s + CACHE_WITHOUT_EXP_S;
	if (!make_identity(c, &who, why))
		return false;
	const struct identity *kept = tokencache_put(ctx->cache, digest, c->turn->authn->serial,
	                                             c->issuer->keys, c->generation, until_s, &who);
	if (!kept)
		return refuse(why, REASON_INTERNAL);
	headermemo_keep(tokencache_headers(ctx->cache), c->parts.header, &c->header);
	*ret = *kept;
	return true;
}

/* A token that is no JWT. */
static enum authn_outcome ask_opaque(const struct authn_turn *turn,
                                     const struct credential *credential, const uint8_t *digest)
{
	const struct issuer *issuer = authn_opaque_issuer(turn->authn);
	if (!issuer)
		return turn_refuse(turn, REASON_TOKEN_MALFORMED);
	if (!(issuer->places & credential->places))
		return turn_refuse(turn, REASON_TOKEN_LOCATION);
	return opaque_identify(turn, issuer, digest, credential->text);
}

static unsigned n_dots(struct sv token)
{
	unsigned n = 0;
	for (size_t i = 0; i < token.n; i++)
		n += token.at[i] == '.';
	return n;
}

enum authn_outcome bearer_identify(const struct authn_turn *turn,
                                   const struct credential *credential, struct identity *ret)
{
	const struct authn_ctx *ctx = turn->ctx;
	struct sv token = credential->text;
	uint8_t digest[SHA256_BYTES];
	if (token.n > JWS_TOKEN_MAX_BYTES)
		return turn_refuse(turn, REASON_TOKEN_TOO_LARGE);
	if (!tokencache_digest(ctx->cache, credential, digest))
		return turn_refuse(turn, REASON_INTERNAL);
	const struct identity *known =
		tokencache_find(ctx->cache, digest, turn->authn->serial, ctx->now_s);
	if (known) {
		*ret = *known;
		return AUTHN_OK;
	}
	if (n_dots(token) != 2)
		return ask_opaque(turn, credential, digest);
	CLEANUP(checking_fini) struct checking c = {.turn = turn, .places = credential->places};
	if (!jws_split(token, &c.parts))
		return turn_refuse(turn, REASON_TOKEN_MALFORMED);
	if (!read_token(&c, turn->why))
		return AUTHN_REFUSED;
	if (!c.issuer->has_keys)
		return opaque_identify(turn, c.issuer, digest, token);
	bool good = check_cheap(&c, turn->why) && check_signature(&c, turn->why) &&
	            remember(&c, digest, ret, turn->why);
	return good ? AUTHN_OK : AUTHN_REFUSED;
}
