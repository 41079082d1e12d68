#include "authn/mint.h"

#include "authn/mintclaims.h"
#include "authn/mintjwt.h"
#include "core/hash.h"
#include "core/secret.h"

#include <stdlib.h>

enum { ENTRIES = 1024, WAYS = 2, FINGERPRINT_MAX_BYTES = 8192 };

/* A JWT that serves again; n 0: empty. */
struct kept {
	uint8_t digest[SHA256_BYTES];
	uint64_t keys;   /* generation of the set that signed it */
	int64_t fresh_s; /* Unix seconds: handed out until then */
	size_t n;
	char *text; /* owned, wiped when it goes */
};

struct minter {
	struct sha256 *sha256;
	struct mint_signer *signer;
	struct minter_counts counts;
	char *last; /* owned: the token that is not kept, wiped with the next; NULL: none */
	size_t n_last;
	unsigned next_way;
	uint8_t fingerprint[FINGERPRINT_MAX_BYTES];
	struct kept kept[ENTRIES];
};

static void kept_fini(struct kept *k)
{
	if (k->text)
		secret_wipe(k->text, k->n);
	free(k->text);
	*k = (struct kept){0};
}

static void forget_last(struct minter *m)
{
	if (m->last)
		secret_wipe(m->last, m->n_last);
	free(m->last);
	m->last = NULL;
	m->n_last = 0;
}

struct minter *minter_new(void)
{
	struct minter *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->sha256 = sha256_new();
	m->signer = mint_signer_new();
	if (m->sha256 && m->signer)
		return m;
	minter_free(m);
	return NULL;
}

void minter_free(struct minter *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < ENTRIES; i++)
		kept_fini(&m->kept[i]);
	forget_last(m);
	secret_wipe(m->fingerprint, sizeof(m->fingerprint));
	mint_signer_free(m->signer);
	sha256_free(m->sha256);
	free(m);
}

struct minter_counts minter_counts(const struct minter *m)
{
	return m->counts;
}

/* ---- making one ---- */

/* Owned text, wiped by whoever drops it; NULL when it cannot be made. */
static char *make(struct minter *m, const struct mintkeys *keys, const struct mint_order *order,
                  size_t *n)
{
	const struct mintkey *key = keys ? mintkeys_current(keys, order->now_s) : NULL;
	json_t *claims = key ? mint_claims(keys->issuer, order) : NULL;
	char *text = NULL;
	if (claims)
		text = order->wish->format == TOKEN_TXN ? mint_sign_txn(m->signer, key, claims)
		                                        : mint_sign_jwt(key, claims);
	json_decref(claims);
	*n = text ? strlen(text) : 0;
	if (text && *n <= MINT_TOKEN_MAX_BYTES) {
		m->counts.n_minted++;
		return text;
	}
	if (text)
		secret_wipe(text, *n);
	free(text);
	m->counts.n_failed++;
	return NULL;
}

static bool mint_once(struct minter *m, const struct mintkeys *keys, const struct mint_order *order,
                      struct sv *ret)
{
	m->last = make(m, keys, order, &m->n_last);
	*ret = (struct sv){m->last, m->n_last};
	return m->last;
}

/* ---- one that serves again ---- */

static struct kept *set_of(struct minter *m, const uint8_t digest[SHA256_BYTES])
{
	uint64_t place;
	memcpy(&place, digest, sizeof(place));
	return &m->kept[(place % (ENTRIES / WAYS)) * WAYS];
}

static struct kept *find(struct minter *m, const uint8_t digest[SHA256_BYTES], uint64_t keys,
                         int64_t now_s)
{
	struct kept *set = set_of(m, digest);
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].n && memcmp(set[i].digest, digest, SHA256_BYTES) == 0 &&
		    set[i].keys == keys && now_s < set[i].fresh_s)
			return &set[i];
	return NULL;
}

/* Its own place or one that is over, else each of the set in turn. */
static struct kept *place_for(struct minter *m, const uint8_t digest[SHA256_BYTES], int64_t now_s)
{
	struct kept *set = set_of(m, digest);
	for (size_t i = 0; i < WAYS; i++)
		if (memcmp(set[i].digest, digest, SHA256_BYTES) == 0 || now_s >= set[i].fresh_s)
			return &set[i];
	return &set[m->next_way++ % WAYS];
}

/* Handed out for half of its life, so that who gets it has the other half; never once the caller's own is over. */
static int64_t fresh_until(const struct mint_order *order)
{
	int64_t half = order->now_s + order->wish->lifetime_s / 2, bound = order->who->expires_at;
	return bound && bound < half ? bound : half;
}

static bool mint_kept(struct minter *m, const struct mintkeys *keys, const struct mint_order *order,
                      struct sv *ret)
{
	struct sv print = {(const char *)m->fingerprint, 0};
	uint8_t digest[SHA256_BYTES];
	if (!keys || !mint_fingerprint(order, m->fingerprint, sizeof(m->fingerprint), &print.n) ||
	    !sha256_parts(m->sha256, &print, 1, digest))
		return mint_once(m, keys, order, ret);
	struct kept *k = find(m, digest, keys->shared.generation, order->now_s);
	if (k) {
		m->counts.n_reused++;
		*ret = (struct sv){k->text, k->n};
		return true;
	}
	struct kept fresh = {.keys = keys->shared.generation, .fresh_s = fresh_until(order)};
	fresh.text = make(m, keys, order, &fresh.n);
	if (!fresh.text)
		return false;
	memcpy(fresh.digest, digest, SHA256_BYTES);
	k = place_for(m, digest, order->now_s);
	kept_fini(k);
	*k = fresh;
	*ret = (struct sv){k->text, k->n};
	return true;
}

bool mint_token(struct minter *m, const struct mintkeys *keys, const struct mint_order *order,
                struct sv *ret)
{
	forget_last(m);
	return order->wish->format == TOKEN_TXN ? mint_once(m, keys, order, ret)
	                                        : mint_kept(m, keys, order, ret);
}
