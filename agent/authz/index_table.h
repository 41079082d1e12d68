/* The table behind the index: keys, slots and what they hold. Internal to this folder. */
#ifndef AUTHZ_INDEX_TABLE_H
#define AUTHZ_INDEX_TABLE_H

#include "authz/index.h"
#include "core/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every way to reach rules is one 64-bit key into one open-addressing table: the whole path, a prefix
 * or suffix of it, the host, a node of the template trie, and each of these with a caller beside it.
 * Keys are hashes and not compared further: two that collide share their rules, which only makes more
 * candidates. Only the operator fills the table, so its keys need no secret.
 */
enum key_kind {
	KEY_EXACT = 1,
	KEY_PREFIX,
	KEY_SUFFIX,
	KEY_HOST,
	KEY_ALWAYS,
	KEY_NODE,    /* the trie's root; other nodes follow from it */
	KEY_LITERAL, /* child by segment */
	KEY_STAR,    /* child for any one segment */
	KEY_END,     /* rules whose template ends at the node */
	KEY_REST,    /* rules whose template has {**} at the node */
	KEY_WORKLOAD,
	KEY_USER,
	KEY_ALL,     /* every rule of the space */
	KEY_PROFILE, /* what kinds of keys the space has: no entries, start counts profiles */
	KEY_SPACE,
	KEY_ROLE,
};

enum slot_flag {
	SLOT_USED = 1,
	SLOT_SUBJECTS = 2, /* more entries stand under this key and a caller */
	SLOT_STAR = 4,
	SLOT_LITERAL = 8,
};

struct slot {
	uint64_t key;
	uint32_t start;
	uint32_t n : 28;
	uint32_t flags : 4;
};

/* An entry on its way into the table. */
struct record {
	uint64_t key;
	uint64_t facet;   /* equal for operations that differ in nothing but path and caller */
	uint64_t subject; /* key of the caller; 0: any */
	uint32_t rule;
	uint16_t methods;
	uint8_t node_flags; /* for a node of the trie: no entry, only flags */
};

/* Which look-ups can find anything in a space: each one left out is a cache miss saved. */
struct profile {
	uint64_t key;
	uint64_t prefix_lengths; /* bit n % 64: some prefix is n bytes long */
	uint64_t suffix_lengths;
	bool has_templates, has_hosts, has_always, has_exact;
};

struct authz_index {
	struct slot *slots;
	size_t mask;
	struct authz_entry *entries;
	struct profile *profiles;
	size_t n_profiles, room_profiles;
	bool has_roles; /* some rules stand under a role */

	struct record *records; /* until sealed */
	size_t n_records, room_records;
};

/* ---- keys ---- */

/* source: MurmurHash3's 64-bit finaliser, public domain */
static inline uint64_t mix(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdU;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53U;
	h ^= h >> 33;
	return h;
}

static inline uint64_t key_of(enum key_kind kind, uint64_t a, uint64_t b)
{
	return mix(mix(a + (uint64_t)kind * 0x9e3779b97f4a7c15U) ^ b);
}

static inline uint64_t step(uint64_t h, char c)
{
	return (h ^ (uint8_t)c) * 0x100000001b3U;
}

static inline uint64_t hash_folded(struct sv text)
{
	uint64_t h = hash_fnv1a((struct sv){0});
	for (size_t i = 0; i < text.n; i++)
		h = step(h, sv_lower_char(text.at[i]));
	return h;
}

static inline uint64_t hash_reversed(struct sv text)
{
	uint64_t h = hash_fnv1a((struct sv){0});
	for (size_t i = text.n; i > 0; i--)
		h = step(h, text.at[i - 1]);
	return h;
}

static inline uint64_t root_key(uint64_t space)
{
	return key_of(KEY_NODE, space, 0);
}

static inline uint64_t child_key(uint64_t node, struct sv segment)
{
	return key_of(KEY_LITERAL, node, hash_fnv1a(segment));
}

/* ---- methods ---- */

enum { METHOD_OTHER = 1 << 15, METHOD_ANY = 0xffff };

static inline uint16_t method_bit(struct sv method)
{
	static const struct sv methods[] = {SV("GET"),     SV("HEAD"),    SV("POST"),
	                                    SV("PUT"),     SV("DELETE"),  SV("PATCH"),
	                                    SV("OPTIONS"), SV("CONNECT"), SV("TRACE")};
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (sv_eq(methods[i], method))
			return (uint16_t)(1U << i);
	return METHOD_OTHER;
}

static inline struct slot *slot_for(const struct authz_index *index, uint64_t key)
{
	size_t i = key & index->mask;
	while (index->slots[i].flags && index->slots[i].key != key)
		i = (i + 1) & index->mask;
	return &index->slots[i];
}

#endif
