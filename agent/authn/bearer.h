/* A bearer token -> the user it names. source: RFC 6750, RFC 7519 7.2 */
#ifndef AUTHN_BEARER_H
#define AUTHN_BEARER_H

#include "authn/turn.h"

/* bearer_identify - a JWT of one of the issuers, verified now or a moment ago.
 *
 * out     *ret: the fields of the user, lifetime as of authn_identify(); on AUTHN_OK only
 */
MUST_CHECK enum authn_outcome bearer_identify(const struct authn_turn *turn,
                                              const struct credential *credential,
                                              struct identity *ret);

#endif
