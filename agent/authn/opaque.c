#include "authn/opaque.h"

#include "authn/admit.h"
#include "authn/user.h"
#include "core/jsonload.h"

/* RFC 6749 A.12: a token is visible characters and blanks; a blank stands in no header of ours. */
static bool is_token(struct sv token)
{
	for (size_t i = 0; i < token.n; i++)
		if (token.at[i] < 0x21 || token.at[i] > 0x7e)
			return false;
	return token.n > 0;
}

enum authn_outcome opaque_identify(const struct authn_turn *turn, const struct issuer *issuer,
                                   const uint8_t *key, struct sv token)
{
	struct authn_ask ask = {.kind = AUTHN_ASK_INTROSPECT, .about = issuer, .parts = {token}};
	if (!is_token(token))
		return turn_refuse(turn, REASON_TOKEN_MALFORMED);
	if (turn_refused(turn, key))
		return AUTHN_REFUSED;
	memcpy(ask.key, key, sizeof(ask.key));
	return turn_later(turn, &ask);
}

void opaque_keep(const struct authn *authn, const struct authn_ctx *ctx,
                 const struct authn_answer *answer)
{
	const struct issuer *issuer = answer->about;
	struct identity who = {.expires_at = answer->until_s};
	if (!user_of_claims(issuer, answer->claims, ctx->arena, &who))
		return;
	who.method = AUTH_INTROSPECTION;
	if (who.user.n == 0)
		who.user = json_string_sv(json_object_get(answer->claims, "username"));
	const struct admission admission = {.issuer = issuer, .claims = answer->claims};
	enum reason why;
	if (!admit_token(&admission, ctx->arena, &who, &why)) {
		tokencache_put_refusal(ctx->cache, answer->key, authn->serial, answer->until_s,
		                       why);
		return;
	}
	(void)!tokencache_put(ctx->cache, answer->key, authn->serial, NULL, 0, answer->until_s,
	                      &who);
}
