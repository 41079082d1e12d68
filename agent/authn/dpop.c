#include "authn/dpop.h"

#include "authn/proof.h"
#include "authn/replay.h"
#include "authn/turn.h"
#include "core/encode.h"
#include "core/secret.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

enum {
	KEY_BYTES = 32,
	AHEAD_S = 5, /* clocks of clients are not much better than that */
};

/* An answer of introspection need not name its issuer. */
static const struct issuer *issuer_of(const struct authn *authn, const struct identity *who)
{
	const struct issuer *issuer = authn_find_issuer(authn, who->issuer);
	return issuer ? issuer : authn_opaque_issuer(authn);
}

static const struct dpop_rules *rules_of(const struct issuer *issuer)
{
	return issuer ? &issuer->dpop : &dpop_rules_default;
}

/* ---- what the workers share ---- */

struct dpop {
	uint8_t key[KEY_BYTES];
	struct replay *replay;
};

int dpop_new(size_t n_proofs, int64_t now_s, struct dpop **ret)
{
	struct dpop *dpop = calloc(1, sizeof(*dpop));
	if (!dpop)
		return -ENOMEM;
	dpop->replay = replay_new(n_proofs, now_s);
	int r = !dpop->replay ? -ENOMEM : !secret_random(dpop->key, sizeof(dpop->key)) ? -EIO : 0;
	if (r == 0)
		*ret = dpop;
	else
		dpop_free(dpop);
	return r;
}

void dpop_free(struct dpop *dpop)
{
	if (!dpop)
		return;
	replay_free(dpop->replay);
	secret_wipe(dpop->key, sizeof(dpop->key));
	free(dpop);
}

/* ---- nonces ---- */

enum { NONCE_TIME_BYTES = 4, NONCE_MAC_BYTES = 16 };

struct nonce {
	uint8_t bytes[NONCE_TIME_BYTES + NONCE_MAC_BYTES]; /* the period, big-endian; its MAC */
};

static bool nonce_make(const struct dpop *dpop, uint32_t period, struct nonce *ret)
{
	static const char use[] = "haward dpop nonce";
	uint8_t message[sizeof(use) + NONCE_TIME_BYTES], mac[EVP_MAX_MD_SIZE];
	for (size_t i = 0; i < NONCE_TIME_BYTES; i++)
		ret->bytes[i] = (uint8_t)(period >> (24 - 8 * i));
	memcpy(message, use, sizeof(use));
	memcpy(message + sizeof(use), ret->bytes, NONCE_TIME_BYTES);
	if (!HMAC(EVP_sha256(), dpop->key, KEY_BYTES, message, sizeof(message), mac, NULL))
		return false;
	memcpy(ret->bytes + NONCE_TIME_BYTES, mac, NONCE_MAC_BYTES);
	return true;
}

static uint32_t period_at(int64_t now_s)
{
	return (uint32_t)(now_s / DPOP_NONCE_PERIOD_S);
}

/* One that we gave in one of the last periods; of all else the client is told to take a new one. */
static bool nonce_holds(const struct dpop *dpop, struct sv text, int64_t now_s)
{
	struct nonce wanted;
	uint8_t bytes[BASE64_DECODED_MAX(64)];
	size_t n = 0;
	if (text.n > 64 || !base64url_decode(text, bytes, &n) || n != sizeof(wanted.bytes))
		return false;
	uint32_t period = 0;
	for (size_t i = 0; i < NONCE_TIME_BYTES; i++)
		period = period << 8 | bytes[i];
	return period_at(now_s) - period < DPOP_NONCE_PERIODS &&
	       nonce_make(dpop, period, &wanted) &&
	       secret_equal((struct sv){(char *)bytes, n},
	                    (struct sv){(char *)wanted.bytes, sizeof(wanted.bytes)});
}

struct sv dpop_nonce(const struct authn *authn, const struct authn_ctx *ctx,
                     const struct identity *who, enum reason why)
{
	struct nonce nonce;
	bool wanted = why == REASON_DPOP_NONCE ||
	              (who->binding.to & BINDING_KEY && rules_of(issuer_of(authn, who))->nonce);
	if (!wanted || !ctx->dpop || !nonce_make(ctx->dpop, period_at(ctx->now_s), &nonce))
		return (struct sv){0};
	char *text = arena_alloc(ctx->arena, BASE64_ENCODED_MAX(sizeof(nonce.bytes)));
	struct sv bytes = {(char *)nonce.bytes, sizeof(nonce.bytes)};
	return text ? base64url_encode(bytes, text) : (struct sv){0};
}

