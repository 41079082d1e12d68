#include "authn/revocations.h"

#include "core/hash.h"
#include "core/secret.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* One revocation; expires_s 0: empty. */
struct place {
	uint64_t low, high; /* the two halves of its name's hash */
	int64_t until_s, expires_s;
};

struct revocations {
	struct shared shared;    /* first: what the slot carries */
	struct hash_key keys[3]; /* of issuers, and of the two halves */
	size_t n, n_max;
	size_t n_of[REVOCATION_KIND_COUNT]; /* a kind that nobody used costs nothing */
	size_t mask;                        /* places less one; places are a power of two */
	struct place *places;
};

static void free_table(struct shared *shared)
{
	struct revocations *table = (struct revocations *)shared;
	free(table->places);
	free(table);
}
static_assert(offsetof(struct revocations, shared) == 0, "a slot carries the head");

int revocations_new(size_t n_max, struct revocations **ret)
{
	struct revocations *table = calloc(1, sizeof(*table));
	size_t n_places = 16;
	while (n_places < n_max * 2)
		n_places *= 2;
	if (table)
		table->places = calloc(n_places, sizeof(*table->places));
	if (!table || !table->places) {
		free(table);
		return -ENOMEM;
	}
	shared_init(&table->shared, free_table);
	table->n_max = n_max;
	table->mask = n_places - 1;
	if (!secret_random(table->keys, sizeof(table->keys))) {
		revocations_unref(table);
		return -EIO;
	}
	*ret = table;
	return 0;
}

struct shared *revocations_shared(struct revocations *table)
{
	return table ? &table->shared : NULL;
}

const struct revocations *revocations_of(const struct shared *shared)
{
	return (const struct revocations *)shared;
}

void revocations_unref(struct revocations *table)
{
	shared_unref(revocations_shared(table));
}

/* The issuer's hash is part of the key of the name's, so no two pairs are one text. */
static uint64_t half(struct hash_key key, uint64_t issuer, enum revocation_kind kind,
                     struct sv name)
{
	return hash_sip13((struct hash_key){key.k0 ^ issuer, key.k1 ^ kind}, name);
}

static uint64_t issuer_hash(const struct revocations *table, struct sv issuer)
{
	return hash_sip13(table->keys[0], issuer);
}

/* Its place, or the empty one where it would be; one in two is empty, so the walk ends. */
static struct place *place_of(const struct revocations *table, uint64_t low, uint64_t high)
{
	size_t i = low & table->mask;
	while (table->places[i].expires_s &&
	       (table->places[i].low != low || table->places[i].high != high))
		i = (i + 1) & table->mask;
	return &table->places[i];
}

int revocations_add(struct revocations *table, const struct revocation *r)
{
	uint64_t issuer = issuer_hash(table, r->issuer);
	uint64_t low = half(table->keys[1], issuer, r->kind, r->name);
	uint64_t high = half(table->keys[2], issuer, r->kind, r->name);
	struct place *place = place_of(table, low, high);
	if (r->expires_s <= 0)
		return 0; /* over before time began; and 0 is how empty looks */
	if (!place->expires_s) {
		if (table->n == table->n_max)
			return -ENOSPC;
		table->n++;
		table->n_of[r->kind]++;
		*place = (struct place){.low = low, .high = high};
	}
	place->until_s = r->until_s > place->until_s ? r->until_s : place->until_s;
	place->expires_s = r->expires_s > place->expires_s ? r->expires_s : place->expires_s;
	return 0;
}

/* The second half is only made where the first fits, which it hardly ever does. */
static const struct place *find(const struct revocations *table, uint64_t issuer,
                                enum revocation_kind kind, struct sv name)
{
	uint64_t low = half(table->keys[1], issuer, kind, name), high = 0;
	bool has_high = false;
	for (size_t i = low & table->mask; table->places[i].expires_s; i = (i + 1) & table->mask) {
		if (table->places[i].low != low)
			continue;
		if (!has_high)
			high = half(table->keys[2], issuer, kind, name);
		has_high = true;
		if (table->places[i].high == high)
			return &table->places[i];
	}
	return NULL;
}

/* A credential that does not say when it was issued may have been issued before. */
static bool covers(const struct place *place, enum revocation_kind kind, const struct identity *who,
                   int64_t now_s)
{
	if (!place || now_s >= place->expires_s)
		return false;
	return !revocation_has_moment(kind) || who->issued_at <= place->until_s;
}

bool revocations_hold(const struct revocations *table, const struct identity *who, int64_t now_s)
{
	if (!table || table->n == 0)
		return false;
	/* what a table does not hold once it never will: time only ends revocations */
	if (who->clear_of && *who->clear_of == table->shared.generation)
		return false;
	const struct sv names[] = {
		[REVOCATION_TOKEN] = who->token_id,     [REVOCATION_SUBJECT] = who->subject,
		[REVOCATION_CLIENT] = who->client,      [REVOCATION_KEY] = who->key_id,
		[REVOCATION_SESSION] = who->session_id,
	};
	static_assert(ARRAY_LEN(names) == REVOCATION_KIND_COUNT, "one name a kind");
	uint64_t issuer = issuer_hash(table, who->issuer);
	for (unsigned kind = 0; kind < REVOCATION_KIND_COUNT; kind++) {
		if (names[kind].n == 0 || table->n_of[kind] == 0)
			continue;
		const struct place *place =
			find(table, issuer, (enum revocation_kind)kind, names[kind]);
		if (covers(place, (enum revocation_kind)kind, who, now_s))
			return true;
	}
	if (who->clear_of)
		*who->clear_of = table->shared.generation;
	return false;
}

size_t revocations_bytes(const struct revocations *table)
{
	return table ? sizeof(*table) + (table->mask + 1) * sizeof(*table->places) : 0;
}
