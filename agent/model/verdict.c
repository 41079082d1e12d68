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

static bool is_outage(enum reason reason)
{
	return reason == REASON_INTERNAL ||
	       (reason >= REASON_AUDIT_UNAVAILABLE && reason <= REASON_INTROSPECTION_UNAVAILABLE);
}

struct verdict verdict_deny(enum reason reason)
{
	struct verdict v = {.effect = VERDICT_DENY, .reason = reason, .status = 403};
	if (is_credential(reason)) {
		v.effect = VERDICT_AUTHENTICATE;
		v.status = 401;
	} else if (is_malformed(reason)) {
		v.status = 400;
	} else if (is_outage(reason)) {
		v.effect = VERDICT_UNAVAILABLE;
		v.status = 503;
	}
	return v;
}
