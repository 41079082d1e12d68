/* A signed statement: a book had so many records, and this is the root of their Merkle tree. It is a text that other
 * tools read too. source: C2SP tlog-checkpoint, signed-note (Ed25519, signature type 0x01)
 *
 *   haward/BOOK        the book's id, 32 hex digits
 *   SIZE               records
 *   ROOT               base64
 *   time RFC3339
 *
 *   — haward BASE64    4 bytes that name the key, 64 of the signature over the lines above
 */
#ifndef AUDIT_CHECKPOINT_H
#define AUDIT_CHECKPOINT_H

#include "audit/merkle.h"
#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CHECKPOINT_BOOK_BYTES = 16,
	CHECKPOINT_TEXT_MAX = 512, /* with the final NUL */
	CHECKPOINT_KEY_BYTES = 32, /* raw Ed25519 */
	CHECKPOINT_KEYS_MAX = 16,
};

struct checkpoint {
	uint8_t book[CHECKPOINT_BOOK_BYTES];
	uint64_t size;
	struct merkle_hash root;
	int64_t at_us;
};

/* Public keys that are believed: after a rotation, old and new. */
struct checkpoint_keys {
	uint8_t keys[CHECKPOINT_KEYS_MAX][CHECKPOINT_KEY_BYTES];
	size_t n;
};
/* checkpoint_keys_add - from PEM (SubjectPublicKeyInfo, or a private key: its public half).
 * errors  0, -EINVAL: no Ed25519 key in PEM; -E2BIG */
MUST_CHECK int checkpoint_keys_add(struct checkpoint_keys *keys, struct sv pem);

/* checkpoint_sign - the signed text.
 *
 * in      pem: a private Ed25519 key, as `openssl genpkey -algorithm ed25519` makes one
 * out     text: terminated
 * errors  0, -EINVAL: no such key; -EIO: OpenSSL failed */
MUST_CHECK int checkpoint_sign(const struct checkpoint *checkpoint, struct sv pem,
                               char text[CHECKPOINT_TEXT_MAX]);

/* checkpoint_open - read a text from outside and check its signature.
 *
 * errors  0, -EBADMSG: it is no checkpoint, in exactly the form above; -EKEYREJECTED: the signature is not good;
 *         -ENOKEY: signed by none of the keys
 * thread  any */
MUST_CHECK int checkpoint_open(struct sv text, const struct checkpoint_keys *keys,
                               struct checkpoint *ret);

#endif
