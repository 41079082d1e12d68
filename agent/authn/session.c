#include "authn/session.h"

#include "authn/credential.h"
#include "authn/turn.h"
#include "authn/user.h"
#include "core/encode.h"

static size_t epoch_of(const uint8_t digest[SHA256_BYTES])
{
	return (digest[0] | (size_t)digest[1] << 8) % SESSION_EPOCHS;
}

void login_shared_end(struct login_shared *shared, const uint8_t digest[SHA256_BYTES])
{
	atomic_fetch_add_explicit(&shared->epochs[epoch_of(digest)], 1, memory_order_release);
}

bool session_place(struct tokencache *cache, const struct login_shared *shared, struct sv id,
                   struct session_place *ret)
{
	uint8_t bytes[BASE64_DECODED_MAX(SESSION_ID_CHARS)];
	size_t n;
	if (id.n != SESSION_ID_CHARS || !base64url_decode(id, bytes, &n) ||
	    !tokencache_digest_of(cache, "haward session", id, ret->digest))
		return false;
	unsigned epoch =
		atomic_load_explicit(&shared->epochs[epoch_of(ret->digest)], memory_order_acquire);
	memcpy(ret->key, ret->digest, SHA256_BYTES);
	/* the last bytes: the first place the entry, and say which epoch counts */
	for (size_t i = 0; i < sizeof(epoch); i++)
		ret->key[SHA256_BYTES - 1 - i] ^= (uint8_t)(epoch >> (8 * i));
	return true;
}

static enum authn_outcome is_over(const struct authn_turn *turn)
{
	*turn->why = REASON_SESSION_EXPIRED;
	return AUTHN_ANONYMOUS;
}

enum authn_outcome session_identify(const struct authn_turn *turn,
                                    const struct credential *credential, struct identity *ret)
{
	const struct authn_ctx *ctx = turn->ctx;
	struct session_place place;
	struct tokencache_refusal refusal;
	if (!session_place(ctx->cache, ctx->shared, credential->text, &place))
		return is_over(turn);
	const struct identity *known =
		tokencache_find(ctx->cache, place.key, turn->authn->serial, ctx->now_s);
	if (known) {
		*ret = *known;
		return AUTHN_OK;
	}
	if (tokencache_find_refusal(ctx->cache, place.key, turn->authn->serial, ctx->now_s,
	                            &refusal))
		return refusal.why == REASON_SESSION_EXPIRED ? is_over(turn)
		                                             : turn_refuse(turn, refusal.why);
	struct authn_ask ask = {.kind = AUTHN_ASK_SESSION, .about = ctx->login};
	memcpy(ask.key, place.key, sizeof(ask.key));
	if (!arena_dup(ctx->arena, (struct sv){(const char *)place.digest, SHA256_BYTES},
	               &ask.parts[0]))
		return turn_refuse(turn, REASON_INTERNAL);
	return turn_later(turn, &ask);
}

void session_keep(const struct authn *authn, const struct authn_ctx *ctx,
                  const struct authn_answer *answer)
{
	const struct login *login = answer->about;
	struct identity who = {.expires_at = answer->until_s};
	if (!user_of_claims(login->issuer, answer->claims, ctx->arena, &who))
		return;
	who.method = AUTH_SESSION;
	if (who.client.n == 0)
		who.client = sv_of(login->client_id);
	(void)!tokencache_put(ctx->cache, answer->key, authn->serial, NULL, 0, answer->until_s,
	                      &who);
}

void session_keep_end(const struct authn *authn, const struct authn_ctx *ctx,
                      const struct authn_answer *answer)
{
	const struct login *login = answer->about;
	const json_t *claims = json_object_get(answer->claims, "claims");
	struct identity who = {0};
	if (claims && !user_of_claims(login->issuer, claims, ctx->arena, &who))
		return;
	who.method = claims ? AUTH_SESSION : AUTH_NONE;
	who.claims = answer->claims;
	(void)!tokencache_put(ctx->cache, answer->key, authn->serial, NULL, 0, answer->until_s,
	                      &who);
}
