#include "authn/tokencache.h"

#include "authn/certcache.h"
#include "authn/certdigests.h"
#include "authn/headermemo.h"
#include "authn/keyslot.h"
#include "authn/proofkeys.h"

#include <jansson.h>
#include <stdlib.h>

enum { WAYS = 4 }; /* places one digest may stand in */

struct entry {
	uint8_t digest[SHA256_BYTES];
	int64_t until_s; /* 0: empty */
	uint64_t policy;
	uint64_t generation;
	struct keyslot *keys; /* owned reference; NULL: it does not depend on keys */
	void *memory;         /* owned: arrays and texts of who */
	uint64_t clear_of;    /* who.clear_of points here */
	struct identity who;
};

/* A table of their own: what strangers make up displaces no identity. */
enum { REFUSAL_SETS = 1024 };

struct refusal {
	uint8_t digest[SHA256_BYTES];
	int64_t until_s; /* 0: empty */
	uint64_t policy;
	enum reason why;
};

struct tokencache {
	struct sha256 *sha256;
	struct jws_verifier *verifier;
	struct headermemo headers;
	struct certcache *certs;
	struct proofkeys *proofkeys;
	struct certdigests *certdigests;
	struct entry *entries;
	size_t n_sets; /* power of two */
	unsigned next_way;
	struct refusal *refusals; /* REFUSAL_SETS * WAYS */
	unsigned next_refusal;
	struct tokencache_counts counts;
};

struct tokencache *tokencache_new(size_t n_entries)
{
	struct tokencache *cache = calloc(1, sizeof(*cache));
	if (!cache)
		return NULL;
	for (cache->n_sets = 4; cache->n_sets * WAYS < n_entries;)
		cache->n_sets *= 2;
	cache->sha256 = sha256_new();
	cache->verifier = jws_verifier_new();
	cache->certs = certcache_new(MIN_OF(n_entries, (size_t)CERTCACHE_ENTRIES));
	cache->proofkeys = proofkeys_new();
	cache->certdigests = certdigests_new();
	cache->entries = calloc(cache->n_sets * WAYS, sizeof(*cache->entries));
	cache->refusals = calloc((size_t)REFUSAL_SETS * WAYS, sizeof(*cache->refusals));
	if (cache->sha256 && cache->verifier && cache->certs && cache->proofkeys &&
	    cache->certdigests && cache->entries && cache->refusals)
		return cache;
	tokencache_free(cache);
	return NULL;
}

static void entry_fini(struct entry *e)
{
	/* the reference taken in tokencache_put(); jansson counts through a pointer that is not const */
	json_decref((json_t *)(uintptr_t)e->who.claims);
	keyslot_unref(e->keys);
	free(e->memory);
	*e = (struct entry){0};
}

void tokencache_free(struct tokencache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; cache->entries && i < cache->n_sets * WAYS; i++)
		entry_fini(&cache->entries[i]);
	free(cache->entries);
	free(cache->refusals);
	headermemo_fini(&cache->headers);
	proofkeys_free(cache->proofkeys);
	certdigests_free(cache->certdigests);
	jws_verifier_free(cache->verifier);
	certcache_free(cache->certs);
	sha256_free(cache->sha256);
	free(cache);
}

bool tokencache_digest(struct tokencache *cache, const struct credential *credential,
                       uint8_t digest[SHA256_BYTES])
{
	const uint32_t head[2] = {credential->kind, credential->places};
	const struct sv parts[] = {{(const char *)head, sizeof(head)}, credential->text};
	return sha256_parts(cache->sha256, parts, ARRAY_LEN(parts), digest);
}

bool tokencache_digest_of(struct tokencache *cache, const char *what, struct sv text,
                          uint8_t digest[SHA256_BYTES])
{
	const struct sv parts[] = {{what, strlen(what) + 1}, text}; /* with its NUL */
	return sha256_parts(cache->sha256, parts, ARRAY_LEN(parts), digest);
}

/* A digest is uniform whatever a stranger sends, so its first bytes place it. */
static size_t set_at(const uint8_t digest[SHA256_BYTES], size_t n_sets)
{
	uint64_t place;
	memcpy(&place, digest, sizeof(place));
	return (place & (n_sets - 1)) * WAYS;
}

static struct entry *set_of(const struct tokencache *cache, const uint8_t digest[SHA256_BYTES])
{
	return &cache->entries[set_at(digest, cache->n_sets)];
}

static bool holds(const struct entry *e, uint64_t policy, int64_t now_s)
{
	return e->policy == policy && now_s < e->until_s &&
	       (!e->keys || keyslot_generation(e->keys) == e->generation);
}

const struct identity *tokencache_find(struct tokencache *cache, const uint8_t digest[SHA256_BYTES],
                                       uint64_t policy, int64_t now_s)
{
	struct entry *set = set_of(cache, digest);
	for (size_t i = 0; i < WAYS; i++) {
		if (!set[i].until_s || memcmp(set[i].digest, digest, SHA256_BYTES) != 0)
			continue;
		if (!holds(&set[i], policy, now_s)) {
			entry_fini(&set[i]);
			break;
		}
		cache->counts.n_hits++;
		return &set[i].who;
	}
	cache->counts.n_misses++;
	return NULL;
}

/* Its own place or an empty one, else each of the set in turn. */
static struct entry *place_for(struct tokencache *cache, const uint8_t digest[SHA256_BYTES])
{
	struct entry *set = set_of(cache, digest);
	for (size_t i = 0; i < WAYS; i++)
		if (!set[i].until_s || memcmp(set[i].digest, digest, SHA256_BYTES) == 0)
			return &set[i];
	return &set[cache->next_way++ % WAYS];
}

