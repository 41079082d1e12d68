#include "authn/authn.h"
#include "authn/endpoints.h"
#include "authn/keyslot.h"
#include "authn/login.h"
#include "policy/keys.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { WATCHES_MAX = 8 };

/* A fetcher that fetches when it is told to. */
struct fake {
	policy_keys_done_fn *done; /* of the last watch */
	void *done_user;
	unsigned n_watches, n_unwatched, n_kicks;
	int refuses;         /* errno of watch */
	const char *refused; /* a URL that is not fetched; NULL: none */
	struct fake_watch {
		char url[128]; /* "": it has ended */
		policy_keys_done_fn *done;
		void *done_user;
		unsigned n_kicks;
	} watches[WATCHES_MAX];
};

static int fake_watch(void *user, const char *url, policy_keys_done_fn *done, void *done_user,
                      void **ret_watch)
{
	struct fake *fake = user;
	assert_true(sv_starts(sv_of(url), SVL("https://")));
	if (fake->refuses)
		return fake->refuses;
	if (fake->refused && strcmp(url, fake->refused) == 0)
		return -EPERM;
	assert_true(fake->n_watches < WATCHES_MAX);
	struct fake_watch *watch = &fake->watches[fake->n_watches++];
	(void)snprintf(watch->url, sizeof(watch->url), "%s", url);
	watch->done = fake->done = done;
	watch->done_user = fake->done_user = done_user;
	*ret_watch = watch;
	return 0;
}

static void fake_kick(void *user, void *watch)
{
	((struct fake *)user)->n_kicks++;
	((struct fake_watch *)watch)->n_kicks++;
}

