/* What certificates turned out to say, by SHA-256 of leaf and chain: one per worker, bounded. An entry ends with the
 * first certificate of its chain, when its trust domain's bundle changes, and with the policy.
 */
#ifndef AUTHN_CERTCACHE_H
#define AUTHN_CERTCACHE_H

#include "authn/trustslot.h"
#include "core/hash.h"

struct certcache;

struct certfacts {
	enum svid_outcome outcome; /* SVID_LEAF: workload is known */
	enum reason why;           /* SVID_REFUSED */
	bool is_vouched; /* it chains to its trust domain's bundle; nobody else need verify it */
	struct sv workload;
};

/* How long facts hold. */
struct certcache_term {
	uint64_t policy; /* serial of the compiled set that judged */
	struct trustslot
		*slot;       /* borrowed, the cache takes a reference; NULL: no bundle was asked */
	uint64_t generation; /* of slot, read before its bundle */
	int64_t until_s;
};

enum { CERTCACHE_ENTRIES = 4096 }; /* about 150 bytes and the name each */

/* certcache_new - NULL when memory is out. in: n_entries, rounded up to a power of two. thread: one at a time */
MUST_CHECK struct certcache *certcache_new(size_t n_entries);
void certcache_free(struct certcache *cache);

/* certcache_digest - the key of a leaf and the chain beside it. returns false when OpenSSL fails */
MUST_CHECK bool certcache_digest(struct certcache *cache, struct sv leaf, struct sv chain,
                                 uint8_t digest[SHA256_BYTES]);

/* certcache_find - what still holds of a certificate, or NULL. lifetime: until the next certcache_put() */
const struct certfacts *certcache_find(struct certcache *cache, const uint8_t digest[SHA256_BYTES],
                                       uint64_t policy, int64_t now_s);

/* certcache_put - remembers facts, which displace older ones where there is no room.
 * out     the kept copy, lifetime as of certcache_find(); NULL when memory is out
 */
MUST_CHECK const struct certfacts *certcache_put(struct certcache *cache,
                                                 const uint8_t digest[SHA256_BYTES],
                                                 const struct certcache_term *term,
                                                 const struct certfacts *facts);

/* certcache_chain - svid_parse_many(), with the chains seen last kept as they are read: OpenSSL decodes a public key in
 * the time of two signatures, and all workloads of a domain come with the same authorities.
 *
 * returns NULL as svid_parse_many() returns false. lifetime: until the next certcache_chain()
 */
MUST_CHECK STACK_OF(X509) * certcache_chain(struct certcache *cache, struct sv der);

#endif
