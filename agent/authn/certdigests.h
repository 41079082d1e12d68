/* The SHA-256 of certificates that were shown a moment ago: a caller shows the same one with each request, and to hash
 * it costs as much as all else of a token that is known. By their exact bytes; one per worker, bounded.
 */
#ifndef AUTHN_CERTDIGESTS_H
#define AUTHN_CERTDIGESTS_H

#include "core/hash.h"

enum { CERTDIGESTS_ROWS = 256, CERTDIGESTS_DER_MAX_BYTES = 2048 };

struct certdigests;

/* certdigests_new - NULL when memory is out. thread: one at a time */
MUST_CHECK struct certdigests *certdigests_new(void);
void certdigests_free(struct certdigests *digests);

/* certdigests_of - the digest of a certificate; one that is longer than a row is hashed each time.
 * returns false when OpenSSL fails: then refuse
 */
MUST_CHECK bool certdigests_of(struct certdigests *digests, struct sha256 *sha256, struct sv der,
                               uint8_t digest[SHA256_BYTES]);

#endif
