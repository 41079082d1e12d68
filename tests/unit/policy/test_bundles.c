/* Bundles of trust domains by URL: fetched, kept, and given up. */
#include "authn/authn.h"
#include "authn/trustslot.h"
#include "policy/keys.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <stdio.h>

/* A fetcher that fetches when it is told to: one document for each watch, the last one at hand. */
struct fake {
	policy_keys_done_fn *done;
	void *done_user;
	unsigned n_watches, n_unwatched, n_kicks;
};

static int fake_watch(void *user, const char *url, policy_keys_done_fn *done, void *done_user,
                      void **ret_watch)
{
	struct fake *fake = user;
	assert_string_equal(url, "https://spire.example/bundle");
	fake->done = done;
	fake->done_user = done_user;
	fake->n_watches++;
	*ret_watch = fake;
	return 0;
}

static void fake_kick(void *user, void *watch)
{
	(void)watch;
	((struct fake *)user)->n_kicks++;
}

static void fake_unwatch(void *user, void *watch)
{
	(void)watch;
	((struct fake *)user)->n_unwatched++;
}

static struct policy_keys *registry_over(struct fake *fake)
{
	const struct policy_keys_fetcher fetcher = {
		.watch = fake_watch, .kick = fake_kick, .unwatch = fake_unwatch, .user = fake};
	struct policy_keys *keys = NULL;
	assert_int_equal(policy_keys_new(&fetcher, &keys), 0);
	return keys;
}

/* An authority that nobody has the key of. */
#define X5C                                                                        \
	"MIIBjzCCATWgAwIBAgIUB+ARYewfdU8V4Kwf+yicUTR82v0wCgYIKoZIzj0EAwIwFDESMBAG" \
	"A1UEAwwJYXV0aG9yaXR5MCAXDTI2MTEyNTIzMDAwNVoYDzIxMjYxMTAxMjMwMDA1WjAUMRIw" \
	"EAYDVQQDDAlhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQnDVKxtiEN3t4M" \
	"JEcLy3ARqP79MRti3/CHCsi8+KOV2K2wcssf0XadplxkBnyJWrLDifECO61buwXzRfF2GVH6" \
	"o2MwYTAdBgNVHQ4EFgQU1rynmCba19ILqZoSb4HP4HDvgaUwHwYDVR0jBBgwFoAU1rynmCba" \
	"19ILqZoSb4HP4HDvgaUwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAgQwCgYIKoZI" \
	"zj0EAwIDSAAwRQIgaKs/M3BHuOqy3louBmaNPUpWPNme5tt7FoCpb/B5qzcCIQCZ68yPM+Yh" \
	"0v4gwcgIziIx1btBvT/c5J+EyhCnV+lKMQ=="

static bool fetched(const struct fake *fake, const char *sequence, const char *keys)
{
	char text[4096];
	(void)snprintf(text, sizeof(text), "{%s\"keys\":[%s]}", sequence, keys);
	return fake->done(fake->done_user, sv_of(text), NULL);
}
#define ANCHOR "{\"kty\":\"EC\",\"use\":\"x509-svid\",\"x5c\":[\"" X5C "\"]}"

static void look(void *user, const struct policy_keys_status *status)
{
	struct policy_keys_status *copy = user;
	copy->n_keys = status->n_keys;
	copy->error = status->error[0] ? "failed" : "";
}

static void good_bundles_are_kept(void **state)
{
	(void)state;
	struct fake fake = {0};
	struct policy_keys_status status;
	struct trustslot *slot;
	struct policy_keys *keys = registry_over(&fake);
	assert_int_equal(policy_bundles_acquire(keys, "https://spire.example/bundle", &slot), 0);
	assert_int_equal(trustslot_generation(slot), 0);
	assert_true(fetched(&fake, "\"spiffe_sequence\":7,", ANCHOR));
	assert_int_equal(trustslot_generation(slot), 1);
	/* none of these is better than what is there */
	assert_false(fake.done(fake.done_user, (struct sv){0}, "no answer"));
	assert_false(fake.done(fake.done_user, SVL("<html>"), NULL));
	assert_false(
		fetched(&fake, "", "{\"kty\":\"EC\",\"use\":\"x509-svid\",\"x5c\":[\"AAAA\"]}"));
	assert_false(fetched(&fake, "\"spiffe_sequence\":6,", ANCHOR));
	assert_int_equal(trustslot_generation(slot), 1);
	policy_keys_each(keys, look, &status);
	assert_int_equal(status.n_keys, 1);
	assert_string_equal(status.error, "failed");
	/* a domain may take all its authorities back */
	assert_true(fetched(&fake, "\"spiffe_sequence\":8,", ""));
	assert_int_equal(trustslot_generation(slot), 2);
	policy_keys_each(keys, look, &status);
	assert_int_equal(status.n_keys, 0);
	assert_string_equal(status.error, "");
	policy_bundles_release(keys, slot);
	assert_int_equal(fake.n_unwatched, 1);
	policy_keys_free(keys);
}

static void a_stranger_asks_for_a_fetch(void **state)
{
	(void)state;
	struct fake fake = {0};
	struct trustslot *slot;
	struct policy_keys *keys = registry_over(&fake);
	assert_int_equal(policy_bundles_acquire(keys, "https://spire.example/bundle", &slot), 0);
	trustslot_want(slot);
	trustslot_want(slot);
	assert_int_equal(fake.n_kicks, 1);
	assert_false(fake.done(fake.done_user, (struct sv){0}, "no answer"));
	trustslot_want(slot);
	assert_int_equal(fake.n_kicks, 2);
	policy_bundles_release(keys, slot);
	policy_keys_free(keys);
}

/* One watch however many policy sets name it, and another one for key sets: they are read differently. */
static void policy_sets_share_a_bundle(void **state)
{
	static const char text[] =
		"{\"trustDomains\":[{\"name\":\"example.org\",\"bundleUrl\":\"https://"
		"spire.example/bundle\"}],"
		"\"issuers\":[{\"issuer\":\"a\",\"jwksUri\":\"https://spire.example/bundle\"}]}";
	(void)state;
	struct fake fake = {0};
	struct policy_keys *keys = registry_over(&fake);
	const struct policy_env env = {.keys = keys};
	struct policy *first = NULL, *second = NULL;
	assert_int_equal(policy_load(sv_of(text), &env, 1, NULL, &first), 0);
	assert_int_equal(policy_load(sv_of(text), &env, 2, NULL, &second), 0);
	assert_int_equal(fake.n_watches, 2);
	assert_true(authn_has_trust_domains(policy_authn(first)));
	policy_unref(first);
	assert_int_equal(fake.n_unwatched, 0);
	policy_unref(second);
	assert_int_equal(fake.n_unwatched, 2);
	policy_keys_free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_bundles_are_kept),
		cmocka_unit_test(a_stranger_asks_for_a_fetch),
		cmocka_unit_test(policy_sets_share_a_bundle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
