/* Where the tokens of an issuer may stand in a request.
 * source  Istio's JWTRule: fromHeaders, fromParams, fromCookies
 */
#ifndef AUTHN_PLACE_H
#define AUTHN_PLACE_H

#include "core/diag.h"
#include "core/jsonfields.h"
#include "core/macros.h"

#include <jansson.h>
#include <stdint.h>

enum place_kind { PLACE_HEADER, PLACE_PARAM, PLACE_COOKIE };

struct place {
	enum place_kind kind;
	char *name;   /* owned; of a header in lower case */
	char *prefix; /* owned; what stands before the token in a header; "" for nothing */
};

enum { PLACES_MAX = 32 }; /* of one policy set: a bit each in a credential's mask */

/* The first place of each policy set: "Authorization: Bearer", where the tokens of issuers stand that say nothing. */
#define PLACE_BIT(i) (1U << (i))
enum { PLACE_BEARER = 0 };

struct places {
	struct place *at; /* owned */
	size_t n;
};

/* places_init - a zeroed one gets PLACE_BEARER. errors: 0, -ENOMEM */
MUST_CHECK int places_init(struct places *places);
void places_fini(struct places *places);

/* What an issuer says of its places, as it stands in the policy set. */
struct place_words {
	const json_t *from_headers;
	struct json_strings from_params, from_cookies;
};

/* places_read - the places of one issuer; the bearer's when it names none.
 *
 * in      pointer: of the issuer
 * out     places: those that were not there are added; *ret: PLACE_BIT()s
 * errors  0, -EINVAL with items in d, -ENOMEM
 */
MUST_CHECK int places_read(const struct place_words *words, const char *pointer, struct diag *d,
                           struct places *places, uint32_t *ret);

#endif