static void fake_unwatch(void *user, void *watch)
{
	((struct fake *)user)->n_unwatched++;
	((struct fake_watch *)watch)->url[0] = '\0';
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
	copy->set = status->set;
	copy->discovered_at = status->discovered_at;
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
	assert_non_null(status.set);
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

/* --- discovery --- */

static const char found_text[] = "{\"issuers\":[{\"issuer\":\"https://idp/r\"}]}";

#define OPENID "https://idp/r/.well-known/openid-configuration"
#define OAUTH  "https://idp/.well-known/oauth-authorization-server/r"

/* The watch of a URL that has not ended. */
static struct fake_watch *watch_of(struct fake *fake, const char *url)
{
	for (unsigned i = 0; i < fake->n_watches; i++)
		if (strcmp(fake->watches[i].url, url) == 0)
			return &fake->watches[i];
	return NULL;
}

static bool answer(struct fake *fake, const char *url, const char *body, const char *error)
{
	const struct fake_watch *watch = watch_of(fake, url);
	assert_non_null(watch);
	return watch->done(watch->done_user, sv_of(body), error);
}

static bool document(struct fake *fake, const char *url, const char *issuer, const char *jwks_uri)
{
	char body[256];
	(void)snprintf(body, sizeof(body), "{\"issuer\":\"%s\",\"jwks_uri\":\"%s\"}", issuer,
	               jwks_uri);
	return answer(fake, url, body, NULL);
}

struct found {
	struct fake fake;
	struct policy_keys *keys;
	struct policy *policy;
	struct policy_keys_status status;
};

static void begin(struct found *f)
{
	const struct policy_env env = {.keys = f->keys = registry_over(&f->fake)};
	assert_int_equal(policy_load(SVL(found_text), &env, 1, NULL, &f->policy), 0);
}

static void end(struct found *f)
{
	policy_unref(f->policy);
	assert_int_equal(f->fake.n_unwatched, f->fake.n_watches);
	policy_keys_free(f->keys);
}

static const struct policy_keys_status *status_of(struct found *f)
{
	assert_true(policy_keys_look(f->keys, slot_of(f->policy), look, &f->status));
	return &f->status;
}

static void keys_are_found_by_the_issuers_document(void **state)
{
	(void)state;
	struct found f = {0};
	begin(&f);
	assert_int_equal(f.fake.n_watches, 1);
	assert_true(document(&f.fake, OPENID, "https://idp/r", "https://idp/keys"));
	assert_true(answer(&f.fake, "https://idp/keys", good_set.at, NULL));
	assert_int_equal(keyslot_generation(slot_of(f.policy)), 1);
	assert_string_equal(status_of(&f)->error, "");
	assert_true(f.status.discovered_at > 0 && f.status.fetched_at > 0);
	assert_true(document(&f.fake, OPENID, "https://idp/r", "https://idp/keys"));
	assert_int_equal(f.fake.n_watches, 2); /* nothing moved */
	end(&f);
}

/* Another's document would lend us another's keys. */
static void a_document_of_another_issuer_finds_nothing(void **state)
{
	(void)state;
	struct found f = {0};
	begin(&f);
	assert_false(document(&f.fake, OPENID, "https://idp/r/", "https://evil/keys"));
	assert_null(watch_of(&f.fake, "https://evil/keys"));
	assert_string_equal(status_of(&f)->error, "failed");
	end(&f);
}

static void the_other_place_is_asked_while_the_first_has_nothing(void **state)
{
	(void)state;
	struct found f = {0};
	begin(&f);
	assert_false(answer(&f.fake, OPENID, "", "the answer has status 404"));
	assert_true(document(&f.fake, OAUTH, "https://idp/r", "https://idp/keys"));
	assert_true(answer(&f.fake, "https://idp/keys", good_set.at, NULL));
	assert_false(answer(&f.fake, OPENID, "", "the answer has status 404"));
	assert_string_equal(status_of(&f)->error, ""); /* one place is enough */
	assert_true(document(&f.fake, OPENID, "https://idp/r", "https://idp/keys"));
	assert_null(watch_of(&f.fake, OAUTH));
	assert_int_equal(keyslot_generation(slot_of(f.policy)), 1);
	end(&f);
}

static void keys_that_cannot_be_had_may_have_moved(void **state)
{
	(void)state;
	struct found f = {0};
	begin(&f);
	assert_true(document(&f.fake, OPENID, "https://idp/r", "https://idp/keys"));
	assert_true(answer(&f.fake, "https://idp/keys", good_set.at, NULL));
	unsigned n_kicks = watch_of(&f.fake, OPENID)->n_kicks;
	assert_false(answer(&f.fake, "https://idp/keys", "", "the answer has status 410"));
	assert_int_equal(watch_of(&f.fake, OPENID)->n_kicks, n_kicks + 1);
	assert_true(document(&f.fake, OPENID, "https://idp/r", "https://idp/keys2"));
	assert_null(watch_of(&f.fake, "https://idp/keys"));
	assert_int_equal(keyslot_generation(slot_of(f.policy)), 1); /* the old keys hold on */
	assert_false(answer(&f.fake, "https://idp/keys2", "<html>", NULL));
	assert_int_equal(keyslot_generation(slot_of(f.policy)), 1);
	assert_true(answer(&f.fake, "https://idp/keys2", good_set.at, NULL));
	assert_int_equal(keyslot_generation(slot_of(f.policy)), 2);
	end(&f);
}

/* A wish before anything is discovered goes to the document, and may be made again when it failed. */
static void a_wish_for_keys_asks_whoever_knows(void **state)
{
	(void)state;
	struct found f = {0};
	begin(&f);
	keyslot_want(slot_of(f.policy));
	keyslot_want(slot_of(f.policy));
	assert_int_equal(watch_of(&f.fake, OPENID)->n_kicks, 1);
	assert_false(answer(&f.fake, OPENID, "", "no answer"));
	keyslot_want(slot_of(f.policy));
	assert_int_equal(watch_of(&f.fake, OPENID)->n_kicks, 2);
	assert_true(document(&f.fake, OPENID, "https://idp/r", "https://idp/keys"));
	assert_true(answer(&f.fake, "https://idp/keys", good_set.at, NULL));
	keyslot_want(slot_of(f.policy));
	assert_int_equal(watch_of(&f.fake, "https://idp/keys")->n_kicks, 1);
	assert_int_equal(watch_of(&f.fake, OPENID)->n_kicks, 2);
	end(&f);
}

static void a_discovered_url_that_may_not_be_fetched_is_an_error(void **state)
{
	(void)state;
	struct found f = {.fake = {.refused = "https://internal/keys"}};
	begin(&f);
	assert_false(document(&f.fake, OPENID, "https://idp/r", "https://internal/keys"));
	assert_string_equal(status_of(&f)->error, "failed");
	assert_true(document(&f.fake, OPENID, "https://idp/r", "https://idp/keys"));
	assert_string_equal(status_of(&f)->error, "");
	end(&f);
}

/* --- where people sign in --- */

static bool says(struct fake *fake, const char *endpoints)
{
	char body[512];
	(void)snprintf(body, sizeof(body),
	               "{\"issuer\":\"https://idp/r\",\"jwks_uri\":\"https://idp/keys\"%s}",
	               endpoints);
	return answer(fake, OPENID, body, NULL);
}

static void expect_endpoints(const struct login *login, const char *authorization,
                             const char *token, const char *end_session)
{
	const char *wanted[] = {authorization, token, end_session};
	struct login_endpoints found;
	login_endpoints_get(login, &found);
	const char *got[] = {found.authorization, found.token, found.end_session};
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		assert_int_equal(!got[i], !wanted[i]);
		if (wanted[i])
			assert_string_equal(got[i], wanted[i]);
	}
	login_endpoints_fini(&found);
}

