#include "model/verdict.h"

#include "core/names.h"

#include <assert.h>

static const char *const effect_names[] = {
	[VERDICT_DENY] = "deny",
	[VERDICT_AUTHENTICATE] = "authenticate",
	[VERDICT_REDIRECT] = "redirect",
	[VERDICT_LIMIT] = "limit",
	[VERDICT_UNAVAILABLE] = "unavailable",
	[VERDICT_ALLOW] = "allow",
};
static_assert(ARRAY_LEN(effect_names) == VERDICT_EFFECT_COUNT, "one name per effect");

const char *verdict_effect_name(enum verdict_effect effect)
{
	return names_of(effect_names, ARRAY_LEN(effect_names), effect);
}

bool verdict_effect_find(struct sv name, enum verdict_effect *ret)
{
	unsigned value;
	if (!names_find(effect_names, ARRAY_LEN(effect_names), name, &value))
		return false;
	*ret = (enum verdict_effect)value;
	return true;
}

static bool is_credential(enum reason reason)
{
	return reason == REASON_AUTHENTICATION_REQUIRED || reason == REASON_STEP_UP_REQUIRED ||
	       (reason >= REASON_UNSUPPORTED_CREDENTIAL && reason <= REASON_SPIFFE_ID_INVALID);
}

static bool is_malformed(enum reason reason)
{
	return reason == REASON_BAD_REQUEST || reason == REASON_AMBIGUOUS_PATH ||
	       reason == REASON_MULTIPLE_CREDENTIALS;
}

static bool is_limit(enum reason reason)
{
	return reason == REASON_THROTTLED || reason == REASON_RATE_LIMITED ||
	       reason == REASON_QUOTA_EXCEEDED;
}

static bool is_outage(enum reason reason)
{
	return reason == REASON_INTERNAL ||
	       (reason >= REASON_AUDIT_UNAVAILABLE && reason <= REASON_INTROSPECTION_UNAVAILABLE);
}

/* Signing in and out has its own, each for itself. */
static const struct {
	enum reason reason;
	enum verdict_effect effect;
	uint16_t status;
} of_login[] = {
	{REASON_LOGIN_REQUIRED, VERDICT_AUTHENTICATE, 401},
	{REASON_SESSION_EXPIRED, VERDICT_AUTHENTICATE, 401},
	{REASON_LOGIN_STATE_INVALID, VERDICT_DENY, 400},
	{REASON_LOGIN_REFUSED, VERDICT_DENY, 403},
	{REASON_LOGIN_CODE_REFUSED, VERDICT_DENY, 403},
	{REASON_STEP_UP_NOT_MET, VERDICT_DENY, 403},
	{REASON_LOGIN_PROVIDER_UNAVAILABLE, VERDICT_UNAVAILABLE, 503},
	{REASON_LOGIN_ENDPOINTS_UNKNOWN, VERDICT_UNAVAILABLE, 503},
	{REASON_LOGIN_OVERLOADED, VERDICT_UNAVAILABLE, 503},
	{REASON_LOGOUT_REFUSED, VERDICT_DENY, 400},
	{REASON_LOGIN_DONE, VERDICT_REDIRECT, 302},
	{REASON_LOGOUT_DONE, VERDICT_REDIRECT, 302},
};

static struct verdict verdict_of_login(enum reason reason, struct verdict otherwise)
{
	for (size_t i = 0; i < ARRAY_LEN(of_login); i++) {
		if (of_login[i].reason != reason)
			continue;
		otherwise.effect = of_login[i].effect;
		otherwise.status = of_login[i].status;
	}
	return otherwise;
}

struct verdict verdict_deny(enum reason reason)
{
	struct verdict v = {.effect = VERDICT_DENY, .reason = reason, .status = 403};
	if (is_limit(reason)) {
		v.effect = VERDICT_LIMIT;
		v.status = 429;
	} else if (is_credential(reason)) {
		v.effect = VERDICT_AUTHENTICATE;
		v.status = 401;
	} else if (is_malformed(reason)) {
		v.status = 400;
	} else if (is_outage(reason)) {
		v.effect = VERDICT_UNAVAILABLE;
		v.status = 503;
	}
	return verdict_of_login(reason, v);
}
