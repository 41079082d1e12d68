/* What an internal token says. Private to authn/. */
#ifndef AUTHN_MINTCLAIMS_H
#define AUTHN_MINTCLAIMS_H

#include "authn/mint.h"

#include <jansson.h>

/* mint_claims - the payload of the order's format. Owned; NULL when memory is out. */
MUST_CHECK json_t *mint_claims(const char *issuer, const struct mint_order *order);

/* mint_fingerprint - all that tells the payload of one JWT from another's but the times and the jti.
 *
 * out     *n: bytes written to room
 * returns false when they do not fit
 */
MUST_CHECK bool mint_fingerprint(const struct mint_order *order, uint8_t *room, size_t n_room,
                                 size_t *n);

#endif
