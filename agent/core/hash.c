#include "core/hash.h"

#include <endian.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static uint64_t rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline __attribute__((always_inline)) void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

/* Up to eight octets. */
static uint64_t little_endian(const uint8_t *at, size_t n)
{
	uint64_t value = 0;
	memcpy(&value, at, n);
	return le64toh(value);
}

struct sip {
	uint64_t v[4];
};

static struct sip sip_start(struct hash_key key)
{
	return (struct sip){{key.k0 ^ 0x736f6d6570736575U, key.k1 ^ 0x646f72616e646f6dU,
	                     key.k0 ^ 0x6c7967656e657261U, key.k1 ^ 0x7465646279746573U}};
}

/* source: Aumasson and Bernstein, SipHash; one round a word */
static inline __attribute__((always_inline)) void sip_take(uint64_t v[4], struct sv bytes)
{
	const uint8_t *at = (const uint8_t *)bytes.at;
	size_t whole = bytes.n & ~(size_t)7;
	for (size_t i = 0; i < whole; i += 8) {
		uint64_t m = little_endian(at + i, sizeof(m));
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	uint64_t last = (uint64_t)bytes.n << 56;
	if (bytes.n > whole)
		last |= little_endian(at + whole, bytes.n - whole);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
}

/* and three at the end */
static inline __attribute__((always_inline)) uint64_t sip_end(uint64_t v[4])
{
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash_sip13(struct hash_key key, struct sv bytes)
{
	struct sip sip = sip_start(key);
	sip_take(sip.v, bytes);
	sip.v[2] ^= 0xff;
	return sip_end(sip.v);
}

struct hash_wide hash_sip13_wide(struct hash_key key, struct sv bytes)
{
	struct hash_wide wide;
	struct sip sip = sip_start(key);
	sip.v[1] ^= 0xee;
	sip_take(sip.v, bytes);
	sip.v[2] ^= 0xee;
	wide.first = sip_end(sip.v);
	sip.v[1] ^= 0xdd;
	wide.second = sip_end(sip.v);
	return wide;
}

struct sha256 {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

struct sha256 *sha256_new(void)
{
	struct sha256 *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	s->ctx = EVP_MD_CTX_new();
	if (s->md && s->ctx)
		return s;
	sha256_free(s);
	return NULL;
}

void sha256_free(struct sha256 *s)
{
	if (!s)
		return;
	EVP_MD_CTX_free(s->ctx);
	EVP_MD_free(s->md);
	free(s);
}

bool sha256_parts(struct sha256 *s, const struct sv *parts, size_t n, uint8_t digest[SHA256_BYTES])
{
	bool ok = EVP_DigestInit_ex2(s->ctx, s->md, NULL) == 1;
	for (size_t i = 0; ok && i < n; i++)
		ok = EVP_DigestUpdate(s->ctx, parts[i].at, parts[i].n) == 1;
	return ok && EVP_DigestFinal_ex(s->ctx, digest, NULL) == 1;
}

bool sha256_of(struct sv bytes, uint8_t digest[SHA256_BYTES])
{
	struct sha256 *s = sha256_new();
	bool ok = s && sha256_parts(s, &bytes, 1, digest);
	sha256_free(s);
	return ok;
}
