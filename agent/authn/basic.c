#include "authn/basic.h"

#include "authn/basicauth.h"
#include "authn/credential.h"
#include "authn/user.h"
#include "core/encode.h"
#include "core/jsonfields.h"
#include "core/secret.h"
#include "core/utf8.h"

#include <errno.h>

enum { CACHE_S = 30, NAME_MAX_BYTES = 128, PASSWORD_MAX = 1024, CREDENTIAL_MAX_BYTES = 2048 };

static const struct json_field fields[] = {
	{.name = "realm",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct basic_rules, realm),
         .min = 1,
         .max = 64,
         .required = true},
	{.name = "cacheSeconds",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct basic_rules, cache_s),
         .min = 1,
         .max = 3600},
};

void basic_fini(struct basic_rules *rules)
{
	json_fields_free(fields, ARRAY_LEN(fields), rules);
}

/* It stands in a header between quotes. */
static bool is_realm(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e || *text == '"' || *text == '\\')
			return false;
	return true;
}

int basic_read(const json_t *value, struct diag *d, struct basic_rules *ret)
{
	*ret = (struct basic_rules){.cache_s = CACHE_S};
	if (!value)
		return 0;
	int r = json_fields_read(value, fields, ARRAY_LEN(fields), "/basic", d, ret);
	if (r == 0 && !is_realm(ret->realm)) {
		diag_add(d, "/basic/realm", "bad_value",
		         "visible ASCII without quotes and backslashes is expected here");
		r = -EINVAL;
	}
	return r;
}

/* ---- the credential ---- */

static bool is_text(struct sv text)
{
	return !sv_has_control(text) && text.n > 0 && utf8_valid(text);
}

/* source: RFC 7617 2: the name ends at the first colon; no control characters in either */
bool basicauth_split(struct sv text, struct arena *arena, struct sv *name, struct sv *password,
                     struct sv *decoded)
{
	size_t n = 0;
	*decoded = (struct sv){0};
	uint8_t *bytes = text.n <= CREDENTIAL_MAX_BYTES
	                         ? arena_alloc(arena, BASE64_DECODED_MAX(text.n))
	                         : NULL;
	if (!bytes)
		return false;
	bool good = base64_decode(text, bytes, &n);
	*decoded = (struct sv){(const char *)bytes, BASE64_DECODED_MAX(text.n)};
	struct sv both = {(const char *)bytes, n};
	size_t colon = sv_find(both, ':');
	if (!good || colon == both.n)
		return false;
	*name = sv_first(both, colon);
	*password = sv_from(both, colon + 1);
	return is_text(*name) && is_text(*password) && name->n <= NAME_MAX_BYTES &&
	       password->n <= PASSWORD_MAX;
}

/* The arena's memory is ours; an ask's views are not for writing otherwise. */
static void wipe(struct sv decoded)
{
	secret_wipe((void *)(uintptr_t)decoded.at, decoded.n);
}

static enum authn_outcome ask(const struct authn_turn *turn, const struct credential *credential,
                              const uint8_t key[SHA256_BYTES])
{
	struct authn_ask ask = {.kind = AUTHN_ASK_PASSWORD, .about = &turn->authn->basic};
	bool good = basicauth_split(credential->text, turn->ctx->arena, &ask.parts[BASIC_NAME],
	                            &ask.parts[BASIC_PASSWORD], &ask.wipe);
	enum authn_outcome outcome = AUTHN_REFUSED;
	if (turn->req)
		ask.parts[BASIC_SOURCE] =
			(struct sv){(const char *)&turn->req->src, sizeof(turn->req->src)};
	memcpy(ask.key, key, sizeof(ask.key));
	if (good)
		outcome = turn_later(turn, &ask);
	else
		*turn->why = REASON_CREDENTIAL_MALFORMED;
	if (outcome != AUTHN_LATER)
		wipe(ask.wipe);
	return outcome;
}

/* Whom a user's change concerns is not told: all are checked again. */
static uint64_t cached_under(const struct authn *authn, const struct authn_ctx *ctx)
{
	return authn->serial ^ ctx->users << 32;
}

enum authn_outcome basic_identify(const struct authn_turn *turn,
                                  const struct credential *credential, struct identity *ret)
{
	const struct authn_ctx *ctx = turn->ctx;
	uint8_t key[SHA256_BYTES];
	if (!turn->authn->basic.realm)
		return turn_refuse(turn, REASON_UNSUPPORTED_CREDENTIAL);
	if (!tokencache_digest(ctx->cache, credential, key))
		return turn_refuse(turn, REASON_INTERNAL);
	const struct identity *known =
		tokencache_find(ctx->cache, key, cached_under(turn->authn, ctx), ctx->now_s);
	if (known) {
		*ret = *known;
		return AUTHN_OK;
	}
	return turn_refused(turn, key) ? AUTHN_REFUSED : ask(turn, credential, key);
}

void basic_keep(const struct authn *authn, const struct authn_ctx *ctx,
                const struct authn_answer *answer)
{
	struct identity who = {.expires_at = answer->until_s};
	if (answer->users < ctx->users) /* judged by users that are no more */
		return;
	if (!user_of_claims(NULL, answer->claims, ctx->arena, &who))
		return;
	who.method = AUTH_BASIC;
	(void)!tokencache_put(ctx->cache, answer->key, cached_under(authn, ctx), NULL, 0,
	                      answer->until_s, &who);
}
