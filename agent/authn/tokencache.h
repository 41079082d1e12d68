/* Credentials that were checked a moment ago, by the SHA-256 of their exact text: one per worker, bounded, never
 * the text itself. An entry ends at the token's expiry, when its issuer's keys change, and with the policy. What
 * had to be asked of others is remembered also when the answer was no.
 */
#ifndef AUTHN_TOKENCACHE_H
#define AUTHN_TOKENCACHE_H

#include "authn/credential.h"
#include "authn/jws.h"
#include "core/hash.h"
#include "model/identity.h"
#include "model/reason.h"

struct certcache;
struct certdigests;
struct headermemo;
struct proofkeys;
struct keyslot;
struct tokencache;

enum { TOKENCACHE_ENTRIES = 16384 }; /* about 2 KiB each when full: 32 MiB a worker */

/* tokencache_new - NULL when memory is out. in: n_entries, rounded up to a power of two, at least 16.
 * thread: one at a time */
MUST_CHECK struct tokencache *tokencache_new(size_t n_entries);
void tokencache_free(struct tokencache *cache);

/* tokencache_digest - the key of a credential: of its kind, where it stood, and its text, so that what was good
 * as one thing is not good as another. returns false when OpenSSL fails: then refuse it. */
MUST_CHECK bool tokencache_digest(struct tokencache *cache, const struct credential *credential,
                                  uint8_t digest[SHA256_BYTES]);

/* tokencache_digest_of - the key of something else, that is no credential's: of words for what it is, which begin with a
 * letter, and its text. The same in every version of the agent. */
MUST_CHECK bool tokencache_digest_of(struct tokencache *cache, const char *what, struct sv text,
                                     uint8_t digest[SHA256_BYTES]);

/* tokencache_find - the identity of a verified token that still holds, or NULL.
 *
 * in      policy: serial of the compiled issuers that verified it; now_s: Unix seconds
 * lifetime until the next tokencache_put()
 */
const struct identity *tokencache_find(struct tokencache *cache, const uint8_t digest[SHA256_BYTES],
                                       uint64_t policy, int64_t now_s);

/* tokencache_put - remembers an identity, which displaces an older one where there is no room.
 *
 * in      who: all it points at is copied, but the claims, of which a reference is taken;
 *         until_s: Unix seconds; keys, generation: the entry ends when the slot's generation is another;
 *         keys may be NULL
 * out     the kept copy, lifetime as of tokencache_find(); NULL when memory is out
 */
MUST_CHECK const struct identity *tokencache_put(struct tokencache *cache,
                                                 const uint8_t digest[SHA256_BYTES],
                                                 uint64_t policy, struct keyslot *keys,
                                                 uint64_t generation, int64_t until_s,
                                                 const struct identity *who);

/* tokencache_put_refusal - remembers that a credential is not to be believed for a while. in: as
 * tokencache_put() */
void tokencache_put_refusal(struct tokencache *cache, const uint8_t digest[SHA256_BYTES],
                            uint64_t policy, int64_t until_s, enum reason why);

struct tokencache_refusal {
	enum reason why;
	int64_t until_s; /* Unix seconds */
};
/* tokencache_find_refusal - whether one is remembered that still holds. tokencache_find() does not see it.
 * out     *ret, on true */
MUST_CHECK bool tokencache_find_refusal(const struct tokencache *cache,
                                        const uint8_t digest[SHA256_BYTES], uint64_t policy,
                                        int64_t now_s, struct tokencache_refusal *ret);

/* tokencache_sha256, tokencache_certdigests, tokencache_verifier, tokencache_headers, tokencache_certs,
 * tokencache_proofkeys - the worker's hash and signature contexts, and the certificates, headers and clients' keys it
 * knows, kept here for want of another
 * thread-owned place. */
struct sha256 *tokencache_sha256(struct tokencache *cache);
struct certdigests *tokencache_certdigests(struct tokencache *cache);
struct jws_verifier *tokencache_verifier(struct tokencache *cache);
struct headermemo *tokencache_headers(struct tokencache *cache);
struct certcache *tokencache_certs(struct tokencache *cache);
struct proofkeys *tokencache_proofkeys(struct tokencache *cache);

struct tokencache_counts {
	uint64_t n_hits, n_misses;
};
struct tokencache_counts tokencache_counts(const struct tokencache *cache);

#endif
