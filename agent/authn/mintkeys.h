/* The keys that internal tokens are signed with: P-256, several in a row so that verifiers know the next one before it
 * signs; immutable, shared by all workers through a slot.
 */
#ifndef AUTHN_MINTKEYS_H
#define AUTHN_MINTKEYS_H

#include "core/slot.h"
#include "core/sv.h"

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MINTKEY_KID_BYTES = 48,
	MINTKEY_PEM_BYTES = 512,
	MINTKEY_JWK_BYTES = 512,
	MINTKEYS_MAX = 64
};

/* One key as it is kept, terminated texts. */
struct mintkey_texts {
	char kid[MINTKEY_KID_BYTES]; /* RFC 7638 thumbprint */
	char pem[MINTKEY_PEM_BYTES]; /* the private key: a secret, to be wiped */
	char jwk[MINTKEY_JWK_BYTES]; /* the public key */
};

/* mintkey_make - a fresh key. returns false when OpenSSL fails */
MUST_CHECK bool mintkey_make(struct mintkey_texts *ret);

struct mintkey {
	char kid[MINTKEY_KID_BYTES];
	char pem[MINTKEY_PEM_BYTES]; /* wiped when freed, as key */
	EVP_PKEY *key;
	int64_t from_s; /* Unix seconds: signs from then on, until a later one does */
};

struct mintkeys {
	struct shared shared; /* first: what the slot carries */
	char *issuer;         /* iss of what is signed */
	size_t n;
	struct mintkey keys[MINTKEYS_MAX]; /* by from_s */
};

/* mintkeys_new - without a key. errors: 0, -ENOMEM */
MUST_CHECK int mintkeys_new(struct sv issuer, struct mintkeys **ret);
/* mintkeys_add - in the order of from_s. errors: 0, -ENOSPC, -EBADMSG pem is no P-256 key */
MUST_CHECK int mintkeys_add(struct mintkeys *set, struct sv kid, struct sv pem, int64_t from_s);
void mintkeys_unref(struct mintkeys *set);

/* mintkeys_current - the key that signs now: the last whose time has come, else the first; NULL: there is none. */
const struct mintkey *mintkeys_current(const struct mintkeys *set, int64_t now_s);

#endif
