/* What a verified token's entry holds, and everything that ends it. */
#include "authn/keyslot.h"
#include "authn/tokencache.h"
#include "core/macros.h"
#include "support/cmocka_prelude.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { NOW = 1000, POLICY = 7 };

struct desk {
	struct tokencache *cache;
	struct keyslot *keys;
	json_t *claims;
};

static int set_up(void **state)
{
	static struct desk desk;
	desk = (struct desk){tokencache_new(16), keyslot_new(NULL, NULL), json_object()};
	assert_true(desk.cache && desk.keys && desk.claims);
	*state = &desk;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *desk = *state;
	tokencache_free(desk->cache);
	keyslot_unref(desk->keys);
	json_decref(desk->claims);
	return 0;
}

static void digest_of(struct desk *desk, struct sv text, uint8_t digest[SHA256_BYTES])
{
	const struct credential credential = {CREDENTIAL_BEARER, PLACE_BIT(PLACE_BEARER), text};
	assert_true(tokencache_digest(desk->cache, &credential, digest));
}

static const struct identity *put(struct desk *desk, const char *token, const char *user)
{
	uint8_t digest[SHA256_BYTES];
	const struct identity who = {
		.method = AUTH_JWT, .user = sv_of(user), .claims = desk->claims};
	digest_of(desk, sv_of(token), digest);
	return tokencache_put(desk->cache, digest, POLICY, desk->keys,
	                      keyslot_generation(desk->keys), NOW + 10, &who);
}

static const struct identity *find(struct desk *desk, const char *token, uint64_t policy,
                                   int64_t now_s)
{
	uint8_t digest[SHA256_BYTES];
	digest_of(desk, sv_of(token), digest);
	return tokencache_find(desk->cache, digest, policy, now_s);
}

/* The caller's texts and lists may go: the entry has its own. */
static void an_entry_is_a_copy(void **state)
{
	struct desk *desk = *state;
	char text[] = "anna issuer subject issuer/subject client g1 g2 s aud";
	struct sv words[9], rest = sv_of(text);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		assert_true(sv_cut(&rest, ' ', &words[i]));
	struct sv groups[] = {words[5], words[6]}, scopes[] = {words[7]}, audiences[] = {words[8]};
	const struct identity who = {.method = AUTH_JWT,
	                             .user = words[0],
	                             .issuer = words[1],
	                             .subject = words[2],
	                             .principal = words[3],
	                             .client = words[4],
	                             .groups = groups,
	                             .n_groups = 2,
	                             .scopes = scopes,
	                             .n_scopes = 1,
	                             .audiences = audiences,
	                             .n_audiences = 1,
	                             .claims = desk->claims,
	                             .expires_at = NOW + 10};
	uint8_t digest[SHA256_BYTES];
	digest_of(desk, SVL("t"), digest);
	const struct identity *kept =
		tokencache_put(desk->cache, digest, POLICY, desk->keys, 0, NOW + 10, &who);
	assert_non_null(kept);
	memset(text, 'x', sizeof(text));
	memset(groups, 0, sizeof(groups));
	memset(scopes, 0, sizeof(scopes));
	memset(audiences, 0, sizeof(audiences));
	assert_ptr_equal(find(desk, "t", POLICY, NOW), kept);
	assert_true(sv_eq(kept->user, SVL("anna")) && sv_eq(kept->issuer, SVL("issuer")) &&
	            sv_eq(kept->subject, SVL("subject")) &&
	            sv_eq(kept->principal, SVL("issuer/subject")) &&
	            sv_eq(kept->client, SVL("client")));
	assert_true(kept->n_groups == 2 && sv_eq(kept->groups[0], SVL("g1")) &&
	            sv_eq(kept->groups[1], SVL("g2")));
	assert_true(kept->n_scopes == 1 && sv_eq(kept->scopes[0], SVL("s")));
	assert_true(kept->n_audiences == 1 && sv_eq(kept->audiences[0], SVL("aud")));
	assert_ptr_equal(kept->claims, desk->claims);
	assert_int_equal(kept->expires_at, NOW + 10);
}

