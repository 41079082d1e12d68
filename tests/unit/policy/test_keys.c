#include "authn/authn.h"
#include "policy/keys.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <stdlib.h>

/* A fetcher that fetches when it is told to. */
struct fake {
	policy_keys_done_fn *done;
	void *done_user;
	unsigned n_watches, n_unwatched, n_kicks;
	int refuses; /* errno of watch */
};

static int fake_watch(void *user, const char *url, policy_keys_done_fn *done, void *done_user,
                      void **ret_watch)
{
	struct fake *fake = user;
	assert_true(sv_starts(sv_of(url), SVL("https://")));
	if (fake->refuses)
		return fake->refuses;
	fake->done = done;
	fake->done_user = done_user;
	fake->n_watches++;
	*ret_watch = fake;
	return 0;
}

static void fake_kick(void *user, void *watch)
{
	assert_ptr_equal(user, watch);
	((struct fake *)user)->n_kicks++;
}

static void fake_unwatch(void *user, void *watch)
{
	assert_ptr_equal(user, watch);
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

/* RFC 7517 A.1, the elliptic key */
static const struct sv good_set =
	SV("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
           "\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPA"
           "qv7D4\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\",\"kid\":\"1\"}]}");

static const char text[] =
	"{\"issuers\":[{\"issuer\":\"https://idp\",\"jwksUri\":\"https://idp/keys\"}]}";

static struct policy *load_over(struct policy_keys *keys)
{
	const struct policy_env env = {.keys = keys};
	struct policy *policy = NULL;
	assert_int_equal(policy_load(sv_of(text), &env, 1, NULL, &policy), 0);
	return policy;
}

static struct keyslot *slot_of(const struct policy *policy)
{
	return authn_issuer(policy_authn(policy), 0)->keys;
}

static void look(void *user, const struct policy_keys_status *status)
{
	struct policy_keys_status *copy = user;
	copy->n_keys = status->n_keys;
	copy->fetched_at = status->fetched_at;
	copy->error = status->error[0] ? "failed" : "";
}

static void a_reloaded_set_finds_its_keys_at_once(void **state)
{
	(void)state;
	struct fake fake = {0};
	struct policy_keys *keys = registry_over(&fake);
	struct policy *first = load_over(keys);
	assert_int_equal(keyslot_generation(slot_of(first)), 0);
	assert_true(fake.done(fake.done_user, good_set, NULL));
	assert_int_equal(keyslot_generation(slot_of(first)), 1);

	struct policy *second = load_over(keys);
	assert_ptr_equal(slot_of(second), slot_of(first));
	policy_unref(first);
	assert_int_equal(keyslot_generation(slot_of(second)), 1);
	assert_int_equal(fake.n_watches, 1);
	assert_int_equal(fake.n_unwatched, 0);
	policy_unref(second);
	assert_int_equal(fake.n_unwatched, 1);
	policy_keys_free(keys);
}

static void a_failed_fetch_changes_nothing(void **state)
{
	(void)state;
	struct fake fake = {0};
	struct policy_keys_status status;
	struct policy_keys *keys = registry_over(&fake);
	struct policy *policy = load_over(keys);
	assert_true(fake.done(fake.done_user, good_set, NULL));
	assert_false(fake.done(fake.done_user, (struct sv){0}, "no answer"));
	assert_false(fake.done(fake.done_user, SVL("<html>"), NULL));
	assert_false(fake.done(fake.done_user, SVL("{\"keys\":[]}"), NULL));
	assert_int_equal(keyslot_generation(slot_of(policy)), 1);
	policy_keys_each(keys, look, &status);
	assert_int_equal(status.n_keys, 1);
	assert_true(status.fetched_at > 0);
	assert_string_equal(status.error, "failed");
	assert_true(fake.done(fake.done_user, good_set, NULL));
	policy_keys_each(keys, look, &status);
	assert_string_equal(status.error, "");
	policy_unref(policy);
	policy_keys_free(keys);
}

static void an_unknown_key_asks_for_a_fetch(void **state)
{
	(void)state;
	struct fake fake = {0};
	struct policy_keys *keys = registry_over(&fake);
	struct policy *policy = load_over(keys);
	keyslot_want(slot_of(policy));
	keyslot_want(slot_of(policy));
	assert_int_equal(fake.n_kicks, 1);
	assert_false(fake.done(fake.done_user, (struct sv){0}, "no answer"));
	keyslot_want(slot_of(policy));
	assert_int_equal(fake.n_kicks, 2);
	policy_unref(policy);
	policy_keys_free(keys);
}

static void a_url_that_may_not_be_fetched_fails_the_load(void **state)
{
	(void)state;
	struct fake fake = {.refuses = -EPERM};
	struct policy_keys *keys = registry_over(&fake);
	const struct policy_env env = {.keys = keys};
	struct policy *policy = NULL;
	struct diag d = diag_over(NULL, sv_of(text));
	assert_int_equal(policy_load(sv_of(text), &env, 1, &d, &policy), -EINVAL);
	assert_int_equal(d.n, 1);
	assert_string_equal(d.items[0].pointer, "/issuers/0/jwksUri");
	diag_fini(&d);
	policy_keys_free(keys);
}

static void a_set_that_fails_gives_its_keys_back(void **state)
{
	(void)state;
	static const char bad[] = "{\"issuers\":[{\"issuer\":\"https://idp\",\"jwksUri\":"
				  "\"https://idp/keys\"}],\"policies\":[{}]}";
	struct fake fake = {0};
	struct policy_keys *keys = registry_over(&fake);
	const struct policy_env env = {.keys = keys};
	struct policy *policy = NULL;
	assert_int_equal(policy_load(sv_of(bad), &env, 1, NULL, &policy), -EINVAL);
	assert_int_equal(fake.n_watches, 1);
	assert_int_equal(fake.n_unwatched, 1);
	policy_keys_free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reloaded_set_finds_its_keys_at_once),
		cmocka_unit_test(a_failed_fetch_changes_nothing),
		cmocka_unit_test(an_unknown_key_asks_for_a_fetch),
		cmocka_unit_test(a_url_that_may_not_be_fetched_fails_the_load),
		cmocka_unit_test(a_set_that_fails_gives_its_keys_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
