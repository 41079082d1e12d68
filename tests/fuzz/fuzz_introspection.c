/* What an endpoint says of a token either lets somebody in, by an answer that means it, or says why not; and it is
 * believed for no longer than it may be. */
#include "authn/introspection.h"
#include "authn/issuer.h"
#include "core/jsonload.h"

#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1700000000 };

static void check_good(const struct authn_answer *answer)
{
	const json_t *claims = answer->claims;
	HOLDS(json_is_true(json_object_get(claims, "active")));
	HOLDS(sv_eq(json_string_sv(json_object_get(claims, "iss")), SVL("https://idp")));
	HOLDS(answer->until_s > NOW && answer->until_s <= NOW + 60);
	const json_t *exp = json_object_get(claims, "exp");
	HOLDS(!exp || json_number_value(exp) > NOW);
	struct sv sub = json_string_sv(json_object_get(claims, "sub"));
	for (size_t i = 0; i < sub.n; i++)
		HOLDS((unsigned char)sub.at[i] >= 0x20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char idp[] = "https://idp";
	const struct issuer issuer = {.issuer = idp, .introspection = introspection_default()};
	struct authn_answer answer = {0};
	const char *error =
		introspection_judge(&issuer, (struct sv){(const char *)data, size}, NOW, &answer);
	HOLDS(!error || (!answer.is_good && answer.why == REASON_INTROSPECTION_UNAVAILABLE));
	HOLDS(answer.is_good == (answer.claims != NULL));
	if (answer.is_good)
		check_good(&answer);
	else
		HOLDS(answer.why != REASON_INTERNAL && answer.until_s > NOW);
	json_decref(answer.claims);
	return 0;
}
