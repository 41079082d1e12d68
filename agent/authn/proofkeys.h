/* Headers of proofs that were looked at a moment ago: a client's proofs share theirs to the byte, key included, and
 * to read one and to make its key ready costs as much as a third of the signature. One per worker, bounded.
 */
#ifndef AUTHN_PROOFKEYS_H
#define AUTHN_PROOFKEYS_H

#include "authn/jwt.h"
#include "core/hash.h"

enum { PROOFKEYS_ROWS = 1024 };

/* What a proof's header says: how it is signed, and by which key. */
struct proofkey {
	enum jws_alg alg;
	uint8_t thumbprint[SHA256_BYTES];
	struct jwks *key; /* owned reference: a set of one; NULL: not made yet */
};

struct proofkeys;

/* proofkeys_new - NULL when memory is out. thread: one at a time */
MUST_CHECK struct proofkeys *proofkeys_new(void);
void proofkeys_free(struct proofkeys *keys);

/* proofkeys_find - what stands for the header with this digest, or NULL. */
const struct proofkey *proofkeys_find(const struct proofkeys *keys,
                                      const uint8_t digest[SHA256_BYTES]);
/* proofkeys_keep - takes the key's reference over; the one that was in its place goes. The kept one, until the next
 * proofkeys_keep(). in: key->key is not NULL. Only what a verified token is bound to: a stranger's never gets in. */
const struct proofkey *proofkeys_keep(struct proofkeys *keys, const uint8_t digest[SHA256_BYTES],
                                      const struct proofkey *key);

/* proofkeys_verifier - signature contexts of their own: many clients' keys would drive the issuers' out. */
struct jws_verifier *proofkeys_verifier(struct proofkeys *keys);

#endif
