#include "authn/challenge.h"

#define BEARER              "Bearer realm=\"haward\""
#define ERROR(code)         ", error=\"" code "\""
#define ERROR_AS(code, say) ERROR(code) ", error_description=\"" say "\""

static const struct {
	enum reason reason;
	struct sv challenge;
} challenges[] = {
	{REASON_MULTIPLE_CREDENTIALS,
         SV(BEARER ERROR_AS("invalid_request", "more than one credential"))},
	{REASON_TOKEN_EXPIRED, SV(BEARER ERROR_AS("invalid_token", "the token has expired"))},
	{REASON_TOKEN_NOT_YET_VALID,
         SV(BEARER ERROR_AS("invalid_token", "the token is not valid yet"))},
	{REASON_AUDIENCE_MISMATCH,
         SV(BEARER ERROR_AS("invalid_token", "the token is meant for another audience"))},
	{REASON_TOKEN_MALFORMED, SV(BEARER ERROR_AS("invalid_token", "the token is malformed"))},
	{REASON_TOKEN_INACTIVE, SV(BEARER ERROR_AS("invalid_token", "the token is not active"))},
	{REASON_CERTIFICATE_REQUIRED,
         SV(BEARER ERROR_AS("invalid_token", "the token is bound to a client certificate"))},
	{REASON_TOKEN_BINDING_MISMATCH,
         SV(BEARER ERROR_AS("invalid_token", "the token is bound to another certificate or key"))},
};

static bool is_of_token(enum reason reason)
{
	return reason >= REASON_TOKEN_MALFORMED && reason <= REASON_CERTIFICATE_REQUIRED;
}

struct sv authn_challenge(const struct request *req, const struct verdict *verdict,
                          struct arena *arena)
{
	static const struct sv plain = SV(BEARER);
	static const struct sv invalid = SV(BEARER ERROR("invalid_token"));
	(void)req;
	if (verdict->reason == REASON_STEP_UP_REQUIRED)
		return arena_printf(arena,
		                    BEARER ERROR_AS("insufficient_user_authentication",
		                                    "a stronger or more recent sign-in is "
		                                    "asked for") "%.*s",
		                    SV_ARG(verdict->stepup));
	for (size_t i = 0; i < ARRAY_LEN(challenges); i++)
		if (challenges[i].reason == verdict->reason)
			return challenges[i].challenge;
	return is_of_token(verdict->reason) ? invalid : plain;
}
