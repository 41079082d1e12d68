/* Trees of every size up to 70: each proof that the plans make is accepted, and nothing near it. */
#include "audit/merkle.h"
#include "core/encode.h"
#include "support/cmocka_prelude.h"

#include <string.h>

enum { LEAVES = 70 };

static struct merkle_hash leaves[LEAVES];
static struct sha256 *sha;

static void root_of(uint64_t first, uint64_t end, struct merkle_hash *ret)
{
	struct merkle_tree tree = {0};
	for (uint64_t i = first; i < end; i++)
		assert_true(merkle_add(&tree, sha, &leaves[i]));
	assert_true(merkle_root(&tree, sha, ret));
}

static size_t hashes_of(const struct merkle_plan *plan, struct merkle_hash hashes[MERKLE_PATH_MAX])
{
	for (unsigned i = 0; i < plan->n; i++)
		root_of(plan->ranges[i].first, plan->ranges[i].end, &hashes[i]);
	return plan->n;
}

static void assert_hex(const struct merkle_hash *hash, const char *wanted)
{
	char text[2 * SHA256_BYTES + 1];
	(void)hex_encode((struct sv){(const char *)hash->bytes, SHA256_BYTES}, text);
	assert_string_equal(text, wanted);
}

/* The leaves and roots that implementations of RFC 6962 have in their tests since 2013. */
static void test_published_roots(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *root;
	} steps[] = {
		{"", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
		{"\0", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
		{"\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
		{"\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
	};
	struct merkle_tree tree = {0};
	struct merkle_hash hash;
	(void)state;
	assert_true(merkle_root(&tree, sha, &hash));
	assert_hex(&hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct sv parts[] = {{"\0", 1}, {steps[i].bytes, steps[i].n}};
		assert_true(sha256_parts(sha, parts, 2, hash.bytes));
		assert_true(merkle_add(&tree, sha, &hash));
		assert_true(merkle_root(&tree, sha, &hash));
		assert_hex(&hash, steps[i].root);
	}
}

static void check_one_inclusion(uint64_t index, uint64_t size)
{
	struct merkle_plan plan;
	struct merkle_hash hashes[MERKLE_PATH_MAX + 1], root;
	const struct merkle_hash *leaf = &leaves[index];
	merkle_plan_inclusion(index, size, &plan);
	size_t n = hashes_of(&plan, hashes);
	root_of(0, size, &root);
	assert_true(merkle_check_inclusion(sha, index, size, leaf, hashes, n, &root));
	assert_false(merkle_check_inclusion(sha, size, size, leaf, hashes, n, &root));
	assert_false(merkle_check_inclusion(sha, index, size, &leaves[(index + 1) % LEAVES], hashes,
	                                    n, &root));
	hashes[n] = root;
	assert_false(merkle_check_inclusion(sha, index, size, leaf, hashes, n + 1, &root));
	if (n == 0)
		return;
	assert_false(merkle_check_inclusion(sha, index, size, leaf, hashes, n - 1, &root));
	assert_false(merkle_check_inclusion(sha, index ^ 1, size, leaf, hashes, n, &root));
	hashes[n - 1].bytes[31] ^= 1;
	assert_false(merkle_check_inclusion(sha, index, size, leaf, hashes, n, &root));
}

static void test_inclusion(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= LEAVES; size++)
		for (uint64_t index = 0; index < size; index++)
			check_one_inclusion(index, size);
}

static void check_one_consistency(uint64_t old, uint64_t size)
{
	struct merkle_plan plan;
	struct merkle_hash hashes[MERKLE_PATH_MAX + 1], before, root, other;
	merkle_plan_consistency(old, size, &plan);
	size_t n = hashes_of(&plan, hashes);
	root_of(0, old, &before);
	root_of(0, size, &root);
	assert_true(merkle_check_consistency(sha, old, size, &before, hashes, n, &root));
	other = before;
	other.bytes[0] ^= 1;
	assert_false(merkle_check_consistency(sha, old, size, &other, hashes, n, &root));
	assert_false(merkle_check_consistency(sha, size + 1, size, &before, hashes, n, &root));
	assert_false(merkle_check_consistency(sha, 0, size, &before, hashes, n, &root));
	hashes[n] = root;
	assert_false(merkle_check_consistency(sha, old, size, &before, hashes, n + 1, &root));
	if (n == 0)
		return;
	assert_false(merkle_check_consistency(sha, old, size, &before, hashes, n - 1, &root));
	hashes[0].bytes[0] ^= 1;
	assert_false(merkle_check_consistency(sha, old, size, &before, hashes, n, &root));
}

static void test_consistency(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= LEAVES; size++)
		for (uint64_t old = 1; old <= size; old++)
			check_one_consistency(old, size);
}

static int set_up(void **state)
{
	(void)state;
	sha = sha256_new();
	for (uint64_t i = 0; i < LEAVES; i++)
		if (!sha || !merkle_leaf(sha, i + 1, SVL("a record"), &leaves[i]))
			return -1;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sha256_free(sha);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_roots),
		cmocka_unit_test(test_inclusion),
		cmocka_unit_test(test_consistency),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
