/* The Merkle tree over the records of a book: leaf number seq - 1 is record seq in its plain form, behind its number.
 * source: RFC 9162 2.1 (leaf 0x00, node 0x01, SHA-256) */
#ifndef AUDIT_MERKLE_H
#define AUDIT_MERKLE_H

#include "core/hash.h"
#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MERKLE_PATH_MAX = 64 }; /* hashes of one proof: a tree of 2^64 leaves is no higher */

struct merkle_hash {
	uint8_t bytes[SHA256_BYTES];
};

/* merkle_leaf - the hash of one record.
 * returns false when OpenSSL fails */
MUST_CHECK bool merkle_leaf(struct sha256 *sha, uint64_t seq, struct sv record,
                            struct merkle_hash *ret);

/* A tree that grows leaf by leaf; only the whole subtrees at its edge are kept. Zero is the empty tree. */
struct merkle_tree {
	uint64_t n;                               /* leaves */
	struct merkle_hash edge[MERKLE_PATH_MAX]; /* the largest subtree first */
	unsigned n_edge;
};
MUST_CHECK bool merkle_add(struct merkle_tree *tree, struct sha256 *sha,
                           const struct merkle_hash *leaf);
/* merkle_root - of all leaves so far; of none it is the hash of nothing. */
MUST_CHECK bool merkle_root(const struct merkle_tree *tree, struct sha256 *sha,
                            struct merkle_hash *ret);

/* Leaves [first, end), whose root is one hash of a proof. */
struct merkle_range {
	uint64_t first, end;
};
struct merkle_plan {
	struct merkle_range ranges[MERKLE_PATH_MAX]; /* in the order of the proof; none overlap */
	unsigned n;
};
/* merkle_plan_inclusion - what proves that leaf `index` is among the first `size`; index < size.
 * merkle_plan_consistency - what proves that the first `old` of `size` are unchanged; 0 < old <= size.
 * source: RFC 9162 2.1.3.1, 2.1.4.1 */
void merkle_plan_inclusion(uint64_t index, uint64_t size, struct merkle_plan *ret);
void merkle_plan_consistency(uint64_t old, uint64_t size, struct merkle_plan *ret);

/* merkle_check_inclusion, merkle_check_consistency - whether the hashes prove it.
 * in      hashes: from outside, any number of them
 * returns false also for what cannot be: an index outside, an old tree that is empty or larger
 * source: RFC 9162 2.1.3.2, 2.1.4.2 */
MUST_CHECK bool merkle_check_inclusion(struct sha256 *sha, uint64_t index, uint64_t size,
                                       const struct merkle_hash *leaf,
                                       const struct merkle_hash *hashes, size_t n,
                                       const struct merkle_hash *root);
MUST_CHECK bool merkle_check_consistency(struct sha256 *sha, uint64_t old, uint64_t size,
                                         const struct merkle_hash *old_root,
                                         const struct merkle_hash *hashes, size_t n,
                                         const struct merkle_hash *root);

#endif
