#include "authn/challenge.h"

#include "authn/issuer.h"

#define REALM               " realm=\"haward\""
#define ERROR(code)         ", error=\"" code "\""
#define ERROR_AS(code, say) ERROR(code) ", error_description=\"" say "\""
#define BASIC               "Basic realm=\"%.*s\", charset=\"UTF-8\""
/* source: RFC 9449 7.1: what proofs may be signed by; all that authn/proof.c takes */
#define ALGS ", algs=\"ES256 ES384 ES512 EdDSA PS256 PS384 PS512 RS256 RS384 RS512\""

/* One text for each scheme that a token may come by. */
struct texts {
	struct sv bearer, dpop;
};
#define TEXTS(parameters)                                                       \
	{                                                                       \
		SV("Bearer" REALM parameters), SV("DPoP" REALM parameters ALGS) \
	}

static const struct {
	enum reason reason;
	struct texts texts;
} rows[] = {
	{REASON_MULTIPLE_CREDENTIALS,
         TEXTS(ERROR_AS("invalid_request", "more than one credential"))},
	{REASON_TOKEN_EXPIRED, TEXTS(ERROR_AS("invalid_token", "the token has expired"))},
	{REASON_TOKEN_NOT_YET_VALID,
         TEXTS(ERROR_AS("invalid_token", "the token is not valid yet"))},
	{REASON_TOKEN_REVOKED, TEXTS(ERROR_AS("invalid_token", "the token has been revoked"))},
	{REASON_AUDIENCE_MISMATCH,
         TEXTS(ERROR_AS("invalid_token", "the token is meant for another audience"))},
	{REASON_TOKEN_MALFORMED, TEXTS(ERROR_AS("invalid_token", "the token is malformed"))},
	{REASON_TOKEN_INACTIVE, TEXTS(ERROR_AS("invalid_token", "the token is not active"))},
	{REASON_API_KEY_MALFORMED, TEXTS(ERROR_AS("invalid_token", "the API key is malformed"))},
	{REASON_API_KEY_UNKNOWN, TEXTS(ERROR_AS("invalid_token", "the API key is not known"))},
	{REASON_API_KEY_EXPIRED, TEXTS(ERROR_AS("invalid_token", "the API key has expired"))},
	{REASON_API_KEY_REVOKED, TEXTS(ERROR_AS("invalid_token", "the API key was revoked"))},
	{REASON_API_KEY_DISABLED, TEXTS(ERROR_AS("invalid_token", "the API key is disabled"))},
	{REASON_INSUFFICIENT_SCOPE, TEXTS(ERROR("insufficient_scope"))},
	{REASON_CERTIFICATE_REQUIRED,
         TEXTS(ERROR_AS("invalid_token", "the token is bound to a client certificate"))},
	{REASON_TOKEN_BINDING_MISMATCH,
         TEXTS(ERROR_AS("invalid_token", "the token is bound to another certificate or key"))},
	{REASON_DPOP_REQUIRED,
         TEXTS(ERROR_AS("invalid_token", "the token is bound to a key and needs a DPoP proof"))},
	{REASON_DPOP_MALFORMED,
         TEXTS(ERROR_AS("invalid_dpop_proof", "the proof is not well formed"))},
	{REASON_DPOP_MISMATCH,
         TEXTS(ERROR_AS("invalid_dpop_proof", "the proof is for another request or token"))},
	{REASON_DPOP_EXPIRED,
         TEXTS(ERROR_AS("invalid_dpop_proof", "the proof is too old, or dated ahead"))},
	{REASON_DPOP_SIGNATURE_INVALID,
         TEXTS(ERROR_AS("invalid_dpop_proof", "the proof's signature is not good"))},
	{REASON_DPOP_REPLAYED, TEXTS(ERROR_AS("invalid_dpop_proof", "the proof was shown before"))},
	{REASON_DPOP_NONCE, TEXTS(ERROR_AS("use_dpop_nonce", "the proof needs a fresh nonce"))},
};

static bool is_of_token(enum reason reason)
{
	return reason >= REASON_TOKEN_MALFORMED && reason <= REASON_DPOP_NONCE;
}

/* The scheme that was tried, or the one that would have been right. */
static bool is_dpop(const struct request *req, enum reason reason)
{
	return sv_starts_ci(req->authorization, SVL("DPoP ")) ||
	       (reason >= REASON_DPOP_REQUIRED && reason <= REASON_DPOP_NONCE);
}

static struct sv step_up(bool by_dpop, struct sv parameters, struct arena *arena)
{
	static const char says[] = REALM ERROR_AS("insufficient_user_authentication",
	                                          "a stronger or more recent sign-in is asked for");
	return arena_printf(arena, "%s%s%.*s%s", by_dpop ? "DPoP" : "Bearer", says,
	                    SV_ARG(parameters), by_dpop ? ALGS : "");
}

/* returns whether an issuer takes bound tokens alone: a proof may then be what a client lacks */
static bool wants_bound(const struct authn *authn)
{
	for (size_t i = 0; i < authn_n_issuers(authn); i++) {
		const struct issuer *issuer = authn_issuer(authn, i);
		if (issuer && issuer->token_binding == ISSUER_BINDING_REQUIRED)
			return true;
	}
	return false;
}

/* Every scheme that would do. source: RFC 7617 2 and 2.1, RFC 9449 7.1 */
static struct sv offer(const struct authn *authn, const struct verdict *verdict,
                       struct arena *arena)
{
	struct sv basic = authn_basic_realm(authn);
	bool alone = authn_n_issuers(authn) == 0 || verdict->reason == REASON_PASSWORD_WRONG ||
	             verdict->reason == REASON_CREDENTIAL_MALFORMED;
	if (basic.n && alone)
		return arena_printf(arena, BASIC, SV_ARG(basic));
	bool bound = wants_bound(authn);
	if (!basic.n)
		return bound ? SVL("Bearer" REALM ", DPoP" REALM ALGS) : SVL("Bearer" REALM);
	return arena_printf(arena, "Bearer" REALM "%s, " BASIC, bound ? ", DPoP" REALM ALGS : "",
	                    SV_ARG(basic));
}

struct sv authn_challenge(const struct authn *authn, const struct request *req,
                          const struct verdict *verdict, struct arena *arena)
{
	static const struct texts plain = TEXTS("");
	static const struct texts invalid = TEXTS(ERROR("invalid_token"));
	bool by_dpop = is_dpop(req, verdict->reason);
	const struct texts *texts = is_of_token(verdict->reason) ? &invalid : &plain;
	if (verdict->reason == REASON_STEP_UP_REQUIRED)
		return step_up(by_dpop, verdict->stepup.challenge, arena);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].reason == verdict->reason)
			texts = &rows[i].texts;
	if (texts == &plain && !by_dpop)
		return offer(authn, verdict, arena);
	return by_dpop ? texts->dpop : texts->bearer;
}