/* ---- one request ---- */

static bool refuse(const struct authn_turn *turn, enum reason why)
{
	*turn->why = why;
	return false;
}

/* How this request may be named, at most DPOP_BASE_URLS_MAX ways; 0 when it cannot be. */
static size_t uris_of(const struct authn_turn *turn, const struct dpop_rules *rules,
                      struct htu uris[DPOP_BASE_URLS_MAX])
{
	const struct request *req = turn->req;
	size_t n = 0;
	if (rules->base_urls.n == 0)
		return htu_of(req->tls, req->host, req->path, uris);
	for (size_t i = 0; i < rules->base_urls.n && n < DPOP_BASE_URLS_MAX; i++) {
		if (!htu_read(sv_of(rules->base_urls.at[i]), &uris[n]))
			continue;
		struct sv path = sv_first(req->path, sv_find(req->path, '?'));
		struct sv base = uris[n].path;
		base.n -= base.n > 0 && base.at[base.n - 1] == '/';
		if (base.n > 0)
			path = arena_printf(turn->ctx->arena, "%.*s%.*s", SV_ARG(base),
			                    SV_ARG(path));
		uris[n].path = path;
		n += path.n > 0; /* none: the arena is full */
	}
	return n;
}

/* The last thing that is looked at: who comes so far could have made the request. */
static bool use_up(const struct authn_turn *turn, const struct proof *proof,
                   const struct identity *who, int64_t until_s)
{
	const struct authn_ctx *ctx = turn->ctx;
	uint8_t digest[SHA256_BYTES];
	const struct sv parts[] = {{(const char *)ctx->dpop->key, KEY_BYTES},
	                           {(const char *)who->binding.key, SHA256_BYTES},
	                           proof->jti};
	if (!sha256_parts(tokencache_sha256(ctx->cache), parts, ARRAY_LEN(parts), digest))
		return refuse(turn, REASON_INTERNAL);
	switch (replay_note(ctx->dpop->replay, digest, ctx->now_s, until_s)) {
	case REPLAY_NEW:
		return true;
	case REPLAY_SEEN:
		return ctx->is_proved || refuse(turn, REASON_DPOP_REPLAYED);
	case REPLAY_FULL:
		break;
	}
	return refuse(turn, REASON_OVERLOADED);
}

bool dpop_check(const struct authn_turn *turn, struct sv token, const struct identity *who)
{
	const struct authn_ctx *ctx = turn->ctx;
	const struct issuer *issuer = issuer_of(turn->authn, who);
	const struct dpop_rules *rules = rules_of(issuer);
	int64_t skew_s = MAX_OF(issuer ? issuer->leeway_s : 0, (int64_t)AHEAD_S);
	struct htu uris[DPOP_BASE_URLS_MAX];
	CLEANUP(proof_fini) struct proof proof = {0};
	if (turn->req->n_dpop == 0)
		return refuse(turn, REASON_DPOP_REQUIRED);
	if (turn->req->n_dpop > 1)
		return refuse(turn, REASON_DPOP_MALFORMED);
	if (!ctx->dpop)
		return refuse(turn, REASON_INTERNAL);
	const struct proof_wanted wanted = {.key = who->binding.key,
	                                    .method = turn->req->method,
	                                    .token = token,
	                                    .uris = uris,
	                                    .n_uris = uris_of(turn, rules, uris),
	                                    .oldest_s = ctx->now_s - rules->max_age_s - skew_s,
	                                    .newest_s = ctx->now_s + skew_s};
	if (!proof_read(turn->req->dpop, &wanted, tokencache_sha256(ctx->cache),
	                tokencache_proofkeys(ctx->cache), &proof, turn->why))
		return false;
	if (rules->nonce && !nonce_holds(ctx->dpop, proof.nonce, ctx->now_s))
		return refuse(turn, REASON_DPOP_NONCE);
	return use_up(turn, &proof, who, proof.issued_s + rules->max_age_s + skew_s);
}
