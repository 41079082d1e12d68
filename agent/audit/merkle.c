#include "audit/merkle.h"

#include "core/outbuf.h"

#include <assert.h>
#include <string.h>

static struct sv hash_sv(const struct merkle_hash *hash)
{
	return (struct sv){(const char *)hash->bytes, sizeof(hash->bytes)};
}

static bool same(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool node(struct sha256 *sha, const struct merkle_hash *left,
                 const struct merkle_hash *right, struct merkle_hash *ret)
{
	struct sv parts[] = {{"\1", 1}, hash_sv(left), hash_sv(right)};
	return sha256_parts(sha, parts, ARRAY_LEN(parts), ret->bytes);
}

bool merkle_leaf(struct sha256 *sha, uint64_t seq, struct sv record, struct merkle_hash *ret)
{
	uint8_t number[8];
	struct outbuf out = outbuf_over(number, sizeof(number));
	outbuf_u64be(&out, seq);
	struct sv parts[] = {{"\0", 1}, outbuf_sv(&out), record};
	return sha256_parts(sha, parts, ARRAY_LEN(parts), ret->bytes);
}

bool merkle_add(struct merkle_tree *tree, struct sha256 *sha, const struct merkle_hash *leaf)
{
	struct merkle_hash top = *leaf;
	/* As many subtrees are completed as the old number has ones at its end. */
	for (uint64_t n = tree->n; n & 1; n >>= 1)
		if (!node(sha, &tree->edge[--tree->n_edge], &top, &top))
			return false;
	tree->edge[tree->n_edge++] = top;
	tree->n++;
	return true;
}

bool merkle_root(const struct merkle_tree *tree, struct sha256 *sha, struct merkle_hash *ret)
{
	if (tree->n_edge == 0)
		return sha256_parts(sha, NULL, 0, ret->bytes);
	*ret = tree->edge[tree->n_edge - 1];
	for (unsigned i = tree->n_edge - 1; i-- > 0;)
		if (!node(sha, &tree->edge[i], ret, ret))
			return false;
	return true;
}

/* ---- what is to be proved ---- */

/* The largest power of two below n; n > 1. */
static uint64_t split(uint64_t n)
{
	return 1ULL << (63 - __builtin_clzll(n - 1));
}

/* The proof names the sibling next to the leaf first: what is found from the root down, turned around. */
static void turn_around(struct merkle_plan *plan)
{
	for (unsigned i = 0; i < plan->n / 2; i++) {
		struct merkle_range kept = plan->ranges[i];
		plan->ranges[i] = plan->ranges[plan->n - 1 - i];
		plan->ranges[plan->n - 1 - i] = kept;
	}
}

/* One level down, to the half that leaf `index` is in; the other half becomes part of the proof.
 * returns whether it was the right one */
static bool descend(struct merkle_range *at, uint64_t index, struct merkle_plan *plan)
{
	uint64_t middle = at->first + split(at->end - at->first);
	bool right = index >= middle;
	plan->ranges[plan->n++] = right ? (struct merkle_range){at->first, middle}
	                                : (struct merkle_range){middle, at->end};
	*(right ? &at->first : &at->end) = middle;
	return right;
}

void merkle_plan_inclusion(uint64_t index, uint64_t size, struct merkle_plan *ret)
{
	struct merkle_range at = {0, size};
	assert(index < size);
	ret->n = 0;
	while (at.end - at.first > 1) {
		(void)descend(&at, index, ret);
	}
	turn_around(ret);
}

void merkle_plan_consistency(uint64_t old, uint64_t size, struct merkle_plan *ret)
{
	struct merkle_range at = {0, size};
	bool is_known = true; /* the subtree at hand is the old tree itself */
	assert(old > 0 && old <= size);
	ret->n = 0;
	while (at.end != old) {
		is_known = !descend(&at, old - 1, ret) && is_known;
	}
	if (!is_known)
		ret->ranges[ret->n++] = at;
	turn_around(ret);
}

/* ---- checking ---- */

/* To the level of the next hash: the last node of an incomplete tree first climbs until it is somebody's right side. */
static void climb(uint64_t *at, uint64_t *last, bool is_right)
{
	for (; is_right && !(*at & 1) && *at != 0; *at >>= 1)
		*last >>= 1;
	*at >>= 1;
	*last >>= 1;
}

bool merkle_check_inclusion(struct sha256 *sha, uint64_t index, uint64_t size,
                            const struct merkle_hash *leaf, const struct merkle_hash *hashes,
                            size_t n, const struct merkle_hash *root)
{
	if (index >= size)
		return false;
	uint64_t at = index, last = size - 1;
	struct merkle_hash top = *leaf;
	for (size_t i = 0; i < n; i++) {
		bool is_right = (at & 1) || at == last;
		if (last == 0 || !(is_right ? node(sha, &hashes[i], &top, &top)
		                            : node(sha, &top, &hashes[i], &top)))
			return false;
		climb(&at, &last, is_right);
	}
	return last == 0 && same(&top, root);
}

bool merkle_check_consistency(struct sha256 *sha, uint64_t old, uint64_t size,
                              const struct merkle_hash *old_root, const struct merkle_hash *hashes,
                              size_t n, const struct merkle_hash *root)
{
	if (old == 0 || old > size)
		return false;
	if (old == size)
		return n == 0 && same(old_root, root);
	bool is_known = (old & (old - 1)) == 0;
	if (n == 0 && !is_known)
		return false;
	uint64_t at = old - 1, last = size - 1;
	for (; at & 1; at >>= 1)
		last >>= 1;
	struct merkle_hash then = is_known ? *old_root : hashes[0], now = then;
	for (size_t i = is_known ? 0 : 1; i < n; i++) {
		bool is_right = (at & 1) || at == last;
		if (last == 0)
			return false;
		if (is_right ? !node(sha, &hashes[i], &then, &then) ||
		                       !node(sha, &hashes[i], &now, &now)
		             : !node(sha, &now, &hashes[i], &now))
			return false;
		climb(&at, &last, is_right);
	}
	return last == 0 && same(&then, old_root) && same(&now, root);
}
