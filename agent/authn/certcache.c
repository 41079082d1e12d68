#include "authn/certcache.h"

#include <stdlib.h>

enum {
	WAYS = 4,         /* places one digest may stand in */
	KNOWN_CHAINS = 8, /* authorities between, of as many domains */
};

struct entry {
	uint8_t digest[SHA256_BYTES];
	struct certcache_term term; /* until_s 0: empty; an owned reference to slot */
	struct certfacts facts;
	char *workload; /* owned text of facts */
};

/* A chain as it was read. */
struct known_chain {
	char *der; /* owned; NULL: no row */
	size_t n;
	STACK_OF(X509) * chain; /* owned */
};

struct certcache {
	struct sha256 *sha256;
	struct known_chain chains[KNOWN_CHAINS];
	unsigned next_chain;
	struct entry *entries;
	size_t n_sets; /* power of two */
	unsigned next_way;
};

static void entry_fini(struct entry *e)
{
	trustslot_unref(e->term.slot);
	free(e->workload);
	*e = (struct entry){0};
}

struct certcache *certcache_new(size_t n_entries)
{
	struct certcache *cache = calloc(1, sizeof(*cache));
	if (!cache)
		return NULL;
	for (cache->n_sets = 4; cache->n_sets * WAYS < n_entries;)
		cache->n_sets *= 2;
	cache->sha256 = sha256_new();
	cache->entries = calloc(cache->n_sets * WAYS, sizeof(*cache->entries));
	if (cache->sha256 && cache->entries)
		return cache;
	certcache_free(cache);
	return NULL;
}

static void chain_fini(struct known_chain *known)
{
	svid_chain_free(known->chain);
	free(known->der);
	*known = (struct known_chain){0};
}

void certcache_free(struct certcache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < KNOWN_CHAINS; i++)
		chain_fini(&cache->chains[i]);
	for (size_t i = 0; cache->entries && i < cache->n_sets * WAYS; i++)
		entry_fini(&cache->entries[i]);
	free(cache->entries);
	sha256_free(cache->sha256);
	free(cache);
}

bool certcache_digest(struct certcache *cache, struct sv leaf, struct sv chain,
                      uint8_t digest[SHA256_BYTES])
{
	/* the length keeps a leaf and a chain apart from the same bytes cut elsewhere */
	uint64_t n = leaf.n;
	const struct sv parts[] = {{(const char *)&n, sizeof(n)}, leaf, chain};
	return sha256_parts(cache->sha256, parts, ARRAY_LEN(parts), digest);
}

/* A digest is uniform whatever a stranger sends, so its first bytes place it. */
static struct entry *set_of(const struct certcache *cache, const uint8_t digest[SHA256_BYTES])
{
	uint64_t place;
	memcpy(&place, digest, sizeof(place));
	return &cache->entries[(place & (cache->n_sets - 1)) * WAYS];
}

static bool holds(const struct certcache_term *term, uint64_t policy, int64_t now_s)
{
	return term->policy == policy && now_s < term->until_s &&
	       (!term->slot || trustslot_generation(term->slot) == term->generation);
}

const struct certfacts *certcache_find(struct certcache *cache, const uint8_t digest[SHA256_BYTES],
                                       uint64_t policy, int64_t now_s)
{
	struct entry *set = set_of(cache, digest);
	for (size_t i = 0; i < WAYS; i++) {
		if (!set[i].term.until_s || memcmp(set[i].digest, digest, SHA256_BYTES) != 0)
			continue;
		if (holds(&set[i].term, policy, now_s))
			return &set[i].facts;
		entry_fini(&set[i]);
		return NULL;
	}
	return NULL;
}

/* Its own place or an empty one, else each of the set in turn. */
static struct entry *place_for(struct certcache *cache, const uint8_t digest[SHA256_BYTES])
{
	struct entry *set = set_of(cache, digest), *empty = NULL;
	for (size_t i = 0; i < WAYS; i++) {
		if (!set[i].term.until_s)
			empty = empty ? empty : &set[i];
		else if (memcmp(set[i].digest, digest, SHA256_BYTES) == 0)
			return &set[i];
	}
	return empty ? empty : &set[cache->next_way++ % WAYS];
}

const struct certfacts *certcache_put(struct certcache *cache, const uint8_t digest[SHA256_BYTES],
                                      const struct certcache_term *term,
                                      const struct certfacts *facts)
{
	struct entry *e = place_for(cache, digest);
	struct entry fresh = {.term = *term, .facts = *facts};
	if (facts->workload.n > 0) {
		fresh.workload = sv_dup(facts->workload);
		if (!fresh.workload)
			return NULL;
		fresh.facts.workload.at = fresh.workload;
	}
	memcpy(fresh.digest, digest, SHA256_BYTES);
	if (fresh.term.slot)
		(void)trustslot_ref(fresh.term.slot);
	entry_fini(e);
	*e = fresh;
	return &e->facts;
}

STACK_OF(X509) * certcache_chain(struct certcache *cache, struct sv der)
{
	struct known_chain fresh = {.n = der.n};
	for (size_t i = 0; i < KNOWN_CHAINS; i++)
		if (cache->chains[i].der &&
		    sv_eq((struct sv){cache->chains[i].der, cache->chains[i].n}, der))
			return cache->chains[i].chain;
	if (!svid_parse_many(der, &fresh.chain))
		return NULL;
	fresh.der = sv_dup(der);
	if (!fresh.der) {
		chain_fini(&fresh);
		return NULL;
	}
	struct known_chain *place = &cache->chains[cache->next_chain++ % KNOWN_CHAINS];
	chain_fini(place);
	*place = fresh;
	return place->chain;
}