static void the_claims_are_held_as_long_as_the_entry(void **state)
{
	struct desk *desk = *state;
	assert_int_equal(desk->claims->refcount, 1);
	assert_non_null(put(desk, "a", "anna"));
	assert_int_equal(desk->claims->refcount, 2);
	assert_non_null(put(desk, "a", "anna")); /* in its own place */
	assert_int_equal(desk->claims->refcount, 2);
	assert_null(find(desk, "a", POLICY, NOW + 10));
	assert_int_equal(desk->claims->refcount, 1);
}

static void it_ends_at_its_second(void **state)
{
	struct desk *desk = *state;
	assert_non_null(put(desk, "a", "anna"));
	assert_non_null(find(desk, "a", POLICY, NOW - 100000)); /* a clock that was set back */
	assert_non_null(find(desk, "a", POLICY, NOW + 9));
	assert_null(find(desk, "a", POLICY, NOW + 10));
	assert_null(find(desk, "a", POLICY, NOW)); /* and does not come back */
}

static void it_ends_with_the_policy_and_with_the_keys(void **state)
{
	struct desk *desk = *state;
	assert_non_null(put(desk, "a", "anna"));
	assert_null(find(desk, "a", POLICY + 1, NOW));
	assert_null(find(desk, "a", POLICY, NOW));
	assert_non_null(put(desk, "a", "anna"));
	keyslot_publish(desk->keys, jwks_empty());
	assert_null(find(desk, "a", POLICY, NOW));
	assert_non_null(put(desk, "a", "anna"));
	assert_non_null(find(desk, "a", POLICY, NOW));
	keyslot_settle(desk->keys); /* a fetch that found nothing new ends nothing */
	assert_non_null(find(desk, "a", POLICY, NOW));
}

/* An issuer that is taken out of the policy set: its slot lives on in the entry, and no longer. */
static void it_outlives_who_had_the_slot(void **state)
{
	struct desk *desk = *state;
	assert_non_null(put(desk, "a", "anna"));
	keyslot_unref(desk->keys);
	assert_non_null(find(desk, "a", POLICY, NOW));
	assert_null(find(desk, "a", POLICY + 1, NOW)); /* frees it: the sanitizer counts */
	desk->keys = keyslot_new(NULL, NULL);
}

static void the_text_is_compared_whole(void **state)
{
	struct desk *desk = *state;
	assert_non_null(put(desk, "abc", "anna"));
	assert_null(find(desk, "abd", POLICY, NOW));
	assert_null(find(desk, "abc ", POLICY, NOW));
	assert_null(find(desk, "ab", POLICY, NOW));
	assert_null(find(desk, "", POLICY, NOW));
	assert_non_null(find(desk, "abc", POLICY, NOW));
	struct tokencache_counts counts = tokencache_counts(desk->cache);
	assert_true(counts.n_hits == 1 && counts.n_misses == 4);
}

/* Ten times what fits: no more is kept than fits, and each is its own. */
static void room_is_bounded_and_nothing_is_mixed_up(void **state)
{
	struct desk *desk = *state;
	unsigned n_found = 0;
	char token[16];
	for (int i = 0; i < 160; i++) {
		(void)snprintf(token, sizeof(token), "t%d", i);
		assert_non_null(put(desk, token, token));
		assert_non_null(find(desk, token, POLICY, NOW));
	}
	for (int i = 0; i < 160; i++) {
		(void)snprintf(token, sizeof(token), "t%d", i);
		const struct identity *who = find(desk, token, POLICY, NOW);
		n_found += who != NULL;
		assert_true(!who || sv_eq(who->user, sv_of(token)));
	}
	assert_true(n_found > 0 && n_found <= 16);
	assert_int_equal(desk->claims->refcount, 1 + n_found);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(an_entry_is_a_copy),
		TEST(the_claims_are_held_as_long_as_the_entry),
		TEST(it_ends_at_its_second),
		TEST(it_ends_with_the_policy_and_with_the_keys),
		TEST(it_outlives_who_had_the_slot),
		TEST(the_text_is_compared_whole),
		TEST(room_is_bounded_and_nothing_is_mixed_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
