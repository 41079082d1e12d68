#include "authn/authn.h"

#include "authn/clientcert.h"
#include "authn/headermemo.h"
#include "authn/jwt.h"
#include "core/jsonload.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* A token without exp, where the issuer's rules let it pass, is looked at again after this. */
enum { CACHE_WITHOUT_EXP_S = 60 };

struct authn {
	uint64_t
		serial; /* another for each compiled set: cached tokens of an older one do not count */
	size_t n;
	struct issuer *issuers; /* owned */
};

void authn_free(struct authn *authn)
{
	if (!authn)
		return;
	for (size_t i = 0; i < authn->n; i++)
		issuer_fini(&authn->issuers[i]);
	free(authn->issuers);
	free(authn);
}

static void authn_freep(struct authn **authn)
{
	authn_free(*authn);
}

size_t authn_n_issuers(const struct authn *authn)
{
	return authn->n;
}

const struct issuer *authn_issuer(const struct authn *authn, size_t i)
{
	return i < authn->n ? &authn->issuers[i] : NULL;
}

static const struct issuer *find_issuer(const struct authn *authn, struct sv iss)
{
	for (size_t i = 0; iss.n && i < authn->n; i++)
		if (sv_eq(sv_of(authn->issuers[i].issuer), iss))
			return &authn->issuers[i];
	return NULL;
}

static int read_issuers(const json_t *list, const char *pointer, const struct authn_env *env,
                        struct diag *d, struct authn *authn)
{
	int result = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct issuer *issuer = &authn->issuers[authn->n];
		char at[256];
		(void)snprintf(at, sizeof(at), "%s/%zu", pointer, i);
		int r = issuer_read(json_array_get(list, i), at, env, d, issuer);
		if (r == 0 && find_issuer(authn, sv_of(issuer->issuer))) {
			diag_add(d, at, "duplicate_issuer", "issuer '%s' stands twice",
			         issuer->issuer);
			r = -EINVAL;
		}
		if (r) {
			issuer_fini(issuer);
			result = result == -ENOMEM ? result : r;
		} else {
			authn->n++;
		}
	}
	return result;
}

int authn_compile(const json_t *issuers, const char *pointer, const struct authn_env *env,
                  struct diag *d, struct authn **ret)
{
	static atomic_uint_fast64_t serials;
	CLEANUP(authn_freep) struct authn *authn = calloc(1, sizeof(*authn));
	if (!authn)
		return -ENOMEM;
	if (issuers && !json_is_array(issuers)) {
		diag_add(d, pointer, "wrong_type", "an array of issuers is expected here");
		return -EINVAL;
	}
	size_t n = json_array_size(issuers);
	authn->serial = 1 + atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed);
	authn->issuers = calloc(n ? n : 1, sizeof(*authn->issuers));
	if (!authn->issuers)
		return -ENOMEM;
	int r = read_issuers(issuers, pointer, env, d, authn);
	if (r)
		return r;
	*ret = TAKE(authn);
	return 0;
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
		for (size_t i = 0; i < room; i++)
			if (json_is_string(json_array_get(value, i)))
				list[n++] = json_string_sv(json_array_get(value, i));
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
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
			return (struct sv){0};
	return text;
}

bool authn_identity_of_claims(const struct issuer *issuer, const json_t *claims,
                              struct arena *arena, struct identity *ret)
{
	static const struct claim_names defaults;
	const struct claim_names *names = issuer ? &issuer->claims : &defaults;
	ret->method = AUTH_JWT;
	ret->claims = claims;
	ret->issuer = json_string_sv(json_object_get(claims, "iss"));
	ret->subject = json_string_sv(json_object_get(claims, "sub"));
	ret->user = printable(json_string_sv(claim(claims, names->user, "sub", NULL)));
	if (ret->user.n == 0)
		ret->user = ret->subject;
	ret->client = printable(json_string_sv(claim(claims, names->client, "azp", "client_id")));
	const json_t *groups = claim(claims, names->groups, "groups", NULL);
	const json_t *scopes = claim(claims, names->scopes, "scope", "scp");
	const json_t *aud = json_object_get(claims, "aud");
	return join_principal(arena, ret) &&
	       strings_of(groups, false, arena, &ret->groups, &ret->n_groups) &&
	       strings_of(scopes, true, arena, &ret->scopes, &ret->n_scopes) &&
	       strings_of(aud, false, arena, &ret->audiences, &ret->n_audiences);
}

static bool refuse(enum reason *why, enum reason reason)
{
	*why = reason;
	return false;
}

/* One token on its way to an identity; what it owns is released by checking_fini(). */
struct checking {
	const struct authn *authn;
	struct tokencache *cache;
	struct jws_compact parts;
	struct jwt_header header;
	json_t *claims;
	const struct issuer *issuer;
	struct jwks *keys;
	uint64_t generation;
	int64_t now_s, expires_at;
};

static void checking_fini(struct checking *c)
{
	json_decref(c->header.document);
	json_decref(c->claims);
	jwks_unref(c->keys);
}