static size_t size_of_list(const struct sv *list, size_t n)
{
	size_t size = n * sizeof(*list);
	for (size_t i = 0; i < n; i++)
		size += list[i].n;
	return size;
}

/* Copies text to *at and moves *at behind it. */
static struct sv keep(struct sv text, char **at)
{
	struct sv copy = {*at, text.n};
	if (text.n)
		memcpy(*at, text.at, text.n);
	*at += text.n;
	return copy;
}

static const struct sv *keep_list(const struct sv *list, size_t n, struct sv **lists, char **at)
{
	struct sv *copy = *lists;
	for (size_t i = 0; i < n; i++)
		copy[i] = keep(list[i], at);
	*lists += n;
	return copy;
}

/* One block holds the lists first, for their alignment, and then all texts. */
static bool copy_identity(const struct identity *from, struct entry *to)
{
	size_t n_fields = 2 * from->n_headers;
	size_t n_lists = from->n_groups + from->n_scopes + from->n_audiences + n_fields;
	size_t size = size_of_list(from->groups, from->n_groups) +
	              size_of_list(from->scopes, from->n_scopes) +
	              size_of_list(from->audiences, from->n_audiences) +
	              size_of_list(from->headers, n_fields) + from->workload.n + from->user.n +
	              from->issuer.n + from->subject.n + from->principal.n + from->client.n +
	              from->token_id.n + from->session_id.n + from->key_id.n;
	to->memory = malloc(size ? size : 1);
	if (!to->memory)
		return false;
	struct sv *lists = to->memory;
	char *at = (char *)(lists + n_lists);
	struct identity *who = &to->who;
	*who = *from;
	who->groups = keep_list(from->groups, from->n_groups, &lists, &at);
	who->scopes = keep_list(from->scopes, from->n_scopes, &lists, &at);
	who->audiences = keep_list(from->audiences, from->n_audiences, &lists, &at);
	who->headers = keep_list(from->headers, n_fields, &lists, &at);
	if (from->workload.n)
		identity_set_workload(who, keep(from->workload, &at));
	who->user = keep(from->user, &at);
	who->issuer = keep(from->issuer, &at);
	who->subject = keep(from->subject, &at);
	who->principal = keep(from->principal, &at);
	who->client = keep(from->client, &at);
	who->token_id = keep(from->token_id, &at);
	who->session_id = keep(from->session_id, &at);
	who->key_id = keep(from->key_id, &at);
	return true;
}

const struct identity *tokencache_put(struct tokencache *cache, const uint8_t digest[SHA256_BYTES],
                                      uint64_t policy, struct keyslot *keys, uint64_t generation,
                                      int64_t until_s, const struct identity *who)
{
	struct entry *e = place_for(cache, digest);
	struct entry fresh = {.until_s = until_s, .policy = policy, .generation = generation};
	if (!copy_identity(who, &fresh))
		return NULL;
	memcpy(fresh.digest, digest, SHA256_BYTES);
	fresh.keys = keys ? keyslot_ref(keys) : NULL;
	(void)json_incref((json_t *)(uintptr_t)who->claims);
	entry_fini(e);
	*e = fresh;
	e->who.clear_of = &e->clear_of;
	return &e->who;
}

struct sha256 *tokencache_sha256(struct tokencache *cache)
{
	return cache->sha256;
}

static struct refusal *refusal_place(struct tokencache *cache, const uint8_t digest[SHA256_BYTES])
{
	struct refusal *set = &cache->refusals[set_at(digest, REFUSAL_SETS)];
	for (size_t i = 0; i < WAYS; i++)
		if (!set[i].until_s || memcmp(set[i].digest, digest, SHA256_BYTES) == 0)
			return &set[i];
	return &set[cache->next_refusal++ % WAYS];
}

/* The newest answer is the one that holds: an identity of the same credential ends here. */
void tokencache_put_refusal(struct tokencache *cache, const uint8_t digest[SHA256_BYTES],
                            uint64_t policy, int64_t until_s, enum reason why)
{
	struct refusal *refusal = refusal_place(cache, digest);
	struct entry *set = set_of(cache, digest);
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].until_s && memcmp(set[i].digest, digest, SHA256_BYTES) == 0)
			entry_fini(&set[i]);
	*refusal = (struct refusal){.until_s = until_s, .policy = policy, .why = why};
	memcpy(refusal->digest, digest, SHA256_BYTES);
}

bool tokencache_find_refusal(const struct tokencache *cache, const uint8_t digest[SHA256_BYTES],
                             uint64_t policy, int64_t now_s, struct tokencache_refusal *ret)
{
	const struct refusal *set = &cache->refusals[set_at(digest, REFUSAL_SETS)];
	for (size_t i = 0; i < WAYS; i++) {
		if (memcmp(set[i].digest, digest, SHA256_BYTES) != 0 || set[i].policy != policy ||
		    now_s >= set[i].until_s)
			continue;
		*ret = (struct tokencache_refusal){set[i].why, set[i].until_s};
		return true;
	}
	return false;
}

struct certdigests *tokencache_certdigests(struct tokencache *cache)
{
	return cache->certdigests;
}

struct jws_verifier *tokencache_verifier(struct tokencache *cache)
{
	return cache->verifier;
}

struct headermemo *tokencache_headers(struct tokencache *cache)
{
	return &cache->headers;
}

struct certcache *tokencache_certs(struct tokencache *cache)
{
	return cache->certs;
}

struct proofkeys *tokencache_proofkeys(struct tokencache *cache)
{
	return cache->proofkeys;
}

struct tokencache_counts tokencache_counts(const struct tokencache *cache)
{
	return cache->counts;
}
