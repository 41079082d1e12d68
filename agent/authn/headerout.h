/* Header fields that an issuer's tokens are to give the service: claims, and the payload as it is.
 * source  Istio's JWTRule: outputClaimToHeaders, outputPayloadToHeader
 */
#ifndef AUTHN_HEADEROUT_H
#define AUTHN_HEADEROUT_H

#include "core/arena.h"
#include "core/diag.h"
#include "core/macros.h"
#include "model/identity.h"

#include <jansson.h>

enum {
	HEADEROUT_MAX = 32,
	HEADEROUT_NAME_MAX_BYTES = 44, /* HAProxy's txn.haward.header_NAME has to stay below 64 */
	HEADEROUT_VALUE_MAX_BYTES = 4096
};

struct headerout_claim {
	char *header; /* owned, lower case */
	char *claim;  /* owned; a member of the payload, else a path of members with dots between */
};

struct headerout {
	struct headerout_claim *claims; /* owned */
	size_t n;
	char *payload; /* owned, lower case; NULL: none */
};

/* headerout_read - in: list: outputClaimToHeaders, or NULL; payload: outputPayloadToHeader, or NULL;
 *                      pointer: of the issuer
 * out     *ret: to be released with headerout_fini() also after an error
 * errors  0, -EINVAL with items in d, -ENOMEM
 */
MUST_CHECK int headerout_read(const json_t *list, const char *payload, const char *pointer,
                              struct diag *d, struct headerout *ret);
void headerout_fini(struct headerout *out);

/* headerout_make - the fields of one token.
 *
 * A claim that is text, a whole number or a boolean is written as it is, a list of these with commas between; what is
 * missing, of another kind, too long, or could not stand in a header field as it is (a control character, in a
 * list a comma) is left out: no field is better than one that says something else.
 *
 * in      payload: as it stands in the token, base64url
 * out     ret: headers, n_headers; views of out, claims, payload and arena
 * returns false when the arena is full
 */
MUST_CHECK bool headerout_make(const struct headerout *out, const json_t *claims, struct sv payload,
                               struct arena *arena, struct identity *ret);

#endif
