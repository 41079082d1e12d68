/* What a token claims, as the texts that rules compare. */
#ifndef AUTHZ_CLAIMS_H
#define AUTHZ_CLAIMS_H

#include "authz/attribute.h"

/* authz_claim_get - the values of request.auth.claims[a][b]: each element of a list; each word of what is a
 * list of words (scope, and what the issuer says); numbers without fraction and booleans as they are written.
 *
 * out     *ret: not complete where the claim is of a kind that no text equals
 * lifetime  views of the identity or the view's scratch
 */
void authz_claim_get(const struct authz_attribute *a, const struct authz_view *view,
                     struct authz_values *ret);

#endif