/* Everything that costs next to nothing comes before the signature. */
static bool check_cheap(struct checking *c, enum reason *why)
{
	if (!headermemo_find(tokencache_headers(c->cache), c->parts.header, &c->header) &&
	    !jwt_header_read(c->parts.header, &c->header, why))
		return false;
	c->claims = jwt_payload_read(c->parts.payload);
	if (!c->claims)
		return refuse(why, REASON_TOKEN_MALFORMED);
	/* iss only chooses; that it is true is known after the signature */
	c->issuer = find_issuer(c->authn, json_string_sv(json_object_get(c->claims, "iss")));
	if (!c->issuer)
		return refuse(why, REASON_ISSUER_UNKNOWN);
	const struct jwt_rules rules = {.audiences = &c->issuer->audiences,
	                                .leeway_s = c->issuer->leeway_s,
	                                .max_lifetime_s = c->issuer->max_lifetime_s,
	                                .require_expiration = c->issuer->require_expiration};
	if (!(c->issuer->algs & JWS_ALG_BIT(c->header.alg)))
		return refuse(why, REASON_ALGORITHM_NOT_ALLOWED);
	if (!jwt_type_check(c->header.typ, &c->issuer->types))
		return refuse(why, REASON_TOKEN_TYPE);
	return jwt_claims_check(c->claims, &rules, c->now_s, &c->expires_at, why);
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
	if (jwt_signature_check(tokencache_verifier(c->cache), c->keys, &c->header, &c->parts, why))
		return true;
	if (*why == REASON_KEY_UNKNOWN)
		keyslot_want(c->issuer->keys);
	return false;
}

static bool remember(const struct checking *c, const uint8_t digest[SHA256_BYTES],
                     struct arena *arena, struct identity *ret, enum reason *why)
{
	struct identity who = {.expires_at = c->expires_at};
	int64_t until_s = c->expires_at ? c->expires_at : c->now_s + CACHE_WITHOUT_EXP_S;
	if (!authn_identity_of_claims(c->issuer, c->claims, arena, &who))
		return refuse(why, REASON_INTERNAL);
	const struct identity *kept = tokencache_put(c->cache, digest, c->authn->serial,
	                                             c->issuer->keys, c->generation, until_s, &who);
	if (!kept)
		return refuse(why, REASON_INTERNAL);
	headermemo_keep(tokencache_headers(c->cache), c->parts.header, &c->header);
	*ret = *kept;
	return true;
}

bool authn_verify_token(const struct authn *authn, struct tokencache *cache, struct sv token,
                        int64_t now_s, struct arena *arena, struct identity *ret, enum reason *why)
{
	uint8_t digest[SHA256_BYTES];
	if (token.n > JWS_TOKEN_MAX_BYTES)
		return refuse(why, REASON_TOKEN_TOO_LARGE);
	if (!tokencache_digest(cache, token, digest))
		return refuse(why, REASON_INTERNAL);
	const struct identity *known = tokencache_find(cache, digest, authn->serial, now_s);
	if (known) {
		*ret = *known;
		return true;
	}
	CLEANUP(checking_fini)
	struct checking c = {.authn = authn, .cache = cache, .now_s = now_s};
	if (!jws_split(token, &c.parts))
		return refuse(why, REASON_TOKEN_MALFORMED);
	return check_cheap(&c, why) && check_signature(&c, why) &&
	       remember(&c, digest, arena, ret, why);
}

/* RFC 6750 2.1: the scheme's name in any case, then blanks, then the token. */
static bool bearer_token(struct sv authorization, struct sv *ret, enum reason *why)
{
	size_t n = sv_find(authorization, ' ');
	if (!sv_eq_ci(sv_first(authorization, n), SVL("Bearer")))
		return refuse(why, REASON_UNSUPPORTED_CREDENTIAL);
	*ret = sv_trim(sv_from(authorization, n));
	return ret->n > 0 || refuse(why, REASON_TOKEN_MALFORMED);
}

static bool identify_user(const struct authn *authn, struct tokencache *cache,
                          const struct request *req, int64_t now_s, struct arena *arena,
                          struct identity *ret, enum reason *why)
{
	struct sv token;
	if (req->n_authorization == 0)
		return true;
	if (req->n_authorization > 1)
		return refuse(why, REASON_MULTIPLE_CREDENTIALS);
	return bearer_token(req->authorization, &token, why) &&
	       authn_verify_token(authn, cache, token, now_s, arena, ret, why);
}

enum authn_outcome authn_identify(const struct authn *authn, struct tokencache *cache,
                                  const struct request *req, int64_t now_s, struct arena *arena,
                                  struct identity *ret, enum reason *why)
{
	struct identity who = {0};
	*why = REASON_INTERNAL;
	if (!identify_user(authn, cache, req, now_s, arena, &who, why) ||
	    clientcert_identify(req, now_s, arena, &who, why) == CLIENTCERT_REFUSED)
		return AUTHN_REFUSED;
	*ret = who;
	return identity_is_anonymous(&who) ? AUTHN_ANONYMOUS : AUTHN_OK;
}

#define INVALID_TOKEN(text) \
	SV("Bearer realm=\"haward\", error=\"invalid_token\", error_description=\"" text "\"")

static const struct {
	enum reason reason;
	struct sv challenge;
} challenges[] = {
	{REASON_MULTIPLE_CREDENTIALS, SV("Bearer realm=\"haward\", error=\"invalid_request\", "
                                         "error_description=\"more than one credential\"")},
	{REASON_TOKEN_EXPIRED, INVALID_TOKEN("the token has expired")},
	{REASON_TOKEN_NOT_YET_VALID, INVALID_TOKEN("the token is not valid yet")},
	{REASON_AUDIENCE_MISMATCH, INVALID_TOKEN("the token is meant for another audience")},
	{REASON_TOKEN_MALFORMED, INVALID_TOKEN("the token is malformed")},
};

struct sv authn_challenge(enum reason reason)
{
	static const struct sv plain = SV("Bearer realm=\"haward\"");
	static const struct sv invalid = SV("Bearer realm=\"haward\", error=\"invalid_token\"");
	for (size_t i = 0; i < ARRAY_LEN(challenges); i++)
		if (challenges[i].reason == reason)
			return challenges[i].challenge;
	bool is_token = reason >= REASON_TOKEN_MALFORMED && reason <= REASON_AUDIENCE_MISMATCH;
	return is_token ? invalid : plain;
}
