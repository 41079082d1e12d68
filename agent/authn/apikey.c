#include "authn/apikey.h"

#include "authn/apikeys.h"
#include "authn/user.h"
#include "core/jsonload.h"
#include "core/secret.h"

enum { SECONDS_A_DAY = 86400 };

/* Is this the key that was given out under this id? The same work for an id that is not there. */
static bool is_given_out(const struct apikeys *table, apikeys_place place, struct sv text)
{
	static const uint8_t nobody[SHA256_BYTES];
	uint8_t mac[SHA256_BYTES];
	struct apikey key = {.mac = {(const char *)nobody, sizeof(nobody)}};
	if (place != APIKEYS_NONE)
		apikeys_at(table, place, &key);
	bool good = apikey_text_mac(apikeys_pepper(table), text, mac) &&
	            secret_equal((struct sv){(const char *)mac, sizeof(mac)}, key.mac);
	return good && place != APIKEYS_NONE;
}

/* ---- the identity ---- */

static json_t *items_json(struct sv list)
{
	struct sv item;
	json_t *array = json_array();
	while (list.n && sv_cut(&list, '\n', &item))
		if (json_array_append_new(array, json_stringn(item.at, item.n)) != 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *words_json(struct sv list, struct arena *arena)
{
	char *text = arena_alloc(arena, list.n + 1);
	for (size_t i = 0; text && i < list.n; i++)
		text[i] = list.at[i] == '\n' ? ' ' : list.at[i];
	return text ? json_stringn(text, list.n) : NULL;
}

static json_t *claims_of(const struct apikey *key, struct arena *arena)
{
	json_t *claims = json_pack("{s:s, s:s%, s:s%}", "iss", APIKEY_ISSUER, "sub", key->id.at,
	                           key->id.n, "owner", key->owner.at, key->owner.n);
	if (!claims)
		return NULL;
	int r = 0;
	if (key->client.n)
		r |= json_object_set_new(claims, "client_id",
		                         json_stringn(key->client.at, key->client.n));
	if (key->scopes.n)
		r |= json_object_set_new(claims, "scope", words_json(key->scopes, arena));
	if (key->groups.n)
		r |= json_object_set_new(claims, "groups", items_json(key->groups));
	if (r == 0)
		return claims;
	json_decref(claims);
	return NULL;
}

/* Kept until the table is another, or the key ends. */
static bool remember(const struct authn_turn *turn, const uint8_t digest[SHA256_BYTES],
                     const struct apikey *key, struct identity *ret)
{
	const struct authn_ctx *ctx = turn->ctx;
	CLEANUP(json_decrefp) json_t *claims = claims_of(key, ctx->arena);
	struct identity who = {.expires_at = key->ends_s};
	if (!claims || !user_of_claims(NULL, claims, ctx->arena, &who))
		return false;
	who.method = AUTH_API_KEY;
	who.user = key->owner;
	const struct identity *kept =
		tokencache_put(ctx->cache, digest, ctx->apikeys->generation, NULL, 0,
	                       key->ends_s ? key->ends_s : INT64_MAX, &who);
	if (kept)
		*ret = *kept;
	return kept != NULL;
}

/* ---- may it be used, here and now ---- */

static bool is_listed(struct sv list, struct sv name)
{
	struct sv item;
	while (list.n && sv_cut(&list, '\n', &item))
		if (sv_eq(item, name))
			return true;
	return false;
}

/* Of the first that is wrong; REASON_POLICY_ALLOWED: of none. */
static enum reason fault_of(const struct apikeys *table, apikeys_place place,
                            const struct netaddr *src, struct sv service, int64_t now_s)
{
	struct apikey key;
	apikeys_at(table, place, &key);
	if (key.is_revoked)
		return REASON_API_KEY_REVOKED;
	if (key.is_disabled)
		return REASON_API_KEY_DISABLED;
	if (key.ends_s && key.ends_s <= now_s)
		return REASON_API_KEY_EXPIRED;
	if (!apikeys_network_ok(table, place, src))
		return REASON_API_KEY_NETWORK;
	if (key.services.n && !is_listed(key.services, service))
		return REASON_API_KEY_SERVICE;
	return REASON_POLICY_ALLOWED;
}

enum reason apikey_check(const struct shared *shared, struct sv text, const struct netaddr *src,
                         struct sv service, int64_t now_s, struct apikey *ret)
{
	const struct apikeys *table = apikeys_of(shared);
	struct sv id;
	if (!apikey_text_id(text, &id) || !apikey_text_check(text))
		return REASON_API_KEY_MALFORMED;
	if (!table)
		return REASON_API_KEYS_UNAVAILABLE;
	apikeys_place place = apikeys_find(table, id);
	if (!is_given_out(table, place, text))
		return REASON_API_KEY_UNKNOWN;
	enum reason fault = fault_of(table, place, src, service, now_s);
	if (fault != REASON_POLICY_ALLOWED)
		return fault;
	apikeys_mark_used(table, place, now_s / SECONDS_A_DAY);
	apikeys_at(table, place, ret);
	return REASON_POLICY_ALLOWED;
}

bool apikey_has_scope(const struct apikey *key, struct sv scope)
{
	return is_listed(key->scopes, scope);
}

static enum authn_outcome admit(const struct authn_turn *turn, apikeys_place place)
{
	static const struct netaddr nowhere;
	const struct authn_ctx *ctx = turn->ctx;
	enum reason fault =
		fault_of(apikeys_of(ctx->apikeys), place, turn->req ? &turn->req->src : &nowhere,
	                 ctx->service, ctx->now_s);
	if (fault != REASON_POLICY_ALLOWED)
		return turn_refuse(turn, fault);
	apikeys_mark_used(apikeys_of(ctx->apikeys), place, ctx->now_s / SECONDS_A_DAY);
	return AUTHN_OK;
}

enum authn_outcome apikey_identify(const struct authn_turn *turn,
                                   const struct credential *credential, struct identity *ret)
{
	struct sv text = credential->text;
	const struct authn_ctx *ctx = turn->ctx;
	const struct apikeys *table = apikeys_of(ctx->apikeys);
	uint8_t digest[SHA256_BYTES];
	struct sv id;
	if (!apikey_text_id(text, &id))
		return turn_refuse(turn, REASON_API_KEY_MALFORMED);
	if (!table)
		return turn_refuse(turn, REASON_API_KEYS_UNAVAILABLE);
	if (!tokencache_digest(ctx->cache, credential, digest))
		return turn_refuse(turn, REASON_INTERNAL);
	apikeys_place place = apikeys_find(table, id);
	const struct identity *known =
		tokencache_find(ctx->cache, digest, ctx->apikeys->generation, ctx->now_s);
	if (known && place != APIKEYS_NONE) {
		*ret = *known;
		return admit(turn, place);
	}
	if (!apikey_text_check(text))
		return turn_refuse(turn, REASON_API_KEY_MALFORMED);
	if (!is_given_out(table, place, text))
		return turn_refuse(turn, REASON_API_KEY_UNKNOWN);
	enum authn_outcome outcome = admit(turn, place);
	if (outcome != AUTHN_OK)
		return outcome;
	struct apikey key;
	apikeys_at(table, place, &key);
	return remember(turn, digest, &key, ret) ? AUTHN_OK : turn_refuse(turn, REASON_INTERNAL);
}