static void endpoints_are_found_by_the_same_document(void **state)
{
	(void)state;
#define LOGIN(more) \
	"\"issuer\":\"https://idp/r\",\"hosts\":[\"a.example\"],\"clientId\":\"c\"," more
	static const char set[] = "{\"issuers\":[{\"issuer\":\"https://idp/"
				  "r\"}],\"logins\":[{\"name\":\"found\"," LOGIN(
					  "\"session\":{\"cookie\":"
					  "\"a\"}") "},{\"name\":"
						    "\"own\"," LOGIN("\"tokenEn"
	                                                             "dpoint\":"
	                                                             "\"https:/"
	                                                             "/own/"
	                                                             "t\","
	                                                             "\"callbac"
	                                                             "kPath\":"
	                                                             "\"/c\","
	                                                             "\"logoutP"
	                                                             "ath\":\"/"
	                                                             "l\"") "}]"
									    "}";
#undef LOGIN
	struct fake fake = {0};
	struct policy_keys *keys = registry_over(&fake);
	const struct policy_env env = {.keys = keys};
	struct policy *policy = NULL;
	assert_int_equal(policy_load(SVL(set), &env, 1, NULL, &policy), 0);
	const struct login *login = logins_named(policy_login_set(policy), SVL("found"));
	const struct login *own = logins_named(policy_login_set(policy), SVL("own"));
	expect_endpoints(login, NULL, NULL, NULL);
	expect_endpoints(own, NULL, "https://own/t", NULL);
	assert_true(says(&fake, ",\"authorization_endpoint\":\"https://idp/a\",\"token_endpoint\":"
	                        "\"https://idp/t\",\"end_session_endpoint\":\"https://idp/e\""));
	expect_endpoints(login, "https://idp/a", "https://idp/t", "https://idp/e");
	expect_endpoints(own, "https://idp/a", "https://own/t", "https://idp/e");
	/* a failure or another's document changes nothing; a new one counts, without what leaves TLS */
	assert_false(answer(&fake, OPENID, "", "no answer"));
	assert_false(document(&fake, OPENID, "https://evil", "https://idp/keys"));
	expect_endpoints(login, "https://idp/a", "https://idp/t", "https://idp/e");
	assert_true(says(&fake, ",\"authorization_endpoint\":\"http://idp/a\",\"token_endpoint\":"
	                        "\"https://idp/t2\""));
	expect_endpoints(login, NULL, "https://idp/t2", NULL);
	policy_unref(policy);
	policy_keys_free(keys);
}

static void keys_that_are_left_out_are_named(void **state)
{
	(void)state;
	struct fake fake = {0};
	struct policy_keys *keys = registry_over(&fake);
	struct policy *policy = load_over(keys);
	char set[512];
	(void)snprintf(set, sizeof(set),
	               "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"s\",\"k\":\"AAAA\"},%s",
	               strchr(good_set.at, '[') + 1);
	assert_true(fake.done(fake.done_user, sv_of(set), NULL));
	struct jwks *now = keyslot_get(slot_of(policy));
	assert_int_equal(now->n, 1);
	assert_int_equal(now->n_unusable, 1);
	assert_string_equal(now->unusable[0].kid, "s");
	assert_non_null(strstr(now->unusable[0].why, "local files"));
	jwks_unref(now);
	policy_unref(policy);
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
		cmocka_unit_test(keys_are_found_by_the_issuers_document),
		cmocka_unit_test(a_document_of_another_issuer_finds_nothing),
		cmocka_unit_test(the_other_place_is_asked_while_the_first_has_nothing),
		cmocka_unit_test(keys_that_cannot_be_had_may_have_moved),
		cmocka_unit_test(a_wish_for_keys_asks_whoever_knows),
		cmocka_unit_test(a_discovered_url_that_may_not_be_fetched_is_an_error),
		cmocka_unit_test(endpoints_are_found_by_the_same_document),
		cmocka_unit_test(keys_that_are_left_out_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
