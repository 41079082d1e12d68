/* Hashes: a keyed one for tables that strangers fill (SipHash-1-3), SHA-256 for identity and the
 * chain. */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdint.h>

enum { SHA256_BYTES = 32 };

struct hash_key {
	uint64_t k0, k1;
};

/* hash_sip13 - 64 bits that a stranger without the key cannot make collide. */
uint64_t hash_sip13(struct hash_key key, struct sv bytes);
/* hash_sip13_wide - 128 of them, enough to stand for the bytes; source: SipHash's reference, output of 16 octets */
struct hash_wide {
	uint64_t first, second;
};
struct hash_wide hash_sip13_wide(struct hash_key key, struct sv bytes);
/* hash_fnv1a - 64 bits for tables that only the operator fills; no key. */
static inline uint64_t hash_fnv1a(struct sv bytes)
{
	uint64_t h = 0xcbf29ce484222325U;
	for (size_t i = 0; i < bytes.n; i++)
		h = (h ^ (uint8_t)bytes.at[i]) * 0x100000001b3U;
	return h;
}

/* A SHA-256 context kept for many digests: making one each time costs as much as the hash. */
struct sha256;
/* sha256_new - NULL when memory is out. thread: one at a time. */
MUST_CHECK struct sha256 *sha256_new(void);
void sha256_free(struct sha256 *s);
/* sha256_parts - the digest of the parts one after the other. returns false when OpenSSL fails:
 * then refuse. */
MUST_CHECK bool sha256_parts(struct sha256 *s, const struct sv *parts, size_t n,
                             uint8_t digest[SHA256_BYTES]);
/* sha256_of - the digest of some bytes, with a context made for it; off the hot path. */
MUST_CHECK bool sha256_of(struct sv bytes, uint8_t digest[SHA256_BYTES]);

#endif
