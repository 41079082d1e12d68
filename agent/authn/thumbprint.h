/* The name of a public key: the SHA-256 of its required members. source: RFC 7638, RFC 8037 2 */
#ifndef AUTHN_THUMBPRINT_H
#define AUTHN_THUMBPRINT_H

#include "core/hash.h"

#include <jansson.h>

/* thumbprint_of - of a JWK whose kty is EC, OKP or RSA. That its numbers are a key is not looked at.
 *
 * returns false when a member is missing or holds what no such member does, or OpenSSL fails
 */
MUST_CHECK bool thumbprint_of(struct sha256 *sha256, const json_t *jwk,
                              uint8_t digest[SHA256_BYTES]);

#endif
